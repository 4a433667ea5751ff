//! How many messages, as readers write them, find their book: a bound for each kind, so that none is
//! loosened for another.
//!
//! `search/books.csv` are facts about real books, best known first; `search/messages.tsv` are messages with
//! what they ask for: `title @ author`, alternatives with ` || `, either side may be empty, `-` for no book.
//! Found is found when the book is among the first five, which are a page.

use std::collections::BTreeMap;

use doumibook::catalogue::reading::Reading;
use doumibook::catalogue::shelf::search::Tier;
use doumibook::catalogue::shelf::{Format, Shelf};

const BOOKS: &str = include_str!("catalogue_search/books.csv");
const MESSAGES: &str = include_str!("catalogue_search/messages.tsv");

/// Of a hundred messages of a kind how many must find their book, and how many of those surely.
const LEAST: [(&str, usize, usize); 12] = [
    ("author", 97, 90),
    ("english", 94, 76),
    ("exact", 97, 97),
    ("frame", 98, 84),
    ("none", 94, 94),
    ("partial", 95, 90),
    ("pinyin", 97, 94),
    ("series_or_publisher", 94, 66),
    ("traditional", 98, 95),
    ("typo", 96, 72),
    ("volume", 93, 70),
    ("with_author", 98, 95),
];

fn shelf() -> Shelf {
    Shelf::read(BOOKS.as_bytes(), Format::Csv).expect("books").0
}

fn is_wanted(shelf: &Shelf, book: u32, wanted: &str) -> bool {
    let squeeze = |text: &str| -> String { text.split_whitespace().collect() };
    let book = shelf.book(book);
    wanted.split(" || ").any(|one| {
        let (title, author) = one.split_once('@').expect("title @ author");
        let (title, author) = (squeeze(title), squeeze(author));
        let by =
            author.is_empty() || book.authors.iter().any(|name| squeeze(name).contains(&author));
        squeeze(&book.title).contains(&title) && by
    })
}

#[derive(Default)]
struct Counts {
    all: usize,
    sure: usize,
    guessed: usize,
    missed: Vec<String>,
}

#[test]
fn every_kind_of_message_finds_its_book() {
    let shelf = shelf();
    let mut kinds: BTreeMap<&str, Counts> = BTreeMap::new();
    for line in MESSAGES.lines().skip(1) {
        let [kind, message, wanted] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let hits = shelf.search(message);
        let counts = kinds.entry(kind).or_default();
        counts.all += 1;
        let right = match wanted {
            "-" => hits.tier != Tier::Found,
            _ => hits.books.iter().take(5).any(|&book| is_wanted(&shelf, book, wanted)),
        };
        match (right, hits.tier) {
            (true, Tier::Guess) if wanted != "-" => counts.guessed += 1,
            (true, _) => counts.sure += 1,
            (false, tier) => counts.missed.push(format!("{message} ({tier:?})")),
        }
    }
    let mut failed = String::new();
    for (kind, right, sure) in LEAST {
        let counts = kinds.remove(kind).expect(kind);
        let found = counts.sure + counts.guessed;
        let line = format!("{kind}: {found} of {}, {} surely", counts.all, counts.sure);
        println!("{line}; missed: {}", counts.missed.join(", "));
        if found * 100 < right * counts.all || counts.sure * 100 < sure * counts.all {
            failed.push_str(&format!("{line}; missed: {}\n", counts.missed.join(", ")));
        }
    }
    assert!(kinds.is_empty(), "kinds without a bound");
    assert!(failed.is_empty(), "{failed}");
}

#[test]
fn traditional_and_simplified_are_one_question() {
    let shelf = shelf();
    for (traditional, simplified) in [
        ("三體", "三体"),
        ("圍城 錢鍾書", "围城 钱钟书"),
        ("活著", "活着"),
        ("請問有沒有紅樓夢", "请问有没有红楼梦"),
    ] {
        assert_eq!(
            shelf.search(traditional).books,
            shelf.search(simplified).books,
            "{traditional}"
        );
        assert!(!shelf.search(simplified).books.is_empty());
    }
}

/// What a source over the network is asked, which understands no frames.
#[test]
#[rustfmt::skip]
fn the_plainest_form_of_a_message() {
    for (message, plain) in [
        ("三体",                               "三体"),
        ("请问有没有白夜行？",                 "白夜行"),
        ("老师您好，我想借浮生六记",           "浮生六记"),
        ("《霍乱时期的爱情》有吗[呲牙]",       "霍乱时期的爱情"),
        ("書名：江城 作者：何偉",              "江城 何伟"),
        ("书名：三体，作者：刘慈欣",           "三体 刘慈欣"),
        ("麻烦问下咱们这有《瓦尔登湖》这本书么？谢谢您！🙏", "瓦尔登湖"),
        ("三体 刘慈欣",                        "三体 刘慈欣"),
        ("刘慈欣的《三体》",                   "三体 刘慈欣"),
        ("想看小妇人",                         "小妇人"),
        ("有没有毛姆的那个月亮和六便士",       "毛姆 月亮和六便士"),
        ("我们仨",                             "我们仨"),
        ("看见",                               "看见"),
        ("出版社：中华书局",                   "中华书局"),
        ("I, Robot",                           "i robot"),
    ] {
        assert_eq!(Reading::of(message).plain, plain, "{message}");
    }
}

/// Lists are for people: the edition most know comes first, and the others behind it.
#[test]
fn editions_stand_together() {
    let file = "书名,作者,评分\n活着,余华,9.0:5\n活着为了讲述,马尔克斯,9.0:900\n活着,余华,9.0:70000\n活着,余华,\n活着,别人,\n";
    let (shelf, _) = Shelf::read(file.as_bytes(), Format::Csv).expect("books");
    let hits = shelf.search("活着");
    assert_eq!((hits.tier, hits.total, &hits.books[..4]), (Tier::Found, 4, &[2, 0, 3, 4][..]));
}

#[test]
fn a_title_that_was_copied_comes_first_and_one_character_is_no_guess() {
    let csv = "书名,作者,评价人数\n认知心理学（第三版）（万千心理）,甲,9000\n认知心理学（第六版）（万千心理）,,\n\
               认知心理学,乙,20000\n春,巴金,5000\n";
    let shelf = Shelf::read(csv.as_bytes(), Format::Csv).expect("books").0;
    let first = |message: &str| {
        let hits = shelf.search(message);
        hits.books.first().map(|&book| shelf.book(book).title).unwrap_or_default()
    };
    for typed in ["认知心理学（第六版）（万千心理）", "认知心理学(第六版)(万千心理)"]
    {
        assert_eq!(first(typed), "认知心理学（第六版）（万千心理）");
    }
    assert_eq!(first("春"), "春");
    assert_eq!(first("不存在"), "");
}
