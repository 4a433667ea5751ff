//! What was answered lately, within a bound of bytes.
//!
//! In: a query and its books (none: a miss), with the wall clock in seconds since 1970. Out:
//! the same books for a day, the miss for an hour; later, while there is room, the books as a
//! last resort. What was not used for longest goes when room is needed. No I/O, no clock; no
//! question looks at all answers.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::Query;
use crate::catalogue::book::{Book, Holding, Place, Source};

/// How long books are served without asking again, in seconds.
pub const FOUND_FOR: u64 = 24 * 60 * 60;

/// How long a miss is believed, in seconds.
pub const NOT_FOUND_FOR: u64 = 60 * 60;

/// How long copies are told without asking again, in seconds: the time it takes to read a list and
/// open a card. Another reader may borrow the book in the next minute.
pub const COPIES_FOR: u64 = 120;

/// A source as it is set up: remembered answers are good only for the same set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Which source.
    pub source: Source,
    /// Tells set-ups apart without writing them down.
    pub print: u64,
}

impl Origin {
    /// `setup` is all that changes what the source knows: a base URL, or the bytes of a shelf
    /// file. Not its key: a new key changes who may ask, not what is there.
    pub fn new(source: Source, setup: impl Hash) -> Self {
        // Fixed keys; should a new compiler hash otherwise, the misses are asked for once more.
        let mut hasher = DefaultHasher::new();
        setup.hash(&mut hasher);
        Self { source, print: hasher.finish() }
    }
}

/// One remembered answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// What was asked.
    pub query: Arc<Query>,
    /// What was found; empty for a miss.
    pub books: Arc<[Book]>,
    /// When, in seconds since 1970; 0 when it is a last resort only.
    pub at: u64,
    /// When copies were counted that change by the minute; not kept on disk, so that after a restart
    /// they are old. 0 for other books.
    pub counted_at: u64,
    /// The library was asked before the books' source and does not have them.
    pub not_held: bool,
    /// Whether the books are only what may have been meant.
    pub guess: bool,
    /// Of a guess: a source that may know could not be asked. Not kept on disk.
    pub incomplete: bool,
}

impl Remembered {
    /// The whole answer to `query` at `now`.
    pub fn new(query: &Query, books: Arc<[Book]>, now: u64) -> Self {
        let counted_at = if has_live_copies(&books) { now } else { 0 };
        Self {
            query: Arc::new(query.clone()),
            books,
            at: now,
            counted_at,
            not_held: false,
            guess: false,
            incomplete: false,
        }
    }

    /// An answer from the future was made before the clock was set back: how old it is nobody
    /// knows, so it counts as past its time.
    fn is_fresh(&self, now: u64) -> bool {
        // A guess says, as a miss does, that nobody has what was asked for.
        let missed = self.books.is_empty() || self.not_held || self.guess;
        let holds = if missed { NOT_FOUND_FOR } else { FOUND_FOR };
        now.checked_sub(self.at).is_some_and(|age| age < holds)
    }

    /// Whether its copies, if they change by the minute, may still be told.
    fn is_counted(&self, now: u64) -> bool {
        !has_live_copies(&self.books)
            || now.checked_sub(self.counted_at).is_some_and(|age| age < COPIES_FOR)
    }
}

/// Books of one answer are all of one source.
fn has_live_copies(books: &[Book]) -> bool {
    books.first().is_some_and(|book| book.source.has_live_copies())
}

/// The remembered answers.
#[derive(Debug, Default)]
pub struct Memory {
    limit: usize,
    bytes: usize,
    /// Grows with every insertion and every recall, so no two answers share one.
    tick: u64,
    /// The tick of each question's last use.
    ticks: HashMap<Arc<Query>, u64>,
    /// By that tick.
    answers: BTreeMap<u64, Remembered>,
    origins: Vec<Origin>,
    changes: u64,
    saved: u64,
    renewals: u64,
}

/// All that was remembered at one moment, least used first. Taking it copies no book.
#[derive(Debug)]
pub struct Snapshot {
    /// The answers.
    pub answers: Vec<Remembered>,
    /// The sources they came from, in the order they are asked.
    pub origins: Vec<Origin>,
    /// Hand this to [`Memory::mark_saved`] when the answers are safe.
    pub changes: u64,
}

impl Memory {
    /// An empty memory of at most `limit` bytes; `origins` in the order they are asked.
    pub fn new(limit: usize, origins: Vec<Origin>) -> Self {
        Self { limit, origins, ..Self::default() }
    }

    /// The books found for `query` within the last day, or none for a miss of the last hour.
    pub fn recall(&mut self, query: &Query, now: u64) -> Option<Arc<[Book]>> {
        self.take(query, |answer| answer.is_fresh(now) && answer.is_counted(now))
    }

