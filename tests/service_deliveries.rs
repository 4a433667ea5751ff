//! Every push answered once, every question looked up once: the dedup with its clock passed
//! in, and the lookups with sources that stand at the test's command.

#[path = "support/upstream.rs"]
mod upstream;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use doumibook::catalogue::answer::Verdict;
use doumibook::catalogue::book::{Book, Source};
use doumibook::catalogue::library::{Guarded, Library};
use doumibook::catalogue::memory::Memory;
use doumibook::catalogue::{Catalogue, Outcome, Query};
use doumibook::cli::simulator::LocalClient;
use doumibook::service::dedup::{Arrival, DeliveryDedup};
use doumibook::service::deliveries::Deliveries;
use doumibook::service::lookups::{LookupService, OwnThread, Waiter};
use doumibook::service::quota::NotTaken;
use doumibook::service::response::Response;
use doumibook::service::ticket::Ticket;
use doumibook::wechat::push::{Identity, Push};
use upstream::Gate;

/// Longer than any machine needs; reached only when a test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

fn push(number: usize) -> Identity {
    let xml = format!(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName>\
         <CreateTime>1</CreateTime><MsgType>text</MsgType><Content>x</Content>\
         <MsgId>{number}</MsgId></xml>"
    );
    Push::parse(xml.as_bytes()).unwrap().id
}

fn reply(bytes: usize) -> Response {
    Response::new(200, "text/plain; charset=utf-8", vec![b'x'; bytes])
}

/// A request that waits, and its ticket.
fn parked() -> (Arc<LocalClient>, Ticket) {
    let client = LocalClient::new();
    let ticket = Ticket::new(client.clone(), client.begin());
    ticket.park(Instant::now() + PATIENCE, None);
    (client, ticket)
}

