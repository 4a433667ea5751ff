//! Counters of what happened.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::desk::Desk;

/// All counters; each only grows.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Requests the gate answered itself, with a refusal.
    pub refused_by_gate: AtomicU64,
    /// Requests whose signature or envelope was wrong.
    pub refused_signature: AtomicU64,
    /// Signed requests that were no push.
    pub refused_body: AtomicU64,
    /// Deliveries that joined one under way.
    pub deliveries_joined: AtomicU64,
    /// Deliveries that got a remembered reply.
    pub deliveries_again: AtomicU64,
    /// Requests parked.
    pub parked: AtomicU64,
    /// Lookups begun.
    pub lookups: AtomicU64,
    /// Questions that joined a lookup under way.
    pub lookups_joined: AtomicU64,
}

impl Metrics {
    /// Adds one.
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// One push was answered.
    pub fn push(&self, _kind: &'static str, _outcome: &'static str, _took: Duration) {}

    /// Prometheus' text format.
    pub fn render(&self, _desk: &Desk) -> String {
        String::new()
    }
}
