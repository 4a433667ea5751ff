//! Every question is looked up once, and no reader takes more than a fair share.
//!
//! In: questions of readers. Out: a [`Lookup`] for the thread that is to do it, or nothing when
//! the question joins one that is under way (singleflight) or waits in the queue; later the
//! answer, given to everybody who asked. No lock is held while a source is asked or a reply is
//! made. A lookup that panics answers its waiters with trouble. Everything kept here is bounded,
//! in number and in time.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::metrics::{self, Metrics};
use super::quota::{NotTaken, Quotas};
use crate::catalogue::Query;
use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::guard::BreakerChange;
use crate::catalogue::guarded::hash;
use crate::catalogue::library::Library;
use crate::catalogue::report::{SourceEvent, SourceReport};
use crate::sys::journal;
use crate::sys::sync::{lock, wait};

/// How long a lookup may take over all sources: three deliveries of five seconds, less what
/// the last answer needs to get there.
pub const LOOKUP: Duration = Duration::from_secs(14);
/// How long when readers were told to come back for the answer: nobody waits at an open connection.
const TOLD: Duration = Duration::from_secs(25);
/// Pushes of one reader that may wait for one lookup: whoever is told to ask again does so.
const ASKED_PER_READER: usize = 8;

/// What is done with an answer: it becomes a reply, on the lookup's thread.
pub type Waiter = Box<dyn FnOnce(&Answer) + Send>;

/// Where questions are looked up; all clones are the same.
#[derive(Clone)]
pub struct LookupService {
    shared: Arc<Shared>,
}

/// Whose threads do the lookups.
pub trait Blocking {
    /// This thread is about to wait for a source. `false`: it may not, since nobody else would be
    /// left for other work.
    fn begin(&self) -> bool;

    /// It does not wait any more.
    fn end(&self);
}

/// A thread of its own for each lookup: it may wait as long as it likes.
pub struct OwnThread;

impl Blocking for OwnThread {
    fn begin(&self) -> bool {
        true
    }

    fn end(&self) {}
}

/// One lookup, to be done by the thread that holds it.
#[must_use]
pub struct Lookup {
    shared: Arc<Shared>,
    query: Query,
}

struct Shared {
    library: Arc<Library>,
    metrics: Arc<Metrics>,
    /// Lookups at the same time.
    limit: usize,
    lookups: Mutex<Lookups>,
    /// Rung when the last job is done while somebody stops.
    done: Condvar,
}

#[derive(Default)]
struct Lookups {
    jobs: HashMap<Query, Job>,
    /// Jobs that wait for a thread.
    queue: VecDeque<Query>,
    running: usize,
    /// Jobs that are over and whose waiters are being told.
    telling: usize,
    stopping: bool,
    quotas: Quotas,
}

struct Job {
    begun: Instant,
    /// Readers were told to come back.
    told: bool,
    waiters: Vec<(Box<str>, Waiter)>,
}

impl LookupService {
    /// Asks `library`, with at most `limit` lookups at the same time.
    pub fn new(library: Arc<Library>, limit: usize, metrics: Arc<Metrics>) -> Self {
        let (lookups, done) = (Mutex::default(), Condvar::new());
        Self { shared: Arc::new(Shared { library, metrics, limit, lookups, done }) }
    }

    /// What is remembered about `query`.
    pub fn recall(&self, query: &Query) -> Option<Answer> {
        let answer = self.shared.library.recall(query);
        if answer.is_some() {
            self.shared.metrics.count(metrics::MEMORY_HITS, ["", ""]);
        }
        answer
    }

    /// Has `query` looked up for `reader`; `waiter` gets the answer. `Some`: by the caller, who
    /// runs it. `None`: somebody does already, or will.
    ///
    /// # Errors
    /// When the question is not taken; nobody hears of it then.
    pub fn look_up(
        &self,
        query: &Query,
        reader: &str,
        now: Instant,
        waiter: Waiter,
    ) -> Result<Option<Lookup>, NotTaken> {
        let shared = &self.shared;
        let mut lookups = lock(&shared.lookups);
        if lookups.stopping {
            return Err(NotTaken::Stopping);
        }
        let job = lookups.jobs.get(query);
        let known = job.is_some();
        // A queue four times as long as what runs empties within a lookup's own time when
        // sources answer at all.
        if !known && lookups.jobs.len() >= shared.limit * 5 {
            return Err(NotTaken::Full);
        }
        let asked = job.map_or(0, |job| job.asked_by(reader));
        if asked >= ASKED_PER_READER {
            return Err(NotTaken::TooMany);
        }
        // Asking the same again costs no lookup.
        if asked == 0 {
            lookups.quotas.charge(reader, now)?;
        }
        let job = lookups.jobs.entry(query.clone());
        let job = job.or_insert_with(|| Job { begun: now, told: false, waiters: Vec::new() });
        job.waiters.push((reader.into(), waiter));
        if known {
            return Ok(None);
        }
        if lookups.running >= shared.limit {
            lookups.queue.push_back(query.clone());
            return Ok(None);
        }
        lookups.running += 1;
        Ok(Some(Lookup { shared: shared.clone(), query: query.clone() }))
    }

    /// A reader of `query` is to be told to come back for the answer: it may take longer now.
    pub fn tell(&self, query: &Query) {
        if let Some(job) = lock(&self.shared.lookups).jobs.get_mut(query) {
            job.told = true;
        }
    }