/// What happens to a push, and what the next delivery has to do then.
enum Step {
    Arrive(u64, &'static str),
    Settle,
    Forget,
}

#[test]
fn deliveries_to_the_process_before_count() {
    let (mut dedup, now) = (DeliveryDedup::default(), Instant::now());
    assert!(matches!(dedup.arrive(&push(1), 2, now), Arrival::New));
    assert!(matches!(dedup.arrive(&push(1), 1, now), Arrival::InProgress(3)));
}

#[test]
fn each_delivery_knows_its_turn() {
    use Step::*;
    let table: [(&str, &[Step]); 7] = [
        ("first, then joined", &[Arrive(0, "first"), Arrive(5, "join 2"), Arrive(10, "join 3")]),
        ("remembered", &[Arrive(0, "first"), Settle, Arrive(5, "again"), Arrive(59, "again")]),
        ("expired after a minute", &[Arrive(0, "first"), Settle, Arrive(60, "first")]),
        ("expired without an answer", &[Arrive(0, "first"), Arrive(60, "first")]),
        ("forgotten", &[Arrive(0, "first"), Forget, Arrive(1, "first"), Arrive(2, "join 2")]),
        ("forgotten is not for answers", &[Arrive(0, "first"), Settle, Forget, Arrive(1, "again")]),
        (
            "a younger one outlives the forgotten one",
            &[Arrive(0, "first"), Forget, Arrive(30, "first"), Settle, Arrive(61, "again")],
        ),
    ];
    for (name, steps) in table {
        let (mut dedup, start) = (DeliveryDedup::default(), Instant::now());
        for step in steps {
            match step {
                Settle => assert!(dedup.settle(&push(1), &reply(1)).is_empty(), "{name}"),
                Forget => assert!(dedup.forget(&push(1)).is_empty(), "{name}"),
                Arrive(second, expected) => {
                    let turn = dedup.arrive(&push(1), 1, start + Duration::from_secs(*second));
                    let turn = match turn {
                        Arrival::New => "first".to_owned(),
                        Arrival::InProgress(number) => format!("join {number}"),
                        Arrival::Answered(_) => "again".to_owned(),
                    };
                    assert_eq!(turn, *expected, "{name}, second {second}");
                }
            }
        }
    }
}

#[test]
fn who_waits_is_answered_once_by_whatever_ends_the_wait() {
    type End = fn(&mut DeliveryDedup, &Identity) -> usize;
    let table: [(&str, End, bool); 3] = [
        ("settled", |dedup, push| dedup.settle(push, &reply(3)).len(), true),
        ("forgotten", |dedup, push| dedup.forget(push).len(), false),
        ("released", |dedup, _| dedup.release().len(), false),
    ];
    for (name, end, answered) in table {
        let (mut dedup, id) = (DeliveryDedup::default(), push(1));
        dedup.arrive(&id, 1, Instant::now());
        for _ in 0..2 {
            assert!(dedup.wait(&id, parked().1).is_none(), "{name}");
        }
        assert_eq!(end(&mut dedup, &id), 2, "{name}");
        assert_eq!(dedup.release().len(), 0, "{name}: nobody twice");
        let late = dedup.wait(&id, parked().1);
        assert_eq!(late.is_some(), answered, "{name}: who comes too late to wait");
    }
}

/// How many of `number` settled pushes, of `bytes` each, are still known afterwards.
fn kept(number: usize, bytes: usize) -> usize {
    let (mut dedup, now) = (DeliveryDedup::default(), Instant::now());
    dedup.arrive(&push(0), 1, now);
    assert!(dedup.wait(&push(0), parked().1).is_none());
    for n in 1..=number {
        let id = push(n);
        assert!(matches!(dedup.arrive(&id, 1, now), Arrival::New));
        dedup.settle(&id, &reply(bytes));
    }
    assert_eq!(dedup.settle(&push(0), &reply(1)).len(), 1, "who waits never has to go");
    // From the youngest: asking for one that is gone would push others out.
    let known = |n: &usize| matches!(dedup.arrive(&push(*n), 1, now), Arrival::Answered(_));
    (1..=number).rev().take_while(known).count()
}

#[test]
fn the_dedup_stays_in_its_bounds() {
    let table = [
        ("few", 100, 500, 100..=100),
        ("4096 entries", 6000, 10, 4000..=4096),
        ("a megabyte", 3000, 2048, 400..=513),
    ];
    for (name, number, bytes, expected) in table {
        let kept = kept(number, bytes);
        assert!(expected.contains(&kept), "{name}: {kept}");
    }
}

/// A source that does what the test says.
struct Actor<F>(F);

impl<F: Fn(&Query) -> Outcome + Send + Sync> Catalogue for Actor<F> {
    fn source(&self) -> Source {
        Source::Shelf
    }

