//! The stretch of a message that stands in a title or a name.
//!
//! In: terms and tokens. Out: the best [`Run`]: a stretch of each that stand for one another, with
//! what was changed, dropped, added or swapped between them. Time is terms times tokens; both
//! are bounded by [`super::tokens::LONGEST`] times a few.

use std::ops::Range;

use super::term::Term;
use super::tokens::{Break, Token};

/// What a term that stands where another token stands costs at most: how rare a slip is on the
/// shelf says nothing.
const WRONG: f32 = 0.4;

/// What it costs a run to go on behind a mark with something left out.
const ACROSS: f32 = 0.4;

/// A stretch of terms that stands for a stretch of tokens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    /// Higher is better.
    pub score: f32,
    from_term: u16,
    from_token: u16,
    to_term: u16,
    to_token: u16,
    /// The weight of the terms that stand there, each as well as it fits.
    pub mass: f32,
    /// The same without regard to how well.
    pub full: f32,
    /// What of that weight says something about a book.
    pub telling: f32,
    /// The weight of terms inside that stand for nothing.
    pub lost: f32,
    /// The weight of the tokens that were met.
    pub met: f32,
    /// How many terms fit exactly.
    pub exact: u8,
    /// How many fit by sound, shape or a slip.
    pub near: u8,
    /// How many stand where another token stands.
    pub wrong: u8,
    /// How many stand where none does.
    pub extra: u8,
    /// How many tokens no term stands for.
    pub missing: u8,
    /// How many pairs are swapped.
    pub swapped: u8,
}

impl Run {
    /// Which terms.
    pub fn terms(&self) -> Range<usize> {
        usize::from(self.from_term)..usize::from(self.to_term)
    }

    /// Which tokens.
    pub fn tokens(&self) -> Range<usize> {
        usize::from(self.from_token)..usize::from(self.to_token)
    }

    /// How many terms stand for a token.
    pub fn matched(&self) -> u8 {
        self.exact.saturating_add(self.near)
    }

    /// Whether nothing differs.
    pub fn is_clean(&self) -> bool {
        self.near == 0 && self.slips() == 0
    }

    /// How many differences there are beside what is only like.
    pub fn slips(&self) -> u8 {
        self.wrong
            .saturating_add(self.extra)
            .saturating_add(self.missing)
            .saturating_add(self.swapped)
    }

    /// One term and one token more stand for one another although they are not alike.
    pub fn with_wrong(mut self, term: &Term, at_end: bool) -> Self {
        if at_end {
            self.to_term += 1;
            self.to_token += 1;
        } else {
            self.from_term -= 1;
            self.from_token -= 1;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.lost += term.weight.min(WRONG);
        self
    }

    fn met_term(mut self, term: &Term, fit: f32, token_weight: f32) -> Self {
        // What is only like it says less, however rare it is itself.
        let weight = if fit > 0.95 { term.weight } else { term.weight.min(0.5) };
        self.mass += weight * fit;
        self.full += weight;
        self.telling += term.weight * term.cost;
        self.met += token_weight * fit;
        if fit > 0.95 {
            self.exact = self.exact.saturating_add(1);
        } else {
            self.near = self.near.saturating_add(1);
        }
        self
    }
}

/// The best run of `terms` in `tokens`, of which `weights` says how much each tells.
pub fn best_run(terms: &[Term], tokens: &[Token], weights: &[f32]) -> Option<Run> {
    let width = tokens.len() + 1;
    let mut rows =
        [vec![Run::default(); width], vec![Run::default(); width], vec![Run::default(); width]];
    let mut best = Run::default();
    for (i, term) in terms.iter().enumerate() {
        let [before, above, row] = &mut rows;
        let last = i.checked_sub(1).and_then(|i| terms.get(i));
        let mut left = Run::default();
        for (j, (token, &weight)) in tokens.iter().zip(weights).enumerate() {
            let (Some(&corner), Some(&up)) = (above.get(j), above.get(j + 1)) else { break };
            let mut cell = met(corner, term, token, weight, (i, j));
            let skipped_term = without_term(up, term);
            if skipped_term.score > cell.score {
                cell = skipped_term;
            }
            let skipped_token = without_token(left, token, weight);
            if skipped_token.score > cell.score {
                cell = skipped_token;
            }
            if let (Some(last), Some(&far)) = (last, j.checked_sub(1).and_then(|j| before.get(j)))
                && let Some(swapped) =
                    swapped(far, (last, term), (tokens.get(j - 1), token), weight, (i, j))
                && swapped.score > cell.score
            {
                cell = swapped;
            }
            left = cell;
            if let Some(place) = row.get_mut(j + 1) {
                *place = cell;
            }
            if cell.score > best.score
                && usize::from(cell.to_term) == i + 1
                && usize::from(cell.to_token) == j + 1
            {
                best = cell;
            }
        }
        rows.rotate_left(1);
    }
    (best.score > 0.0).then_some(best)
}

/// The run that goes on, or begins, with this term standing for this token.
fn met(corner: Run, term: &Term, token: &Token, weight: f32, (i, j): (usize, usize)) -> Run {
    let fit = term.fits(token.code);
    let mut run = corner;
    if run.score <= 0.0 {
        if fit <= 0.0 {
            return Run::default();
        }
        run = Run { from_term: i as u16, from_token: j as u16, ..Run::default() };
    }
    if fit > 0.0 {
        run.score += if fit > 0.95 { term.weight } else { term.weight.min(0.5) } * fit + 0.05;
        run = run.met_term(term, fit, weight);
    } else if term.before >= Break::Blank || token.before == Break::Strong {
        // Two words for one another, across a mark, are no slip.
        return Run::default();
    } else {
        run.score -= 0.3 * (term.weight.max(weight)) + 0.1;
        run.wrong = run.wrong.saturating_add(1);
        run.lost += term.weight.min(WRONG);
    }
    (run.to_term, run.to_token) = (i as u16 + 1, j as u16 + 1);
    if run.score > 0.0 { run } else { Run::default() }
}

fn without_term(mut run: Run, term: &Term) -> Run {
    let mark = if term.before >= Break::Blank { ACROSS } else { 0.0 };
    run.score -= 0.2 * term.weight * (0.3 + term.cost) + 0.1 + mark;
    run.extra = run.extra.saturating_add(1);
    run.lost += term.weight * term.cost;
    if run.score > 0.0 { run } else { Run::default() }
}

fn without_token(mut run: Run, token: &Token, weight: f32) -> Run {
    let mark = if token.before == Break::Strong { ACROSS } else { 0.0 };
    run.score -= 0.25 * weight + 0.06 + mark;
    run.missing = run.missing.saturating_add(1);
    if run.score > 0.0 { run } else { Run::default() }
}

/// The run that goes on with two terms standing for two tokens the other way round.
fn swapped(
    far: Run,
    (one, two): (&Term, &Term),
    (first, second): (Option<&Token>, &Token),
    weight: f32,
    (i, j): (usize, usize),
) -> Option<Run> {
    let (one_fit, two_fit) = (one.fits(second.code), two.fits(first?.code));
    if one_fit < 0.95 || two_fit < 0.95 {
        return None;
    }
    let begins = Run { from_term: i as u16 - 1, from_token: j as u16 - 1, ..Run::default() };
    let mut run = if far.score > 0.0 { far } else { begins };
    run.score += 0.8 * (one.weight + two.weight);
    run = run.met_term(one, one_fit, weight).met_term(two, two_fit, weight);
    run.swapped = run.swapped.saturating_add(1);
    (run.to_term, run.to_token) = (i as u16 + 1, j as u16 + 1);
    Some(run)
}
