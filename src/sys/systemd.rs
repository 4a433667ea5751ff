//! What the service manager hears from us. The home of sd-notify.
//!
//! In: the moments that matter. Out: READY=1, STOPPING=1, and WATCHDOG=1 while the server
//! answers; nothing at all where nobody asked (`NOTIFY_SOCKET`, `WATCHDOG_USEC`). No trouble
//! here ever stops the server.
//!
//! A ping from a thread that merely runs proves nothing: it goes on while the accepting thread
//! is gone or every worker is stuck. So the watchdog is fed only after a request of our own,
//! through the public listener, the gate, tiny_http and a worker, has come back. A 503 does
//! not feed it: that is the gate alone, and whether somebody works behind it is the question.
//! A gate that is full for a moment ends nothing either, since a failed try is repeated many
//! times before the manager's patience ends.
//!
//! The request is a connection of the service to itself, which the unit must allow; what is said
//! of a failed one names the line for it.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::sys::journal;
use crate::sys::probe;
use crate::sys::unix::Address;

static STOPPING: AtomicBool = AtomicBool::new(false);

/// The listening sockets take connections now.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The stop has begun. It ends well within the unit's TimeoutStopSec, so no extension is asked.
pub fn stopping() {
    STOPPING.store(true, Ordering::Relaxed);
    tell(NotifyState::Stopping);
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        journal::warning(format_args!(
            "cannot reach the service manager (NOTIFY_SOCKET): {error}; RestrictAddressFamilies \
             without AF_UNIX would do this"
        ));
    }
}

/// Feeds the watchdog, if there is one, for as long as one of `addresses` answers, and until
/// the stop begins.
pub fn start_watchdog(addresses: Vec<Address>) {
    let Some(patience) = sd_notify::watchdog_enabled() else { return };
    // Shorter has no meaning to systemd, and zero would never sleep.
    let patience = patience.max(Duration::from_millis(100));
    let watch = move || {
        while !STOPPING.load(Ordering::Relaxed) {
            thread::sleep(watch_once(&addresses, patience));
        }
    };
    if let Err(error) = thread::Builder::new().name("watchdog".into()).spawn(watch) {
        journal::error(format_args!(
            "no thread for the watchdog ({error}): the service manager will start us again; \
             TasksMax of the unit may be too low"
        ));
    }
}

/// One round; how long to wait for the next.
fn watch_once(addresses: &[Address], patience: Duration) -> Duration {
    match answers(addresses, patience / 3) {
        Ok(()) => {
            tell(NotifyState::Watchdog);
            return patience / 3;
        }
        // The listeners are closed on purpose.
        Err(_) if STOPPING.load(Ordering::Relaxed) => {}
        Err(failures) => journal::warning(format_args!(
            "the watchdog got no answer through our own front door: {failures}"
        )),
    }
    patience / 10
}

/// Whether the service answers at one of `addresses`; else what happened at each.
fn answers(addresses: &[Address], patience: Duration) -> Result<(), String> {
    let mut failures = Vec::new();
    for address in addresses {
        match probe::probe(address, "/healthz", patience) {
            Ok((status, _)) if probe::is_from_service(status) => return Ok(()),
            Ok((status, _)) => failures.push(format!("{address} said {status}")),
            Err(error) => {
                failures.push(format!("{address}: {error}{}", remedy(address, error.kind())));
            }
        }
    }
    Err(failures.join(", "))
}

/// What keeps a service from reaching itself is most often its unit.
fn remedy(address: &Address, error: io::ErrorKind) -> &'static str {
    use io::ErrorKind::{NotFound, PermissionDenied};
    match (address, error) {
        (Address::Tcp(_), PermissionDenied) => "; the service needs IPAddressAllow=localhost",
        (Address::Unix(_), PermissionDenied) => "; the socket's SocketMode= must let us in",
        (Address::Unix(_), NotFound) => "; the service needs its directory as BindReadOnlyPaths=",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// An address where everybody is told this.
    fn door(says: &'static str) -> Address {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut clients = Vec::new();
            for mut client in listener.incoming().flatten() {
                let _ = client.read(&mut [0; 512]);
                let _ = client.write_all(says.as_bytes());
                // Silence is no end of the connection.
                clients.extend(says.is_empty().then_some(client));
            }
        });
        address
    }

    #[test]
    fn only_a_worker_feeds_the_watchdog() {
        let patience = Duration::from_millis(300);
        let full = door("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        let stuck = door("");
        let well = door("HTTP/1.1 200 OK\r\n\r\nok\n");
        let failures = answers(&[full.clone(), stuck.clone()], patience).unwrap_err();
        assert!(failures.starts_with(&format!("{full} said 503, {stuck}: ")), "{failures}");
        assert_eq!(answers(&[full, stuck, well], patience), Ok(()));
    }

    #[test]
    #[rustfmt::skip]
    fn a_unit_that_locks_itself_out_is_told_which_line_it_needs() {
        let (tcp, unix) = (Address::Tcp(([127, 0, 0, 1], 1).into()), Address::Unix("/s".into()));
        for (address, error, says) in [
            (&tcp,  io::ErrorKind::PermissionDenied,  "IPAddressAllow=localhost"),
            (&tcp,  io::ErrorKind::ConnectionRefused, ""),
            (&unix, io::ErrorKind::PermissionDenied,  "SocketMode="),
            (&unix, io::ErrorKind::NotFound,          "BindReadOnlyPaths="),
        ] {
            let remedy = remedy(address, error);
            assert!(remedy.contains(says) && remedy.is_empty() == says.is_empty(), "{remedy}");
        }
    }
}
