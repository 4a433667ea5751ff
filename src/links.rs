//! Addresses: percent-encoding, and books named by an address.
//!
//! In: text from a reader, a scanned code or a query string. Out: the same text decoded or
//! encoded, or the one book it names. Nothing is fetched and nothing fails: what names no book
//! gives `None`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::catalogue::Query;
use crate::isbn::Isbn;
use crate::text::half_width;

/// RFC 3986, section 2.3: what never needs encoding.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where Douban puts the number of a book. Films and records have numbers of the same kind, so
/// an address must say that it is about a book.
const SUBJECT_FOLLOWS: [&str; 7] = [
    "book.douban.com/subject/",
    "m.douban.com/book/subject/",
    "www.douban.com/book/subject/",
    "douban://douban.com/book/",
    "www.douban.com/doubanapp/dispatch/book/",
    "www.douban.com/doubanapp/dispatch?uri=/book/",
    "api.douban.com/v2/book/",
];

/// Encodes everything but letters, digits and `-._~`.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes `%XX`; a `+` stays a `+`. `None` when a `%` lacks its two digits or the result is
/// not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let complete = |after: &str| {
        after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(complete) {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// The book that an address, or a text with one in it, names: by Douban's number, else by an
/// ISBN whose check digit holds. Ten digits count only where the address calls them an ISBN:
/// one in eleven numbers of any other kind has a fitting check digit.
pub fn book(text: &str) -> Option<Query> {
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    let plain: String = decoded.chars().map(|c| half_width(c).to_ascii_lowercase()).collect();
    subject(&plain).or_else(|| isbn(&plain).map(Query::Isbn))
}

fn subject(text: &str) -> Option<Query> {
    SUBJECT_FOLLOWS.iter().flat_map(|place| text.match_indices(place)).find_map(|(at, place)| {
        let (before, rest) = text.split_at_checked(at)?;
        let other_host = before.ends_with(|c: char| c.is_ascii_alphanumeric() || "-.".contains(c));
        let digits = rest.strip_prefix(place)?.split(|c: char| !c.is_ascii_digit()).next()?;
        Query::subject(digits).filter(|_| !other_host)
    })
}

fn isbn(text: &str) -> Option<Isbn> {
    let in_number = |c: char| c.is_ascii_digit() || c == '-' || c == 'x';
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at_checked(start)?;
        let (number, after) =
            from.split_at_checked(from.find(|c| !in_number(c)).unwrap_or(from.len()))?;
        let named = before.trim_end_matches([' ', ':', '=', '/', '-']).ends_with("isbn")
            || before.ends_with("/dp/");
        let digits = number.trim_end_matches('-');
        let long = digits.bytes().filter(u8::is_ascii_digit).count() >= 13;
        if let Some(isbn) = Isbn::parse(digits).filter(|_| named || long) {
            return Some(isbn);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn books_named_by_an_address() {
        for (sent, names) in [
            ("https://book.douban.com/subject/1084336/",              "subject:1084336"),
            ("http://book.douban.com/subject/1084336",                "subject:1084336"),
            ("HTTPS://Book.Douban.com/subject/1084336/?from=x",       "subject:1084336"),
            ("book.douban.com/subject/1084336/comments",              "subject:1084336"),
            ("看这本《小王子》https://book.douban.com/subject/1084336/ 不错", "subject:1084336"),
            ("https://m.douban.com/book/subject/1084336/",            "subject:1084336"),
            ("https://www.douban.com/doubanapp/dispatch?uri=/book/1084336?a=b", "subject:1084336"),
            ("https://www.douban.com/doubanapp/dispatch?uri=%2Fbook%2F1084336", "subject:1084336"),
            ("https://www.douban.com/link2/?url=https%3A%2F%2Fbook.douban.com%2Fsubject%2F1084336%2F", "subject:1084336"),
            ("douban://douban.com/book/1084336",                      "subject:1084336"),
            ("https://api.douban.com/v2/book/1084336",                "subject:1084336"),
            ("https://api.douban.com/v2/book/isbn/9787020042494",     "isbn:9787020042494"),
            ("https://book.douban.com/isbn/9787020042494/",           "isbn:9787020042494"),
            ("https://book.douban.com/isbn/702004249X/",              "isbn:9787020042494"),
            ("https://lib.example/s?isbn=978-7-02-004249-4&page=2",   "isbn:9787020042494"),
            ("https://shop.example/dp/702004249X",                    "isbn:9787020042494"),
            ("https://shop.example/9787020042494.html",               "isbn:9787020042494"),
            ("这本：９７８７０２００４２４９４ 有吗",                       "isbn:9787020042494"),
            ("https://shop.example/123456/9787020042494-1",           "none"),
            ("https://movie.douban.com/subject/1084336/",             "none"),
            ("https://m.douban.com/movie/subject/1084336/",           "none"),
            ("https://www.douban.com/doubanapp/dispatch?uri=/movie/1084336", "none"),
            ("https://notbook.douban.com/subject/1084336/",           "none"),
            ("https://book.douban.com.evil.example/subject/1084336/", "none"),
            ("https://book.douban.com/subject/",                      "none"),
            ("https://book.douban.com/subject/1234567890123/",        "none"),
            ("https://shop.example/7121042622",                       "none"),
            ("https://shop.example/9787020042495",                    "none"),
            ("https://shop.example/97870200424949787020042494",       "none"),
            ("100% 好书",                                              "none"),
            ("",                                                      "none"),
        ] {
            let found = book(sent).map_or("none".to_owned(), |query| query.to_string());
            assert_eq!(found, names, "{sent}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn percent_encoding() {
        for (encoded, text) in [
            ("abc",             Some("abc")),
            ("a%20b%2B+",       Some("a b++")),
            ("%E4%B8%89%e4%bd%93", Some("三体")),
            ("%",               None),
            ("%2",              None),
            ("%zz",             None),
            ("%+1",             None),
            ("%三体",            None),
            ("%FF",             None),
        ] {
            assert_eq!(percent_decode(encoded).as_deref(), text, "{encoded}");
        }
        for text in ["三体", "a&b=c\"<>'%+ #?/", "-._~"] {
            assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
        }
        assert_eq!(percent_encode("详情 2"), "%E8%AF%A6%E6%83%85%202");
    }
}
