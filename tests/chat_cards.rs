//! Cards of books that have more, or less, than a reply holds.

use doumibook::catalogue::book::{Book, Holding, Rating, Source};
use doumibook::catalogue::isbn::Isbn;
use doumibook::chat::card::{Links, Way, card};
use doumibook::chat::phrases;
use doumibook::wechat::push::{AccountId, Occasion, OpenId};
use doumibook::wechat::reply::{LONGEST_TEXT, Reply};
use doumibook::wechat::xml::Fields;

const WAYS: [Way; 4] = [Way::List, Way::Number, Way::Words, Way::Author];

/// A field of a reply's XML.
fn field(reply: &Reply, name: &str) -> String {
    let (to, from) = (OpenId::parse("oA").unwrap(), AccountId::parse("gh_1").unwrap());
    let xml = reply.to_xml(&to, &from, 1).unwrap();
    Fields::read(xml.as_bytes()).unwrap().get(name).unwrap_or_default().to_owned()
}

fn long(c: &str) -> String {
    c.repeat(300)
}

/// A book of which everything is long.
fn whole() -> Book {
    Book {
        title: long("题"),
        subtitle: long("副"),
        origin_title: long("O"),
        authors: vec![long("甲"), long("乙")],
        translators: vec![long("译")],
        publisher: long("社"),
        pubdate: long("年"),
        price: long("元"),
        pages: long("9"),
        series: long("丛"),
        isbn: Isbn::parse("9787536692930"),
        rating: Rating::Scored { tenths: 89, count: Some(1_000_000) },
        summary: long("简"),
        link: format!("https://e.org/{}", "a".repeat(280)),
        holding: Some(Holding::at(&long("I"), &long("楼"), Some(1), Some(2))),
        ..Book::default()
    }
}

#[test]
fn a_text_holds_whatever_a_book_has() {
    let before = phrases::not_held("NeoDB", 1);
    for way in WAYS {
        let reply = card(&whole(), way, Occasion::Message, Links::Douban).led_by(&before);
        let text = field(&reply, "Content");
        assert!(text.len() <= LONGEST_TEXT, "{} bytes", text.len());
        assert!(text.starts_with(before.as_str()) && text.ends_with(">馆藏</a>"), "{text}");
        assert!(text.contains("ISBN：9787536692930\n"), "{text}");
    }
}

#[test]
fn the_summary_is_cut_first() {
    let (title, summary) = ("短".to_owned(), long("一二三"));
    let book = Book { title, summary, authors: vec!["甲".into()], ..Book::default() };
    for way in WAYS {
        let text = field(&card(&book, way, Occasion::Message, Links::Douban), "Content");
        assert!((1800..=LONGEST_TEXT).contains(&text.len()), "{} bytes", text.len());
        assert!(text.starts_with("《短》\n作者：甲\n来源：馆藏\n\n一二三"), "{text}");
        assert!(text.ends_with('…') || text.contains("…\n\n<a "), "{text}");
    }
}

#[test]
#[rustfmt::skip]
fn which_books_are_news_and_where_texts_lead() {
    for (cover, link, source, shown) in [
        ("https://c.example/1.jpg", "https://e.org/1", Source::Shelf,  "news https://c.example/1.jpg https://e.org/1"),
        ("https://c.example/1.jpg", "",                Source::Shelf,  "text"),
        ("http://c.example/1.jpg",  "https://e.org/1", Source::Shelf,  "news http://c.example/1.jpg https://e.org/1"),
        ("", "https://e.org/1",                        Source::Shelf,  r#"text<a href="https://e.org/1">馆藏</a>"#),
        ("", "https://e.org/1",                        Source::NeoDb,  r#"text<a href="https://e.org/1">NeoDB</a>"#),
        ("", "https://book.douban.com/subject/1/",     Source::Shelf,  r#"text<a href="https://book.douban.com/subject/1/">豆瓣</a>"#),
        ("", "https://notdouban.com/",                 Source::Shelf,  r#"text<a href="https://notdouban.com/">馆藏</a>"#),
        ("", "https://e.org/?a=\"><b>&c=d",            Source::NeoDb,  r#"text<a href="https://e.org/?a=%22%3E%3Cb%3E&c=d">NeoDB</a>"#),
    ] {
        let (cover, link) = (cover.to_owned(), link.to_owned());
        let reply = card(&Book { title: "书".into(), cover, link, source, ..Book::default() }, Way::Words, Occasion::Message, Links::Douban);
        let came = match field(&reply, "MsgType").as_str() {
            "news" => format!("news {} {}", field(&reply, "Articles/item/PicUrl"), field(&reply, "Articles/item/Url")),
            _ => format!("text{}", field(&reply, "Content").split("\n\n").nth(1).unwrap_or_default()),
        };
        assert_eq!(came, shown);
    }
}
