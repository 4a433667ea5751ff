//! The real binary under one reader among many, and under its sources: what the one asks or the
//! other answers costs nobody else anything.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actors::{Actor, Does, Hands};
use doumibook::catalogue::answer::Verdict;
use doumibook::catalogue::book::Source;
use doumibook::catalogue::memory::Memory;
use doumibook::catalogue::{Library, Outcome, Query};
use doumibook::service::lookups::{LookupService, OwnThread};
use doumibook::service::metrics::Metrics;

use support::client::{get, post};
use support::push::{Push, field, sign, target};
use support::server::{Directory, Server, TOKEN};
use support::upstream::{Reaction, Request, Upstream};
use support::watch::Level;

mod actors;
mod support;

const BOOK: &str =
    "{\"count\":1,\"books\":[{\"id\":\"1\",\"title\":\"三体\",\"author\":[\"刘慈欣\"]}]}";

fn serve(douban: &Upstream, per_minute: &str) -> Server {
    Server::serve(&[
        ("DOUMIBOOK_DOUBAN_URL", douban.url()),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE", per_minute),
    ])
}

/// What this reader is told.
fn say(server: &Server, reader: &str, text: &str) -> String {
    let push = Push::text(text).from(reader);
    server.ask(&post(&target(TOKEN), push.xml().as_bytes())).text().to_owned()
}

/// What a firewall before a source refuses, and what of it may still leave for the source.
const ATTACKS: [&str; 8] = [
    "<script>alert(1)</script>",
    "＜script＞alert(2)",
    "../../../etc/passwd",
    "a' or 1=1 --",
    "${jndi:ldap://evil/a}",
    "%3Cscript%3E",
    "a\";cat /etc/shadow|b",
    "<img src=x onerror=`alert`>",
];

