//! What the operator's log hears of the sources.
//!
//! In: what happened at a source. Out: a [`SourceReport`], whose `Display` is one line that says which
//! source, what, why, and what to do. It holds neither the question nor a key, nor anything a
//! remote side wrote.

use std::fmt;

use super::Reason;
use super::guard::{BreakerChange, NotAdmitted, RestCause};
use crate::catalogue::book::Source;

/// One line for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceReport {
    /// Where it happened.
    pub source: Source,
    /// What happened.
    pub event: SourceEvent,
    /// How long the source took; 0 when it was not asked.
    pub millis: u64,
    /// The source's own explanation.
    pub reason: Option<Reason>,
}

/// What can happen at a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEvent {
    /// So many books.
    Found(usize),
    /// So many books that may have been meant.
    Guess(usize),
    /// No such book.
    NotFound,
    /// It has something that cannot be shown.
    Unfit,
    /// It cannot know of such a query.
    Unasked,
    /// It asked to be left alone.
    Limited,
    /// The operator must act.
    Operator,
    /// It did not answer, or nothing of use.
    Down,
    /// Not asked: it rests, for this cause.
    Resting(RestCause),
    /// Not asked: the budget of this minute is used up.
    OverBudget,
    /// Not asked: too little time was left.
    NoTime,
    /// From now on, or not any more, left alone.
    Changed(BreakerChange),
}

impl From<NotAdmitted> for SourceEvent {
    fn from(why: NotAdmitted) -> Self {
        match why {
            NotAdmitted::Resting(cause) => Self::Resting(cause),
            NotAdmitted::OverBudget => Self::OverBudget,
        }
    }
}

impl SourceReport {
    /// Something that took no time and needs no explanation.
    pub(super) fn new(source: Source, event: SourceEvent) -> Self {
        Self { source, event, millis: 0, reason: None }
    }
}

impl fmt::Display for SourceReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, event, millis, reason } = self;
        write!(f, "{}: ", source.name())?;
        match event {
            SourceEvent::Found(books) => write!(f, "{books} found in {millis} ms"),
            SourceEvent::Guess(books) => write!(f, "not found in {millis} ms; {books} like it"),
            SourceEvent::NotFound => write!(f, "not found in {millis} ms"),
            SourceEvent::Unfit => write!(f, "has nothing that could be shown, after {millis} ms"),
            SourceEvent::Unasked => write!(f, "cannot know"),
            SourceEvent::Limited => write!(f, "limits us, after {millis} ms"),
            SourceEvent::Operator => write!(f, "refuses us, after {millis} ms"),
            SourceEvent::Down => write!(f, "failed after {millis} ms"),
            SourceEvent::Resting(RestCause::Limited) => {
                write!(f, "not asked, rests because it limited us")
            }
            SourceEvent::Resting(RestCause::Operator) => {
                write!(f, "not asked, rests because it refused us")
            }
            SourceEvent::Resting(RestCause::Down) => {
                write!(f, "not asked, rests because it failed")
            }
            SourceEvent::OverBudget => write!(
                f,
                "not asked, this minute's lookups are used up; if the source allows more, raise \
                 DOUMIBOOK_{}_PER_MINUTE",
                source.name().to_uppercase()
            ),
            SourceEvent::NoTime => write!(f, "not asked, no time left"),
            SourceEvent::Changed(BreakerChange::Rests(rest)) => {
                write!(f, "rests for {} s", rest.as_secs())
            }
            SourceEvent::Changed(BreakerChange::Back) => write!(f, "is back"),
        }?;
        // Where the operator must act, the reason says how.
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {reason}"))
    }
}
