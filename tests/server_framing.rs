//! What the gate makes of bytes: one row, one case, and what comes of it.
//!
//! Each row is also fed byte by byte and cut at every byte: the result is the same, and never
//! a request before its last byte. `next` in a row is how many bytes are left for the next
//! request, so that nothing can be smuggled in the body of another.

use doumibook::server::framing::{Framing, HttpRequest, Step};
use doumibook::server::limits::{BODY, HEAD};
use doumibook::service::refusal::Refusal;

use Refusal::{BodyTooLong, Expectation, HeadTooLong, Malformed, NoLength};

/// What a row expects.
enum Want {
    /// Method, target, body, whether the connection is kept, bytes left for the next request.
    Ready(&'static str, &'static str, Vec<u8>, bool, usize),
    Refuse(Refusal),
    More,
}
use Want::{More, Ready, Refuse};

type Row = (&'static str, Vec<u8>, Want);

fn row(name: &'static str, bytes: impl AsRef<[u8]>, want: Want) -> Row {
    (name, bytes.as_ref().to_vec(), want)
}

/// A POST with these lines in its head, and what follows the head.
fn post(lines: &str, rest: impl AsRef<[u8]>) -> Vec<u8> {
    let lines: String = lines.lines().map(|line| format!("{line}\r\n")).collect();
    let head = format!("POST /weixin HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    [head.as_bytes(), rest.as_ref()].concat()
}

fn get(lines: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

fn got(body: &str, keep: bool) -> Want {
    Ready("POST", "/weixin", body.into(), keep, 0)
}

const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\n\r\n";

fn lengths() -> Vec<Row> {
    let length = |value: &str| post(&format!("Content-Length: {value}"), "hello");
    vec![
        row("a length", length("5"), got("hello", true)),
        row("blanks around it", length(" \t5 "), got("hello", true)),
        row("leading zeros", length("0005"), got("hello", true)),
        row("no length", post("", ""), Refuse(NoLength)),
        row("length 0", post("Content-Length: 0", ""), got("", true)),
        row("1e10", length("10000000000"), Refuse(BodyTooLong)),
        row("1e14", length("99999999999999"), Refuse(BodyTooLong)),
        row("2^63", length("9223372036854775808"), Refuse(BodyTooLong)),
        row("2^64", length("18446744073709551616"), Refuse(BodyTooLong)),
        row("2^64 + 5", length("18446744073709551621"), Refuse(BodyTooLong)),
        row("100 digits", length(&"9".repeat(100)), Refuse(BodyTooLong)),
        row("negative", length("-1"), Refuse(Malformed)),
        row("a list", length("5, 5"), Refuse(Malformed)),
        row("signed", length("+5"), Refuse(Malformed)),
        row("hexadecimal", length("0x5"), Refuse(Malformed)),
        row("a fraction", length("5.0"), Refuse(Malformed)),
        row("a blank inside", length("5 5"), Refuse(Malformed)),
        row("full-width digit", length("５"), Refuse(Malformed)),
        row("a word", length("abc"), Refuse(Malformed)),
        row("empty", length(""), Refuse(Malformed)),
        row("twice", post("Content-Length: 5\ncontent-length: 5", "hello"), Refuse(Malformed)),
        row("in conflict", post("Content-Length: 5\nContent-Length: 6", ""), Refuse(Malformed)),
        row("short body", post("Content-Length: 5", "hell"), More),
        row(
            "a GET behind the body is the next request",
            post("Content-Length: 5", format!("hello{SMUGGLED}")),
            Ready("POST", "/weixin", b"hello".into(), true, SMUGGLED.len()),
        ),
        row(
            "a GET may have a body, which is not the next request",
            format!("GET / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{SMUGGLED}", SMUGGLED.len()),
            Ready("GET", "/", SMUGGLED.into(), true, 0),
        ),
        row(
            "exactly 64 KiB",
            post(&format!("Content-Length: {BODY}"), vec![b'x'; BODY]),
            Ready("POST", "/weixin", vec![b'x'; BODY], true, 0),
        ),
        row(
            "one byte more",
            post(&format!("Content-Length: {}", BODY + 1), ""),
            Refuse(BodyTooLong),
        ),
    ]
}

fn encodings() -> Vec<Row> {
    let encoded = |lines: &str| post(lines, "5\r\nhello\r\n0\r\n\r\n");
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    vec![
        row("chunked", encoded("Transfer-Encoding: chunked"), got("hello", true)),
        row("in capitals", encoded("TRANSFER-ENCODING:  CHUNKED "), got("hello", true)),
        row(
            "with a length",
            encoded("Content-Length: 5\nTransfer-Encoding: chunked"),
            Refuse(Malformed),
        ),
        row(
            "and the other way round",
            encoded("Transfer-Encoding: chunked\nContent-Length: 0"),
            Refuse(Malformed),
        ),
        row("identity", encoded("Transfer-Encoding: identity"), Refuse(Malformed)),
        row("xchunked", encoded("Transfer-Encoding: xchunked"), Refuse(Malformed)),
        row("gzip first", encoded("Transfer-Encoding: gzip, chunked"), Refuse(Malformed)),
        row("chunked twice", encoded("Transfer-Encoding: chunked, chunked"), Refuse(Malformed)),
        row("an empty one", encoded("Transfer-Encoding:"), Refuse(Malformed)),
        row(
            "in two fields",
            encoded("Transfer-Encoding: chunked\nTransfer-Encoding: chunked"),
            Refuse(Malformed),
        ),
        row("a vertical tab", encoded("Transfer-Encoding: \x0bchunked"), Refuse(Malformed)),
        row("HTTP/1.0 has none", old, Refuse(Malformed)),
    ]
}

fn chunks() -> Vec<Row> {
    let chunked = |rest: &str| post("Transfer-Encoding: chunked", rest);
    let ones = |count: usize| "1\r\nx\r\n".repeat(count);
    let (full, many) = (format!("{BODY:x}\r\n{}\r\n", "x".repeat(BODY)), "1".repeat(250));
    vec![
        row("two chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), {
            got("abc0123456789", true)
        }),
        row("none", chunked("0\r\n\r\n"), got("", true)),
        row("an extension", chunked("3;a=b\r\nabc\r\n0;c\r\n\r\n"), got("abc", true)),
        row("a blank before it", chunked("3 ;a\r\nabc\r\n0\r\n\r\n"), got("abc", true)),
        row("a trailer", chunked("3\r\nabc\r\n0\r\nA: b\r\n\r\n"), got("abc", true)),
        row(
            "the next request behind it",
            chunked(&format!("0\r\n\r\n{SMUGGLED}")),
            Ready("POST", "/weixin", Vec::new(), true, SMUGGLED.len()),
        ),
        row("the trailer's end is missing", chunked("0\r\n"), More),
        row("64 KiB", chunked(&format!("{full}0\r\n\r\n")), {
            Ready("POST", "/weixin", vec![b'x'; BODY], true, 0)
        }),
        row("64 KiB and one", chunked(&format!("{full}1\r\n")), Refuse(BodyTooLong)),
        row("a chunk of 64 KiB and one", chunked("10001\r\n"), Refuse(BodyTooLong)),
        row("huge", chunked("7fffffff\r\n"), Refuse(BodyTooLong)),
        row("2^32 - 1", chunked("ffffffff\r\n"), Refuse(BodyTooLong)),
        row("16 digits", chunked("fffffffffffffffe\r\n"), Refuse(BodyTooLong)),
        row("17 digits", chunked("10000000000000005\r\n"), Refuse(BodyTooLong)),
        row("negative", chunked("-5\r\n"), Refuse(Malformed)),
        row("signed", chunked("+5\r\n"), Refuse(Malformed)),
        row("0x5", chunked("0x5\r\nhello\r\n"), Refuse(Malformed)),
        row("no digit", chunked("g\r\n"), Refuse(Malformed)),
        row("empty", chunked("\r\n"), Refuse(Malformed)),
        row("a bare CR in one", chunked("3;a\rb\r\nabc\r\n0\r\n\r\n"), Refuse(Malformed)),
        row("only an extension", chunked(";a\r\n"), Refuse(Malformed)),
        row("a blank first", chunked(" 5\r\n"), Refuse(Malformed)),
        row("an underscore", chunked("1_0\r\n"), Refuse(Malformed)),
        row("longer than it says", chunked("3\r\nabcd\r\n0\r\n\r\n"), Refuse(Malformed)),
        row("no line end behind it", chunked("3\r\nabc0\r\n\r\n"), Refuse(Malformed)),
        row("bare LF behind the size", chunked("3\nabc\r\n"), Refuse(Malformed)),
        row("bare LF behind the data", chunked("3\r\nabc\n0\r\n\r\n"), Refuse(Malformed)),
        row("bare LF in the trailer", chunked("0\r\nA: b\n\r\n"), Refuse(Malformed)),
        row("an endless size line", chunked(&many.repeat(9)), Refuse(Malformed)),
        row("an endless extension", chunked(&format!("1;{}", "a".repeat(400))), Refuse(Malformed)),
        row("an endless trailer", chunked(&format!("0\r\n{}", "A: b\r\n".repeat(13_000))), {
            Refuse(BodyTooLong)
        }),
        row("1000 chunks of one byte", chunked(&format!("{}0\r\n\r\n", ones(1000))), {
            got(&"x".repeat(1000), true)
        }),
        row("more framing than body", chunked(&ones(13_000)), Refuse(BodyTooLong)),
    ]
}

fn lines() -> Vec<Row> {
    let longest = format!("GET /{} HTTP/1.1\r\nA: b\r\n\r\n", "x".repeat(HEAD - 24));
    let longer = longest.replacen("/x", "/xx", 1);
    let kept = |target: &'static str| Ready("GET", target, Vec::new(), true, 0);
    let line = |line: &str| format!("{line}\r\n\r\n");
    vec![
        row("plain", line("GET / HTTP/1.1"), kept("/")),
        row("HEAD", line("HEAD / HTTP/1.1"), Ready("HEAD", "/", Vec::new(), true, 0)),
        row("a method of its own", line("BREW / HTTP/1.1"), {
            Ready("BREW", "/", Vec::new(), true, 0)
        }),
        row("raw quotes stay", line("GET /weixin?a=%0d%0a HTTP/1.1"), kept("/weixin?a=%0d%0a")),
        row("absolute", line("GET http://a.example/weixin?b HTTP/1.1"), kept("/weixin?b")),
        row("absolute without a path", line("GET http://a.example HTTP/1.1"), kept("/")),
        row(
            "absolute with a query alone",
            line("GET http://a.example?x=/healthz HTTP/1.1"),
            Refuse(Malformed),
        ),
        row("https", line("GET https://a.example/ HTTP/1.1"), Refuse(Malformed)),
        row("asterisk", line("OPTIONS * HTTP/1.1"), Refuse(Malformed)),
        row("authority", line("CONNECT a.example:443 HTTP/1.1"), Refuse(Malformed)),
        row("no slash", line("GET weixin HTTP/1.1"), Refuse(Malformed)),
        row("lower case", line("get / HTTP/1.1"), Refuse(Malformed)),
        row("16 letters", line("ABCDEFGHIJKLMNOP / HTTP/1.1"), {
            Ready("ABCDEFGHIJKLMNOP", "/", Vec::new(), true, 0)
        }),
        row("17 letters", line("ABCDEFGHIJKLMNOPQ / HTTP/1.1"), Refuse(Malformed)),
        row("signs in the method", line("G-T / HTTP/1.1"), Refuse(Malformed)),
        row("no method", line(" / HTTP/1.1"), Refuse(Malformed)),
        row("four parts", line("GET / x HTTP/1.1"), Refuse(Malformed)),
        row("two blanks", line("GET  / HTTP/1.1"), Refuse(Malformed)),
        row("a tab", line("GET\t/ HTTP/1.1"), Refuse(Malformed)),
        row("a blank behind", line("GET / HTTP/1.1 "), Refuse(Malformed)),
        row("HTTP/0.9 without a version", line("GET /"), Refuse(Malformed)),
        row("HTTP/0.9", line("GET / HTTP/0.9"), Refuse(Malformed)),
        row("HTTP/1.2", line("GET / HTTP/1.2"), Refuse(Malformed)),
        row("HTTP/1.10", line("GET / HTTP/1.10"), Refuse(Malformed)),
        row("HTTP/2.0", line("GET / HTTP/2.0"), Refuse(Malformed)),
        row("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refuse(Malformed)),
        row("lower-case version", line("GET / http/1.1"), Refuse(Malformed)),
        row("TLS", [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc], Refuse(Malformed)),
        row(
            "an empty line first",
            "\r\nGET / HTTP/1.1\r\n\r\n",
            Ready("GET", "/", Vec::new(), true, 0),
        ),
        row(
            "four empty lines",
            "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            Ready("GET", "/", Vec::new(), true, 0),
        ),
        row("five", "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", Refuse(Malformed)),
        row("nothing but empty lines", "\r\n\r\n", More),
        row("a bare line feed first", "\nGET / HTTP/1.1\r\n\r\n", Refuse(Malformed)),
        row("bare LF", "GET / HTTP/1.1\n\n", Refuse(Malformed)),
        row("bare CR", "GET / HTTP/1.1\rA: b\r\n\r\n", Refuse(Malformed)),
        row("CR in the target", line("GET /a\rb HTTP/1.1"), Refuse(Malformed)),
        row("NUL in the target", line("GET /a\0b HTTP/1.1"), Refuse(Malformed)),
        row("DEL in the target", line("GET /a\x7fb HTTP/1.1"), Refuse(Malformed)),
        row("UTF-8 in the target", line("GET /书 HTTP/1.1"), Refuse(Malformed)),
        row("Latin-1 in the target", b"GET /\xe9 HTTP/1.1\r\n\r\n", Refuse(Malformed)),
        row("exactly 8 KiB", &longest, Ready("GET", "", Vec::new(), true, 0)),
        row("one byte more", &longer, Refuse(HeadTooLong)),
        row("an endless line", "A".repeat(2 * HEAD), Refuse(HeadTooLong)),
    ]
}

fn fields() -> Vec<Row> {
    let kept = |keep| Ready("GET", "/", Vec::new(), keep, 0);
    let many = |count: usize| get(&"A: b\r\n".repeat(count));
    let old = |lines: &str| format!("GET / HTTP/1.0\r\n{lines}\r\n");
    let expecting = "Expect: 100-continue\nContent-Length: 5";
    vec![
        row("64 fields", many(64), kept(true)),
        row("65 fields", many(65), Refuse(HeadTooLong)),
        row("ten thousand", many(10_000), Refuse(HeadTooLong)),
        row("an endless one", format!("GET / HTTP/1.1\r\nA: {}", "b".repeat(HEAD)), {
            Refuse(HeadTooLong)
        }),
        row("UTF-8 in a value", get("A: 书\r\n"), kept(true)),
        row("Latin-1 in a value", b"GET / HTTP/1.1\r\nA: \xe9\r\n\r\n", kept(true)),
        row("UTF-8 in a name", get("书: a\r\n"), Refuse(Malformed)),
        row("NUL in a value", get("A: b\0c\r\n"), Refuse(Malformed)),
        row("CR in a value", get("A: b\rc\r\n"), Refuse(Malformed)),
        row("a control character", get("A: b\x01\r\n"), Refuse(Malformed)),
        row("an empty value", get("A:\r\n"), kept(true)),
        row("no colon", get("A\r\n"), Refuse(Malformed)),
        row("no name", get(": a\r\n"), Refuse(Malformed)),
        row("a blank before the colon", get("Content-Length : 5\r\n"), Refuse(Malformed)),
        row("a folded line", get("A: b\r\n c\r\n"), Refuse(Malformed)),
        row("a blank first", get(" A: b\r\n"), Refuse(Malformed)),
        row("Connection: close", get("Connection: close\r\n"), kept(false)),
        row("among others", get("Connection: x, CLOSE ,y\r\n"), kept(false)),
        row("close beats keep-alive", get("Connection: close, keep-alive\r\n"), kept(false)),
        row("in any order", get("Connection: keep-alive\r\nConnection: close\r\n"), kept(false)),
        row("Connection: upgrade", get("Connection: upgrade\r\nUpgrade: h2c\r\n"), kept(true)),
        row("closes is no close", get("Connection: closes\r\n"), kept(true)),
        row("HTTP/1.0 ends", old(""), kept(false)),
        row("unless it says so", old("Connection: Keep-Alive\r\n"), kept(true)),
        row("Expect", post(expecting, "hello"), got("hello", true)),
        row("some other one", post("Expect: gold\nContent-Length: 5", ""), Refuse(Expectation)),
        row("no Host", "GET / HTTP/1.1\r\n\r\n", kept(true)),
        row("only a part", "GET / HTTP/1.1\r\nA: b\r\n", More),
        row("nothing", "", More),
    ]
}

fn all() -> impl Iterator<Item = Row> {
    [lengths(), encodings(), chunks(), lines(), fields()].into_iter().flatten()
}

fn check(name: &str, bytes: &[u8], want: &Want, step: &Step) {
    match (want, step) {
        (More, Step::More) => {}
        (Refuse(want), Step::Refuse(refusal)) => assert_eq!(want, refusal, "{name}"),
        (Ready(method, target, body, keep, next), Step::Ready(request, taken)) => {
            assert_eq!(request.method, *method, "{name}");
            assert!(target.is_empty() || request.target == *target, "{name}: {request:?}");
            assert_eq!(&request.body, body, "{name}");
            assert_eq!(request.keep_alive, *keep, "{name}");
            assert_eq!(bytes.len() - taken, *next, "{name}: bytes left");
        }
        (_, step) => panic!("{name}: {step:?}"),
    }
}

#[test]
fn bytes_become_what_the_table_says() {
    for (name, bytes, want) in all() {
        check(name, &bytes, &want, &Framing::default().look(&bytes));
    }
}

/// Where a row is cut: everywhere when it is short; a long one at both ends, where the decisions
/// fall, and at 50 places between, which keeps this quick.
fn pieces(length: usize) -> impl Iterator<Item = usize> {
    let stride = (length / 50).max(1);
    (0..=length).filter(move |&end| end < 300 || end + 30 > length || end % stride == 0)
}

#[test]
fn pieces_change_nothing() {
    for (name, bytes, want) in all() {
        let mut framing = Framing::default();
        let mut last = Step::More;
        for end in pieces(bytes.len()) {
            last = framing.look(&bytes[..end]);
            if last != Step::More {
                // Whatever is left of the row comes after the request.
                if let (Ready(_, _, _, _, next), Step::Ready(_, taken)) = (&want, &last) {
                    assert_eq!((bytes.len() - taken, end), (*next, *taken), "{name}");
                }
                break;
            }
        }
        check(name, &bytes, &want, &last);
    }
}

#[test]
fn a_part_is_never_anything_but_a_part_or_the_same_refusal() {
    for (name, bytes, want) in all() {
        let end_of_request = match want {
            Ready(_, _, _, _, next) => bytes.len() - next,
            _ => bytes.len(),
        };
        for end in pieces(end_of_request).filter(|&end| end < end_of_request) {
            match (Framing::default().look(&bytes[..end]), &want) {
                (Step::More, _) => {}
                (Step::Refuse(early), Refuse(refusal)) => assert_eq!(early, *refusal, "{name}"),
                (step, _) => panic!("{name}, cut at {end}: {step:?}"),
            }
        }
    }
}

#[test]
fn pipelined_requests_come_out_one_by_one() {
    let one = post("Content-Length: 5", "hello");
    let two = post("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\nA: b\r\n\r\n");
    let mut bytes = [one, two, get(""), b"GET /half".to_vec()].concat();
    let mut seen = Vec::new();
    while let Step::Ready(HttpRequest { method, body, .. }, taken) = Framing::default().look(&bytes)
    {
        bytes.drain(..taken);
        seen.push((method, body));
    }
    let expected = [("POST", "hello"), ("POST", "abc"), ("GET", "")];
    assert_eq!(seen, expected.map(|(method, body)| (method.to_owned(), body.as_bytes().to_vec())));
    assert_eq!(bytes, b"GET /half");
}

#[test]
fn continue_is_said_once_and_only_where_a_body_is_awaited() {
    let rows = [
        ("a body to come", post("Expect: 100-continue\nContent-Length: 5", ""), true),
        ("in capitals", post("EXPECT: 100-Continue\nContent-Length: 5", ""), true),
        ("chunked", post("Expect: 100-continue\nTransfer-Encoding: chunked", ""), true),
        ("half a head", b"POST / HTTP/1.1\r\nExpect: 100-continue\r\n".to_vec(), false),
        ("not expected", post("Content-Length: 5", ""), false),
        (
            "HTTP/1.0",
            b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n".to_vec(),
            false,
        ),
    ];
    for (name, bytes, wanted) in rows {
        let mut framing = Framing::default();
        assert_eq!(framing.look(&bytes), Step::More, "{name}");
        assert_eq!(framing.wants_continue(), wanted, "{name}");
        assert!(!framing.wants_continue(), "{name}: once");
    }
}

#[test]
fn who_forwards_says_so() {
    for (line, forwarded) in [
        ("X-Forwarded-For: 1.2.3.4\r\n", true),
        ("X-Forwarded-For: 1.2.3.4\r\n", true),
        ("X-Forwarded-Host: a\r\n", true),
        ("X-Forwarded-Proto: https\r\n", true),
        ("X-Forwarded: for=a\r\n", true),
        ("CF-Connecting-IP: 1.2.3.4\r\n", true),
        ("cf-ray: 1\r\n", true),
        ("X-Client-IP: 1.2.3.4\r\n", true),
        ("True-Client-IP: 1.2.3.4\r\n", true),
        ("Fastly-Client-IP: 1.2.3.4\r\n", true),
        ("X-Cluster-Client-IP: 1.2.3.4\r\n", true),
        ("X-Azure-ClientIP: 1.2.3.4\r\n", true),
        ("Ali-Cdn-Real-Ip: 1.2.3.4\r\n", true),
        ("X-Original-Forwarded-For: 1.2.3.4\r\n", true),
        ("Via: 1.1 a\r\n", true),
        ("X-Request-Id: 1\r\nUser-Agent: a\r\nAccept: */*\r\n", false),
        ("forwarded: for=1.2.3.4\r\n", true),
        ("X-Real-IP: 1.2.3.4\r\n", true),
        ("Via: 1.1 a\r\n", true),
        ("Viable: yes\r\n", false),
        ("", false),
    ] {
        let Step::Ready(request, _) = Framing::default().look(&get(line)) else {
            panic!("{line:?}");
        };
        assert_eq!(request.forwarded, forwarded, "{line:?}");
    }
    for (target, forwarded) in [
        ("http://evil.example/metrics", true),
        ("http://localhost/metrics", false),
        ("http://127.0.0.1:8080/metrics", false),
    ] {
        let bytes = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let Step::Ready(request, _) = Framing::default().look(bytes.as_bytes()) else {
            panic!("{target}");
        };
        assert_eq!((request.target.as_str(), request.forwarded), ("/metrics", forwarded));
    }
}
