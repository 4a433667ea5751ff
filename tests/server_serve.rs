//! The real server over real sockets: what goes in, what comes out, byte for byte where it is
//! fixed.

use std::time::{SystemTime, UNIX_EPOCH};

use doumibook::catalogue::photo::fetch::Unread;
use doumibook::chat::phrases;
use support::client::{Answer, get, post, request};
use support::push::{ACCOUNT, Push, READER, field, target, text_reply};
use support::server::{Directory, Server, TOKEN};

mod support;

const TEXT: &str = "text/plain; charset=utf-8";
const XML: &str = "application/xml; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Two books, one of them with all that a card can show.
const SHELF: &str = r#"{"title": "小王子", "subtitle": "全译本", "author": ["[法] 圣埃克苏佩里"], "translator": ["马振骋"], "publisher": "人民文学出版社", "pubdate": "2003-8", "price": "22.00元", "pages": 97, "isbn": "9787020042494", "rating": {"average": "9.0", "numRaters": 1234}, "cover": "https://img.example/1.jpg", "link": "https://book.douban.com/subject/1084336/"}
{"title": "三体", "author": ["刘慈欣"], "isbn": "9787536692930"}
"#;

fn server(settings: &[(&str, &str)]) -> (Server, Directory) {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    (Server::serve(&[&[("DOUMIBOOK_SHELF", shelf.as_str())], settings].concat()), directory)
}

/// Every answer says what it is and how long it is.
fn check_head(answer: &Answer, content_type: &str, case: &str) {
    assert_eq!(answer.header("Content-Type"), Some(content_type), "{case}");
    assert_eq!(answer.header("Content-Length"), Some(&*answer.body.len().to_string()), "{case}");
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{case}");
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{case}");
    let framed = Some("frame-ancestors 'none'").filter(|_| content_type == HTML);
    assert_eq!(answer.header("Content-Security-Policy"), framed, "{case}");
    assert_eq!(answer.header("X-Frame-Options"), framed.map(|_| "DENY"), "{case}");
}

