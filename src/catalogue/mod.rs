//! Where books come from: one trait, [`Catalogue`], and the order in which sources are asked.
//!
//! In: a [`Query`] and the moment by which an answer is of use. Out: an [`Outcome`] from each
//! source; an [`Answer`] from all of them. A source never panics on what the network sent, never
//! outlives its deadline by more than a system call, and never tells "not found" when the truth is
//! "could not ask".
//!
//! The sources are [`shelf`], [`interlib`], [`douban`] and [`neodb`]; [`library`] asks them in order,
//! through [`guarded`], where [`guard`] decides whether one may be asked. `web`, `json` and `record`
//! read what sources over HTTP send; [`clean`] makes fields fit to be shown, [`fold`] comparable.
//! [`reading`] finds the question in a message, [`isbn`] and [`links`] what names one book;
//! [`sent`] is what leaves for a source. [`memory`] and [`statefile`] keep [`answer`]s;
//! [`report`] tells the log what happened. [`photo`] reads barcodes.

pub mod answer;
pub mod book;
pub mod clean;
pub mod csv;
pub mod douban;
mod entities;
pub mod fold;
pub mod guard;
pub mod guarded;
pub mod interlib;
pub mod isbn;
mod json;
pub mod library;
pub mod links;
pub mod memory;
pub mod neodb;
pub mod photo;
pub mod reading;
mod record;
pub mod report;
pub mod sent;
pub mod shelf;
pub mod statefile;
mod web;

use std::fmt;
use std::time::{Duration, Instant};

use crate::catalogue::book::{Book, Source};
use crate::catalogue::isbn::Isbn;
use crate::catalogue::photo::address::PhotoUrl;

use reading::Reading;

pub use answer::{Answer, Verdict};
pub use library::Library;
pub use report::{SourceEvent, SourceReport};

/// What is looked for. Equal queries are the same question, however they were typed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// The book with this number.
    Isbn(Isbn),
    /// Title, author or both, folded (see [`fold::fold`]); never empty.
    Words(String),
    /// Books by this person, folded; never empty.
    Author(String),
    /// The book with this number on Douban: 1 to 12 digits.
    Subject(String),
    /// What came to the shelf last.
    Newest,
    /// The book whose barcode is in the photo at this address; no source is asked this.
    Photo(PhotoUrl),
}

impl Query {
    /// A search by title or author; `None` when nothing is left to search for.
    pub fn words(typed: &str) -> Option<Self> {
        Some(fold::fold(typed)).filter(|w| !w.is_empty()).map(Self::Words)
    }

    /// A search by author; `None` when nothing is left to search for.
    pub fn author(typed: &str) -> Option<Self> {
        Some(fold::fold(typed)).filter(|w| !w.is_empty()).map(Self::Author)
    }

    /// The same question without what only makes one of it, if that is less than it says.
    pub fn plainer(&self) -> Option<Self> {
        let Self::Words(words) = self else { return None };
        let plain = Reading::of(words).plain;
        Self::words(&plain).filter(|plain| plain != self)
    }

    /// The same as a source over the network is asked it, without what no search needs (see
    /// [`sent::clean`]); `None` when nothing is left.
    pub fn for_sending(&self) -> Option<Self> {
        match self {
            Self::Words(words) => Some(Self::Words(sent::clean(words)?)),
            Self::Author(name) => Some(Self::Author(sent::clean(name)?)),
            Self::Isbn(_) | Self::Subject(_) | Self::Newest => Some(self.clone()),
            Self::Photo(_) => None,
        }
    }

    /// A Douban subject number.
    pub fn subject(id: &str) -> Option<Self> {
        let digits = (1..=12).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| Self::Subject(id.to_owned()))
    }
}

/// Writes the query as a key: different queries never write the same.
impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Isbn(isbn) => write!(f, "isbn:{isbn}"),
            Self::Words(words) => write!(f, "words:{words}"),
            Self::Author(name) => write!(f, "author:{name}"),
            Self::Subject(id) => write!(f, "subject:{id}"),
            Self::Newest => write!(f, "newest:"),
            Self::Photo(url) => write!(f, "photo:{}", url.as_str()),
        }
    }
}

/// How many books one search brings at most: four pages of five.
pub const HITS: usize = 20;

/// One place that knows books.
pub trait Catalogue: Send + Sync {
    /// Whose data it is.
    fn source(&self) -> Source;

    /// Looks for `query`; gives up at `until`. At most [`HITS`] books, best first.
    fn find(&self, query: &Query, until: Instant) -> Outcome;

    /// The same books, found earlier, with the copies there are now; gives up at `until`. Only for
    /// sources that have [live copies](Source::has_live_copies).
    fn renew(&self, _books: &[Book], _until: Instant) -> Outcome {
        Outcome::Unasked
    }

    /// Reads again what it was read from, if that is a file. What cannot be served leaves it as it
    /// was.
    fn reload(&self) -> Option<Result<Reread, String>> {
        None
    }
}

/// A file of books that was read again.
#[derive(Clone, Debug)]
pub struct Reread {
    /// Tells this file from others, as in [`memory::Origin`].
    pub print: u64,
    /// What of it is served.
    pub served: Served,
}

/// What of a file of books is served, for the log.
#[derive(Clone, Debug)]
pub struct Served {
    /// How many books there are.
    pub books: usize,
    /// How many lines are not served, or not wholly.
    pub bad: usize,
    /// A sentence for each of the first of them.
    pub first: Vec<String>,
    /// How the file was understood, a sentence each.
    pub understood: Vec<String>,
}

/// What one source answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Books, best first; never an empty list.
    Found(Vec<Book>),
    /// Books that may have been meant, best first: at most five, never an empty list. The source is
    /// not sure of any, so another one may know better.
    Guess(Vec<Book>),
    /// The source could know, and says there is no such book.
    NotFound,
    /// The source has something, but nothing that could be shown: to a reader the same as
    /// [`Outcome::NotFound`], and no failure of the source.
    Unfit(Reason),
    /// The source cannot know of such a query: a shelf does not know Douban's numbers.
    Unasked,
    /// Come back later, after this long if the source said so.
    Limited {
        /// The source's own wish (Retry-After).
        retry_after: Option<Duration>,
        /// For the log.
        reason: Reason,
    },
    /// The operator must act: a refused key, a wrong base URL, an answer that is not JSON.
    Operator(Reason),
    /// No answer, or none that can be used.
    Down(Reason),
}

impl Outcome {
    /// Why there are no books, where there is more to say than that there are none.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Found(_) | Self::Guess(_) | Self::NotFound | Self::Unasked => None,
            Self::Unfit(reason)
            | Self::Limited { reason, .. }
            | Self::Operator(reason)
            | Self::Down(reason) => Some(reason),
        }
    }
}

/// Why a source brought no books; `Display` is for the operator's log. It never carries a key,
/// an address of a client or the text of a remote error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub String);

impl Reason {
    /// A reason in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
