//! An answer's bytes.
//!
//! In: a [`Response`] and what the request said about its connection. Out: the bytes of the
//! answer, always with `Content-Type` and `Content-Length`, and always saying that it is to be taken
//! for nothing else, kept nowhere, and, a page, shown within no other. Pure.

use std::io::Write as _;

use crate::service::response::{HTML, Response};

/// Echostr is somebody else's text, and a reply is one reader's.
const MANNERS: &[u8] = b"X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n";
/// What is clicked on a page is clicked on it alone; the second is for old browsers.
const UNFRAMED: &[u8] =
    b"Content-Security-Policy: frame-ancestors 'none'\r\nX-Frame-Options: DENY\r\n";

/// What a request said that its answer depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Whether the client will send another request on this connection.
    pub keep_alive: bool,
    /// HTTP/1.0: keeping alive must be said.
    pub old: bool,
    /// HEAD gets the head alone.
    pub head_only: bool,
}

/// Head and body of `response`.
pub fn encode(response: &Response, manner: Manner) -> Vec<u8> {
    let mut out = Vec::with_capacity(response.body.len() + 320);
    // Writing to a Vec cannot fail.
    let _ = write!(
        out,
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
        response.status,
        phrase(response.status),
        response.content_type,
        response.body.len()
    );
    out.extend_from_slice(MANNERS);
    if response.content_type == HTML {
        out.extend_from_slice(UNFRAMED);
    }
    if let Some(allow) = response.allow {
        let _ = write!(out, "Allow: {allow}\r\n");
    }
    // Left out when the protocol's default says it already.
    if !manner.keep_alive {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if manner.old {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
    if !manner.head_only {
        out.extend_from_slice(&response.body);
    }
    out
}

fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
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
        let closing = encode(&Response::line(403, "no\n"), Manner::default());
        let expected = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 3\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
             Connection: close\r\n\r\nno\n";
        assert_eq!(String::from_utf8(closing).unwrap(), expected);

        let mut refusal = Response::line(405, "no\n");
        refusal.allow = Some("GET, HEAD");
        let kept = Manner { keep_alive: true, head_only: true, old: false };
        assert!(encode(&refusal, kept).ends_with(b"no-store\r\nAllow: GET, HEAD\r\n\r\n"));
        let page = encode(&Response::new(200, HTML, &b"<p>"[..]), kept);
        assert!(page.ends_with(&[UNFRAMED, b"\r\n"].concat()));
        let old = encode(&refusal, Manner { old: true, ..kept });
        assert!(old.ends_with(b"Allow: GET, HEAD\r\nConnection: keep-alive\r\n\r\n"));
    }
}
