//! A crowd at a slow source: two hundred readers at once, a stand-in platform that waits five
//! seconds and delivers three times, and a source that takes its time, or for ever. What counts is
//! how many deliveries pass unanswered, since the platform stops for a minute after too many, and
//! that whoever is told to come back finds something the first time.

mod support;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use doumibook::chat::phrases;
use support::client::{get, post};
use support::push::{Push, target};
use support::server::{Server, TOKEN};
use support::upstream::{Reaction, Upstream};

const READERS: usize = 200;
/// WeChat's own.
const PATIENCE: Duration = Duration::from_secs(5);
const DELIVERIES: usize = 3;
/// A lookup of which readers were told may take so long, and is over a moment later.
const LONGEST: Duration = Duration::from_secs(27);

/// What a reader saw, by which delivery, and after how many seconds.
type Seen = (&'static str, usize, f64);

/// Delivers until there is an answer; counts deliveries that pass without one.
fn push(server: &Server, push: &Push, silences: &AtomicUsize) -> Seen {
    let begun = Instant::now();
    for delivery in 1..=DELIVERIES {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&post(&target(TOKEN), push.xml().as_bytes())).unwrap();
        let mut answer = vec![0; 8192];
        let count = stream.read(&mut answer).unwrap_or(0);
        if count > 0 {
            let answer = String::from_utf8_lossy(&answer[..count]);
            return (kind(&answer), delivery, begun.elapsed().as_secs_f64());
        }
        silences.fetch_add(1, SeqCst);
    }
    ("nothing", DELIVERIES, begun.elapsed().as_secs_f64())
}

fn kind(answer: &str) -> &'static str {
    let table = [
        (phrases::PICK_UP_LABEL, "come back"),
        (phrases::BUSY, "busy"),
        (phrases::TROUBLE, "trouble"),
        (phrases::NOTHING_WAITS, "nothing waits"),
        ("慢慢来", "the book"),
    ];
    table.iter().find(|(mark, _)| answer.contains(mark)).map_or("?", |(_, kind)| kind)
}

/// A row of the table: the source's seconds, whether all ask the same.
struct Case {
    takes: Option<u64>,
    same: bool,
    limit: usize,
}

/// What came of it.
struct Outcome {
    silences: usize,
    first: Vec<Seen>,
    /// What the readers who were told to come back found when they did.
    taps: Vec<Seen>,
    requests: usize,
    metrics: String,
    rationed: bool,
}

fn play(case: &Case) -> Outcome {
    let takes = case.takes.map(Duration::from_secs);
    let source = Upstream::start(move |_| match takes {
        Some(takes) => {
            thread::sleep(takes);
            Reaction::json(r#"{"books":[{"id":"1","title":"慢慢来"}]}"#)
        }
        None => Reaction::Hang,
    });
    let server = Server::serve(&[
        ("DOUMIBOOK_SOURCES", "douban"),
        ("DOUMIBOOK_DOUBAN_URL", source.url()),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "6000"),
        ("DOUMIBOOK_CONNECTIONS", "1024"),
        ("DOUMIBOOK_LOOKUPS", "256"),
        ("DOUMIBOOK_SILENCES", &case.limit.to_string()),
    ]);
    let silences = AtomicUsize::new(0);
    let reader = |number: usize| {
        // All within a second, and not all within the same millisecond.
        thread::sleep(Duration::from_millis(5 * number as u64));
        let begun = Instant::now();
        let name = format!("oReader{number}");
        let text = if case.same { "慢慢来".to_owned() } else { format!("慢慢来 {number}") };
        let first = push(&server, &Push::text(&text).from(&name), &silences);
        let tap = (first.0 == "come back").then(|| {
            // Once it is known what came of it.
            let known = takes.map_or(LONGEST, |takes| takes + Duration::from_secs(2));
            thread::sleep(known.saturating_sub(begun.elapsed()));
            let counts = AtomicUsize::new(0);
            let tap = push(&server, &Push::text(phrases::PICK_UP).from(&name), &counts);
            assert_eq!((tap.1, counts.into_inner()), (1, 0), "there at the first tap: {tap:?}");
            tap
        });
        (first, tap)
    };
    let saw: Vec<_> = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|n| scope.spawn(move || reader(n))).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    Outcome {
        silences: silences.into_inner(),
        first: saw.iter().map(|(first, _)| *first).collect(),
        taps: saw.iter().filter_map(|(_, tap)| *tap).collect(),
        requests: source.requests(),
        metrics: server.ask(&get("/metrics")).text().to_owned(),
        rationed: server.printed().contains("DOUMIBOOK_SILENCES"),
    }
}

/// `190 come back by delivery 1 after 4.5 s`, for each that there is.
fn told(seen: &[Seen]) -> String {
    let mut kinds: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
    for (kind, delivery, after) in seen {
        kinds.entry((*delivery, kind)).or_default().push(*after);
    }
    let kinds = kinds.into_iter().map(|((delivery, kind), after)| {
        let (least, most) = (
            after.iter().copied().fold(f64::MAX, f64::min),
            after.iter().copied().fold(0.0, f64::max),
        );
        format!("{} {kind} (delivery {delivery}, {least:.1}–{most:.1} s)", after.len())
    });
    kinds.collect::<Vec<_>>().join("; ")
}

fn sample(metrics: &str, name: &str) -> usize {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().unwrap()
}

