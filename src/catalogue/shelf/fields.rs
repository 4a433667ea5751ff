//! The fields of one line of a shelf file, and the book they make.
//!
//! In: what stands under known names, as text, the names that say most first. Out: a [`Line`] of
//! fields in a fixed order with what is to be told of it, and of those fields a [`Book`]. What makes no
//! sense leaves its field empty, and of several texts for one thing the first that holds something
//! counts. No field holds U+001F. No I/O.

use super::dates;
use super::names::Column;
use super::people;
use super::values::{self, Number};
use crate::catalogue::book::{Book, Holding, Place, Rating, Source, UNCOUNTED};
use crate::catalogue::isbn::Isbn;
use crate::catalogue::links;
use crate::catalogue::{Query, clean, douban};

/// What a field is about; the number is its place in a [`Line`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
pub(super) enum Field {
    // What is searched, what ranks highest first.
    Title, Authors, Translators, Publisher, Subtitle, Series, OriginTitle,
    // What most libraries know first: empty fields at the end cost nothing.
    Isbn, Callno, Location, Price, Pubdate, Pages, Copies, Id, Rating, Cover, Link, Summary,
    // Copies in all, and the day the book came.
    Total, Added,
}

/// How many fields there are.
pub(super) const FIELDS: usize = Field::Added as usize + 1;

/// One line's fields, fit to be kept.
#[derive(Default)]
pub(super) struct Line {
    /// Several people in one field stand with `/` between them.
    pub fields: [String; FIELDS],
    /// What its ISBN was read from.
    pub isbn: Option<Number>,
    /// A word for the state of a copy that nobody knows.
    pub unknown: Option<String>,
}

/// What has to be put together before it is a field.
#[derive(Default)]
struct Loose {
    heading: String,
    more_authors: String,
    volume: Vec<String>,
    class: String,
    book_number: String,
    lent: Option<u32>,
    state: Option<bool>,
    average: String,
    raters: String,
}

