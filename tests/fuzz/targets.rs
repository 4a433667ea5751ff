//! What must hold for any bytes: one function a target, used by libFuzzer (`fuzz_targets/`)
//! and by the short run inside `cargo test` (`tests/fuzzing.rs`).
//!
//! In: any bytes. Out: nothing, or a panic that says which promise was broken.

use std::time::Instant;

use doumibook::catalogue::answer::{Answer, Verdict};
use doumibook::catalogue::book::{Book, Holding, Place};
use doumibook::catalogue::fold;
use doumibook::catalogue::interlib::{holdings, read};
use doumibook::catalogue::isbn::{self, Isbn, Typed};
use doumibook::catalogue::links;
use doumibook::catalogue::memory::{Memory, Origin};
use doumibook::catalogue::photo::address::PhotoUrl;
use doumibook::catalogue::photo::ean13;
use doumibook::catalogue::photo::grey::Grey;
use doumibook::catalogue::photo::jpeg;
use doumibook::catalogue::photo::{self, Barcode};
use doumibook::catalogue::reading::Reading;
use doumibook::catalogue::shelf::search::{GUESSES, Hits, MOST, MOST_COMPARED, MOST_WALKED, Tier};
use doumibook::catalogue::shelf::{Format, Shelf};
use doumibook::catalogue::{Catalogue, HITS, Outcome, Query, douban, neodb, statefile};
use doumibook::chat::card::{self, Links, Way};
use doumibook::chat::conversation::{Conversation, Next};
use doumibook::chat::question::Question;
use doumibook::chat::replies::OwnReplies;
use doumibook::chat::wish;
use doumibook::cli::settings::{ALL, Settings};
use doumibook::server::framing::{Framing, HttpRequest, Step};
use doumibook::server::limits::{BODY, HEAD};
use doumibook::sys::http::{BaseUrl, Page};
use doumibook::wechat::envelope::{self, AesKey, AppId};
use doumibook::wechat::push::{AccountId, Occasion, OpenId, Push};
use doumibook::wechat::reply::{LONGEST_TEXT, Reply};
use doumibook::wechat::reply_text::{ReplyText, outside};
use doumibook::wechat::signature::{self, Params, Token};
use doumibook::wechat::xml::Fields;

/// A target: its name, what it does with bytes, what to begin with, words to mix in.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    pub seeds: &'static [&'static str],
    /// Seeds that are no text.
    pub files: &'static [&'static [u8]],
    pub words: &'static [&'static str],
}

/// All targets; each has a file of its name in `fuzz_targets/`.
#[rustfmt::skip]
pub const TARGETS: &[Target] = &[
    Target { name: "gate", run: gate, seeds: GATE, files: &[], words: &["\r\n", "\r\n\r\n", "\n", "Content-Length: 3", "Transfer-Encoding: chunked", "Expect: 100-continue", "HTTP/1.0", " ", ":", "0\r\n\r\n", "18446744073709551616", "\0", ";"] },
    Target { name: "push", run: push, seeds: PUSH, files: &[], words: &["<![CDATA[", "]]>", "<xml>", "</xml>", "<!DOCTYPE a [<!ENTITY b \"c\">]>", "&b;", "&#0;", "&#x1F600;", "<a>", "</a>", "\u{fffe}", "event", "scancode_waitmsg", "subscribe"] },
    Target { name: "envelope", run: envelope, seeds: ENVELOPE, files: &[], words: &["<Encrypt>", "</Encrypt>", "=", "AAAA", "<![CDATA[", "]]>"] },
    Target { name: "source", run: source, seeds: SOURCE, files: &[], words: &["null", "[", "]", "{", "}", "\"books\":", "\"code\":6000", "1e400", "-1", "\\u0000", "\\ud800", "http://img.doubanio.com/a.jpg", "<b>", "&amp;"] },
    Target { name: "interlib", run: interlib, seeds: INTERLIB, files: &[], words: &["null", "[", "]", "{", "}", "\"docs\":", "\"previews\":", "1e400", "-1", "4294967296", "0.01", "\\u0000", "\\ud800", "：", "．", "/丛书", "著", "译", "作者:", "页", "册", "闭架", "在馆", "1795000000000", "<", "opac验证"] },
    Target { name: "shelf", run: shelf, seeds: SHELF, files: &[], words: &["\"", ",", ";", "\t", "\r\n", "{\"title\":\"a\"}", "书名", "ISBN", "\u{feff}", "9787536692930", "[]", "null"] },
    Target { name: "search", run: search, seeds: SEARCH, files: &[], words: &["的", "《", "》", "（2）", "第二部", "全集", "santi", "作者：", "出版社", " ", "\n", "/", "请问有没有", "wo", "1984", "的的的的的的的的", "a", "·"] },
    Target { name: "marc", run: marc, seeds: MARC, files: &[], words: &["\u{1d}", "\u{1e}", "\u{1f}", "\u{1f}a", "245", "200", "905", "880", "952", "00925nam0 2200289   450 ", "000100000", "三", "\r\n"] },
    Target { name: "decoders", run: decoders, seeds: SHELF, files: &[], words: &["\"", ",", ";", "\t", "\r\n", "\u{feff}", "书名", "ISBN", "sep=;", "合计", "在馆", "NULL", "9.78754E+12", "2008/1/1 0:00", "&eacute;", "𠮷"] },
    Target { name: "settings", run: settings, seeds: SETTINGS, files: &[], words: &["\n", "0", "-1", "4 MiB", "18446744073709551616", "https://", "unix:/", "[::1]:1", "shelf,douban", "secure", "yes"] },
    Target { name: "question", run: question, seeds: QUESTION, files: &[], words: &["978", "-", "·", "ISBN", "X", "　", "《", "》", "％", "%E4", "book.douban.com/subject/", "作者:", "0"] },
    Target { name: "state", run: state, seeds: STATE, files: &[], words: &["\n", "null", "[]", "\"at\":0", "18446744073709551615", "isbn:", "words:", "subject:", "\"title\":\"a\""] },
    Target { name: "photo", run: photo, seeds: PHOTO, files: PICTURES, words: &["http://", "https://", ".qpic.cn", "/", ":80", "@", "\\", "?", "#", ".."] },
];

