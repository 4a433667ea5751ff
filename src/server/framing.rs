//! Bytes of a client → one complete, bounded request, or a refusal.
//!
//! In: all bytes received for the next request so far. Out: [`Step::More`], [`Step::Ready`] or
//! [`Step::Refuse`]. Pure: no socket, no clock. A request that comes out has at most
//! [`HEAD`] bytes of head and [`BODY`] bytes of body, one unambiguous length, a method of
//! upper-case letters and a target of visible ASCII; nothing else ever reaches tiny_http.

use super::chunks::Chunks;
use super::limits::{BODY, EMPTY_LINES, FIELDS, HEAD};
use crate::service::refusal::Refusal;

/// A request that may be relayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Upper-case ASCII letters.
    pub method: String,
    /// Origin form: begins with `/`, visible ASCII.
    pub target: String,
    /// The whole body.
    pub body: Vec<u8>,
    /// Whether the client will send another request on this connection.
    pub keep_alive: bool,
    /// HTTP/1.0: keeping alive must be said.
    pub old: bool,
    /// A proxy says that it forwards for somebody else, or the server was asked for by a name
    /// that is not this machine's own.
    pub forwarded: bool,
}

/// What came of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Not all there yet.
    More,
    /// A request, and how many bytes it took.
    Ready(HttpRequest, usize),
    /// The connection ends with this answer.
    Refuse(Refusal),
}

/// What the head said.
#[derive(Debug)]
struct Head {
    request: HttpRequest,
    end: usize,
    length: Length,
    expects: bool,
}

#[derive(Debug)]
enum Length {
    Fixed(usize),
    Chunked(Chunks),
}

/// Reads one request, however it is cut into pieces. Make a new one for each request.
#[derive(Debug, Default)]
pub struct Framing {
    scanned: usize,
    /// Where the request line begins: behind empty lines, of which there are so many.
    begin: usize,
    empty_lines: usize,
    head: Option<Head>,
}

impl Framing {
    /// Looks at all bytes received so far; call again with more after [`Step::More`].
    pub fn look(&mut self, bytes: &[u8]) -> Step {
        match self.advance(bytes) {
            Ok(Some((request, taken))) => Step::Ready(request, taken),
            Ok(None) => Step::More,
            Err(refusal) => Step::Refuse(refusal),
        }
    }

    /// Whether `bytes` are nothing but the empty lines that may stand before a request.
    pub fn is_blank(bytes: &[u8]) -> bool {
        bytes.len() <= 2 * EMPTY_LINES && bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// Bytes of the body kept here until it is complete, besides those that are received.
    pub fn holds(&self) -> usize {
        match &self.head {
            Some(Head { length: Length::Chunked(chunks), .. }) => chunks.body.capacity(),
            _ => 0,
        }
    }

    /// True once, when the client waits for `100 Continue` before it sends the body.
    pub fn wants_continue(&mut self) -> bool {
        self.head.as_mut().is_some_and(|head| std::mem::take(&mut head.expects))
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<(HttpRequest, usize)>, Refusal> {
        if self.head.is_none() {
            let Some(end) = self.find_end(bytes)? else { return Ok(None) };
            self.head = Some(read_head(bytes.get(self.begin..end).unwrap_or_default(), end)?);
        }
        let Some(head) = &mut self.head else { return Ok(None) };
        let rest = bytes.get(head.end..).unwrap_or_default();
        let (body, taken) = match &mut head.length {
            Length::Fixed(length) => match rest.get(..*length) {
                Some(body) => (body.to_vec(), *length),
                None => return Ok(None),
            },
            Length::Chunked(chunks) => match chunks.advance(rest)? {
                Some(taken) => (std::mem::take(&mut chunks.body), taken),
                None => return Ok(None),
            },
        };
        let end = head.end + taken;
        Ok(self.head.take().map(|head| (HttpRequest { body, ..head.request }, end)))
    }

    /// Finds the blank line that ends the head, looking at each byte once. A line feed without
    /// its carriage return is refused here: peers read such heads differently.
    fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        let window = bytes.get(..HEAD).unwrap_or(bytes);
        let telling = |&byte: &u8| byte == b'\n' || byte == 0;
        while let Some(rest) = window.get(self.scanned..)
            && let Some(at) = rest.iter().position(telling)
        {
            let (line, end) = (window.get(self.begin..self.scanned + at), self.scanned + at + 1);
            self.scanned = end;
            match line {
                None => return Err(Refusal::Malformed),
                Some(b"\r") if self.empty_lines < EMPTY_LINES => {
                    self.empty_lines += 1;
                    self.begin = end;
                }
                Some(b"\r") => return Err(Refusal::Malformed),
                Some(line) if rest.get(at) == Some(&0) || !line.ends_with(b"\r") => {
                    return Err(Refusal::Malformed);
                }
                Some(line) if line.ends_with(b"\r\n\r") => return Ok(Some(end)),
                Some(_) => {}
            }
        }
        self.scanned = window.len();
        if bytes.len() >= HEAD { Err(Refusal::HeadTooLong) } else { Ok(None) }
    }
}

fn read_head(bytes: &[u8], end: usize) -> Result<Head, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Refusal::Malformed),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLong),
        Err(_) => return Err(Refusal::Malformed),
    }
    let (Some(method), Some(target), Some(minor)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(Refusal::Malformed);
    };
    if method.len() > 16 || !method.bytes().all(|b| b.is_ascii_uppercase()) {
        return Err(Refusal::Malformed);
    }
    let mut said = Said { old: minor == 0, ..Said::default() };
    for field in parsed.headers.iter() {
        said.field(field.name, field.value)?;
    }
    let (length, expects) = said.length(method)?;
    let (authority, target) = origin_form(target)?;
    said.forwarded |= is_public_name(authority.as_bytes());
    let request = HttpRequest {
        method: method.to_owned(),
        target,
        body: Vec::new(),
        keep_alive: said.keep_alive.unwrap_or(!said.old),
        old: said.old,
        forwarded: said.forwarded,
    };
    Ok(Head { request, end, length, expects })
}