impl Line {
    /// The line of these texts; none without a title. `stated`: it is said of all people what they
    /// did.
    pub fn new<'a>(texts: impl Iterator<Item = (Column, &'a str)>, stated: bool) -> Option<Self> {
        let (mut line, mut loose) = (Self::default(), Loose::default());
        for (column, written) in texts {
            // 无 in a column of copies is a number.
            let is_copies = matches!(column, Column::Available | Column::Total);
            let may_be = is_copies || matches!(column, Column::Title | Column::Heading);
            if !written.trim().is_empty() && !values::is_nothing(written, may_be) {
                line.set(column, written, &mut loose);
            }
        }
        line.finish(loose, stated);
        (!line.field(Field::Title).is_empty()).then_some(line)
    }

    /// What stands in a field.
    pub fn field(&self, field: Field) -> &str {
        &self.fields[field as usize]
    }

    /// Puts `text` where nothing stands yet.
    fn put(&mut self, field: Field, text: String) {
        let known = &mut self.fields[field as usize];
        if known.is_empty() {
            *known = text;
        }
    }

    fn set(&mut self, column: Column, written: &str, loose: &mut Loose) {
        let text = clean::line(written);
        match column {
            Column::Title => self.put(Field::Title, without_ending(&text).to_owned()),
            Column::Heading => self.head(&text, loose),
            Column::Subtitle => self.put(Field::Subtitle, text),
            Column::Volume | Column::VolumeTitle => loose.volume.push(text),
            Column::Authors => self.put(Field::Authors, text),
            Column::MoreAuthors if loose.more_authors.is_empty() => loose.more_authors = text,
            Column::MoreAuthors => {}
            Column::Translators => self.put(Field::Translators, text),
            Column::Publisher => self.put(Field::Publisher, text),
            Column::Imprint => self.imprint(&text),
            Column::Pubdate => self.put(Field::Pubdate, dates::date(&text)),
            Column::Price => self.put(Field::Price, clean::price(&text)),
            Column::Pages => self.put(Field::Pages, clean::pages(&text)),
            Column::Series => self.put(Field::Series, text),
            Column::OriginTitle => self.put(Field::OriginTitle, text),
            Column::Isbn => self.number(values::isbn(&text)),
            Column::Barcode => {
                self.number(values::barcode(&text).map_or(Number::Other, Number::Right))
            }
            Column::Callno => self.put(Field::Callno, text),
            Column::Class if loose.class.is_empty() => loose.class = text,
            Column::BookNumber if loose.book_number.is_empty() => loose.book_number = text,
            Column::Class | Column::BookNumber => {}
            Column::Lent => loose.lent = loose.lent.or(values::count(&text)),
            Column::Location => self.put(Field::Location, text),
            Column::Available => self.available(&text),
            Column::Total => self.put_count(Field::Total, values::count(&text)),
            Column::State => self.state(&text, loose),
            Column::DoubanId => self.douban(&text),
            Column::Identifiers => self.identifiers(&text),
            Column::Rating if loose.average.is_empty() => loose.average = text,
            Column::Raters if loose.raters.is_empty() => loose.raters = text,
            Column::Rating | Column::Raters | Column::OwnStars => {}
            Column::Cover => self.put(Field::Cover, clean::cover(&text)),
            Column::Link => self.link(&text),
            Column::Summary => self.put(Field::Summary, clean::summary(written)),
            Column::Added => self.put(Field::Added, dates::day(&text)),
        }
    }

    /// `三体 : 地球往事 = Three body / 刘慈欣著`, with or without blanks at the slash.
    fn head(&mut self, text: &str, loose: &mut Loose) {
        let parts = text.split_once(" / ").or_else(|| text.rsplit_once('/'));
        let (titles, people) = parts.unwrap_or((text, ""));
        let (titles, origin) = titles.split_once(" = ").unwrap_or((titles, ""));
        let (title, subtitle) = titles.split_once(" : ").unwrap_or((titles, ""));
        self.put(Field::Title, title.trim().to_owned());
        self.put(Field::Subtitle, subtitle.trim().to_owned());
        self.put(Field::OriginTitle, origin.trim().to_owned());
        if loose.heading.is_empty() {
            loose.heading = people.trim().to_owned();
        }
    }

    fn imprint(&mut self, text: &str) {
        let (house, date, pages) = values::imprint(text);
        self.put(Field::Publisher, house);
        self.put(Field::Pubdate, date);
        self.put(Field::Pages, pages);
    }

    /// A right number stays; what was meant as one is kept for the report until there is.
    fn number(&mut self, number: Number) {
        if self.field(Field::Isbn).is_empty() {
            if let Number::Right(isbn) | Number::Restored(isbn) = number {
                self.put(Field::Isbn, isbn.isbn13());
                self.isbn = Some(number);
            } else if number != Number::Other && self.isbn.is_none() {
                self.isbn = Some(number);
            }
        }
    }

    fn put_count(&mut self, field: Field, count: Option<u32>) {
        self.put(field, count.map(|count| count.to_string()).unwrap_or_default());
    }

    fn available(&mut self, text: &str) {
        match values::copies(text) {
            Some((available, total)) => {
                self.put_count(Field::Copies, available);
                self.put_count(Field::Total, total);
            }
            None if values::is_nothing(text, false) => {}
            None => self.unknown = self.unknown.take().or_else(|| Some(text.to_owned())),
        }
    }

    fn state(&mut self, text: &str, loose: &mut Loose) {
        if loose.state.is_none() {
            let known = values::state(text);
            loose.state = Some(known.unwrap_or(false));
            if known.is_none() {
                self.unknown = self.unknown.take().or_else(|| Some(text.to_owned()));
            }
        }
    }

    fn douban(&mut self, text: &str) {
        match links::book(text) {
            Some(Query::Subject(id)) => self.put(Field::Id, id),
            _ if Query::subject(text).is_some() => self.put(Field::Id, text.to_owned()),
            _ => {}
        }
    }

    /// Calibre's: `douban:2567698,isbn:9787536692930`.
    fn identifiers(&mut self, text: &str) {
        for (kind, number) in text.split([',', ';', ' ']).filter_map(|one| one.split_once(':')) {
            match kind.trim() {
                "isbn" => self.number(values::isbn(number)),
                "douban" => self.douban(number.trim()),
                _ => {}
            }
        }
    }

    fn link(&mut self, text: &str) {
        if let Some(Query::Subject(id)) = links::book(text) {
            self.put(Field::Id, id);
        }
        self.put(Field::Link, clean::https(text));
    }

    fn finish(&mut self, loose: Loose, stated: bool) {
        for part in &loose.volume {
            let title = &mut self.fields[Field::Title as usize];
            if !title.is_empty() && !title.contains(part.as_str()) {
                title.extend([" ", part]);
            }
        }
        let more = further(&loose.more_authors);
        // Those of a field of their own were there before.
        let heading =
            if self.field(Field::Authors).is_empty() { loose.heading } else { String::new() };
        let authors = [std::mem::take(&mut self.fields[Field::Authors as usize]), more, heading];
        let authors: Vec<String> = authors.into_iter().filter(|names| !names.is_empty()).collect();
        let translators = self.field(Field::Translators);
        let (writing, translating) = people::people(&authors.join("/"), translators, stated);
        self.fields[Field::Authors as usize] = writing.join("/");
        self.fields[Field::Translators as usize] = translating.join("/");
        self.rate(&loose.average, &loose.raters);
        self.put(Field::Callno, values::callno(&loose.class, &loose.book_number));
        let total: Option<u32> = self.field(Field::Total).parse().ok();
        if let (Some(total), Some(lent)) = (total, loose.lent) {
            self.put_count(Field::Copies, Some(total.saturating_sub(lent)));
        }
        if let Some(here) = loose.state {
            self.count_state(here);
        }
        // Not more can be had than there are.
        let count = |text: &str| text.parse::<u32>().ok();
        let (copies, total) = (count(self.field(Field::Copies)), count(self.field(Field::Total)));
        if copies.is_some_and(|copies| copies != UNCOUNTED) && total.is_some() && copies > total {
            self.fields[Field::Total as usize] = self.field(Field::Copies).to_owned();
        }
    }

    /// As [`rating`] reads it.
    fn rate(&mut self, average: &str, raters: &str) {
        let average = match average.split_once(':') {
            Some(_) => Some(average.to_owned()),
            None => {
                values::average(average).filter(|average| *average > 0.0).map(|a| a.to_string())
            }
        };
        let counted = |average: String| match values::readers(raters) {
            Some(count) if !average.contains(':') => format!("{average}:{count}"),
            _ => average,
        };
        self.put(Field::Rating, average.map(counted).unwrap_or_default());
    }

    /// A line is a copy unless it says how many it stands for; then the state tells what is the
    /// case with one of one, and nothing of several.
    fn count_state(&mut self, here: bool) {
        let total: Option<u32> = self.field(Field::Total).parse().ok();
        if !self.field(Field::Copies).is_empty() || total.is_some_and(|total| total > 1) {
            return;
        }
        let total = total.unwrap_or(1);
        self.put_count(Field::Copies, Some(if here { total } else { 0 }));
        self.put_count(Field::Total, Some(total));
    }

    /// Sets the copies as they stand in several places.
    pub fn hold(&mut self, holding: &Holding) {
        self.put(Field::Callno, holding.callno.clone());
        self.put_count(Field::Copies, holding.available);
        self.put_count(Field::Total, holding.total);
        let written = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let place = |place: &Place| {
            [&*place.name, &written(place.available), &written(place.total)].join("\t")
        };
        let places = match holding.places.as_slice() {
            [one] => one.name.clone(),
            several => several.iter().map(place).collect::<Vec<_>>().join("\n"),
        };
        self.put(Field::Location, places);
    }
}

