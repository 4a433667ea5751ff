//! One token of a message, with what else may have been meant by it.
//!
//! In: codes and what they are worth. Out: how well a book's token fits. Pure.

use super::tokens::Break;
use crate::catalogue::reading::Says;

/// One token of a message.
#[derive(Clone, Debug)]
pub struct Term {
    /// What may be meant and how likely, the likeliest first: the token itself, unless it is a
    /// syllable.
    pub codes: Vec<(u32, f32)>,
    /// The same by code, for looking up.
    pub(super) sorted: Vec<(u32, f32)>,
    /// How much it tells, from 0.1 to 1.
    pub weight: f32,
    /// What it costs when a book does not have it, from 0 to 1.
    pub cost: f32,
    /// What it says.
    pub says: Says,
    /// What stood before it.
    pub before: Break,
    /// Whether it is a syllable that was typed.
    pub typed: bool,
    /// Whether it is a Latin word of three letters or more.
    pub word: bool,
    /// Whether it is a number of one or two digits.
    pub volume: bool,
}

impl Term {
    pub(super) fn new(codes: Vec<(u32, f32)>, weight: f32, says: Says, before: Break) -> Self {
        let mut sorted = codes.clone();
        sorted.sort_unstable_by_key(|(code, _)| *code);
        sorted.dedup_by_key(|(code, _)| *code);
        Self {
            codes,
            sorted,
            weight,
            cost: says.cost(),
            says,
            before,
            typed: false,
            word: false,
            volume: false,
        }
    }

    /// How well a token fits, from 0 to 1.
    pub fn fits(&self, code: u32) -> f32 {
        if let Some(&(first, likeness)) = self.codes.first()
            && first == code
        {
            return likeness;
        }
        let place = self.sorted.binary_search_by_key(&code, |(code, _)| *code);
        place.ok().and_then(|place| self.sorted.get(place)).map_or(0.0, |(_, likeness)| *likeness)
    }

    /// The character that was typed.
    pub(super) fn char(&self) -> Option<char> {
        self.codes.first().filter(|_| !self.typed).and_then(|(code, _)| char::from_u32(*code))
    }

    /// What it counts in the first pass, where frames may not push titles out.
    pub fn first_weight(&self) -> f32 {
        self.weight * (0.2 + 0.8 * self.cost)
    }
}
