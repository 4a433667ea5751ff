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
    pub const fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), more: Condvar::new() }
    }

    /// Waits for one as long as it takes: for work that is short.
    pub fn wait(&self) -> Slot<'_> {
        let taken = |free: &mut usize| *free == 0;
        let free = self.more.wait_while(lock(&self.free), taken);
        *free.unwrap_or_else(PoisonError::into_inner) -= 1;
        Slot(self)
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
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;

    #[test]
    fn one_waits_as_long_as_all_are_taken() {
        let (slots, now, most) = (Slots::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _slot = slots.wait();
                        most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                        thread::yield_now();
                        now.fetch_sub(1, SeqCst);
                    }
                });
            }
        });
        assert!((1..=2).contains(&most.load(SeqCst)));
        // One that panics gives its slot back, too.
        let panicked = thread::scope(|scope| {
            let panics = || {
                let _slots = (slots.wait(), slots.wait());
                panic!("on purpose");
            };
            scope.spawn(panics).join().is_err()
        });
        assert!(panicked);
        drop((slots.wait(), slots.wait()));
    }

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
