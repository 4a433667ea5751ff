//! The addresses of an Interlib catalogue: its own, as people paste it, and those asked.
//!
//! In: what the operator set, or a [`Query`]. Out: a [`BaseUrl`], the texts to search for, and
//! [`Url`]s. Pure. No sign that the search understands as a command reaches it, and no empty
//! question, which it would answer with everything it has.

use crate::catalogue::Query;
use crate::sys::http::{BaseUrl, Url};

/// The first parts of pages under the catalogue's own address. Whoever pastes one of them means
/// what stands before it.
const PAGES: [&str; 15] = [
    "index", "search", "advance", "api", "book", "reader", "ranking", "newbook", "browse", "class",
    "special", "login", "user", "home", "m",
];

/// Signs of Lucene's query language (its classic parser); `*:*` alone is the whole catalogue.
const SIGNS: [char; 20] = [
    '+', '-', '&', '|', '!', '(', ')', '{', '}', '[', ']', '^', '"', '~', '*', '?', ':', '\\', '/',
    ';',
];

/// Characters of a question that are sent; no title is longer.
const LONGEST: usize = 100;

/// The catalogue's own address out of what people paste: `…/opac/index`, `…/opac/search?q=a`,
/// `…/opac/book/61754#top`, with slashes at its end or a session's number. An error is what would
/// be right. Plain `http://` is right to anybody: many catalogues have nothing else, and what is
/// sent is what a reader types on their page.
pub fn base(text: &str) -> Result<BaseUrl, &'static str> {
    let text = text.trim();
    let address = text.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else { return BaseUrl::anywhere(address) };
    let mut parts = rest.split('/').map(|part| part.split(';').next().unwrap_or_default());
    let host = parts.next().unwrap_or_default();
    let own = parts.filter(|part| !part.is_empty()).take_while(|part| !is_page(part));
    let path: String = own.map(|part| format!("/{part}")).collect();
    BaseUrl::anywhere(&format!("{}://{host}{path}", scheme.to_ascii_lowercase()))
}

fn is_page(part: &str) -> bool {
    let name = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
    PAGES.contains(&name.as_str())
}

/// A code of a branch or tenant, or several with commas; an error is what would be right.
pub fn lib(text: &str) -> Result<String, &'static str> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b',');
    let fits = text.len() <= 100 && text.bytes().all(fits);
    fits.then(|| text.to_owned()).ok_or("a code such as STC001, as after curlibcode= on its pages")
}

/// One search: the text, and the field it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Never empty.
    pub text: String,
    /// `searchWay`; any field without it.
    pub way: Option<&'static str>,
}

/// What to search for, one after another until something is found; none when the catalogue
/// cannot know or nothing is left to search for.
pub fn searches(query: &Query) -> Vec<Search> {
    let (texts, way) = match query {
        // Without hyphens: with them an ISBN is found nowhere. Records of before 2007 have ten
        // digits, and whether the longer form finds them is not known.
        Query::Isbn(isbn) => (vec![isbn.isbn13(), isbn.isbn10().unwrap_or_default()], None),
        // A message that nothing is found by may have been a question around a title.
        Query::Words(words) => {
            let plainer = match query.plainer() {
                Some(Query::Words(plainer)) => plain(&plainer),
                _ => String::new(),
            };
            (vec![plain(words), plainer], None)
        }
        Query::Author(name) => (vec![plain(name)], Some("author")),
        Query::Subject(_) | Query::Newest | Query::Photo(_) => (Vec::new(), None),
    };
    let mut texts: Vec<String> = texts;
    texts.retain(|text| !text.is_empty());
    texts.dedup();
    let texts = texts.into_iter();
    texts.map(|text| Search { text, way }).collect()
}

/// Words without signs.
pub fn plain(words: &str) -> String {
    let bare: String = words.chars().map(|c| if SIGNS.contains(&c) { ' ' } else { c }).collect();
    let bare = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    // Marks alone are no question either.
    if !bare.contains(char::is_alphanumeric) {
        return String::new();
    }
    bare.chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}

/// The first `rows` books of a search.
pub fn search(base: &BaseUrl, lib: Option<&str>, search: &Search, rows: &str) -> Url {
    let mut query =
        vec![("q", search.text.as_str()), ("rows", rows), ("page", "1"), ("wt", "json")];
    query.extend(search.way.map(|way| ("searchWay", way)));
    query.extend(lib.map(|lib| ("curlibcode", lib)));
    base.url("/api/search", &query)
}

