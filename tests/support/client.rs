//! A client of HTTP/1.1 that writes what it is told, byte for byte, and reads one answer.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// Longer than any answer takes; reached only when a test has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub struct Client {
    stream: Stream,
    received: Vec<u8>,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// One answer, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Status line and headers, without the blank line.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body; what we answer is always UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl Client {
    /// Connects to `ADDR:PORT` or `unix:PATH`.
    pub fn connect(address: &str) -> Self {
        let stream = match address.strip_prefix("unix:") {
            Some(path) => Stream::Unix(UnixStream::connect(path).unwrap()),
            None => Stream::Tcp(TcpStream::connect(address).unwrap()),
        };
        match &stream {
            Stream::Tcp(tcp) => {
                tcp.set_nodelay(true).unwrap();
                tcp.set_read_timeout(Some(PATIENCE)).unwrap();
            }
            Stream::Unix(unix) => unix.set_read_timeout(Some(PATIENCE)).unwrap(),
        }
        Self { stream, received: Vec::new() }
    }

    /// Sends these bytes and nothing else; an error means that the server has hung up.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.stream {
            Stream::Tcp(tcp) => tcp.write_all(bytes),
            Stream::Unix(unix) => unix.write_all(bytes),
        }
    }

    /// Says that nothing more will be sent; answers can still be read.
    pub fn finish(&self) {
        let _ = match &self.stream {
            Stream::Tcp(tcp) => tcp.shutdown(Shutdown::Write),
            Stream::Unix(unix) => unix.shutdown(Shutdown::Write),
        };
    }

    /// The next answer; `None` when the connection ends before it is whole.
    pub fn receive(&mut self) -> Option<Answer> {
        self.receive_head().and_then(|head| self.receive_body(head))
    }

    /// The next answer without its body: what HEAD brings. The head still says `Content-Length`.
    pub fn receive_head(&mut self) -> Option<Answer> {
        let end = loop {
            match self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.read_some()?,
            }
        };
        let head: Vec<u8> = self.received.drain(..end + 4).take(end).collect();
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Some(Answer { status: status.unwrap(), head, body: Vec::new() })
    }

    fn receive_body(&mut self, mut answer: Answer) -> Option<Answer> {
        let length = answer.header("Content-Length").expect("every answer has a length");
        let length = length.parse().unwrap();
        while self.received.len() < length {
            self.read_some()?;
        }
        answer.body = self.received.drain(..length).collect();
        Some(answer)
    }

    /// Sends one request and returns its answer.
    pub fn ask(&mut self, request: &[u8]) -> Answer {
        self.send(request).unwrap();
        self.receive().expect("an answer")
    }

    /// Whether the server has ended the connection and sent nothing more before.
    pub fn is_over(&mut self) -> bool {
        self.received.is_empty() && self.read_some().is_none()
    }

    fn read_some(&mut self) -> Option<()> {
        let mut chunk = [0; 4096];
        let count = match &mut self.stream {
            Stream::Tcp(tcp) => tcp.read(&mut chunk),
            Stream::Unix(unix) => unix.read(&mut chunk),
        };
        let count = match count {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("no answer within {PATIENCE:?}")
            }
            count => count.ok().filter(|count| *count > 0)?,
        };
        self.received.extend_from_slice(&chunk[..count]);
        Some(())
    }
}

/// A request without a body.
pub fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: test\r\n\r\n").into_bytes()
}

/// A GET.
pub fn get(target: &str) -> Vec<u8> {
    request("GET", target)
}

/// A POST as WeChat sends it: these are its headers.
pub fn post(target: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\nHost: test\r\n\
         Pragma: no-cache\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.to_vec()].concat()
}
