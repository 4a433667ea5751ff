//! The operator's own books: a file in memory, or the built-in sample.
//!
//! In: a file of CSV, JSON Lines or MARC, read once. Out: a [`Catalogue`] that answers from memory
//! within milliseconds, so it never limits, never fails and pays no heed to deadlines. Lines
//! that cannot be served are reported, the others are. Lines of one title and ISBN are copies of one
//! book, as libraries list them, and are shown as one.
//!
//! How a message becomes books, and how sure they are, is in [`search`].

use std::path::Path;
use std::time::Instant;

use super::{Catalogue, HITS, Outcome, Query};
use crate::catalogue::book::{Book, Source};
use fields::Field;
use search::{About, Hits, Tier};
use store::Store;

mod cnmarc;
mod dates;
pub mod encoding;
mod fields;
mod file;
mod format;
mod iso2709;
mod marc;
mod marc21;
mod names;
mod objects;
mod people;
pub mod reload;
mod report;
pub mod search;
mod store;
mod table;
mod values;

pub use encoding::Encoding;
pub use format::Format;
pub use report::{BadLine, Counted, Understood};

/// The sample in the program: real books with true ISBNs, facts only.
const SAMPLE: &[u8] = include_bytes!("sample.jsonl");

/// Lines among which the first books are looked for: as many copies as three books may have.
const LOOKED_AT: usize = 200;

/// Books in memory.
#[derive(Default)]
pub struct Shelf(Store);

/// A file that was read.
pub struct Loaded {
    /// Its books.
    pub shelf: Shelf,
    /// Lines that are not served, or not wholly.
    pub bad: Vec<BadLine>,
    /// How it was understood.
    pub understood: Understood,
}

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
        let loaded = file::read(|| Ok(bytes), |_| format)?;
        Ok((Self(loaded.store), loaded.bad))
    }

    /// Reads the file at `path`; [`Format::of`] says how its format is told.
    ///
    /// # Errors
    /// As [`Shelf::read`], and the file system's; the sentence names the file.
    pub fn open(path: &Path) -> Result<(Self, Vec<BadLine>), String> {
        Self::load(path).map(|loaded| (loaded.shelf, loaded.bad))
    }

    /// As [`Shelf::open`], and how the file was understood. A regular file is read a block at a time.
    ///
    /// # Errors
    /// As [`Shelf::open`].
    pub fn load(path: &Path) -> Result<Loaded, String> {
        let told = |why: String| format!("{}: {why}", path.display());
        let about = std::fs::metadata(path).map_err(|error| told(error.to_string()))?;
        let loaded = if about.is_file() {
            file::read(|| std::fs::File::open(path), |head| Format::of(path, head))
        } else {
            // A pipe gives its bytes once.
            let bytes = std::fs::read(path).map_err(|error| told(error.to_string()))?;
            file::read(|| Ok(&*bytes), |head| Format::of(path, head))
        };
        let loaded = loaded.map_err(told)?;
        let (shelf, bad) = (Self(loaded.store), loaded.bad);
        Ok(Loaded { shelf, bad, understood: loaded.understood })
    }

    /// The first books, as a reader would see them: copies that follow are counted in.
    pub fn first(&self, count: usize) -> Vec<Book> {
        let mut books: Vec<Book> = Vec::with_capacity(count);
        for book in (0..self.len().min(LOOKED_AT) as u32).map(|n| fields::book(self.0.fields(n))) {
            if let Some(other) = books.iter_mut().find(|other| book.is_copy_of(other)) {
                other.hold_also(book.holding);
            } else if books.len() < count {
                books.push(book);
            } else {
                break;
            }
        }
        books
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

    /// The books that answer a message as a reader sent it, by their numbers, and how sure that is.
    pub fn search(&self, message: &str) -> Hits {
        self.0.search(message, About::Anything)
    }

    /// The books by a person.
    pub fn by_author(&self, name: &str) -> Hits {
        self.0.search(name, About::Author)
    }

    /// The books of a publishing house.
    pub fn by_house(&self, name: &str) -> Hits {
        self.0.house(name)
    }

    /// The book with this number, from 0 up to [`Shelf::len`]; its title is empty beyond.
    pub fn book(&self, n: u32) -> Book {
        fields::book(self.0.fields(n))
    }

    /// The books, copies of one as one; at most [`HITS`].
    fn shown(&self, numbers: &[u32]) -> Vec<Book> {
        let mut books: Vec<Book> = Vec::new();
        for book in numbers.iter().map(|&n| self.book(n)) {
            let full = books.len() == HITS;
            match books.iter_mut().find(|other| book.is_copy_of(other)) {
                Some(other) => other.hold_also(book.holding),
                None if full => break,
                None => books.push(book),
            }
        }
        books
    }

    fn outcome(&self, hits: &Hits) -> Outcome {
        match hits.tier {
            Tier::Found => Outcome::Found(self.shown(&hits.books)),
            Tier::Guess => Outcome::Guess(self.shown(&hits.books)),
            Tier::Nothing => Outcome::NotFound,
        }
    }

    fn numbered(&self, digits: &str) -> Vec<u32> {
        digits.parse().map_or(Vec::new(), |n| self.0.numbered(n).collect())
    }
}

impl Catalogue for Shelf {
    fn source(&self) -> Source {
        Source::Shelf
    }

    fn find(&self, query: &Query, _until: Instant) -> Outcome {
        let numbers = match query {
            Query::Words(typed) => return self.outcome(&self.search(typed)),
            Query::Author(typed) => return self.outcome(&self.by_author(typed)),
            Query::Isbn(isbn) => self.numbered(&isbn.isbn13()),
            Query::Subject(id) => self.numbered(id),
            Query::Newest => self.newest(),
            Query::Photo(_) => return Outcome::Unasked,
        };
        match query {
            _ if !numbers.is_empty() => Outcome::Found(self.shown(&numbers)),
            // The book may well stand here, only without Douban's number.
            Query::Subject(_) | Query::Newest => Outcome::Unasked,
            _ => Outcome::NotFound,
        }
    }
}