    fn find(&self, query: &Query, _: Instant) -> Outcome {
        (self.0)(query)
    }
}

fn service(
    threads: usize,
    act: impl Fn(&Query) -> Outcome + Send + Sync + 'static,
) -> LookupService {
    let source = Guarded::new(Box::new(Actor(act)), None);
    let library = Library::new(vec![source], Memory::new(1 << 20, Vec::new()));
    LookupService::new(Arc::new(library), threads, Arc::default())
}

fn found() -> Outcome {
    let book = Book { title: "三体".into(), source: Source::Shelf, ..Book::default() };
    Outcome::Found(vec![book])
}

fn words(number: usize) -> Query {
    Query::words(&format!("book {number}")).unwrap()
}

/// A waiter that tells what it was told.
fn waiter() -> (Waiter, Receiver<Verdict>) {
    let (told, hear) = channel();
    (Box::new(move |answer| told.send(answer.verdict).unwrap()), hear)
}

fn ask(lookups: &LookupService, query: usize, reader: &str) -> Result<Receiver<Verdict>, NotTaken> {
    ask_at(lookups, query, reader, Instant::now())
}

fn ask_at(
    lookups: &LookupService,
    query: usize,
    reader: &str,
    now: Instant,
) -> Result<Receiver<Verdict>, NotTaken> {
    let (waiter, hear) = waiter();
    look_up(lookups, query, reader, now, waiter).map(|()| hear)
}

/// Asks, on a thread of its own if the lookup falls to us.
fn look_up(
    lookups: &LookupService,
    query: usize,
    reader: &str,
    now: Instant,
    waiter: Waiter,
) -> Result<(), NotTaken> {
    if let Some(lookup) = lookups.look_up(&words(query), reader, now, waiter)? {
        thread::spawn(move || lookup.run(&OwnThread));
    }
    Ok(())
}

/// Waits until there are so many lookups: lookups running, lookups queued.
fn wait_for(lookups: &LookupService, load: (usize, usize)) {
    let until = Instant::now() + PATIENCE;
    while lookups.load() != load {
        assert!(Instant::now() < until, "{:?} instead of {load:?}", lookups.load());
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn equal_questions_share_one_lookup() {
    let (gate, asked) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let (shut, count) = (gate.clone(), asked.clone());
    let lookups = service(4, move |_| {
        count.fetch_add(1, SeqCst);
        shut.wait();
        found()
    });
    let all: Vec<_> = (0..100).map(|n| ask(&lookups, 1, &format!("reader{n}")).unwrap()).collect();
    gate.open();
    for hear in all {
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(Verdict::Found));
    }
    assert_eq!(asked.load(SeqCst), 1);
}

#[test]
fn a_full_queue_is_said_and_empties_again() {
    let gate = Gate::default();
    let shut = gate.clone();
    let lookups = service(1, move |_| {
        shut.wait();
        found()
    });
    let mut all = vec![ask(&lookups, 0, "reader0").unwrap()];
    wait_for(&lookups, (1, 0));
    all.extend((1..5).map(|n| ask(&lookups, n, &format!("reader{n}")).unwrap()));
    assert_eq!(
        ask(&lookups, 5, "reader5").unwrap_err(),
        NotTaken::Full,
        "four wait for one thread"
    );
    all.push(ask(&lookups, 4, "reader5").expect("to join costs nothing"));
    gate.open();
    for hear in all {
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(Verdict::Found));
    }
    wait_for(&lookups, (0, 0));
    assert_eq!(ask(&lookups, 5, "reader5").unwrap().recv_timeout(PATIENCE), Ok(Verdict::Found));
}

#[test]
fn one_reader_has_two_lookups_waiting_and_twenty_a_minute() {
    let gate = Gate::default();
    let shut = gate.clone();
    let lookups = service(4, move |_| {
        shut.wait();
        found()
    });
    let start = Instant::now();
    let waiting =
        [ask_at(&lookups, 1, "one", start).unwrap(), ask_at(&lookups, 2, "one", start).unwrap()];
    assert_eq!(ask_at(&lookups, 3, "one", start).unwrap_err(), NotTaken::TooMany);
    assert!(ask_at(&lookups, 3, "other", start).is_ok());
    // Asking the same again costs no lookup; a flood of it is too much all the same.
    let again: Vec<_> = (0..8).map(|_| ask_at(&lookups, 1, "one", start).is_ok()).collect();
    assert_eq!(again, [true, true, true, true, true, true, true, false]);
    gate.open();
    for hear in waiting {
        hear.recv_timeout(PATIENCE).unwrap();
    }
    let next = |second: u64, n: usize| {
        let at = start + Duration::from_secs(second);
        ask_at(&lookups, 100 + n, "one", at).map(|hear| hear.recv_timeout(PATIENCE).unwrap())
    };
    for n in 2..20 {
        assert_eq!(next(1, n), Ok(Verdict::Found), "number {n}");
    }
    assert_eq!(next(59, 20), Err(NotTaken::TooMany));
    assert_eq!(next(60, 20), Ok(Verdict::Found), "a new minute");
}

#[test]
fn ten_thousand_new_readers_within_a_minute_are_all_served() {
    let lookups = service(4, |_| found());
    let now = Instant::now();
    for n in 0..10_000 {
        let hear = ask_at(&lookups, n % 7, &format!("reader{n}"), now).expect("taken");
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(Verdict::Found));
    }
}

