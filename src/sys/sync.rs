//! Locks and waits, as everything here uses them.
//!
//! In: a lock or a condition. Out: its guard. A panic elsewhere poisons nothing: what stands
//! behind a lock of ours is whole after every statement that changes it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What `mutex` guards.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sleeps until `condition` is rung, at most for `patience`; `true` when that ran out.
pub fn wait<'a, T>(
    condition: &Condvar,
    guard: MutexGuard<'a, T>,
    patience: Duration,
) -> (MutexGuard<'a, T>, bool) {
    let (guard, waited) =
        condition.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner);
    (guard, waited.timed_out())
}

/// A few turns, of which whoever wants one waits for a free one: for work that is short, and takes
/// too much memory to be done by all at once.
#[derive(Debug)]
pub struct Turns {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// A turn, given back when dropped.
#[derive(Debug)]
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// So many at a time.
    pub const fn new(free: usize) -> Self {
        Self { free: Mutex::new(free), given_back: Condvar::new() }
    }

    /// Waits for a turn.
    pub fn take(&self) -> Turn<'_> {
        let taken = |free: &mut usize| *free == 0;
        let free = self.given_back.wait_while(lock(&self.free), taken);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    #[test]
    fn no_more_at_a_time_than_there_are_turns() {
        let (turns, now, most) = (Turns::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take();
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(SeqCst)));
        // One that panics gives its turn back, too.
        let panicked = thread::scope(|scope| {
            let panics = || {
                let _turns = (turns.take(), turns.take());
                panic!("on purpose");
            };
            scope.spawn(panics).join().is_err()
        });
        assert!(panicked);
        drop((turns.take(), turns.take()));
    }
}
