//! One book as it is compared with a message.
//!
//! In: the texts of a book. Out: its titles and names as tokens, each token with how much it
//! tells. Made anew for each candidate of a search, so that the shelf keeps no tokens.

use super::tokens::{ALL, Break, EDITION, Token, Tokens, house_name};

/// The texts of a book that are searched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    /// The title.
    pub title: &'a str,
    /// What else it is known by: subtitle, series, original title.
    pub others: [&'a str; 3],
    /// Authors and translators; several with `/` between them.
    pub people: [&'a str; 2],
    /// The publishing house.
    pub house: &'a str,
}

/// Names that are looked at; a collection may list hundreds.
const NAMES: usize = 12;

impl<'a> Texts<'a> {
    /// The names of its people, without marks of origin.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let [authors, translators] = self.people;
        names_in(authors).chain(names_in(translators))
    }
}

fn names_in(people: &str) -> impl Iterator<Item = &str> {
    people.split('/').map(bare_name).filter(|name| !name.is_empty()).take(NAMES)
}

/// A name without its mark of origin and what its bearer did: `[美] 马克·吐温 著`.
fn bare_name(name: &str) -> &str {
    let open = ['[', '(', '（', '［', '【', '〔', '〈'];
    let close = [']', ')', '）', '］', '】', '〕', '〉'];
    let name = name.trim();
    let name = match name.strip_prefix(open).and_then(|rest| rest.split_once(close)) {
        Some((_, rest)) if !rest.trim().is_empty() => rest.trim(),
        _ => name,
    };
    let roles = [" 著", " 编", " 编著", " 主编", " 绘", " 译", " 等"];
    roles.iter().find_map(|role| name.strip_suffix(role)).unwrap_or(name).trim_end()
}

/// A book as tokens.
pub struct Subject {
    /// The title, and behind it what else it is known by.
    pub title: Tokens,
    /// How much each of those tells.
    pub weights: Vec<f32>,
    /// How many of them are the title itself.
    pub own: usize,
    /// The names of its people.
    pub names: Vec<Tokens>,
    /// How many of them, from the first, wrote it.
    pub authors: usize,
    /// The name of the house.
    pub house: Tokens,
}

impl Subject {
    /// Reads a book.
    pub fn new(texts: &Texts<'_>) -> Self {
        let mut title = Tokens::read(texts.title);
        let own = title.list.len();
        for other in texts.others.into_iter().filter(|other| !other.is_empty()) {
            title.add(other);
        }
        let weights = title.list.iter().map(|token| weight(token, title.word(token))).collect();
        let names = texts.names().map(Tokens::read).collect();
        let house = Tokens::read(house_name(texts.house));
        let authors = names_in(texts.people[0]).count();
        Self { title, weights, own, names, authors, house }
    }

    /// How much of the title, or of the whole part of it in which they stand, these tokens are.
    pub fn coverage(&self, tokens: std::ops::Range<usize>, met: f32) -> Coverage {
        let sum = |from: usize, to: usize| -> f32 {
            self.weights.get(from..to).unwrap_or_default().iter().sum::<f32>().max(0.01)
        };
        let starts = |at: usize| {
            at == 0
                || at >= self.title.list.len()
                || self.title.list.get(at).is_some_and(|token| token.before == Break::Strong)
        };
        let from = (0..=tokens.start).rev().find(|&at| starts(at)).unwrap_or(0);
        let to = (tokens.end.max(1)..=self.title.list.len())
            .find(|&at| starts(at))
            .unwrap_or(self.title.list.len());
        let part = (met / sum(from, to)).min(1.0);
        let own = if tokens.start < self.own { (met / sum(0, self.own)).min(1.0) } else { 0.0 };
        let rank = if from == 0 { 0.97 } else { 0.9 };
        Coverage { own, best: own.max(part * rank) }
    }
}

/// How much of a title a run is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    /// Of the whole title.
    pub own: f32,
    /// Of that, or of the part between colons, brackets and dashes, which counts a little less.
    pub best: f32,
}

/// How much a token of a title tells.
fn weight(token: &Token, word: &str) -> f32 {
    match token.code {
        EDITION => 0.05,
        ALL => 0.4,
        _ => match token.char() {
            Some(
                '的' | '之' | '与' | '和' | '及' | '一' | '个' | '在' | '了' | '是' | '着' | '地'
                | '得' | '里',
            ) => 0.15,
            Some(_) => 0.5,
            None if token.is_number() => 0.4,
            None if ["the", "a", "an", "of", "and", "in", "to", "on", "for"].contains(&word) => {
                0.15
            }
            None => 0.7,
        },
    }
}
