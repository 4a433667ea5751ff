//! Requests to other services: the only home of ureq.
//!
//! In: a [`Url`] and the moment by which an answer is of use. Out: a [`Page`] with whatever
//! status the service chose, or a [`Failure`] that says why there is none. Whatever the other
//! side does, a call ends at its moment, holds at most [`MAX_BODY`] of an answer or what the caller
//! allows, follows redirects only within the same origin or where the caller allows, and never
//! tells a query (keys travel there) to a log.

mod address;
mod forward;
mod later;
mod proxy;
mod resolver;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ureq::http::header::{CONTENT_ENCODING, LOCATION, RETRY_AFTER};
use ureq::http::uri::Authority;
use ureq::http::{Response, Uri};
use ureq::unversioned::transport::{Connector as _, DefaultConnector};
use ureq::{Agent, Body, RequestBuilder};

use forward::Forwarding;
use resolver::CachingResolver;

use crate::sys::sync::lock;
use crate::sys::unix;

pub use address::{BaseUrl, Url};
pub use proxy::Proxy;

/// The largest answer that is read, in bytes. Measured on the v2 API: 20 books 157 KB, 100
/// books (from a service that ignores `count`) 559 KB, the largest single book 28 KB, so that
/// 20 of the largest are 560 KB. 1 MiB is nearly twice the worst.
pub const MAX_BODY: u64 = 1 << 20;

/// A host that is reached at all is reached in well under a second; a lookup has about four,
/// and the next source needs its share.
const CONNECT: Duration = Duration::from_secs(2);

/// One more than ever seen: `http` to `https` needs none (other scheme), a moved path one.
const REDIRECTS: usize = 2;

/// Kept for the next lookup; 20 KiB of buffers each.
const IDLE_CONNECTIONS: usize = 8;

/// Shorter than the keep-alive of common servers, so that most closed connections are never tried.
const IDLE: Duration = Duration::from_secs(15);

/// Hosts remembered: the sources, and those of photos.
const HOSTS: usize = 64;

/// A client with its pool of kept-alive connections; shared by all who ask over HTTP.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    resolver: CachingResolver,
    proxy: Arc<Proxy>,
    /// When each host last answered: for [`IDLE`] after that, a connection to it may be an old
    /// one, which ureq does not tell.
    answered: Mutex<HashMap<Option<Authority>, Instant>>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// 100 to 999.
    pub status: u16,
    /// How long to wait before asking again: Retry-After, at most a day.
    pub retry_after: Option<Duration>,
    /// At most [`MAX_BODY`] bytes, or what was allowed.
    pub body: Vec<u8>,
    /// Whether the body is compressed, which nobody asked for: some proxies do it all the same.
    pub compressed: bool,
}

/// Why there is no answer; `Display` is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The time was up; carries how long it took.
    TimedOut(Duration),
    /// Closed before an answer came.
    Closed,
    /// Redirected to another origin; carries host and path, of which only the host is shown.
    Redirected(String),
    /// Redirected within the origin, again and again.
    Circles,
    /// The answer is larger than [`MAX_BODY`], or than was allowed.
    TooLarge,
    /// Anything else that keeps a page from coming, in words.
    Broken(&'static str),
}

const NAME: Failure = Failure::Broken("the host's name could not be resolved");
const CONNECT_FAILED: Failure = Failure::Broken("could not connect");
const TLS: Failure = Failure::Broken("no valid TLS: wrong port, or a certificate of another host");
const PROXY: Failure = Failure::Broken("the proxy refused the connection");
const CUT_SHORT: Failure = Failure::Broken("the answer was cut short");
/// What came is not HTTP, or the request could not be written as such.
const PROTOCOL: Failure = Failure::Broken("the answer is not HTTP");

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(after) => write!(f, "timed out after {} ms", after.as_millis()),
            Self::Closed => f.write_str("the connection was closed without an answer"),
            Self::Redirected(to) => {
                let host = to.split('/').next().unwrap_or_default();
                write!(f, "redirected to {host}, which is not followed")
            }
            Self::Circles => f.write_str("redirected in circles"),
            Self::TooLarge => f.write_str("the answer is larger than 1024 KiB"),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

