//! Names in a message: of the book's people, and of its publishing house.
//!
//! In: a way to read the message, and a book. Out: where in the message a name of the book stands,
//! whole, in one of its parts (·), or all but a character that sounds or looks the same. A name of
//! two characters must be exact: 狼道 is not by 朗道.

use std::ops::Range;

use super::align::best_run;
use super::subject::Subject;
use super::term::Term;
use super::tokens::{Break, Token, Tokens};

/// A name that stands in a message.
#[derive(Clone, Debug, Default)]
pub struct Named {
    /// Where it stands.
    pub terms: Range<usize>,
    /// How much of the message it explains.
    pub mass: f32,
    /// The name, or a part of it that is one of its own, as it is written.
    pub exact: bool,
    /// How many tokens were met.
    pub matched: u8,
    /// Whether it is all of the name.
    pub full: bool,
}

/// In what way a name is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Beside the title, which leaves little doubt about the book.
    BesideTitle,
    /// Perhaps: the message may be about anything.
    Perhaps,
    /// Nothing but a name is asked for.
    Only,
}

/// The name of one of the book's people beside its title.
pub fn named_beside(terms: &[Term], title: &Range<usize>, book: &Subject) -> Option<Named> {
    let before = named(terms, 0..title.start, &book.names, Asked::BesideTitle);
    let after = named(terms, title.end..terms.len(), &book.names, Asked::BesideTitle);
    match (before, after) {
        (Some(before), Some(after)) if after.mass > before.mass => Some(after),
        (before, after) => before.or(after),
    }
}

/// The best name in a stretch of the message.
pub fn named(
    terms: &[Term],
    stretch: Range<usize>,
    names: &[Tokens],
    asked: Asked,
) -> Option<Named> {
    let part = terms.get(stretch.clone()).filter(|part| !part.is_empty())?;
    let names = names.iter().filter_map(|name| name_in(part, name, asked));
    let best = names.max_by(|a, b| a.mass.total_cmp(&b.mass))?;
    let terms = stretch.start + best.terms.start..stretch.start + best.terms.end;
    Some(Named { terms, ..best })
}

fn name_in(terms: &[Term], name: &Tokens, asked: Asked) -> Option<Named> {
    let weights = vec![0.5; name.list.len()];
    let run = best_run(terms, &name.list, &weights)?;
    let tokens = run.tokens();
    let part = part_of_name(&name.list, &tokens);
    let whole = run.missing == 0 && tokens == part;
    let length = part.len();
    let latin = name.list.get(tokens.start).is_some_and(Token::is_word);
    let letters: usize =
        name.list.get(tokens.clone())?.iter().map(|token| name.word(token).len()).sum();
    let alone = asked == Asked::Only && whole && terms.len() == 1;
    let long_enough = if latin { letters >= 4 || letters >= 2 && whole } else { length >= 2 };
    if !long_enough && !alone || run.swapped > 0 {
        return None;
    }
    let exact = run.is_clean() && whole;
    // Most of a long name, or a name with a character that sounds or looks the same.
    let least = if asked == Asked::BesideTitle { 1 } else { 2 };
    let all_but_one =
        run.slips() <= 1 && run.exact >= least && usize::from(run.matched()) + 1 >= length;
    let begins = asked == Asked::Only && run.is_clean() && run.matched() >= 3;
    // 芥川 for 芥川龙之介: may be.
    let prefix = !exact && !all_but_one && run.is_clean() && tokens.start == part.start;
    let near = !exact && run.matched() >= 2 && (all_but_one || begins || prefix);
    let full = part.len() == name.list.len();
    let fair = if exact { 1.0 } else { 0.8 };
    (exact || near).then(|| Named {
        terms: run.terms(),
        mass: run.mass * fair,
        exact,
        // A Latin name of five letters is as good as three characters.
        matched: match run.matched() {
            matched if latin && letters >= 5 => matched.max(3),
            matched if prefix && !begins => matched.min(2),
            matched => matched,
        },
        full,
    })
}

/// The parts of a name, between its dots and blanks, in which these tokens stand.
fn part_of_name(name: &[Token], tokens: &Range<usize>) -> Range<usize> {
    let starts = |at: usize| at == 0 || name.get(at).is_none_or(|token| token.before >= Break::Dot);
    let from = (0..=tokens.start).rev().find(|&at| starts(at)).unwrap_or(0);
    let to = (tokens.end.max(1)..=name.len()).find(|&at| starts(at)).unwrap_or(name.len());
    from..to
}

/// The house, where what nothing else explains begins with its name.
pub fn house_beside(
    terms: &[Term],
    explained: &[&Range<usize>],
    book: &Subject,
) -> Option<Range<usize>> {
    let house = &book.house.list;
    let least = house.len().clamp(2, 6);
    let free = |at: usize| !explained.iter().any(|range| range.contains(&at));
    let fits = |at: usize| {
        let wanted = house.iter().enumerate();
        wanted
            .take_while(|(n, token)| {
                free(at + n) && terms.get(at + n).is_some_and(|t| t.fits(token.code) > 0.95)
            })
            .count()
    };
    let at = (0..terms.len())
        .find(|&at| free(at) && !house.is_empty() && fits(at) >= least.min(house.len()))?;
    Some(at..at + fits(at))
}
