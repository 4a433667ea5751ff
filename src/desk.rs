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

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::catalogue::Query;
use crate::catalogue::budget::Change;
use crate::catalogue::library::{Answer, Library, Verdict};
use crate::catalogue::note::{Event, Note};
use crate::desk::ledger::{Ledger, Turn};
use crate::journal;
use crate::metrics::Metrics;
use crate::parking::Ticket;
use crate::response::Response;
use crate::wechat::push::Identity;

pub mod ledger;

/// How long a lookup may take over all sources: three deliveries of five seconds, less what
/// the last answer needs to get there.
pub const LOOKUP: Duration = Duration::from_secs(14);
/// A lookup thread with nothing to do ends after this long.
const IDLE: Duration = Duration::from_secs(2);
/// Stack of a lookup thread: TLS and JSON need less than half of it.
const STACK: usize = 512 * 1024;
/// Lookups that one reader may have waiting.
const WAITING_PER_READER: u32 = 2;
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

/// The desk. Cheap to clone; all clones are the same desk.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

struct Shared {
    library: Arc<Library>,
    metrics: Arc<Metrics>,
    threads_limit: usize,
    queue_limit: usize,
    lookups: Mutex<Lookups>,
    work: Condvar,
    /// Rung when the last job is done while somebody stops.
    done: Condvar,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Lookups {
    jobs: HashMap<Query, Job>,
    queue: VecDeque<Query>,
    threads: usize,
    idle: usize,
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

impl Desk {
    /// A desk that asks `library` on at most `threads` threads.
    pub fn new(library: Arc<Library>, threads: usize, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Shared {
            library,
            metrics,
            threads_limit: threads,
            // A queue four times as long as what runs empties within a lookup's own time when
            // sources answer at all.
            queue_limit: threads * 4,
            lookups: Mutex::default(),
            work: Condvar::new(),
            done: Condvar::new(),
            ledger: Mutex::default(),
        }))
    }

    /// One delivery of a push comes in.
    pub fn arrive(&self, push: &Identity, now: Instant) -> Turn {
        self.0.ledger().arrive(push, now)
    }

    /// A request of this push waits for its answer. `Some` when that has come meanwhile.
    pub fn wait(&self, push: &Identity, ticket: Ticket) -> Option<Response> {
        self.0.ledger().wait(push, ticket)
    }

    /// The reply to a push is known: remembers it, and gives it to all that wait. Returns how
    /// many requests it reached.
    pub fn settle(&self, push: &Identity, reply: &Response) -> usize {
        let waiting = self.0.ledger().settle(push, reply);
        waiting.into_iter().filter(|ticket| ticket.answer(Some(reply.clone()))).count()
    }

    /// The push will not be answered after all: the next delivery begins anew.
    pub fn forget(&self, push: &Identity) {
        for ticket in self.0.ledger().forget(push) {
            ticket.answer(None);
        }
    }

    /// What is remembered about `query`.
    pub fn recall(&self, query: &Query) -> Option<Answer> {
        let answer = self.0.library.recall(query);
        answer.iter().for_each(|_| Metrics::add(&self.0.metrics.memory_hits));
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
        let mut lookups = self.0.lookups();
        if lookups.stopping {
            return Err(Refused::Stopping);
        }
        let known = lookups.jobs.contains_key(query);
        if !known && lookups.queue.len() >= self.0.queue_limit {
            return Err(Refused::Full);
        }
        lookups.charge(reader, now)?;
        let job = lookups
            .jobs
            .entry(query.clone())
            .or_insert_with(|| Job { until: now + LOOKUP, waiters: Vec::new() });
        job.waiters.push((reader.into(), waiter));
        if known {
            Metrics::add(&self.0.metrics.lookups_joined);
            return Ok(());
        }
        lookups.queue.push_back(query.clone());
        let start = lookups.idle < lookups.queue.len() && lookups.threads < self.0.threads_limit;
        if start {
            lookups.threads += 1;
        }
        self.0.work.notify_one();
        drop(lookups);
        if start {
            self.start_thread();
        }
        Ok(())
    }

