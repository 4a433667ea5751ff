//! How often a source may be asked, and when it is left alone: a budget and a breaker.
//!
//! In: the moments at which somebody wants to ask, and what came of it. Out: a
//! [`Permit`] or why not, and a [`BreakerChange`] when a source goes to rest or comes back. No one
//! reader can have a source left alone, or use up its budget, for all others. A pure state machine: it reads no clock, does no I/O and never waits; whoever holds a [`SourceGuard`] asks it
//! before and after a lookup, not during one.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::Outcome;

/// So many questions that fail in a row are no coincidence: a lost packet makes one, a restart
/// two. However often one is asked it counts once, since there are services that fail on a single
/// record for ever.
pub const FAILURES: usize = 3;

/// So many readers must have asked them: one alone may ask what a source's firewall refuses.
pub const READERS: usize = 2;

/// Readers whose questions failed that are remembered; with more, nobody's question is a probe.
const SUSPECTS: usize = 16;

/// Of a source's budget, one reader may have a quarter, but [`LEAST_SHARE`] lookups at least.
const SHARES: u32 = 4;
/// A search, and the card of a book in it.
const LEAST_SHARE: u32 = 2;

/// The first rest. A service that is restarted is usually back by then.
pub const FIRST_REST: Duration = Duration::from_secs(15);

/// The longest rest of our own choosing: 96 probes a day to an address that is blocked for a
/// day, and a source that was down over night is found again within a coffee break.
pub const LONGEST_REST: Duration = Duration::from_secs(15 * 60);

/// The longest Retry-After that is believed; more may be a mistake, and one probe an hour
/// offends nobody.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// What a probe may overrun its deadline by before another one is sent: it died.
const GRACE: Duration = Duration::from_secs(2);

const MINUTE: Duration = Duration::from_secs(60);

/// Why a source rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestCause {
    /// It asked to be left alone.
    Limited,
    /// It refuses us until the operator acts.
    Operator,
    /// It did not answer, or nothing of use.
    Down,
}

/// Why a source may not be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    /// It rests, for this cause.
    Resting(RestCause),
    /// The budget of this minute is used up.
    OverBudget,
    /// This reader's share of it is.
    OverShare,
}

/// Who asks what, both by a hash that tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The question, as the source is asked it.
    pub question: u64,
    /// The reader.
    pub reader: u64,
}

/// Where the breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The source is asked.
    Closed,
    /// The source is left alone.
    Resting {
        /// The end of the rest.
        until: Instant,
    },
    /// The rest is over: one lookup finds out whether the source is back, or the next will.
    Probing,
}

/// The right to ask once. It is handed back with [`SourceGuard::report`].
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    probe: bool,
    ours: bool,
    asked: Asked,
}

impl Permit {
    /// Whether it is not for the reader's question, which may be what the source fails at: a
    /// question of our own finds out whether the source is back.
    pub fn is_for_our_question(&self) -> bool {
        self.ours
    }
}

/// What the operator's log should hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerChange {
    /// The source is left alone for this long.
    Rests(Duration),
    /// A probe was answered; the source is asked again.
    Back,
}

/// The source is left alone.
#[derive(Debug)]
struct Rest {
    /// The first one to ask from then on is the probe; while that is under way, the moment at
    /// which it is taken for lost and the next may go.
    until: Instant,
    cause: RestCause,
    probing: bool,
}

/// Budget and breaker of one source.
#[derive(Debug, Default)]
pub struct SourceGuard {
    per_minute: Option<NonZeroU32>,
    /// When the source was asked within the last minute, and for whom; oldest first.
    asked: VecDeque<(Instant, u64)>,
    /// How many of these each reader caused.
    shares: HashMap<u64, u32>,
    /// The different questions that failed in a row, at most [`FAILURES`]; they stay while it
    /// rests.
    failures: Vec<u64>,
    /// The different readers who asked them, at most [`SUSPECTS`].
    suspects: Vec<u64>,
    rest: Option<Rest>,
    /// The last rest of our own choosing.
    length: Duration,
    /// When the source last came back.
    back: Option<Instant>,
}

