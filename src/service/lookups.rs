//! Every push is answered once, and every question is looked up once.
//!
//! In: deliveries of pushes, and the questions in them. Out: answers, delivered to every
//! request that waits for them. WeChat delivers a push up to three times when no answer comes
//! within five seconds: the first delivery starts the work, the others join it, a delivery
//! after the answer gets the remembered reply. Equal questions of different readers share one
//! lookup. Lookups run on threads of their own, started on demand and gone when idle.
//!
//! No lock is held while a source is asked or a reply is made. A lookup that panics answers
//! its waiters with trouble. Everything kept here is bounded, in number and in time.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::catalogue::Query;
use crate::catalogue::guard::BreakerChange;
use crate::catalogue::library::{Answer, Library, Verdict};
use crate::catalogue::report::{SourceEvent, SourceReport};
use crate::service::dedup::{Arrival, DeliveryDedup};
use crate::service::metrics::{self, Metrics};
use crate::service::parking::Ticket;
use crate::service::response::Response;
use crate::sys::journal;
use crate::sys::pool::{Crew, Kind};
use crate::sys::sync::{lock, wait};
use crate::wechat::push::Identity;

/// How long a lookup may take over all sources: three deliveries of five seconds, less what
/// the last answer needs to get there.
pub const LOOKUP: Duration = Duration::from_secs(14);
/// Stack of a lookup thread: TLS and JSON need less than half of it.
const STACK: usize = 512 * 1024;
/// Lookups that one reader may have waiting.
const WAITING_PER_READER: u32 = 2;
/// Pushes of one reader that may wait for one lookup: whoever is told to ask again does so.
const ASKED_PER_READER: usize = 8;
/// Lookups that one reader may start in a minute.
const PER_MINUTE: u32 = 20;
/// Readers whose lookups are counted at the same time.
const READERS: usize = 4096;

/// What is done with an answer: it becomes a reply, on the lookup's thread.
pub type Waiter = Box<dyn FnOnce(&Answer) + Send>;

/// Why a question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many lookups wait already.
    Full,
    /// This reader has too many waiting, or asked too much within a minute.
    TooMany,
    /// The server stops.
    Stopping,
}

/// The desk; all clones are the same desk.
#[derive(Clone)]
pub struct LookupService {
    shared: Arc<Shared>,
    crew: Arc<Crew<Errand>>,
    /// Questions looked up or waiting to be.
    limit: usize,
}

/// One lookup to be done.
struct Errand(Arc<Shared>, Query);

struct Shared {
    library: Arc<Library>,
    metrics: Arc<Metrics>,
    lookups: Mutex<Lookups>,
    /// Rung when the last job is done while somebody stops.
    done: Condvar,
    ledger: Mutex<DeliveryDedup>,
}

#[derive(Default)]
struct Lookups {
    jobs: HashMap<Query, Job>,
    /// Jobs that are over and whose waiters are being told.
    telling: usize,
    stopping: bool,
    readers: HashMap<Box<str>, Load>,
}

struct Job {
    until: Instant,
    waiters: Vec<(Box<str>, Waiter)>,
}

/// What one reader costs us now.
struct Load {
    waiting: u32,
    minute: Instant,
    started: u32,
}

impl LookupService {
    /// A desk that asks `library` on at most `threads` threads.
    pub fn new(library: Arc<Library>, threads: usize, metrics: Arc<Metrics>) -> Self {
        let shared = Shared {
            library,
            metrics,
            lookups: Mutex::default(),
            done: Condvar::new(),
            ledger: Mutex::default(),
        };
        let kind = Kind { name: "lookup", stack: STACK, limit: threads, patient: true };
        Self {
            shared: Arc::new(shared),
            crew: Crew::new(kind, |errand: &Errand| errand.0.find(&errand.1)),
            // A queue four times as long as what runs empties within a lookup's own time when
            // sources answer at all.
            limit: threads * 5,
        }
    }

    /// A delivery of a push comes in; if nobody has seen the push before, it is number `first`.
    pub fn arrive(&self, push: &Identity, first: u32, now: Instant) -> Arrival {
        lock(&self.shared.ledger).arrive(push, first, now)
    }