fn send(server: &Server, push: &Push) -> Answer {
    server.ask(&post(&target(TOKEN), push.xml().as_bytes()))
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The values WeChat's own documentation gives as a sample.
const SIGNED: &str =
    "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492";

#[test]
fn the_console_gets_its_echostr_back() {
    let (server, _directory) = server(&[]);
    for (target, body) in [
        (format!("/weixin?{SIGNED}&echostr=4375120948345356249"), "4375120948345356249"),
        (format!("/weixin/?{SIGNED}&echostr=4375120948345356249"), "4375120948345356249"),
        (format!("/weixin?echostr=%3Cb%3E%0A&{SIGNED}"), "<b>\n"),
        (format!("/weixin?{SIGNED}&echostr=a+b&unknown=1"), "a+b"),
    ] {
        let answer = server.ask(&get(&target));
        assert_eq!((answer.status, answer.text()), (200, body), "{target}");
        check_head(&answer, TEXT, &target);
    }
}

#[test]
#[rustfmt::skip]
fn a_query_that_does_not_fit_is_refused_without_a_word_of_it() {
    let (server, _directory) = server(&[]);
    let wrong = SIGNED.replace("f464", "f465");
    let upper = SIGNED.replace("f464b24fc", "F464B24FC");
    let short = SIGNED.replace("441696", "44169");
    for (case, query) in [
        ("no query",             String::new()),
        ("wrong signature",      format!("{wrong}&echostr=marker")),
        ("upper-case signature", format!("{upper}&echostr=marker")),
        ("short signature",      format!("{short}&echostr=marker")),
        ("no signature",         "timestamp=1714036504&nonce=1514711492&echostr=marker".into()),
        ("empty signature",      "signature=&timestamp=1714036504&nonce=1514711492&echostr=marker".into()),
        ("no timestamp",         SIGNED.replace("timestamp=1714036504", "x=1") + "&echostr=marker"),
        ("no nonce",             SIGNED.replace("nonce", "marker") + "&echostr=marker"),
        ("no echostr",           SIGNED.into()),
        ("empty echostr",        format!("{SIGNED}&echostr=")),
        ("two echostrs",         format!("{SIGNED}&echostr=marker&echostr=marker")),
        ("two signatures",       format!("{SIGNED}&{SIGNED}&echostr=marker")),
        ("half an escape",       format!("{SIGNED}&echostr=marker%4")),
        ("no UTF-8",             format!("{SIGNED}&echostr=marker%FF")),
        ("endless echostr",      format!("{SIGNED}&echostr={}", "marker".repeat(50))),
    ] {
        for request in [get(&format!("/weixin?{query}")), post(&format!("/weixin?{query}"), b"marker")] {
            let answer = server.ask(&request);
            let is_push = request.starts_with(b"POST");
            // A push carries no echostr: only its other parameters count.
            if is_push && ["no echostr", "empty echostr"].contains(&case) {
                assert_eq!((answer.status, answer.text()), (400, "not a push\n"), "{case}");
                continue;
            }
            assert_eq!((answer.status, answer.text()), (403, "forbidden\n"), "{case}");
            check_head(&answer, TEXT, case);
            assert!(!answer.head.contains("marker"), "{case}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn texts_and_events_get_these_bytes() {
    let (server, _directory) = server(&[]);
    let not_found = |searched: &'static str| {
        phrases::not_found(searched.into(), phrases::TRY_WORDS).as_str().to_owned()
    };
    let welcome = phrases::welcome("豆米查书").as_str().to_owned();
    let nothing = not_found("“查无此书”");
    for (case, push, content) in [
        ("?",             Push::text("?"),                          phrases::help().into()),
        ("？",            Push::text("？"),                         phrases::help().into()),
        ("help",          Push::text("help"),                       phrases::help().into()),
        ("帮助",           Push::text("帮助"),                       phrases::help().into()),
        ("follows",       Push::event("subscribe").with("EventKey", ""), welcome.clone()),
        ("follows by QR", Push::event("subscribe").with("EventKey", "qrscene_42").with("Ticket", "TK"), welcome),
        ("menu",          Push::event("CLICK").with("EventKey", "HELP"), phrases::help().into()),
        ("own QR",        Push::event("SCAN").with("EventKey", "42"), phrases::help().into()),
        ("image",         Push::new("image").with("PicUrl", "http://a.example/1").with("MediaId", "m"), phrases::unread(Unread::Unfetched).into()),
        ("new type",      Push::new("hologram"),                    phrases::UNSUPPORTED.into()),
        ("wrong digit",   Push::text("9787020042495"),              phrases::no_isbn(doumibook::catalogue::isbn::Mistake::CheckDigit).into()),
        ("no such book",  Push::text("查无此书"),                    nothing.clone()),
        ("end of CDATA",  Push::new("text").raw("<Content>查]]&gt;无</Content>"), not_found("“查]] >无”")),
        ("control bytes", Push::text("\u{1d}查无\u{8}此书"),          nothing),
    ] {
        let before = unix_seconds();
        let answer = send(&server, &push);
        let created = field(answer.text(), "CreateTime").to_owned();
        assert_eq!(answer.status, 200, "{case}");
        check_head(&answer, XML, case);
        assert_eq!(answer.text(), text_reply(&created, &content), "{case}");
        let now = before..=unix_seconds();
        assert!(now.contains(&created.parse().unwrap()), "{case}: {created} is not seconds of now");
    }
}

#[test]
fn a_book_is_one_card() {
    let (server, _directory) = server(&[]);
    let card = |ways: &str| {
        format!(
            "<ArticleCount>1</ArticleCount><Articles><item>\
        <Title><![CDATA[小王子：全译本  9.0 分]]></Title>\
        <Description><![CDATA[馆藏评分 9.0 分（1234 人评价）\n作者：[法] 圣埃克苏佩里\n译者：马振骋\n\
        出版社：人民文学出版社\n出版年：2003-8\n页数：97\n定价：22.00元\nISBN：9787020042494\n\
        来源：馆藏\n\n{ways}同一作者：回复“作者 圣埃克苏佩里”]]></Description>\
        <PicUrl><![CDATA[https://img.example/1.jpg]]></PicUrl>\
        <Url><![CDATA[https://book.douban.com/subject/1084336/]]></Url></item></Articles></xml>"
        )
    };
    let editions = "其他版本：回复“书名 小王子”\n";
    for (push, ways) in [
        (Push::text("9787020042494"), editions),
        (Push::text("ISBN：7-02-004249-X"), editions),
        (Push::text("小王子"), ""),
        (Push::text("《小王子》 圣埃克苏佩里"), ""),
        (Push::scan("9787020042494"), editions),
        (Push::new("voice").with("Recognition", "小王子。"), ""),
        (
            Push::new("link")
                .with("Title", "t")
                .with("Url", "https://x.example/9787020042494.html"),
            editions,
        ),
    ] {
        let answer = send(&server, &push);
        let created = field(answer.text(), "CreateTime");
        let head = format!(
            "<xml><ToUserName><![CDATA[{READER}]]></ToUserName>\
             <FromUserName><![CDATA[{ACCOUNT}]]></FromUserName>\
             <CreateTime>{created}</CreateTime><MsgType><![CDATA[news]]></MsgType>"
        );
        assert_eq!(answer.text(), format!("{head}{}", card(ways)), "{}", push.xml());
        check_head(&answer, XML, "card");
    }
}

#[test]
fn what_cannot_be_answered_is_taken_with_success() {
    let (server, _directory) = server(&[]);
    for name in [
        "unsubscribe",
        "LOCATION",
        "VIEW",
        "view_miniprogram",
        "TEMPLATESENDJOBFINISH",
        "MASSSENDJOBFINISH",
        "pic_weixin",
        "location_select",
        "user_authorization_revoke",
        "debug_demo",
        "an_event_of_next_year",
    ] {
        let answer = send(&server, &Push::event(name).with("EventKey", "k"));
        assert_eq!((answer.status, answer.text()), (200, "success"), "{name}");
        check_head(&answer, TEXT, name);
    }
}

#[test]
#[rustfmt::skip]
fn everything_else_is_refused_in_fixed_words() {
    let (server, _directory) = server(&[]);
    let signed = target(TOKEN);
    let xml = Push::text("三体").xml();
    let deep = format!("<xml>{}{}</xml>", "<a>".repeat(9), "</a>".repeat(9));
    for (case, request, status, allow, body) in [
        ("no such page",  get("/marker"),                    404, None, "not found\n"),
        ("below weixin",  get("/weixin/marker"),             404, None, "not found\n"),
        ("above /",       get("/../weixin"),                 404, None, "not found\n"),
        ("PUT",           request("PUT", &signed),           405, Some("GET, HEAD, POST"), "method not allowed\n"),
        ("DELETE",        request("DELETE", "/weixin/"),     405, Some("GET, HEAD, POST"), "method not allowed\n"),
        ("POST /",        post("/", b""),                    405, Some("GET, HEAD"), "method not allowed\n"),
        ("POST /healthz", post("/healthz", b""),             405, Some("GET, HEAD"), "method not allowed\n"),
        ("no body",       post(&signed, b""),                400, None, "not a push\n"),
        ("no XML",        post(&signed, b"marker"),          400, None, "not a push\n"),
        ("JSON",          post(&signed, b"{\"a\": 1}"),      400, None, "not a push\n"),
        ("other root",    post(&signed, xml.replace("xml>", "yml>").as_bytes()), 400, None, "not a push\n"),
        ("no sender",     post(&signed, xml.replace("FromUserName", "Marker").as_bytes()), 400, None, "not a push\n"),
        ("DOCTYPE",       post(&signed, format!("<!DOCTYPE xml>{xml}").as_bytes()), 400, None, "not a push\n"),
        ("nested",        post(&signed, deep.as_bytes()),    400, None, "not a push\n"),
        ("64 KiB",        post(&signed, &vec![b' '; 65536]), 400, None, "not a push\n"),
        ("over 64 KiB",   post(&signed, &vec![b' '; 65537]), 413, None, "the body is longer than 64 KiB\n"),
    ] {
        let answer = server.ask(&request);
        assert_eq!((answer.status, answer.text()), (status, body), "{case}");
        assert_eq!(answer.header("Allow"), allow, "{case}");
        check_head(&answer, TEXT, case);
        assert!(!answer.head.to_lowercase().contains("marker"), "{case}");
    }
}

#[test]
fn health_is_told_to_this_machine_only() {
    let (server, _directory) = server(&[]);
    let answer = server.ask(&get("/healthz"));
    assert_eq!((answer.status, answer.text()), (200, "ok\n"));
    check_head(&answer, TEXT, "/healthz");
    for forwarded in [
        "CF-Connecting-IP: 203.0.113.9",
        "X-Forwarded-Host: a.example",
        "X-Client-IP: 203.0.113.9",
        "True-Client-IP: 203.0.113.9",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 203.0.113.9",
        "x-real-ip: 203.0.113.9",
        "Forwarded: for=x",
    ] {
        for page in ["/healthz", "/metrics"] {
            let request = format!("GET {page} HTTP/1.1\r\nHost: x\r\n{forwarded}\r\n\r\n");
            let answer = server.ask(request.as_bytes());
            assert_eq!((answer.status, answer.text()), (404, "not found\n"), "{forwarded}");
        }
    }
}

#[test]
fn the_front_page_names_the_account_and_runs_nothing() {
    let (server, _directory) = server(&[("DOUMIBOOK_NAME", "<script>\"书&店\"")]);
    let answer = server.ask(&get("/"));
    assert_eq!(answer.status, 200);
    check_head(&answer, HTML, "/");
    assert!(answer.text().contains("<h1>&lt;script&gt;&quot;书&amp;店&quot;</h1>"));
    assert!(!answer.text().contains("<script"));
}

#[test]
fn head_is_get_without_the_body() {
    let (server, _directory) = server(&[]);
    let signed = format!("/weixin?{SIGNED}&echostr=123");
    for page in ["/", "/healthz", "/marker", "/weixin", &signed] {
        let mut client = server.connect();
        let got = client.ask(&get(page));
        client.send(&request("HEAD", page)).unwrap();
        let head = client.receive_head().unwrap();
        assert_eq!(head.head, got.head, "{page}");
        // The next answer begins right behind the head.
        assert_eq!(client.ask(&get(page)), got, "{page}");
    }
}

#[test]
fn many_requests_share_a_connection_whatever_the_number_of_workers() {
    for workers in ["1", "2", "64"] {
        let (server, _directory) = server(&[("DOUMIBOOK_WORKERS", workers)]);
        // More open connections than workers: an idle one may not hold one.
        let mut clients: Vec<_> = (0..12).map(|_| server.connect()).collect();
        for round in 0..3 {
            for client in &mut clients {
                let push = Push::text("小王子");
                let answer = client.ask(&post(&target(TOKEN), push.xml().as_bytes()));
                assert!(answer.text().contains("9787020042494"), "{workers} workers, {round}");
            }
        }
        // Two requests in one piece get two answers, in order.
        let pair = [get("/healthz"), get("/marker")].concat();
        clients[0].send(&pair).unwrap();
        assert_eq!(clients[0].receive().unwrap().status, 200);
        assert_eq!(clients[0].receive().unwrap().status, 404);
        clients[0].ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(clients[0].is_over(), "the client asked to close");
    }
}
