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
