//! Pushes whose answers take time, end to end: the real binary between a stand-in platform
//! that behaves as WeChat does and a stand-in source that takes as long as a row says.
//!
//! WeChat waits five seconds, hangs up, and sends the same push again, three times in all. In
//! most rows its clock runs faster (see [`wechat`]), and with it the deadline that is set.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use doumibook::chat::phrases;
use doumibook::wechat::envelope::{self, AesKey, AppId};
use doumibook::wechat::signature::Token;
use nix::sys::signal::Signal;
use support::client::{get, post};
use support::push::{self, Push, sign, target};
use support::server::{PATIENCE, Server, TOKEN};
use support::upstream::{Gate, Reaction, Upstream};

/// So long is a number of WeChat's seconds in the rows that are not in real time.
fn wechat(seconds: u64) -> Duration {
    Duration::from_millis(400 * seconds)
}

/// 4.5 of those seconds.
const DEADLINE: (&str, &str) = ("DOUMIBOOK_DEADLINE_MS", "1800");

/// What the platform got for a push.
#[derive(Debug, PartialEq)]
enum Got {
    /// The reply to the delivery of this number, from 1.
    Reply(usize, String),
    /// Nothing by the platform's own time, however often it delivered.
    Nothing,
}

/// The platform: how long it waits, and how often it delivers.
#[derive(Clone, Copy)]
struct Platform {
    patience: Duration,
    deliveries: usize,
}

impl Platform {
    fn quick() -> Self {
        Self { patience: wechat(5), deliveries: 3 }
    }

    fn real() -> Self {
        Self { patience: Duration::from_secs(5), deliveries: 3 }
    }

    fn once(patience: Duration) -> Self {
        Self { patience, deliveries: 1 }
    }

    fn push(self, server: &Server, push: &Push) -> Got {
        self.deliver(server, &target(TOKEN), push.xml().as_bytes())
    }

    fn deliver(self, server: &Server, target: &str, body: &[u8]) -> Got {
        for number in 1..=self.deliveries {
            let stream = send(server, target, body);
            if let Some(reply) = hear(&stream, Instant::now() + self.patience) {
                return Got::Reply(number, reply);
            }
        }
        Got::Nothing
    }
}

fn send(server: &Server, target: &str, body: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(&post(target, body)).unwrap();
    stream
}

/// The body of the reply; `None` when none came by `until`, or the server hung up.
fn hear(mut stream: &TcpStream, until: Instant) -> Option<String> {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200 "), "{text}");
            let length = head.split("Content-Length: ").nth(1)?.lines().next()?;
            if body.len() == length.parse::<usize>().unwrap() {
                return Some(body.to_owned());
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        stream.set_read_timeout(Some(left)).unwrap();
        match stream.read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => received.extend_from_slice(&chunk[..count]),
            Err(_) => {}
        }
    }
}

/// What the reader sees of a reply.
fn seen(reply: &str) -> &'static str {
    let table = [
        (phrases::PICK_UP_LABEL, "the pick-up sentence"),
        (phrases::BUSY, "busy"),
        (phrases::TROUBLE, "trouble"),
        (phrases::SLOW_DOWN, "too fast"),
        // The sentences above may name what was searched.
        ("慢慢来", "the book"),
    ];
    let found = table.iter().find(|(mark, _)| reply.contains(mark));
    found.map_or_else(|| panic!("unexpected reply {reply}"), |(_, seen)| *seen)
}

/// "the book by delivery 2"
fn summary(got: &Got) -> String {
    match got {
        Got::Reply(number, reply) => format!("{} by delivery {number}", seen(reply)),
        Got::Nothing => "nothing".to_owned(),
    }
}

