//! Requests over real connections: the client, and the sources on top of it, against a
//! stand-in that behaves as badly as the network does.

#[path = "support/upstream.rs"]
mod upstream;

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::{Catalogue, Outcome, Query, douban::Douban, neodb::NeoDb};
use doumibook::sys::http::{BaseUrl, Failure, Http, MAX_BODY, Page, Proxy, Url};
use doumibook::sys::secret::Secret;
use upstream::{Answer, Gate, Reaction, Upstream};

/// Enough for any answer that comes at all.
fn generous() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// For answers that never come.
fn soon() -> Instant {
    Instant::now() + Duration::from_millis(300)
}

fn client() -> Arc<Http> {
    Arc::new(Http::new("doumibook-test/1 (豆米)", Proxy::none()))
}

fn url(base: &str, path: &str) -> Url {
    BaseUrl::parse(base).unwrap().url(path, &[])
}

/// What a call came to, in words.
fn shown(result: &Result<Page, Failure>) -> String {
    match result {
        Ok(Page { status, retry_after: None, body, .. }) => {
            format!("{status}, {} bytes", body.len())
        }
        Ok(Page { status, retry_after: Some(after), .. }) => {
            format!("{status}, again after {} s", after.as_secs())
        }
        Err(Failure::TimedOut(_)) => "timed out".to_owned(),
        Err(other) => other.to_string(),
    }
}

#[test]
#[rustfmt::skip]
fn whatever_the_other_side_does() {
    let ok = || Answer::new(200, "{}");
    let sized = |size: u64| Reaction::status(200, vec![b' '; size as usize]);
    let again = |after: &str| Reaction::Answer(Answer::new(429, "").with("Retry-After", after));
    let long_head = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for (case, reaction, until, expected, requests) in [
        ("an answer",             Reaction::json("{}"),                generous as fn() -> Instant, "200, 2 bytes",   1),
        ("an empty answer",       Reaction::status(204, ""),           generous, "204, 0 bytes",   1),
        ("as large as allowed",   sized(MAX_BODY),                     generous, "200, 1048576 bytes", 1),
        ("one byte larger",       sized(MAX_BODY + 1),                 generous, "the answer is larger than 1024 KiB", 1),
        ("403",                   Reaction::status(403, "<html>"),     generous, "403, 6 bytes",   1),
        ("404",                   Reaction::status(404, ""),           generous, "404, 0 bytes",   1),
        ("418",                   Reaction::status(418, ""),           generous, "418, 0 bytes",   1),
        ("500",                   Reaction::status(500, "x"),          generous, "500, 1 bytes",   1),
        ("429, in seconds",       again("7"),                          generous, "429, again after 7 s", 1),
        ("429, in centuries",     again("99999999999"),                generous, "429, again after 86400 s", 1),
        ("429, by the clock",     again("Fri, 31 Dec 2999 23:59:59 GMT"), generous, "429, again after 86400 s", 1),
        ("429, till yesterday",   again("Fri, 31 Dec 1999 23:59:59 GMT"), generous, "429, 0 bytes", 1),
        ("429, absurd",           again("-1"),                         generous, "429, 0 bytes",   1),
        ("silence",               Reaction::Hang,                      soon,     "timed out",      1),
        ("a byte now and then",   Reaction::Drip,                      soon,     "timed out",      1),
        ("closed at once",        Reaction::Close,                     generous, "the connection was closed without an answer", 1),
        ("cut short",             Reaction::CutShort(ok(), 1),         generous, "the answer was cut short", 1),
        ("not HTTP",              Reaction::Raw(b"SSH-2.0-x\r\n\r\n".to_vec()), generous, "the answer is not HTTP", 1),
        ("an endless head",       Reaction::Raw(long_head.into_bytes()), generous, "the answer is not HTTP", 1),
        ("redirect elsewhere",    Reaction::redirect("https://sec.douban.com/b?r=1"), generous, "redirected to sec.douban.com, which is not followed", 1),
        ("to another port",       Reaction::redirect("http://127.0.0.1:1/"), generous, "redirected to 127.0.0.1, which is not followed", 1),
        ("by another scheme",     Reaction::redirect("https://127.0.0.1/"), generous, "redirected to 127.0.0.1, which is not followed", 1),
        ("without a scheme",      Reaction::redirect("//example.org/"), generous, "redirected to example.org, which is not followed", 1),
        ("to nowhere",            Reaction::redirect("http://"),       generous, "the answer is not HTTP", 1),
        ("without a place",       Reaction::status(302, ""),           generous, "302, 0 bytes",   1),
        ("round and round",       Reaction::redirect("/again"),        generous, "redirected in circles", 3),
    ] {
        let upstream = Upstream::start(move |_| reaction.clone());
        let result = client().get(&url(upstream.url(), "/"), until());
        assert_eq!(shown(&result), expected, "{case}");
        assert_eq!(upstream.requests(), requests, "{case}");
    }
}