    /// The books found for `query` within the last day whose copies are to be counted again.
    pub fn uncounted(&mut self, query: &Query, now: u64) -> Option<Arc<[Book]>> {
        self.take(query, |answer| answer.is_fresh(now) && !answer.is_counted(now))
    }

    /// The books of `query` were counted at `now`. They are no newer for it, and nothing to save.
    pub fn recount(&mut self, query: &Query, books: Arc<[Book]>, now: u64) {
        if let Some(known) = self.known(query).cloned() {
            self.insert(Remembered { books, counted_at: now, ..known });
        }
    }

    /// Whether the library does not have the books remembered for `query`.
    pub fn is_not_held(&self, query: &Query) -> bool {
        self.known(query).is_some_and(|answer| answer.not_held)
    }

    /// The books found for `query` at any time, for when nobody can be asked. Never empty: an
    /// old miss is no answer.
    pub fn last_resort(&mut self, query: &Query) -> Option<Arc<[Book]>> {
        self.take(query, |answer| !answer.books.is_empty())
    }

    /// Remembers that `books` is the whole answer to `query` at `now`; empty for a miss. What
    /// alone is more than the whole bound is not kept.
    pub fn keep(&mut self, query: &Query, books: Arc<[Book]>, now: u64) {
        self.remember(Remembered::new(query, books, now));
    }

    /// As [`Memory::keep`], with all that there is to say.
    pub fn remember(&mut self, answer: Remembered) {
        self.insert(answer);
        self.changes += 1;
    }

    /// Whether what is remembered for `query` are books that may have been meant.
    pub fn is_guess(&self, query: &Query) -> bool {
        self.known(query).is_some_and(|answer| answer.guess)
    }

    /// Whether it is a guess that was made while a source could not be asked.
    pub fn is_incomplete(&self, query: &Query) -> bool {
        self.known(query).is_some_and(|answer| answer.incomplete)
    }

    fn known(&self, query: &Query) -> Option<&Remembered> {
        self.ticks.get(query).and_then(|tick| self.answers.get(tick))
    }

    /// As [`Memory::remember`], unless a source was read anew since there were so many
    /// [renewals](Self::renewals): it may know better.
    pub fn remember_since(&mut self, answer: Remembered, renewals: u64) {
        if self.renewals == renewals {
            self.remember(answer);
        }
    }

    /// Takes back what an earlier run remembered, if it still holds for the sources of today:
    /// books only while their source is set up as it was, and as a last resort only when a
    /// source that is asked before it is new; a miss, or a guess, only when no source is.
    pub fn restore(&mut self, answer: Remembered, before: &[Origin]) {
        let known = |origin: &Origin| before.contains(origin);
        let asked_first = match answer.books.first() {
            None => self.origins.len(),
            Some(_) if answer.guess => self.origins.len(),
            Some(book) => {
                let its = |origin: &Origin| origin.source == book.source && known(origin);
                let Some(place) = self.origins.iter().position(its) else { return };
                place
            }
        };
        let holds = self.origins.iter().take(asked_first).all(known);
        if holds || !answer.books.is_empty() && !answer.guess {
            let library = self.origins.iter().any(|origin| origin.source.has_live_copies());
            let not_held = answer.not_held && library;
            self.insert(Remembered { at: if holds { answer.at } else { 0 }, not_held, ..answer });
        }
    }

    /// What `origin` names was read anew, after the sources `before` it: what those answered still
    /// holds, of the others only books from elsewhere, as a last resort.
    pub fn renew(&mut self, origin: Origin, before: &[Source]) {
        self.renewals += 1;
        self.changes += 1;
        if let Some(known) = self.origins.iter_mut().find(|known| known.source == origin.source) {
            *known = origin;
        }
        let Self { answers, ticks, bytes, .. } = self;
        answers.retain(|_, answer| {
            let source = answer.books.first().map(|book| book.source);
            if source.is_some_and(|source| before.contains(&source)) {
                return true;
            }
            answer.at = 0;
            let keep = source.is_some_and(|source| source != origin.source);
            if !keep {
                ticks.remove(&answer.query);
                *bytes -= cost(answer);
            }
            keep
        });
    }

    /// How often a source was read anew: an answer begun before is not to be remembered.
    pub fn renewals(&self) -> u64 {
        self.renewals
    }

    /// Everything, for writing down. [`Snapshot::changes`] tells later whether more has come in.
    pub fn snapshot(&self) -> Snapshot {
        let complete = self.answers.values().filter(|answer| !answer.incomplete);
        let answers = complete.cloned().collect();
        Snapshot { answers, origins: self.origins.clone(), changes: self.changes }
    }

