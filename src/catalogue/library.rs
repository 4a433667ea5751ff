//! All sources behind one question: remembered answers first, then one source after another.
//!
//! In: a query and the moment by which an answer is of use. Out: an [`Answer`] whose verdict
//! is true of all sources together, with a [`SourceReport`] for each thing the operator's log may
//! want. "Not found" is said only when every source that could know said so. No lock is held
//! while a source is asked; nothing waits for a source that rests; reports carry neither the
//! question nor anything a remote side wrote.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::answer::{Answer, Verdict, verdict, without_copies, without_library};
use super::guard::BreakerState;
use super::guarded::{Books, hash, split};
use super::memory::{FOUND_FOR, Memory, NOT_FOUND_FOR, Origin, Remembered};
use super::photo::address::PhotoUrl;
use super::photo::fetch::{Photos, Reading, Unread};
use super::report::{SourceEvent, SourceReport};
use super::{Outcome, Query, Reread, statefile};
use crate::catalogue::book::{Book, Source};
use crate::sys::sync::lock;

pub use super::guarded::{Clock, Guarded, SystemClock};

/// With less than this left no source is asked over the network: name, connection, TLS and
/// answer are four round trips, and those take 60 ms each on a fair line.
pub const LEAST_SHARE: Duration = Duration::from_millis(250);

/// How long books are remembered that another source gave because the library could not be asked,
/// in seconds: long enough to turn pages, and then the library is to be asked.
const INSTEAD_FOR: u64 = 300;

