//! The owner of the public listeners: accepts, and gives each client a slot and a thread.
//!
//! In: listening sockets and signals. Out: why it ended. A failed accept or spawn is said and
//! tried again; whoever cannot be served is told so.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::connection;
use super::shared::Shared;
use super::slot::Slot;
use super::wire::{Manner, encode};
use crate::service::metrics;
use crate::service::refusal::Refusal;
use crate::sys::journal::{self, Throttle};
use crate::sys::pool::ThreadPool;
use crate::sys::unix::{self, Asked, Connection, Listener, Signals};

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

/// Why accepting ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// A signal asked for it.
    Asked,
    /// The inner server is gone; the process has to be started again.
    InnerGone,
}

/// Accepts and serves until a signal comes or the alarm rings, then stops accepting. `alarm` is
/// the end that is watched of the pair in [`Shared`]; `reload` is called when a signal asks for it.
///
/// # Errors
/// When the system cannot wait for sockets.
pub fn run(
    listeners: &[Listener],
    signals: &Signals,
    alarm: &UnixStream,
    shared: &Arc<Shared>,
    reload: impl Fn(),
) -> io::Result<Ended> {
    let acceptor = Acceptor::new(shared.clone());
    let mut watched = vec![signals.as_fd(), alarm.as_fd()];
    watched.extend(listeners.iter().map(AsFd::as_fd));
    loop {
        let ready = unix::wait(&watched)?;
        match ready.as_slice() {
            [true, ..] => match signals.take()? {
                Some(Asked::Stop) => {
                    // Those who wait already would be reset; a passed socket keeps them for the
                    // next.
                    for listener in listeners.iter().filter(|listener| listener.ends_with_us()) {
                        while acceptor.has_room() && acceptor.accept_one(listener) {}
                    }
                    return Ok(Ended::Asked);
                }
                Some(Asked::Reload) => reload(),
                None => {}
            },
            [_, true, ..] => return Ok(Ended::InnerGone),
            [_, _, rest @ ..] => {
                for (listener, _) in listeners.iter().zip(rest).filter(|(_, ready)| **ready) {
                    acceptor.accept_one(listener);
                }
            }
            _ => {}
        }
    }
}

/// Finishes what was accepted, at most until `until`. Returns how many did not finish.
pub fn drain(shared: &Shared, until: Instant) -> usize {
    shared.table.close();
    shared.table.wait_empty((Instant::now() + STOP_SILENT).min(until), until)
}

/// Takes clients in.
struct Acceptor {
    shared: Arc<Shared>,
    threads: Arc<ThreadPool<Client>>,
}

impl Acceptor {
    fn new(shared: Arc<Shared>) -> Self {
        // No client ever waits for a thread: whoever has a slot finds one that is about to be free.
        let limit = shared.table.limit();
        let serve = |client: &Client| connection::serve(&client.shared, &client.slot);
        Self { threads: ThreadPool::new("client", STACK, limit, serve), shared }
    }

    fn has_room(&self) -> bool {
        self.shared.table.taken() < self.shared.table.limit()
    }

    /// `false` when nobody waits (any more).
    fn accept_one(&self, listener: &Listener) -> bool {
        match listener.accept() {
            Ok(Some(connection)) => {
                self.shared.metrics.count(metrics::ACCEPTED, ["", ""]);
                self.admit(connection);
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
                self.make_room();
                false
            }
        }
    }

    fn admit(&self, connection: Connection) {
        let slot = match self.shared.table.take(connection, Instant::now()) {
            Ok(slot) => slot,
            Err(connection) => {
                self.shared.metrics.count(metrics::REFUSED, [Refusal::Full.name(), ""]);
                return connection.say_and_go(&full());
            }
        };
        let mut client = Client { shared: self.shared.clone(), slot };
        // Whoever is cut off to make room ends a thread, too: the next try finds one.
        for _ in 0..SPAWN_TRIES {
            let Err((back, error)) = self.threads.run(client) else { return };
            client = back;
            if let Some(held_back) = SPAWN_FAILED.pass(Instant::now()) {
                journal::warning(format_args!(
                    "cannot start a thread for a connection: {error} ({held_back} more like it); \
                     TasksMax or a lower DOUMIBOOK_CONNECTIONS would help"
                ));
            }
            self.make_room();
        }
        client.slot.connection.say_and_go(&full());
    }

    /// Waits at most [`PAUSE`]: two hundred who are turned away may not cost the next one seconds.
    fn make_room(&self) {
        self.shared.table.make_room(Instant::now(), PAUSE);
        // A place is given back a moment before its file and its thread are.
        thread::sleep(Duration::from_millis(1));
    }
}

fn full() -> Vec<u8> {
    encode(&Refusal::Full.response(), Manner::default())
}

/// A client with a slot. Gives the place back however serving ends, a panic and a thread that
/// never began included.
struct Client {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.slot.connection.shutdown(std::net::Shutdown::Both);
        self.shared.table.leave(&self.slot);
    }
}