impl Target {
    /// A seed by its number, beginning again after the last.
    #[allow(dead_code, reason = "libFuzzer has its own copy of the seeds")]
    pub fn seed(&self, number: usize) -> &'static [u8] {
        let number = number % (self.seeds.len() + self.files.len());
        match self.seeds.get(number) {
            Some(text) => text.as_bytes(),
            None => self.files[number - self.seeds.len()],
        }
    }
}

/// The target of this name.
pub fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a target")
}

const GATE: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /weixin?signature=a&timestamp=1&nonce=2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /",
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "POST http://a/b HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/// A request that comes out is bounded, and has one meaning: however it was cut, and when it
/// is written down again as it is for tiny_http.
fn gate(bytes: &[u8]) {
    let whole = Framing::default().look(bytes);
    let mut framing = Framing::default();
    // Byte by byte would be quadratic: in strides, and at the end.
    let stride = bytes.len() / 16 + 1;
    let steps = (1..=bytes.len()).filter(|end| end % stride == 0 || *end == bytes.len());
    let mut cut = steps.map(|end| framing.look(&bytes[..end])).filter(|step| *step != Step::More);
    assert_eq!(cut.next().unwrap_or(Step::More), whole, "cut into pieces");
    let Step::Ready(request, taken) = whole else { return };
    assert!((1..=bytes.len()).contains(&taken));
    assert_eq!(Framing::default().look(&bytes[..taken - 1]), Step::More, "a byte less");
    assert_eq!(Framing::default().look(&bytes[..taken]), Step::Ready(request.clone(), taken));
    let HttpRequest { method, target, body, .. } = &request;
    assert!(method.len() <= 16 && method.bytes().all(|b| b.is_ascii_uppercase()));
    assert!(target.starts_with('/') && target.bytes().all(|b| b.is_ascii_graphic()));
    assert!(target.len() < HEAD && body.len() <= BODY);
    let head = format!("{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
    let written = [head.as_bytes(), body].concat();
    let Step::Ready(again, all) = Framing::default().look(&written) else { panic!("{head}") };
    assert_eq!((&again.method, &again.target, &again.body), (method, target, body));
    assert_eq!(all, written.len());
    if let Some((_, query)) = target.split_once('?') {
        let _ = Params::read(query);
    }
}

const PUSH: &[&str] = &[
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA]]></FromUserName><CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[三体]]></Content><MsgId>1</MsgId></xml>",
    "<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType><Event>scancode_waitmsg</Event><EventKey>k</EventKey><ScanCodeInfo><ScanType>barcode</ScanType><ScanResult>EAN_13,9787536692930</ScanResult></ScanCodeInfo></xml>",
    "<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime><MsgType>link</MsgType><Title>&lt;a&gt;</Title><Description>d</Description><Url>https://book.douban.com/subject/1/</Url><MsgId>2</MsgId></xml>",
    "<?xml version=\"1.0\" encoding=\"GBK\"?><xml a=\"b\"><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1</CreateTime><MsgType>voice</MsgType><Recognition>更多</Recognition></xml>",
];

