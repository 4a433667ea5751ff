//! Stand-ins for clocks and sources, in one process and without waiting.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use doumibook::catalogue::book::{Book, Source};
use doumibook::catalogue::library::{Clock, Guarded};
use doumibook::catalogue::{Catalogue, Outcome, Query, Reason};

/// Some moment in 2026.
const NOON: u64 = 1_790_000_000;

/// A clock that only tests move; wall and monotonic time go together.
#[derive(Clone)]
pub struct Hands {
    base: Instant,
    millis: Arc<AtomicU64>,
}

impl Hands {
    pub fn new() -> Self {
        Self { base: Instant::now(), millis: Arc::default() }
    }

    pub fn at(&self, millis: u64) -> Instant {
        self.base + Duration::from_millis(millis)
    }

    pub fn advance(&self, millis: u64) {
        self.millis.fetch_add(millis, SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> Instant {
        self.at(self.millis.load(SeqCst))
    }

    fn wall(&self) -> u64 {
        NOON + self.millis.load(SeqCst) / 1000
    }
}

/// What a stand-in source does when it is asked.
#[derive(Clone)]
pub enum Does {
    Say(Outcome),
    /// Takes so many milliseconds, then says it.
    Take(u64, Outcome),
    /// Takes all the time it is given.
    Hang,
}

/// A source that follows its script, then its last line forever, and writes down the
/// deadlines it was given.
#[derive(Clone)]
pub struct Actor {
    pub source: Source,
    script: Arc<Mutex<VecDeque<Does>>>,
    pub untils: Arc<Mutex<Vec<Instant>>>,
    renewals: Arc<AtomicU64>,
    hands: Hands,
}

impl Actor {
    pub fn new(source: Source, hands: &Hands, script: impl IntoIterator<Item = Does>) -> Self {
        let script = Arc::new(Mutex::new(script.into_iter().collect()));
        let hands = hands.clone();
        Self { source, script, untils: Arc::default(), renewals: Arc::default(), hands }
    }

    pub fn asked(&self) -> usize {
        self.untils.lock().unwrap().len()
    }

    pub fn renewed(&self) -> u64 {
        self.renewals.load(SeqCst)
    }

    pub fn guarded(&self) -> Guarded {
        Guarded::new(Box::new(self.clone()), None)
    }
}

impl Catalogue for Actor {
    fn source(&self) -> Source {
        self.source
    }

    fn find(&self, _: &Query, until: Instant) -> Outcome {
        self.untils.lock().unwrap().push(until);
        self.act(until)
    }

    fn renew(&self, _: &[Book], until: Instant) -> Outcome {
        self.renewals.fetch_add(1, SeqCst);
        self.act(until)
    }
}

impl Actor {
    fn act(&self, until: Instant) -> Outcome {
        let mut script = self.script.lock().unwrap();
        let does = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
        match does.unwrap() {
            Does::Say(outcome) => outcome,
            Does::Take(millis, outcome) => {
                self.hands.advance(millis);
                outcome
            }
            Does::Hang => {
                let left = until.saturating_duration_since(self.hands.now());
                self.hands.advance(left.as_millis() as u64);
                Outcome::Down(Reason::new("timed out"))
            }
        }
    }
}
