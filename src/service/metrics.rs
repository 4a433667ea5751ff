//! Counters of what happened, and the page Prometheus reads.
//!
//! In: events, counted on their way: an addition each, under a short lock.
//! Out: the text format 0.0.4. Labels are words of this program, never from outside, so neither
//! their number nor their content can grow.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use super::refusal::Refusal;
use crate::catalogue::book::Source;
use crate::catalogue::guard::BreakerState;
use crate::catalogue::report::{SourceEvent, SourceReport};
use crate::sys::sync::lock;

/// A family of counters: its name, what it counts, and the names of its labels.
pub type Family = (&'static str, &'static str, [&'static str; 2]);

/// Pushes answered.
pub const PUSHES: Family =
    ("doumibook_pushes_total", "Pushes answered, by kind and outcome.", ["kind", "outcome"]);
/// Further deliveries of a push, which joined one under way or got the remembered reply.
pub const REPEATED: Family =
    ("doumibook_deliveries_repeated_total", "Further deliveries of a push.", ["met", ""]);
/// Requests that were refused, at the connection or at the account.
pub const REFUSED: Family =
    ("doumibook_refused_total", "Requests refused, by reason.", ["reason", ""]);
/// What came of asking each source.
pub const SOURCES: Family =
    ("doumibook_source_lookups_total", "What came of asking each source.", ["source", "outcome"]);
/// Lookups begun.
pub const LOOKUPS: Family = ("doumibook_lookups_total", "Lookups begun.", ["", ""]);
/// Questions answered from memory.
pub const MEMORY_HITS: Family =
    ("doumibook_memory_hits_total", "Questions answered from memory.", ["", ""]);
/// Answers that came after their reader had been told to come back for them, and those fetched.
pub const PICK_UPS: Family =
    ("doumibook_pick_ups_total", "Answers to be picked up, and those picked up.", ["what", ""]);
/// Connections.
pub const ACCEPTED: Family = ("doumibook_connections_accepted_total", "Connections.", ["", ""]);
const FAMILIES: [Family; 8] =
    [PUSHES, REPEATED, REFUSED, SOURCES, LOOKUPS, MEMORY_HITS, PICK_UPS, ACCEPTED];

/// What came of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushOutcome {
    /// A sentence that takes no books.
    Said,
    /// Books.
    Found,
    /// Books of yesterday: no source could be asked.
    FoundStale,
    /// Books that may have been meant.
    Guessed,
    /// No such book.
    NotFound,
    /// No source knows such a number.
    Unasked,
    /// A photo without a book's barcode.
    Unread,
    /// A source could not be asked just now.
    Busy,
    /// The sources fail.
    Trouble,
    /// The reader asks too much.
    TooMany,
    /// Too many lookups wait.
    QueueFull,
    /// Too many requests wait.
    ParkingFull,
}

impl PushOutcome {
    /// Every one.
    #[rustfmt::skip]
    pub const ALL: [Self; 12] = [
        Self::Said, Self::Found, Self::FoundStale, Self::Guessed, Self::NotFound, Self::Unasked, Self::Unread,
        Self::Busy, Self::Trouble, Self::TooMany, Self::QueueFull, Self::ParkingFull,
    ];

    /// Its name in metrics and log.
    #[rustfmt::skip]
    pub fn name(self) -> &'static str {
        match self {
            Self::Said        => "said",
            Self::Found       => "found",
            Self::FoundStale  => "found_stale",
            Self::Guessed     => "guessed",
            Self::NotFound    => "not_found",
            Self::Unasked     => "unasked",
            Self::Unread      => "unread",
            Self::Busy        => "busy",
            Self::Trouble     => "trouble",
            Self::TooMany     => "too_many",
            Self::QueueFull   => "queue_full",
            Self::ParkingFull => "parking_full",
        }
    }
}

/// What can come of asking a source; all are there from the start.
#[rustfmt::skip]
const ASKED: [&str; 10] = [
    "found", "not_found", "unasked", "limited", "operator", "down", "resting", "over_budget",
    "over_share", "no_time",
];
/// Where a breaker can stand.
const STATES: [&str; 3] = ["closed", "resting", "probing"];
/// Upper bounds in milliseconds: memory answers within the first two, sources within seconds.
/// WeChat delivers a second time after five and a third time after ten, and gives up at fifteen.
const BUCKETS: [u64; 12] = [1, 5, 25, 100, 250, 500, 1000, 2000, 3000, 5000, 10_000, 15_000];

/// All counters; each only grows.
#[derive(Default)]
pub struct Metrics {
    /// By a family's name and the values of its labels.
    counts: Mutex<BTreeMap<(&'static str, [&'static str; 2]), u64>>,
    /// The last is for what took longer than any bound.
    answers: [AtomicU64; BUCKETS.len() + 1],
    answer_micros: AtomicU64,
    /// What the server tells of itself once it runs.
    server: OnceLock<Gauges>,
}

/// What is to be told of a server that runs, looked at when it is asked for.
pub type Gauges = Box<dyn Fn() -> Vec<Gauge> + Send + Sync>;