/// A push that is read has sender and receiver in bounds, is read the same again, and what is
/// said to it at once can be sent.
fn push(bytes: &[u8]) {
    let Ok(push) = Push::parse(bytes) else { return };
    assert_eq!(Push::parse(bytes).as_ref(), Ok(&push));
    assert!(OpenId::parse(push.from.as_str()).is_some());
    assert!(AccountId::parse(push.to.as_str()).is_some());
    assert!(push.from.to_string().chars().count() <= 9, "the short form for logs");
    let conversation = Conversation::new("豆米查书".into(), None);
    match conversation.listen(&push, Instant::now()) {
        Next::Say(reply) => check_reply(&reply),
        Next::Find(wanted) => check_query(&wanted.query),
    }
}

/// What is written reads back, in bounds.
fn check_reply(reply: &Reply) {
    let (Some(to), Some(from)) = (OpenId::parse("oA"), AccountId::parse("gh_1")) else { return };
    let Some(xml) = reply.to_xml(&to, &from, 1) else { return };
    let fields = Fields::read(xml.as_bytes()).expect("a reply is XML");
    assert_eq!(fields.get("ToUserName"), Some("oA"));
    assert_eq!(fields.get("CreateTime"), Some("1"));
    assert!(["text", "news"].contains(&fields.word("MsgType")));
    assert!(fields.get("Content").unwrap_or_default().len() <= LONGEST_TEXT);
}

fn check_query(query: &Query) {
    match query {
        Query::Words(words) | Query::Author(words) => {
            assert_eq!(&fold::fold(words), words, "folded");
            assert!(!words.is_empty());
        }
        Query::Isbn(isbn) => check_isbn(*isbn),
        Query::Photo(url) => assert!(PhotoUrl::parse(url.as_str()).is_some()),
        Query::Subject(id) => assert!((1..=12).contains(&id.len())),
        Query::Newest => {}
    }
}

/// Both forms of an ISBN name the same book.
fn check_isbn(isbn: Isbn) {
    let thirteen = isbn.isbn13();
    assert_eq!(Isbn::parse(&thirteen), Some(isbn));
    match isbn.isbn10() {
        Some(ten) => assert_eq!(Isbn::parse(&ten), Some(isbn)),
        None => assert!(thirteen.starts_with("979")),
    }
}

const ENVELOPE: &[&str] = &[
    "<xml><ToUserName>gh_1</ToUserName><Encrypt><![CDATA[QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=]]></Encrypt></xml>",
    "<xml><Encrypt>AAAA</Encrypt></xml>",
    "0123456789abcdef and a message",
];

/// Whatever an envelope holds is opened or refused; what we seal opens again, with our own key
/// and AppID only.
fn envelope(bytes: &[u8]) {
    let key =
        |last: char| AesKey::parse(&format!("{}{last}", "abcDEF0123".repeat(5).split_at(42).0));
    let (key, other) = (key('A').expect("a key"), key('E').expect("a key"));
    let token = Token::parse("AAAAA").expect("a token");
    let app_id = AppId::parse("wx2c2769f8efd9abc2").expect("an AppID");
    let open = |keys: &[AesKey], app_id: &AppId, text: &str| {
        let signature = signature::sign(&token, &["1", "2", text]);
        let query = format!("msg_signature={signature}&timestamp=1&nonce=2");
        let params = Params::read(&query).ok()?;
        let signed = signature::verify_message(std::slice::from_ref(&token), &params, text).ok()?;
        envelope::open(keys, app_id, &signed).ok()
    };
    let keys = std::slice::from_ref(&key);
    if let Some(text) = envelope::sealed_text(bytes) {
        assert!(!text.is_empty());
        open(keys, &app_id, &text);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        open(keys, &app_id, text);
    }
    let Some((random, clear)) = bytes.split_first_chunk::<16>() else { return };
    let sealed = envelope::encrypt(&key, &app_id, clear, *random);
    let opened = open(&[other, key.clone()], &app_id, &sealed).expect("what we sealed opens");
    assert_eq!(opened, (clear.to_vec(), 1));
    let stranger = AppId::parse("wx2c2769f8efd9abc3").expect("an AppID");
    assert_eq!(open(keys, &stranger, &sealed), None, "for another account");
}

