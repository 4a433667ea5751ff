//! How often a source may be asked, and when it is left alone: a budget and a breaker.
//!
//! In: the moments at which somebody wants to ask, and what came of it. Out: a
//! [`Pass`] or why not, and a [`Change`] when a source goes to rest or comes back. A pure state
//! machine: it reads no clock, does no I/O and never waits; whoever holds a [`Gate`] asks it
//! before and after a lookup, not during one.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::Outcome;
use super::note::Event;

/// So many failures in a row are no coincidence: a lost packet makes one, a restart two.
pub const FAILURES: u32 = 3;

/// The first rest. A service that is restarted is usually back by then.
pub const FIRST_REST: Duration = Duration::from_secs(15);

/// The longest rest of our own choosing: 96 probes a day to an address that is blocked for a
/// day, and a source that was down over night is found again within a coffee break.
pub const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

/// The longest Retry-After that is believed; more may be a mistake, and one probe an hour
/// offends nobody.
pub const LONGEST_WISH: Duration = Duration::from_secs(60 * 60);

/// What a probe may overrun its deadline by before another one is sent: it died.
const GRACE: Duration = Duration::from_secs(2);

const MINUTE: Duration = Duration::from_secs(60);

/// Why a source rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It asked to be left alone.
    Limited,
    /// It refuses us until the operator acts.
    Operator,
    /// It did not answer, or nothing of use.
    Down,
}

/// Where the breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The source is asked.
    Closed {
        /// In a row, so far.
        failures: u32,
    },
    /// The source is left alone; the first one to ask from `until` on is the probe.
    Resting {
        /// The end of the rest.
        until: Instant,
        /// What brought it about.
        cause: Cause,
    },
    /// One lookup is finding out whether the source is back; nobody else asks.
    Probing {
        /// The probe is taken for lost at this moment, and the next one may go.
        lapses: Instant,
        /// What brought the rest about.
        cause: Cause,
    },
}

/// The right to ask once. It is handed back with [`Gate::report`].
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    probe: bool,
}

/// What the operator's log should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The source is left alone for this long.
    Rests(Duration),
    /// A probe was answered; the source is asked again.
    Back,
}

/// Budget and breaker of one source.
#[derive(Debug)]
pub struct Gate {
    per_minute: Option<NonZeroU32>,
    /// When the source was asked, latest first: the last `per_minute` moments.
    asked: VecDeque<Instant>,
    state: State,
    /// The last rest of our own choosing.
    rest: Duration,
    /// When the source last came back.
    back: Option<Instant>,
}

impl Gate {
    /// A source in good health; `None` sets no budget.
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        let state = State::Closed { failures: 0 };
        Self { per_minute, asked: VecDeque::new(), state, rest: Duration::ZERO, back: None }
    }

    /// Where the breaker stands, for metrics.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether [`Gate::admit`] would say yes; changes nothing.
    pub fn would_ask(&self, now: Instant) -> bool {
        self.resting(now).is_none() && !self.is_spent(now)
    }

    /// Asks for leave to ask the source at `now` with a deadline `until`. Whoever gets it
    /// reports the outcome. An error is [`Event::Resting`] or [`Event::OverBudget`].
    pub fn admit(&mut self, now: Instant, until: Instant) -> Result<Pass, Event> {
        if let Some(cause) = self.resting(now) {
            return Err(Event::Resting(cause));
        }
        if self.is_spent(now) {
            return Err(Event::OverBudget);
        }
        if let Some(most) = self.per_minute {
            self.asked.truncate(most.get() as usize - 1);
            self.asked.push_front(now);
        }
        let probe = match self.state {
            State::Closed { .. } => false,
            State::Resting { cause, .. } | State::Probing { cause, .. } => {
                self.state = State::Probing { lapses: until + GRACE, cause };
                true
            }
        };
        Ok(Pass { probe })
    }

    /// Tells what came of a lookup.
    pub fn report(&mut self, pass: Pass, outcome: &Outcome, now: Instant) -> Option<Change> {
        let (cause, wish) = match outcome {
            Outcome::Found(_) | Outcome::NotFound => return self.well(pass, now),
            Outcome::Unasked => return self.untouched(pass, now),
            Outcome::Limited { retry_after, .. } => {
                (Cause::Limited, retry_after.unwrap_or_default().min(LONGEST_WISH))
            }
            Outcome::Operator(_) => (Cause::Operator, Duration::ZERO),
            Outcome::Down(_) => (Cause::Down, Duration::ZERO),
        };
        match &mut self.state {
            State::Closed { failures } => {
                *failures += 1;
                let enough = cause == Cause::Limited || *failures >= FAILURES;
                enough.then(|| self.lie_down(cause, wish, now))
            }
            State::Probing { .. } if pass.probe => Some(self.lie_down(cause, wish, now)),
            // Asked before the rest began: of what it brings only a wish is news.
            State::Resting { until, .. } => {
                *until = (*until).max(now + wish);
                None
            }
            State::Probing { .. } => None,
        }
    }

    /// The reason why nobody but a probe may ask at `now`.
    fn resting(&self, now: Instant) -> Option<Cause> {
        match self.state {
            State::Resting { until: end, cause } | State::Probing { lapses: end, cause } => {
                (now < end).then_some(cause)
            }
            State::Closed { .. } => None,
        }
    }

    /// Whether the minute up to `now` already has its lookups.
    fn is_spent(&self, now: Instant) -> bool {
        let most = self.per_minute.map_or(usize::MAX, |most| most.get() as usize);
        self.asked.get(most - 1).is_some_and(|&oldest| now < oldest + MINUTE)
    }

    fn well(&mut self, pass: Pass, now: Instant) -> Option<Change> {
        match &mut self.state {
            State::Closed { failures } => *failures = 0,
            State::Probing { .. } if pass.probe => {
                self.state = State::Closed { failures: 0 };
                self.back = Some(now);
                return Some(Change::Back);
            }
            // An answer that was under way when the rest began proves nothing about now.
            _ => {}
        }
        None
    }

    /// The source had nothing to do with it: the lookup costs nothing, and the probe is still
    /// to be made.
    fn untouched(&mut self, pass: Pass, now: Instant) -> Option<Change> {
        self.asked.pop_front();
        if let (State::Probing { cause, .. }, true) = (self.state, pass.probe) {
            self.state = State::Resting { until: now, cause };
        }
        None
    }

    /// Twice as long as the last time, unless the source was well for as long as it rested.
    fn lie_down(&mut self, cause: Cause, wish: Duration, now: Instant) -> Change {
        let closed = matches!(self.state, State::Closed { .. });
        let recovered = self.back.is_none_or(|back| now.duration_since(back) >= self.rest);
        self.rest = match closed && recovered {
            true => FIRST_REST,
            false => (self.rest * 2).min(LONGEST_REST),
        };
        let rest = self.rest.max(wish);
        self.state = State::Resting { until: now + rest, cause };
        Change::Rests(rest)
    }
}
