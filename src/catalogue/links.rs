//! Addresses: percent-encoding, and books named by an address.
//!
//! In: text from a reader, a scanned code or a query string. Out: the same text decoded or
//! encoded, or the one book it names. Nothing is fetched and nothing fails: what names no book
//! gives `None`.

use super::isbn::{self, Typed};
use crate::catalogue::Query;
use crate::sys::percent::percent_decode_lossy;
use crate::sys::text::{self, half_width};

/// Bytes behind a domain that are looked at; what the app shares has 300.
const LONGEST: usize = 512;

/// The book that an address, or a text with one in it, names: by Douban's number, else by an
/// ISBN whose check digit holds (see [`isbn::within`]).
pub fn book(text: &str) -> Option<Query> {
    let decoded = percent_decode_lossy(text);
    let plain: String = decoded.chars().map(|c| half_width(c).to_ascii_lowercase()).collect();
    subject(&plain).or_else(|| match isbn::within(&plain) {
        Typed::Right(isbn) => Some(Query::Isbn(isbn)),
        _ => None,
    })
}

/// Whether a text is an address and nothing else.
pub fn is_bare_address(text: &str) -> bool {
    let text = text.trim();
    text.split_once("://")
        .is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphabetic()))
        && !text.contains(char::is_whitespace)
}

/// Douban's number of a book. Films and records have numbers of the same kind, so an address
/// must say that it is about a book.
fn subject(written: &str) -> Option<Query> {
    written.match_indices("douban.com/").find_map(|(at, domain)| {
        let (before, rest) = written.split_at_checked(at)?;
        let in_host = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        let host = before.get(before.trim_end_matches(in_host).len()..)?;
        // Bounded, since a text may be nothing but such beginnings.
        let path = text::cut(rest.strip_prefix(domain)?, LONGEST);
        let path = path.split(char::is_whitespace).next()?;
        let number = match host {
            "book." => path.strip_prefix("subject/")?,
            "api." => path.strip_prefix("v2/book/")?,
            // What the app makes of a book to be shared; the path of it is in the query.
            "" | "www." | "m." if path.starts_with("doubanapp/dispatch") => {
                let (_, book) = path.split_once("/book/")?;
                book.strip_prefix("subject/").unwrap_or(book)
            }
            "" | "www." | "m." => {
                let book = path.strip_prefix("book/")?;
                book.strip_prefix("subject/").unwrap_or(book)
            }
            _ => return None,
        };
        Query::subject(number.split(|c: char| !c.is_ascii_digit()).next()?)
    })
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
            ("看这本《小王子》book.douban.com/subject/1084336/",        "subject:1084336"),
            ("https://douban.com/book/subject/1084336/",              "subject:1084336"),
            ("https://douban.com/doubanapp/dispatch/book/1084336",    "subject:1084336"),
            ("https://m.douban.com/doubanapp/dispatch?from=x&uri=/book/subject/1084336", "subject:1084336"),
            ("https://api.douban.com/v2/book/1084336",                "subject:1084336"),
            ("https://api.douban.com/v2/book/isbn/9787020042494",     "isbn:9787020042494"),
            ("https://book.douban.com/isbn/9787020042494/",           "isbn:9787020042494"),
            ("https://book.douban.com/isbn/702004249X/",              "isbn:9787020042494"),
            ("https://lib.example/s?id=isbn_702004249X",              "isbn:9787020042494"),
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
}