const SOURCE: &[&str] = &[
    "0{\"id\":\"2567698\",\"title\":\"三体\",\"author\":[\"刘慈欣\"],\"isbn13\":\"9787536692930\",\"rating\":{\"average\":\"8.8\",\"numRaters\":1},\"image\":\"http://img1.doubanio.com/a.jpg\",\"pages\":\"302\",\"price\":\"23.00\",\"summary\":\"a\\nb\"}",
    "1{\"count\":1,\"books\":[{\"id\":\"1\",\"title\":\"三体\",\"alt\":\"https://book.douban.com/subject/1/\",\"author\":[],\"translator\":[\"[美] 甲\"]}]}",
    "4{\"data\":[{\"uuid\":\"a\",\"url\":\"/book/a\",\"title\":\"三体\",\"author\":[\"刘慈欣\"],\"isbn\":\"9787536692930\",\"rating\":8.5,\"cover_image_url\":\"https://neodb.social/m/a.jpg\",\"description\":\"<p>a</p>\"}],\"pages\":1,\"count\":1}",
    "8{\"code\":6000,\"msg\":\"book_not_found\",\"request\":\"GET /v2/book/1\"}",
    "9{\"msg\":\"rate_limit_exceeded2: 1.2.3.4\",\"code\":112}",
];

/// Any answer of a source is read; the books in it can be shown, and the first byte of the
/// target's input says what was asked and with which status it was answered.
fn source(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let status = [200, 200, 404, 400, 403, 429, 500, 302][usize::from(choice >> 3) % 8];
    let page = Page { status, body: body.to_vec(), ..Page::default() };
    let query = match choice % 4 {
        0 => Isbn::parse("9787536692930").map(Query::Isbn),
        1 => Query::words("三体"),
        2 => Query::author("刘慈欣"),
        _ => Query::subject("2567698"),
    };
    let (Some(query), Ok(base)) = (query, BaseUrl::parse("https://neodb.social")) else { return };
    check_outcome(&douban::read(&query, &page));
    check_outcome(&neodb::read(&query, &page, &base));
}

fn check_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Found(books) => {
            assert!((1..=HITS).contains(&books.len()));
            books.iter().for_each(check_book);
            (0..card::pages(books.len()) + 1)
                .for_each(|page| check_reply(&card::list(books, &"三体".into(), page)));
        }
        Outcome::Guess(books) => {
            assert!((1..=GUESSES).contains(&books.len()));
            books.iter().for_each(check_book);
            let answer =
                Answer { books: books.clone().into(), ..Answer::without_books(Verdict::Found) };
            check_reply(&card::guesses(&answer, &"三体".into(), 0, true));
        }
        Outcome::Limited { reason, .. }
        | Outcome::Operator(reason)
        | Outcome::Unfit(reason)
        | Outcome::Down(reason) => {
            let line = reason.to_string();
            assert!(!line.is_empty() && !line.contains(char::is_control), "{line:?}");
        }
        Outcome::NotFound | Outcome::Unasked => {}
    }
}

fn check_book(book: &Book) {
    assert!(!book.title.trim().is_empty());
    for address in [&book.cover, &book.link] {
        assert!(address.is_empty() || address.starts_with("https://"), "{address:?}");
    }
    if let Some(isbn) = book.isbn {
        check_isbn(isbn);
    }
    for way in [Way::List, Way::Number, Way::Words, Way::Author] {
        check_reply(&card::card(book, way, Occasion::Message, Links::Douban));
        check_reply(&card::card(book, way, Occasion::Event, Links::Own));
    }
}

const INTERLIB: &[&str] = &[
    "0{\"response\":{\"numFound\":2,\"maxScore\":4.5,\"docs\":[{\"id\":\"200018\",\"title_meta\":\"三体：新版\",\"author_meta\":\"刘慈欣著\",\"isbn_meta\":\"978-7-5366-9293-0\",\"callno_sort\":\"I247.55/114\",\"page_meta\":\"2,302页\",\"pubdate_meta\":\"2008.01\",\"price_meta\":\"CNY23.00\",\"score\":4.5},{\"id\":200019,\"title_meta\":\"三体．Ⅱ，黑暗森林/科幻丛书\",\"author_meta\":\"作者:吴言|责编:范伟//张孟桥\",\"isbn_meta\":null,\"score\":0.01}]}}",
    "1{\"response\":{\"numFound\":0,\"docs\":[]}}",
    "2<title>opac验证</title>",
    "3{\"previews\":{\"200018\":[{\"callno\":\"I247.55/114,I247.55/115\",\"curlibName\":\"甲馆\",\"curlocalName\":\"甲馆一楼\",\"copycount\":2,\"loanableCount\":\"1\"},{\"curlibName\":\"乙馆\",\"curlocalName\":\"闭架\",\"copycount\":3,\"loanableCount\":4}],\"7\":null}}",
    "3{\"holdingList\":[{\"state\":3,\"barcode\":\"b1\",\"callno\":\"I247.55/114\",\"curlib\":\"A\",\"curlocal\":\"01\",\"cirtype\":\"001\"},{\"state\":2,\"barcode\":\"b2\",\"curlib\":\"A\"}],\"loanWorkMap\":{\"b1\":{\"returnDate\":1795000000000}},\"libcodeMap\":{\"A\":\"甲馆\"},\"localMap\":{\"01\":\"一楼\"},\"pBCtypeMap\":{\"001\":{\"name\":\"中文图书\"}},\"holdStateMap\":{\"2\":{\"stateName\":\"在馆\"},\"3\":{\"stateName\":\"借出\"}}}",
];