impl SourceGuard {
    /// A source in good health; `None` sets no budget.
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self { per_minute, ..Self::default() }
    }

    /// Where the breaker stands, for metrics.
    pub fn state(&self, now: Instant) -> BreakerState {
        match self.rest {
            None => BreakerState::Closed,
            Some(Rest { until, probing: false, .. }) if now < until => {
                BreakerState::Resting { until }
            }
            Some(_) => BreakerState::Probing,
        }
    }

    /// Whether [`SourceGuard::admit`] would say yes; changes nothing.
    pub fn would_ask(&self, now: Instant) -> bool {
        self.resting(now).is_none() && !self.is_spent(now)
    }

    /// Asks for leave to ask the source at `now` with a deadline `until`. Whoever gets it reports
    /// the outcome.
    pub fn admit(
        &mut self,
        now: Instant,
        until: Instant,
        asked: Asked,
    ) -> Result<Permit, NotAdmitted> {
        if let Some(cause) = self.resting(now) {
            return Err(NotAdmitted::Resting(cause));
        }
        if self.is_spent(now) {
            return Err(NotAdmitted::OverBudget);
        }
        if let Some(most) = self.per_minute {
            self.expire(now);
            let share = self.shares.entry(asked.reader).or_default();
            if *share >= (most.get() / SHARES).max(LEAST_SHARE) {
                return Err(NotAdmitted::OverShare);
            }
            *share += 1;
            self.asked.push_back((now, asked.reader));
        }
        let suspect = self.suspects.len() >= SUSPECTS || self.suspects.contains(&asked.reader);
        let probe = self.rest.is_some();
        if let Some(rest) = &mut self.rest {
            (rest.until, rest.probing) = (until + GRACE, true);
        }
        Ok(Permit { probe, ours: probe && suspect, asked })
    }

    /// Forgets lookups of more than a minute ago.
    fn expire(&mut self, now: Instant) {
        while let Some((at, reader)) = self.asked.pop_front() {
            if now < at + MINUTE {
                return self.asked.push_front((at, reader));
            }
            self.give_back(reader);
        }
    }

    /// Takes a reader's last lookup out of the budget.
    fn refund(&mut self, reader: u64) {
        if let Some(at) = self.asked.iter().rposition(|(_, asked)| *asked == reader) {
            self.asked.remove(at);
            self.give_back(reader);
        }
    }

    fn give_back(&mut self, reader: u64) {
        if let Some(share) = self.shares.get_mut(&reader) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&reader);
            }
        }
    }

    /// Tells what came of a lookup.
    pub fn report(
        &mut self,
        pass: Permit,
        outcome: &Outcome,
        now: Instant,
    ) -> Option<BreakerChange> {
        let probing = self.rest.as_ref().is_some_and(|rest| pass.probe && rest.probing);
        let (cause, wish) = match outcome {
            Outcome::Found(_) | Outcome::Guess(_) | Outcome::NotFound | Outcome::Unfit(_) => {
                self.failures.clear();
                self.suspects.clear();
                // An answer that was under way when the rest began proves nothing about now.
                self.rest.take_if(|_| probing)?;
                self.back = Some(now);
                return Some(BreakerChange::Back);
            }
            // The source had nothing to do with it: the lookup costs nothing, and the probe is
            // still to be made.
            Outcome::Unasked => {
                self.refund(pass.asked.reader);
                self.hand_back(pass, now);
                return None;
            }
            Outcome::Limited { retry_after, .. } => {
                (RestCause::Limited, retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER))
            }
            Outcome::Operator(_) => (RestCause::Operator, Duration::ZERO),
            Outcome::Down(_) => (RestCause::Down, Duration::ZERO),
        };
        let known = !pass.ours && self.note_failure(pass.asked, cause);
        let failed = self.has_failed();
        match &mut self.rest {
            // A question that failed before proves nothing new: the next one is the probe.
            Some(rest) if probing && known && cause != RestCause::Limited => {
                (rest.until, rest.probing) = (now + FIRST_REST, false);
                return Some(BreakerChange::Rests(FIRST_REST));
            }
            Some(_) if probing => {}
            // Asked before the rest began: of what it brings only a wish is news.
            Some(rest) => {
                rest.until = rest.until.max(now + wish);
                return None;
            }
            None if cause != RestCause::Limited && !failed => return None,
            None => {}
        }
        Some(self.lie_down(cause, wish, now))
    }

    /// Remembers a failure; `true` when the question failed before, which proves nothing new.
    fn note_failure(&mut self, asked: Asked, cause: RestCause) -> bool {
        let known = self.failures.contains(&asked.question);
        if !known && self.failures.len() < FAILURES {
            self.failures.push(asked.question);
        }
        let met = self.suspects.contains(&asked.reader) || self.suspects.len() >= SUSPECTS;
        // A limit is nobody's question's fault.
        if !known && !met && cause != RestCause::Limited {
            self.suspects.push(asked.reader);
        }
        known
    }

    /// Whether it is the source that fails, and no one question or reader.
    fn has_failed(&self) -> bool {
        self.failures.len() >= FAILURES && self.suspects.len() >= READERS
    }

    /// Takes a pass back whose use says nothing of the source as a whole; if it was the probe,
    /// that is still to be made.
    pub fn hand_back(&mut self, pass: Permit, now: Instant) {
        if let Some(rest) = self.rest.as_mut().filter(|rest| pass.probe && rest.probing) {
            (rest.until, rest.probing) = (now, false);
        }
    }

    /// The reason why nobody may ask at `now`.
    fn resting(&self, now: Instant) -> Option<RestCause> {
        self.rest.as_ref().filter(|rest| now < rest.until).map(|rest| rest.cause)
    }

    /// Whether the minute up to `now` already has its lookups.
    fn is_spent(&self, now: Instant) -> bool {
        let most = self.per_minute.map_or(usize::MAX, |most| most.get() as usize);
        let oldest = self.asked.len().checked_sub(most).and_then(|at| self.asked.get(at));
        oldest.is_some_and(|(oldest, _)| now < *oldest + MINUTE)
    }

    /// Twice as long as the last time, unless the source was well for as long as it rested.
    fn lie_down(&mut self, cause: RestCause, wish: Duration, now: Instant) -> BreakerChange {
        let recovered = self.back.is_none_or(|back| now.duration_since(back) >= self.length);
        self.length = match self.rest.is_none() && recovered {
            true => FIRST_REST,
            false => (self.length * 2).min(LONGEST_REST),
        };
        let rest = self.length.max(wish);
        self.rest = Some(Rest { until: now + rest, cause, probing: false });
        BreakerChange::Rests(rest)
    }
}
