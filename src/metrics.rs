//! Counters of what happened.

use std::sync::atomic::{AtomicU64, Ordering};

/// All counters; each only grows.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Requests the gate answered itself, with a refusal.
    pub refused_by_gate: AtomicU64,
}

impl Metrics {
    /// Adds one.
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
