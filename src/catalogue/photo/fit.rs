//! The digits on a line.
//!
//! In: darkness along a line and where a symbol may lie. Out: the thirteen digits that fit best,
//! and how much better than any other. Never: a digit judged by single bars; in a blurred picture
//! they run into each other, while the whole of a digit still differs from all others.

use std::array;

use super::line::Span;
use super::pattern::{self, DIGIT, Digits, Set};
use super::place::{self, SYMBOL, digit_at, energy, products, samples, window};

/// A reading of one line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Barcode {
    /// The number; its check digit fits.
    pub digits: [u8; 13],
    /// What the pattern does not explain: the mean square, with white as 0 and black as 1.
    pub rest: f32,
    /// How much worse the next digit fits, where that is least; in units of `rest`.
    pub margin: f32,
}

/// How one digit fits: which it is, and what is left by it and by the next best.
#[derive(Debug, Clone, Copy)]
struct Choice {
    index: usize,
    best: f32,
    next: f32,
}

impl Choice {
    fn of(costs: &[f32]) -> Self {
        let mut choice = Self { index: 0, best: f32::MAX, next: f32::MAX };
        for (index, &cost) in costs.iter().enumerate() {
            if cost < choice.best {
                choice = Self { index, best: cost, next: choice.best };
            } else if cost < choice.next {
                choice.next = cost;
            }
        }
        choice
    }
}

/// The number on a line between two places. Each comparison takes one from `work`; when that is 0,
/// there is no number.
pub fn read(line: &[f32], span: &Span, work: &mut u32) -> Option<Barcode> {
    let place = place::find(line, span, work)?;
    digits(&samples(line, &place), place.set()?)
}

/// The digits at a place, judged with one white and black for neighbours together.
fn digits(samples: &[f32; SYMBOL], set: &Set) -> Option<Barcode> {
    let mut choices = array::from_fn(|digit| {
        let part = window::<DIGIT>(samples, digit_at(digit));
        let energy = energy(&part);
        let cost = |product: f32| 1.0 - product.max(0.0).powi(2) / energy;
        match digit {
            0..6 => Choice::of(&products(&part, &set.left).map(cost)),
            _ => Choice::of(&products(&part, &set.right).map(cost)),
        }
    });
    for _ in 0..2 {
        let levels = levels(samples, set, &choices);
        choices = array::from_fn(|digit| {
            let (white, ink) = levels.get(digit).copied().unwrap_or((0.0, 1.0));
            let part = window::<DIGIT>(samples, digit_at(digit)).map(|y| (y - white) / ink);
            match digit {
                0..6 => Choice::of(&rests(&part, &set.left)),
                _ => Choice::of(&rests(&part, &set.right)),
            }
        });
    }
    reading(&choices)
}

/// How far from each digit a part of the line is, with white as 0 and black as 1.
fn rests<const N: usize>(part: &[f32; DIGIT], digits: &Digits<N>) -> [f32; N] {
    let mut sums = [0.0; N];
    for (sample, darks) in part.iter().zip(&digits.dark) {
        sums.iter_mut().zip(darks).for_each(|(sum, dark)| *sum += (sample - dark).powi(2));
    }
    sums.map(|sum| sum / DIGIT as f32)
}

/// The template of what a digit seems to be.
fn dark(set: &Set, digit: usize, index: usize) -> [f32; DIGIT] {
    let of = |sample: usize| match digit {
        0..6 => set.left.dark.get(sample).and_then(|all| all.get(index)),
        _ => set.right.dark.get(sample).and_then(|all| all.get(index)),
    };
    array::from_fn(|sample| of(sample).copied().unwrap_or_default())
}

/// White and the difference to black around each digit, by what it and its neighbours seem to be.
fn levels(samples: &[f32; SYMBOL], set: &Set, choices: &[Choice; 12]) -> [(f32, f32); 12] {
    // Each part's sums: count, pattern, sample, pattern squared, product.
    let sums: [[f32; 5]; 12] = array::from_fn(|digit| {
        let part = window::<DIGIT>(samples, digit_at(digit));
        let index = choices.get(digit).map_or(0, |choice| choice.index);
        let add = |s: [f32; 5], (y, t): (&f32, &f32)| {
            [s[0] + 1.0, s[1] + t, s[2] + y, s[3] + t * t, s[4] + t * y]
        };
        part.iter().zip(&dark(set, digit, index)).fold([0.0; 5], add)
    });
    array::from_fn(|digit| {
        let near = sums.get(digit.saturating_sub(1)..(digit + 2).min(12)).unwrap_or_default();
        let [n, t, y, tt, ty] = near.iter().fold([0.0; 5], |a, b| array::from_fn(|i| a[i] + b[i]));
        let ink = ((n * ty - t * y) / (n * tt - t * t).max(1e-3)).max(1.0);
        ((y - ink * t) / n.max(1.0), ink)
    })
}

/// The number, if there is one.
fn reading(choices: &[Choice; 12]) -> Option<Barcode> {
    let mut digits = [0; 13];
    let mut sets = 0;
    for (choice, digit) in choices.iter().zip(digits.iter_mut().skip(1)) {
        *digit = (choice.index % 10) as u8;
    }
    for choice in choices.iter().take(6) {
        sets = sets * 2 + u8::from(choice.index >= 10);
    }
    digits[0] = pattern::first_digit(sets)?;
    let rest = choices.iter().map(|choice| choice.best).sum::<f32>() / 12.0;
    let margin = |choice: &Choice| (choice.next - choice.best) / choice.best.max(rest).max(0.002);
    let margin = choices.iter().map(margin).fold(f32::MAX, f32::min);
    pattern::check(&digits).then_some(Barcode { digits, rest, margin })
}
