//! Counters of what happened, and the page Prometheus reads.
//!
//! In: events, counted on their way: an addition or two each, without a lock or an allocation.
//! Out: the text format 0.0.4. Labels come from fixed tables in this file, never from outside,
//! so neither their number nor their content can grow.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::book::Source;
use crate::catalogue::budget::State;
use crate::catalogue::note::{Event, Note};
use crate::desk::Desk;
use crate::gate::framing::Refusal;
use crate::gate::places::Places;
use crate::parking::Lot;

/// The kinds of push, as `Push::kind_name` has them; the last takes what is not listed.
#[rustfmt::skip]
const KINDS: [&str; 19] = [
    "text", "unsupported", "image", "voice", "video", "location", "link", "file", "miniprogram",
    "subscribe", "unsubscribe", "scan", "click", "scancode", "picture", "location_select",
    "data_deletion", "silent", "other",
];
/// What came of a push; the last takes what is not listed.
#[rustfmt::skip]
const OUTCOMES: [&str; 10] = [
    "said", "found", "found_stale", "not_found", "busy", "trouble", "too_many", "queue_full",
    "lot_full", "other",
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
/// What came of asking a source.
#[rustfmt::skip]
const LOOKUPS: [&str; 9] = [
    "found", "not_found", "unasked", "limited", "operator", "down", "resting", "over_budget",
    "no_time",
];
/// Upper bounds in milliseconds: memory answers within the first two, sources within seconds,
/// WeChat gives up at five and has its last answer from us at 4.5.
const BUCKETS: [u64; 12] = [1, 5, 25, 100, 250, 500, 1000, 2000, 3000, 4000, 4500, 5000];

/// All counters; each only grows.
#[derive(Debug, Default)]
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
    pushes: [[AtomicU64; OUTCOMES.len()]; KINDS.len()],
    refusals: [AtomicU64; REFUSALS.len()],
    sources: [[AtomicU64; LOOKUPS.len()]; SOURCES.len()],
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

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
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
        let kind = position(&KINDS, kind).and_then(|at| self.pushes.get(at));
        let counter = kind.and_then(|row| row.get(position(&OUTCOMES, outcome)?));
        counter.into_iter().for_each(Self::add);
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
            let row = SOURCES.iter().position(|source| *source == note.source);
            let row = row.and_then(|at| self.sources.get(at));
            let counter = row.and_then(|row| row.get(place(note.event)?));
            counter.into_iter().for_each(Self::add);
        }
    }

    /// Prometheus' text format.
    pub fn render(&self, desk: &Desk) -> String {
        let text = String::with_capacity(8 * 1024);
        let mut page = Page { text, family: String::new() };
        self.render_pushes(&mut page);
        self.render_lookups(&mut page, desk);
        self.render_connections(&mut page);
        self.render_process(&mut page);
        page.text
    }

    fn render_pushes(&self, page: &mut Page) {
        page.family("pushes_total", "counter", "Pushes answered, by kind and outcome.");
        for (kind, row) in KINDS.iter().zip(&self.pushes) {
            for (outcome, count) in OUTCOMES.iter().zip(row) {
                // 190 pairs, of which an account sees a dozen; for the commonest kind all are
                // there from the start, so that rates over them work at once.
                if *kind == "text" || get(count) > 0 {
                    page.line(&[("kind", kind), ("outcome", outcome)], get(count));
                }
            }
        }
        page.family("deliveries_repeated_total", "counter", "Further deliveries of a push.");
        page.line(&[("met", "running")], get(&self.deliveries_joined));
        page.line(&[("met", "answered")], get(&self.deliveries_again));
        page.family("answer_seconds", "histogram", "From a push's first byte to its answer.");
        let mut below = 0;
        for (bound, count) in BUCKETS.iter().zip(&self.answers) {
            let bound = Duration::from_millis(*bound).as_secs_f64().to_string();
            below += get(count);
            page.part("_bucket", &[("le", &bound)], below);
        }
        below += self.answers.last().map_or(0, get);
        page.part("_bucket", &[("le", "+Inf")], below);
        page.part("_sum", &[], Duration::from_micros(get(&self.answer_micros)).as_secs_f64());
        page.part("_count", &[], below);
    }

    fn render_lookups(&self, page: &mut Page, desk: &Desk) {
        let library = desk.library();
        page.single("lookups_total", "counter", "Lookups begun.", get(&self.lookups));
        let help = "Questions that joined a lookup under way.";
        page.single("lookups_joined_total", "counter", help, get(&self.lookups_joined));
        page.family("source_lookups_total", "counter", "What came of asking each source.");
        for (source, row) in SOURCES.iter().zip(&self.sources) {
            for (outcome, count) in LOOKUPS.iter().zip(row) {
                page.line(&[("source", source.name()), ("outcome", outcome)], get(count));
            }
        }
        page.family("source_state", "gauge", "1 for the state in which a source's breaker is.");
        for (source, state) in library.states() {
            let is = [
                ("closed", matches!(state, State::Closed { .. })),
                ("resting", matches!(state, State::Resting { .. })),
                ("probing", matches!(state, State::Probing { .. })),
            ];
            for (name, is) in is {
                page.line(&[("source", source.name()), ("state", name)], u8::from(is));
            }
        }
        let (running, queued) = desk.load();
        page.single("lookups_running", "gauge", "Lookups running now.", running);
        page.single("lookups_queued", "gauge", "Lookups waiting for a thread.", queued);
        let (answers, bytes) = library.remembers();
        let hits = get(&self.memory_hits);
        page.single("memory_hits_total", "counter", "Questions answered from memory.", hits);
        page.single("memory_answers", "gauge", "Answers remembered.", answers);
        page.single("memory_bytes", "gauge", "Bytes of remembered answers.", bytes);
    }

    fn render_connections(&self, page: &mut Page) {
        let parked = get(&self.parked);
        page.single("parked_total", "counter", "Requests that had to wait.", parked);
        let accepted = get(&self.accepted);
        page.single("connections_accepted_total", "counter", "Connections.", accepted);
        if let Some(Running { places, lot, .. }) = self.running.get() {
            page.single("parked", "gauge", "Requests waiting now.", lot.parked());
            page.single("connections", "gauge", "Connections now.", places.taken());
            page.single("connections_limit", "gauge", "Connections at most.", places.limit());
            let help = "Connections cut off to make room.";
            page.single("connections_cut_off_total", "counter", help, get(&places.cut_off));
        }
        page.family("refused_total", "counter", "Requests refused, by reason.");
        for ((_, reason), count) in REFUSALS.iter().zip(&self.refusals) {
            page.line(&[("reason", reason)], get(count));
        }
        page.line(&[("reason", "signature")], get(&self.refused_signature));
        page.line(&[("reason", "not_a_push")], get(&self.refused_body));
    }

    fn render_process(&self, page: &mut Page) {
        page.family("build_info", "gauge", "The version that runs.");
        page.line(&[("version", env!("CARGO_PKG_VERSION"))], 1);
        // These names are Prometheus' own, so that everybody's dashboards know them.
        if let Some(running) = self.running.get() {
            let since = running.since.as_secs_f64();
            page.process("start_time_seconds", "Start, in seconds since 1970.", since);
        }
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(kib) = number(&status, "VmRSS:") {
            page.process("resident_memory_bytes", "Resident memory.", kib * 1024);
        }
        if let Some(threads) = number(&status, "Threads:") {
            page.process("threads", "Threads.", threads);
        }
        if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
            // One is the directory that is being read.
            page.process("open_fds", "Open files.", files.count().saturating_sub(1));
        }
    }
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn position(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name).or(names.len().checked_sub(1))
}

/// Where an event is counted; a change of state is no lookup.
fn place(event: Event) -> Option<usize> {
    Some(match event {
        Event::Found(_) => 0,
        Event::NotFound => 1,
        Event::Unasked => 2,
        Event::Limited => 3,
        Event::Operator => 4,
        Event::Down => 5,
        Event::Resting(_) => 6,
        Event::OverBudget => 7,
        Event::NoTime => 8,
        Event::Changed(_) => return None,
    })
}

/// A field of `/proc/self/status`.
fn number(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The text, family by family.
struct Page {
    text: String,
    family: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.head(format!("doumibook_{name}"), kind, help);
    }

    fn head(&mut self, name: String, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.family = name;
    }

    /// A sample of the family begun last.
    fn line(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.part("", labels, value);
    }

    fn part(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        for (i, (name, text)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"{text}\"", if i == 0 { '{' } else { ',' });
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.line(&[], value);
    }

    fn process(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(format!("process_{name}"), "gauge", help);
        self.line(&[], value);
    }
}
