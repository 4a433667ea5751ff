//! How much each reader may ask.
//!
//! In: readers who start lookups, with the clock passed in. Out: whether they may. Pure. At most
//! 4096 of them are counted at the same time. What a reader may cost besides stands where it is
//! bounded: of a source's budget in [`catalogue::guard`](crate::catalogue::guard), of lists in
//! [`chat::readers`](crate::chat::readers); the README has the sum.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// Lookups that one reader may have waiting.
const WAITING_PER_READER: u32 = 2;
/// Lookups that one reader may start in a minute.
const PER_MINUTE: u32 = 20;
/// Readers whose lookups are counted at the same time.
const READERS: usize = 4096;

/// Why a question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// Too many lookups wait already.
    Full,
    /// This reader has too many waiting, or asked too much within a minute.
    TooMany,
    /// The server stops.
    Stopping,
}

/// What the readers of the last minute have asked.
#[derive(Debug, Default)]
pub struct Quotas {
    /// By a keyed hash: ids of 28 letters would take most of the room.
    readers: HashMap<u64, Usage>,
    keys: RandomState,
}

/// What one reader costs us now.
#[derive(Debug)]
struct Usage {
    waiting: u32,
    minute: Instant,
    started: u32,
}

impl Quotas {
    /// Tells readers apart, without their ids.
    pub fn key(&self, reader: &str) -> u64 {
        self.keys.hash_one(reader)
    }

    /// One more lookup for `reader`.
    ///
    /// # Errors
    /// [`NotTaken::TooMany`], or [`NotTaken::Full`] when too many readers wait.
    pub fn charge(&mut self, reader: &str, now: Instant) -> Result<(), NotTaken> {
        let reader = self.key(reader);
        if self.readers.len() >= READERS && !self.readers.contains_key(&reader) {
            self.make_room(now)?;
        }
        let new = Usage { waiting: 0, minute: now, started: 0 };
        let usage = self.readers.entry(reader).or_insert(new);
        if !usage.is_fresh(now) {
            (usage.minute, usage.started) = (now, 0);
        }
        if usage.waiting >= WAITING_PER_READER || usage.started >= PER_MINUTE {
            return Err(NotTaken::TooMany);
        }
        usage.waiting += 1;
        usage.started += 1;
        Ok(())
    }

    /// A lookup of `reader` is over.
    pub fn discharge(&mut self, reader: &str) {
        if let Some(usage) = self.readers.get_mut(&self.key(reader)) {
            usage.waiting = usage.waiting.saturating_sub(1);
        }
    }

    fn make_room(&mut self, now: Instant) -> Result<(), NotTaken> {
        self.readers.retain(|_, usage| usage.waiting > 0 || usage.is_fresh(now));
        if self.readers.len() >= READERS {
            // More than 68 new readers a second: better to forget who asked how much than to
            // send the next one away.
            self.readers.retain(|_, usage| usage.waiting > 0);
        }
        if self.readers.len() < READERS { Ok(()) } else { Err(NotTaken::Full) }
    }
}

impl Usage {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.minute) < Duration::from_secs(60)
    }
}