#[test]
fn a_redirect_within_the_origin_is_followed() {
    for location in ["/there?x=%E4%B8%89", "{base}/there?x=%E4%B8%89", "there?x=%E4%B8%89"] {
        let upstream = Upstream::start(move |request| match request.path() {
            "/there" => Reaction::json(request.param("x").unwrap()),
            _ => {
                let base = format!("http://{}", request.header("host").unwrap());
                Reaction::redirect(&location.replace("{base}", &base))
            }
        });
        let page = client().get(&url(upstream.url(), "/here"), generous()).unwrap();
        assert_eq!((page.status, page.body.as_slice()), (200, "三".as_bytes()), "{location}");
    }
}

#[test]
fn connections_are_kept_alive() {
    let upstream = Upstream::start(|_| Reaction::json("{}"));
    let http = client();
    for _ in 0..5 {
        http.get(&url(upstream.url(), "/"), generous()).unwrap();
    }
    assert_eq!((upstream.requests(), upstream.connections()), (5, 1));
}

#[test]
fn a_kept_alive_connection_that_is_closed_costs_a_get_nothing_and_repeats_no_post() {
    let upstream = Upstream::start(|request| match request.nth_on_connection {
        0 => Reaction::json("{}"),
        _ => Reaction::Close,
    });
    let http = client();
    let here = url(upstream.url(), "/");
    assert_eq!(shown(&http.get(&here, generous())), "200, 2 bytes");
    assert_eq!(shown(&http.get(&here, generous())), "200, 2 bytes");
    assert_eq!((upstream.requests(), upstream.connections()), (3, 2));
    assert_eq!(http.post(&here, "text/xml", b"<xml/>", generous()), Err(Failure::Closed));
    assert_eq!((upstream.requests(), upstream.connections()), (4, 2));
}

#[test]
fn a_new_connection_that_is_closed_is_not_tried_again() {
    let upstream = Upstream::start(|request| match request.target.as_str() {
        "/good" if request.nth_on_connection == 0 => Reaction::json("{}"),
        _ => Reaction::Close,
    });
    let http = client();
    for (path, expected, requests) in [
        ("/bad", "the connection was closed without an answer", 1),
        ("/good", "200, 2 bytes", 2),
        // The kept one first; its successor closes as well.
        ("/bad", "the connection was closed without an answer", 4),
        ("/bad", "the connection was closed without an answer", 5),
    ] {
        assert_eq!(shown(&http.get(&url(upstream.url(), path), generous())), expected);
        assert_eq!(upstream.requests(), requests);
    }
}

#[test]
fn a_post_arrives_whole_and_an_agent_is_named() {
    let upstream = Upstream::start(|_| Reaction::status(302, "ok"));
    let page = client().post(&url(upstream.url(), "/p"), "text/xml", b"<xml/>", generous());
    assert_eq!(shown(&page), "302, 2 bytes");
    let [request] = &upstream.log()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", &b"<xml/>"[..]));
    assert_eq!(request.header("content-type"), Some("text/xml"));
    assert_eq!(request.header("user-agent"), Some("doumibook-test/1 ()"));
    assert_eq!(request.header("accept-encoding"), None);
}

#[test]
fn the_time_bounds_all_requests_of_a_call_together() {
    let gate = Gate::default();
    let shut = gate.clone();
    let upstream = Upstream::start(move |request| match request.path() {
        "/" => Reaction::redirect("/slow"),
        _ => Reaction::After(shut.clone(), Box::new(Reaction::json("{}"))),
    });
    let late = client().get(&url(upstream.url(), "/"), soon());
    assert_eq!(shown(&late), "timed out");
    gate.open();
    let over = client().get(&url(upstream.url(), "/"), Instant::now());
    assert_eq!(shown(&over), "timed out");
    assert_eq!(upstream.requests(), 2, "nothing is asked when the time is over");
}

