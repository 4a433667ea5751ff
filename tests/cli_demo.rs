//! The page of `doumibook demo`, seen over HTTP: who gets it, and what may be said there.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;

use serde_json::{Value, json};
use support::server::Server;

/// One request on a connection of its own; `fields` are lines of its head. Returns status and
/// body.
fn request(to: &Server, line: &str, fields: &[&str], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(&to.address).unwrap();
    let mut head = format!("{line} HTTP/1.1\r\nConnection: close\r\n");
    for field in fields {
        head.push_str(&format!("{field}\r\n"));
    }
    write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

/// The key in the page, which only the demo's own page has.
fn key(page: &str) -> Option<&str> {
    Some(page.split_once("name=\"key\" content=\"")?.1.split_once('"')?.0)
}

fn key_of(demo: &Server) -> String {
    let (status, page) = request(demo, "GET /", &[], "");
    assert_eq!(status, 200);
    let key = key(&page).expect("a key").to_owned();
    assert!(key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()), "{key}");
    key
}

fn say(demo: &Server, fields: &[&str], said: &Value) -> (u16, String) {
    request(demo, "POST /demo/say", fields, &said.to_string())
}

#[test]
fn whoever_is_not_on_this_machine_or_comes_by_another_name_gets_no_page() {
    let demo = Server::demo();
    let said = json!({"key": key_of(&demo), "kind": "text", "text": "三体"});
    for (field, is_local) in [
        ("Host: 127.0.0.1:8080", true),
        ("Host: localhost:8080", true),
        ("Host: books.localhost", true),
        ("Host: [::1]:8080", true),
        ("X-Forwarded-For: 203.0.113.7", false),
        ("Forwarded: for=203.0.113.7", false),
        ("X-Real-IP: 203.0.113.7", false),
        ("Host: rebound.example:8080", false),
        ("Host: rebound.example", false),
        ("Host: 127.0.0.1.rebound.example", false),
        ("host: REBOUND.EXAMPLE.", false),
        ("Host: notlocalhost.example:8080", false),
        ("Host: localhost.rebound.example", false),
    ] {
        let (status, page) = request(&demo, "GET /", &[field], "");
        assert_eq!((status, key(&page).is_some()), (200, is_local), "{field}");
        let (status, _) = say(&demo, &[field], &said);
        assert_eq!(status, if is_local { 200 } else { 404 }, "{field}");
    }
}

#[test]
fn an_account_that_is_served_has_no_such_page() {
    let settings = [("DOUMIBOOK_TOKEN", "demo"), ("DOUMIBOOK_LISTEN", "127.0.0.1:0")];
    let account = Server::start(support::server::doumibook(&["serve"], &settings));
    let (status, page) = request(&account, "GET /", &[], "");
    assert_eq!((status, key(&page)), (200, None));
    let (status, _) = say(&account, &[], &json!({"key": "", "kind": "text", "text": "三体"}));
    assert_eq!(status, 404);
}

#[test]
fn the_hint_starts_the_program_as_it_was_started() {
    for (started, shown) in [
        ("doumibook", "doumibook"),
        ("target/release/doumibook", "target/release/doumibook"),
        ("/opt/my books/it's", r"'/opt/my books/it'\''s'"),
    ] {
        let mut command = support::server::doumibook(&["demo", "--listen", "127.0.0.1:0"], &[]);
        command.arg0(started);
        let demo = Server::start(command);
        let line = demo.wait_for_line(" --url ");
        let address = &demo.address;
        assert_eq!(line, format!("  {shown} ask 三体 --url http://{address}/weixin"));
    }
}

#[test]
fn each_start_has_a_key_of_its_own() {
    assert_ne!(key_of(&Server::demo()), key_of(&Server::demo()));
}

