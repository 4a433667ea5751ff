//! How many requests wait for an answer that takes time.
//!
//! In: a request that is to wait. Out: a [`ParkingSlot`], which is given back when dropped, or
//! nothing when as many wait as may. A parked request holds no thread but its connection's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many requests are parked, and how many may be.
#[derive(Debug)]
pub struct ParkingLimit {
    parked: AtomicUsize,
    limit: usize,
}

/// One of the places, given back when dropped.
#[derive(Debug)]
pub struct ParkingSlot(Arc<ParkingLimit>);

impl Drop for ParkingSlot {
    fn drop(&mut self) {
        self.0.parked.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ParkingLimit {
    /// Room for `limit` parked requests.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { parked: AtomicUsize::new(0), limit })
    }

    /// How many requests wait now.
    pub fn parked(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    /// Whether more than half of the places are taken.
    pub fn is_crowded(&self) -> bool {
        self.parked() * 2 > self.limit
    }

    /// Takes a place, if there is one.
    pub fn try_enter(self: &Arc<Self>) -> Option<ParkingSlot> {
        let more = |parked| (parked < self.limit).then_some(parked + 1);
        let entered = self.parked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        entered.is_ok().then(|| ParkingSlot(self.clone()))
    }
}
