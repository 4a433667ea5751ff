//! All sources behind one question: remembered answers first, then one source after another.
//!
//! In: a query and the moment by which an answer is of use. Out: an [`Answer`] whose verdict
//! is true of all sources together, with a [`SourceReport`] for each thing the operator's log may
//! want. "Not found" is said only when every source that could know said so. No lock is held
//! while a source is asked; nothing waits for a source that rests; reports carry neither the
//! question nor anything a remote side wrote.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::answer::{Answer, Verdict, verdict, without_copies, without_library};
use super::guard::{BreakerState, Permit, SourceGuard};
use super::memory::{FOUND_FOR, Memory, Remembered};
use super::photo::address::PhotoUrl;
use super::photo::fetch::{Photos, Reading, Unread};
use super::report::{SourceEvent, SourceReport};
use super::{Catalogue, Outcome, Query, Reason, statefile};
use crate::catalogue::book::{Book, Source};
use crate::sys::sync::lock;
use crate::sys::unix;

/// With less than this left no source is asked over the network: name, connection, TLS and
/// answer are four round trips, and those take 60 ms each on a fair line.
pub const LEAST_SHARE: Duration = Duration::from_millis(250);

/// How long books are remembered that another source gave because the library could not be asked,
/// in seconds: long enough to turn pages, and then the library is to be asked.
const INSTEAD_FOR: u64 = 300;

/// The two clocks. A lookup takes time, so it looks at them more than once.
pub trait Clock: Send + Sync {
    /// For deadlines and rests.
    fn now(&self) -> Instant;
    /// Seconds since 1970, for what outlives a restart.
    fn wall(&self) -> u64;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> u64 {
        unix::seconds()
    }
}

/// A source with its budget and breaker.
pub struct Guarded {
    catalogue: Box<dyn Catalogue>,
    gate: Option<Mutex<SourceGuard>>,
}

impl Guarded {
    /// `per_minute` bounds the lookups in any minute; `None` does not. A shelf is in our own
    /// memory: it has neither budget nor breaker.
    pub fn new(catalogue: Box<dyn Catalogue>, per_minute: Option<NonZeroU32>) -> Self {
        let remote = catalogue.source() != Source::Shelf;
        Self { catalogue, gate: remote.then(|| Mutex::new(SourceGuard::new(per_minute))) }
    }

    /// Whether it is a source over the network that may be asked: a shelf takes no time.
    fn needs_time(&self, now: Instant) -> bool {
        self.gate.as_ref().is_some_and(|gate| lock(gate).would_ask(now))
    }
}

/// The sources in their order, and what they answered lately.
pub struct Library {
    sources: Vec<Guarded>,
    memory: Mutex<Memory>,
    learned: Condvar,
    photos: Option<Photos>,
    clock: Box<dyn Clock>,
}

impl Library {
    /// Asks `sources` in this order.
    pub fn new(sources: Vec<Guarded>, memory: Memory) -> Self {
        Self::with_clock(sources, memory, Box::new(SystemClock))
    }

    /// As [`Library::new`], on a given clock.
    pub fn with_clock(sources: Vec<Guarded>, memory: Memory, clock: Box<dyn Clock>) -> Self {
        let (memory, learned) = (Mutex::new(memory), Condvar::new());
        Self { sources, memory, learned, photos: None, clock }
    }

    /// The same, which also reads photos.
    pub fn with_photos(self, photos: Photos) -> Self {
        Self { photos: Some(photos), ..self }
    }

    /// Who reads photos.
    pub fn photos(&self) -> Option<&Photos> {
        self.photos.as_ref()
    }

    /// The remembered answer, if there is one that still holds, copies included. Fast, and no I/O.
    pub fn recall(&self, query: &Query) -> Option<Answer> {
        if let Query::Photo(url) = query {
            let reading = self.photos()?.recall(url)?;
            return photographed(reading, |isbn| self.recall(isbn));
        }
        let wall = self.clock.wall();
        let mut memory = lock(&self.memory);
        let books = memory.recall(query, wall)?;
        let (not_held, guess) = (memory.is_not_held(query), memory.is_guess(query));
        Some(Answer { remembered: true, not_held, guess, ..Answer::of(books, Vec::new()) })
    }

