//! The real binary under what anybody can send: no attack keeps a good client waiting, grows
//! the server beyond its bounds, or leaves anything behind.
//!
//! `cargo test --release --test server_attack -- --nocapture` prints the table with the bounds of a
//! release build.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::sys::socket::{setsockopt, sockopt};
use support::client::{Client, get, post};
use support::push::{Push, target};
use support::server::{Directory, Server, TOKEN};
use support::watch::{alone, attacker, bounds, during, settled, url_check};

mod support;

/// Connections the server takes at the same time, its default, each with a thread.
const CONNECTIONS: u64 = 256;
const SHELF: &str = "{\"title\": \"三体\", \"isbn\": \"9787536692930\"}\n";
const UNSIGNED: &str = "/weixin?signature=0&timestamp=1&nonce=2";

/// One attack and its name.
type Row = (&'static str, fn(&Server));

#[test]
#[rustfmt::skip]
fn nobody_else_notices() {
    let _alone = alone();
    let rows: &[Row] = &[
        ("giant lengths",                          |s| lengths(s, &["10000000000", "99999999999999", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616"])),
        ("lengths that are none",                  |s| lengths(s, &["-1", "+5", "0x5", "5, 5", "", "abc"])),
        ("lengths twice and in conflict",          |s| lengths(s, &["5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "5\r\nTransfer-Encoding: chunked"])),
        ("chunks of huge and broken size",         chunks),
        ("an endless request line",                |s| endless(s, b"GET /", b"a")),
        ("an endless header",                      |s| endless(s, b"GET / HTTP/1.1\r\nA: ", b"b")),
        ("a million headers",                      |s| endless(s, b"GET / HTTP/1.1\r\n", b"A: b\r\n")),
        ("an endless chunk size",                  |s| endless(s, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"0")),
        ("an endless trailer",                     |s| endless(s, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n")),
        ("bytes that are no HTTP",                 no_http),
        ("20 000 pipelined requests, never read",  |s| pipelined(s, 20_000, 1)),
        ("the same from 300 clients",              |s| pipelined(s, 2_000, 300)),
        ("300 resets",                             resets),
        ("1000 idle connections",                  idle),
        ("200 slow heads",                         |s| slow(s, 200, b"GET / HTTP/1.1\r\nA: ", 40)),
        ("100 slow bodies, unsigned",              |s| slow(s, 100, &body(UNSIGNED), 60_000)),
        ("100 slow bodies, signed",                |s| slow(s, 100, &body(&target(TOKEN)), 60_000)),
        ("whole bodies again and again",           |s| whole_bodies(s, UNSIGNED, 60_000)),
        ("the same, signed",                       |s| whole_bodies(s, &target(TOKEN), 60_000)),
        ("bodies of 8000 bytes again and again",   |s| whole_bodies(s, UNSIGNED, 8_000)),
        ("400 clients that never stop asking",     flood),
    ];
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    doumibook::sys::unix::open_files(4096);
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let start = settled(&server);
    for (name, attack) in rows {
        during(&server, start, name, bounds(CONNECTIONS), || attack(&server));
    }
    assert_eq!(server.stop().code, Some(0));
}

/// The head of a POST of 60 000 bytes.
fn body(target: &str) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nContent-Length: 60000\r\n\r\n").into_bytes()
}

/// Sends all, and reads until the server has had enough of it.
fn tell(mut stream: &TcpStream, bytes: &[u8]) -> String {
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn lengths(server: &Server, lengths: &[&str]) {
    for target in [UNSIGNED, &target(TOKEN)] {
        for length in lengths {
            let request =
                format!("POST {target} HTTP/1.1\r\nContent-Length: {length}\r\n\r\nhello");
            let answer = tell(&attacker(server), request.as_bytes());
            assert!(answer.starts_with("HTTP/1.1 4"), "{length:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{length:?}: {answer}");
        }
    }
}

fn chunks(server: &Server) {
    for chunk in ["7fffffff\r\nx", "ffffffffffffffff\r\nx", "10000000000000005\r\nhello", "-5\r\nx"]
    {
        let head = format!("POST {UNSIGNED} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
        let answer = tell(&attacker(server), head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{chunk:?}: {answer}");
    }
}

/// Twenty clients send the same thing over and over, until the server will have no more.
fn endless(server: &Server, start: &[u8], again: &[u8]) {
    let again = again.repeat(64 * 1024 / again.len());
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut stream = attacker(server);
                let mut sent = stream.write_all(start);
                for _ in 0..100 {
                    sent = sent.and_then(|()| stream.write_all(&again));
                }
                assert!(sent.is_err(), "6 MB were taken");
            });
        }
    });
}

fn no_http(server: &Server) {
    let refused: &[&[u8]] = &[
        b"GET /\xe4\xb9\xa6 HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET /a\0b HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\n\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n",
        b"\n\n\n\n",
    ];
    for bytes in refused {
        // Two hundred HTTP/2.0 requests cost tiny_http two hundred threads.
        for _ in 0..20 {
            let answer = tell(&attacker(server), bytes);
            let status = answer.get(9..12).unwrap_or_default();
            assert!(["400", "505"].contains(&status), "{bytes:?}: {answer}");
        }
    }
}

/// Requests sent on, answers never read; each client goes when nothing more is taken.
fn pipelined(server: &Server, requests: usize, clients: usize) {
    let bytes = &get(&url_check()).repeat(requests);
    let streams: Vec<_> = (0..clients).map(|_| attacker(server)).collect();
    std::thread::scope(|scope| {
        for streams in streams.chunks(clients.div_ceil(16)) {
            scope.spawn(move || {
                for stream in streams {
                    let _ = setsockopt(stream, sockopt::RcvBuf, &4096);
                    let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
                    let _ = (&*stream).write_all(bytes);
                }
            });
        }
    });
}

fn resets(server: &Server) {
    let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
    for turn in 0..300 {
        let mut stream = attacker(server);
        setsockopt(&stream, sockopt::Linger, &at_once).unwrap();
        let request = get("/");
        let part = if turn % 2 == 0 { request.len() } else { turn % request.len() };
        let _ = stream.write_all(&request[..part]);
    }
}

fn idle(server: &Server) {
    let _streams: Vec<_> = (0..1000).map(|_| attacker(server)).collect();
    // The good client finds its way through them, a few times.
    for _ in 0..20 {
        assert_eq!(server.ask(&get(&url_check())).status, 200);
    }
}

/// So many clients each send `start` and then a byte at a time, for two seconds.
fn slow(server: &Server, clients: usize, start: &[u8], bytes: usize) {
    let streams: Vec<_> = (0..clients).map(|_| attacker(server)).collect();
    streams.iter().for_each(|mut stream| drop(stream.write_all(start)));
    for _ in 0..bytes.min(20) {
        streams.iter().for_each(|mut stream| drop(stream.write_all(b"x")));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// All but the last byte of 400 bodies of so many bytes, then the last bytes all at once; again and
/// again, from four sides.
fn whole_bodies(server: &Server, target: &str, length: usize) {
    let head = format!("POST {target} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n");
    let request = &[head.into_bytes(), vec![b'x'; length - 1]].concat();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(move || {
                for _ in 0..10 {
                    let streams: Vec<_> = (0..100).map(|_| attacker(server)).collect();
                    streams.iter().for_each(|mut stream| drop(stream.write_all(request)));
                    streams.iter().for_each(|mut stream| drop(stream.write_all(b"x")));
                }
            });
        }
    });
}

/// Unsigned bodies held half-sent by more clients than may hold so much together, while pushes as
/// long as those of compatible mode come: they get through.
#[test]
fn long_pushes_come_through_a_crowd_of_half_sent_bodies() {
    let _alone = alone();
    let directory = Directory::new();
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &directory.file("shelf.jsonl", SHELF))]);
    let crowd: Vec<_> = (0..200).map(|_| attacker(&server)).collect();
    let part = [body(UNSIGNED), vec![b'x'; 9_000]].concat();
    crowd.iter().for_each(|mut stream| drop(stream.write_all(&part)));
    let push = Push::text(&"长".repeat(2_200)).xml();
    for _ in 0..50 {
        crowd.iter().for_each(|mut stream| drop(stream.write_all(b"x")));
        let answer = server.ask(&post(&target(TOKEN), push.as_bytes()));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// More clients than places, all with their next request under way before they have the answer
/// to the last one: nobody could ever be cut off while sending.
fn flood(server: &Server) {
    let requests = get("/").repeat(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut streams: Vec<_> = (0..50).map(|_| attacker(server)).collect();
                for _ in 0..10 {
                    for stream in &mut streams {
                        let sent = stream.write_all(&requests);
                        if sent.and_then(|()| stream.read(&mut [0; 65_536])).is_err() {
                            *stream = attacker(server);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn bursts_of_keep_alive_clients_are_all_answered() {
    let _alone = alone();
    let directory = Directory::new();
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &directory.file("shelf.jsonl", SHELF))]);
    for clients in (5..=30).step_by(5) {
        let mut clients: Vec<Client> = (0..clients).map(|_| server.connect()).collect();
        for _ in 0..5 {
            clients.iter_mut().for_each(|client| client.send(&get(&url_check())).unwrap());
            for client in &mut clients {
                assert_eq!(client.receive().expect("an answer").text(), "echo");
            }
        }
    }
}

/// A debugger, a container's pause, a host that sleeps: system calls end with EINTR when it goes on.
#[test]
fn a_process_that_is_stopped_and_goes_on_answers_everybody() {
    let _alone = alone();
    let directory = Directory::new();
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &directory.file("shelf.jsonl", SHELF))]);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = server.connect();
                while !over.load(Ordering::SeqCst) {
                    client.send(&get(&url_check())).unwrap();
                    assert_eq!(client.receive().expect("an answer").text(), "echo");
                }
            });
        }
        // More often than there are workers.
        for _ in 0..12 {
            for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
                server.signal(signal);
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        over.store(true, Ordering::SeqCst);
    });
    assert_eq!(server.stop().code, Some(0));
}

#[test]
fn a_stop_under_attack_takes_five_seconds_at_most() {
    let _alone = alone();
    let directory = Directory::new();
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &directory.file("shelf.jsonl", SHELF))]);
    let streams: Vec<_> = (0..100).map(|_| attacker(&server)).collect();
    let parts = [&b"GET / HTTP/1.1\r\nA: "[..], &body(UNSIGNED), b"", &get("/").repeat(1000)];
    for (mut stream, part) in streams.iter().zip(parts.iter().cycle()) {
        let _ = stream.write_all(part);
    }
    assert_eq!(server.ask(&post(&target(TOKEN), b"no push")).status, 400);
    let start = std::time::Instant::now();
    let ended = server.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    // Five are promised; the rest is for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
}
