//! Photos, end to end: the real binary, and a stand-in for the hosts that have them, which is
//! reached as their proxy.

mod support;

use std::thread;
use std::time::{Duration, Instant};

use doumibook::catalogue::photo::fetch::Unread;
use doumibook::chat::phrases;
use support::client::{get, post};
use support::push::{Push, field, target};
use support::server::{Directory, Server, TOKEN, run};
use support::upstream::{Answer, Gate, Reaction, Upstream};

const BOOK: &[u8] = include_bytes!("catalogue_photo/colour.jpg");
const OTHER: &[u8] = include_bytes!("catalogue_photo/other-book.jpg");
const SHELF: &str = "书名,作者,ISBN,索书号\n三体,刘慈欣,9787536692930,I247\n";
/// Where a photo of a reader is.
const PHOTO: &str = "http://mmbiz.qpic.cn/mmbiz_jpg/abc/0";

fn server(pictures: &Upstream, folder: &Directory, books: &str) -> Server {
    let shelf = folder.file("books.csv", books);
    Server::serve(&[("DOUMIBOOK_SHELF", &shelf), ("http_proxy", pictures.url())])
}

fn image(address: &str) -> Push {
    Push::new("image").with("PicUrl", address).with("MediaId", "m")
}

/// What the reader sees of the reply to a push.
fn told(server: &Server, push: &Push) -> String {
    let answer = server.ask(&post(&target(TOKEN), push.xml().as_bytes()));
    assert_eq!(answer.status, 200);
    field(answer.text(), "Content").to_owned()
}

fn jpeg(bytes: &[u8]) -> Reaction {
    Reaction::Answer(Answer::new(200, bytes).with("Content-Type", "image/jpeg"))
}

fn unread(why: Unread) -> &'static str {
    phrases::unread(why)
}

/// `BOOK` up to a byte of its first rows.
fn cut() -> &'static [u8] {
    &BOOK[..BOOK.len() / 5]
}

/// A JPEG as far as its first scan, of this many pixels each way.
fn header(side: u16) -> Vec<u8> {
    let [high, low] = side.to_be_bytes();
    let frame = [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0];
    [&frame[..], &[0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]].concat()
}

#[test]
#[rustfmt::skip]
fn what_a_photo_is_answered_with() {
    let folder = Directory::new();
    for (name, answers, expected) in [
        ("book",        jpeg(BOOK),                                   "《三体》\n作者：刘慈欣\nISBN：9787536692930\n索书号：I247\n"),
        ("not held",    jpeg(OTHER),                                  "没有找到 ISBN 9787020042494。"),
        ("magazine",    jpeg(include_bytes!("catalogue_photo/magazine.jpg")),  unread(Unread::Magazine)),
        ("goods",       jpeg(include_bytes!("catalogue_photo/goods.jpg")),     unread(Unread::Goods)),
        ("two books",   jpeg(include_bytes!("catalogue_photo/two-books.jpg")), unread(Unread::Several)),
        ("nothing",     jpeg(include_bytes!("catalogue_photo/nothing.jpg")),   unread(Unread::Nothing)),
        ("cut",         jpeg(cut()),                                  unread(Unread::Nothing)),
        ("no pixels",   jpeg(&header(0)),                             unread(Unread::Broken)),
        ("wide",        jpeg(&header(16_000)),                        unread(Unread::TooLarge)),
        ("huge",        jpeg(&[BOOK, &vec![0; 4 << 20]].concat()),    unread(Unread::TooLarge)),
        ("3 MB",        jpeg(&[BOOK, &vec![0; 3 << 20]].concat()),    "《三体》"),
        ("a PNG",       jpeg(b"\x89PNG\r\n\x1A\n"),                   unread(Unread::NotJpeg)),
        ("a page",      jpeg(b"<html>no</html>"),                     unread(Unread::Unfetched)),
        ("empty",       jpeg(b""),                                    unread(Unread::Unfetched)),
        ("gone",        Reaction::status(404, ""),                    unread(Unread::Unfetched)),
        ("trouble",     Reaction::status(502, BOOK),                  unread(Unread::Unfetched)),
        ("cut short",   Reaction::CutShort(Answer::new(200, BOOK), 9), unread(Unread::Unfetched)),
        ("closed",      Reaction::Close,                              unread(Unread::Unfetched)),
        ("no HTTP",     Reaction::Raw(BOOK.to_vec()),                 unread(Unread::Unfetched)),
        ("elsewhere",   Reaction::redirect("http://example.org/a"),   unread(Unread::Unfetched)),
        ("this machine", Reaction::redirect("http://127.0.0.1/a"),    unread(Unread::Unfetched)),
        ("by a trick",  Reaction::redirect("http://mmbiz.qpic.cn@example.org/"), unread(Unread::Unfetched)),
    ] {
        let huge = name == "huge";
        let pictures = Upstream::start(move |_| answers.clone());
        let server = server(&pictures, &folder, SHELF);
        let reply = told(&server, &image(PHOTO));
        assert!(reply.starts_with(expected), "{name}: {reply}");
        assert_eq!(pictures.log()[0].target, PHOTO, "{name}");
        assert!(huge || pictures.requests() <= 2, "{name} is fetched again");
    }
}