    /// A request of this push waits for its answer. `Some` when that has come meanwhile.
    pub fn wait(&self, push: &Identity, ticket: Ticket) -> Option<Response> {
        lock(&self.shared.ledger).wait(push, ticket)
    }

    /// Lets the requests of this push go that wait already: WeChat has given them up when it
    /// delivers again.
    pub fn supersede(&self, push: &Identity) {
        let waiting = lock(&self.shared.ledger).take_waiting(push);
        let_go(&waiting);
    }

    /// The reply to a push is known: remembers it, and gives it to all that wait. Returns how
    /// many requests it reached.
    pub fn settle(&self, push: &Identity, reply: &Response) -> usize {
        let waiting = lock(&self.shared.ledger).settle(push, reply);
        waiting.into_iter().filter(|ticket| ticket.answer(Some(reply.clone()))).count()
    }

    /// The push will not be answered after all: the next delivery begins anew.
    pub fn forget(&self, push: &Identity) {
        let waiting = lock(&self.shared.ledger).forget(push);
        let_go(&waiting);
    }

    /// What is remembered about `query`.
    pub fn recall(&self, query: &Query) -> Option<Answer> {
        let answer = self.shared.library.recall(query);
        if answer.is_some() {
            self.shared.metrics.count(metrics::MEMORY_HITS, ["", ""]);
        }
        answer
    }

    /// Looks `query` up for `reader`, or joins who does already; `waiter` gets the answer.
    pub fn look_up(
        &self,
        query: &Query,
        reader: &str,
        now: Instant,
        waiter: Waiter,
    ) -> Result<(), Refused> {
        let shared = &self.shared;
        let mut lookups = lock(&shared.lookups);
        if lookups.stopping {
            return Err(Refused::Stopping);
        }
        let known = lookups.jobs.get(query);
        if known.is_none() && lookups.jobs.len() >= self.limit {
            return Err(Refused::Full);
        }
        let (known, waiters) = (known.is_some(), known.map_or(&[][..], |job| &job.waiters));
        match waiters.iter().filter(|(other, _)| **other == *reader).count() {
            0 => lookups.charge(reader, now)?,
            ASKED_PER_READER.. => return Err(Refused::TooMany),
            // Asking the same again costs no lookup.
            _ => {}
        }
        let job = lookups.jobs.entry(query.clone());
        let job = job.or_insert_with(|| Job { until: now + LOOKUP, waiters: Vec::new() });
        job.waiters.push((reader.into(), waiter));
        drop(lookups);
        if known {
            return Ok(());
        }
        if let Err((errand, error)) = self.crew.take(Errand(shared.clone(), query.clone())) {
            journal::warning(format_args!(
                "cannot start a thread for a lookup: {error}; TasksMax or a lower \
                 DOUMIBOOK_LOOKUPS would help"
            ));
            shared.hand_out(&errand.1, &Answer::without_books(Verdict::Busy));
        }
        Ok(())
    }

    /// What is behind the desk: for the metrics.
    pub fn library(&self) -> &Library {
        &self.shared.library
    }

    /// Lookups running and waiting: for the metrics.
    pub fn load(&self) -> (usize, usize) {
        self.crew.load()
    }

    /// Takes no more questions; lookups under way may finish until `until`, then every request
    /// that still waits is let go without an answer, so that WeChat delivers it again.
    pub fn stop(&self, until: Instant) {
        let mut lookups = lock(&self.shared.lookups);
        lookups.stopping = true;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if lookups.is_over() || left.is_zero() {
                break;
            }
            lookups = wait(&self.shared.done, lookups, left).0;
        }
        drop(lookups);
        let waiting = lock(&self.shared.ledger).release();
        let_go(&waiting);
    }
}

/// Ends requests without an answer, so that WeChat delivers their push again.
fn let_go(waiting: &[Ticket]) {
    for ticket in waiting {
        ticket.answer(None);
    }
}