    /// When the lookup of `query` is over, if that is before `until` and nobody was told to come
    /// back for its answer.
    pub fn ends_before(&self, query: &Query, now: Instant, until: Instant) -> Option<Instant> {
        let lookups = lock(&self.shared.lookups);
        let job = lookups.jobs.get(query).filter(|job| !job.told)?;
        Some(job.begun + LOOKUP).filter(|end| (now..until).contains(end))
    }

    /// What is asked: for the metrics.
    pub fn library(&self) -> &Library {
        &self.shared.library
    }

    /// Lookups running and waiting: for the metrics.
    pub fn load(&self) -> (usize, usize) {
        let lookups = lock(&self.shared.lookups);
        (lookups.running, lookups.queue.len())
    }

    /// Takes no more questions; lookups under way may finish until `until`.
    pub fn stop(&self, until: Instant) {
        let mut lookups = lock(&self.shared.lookups);
        lookups.stopping = true;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if lookups.is_over() || left.is_zero() {
                return;
            }
            lookups = wait(&self.shared.done, lookups, left).0;
        }
    }
}

impl Lookup {
    /// Asks, tells everybody who waits, and goes on with what waits in the queue. `thread` hears
    /// when this thread waits for sources, and when no longer.
    pub fn run(self, thread: &impl Blocking) {
        let Self { shared, query } = self;
        let mut next = Some(query);
        while let Some(query) = next {
            let answer = match thread.begin() {
                true => {
                    let answer = shared.find(&query);
                    thread.end();
                    answer
                }
                false => Answer::without_books(Verdict::Busy),
            };
            shared.hand_out(&query, &answer);
            next = shared.next();
        }
    }
}

impl Shared {
    /// One lookup, on this thread.
    fn find(&self, query: &Query) -> Answer {
        self.metrics.count(metrics::LOOKUPS, ["", ""]);
        let job = lock(&self.lookups).asked(query);
        let (reader, begun, told) = job.unwrap_or_else(|| (0, Instant::now(), false));
        let (until, late) = (begun + LOOKUP, begun + TOLD);
        let found = if Instant::now() >= if told { late } else { until } {
            // It waited out its time in the queue.
            Ok(Answer::without_books(Verdict::Busy))
        } else {
            // Whether readers will be told is not known yet; where nobody is, they hear of trouble
            // in time, and what comes later is remembered.
            let find = || self.library.find_for(query, reader, until, late);
            catch_unwind(AssertUnwindSafe(find))
        };
        let answer = found.unwrap_or_else(|_| {
            journal::error(format_args!(
                "a lookup panicked; its readers were told of trouble (question {:016x})",
                hash(query)
            ));
            Answer::without_books(Verdict::Trouble)
        });
        self.metrics.looked_up(&answer.reports);
        // Once a lookup, however many readers wait for it.
        answer.reports.iter().for_each(log_report);
        answer
    }

    /// The job of this question is over: everybody who waits for it is told.
    fn hand_out(&self, query: &Query, answer: &Answer) {
        let mut lookups = lock(&self.lookups);
        let Some(job) = lookups.jobs.remove(query) else { return };
        lookups.telling += 1;
        let mut readers: Vec<_> = job.waiters.iter().map(|(reader, _)| reader).collect();
        readers.sort_unstable();
        readers.dedup();
        readers.into_iter().for_each(|reader| lookups.quotas.discharge(reader));
        drop(lookups);
        let first = job.waiters.first().map(|(reader, _)| reader.clone());
        // Who joined the question of a reader who asks too much has not done so.
        let busy = Answer::without_books(Verdict::Busy);
        for (reader, waiter) in job.waiters {
            let joined = answer.verdict == Verdict::TooMany && Some(reader) != first;
            let answer = if joined { &busy } else { answer };
            // A reply that cannot be made is one reader's trouble, not everybody's.
            let _ = catch_unwind(AssertUnwindSafe(|| waiter(answer)));
        }
        let mut lookups = lock(&self.lookups);
        lookups.telling -= 1;
        if lookups.stopping && lookups.is_over() {
            self.done.notify_all();
        }
    }

    /// The next of the queue, or one lookup fewer under way.
    fn next(&self) -> Option<Query> {
        let mut lookups = lock(&self.lookups);
        let next = lookups.queue.pop_front();
        if next.is_none() {
            lookups.running -= 1;
        }
        next
    }
}

impl Lookups {
    /// Who asked a question first, when, and whether readers were told to come back.
    fn asked(&self, query: &Query) -> Option<(u64, Instant, bool)> {
        let job = self.jobs.get(query)?;
        let (reader, _) = job.waiters.first()?;
        Some((self.quotas.key(reader), job.begun, job.told))
    }

    /// Whether nobody waits for a lookup any more.
    fn is_over(&self) -> bool {
        self.jobs.is_empty() && self.telling == 0
    }
}

impl Job {
    /// How many pushes of `reader` wait for it.
    fn asked_by(&self, reader: &str) -> usize {
        self.waiters.iter().filter(|(other, _)| **other == *reader).count()
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
        | SourceEvent::Unfit
        | SourceEvent::OverBudget
        | SourceEvent::OverShare
        | SourceEvent::NoTime
        | SourceEvent::Changed(_) => {
            journal::notice(format_args!("{note}"));
        }
        SourceEvent::Found(_)
        | SourceEvent::Guess(_)
        | SourceEvent::NotFound
        | SourceEvent::Unasked
        | SourceEvent::Resting(_) => {}
    }
}
