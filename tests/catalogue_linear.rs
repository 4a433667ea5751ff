//! No step between bytes and reply takes more than linear time: each is given one size ten times,
//! and then ten times that size, which is the same work for a step of linear time and ten times as
//! much for one of the square. Work is the time this thread had a processor, so that what else runs
//! on the machine does not count.

use std::fs;

use doumibook::catalogue::book::Book;
use doumibook::catalogue::fold;
use doumibook::catalogue::interlib::{holdings, read};
use doumibook::catalogue::isbn;
use doumibook::catalogue::shelf::{Format, Shelf};
use doumibook::catalogue::{Outcome, Query, clean, douban, links, neodb, sent};
use doumibook::chat::card::{self, Links, Way};
use doumibook::chat::question::Question;
use doumibook::sys::http::{BaseUrl, Page};
use doumibook::sys::visible;
use doumibook::wechat::push::{Occasion, Push};
use doumibook::wechat::{Reply, outside};

/// The larger once may take so many times what the smaller takes ten times, since caches are small;
/// work of the square would take ten times that.
const MOST: u64 = 3;
/// The larger size, in bytes: the largest answer that is read.
const LARGE: usize = 1 << 20;
/// Of what readers write: twice what a request may have.
const READERS: usize = 128 * 1024;
/// Work that is too little to be told from noise, in nanoseconds: some kernels count in steps of 4 ms.
const NOISE: u64 = 40_000_000;

/// How long this thread has had a processor, in nanoseconds.
fn worked() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

/// The work of so many tries.
fn work(step: &dyn Fn(&str), input: &str, times: usize) -> u64 {
    let before = worked();
    (0..times).for_each(|_| step(input));
    worked() - before
}

fn check(name: &str, step: &dyn Fn(&str), make: &dyn Fn(usize) -> String) {
    check_up_to(LARGE, name, step, make);
}

fn check_up_to(size: usize, name: &str, step: &dyn Fn(&str), make: &dyn Fn(usize) -> String) {
    let (small, large) = (make(size / 10), make(size));
    let little = work(step, &small, 10);
    let much = work(step, &large, 1);
    println!("{name:<40} {:>9} µs, ten of a tenth {:>8} µs", much / 1000, little / 1000);
    let is_linear = much <= little * MOST + NOISE;
    assert!(is_linear, "{name}: {much} ns for {} bytes, {little} for ten of a tenth", large.len());
}

/// `part` again and again, to about so many bytes.
fn filled(part: &str, size: usize) -> String {
    part.repeat(size / part.len())
}

fn numbered(size: usize, one: impl Fn(usize) -> String) -> String {
    let mut all = String::new();
    for number in 0.. {
        if all.len() >= size {
            break;
        }
        all.push_str(&one(number));
    }
    all
}

fn page(body: &str) -> Page {
    Page { status: 200, body: body.as_bytes().to_vec(), ..Page::default() }
}

fn query() -> Query {
    Query::author("a b c d e f").unwrap()
}

/// The whole way from an answer's bytes to a reply.
fn replied(outcome: Outcome) {
    let Outcome::Found(books) = outcome else { return };
    assert!(books.iter().all(|book| book.authors.len() + book.translators.len() <= 50));
    for book in &books {
        card::card(book, Way::Words, Occasion::Message, Links::Douban);
        card::card(
            &Book { isbn: None, link: String::new(), ..book.clone() },
            Way::List,
            Occasion::Event,
            Links::Own,
        );
    }
    card::list(&books, &outside("a"), 0);
}

/// What a hostile source, reader or file may consist of.
const PARTS: [&str; 16] = [
    "a", "a/", "a,", "书、", "[a]", "a 译;", "&amp;", "&#38;", "&", "<", "<a ", "<b>", "</p>",
    "<style>", "://", "1-",
];

