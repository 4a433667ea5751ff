//! Locks and waits, as everything here uses them.
//!
//! In: a lock, a condition or a number of slots. Out: its guard. A panic elsewhere poisons nothing: what stands
//! behind a lock of ours is whole after every statement that changes it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// So many at the same time, and no more.
#[derive(Debug)]
pub struct Slots {
    free: Mutex<usize>,
    more: Condvar,
}

impl Slots {
    /// This many.
    pub fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), more: Condvar::new() }
    }

    /// Waits for one until `until`; it is free again when the guard goes.
    pub fn take(&self, until: Instant) -> Option<Slot<'_>> {
        let mut free = lock(&self.free);
        while *free == 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            free = wait(&self.more, free, left).0;
        }
        *free -= 1;
        Some(Slot(self))
    }
}

/// One of [`Slots`].
#[must_use]
pub struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        *lock(&self.0.free) += 1;
        self.0.more.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_slots_than_there_are() {
        let slots = Slots::new(2);
        let soon = || Instant::now() + Duration::from_millis(5);
        let (first, second) = (slots.take(soon()), slots.take(soon()));
        assert!(first.is_some() && second.is_some() && slots.take(soon()).is_none());
        drop(first);
        assert!(slots.take(soon()).is_some());
        std::thread::scope(|scope| {
            let held = (slots.take(soon()), second);
            let waits =
                scope.spawn(|| slots.take(Instant::now() + Duration::from_secs(30)).is_some());
            drop(held);
            assert!(waits.join().unwrap());
        });
    }
}
