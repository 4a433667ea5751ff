//! Books as replies: one book is a card, several are a numbered list.
//!
//! In: books. Out: a [`Reply`]. Pure. Whatever a source does not know leaves no gap: only the
//! title is always there. A book with a cover is a news card, which says everything without its
//! picture, since the hosts of covers may refuse to be linked to; one without is a text, which
//! holds more, and links that can be tapped.

use crate::catalogue::answer::Answer;
use crate::catalogue::book::{Book, Holding, Rating, Source};
use crate::chat::numerals::{self, Script};
use crate::chat::phrases::{self, card as label};
use crate::sys::text;
use crate::wechat::push::Occasion;
use crate::wechat::reply::{Article, LONGEST_TEXT, Reply};
use crate::wechat::reply_text::{ReplyText, fill, link, outside, page_link};

/// Books on one page of a list.
pub const PAGE: usize = 5;
/// Bytes of a title in a list, 28 characters of three: five entries have to fit into the 2048
/// bytes of a text.
const ENTRY_TITLE: usize = 84;
/// Places on a card; the others are counted.
const PLACES: usize = 3;
/// Bytes of a title or name that a way on sends: 33 characters of three, each of them nine bytes
/// in a link.
const SENT: usize = 100;
/// The longest address of a page that a text leads to.
const ADDRESS: usize = 300;
/// Bytes of a text card that are left for a sentence before it.
const LED: usize = 128;
/// Characters of a line, from the first of these with which all of them fit.
const WIDTHS: [usize; 5] = [LINE, 120, 60, 30, 18];
/// Less of a summary than this many bytes says nothing.
const LEAST_SUMMARY: usize = 60;
/// Characters of one line of a card: fifty names are more.
const LINE: usize = 300;

/// How a reader came to a card, which tells what leads on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a list, by its number there.
    List,
    /// The same, by a number that may be a title as well.
    Place(usize, Script),
    /// By the book's own number: there may be other editions.
    Number,
    /// As the only book that some words found.
    Words,
    /// As the only book by an author.
    Author,
}

/// Where cards lead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Links {
    /// To the book's own page, else to Douban's by its ISBN.
    #[default]
    Douban,
    /// To the book's own page, as its source gives it.
    Own,
    /// Nowhere, but for books of a source that asks for the link.
    None,
}

/// The card of one book: a news article when there is a picture and a page to open, else a text.
pub fn card(book: &Book, way: Way, occasion: Occasion, links: Links) -> Reply {
    let url = match (&book.isbn, book.link.as_str(), links) {
        (_, _, Links::None) if book.source.is_own() => String::new(),
        // Douban's web site leads from an ISBN to the book's page, so a shelf need not know
        // Douban's numbers.
        (Some(isbn), "", Links::Douban) => format!("https://book.douban.com/isbn/{isbn}/"),
        (_, link, _) => link.to_owned(),
    };
    if url.is_empty() || book.cover.is_empty() {
        return Reply::text(text_card(book, way, &url));
    }
    let mut lines = [facts(book, LINE), summary(book)].concat();
    // An article holds no links but its own.
    lines.push(ReplyText::default());
    lines.extend(ways_on(book, way).map(|(label, sends)| phrases::way(label, &sends)));
    let mut title = name(book);
    if let Rating::Scored { tenths, .. } = book.rating {
        title = fill("{}  {}", &[&title, &label::score(tenths)]);
    }
    let (title, description) = (title, ReplyText::join(&lines, "\n").trim_end());
    Reply::news(vec![Article { title, description, picture: book.cover.clone(), url }], occasion)
}

/// A title in its marks; those within it become single ones.
fn in_marks(title: &str) -> ReplyText {
    fill("《{}》", &[&outside(&title.replace('《', "〈").replace('》', "〉"))])
}

/// What a card says of a book, line by line, for those who look at it elsewhere.
pub fn lines(book: &Book) -> Vec<String> {
    let lines = [vec![in_marks(name(book).as_str())], facts(book, LINE), summary(book)].concat();
    lines.iter().map(|line| line.as_str().to_owned()).collect()
}

fn name(book: &Book) -> ReplyText {
    let colon = if book.subtitle.is_empty() { "" } else { "：" };
    outside(&format!("{}{colon}{}", book.title, book.subtitle))
}

/// The last lines of a card that has room.
fn summary(book: &Book) -> Vec<ReplyText> {
    match book.summary.as_str() {
        "" => Vec::new(),
        summary => vec![ReplyText::default(), outside(summary)],
    }
}

