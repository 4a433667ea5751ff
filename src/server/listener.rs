//! The only code that faces a client, and the owner of the public listener.
//!
//! In: connections from anybody. Out: complete, bounded, checked requests, relayed to
//! tiny_http in this process; answers back. Nothing a client without the token can send
//! stops, stalls or grows the server; nothing that was accepted is lost at a stop.
//!
//! Why it exists. tiny_http 0.12 alone, measured: one unsigned `Content-Length:
//! 99999999999999` aborts the process (`EqualReader`'s drop allocates what was announced);
//! four slow bodies stop four workers; each `GET / HTTP/2.0` leaks a thread and two
//! descriptors for ever; 100 MB of header are 100 MB of memory; one failed `accept` or `dup`
//! leaves it deaf; of ten keep-alive clients on an idle server only four are answered at once;
//! and it cannot be told to stop accepting. All of that lies in how it treats connections and
//! unchecked bytes. Behind the gate it sees neither: only [`lanes`], opened one by one at the
//! start, and plain requests with our own `Content-Length`.
//!
//! The parts: [`framing`] and [`chunks`] (bytes to a request, pure), [`places`] (who is connected, who has to
//! go, where late answers wait), [`connection`] (one client), [`lanes`] (to tiny_http and back).

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::framing::Refusal;
use super::lanes::Lanes;
use super::table::Places;
use crate::service::metrics::{self, Metrics};
use crate::sys::journal::{self, Throttle};
use crate::sys::pool::{Crew, Kind};
use crate::sys::unix::{self, Connection, Listener, Signals};

/// How long a failed accept or spawn waits for somebody who leaves, before it is tried again.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a thread is asked for before a client is told to come again.
const SPAWN_TRIES: usize = 8;
/// How long a stop may take, everything included.
pub const STOP: Duration = Duration::from_secs(5);
/// A client's thread reads heads and copies bytes; it needs about 16 KiB.
const STACK: usize = 128 * 1024;
/// How long a connection that has not sent a byte is waited for at a stop.
const STOP_SILENT: Duration = Duration::from_secs(1);

static ACCEPT_FAILED: Throttle = Throttle::new();
static SPAWN_FAILED: Throttle = Throttle::new();
static LANE_FAILED: Throttle = Throttle::new();

/// What every connection's thread needs.
pub struct Inside {
    /// The table of connections.
    pub places: Arc<Places>,
    /// The way to tiny_http.
    pub lanes: Lanes,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The threads that serve clients.
    crew: Arc<Crew<Guest>>,
    /// Written to when the inner server is gone.
    alarm: UnixStream,
}

/// Why the gate closed.
#[derive(Debug, PartialEq, Eq)]
pub enum Closed {
    /// A signal asked for it.
    Asked,
    /// The inner server is gone; the process has to be started again.
    InnerGone,
}

impl Inside {
    pub(super) fn lane_failed(&self, error: &io::Error) {
        if let Some(held_back) = LANE_FAILED.pass(Instant::now()) {
            journal::error(format_args!(
                "a request got no answer from the inner server: {error} ({held_back} more like it)"
            ));
        }
        if self.lanes.gone() {
            ring(&self.alarm);
        }
    }
}

/// Wakes whoever waits at the other end.
pub fn ring(mut alarm: &UnixStream) {
    // Full means that it rings already.
    let _ = io::Write::write(&mut alarm, b"!");
}