#[test]
fn what_never_becomes_a_connection() {
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let talks_plain = plain.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    for (base, expected) in [
        (format!("http://{deaf}"), Failure::Broken("could not connect")),
        (
            format!("https://{talks_plain}"),
            Failure::Broken("no valid TLS: wrong port, or a certificate of another host"),
        ),
        // Two dots in a row are no name, which needs no name server to find out.
        ("https://a..b".to_owned(), Failure::Broken("the host's name could not be resolved")),
    ] {
        assert_eq!(client().get(&url(&base, "/?k=SECRET"), generous()), Err(expected), "{base}");
    }
}

#[test]
fn https_goes_through_the_proxy_and_says_when_that_refuses() {
    let refusing = Upstream::start(|_| Reaction::status(403, ""));
    let set = |name: &str| (name == "https_proxy").then(|| refusing.url().to_owned());
    let http = Http::new("", Proxy::from_vars(set).unwrap());
    let refused = http.get(&url("https://example.org", "/?k=SECRET"), generous());
    assert_eq!(refused, Err(Failure::Broken("the proxy refused the connection")));
    let [request] = &refusing.log()[..] else { panic!("one request") };
    assert_eq!((request.method.as_str(), request.target.as_str()), ("CONNECT", "example.org:443"));
    assert!(!request.head.contains("SECRET"));
}