impl Shared {
    /// One lookup, on a thread of the crew.
    fn find(&self, query: &Query) {
        self.metrics.count(metrics::LOOKUPS, ["", ""]);
        let until = lock(&self.lookups).jobs.get(query).map(|job| job.until);
        let until = until.unwrap_or_else(Instant::now);
        let found = if Instant::now() >= until {
            // It waited out its time in the queue.
            Ok(Answer::without_books(Verdict::Busy))
        } else {
            catch_unwind(AssertUnwindSafe(|| self.library.find(query, until)))
        };
        let answer = found.unwrap_or_else(|_| {
            let mut hasher = DefaultHasher::new();
            query.hash(&mut hasher);
            journal::error(format_args!(
                "a lookup panicked; its readers were told of trouble (question {:016x})",
                hasher.finish()
            ));
            Answer::without_books(Verdict::Trouble)
        });
        self.metrics.looked_up(&answer.reports);
        // Once a lookup, however many readers wait for it.
        answer.reports.iter().for_each(log_report);
        self.hand_out(query, &answer);
    }

    /// The job of this question is over: everybody who waits for it is told.
    fn hand_out(&self, query: &Query, answer: &Answer) {
        let mut lookups = lock(&self.lookups);
        let Some(job) = lookups.jobs.remove(query) else { return };
        lookups.telling += 1;
        let mut readers: Vec<_> = job.waiters.iter().map(|(reader, _)| reader).collect();
        readers.sort_unstable();
        readers.dedup();
        readers.into_iter().for_each(|reader| lookups.discharge(reader));
        drop(lookups);
        for (_, waiter) in job.waiters {
            // A reply that cannot be made is one reader's trouble, not everybody's.
            let _ = catch_unwind(AssertUnwindSafe(|| waiter(answer)));
        }
        let mut lookups = lock(&self.lookups);
        lookups.telling -= 1;
        if lookups.stopping && lookups.is_over() {
            self.done.notify_all();
        }
    }
}

impl Lookups {
    /// Whether nobody waits for a lookup any more.
    fn is_over(&self) -> bool {
        self.jobs.is_empty() && self.telling == 0
    }

    fn charge(&mut self, reader: &str, now: Instant) -> Result<(), Refused> {
        if self.readers.len() >= READERS && !self.readers.contains_key(reader) {
            self.make_room(now)?;
        }
        let load = self.readers.entry(reader.into()).or_insert(Load {
            waiting: 0,
            minute: now,
            started: 0,
        });
        if !load.is_fresh(now) {
            (load.minute, load.started) = (now, 0);
        }
        if load.waiting >= WAITING_PER_READER || load.started >= PER_MINUTE {
            return Err(Refused::TooMany);
        }
        load.waiting += 1;
        load.started += 1;
        Ok(())
    }

    fn make_room(&mut self, now: Instant) -> Result<(), Refused> {
        self.readers.retain(|_, load| load.waiting > 0 || load.is_fresh(now));
        if self.readers.len() >= READERS {
            // More than 68 new readers a second: better to forget who asked how much than to
            // send the next one away.
            self.readers.retain(|_, load| load.waiting > 0);
        }
        if self.readers.len() < READERS { Ok(()) } else { Err(Refused::Full) }
    }

    fn discharge(&mut self, reader: &str) {
        if let Some(load) = self.readers.get_mut(reader) {
            load.waiting = load.waiting.saturating_sub(1);
        }
    }
}

impl Load {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.minute) < Duration::from_secs(60)
    }
}

/// What happened at a source, as loud as it needs to be: the operator must look at a source
/// that refuses us or rests; the rest is told by the push's own line.
fn log_report(note: &SourceReport) {
    match note.event {
        SourceEvent::Operator | SourceEvent::Changed(BreakerChange::Rests(_)) => {
            journal::warning(format_args!("{note}"));
        }
        SourceEvent::Limited
        | SourceEvent::Down
        | SourceEvent::OverBudget
        | SourceEvent::NoTime
        | SourceEvent::Changed(_) => {
            journal::notice(format_args!("{note}"));
        }
        SourceEvent::Found(_)
        | SourceEvent::NotFound
        | SourceEvent::Unasked
        | SourceEvent::Resting(_) => {}
    }
}