impl Http {
    /// A client that calls itself `user_agent`; characters that cannot stand in a header are
    /// left out of it.
    pub fn new(user_agent: &str, proxy: Proxy) -> Self {
        let user_agent: String =
            user_agent.chars().filter(|c| matches!(c, ' '..='\u{7e}')).collect();
        let config = Agent::config_builder()
            .user_agent(user_agent)
            .http_status_as_error(false)
            // Redirects are ours, see `next`.
            .max_redirects(0)
            .proxy(None)
            .timeout_resolve(Some(CONNECT))
            .timeout_connect(Some(CONNECT))
            // With ureq's own 128 KiB each, 8 hanging and 400 finished TLS calls took 12 MB
            // instead of 5.9.
            .input_buffer_size(16 * 1024)
            .output_buffer_size(4 * 1024)
            // Real heads are about 1 KB. Less than the input buffer: when that is full, ureq
            // reports a closed connection.
            .max_response_header_size(8 * 1024)
            // ureq keeps 3 a host; with 64 lookups at a time most would connect anew each time.
            .max_idle_connections(IDLE_CONNECTIONS)
            .max_idle_connections_per_host(IDLE_CONNECTIONS)
            .max_idle_age(IDLE)
            .build();
        let proxy = Arc::new(proxy);
        let resolver = CachingResolver::new(proxy.clone());
        let connector = DefaultConnector::default().chain(Forwarding(proxy.clone()));
        let agent = Agent::with_parts(config, connector, resolver.clone());
        Self { agent, resolver, proxy, answered: Mutex::default() }
    }

    /// Asks for a page; gives up at `until`.
    pub fn get(&self, url: &Url, until: Instant) -> Result<Page, Failure> {
        self.get_within(url, until, MAX_BODY, |_| false)
    }

    /// Asks for a page of at most `most` bytes; redirects are also followed to addresses that
    /// `goes` allows.
    pub fn get_within(
        &self,
        url: &Url,
        until: Instant,
        most: u64,
        goes: fn(&str) -> bool,
    ) -> Result<Page, Failure> {
        let call = Call { started: Instant::now(), until, most };
        let mut uri = url.uri().ok_or(PROTOCOL)?;
        for _ in 0..=REDIRECTS {
            let response = self.ask(&uri, &call)?;
            match next(&uri, &response, goes)? {
                None => return call.page(response),
                Some(there) => uri = there,
            }
        }
        Err(Failure::Circles)
    }

    /// One request; a second one when a connection that may have been an old one from the pool
    /// closes without an answer. A new one that closes costs no second request.
    fn ask(&self, uri: &Uri, call: &Call) -> Result<Response<Body>, Failure> {
        let once = || {
            let request = call.limit(self.agent.get(uri), self.proxy.for_uri(uri))?;
            request.call().map_err(|e| call.failure(e))
        };
        let host = uri.authority().cloned();
        let answered = || lock(&self.answered).get(&host).is_some_and(|at| at.elapsed() < IDLE);
        let response = match once() {
            Err(Failure::Closed) if answered() => once(),
            first => first,
        };
        match &response {
            Ok(_) => {
                let mut answered = lock(&self.answered);
                if answered.len() >= HOSTS {
                    answered.retain(|_, at| at.elapsed() < IDLE);
                }
                if answered.len() < HOSTS {
                    answered.insert(host, Instant::now());
                }
            }
            Err(failure) => {
                if *failure == Failure::Closed {
                    lock(&self.answered).remove(&host);
                }
                self.resolver.forget(uri);
            }
        }
        response
    }