    /// Asks memory and then the sources, until one has found books or `until` has come. A guess
    /// stops nobody from being asked: it is the answer when no other source is sure. Two equal
    /// questions at the same time ask twice: joining them is the caller's business.
    pub fn find(&self, query: &Query, until: Instant) -> Answer {
        if let Query::Photo(url) = query {
            let reading = self.read(url, until);
            let answer = photographed(reading, |isbn| Some(self.find(isbn, until)));
            return answer.unwrap_or_else(|| Answer::without_books(Verdict::Trouble));
        }
        if let Some(answer) = self.recall(query) {
            return answer;
        }
        let uncounted = lock(&self.memory).uncounted(query, self.clock.wall());
        if let Some(books) = uncounted {
            return self.recount(query, &books, until);
        }
        let (mut reports, mut aside) = (Vec::new(), None);
        let mut rest = self.sources.as_slice();
        while let [source, later @ ..] = rest {
            match self.ask(source, later, query, until, &mut reports) {
                Some(Books::Found(books)) => return self.learn(query, books.into(), reports),
                Some(Books::Guess(books)) if aside.is_none() => aside = Some(books),
                _ => {}
            }
            rest = later;
        }
        match aside {
            Some(books) => self.guess(query, books.into(), reports),
            None => self.come_back_empty(query, reports),
        }
    }

    /// Where each breaker stands, for metrics; a shelf has none.
    pub fn states(&self) -> Vec<(Source, BreakerState)> {
        let now = self.clock.now();
        let state = |member: &Guarded| {
            let gate = member.gate.as_ref()?;
            Some((member.catalogue.source(), lock(gate).state(now)))
        };
        self.sources.iter().filter_map(state).collect()
    }

    /// Number of remembered answers, and the bytes they take.
    pub fn remembers(&self) -> (usize, usize) {
        let memory = lock(&self.memory);
        (memory.len(), memory.bytes())
    }

    /// Whether there is anything to save.
    pub fn changed_since_save(&self) -> bool {
        lock(&self.memory).changed_since_save()
    }

    /// Sleeps until there is something to save.
    pub fn wait_until_changed(&self) {
        let saved = |memory: &mut Memory| !memory.changed_since_save();
        drop(self.learned.wait_while(lock(&self.memory), saved));
    }

    /// Writes the remembered answers to `path`, atomically; lookups go on meanwhile.
    ///
    /// # Errors
    /// The file system's; the answers still count as unsaved then.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let snapshot = lock(&self.memory).snapshot();
        statefile::write(path, &snapshot)?;
        lock(&self.memory).mark_saved(snapshot.changes);
        Ok(())
    }

    /// Reads a photo within half of the time, so that as much is left to look for the book.
    fn read(&self, url: &PhotoUrl, until: Instant) -> Reading {
        let now = self.clock.now();
        let half = now + until.saturating_duration_since(now) / 2;
        self.photos().map_or(Err(Unread::Unfetched), |photos| photos.read(url, half))
    }

    /// Asks one source, if it may be asked, for its share of the time that is left: an equal
    /// one for it and for each of the `later` ones over the network that will be asked if it finds
    /// nothing.
    fn ask(
        &self,
        source: &Guarded,
        later: &[Guarded],
        query: &Query,
        until: Instant,
        reports: &mut Vec<SourceReport>,
    ) -> Option<Books> {
        let Guarded { catalogue, gate } = source;
        let name = catalogue.source();
        let start = self.clock.now();
        let left = until.saturating_duration_since(start);
        if gate.is_some() && left < LEAST_SHARE {
            reports.push(SourceReport::new(name, SourceEvent::NoTime));
            return None;
        }
        let others = later.iter().filter(|other| other.needs_time(start)).count();
        let share = (left / (1 + others as u32)).max(LEAST_SHARE);
        let pass = match admit(source, query, start, start + share) {
            Ok(pass) => pass,
            Err(refused) => {
                reports.push(SourceReport::new(name, refused));
                return None;
            }
        };
        let outcome = catalogue.find(query, start + share);
        let end = self.clock.now();
        let change = gate.as_ref().zip(pass).and_then(|(g, p)| lock(g).report(p, &outcome, end));
        let millis = end.duration_since(start).as_millis() as u64;
        let (event, reason, books) = split(outcome);
        reports.push(SourceReport { source: name, event, millis, reason });
        reports.extend(change.map(|change| SourceReport::new(name, SourceEvent::Changed(change))));
        books
    }

    /// Remembered books with the copies there are now; where those cannot be learned, with none.
    fn recount(&self, query: &Query, books: &[Book], until: Instant) -> Answer {
        let bare = || -> Arc<[Book]> { books.iter().cloned().map(without_copies).collect() };
        let source = books.first().map(|book| book.source);
        let member = self.sources.iter().find(|one| Some(one.catalogue.source()) == source);
        let Some(member) = member else {
            return Answer { remembered: true, ..Answer::of(bare(), Vec::new()) };
        };
        let name = member.catalogue.source();
        let start = self.clock.now();
        let pass = match admit(member, query, start, until) {
            Ok(pass) => pass,
            Err(refused) => {
                let reports = vec![SourceReport::new(name, refused)];
                return Answer { remembered: true, ..Answer::of(bare(), reports) };
            }
        };
        let outcome = member.catalogue.renew(books, until);
        let end = self.clock.now();
        let whole = matches!(outcome, Outcome::Found(_) | Outcome::Limited { .. });
        let change = member.gate.as_ref().zip(pass).and_then(|(gate, pass)| match whole {
            true => lock(gate).report(pass, &outcome, end),
            // That copies are not told is no reason to leave the search alone.
            false => {
                lock(gate).hand_back(pass, end);
                None
            }
        });
        let millis = end.duration_since(start).as_millis() as u64;
        let (event, reason, counted) = split(outcome);
        let mut reports = vec![SourceReport { source: name, event, millis, reason }];
        reports.extend(change.map(|change| SourceReport::new(name, SourceEvent::Changed(change))));
        let books = match counted {
            Some(Books::Found(books)) => books.into(),
            _ => bare(),
        };
        // Without copies, too: who picks up an answer that came too late must find one.
        lock(&self.memory).recount(query, Arc::clone(&books), self.clock.wall());
        Answer { remembered: true, ..Answer::of(books, reports) }
    }

    /// A full answer, to be remembered.
    fn learn(&self, query: &Query, books: Arc<[Book]>, reports: Vec<SourceReport>) -> Answer {
        let wall = self.clock.wall();
        let (not_held, instead) = without_library(&books, &reports);
        let at = if instead { wall.saturating_sub(FOUND_FOR - INSTEAD_FOR) } else { wall };
        let answer = Remembered::new(query, Arc::clone(&books), wall);
        lock(&self.memory).remember(Remembered { at, not_held, ..answer });
        self.learned.notify_all();
        Answer { not_held, ..Answer::of(books, reports) }
    }

    /// Nobody is sure, but there are books that may have been meant. Remembered only when every
    /// source that could know was asked.
    fn guess(&self, query: &Query, books: Arc<[Book]>, reports: Vec<SourceReport>) -> Answer {
        if verdict(&reports) == Verdict::NotFound {
            let wall = self.clock.wall();
            lock(&self.memory).keep_guess(query, Arc::clone(&books), wall);
            self.learned.notify_all();
        }
        Answer { guess: true, ..Answer::of(books, reports) }
    }

    /// No source has found anything: a miss, or the last resort, or the reason for neither.
    fn come_back_empty(&self, query: &Query, reports: Vec<SourceReport>) -> Answer {
        let verdict = verdict(&reports);
        if verdict == Verdict::NotFound {
            return self.learn(query, Arc::default(), reports);
        }
        let mut memory = lock(&self.memory);
        let guess = memory.is_guess(query);
        match memory.last_resort(query) {
            Some(books) => {
                let books = books.iter().cloned().map(without_copies).collect();
                Answer { remembered: true, stale: true, guess, ..Answer::of(books, reports) }
            }
            None => Answer { verdict, ..Answer::of(Arc::default(), reports) },
        }
    }
}