    /// The snapshot with these `changes` is on disk.
    pub fn mark_saved(&mut self, changes: u64) {
        self.saved = changes;
    }

    /// Whether answers came in that no saved snapshot has.
    pub fn changed_since_save(&self) -> bool {
        self.changes > self.saved
    }

    /// Bytes in use, never more than the limit.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of answers.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// The books of an answer that is `good`, which counts as a use of it.
    fn take(&mut self, query: &Query, good: impl Fn(&Remembered) -> bool) -> Option<Arc<[Book]>> {
        let tick = self.ticks.get_mut(query)?;
        let books = self.answers.get(tick).filter(|answer| good(answer))?.books.clone();
        let answer = self.answers.remove(tick)?;
        self.tick += 1;
        *tick = self.tick;
        self.answers.insert(self.tick, answer);
        Some(books)
    }

    fn insert(&mut self, answer: Remembered) {
        if let Some(tick) = self.ticks.remove(&answer.query) {
            self.bytes -= self.answers.remove(&tick).map_or(0, |old| cost(&old));
        }
        let cost_of_it = cost(&answer);
        if cost_of_it > self.limit {
            return;
        }
        while self.bytes + cost_of_it > self.limit {
            let Some((_, least_used)) = self.answers.pop_first() else { break };
            self.ticks.remove(&least_used.query);
            self.bytes -= cost(&least_used);
        }
        self.tick += 1;
        self.ticks.insert(Arc::clone(&answer.query), self.tick);
        self.answers.insert(self.tick, answer);
        self.bytes += cost_of_it;
    }
}

/// What an allocation costs beside its bytes: glibc keeps 8 and rounds up to 16.
const ALLOCATION: usize = 16;

/// The least that one takes. A book has a dozen short texts: counted with their bytes alone, what
/// was remembered took half as much memory again as it may.
const LEAST: usize = 32;

/// What one answer costs in the two maps. The table is between 7/16 and 7/8 full, and has one
/// more byte a slot. The nodes of the tree are 5/11 full at least, and carry more than their
/// slots.
const MAPS: usize =
    (size_of::<(Arc<Query>, u64)>() + 1) * 16 / 7 + 3 * size_of::<(u64, Remembered)>() + ALLOCATION;

/// An `Arc` counts its strong and weak owners.
const COUNTS: usize = 2 * size_of::<usize>();

fn cost(Remembered { query, books, .. }: &Remembered) -> usize {
    let key = match &**query {
        Query::Isbn(_) | Query::Newest => 0,
        Query::Photo(url) => url.as_str().len() + ALLOCATION,
        Query::Words(s) | Query::Author(s) | Query::Subject(s) => text_cost(s),
    };
    let question = COUNTS + size_of::<Query>() + ALLOCATION + key;
    let list = if books.is_empty() { 0 } else { COUNTS + ALLOCATION + size_of_val(&**books) };
    MAPS + question + list + books.iter().map(book_cost).sum::<usize>()
}

fn text_cost(text: &String) -> usize {
    if text.capacity() == 0 { 0 } else { (text.capacity() + ALLOCATION).max(LEAST) }
}

fn list_cost(list: &Vec<String>) -> usize {
    let slots = if list.capacity() == 0 { 0 } else { ALLOCATION };
    slots + list.capacity() * size_of::<String>() + list.iter().map(text_cost).sum::<usize>()
}

/// What a book owns outside of itself. Names every field, so that none is forgotten.
#[rustfmt::skip]
fn book_cost(book: &Book) -> usize {
    let Book {
        title, subtitle, origin_title, authors, translators, publisher, pubdate, price, pages,
        series, isbn: _, rating: _, summary, cover, link, holding, records, added, source: _,
    } = book;
    let texts = [
        title, subtitle, origin_title, publisher, pubdate, price, pages, series, summary, cover, link,
        added,
    ];
    let numbers = if records.capacity() == 0 { 0 } else { ALLOCATION + records.capacity() * size_of::<u64>() };
    let held = holding.as_ref().map_or(0, holding_cost) + numbers;
    texts.into_iter().map(text_cost).sum::<usize>() + list_cost(authors) + list_cost(translators) + held
}

/// As [`book_cost`].
fn holding_cost(holding: &Holding) -> usize {
    let Holding { callno, places, available: _, total: _, next_return } = holding;
    let slots = if places.capacity() == 0 { 0 } else { ALLOCATION };
    let names = places.iter().map(|Place { name, available: _, total: _ }| text_cost(name));
    slots
        + places.capacity() * size_of::<Place>()
        + names.sum::<usize>()
        + text_cost(callno)
        + text_cost(next_return)
}
