//! The way from the connections to tiny_http: very few connections, opened one by one at the
//! start and used again and again.
//!
//! In: a complete request, its slot and its number there. Out: nothing: whoever has the answer
//! gives it to the slot. So an inner connection is never busy, and requests follow each other on
//! it without waiting. tiny_http's own troubles (it counts a woken thread as idle, it panics when
//! a thread or a descriptor is missing) all lie in opening connections, so no request ever meets
//! them. The last connection that fails means that the inner server is gone.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::framing::HttpRequest;
use crate::sys::sync::lock;

/// tiny_http reads a request within microseconds; a connection it does not read from is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// A body up to this length is sent along with its head, which is quicker; a longer one is no
/// push, and not worth a second copy of it.
const ONE_WRITE: usize = 4 * 1024;
/// How many there are: one for each of two processors, and the last for long bodies alone. A body
/// of more than 1024 bytes holds its connection until a worker has it, and no push may have to
/// wait behind a hundred of 60 000.
pub const INNER_CONNECTIONS: usize = 3;
/// The field that names a request's slot and its number there: `12/345`.
pub const SLOT: &str = "Slot";

/// The open connections to tiny_http.
pub struct InnerConnections {
    connections: Vec<Mutex<Inner>>,
    open: AtomicUsize,
}

struct Inner {
    /// Gone when it has failed.
    stream: Option<UnixStream>,
    /// Used again and again, as the connection is.
    sent: Vec<u8>,
}

impl InnerConnections {
    /// Opens connections to the socket at `path`, each proven by a request of its own before the
    /// next one is opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut connections = Vec::with_capacity(INNER_CONNECTIONS);
        for _ in 0..INNER_CONNECTIONS {
            let mut stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET /ready HTTP/1.1\r\n\r\n")?;
            stream.read_exact(&mut [0; 12])?;
            // Nothing is read any more: what tiny_http may say of its own goes nowhere.
            stream.shutdown(Shutdown::Read)?;
            connections.push(Mutex::new(Inner { stream: Some(stream), sent: Vec::new() }));
        }
        Ok(Self { connections, open: AtomicUsize::new(INNER_CONNECTIONS) })
    }

    /// Hands `request` to the inner server; it is request number `number` of slot `slot`. An error
    /// means that it got nowhere; whether any connection is left tells
    /// [`InnerConnections::gone`].
    pub fn submit(&self, request: &HttpRequest, slot: usize, number: u64) -> io::Result<()> {
        let mut inner = self.pick(slot, request.body.len() > ONE_WRITE)?;
        let sent = inner.submit(request, slot, number);
        if sent.is_err() {
            // A part of the request may be on it.
            inner.stream = None;
            self.open.fetch_sub(1, Ordering::SeqCst);
        }
        sent
    }

    /// Whether the last connection has failed.
    pub fn gone(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }

    /// The connection for long bodies; or one that nobody is writing to, if there is one: each slot
    /// begins with its own. When those that it should be are gone, the others have to do.
    fn pick(&self, slot: usize, long: bool) -> io::Result<MutexGuard<'_, Inner>> {
        let (last, short) = self.connections.split_last().ok_or(io::ErrorKind::NotConnected)?;
        let last = std::slice::from_ref(last);
        let (before, from) = short.split_at(slot % short.len().max(1));
        let order = if long { [last, from, before] } else { [from, before, last] };
        if !long {
            let free = from.iter().chain(before).filter_map(|inner| inner.try_lock().ok());
            if let Some(inner) = free.into_iter().find(|inner| inner.stream.is_some()) {
                return Ok(inner);
            }
        }
        let open = order.iter().copied().flatten().map(lock).find(|inner| inner.stream.is_some());
        open.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Inner {
    fn submit(&mut self, request: &HttpRequest, slot: usize, number: u64) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Err(io::ErrorKind::NotConnected.into()) };
        // HEAD is answered as GET; the body is left away where the answer is written.
        let method = if request.method == "HEAD" { "GET" } else { &request.method };
        self.sent.clear();
        write!(self.sent, "{method} {} HTTP/1.1\r\n{SLOT}: {slot}/{number}\r\n", request.target)?;
        if !request.body.is_empty() {
            write!(self.sent, "Content-Length: {}\r\n", request.body.len())?;
        }
        self.sent.extend_from_slice(b"\r\n");
        let together = request.body.len() <= ONE_WRITE;
        if together {
            self.sent.extend_from_slice(&request.body);
        }
        stream.write_all(&self.sent)?;
        if together { Ok(()) } else { stream.write_all(&request.body) }
    }
}