/// Any answer of a library's catalogue is read; what is told of copies adds up, and no text is
/// longer than a line. The first byte says what was asked, and how it was answered.
fn interlib(bytes: &[u8]) {
    let Some((&choice, body)) = bytes.split_first() else { return };
    let status = [200, 200, 200, 200, 404, 403, 429, 500][usize::from(choice >> 4) % 8];
    let page = Page { status, body: body.to_vec(), ..Page::default() };
    let query = match choice % 4 {
        0 => Isbn::parse("9787536692930").map(Query::Isbn),
        1 => Query::words("三体"),
        2 => Query::author("刘慈欣"),
        _ => Query::words("c++"),
    };
    let (Some(query), Ok(base)) = (query, BaseUrl::parse("https://a.example/opac")) else { return };
    let outcome = read::answer(&query, &page, &base);
    check_outcome(&outcome);
    if let Outcome::Found(books) = &outcome {
        assert!(books.iter().all(|book| book.records.len() <= HITS));
        let texts = books.iter().flat_map(|book| [&book.title, &book.subtitle, &book.publisher]);
        assert!(texts.into_iter().all(|text| text.chars().count() <= 300));
    }
    let Ok(json) = read::json(&page, "/api/holding") else { return };
    let previews = json.get("previews").cloned().unwrap_or_default();
    const NOW: u64 = 1_794_900_000;
    let seen = [holdings::previewed(&previews, &[200018, 7]), holdings::listed(&json, NOW)];
    seen.into_iter().flatten().for_each(|held| check_copies(&held));
}

fn check_copies(held: &Holding) {
    assert!(held.total > Some(0) && held.available <= held.total);
    let sum = |of: fn(&Place) -> Option<u32>| held.places.iter().filter_map(of).sum::<u32>();
    assert!(Some(sum(|place| place.available)) <= held.available);
    assert!(Some(sum(|place| place.total)) <= held.total);
    assert!(
        held.places.iter().all(|place| !place.name.is_empty() && place.name.chars().count() <= 601)
    );
    let day = &held.next_return;
    assert!(day.is_empty() || day.ends_with('日') && day.contains('月'), "{day}");
    let book = Book { title: "三体".into(), holding: Some(held.clone()), ..Book::default() };
    check_book(&book);
}

const SHELF: &[&str] = &[
    "{\"title\": \"三体\", \"author\": [\"刘慈欣\"], \"isbn\": \"9787536692930\", \"pages\": 302}\n{\"title\": \"活着\"}\n",
    "书名,作者,ISBN,出版社,索书号\n三体,刘慈欣,9787536692930,重庆出版社,I247.5\n\"a \"\"b\"\"\",\"c\nd\",,,\n",
    "\u{feff}title;author;isbn\r\n三体;刘慈欣;978-7-5366-9293-0\r\n",
    "title\tid\na\t1\n",
];

/// Of any file, what is served can be found and shown.
fn shelf(bytes: &[u8]) {
    for format in [Format::JsonLines, Format::Csv] {
        let Ok((shelf, bad)) = Shelf::read(bytes, format) else { continue };
        let lines = bytes.split(|b| [b'\n', b'\r'].contains(b)).count();
        assert!(shelf.len() <= lines);
        assert!(bad.iter().all(|bad| (1..=lines).contains(&bad.line)));
        let soon = Instant::now();
        for query in [Query::words("三体"), Query::words("a"), Query::author("刘慈欣")] {
            let Some(query) = query else { continue };
            if let Outcome::Found(books) = shelf.find(&query, soon) {
                assert!((1..=HITS).contains(&books.len()));
                for book in &books {
                    check_book(book);
                    let Some(isbn) = book.isbn else { continue };
                    assert!(matches!(shelf.find(&Query::Isbn(isbn), soon), Outcome::Found(_)));
                }
            }
        }
    }
}

const SEARCH: &[&str] = &[
    "请问有没有三体\n三体/刘慈欣\n三体Ⅱ/刘慈欣\n活着/余华\n",
    "santi quanji\n三体全集/刘慈欣\n三体/刘慈欣",
    "作者：余华 书名：《活者》 出版社：作家\n活着/余华/作家出版社\n活着（精装）/余华/作家出版社",
    "wo xiang jie huozhe\n活着/余华",
    "J.K.罗琳 哈利波特第二部\n哈利·波特 2/J. K. 罗琳\nHarry Potter/Rowling",
    "的的的的的的的的的的的的\n的的的/的\n的的的的的的的的的/的的",
    "几点开门\n几点开门/甲",
    "c++ primer 第5版\nC++ Primer（第5版）/甲\n1984/乙\n",
];