/// The copies of all these records, by branch and room.
pub fn previews(base: &BaseUrl, lib: Option<&str>, records: &[u64]) -> Url {
    let records: Vec<String> = records.iter().map(u64::to_string).collect();
    let records = records.join(",");
    let query = [
        ("bookrecnos", records.as_str()),
        ("curLibcodes", lib.unwrap_or_default()),
        ("return_fmt", "json"),
        ("isCluster", "false"),
    ];
    base.url("/book/holdingPreviews", &query)
}

/// Every copy of one record, with loans.
pub fn holding(base: &BaseUrl, lib: Option<&str>, record: u64) -> Url {
    let limits: Vec<_> = lib.map(|lib| ("limitLibcodes", lib)).into_iter().collect();
    base.url(&format!("/api/holding/{record}"), &limits)
}

/// The page a reader can open.
pub fn page(base: &BaseUrl, record: u64) -> String {
    format!("{}/book/{record}", base.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::isbn::Isbn;

    #[test]
    #[rustfmt::skip]
    fn what_people_paste() {
        for (pasted, kept) in [
            ("https://opac.example.org/opac",                         "https://opac.example.org/opac"),
            ("https://opac.example.org/opac/",                        "https://opac.example.org/opac"),
            ("https://opac.example.org/opac//index",                  "https://opac.example.org/opac"),
            ("http://183.61.108.206:8088/opac/index#/",               "http://183.61.108.206:8088/opac"),
            ("http://opac.example.org/opac/search?q=a&searchType=b",  "http://opac.example.org/opac"),
            ("http://opac.example.org/opac/api/search?q=a&wt=json",   "http://opac.example.org/opac"),
            ("http://opac.example.org/opac/index;jsessionid=1A?b",    "http://opac.example.org/opac"),
            ("http://opac.example.org/opac;jsessionid=1A",            "http://opac.example.org/opac"),
            ("http://opac.example.org/opac3/book/61754?globalSearchWay=", "http://opac.example.org/opac3"),
            ("http://opac.example.org/lib2/m/index",                  "http://opac.example.org/lib2"),
            ("HTTP://opac.example.org/index.jsp",                     "http://opac.example.org"),
            ("http://opac.example.org/#top",                          "http://opac.example.org"),
            (" http://opac.example.org/a/opac/reader/login \n",       "http://opac.example.org/a/opac"),
        ] {
            assert_eq!(base(pasted).as_ref().map(BaseUrl::as_str), Ok(kept), "{pasted}");
        }
        for wrong in ["", "opac.example.org/opac", "ftp://a/opac", "http://", "http://me:pw@a/opac"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes() {
        assert_eq!(lib("STC001").as_deref(), Ok("STC001"));
        assert_eq!(lib("0500,QT_1").as_deref(), Ok("0500,QT_1"));
        for wrong in ["a&b", "潮州", "a b"] {
            assert!(lib(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn no_sign_and_no_empty_question_is_sent() {
        for (words, sent) in [
            ("三体",                        "三体"),
            ("三体 刘慈欣",                 "三体 刘慈欣"),
            ("*:*",                         ""),
            ("title_meta:三体",             "title_meta 三体"),
            ("+三体 -黑暗 !x",              "三体 黑暗 x"),
            ("(a or b) and [c to d]",       "a or b and c to d"),
            ("c++ \"程序\" 设计^10 ~ a\\b",  "c 程序 设计 10 a b"),
            ("tcp/ip",                      "tcp ip"),
            ("?!…。·",                      ""),
            ("q=1&rows=9|x;y{z}",           "q=1 rows=9 x y z"),
        ] {
            assert_eq!(plain(words), sent, "{words}");
        }
        assert_eq!(plain(&"长".repeat(300)).chars().count(), 100);
    }

    #[test]
    fn questions() {
        let texts =
            |query| searches(&query).into_iter().map(|s| (s.text, s.way)).collect::<Vec<_>>();
        let isbn = Isbn::parse("7-80628-555-5").unwrap();
        let (long, short) = (isbn.isbn13(), "7806285555".to_owned());
        assert_eq!(texts(Query::Isbn(isbn)), [(long, None), (short, None)]);
        let late = Isbn::parse("9791032305690").unwrap();
        assert_eq!(texts(Query::Isbn(late)), [("9791032305690".to_owned(), None)]);
        assert_eq!(
            texts(Query::author("刘慈欣").unwrap()),
            [("刘慈欣".to_owned(), Some("author"))]
        );
        assert_eq!(texts(Query::words("***").unwrap()), []);
        assert_eq!(texts(Query::subject("1").unwrap()), []);
    }
}