#[test]
fn a_crowd_at_a_slow_source_costs_ten_silences_and_everybody_is_told() {
    let row = |takes, same, limit| Case { takes, same, limit };
    let cases = [
        row(Some(8), true, 10),
        row(Some(8), false, 10),
        row(Some(20), true, 10),
        row(Some(20), false, 10),
        row(None, true, 10),
        row(None, false, 10),
        row(Some(8), true, 0),
        row(Some(8), true, 1000),
    ];
    let outcomes: Vec<_> = thread::scope(|scope| {
        let begin = |(number, case): (u64, &_)| {
            // Each crowd finds the machine with little else to do.
            thread::sleep(Duration::from_millis(1200 * number));
            play(case)
        };
        let cases: Vec<_> =
            (0_u64..).zip(&cases).map(|row| scope.spawn(move || begin(row))).collect();
        cases.into_iter().map(|case| case.join().unwrap()).collect()
    });
    for (Case { takes, same, limit }, outcome) in cases.iter().zip(&outcomes) {
        let Outcome { silences, first, taps, requests, .. } = outcome;
        let takes = takes.map_or("hangs".to_owned(), |takes| format!("{takes} s"));
        let asked = if *same { "1 question" } else { "200 questions" };
        println!(
            "| {takes} | {asked} | {limit} | {silences} | {} | {} | {requests} |",
            told(first),
            told(taps)
        );
    }
    for (case, outcome) in cases.iter().zip(&outcomes) {
        check(case, outcome);
    }
}

fn check(case: &Case, outcome: &Outcome) {
    let Case { takes, same, limit } = case;
    let name = format!("{takes:?} s, the same: {same}, {limit} silences");
    let Outcome { silences, first, taps, requests, metrics, rationed } = outcome;
    let count = |seen: &[Seen], kind: &str| seen.iter().filter(|(seen, ..)| *seen == kind).count();
    // As the server counts them: on a machine that is too busy, the platform may see one more.
    let waited = (*limit).min(READERS);
    assert_eq!(sample(metrics, "doumibook_silences_total"), waited, "{name}: {silences} seen");
    assert_eq!(*rationed, *limit < READERS, "{name}");
    assert_eq!(*requests, if *same { 1 } else { READERS }, "{name}");
    let books = count(first, "the book");
    assert_eq!(books + count(first, "come back"), READERS, "{name}: everybody hears something");
    assert!(books >= if *takes == Some(8) { waited } else { 0 }, "{name}: {books}");
    let found = if takes.is_some() { "the book" } else { "trouble" };
    assert_eq!(count(taps, found), taps.len(), "{name}");
    assert!(taps.iter().all(|(_, _, after)| *after < 2.0), "{name}: there at once");
    for what in ["offered", "taken"] {
        let counted = sample(metrics, &format!("doumibook_pick_ups_total{{what=\"{what}\"}}"));
        assert_eq!(counted, taps.len(), "{name}: {what}");
    }
}

/// One source that fails slowly the first time, and is well again afterwards.
fn failing_first() -> Upstream {
    let asked = AtomicUsize::new(0);
    Upstream::start(move |_| match asked.fetch_add(1, SeqCst) {
        0 => {
            thread::sleep(Duration::from_millis(2500));
            Reaction::status(500, "")
        }
        _ => Reaction::json(r#"{"books":[{"id":"1","title":"慢慢来"}]}"#),
    })
}

#[test]
fn who_comes_back_hears_what_failed_and_who_asks_anew_is_looked_up_anew() {
    for (word, found, requests) in [("结果", "trouble", 1), ("慢慢来", "the book", 2)] {
        let source = failing_first();
        let server = Server::serve(&[
            ("DOUMIBOOK_SOURCES", "douban"),
            ("DOUMIBOOK_DOUBAN_URL", source.url()),
            ("DOUMIBOOK_DOUBAN_PER_MINUTE", "6000"),
            ("DOUMIBOOK_DEADLINE_MS", "1000"),
            ("DOUMIBOOK_SILENCES", "0"),
        ]);
        let ask = |text: &str| push(&server, &Push::text(text), &AtomicUsize::new(0)).0;
        assert_eq!(ask("慢慢来"), "come back");
        server.wait_for_line("pick-up offered");
        assert_eq!((ask(word), source.requests()), (found, requests), "{word}");
        server.wait_for_line("pick-up taken");
        assert_eq!(ask("结果"), "nothing waits", "{word}");
    }
}

#[test]
fn somebody_is_left_to_take_requests_however_long_others_wait() {
    let source = Upstream::start(|_| Reaction::Hang);
    let server = Server::serve(&[
        ("DOUMIBOOK_SOURCES", "douban"),
        ("DOUMIBOOK_DOUBAN_URL", source.url()),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "6000"),
        ("DOUMIBOOK_WORKERS", "1"),
    ]);
    let waiting = (0..6).map(|number| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let push = Push::text(&format!("书 {number}")).from(&format!("o{number}"));
        stream.write_all(&post(&target(TOKEN), push.xml().as_bytes())).unwrap();
        stream
    });
    let waiting: Vec<_> = waiting.collect();
    source.wait_for(6);
    // Longer than a thread that has nothing to do stays.
    thread::sleep(Duration::from_secs(3));
    let help = push(&server, &Push::text("?"), &AtomicUsize::new(0));
    assert!(help.1 == 1 && help.2 < 1.0, "{help:?}");
    drop(waiting);
}