/// The lines of a card below its title, none with more than so many characters of one text.
fn facts(book: &Book, width: usize) -> Vec<ReplyText> {
    let mut lines = Vec::with_capacity(16);
    match book.rating {
        Rating::Scored { tenths, count } => lines.push(label::rating(book.source, tenths, count)),
        Rating::TooFew => lines.push(label::TOO_FEW.into()),
        Rating::Unknown => {}
    }
    let isbn = book.isbn.map(|isbn| isbn.isbn13()).unwrap_or_default();
    for (name, value) in [
        (label::ORIGIN, book.origin_title.as_str()),
        (label::AUTHOR, &book.authors.join(" / ")),
        (label::TRANSLATOR, &book.translators.join(" / ")),
        (label::PUBLISHER, &book.publisher),
        (label::DATE, &book.pubdate),
        (label::PAGES, &book.pages),
        (label::PRICE, &book.price),
        (label::SERIES, &book.series),
        ("ISBN", &isbn),
    ] {
        lines.extend(fact(name, &outside(&text::shorten(value, width))));
    }
    if let Some(holding) = &book.holding {
        lines.extend(fact(label::CALLNO, &outside(&text::shorten(&holding.callno, width))));
        lines.extend(fact(label::LOCATION, &places(holding, width)));
        let copies = label::copies(holding.available, holding.total);
        let due = Some(holding.next_return.as_str()).filter(|day| !day.is_empty());
        let parts: Vec<_> = copies.into_iter().chain(due.map(label::next_return)).collect();
        lines.extend((!parts.is_empty()).then(|| ReplyText::join(&parts, "，")));
    }
    lines.extend(fact(label::SOURCE, &label::source(book.source).into()));
    lines
}

/// A line of a card, if there is anything to say.
fn fact(name: &'static str, value: &ReplyText) -> Option<ReplyText> {
    (!value.is_empty()).then(|| fill("{}：{}", &[&name.into(), value]))
}

/// Where the copies stand: with how many there are, where there are several places.
fn places(holding: &Holding, width: usize) -> ReplyText {
    let several = holding.places.len() > 1;
    let shown = holding.places.iter().take(PLACES).map(|place| {
        let name = outside(&text::shorten(&place.name, width));
        match label::copies(place.available, place.total).filter(|_| several) {
            Some(copies) => fill("{}（{}）", &[&name, &copies]),
            None => name,
        }
    });
    let shown = ReplyText::join(&shown.collect::<Vec<_>>(), "、");
    match holding.places.len() {
        count if count > PLACES => label::and_more(&shown, count),
        _ => shown,
    }
}

/// A card as a text of at most [`LONGEST_TEXT`], less [`LED`]: with the ways on as links that send
/// a message when tapped, and one to the page at `url`. Where it is too long the summary is cut,
/// then the longest lines.
fn text_card(book: &Book, way: Way, url: &str) -> ReplyText {
    let mut links: Vec<_> = ways_on(book, way).map(|(label, sends)| link(label, &sends)).collect();
    if url.len() <= ADDRESS {
        links.extend(page_link(page_name(book, url), url));
    }
    let links = ReplyText::join(&links, "  ");
    let room = (LONGEST_TEXT - LED).saturating_sub(links.as_str().len() + 2);
    let mut card = ReplyText::default();
    for width in WIDTHS {
        let title = in_marks(&text::shorten(name(book).as_str(), width));
        card = ReplyText::join(&[vec![title], facts(book, width)].concat(), "\n");
        if card.as_str().len() <= room {
            break;
        }
    }
    let left = room.saturating_sub(card.as_str().len() + "\n\n…".len());
    let summary = outside(&book.summary);
    if summary.as_str().len() <= left && !summary.is_empty() {
        card.push("\n\n");
        card.push(summary);
    } else if left >= LEAST_SUMMARY && !summary.is_empty() {
        card.push("\n\n");
        card.push(summary.cut(left).trim_end());
        card.push("…");
    }
    if !links.is_empty() {
        card.push("\n\n");
        card.push(links);
    }
    card
}

/// What a page is called: whose it is.
fn page_name(book: &Book, url: &str) -> &'static str {
    let host = url.split('/').nth(2).unwrap_or_default();
    let douban = host == "douban.com" || host.ends_with(".douban.com");
    label::source(if douban { Source::Douban } else { book.source })
}