fn book() -> Reaction {
    Reaction::json(r#"{"total":1,"books":[{"id":"1","title":"慢慢来","author":["一人"]}]}"#)
}

/// A source that takes so long; `None` takes for ever.
fn source(delay: Option<Duration>) -> Upstream {
    Upstream::start(move |_| match delay {
        Some(delay) => {
            thread::sleep(delay);
            book()
        }
        None => Reaction::Hang,
    })
}

/// A server that asks `source` alone.
fn serve(source: &Upstream, more: &[(&str, &str)]) -> Server {
    let ours = [
        ("DOUMIBOOK_SOURCES", "douban"),
        ("DOUMIBOOK_DOUBAN_URL", source.url()),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "6000"),
    ];
    Server::serve(&[&ours, more].concat())
}

/// Runs rows beside each other: they mostly wait.
fn all<T: Sync>(rows: &[T], run: impl Fn(&T) + Sync) {
    thread::scope(|scope| rows.iter().for_each(|row| drop(scope.spawn(|| run(row)))));
}

/// How long the source takes in WeChat's seconds (`None`: for ever), how often the platform
/// delivers, what the reader sees. A lookup may take 14 real seconds, so here it outlives the
/// platform's patience; in real time that takes fewer deliveries, see the next test.
#[test]
fn a_reader_is_answered_whatever_a_source_takes_and_the_source_asked_once() {
    let table = [
        (Some(0), 3, "the book by delivery 1"),
        (Some(3), 3, "the book by delivery 1"),
        (Some(6), 3, "the book by delivery 2"),
        (Some(9), 3, "the book by delivery 2"),
        (Some(12), 3, "the book by delivery 3"),
        (Some(20), 3, "the pick-up sentence by delivery 3"),
        (None, 3, "the pick-up sentence by delivery 3"),
        (Some(3), 2, "the book by delivery 1"),
        (Some(7), 2, "the book by delivery 2"),
        (Some(14), 2, "the pick-up sentence by delivery 2"),
        (Some(3), 1, "the book by delivery 1"),
        (Some(8), 1, "the pick-up sentence by delivery 1"),
    ];
    all(&table, |&(delay, deliveries, expected)| {
        let name = format!("{delay:?} s, {deliveries} deliveries");
        let source = source(delay.map(wechat));
        let number = deliveries.to_string();
        let server = serve(&source, &[DEADLINE, ("DOUMIBOOK_DELIVERIES", &number)]);
        let platform = Platform { deliveries, ..Platform::quick() };
        let got = platform.push(&server, &Push::text("慢慢来"));
        assert_eq!(summary(&got), expected, "{name}");
        if expected.starts_with("the pick-up") && delay.is_some() {
            // While the source still works, and when it is done.
            for word in ["结果", "慢慢来"] {
                let got = platform.push(&server, &Push::text(word));
                assert!(summary(&got).starts_with("the book"), "{name}, {word}: {got:?}");
            }
            let Got::Reply(1, reply) = platform.push(&server, &Push::text("结果")) else {
                panic!("{name}: nothing said")
            };
            assert_eq!(push::field(&reply, "Content"), phrases::NOTHING_WAITS, "{name}");
        }
        if delay.is_none() {
            server.wait_for_line("push text trouble");
        }
        assert_eq!(source.requests(), 1, "{name}");
    });
}

/// As the row above, at WeChat's own pace: the lookup ends before the last deadline, and with
/// fewer deliveries, whoever does what they are told is never too fast.
#[test]
fn in_real_time_a_source_that_does_not_answer_is_trouble() {
    let asked_again: &[&str] = &["结果", "结果", "慢慢来"];
    let table = [
        (Some(20), 3, "trouble by delivery 3", &[][..]),
        (None, 3, "trouble by delivery 3", &[]),
        (None, 2, "the pick-up sentence by delivery 2", &["结果"]),
        (None, 1, "the pick-up sentence by delivery 1", asked_again),
    ];
    all(&table, |&(delay, deliveries, expected, again)| {
        let name = format!("{delay:?} s, {deliveries} deliveries");
        let source = source(delay.map(Duration::from_secs));
        let number = deliveries.to_string();
        let server = serve(&source, &[("DOUMIBOOK_DELIVERIES", &number)]);
        let platform = Platform { deliveries, ..Platform::real() };
        let got = platform.push(&server, &Push::text("慢慢来"));
        assert_eq!(summary(&got), expected, "{name}");
        for word in again {
            let got = platform.push(&server, &Push::text(word));
            let Got::Reply(_, reply) = got else { panic!("{name}, {word}: nothing") };
            assert!(["the pick-up sentence", "trouble"].contains(&seen(&reply)), "{name}: {reply}");
        }
    });
}