#[test]
fn a_question_that_a_firewall_refuses_costs_nobody_else_anything() {
    let firewall = |request: &Request| match request.param("q").unwrap_or_default() {
        // Words of one reader alone, whatever the firewall sees in them.
        words if words.contains("禁语") => Reaction::status(403, ""),
        _ => Reaction::json(BOOK),
    };
    let douban = Upstream::start(firewall);
    let server = serve(&douban, "6000");
    for number in 0..12 {
        say(&server, "oLoud", &format!("禁语 {number}"));
    }
    assert!(!server.printed().contains("rests for"), "{}", server.printed());
    assert!(say(&server, "oQuiet", "三体 1").contains("刘慈欣"));
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn nothing_that_looks_like_an_attack_leaves_for_a_source() {
    let douban = Upstream::start(|_| Reaction::json(BOOK));
    let server = serve(&douban, "6000");
    for (number, attack) in ATTACKS.into_iter().enumerate() {
        say(&server, &format!("oReader{number}"), attack);
        say(&server, &format!("oAuthor{number}"), &format!("作者 {attack}"));
    }
    let asked: Vec<_> = douban.log().iter().filter_map(|request| request.param("q")).collect();
    assert!(asked.len() >= ATTACKS.len(), "{asked:?}");
    for words in asked {
        let odd = |c: char| "<>＜＞'\"`${}()|;=%\\".contains(c) || c.is_control();
        assert!(!words.contains(odd) && !words.contains("..") && !words.contains("--"), "{words}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn one_reader_leaves_a_budget_to_the_others() {
    let douban = Upstream::start(|_| Reaction::json(BOOK));
    let server = serve(&douban, "8");
    let told: Vec<String> = thread::scope(|scope| {
        let asks = (0..8).map(|number| {
            let server = &server;
            scope.spawn(move || say(server, "oLoud", &format!("三体 {number}")))
        });
        asks.collect::<Vec<_>>().into_iter().map(|ask| ask.join().unwrap()).collect()
    });
    let found = told.iter().filter(|reply| reply.contains("刘慈欣")).count();
    assert_eq!(found, 2, "{told:?}");
    assert!(told.iter().filter(|reply| reply.contains("请过一分钟再发")).count() == 6, "{told:?}");
    // Six readers more, each with a question of their own.
    for number in 0..6 {
        let reply = say(&server, &format!("oQuiet{number}"), &format!("球状闪电 {number}"));
        assert!(field(&reply, "Content").contains("《三体》"), "{number}: {reply}");
    }
    assert_eq!(douban.requests(), 8);
    assert_eq!(server.stop().code, Some(0));
}

/// Markup, addresses and what nobody sees, as a reader types it and as a source writes it.
const MARKUP: [&str; 8] = [
    "<a href=\"https://evil.example\">点我</a>",
    "＜a href=＂https：／／evil.example＂＞点我＜/a＞",
    "&lt;a href='https://evil.example'&gt;点我",
    "&#60;a href=https://evil.example&#62;",
    "三体 https://evil.example/ 看",
    "三\u{202e}体 \u{2066}\u{ad}\u{61c}\u{180e}\u{3164}\u{e0041}",
    "三&#8238;体&#xE0041;",
    "weixin://bizmsgmenu?msgmenucontent=1",
];

/// Whether all that a client could make a link of is ours, and nothing is hidden.
fn is_harmless(reply: &str) -> bool {
    let inner = reply.split_once("<MsgType>").map_or(reply, |(_, inner)| inner);
    let ours = "<a href=\"weixin://bizmsgmenu?msgmenucontent=";
    // The way to the book's page, where its ISBN leads.
    let page = "<a href=\"https://book.douban.com/";
    let text = field(inner, "Content").replace(ours, "").replace(page, "").replace("</a>", "");
    let text = [&text, field(inner, "Title"), field(inner, "Description")].concat();
    let hidden = doumibook::sys::visible::is_hidden;
    let is_fine = !text.contains("<a") && !text.contains("://") && !text.contains("&#");
    let url = [field(inner, "Url"), field(inner, "PicUrl")].concat();
    is_fine && !text.contains("&lt") && !inner.contains(hidden) && !url.contains("evil")
}

#[test]
fn nothing_of_a_reader_is_markup() {
    let douban = Upstream::start(|_| Reaction::json("{\"books\":[]}"));
    let server = serve(&douban, "6000");
    for (number, typed) in MARKUP.into_iter().enumerate() {
        for text in [typed.to_owned(), format!("作者 {typed}"), format!("《{typed}》")] {
            let reply = say(&server, &format!("oReader{number}"), &text);
            assert!(is_harmless(&reply), "{text}: {reply}");
        }
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn nothing_of_a_source_is_markup_and_no_reply_is_too_long() {
    let field = |text: &str| serde_json::to_string(&text.repeat(40)).unwrap();
    let answer = move |request: &Request| {
        let words = request.param("q").unwrap_or_default();
        let number: usize = words.rsplit(' ').next().unwrap_or_default().parse().unwrap_or(0);
        let text = field(MARKUP[number % MARKUP.len()]);
        let book = format!(
            "{{\"title\":{text},\"subtitle\":{text},\"author\":[{text},{text}],\"publisher\":{text},\
             \"pubdate\":{text},\"price\":{text},\"series\":{text},\"summary\":{text},\"origin_title\":{text},\
             \"image\":\"https://evil.example/\u{202e}gpj\",\"isbn13\":\"9787536692930\"}}"
        );
        let count = if number < MARKUP.len() { 1 } else { 20 };
        Reaction::json(format!("{{\"books\":[{}]}}", vec![book; count].join(",")))
    };
    let douban = Upstream::start(answer);
    let server = serve(&douban, "6000");
    for number in 0..2 * MARKUP.len() {
        let reply = say(&server, &format!("oReader{number}"), &format!("三体 {number}"));
        assert!(is_harmless(&reply), "{number}: {reply}");
        assert!(reply.len() < 3_500, "{number}: {} bytes", reply.len());
    }
    assert_eq!(server.stop().code, Some(0));
}

/// The status of a push and of a check of the URL that are signed with these parts.
fn statuses(server: &Server, timestamp: &str, nonce: &str) -> [u16; 2] {
    let signature = sign(&[TOKEN, timestamp, nonce]);
    let target = format!("/weixin?signature={signature}&timestamp={timestamp}&nonce={nonce}");
    let push = post(&target, Push::text("帮助").xml().as_bytes());
    let check = get(&format!("{target}&echostr=echo"));
    [server.ask(&push).status, server.ask(&check).status]
}

#[test]
fn a_signed_query_works_for_ten_minutes() {
    let douban = Upstream::start(|_| Reaction::json(BOOK));
    let server = serve(&douban, "6000");
    for (timestamp, nonce, status) in [
        ("1790000000", "486452656", 200),
        // From 2015, from eleven and from nine minutes ago, and from now.
        ("1441000000", "486452656", 403),
        ("1789999340", "486452656", 403),
        ("1789999460", "486452656", 200),
        ("1790000030", "abcDEF123", 200),
        // Not WeChat's form, although signed.
        ("abc", "486452656", 403),
        ("179000000", "0486452656", 403),
        ("17900000004", "86452656", 403),
        ("1790000000", "4864-52656", 403),
        ("1790000000", "", 403),
    ] {
        assert_eq!(statuses(&server, timestamp, nonce), [status; 2], "{timestamp} {nonce}");
    }
    assert_eq!(server.stop().code, Some(0));
}

/// As many as a flood has in the file of readers' ids, all of them made up.
const INVENTED: usize = 9_000;

#[test]
fn invented_readers_push_out_no_list_that_is_in_use() {
    let directory = Directory::new();
    let books: String = (1..=3).map(|n| format!("{{\"title\": \"活着 第{n}版\"}}\n")).collect();
    let shelf = directory.file("shelf.jsonl", &books);
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    assert!(say(&server, "oReal", "活着").contains("第2版"));
    let (target, since) = (target(TOKEN), Instant::now());
    let before = Level::of(server.pid()).unwrap().memory;
    let mut client = server.connect();
    for number in 0..INVENTED {
        let push = Push::text("活着").from(&format!("oInvented-{number}"));
        assert!(client.ask(&post(&target, push.xml().as_bytes())).text().contains("第2版"));
    }
    let grown = Level::of(server.pid()).unwrap().memory.saturating_sub(before);
    println!("{INVENTED} invented readers: {grown} KiB more");
    assert!(grown < 10_240, "{grown} KiB for {INVENTED} lists and the replies of a minute");
    // On a machine so slow that it took more than a minute, the list may go.
    if since.elapsed() < Duration::from_secs(55) {
        let card = say(&server, "oReal", "2");
        assert!(card.contains("第2版") && !card.contains("第1版"), "{card}");
    }
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn invented_readers_take_no_place_in_a_queue() {
    let hands = Hands::new();
    let source = Actor::new(Source::Douban, &hands, [Does::Say(Outcome::NotFound)]);
    let library = Library::new(vec![source.guarded()], Memory::new(1 << 20, Vec::new()));
    let lookups = LookupService::new(Arc::new(library), 8, Arc::new(Metrics::default()));
    let told = Arc::new(Mutex::new(Vec::new()));
    let ask = |reader: &str, words: &str| {
        let (told, name) = (told.clone(), reader.to_owned());
        let waiter = move |answer: &doumibook::catalogue::Answer| {
            told.lock().unwrap().push((name, answer.verdict));
        };
        let query = Query::words(words).unwrap();
        lookups.look_up(&query, reader, Instant::now(), Box::new(waiter))
    };
    // All eight threads are at work for others; then a reader asks, and then a flood does.
    let running: Vec<_> =
        (0..8).map(|n| ask(&format!("oEarly{n}"), &format!("早 {n}")).unwrap().unwrap()).collect();
    assert!(ask("oReal", "活着").unwrap().is_none());
    let taken = (0..INVENTED).filter(|n| ask(&format!("oInvented{n}"), &format!("书 {n}")).is_ok());
    assert_eq!(taken.count(), 8 * 4 - 1, "the queue has an end");
    running.into_iter().for_each(|lookup| lookup.run(&OwnThread));
    let told = told.lock().unwrap();
    let place = told.iter().position(|(reader, _)| reader == "oReal").unwrap();
    assert_eq!(told[place].1, Verdict::NotFound);
    assert!(told[..place].iter().all(|(reader, _)| reader.starts_with("oEarly")), "{told:?}");
}

/// The most memory a process has had, in KiB.
fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_large_answer_takes_no_more_than_three_times_the_largest_size() {
    const MIB: usize = 1 << 20;
    let around = |begin: &str, part: &str, end: &str| {
        format!("{begin}{}{end}", part.repeat((MIB - 200) / part.len()))
    };
    let strings = (0..MIB / 12).map(|n| format!("\"{n:06x}\",")).collect::<String>();
    let pairs = |name: usize, value: usize| {
        let one = |n| format!("\"{n:0name$x}\":\"{}\",", "x".repeat(value));
        format!("{{{}\"\":0}}", (0..MIB / (name + value + 6) - 1).map(one).collect::<String>())
    };
    let within = format!("[{}{{}}],", "{\"a\":0},".repeat(999));
    let keys = (0..MIB / 14).map(|n| format!("\"{n:06x}\":0,")).collect::<String>();
    for (name, body) in [
        ("empty objects", around("{\"books\":[", "{},", "{}]}")),
        ("empty lists", around("{\"books\":[", "[],", "[]]}")),
        ("objects with a field", around("{\"books\":[", "{\"a\":0},", "{}]}")),
        ("lists in lists", around("{\"books\":[", "[[[[]]]],", "[]]}")),
        ("numbers", around("{\"books\":[", "1,", "1]}")),
        ("texts", format!("{{\"books\":[{strings}\"\"]}}")),
        ("fields", format!("{{{keys}\"\":0}}")),
        ("fields with long names", pairs(70, 1)),
        ("fields with long texts", pairs(6, 70)),
        ("lists of objects", around("{\"books\":[", &within, "[]]}")),
        ("one text", around("{\"books\":[{\"title\":\"", "书", "\"}]}")),
        (
            "books",
            around(
                "{\"books\":[",
                "{\"title\":\"三体\",\"author\":[\"刘慈欣\",\"甲\"],\"tags\":[{}]},",
                "{}]}",
            ),
        ),
        ("names", around("{\"books\":[{\"title\":\"三体\",\"author\":[", "\"甲\",", "\"乙\"]}]}")),
    ] {
        assert!(body.len() <= MIB, "{name}: {}", body.len());
        let size = body.len() / 1024;
        let douban = Upstream::start(move |request: &Request| {
            let large = request.param("q").is_some_and(|words| words.contains("大"));
            Reaction::json(if large { body.clone() } else { BOOK.to_owned() })
        });
        let server = serve(&douban, "6000");
        for number in 0..4 {
            say(&server, &format!("oReader{number}"), &format!("三体 {number}"));
        }
        let before = peak(&server);
        say(&server, "oReader", "大");
        let grown = peak(&server) - before;
        println!("{name:<24} {size:>5} KiB of answer, {grown:>6} KiB more memory at most");
        assert!(grown <= 3 * 1024, "{name}: {grown} KiB for an answer of {size}");
        assert_eq!(server.stop().code, Some(0));
    }
}

#[test]
fn what_a_reader_sent_is_one_short_line_of_the_log() {
    let douban = Upstream::start(|_| Reaction::json(BOOK));
    let settings = [("DOUMIBOOK_DOUBAN_URL", douban.url()), ("DOUMIBOOK_LOG_TEXT", "yes")];
    let server = Server::serve(&settings);
    let forged = format!("长{}\n<0>forged\r\u{1b}[2J\u{9b}31m\u{202e}", "x".repeat(60_000));
    for text in [forged.as_str(), "短\n<0>forged\u{202e}\u{1b}", &"\u{202e}".repeat(20_000)] {
        say(&server, "oReader", text);
    }
    let lines = server.wait_for_lines(" sent=", 3);
    for line in &lines {
        assert!(line.chars().count() <= 320, "{} characters", line.chars().count());
        assert!(!line.contains(|c: char| c.is_control() || doumibook::sys::visible::is_hidden(c)));
    }
    assert!(lines[1].contains("短\\n<0>forged\\u{202e}"), "{}", lines[1]);
    let printed = server.printed();
    assert!(!printed.lines().any(|line| line.starts_with("<0>")), "{printed}");
    assert_eq!(server.stop().code, Some(0));
}