/// What a reader may want next: its name, and what to send for it.
fn ways_on(book: &Book, way: Way) -> impl Iterator<Item = (ReplyText, String)> {
    let sent = |text: &str| text::cut(text, SENT).trim_end().to_owned();
    let from = match way {
        Way::List | Way::Place(..) => Some((phrases::TO_LIST, phrases::BACK.to_owned())),
        Way::Number => Some((phrases::OTHER_EDITIONS, phrases::by_title(&sent(&book.title)))),
        Way::Words | Way::Author => None,
    };
    let author = book
        .authors
        .first()
        .filter(|_| way != Way::Author)
        .map(|name| phrases::of_author(&sent(bare_name(name))));
    let ways = from.into_iter().chain(author.map(|sends| (phrases::SAME_AUTHOR, sends)));
    let title = match way {
        Way::Place(number, script) => Some(numerals::written(number, script)),
        _ => None,
    };
    let as_title = title.map(|title| (phrases::named(&title), phrases::by_title(&title)));
    ways.map(|(label, sends)| (ReplyText::from(label), sends)).chain(as_title)
}

/// A name without its mark of origin: `[美] 马克·吐温` is searched as `马克·吐温`.
fn bare_name(name: &str) -> &str {
    let open = ['[', '(', '（', '［', '【', '〔'];
    let close = [']', ')', '）', '］', '】', '〕'];
    match name.trim_start().strip_prefix(open).and_then(|rest| rest.split_once(close)) {
        Some((_, rest)) if !rest.trim().is_empty() => rest.trim(),
        _ => name.trim(),
    }
}

/// One page of a list, `page` from 0, which has to be there.
pub fn list(books: &[Book], searched: &ReplyText, page: usize) -> Reply {
    let dated = searched.as_str() == phrases::NEWEST;
    let head = match dated {
        true => phrases::newest_head(books.len(), page + 1, pages(books.len())),
        false => phrases::list_head(searched, books.len(), page + 1, pages(books.len())),
    };
    headed(head, books, page, dated, phrases::LIST_END)
}

/// Books that may have been meant; a single one is a list, too, so that nobody takes it for what
/// was asked for.
pub fn guesses(answer: &Answer, searched: &ReplyText, page: usize, wishes: bool) -> Reply {
    let end = if wishes { phrases::GUESS_END } else { phrases::LIST_END };
    let head = phrases::guess_head(searched, answer.incomplete);
    headed(head, &answer.books, page, false, end)
}

fn headed(head: ReplyText, books: &[Book], page: usize, dated: bool, end: &'static str) -> Reply {
    let pages = pages(books.len());
    let mut text = head;
    for (number, book) in books.iter().enumerate().skip(page * PAGE).take(PAGE) {
        text.push("\n");
        text.push(entry(number + 1, book, dated));
    }
    text.push("\n\n");
    text.push(end);
    let previous = (page > 0).then(|| link(phrases::PREVIOUS, phrases::PREVIOUS));
    let next = (page + 1 < pages).then(|| link(phrases::NEXT_PAGE, phrases::MORE));
    for link in previous.into_iter().chain(next) {
        text.push("，");
        text.push(link);
    }
    Reply::text(text)
}

/// How many pages `count` books fill; at least one.
pub fn pages(count: usize) -> usize {
    count.div_ceil(PAGE).max(1)
}

