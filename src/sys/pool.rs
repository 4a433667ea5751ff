//! Threads for work that comes and goes: one a piece of work, kept for a moment after it.
//!
//! In: work. Out: each piece done on a thread of its own, at most so many at a time; what comes
//! beyond that waits for the next thread that is done. A new thread costs about a fifth of
//! serving one push on a new connection (perf: `clone` and clearing its stack), so one that has
//! nothing to do waits a while for more, and then ends. When all is over no thread is left, and
//! nothing wakes up.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::sys::sync::{lock, wait};

/// How long a thread waits for more work.
const IDLE: Duration = Duration::from_secs(2);

/// The threads, and the work not begun.
pub struct ThreadPool<W> {
    name: &'static str,
    stack: usize,
    limit: usize,
    work: fn(&W),
    state: Mutex<State<W>>,
    more: Condvar,
}

struct State<W> {
    waiting: VecDeque<W>,
    threads: usize,
    idle: usize,
}

impl<W: Send + 'static> ThreadPool<W> {
    /// Threads of this name (at most 15 bytes) with so many bytes of stack, at most `limit` of
    /// them, that do `work` with each piece and drop the piece afterwards.
    pub fn new(name: &'static str, stack: usize, limit: usize, work: fn(&W)) -> Arc<Self> {
        let state = State { waiting: VecDeque::new(), threads: 0, idle: 0 };
        let (state, more) = (Mutex::new(state), Condvar::new());
        Arc::new(Self { name, stack, limit, work, state, more })
    }

    /// Has `piece` done. `Err` gives it back when a thread is wanted for it and cannot be had.
    pub fn run(self: &Arc<Self>, piece: W) -> Result<(), (W, io::Error)> {
        let mut state = lock(&self.state);
        state.waiting.push_back(piece);
        // Counted against all that wait, not only this one: a thread that has been woken for
        // another still counts as idle.
        if state.idle >= state.waiting.len() || state.threads >= self.limit {
            self.more.notify_one();
            return Ok(());
        }
        let pool = self.clone();
        let thread = thread::Builder::new().name(self.name.into()).stack_size(self.stack);
        match thread.spawn(move || pool.work_on()) {
            Ok(_) => state.threads += 1,
            // The lock is still held: the last one is this.
            Err(error) => {
                return state.waiting.pop_back().map_or(Ok(()), |piece| Err((piece, error)));
            }
        }
        Ok(())
    }

    fn work_on(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(piece) = state.waiting.pop_front() {
                drop(state);
                // A panic, of which the hook has told, is the trouble of this piece alone.
                let _ = catch_unwind(AssertUnwindSafe(|| (self.work)(&piece)));
                drop(piece);
                state = lock(&self.state);
                continue;
            }
            state.idle += 1;
            let (again, timed_out) = wait(&self.more, state, IDLE);
            state = again;
            state.idle -= 1;
            if timed_out && state.waiting.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }
}
