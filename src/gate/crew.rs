//! The threads that serve clients: one a client, kept for a moment after it.
//!
//! In: guests, never more than there are seats. Out: each served on a thread of its own. A new
//! thread costs about a fifth of serving one push on a new connection (perf: `clone` and clearing
//! its stack), so a thread that has nothing to do waits for the next guest for a while, and then
//! ends. There are never more threads than seats.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    limit: usize,
}

struct State<G> {
    guests: VecDeque<G>,
    threads: usize,
    idle: usize,
}

impl<G: Send + 'static> Crew<G> {
    /// A crew of at most `limit` threads, as many as there are seats, that does `serve` for each
    /// guest, and drops the guest afterwards.
    pub fn new(limit: usize, serve: fn(&G)) -> Arc<Self> {
        let state = State { guests: VecDeque::new(), threads: 0, idle: 0 };
        Arc::new(Self { state: Mutex::new(state), work: Condvar::new(), serve, limit })
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
        // With all threads there, fewer guests than threads are at their seats, since this one
        // has a seat, too: some thread has just said goodbye and looks for the next at once.
        if state.idle >= state.guests.len() || state.threads >= self.limit {
            self.work.notify_one();
            return Ok(());
        }
        let crew = self.clone();
        let thread = thread::Builder::new().name("client".into()).stack_size(STACK);
        match thread.spawn(move || crew.work()) {
            Ok(_) => state.threads += 1,
            // The lock is still held: the last guest is this one.
            Err(error) => {
                return state.guests.pop_back().map_or(Ok(()), |guest| Err((guest, error)));
            }
        }
        Ok(())
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(guest) = state.guests.pop_front() {
                drop(state);
                // A panic, of which the hook has told, costs its own guest the connection.
                let _ = catch_unwind(AssertUnwindSafe(|| (self.serve)(&guest)));
                drop(guest);
                state = self.state();
                continue;
            }
            if state.idle >= MOST_IDLE {
                break;
            }
            state.idle += 1;
            let (again, waited) =
                self.work.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = again;
            state.idle -= 1;
            if waited.timed_out() && state.guests.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}
