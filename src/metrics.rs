//! Counters of what happened, and the page Prometheus reads.
//!
//! In: events, counted on their way: an addition or two each, labelled ones under a short lock.
//! Out: the text format 0.0.4. Labels are words of this program, never from outside, so neither
//! their number nor their content can grow.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::book::Source;
use crate::catalogue::budget::State;
use crate::catalogue::note::{Event, Note};
use crate::desk::Desk;
use crate::gate::framing::Refusal;
use crate::gate::places::Places;
use crate::parking::Lot;

/// What can come of a push. Of the commonest kind all are there from the start, so that rates
/// over them work at once; of other kinds only what was seen: an account sees a dozen of 190.
#[rustfmt::skip]
const OUTCOMES: [&str; 9] = [
    "said", "found", "found_stale", "not_found", "busy", "trouble", "too_many", "queue_full",
    "lot_full",
];
/// Why the gate refused.
const REFUSALS: [(Refusal, &str); 10] = [
    (Refusal::Malformed, "malformed"),
    (Refusal::TooSlow, "too_slow"),
    (Refusal::NoLength, "no_length"),
    (Refusal::BodyTooLong, "body_too_long"),
    (Refusal::TargetTooLong, "target_too_long"),
    (Refusal::Expectation, "expectation"),
    (Refusal::HeadTooLong, "head_too_long"),
    (Refusal::Encoding, "encoding"),
    (Refusal::Full, "full"),
    (Refusal::Version, "version"),
];
const SOURCES: [Source; 3] = [Source::Shelf, Source::Douban, Source::NeoDb];
/// What can come of asking a source; all are there from the start.
#[rustfmt::skip]
const LOOKUPS: [&str; 9] = [
    "found", "not_found", "unasked", "limited", "operator", "down", "resting", "over_budget",
    "no_time",
];
/// Where a breaker can stand.
const STATES: [&str; 3] = ["closed", "resting", "probing"];
/// Upper bounds in milliseconds: memory answers within the first two, sources within seconds.
/// WeChat delivers a second time after five and a third time after ten, and gives up at fifteen.
const BUCKETS: [u64; 12] = [1, 5, 25, 100, 250, 500, 1000, 2000, 3000, 5000, 10_000, 15_000];

/// Counts by two labels.
type Pairs = BTreeMap<[&'static str; 2], u64>;

/// All counters; each only grows.
#[derive(Default)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Requests whose signature or envelope was wrong.
    pub refused_signature: AtomicU64,
    /// Signed requests that were no push.
    pub refused_body: AtomicU64,
    /// Deliveries that joined one under way.
    pub deliveries_joined: AtomicU64,
    /// Deliveries that got a remembered reply.
    pub deliveries_again: AtomicU64,
    /// Requests parked.
    pub parked: AtomicU64,
    /// Lookups begun.
    pub lookups: AtomicU64,
    /// Questions that joined a lookup under way.
    pub lookups_joined: AtomicU64,
    /// Questions answered from memory.
    pub memory_hits: AtomicU64,
    pushes: Mutex<Pairs>,
    sources: Mutex<Pairs>,
    refusals: [AtomicU64; REFUSALS.len()],
    /// The last is for what took longer than any bound.
    answers: [AtomicU64; BUCKETS.len() + 1],
    answer_micros: AtomicU64,
    running: OnceLock<Running>,
}

/// What can be looked at while the server runs.
pub struct Running {
    places: Arc<Places>,
    lot: Arc<Lot>,
    since: Duration,
}

impl Running {
    /// A server that starts now.
    pub fn new(places: Arc<Places>, lot: Arc<Lot>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { places, lot, since }
    }
}

impl Metrics {
    /// Adds one.
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on the server can be looked at.
    pub fn watch(&self, running: Running) {
        // A second server in one process would share the counters as well.
        let _ = self.running.set(running);
    }