/// Any message is answered from any shelf: with books that are there, in bounds, the same each
/// time, and with no more work than is promised.
fn search(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (message, books) = text.split_once('\n').unwrap_or((&text, ""));
    // What is longer is not searched for.
    let message: String = message.chars().take(100).collect();
    // A small file is a large shelf, too: work must not grow with what is repeated.
    let times = if bytes.len().is_multiple_of(8) { 50 } else { 1 };
    let mut file = String::from("书名\t作者\t出版社\n");
    for line in books
        .lines()
        .filter(|line| !line.contains(['\t', '"']))
        .cycle()
        .take(books.lines().count() * times)
    {
        file.push_str(&line.splitn(3, '/').collect::<Vec<_>>().join("\t"));
        file.push('\n');
    }
    let Ok((shelf, _)) = Shelf::read(file.as_bytes(), Format::Csv) else { return };
    for hits in [shelf.search(&message), shelf.by_author(&message), shelf.by_house(&message)] {
        check_hits(&hits, &shelf);
    }
    assert_eq!(shelf.search(&message), shelf.search(&message));
    let reading = Reading::of(&message);
    assert_eq!(reading.plain, fold::fold(&reading.plain), "what a source is asked is folded");
    assert!(reading.raw.len() <= message.len());
    if let Some(query) = Query::words(&message) {
        check_outcome(&shelf.find(&query, Instant::now()));
    }
}

fn check_hits(hits: &Hits, shelf: &Shelf) {
    let most = match hits.tier {
        Tier::Found => MOST,
        Tier::Guess => GUESSES,
        Tier::Nothing => 0,
    };
    assert!(hits.books.len() <= most && hits.books.len() <= hits.total);
    assert_eq!(hits.books.is_empty(), hits.tier == Tier::Nothing);
    assert!(hits.books.iter().all(|&book| (book as usize) < shelf.len()));
    let different: std::collections::HashSet<_> = hits.books.iter().collect();
    assert_eq!(different.len(), hits.books.len(), "no book twice");
    assert!(hits.work.0 <= MOST_WALKED && hits.work.1 <= MOST_COMPARED, "{:?}", hits.work);
}

const MARC: &[&str] = &[
    "00925nam0 2200289   450 010000100000200000100000701000100000905000100000\u{1e}  \u{1f}a7-5366-9293-5\u{1f}dCNY23.00\u{1e}1 \u{1f}a三体\u{1f}h1\u{1f}f刘慈欣著\u{1f}g甲乙译\u{1e} 0\u{1f}a刘慈欣\u{1f}4著\u{1e}  \u{1f}a馆\u{1f}b1\u{1f}dI247\u{1f}e1\u{1f}f2\u{1e}\u{1d}",
    "00925nam a2200289   4500100000100000245000100000264000100000880000100000952000100000\u{1e}1 \u{1f}6880-01\u{1f}aLiu, Cixin,\u{1e}10\u{1f}aSan ti :\u{1f}bdi qiu /\u{1e} 1\u{1f}bTor,\u{1f}c2014.\u{1e}1 \u{1f}6100-01\u{1f}a刘慈欣\u{1e}  \u{1f}aMAIN\u{1f}oI247\u{1f}q2026-10-22\u{1e}\u{1d}\r\n",
    "00925nam0 2200289   450 461000100000\u{1e} 0\u{1f}12001 \u{1f}a地球往事\u{1e}\u{1d}",
];

/// Of any records, those that are served can be shown; and so can those of any damaged ones.
fn marc(bytes: &[u8]) {
    let Ok((shelf, bad)) = Shelf::read(bytes, Format::Marc) else { return };
    assert!(bad.iter().all(|bad| bad.unit == "record" && (1..=bytes.len()).contains(&bad.line)));
    // A leader has 24 bytes.
    assert!(shelf.len() <= bytes.len() / 24);
    shelf.first(9).iter().for_each(check_book);
}

/// A text says the same in every encoding.
fn decoders(bytes: &[u8]) {
    let odd = ['\u{fffd}', '\u{feff}', '\0'];
    let text = String::from_utf8_lossy(bytes).replace(odd, "");
    let sixteen: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for format in [Format::JsonLines, Format::Csv] {
        // Bytes that are no text in any encoding.
        if let Ok((shelf, _)) = Shelf::read(bytes, format) {
            shelf.first(9).iter().for_each(check_book);
        }
        let Ok((plain, bad)) = Shelf::read(text.as_bytes(), format) else { continue };
        let (wide, wide_bad) = Shelf::read(&sixteen, format).expect("the same text");
        assert_eq!(plain.first(9), wide.first(9));
        assert_eq!(bad, wide_bad);
        let books = plain.first(9);
        books.iter().for_each(check_book);
    }
}

