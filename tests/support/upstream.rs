//! A stand-in for a source on the web: a real HTTP server on a port of its own, which does
//! what the test says, however badly behaved.
//!
//! [`Upstream::start`] takes a function from [`Request`] to [`Reaction`]. It counts
//! connections and requests and keeps the requests. Whatever must happen "later" waits for a
//! [`Gate`] that the test opens, or for [`Upstream::wait_for`], never for a sleep.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any machine needs; reached only when a test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// Request line and headers.
    pub head: String,
    pub body: Vec<u8>,
    /// 0 for the first request on its connection, 1 for the next …
    pub nth_on_connection: usize,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A value of the query, decoded.
    pub fn param(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.into_iter().find(|(n, _)| *n == name)?.1;
        Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Whatever\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.into_bytes(), self.body.clone()].concat()
    }
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub enum Reaction {
    /// Answers and keeps the connection open.
    Answer(Answer),
    /// Answers and closes the connection, without having said so.
    AnswerAndClose(Answer),
    /// Sends all but the last bytes (so many) of the answer and closes.
    CutShort(Answer, usize),
    /// Sends these bytes as they are and closes.
    Raw(Vec<u8>),
    /// Closes without a byte.
    Close,
    /// Says nothing until the client goes away.
    Hang,
    /// Sends a head, then a byte every 10 ms until the client goes away.
    Drip,
    /// Waits until the test opens the gate.
    After(Gate, Box<Reaction>),
}

impl Reaction {
    /// 200 with this body, as JSON.
    pub fn json(body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(Answer::new(200, body).with("Content-Type", "application/json"))
    }

    /// This status with this body.
    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Answer(Answer::new(status, body))
    }

    /// 302 to this address.
    pub fn redirect(location: &str) -> Self {
        Self::Answer(Answer::new(302, "").with("Location", location))
    }
}

/// Closed until the test opens it; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub fn wait(&self) {
        let shut = self.0.0.lock().unwrap();
        drop(self.0.1.wait_timeout_while(shut, PATIENCE, |open| !*open).unwrap());
    }
}

/// The server; stops listening when dropped.
pub struct Upstream {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    react: Box<dyn Fn(&Request) -> Reaction + Send + Sync>,
    seen: Mutex<Seen>,
    more: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    requests: Vec<Request>,
}

impl Upstream {
    pub fn start(react: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            react: Box::new(react),
            seen: Mutex::default(),
            more: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let served = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if served.stopped.load(Ordering::SeqCst) {
                    break;
                }
                served.seen.lock().unwrap().connections += 1;
                let served = served.clone();
                thread::spawn(move || serve(stream, &served));
            }
        });
        Self { url, shared }
    }

    /// `http://127.0.0.1:port`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many requests came so far.
    pub fn requests(&self) -> usize {
        self.shared.seen.lock().unwrap().requests.len()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.seen.lock().unwrap().connections
    }

    /// The requests so far, in the order in which they came.
    pub fn log(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().requests.clone()
    }

    /// Waits until this many requests came.
    pub fn wait_for(&self, requests: usize) {
        let seen = self.shared.seen.lock().unwrap();
        let few = |seen: &mut Seen| seen.requests.len() < requests;
        let (seen, late) = self.shared.more.wait_timeout_while(seen, PATIENCE, few).unwrap();
        assert!(!late.timed_out(), "{} requests came, {requests} expected", seen.requests.len());
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reader = BufReader::new(reading);
    for nth in 0.. {
        let Some(request) = read(&mut reader, nth) else { return };
        shared.seen.lock().unwrap().requests.push(request.clone());
        shared.more.notify_all();
        if !perform(&stream, (shared.react)(&request)) {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, nth_on_connection: usize) -> Option<Request> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut words = head.split(' ');
    let mut request = Request {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        body: Vec::new(),
        nth_on_connection,
        head,
    };
    let length = request.header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Whether the connection stays open.
fn perform(mut stream: &TcpStream, reaction: Reaction) -> bool {
    match reaction {
        Reaction::Answer(answer) => stream.write_all(&answer.bytes()).is_ok(),
        Reaction::AnswerAndClose(answer) => {
            let _ = stream.write_all(&answer.bytes());
            false
        }
        Reaction::CutShort(answer, missing) => {
            let bytes = answer.bytes();
            let _ = stream.write_all(&bytes[..bytes.len() - missing]);
            false
        }
        Reaction::Raw(bytes) => {
            let _ = stream.write_all(&bytes);
            false
        }
        Reaction::Close => false,
        Reaction::Hang => {
            while stream.read(&mut [0; 64]).is_ok_and(|n| n > 0) {}
            false
        }
        Reaction::Drip => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            while stream.write_all(b" ").is_ok() {
                thread::sleep(Duration::from_millis(10));
            }
            false
        }
        Reaction::After(gate, then) => {
            gate.wait();
            perform(stream, *then)
        }
    }
}