    /// One push was answered.
    pub fn push(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        *lock(&self.pushes).entry([kind, outcome]).or_default() += 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|bound| bound * 1000 < micros);
        self.answers.get(bucket).into_iter().for_each(Self::add);
        self.answer_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The gate refused a request.
    pub fn refused(&self, why: Refusal) {
        let at = REFUSALS.iter().position(|(refusal, _)| *refusal == why);
        at.and_then(|at| self.refusals.get(at)).into_iter().for_each(Self::add);
    }

    /// One lookup is over; these are its notes.
    pub fn looked_up(&self, notes: &[Note]) {
        for note in notes {
            if let Some(outcome) = outcome(note.event) {
                *lock(&self.sources).entry([note.source.name(), outcome]).or_default() += 1;
            }
        }
    }

    /// Prometheus' text format.
    pub fn render(&self, desk: &Desk) -> String {
        let mut page = Page(String::with_capacity(8 * 1024));
        self.labelled(&mut page);
        self.answers(&mut page);
        self.numbers(&mut page, desk);
        let now = Instant::now();
        let states = desk.library().states().into_iter().flat_map(|(source, state)| {
            let sample = |name| pair(["source", "state"], [source.name(), name]);
            STATES.map(|name| (sample(name), u64::from(name == stands(state, now))))
        });
        let help = "1 for a source's breaker's state; probing: rested, not yet known to be back.";
        page.family("doumibook_source_state", help, states);
        process(&mut page);
        page.0
    }

    fn labelled(&self, page: &mut Page) {
        let zeros = OUTCOMES.map(|outcome| ["text", outcome]);
        let pushes = samples(&self.pushes, ["kind", "outcome"], &zeros);
        let help = "Pushes answered, by kind and outcome.";
        page.family("doumibook_pushes_total", help, pushes);
        let zeros = SOURCES.map(|source| LOOKUPS.map(|outcome| [source.name(), outcome]));
        let sources = samples(&self.sources, ["source", "outcome"], zeros.as_flattened());
        let help = "What came of asking each source.";
        page.family("doumibook_source_lookups_total", help, sources);
        let met = [("running", &self.deliveries_joined), ("answered", &self.deliveries_again)];
        let met = met.map(|(met, count)| (label("met", met), get(count)));
        let help = "Further deliveries of a push.";
        page.family("doumibook_deliveries_repeated_total", help, met);
        let reasons = REFUSALS.map(|(_, reason)| reason).into_iter().zip(&self.refusals);
        let ours = [("signature", &self.refused_signature), ("not_a_push", &self.refused_body)];
        let reasons = reasons.chain(ours).map(|(name, count)| (label("reason", name), get(count)));
        page.family("doumibook_refused_total", "Requests refused, by reason.", reasons);
    }

    fn answers(&self, page: &mut Page) {
        let name = "doumibook_answer_seconds";
        page.head(name, "histogram", "From a push's first byte to its answer.");
        let bounds = BUCKETS.map(|bound| Duration::from_millis(bound).as_secs_f64().to_string());
        let mut below = 0;
        for (bound, count) in bounds.into_iter().chain(["+Inf".into()]).zip(&self.answers) {
            below += get(count);
            page.line(name, &format!("_bucket{}", label("le", &bound)), below);
        }
        let sum = Duration::from_micros(get(&self.answer_micros)).as_secs_f64();
        page.line(name, "_sum", sum);
        page.line(name, "_count", below);
    }