/// Accepts and serves until a signal comes or the alarm rings, then stops accepting.
///
/// `alarm` is a pair: the end others ring, and the end watched here.
pub fn run(
    listeners: &[Listener],
    signals: &Signals,
    alarm: (UnixStream, UnixStream),
    places: Arc<Places>,
    lanes: Lanes,
    metrics: Arc<Metrics>,
) -> io::Result<(Closed, Arc<Inside>)> {
    // No guest ever waits for a thread: whoever has a seat finds one that is about to be free.
    let kind = Kind { name: "client", stack: STACK, limit: places.limit(), patient: false };
    let crew = Crew::new(kind, |guest: &Guest| super::connection::serve(&guest.0, &guest.1));
    let inside = Arc::new(Inside { places, lanes, metrics, crew, alarm: alarm.0 });
    let mut watched = vec![signals.as_fd(), alarm.1.as_fd()];
    watched.extend(listeners.iter().map(AsFd::as_fd));
    loop {
        let ready = unix::wait(&watched)?;
        match ready.as_slice() {
            [true, ..] => {
                // Those who wait already would be reset; a passed socket keeps them for the next.
                for listener in listeners.iter().filter(|listener| listener.ends_with_us()) {
                    while inside.places.taken() < inside.places.limit()
                        && accept_one(listener, &inside)
                    {}
                }
                return Ok((Closed::Asked, inside));
            }
            [_, true, ..] => return Ok((Closed::InnerGone, inside)),
            [_, _, rest @ ..] => {
                for (listener, _) in listeners.iter().zip(rest).filter(|(_, ready)| **ready) {
                    accept_one(listener, &inside);
                }
            }
            _ => {}
        }
    }
}

/// Finishes what was accepted, at most until `until`. Returns how many did not finish.
pub fn drain(inside: &Inside, until: Instant) -> usize {
    inside.places.close();
    inside.places.wait_empty((Instant::now() + STOP_SILENT).min(until), until)
}

/// `false` when nobody waits (any more).
fn accept_one(listener: &Listener, inside: &Arc<Inside>) -> bool {
    match listener.accept() {
        Ok(Some(connection)) => {
            inside.metrics.count(metrics::ACCEPTED, ["", ""]);
            admit(connection, inside);
            true
        }
        Ok(None) => false,
        Err(error) => {
            if let Some(held_back) = ACCEPT_FAILED.pass(Instant::now()) {
                journal::warning(format_args!(
                    "cannot accept a connection: {error} ({held_back} more like it); \
                     LimitNOFILE or a lower DOUMIBOOK_CONNECTIONS would help"
                ));
            }
            make_room(inside);
            false
        }
    }
}

fn admit(connection: Connection, inside: &Arc<Inside>) {
    let seat = match inside.places.take(connection, Instant::now()) {
        Ok(seat) => seat,
        Err(connection) => {
            inside.metrics.count(metrics::REFUSED, [Refusal::Full.name(), ""]);
            connection.say_and_go(&full());
            return;
        }
    };
    let mut guest = Guest(inside.clone(), seat);
    // Whoever is cut off to make room ends a thread, too: the next try finds one.
    for _ in 0..SPAWN_TRIES {
        let Err((back, error)) = inside.crew.take(guest) else { return };
        guest = back;
        if let Some(held_back) = SPAWN_FAILED.pass(Instant::now()) {
            journal::warning(format_args!(
                "cannot start a thread for a connection: {error} ({held_back} more like it); \
                 TasksMax or a lower DOUMIBOOK_CONNECTIONS would help"
            ));
        }
        make_room(inside);
    }
    guest.1.connection.say_and_go(&full());
}

/// Waits at most [`PAUSE`]: two hundred who are turned away may not cost the next one seconds.
fn make_room(inside: &Inside) {
    inside.places.make_room(Instant::now(), PAUSE);
    // A place is given back a moment before its file and its thread are.
    thread::sleep(Duration::from_millis(1));
}

fn full() -> Vec<u8> {
    let mut bytes = Vec::new();
    Refusal::Full.response().write(&mut bytes, Some("close"), true);
    bytes
}

/// A client at its seat. Gives the place back however serving ends, a panic and a thread that
/// never began included.
struct Guest(Arc<Inside>, Arc<super::table::Seat>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.1.connection.shutdown(std::net::Shutdown::Both);
        self.0.places.leave(&self.1);
    }
}
