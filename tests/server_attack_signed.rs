//! The real binary under what somebody can send who has the token, or whose messages WeChat
//! passes on: XML made to explode, new questions without end, one push again and again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::client::{get, post};
use support::push::{Push, target};
use support::server::{Directory, Server, TOKEN};
use support::upstream::{Reaction, Upstream};
use support::watch::{Bounds, alone, attacker, bounds, during, settled, url_check};

mod support;

/// A thread for each connection and each lookup, of which 64 may run, and for what a lookup
/// needs to resolve a name.
const THREADS: u64 = 256 + 2 * 64 + 8;
/// How many clients at the same time.
const CLIENTS: usize = 4;
const BOOK: &str =
    "{\"count\":1,\"books\":[{\"id\":\"1\",\"title\":\"三体\",\"author\":[\"刘慈欣\"]}]}";

/// A lookup may take 25 s, and its thread waits 2 s for another. Answers are remembered in 4 MiB
/// besides what everything else may take.
fn looking_up() -> Bounds {
    let bounds = bounds(THREADS);
    Bounds { memory: bounds.memory + 4096, back: Duration::from_secs(30), ..bounds }
}

fn serve(douban: &Upstream) -> Server {
    Server::serve(&[
        ("DOUMIBOOK_DOUBAN_URL", douban.url()),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", "6000"),
    ])
}

/// Does this on so many threads at the same time; each gets its number.
fn at_once(work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn new_questions_without_end_from_a_source_that_hangs() {
    let _alone = alone();
    let douban = Upstream::start(|_| Reaction::Hang);
    let server = serve(&douban);
    let start = settled(&server);
    during(&server, start, "10 000 new questions, hanging source", looking_up(), || {
        questions(&server, 10_000);
    });
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn new_questions_without_end_from_a_source_that_answers() {
    let _alone = alone();
    let douban = Upstream::start(|_| Reaction::json(BOOK));
    let server = serve(&douban);
    let mut start = settled(&server);
    // Connections to the source that are kept for the next lookup.
    start.files += 8;
    during(&server, start, "10 000 new questions, answering source", looking_up(), || {
        questions(&server, 10_000);
    });
    assert!(douban.requests() > 0);
    assert_eq!(server.stop().code, Some(0));
}

/// Each from another reader. A client that has no answer within 20 ms is parked: it leaves,
/// and the next one comes.
fn questions(server: &Server, count: usize) {
    let target = target(TOKEN);
    at_once(|thread| {
        let client = || {
            let stream = attacker(server);
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
            stream
        };
        let mut stream = client();
        for number in 0..count / CLIENTS {
            let push = Push::text(&format!("书{thread}x{number}"));
            let push = push.from(&format!("oReader-{thread}-{number}"));
            let sent = stream.write_all(&post(&target, push.xml().as_bytes()));
            if sent.and_then(|()| stream.read(&mut [0; 4096])).is_ok_and(|count| count > 0) {
                continue;
            }
            stream = client();
        }
    });
}

#[test]
fn what_has_its_answer_costs_nothing() {
    let _alone = alone();
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", "{\"title\": \"三体\"}\n");
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let start = settled(&server);
    during(&server, start, "one push 100 000 times", bounds(THREADS), || replay(&server, 100_000));
    during(&server, start, "XML made to explode", bounds(THREADS), || explode(&server));
    assert_eq!(server.stop().code, Some(0));
}

/// On kept connections, a hundred at a time: every answer is the same, byte for byte.
fn replay(server: &Server, count: usize) {
    const BATCH: usize = 100;
    let push = post(&target(TOKEN), Push::text("三体").xml().as_bytes());
    let first = server.ask(&push);
    assert!(first.text().contains("三体"));
    let answer = [first.head.as_bytes(), b"\r\n\r\n", &first.body].concat().repeat(BATCH);
    let pushes = push.repeat(BATCH);
    at_once(|_| {
        let mut stream: TcpStream = attacker(server);
        // A hundred may take longer than one.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut received = vec![0; answer.len()];
        for _ in 0..count / BATCH / CLIENTS {
            stream.write_all(&pushes).unwrap();
            stream.read_exact(&mut received).unwrap();
            assert!(received == answer, "{}", String::from_utf8_lossy(&received));
        }
    });
}

fn explode(server: &Server) {
    let nested = |times: usize| "<a>".repeat(times) + &"</a>".repeat(times);
    let laughs: String = (1..10)
        .map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)))
        .collect();
    let attributes: String = (0..6000).map(|number| format!(" a{number}=\"b\"")).collect();
    let spaces: String =
        (0..1000).map(|number| format!("<a xmlns:n{number}=\"u{number}\">")).collect();
    let bodies = [
        format!("<!DOCTYPE xml [<!ENTITY l0 \"ha\">{laughs}]><xml>&l9;</xml>"),
        format!(
            "<!DOCTYPE xml [<!ENTITY a \"{}\">]><xml>{}</xml>",
            "a".repeat(30_000),
            "&a;".repeat(9_000)
        ),
        "<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml>a</xml>".to_owned(),
        "<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///dev/zero\">]><xml>&a;</xml>".to_owned(),
        format!("<xml>{}</xml>", nested(9_000)),
        "<xml>".repeat(13_000),
        format!("<xml{attributes}></xml>"),
        format!("<xml a=\"{}\"></xml>", "b".repeat(65_000)),
        format!("<xml>{spaces}"),
        format!("<{}></xml>", "x".repeat(65_000)),
        format!("<xml>{}</xml>", "<a/>".repeat(16_000)),
        format!("<xml>{}</xml>", "&#65;".repeat(13_000)),
        format!("<xml>{}", "<![CDATA[".repeat(7_000)),
        format!("<xml>{}", "<!--".repeat(16_000)),
        format!("<xml>{}</xml>", "\u{1}".repeat(65_000)),
    ];
    at_once(|_| {
        for body in &bodies {
            assert!(body.len() <= 64 * 1024, "{}: {}", &body[..40], body.len());
            let answer = server.ask(&post(&target(TOKEN), body.as_bytes()));
            assert_eq!((answer.status, answer.text()), (400, "not a push\n"), "{}", &body[..40]);
        }
    });
    assert_eq!(server.ask(&get(&url_check())).text(), "echo");
}