/// One line of a list; `dated` with the day the book came instead of its year.
fn entry(number: usize, book: &Book, dated: bool) -> ReplyText {
    // A library has many editions of one title, told apart by what follows it.
    let whole = format!("{}：{}", book.title, book.subtitle);
    let fits =
        book.source == Source::Interlib && !book.subtitle.is_empty() && whole.len() <= ENTRY_TITLE;
    let title = if fits { &whole } else { &book.title };
    let fits = text::cut(title, ENTRY_TITLE).chars().count();
    let title = in_marks(&text::shorten(title, fits));
    let mut entry = fill("{}. {}", &[&number.into(), &link(title, &number.to_string())]);
    let author = book.authors.first().map(|name| outside(&text::shorten(name, 16)));
    let year = Some(text::cut(&book.pubdate, 4));
    let year = year.filter(|year| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()));
    let year = if dated { Some(book.added.as_str()) } else { year };
    let year = year.map(outside);
    let score = match book.rating {
        Rating::Scored { tenths, .. } => Some(label::score(tenths)),
        _ => None,
    };
    let copies = book.holding.as_ref().and_then(|holding| label::copies(holding.available, None));
    for part in [author, year, score, copies].into_iter().flatten() {
        entry.push(" ");
        entry.push(part);
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::book::UNCOUNTED;
    use crate::wechat::push::{AccountId, OpenId};

    #[test]
    #[rustfmt::skip]
    fn names_are_searched_without_their_marks() {
        for (name, bare) in [
            ("[美] 马克·吐温", "马克·吐温"),
            ("（法）圣埃克苏佩里", "圣埃克苏佩里"),
            ("［日］ 村上春树", "村上春树"),
            ("刘慈欣", "刘慈欣"),
            ("[美]", "[美]"),
        ] {
            assert_eq!(bare_name(name), bare, "{name}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn a_card_leads_where_the_operator_wants() {
        const PAGE: &str = "https://lib.example/1";
        for (source, link, links, leads) in [
            (Source::Shelf,  "",   Links::Douban, "<Url><![CDATA[https://book.douban.com/isbn/9787536692930/]]>"),
            (Source::Shelf,  PAGE, Links::Douban, "<Url><![CDATA[https://lib.example/1]]>"),
            (Source::Shelf,  PAGE, Links::Own,    "<Url><![CDATA[https://lib.example/1]]>"),
            (Source::Shelf,  "",   Links::Own,    "<MsgType><![CDATA[text]]>"),
            (Source::Shelf,  PAGE, Links::None,   "<MsgType><![CDATA[text]]>"),
            // Its terms ask for the link.
            (Source::Douban, PAGE, Links::None,   "<Url><![CDATA[https://lib.example/1]]>"),
        ] {
            let isbn = crate::catalogue::isbn::Isbn::parse("9787536692930");
            let cover = "https://lib.example/1.jpg".into();
            let book = Book { title: "三体".into(), isbn, link: link.into(), cover, source, ..Book::default() };
            let reply = card(&book, Way::Words, Occasion::Message, links);
            let ids = (OpenId::parse("oA").unwrap(), AccountId::parse("gh_1").unwrap());
            let xml = reply.to_xml(&ids.0, &ids.1, 1).unwrap();
            assert!(xml.contains(leads), "{links:?} {link} {xml}");
        }
    }

    #[test]
    fn five_long_entries_fit_into_one_text() {
        let book = Book {
            title: "长".repeat(200),
            authors: vec!["名".repeat(100)],
            pubdate: "2008-1".into(),
            rating: Rating::Scored { tenths: 89, count: None },
            holding: Some(Holding { available: Some(1_000_000), ..Holding::default() }),
            ..Book::default()
        };
        let books = vec![book; 20];
        for page in 0..4 {
            let reply = list(&books, &phrases::quoted(&"问".repeat(100)), page);
            let reply = format!("{:?}", reply.led_by(&phrases::not_held("NeoDB", 20)));
            assert!(reply.contains(phrases::LIST_END), "page {page} was cut: {reply}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn copies_are_told_with_their_places() {
        let at = |place: &str, available, total| Holding::at("", place, available, total);
        let returned = Holding { next_return: "10月22日".into(), ..at("", Some(0), Some(2)) };
        for (copies, shown) in [
            (vec![at("", Some(2), Some(11))],                            "可借 2 / 共 11"),
            (vec![at("一楼", Some(2), None)],                            "馆藏地：一楼|可借 2"),
            (vec![at("", None, Some(11))],                               "共 11"),
            (vec![at("", Some(UNCOUNTED), None)],                        "可借"),
            (vec![at("", Some(UNCOUNTED), Some(3))],                     "可借 / 共 3"),
            (vec![returned],                                             "可借 0 / 共 2，最早 10月22日 归还"),
            (vec![at("一楼", Some(1), Some(1)), at("二楼", None, None)], "馆藏地：一楼（可借 1 / 共 1）、二楼|可借 1 / 共 1"),
            (vec![at("一楼", Some(1), Some(1)), at("一楼", Some(0), Some(1))], "馆藏地：一楼|可借 1 / 共 2"),
            (["甲", "乙", "丙", "丁"].map(|name| at(name, None, Some(1))).to_vec(), "馆藏地：甲（共 1）、乙（共 1）、丙（共 1）等 4 处|共 4"),
        ] {
            let mut book = Book { title: "书".into(), ..Book::default() };
            copies.into_iter().for_each(|copy| book.hold_also(Some(copy)));
            let mut lines = facts(&book, LINE);
            assert_eq!(lines.pop(), Some("来源：馆藏".into()));
            assert_eq!(ReplyText::join(&lines, "|").as_str(), shown);
        }
    }
}
