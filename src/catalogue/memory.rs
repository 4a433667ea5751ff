//! What was answered lately, within a bound of bytes.
//!
//! In: a query and its books (none: a miss), with the wall clock in seconds since 1970. Out:
//! the same books for a day, the miss for an hour; later, while there is room, the books as a
//! last resort. What is past its time goes first when room is needed, then what was not asked
//! for longest. No I/O, no clock; no operation looks at all entries.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::Query;
use crate::book::{Book, Holding, Source};

/// How long books are served without asking again, in seconds.
pub const FOUND_FOR: u64 = 24 * 60 * 60;

/// How long a miss is believed, in seconds.
pub const NOT_FOUND_FOR: u64 = 60 * 60;

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

/// The remembered answers.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    bytes: usize,
    /// Grows with every insertion and every recall, so no two entries share one.
    tick: u64,
    entries: HashMap<Arc<Query>, Entry>,
    /// By the tick an entry was last *queued* with, which may be older than its last use:
    /// recalls touch the entry only, and [`Memory::least_used`] catches up.
    by_use: BTreeMap<u64, Arc<Query>>,
    /// By end of validity, then by tick of insertion.
    by_end: BTreeMap<(u64, u64), Arc<Query>>,
    origins: Vec<Origin>,
    changes: u64,
    saved: u64,
}

#[derive(Debug)]
struct Entry {
    /// Empty for a miss.
    books: Arc<[Book]>,
    at: u64,
    used: u64,
    queued: u64,
    born: u64,
    cost: usize,
}

impl Entry {
    fn end(&self) -> u64 {
        self.at.saturating_add(if self.books.is_empty() { NOT_FOUND_FOR } else { FOUND_FOR })
    }

    /// An entry from the future was made before the clock was set back: how old it is nobody
    /// knows, so it counts as past its time.
    fn is_fresh(&self, now: u64) -> bool {
        self.at <= now && now < self.end()
    }
}

/// One remembered answer outside of its memory, for writing down and reading back.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// What was asked.
    pub query: Arc<Query>,
    /// What was found; empty for a miss.
    pub books: Arc<[Book]>,
    /// When, in seconds since 1970; 0 when it is a last resort only.
    pub at: u64,
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
        Self {
            limit,
            bytes: 0,
            tick: 0,
            entries: HashMap::new(),
            by_use: BTreeMap::new(),
            by_end: BTreeMap::new(),
            origins,
            changes: 0,
            saved: 0,
        }
    }

    /// The books found for `query` within the last day, or none for a miss of the last hour.
    pub fn recall(&mut self, query: &Query, now: u64) -> Option<Arc<[Book]>> {
        let entry = self.entries.get_mut(query).filter(|entry| entry.is_fresh(now))?;
        self.tick += 1;
        entry.used = self.tick;
        Some(Arc::clone(&entry.books))
    }

    /// The books found for `query` at any time, for when nobody can be asked. Never empty: an
    /// old miss is no answer.
    pub fn last_resort(&mut self, query: &Query) -> Option<Arc<[Book]>> {
        let entry = self.entries.get_mut(query).filter(|entry| !entry.books.is_empty())?;
        self.tick += 1;
        entry.used = self.tick;
        Some(Arc::clone(&entry.books))
    }

    /// Remembers that `books` is the whole answer to `query` at `now`; empty for a miss. What
    /// alone is more than the whole bound is not kept.
    pub fn keep(&mut self, query: &Query, books: Arc<[Book]>, now: u64) {
        self.insert(Remembered { query: Arc::new(query.clone()), books, at: now }, now);
        self.changes += 1;
    }

    /// Takes back what an earlier run remembered, if it still holds for the sources of today:
    /// books only while their source is set up as it was, and as a last resort only when a
    /// source that is asked before it is new; a miss only when no source is.
    pub fn restore(&mut self, answer: Remembered, before: &[Origin], now: u64) {
        let new = |origin: &Origin| !before.contains(origin);
        let place = |book: &Book| self.origins.iter().position(|o| o.source == book.source);
        let at = match answer.books.first().map(place) {
            None if self.origins.iter().any(new) => return,
            None => answer.at,
            Some(None) => return,
            Some(Some(place)) => match self.origins.iter().take(place + 1).rposition(new) {
                Some(changed) if changed == place => return,
                Some(_) => 0,
                None => answer.at,
            },
        };
        self.insert(Remembered { at, ..answer }, now);
    }

    /// Everything, for writing down. The ticks of [`Snapshot::changes`] tell later whether
    /// more has come in.
    pub fn snapshot(&self) -> Snapshot {
        let mut order: Vec<_> = self.entries.iter().collect();
        order.sort_unstable_by_key(|(_, entry)| entry.used);
        let answer = |(query, entry): (&Arc<Query>, &Entry)| Remembered {
            query: Arc::clone(query),
            books: Arc::clone(&entry.books),
            at: entry.at,
        };
        let answers = order.into_iter().map(answer).collect();
        Snapshot { answers, origins: self.origins.clone(), changes: self.changes }
    }

    /// The snapshot with these `changes` is on disk.
    pub fn mark_saved(&mut self, changes: u64) {
        self.saved = self.saved.max(changes);
    }

    /// Whether answers came in that no saved snapshot has.
    pub fn changed_since_save(&self) -> bool {
        self.changes > self.saved
    }

    /// Bytes in use, at most [`Memory::limit`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bound, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Number of answers.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn insert(&mut self, Remembered { query, books, at }: Remembered, now: u64) {
        self.remove(&query);
        let cost = cost(&query, &books);
        if cost > self.limit {
            return;
        }
        while self.bytes + cost > self.limit {
            let Some(victim) = self.expired(now).or_else(|| self.least_used()) else { return };
            self.remove(&victim);
        }
        self.tick += 1;
        let entry = Entry { books, at, used: self.tick, queued: self.tick, born: self.tick, cost };
        self.by_use.insert(entry.queued, Arc::clone(&query));
        self.by_end.insert((entry.end(), entry.born), Arc::clone(&query));
        self.entries.insert(query, entry);
        self.bytes += cost;
    }

    fn remove(&mut self, query: &Query) {
        let Some(entry) = self.entries.remove(query) else { return };
        self.by_use.remove(&entry.queued);
        self.by_end.remove(&(entry.end(), entry.born));
        self.bytes -= entry.cost;
    }

    fn expired(&self, now: u64) -> Option<Arc<Query>> {
        let (&(end, _), query) = self.by_end.first_key_value()?;
        (end <= now).then(|| Arc::clone(query))
    }

    /// Exactly the entry whose last use is longest ago. Whatever stands in front but was used
    /// since is queued anew, so each recall is paid for once, here.
    fn least_used(&mut self) -> Option<Arc<Query>> {
        loop {
            let (queued, query) = self.by_use.pop_first()?;
            let entry = self.entries.get_mut(&query)?;
            if entry.used == queued {
                return Some(query);
            }
            entry.queued = entry.used;
            self.by_use.insert(entry.used, query);
        }
    }
}

