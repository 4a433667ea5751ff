//! What all sources on the web share: the reading of a page down to JSON, and words for the
//! operator when there is none.
//!
//! In: a [`Page`] or a [`Failure`]. Out: JSON, or the [`Outcome`] it stands for. Reasons name
//! the setting to look at, never a key, and never repeat a body: error texts carry keys and
//! addresses of clients.

use std::time::Duration;

use serde_json::Value;

use super::{HITS, Outcome, Query, Reason};
use crate::book::{Book, Source};
use crate::http::{Failure, Page};
use crate::text;

/// The outcome when no page came; `setting` names the variable with the base URL.
pub fn failed(failure: &Failure, setting: &str) -> Outcome {
    match failure {
        Failure::Redirected(_) => Outcome::Operator(Reason(format!("{failure}; check {setting}"))),
        _ => Outcome::Down(Reason(failure.to_string())),
    }
}

/// The source asks to be left alone.
pub fn limited(why: impl Into<String>, retry_after: Option<Duration>) -> Outcome {
    Outcome::Limited { retry_after, reason: Reason(why.into()) }
}

/// The page as JSON, whatever its status and Content-Type; else what it means that a
/// successful page is none.
pub fn json(page: &Page, setting: &str) -> Result<Value, Outcome> {
    let body = page.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&page.body);
    serde_json::from_slice(body).map_err(|error| {
        let what = if body.trim_ascii_start().starts_with(b"<") {
            "a web page instead of JSON"
        } else if error.is_eof() {
            return Outcome::Down(Reason::new("the answer was empty or cut short"));
        } else {
            "the answer is not JSON"
        };
        Outcome::Operator(Reason(format!("{what}; check {setting}")))
    })
}

/// What a page means by its status alone, when nothing in it says more; `None` for success.
pub fn by_status(page: &Page, setting: &str) -> Option<Outcome> {
    let status = page.status;
    Some(match status {
        200..=299 => return None,
        // 418 is what Douban answers to programs it does not like.
        418 | 429 => limited(format!("too many requests (HTTP {status})"), page.retry_after),
        503 if page.retry_after.is_some() => limited("resting (HTTP 503)", page.retry_after),
        404 => Outcome::Operator(Reason(format!("no such path (HTTP 404); check {setting}"))),
        401 | 403 => Outcome::Operator(Reason(format!("refused (HTTP {status}); check {setting}"))),
        _ => Outcome::Down(Reason(format!("HTTP {status}"))),
    })
}

/// The books that answer the query, out of those in the records: with the number asked for,
/// or by the person asked for. Records of which none has a title are no answer.
pub fn answer(query: &Query, records: &[Value], book: impl Fn(&Value) -> Option<Book>) -> Outcome {
    let mut books: Vec<Book> = records.iter().filter_map(book).collect();
    if books.is_empty() && !records.is_empty() {
        return Outcome::Down(Reason::new("records without a title"));
    }
    books.retain(|book| match query {
        Query::Author(name) => book.authors.iter().any(|a| text::fold(a).contains(name.as_str())),
        // Douban was asked for the number, NeoDB for a text that may stand anywhere.
        Query::Isbn(isbn) => book.isbn.map_or(book.source == Source::Douban, |its| its == *isbn),
        _ => true,
    });
    books.truncate(HITS);
    if books.is_empty() { Outcome::NotFound } else { Outcome::Found(books) }
}

/// A text field, or nothing when it is missing, null or of another kind.
pub fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A list of texts; a bare text is a list of one.
pub fn texts<'a>(record: &'a Value, name: &str) -> Vec<&'a str> {
    match record.get(name) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one],
        _ => Vec::new(),
    }
}

/// A number, or a text that is one.
pub fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}
