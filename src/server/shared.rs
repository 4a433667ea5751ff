//! What every connection's thread needs, and how the inner server's end is noticed.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::inner::InnerConnections;
use super::table::ConnectionTable;
use crate::service::metrics::Metrics;
use crate::sys::journal::{self, Throttle};

static INNER_FAILED: Throttle = Throttle::new();

/// What every connection's thread needs.
pub struct Shared {
    /// The table of connections.
    pub table: Arc<ConnectionTable>,
    /// The way to tiny_http.
    pub inner: InnerConnections,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// When a waiting request is looked at first: the earliest deadline there is.
    pub first_look: Duration,
    /// Written to when the inner server is gone.
    pub alarm: UnixStream,
}

impl Shared {
    /// A request did not get to the inner server.
    pub(super) fn inner_failed(&self, error: &io::Error) {
        if let Some(held_back) = INNER_FAILED.pass(Instant::now()) {
            journal::error(format_args!(
                "a request did not reach the inner server: {error} ({held_back} more like it)"
            ));
        }
        if self.inner.gone() {
            ring(&self.alarm);
        }
    }
}

/// Wakes whoever waits at the other end.
pub fn ring(mut alarm: &UnixStream) {
    // Full means that it rings already.
    let _ = io::Write::write(&mut alarm, b"!");
}
