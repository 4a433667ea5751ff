//! A request through a server's front door, as a client on this machine makes it.
//!
//! In: an address that somebody listens on. Out: the status of the answer to `GET /healthz`,
//! or why there was none in time. Takes nothing for an answer but a whole head.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::unix::{Address, Connection};

/// Our own answers to this request have some 100 bytes.
const LONGEST: usize = 4096;

/// Whether this status comes from the service behind the gate. Asked by a client on this
/// machine it says 200; 404 where its address makes us look like anybody else. Of itself the
/// gate answers such a request with 408 or 503 only.
pub fn is_from_service(status: u16) -> bool {
    matches!(status, 200 | 404)
}

/// Asks for `/healthz` at `address`; gives up after `patience`.
pub fn knock(address: &Address, patience: Duration) -> io::Result<u16> {
    let until = Instant::now() + patience;
    let connection = match address {
        Address::Tcp(address) => {
            Connection::tcp(TcpStream::connect_timeout(&reachable(*address), patience)?, true)?
        }
        Address::Unix(path) => Connection::unix(UnixStream::connect(path)?),
    };
    connection.time_out(patience, patience)?;
    (&connection)
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        connection.read_timeout(until.saturating_duration_since(Instant::now()))?;
        let mut chunk = [0; 512];
        let count = (&connection).read(&mut chunk)?;
        if count == 0 || answer.len() > LONGEST {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
    }
    status(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Where a client on this machine finds what listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn status(answer: &[u8]) -> Option<u16> {
    let digits = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    #[test]
    #[rustfmt::skip]
    fn only_an_answer_of_the_service_is_one() {
        for (says, status, serves) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n", Some(200), true),
            ("HTTP/1.1 404 Not Found\r\n\r\n",                   Some(404), true),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n",         Some(503), false),
            ("HTTP/1.1 200 OK\r\n",                              None,      false),
            ("SSH-2.0-OpenSSH_9.2\r\n\r\n",                      None,      false),
            ("",                                                 None,      false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = Address::Tcp(listener.local_addr().unwrap());
            let server = thread::spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                let mut request = [0; 512];
                let count = client.read(&mut request).unwrap();
                client.write_all(says.as_bytes()).unwrap();
                String::from_utf8_lossy(&request[..count]).into_owned()
            });
            let found = knock(&address, Duration::from_secs(20)).ok();
            assert_eq!(found, status, "{says:?}");
            assert_eq!(found.is_some_and(is_from_service), serves, "{says:?}");
            assert!(server.join().unwrap().starts_with("GET /healthz HTTP/1.1\r\n"));
        }
    }

    #[test]
    fn somebody_who_is_silent_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        assert!(knock(&address, Duration::from_millis(50)).is_err());
    }

    #[test]
    #[rustfmt::skip]
    fn a_wildcard_is_reached_over_loopback() {
        for (listening, reached) in [
            ("0.0.0.0:80",     "127.0.0.1:80"),
            ("[::]:80",        "[::1]:80"),
            ("10.0.0.5:8080",  "10.0.0.5:8080"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(reachable(listening.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
