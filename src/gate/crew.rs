//! The threads that serve clients: one a client, kept for a moment after it.
//!
//! In: guests. Out: each served on a thread of its own. A new thread costs about a fifth of
//! serving one push on a new connection (perf: `clone` and clearing its stack), so a thread
//! that has nothing to do waits for the next guest for a while, and then ends.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// A client's thread reads heads and copies bytes; it needs about 16 KiB.
const STACK: usize = 128 * 1024;
/// How long a thread waits for another guest.
const IDLE: Duration = Duration::from_secs(2);
/// Threads that may wait; two cores do not serve more new clients at a time.
const MOST_IDLE: usize = 16;

/// The threads, and the guests not yet met by one.
pub struct Crew<G> {
    state: Mutex<State<G>>,
    work: Condvar,
    serve: fn(&G),
}

struct State<G> {
    guests: VecDeque<G>,
    idle: usize,
}

impl<G: Send + 'static> Crew<G> {
    /// A crew that does `serve` for each guest, and drops the guest afterwards.
    pub fn new(serve: fn(&G)) -> Arc<Self> {
        let state = State { guests: VecDeque::new(), idle: 0 };
        Arc::new(Self { state: Mutex::new(state), work: Condvar::new(), serve })
    }

    fn state(&self) -> MutexGuard<'_, State<G>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has `guest` served. `Err` gives it back when no thread can be had for it.
    pub fn take(self: &Arc<Self>, guest: G) -> Result<(), (G, io::Error)> {
        let mut state = self.state();
        state.guests.push_back(guest);
        // Counted against all guests, not only this one: a thread that has been woken for
        // another still counts as idle.
        if state.idle >= state.guests.len() {
            self.work.notify_one();
            return Ok(());
        }
        let crew = self.clone();
        let thread = thread::Builder::new().name("client".into()).stack_size(STACK);
        let Err(error) = thread.spawn(move || crew.work()) else { return Ok(()) };
        // The lock is still held: the last guest is this one.
        state.guests.pop_back().map_or(Ok(()), |guest| Err((guest, error)))
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(guest) = state.guests.pop_front() {
                drop(state);
                (self.serve)(&guest);
                drop(guest);
                state = self.state();
                continue;
            }
            if state.idle >= MOST_IDLE {
                return;
            }
            state.idle += 1;
            let (again, waited) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.idle -= 1;
            if waited.timed_out() && state.guests.is_empty() {
                return;
            }
        }
    }
}
