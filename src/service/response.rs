//! An HTTP answer as a value, on its way from the service to the wire.
//!
//! In: a status, a type, a body, all ours: nothing a client sent ever becomes part of a head.
//! Out: the bytes of the answer, always with `Content-Type` and `Content-Length`.

use std::borrow::Cow;
use std::io::Write as _;

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

    /// Writes head and body after what is in `out`. `connection` is the value of the
    /// `Connection` header, left out when the protocol's default says it already. A HEAD
    /// request gets the head alone.
    pub fn write(&self, out: &mut Vec<u8>, connection: Option<&str>, with_body: bool) {
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
            self.status,
            phrase(self.status),
            self.content_type,
            self.body.len()
        );
        if let Some(allow) = self.allow {
            let _ = write!(out, "Allow: {allow}\r\n");
        }
        if let Some(connection) = connection {
            let _ = write!(out, "Connection: {connection}\r\n");
        }
        out.extend_from_slice(b"\r\n");
        if with_body {
            out.extend_from_slice(&self.body);
        }
    }
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        202 => "Accepted",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        417 => "Expectation Failed",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_these_bytes() {
        let mut out = Vec::new();
        Response::line(403, "no\n").write(&mut out, Some("close"), true);
        let expected = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 3\r\nConnection: close\r\n\r\nno\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);

        let mut head = Vec::new();
        let mut refusal = Response::line(405, "no\n");
        refusal.allow = Some("GET, HEAD");
        refusal.write(&mut head, None, false);
        assert!(head.ends_with(b"Content-Length: 3\r\nAllow: GET, HEAD\r\n\r\n"));
    }
}