/// A title without what ISBD sets behind it before the next part: `The three-body problem /`.
fn without_ending(title: &str) -> &str {
    [" /", " :", " ="].iter().find_map(|mark| title.strip_suffix(mark)).unwrap_or(title)
}

/// Further people, whom lists set apart with `|` or, where each has a first name, with commas.
fn further(text: &str) -> String {
    let whole = |name: &str| name.trim().contains(' ');
    if !text.contains('|') && text.split(',').all(whole) {
        return text.replace(',', "/");
    }
    text.replace('|', "/")
}

/// The book that the fields of a [`Line`] make.
#[rustfmt::skip]
pub(super) fn book(fields: [&str; FIELDS]) -> Book {
    let rating = rating(fields[Field::Rating as usize]);
    let people = |names: &str| -> Vec<String> {
        names.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let [
        title, authors, translators, publisher, subtitle, series, origin_title,
        isbn, callno, location, price, pubdate, pages, copies, id, _, cover, link, summary,
        total, added,
    ] = fields.map(str::to_owned);
    let holding = holding(&callno, &location, &copies, &total);
    Book {
        authors: people(&authors),
        translators: people(&translators),
        isbn: Isbn::parse(&isbn),
        rating,
        link: if link.is_empty() { douban::public_page(&id) } else { link },
        holding: (!holding.is_empty()).then_some(holding),
        source: Source::Shelf,
        title, subtitle, origin_title, publisher, pubdate, price, pages, series, summary, cover,
        added,
        records: Vec::new(),
    }
}

/// Several places stand on a line each, with their numbers behind tabs.
fn holding(callno: &str, location: &str, available: &str, total: &str) -> Holding {
    let (available, total) = (available.parse().ok(), total.parse().ok());
    if !location.contains('\t') {
        return Holding::at(callno, location, available, total);
    }
    let place = |line: &str| {
        let mut parts = line.split('\t');
        let name = parts.next().unwrap_or_default().to_owned();
        let mut count = || parts.next().and_then(|count| count.parse().ok());
        Place { name, available: count(), total: count() }
    };
    let places = location.split('\n').map(place).collect();
    Holding { places, ..Holding::at(callno, "", available, total) }
}

/// An average; or, behind a colon, also how many readers gave it, and then an average of 0
/// says that they were too few.
fn rating(field: &str) -> Rating {
    match field.split_once(':') {
        Some((average, count)) => clean::rating(average.parse().ok(), count.parse().ok()),
        None => clean::rating(field.parse().ok().filter(|&average| average > 0.0), None),
    }
}