    fn start_thread(&self) {
        let shared = self.0.clone();
        let spawned = thread::Builder::new()
            .name("lookup".into())
            .stack_size(STACK)
            .spawn(move || shared.work());
        if let Err(error) = spawned {
            journal::warning(format_args!(
                "cannot start a thread for a lookup: {error}; TasksMax or a lower \
                 DOUMIBOOK_LOOKUPS would help"
            ));
            let mut lookups = self.0.lookups();
            lookups.threads -= 1;
            if lookups.threads > 0 {
                return;
            }
            // Nobody is left to do the work: those who wait hear it now.
            let jobs: Vec<Job> = lookups.jobs.drain().map(|(_, job)| job).collect();
            lookups.queue.clear();
            drop(lookups);
            for job in jobs {
                self.0.hand_out(job, &Answer::without_books(Verdict::Busy));
            }
        }
    }

    /// What is behind the desk: for the metrics.
    pub fn library(&self) -> &Library {
        &self.0.library
    }

    /// Lookups running and waiting: for the metrics.
    pub fn load(&self) -> (usize, usize) {
        let lookups = self.0.lookups();
        (lookups.threads - lookups.idle, lookups.queue.len())
    }

    /// Takes no more questions; lookups under way may finish until `until`, then every request
    /// that still waits is let go without an answer, so that WeChat delivers it again.
    pub fn stop(&self, until: Instant) {
        let mut lookups = self.0.lookups();
        lookups.stopping = true;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if lookups.is_over() || left.is_zero() {
                break;
            }
            lookups =
                self.0.done.wait_timeout(lookups, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(lookups);
        for ticket in self.0.ledger().release() {
            ticket.answer(None);
        }
    }
}

impl Shared {
    fn lookups(&self) -> MutexGuard<'_, Lookups> {
        // A panic elsewhere leaves at worst a count too high; the bounds still hold.
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lookup thread: takes questions until none comes for a while.
    fn work(&self) {
        let mut lookups = self.lookups();
        loop {
            if let Some(query) = lookups.queue.pop_front() {
                let until = lookups.jobs.get(&query).map(|job| job.until);
                drop(lookups);
                self.find(&query, until.unwrap_or_else(Instant::now));
                lookups = self.lookups();
                continue;
            }
            lookups.idle += 1;
            let (again, waited) =
                self.work.wait_timeout(lookups, IDLE).unwrap_or_else(PoisonError::into_inner);
            lookups = again;
            lookups.idle -= 1;
            if waited.timed_out() && lookups.queue.is_empty() {
                lookups.threads -= 1;
                return;
            }
        }
    }

    fn find(&self, query: &Query, until: Instant) {
        Metrics::add(&self.metrics.lookups);
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
        self.metrics.looked_up(&answer.notes);
        // Once a lookup, however many readers wait for it.
        answer.notes.iter().for_each(log_note);
        let mut lookups = self.lookups();
        let Some(job) = lookups.jobs.remove(query) else { return };
        lookups.telling += 1;
        drop(lookups);
        self.hand_out(job, &answer);
        let mut lookups = self.lookups();
        lookups.telling -= 1;
        if lookups.stopping && lookups.is_over() {
            self.done.notify_all();
        }
    }

    fn hand_out(&self, job: Job, answer: &Answer) {
        for (reader, waiter) in job.waiters {
            self.lookups().discharge(&reader);
            // A reply that cannot be made is one reader's trouble, not everybody's.
            let _ = catch_unwind(AssertUnwindSafe(|| waiter(answer)));
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
fn log_note(note: &Note) {
    match note.event {
        Event::Operator | Event::Changed(Change::Rests(_)) => {
            journal::warning(format_args!("{note}"));
        }
        Event::Limited | Event::Down | Event::OverBudget | Event::NoTime | Event::Changed(_) => {
            journal::notice(format_args!("{note}"));
        }
        Event::Found(_) | Event::NotFound | Event::Unasked | Event::Resting(_) => {}
    }
}
