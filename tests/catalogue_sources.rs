//! What each source's answers mean: given bytes, expected books or outcome, one line a case.

use std::time::Duration;

use doumibook::catalogue::book::{Book, Rating};
use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::{Outcome, Query, douban, neodb};
use doumibook::sys::http::{BaseUrl, Page};

const ISBN: &str = "9787020042494";

fn isbn() -> Query {
    Query::Isbn(Isbn::parse(ISBN).unwrap())
}

fn words() -> Query {
    Query::words("小王子").unwrap()
}

fn author(name: &str) -> Query {
    Query::author(name).unwrap()
}

fn subject() -> Query {
    Query::subject("1084336").unwrap()
}

fn page(status: u16, body: impl AsRef<[u8]>) -> Page {
    Page { status, body: body.as_ref().to_vec(), ..Page::default() }
}

fn neodb_read(query: &Query, page: &Page) -> Outcome {
    neodb::read(query, page, &BaseUrl::parse("https://neodb.social").unwrap())
}

/// All that is known of a book but the title `T`, in words; what is unknown is not mentioned.
fn shown(book: &Book) -> String {
    let rating = match book.rating {
        Rating::Unknown => String::new(),
        Rating::TooFew => "too few".to_owned(),
        Rating::Scored { tenths, count: None } => tenths.to_string(),
        Rating::Scored { tenths, count: Some(count) } => format!("{tenths} of {count}"),
    };
    let fields = [
        ("title", book.title.clone()),
        ("subtitle", book.subtitle.clone()),
        ("origin", book.origin_title.clone()),
        ("authors", book.authors.join("|")),
        ("translators", book.translators.join("|")),
        ("publisher", book.publisher.clone()),
        ("pubdate", book.pubdate.clone()),
        ("price", book.price.clone()),
        ("pages", book.pages.clone()),
        ("series", book.series.clone()),
        ("isbn", book.isbn.map(|isbn| isbn.to_string()).unwrap_or_default()),
        ("rating", rating),
        ("summary", book.summary.clone()),
        ("cover", book.cover.clone()),
        ("link", book.link.clone()),
    ];
    let known = fields
        .iter()
        .filter(|(name, text)| !text.is_empty() && (*name, text.as_str()) != ("title", "T"));
    known.map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("; ")
}

/// An outcome in words; of books found, the titles.
fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Found(books) => {
            let titles: Vec<_> = books.iter().map(|book| book.title.as_str()).collect();
            format!("found {}", titles.join(","))
        }
        Outcome::Guess(books) => format!("{} guesses", books.len()),
        Outcome::NotFound => "not found".to_owned(),
        Outcome::Unfit(reason) => format!("unfit: {reason}"),
        Outcome::Unasked => "unasked".to_owned(),
        Outcome::Limited { retry_after: None, reason } => format!("limited: {reason}"),
        Outcome::Limited { retry_after: Some(after), reason } => {
            format!("limited for {} s: {reason}", after.as_secs())
        }
        Outcome::Operator(reason) => format!("operator: {reason}"),
        Outcome::Down(reason) => format!("down: {reason}"),
    }
}