/// What an allocation costs beside its bytes: glibc keeps 8 and rounds up to 16.
const ALLOCATION: usize = 16;

/// What one entry costs in the three maps. The table is between 7/16 and 7/8 full, and has one
/// more byte a slot. The nodes of the trees are 5/11 full at least, and carry more than their
/// slots. With 64 MiB of misses, the worst case, the process was seen to grow by about that.
const MAPS: usize = (size_of::<(Arc<Query>, Entry)>() + 1) * 16 / 7
    + 3 * size_of::<(u64, Arc<Query>)>()
    + 3 * size_of::<((u64, u64), Arc<Query>)>()
    + ALLOCATION;

/// An `Arc` counts its strong and weak owners.
const COUNTS: usize = 2 * size_of::<usize>();

fn cost(query: &Query, books: &[Book]) -> usize {
    let key = match query {
        Query::Isbn(_) => 0,
        Query::Words(s) | Query::Author(s) | Query::Subject(s) => text_cost(s),
    };
    let list = if books.is_empty() { 0 } else { COUNTS + ALLOCATION + size_of_val(books) };
    MAPS + COUNTS
        + size_of::<Query>()
        + ALLOCATION
        + key
        + list
        + books.iter().map(book_cost).sum::<usize>()
}

fn text_cost(text: &String) -> usize {
    if text.capacity() == 0 { 0 } else { text.capacity() + ALLOCATION }
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
        series, isbn: _, rating: _, summary, cover, link, holding, source: _,
    } = book;
    let texts = [
        title, subtitle, origin_title, publisher, pubdate, price, pages, series, summary, cover, link,
    ];
    let held = |Holding { callno, location, copies }: &Holding| {
        text_cost(callno) + text_cost(location) + text_cost(copies)
    };
    texts.into_iter().map(text_cost).sum::<usize>()
        + list_cost(authors)
        + list_cost(translators)
        + holding.as_ref().map_or(0, held)
}
