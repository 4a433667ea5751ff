//! The operator's own books: a file in memory, or the built-in sample.
//!
//! In: a file of JSON Lines or CSV, read once. Out: a [`Catalogue`] that answers from memory
//! within milliseconds, so it never limits, never fails and pays no heed to deadlines. Lines
//! that cannot be served are reported, the others are; two lines about the same book are two
//! books (two copies, two editions).
//!
//! Words are looked for in title, subtitle, original title, people, series and publisher, in
//! any case and width; every word must be found. Best first: title equal, title begins so,
//! title contains it; then the same three for any single word of several (`三体 刘慈欣` finds
//! the book named 三体 first); then authors, then the rest. Equal ranks keep the file's order.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fmt, io};

use super::{Catalogue, HITS, Outcome, Query};
use crate::book::{Book, Source};
use pack::{FIELD, Key, NAME};
use store::Store;

mod draft;
mod file;
mod pack;
mod store;

pub use super::csv::Broken;
pub use file::{BadLine, Fault, Format, Refusal};

/// The sample in the program: real books with true ISBNs, facts only.
const SAMPLE: &[u8] = include_bytes!("sample.jsonl");

/// How many ranks there are.
const RANKS: usize = 8;

/// Books in memory.
#[derive(Default)]
pub struct Shelf {
    store: Store,
    /// Numbers of the books that have an ISBN, in its order.
    by_isbn: Vec<u32>,
    /// Numbers of the books that have a Douban number, in its order.
    by_id: Vec<u32>,
}

impl Shelf {
    /// The books that come with the program.
    pub fn builtin() -> Self {
        Self::read(SAMPLE, Format::JsonLines).map(|(shelf, _)| shelf).unwrap_or_default()
    }

    /// Reads a file's bytes. Lines that are not served, or not wholly, are in the list, in the
    /// file's order; a file of which nothing could be served is refused.
    pub fn read(bytes: &[u8], format: Format) -> Result<(Self, Vec<BadLine>), Refusal> {
        let (store, bad) = file::read(bytes, format)?;
        let by_isbn = index(&store, Key::Isbn);
        let by_id = index(&store, Key::Id);
        Ok((Self { store, by_isbn, by_id }, bad))
    }

    /// Reads the file at `path`; [`Format::of`] says how its format is told.
    pub fn open(path: &Path) -> Result<(Self, Vec<BadLine>), OpenError> {
        let error = |why| OpenError { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|e| error(Why::Io(e)))?;
        Self::read(&bytes, Format::of(path, &bytes)).map_err(|r| error(Why::Refused(r)))
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        self.store.len() as usize
    }

    /// Whether there is no book at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held, all that has been reserved included.
    pub fn bytes(&self) -> usize {
        let numbers = self.by_isbn.capacity() + self.by_id.capacity();
        self.store.bytes() + numbers * size_of::<u32>()
    }

    /// Bytes of the books' own text: what is beyond it in [`Shelf::bytes`] is overhead.
    pub fn text(&self) -> usize {
        self.store.text()
    }

    /// Every book whose `key` is `wanted`.
    fn look_up(&self, index: &[u32], key: Key, wanted: &str) -> Vec<Book> {
        let from = index.partition_point(|&n| self.store.key(n, key) < wanted);
        let equal = index.iter().skip(from).take_while(|&&n| self.store.key(n, key) == wanted);
        equal.take(HITS).map(|&n| self.store.book(n)).collect()
    }

    /// The best books by `rank`, which gets what is searched of each, and only of those that
    /// hold the longest word.
    fn search(&self, words: &Words<'_>, rank: Rank) -> Vec<Book> {
        let Some(longest) = words.longest_first.first() else { return Vec::new() };
        let mut ranks: [Vec<u32>; RANKS] = Default::default();
        self.store.holding(longest, |n, head| {
            let place = rank(head, words).and_then(|rank| ranks.get_mut(rank));
            if let Some(place) = place.filter(|place| place.len() < HITS) {
                place.push(n);
            }
        });
        ranks.into_iter().flatten().take(HITS).map(|n| self.store.book(n)).collect()
    }
}

impl Catalogue for Shelf {
    fn source(&self) -> Source {
        Source::Shelf
    }

    fn find(&self, query: &Query, _until: Instant) -> Outcome {
        let books = match query {
            Query::Isbn(isbn) => self.look_up(&self.by_isbn, Key::Isbn, &isbn.isbn13()),
            Query::Words(typed) => self.search(&Words::new(typed), rank_by_title),
            Query::Author(typed) => self.search(&Words::new(typed), rank_by_author),
            Query::Subject(id) => self.look_up(&self.by_id, Key::Id, id),
        };
        match query {
            _ if !books.is_empty() => Outcome::Found(books),
            // The book may well stand here, only without Douban's number.
            Query::Subject(_) => Outcome::Unasked,
            _ => Outcome::NotFound,
        }
    }
}

/// The numbers of the books that have `key`, in its order; equal keys in the file's order.
fn index(store: &Store, key: Key) -> Vec<u32> {
    let mut numbers: Vec<u32> =
        (0..store.len()).filter(|&n| !store.key(n, key).is_empty()).collect();
    numbers.sort_by(|&a, &b| store.key(a, key).cmp(store.key(b, key)));
    numbers.shrink_to_fit();
    numbers
}

/// A folded question.
struct Words<'a> {
    phrase: &'a str,
    /// Its words, each once; the longest rejects most books, so it is tried first.
    longest_first: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn new(phrase: &'a str) -> Self {
        let mut words: Vec<&str> = phrase.split(' ').filter(|word| !word.is_empty()).collect();
        words.sort_by_key(|word| (std::cmp::Reverse(word.len()), *word));
        words.dedup();
        Self { phrase, longest_first: words }
    }

    fn all_in(&self, text: &str) -> bool {
        self.longest_first.iter().all(|word| text.contains(word))
    }
}

/// From what is searched of a book to its rank, 0 up to [`RANKS`], or none.
type Rank = fn(&str, &Words<'_>) -> Option<usize>;

fn rank_by_title(head: &str, words: &Words<'_>) -> Option<usize> {
    let mut fields = head.split(FIELD);
    let title = fields.next().unwrap_or_default();
    if let Some(standing) = standing(title, words.phrase) {
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

fn rank_by_author(head: &str, words: &Words<'_>) -> Option<usize> {
    let authors = head.split(FIELD).nth(1).unwrap_or_default();
    if authors.split(NAME).any(|name| name == words.phrase) {
        return Some(0);
    }
    words.all_in(authors).then(|| if authors.contains(words.phrase) { 1 } else { 2 })
}

/// 0: the title is this; 1: it begins so; 2: it contains it.
fn standing(title: &str, wanted: &str) -> Option<usize> {
    match title.strip_prefix(wanted) {
        Some("") => Some(0),
        Some(_) => Some(1),
        None => title.contains(wanted).then_some(2),
    }
}

/// Why a shelf file cannot be served at all; `Display` names the file and says what to do.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Io(io::Error),
    Refused(Refusal),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match &self.why {
            Why::Io(error) => write!(f, "{error}"),
            Why::Refused(refusal) => write!(f, "{refusal}"),
        }
    }
}

impl std::error::Error for OpenError {}
