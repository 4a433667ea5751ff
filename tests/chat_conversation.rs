//! `chat_conversation.txt`, played with the real server: anyone can add to it.
//!
//! How the file is written stands at its top. Replies are shown as a reader sees them, links as
//! `[label→what a tap sends or opens]`, cards as `[card] title`, their lines, `[cover]` and
//! `[open]`; no reply as `[nothing]`.

use std::fmt::Write as _;

use percent_encoding::percent_decode_str;
use support::client::{Client, post};
use support::push::{Push, field, target};
use support::server::{Directory, Ended, Server, TOKEN};

mod support;

const SCRIPT: &str = include_str!("chat_conversation.txt");
/// The same for what is set up by an operator who has more to offer.
const EVENING: &str = include_str!("chat_evening.txt");
const SHELF: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chat_conversation.jsonl");

/// One push and the reply it should get.
struct Exchange {
    /// Where it stands in the file, from 1.
    line: usize,
    /// The scene's number and the reader's letter: no reader knows another scene.
    reader: String,
    says: String,
    answer: String,
}

/// The script's exchanges, in order.
fn exchanges(script: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut scene = 0;
    for (line, text) in (1..).zip(script.lines()) {
        if text.starts_with("##") {
            scene += 1;
        } else if let Some((letter, says)) = spoken(text) {
            let reader = format!("oScene{scene:02}_reader_{letter}_0123456789");
            let (says, answer) = (says.to_owned(), String::new());
            exchanges.push(Exchange { line, reader, says, answer });
        } else if let Some(last) = exchanges.last_mut().filter(|_| !text.starts_with('#')) {
            last.answer.push_str(text);
            last.answer.push('\n');
        }
    }
    exchanges
}

/// `> 三体`, or `B> 三体` for a second reader.
fn spoken(text: &str) -> Option<(char, &str)> {
    let (who, says) = text.split_once("> ")?;
    let letter = who.chars().next().unwrap_or('A');
    (who.len() <= 1 && letter.is_ascii_uppercase()).then_some((letter, says))
}

/// What stands in the script as a push.
fn push(says: &str) -> Push {
    let inside = says.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let (name, about) = inside.map_or(("", ""), |i| i.split_once(' ').unwrap_or((i, "")));
    match name {
        "subscribe" | "unsubscribe" => Push::event(name).with("EventKey", about),
        "scan" => Push::scan(about),
        "qr" => Push::code("qrcode", about),
        "own-qr" => Push::event("SCAN").with("EventKey", about),
        "click" => Push::event("CLICK").with("EventKey", about),
        "voice" => Push::new(name).with("MediaId", "m").with("Recognition", about),
        "link" => Push::new(name).with("Title", "t").with("Description", "").with("Url", about),
        "image" => Push::new(name).with("PicUrl", about).with("MediaId", "m"),
        "video" | "location" | "file" => Push::new(name).with("MediaId", "m"),
        "sticker" => Push::text("【收到不支持的消息类型，暂无法显示】"),
        "tap" => Push::text(about).with("bizmsgmenuid", "1"),
        "event" => Push::event(about),
        "empty" => Push::text(""),
        _ => Push::text(says),
    }
}

/// A reply as the reader sees it.
fn shown(reply: &str) -> String {
    match field(reply, "MsgType") {
        "text" => links_shown(field(reply, "Content")),
        "news" => {
            let mut card = format!("[card] {}", field(reply, "Title"));
            for (before, name) in [("", "Description"), ("[cover] ", "PicUrl"), ("[open] ", "Url")]
            {
                let text = field(reply, name);
                if !text.is_empty() {
                    write!(card, "\n{before}{text}").unwrap();
                }
            }
            card
        }
        _ if reply == "success" => "[nothing]".to_owned(),
        _ => format!("[not a reply] {reply}"),
    }
}

fn links_shown(content: &str) -> String {
    let mut shown = String::new();
    let mut rest = content;
    while let Some((before, link)) = rest.split_once("<a href=\"") {
        let (href, after) = link.split_once("\">").expect("a whole link");
        let (label, after) = after.split_once("</a>").expect("a closed link");
        let sends = href.strip_prefix("weixin://bizmsgmenu?msgmenucontent=");
        let sends = sends.map_or(href, |sends| sends.split('&').next().unwrap_or_default());
        let sends = percent_decode_str(sends).decode_utf8().expect("UTF-8 in a link");
        write!(shown, "{before}[{label}→{sends}]").unwrap();
        rest = after;
    }
    shown + rest
}

fn play(client: &mut Client, exchange: &Exchange) -> String {
    let xml = push(&exchange.says).from(&exchange.reader).xml();
    let answer = client.ask(&post(&target(TOKEN), xml.as_bytes()));
    assert_eq!(answer.status, 200, "line {}", exchange.line);
    shown(answer.text())
}

#[test]
fn the_conversation_goes_as_written() {
    let server = Server::serve(&[("DOUMIBOOK_SHELF", SHELF)]);
    play_all(&server, SCRIPT, 50);
}

#[test]
fn so_does_that_with_wishes_and_answers_of_the_operators_own() {
    let directory = Directory::new();
    let settings = [
        ("DOUMIBOOK_SHELF", directory.file("shelf.csv", &part("shelf.csv"))),
        ("DOUMIBOOK_REPLIES", directory.file("replies.csv", &part("replies.csv"))),
        ("DOUMIBOOK_WISHES", "yes".to_owned()),
        ("DOUMIBOOK_LINKS", "none".to_owned()),
        ("STATE_DIRECTORY", directory.path("")),
    ];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = Server::serve(&settings);
    play_all(&server, EVENING, 20);
    let Ended { code, output } = server.stop();
    assert_eq!(code, Some(0), "{output}");
}

/// A file that stands in the remarks of the script, below its name.
fn part(name: &str) -> String {
    let (_, rest) = EVENING.split_once(&format!("# {name}:\n")).unwrap();
    let lines = rest.lines().map_while(|line| line.strip_prefix("#   "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn play_all(server: &Server, script: &str, least: usize) {
    let mut client = server.connect();
    let exchanges = exchanges(script);
    assert!(exchanges.len() > least, "only {} exchanges were found", exchanges.len());
    let mut wrong = String::new();
    for exchange in &exchanges {
        let came = play(&mut client, exchange);
        let Exchange { line, says, answer, .. } = exchange;
        if came != answer.trim_end() {
            write!(wrong, "\n--- line {line}\n> {says}\n{came}\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "these went otherwise than written:\n{wrong}");
}

#[test]
fn a_reply_to_a_reader_reaches_that_reader() {
    let server = Server::serve(&[("DOUMIBOOK_SHELF", SHELF)]);
    let mut client = server.connect();
    for exchange in &exchanges("> 三体\nB> ?\nC> [subscribe]\n") {
        let xml = push(&exchange.says).from(&exchange.reader).xml();
        let answer = client.ask(&post(&target(TOKEN), xml.as_bytes()));
        assert_eq!(field(answer.text(), "ToUserName"), exchange.reader);
    }
}
