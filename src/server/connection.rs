//! One client, on one thread: requests in, answers out, until somebody has had enough.
//!
//! In: a seat. Out: nothing; when it returns, the connection is over. Every wait has an end:
//! idle, the request as a whole, the answer as a whole, and the goodbye.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::framing::{Framing, Refusal, Request, Step};
use super::lanes::Relayed;
use super::listener::Inside;
use super::table::Seat;
use crate::service::metrics;
use crate::service::response::Response;

/// How long a connection may stay without a request.
pub const IDLE: Duration = Duration::from_secs(15);
/// How long one request may take to come, from its first byte to its last.
pub const REQUEST: Duration = Duration::from_secs(10);
/// How long one answer may take to go.
pub const ANSWER: Duration = Duration::from_secs(10);
/// After a refusal: how long, and how much, a client may go on sending into the void, so that
/// it reads the refusal before it meets a reset.
const GOODBYE: Duration = Duration::from_secs(1);
const GOODBYE_BYTES: usize = 256 * 1024;
/// What a buffer may keep between two requests.
const KEPT: usize = 2 * 1024;
/// The most that is read at a time; a push has some 900 bytes, its head included.
const READ: usize = 2 * 1024;

struct Client<'a> {
    inside: &'a Inside,
    seat: &'a Arc<Seat>,
    received: Vec<u8>,
    out: Vec<u8>,
}

/// Serves the client at `seat` until the connection ends.
pub fn serve(inside: &Inside, seat: &Arc<Seat>) {
    if seat.connection.time_out(IDLE, ANSWER).is_err() {
        return;
    }
    let mut client = Client { inside, seat, received: Vec::new(), out: Vec::with_capacity(512) };
    let mut kept = false;
    while client.one_exchange(kept).is_some() {
        kept = true;
    }
}

impl Client<'_> {
    /// One request and its answer; `None` ends the connection.
    fn one_exchange(&mut self, kept: bool) -> Option<()> {
        let (mut request, first_byte) = match self.receive(kept) {
            Ok(received) => received?,
            Err(refusal) => {
                self.inside.metrics.count(metrics::REFUSED, [refusal.name(), ""]);
                // Whoever is refused may stay a second to hear it, but hold nothing.
                self.received = Vec::new();
                self.report(0);
                self.refuse(refusal);
                return None;
            }
        };
        let local = self.seat.connection.is_local() && !request.forwarded;
        if !self.seat.serving() {
            return None;
        }
        self.seat.bay.begin(first_byte, local);
        let relayed = self.inside.lanes.relay(&request, self.seat.number);
        // A parked request may wait for seconds.
        request.body = Vec::new();
        self.report(self.received.capacity());
        let response = match relayed {
            Ok(Relayed::Answer(response)) => response,
            // A parked request that is let go ends without an answer: WeChat delivers again.
            Ok(Relayed::Parked) => self.seat.bay.wait()?,
            Err(error) => {
                self.inside.lane_failed(&error);
                // A worker that is late may still think of this request as the one at this seat.
                request.keep_alive = false;
                Refusal::Full.response()
            }
        };
        let keep = request.keep_alive && !self.inside.places.wanted_back();
        self.seat.sending(Instant::now());
        self.send(&response, keep, request.old, request.method != "HEAD").ok()?;
        keep.then_some(())
    }

    /// The next request and when its first byte came. `Ok(None)`: the client is done, or was
    /// cut off.
    fn receive(&mut self, kept: bool) -> Result<Option<(Request, Instant)>, Refusal> {
        let mut framing = Framing::default();
        let now = Instant::now();
        // Bytes of a pipelined request may be here already.
        let mut first_byte = (!self.received.is_empty()).then_some(now);
        let mut hurried = false;
        let stays = match first_byte {
            Some(first) => self.seat.receiving(first),
            None => self.seat.idle(now, kept),
        };
        if !stays {
            return Ok(None);
        }
        loop {
            if !self.received.is_empty() {
                match framing.look(&self.received) {
                    Step::Ready(request, taken) => {
                        self.received.drain(..taken);
                        self.received.shrink_to(KEPT);
                        // Still held while it waits for a lane.
                        self.report(self.received.capacity() + request.body.len());
                        if hurried {
                            let _ = self.seat.connection.read_timeout(IDLE);
                        }
                        return Ok(Some((request, first_byte.unwrap_or_else(Instant::now))));
                    }
                    Step::Refuse(refusal) => return Err(refusal),
                    Step::More => {}
                }
                if framing.wants_continue() {
                    let _ = (&self.seat.connection).write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
            }
            if let Some(first) = first_byte {
                // The time-out is set again for each read, so that it bounds the whole request.
                let left = REQUEST.checked_sub(first.elapsed()).ok_or(Refusal::TooSlow)?;
                hurried = self.seat.connection.read_timeout(left).is_ok();
            }
            match self.read_some(framing.holds()) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if is_timeout(&error) && first_byte.is_some() => {
                    return Err(Refusal::TooSlow);
                }
                Err(error) if error.kind() == io::ErrorKind::OutOfMemory => {
                    return Err(Refusal::Full);
                }
                Err(_) => return Ok(None),
            }
            if first_byte.is_none() {
                let now = Instant::now();
                first_byte = Some(now);
                if !self.seat.receiving(now) {
                    return Ok(None);
                }
            }
        }
    }

    /// Reads what has come; the request holds `besides` bytes already, besides those received.
    fn read_some(&mut self, besides: usize) -> io::Result<usize> {
        let before = self.received.len();
        if self.received.capacity() - before < READ {
            // What it will hold is told before it is taken: all grow at the same time.
            let room = (self.received.capacity() * 3 / 2).max(before + READ);
            if !self.report(room + besides) {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.received.reserve_exact(room - before);
        }
        self.received.resize(before + READ, 0);
        let result = loop {
            let space = self.received.get_mut(before..).unwrap_or_default();
            match (&self.seat.connection).read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.received.truncate(before + result.as_ref().map_or(0, |count| *count));
        result
    }

    /// Tells the table what this client's request holds. What every push needs does not count.
    /// `false` when there is no room for it.
    fn report(&self, holds: usize) -> bool {
        let holds = if holds <= KEPT * 2 { 0 } else { holds };
        self.inside.places.holds(self.seat, holds, Instant::now())
    }

    fn send(
        &mut self,
        response: &Response,
        keep: bool,
        old: bool,
        with_body: bool,
    ) -> io::Result<()> {
        let connection = match (keep, old) {
            (false, _) => Some("close"),
            (true, true) => Some("keep-alive"),
            (true, false) => None,
        };
        self.out.clear();
        response.write(&mut self.out, connection, with_body);
        let until = Instant::now() + ANSWER;
        let mut rest = self.out.as_slice();
        while !rest.is_empty() {
            match (&self.seat.connection).write(rest) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        if !keep {
            self.seat.connection.shutdown(Shutdown::Write);
        }
        Ok(())
    }

    /// Says no, and waits a moment for the client to hear it.
    fn refuse(&mut self, refusal: Refusal) {
        // Still to be cut off first when room is needed: the phase stays "receiving".
        if self.send(&refusal.response(), false, false, true).is_err() {
            return;
        }
        let until = Instant::now() + GOODBYE;
        let mut swallowed = 0;
        let mut chunk = [0; 1024];
        while swallowed < GOODBYE_BYTES {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.seat.connection.read_timeout(left).is_err() {
                return;
            }
            match (&self.seat.connection).read(&mut chunk) {
                Ok(count) if count > 0 => swallowed += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
