//! A book as services on the web write it in JSON.
//!
//! In: a record of Douban's API v2, of the services that answer in its place, or of NeoDB. Out:
//! a [`Book`]. No name of a field means two things among them, so one reader takes the union:
//! any field may be missing, null or of a neighbouring kind. Pure; nothing fails.

use serde_json::Value;

use super::{HITS, Outcome, Query, Reason, clean};
use crate::catalogue::book::{Book, Rating, Source};
use crate::catalogue::fold::fold;
use crate::catalogue::isbn::Isbn;

/// The books that answer the query, out of those in the records: with the number asked for,
/// or by the person asked for. Records of which none has a title are
/// nothing that could be shown. `link` gives
/// the page a reader can open.
pub fn answer(
    query: &Query,
    records: &[Value],
    source: Source,
    link: impl Fn(&Value) -> String,
) -> Outcome {
    let read = |record| Some(Book { source, link: link(record), ..book(record)? });
    let mut books: Vec<Book> = records.iter().filter_map(read).collect();
    if books.is_empty() && !records.is_empty() {
        return Outcome::Unfit(Reason::new("records without a title"));
    }
    match query {
        // A name the source spells in another way is better answered by all that it found.
        Query::Author(name) if books.iter().any(|book| is_by(book, name)) => {
            books.retain(|book| is_by(book, name));
        }
        // Douban was asked for the number, NeoDB for a text that may stand anywhere.
        Query::Isbn(isbn) => {
            books.retain(|book| book.isbn.map_or(source == Source::Douban, |its| its == *isbn));
        }
        _ => {}
    }
    books.truncate(HITS);
    if books.is_empty() { Outcome::NotFound } else { Outcome::Found(books) }
}

/// Whether one author has all words of a folded name, however dots and blanks are set.
pub fn is_by(book: &Book, name: &str) -> bool {
    let words = clean::undotted(name);
    book.authors.iter().any(|author| {
        let author = clean::undotted(&fold(author)).replace(' ', "");
        words.split(' ').all(|word| author.contains(word))
    })
}

fn book(record: &Value) -> Option<Book> {
    let title = first(record, &["/title"], clean::prose);
    let translators = [texts(record, "/translator"), texts(record, "/translators")].concat();
    let (authors, translators) = clean::people(&texts(record, "/author"), &translators);
    let isbns = ["/isbn13", "/isbn10", "/isbn"];
    (!title.is_empty()).then(|| Book {
        title,
        subtitle: first(record, &["/subtitle"], clean::prose),
        origin_title: first(record, &["/origin_title", "/origin", "/orig_title"], clean::line),
        authors,
        translators,
        publisher: publisher(record),
        pubdate: pubdate(record),
        price: first(record, &["/price"], clean::price),
        pages: clean::pages(&text(record, "/pages")),
        series: first(record, &["/series", "/series/title", "/serials"], clean::line),
        isbn: isbns.iter().find_map(|isbn| Isbn::parse(&text(record, isbn))),
        rating: rating(record),
        summary: first(record, &["/summary", "/description"], clean::summary),
        cover: first(record, &COVERS, cover),
        ..Book::default()
    })
}

/// A text or a number as it is written, or nothing when it is missing, null or of another kind.
/// Places are JSON pointers.
pub fn text(record: &Value, place: &str) -> String {
    match record.pointer(place) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// Of the texts in these places the first of which `clean` leaves something.
fn first(record: &Value, places: &[&str], clean: fn(&str) -> String) -> String {
    let mut cleaned = places.iter().map(|place| clean(&text(record, place)));
    cleaned.find(|text| !text.is_empty()).unwrap_or_default()
}

/// A list of texts; a bare text is a list of one.
fn texts<'a>(record: &'a Value, place: &str) -> Vec<&'a str> {
    match record.pointer(place) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// NeoDB has a list; its `pub_house` is the older field, still filled where the list is not.
fn publisher(record: &Value) -> String {
    let houses = texts(record, "/publisher").into_iter().map(clean::line);
    let houses: Vec<String> = houses.filter(|house| !house.is_empty()).collect();
    if houses.is_empty() { first(record, &["/pub_house"], clean::line) } else { houses.join(" / ") }
}

/// NeoDB has two numbers.
fn pubdate(record: &Value) -> String {
    let number = |place| record.pointer(place).and_then(Value::as_u64);
    match (number("/pub_year"), number("/pub_month")) {
        (Some(year), Some(month)) => format!("{year}-{month}"),
        (Some(year), None) => year.to_string(),
        // One service writes 1900-01 for "unknown".
        _ => Some(first(record, &["/pubdate"], clean::line))
            .filter(|date| date != "1900-01")
            .unwrap_or_default(),
    }
}

/// Douban has an object with numbers or texts that are numbers; NeoDB two plain numbers.
fn rating(record: &Value) -> Rating {
    let number = |places| first(record, places, |text| text.trim().to_owned()).parse().ok();
    clean::rating(
        number(&["/rating/average", "/rating"]),
        number(&["/rating/numRaters", "/rating_count"]),
    )
}

/// The largest picture first.
const COVERS: [&str; 5] =
    ["/images/large", "/images/medium", "/images/small", "/image", "/cover_image_url"];

/// A book without a cover has the address of a drawing or of a page to upload one.
fn cover(url: &str) -> String {
    let none = url.contains("book-default") || url.ends_with("/update_image");
    if none { String::new() } else { clean::cover(url) }
}