/// `http://host/path` is what a proxy may be sent: its host, and the path that we serve.
fn origin_form(target: &str) -> Result<(&str, String), Refusal> {
    let (authority, path) = match target.strip_prefix("http://") {
        None => ("", target),
        Some(rest) => rest
            .split_at_checked(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
            .unwrap_or_default(),
    };
    let path = if path.is_empty() { "/" } else { path };
    let fine = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
    if fine { Ok((authority, path.to_owned())) } else { Err(Refusal::Malformed) }
}

/// The few fields a server of ours cares about.
#[derive(Default)]
struct Said {
    old: bool,
    length: Option<usize>,
    chunked: bool,
    expects: bool,
    keep_alive: Option<bool>,
    forwarded: bool,
}

impl Said {
    fn field(&mut self, name: &str, value: &[u8]) -> Result<(), Refusal> {
        if name.eq_ignore_ascii_case("content-length") {
            let length = parse_length(value)?;
            // Two lengths are how requests are smuggled past a proxy, even when they agree.
            if self.length.replace(length).is_some() {
                return Err(Refusal::Malformed);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            let is_chunked = value.trim_ascii().eq_ignore_ascii_case(b"chunked");
            if self.old || std::mem::replace(&mut self.chunked, true) || !is_chunked {
                return Err(Refusal::Malformed);
            }
        } else if name.eq_ignore_ascii_case("expect") {
            if !value.trim_ascii().eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::Expectation);
            }
            self.expects = !self.old;
        } else if name.eq_ignore_ascii_case("connection") {
            for word in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                if word.eq_ignore_ascii_case(b"close") {
                    self.keep_alive = Some(false);
                } else if word.eq_ignore_ascii_case(b"keep-alive") && self.keep_alive.is_none() {
                    self.keep_alive = Some(true);
                }
            }
        } else if name.eq_ignore_ascii_case("host") {
            self.forwarded |= is_public_name(value);
        } else {
            self.forwarded |= is_of_a_proxy(name);
        }
        Ok(())
    }

    fn length(&self, method: &str) -> Result<(Length, bool), Refusal> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Refusal::Malformed),
            (None, true) => Ok((Length::Chunked(Chunks::default()), self.expects)),
            (Some(length), false) if length > BODY => Err(Refusal::BodyTooLong),
            (Some(length), false) => Ok((Length::Fixed(length), self.expects && length > 0)),
            (None, false) if method == "POST" => Err(Refusal::NoLength),
            (None, false) => Ok((Length::Fixed(0), false)),
        }
    }
}

/// Whether a field is one that only who forwards for somebody else adds: RFC 7239 and what was used
/// before it, and what CDNs and load balancers call the client's address.
fn is_of_a_proxy(name: &str) -> bool {
    const NAMES: [&str; 9] = [
        "forwarded",
        "via",
        "cdn-loop",
        "x-scheme",
        "x-cluster-client",
        "x-originating-ip",
        "x-remote-ip",
        "x-remote-addr",
        "x-envoy-external-address",
    ];
    const BEGINNINGS: [&str; 5] = ["x-forwarded", "x-original-", "cf-", "x-proxy", "cloudfront-"];
    let name = name.to_ascii_lowercase();
    NAMES.contains(&name.as_str())
        || BEGINNINGS.iter().any(|begins| name.starts_with(begins))
        || ["client-ip", "clientip", "real-ip"].iter().any(|part| name.contains(part))
}

/// Whether `Host` is a name that somebody may have put into the public DNS. A page on the web
/// whose name is made to point to 127.0.0.1 (DNS rebinding) speaks to us from a loopback address;
/// its name gives it away. Public names have a dot; addresses cannot be rebound.
fn is_public_name(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host.trim_ascii()) else { return true };
    let name = host.split(':').next().unwrap_or_default();
    let is_ipv6 = host.starts_with('[');
    let is_address = is_ipv6 || name.parse::<std::net::Ipv4Addr>().is_ok();
    name.contains('.') && !is_address && !name.to_ascii_lowercase().ends_with(".localhost")
}

/// Digits only: `+5`, `0x10` and `5, 5` mean different things to different peers. A number too
/// big for us is only too long, whatever its size.
fn parse_length(value: &[u8]) -> Result<usize, Refusal> {
    let digits = value.trim_ascii();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed);
    }
    let number = std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok());
    Ok(number.unwrap_or(usize::MAX))
}
