//! The way from the gate to tiny_http: a few connections, opened one by one at the start and
//! used again and again.
//!
//! In: a complete request and its seat. Out: tiny_http's answer, read whole. tiny_http's own
//! troubles (it counts a woken thread as idle, it panics when a thread or a descriptor is
//! missing) all lie in opening connections, so no request ever meets them. Requests wait here
//! when all lanes are busy; workers never wait (but for the demo's page, which
//! asks the built-in shelf), so it is a short one. The last lane that
//! fails means that the inner server is gone.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use super::framing::Request;
use crate::service::response::{ALLOW, HTML, JSON, Response, TEXT, XML};
use crate::sys::sync::{lock, wait};

/// No answer of ours takes this long; a lane that does is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// A body up to this length is sent along with its head, which is quicker; a longer one is no
/// push, and not worth a second copy of it on each lane.
const ONE_WRITE: usize = 4 * 1024;
/// The status by which the inner server says: parked, the answer comes to the seat.
pub const PARKED: u16 = 202;
/// The field that names a request's seat.
pub const SEAT: &str = "Seat";

/// The lanes not in use, and how many there are.
pub struct Lanes {
    state: Mutex<State>,
    freed: Condvar,
}

struct State {
    idle: Vec<Lane>,
    open: usize,
}

struct Lane {
    stream: UnixStream,
    /// Used again and again, as the lane is: a request of its own each time would cost malloc
    /// its biggest pieces.
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// What the inner server said.
#[derive(Debug)]
pub enum Relayed {
    /// The answer.
    Answer(Response),
    /// The request is parked at its seat.
    Parked,
}

impl Lanes {
    /// Opens `count` lanes to the socket at `path`, each proven by a request of its own before
    /// the next one is opened.
    pub fn open(path: &Path, count: usize) -> io::Result<Self> {
        let mut idle = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            let mut lane = Lane { stream, sent: Vec::new(), received: Vec::new() };
            lane.stream.write_all(b"GET /lane HTTP/1.1\r\n\r\n")?;
            lane.answer()?;
            idle.push(lane);
        }
        Ok(Self { state: Mutex::new(State { idle, open: count }), freed: Condvar::new() })
    }

    /// Takes `request` to the inner server. An error means this request got no answer; whether
    /// any lane is left tells [`Lanes::gone`].
    pub fn relay(&self, request: &Request, seat: usize) -> io::Result<Relayed> {
        let mut lane = self.take().ok_or(io::ErrorKind::NotConnected)?;
        let result = lane.relay(request, seat);
        let mut state = lock(&self.state);
        match result {
            Ok(_) => state.idle.push(lane),
            Err(_) => state.open -= 1,
        }
        let gone = state.open == 0;
        drop(state);
        if gone {
            self.freed.notify_all()
        } else {
            self.freed.notify_one()
        }
        result
    }

    /// Whether the last lane has failed.
    pub fn gone(&self) -> bool {
        lock(&self.state).open == 0
    }

    fn take(&self) -> Option<Lane> {
        let until = Instant::now() + PATIENCE;
        let mut state = lock(&self.state);
        loop {
            if let Some(lane) = state.idle.pop() {
                return Some(lane);
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.open == 0 || left.is_zero() {
                return None;
            }
            state = wait(&self.freed, state, left).0;
        }
    }
}

impl Lane {
    fn relay(&mut self, request: &Request, seat: usize) -> io::Result<Relayed> {
        // HEAD is answered as GET; the gate leaves the body away.
        let method = if request.method == "HEAD" { "GET" } else { &request.method };
        self.sent.clear();
        write!(self.sent, "{method} {} HTTP/1.1\r\n{SEAT}: {seat}\r\n", request.target)?;
        if !request.body.is_empty() {
            write!(self.sent, "Content-Length: {}\r\n", request.body.len())?;
        }
        self.sent.extend_from_slice(b"\r\n");
        let together = request.body.len() <= ONE_WRITE;
        if together {
            self.sent.extend_from_slice(&request.body);
        }
        self.stream.write_all(&self.sent)?;
        if !together {
            self.stream.write_all(&request.body)?;
        }
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Relayed> {
        self.received.clear();
        loop {
            if let Some(relayed) = read_answer(&self.received)? {
                return Ok(relayed);
            }
            let mut chunk = [0; 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    self.received.extend_from_slice(chunk.get(..count).unwrap_or_default());
                }
                // A process that was stopped and goes on: with a time-out set, the call does not.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads the inner server's answer: `None` until it is whole. Its types are ours, so an
/// unknown one is a bug and an error.
fn read_answer(bytes: &[u8]) -> io::Result<Option<Relayed>> {
    let broken = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut fields = [httparse::EMPTY_HEADER; 16];
    let mut parsed = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(end) = parsed.parse(bytes).map_err(broken)? else {
        return Ok(None);
    };
    let (mut length, mut content_type, mut allow) = (0, TEXT, None);
    for field in parsed.headers.iter() {
        let value = std::str::from_utf8(field.value).unwrap_or_default();
        match field.name {
            "Content-Length" => {
                length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            }
            "Content-Type" => {
                content_type = [TEXT, XML, HTML, JSON]
                    .into_iter()
                    .find(|known| *known == value)
                    .ok_or(io::ErrorKind::InvalidData)?;
            }
            "Allow" => allow = ALLOW.into_iter().find(|known| *known == value),
            _ => {}
        }
    }
    let Some(body) = bytes.get(end..).filter(|rest| rest.len() >= length) else {
        return Ok(None);
    };
    let status = parsed.code.unwrap_or(500);
    if status == PARKED {
        return Ok(Some(Relayed::Parked));
    }
    let body = body.to_vec();
    Ok(Some(Relayed::Answer(Response { status, content_type, allow, body: body.into() })))
}