/// A delivery that WeChat has given up must not take the place of the one that follows it.
#[test]
fn readers_who_wait_take_one_place_each() {
    let source = source(Some(wechat(7)));
    // Sixteen may wait; twice ten would, if each took a place for each delivery.
    let server = serve(&source, &[DEADLINE, ("DOUMIBOOK_CONNECTIONS", "32")]);
    all(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], |reader| {
        let push = Push::text("慢慢来").from(&format!("oReader{reader}"));
        let got = Platform::quick().push(&server, &push);
        assert!(summary(&got).starts_with("the book"), "reader {reader}: {got:?}");
    });
    assert_eq!(source.requests(), 1);
}

#[test]
fn nothing_is_kept_of_a_reader_who_left_while_a_lookup_ran() {
    let gate = Gate::default();
    let shut = gate.clone();
    let books = || Reaction::json(r#"{"books":[{"id":"1","title":"甲"},{"id":"2","title":"乙"}]}"#);
    let source = Upstream::start(move |_| Reaction::After(shut.clone(), Box::new(books())));
    let server = serve(&source, &[]);
    let send_text = |text| send(&server, &target(TOKEN), Push::text(text).xml().as_bytes());
    let asked = send_text("慢慢来");
    source.wait_for(1);
    assert_eq!(
        Platform::real().push(&server, &Push::event("unsubscribe")),
        Got::Reply(1, "success".to_owned())
    );
    gate.open();
    assert!(hear(&asked, Instant::now() + PATIENCE).is_some());
    let Got::Reply(1, reply) = Platform::real().push(&server, &Push::text("2")) else {
        panic!("no reply")
    };
    assert_eq!(push::field(&reply, "Content"), phrases::NO_LIST);
}

#[test]
fn readers_who_ask_the_same_cost_one_request_and_the_threads_end() {
    let gate = Gate::default();
    let shut = gate.clone();
    let source = Upstream::start(move |_| Reaction::After(shut.clone(), Box::new(book())));
    let server = serve(&source, &[]);
    let streams: Vec<_> = (0..100)
        .map(|n| {
            let push = Push::text("慢慢来").from(&format!("oReader{n}"));
            send(&server, &target(TOKEN), push.xml().as_bytes())
        })
        .collect();
    source.wait_for(1);
    // Served in its turn: whoever came before it is parked, or about to be.
    assert_eq!(server.ask(&post(&target(TOKEN), Push::text("?").xml().as_bytes())).status, 200);
    gate.open();
    for (n, stream) in streams.iter().enumerate() {
        let reply = hear(stream, Instant::now() + PATIENCE).expect("an answer");
        assert_eq!(seen(&reply), "the book", "reader {n}");
        assert!(reply.contains(&format!("<![CDATA[oReader{n}]]>")), "reader {n} got {reply}");
    }
    assert_eq!(source.requests(), 1);
    let until = Instant::now() + PATIENCE;
    while workers(&server) > 4 {
        assert!(Instant::now() < until, "threads that did lookups stay");
        thread::sleep(Duration::from_millis(50));
    }
}

fn workers(server: &Server) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
    tasks.flatten().filter_map(|task| name(task).ok()).filter(|name| name == "worker\n").count()
}

