//! What a record of MARC 21, the format of Koha and of libraries abroad, says of a book.
//!
//! In: a record. Out: what it says, without the punctuation that ISBD sets at the end of a part.
//! Where a field is written twice, in Latin letters and in its own script (880), the latter counts,
//! which is what readers type. No I/O.

use super::iso2709::{DataField, Record, Said};
use super::names::Column;
use crate::catalogue::book::Holding;

/// Fields with people: main entries and added ones.
const PEOPLE: [&str; 4] = ["100", "110", "700", "710"];

/// What the record says.
pub(super) fn said(record: &Record) -> Said {
    let mut said = Said::default();
    for field in record.tagged("020") {
        field.all('a').for_each(|isbn| said.say(Column::Isbn, isbn));
        said.say(Column::Price, part(field.first('c')));
    }
    if let Some(field) = fields(record, "245").first() {
        titles(field, &mut said);
    }
    // Of 264, only those with 1 are about publishing.
    let published = fields(record, "264").into_iter().filter(|f| f.indicators.ends_with('1'));
    for field in published.chain(fields(record, "260")) {
        said.say(Column::Publisher, part(field.first('b')));
        said.say(Column::Pubdate, part(field.first('c')));
    }
    said.say(Column::Pages, record.first("300", 'a'));
    for tag in ["490", "440", "830"] {
        fields(record, tag)
            .iter()
            .for_each(|field| said.say(Column::Series, part(field.first('a'))));
    }
    fields(record, "520").iter().for_each(|field| said.say(Column::Summary, field.first('a')));
    for field in fields(record, "246").iter().chain(&fields(record, "765")) {
        said.say(
            Column::OriginTitle,
            part(field.first(if field.tag == "765" { 't' } else { 'a' })),
        );
    }
    people(record, &mut said);
    said.holding = holding(record);
    said
}

/// The fields of a tag: those of another script in their place.
fn fields<'a>(record: &'a Record, tag: &str) -> Vec<&'a DataField> {
    let own = |field: &&DataField| field.tag == "880" && field.first('6').starts_with(tag);
    let paired = record.0.iter().any(|field| own(&field));
    let plain = |field: &&DataField| field.tag == tag && (!paired || field.first('6').is_empty());
    record.0.iter().filter(own).chain(record.0.iter().filter(plain)).collect()
}

fn titles(field: &DataField, said: &mut Said) {
    said.say(Column::Title, sentence(field.first('a')));
    // `$b` after ` = ` is the title in another language.
    let parallel = field.first('a').ends_with('=');
    let column = if parallel { Column::OriginTitle } else { Column::Subtitle };
    said.say(column, sentence(field.first('b')));
    let volumes: Vec<_> = field.of("np").map(|(_, text)| sentence(text)).collect();
    said.say(Column::Volume, volumes.join(" "));
}

/// A part of a field without the punctuation that leads to the next.
fn part(text: &str) -> &str {
    let bare = text.trim().trim_end_matches(|c: char| c.is_whitespace() || "/:;=,".contains(c));
    let bare = bare.strip_prefix('[').and_then(|bare| bare.strip_suffix(']')).unwrap_or(bare);
    // A full stop ends a part, but also `Inc.` and an initial.
    match bare.strip_suffix('.') {
        Some(rest)
            if rest.rsplit([' ', '.']).next().is_some_and(|word| word.chars().count() > 3) =>
        {
            rest
        }
        _ => bare,
    }
}

/// As [`part`], of a title: there only an initial keeps its full stop.
fn sentence(text: &str) -> &str {
    let bare = part(text);
    match bare.strip_suffix('.') {
        Some(rest) if rest.rsplit([' ', '.']).next().is_some_and(|word| word.len() > 1) => rest,
        _ => bare,
    }
}

fn people(record: &Record, said: &mut Said) {
    let (mut authors, mut translators) = (Vec::new(), Vec::new());
    for tag in PEOPLE {
        for field in fields(record, tag) {
            // With a title, it is about another work.
            let name = part(field.first('a'));
            if name.is_empty() || !field.first('t').is_empty() {
                continue;
            }
            let list = if translates(field) { &mut translators } else { &mut authors };
            list.push(name.trim_end_matches([',', '.']).to_owned());
        }
    }
    said.say(Column::Authors, authors.join("/"));
    said.say(Column::Translators, translators.join("/"));
    if authors.is_empty() && translators.is_empty() {
        let stated = fields(record, "245");
        let stated = stated.first().map(|field| part(field.first('c'))).unwrap_or_default();
        said.say(Column::Authors, stated.strip_prefix("by ").unwrap_or(stated));
    }
}

fn translates(field: &DataField) -> bool {
    field.of("e4").any(|(_, role)| {
        let role = role.to_lowercase();
        role.contains("transl") || role.contains(['译', '譯']) || role == "trl"
    })
}

/// 952 of Koha is one copy each; 852 a place, and a copy where it has a barcode.
fn holding(record: &Record) -> Holding {
    let mut holding = Holding::default();
    let koha: Vec<_> = record.tagged("952").collect();
    for field in &koha {
        let shown = [field.first('c'), field.first('b'), field.first('a')];
        let place = shown.into_iter().find(|place| !place.is_empty()).unwrap_or_default();
        // $q is due, $0 withdrawn, $1 lost, $4 damaged, $7 not for loan.
        let away = !field.first('q').is_empty() || field.of("0147").any(|(_, state)| state != "0");
        holding.add(Holding::at(field.first('o'), place, Some(u32::from(!away)), Some(1)));
    }
    for field in record.tagged("852").filter(|_| koha.is_empty()) {
        let callno: Vec<_> = field.of("khim").map(|(_, text)| text).collect();
        let shown = [field.first('c'), field.first('b'), field.first('a')];
        let place = shown.into_iter().find(|place| !place.is_empty()).unwrap_or_default();
        let copies = Some(field.all('p').count() as u32).filter(|count| *count > 0);
        holding.add(Holding::at(&callno.join(" "), place, None, copies));
    }
    for tag in ["090", "093", "084", "050", "082"] {
        if holding.callno.is_empty() {
            let parts = record.tagged(tag).next();
            let parts: Vec<_> = parts.iter().flat_map(|f| f.of("ab")).map(|(_, t)| t).collect();
            holding.callno = parts.join(if tag == "050" { " " } else { "/" });
        }
    }
    holding
}
