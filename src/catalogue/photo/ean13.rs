//! The EAN-13 numbers in a picture.
//!
//! In: a picture. Out: the number that at least two lines agree on, several, or none. Never: a
//! number whose check digit does not fit, a guess between two, or work without bound: lines and
//! comparisons are counted.

use super::field::{self, Patch};
use super::fit::{self, Barcode};
use super::grey::Grey;
use super::line;

/// What is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// One number.
    One([u8; 13]),
    /// More than one.
    Several,
    /// Nothing that is sure.
    None,
}

/// What the pattern may leave unexplained in a line that counts, as a part of black squared.
const REST: f32 = 0.06;
/// How much worse any other digit has to fit, in what is left unexplained. Of 9200 lines of real
/// and made pictures that were right, one in a hundred had less; of 98 that were misread none had
/// more than 0.5, and of 60 000 made lines of other bars one had 1.1.
const MARGIN: f32 = 1.2;
/// How many times a line may be compared with the pattern, in all lines of a picture together; and
/// once a number is found, to look for another.
const WORK: u32 = 30_000;
const WORK_AFTER: u32 = 6_000;
/// The narrowest patch, and the shortest bars, in pixels.
const NARROWEST: f32 = 60.0;
const SHORTEST: f32 = 6.0;
/// Patches are looked for in a picture of this many pixels at first.
const PIXELS: usize = 1_000_000;
/// How much of what changes in a patch has to change in one direction.
const COHERENCE: f32 = 0.4;

/// Lines across a patch: how many, half the width of the strip that each is the mean of (as a part
/// of half the bars), and of how many rows at most. Thin lines first: bars may be bent, and two
/// thin ones are soon read. Broad strips see through noise.
const LINES: [(usize, f32, usize); 4] = [(7, 0.0, 1), (5, 0.08, 8), (4, 0.2, 24), (2, 0.45, 48)];

/// A number, and how long its bars are in the picture.
type Seen = ([u8; 13], f32);

/// Reads a picture.
pub fn find(picture: &Grey) -> Found {
    let smaller = smaller(picture);
    let levels: Vec<&Grey> = std::iter::once(picture).chain(&smaller).collect();
    let first = levels.iter().position(|level| level.width() * level.height() <= PIXELS);
    let first = first.unwrap_or(levels.len() - 1);
    // The size for most; the next larger for small or blurred bars, the next smaller for noise.
    let order = [Some(first), first.checked_sub(1), Some(first + 1)];
    let mut look = Look { picture, noise: picture.noise(), work: WORK, seen: Vec::new() };
    for number in order.into_iter().flatten() {
        let Some(level) = levels.get(number) else { continue };
        for patch in field::patches(level, COHERENCE) {
            look.patch(&patch.scaled((1u32 << number) as f32));
        }
        if !look.seen.is_empty() {
            break;
        }
    }
    decide(&look.seen)
}

/// Halves, halves of halves, and so on while there is something to see.
fn smaller(picture: &Grey) -> Vec<Grey> {
    let mut levels: Vec<Grey> = Vec::new();
    while let Some(half) = levels.last().unwrap_or(picture).halved() {
        if half.width().max(half.height()) < 100 || levels.len() > 4 {
            break;
        }
        levels.push(half);
    }
    levels
}

/// One number, or several. Next to an ISBN a code of another kind with bars half as long is what
/// else is on the cover: a price, a shop's sticker.
fn decide(seen: &[Seen]) -> Found {
    let first = seen.first().map_or(Found::None, |seen| Found::One(seen.0));
    if seen.iter().all(|other| Found::One(other.0) == first) {
        return first;
    }
    let book = |digits: &[u8; 13]| digits.starts_with(&[9, 7, 8]) || digits.starts_with(&[9, 7, 9]);
    let beside = |one: &Seen| {
        let other = |other: &Seen| other.0 == one.0 || (!book(&other.0) && other.1 * 2.0 <= one.1);
        book(&one.0) && seen.iter().all(other)
    };
    seen.iter().find(|one| beside(one)).map_or(Found::Several, |one| Found::One(one.0))
}

/// A picture that is being read.
struct Look<'a> {
    picture: &'a Grey,
    noise: f32,
    /// How many comparisons are left.
    work: u32,
    seen: Vec<Seen>,
}

impl Look<'_> {
    /// Reads a patch: broader strips only if thinner ones say nothing.
    fn patch(&mut self, patch: &Patch) {
        if patch.across * 2.0 < NARROWEST || patch.along * 2.0 < SHORTEST || self.work == 0 {
            return;
        }
        let patch = self.sharpest(patch);
        let mut readings = Vec::new();
        // What is next to a number that was found is looked at, but not through noise.
        let stages = if self.seen.is_empty() { LINES.len() } else { 2 };
        for (count, part, rows) in LINES.into_iter().take(stages) {
            let half = (part * patch.along).max(0.5);
            for number in 0..count {
                let middle = (2 * number + 1) as f32 / count as f32 - 1.0;
                readings.extend(self.line(&patch, middle * patch.along * 0.85, half, rows));
            }
            let agreed = agreed(&readings);
            if !agreed.is_empty() {
                self.seen.extend(agreed.into_iter().map(|digits| (digits, patch.along)));
                self.work = self.work.min(WORK_AFTER);
                return;
            }
        }
    }

    /// The number on one line.
    fn line(&mut self, patch: &Patch, middle: f32, half: f32, rows: usize) -> Option<[u8; 13]> {
        let line = line::strip(self.picture, patch, middle, half, rows);
        // Rows average noise; four times what is left of it is hardly ever passed by chance.
        let rows = (2.0 * half).min(rows as f32).max(1.0);
        let turn = (4.0 * self.noise / rows.sqrt()).max(2.0);
        let sure = |reading: &Barcode| reading.rest < REST && reading.margin > MARGIN;
        let spans = line::spans(&line, turn);
        let mut readings = spans.iter().filter_map(|span| fit::read(&line, span, &mut self.work));
        readings.find(sure).map(|reading| reading.digits)
    }

    /// The patch with the angle at which its bars are sharpest.
    fn sharpest(&self, patch: &Patch) -> Patch {
        let mut best = (0.0, *patch);
        for step in -2i8..=2 {
            let turned = Patch { angle: patch.angle + f32::from(step) * 0.02, ..*patch };
            let line = line::strip(self.picture, &turned, 0.0, turned.along * 0.6, 12);
            let change: f32 =
                line.iter().zip(line.iter().skip(1)).map(|(a, b)| (a - b).powi(2)).sum();
            if change > best.0 {
                best = (change, turned);
            }
        }
        best.1
    }
}

/// The numbers that at least two lines agree on; three, if any line says something else alone.
fn agreed(readings: &[[u8; 13]]) -> Vec<[u8; 13]> {
    let count = |digits: &[u8; 13]| readings.iter().filter(|other| *other == digits).count();
    let alone = readings.iter().any(|digits| count(digits) == 1);
    let needed = if alone { 3 } else { 2 };
    let mut agreed: Vec<[u8; 13]> = Vec::new();
    for digits in readings {
        if count(digits) >= needed && !agreed.contains(digits) {
            agreed.push(*digits);
        }
    }
    agreed
}