#[test]
fn a_source_that_hangs_leaves_time_for_the_next_one() {
    let hanging = source(None);
    let next =
        Upstream::start(|_| Reaction::json(r#"{"data":[{"title":"慢慢来"}],"pages":1,"count":1}"#));
    let server = Server::serve(&[
        ("DOUMIBOOK_DOUBAN_URL", hanging.url()),
        ("DOUMIBOOK_NEODB_URL", next.url()),
    ]);
    let got = Platform::real().push(&server, &Push::text("慢慢来"));
    assert_eq!(summary(&got), "the book by delivery 2");
    assert_eq!((hanging.requests(), next.requests()), (1, 1));
}

/// Settings, and which new question of a new reader is the first that cannot wait.
#[test]
fn who_cannot_wait_hears_it_at_once_and_nobody_else_is_stopped() {
    let table = [
        ("one lookup, four in the queue", ("DOUMIBOOK_LOOKUPS", "1"), 5),
        ("half of 16 connections", ("DOUMIBOOK_CONNECTIONS", "16"), 8),
    ];
    all(&table, |(name, setting, taken)| {
        let source = source(None);
        let server = serve(&source, &[*setting]);
        let mut waiting = Vec::new();
        let refusal = loop {
            let push =
                Push::text(&format!("书 {}", waiting.len())).from(&format!("o{}", waiting.len()));
            let stream = send(&server, &target(TOKEN), push.xml().as_bytes());
            if let Some(reply) = hear(&stream, Instant::now() + Duration::from_millis(300)) {
                break reply;
            }
            waiting.push(stream);
            assert!(waiting.len() < 12, "{name}: everybody is taken");
        };
        assert_eq!(seen(&refusal), "busy", "{name}");
        assert!(waiting.len() >= *taken, "{name}: only {} wait", waiting.len());
        everything_else_is_answered(&server, name);
    });
}

/// Help and the check of the URL, well before anybody stops waiting.
fn everything_else_is_answered(server: &Server, name: &str) {
    let quick = Platform::once(Duration::from_secs(2));
    let Got::Reply(1, help) = quick.push(server, &Push::text("?")) else {
        panic!("{name}: no help")
    };
    assert_eq!(push::field(&help, "Content"), phrases::help(), "{name}");
    let check = format!("{}&echostr=5838479218127813673", target(TOKEN));
    assert_eq!(server.ask(&get(&check)).text(), "5838479218127813673", "{name}");
}

#[test]
fn a_reader_who_asks_too_much_is_told_so() {
    let source = source(None);
    let server = serve(&source, &[]);
    let ask = |push: &Push| send(&server, &target(TOKEN), push.xml().as_bytes());
    let waiting = ["一", "二"].map(|question| ask(&Push::text(question)));
    source.wait_for(2);
    let got = Platform::real().push(&server, &Push::text("三"));
    assert_eq!(summary(&got), "too fast by delivery 1");
    let other = ask(&Push::text("四").from("oOther"));
    source.wait_for(3);
    drop((waiting, other));
}

#[test]
fn a_stop_answers_those_whose_answer_comes_and_lets_the_others_go() {
    all(&[true, false], |&comes| {
        let gate = Gate::default();
        let shut = gate.clone();
        let source = Upstream::start(move |_| Reaction::After(shut.clone(), Box::new(book())));
        let server = serve(&source, &[]);
        let stream = send(&server, &target(TOKEN), Push::text("慢慢来").xml().as_bytes());
        source.wait_for(1);
        server.signal(Signal::SIGTERM);
        let begun = Instant::now();
        // It accepts no more when it has heard the signal.
        while TcpStream::connect(&server.address).is_ok() && begun.elapsed() < wechat(2) {
            thread::sleep(Duration::from_millis(10));
        }
        if comes {
            gate.open();
        }
        let reply = hear(&stream, begun + PATIENCE);
        let ended = server.wait_end();
        assert_eq!(reply.as_deref().map(seen), comes.then_some("the book"));
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        assert!(begun.elapsed() < Duration::from_secs(5), "took {:?}", begun.elapsed());
        gate.open();
    });
}

/// How old the push is when the new process meets it, whether its source answers, what the
/// reader sees of the deliveries that are left.
#[test]
fn a_push_begun_before_a_crash_is_answered_after_it() {
    let table = [
        (5, true, 2, "the book by delivery 1"),
        (10, true, 1, "the book by delivery 1"),
        (5, false, 2, "the pick-up sentence by delivery 2"),
        (10, false, 1, "the pick-up sentence by delivery 1"),
    ];
    all(&table, |&(age, answers, deliveries, expected)| {
        let (hanging, answering) = (source(None), source(Some(Duration::ZERO)));
        let before = serve(&hanging, &[]);
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - age;
        let push = Push::text("慢慢来").created(created);
        let parked = send(&before, &target(TOKEN), push.xml().as_bytes());
        hanging.wait_for(1);
        before.signal(Signal::SIGKILL);
        assert_eq!(before.wait_end().code, None);
        assert!(hear(&parked, Instant::now() + PATIENCE).is_none());

        let after = serve(if answers { &answering } else { &hanging }, &[]);
        let platform = Platform { deliveries, ..Platform::real() };
        let got = platform.push(&after, &push);
        assert_eq!(summary(&got), expected, "{age} s old, source answers: {answers}");
    });
}

#[test]
fn a_sealed_push_that_is_delivered_again_gets_a_reply_that_opens() {
    let (key_text, app_text) =
        ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxba5fad812f8e6fb9");
    let key = AesKey::parse(key_text).unwrap();
    let app_id = AppId::parse(app_text).unwrap();
    let token = Token::parse(TOKEN).unwrap();
    let settings = [DEADLINE, ("DOUMIBOOK_AES_KEY", key_text), ("DOUMIBOOK_APP_ID", app_text)];
    let source = source(Some(wechat(7)));
    let server = serve(&source, &settings);
    let push = Push::text("慢慢来").xml();
    // Each delivery is sealed anew, as WeChat does it.
    let deliver = |number: u8| {
        let (timestamp, nonce) = (1_714_037_059 + u64::from(number), format!("48645265{number}"));
        let sealed = envelope::encrypt(&key, &app_id, push.as_bytes(), [number; 16]);
        let stamp = timestamp.to_string();
        let signature = sign(&[TOKEN, &stamp, &nonce]);
        let message = sign(&[TOKEN, &stamp, &nonce, &sealed]);
        let target = format!(
            "/weixin?signature={signature}&timestamp={stamp}&nonce={nonce}&encrypt_type=aes\
             &msg_signature={message}"
        );
        let body = format!("<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
        Platform::once(wechat(5)).deliver(&server, &target, body.as_bytes())
    };
    assert_eq!(deliver(1), Got::Nothing);
    for number in [2, 3] {
        let Got::Reply(_, reply) = deliver(number) else { panic!("no reply to {number}") };
        let clear = envelope::open_reply(&key, &token, &app_id, reply.as_bytes()).unwrap();
        assert_eq!(seen(&String::from_utf8(clear).unwrap()), "the book");
    }
    assert_eq!(source.requests(), 1);
}

/// What a push asks for is settled when it first comes, whatever it would mean by now.
#[test]
fn a_keyword_that_comes_while_its_question_is_looked_up_loses_no_answer() {
    let source = source(None);
    let replies =
        std::env::temp_dir().join(format!("doumibook-waits-replies-{}", std::process::id()));
    std::fs::write(&replies, "关键词,回复\n开馆,九点\n").unwrap();
    let path = replies.to_str().unwrap();
    let server = serve(&source, &[DEADLINE, ("DOUMIBOOK_REPLIES", path)]);
    let asked = Push::text("慢慢来");
    let deliver = || send(&server, &target(TOKEN), asked.xml().as_bytes());
    let first = deliver();
    source.wait_for(1);
    std::fs::write(&replies, "关键词,回复\n慢慢来,不着急\n").unwrap();
    server.signal(Signal::SIGHUP);
    server.wait_for_lines("1 keywords", 2);
    // Whichever of the two comes in last.
    let again = [deliver(), deliver()];
    let reply = again.iter().find_map(|delivery| hear(delivery, Instant::now() + PATIENCE));
    assert_eq!(seen(&reply.expect("the last delivery is answered")), "the pick-up sentence");
    drop(first);
    std::fs::remove_file(&replies).unwrap();
}
