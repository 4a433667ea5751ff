//! Clients: pushes as WeChat sends them, as fast as answers come.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sha1_smol::Sha1;

/// What the clients do.
#[derive(Clone, Copy)]
pub struct Load {
    pub connections: usize,
    pub keep_alive: bool,
    pub during: Duration,
}

/// What came of it.
#[derive(Clone, Copy, Default)]
pub struct Measured {
    /// Answers a second.
    pub rate: f64,
    pub requests: u64,
    /// Microseconds from connecting, or else sending, to the last byte.
    pub p50: u64,
    pub p99: u64,
}

impl Load {
    /// Sends `request(n)`, with another `n` each time, and waits for each answer.
    pub fn run(self, address: &str, request: impl Fn(u64) -> Vec<u8> + Sync) -> Measured {
        let begun = Instant::now();
        let until = begun + self.during;
        let mut took: Vec<u64> = thread::scope(|scope| {
            let clients: Vec<_> = (0..self.connections)
                .map(|_| scope.spawn(|| self.client(address, &request, until)))
                .collect();
            clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
        });
        let seconds = begun.elapsed().as_secs_f64();
        took.sort_unstable();
        let at = |part: f64| took.get((took.len() as f64 * part) as usize).copied().unwrap_or(0);
        let requests = took.len() as u64;
        Measured { rate: requests as f64 / seconds, requests, p50: at(0.5), p99: at(0.99) }
    }

    fn client(self, to: &str, request: &impl Fn(u64) -> Vec<u8>, until: Instant) -> Vec<u64> {
        let mut took = Vec::new();
        let mut kept = None;
        while Instant::now() < until {
            let bytes = request(next());
            let begun = Instant::now();
            let mut stream = kept.take().unwrap_or_else(|| connect(to));
            stream.write_all(&bytes).expect("the server reads");
            answer(&mut stream);
            took.push(begun.elapsed().as_micros() as u64);
            kept = self.keep_alive.then_some(stream);
        }
        took
    }
}

/// A number that no other call gets.
pub fn next() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(1_000_000);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

pub fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_nodelay(true).expect("a socket");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    stream
}

/// Reads one answer; returns the length of its body. Anything but a 200 ends the bench.
pub fn answer(stream: &mut TcpStream) -> usize {
    let mut received = Vec::with_capacity(2048);
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).expect("an answer");
        assert!(count > 0, "hung up after {:?}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&chunk[..count]);
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&received[..end]).expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        let length = length.and_then(|length| length.parse().ok()).expect("a length");
        if received.len() >= end + 4 + length {
            return length;
        }
    }
}

fn target() -> String {
    let mut parts = ["AAAAA", "1714037059", "486452656"];
    parts.sort_unstable();
    let signature = Sha1::from(parts.concat()).digest().to_string();
    format!("/weixin?signature={signature}&timestamp=1714037059&nonce=486452656")
}

/// The console's check of the URL.
pub fn check() -> Vec<u8> {
    format!("GET {}&echostr=583847 HTTP/1.1\r\nHost: h\r\n\r\n", target()).into_bytes()
}

/// A text push. Equal numbers make equal pushes, from equal readers.
pub fn push(content: &str, number: u64, keep_alive: bool) -> Vec<u8> {
    let body = format!(
        "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\
         <FromUserName><![CDATA[oReader{number:020}]]></FromUserName>\
         <CreateTime>1714037059</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{content}]]></Content><MsgId>{number}</MsgId></xml>"
    );
    let close = if keep_alive { "" } else { "Connection: close\r\n" };
    format!(
        "POST {} HTTP/1.1\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\nHost: h\r\n{close}\
         Pragma: no-cache\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        target(),
        body.len()
    )
    .into_bytes()
}
