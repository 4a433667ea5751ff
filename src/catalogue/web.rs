//! What all sources on the web share: the reading of a page down to JSON, and words for the
//! operator when there is none.
//!
//! In: a [`Page`] or a [`Failure`]. Out: JSON, or the [`Outcome`] it stands for. Reasons name
//! the setting to look at, never a key, and never repeat a body: error texts carry keys and
//! addresses of clients.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;

use super::json::{self, JsonError};
use super::{Outcome, Reason};
use crate::sys::http::{Failure, Page};
use crate::sys::sync::Slots;

/// Bytes of a large answer: 20 books of the real API have 157 KB.
const LARGE: usize = 256 * 1024;
/// Large answers that are read at the same time.
static READING: Slots = Slots::new(2);

/// The operator must act; `setting` names the variable to look at.
pub fn operator(why: impl Display, setting: &str) -> Outcome {
    Outcome::Operator(Reason(format!("{why}; check {setting}")))
}

/// The outcome when no page came; `setting` names the variable with the base URL.
pub fn failed(failure: &Failure, setting: &str) -> Outcome {
    match failure {
        Failure::Redirected(_) | Failure::Circles => operator(failure, setting),
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
    // Not taken apart: its size would be known only afterwards.
    if page.compressed || page.body.starts_with(b"\x1f\x8b") {
        let why = "a compressed answer, which was not asked for: is there a proxy before it?";
        return Err(operator(why, setting));
    }
    let body = page.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&page.body);
    // A turn for as long as it is read: what comes of it may be three times as large.
    let turn = (body.len() >= LARGE).then(|| READING.wait());
    let read = json::read(body);
    drop(turn);
    let what = match read {
        Ok(value) => return Ok(value),
        Err(JsonError::CutShort) => {
            return Err(Outcome::Down(Reason::new("the answer was empty or cut short")));
        }
        Err(JsonError::TooMany) => "the answer has more values than any search brings",
        Err(JsonError::NotJson) if body.trim_ascii_start().starts_with(b"<") => {
            "a web page instead of JSON"
        }
        Err(JsonError::NotJson) => "the answer is not JSON",
    };
    Err(operator(what, setting))
}

/// What a page means by its status alone, when nothing in it says more; `None` for success.
pub fn by_status(page: &Page, setting: &str) -> Option<Outcome> {
    let status = page.status;
    Some(match status {
        200..=299 => return None,
        // 418 is what Douban answers to programs it does not like.
        418 | 429 => limited(format!("too many requests (HTTP {status})"), page.retry_after),
        503 if page.retry_after.is_some() => limited("resting (HTTP 503)", page.retry_after),
        404 => operator("no such path (HTTP 404)", setting),
        401 | 403 => operator(format_args!("refused (HTTP {status})"), setting),
        _ => Outcome::Down(Reason(format!("HTTP {status}"))),
    })
}