/// The answer to a photo: that to the number in it, or why there is none.
fn photographed(reading: Reading, ask: impl FnOnce(&Query) -> Option<Answer>) -> Option<Answer> {
    match reading {
        Ok(isbn) => Some(Answer { photographed: Some(isbn), ..ask(&Query::Isbn(isbn))? }),
        Err(why) => Some(Answer::without_books(Verdict::Unread(why))),
    }
}

/// Leave to ask a source; none is needed for a shelf.
fn admit(
    source: &Guarded,
    query: &Query,
    now: Instant,
    until: Instant,
) -> Result<Option<Permit>, SourceEvent> {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    let admitted = source.gate.as_ref().map(|gate| lock(gate).admit(now, until, hasher.finish()));
    Ok(admitted.transpose()?)
}

/// What a source has.
enum Books {
    /// What was asked for.
    Found(Vec<Book>),
    /// What may have been meant.
    Guess(Vec<Book>),
}

fn split(outcome: Outcome) -> (SourceEvent, Option<Reason>, Option<Books>) {
    match outcome {
        Outcome::Found(books) => (SourceEvent::Found(books.len()), None, Some(Books::Found(books))),
        Outcome::Guess(books) => (SourceEvent::Guess(books.len()), None, Some(Books::Guess(books))),
        Outcome::NotFound => (SourceEvent::NotFound, None, None),
        Outcome::Unfit(reason) => (SourceEvent::Unfit, Some(reason), None),
        Outcome::Unasked => (SourceEvent::Unasked, None, None),
        Outcome::Limited { reason, .. } => (SourceEvent::Limited, Some(reason), None),
        Outcome::Operator(reason) => (SourceEvent::Operator, Some(reason), None),
        Outcome::Down(reason) => (SourceEvent::Down, Some(reason), None),
    }
}
