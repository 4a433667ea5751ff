//! A request through a server's front door, as a client on this machine makes it.
//!
//! In: an address that somebody listens on, and what to GET there. Out: the answer, or why there
//! was none in time. Takes nothing for an answer but a whole head.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::sys::unix::{Address, Connection};

/// Our own answers to this request have some 100 bytes.
const LONGEST: usize = 4096;

/// Whether this status comes from the service behind the gate. Asked by a client on this
/// machine it says 200; 404 where its address makes us look like anybody else. Of itself the
/// gate answers such a request with 408 or 503 only.
pub fn is_from_service(status: u16) -> bool {
    matches!(status, 200 | 404)
}

/// Asks for `target` at `address`; gives up after `patience`. Returns status and body.
pub fn probe(address: &Address, target: &str, patience: Duration) -> io::Result<(u16, Vec<u8>)> {
    let until = Instant::now() + patience;
    let connection = match address {
        Address::Tcp(address) => Connection::tcp(connect(*address, patience)?, true)?,
        Address::Unix(path) => Connection::unix(UnixStream::connect(path)?),
    };
    connection.write_timeout(patience)?;
    let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    (&connection).write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    let end = loop {
        connection.read_timeout(until.saturating_duration_since(Instant::now()))?;
        let mut chunk = [0; 512];
        match (&connection).read(&mut chunk) {
            Ok(count) if count > 0 && answer.len() < LONGEST => {
                answer.extend_from_slice(chunk.get(..count).unwrap_or_default());
            }
            Ok(_) => break io::ErrorKind::UnexpectedEof.into(),
            Err(error) => break error,
        }
    };
    // Some servers leave the connection open: a whole head is an answer all the same.
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or(end)? + 4;
    let status = status(&answer).ok_or(io::ErrorKind::InvalidData)?;
    Ok((status, answer.split_off(body)))
}

/// To what listens on `address`, from this machine. `[::]` takes IPv4, too, and nothing else on a
/// machine without IPv6; a socket may also be told to take IPv6 alone.
fn connect(address: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let port = address.port();
    let to = |ip: IpAddr| TcpStream::connect_timeout(&SocketAddr::new(ip, port), patience);
    match address.ip() {
        ip if ip.is_unspecified() => {
            to(Ipv4Addr::LOCALHOST.into()).or_else(|_| to(Ipv6Addr::LOCALHOST.into()))
        }
        ip => to(ip),
    }
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
            let found = probe(&address, "/healthz", Duration::from_secs(20)).ok();
            let body = says.split_once("\r\n\r\n").map(|(_, body)| body.as_bytes().to_vec());
            assert_eq!(found, status.zip(body), "{says:?}");
            let found = found.map(|(status, _)| status);
            assert_eq!(found.is_some_and(is_from_service), serves, "{says:?}");
            assert!(server.join().unwrap().starts_with("GET /healthz HTTP/1.1\r\n"));
        }
    }

    #[test]
    fn somebody_who_is_silent_does_not_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        assert!(probe(&address, "/healthz", Duration::from_millis(50)).is_err());
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback() {
        // Each alone, too, as `[::]` is where the other is switched off.
        for (listening, address) in [
            ("0.0.0.0", "0.0.0.0"),
            ("::", "::"),
            ("127.0.0.1", "::"),
            ("::1", "::"),
            ("127.0.0.9", "127.0.0.9"),
        ] {
            let ip: IpAddr = listening.parse().unwrap();
            // A machine that tests may have no IPv6.
            let Ok(listener) = TcpListener::bind((ip, 0)) else { continue };
            let port = listener.local_addr().unwrap().port();
            let address = SocketAddr::new(address.parse().unwrap(), port);
            let connected = connect(address, Duration::from_secs(20));
            assert!(connected.is_ok(), "{listening}: {connected:?}");
        }
    }
}