    /// Sends `body`; gives up at `until`. Never sent twice, and redirects are not followed: the
    /// page then has that status.
    pub fn post(
        &self,
        url: &Url,
        content_type: &str,
        body: &[u8],
        until: Instant,
    ) -> Result<Page, Failure> {
        let call = Call { started: Instant::now(), until, most: MAX_BODY };
        let uri = url.uri().ok_or(PROTOCOL)?;
        let request = call.limit(self.agent.post(&uri), self.proxy.for_uri(&uri))?;
        let sent = request.content_type(content_type).send(body);
        call.page(sent.map_err(|e| call.failure(e))?)
    }
}

/// What one call may take, over all its requests.
struct Call {
    started: Instant,
    until: Instant,
    /// Bytes of an answer.
    most: u64,
}

impl Call {
    /// Bounds a request by the time that is left.
    fn limit<B>(
        &self,
        request: RequestBuilder<B>,
        proxy: Option<ureq::Proxy>,
    ) -> Result<RequestBuilder<B>, Failure> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::TimedOut(self.started.elapsed()));
        }
        Ok(request.config().timeout_global(Some(left)).proxy(proxy).build())
    }

    fn page(&self, mut response: Response<Body>) -> Result<Page, Failure> {
        let retry_after =
            header(&response, RETRY_AFTER).and_then(|text| later::wish(text, unix::seconds()));
        let encoding = header(&response, CONTENT_ENCODING).unwrap_or("identity");
        let compressed = !encoding.eq_ignore_ascii_case("identity") && !encoding.is_empty();
        let body = response.body_mut().with_config().limit(self.most).read_to_vec();
        Ok(Page {
            status: response.status().as_u16(),
            retry_after,
            compressed,
            body: body.map_err(|e| match self.failure(e) {
                Failure::Closed => CUT_SHORT,
                other => other,
            })?,
        })
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        use io::ErrorKind::*;
        use ureq::Error::*;
        match error {
            Timeout(_) => Failure::TimedOut(self.started.elapsed()),
            HostNotFound => NAME,
            Rustls(_) | Tls(_) | Pem(_) | TlsRequired => TLS,
            ConnectProxyFailed(_) | InvalidProxyUrl => PROXY,
            BodyExceedsLimit(_) => Failure::TooLarge,
            ConnectionFailed => CONNECT_FAILED,
            Io(error) => match error.kind() {
                TimedOut => Failure::TimedOut(self.started.elapsed()),
                ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof => Failure::Closed,
                // rustls wraps its refusals in this kind during a handshake.
                InvalidData => TLS,
                // The kind std gives to a failed look-up is unstable; only such an error has no
                // number of the system's.
                _ if error.raw_os_error().is_none() => NAME,
                _ => CONNECT_FAILED,
            },
            _ => PROTOCOL,
        }
    }
}

fn header(response: &Response<Body>, name: ureq::http::HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok().map(str::trim)
}

/// Where a redirect leads, if the answer is one and stays within its origin or goes where it may.
fn next(
    from: &Uri,
    response: &Response<Body>,
    goes: fn(&str) -> bool,
) -> Result<Option<Uri>, Failure> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = header(response, LOCATION) else { return Ok(None) };
    match address::resolve(from, location).parse::<Uri>() {
        Ok(to) if origin(&to) == origin(from) || goes(&to.to_string()) => Ok(Some(to)),
        Ok(to) => Err(Failure::Redirected(host(&to) + to.path())),
        Err(_) => Err(PROTOCOL),
    }
}

/// Scheme, host and port: what keys may be sent to once they were sent there.
fn origin(uri: &Uri) -> (Option<&str>, String, u16) {
    let port = address::host_and_port(uri).map_or(0, |(_, port)| port);
    (uri.scheme_str(), host(uri), port)
}

fn host(uri: &Uri) -> String {
    uri.host().unwrap_or("an unknown place").to_ascii_lowercase()
}