#[test]
#[rustfmt::skip]
fn what_is_said_goes_the_way_of_a_push() {
    let demo = Server::demo();
    let key = key_of(&demo);
    for (kind, text, sent, received) in [
        ("subscribe", "",              "<Event><![CDATA[subscribe]]>",              "欢迎关注豆米查书"),
        ("text",      "三体",           "<Content><![CDATA[三体]]>",                  "msgmenucontent=1&msgmenuid=1\">《三体》</a>"),
        ("text",      "1",             "<MsgType><![CDATA[text]]>",                 "<a href=\"https://book.douban.com/isbn/9787536692930/\">豆瓣</a>"),
        ("text",      "]]></Content>", "<Content><![CDATA[]] ></Content>]]>",      "没有找到"),
        ("text",      "",              "<Content><![CDATA[]]>",                     "没看出你要找哪本书"),
        ("scan",      "9787536692930", "<ScanResult><![CDATA[EAN_13,9787536692930]]>", "<Content><![CDATA[《三体》\n"),
        ("scan",      "https://example.org/", "<ScanType><![CDATA[qrcode]]>",       "这个码里没有书号"),
        ("click",     "HELP",          "<EventKey><![CDATA[HELP]]>",                "例如"),
    ] {
        let (status, told) = say(&demo, &[], &json!({"key": key, "kind": kind, "text": text}));
        assert_eq!(status, 200, "{kind} {text}: {told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        let field = |name: &str| told[name].as_str().unwrap().to_owned();
        assert!(field("sent").contains(sent), "{kind} {text}: {told}");
        assert!(field("received").contains(received), "{kind} {text}: {told}");
        assert_eq!(told["status"], 200, "{kind} {text}");
        assert!(told["millis"].as_f64().is_some_and(|millis| millis > 0.0), "{kind} {text}");
    }
}

#[test]
fn a_photo_goes_the_way_of_a_push() {
    let demo = Server::demo();
    let key = key_of(&demo);
    let photo = |key: &str, bytes: &[u8]| {
        let mut client = demo.connect();
        let body = [key.as_bytes(), bytes].concat();
        let answer = client.ask(&support::client::post("/demo/photo", &body));
        (answer.status, answer.text().to_owned())
    };
    let file = &include_bytes!("catalogue_photo/colour.jpg")[..];
    for (bytes, received) in [
        (file, "《三体》\\n"),
        (&include_bytes!("catalogue_photo/goods.jpg")[..], "这是商品条形码"),
        (b"no picture", "这种格式的图片看不了"),
        (b"", "这种格式的图片看不了"),
        (&vec![0xFF; 65_536 - 32], "这种格式的图片看不了"),
    ] {
        let (status, told) = photo(&key, bytes);
        assert_eq!(status, 200, "{told}");
        assert!(told.contains("<PicUrl><![CDATA[http://mmbiz.qpic.cn/doumibook/"), "{told}");
        assert!(told.contains(received), "{told}");
    }
    for (key, bytes, status) in [
        ("", file, 403),
        (&key[..31], file, 403),
        (&"0".repeat(32), file, 403),
        (&key, &vec![0; 65_537 - 32], 413),
    ] {
        assert_eq!(photo(key, bytes).0, status, "{key}");
    }
}

#[test]
#[rustfmt::skip]
fn what_is_refused() {
    let demo = Server::demo();
    let key = key_of(&demo);
    let said = |key: &str, kind: &str, text: &str| json!({"key": key, "kind": kind, "text": text}).to_string();
    for (case, line, body, expected) in [
        ("no body",            "POST /demo/say", String::new(),                            400),
        ("no JSON",            "POST /demo/say", "key=x&kind=text&text=y".to_owned(),      400),
        ("cut short",          "POST /demo/say", said(&key, "text", "三体")[..40].to_owned(), 400),
        ("nested too deep",    "POST /demo/say", "[".repeat(60_000),                       400),
        ("an array",           "POST /demo/say", "[]".to_owned(),                          403),
        ("no key",             "POST /demo/say", r#"{"kind":"text","text":"x"}"#.to_owned(), 403),
        ("an empty key",       "POST /demo/say", said("", "text", "三体"),                  403),
        ("another key",        "POST /demo/say", said(&"0".repeat(32), "text", "三体"),     403),
        ("a part of the key",  "POST /demo/say", said(&key[..31], "text", "三体"),          403),
        ("the key, as a query", "POST /demo/say?key", said("", "text", "三体"),             403),
        ("no kind",            "POST /demo/say", json!({"key": key}).to_string(),          400),
        ("unknown kind",       "POST /demo/say", said(&key, "location", ""),               400),
        ("a kind of ask's",    "POST /demo/say", said(&key, "unsubscribe", ""),            400),
        ("the longest text",   "POST /demo/say", said(&key, "text", &"x".repeat(2048)),    200),
        ("a longer text",      "POST /demo/say", said(&key, "text", &"x".repeat(2049)),    413),
        ("a longer scan",      "POST /demo/say", said(&key, "scan", &"9".repeat(50_000)),  413),
        ("more than the gate takes", "POST /demo/say", said(&key, "text", &"x".repeat(70_000)), 413),
        ("GET",                "GET /demo/say",  said(&key, "text", "三体"),                404),
        ("another path",       "POST /demo",     said(&key, "text", "三体"),                404),
        ("POST to the page",   "POST /",         said(&key, "text", "三体"),                405),
    ] {
        let (status, answer) = request(&demo, line, &[], &body);
        assert_eq!(status, expected, "{case}: {answer}");
        assert!(expected == 200 || !answer.contains(&key), "{case}: {answer}");
    }
}