/// One question of one reader.
struct Asked<'a> {
    query: &'a Query,
    reader: u64,
    until: Instant,
    /// Until when the last source may take.
    late: Instant,
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
        let incomplete = memory.is_incomplete(query);
        let answer = Answer::of(books, Vec::new());
        Some(Answer { remembered: true, not_held, guess, incomplete, ..answer })
    }

    /// As [`Library::find_for`], each question for a reader of its own.
    pub fn find(&self, query: &Query, until: Instant) -> Answer {
        self.find_for(query, hash(query), until, until)
    }

    /// Asks memory and then the sources, until one has found books or `until` has come; `reader`
    /// tells readers apart. The last source that is asked may take until `late`. A guess stops
    /// nobody from being asked: it is the answer when no other source is sure. Two equal questions
    /// at the same time ask twice: joining them is the caller's business.
    pub fn find_for(&self, query: &Query, reader: u64, until: Instant, late: Instant) -> Answer {
        if let Query::Photo(url) = query {
            let reading = self.read(url, until);
            let find = |isbn: &Query| Some(self.find_for(isbn, reader, until, late));
            return photographed(reading, find)
                .unwrap_or_else(|| Answer::without_books(Verdict::Trouble));
        }
        if let Some(answer) = self.recall(query) {
            return answer;
        }
        let uncounted = lock(&self.memory).uncounted(query, self.clock.wall());
        if let Some(books) = uncounted {
            return self.recount(query, &books, reader, late);
        }
        let generation = lock(&self.memory).renewals();
        let (mut reports, mut aside) = (Vec::new(), None);
        let mut rest = self.sources.as_slice();
        while let [source, later @ ..] = rest {
            let asked = Asked { query, reader, until, late };
            match self.ask_plainly(source, later, &asked, &mut reports) {
                Some(Books::Found(books)) => {
                    return self.learn(query, books.into(), reports, generation);
                }
                Some(Books::Guess(books)) if aside.is_none() => aside = Some(books),
                _ => {}
            }
            rest = later;
        }
        match aside {
            Some(books) => self.guess(query, books.into(), reports, generation),
            None => self.nothing_found(query, reports, generation),
        }
    }

    /// Has every source that was read from a file read it again, while others go on answering.
    /// What is remembered and no longer holds is forgotten.
    pub fn reload(&self) -> Vec<Result<Reread, String>> {
        let mut outcomes = Vec::new();
        let mut before = Vec::new();
        for Guarded { catalogue, .. } in &self.sources {
            if let Some(outcome) = catalogue.reload() {
                if let Ok(reread) = &outcome {
                    let origin = Origin { source: catalogue.source(), print: reread.print };
                    lock(&self.memory).renew(origin, &before);
                    self.learned.notify_all();
                }
                outcomes.push(outcome);
            }
            before.push(catalogue.source());
        }
        outcomes
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

    /// Asks a source, and one over the network that has nothing by these words once more in a
    /// plainer form (追风筝的人 for 有没有那个叫追风筝的人的小说). A title may look like a question, so
    /// the words as they are go first; the shelf takes messages as they are.
    fn ask_plainly(
        &self,
        source: &Guarded,
        later: &[Guarded],
        asked: &Asked<'_>,
        reports: &mut Vec<SourceReport>,
    ) -> Option<Books> {
        let books = self.ask(source, later, asked, reports);
        let missed = reports.last().is_some_and(|last| last.event == SourceEvent::NotFound);
        // A library's system knows of itself when to search again: it may be asked three times.
        let itself = source.gate.is_none() || source.catalogue.source().has_live_copies();
        if books.is_some() || !missed || itself {
            return books;
        }
        let plain = asked.query.plainer()?;
        self.ask(source, later, &Asked { query: &plain, ..*asked }, reports)
    }

    /// Asks one source, if it may be asked, for its share of the time that is left: an equal
    /// one for it and for each of the `later` ones over the network that will be asked if it finds
    /// nothing.
    fn ask(
        &self,
        source: &Guarded,
        later: &[Guarded],
        asked: &Asked<'_>,
        reports: &mut Vec<SourceReport>,
    ) -> Option<Books> {
        let Guarded { catalogue, gate } = source;
        let name = catalogue.source();
        let Some(query) = source.asked(asked.query) else {
            reports.push(SourceReport::new(name, SourceEvent::Unasked));
            return None;
        };
        let clock = &*self.clock;
        let start = clock.now();
        let others = later.iter().filter(|other| other.needs_time(start)).count();
        let until = if others == 0 { asked.late } else { asked.until };
        let left = until.saturating_duration_since(start);
        if gate.is_some() && left < LEAST_SHARE {
            reports.push(SourceReport::new(name, SourceEvent::NoTime));
            return None;
        }
        let share = (left / (1 + others as u32)).max(LEAST_SHARE);
        let until = start + share;
        let pass = match source.admit(clock, &query, asked.reader, until, reports) {
            Ok(pass) => pass,
            Err(refused) => {
                reports.push(SourceReport::new(name, refused));
                return None;
            }
        };
        source.put(clock, &query, until, pass, reports)
    }

    /// Remembered books with the copies there are now; where those cannot be learned, with none.
    fn recount(&self, query: &Query, books: &[Book], reader: u64, until: Instant) -> Answer {
        let bare = || -> Arc<[Book]> { books.iter().cloned().map(without_copies).collect() };
        let source = books.first().map(|book| book.source);
        let member = self.sources.iter().find(|one| Some(one.catalogue.source()) == source);
        let Some(member) = member else {
            return Answer { remembered: true, ..Answer::of(bare(), Vec::new()) };
        };
        let name = member.catalogue.source();
        let start = self.clock.now();
        let mut reports = Vec::new();
        let pass = match member.admit(&*self.clock, query, reader, until, &mut reports) {
            Ok(pass) => pass,
            Err(refused) => {
                reports.push(SourceReport::new(name, refused));
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
        reports.push(SourceReport { source: name, event, millis, reason });
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
    fn learn(
        &self,
        query: &Query,
        books: Arc<[Book]>,
        reports: Vec<SourceReport>,
        generation: u64,
    ) -> Answer {
        let wall = self.clock.wall();
        let (not_held, instead) = without_library(&books, &reports);
        let at = if instead { wall.saturating_sub(FOUND_FOR - INSTEAD_FOR) } else { wall };
        let answer = Remembered::new(query, Arc::clone(&books), wall);
        lock(&self.memory).remember_since(Remembered { at, not_held, ..answer }, generation);
        self.learned.notify_all();
        Answer { not_held, ..Answer::of(books, reports) }
    }

    /// Nobody is sure, but there are books that may have been meant. While a source that could know
    /// was not asked, what is known from before is better, and the guess is incomplete: remembered
    /// for as long as it takes to pick from it.
    fn guess(
        &self,
        query: &Query,
        books: Arc<[Book]>,
        reports: Vec<SourceReport>,
        generation: u64,
    ) -> Answer {
        let incomplete = verdict(&reports) != Verdict::NotFound;
        let wall = self.clock.wall();
        let mut memory = lock(&self.memory);
        if incomplete && !memory.is_guess(query) && memory.last_resort(query).is_some() {
            drop(memory);
            return self.nothing_found(query, reports, generation);
        }
        let at = if incomplete { wall.saturating_sub(NOT_FOUND_FOR - INSTEAD_FOR) } else { wall };
        let answer = Remembered::new(query, Arc::clone(&books), wall);
        let answer = Remembered { at, guess: true, incomplete, ..answer };
        memory.remember_since(answer, generation);
        drop(memory);
        self.learned.notify_all();
        Answer { guess: true, incomplete, ..Answer::of(books, reports) }
    }

    /// No source has found anything: a miss, or the last resort, or the reason for neither.
    fn nothing_found(&self, query: &Query, reports: Vec<SourceReport>, generation: u64) -> Answer {
        let verdict = verdict(&reports);
        if verdict == Verdict::NotFound {
            return self.learn(query, Arc::default(), reports, generation);
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