#[test]
fn what_sources_write() {
    let base = BaseUrl::parse("https://neodb.social").unwrap();
    let both = |body: &str| {
        replied(douban::read(&query(), &page(body)));
        replied(neodb::read(&query(), &page(&body.replacen("books", "data", 1)), &base));
        replied(read::answer(&query(), &page(body), &base));
    };
    for field in ["title", "author", "translator", "publisher", "summary", "price", "pages"] {
        for part in PARTS {
            let one = |size| {
                format!(
                    "{{\"books\":[{{\"title\":\"t\",\"{field}\":\"{}\"}}]}}",
                    filled(part, size)
                )
            };
            check(&format!("{field} of {part:?}"), &both, &one);
        }
    }
    let names = |size| {
        let names = numbered(size, |number| format!("\"{number:x}\","));
        format!(
            "{{\"books\":[{{\"title\":\"t\",\"author\":[{names}\"z\"],\"translator\":[\"y\"]}}]}}"
        )
    };
    check("a list of names", &both, &names);
    let books = |size| {
        let books =
            numbered(size, |number| format!("{{\"title\":\"t{number}\",\"author\":\"a\"}},"));
        format!("{{\"books\":[{books}{{}}]}}")
    };
    check("a list of books", &both, &books);
    let values = |size| format!("{{\"books\":[{}{{}}]}}", filled("{},", size));
    check("empty objects", &both, &values);
    let docs = |size| {
        let docs = numbered(size, |number| {
            format!("{{\"id\":{number},\"title_meta\":\"t\",\"author_meta\":\"a/b/c\"}},")
        });
        format!("{{\"response\":{{\"numFound\":1,\"docs\":[{docs}{{}}]}}}}")
    };
    check("a library's records", &both, &docs);
}

#[test]
fn what_a_library_says_of_copies() {
    let rows = |size| {
        let rows = numbered(size, |number| {
            format!(
                "{{\"copycount\":1,\"loanableCount\":1,\"curlibName\":\"l{number}\",\"callno\":\"c/{number}\"}},"
            )
        });
        format!("{{\"1\":[{rows}{{}}],\"2\":[{rows}{{}}]}}")
    };
    let read = |body: &str| {
        let json: serde_json::Value = serde_json::from_str(body).unwrap();
        holdings::previewed(&json, &[1, 2]);
        holdings::listed(&serde_json::json!({ "holdingList": json["1"] }), 1);
    };
    check("copies", &read, &rows);
}

#[test]
fn what_stands_in_a_shelf_file() {
    let load = |file: &str| drop(Shelf::read(file.as_bytes(), Format::Csv));
    for part in PARTS {
        let one = |size| format!("书名,作者,简介\nt,\"{0}\",\"{0}\"\n", filled(part, size));
        check(&format!("a cell of {part:?}"), &load, &one);
    }
    // One book in ever more places.
    let copies = |size| {
        let lines = numbered(size, |number| format!("t,9787536692930,c{number},p{number}\n"));
        format!("书名,isbn,索书号,馆藏地\n{lines}")
    };
    let find = |file: &str| {
        let (shelf, _) = Shelf::read(file.as_bytes(), Format::Csv).unwrap();
        let books = doumibook::catalogue::Catalogue::find(
            &shelf,
            &Query::words("t").unwrap(),
            std::time::Instant::now(),
        );
        assert!(matches!(books, Outcome::Found(_)));
        replied(books);
    };
    check("copies of one book", &find, &copies);
}

#[test]
fn what_readers_write() {
    type Step<'a> = (&'a str, &'a dyn Fn(&str));
    let steps: [Step<'_>; 9] = [
        ("question", &|text| drop(Question::from_text(text))),
        ("link", &|text| drop(links::book(text))),
        ("number", &|text| {
            let _ = isbn::typed(text);
        }),
        ("fold", &|text| drop(fold::fold(text))),
        ("sent", &|text| drop(sent::clean(text))),
        ("visible", &|text| drop(visible::printable(text))),
        ("clean", &|text| {
            drop((clean::line(text), clean::prose(text), clean::https(text), clean::undotted(text)))
        }),
        ("reply", &|text| drop(Reply::text(outside(text)).led_by(&outside(text)))),
        ("push", &|text| {
            drop(Push::parse(format!("<xml><A>{}</A></xml>", text.replace('<', " ")).as_bytes()))
        }),
    ];
    let more = [
        "douban.com/doubanapp/dispatch",
        "book.douban.com/subject/",
        "978-",
        "《",
        "》",
        "👩\u{200d}",
        "\u{202e}",
        "..",
        "· ",
        "isbn 1 ",
    ];
    for (name, step) in steps {
        for part in PARTS.iter().chain(&more) {
            check_up_to(READERS, &format!("{name} of {part:?}"), step, &|size| filled(part, size));
        }
    }
}