#[test]
#[rustfmt::skip]
fn fields_of_a_douban_record() {
    for (case, fields, expected) in [
        ("nothing but a title",             r#""id":null"#,                                               ""),
        ("every text null",                 r#""subtitle":null,"author":null,"translator":null,"rating":null,"pubdate":null,"publisher":null,"price":null,"pages":null,"isbn13":null,"image":null,"images":null,"summary":null,"series":null"#, ""),
        ("fields of other kinds",           r#""subtitle":1,"author":{"a":1},"rating":"7","pages":[1],"isbn13":9,"images":"x","series":[],"id":{}"#, "subtitle: 1; rating: 70"),
        ("numbers where texts are usual",   r#""title":1984,"price":22,"pubdate":2003,"isbn13":9787020042494"#, "title: 1984; pubdate: 2003; price: 22; isbn: 9787020042494"),
        ("entities in the title",           r#""title":"&quot;C&quot; &amp; C++ <第2版>""#,                r#"title: "C" & C++ <第2版>"#),
        ("tags in titles",                  r#""title":"<b>C++</b> &amp; C","subtitle":"<p>上册</p>""#,    "title: C++ & C; subtitle: 上册"),
        ("what looks like a tag",           r#""title":"C<T>","subtitle":"C<T>""#,                        "title: C<T>; subtitle: C<T>"),
        ("subtitle",                        r#""subtitle":"第2版""#,                                       "subtitle: 第2版"),
        ("original title",                  r#""origin_title":"Le Petit Prince\u00a0""#,                  "origin: Le Petit Prince"),
        ("original title, by another name", r#""origin_title":"","origin":"Zoographies""#,                "origin: Zoographies"),
        ("no author",                       r#""author":[]"#,                                             ""),
        ("author as a bare text",           r#""author":"甲""#,                                            "authors: 甲"),
        ("nulls among the authors",         r#""author":[null,"甲"]"#,                                     "authors: 甲"),
        ("several in one element",          r#""author":["臧海群,张晨阳"]"#,                                 "authors: 臧海群|张晨阳"),
        ("roles in one element",            r#""author":["[美]A，B  著，C  译"],"translator":[]"#,           "authors: [美]A|B; translators: C"),
        ("a nationality and no name",       r#""author":["[美]"]"#,                                       ""),
        ("translator",                      r#""translator":["马振聘"]"#,                                  "translators: 马振聘"),
        ("translators, by another name",    r#""translators":["庞红蕊"]"#,                                 "translators: 庞红蕊"),
        ("average as a text",               r#""rating":{"max":10,"numRaters":16,"average":"7.4","min":0}"#, "rating: 74 of 16"),
        ("average as a number",             r#""rating":{"average":7.0}"#,                                "rating: 70"),
        ("average null",                    r#""rating":{"average":null}"#,                               ""),
        ("average null, readers known",     r#""rating":{"numRaters":3,"average":null}"#,                 "rating: too few"),
        ("average empty",                   r#""rating":{"average":""}"#,                                 ""),
        ("average beyond the scale",        r#""rating":{"average":"74"}"#,                               ""),
        ("too few raters",                  r#""rating":{"numRaters":9,"average":"0.0"}"#,                "rating: too few"),
        ("too few raters, as a number",     r#""rating":{"average":0.0}"#,                                "rating: too few"),
        ("a negative count",                r#""rating":{"numRaters":-1,"average":"9.9"}"#,               "rating: 99"),
        ("date: year",                      r#""pubdate":"2007""#,                                        "pubdate: 2007"),
        ("date: month",                     r#""pubdate":"2005-1""#,                                      "pubdate: 2005-1"),
        ("date: two digits",                r#""pubdate":"2009-12""#,                                     "pubdate: 2009-12"),
        ("date: day",                       r#""pubdate":"2000-9-1""#,                                    "pubdate: 2000-9-1"),
        ("date: long day",                  r#""pubdate":"2012-11-15""#,                                  "pubdate: 2012-11-15"),
        ("date: Chinese",                   r#""pubdate":"2004年01月""#,                                   "pubdate: 2004年01月"),
        ("date: half Chinese",              r#""pubdate":"2007年02""#,                                     "pubdate: 2007年02"),
        ("date: Chinese year",              r#""pubdate":"2008年""#,                                       "pubdate: 2008年"),
        ("date: with a blank",              r#""pubdate":"2008 年10月""#,                                  "pubdate: 2008 年10月"),
        ("date: short Chinese month",       r#""pubdate":"2010年3月""#,                                    "pubdate: 2010年3月"),
        ("date: dot",                       r#""pubdate":"2009.2""#,                                      "pubdate: 2009.2"),
        ("date: one service's default",     r#""pubdate":"1900-01""#,                                     ""),
        ("price",                           r#""price":"18.80元""#,                                        "price: 18.80元"),
        ("price with a blank",              r#""price":"35.00 元""#,                                       "price: 35.00 元"),
        ("price without a currency",        r#""price":"98.0""#,                                          "price: 98.0"),
        ("price in dollars",                r#""price":"$ 19.15""#,                                       "price: $ 19.15"),
        ("price nought",                    r#""price":"0.00""#,                                          ""),
        ("pages with a unit",               r#""pages":"350 页""#,                                         "pages: 350"),
        ("no pages",                        r#""pages":"0""#,                                             ""),
        ("series",                          r#""series":{"id":"1","title":"世界文学"}"#,                    "series: 世界文学"),
        ("series, by another name",         r#""serials":"世界文学""#,                                      "series: 世界文学"),
        ("both ISBNs",                      r#""isbn10":"702004249X","isbn13":"9787020042494""#,          "isbn: 9787020042494"),
        ("only the short ISBN",             r#""isbn10":"702004249X","isbn13":"""#,                       "isbn: 9787020042494"),
        ("no ISBN",                         r#""isbn13":"统一书号10019·1977""#,                             ""),
        ("plain summary",                   r#""summary":"一\n二\t\u3000三\uf06c""#,                        "summary: 一 二 三"),
        ("summary in HTML",                 r#""summary":"<p>一&nbsp;  二</p><p>三</p>""#,                  "summary: 一 二 三"),
        ("summary in HTML, never closed",   r#""summary":"<p>第一段 &lt;甲&gt;""#,                          "summary: 第一段 <甲>"),
        ("cover: large first",              r#""image":"https://img1.doubanio.com/m.jpg","images":{"small":"https://img1.doubanio.com/s.jpg","large":"https://img1.doubanio.com/l.jpg","medium":"https://img1.doubanio.com/m.jpg"}"#, "cover: https://img1.doubanio.com/l.jpg"),
        ("cover: only large",               r#""images":{"small":"","large":"https://img1.doubanio.com/s.jpg","medium":""}"#, "cover: https://img1.doubanio.com/s.jpg"),
        ("cover: only image",               r#""image":"https://img1.doubanio.com/m.jpg""#,               "cover: https://img1.doubanio.com/m.jpg"),
        ("cover: http",                     r#""image":"http:\/\/img3.douban.com\/mpic\/s1.jpg""#,        "cover: https://img3.douban.com/mpic/s1.jpg"),
        ("cover: none",                     r#""images":{"large":"https://img1.doubanio.com/pics/book-default-large.gif"}"#, ""),
        ("cover: a page to upload one",     r#""images":{"small":"https://img1.doubanio.com/s.jpg","medium":"https://book.douban.com/subject/1/update_image","large":"https://book.douban.com/subject/1/update_image"}"#, "cover: https://img1.doubanio.com/s.jpg"),
        ("link from the number",            r#""id":"1084336","alt":"http://book.loc-zeta.douban.com/subject/1084336/""#, "link: https://book.douban.com/subject/1084336/"),
        ("number as a number",              r#""id":1084336"#,                                            "link: https://book.douban.com/subject/1084336/"),
        ("no number",                       r#""id":"../x","url":"https://api.douban.com/v2/book/1""#,    ""),
        ("what is not shown",               r#""tags":[{"count":1,"name":"a"}],"catalog":"\n","ebook_price":"1.00","binding":"平装""#, ""),
    ] {
        // Of two equal names the last counts, so a case may give its own title.
        let body = format!(r#"{{"title":"T",{fields}}}"#);
        match douban::read(&subject(), &page(200, &body)) {
            Outcome::Found(books) => assert_eq!(shown(&books[0]), expected, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

#[test]
#[rustfmt::skip]
fn fields_of_a_neodb_record() {
    for (case, fields, expected) in [
        ("nulls everywhere",     r#""subtitle":null,"orig_title":null,"author":[],"translator":[],"publisher":[],"pub_house":null,"pub_year":null,"pub_month":null,"price":null,"pages":null,"series":null,"isbn":null,"description":null,"cover_image_url":null,"rating":null,"rating_count":null"#, ""),
        ("titles",               r#""subtitle":"副","orig_title":"Le Petit Prince""#,       "subtitle: 副; origin: Le Petit Prince"),
        ("people",               r#""author":["[法] 甲"],"translator":["乙","丙"]"#,         "authors: [法] 甲; translators: 乙|丙"),
        ("one publisher",        r#""publisher":["人民文学出版社"],"pub_house":"旧""#,         "publisher: 人民文学出版社"),
        ("two publishers",       r#""publisher":["甲社","乙社"]"#,                           "publisher: 甲社 / 乙社"),
        ("the older field",      r#""publisher":[],"pub_house":"旧社""#,                     "publisher: 旧社"),
        ("year and month",       r#""pub_year":2003,"pub_month":8"#,                        "pubdate: 2003-8"),
        ("year",                 r#""pub_year":2003,"pub_month":null"#,                     "pubdate: 2003"),
        ("price",                r#""price":"CNY 23.00""#,                                  "price: CNY 23.00"),
        ("pages as a number",    r#""pages":97"#,                                           "pages: 97"),
        ("pages as a text",      r#""pages":"97页""#,                                        "pages: 97"),
        ("series, ISBN",         r#""series":"丛书","isbn":"9787020042494""#,                "series: 丛书; isbn: 9787020042494"),
        ("rating",               r#""rating":8.96,"rating_count":37"#,                      "rating: 90 of 37"),
        ("rating with no count", r#""rating":9,"rating_count":null"#,                       "rating: 90"),
        ("below five ratings",   r#""rating":null,"rating_count":4"#,                       "rating: too few"),
        ("description",          r#""description":"一\r\n\r\n二""#,                           "summary: 一 二"),
        ("cover",                r#""cover_image_url":"https://neodb.social/m/1.jpg""#,     "cover: https://neodb.social/m/1.jpg"),
        ("link without a path",  r#""url":null,"id":"https://neodb.social/book/5uGl""#,    "link: https://neodb.social/book/5uGl"),
        ("link that is none",    r#""id":"http://neodb.social/book/5uGl""#,                ""),
        ("link",                 r#""url":"/book/5uGl","id":"https://neodb.social/book/5uGl","api_url":"/api/book/5uGl""#, "link: https://neodb.social/book/5uGl"),
    ] {
        let body = format!(r#"{{"data":[{{"title":"T",{fields}}}],"pages":1,"count":1}}"#);
        match neodb_read(&words(), &page(200, &body)) {
            Outcome::Found(books) => assert_eq!(shown(&books[0]), expected, "{case}"),
            other => panic!("{case}: {other:?}"),
        }
    }
}

const MINE: &str = r#"{"title":"A","author":["[法] 圣埃克苏佩里"],"isbn13":"9787020042494"}"#;
const OTHER: &str = r#"{"title":"B","author":["乙"],"isbn13":"9787121042621"}"#;
const BARE: &str = r#"{"title":"C","isbn13":""}"#;

#[test]
#[rustfmt::skip]
fn what_douban_and_its_likes_answer() {
    let many = format!(r#"{{"books":[{}]}}"#, vec![BARE; 30].join(","));
    let twenty = format!("found {}", ["C"; 20].join(","));
    let app_limit = "limited: too many requests (code 1309)";
    let down = "down: the answer was empty or cut short";
    let html = "operator: a web page instead of JSON; check DOUMIBOOK_DOUBAN_URL";
    let empty = "operator: JSON, but no books in it; check DOUMIBOOK_DOUBAN_URL";
    let no_path = "operator: no such path (HTTP 404); check DOUMIBOOK_DOUBAN_URL";
    let refused = "operator: refused (HTTP 403); check DOUMIBOOK_DOUBAN_KEY and DOUMIBOOK_DOUBAN_URL";
    for (case, query, status, body, expected) in [
        // Shapes.
        ("a bare record",             isbn(),    200, MINE.into(),                                   "found A"),
        ("an envelope",               words(),   200, format!(r#"{{"count":20,"start":0,"total":2,"books":[{MINE},{OTHER}]}}"#), "found A,B"),
        ("an envelope with code 0",   words(),   200, format!(r#"{{"code":0,"msg":"","books":[{MINE}]}}"#), "found A"),
        ("an envelope for an ISBN",   isbn(),    200, format!(r#"{{"success":true,"message":null,"books":[{MINE}]}}"#), "found A"),
        ("a bare list",               words(),   200, format!("[{MINE},{OTHER}]"),                   "found A,B"),
        ("a byte order mark",         isbn(),    200, format!("\u{feff}{MINE}"),                     "found A"),
        ("more than asked for",       words(),   200, many,                                          &twenty),
        ("no hit",                    words(),   200, r#"{"count":20,"start":0,"total":0,"books":[]}"#.into(), "not found"),
        ("no hit, or blocked",        words(),   200, r#"{"code":0,"msg":"","books":[]}"#.into(),    "not found"),
        ("no hit, as null",           isbn(),    200, r#"{"success":true,"books":null}"#.into(),     "not found"),
        ("no hit, as a list",         words(),   200, "[]".into(),                                   "not found"),
        // Which records answer.
        ("another ISBN is dropped",   isbn(),    200, format!(r#"{{"books":[{OTHER},{MINE},{BARE}]}}"#), "found A,C"),
        ("only another ISBN",         isbn(),    200, OTHER.into(),                                  "not found"),
        ("by this author",            author("圣埃克苏佩里"), 200, format!("[{OTHER},{MINE},{BARE}]"),  "found A"),
        ("by nobody spelled so",      author("丙"), 200, format!("[{OTHER},{MINE},{BARE}]"),          "found B,A,C"),
        ("one without a title",       words(),   200, format!(r#"[{{"title":" "}},{BARE},7,null]"#), "found C"),
        ("none with a title",         words(),   200, r#"{"books":[{"id":"1"}]}"#.into(),            "unfit: records without a title"),
        ("a record without a title",  isbn(),    200, r#"{"id":"1","title":""}"#.into(),             "unfit: records without a title"),
        // Codes decide.
        ("no such book",              isbn(),    404, error(6000),  "not found"),
        ("no such book, with 200",    isbn(),    200, error(6000),  "not found"),
        ("plain http",                isbn(),    400, error(100),   "operator: https is required (code 100); check DOUMIBOOK_DOUBAN_URL"),
        ("bad key",                   isbn(),    403, error(104),   "operator: the key is missing or wrong (code 104); check DOUMIBOOK_DOUBAN_KEY"),
        ("bad key, with 400",         words(),   400, error(104),   "operator: the key is missing or wrong (code 104); check DOUMIBOOK_DOUBAN_KEY"),
        ("blocked key",               isbn(),    403, error(105),   "operator: the key is blocked (code 105); check DOUMIBOOK_DOUBAN_KEY"),
        ("weak key",                  isbn(),    403, error(109),   "operator: the key may not do this (code 109); check DOUMIBOOK_DOUBAN_KEY"),
        ("permission",                isbn(),    403, error(1000),  "operator: the key may not do this (code 1000); check DOUMIBOOK_DOUBAN_KEY"),
        ("limit of the user",         isbn(),    403, error(111),   "limited: too many requests (code 111)"),
        ("limit of the address",      isbn(),    400, error(112),   "limited: too many requests (code 112)"),
        ("limit of searches",         words(),   400, error(1080),  "limited: too many requests (code 1080)"),
        ("captcha",                   words(),   403, error(1007),  "limited: Douban asks for a captcha (code 1007)"),
        ("parameter missing",         words(),   403, error(113),   refused),
        ("arguments missing",         words(),   400, error(1002),  "down: HTTP 400"),
        ("unknown error",             isbn(),    400, error(999),   "down: HTTP 400"),
        ("wrong path",                isbn(),    404, error(1001),  "operator: no such path (code 1001); check DOUMIBOOK_DOUBAN_URL"),
        ("a code nobody knows",       isbn(),    200, error(4242),  "down: error code 4242"),
        ("limit of the app's API",    isbn(),    400, r#"{"code":1309,"msg":"SECRETKEY"}"#.into(),   app_limit),
        ("a code in words",           isbn(),    400, r#"{"code":"subject_ip_rate_limit"}"#.into(), app_limit),
        ("a message that is a code",  isbn(),    400, r#"{"msg":"subject_ip_rate_limit"}"#.into(),  app_limit),
        ("refused in the same words", isbn(),    403, r#"{"msg":"subject_ip_rate_limit","code":1000}"#.into(), app_limit),
        ("and with all its fields",   words(),   403, r#"{"msg":"subject_ip_rate_limit","code":1309,"request":"GET /v2/book/search","localized_message":""}"#.into(), app_limit),
        ("with more words",           isbn(),    400, r#"{"code":"SECRETKEY","msg":"subject_ip_rate_limit: x"}"#.into(), app_limit),
        ("other words",               isbn(),    400, r#"{"code":"SECRETKEY","msg":"x"}"#.into(), "down: HTTP 400"),
        ("a code in digits",          isbn(),    400, r#"{"code":"112"}"#.into(),                    "limited: too many requests (code 112)"),
        // Status decides.
        ("404 in JSON, by number",    subject(), 404, r#"{"detail":"Not Found"}"#.into(),            "not found"),
        ("404 in JSON, of a search",  words(),   404, r#"{"detail":"Not Found"}"#.into(),            no_path),
        ("404 and nothing",           isbn(),    404, "".into(),                                     no_path),
        ("404 in HTML",               isbn(),    404, "<html>".into(),                               no_path),
        ("403 in HTML",               isbn(),    403, "<html>".into(),                               refused),
        ("418",                       words(),   418, "".into(),                                     "limited: too many requests (HTTP 418)"),
        ("429",                       words(),   429, "<html>".into(),                               "limited: too many requests (HTTP 429)"),
        ("500 in JSON",               isbn(),    500, r#"{"status":500,"error":"Internal"}"#.into(), "down: HTTP 500"),
        ("503",                       isbn(),    503, "".into(),                                     "down: HTTP 503"),
        ("400 with a message",        words(),   400, r#"{"message":"SECRETKEY"}"#.into(),           "down: HTTP 400"),
        ("service: not found",        isbn(),    500, "HTTP status client error (404 Not Found) for url (https://SECRETKEY/)".into(), "not found"),
        ("service: blocked",          isbn(),    500, "HTTP status client error (403 Forbidden) for url (https://SECRETKEY/)".into(), "limited: Douban blocks the service (its pages answer 403)"),
        ("service: teapot",           isbn(),    500, "HTTP status client error (418 I'm a teapot)".into(), "limited: Douban blocks the service (its pages answer 418)"),
        ("service: unreachable",      isbn(),    500, "error sending request for url (https://SECRETKEY/)".into(), "down: HTTP 500"),
        // Not an answer.
        ("a web page",                words(),   200, " <!DOCTYPE html><title>禁止访问</title>".into(), html),
        ("text",                      words(),   200, "welcome".into(),                              "operator: the answer is not JSON; check DOUMIBOOK_DOUBAN_URL"),
        ("JSONP",                     words(),   200, format!(";cb({MINE})"),                        "operator: the answer is not JSON; check DOUMIBOOK_DOUBAN_URL"),
        ("nothing",                   isbn(),    200, "".into(),                                     down),
        ("half an answer",            isbn(),    200, r#"{"title":"A","#.into(),                     down),
        ("other JSON",                isbn(),    200, "{}".into(),                                   empty),
        ("a number",                  isbn(),    200, "7".into(),                                    empty),
        ("null",                      isbn(),    200, "null".into(),                                 empty),
        ("books that are none",       words(),   200, r#"{"books":7}"#.into(),                       empty),
        ("very deep JSON",            words(),   200, "[".repeat(100_000),                           "operator: the answer has more values than any search brings; check DOUMIBOOK_DOUBAN_URL"),
    ] {
        let found = outcome(&douban::read(&query, &page(status, &body)));
        assert_eq!(found, expected, "{case}");
        assert!(!found.contains("SECRETKEY") && !found.contains("203.0.113.7"), "{case}");
    }
}

#[test]
#[rustfmt::skip]
fn names_are_the_same_however_dots_and_blanks_are_set() {
    let by = |name| format!(r#"[{{"title":"A","author":["某人"]}},{{"title":"B","author":["{name}"]}}]"#);
    for (typed, written, same) in [
        ("J.K.罗琳",          "[英] J. K. 罗琳",   true),
        ("J·K·罗琳",          "[英] J. K. 罗琳",   true),
        ("JK罗琳",            "[英] J. K. 罗琳",   true),
        ("j k 罗琳",          "J.K.罗琳",          true),
        ("加西亚马尔克斯",     "加西亚·马尔克斯",    true),
        ("加西亚 马尔克斯",    "加西亚·马尔克斯",    true),
        ("加西亚・马尔克斯",   "加西亚•马尔克斯",    true),
        ("马尔克斯",          "加西亚·马尔克斯",    true),
        ("Rowling J.K.",     "J.K. Rowling",     true),
        ("J. K. Rowling",    "Rowling, J. K.",   false),
        ("加西亚 洛尔卡",     "加西亚·马尔克斯",    false),
    ] {
        let found = outcome(&douban::read(&author(typed), &page(200, by(written))));
        assert_eq!(found, if same { "found B" } else { "found A,B" }, "{typed:?} of {written:?}");
    }
}

/// An error as Douban writes it: with the key and the address of the caller in its text.
fn error(code: u32) -> String {
    format!(
        r#"{{"msg":"some_error: SECRETKEY 203.0.113.7","code":{code},"request":"GET \/v2\/x"}}"#
    )
}

#[test]
#[rustfmt::skip]
fn what_neodb_answers() {
    let mine = r#"{"title":"A","author":["甲"],"isbn":"9787020042494"}"#;
    let other = r#"{"title":"B","author":["乙"],"isbn":null}"#;
    let both = format!(r#"{{"data":[{mine},{other}],"pages":1,"count":2}}"#);
    for (case, query, status, body, expected) in [
        ("a search",          words(),     200, both.clone(),                          "found A,B"),
        ("an ISBN",           isbn(),      200, both.clone(),                          "found A"),
        ("an author",         author("乙"), 200, both,                                  "found B"),
        ("only other ISBNs",  isbn(),      200, format!(r#"{{"data":[{other}]}}"#),    "not found"),
        ("no hit",            words(),     200, r#"{"data":[],"pages":0,"count":0}"#.into(), "not found"),
        ("no title",          words(),     200, r#"{"data":[{"title":null}]}"#.into(), "unfit: records without a title"),
        ("an empty question", words(),     400, r#"{"message":"x"}"#.into(),           "down: HTTP 400"),
        ("login needed",      words(),     401, r#"{"detail":"x"}"#.into(),            "operator: refused (HTTP 401); check DOUMIBOOK_NEODB_URL"),
        ("no NeoDB there",    words(),     404, "<html>".into(),                       "operator: no such path (HTTP 404); check DOUMIBOOK_NEODB_URL"),
        ("limit",             words(),     429, "".into(),                             "limited: too many requests (HTTP 429)"),
        ("fault",             words(),     502, "<html>".into(),                       "down: HTTP 502"),
        ("a web page",        words(),     200, "<html>".into(),                       "operator: a web page instead of JSON; check DOUMIBOOK_NEODB_URL"),
        ("other JSON",        words(),     200, r#"{"message":"x"}"#.into(),           "operator: JSON, but no books in it; check DOUMIBOOK_NEODB_URL"),
        ("half an answer",    words(),     200, r#"{"data":["#.into(),                 "down: the answer was empty or cut short"),
    ] {
        assert_eq!(outcome(&neodb_read(&query, &page(status, &body))), expected, "{case}");
    }
}

#[test]
fn the_wish_to_be_left_alone_is_passed_on() {
    let wish = |status, body: String| Page {
        retry_after: Some(Duration::from_secs(90)),
        ..page(status, body)
    };
    for (status, body, expected) in [
        (429, String::new(), "limited for 90 s: too many requests (HTTP 429)"),
        (503, String::new(), "limited for 90 s: resting (HTTP 503)"),
        (400, error(112), "limited for 90 s: too many requests (code 112)"),
    ] {
        assert_eq!(outcome(&douban::read(&isbn(), &wish(status, body))), expected);
    }
    assert_eq!(
        outcome(&neodb_read(&isbn(), &wish(503, String::new()))),
        "limited for 90 s: resting (HTTP 503)"
    );
}

#[test]
fn an_answer_cut_anywhere_is_no_answer() {
    let whole = r#"{"books":[{"title":"三体","rating":{"average":9.0},"author":["甲"]}]}"#;
    for end in 0..whole.len() {
        let cut = douban::read(&words(), &page(200, &whole.as_bytes()[..end]));
        assert!(
            !matches!(cut, Outcome::Found(_) | Outcome::NotFound),
            "cut after {end} bytes: {cut:?}"
        );
    }
    assert_eq!(outcome(&douban::read(&words(), &page(200, whole))), "found 三体");
}

#[test]
fn what_comes_compressed_is_named_as_such() {
    let said = |setting| {
        let why = "a compressed answer, which was not asked for: is there a proxy before it?";
        format!("operator: {why}; check {setting}")
    };
    let by_header = Page { compressed: true, ..page(200, "\u{8b}") };
    for page in [by_header, page(200, [0x1f, 0x8b, 8, 0])] {
        assert_eq!(outcome(&douban::read(&isbn(), &page)), said("DOUMIBOOK_DOUBAN_URL"));
        assert_eq!(outcome(&neodb_read(&isbn(), &page)), said("DOUMIBOOK_NEODB_URL"));
    }
    let limit = Page { compressed: true, ..page(429, [0x1f, 0x8b, 8, 0]) };
    assert_eq!(outcome(&neodb_read(&isbn(), &limit)), "limited: too many requests (HTTP 429)");
}
