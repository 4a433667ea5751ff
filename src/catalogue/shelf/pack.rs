//! A book as two lines of fields, and back.
//!
//! In: a [`Draft`]. Out: its head (what is searched) and its tail (all the rest), or from both
//! the [`Book`] again, the same as it was. Between fields stands U+001F, between names U+001E;
//! [`super::draft`] lets no control character in. Empty fields at the end may be left out.

use super::draft::Draft;
use crate::book::{Book, Holding, Rating, Source};
use crate::isbn::Isbn;

/// Between two fields.
pub(super) const FIELD: char = '\u{1f}';
/// Between two names in one field.
pub(super) const NAME: char = '\u{1e}';

/// Fields of a tail that are looked up by themselves; the number is their place in it.
#[derive(Clone, Copy)]
pub(super) enum Key {
    /// 13 digits or nothing.
    Isbn = 0,
    /// Douban's number or nothing.
    Id = 1,
}

/// The order [`book`] reads: what ranks highest stands first.
pub(super) fn head(book: &Book) -> String {
    let name = NAME.to_string();
    let (authors, translators) = (book.authors.join(&name), book.translators.join(&name));
    let mut head = join([
        &book.title,
        &authors,
        &book.subtitle,
        &book.origin_title,
        &book.series,
        &translators,
        &book.publisher,
    ]);
    head.truncate(head.trim_end_matches(FIELD).len());
    head
}

/// How many fields a tail has.
pub(super) const TAIL: usize = 12;

/// The order [`book`] and [`Key`] read.
pub(super) fn tail(Draft { book, id, .. }: &Draft) -> String {
    let isbn = book.isbn.map(|isbn| isbn.isbn13()).unwrap_or_default();
    let rating = pack_rating(book.rating);
    let Holding { callno, location, copies } = book.holding.clone().unwrap_or_default();
    join::<TAIL>([
        &isbn,
        id,
        &book.pubdate,
        &book.price,
        &book.pages,
        &rating,
        &book.summary,
        &book.cover,
        &book.link,
        &callno,
        &location,
        &copies,
    ])
}

fn join<const N: usize>(fields: [&String; N]) -> String {
    fields.map(String::as_str).join("\u{1f}")
}

/// The book whose head and tail these are.
pub(super) fn book(head: &str, tail: &str) -> Book {
    let (mut head, mut tail) = (head.split(FIELD), tail.split(FIELD));
    let mut head = || head.next().unwrap_or_default();
    let mut tail = || tail.next().unwrap_or_default().to_owned();
    let (isbn, id) = (tail(), tail());
    Book {
        title: head().to_owned(),
        authors: unpack_names(head()),
        subtitle: head().to_owned(),
        origin_title: head().to_owned(),
        series: head().to_owned(),
        translators: unpack_names(head()),
        publisher: head().to_owned(),
        isbn: Isbn::parse(&isbn),
        pubdate: tail(),
        price: tail(),
        pages: tail(),
        rating: unpack_rating(&tail()),
        summary: tail(),
        cover: tail(),
        link: Some(tail()).filter(|l| !l.is_empty()).unwrap_or_else(|| douban_link(&id)),
        holding: Some(Holding { callno: tail(), location: tail(), copies: tail() })
            .filter(|h| *h != Holding::default()),
        source: Source::Shelf,
    }
}

fn unpack_names(field: &str) -> Vec<String> {
    field.split(NAME).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// `87/1234`, `87`, `-` for too few readers, or nothing.
fn pack_rating(rating: Rating) -> String {
    match rating {
        Rating::Unknown => String::new(),
        Rating::TooFew => "-".to_owned(),
        Rating::Scored { tenths, count: None } => tenths.to_string(),
        Rating::Scored { tenths, count: Some(count) } => format!("{tenths}/{count}"),
    }
}

fn unpack_rating(field: &str) -> Rating {
    let (tenths, count) = field.split_once('/').unwrap_or((field, ""));
    match tenths.parse() {
        Ok(tenths) => Rating::Scored { tenths, count: count.parse().ok() },
        Err(_) if field == "-" => Rating::TooFew,
        Err(_) => Rating::Unknown,
    }
}

/// The public page of a Douban number.
fn douban_link(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!("https://book.douban.com/subject/{id}/") }
}
