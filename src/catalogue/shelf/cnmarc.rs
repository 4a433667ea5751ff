//! What a record of CNMARC, the format of Chinese libraries, says of a book.
//!
//! In: a record. Out: what it says. Everything may be missing, and what cannot be understood is left
//! out. No I/O.

use super::iso2709::{DataField, Record, Said};
use super::names::Column;
use super::values;
use crate::catalogue::book::Holding;

/// Where systems keep what a library has; the first that a record has counts, since some write the
/// same into several.
const HOLDINGS: [&str; 4] = ["905", "906", "982", "985"];

/// What the record says.
pub(super) fn said(record: &Record) -> Said {
    let mut said = Said::default();
    titles(record, &mut said);
    for field in record.tagged("010") {
        field.all('a').for_each(|isbn| said.say(Column::Isbn, isbn));
        field.all('d').for_each(|price| said.say(Column::Price, price));
    }
    for tag in ["210", "214"] {
        let houses: Vec<_> = record.tagged(tag).flat_map(|field| field.all('c')).collect();
        said.say(Column::Publisher, houses.join(" / "));
        said.say(Column::Pubdate, record.first(tag, 'd'));
    }
    said.say(Column::Pages, record.first("215", 'a'));
    series(record, &mut said);
    said.say(Column::Summary, record.first("330", 'a'));
    said.say(Column::Summary, record.first("300", 'a'));
    people(record, &mut said);
    said.holding = holding(record);
    said
}

fn titles(record: &Record, said: &mut Said) {
    let Some(field) = record.tagged("200").next() else { return };
    // Several works in one book: 呐喊；彷徨.
    let works: Vec<_> = field.all('a').collect();
    said.say(Column::Title, works.join("；"));
    let subtitles: Vec<_> = field.all('e').collect();
    said.say(Column::Subtitle, subtitles.join(" "));
    said.say(Column::OriginTitle, field.first('d'));
    // In their order: 第二部, 黑暗森林.
    let volumes: Vec<_> = field.of("hi").map(|(_, text)| text).collect();
    said.say(Column::Volume, volumes.join(" "));
}

/// 225, or the record of the series that stands inside 461 or 462: `$1 200 1 $a…`.
fn series(record: &Record, said: &mut Said) {
    for field in record.tagged("225") {
        let parts: Vec<_> = field.of("ahi").map(|(_, text)| text).collect();
        said.say(Column::Series, parts.join(" "));
    }
    for field in record.tagged("461").chain(record.tagged("462")) {
        let mut inside = "";
        for (code, text) in field.of("1a") {
            match code {
                '1' => inside = text,
                _ if inside.starts_with("200") => said.say(Column::Series, text),
                _ => {}
            }
        }
        // Written without the record inside: `$t`.
        said.say(Column::Series, field.first('t'));
    }
}

/// 701 and 702, whose names are cleaner than those of 200; what each did is told by $4, else by 200.
fn people(record: &Record, said: &mut Said) {
    let stated: Vec<&str> = record.tagged("200").flat_map(|f| f.of("fg")).map(|(_, t)| t).collect();
    let stated = stated.join("；");
    let (mut authors, mut translators) = (Vec::new(), Vec::new());
    for tag in ["700", "701", "710", "711", "702", "712"] {
        for field in record.tagged(tag) {
            let Some(name) = name(field).filter(|_| !only_helps(field)) else { continue };
            match translates(field, &stated) {
                true => translators.push(name),
                // Of 702, editors and the like, those count who are said to have written.
                false => authors.push(name),
            }
        }
    }
    if authors.is_empty() && translators.is_empty() {
        return said.say(Column::Authors, stated);
    }
    let both = authors.is_empty().then_some(stated.as_str());
    said.say(Column::Authors, both.map_or(authors.join("；"), str::to_owned));
    said.say(Column::Translators, translators.join("；"));
}

/// `刘慈欣`; `[美] 海明威` where $c says so; `Martin, George R. R.` out of $a and $b.
fn name(field: &DataField) -> Option<String> {
    let chief =
        Some(field.first('a').trim_end_matches([',', '，'])).filter(|name| !name.is_empty())?;
    let rest = field.first('b');
    let latin = chief.is_ascii() && !rest.is_empty();
    let chief = if latin { format!("{chief}, {rest}") } else { chief.to_owned() };
    let origin = field.first('c').trim_matches(['(', ')', '（', '）', '[', ']']);
    let is_origin = (1..=4).contains(&origin.chars().count()) && !matches!(origin, "女" | "男");
    Some(if is_origin { format!("[{origin}] {chief}") } else { chief })
}

/// Whether somebody only checked what others wrote.
fn only_helps(field: &DataField) -> bool {
    let mut roles = field.all('4').peekable();
    roles.peek().is_some() && roles.all(|role| role.contains(['审', '審']) || role.ends_with("校"))
}

/// Whether somebody translated: by $4, in words or as a code (730, trl), else by what 200 says of the
/// name.
fn translates(field: &DataField, stated: &str) -> bool {
    let roles: Vec<_> = field.all('4').collect();
    if !roles.is_empty() {
        let is = |role: &&str| role.contains(['译', '譯']) || matches!(*role, "730" | "trl");
        return roles.iter().any(is);
    }
    let mut statements = stated.split(['；', ';', ',', '，', '、']);
    let name = field.first('a');
    statements.any(|part| part.contains(name) && part.trim_end().ends_with(['译', '譯']))
}

fn holding(record: &Record) -> Holding {
    let class = record.first("690", 'a');
    let mut holding = Holding::default();
    let tag = HOLDINGS.into_iter().find(|tag| record.tagged(tag).next().is_some());
    let fields: Vec<_> = tag.iter().flat_map(|tag| record.tagged(tag)).collect();
    // One field a copy, each of which tells how many there are in all.
    let each = |field: &&DataField| values::count(field.first('f')) == Some(fields.len() as u32);
    let one_each = fields.len() > 1 && fields.iter().all(each);
    for field in &fields {
        let place = match tag {
            Some("905") => [field.first('c'), field.first('a')],
            _ => [field.first('b'), field.first('a')],
        };
        // In 906 some systems have a copy's barcode where others have its place.
        let is_place =
            |place: &&str| !place.is_empty() && !place.bytes().all(|b| b.is_ascii_digit());
        let place = place.into_iter().find(is_place).unwrap_or_default();
        let copies = if one_each { Some(1) } else { copies(field, tag) };
        holding.add(Holding::at(&callno(field, class), place, None, copies));
    }
    if holding.callno.is_empty() {
        holding.callno = class.to_owned();
    }
    holding
}

/// $s; or the class and the book's number, $d/$e, the class from 690 where there is none.
fn callno(field: &DataField, class: &str) -> String {
    let (whole, own, number) = (field.first('s'), field.first('d'), field.first('e'));
    if !whole.is_empty() {
        return whole.to_owned();
    }
    match values::callno(if own.is_empty() { class } else { own }, number) {
        callno if callno.is_empty() => number.to_owned(),
        callno => callno,
    }
}

/// $f where it is a number, else one for each barcode.
fn copies(field: &DataField, tag: Option<&str>) -> Option<u32> {
    let told = values::count(field.first('f')).filter(|count| (1..10_000).contains(count));
    let barcodes = if tag == Some("905") { field.all('b').count() as u32 } else { 0 };
    told.or(Some(barcodes).filter(|count| *count > 0))
}