/// A line is a letter, which names a setting, and its value; `A` is the first of `ALL`.
const SETTINGS: &[&str] = &[
    "AAAAAA\nBBBBBB\nFplain\nG127.0.0.1:8080\nNhttp://10.0.0.1/\nLhttps://neodb.social\n",
    "CabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN\nEwx2c2769f8efd9abc2\nFsecure\nGunix:/run/a.sock\n",
    "Jshelf\nQ/a.csv\nR4\nS256\nT64\nU4 MiB\nV4500\nW3\nXno\nPa@example.org\n",
];

/// Any settings are read or refused; no secret is in what is said of them.
fn settings(bytes: &[u8]) {
    // Marks secrets; nothing else may hold it.
    const MARK: &str = "Zq7";
    let secret = |name: &str| ["TOKEN", "AES_KEY", "DOUBAN_KEY"].iter().any(|s| name.contains(s));
    // Without its first letter, or taking the mark out could leave one.
    let text = String::from_utf8_lossy(bytes).replace('Z', "");
    let pairs = text.lines().filter_map(|line| {
        let letter = line.chars().next().filter(char::is_ascii)?;
        let (name, ..) = ALL[(letter as usize).wrapping_sub(usize::from(b'A')) % ALL.len()];
        let value = &line[1..];
        let mark = if secret(name) && !value.is_empty() { MARK } else { "" };
        Some((name.to_owned(), format!("{mark}{value}")))
    });
    let said = match Settings::read(pairs) {
        Err(wrong) => wrong.to_string(),
        Ok(settings) => {
            assert!((1..=64).contains(&settings.workers));
            assert!((8..=65_536).contains(&settings.connections));
            assert!((1..=1024).contains(&settings.lookups));
            assert!((1..=3).contains(&settings.deliveries));
            assert!((1000..=4900).contains(&settings.deadline.as_millis()));
            assert_eq!(
                settings.keys.is_empty(),
                settings.app_id.is_none() || settings.keys.is_empty()
            );
            assert!(!format!("{:?} {:?}", settings.tokens, settings.keys).contains(MARK));
            settings.to_string()
        }
    };
    assert!(!said.contains(MARK), "{said}");
}

const QUESTION: &[&str] = &[
    "三体",
    "ISBN：978-7-5366-9293-0",
    "０-306-40615-2",
    "9787536692930 51200",
    "作者：刘慈欣",
    "10019·1977",
    "https://book.douban.com/subject/2567698/?a=%E4%B8%89",
    "更多",
    "登记《三体》",
    "*借书证*|开馆,\"九点\\n十点\"",
];

/// Any text is understood as something, folds once and for all, and its digits make an ISBN.
fn question(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let folded = fold::fold(&text);
    assert_eq!(fold::fold(&folded), folded);
    match Question::from_text(&text) {
        Question::Find(query) => check_query(&query),
        Question::Pick(number) => assert!(number > 0),
        _ => {}
    }
    if let Typed::Right(isbn) = isbn::typed(&text) {
        check_isbn(isbn);
    }
    if let Some(Some(query)) = wish::asked(&text) {
        check_query(&query);
        let sends = wish::sends(&query).expect("what may be wished can be sent");
        assert_eq!(wish::asked(&sends), Some(Some(query)));
    }
    // As a table of answers below a header, and as a message to the answers of another.
    let _ = OwnReplies::read(&text);
    if let Ok((replies, _)) = OwnReplies::read(&format!("关键词,回复\n{text}")) {
        assert!(!replies.is_empty());
        let said = [replies.exact(&text), replies.contained(&text), replies.named(&text)];
        said.into_iter()
            .flatten()
            .for_each(|answer| check_reply(&Reply::text(ReplyText::operators(answer))));
    }
    if let Some(query) = links::book(&text) {
        check_query(&query);
    }
    let encoded = doumibook::sys::percent::percent_encode(&text);
    assert_eq!(doumibook::sys::percent::percent_decode(&encoded).as_deref(), Some(&*text));
    check_reply(&Reply::text(outside(&text)));
    let digits: Vec<u8> = bytes.iter().map(|byte| byte % 10).collect();
    let Some(nine) = digits.first_chunk::<9>() else { return };
    // Exactly one of the eleven check digits fits; none, when the nine are no number of a book.
    let filler =
        nine.windows(2).all(|pair| pair[0] == pair[1]) || *nine == [0, 1, 2, 3, 4, 5, 6, 7, 8];
    let nine: String = nine.iter().map(u8::to_string).collect();
    let fitting = "0123456789X".chars().filter_map(|last| Isbn::parse(&format!("{nine}{last}")));
    let fitting: Vec<_> = fitting.inspect(|isbn| check_isbn(*isbn)).collect();
    assert_eq!(fitting.len(), usize::from(!filler), "{nine}");
}

