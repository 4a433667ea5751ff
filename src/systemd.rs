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
//! The request is a connection of the service to itself: a unit with `IPAddressDeny=` has to
//! allow `localhost`, or listen on a Unix socket too.

use std::io;
use std::thread;
use std::time::Duration;

use sd_notify::NotifyState;

use crate::journal;
use crate::knock;
use crate::unix::Address;

/// The listening sockets take connections now.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The stop has begun. It ends well within the unit's TimeoutStopSec, so no extension is asked.
pub fn stopping() {
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

/// Feeds the watchdog, if there is one, for as long as one of `addresses` answers.
pub fn start_watchdog(addresses: Vec<Address>) -> io::Result<()> {
    let Some(patience) = sd_notify::watchdog_enabled() else { return Ok(()) };
    // Shorter has no meaning to systemd, and zero would never sleep.
    let patience = patience.max(Duration::from_millis(100));
    let watch = move || loop {
        thread::sleep(watch_once(&addresses, patience));
    };
    thread::Builder::new().name("watchdog".into()).spawn(watch).map(|_| ())
}

/// One round; how long to wait for the next.
fn watch_once(addresses: &[Address], patience: Duration) -> Duration {
    let mut failures = Vec::new();
    for address in addresses {
        match knock::knock(address, patience / 3) {
            Ok(status) if knock::is_from_service(status) => {
                tell(NotifyState::Watchdog);
                return patience / 3;
            }
            Ok(status) => failures.push(format!("{address} said {status}")),
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    journal::warning(format_args!(
        "the watchdog got no answer through our own front door: {}; if this never works, the \
         unit needs IPAddressAllow=localhost",
        failures.join(", ")
    ));
    patience / 10
}
