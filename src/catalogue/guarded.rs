//! One source behind its budget and breaker.
//!
//! In: a question of a reader, and the moment by which an answer is of use. Out: leave to put it, or
//! why not; what the source brings, with a [`SourceReport`] for each thing that happened. What
//! leaves for a source over the network is cleaned. No lock is held while a source is asked.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Instant;

use super::guard::{Asked, Permit, SourceGuard};
use super::report::{SourceEvent, SourceReport};
use super::{Catalogue, Outcome, Query, Reason};
use crate::catalogue::book::{Book, Source};
use crate::sys::sync::lock;
use crate::sys::unix;

/// What we ask by ourselves, to find out whether a source is back: every one knows it.
const PROBE: &str = "三体";

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
    pub(super) catalogue: Box<dyn Catalogue>,
    pub(super) gate: Option<Mutex<SourceGuard>>,
}

impl Guarded {
    /// `per_minute` bounds the lookups in any minute; `None` does not. A shelf is in our own
    /// memory: it has neither budget nor breaker.
    pub fn new(catalogue: Box<dyn Catalogue>, per_minute: Option<NonZeroU32>) -> Self {
        let remote = catalogue.source() != Source::Shelf;
        Self { catalogue, gate: remote.then(|| Mutex::new(SourceGuard::new(per_minute))) }
    }

    /// The question as this source is asked it, if it can know: what is new only the shelf does.
    /// What leaves the machine is cleaned.
    pub(super) fn asked(&self, query: &Query) -> Option<Query> {
        if *query == Query::Newest && self.catalogue.source() != Source::Shelf {
            return None;
        }
        if self.gate.is_some() { query.for_sending() } else { Some(query.clone()) }
    }

    /// Whether it is a source over the network that may be asked: a shelf takes no time.
    pub(super) fn needs_time(&self, now: Instant) -> bool {
        self.gate.as_ref().is_some_and(|gate| lock(gate).would_ask(now))
    }

    /// Leave to ask a source. Where it may be this reader's questions that it failed at, a question
    /// of our own finds out first whether it is back.
    pub fn admit(
        &self,
        clock: &dyn Clock,
        query: &Query,
        reader: u64,
        until: Instant,
        reports: &mut Vec<SourceReport>,
    ) -> Result<Option<Permit>, SourceEvent> {
        let pass = self.admit_now(query, reader, clock.now(), until)?;
        if !pass.as_ref().is_some_and(Permit::is_for_our_question) {
            return Ok(pass);
        }
        if let Some(ours) = Query::words(PROBE) {
            self.put(clock, &ours, until, pass, reports);
        }
        self.admit_now(query, reader, clock.now(), until)
    }

    /// Puts a question to a source, and tells its gate what came of it.
    pub fn put(
        &self,
        clock: &dyn Clock,
        query: &Query,
        until: Instant,
        pass: Option<Permit>,
        reports: &mut Vec<SourceReport>,
    ) -> Option<Books> {
        let Self { catalogue, gate } = self;
        let (name, start) = (catalogue.source(), clock.now());
        let outcome = catalogue.find(query, until);
        let end = clock.now();
        let change = gate.as_ref().zip(pass).and_then(|(g, p)| lock(g).report(p, &outcome, end));
        let millis = end.duration_since(start).as_millis() as u64;
        let (event, reason, books) = split(outcome);
        reports.push(SourceReport { source: name, event, millis, reason });
        reports.extend(change.map(|change| SourceReport::new(name, SourceEvent::Changed(change))));
        books
    }

    /// Leave to ask a source; none is needed for a shelf.
    fn admit_now(
        &self,
        query: &Query,
        reader: u64,
        now: Instant,
        until: Instant,
    ) -> Result<Option<Permit>, SourceEvent> {
        let asked = Asked { question: hash(query), reader };
        let admitted = self.gate.as_ref().map(|gate| lock(gate).admit(now, until, asked));
        Ok(admitted.transpose()?)
    }
}

/// Tells questions apart.
pub fn hash(query: &Query) -> u64 {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    hasher.finish()
}

/// What a source has.
pub enum Books {
    /// What was asked for.
    Found(Vec<Book>),
    /// What may have been meant.
    Guess(Vec<Book>),
}

/// An outcome as it is told, and the books in it.
pub(super) fn split(outcome: Outcome) -> (SourceEvent, Option<Reason>, Option<Books>) {
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
