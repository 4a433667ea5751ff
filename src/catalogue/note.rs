//! What the operator's log hears of the sources.
//!
//! In: what happened at a source. Out: a [`Note`], whose `Display` is one line that says which
//! source, what, why, and what to do. It holds neither the question nor a key, nor anything a
//! remote side wrote.

use std::fmt;

use super::Reason;
use super::budget::{Cause, Change};
use crate::book::Source;

/// One line for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where it happened.
    pub source: Source,
    /// What happened.
    pub event: Event,
    /// How long the source took; 0 when it was not asked.
    pub millis: u64,
    /// The source's own explanation.
    pub reason: Option<Reason>,
}

/// What can happen at a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// So many books.
    Found(usize),
    /// No such book.
    NotFound,
    /// It cannot know of such a query.
    Unasked,
    /// It asked to be left alone.
    Limited,
    /// The operator must act.
    Operator,
    /// It did not answer, or nothing of use.
    Down,
    /// Not asked: it rests, for this cause.
    Resting(Cause),
    /// Not asked: the budget of this minute is used up.
    OverBudget,
    /// Not asked: too little time was left.
    NoTime,
    /// From now on, or not any more, left alone.
    Changed(Change),
}

impl Note {
    /// Something that took no time and needs no explanation.
    pub(super) fn new(source: Source, event: Event) -> Self {
        Self { source, event, millis: 0, reason: None }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, event, millis, reason } = self;
        write!(f, "{}: ", source.name())?;
        match event {
            Event::Found(books) => write!(f, "{books} found in {millis} ms"),
            Event::NotFound => write!(f, "not found in {millis} ms"),
            Event::Unasked => write!(f, "cannot know"),
            Event::Limited => write!(f, "limits us, after {millis} ms"),
            Event::Operator => write!(f, "refuses us, after {millis} ms"),
            Event::Down => write!(f, "failed after {millis} ms"),
            Event::Resting(Cause::Limited) => write!(f, "not asked, rests because it limited us"),
            Event::Resting(Cause::Operator) => write!(f, "not asked, rests because it refused us"),
            Event::Resting(Cause::Down) => write!(f, "not asked, rests because it failed"),
            Event::OverBudget => write!(
                f,
                "not asked, this minute's lookups are used up; if the source allows more, raise \
                 DOUMIBOOK_{}_PER_MINUTE",
                source.name().to_uppercase()
            ),
            Event::NoTime => write!(f, "not asked, no time left"),
            Event::Changed(Change::Rests(rest)) => write!(f, "rests for {} s", rest.as_secs()),
            Event::Changed(Change::Back) => write!(f, "is back"),
        }?;
        // Where the operator must act, the reason says how.
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