/// A number that can be looked at.
pub struct Gauge {
    name: &'static str,
    help: &'static str,
    value: u64,
}

impl Gauge {
    /// `name` as Prometheus has it, and what it is.
    pub fn new(name: &'static str, help: &'static str, value: usize) -> Self {
        Self { name, help, value: value as u64 }
    }
}

impl Metrics {
    /// One more of `family` with these labels; a name that is empty has an empty value.
    pub fn count(&self, family: Family, labels: [&'static str; 2]) {
        *lock(&self.counts).entry((family.0, labels)).or_default() += 1;
    }

    /// From now on the server can be looked at.
    pub fn watch(&self, server: Gauges) {
        // A second server in one process would share the counters as well.
        let _ = self.server.set(server);
    }

    /// One push was answered.
    pub fn push(&self, kind: &'static str, outcome: PushOutcome, took: Duration) {
        self.count(PUSHES, [kind, outcome.name()]);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.partition_point(|bound| bound * 1000 < micros);
        if let Some(bucket) = self.answers.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.answer_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// One lookup is over; these are its reports.
    pub fn looked_up(&self, reports: &[SourceReport]) {
        for note in reports {
            if let Some(outcome) = outcome(note.event) {
                self.count(SOURCES, [note.source.name(), outcome]);
            }
        }
    }

    /// Prometheus' text format, with these gauges and breakers besides what is counted here.
    pub fn render(&self, gauges: &[Gauge], breakers: &[(Source, BreakerState)]) -> String {
        let mut page = MetricsText(String::with_capacity(8 * 1024));
        self.counts(&mut page);
        self.answers(&mut page);
        let server = self.server.get().map(|gauges| gauges()).unwrap_or_default();
        for gauge in gauges.iter().chain(&server) {
            page.number(gauge.name, gauge.help, gauge.value);
        }
        let states = breakers.iter().flat_map(|(source, state)| {
            let sample = |name| pair(["source", "state"], [source.name(), name]);
            STATES.map(|name| (sample(name), u64::from(name == stands(*state))))
        });
        let help = "1 for a source's breaker's state; probing: rested, not yet known to be back.";
        page.family("doumibook_source_state", help, states);
        process(&mut page);
        page.0
    }

    fn counts(&self, page: &mut MetricsText) {
        let counts = lock(&self.counts).clone();
        for (name, help, labels) in FAMILIES {
            let mut all: BTreeMap<_, _> = zeros(name).into_iter().map(|zero| (zero, 0)).collect();
            let counted = counts.iter().filter(|((family, _), _)| *family == name);
            all.extend(counted.map(|((_, values), count)| (*values, *count)));
            page.family(name, help, all.into_iter().map(|(values, n)| (pair(labels, values), n)));
        }
    }

    fn answers(&self, page: &mut MetricsText) {
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
}

/// What is there of a family before anything has been counted.
fn zeros(name: &str) -> Vec<[&'static str; 2]> {
    let sources = || Source::ALL.map(Source::name);
    if name == PUSHES.0 {
        // Of the commonest kind all are there from the start, so that rates over them work at once;
        // of other kinds only what was seen: an account sees a dozen of 190.
        PushOutcome::ALL.map(|outcome| ["text", outcome.name()]).into()
    } else if name == REPEATED.0 {
        ["running", "answered"].map(|met| [met, ""]).into()
    } else if name == PICK_UPS.0 {
        ["offered", "taken"].map(|what| [what, ""]).into()
    } else if name == REFUSED.0 {
        Refusal::ALL.map(|refusal| [refusal.name(), ""]).into()
    } else if name == SOURCES.0 {
        sources().into_iter().flat_map(|source| ASKED.map(|outcome| [source, outcome])).collect()
    } else {
        vec![["", ""]]
    }
}

fn stands(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Resting { .. } => "resting",
        BreakerState::Probing => "probing",
    }
}

/// The host's view of us, under the names every Prometheus client uses.
fn process(page: &mut MetricsText) {
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
}

/// As what an event is counted; a change of state is no lookup.
fn outcome(event: SourceEvent) -> Option<&'static str> {
    Some(match event {
        SourceEvent::Found(_) => "found",
        SourceEvent::Guess(_) | SourceEvent::NotFound | SourceEvent::Unfit => "not_found",
        SourceEvent::Unasked => "unasked",
        SourceEvent::Limited => "limited",
        SourceEvent::Operator => "operator",
        SourceEvent::Down => "down",
        SourceEvent::Resting(_) => "resting",
        SourceEvent::OverBudget => "over_budget",
        SourceEvent::OverShare => "over_share",
        SourceEvent::NoTime => "no_time",
        SourceEvent::Changed(_) => return None,
    })
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn label(name: &str, text: &str) -> String {
    format!("{{{name}=\"{text}\"}}")
}

fn pair(names: [&str; 2], values: [&str; 2]) -> String {
    match (names, values) {
        (["", _], _) => String::new(),
        ([name, ""], [value, _]) => label(name, value),
        ([a, b], [one, other]) => format!("{{{a}=\"{one}\",{b}=\"{other}\"}}"),
    }
}

/// The text, family by family.
struct MetricsText(String);

impl MetricsText {
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