#[test]
fn a_panic_is_told_as_trouble_and_costs_nobody_else_anything() {
    let lookups = service(1, |query| {
        assert!(*query != words(13), "this source panics at some questions");
        found()
    });
    for (query, expected) in [(1, Verdict::Found), (13, Verdict::Trouble), (2, Verdict::Found)] {
        let hear = ask(&lookups, query, "one").unwrap();
        assert_eq!(hear.recv_timeout(PATIENCE), Ok(expected), "book {query}");
    }
    look_up(&lookups, 3, "two", Instant::now(), Box::new(|_| panic!("no reply can be made")))
        .unwrap();
    assert_eq!(ask(&lookups, 4, "one").unwrap().recv_timeout(PATIENCE), Ok(Verdict::Found));
    wait_for(&lookups, (0, 0));
    for n in 5..8 {
        assert!(ask(&lookups, n, "two").unwrap().recv_timeout(PATIENCE).is_ok(), "nothing leaked");
    }
}

#[test]
fn what_waited_too_long_in_the_queue_is_not_looked_up() {
    let lookups = service(1, |_| found());
    let (waiter, hear) = waiter();
    let long_ago = Instant::now() - Duration::from_secs(20);
    look_up(&lookups, 1, "one", long_ago, waiter).unwrap();
    assert_eq!(hear.recv_timeout(PATIENCE), Ok(Verdict::Busy));
}

#[test]
fn a_stop_waits_for_answers_that_come_and_lets_the_others_go() {
    let table =
        [("being told", 1, Duration::from_secs(20)), ("hanging", 2, Duration::from_secs(1))];
    for (name, number, stop) in table {
        let gate = Gate::default();
        let shut = gate.clone();
        let lookups = service(2, move |query| {
            if *query == words(2) {
                shut.wait();
            }
            found()
        });
        let (id, deliveries) = (push(number), Arc::new(Deliveries::default()));
        deliveries.arrive(&id, 1, Instant::now());
        let (client, ticket) = parked();
        assert!(deliveries.wait(&id, ticket).is_none(), "{name}");
        let (answering, making, made) = (deliveries.clone(), Gate::default(), Gate::default());
        let (begun, may_end) = (making.clone(), made.clone());
        let waiter = Box::new(move |_: &_| {
            begun.open();
            may_end.wait();
            answering.settle(&id, &reply(1));
        });
        look_up(&lookups, number, "one", Instant::now(), waiter).unwrap();
        let stopping = lookups.clone();
        let stop = thread::spawn(move || {
            stopping.stop(Instant::now() + stop);
            deliveries.release();
        });
        if number == 1 {
            // The lookup is over, its reply is not.
            making.wait();
        }
        let until = Instant::now() + PATIENCE;
        for n in 0.. {
            if ask(&lookups, 3, &format!("reader{n}")).is_err_and(|no| no == NotTaken::Stopping) {
                break;
            }
            assert!(Instant::now() < until, "{name}: still taking questions");
            thread::sleep(Duration::from_millis(2));
        }
        made.open();
        stop.join().unwrap();
        assert_eq!(client.wait().is_some(), number == 1, "{name}");
        gate.open();
    }
}

#[test]
fn a_stop_with_nothing_to_do_takes_no_time() {
    let lookups = service(1, |_| found());
    let hear = ask(&lookups, 1, "one").unwrap();
    hear.recv_timeout(PATIENCE).unwrap();
    let begun = Instant::now();
    lookups.stop(begun + PATIENCE);
    assert!(begun.elapsed() < PATIENCE / 2);
}
