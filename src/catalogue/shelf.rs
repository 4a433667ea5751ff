//! The operator's own books: a file in memory, or the built-in sample.
//!
//! In: a file of JSON Lines or CSV, read once. Out: a [`Catalogue`] that answers from memory
//! within milliseconds, so it never limits, never fails and pays no heed to deadlines. Lines
//! that cannot be served are reported, the others are. Lines of one title and ISBN are copies of one
//! book, as libraries list them, and are shown as one.
//!
//! Words are looked for in title, subtitle, original title, people, series and publisher, in
//! any case and width, with or without dots; every word must be found. Best first: title equal,
//! title begins so, title contains it; then the same three for any single word of several
//! (`三体 刘慈欣` finds the book named 三体 first); then authors, then the rest. Equal ranks keep
//! the file's order.

use std::path::Path;
use std::time::Instant;

use super::{Catalogue, HITS, Outcome, Query, clean};
use crate::catalogue::book::{Book, Source};
use fields::Field;
use store::{END, Store};

mod fields;
mod file;
pub mod reload;
mod store;

pub use file::{BadLine, Format};

/// The sample in the program: real books with true ISBNs, facts only.
const SAMPLE: &[u8] = include_bytes!("sample.jsonl");

/// Books in memory.
#[derive(Default)]
pub struct Shelf(Store);

impl Shelf {
    /// The books that come with the program.
    pub fn builtin() -> Self {
        Self::read(SAMPLE, Format::JsonLines).map(|(shelf, _)| shelf).unwrap_or_default()
    }

    /// Reads a file's bytes. Lines that are not served, or not wholly, are in the list, in the
    /// file's order.
    ///
    /// # Errors
    /// A sentence for the operator when nothing of the file can be served.
    pub fn read(bytes: &[u8], format: Format) -> Result<(Self, Vec<BadLine>), String> {
        file::read(bytes, format).map(|(store, bad)| (Self(store), bad))
    }

    /// Reads the file at `path`; [`Format::of`] says how its format is told.
    ///
    /// # Errors
    /// As [`Shelf::read`], and the file system's; the sentence names the file.
    pub fn open(path: &Path) -> Result<(Self, Vec<BadLine>), String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string());
        bytes
            .and_then(|bytes| Self::read(&bytes, Format::of(path, &bytes)))
            .map_err(|why| format!("{}: {why}", path.display()))
    }

    /// The books that came last, the last one first; none where no book has its day.
    fn newest(&self) -> Vec<u32> {
        let all = 0..self.0.len() as u32;
        let mut dated: Vec<(&str, u32)> = all
            .map(|n| (self.0.fields(n)[Field::Added as usize], n))
            .filter(|(day, _)| !day.is_empty())
            .collect();
        // Of one day the last in the file: files are continued at their end.
        dated.sort_unstable_by(|one, other| other.cmp(one));
        // More than are shown, since some are copies of one book.
        dated.iter().take(HITS * 5).map(|(_, n)| *n).collect()
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no book at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, all that has been reserved included.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Bytes of the books' own text: what is beyond it in [`Shelf::bytes`] is overhead.
    pub fn text(&self) -> usize {
        (0..self.len() as u32).flat_map(|n| self.0.fields(n)).map(str::len).sum()
    }

    /// The best books by `rank`, which gets what is searched of each, and only of those that
    /// hold the longest word.
    fn search(&self, typed: &str, rank: Rank) -> Vec<u32> {
        let words = Words::new(typed);
        let Some(longest) = words.longest_first.first() else { return Vec::new() };
        let holding = self.0.holding(longest);
        let mut hits: Vec<(u8, u32)> =
            holding.filter_map(|(n, fields)| Some((rank(fields, &words)?, n))).collect();
        hits.sort_unstable();
        hits.iter().map(|&(_, n)| n).collect()
    }
}

impl Catalogue for Shelf {
    fn source(&self) -> Source {
        Source::Shelf
    }

    fn find(&self, query: &Query, _until: Instant) -> Outcome {
        let numbered =
            |digits: &str| digits.parse().map_or(Vec::new(), |n| self.0.numbered(n).collect());
        let hits = match query {
            Query::Isbn(isbn) => numbered(&isbn.isbn13()),
            Query::Subject(id) => numbered(id),
            Query::Words(typed) => self.search(typed, rank_by_title),
            Query::Author(typed) => self.search(typed, rank_by_author),
            Query::Newest => self.newest(),
        };
        match query {
            _ if !hits.is_empty() => {
                let mut books: Vec<Book> = Vec::new();
                for book in hits.iter().map(|&n| fields::book(self.0.fields(n))) {
                    let copy = |other: &Book| {
                        book.isbn.is_some() && other.isbn == book.isbn && other.title == book.title
                    };
                    match books.iter().position(copy) {
                        Some(at) => books[at].hold_also(book.holding),
                        None if books.len() == HITS => break,
                        None => books.push(book),
                    }
                }
                Outcome::Found(books)
            }
            // The book may well stand here, only without Douban's number.
            Query::Subject(_) | Query::Newest => Outcome::Unasked,
            _ => Outcome::NotFound,
        }
    }
}

/// A question as what is searched stands in the store: folded, without dots.
struct Words {
    phrase: String,
    /// Its words, each once; the longest rejects most books, so it is tried first.
    longest_first: Vec<String>,
}

impl Words {
    fn new(phrase: &str) -> Self {
        let words = phrase.split(' ').map(clean::undotted);
        let mut words: Vec<String> = words.filter(|word| !word.is_empty()).collect();
        words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
        Self { phrase: clean::undotted(phrase), longest_first: words }
    }

    fn all_in(&self, text: &str) -> bool {
        self.longest_first.iter().all(|word| text.contains(word))
    }
}

/// From what is searched of a book to its rank, 0 for the best, or none.
type Rank = fn(&str, &Words) -> Option<u8>;

fn rank_by_title(head: &str, words: &Words) -> Option<u8> {
    let mut fields = head.split(END);
    let title = fields.next().unwrap_or_default();
    if let Some(standing) = standing(title, &words.phrase) {
        return Some(standing);
    }
    if !words.all_in(head) {
        return None;
    }
    let single = words.longest_first.iter().filter_map(|word| standing(title, word)).min();
    match single {
        Some(standing) => Some(3 + standing),
        None if words.all_in(fields.next().unwrap_or_default()) => Some(6),
        None => Some(7),
    }
}

fn rank_by_author(head: &str, words: &Words) -> Option<u8> {
    let authors = head.split(END).nth(1).unwrap_or_default();
    if authors.split('/').any(|name| name == words.phrase) {
        return Some(0);
    }
    words.all_in(authors).then(|| if authors.contains(&words.phrase) { 1 } else { 2 })
}

/// 0: the title is this; 1: it begins so; 2: it contains it.
fn standing(title: &str, wanted: &str) -> Option<u8> {
    match title.strip_prefix(wanted) {
        Some("") => Some(0),
        Some(_) => Some(1),
        None => title.contains(wanted).then_some(2),
    }
}