const PHOTO: &[&str] =
    &["http://mmbiz.qpic.cn/mmbiz_jpg/a/0?wx_fmt=jpeg", "https://a.qpic.cn:443/#"];
const PICTURES: &[&[u8]] = &[
    include_bytes!("../catalogue_photo/colour.jpg"),
    include_bytes!("../catalogue_photo/progressive.jpg"),
    include_bytes!("../catalogue_photo/grey.jpg"),
    include_bytes!("../catalogue_photo/rgb.jpg"),
    include_bytes!("../catalogue_photo/upside-down.jpg"),
    include_bytes!("../catalogue_photo/magazine.jpg"),
];

/// Any file is decoded or refused; a number that is read is one. An address that may be fetched
/// names WeChat's host to whoever reads it.
fn photo(bytes: &[u8]) {
    let decoded = jpeg::grey(bytes).map(|picture| picture.width() * picture.height());
    assert!(decoded.is_ok_and(|pixels| pixels <= jpeg::PIXELS) || decoded.is_err());
    // Searching takes a hundred times as long as decoding: one in eight.
    if bytes.len().is_multiple_of(8) {
        if let Barcode::Ean13(digits) = photo::barcode(bytes) {
            let weights = [1, 3].iter().cycle();
            let sum: u32 = digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum();
            assert!(sum.is_multiple_of(10) && digits.iter().all(|digit| *digit < 10));
        }
        search_pixels(bytes);
    }
    if let Some(url) = PhotoUrl::parse(&String::from_utf8_lossy(bytes)) {
        let url = url.as_str().to_ascii_lowercase();
        let after = url.split_once("qpic.cn").expect("the host").1;
        assert!(url.len() <= 1024 && !url.contains(['\\', ' ', '\r', '\n']));
        assert!(after.is_empty() || after.starts_with(['/', '?', '#', ':']), "{url}");
        assert!(!url.split(['/', '?', '#']).nth(2).expect("a host").contains('@'));
    }
}

/// Any pixels are searched; the first byte is the width.
fn search_pixels(bytes: &[u8]) {
    let Some((width, pixels)) = bytes.split_first() else { return };
    let width = usize::from(*width).max(1);
    let whole = &pixels[..pixels.len() / width * width];
    if let Some(picture) = Grey::new(width, whole.len() / width, whole.to_vec()) {
        ean13::find(&picture);
    }
}

const STATE: &[&str] = &[
    "{\"format\":\"doumibook memory\",\"version\":2,\"answers\":2,\"sources\":[[\"douban\",7]]}\n{\"query\":\"isbn:9787536692930\",\"at\":1790000000,\"books\":[{\"title\":\"三体\",\"source\":\"douban\",\"isbn\":\"9787536692930\",\"rating\":[88,1],\"authors\":[\"刘慈欣\"]}]}\n{\"query\":\"words:a\",\"at\":1790000000,\"books\":[]}\n",
    "{\"format\":\"doumibook memory\",\"version\":2,\"answers\":1,\"sources\":[[\"douban\",7]]}\n{\"query\":\"author:a\",\"at\":1789999990,\"books\":[{\"title\":\"b\",\"source\":\"douban\",\"rating\":[],\"holding\":[\"a\",[[\"b\",1,null]],0,2,\"10月22日\"]}]}\n",
    "{\"format\":\"doumibook memory\",\"version\":3}\n",
];

/// Any file gives a memory within its bound; what was read can be written and read again.
fn state(bytes: &[u8]) {
    const LIMIT: usize = 64 * 1024;
    let origins = vec![Origin { source: doumibook::catalogue::book::Source::Douban, print: 7 }];
    let id = std::thread::current().id();
    let name = format!("doumibook-fuzz-{}-{id:?}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, bytes).expect("a temporary file");
    let load = |path| -> (Memory, Option<String>) { statefile::load(path, LIMIT, origins.clone()) };
    let (memory, complaint) = load(&path);
    assert!(memory.bytes() <= LIMIT);
    assert!(complaint.is_none() || memory.is_empty());
    let snapshot = memory.snapshot();
    if !snapshot.answers.is_empty() {
        statefile::write(&path, &snapshot).expect("a temporary file");
        let (again, complaint) = load(&path);
        assert_eq!(complaint, None);
        assert_eq!(again.snapshot().answers, snapshot.answers);
    }
    for name in [path.clone(), path.with_extension("set-aside")] {
        let _ = std::fs::remove_file(name);
    }
}