#[test]
fn plain_http_to_public_hosts_is_forwarded_by_its_proxy() {
    let proxy = Upstream::start(|_| Reaction::json("{}"));
    let with_login = proxy.url().replace("//", "//me:pass@");
    let set = move |name: &str| (name == "http_proxy").then(|| with_login.clone());
    let http = Http::new("", Proxy::from_vars(set).unwrap());
    // No name server knows these hosts.
    for host in ["http://pictures.invalid", "http://others.invalid:8080"] {
        let base = BaseUrl::anywhere(host).unwrap();
        let page = http.get(&base.url("/a/0", &[("b", "c")]), generous()).unwrap();
        assert_eq!((page.status, page.body.as_slice()), (200, &b"{}"[..]), "{host}");
        let (asked, whole) = (proxy.log().pop().unwrap(), format!("{host}/a/0?b=c"));
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("GET", whole.as_str()));
        assert_eq!(asked.header("host"), host.strip_prefix("http://"));
        assert_eq!(asked.header("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
    }
    let near = Upstream::start(|_| Reaction::json("[]"));
    assert_eq!(http.get(&url(near.url(), "/"), generous()).unwrap().body, b"[]");
    assert_eq!((proxy.requests(), near.requests()), (2, 1));
    assert_eq!(near.log()[0].header("proxy-authorization"), None);
}

#[test]
fn a_failure_says_how_long_it_took() {
    let late = Failure::TimedOut(Duration::from_millis(2500));
    assert_eq!(late.to_string(), "timed out after 2500 ms");
}

const BOOK: &str = r#"{"id":"1","title":"小王子","isbn13":"9787020042494"}"#;

fn isbn() -> Query {
    Query::Isbn(Isbn::parse("9787020042494").unwrap())
}

fn douban(base: &str) -> Douban {
    Douban::new(client(), BaseUrl::parse(base).unwrap(), Secret::new("K=&"))
}

fn neodb(base: &str) -> NeoDb {
    NeoDb::new(client(), BaseUrl::parse(base).unwrap())
}

#[test]
#[rustfmt::skip]
fn what_the_sources_ask() {
    let words = || Query::words("《小王子》 A&B").unwrap();
    let author = || Query::author("甲").unwrap();
    let subject = || Query::subject("1084336").unwrap();
    let q = "%E5%B0%8F%E7%8E%8B%E5%AD%90%20a%26b";
    for (source, query, targets) in [
        ("douban", isbn(),    vec!["/p/v2/book/isbn/9787020042494?apikey=K%3D%26".to_owned()]),
        ("douban", words(),   vec![format!("/p/v2/book/search?q={q}&count=20&apikey=K%3D%26")]),
        ("douban", author(),  vec!["/p/v2/book/search?q=%E7%94%B2&count=20&apikey=K%3D%26".to_owned()]),
        ("douban", subject(), vec!["/p/v2/book/1084336?apikey=K%3D%26".to_owned(), "/p/v2/book/id/1084336?apikey=K%3D%26".to_owned()]),
        ("neodb",  isbn(),    vec!["/p/api/catalog/search?query=9787020042494&category=book&page=1".to_owned()]),
        ("neodb",  words(),   vec![format!("/p/api/catalog/search?query={q}&category=book&page=1")]),
        ("neodb",  author(),  vec!["/p/api/catalog/search?query=%E7%94%B2&category=book&page=1".to_owned()]),
        ("neodb",  subject(), vec![]),
    ] {
        let upstream = Upstream::start(|_| Reaction::status(404, ""));
        let base = format!("{}/p/", upstream.url());
        match source {
            "douban" => douban(&base).find(&query, generous()),
            _ => neodb(&base).find(&query, generous()),
        };
        let asked: Vec<_> = upstream.log().into_iter().map(|request| request.target).collect();
        assert_eq!(asked, targets, "{source} {query}");
    }
}

#[test]
fn a_subject_is_found_on_either_path() {
    for (there, requests) in [("/v2/book/1", 1), ("/v2/book/id/1", 2)] {
        let upstream = Upstream::start(move |request| match request.path() == there {
            true => Reaction::json(BOOK),
            false => Reaction::status(404, ""),
        });
        let found = douban(upstream.url()).find(&Query::subject("1").unwrap(), generous());
        assert!(matches!(found, Outcome::Found(_)), "{there}: {found:?}");
        assert_eq!(upstream.requests(), requests, "{there}");
    }
    let unknown = r#"{"msg":"book_not_found","code":6000,"request":"GET \/v2\/book\/1"}"#;
    let upstream = Upstream::start(move |_| Reaction::status(404, unknown));
    let answer = douban(upstream.url()).find(&Query::subject("1").unwrap(), generous());
    assert_eq!((answer, upstream.requests()), (Outcome::NotFound, 1));
}

#[test]
#[rustfmt::skip]
fn what_the_sources_make_of_failures() {
    let both = || format!(r#"{{"data":[{}],"books":[{BOOK}]}}"#, BOOK.replace("isbn13", "isbn"));
    for (case, reaction, until, expected) in [
        ("an answer, as text/plain", Reaction::Answer(Answer::new(200, both()).with("Content-Type", "text/plain; charset=utf-8")), generous as fn() -> Instant, "found"),
        ("silence",             Reaction::Hang,                      soon,     "down"),
        ("a byte now and then", Reaction::Drip,                      soon,     "down"),
        ("closed at once",      Reaction::Close,                     generous, "down"),
        ("cut short",           Reaction::CutShort(Answer::new(200, both()), 9), generous, "down"),
        ("too large",           Reaction::status(200, vec![b' '; MAX_BODY as usize + 1]), generous, "down"),
        ("500",                 Reaction::status(500, ""),           generous, "down"),
        ("418",                 Reaction::status(418, ""),           generous, "limited"),
        ("429",                 Reaction::Answer(Answer::new(429, "").with("Retry-After", "7")), generous, "limited 7"),
        ("403",                 Reaction::status(403, ""),           generous, "operator"),
        ("HTML",                Reaction::status(200, "<html>"),     generous, "operator"),
        ("redirect elsewhere",  Reaction::redirect("https://example.org/"), generous, "operator"),
        ("into HTML",           Reaction::redirect("/login"),        generous, "operator"),
    ] {
        let upstream = Upstream::start(move |request| match request.path() {
            "/login" => Reaction::status(200, "<html>"),
            _ => reaction.clone(),
        });
        let outcomes = [douban(upstream.url()).find(&isbn(), until()), neodb(upstream.url()).find(&isbn(), until())];
        for outcome in outcomes {
            let kind = match &outcome {
                Outcome::Found(books) if books.len() == 1 => "found",
                Outcome::Limited { retry_after: None, .. } => "limited",
                Outcome::Limited { retry_after: Some(after), .. } if after.as_secs() == 7 => "limited 7",
                Outcome::Operator(_) => "operator",
                Outcome::Down(_) => "down",
                _ => "something else",
            };
            assert_eq!(kind, expected, "{case}: {outcome:?}");
        }
    }
    for (there, limited) in [
        ("https://sec.douban.com/b?r=1",                  true),
        ("https://accounts.douban.com/passport/login",    true),
        ("https://www.douban.com/misc/sorry?original-url=x", true),
        ("https://www.douban.com/",                       false),
        ("https://sec.douban.com.example.org/",           false),
    ] {
        let challenge = Upstream::start(move |_| Reaction::redirect(there));
        let outcome = douban(challenge.url()).find(&isbn(), generous());
        assert_eq!(matches!(outcome, Outcome::Limited { .. }), limited, "{there}: {outcome:?}");
    }
    let circles = Upstream::start(|_| Reaction::redirect("?again"));
    assert!(matches!(douban(circles.url()).find(&isbn(), generous()), Outcome::Operator(_)));
}