#[test]
#[rustfmt::skip]
fn what_ask_prints_of_a_photo() {
    let folder = Directory::new();
    let shelf = folder.file("books.csv", SHELF);
    for (file, barcode, reply) in [
        ("colour.jpg",     "9787536692930", "《三体》\n作者：刘慈欣"),
        ("other-book.jpg", "9787020042494", "没有找到 ISBN 9787020042494。"),
        ("magazine.jpg",   "9770306406158", unread(Unread::Magazine)),
        ("goods.jpg",      "6911316223400", unread(Unread::Goods)),
        ("two-books.jpg",  "none",          unread(Unread::Several)),
        ("nothing.jpg",    "none",          unread(Unread::Nothing)),
    ] {
        let path = format!("{}/tests/catalogue_photo/{file}", env!("CARGO_MANIFEST_DIR"));
        let asked = run(&["ask", "--photo", &path], &[("DOUMIBOOK_SHELF", &shelf)]);
        let expected = format!("barcode {barcode}\n{reply}");
        assert!(asked.code == Some(0) && asked.output.starts_with(&expected), "{file}: {asked:?}");
    }
    assert_eq!(run(&["ask", "--photo", "/nowhere.jpg"], &[]).code, Some(1));
}

#[test]
fn addresses_elsewhere_are_never_fetched() {
    let folder = Directory::new();
    let pictures = Upstream::start(|_| jpeg(BOOK));
    let server = server(&pictures, &folder, SHELF);
    for address in [
        "",
        "http://example.org/a.jpg",
        "http://qpic.cn.example.org/",
        "http://a@mmbiz.qpic.cn/",
        "http://mmbiz.qpic.cn:8080/",
        "http://127.0.0.1/",
        "file:///etc/passwd",
        pictures.url(),
    ] {
        assert_eq!(told(&server, &image(address)), unread(Unread::Unfetched), "{address}");
    }
    assert_eq!(pictures.requests(), 0);
}

#[test]
fn redirects_among_hosts_of_photos_are_followed() {
    let folder = Directory::new();
    let pictures = Upstream::start(|request| match request.target.as_str() {
        PHOTO => Reaction::redirect("http://other.qpic.cn/b?c=d"),
        _ => jpeg(BOOK),
    });
    let server = server(&pictures, &folder, SHELF);
    assert!(told(&server, &image(PHOTO)).starts_with("《三体》"));
    assert_eq!(pictures.log()[1].target, "http://other.qpic.cn/b?c=d");
}

#[test]
fn a_photo_is_a_question_like_any_other() {
    let folder = Directory::new();
    let gate = Gate::default();
    let held = gate.clone();
    let pictures = Upstream::start(move |_| Reaction::After(held.clone(), Box::new(jpeg(BOOK))));
    let books = format!("{SHELF}三体（纪念版）,刘慈欣,9787536692930,I248\n");
    let server = server(&pictures, &folder, &books);
    let (again, other) = (image(PHOTO), image(PHOTO).from("oOther"));
    // Two deliveries of one push, and another reader with the same photo: one lookup.
    thread::scope(|scope| {
        let asked = [&again, &again, &other].map(|push| {
            let server = &server;
            scope.spawn(move || server.ask(&post(&target(TOKEN), push.xml().as_bytes())))
        });
        pictures.wait_for(1);
        gate.open();
        for answer in asked {
            let answer = answer.join().unwrap();
            assert!(answer.text().contains("找到 ISBN 9787536692930 的 2 本书"), "{answer:?}");
        }
    });
    // The list is there, the number is remembered, and so is the photo.
    assert!(told(&server, &Push::text("2")).starts_with("《三体（纪念版）》"));
    assert!(told(&server, &image(PHOTO)).contains("的 2 本书"));
    assert_eq!(pictures.requests(), 1);
    let metrics = server.ask(&get("/metrics")).text().to_owned();
    assert!(metrics.contains("doumibook_lookups_total 1\n"), "{metrics}");
    let counted = "doumibook_pushes_total{kind=\"image\",outcome=\"found\"} 3\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn a_slow_photo_is_picked_up() {
    let folder = Directory::new();
    let gate = Gate::default();
    let held = gate.clone();
    let pictures = Upstream::start(move |_| Reaction::After(held.clone(), Box::new(jpeg(BOOK))));
    let shelf = folder.file("books.csv", SHELF);
    let server = Server::serve(&[
        ("DOUMIBOOK_SHELF", &shelf),
        ("http_proxy", pictures.url()),
        ("DOUMIBOOK_DELIVERIES", "1"),
        ("DOUMIBOOK_DEADLINE_MS", "1000"),
    ]);
    let reply = told(&server, &image(PHOTO));
    assert!(reply.starts_with("还在查找图片里的书，请稍等片刻。"), "{reply}");
    gate.open();
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end && !server.printed().contains("push image found") {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(told(&server, &Push::text("结果")).starts_with("《三体》"));
}

#[test]
fn a_photo_that_never_comes_is_trouble_and_asked_for_anew() {
    let folder = Directory::new();
    for first in [Reaction::Hang, Reaction::Drip] {
        let pictures = Upstream::start(move |request| match request.nth_on_connection {
            _ if request.header("host") == Some("slow.qpic.cn") => first.clone(),
            _ => jpeg(BOOK),
        });
        let server = server(&pictures, &folder, SHELF);
        let began = Instant::now();
        let stuck = image("http://slow.qpic.cn/a");
        // As WeChat does: the same push again, each time the one before was given up.
        let asked =
            |push: &Push| server.connect().ask(&post(&target(TOKEN), push.xml().as_bytes()));
        thread::scope(|scope| {
            let waits = scope.spawn(|| {
                let mut client = server.connect();
                client.send(&post(&target(TOKEN), stuck.xml().as_bytes())).unwrap();
                client.is_over()
            });
            assert!(asked(&image(PHOTO)).text().contains("《三体》"), "others go on");
            waits.join().unwrap();
        });
        let answer = asked(&stuck);
        assert_eq!(field(answer.text(), "Content"), unread(Unread::Unfetched));
        assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
        server.wait_for_line("push image trouble");
        server.wait_for_line("a photo could not be fetched: timed out after");
    }
}
