//! What all sources together answered.
//!
//! In: books, and what happened at each source. Out: an [`Answer`] whose verdict is true of all
//! sources together. Pure.

use std::sync::Arc;

use super::book::{Book, Source};
use super::guard::RestCause;
use super::isbn::Isbn;
use super::photo::fetch::Unread;
use super::report::{SourceEvent, SourceReport};

/// What the reader is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Here are books.
    Found,
    /// There is no such book, as far as every source that could know can tell.
    NotFound,
    /// No source knows books by such a number: a Douban link, and no Douban.
    Unasked,
    /// A source was not asked because this reader asked too much of it within a minute.
    TooMany,
    /// A source could not be asked just now; asking again later may help.
    Busy,
    /// The sources fail, and will until they or the operator do something.
    Trouble,
    /// The photo leads to no book.
    Unread(Unread),
}

/// What all sources together answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What to tell the reader.
    pub verdict: Verdict,
    /// Empty unless the verdict is [`Verdict::Found`].
    pub books: Arc<[Book]>,
    /// Nobody has what was asked for; the books are what may have been meant.
    pub guess: bool,
    /// Of a guess: a source that may have what was asked for could not be asked.
    pub incomplete: bool,
    /// The number in the photo that was asked about.
    pub photographed: Option<Isbn>,
    /// Whose books they are.
    pub source: Option<Source>,
    /// The books are older than a day: no source could be asked.
    pub stale: bool,
    /// The answer is from memory.
    pub remembered: bool,
    /// The library was asked before the books' source, and does not have them.
    pub not_held: bool,
    /// What happened at each source, in order; empty when none was needed.
    pub reports: Vec<SourceReport>,
}

impl Answer {
    /// No books, for this reason.
    pub fn without_books(verdict: Verdict) -> Self {
        Self { verdict, ..Self::of(Arc::default(), Vec::new()) }
    }

    /// Whether there are any books.
    pub fn has_books(&self) -> bool {
        !self.books.is_empty()
    }

    pub(super) fn of(books: Arc<[Book]>, reports: Vec<SourceReport>) -> Self {
        let source = books.first().map(|book| book.source);
        let verdict = if source.is_some() { Verdict::Found } else { Verdict::NotFound };
        Self {
            verdict,
            books,
            guess: false,
            incomplete: false,
            photographed: None,
            source,
            stale: false,
            remembered: false,
            not_held: false,
            reports,
        }
    }
}

/// Copies of an hour ago are nobody's to promise; those of a shelf do not change.
pub(super) fn without_copies(mut book: Book) -> Book {
    if book.source.has_live_copies() {
        book.forget_copies();
    }
    book
}

/// Whether a library was asked before another source gave these books: and does not have them,
/// or could not tell. A shelf is a library's own.
pub(super) fn without_library(books: &[Book], reports: &[SourceReport]) -> (bool, bool) {
    let elsewhere = |source: Source| source != Source::Shelf && !source.has_live_copies();
    if !books.first().is_some_and(|book| elsewhere(book.source)) {
        return (false, false);
    }
    let mut said = reports.iter().filter(|note| note.source.has_live_copies());
    match said.next().map(|note| note.event) {
        Some(SourceEvent::NotFound | SourceEvent::Unfit) => (true, false),
        Some(SourceEvent::Unasked) | None => (false, false),
        Some(_) => (false, true),
    }
}

/// What it means that none of the sources found anything. That somebody may know later is the
/// better news, so it goes before trouble; a source that rests because it failed or refused us
/// is trouble as well. Without any source nobody could be asked, which is trouble, too.
pub(super) fn verdict(reports: &[SourceReport]) -> Verdict {
    let meaning = |note: &SourceReport| match note.event {
        SourceEvent::OverShare => Some(Verdict::TooMany),
        SourceEvent::Limited | SourceEvent::OverBudget | SourceEvent::NoTime => Some(Verdict::Busy),
        SourceEvent::Resting(RestCause::Limited) => Some(Verdict::Busy),
        SourceEvent::Operator | SourceEvent::Down | SourceEvent::Resting(_) => {
            Some(Verdict::Trouble)
        }
        SourceEvent::Found(_)
        | SourceEvent::Guess(_)
        | SourceEvent::NotFound
        | SourceEvent::Unfit => Some(Verdict::NotFound),
        SourceEvent::Unasked => Some(Verdict::Unasked),
        SourceEvent::Changed(_) => None,
    };
    let worst =
        [Verdict::TooMany, Verdict::Busy, Verdict::Trouble, Verdict::NotFound, Verdict::Unasked];
    let met = |verdict: &Verdict| reports.iter().any(|note| meaning(note) == Some(*verdict));
    worst.into_iter().find(met).unwrap_or(Verdict::Trouble)
}
