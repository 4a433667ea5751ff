//! One client, on one thread: requests in, answers out, until somebody has had enough.
//!
//! In: a slot. Out: nothing; when it returns, the connection is over. The thread hands a complete
//! request to the inner server and goes on reading: so it meets the next request, or notices that
//! the client has gone, while others find the answer and send it. Every wait has an end: idle,
//! the request as a whole, the answer as a whole, and the goodbye.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::framing::{Framing, HttpRequest, Step};
use super::shared::Shared;
use super::slot::{Current, Progress, Slot};
use super::wire::{self, Manner};
use crate::service::metrics;
use crate::service::refusal::Refusal;
use crate::service::ticket::Client;

/// How long a connection may stay without a request.
const IDLE: Duration = Duration::from_secs(15);
/// How long one request may take to come, from its first byte to its last.
const REQUEST: Duration = Duration::from_secs(10);
/// How long the rest of an answer may take to go.
const ANSWER: Duration = Duration::from_secs(10);
/// A request that no worker has answered or parked for so long was lost.
const LOST: Duration = Duration::from_secs(10);
/// After a refusal: how long, and how much, a client may go on sending into the void, so that
/// it reads the refusal before it meets a reset.
const GOODBYE: Duration = Duration::from_secs(1);
const GOODBYE_BYTES: usize = 256 * 1024;
/// What a buffer may keep between two requests.
const KEPT: usize = 2 * 1024;
/// The most that is read at a time; a push has some 900 bytes, its head included.
const READ: usize = 2 * 1024;
/// A wait may end so much earlier or later: setting a time-out is a system call.
const SLACK: Duration = Duration::from_millis(25);

struct ClientLoop<'a> {
    shared: &'a Shared,
    slot: &'a Arc<Slot>,
    received: Vec<u8>,
    /// What the socket's reads wait for now.
    timeout: Duration,
}

/// What came of waiting for bytes.
enum Came {
    Bytes,
    /// The client will send nothing more.
    End,
    /// The moment has come.
    Timeout,
    /// There is no room for what this request would hold.
    NoRoom,
}

/// Serves the client at `slot` until the connection ends.
pub fn serve(shared: &Shared, slot: &Arc<Slot>) {
    let mut client =
        ClientLoop { shared, slot, received: Vec::new(), timeout: Duration::default() };
    let mut kept = false;
    while client.one_exchange(kept).is_some() {
        kept = true;
    }
}