    #[rustfmt::skip]
    fn numbers(&self, page: &mut Page, desk: &Desk) {
        for (name, help, count) in [
            ("doumibook_lookups_total",              "Lookups begun.",                            &self.lookups),
            ("doumibook_lookups_joined_total",       "Questions that joined a lookup under way.", &self.lookups_joined),
            ("doumibook_memory_hits_total",          "Questions answered from memory.",           &self.memory_hits),
            ("doumibook_parked_total",               "Requests that had to wait.",                &self.parked),
            ("doumibook_connections_accepted_total", "Connections.",                              &self.accepted),
        ] {
            page.number(name, help, get(count));
        }
        let ((running, queued), (answers, bytes)) = (desk.load(), desk.library().remembers());
        page.number("doumibook_lookups_running", "Lookups running now.", running);
        page.number("doumibook_lookups_queued", "Lookups waiting for a thread.", queued);
        page.number("doumibook_memory_answers", "Answers remembered.", answers);
        page.number("doumibook_memory_bytes", "Bytes of remembered answers.", bytes);
        let Some(Running { places, lot, since }) = self.running.get() else { return };
        page.number("doumibook_parked", "Requests waiting now.", lot.parked());
        page.number("doumibook_connections", "Connections now.", places.taken());
        page.number("doumibook_connections_limit", "Connections at most.", places.limit());
        page.number("doumibook_connections_cut_off_total", "Connections cut off to make room.", get(&places.cut_off));
        page.number("process_start_time_seconds", "Start, in seconds since 1970.", since.as_secs_f64());
    }
}

/// Where a breaker stands at `now`. It leaves its rest only when somebody asks, which may be the
/// next morning; what counts is that whoever asks now would be the probe.
pub fn stands(state: State, now: Instant) -> &'static str {
    match state {
        State::Closed { .. } => "closed",
        State::Resting { until, .. } if now < until => "resting",
        State::Resting { .. } | State::Probing { .. } => "probing",
    }
}

/// The host's view of us, under the names every Prometheus client uses.
fn process(page: &mut Page) {
    let version = [(label("version", env!("CARGO_PKG_VERSION")), 1)];
    page.family("doumibook_build_info", "The version that runs.", version);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    if let Some(kib) = field("VmRSS:") {
        page.number("process_resident_memory_bytes", "Resident memory.", kib * 1024);
    }
    if let Some(threads) = field("Threads:") {
        page.number("process_threads", "Threads.", threads);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        // One is the directory that is being read.
        page.number("process_open_fds", "Open files.", files.count().saturating_sub(1));
    }
}

/// As what an event is counted; a change of state is no lookup.
fn outcome(event: Event) -> Option<&'static str> {
    Some(match event {
        Event::Found(_) => "found",
        Event::NotFound => "not_found",
        Event::Unasked => "unasked",
        Event::Limited => "limited",
        Event::Operator => "operator",
        Event::Down => "down",
        Event::Resting(_) => "resting",
        Event::OverBudget => "over_budget",
        Event::NoTime => "no_time",
        Event::Changed(_) => return None,
    })
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn lock(counts: &Mutex<Pairs>) -> MutexGuard<'_, Pairs> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Labelled counts, those in `zeros` also when nothing has been counted yet.
fn samples(
    counts: &Mutex<Pairs>,
    names: [&str; 2],
    zeros: &[[&'static str; 2]],
) -> Vec<(String, u64)> {
    let mut all: Pairs = zeros.iter().map(|labels| (*labels, 0)).collect();
    all.extend(&*lock(counts));
    all.into_iter().map(|(labels, count)| (pair(names, labels), count)).collect()
}

fn label(name: &str, text: &str) -> String {
    format!("{{{name}=\"{text}\"}}")
}

fn pair([a, b]: [&str; 2], [one, other]: [&str; 2]) -> String {
    format!("{{{a}=\"{one}\",{b}=\"{other}\"}}")
}

/// The text, family by family.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// A sample; `rest` is what follows the family's name.
    fn line(&mut self, name: &str, rest: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{rest} {value}");
    }

    /// Counters, if the name says so as Prometheus wants it, or gauges, by their labels.
    fn family<V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (String, V)>,
    ) {
        self.head(name, if name.ends_with("_total") { "counter" } else { "gauge" }, help);
        for (labels, value) in samples {
            self.line(name, &labels, value);
        }
    }

    fn number(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, help, [(String::new(), value)]);
    }
}
