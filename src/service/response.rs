//! An HTTP answer as a value.
//!
//! In: a status, a type, a body, all ours: nothing a client sent ever becomes part of a head.
//! Out: the same, for whoever writes it to a wire or shows it.

use std::borrow::Cow;

/// `text/plain` for everything that is not XML or HTML; echostr is somebody else's text and
/// must never be taken for a page.
pub const TEXT: &str = "text/plain; charset=utf-8";
/// Replies to pushes.
pub const XML: &str = "application/xml; charset=utf-8";
/// The pages at `/`.
pub const HTML: &str = "text/html; charset=utf-8";
/// Answers to the demo's page.
pub const JSON: &str = "application/json";

/// What a 405 may name.
pub const ALLOW: [&str; 2] = ["GET, HEAD", "GET, HEAD, POST"];

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 … 599.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The methods a 405 must name.
    pub allow: Option<&'static str>,
    /// The whole body.
    pub body: Cow<'static, [u8]>,
}

impl Response {
    /// An answer with this status, type and body.
    pub fn new(
        status: u16,
        content_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        Self { status, content_type, allow: None, body: body.into() }
    }

    /// A fixed line of text.
    pub fn line(status: u16, line: &'static str) -> Self {
        Self::new(status, TEXT, line.as_bytes())
    }
}