impl ClientLoop<'_> {
    /// One request and its answer; `None` ends the connection.
    fn one_exchange(&mut self, kept: bool) -> Option<()> {
        let (mut request, first_byte) = match self.receive(kept) {
            Ok(received) => received?,
            Err(refusal) => {
                self.shared.metrics.count(metrics::REFUSED, [refusal.name(), ""]);
                // Whoever is refused may stay a second to hear it, but hold nothing.
                self.received = Vec::new();
                self.reserve(0);
                self.refuse(refusal);
                return None;
            }
        };
        let manner = Manner {
            keep_alive: request.keep_alive,
            old: request.old,
            head_only: request.method == "HEAD",
        };
        let local = self.slot.connection.is_local() && !request.forwarded;
        let number = self.slot.begin(Current { first_byte, local, manner })?;
        if let Err(error) = self.shared.inner.submit(&request, self.slot.number, number) {
            self.shared.inner_failed(&error);
            self.slot.answer(number, Some(&Refusal::Full.response()));
        }
        // A parked request may wait for seconds.
        request.body = Vec::new();
        self.reserve(self.received.capacity());
        self.await_answer(number, first_byte)
    }

    /// Waits until request `number` is answered, its time is up, or the client has gone; `None`
    /// ends the connection.
    fn await_answer(&mut self, number: u64, first_byte: Instant) -> Option<()> {
        let late = first_byte + LOST;
        let mut until = first_byte + self.shared.first_look;
        let mut gone = false;
        loop {
            // Bytes of the next request say that the client is there; it has to wait.
            if gone || !Framing::is_blank(&self.received) {
                self.slot.wait_for_change(number, gone, until);
            } else if matches!(self.read_until(until, 0), Came::End | Came::NoRoom) {
                gone = true;
            }
            let now = Instant::now();
            match self.slot.progress(now, gone, late) {
                Progress::Answered => return Some(()),
                Progress::Waiting(moment) if moment <= now => {
                    self.slot.answer(number, Some(&Refusal::Full.response()));
                }
                Progress::Waiting(moment) => until = moment,
                Progress::Unsent(rest) => {
                    let _ = self.send(&rest);
                    return None;
                }
                Progress::Over => return None,
            }
        }
    }

    /// The next request and when its first byte came. `Ok(None)`: the client is done, or was
    /// cut off.
    fn receive(&mut self, kept: bool) -> Result<Option<(HttpRequest, Instant)>, Refusal> {
        let mut framing = Framing::default();
        let now = Instant::now();
        let mut first_byte = None;
        let mut until = now + IDLE;
        // Of a kept connection the slot says so since the last answer went out.
        if !kept && !self.slot.idle(now, false) {
            return Ok(None);
        }
        loop {
            if first_byte.is_none() && !Framing::is_blank(&self.received) {
                let now = Instant::now();
                (first_byte, until) = (Some(now), now + REQUEST);
                if !self.slot.receiving(now) {
                    return Ok(None);
                }
            }
            if !self.received.is_empty() {
                match framing.look(&self.received) {
                    Step::Ready(request, taken) => {
                        self.received.drain(..taken);
                        self.received.shrink_to(KEPT);
                        // Still held while it is handed on.
                        self.reserve(self.received.capacity() + request.body.len());
                        return Ok(Some((request, first_byte.unwrap_or(now))));
                    }
                    Step::Refuse(refusal) => return Err(refusal),
                    Step::More => {}
                }
                if framing.wants_continue() {
                    let _ = (&self.slot.connection).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
            }
            match self.read_until(until, framing.holds()) {
                Came::Bytes => {}
                Came::Timeout if first_byte.is_some() => return Err(Refusal::TooSlow),
                Came::NoRoom => return Err(Refusal::Full),
                Came::Timeout | Came::End => return Ok(None),
            }
        }
    }

    /// Waits for bytes, at most until `until`; the request holds `besides` bytes already, besides
    /// those received.
    fn read_until(&mut self, until: Instant, besides: usize) -> Came {
        let before = self.received.len();
        if !self.grow(before, besides) {
            return Came::NoRoom;
        }
        self.received.resize(before + READ, 0);
        let came = loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Came::Timeout;
            }
            self.set_timeout(left.min(self.shared.first_look));
            let space = self.received.get_mut(before..).unwrap_or_default();
            match (&self.slot.connection).read(space) {
                Ok(0) => break Came::End,
                Ok(count) => {
                    self.received.truncate(before + count);
                    return Came::Bytes;
                }
                Err(error) if is_passing(&error) => {}
                Err(_) => break Came::End,
            }
        };
        self.received.truncate(before);
        came
    }

    /// Makes room for one more read behind `before` bytes. What the request will hold is told
    /// before it is taken: all grow at the same time. `false` when there is no room.
    fn grow(&mut self, before: usize, besides: usize) -> bool {
        if self.received.capacity() - before >= READ {
            return true;
        }
        let room = (self.received.capacity() * 3 / 2).max(before + READ);
        if !self.reserve(room + besides) {
            return false;
        }
        self.received.reserve_exact(room - before);
        true
    }

    fn set_timeout(&mut self, wanted: Duration) {
        if self.timeout.abs_diff(wanted) > SLACK
            && self.slot.connection.read_timeout(wanted).is_ok()
        {
            self.timeout = wanted;
        }
    }

    /// Tells the table what this client's request holds. What every push needs does not count.
    /// `false` when there is no room for it.
    fn reserve(&self, bytes: usize) -> bool {
        let bytes = if bytes <= KEPT * 2 { 0 } else { bytes };
        self.shared.table.try_reserve(self.slot, bytes, Instant::now())
    }

    /// Sends what the client's buffer did not take at once.
    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        self.slot.connection.write_timeout(ANSWER)?;
        let until = Instant::now() + ANSWER;
        let mut rest = bytes;
        while !rest.is_empty() {
            match (&self.slot.connection).write(rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        self.slot.connection.shutdown(Shutdown::Write);
        Ok(())
    }

    /// Says no, and waits a moment for the client to hear it.
    fn refuse(&mut self, refusal: Refusal) {
        // Still to be cut off first when room is needed: the phase stays "receiving".
        if self.send(&wire::encode(&refusal.response(), Manner::default())).is_err() {
            return;
        }
        let until = Instant::now() + GOODBYE;
        let mut swallowed = 0;
        let mut chunk = [0; 1024];
        while swallowed < GOODBYE_BYTES {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.slot.connection.read_timeout(left).is_err() {
                return;
            }
            match (&self.slot.connection).read(&mut chunk) {
                Ok(count) if count > 0 => swallowed += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

/// Whether reading may simply be tried again: a time-out, or a process that was stopped and goes
/// on.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}
