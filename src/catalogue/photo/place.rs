//! A symbol's place in a line: where it begins and ends, how it is bent, how sharp it is.
//!
//! In: darkness along a line and a span. Out: the place at which the ideal pattern of a whole
//! symbol explains the line best, whatever its digits are. Never: more comparisons than there is
//! work left.

use std::array;
use std::sync::LazyLock;

use super::line::Span;
use super::pattern::{DIGIT, Digits, GUARD, MIDDLE, MODULES, QUIET, SAMPLES, Set, Template};

/// Samples of a symbol with its white.
pub const SYMBOL: usize = (MODULES + 2 * QUIET) * SAMPLES;
/// Where the middle guard and the last one begin in the samples.
const MIDDLE_AT: usize = (QUIET + 44) * SAMPLES;
const END_AT: usize = (QUIET + MODULES - 3) * SAMPLES;
/// Blurs and spreads of ink that are tried, in modules.
const BLURS: [f32; 5] = [0.25, 0.4, 0.6, 0.85, 1.1];
const INKS: [f32; 5] = [-0.4, -0.2, 0.0, 0.2, 0.4];
/// What may be unexplained at first, and after each of the [`STEPS`]. Of 1500 lines of real and
/// made pictures that were read none had more than 0.39, 0.17 and 0.15 at first, after a quarter
/// and in the end; those without a symbol have 0.3 to 0.5 at first and seldom get below 0.2.
const FIRST: f32 = 0.42;
/// Steps in modules, and what may be unexplained after them.
const STEPS: [(&[f32], f32); 3] = [(&[0.5], 0.27), (&[0.25], 0.2), (&[0.15, 0.07], 0.18)];
/// The bends that are tried where edges do not tell.
const BENDS: [f32; 3] = [0.0, -1.2, 1.2];
/// Makes a twist of one a module at the quarters.
const TWIST: f64 = 32.0 / 3.0;

/// All templates: made once, as they depend on nothing.
static SETS: LazyLock<Vec<Set>> = LazyLock::new(|| {
    BLURS.iter().flat_map(|blur| INKS.iter().map(|ink| Set::new(*blur, *ink))).collect()
});

/// Where a symbol lies in a line, and how sharp it is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    start: f32,
    end: f32,
    /// How far the middle is off, in modules: a page that is bent or seen from one side.
    bend: f32,
    /// How far the quarters are off, the first one forwards and the third one back.
    twist: f32,
    backwards: bool,
    blur: usize,
    ink: usize,
}

impl Place {
    /// The templates of its sharpness.
    pub fn set(&self) -> Option<&'static Set> {
        SETS.get(self.blur * INKS.len() + self.ink)
    }

    /// Whether there are templates for it, and it is a shape that paper takes.
    fn possible(&self) -> bool {
        self.blur < BLURS.len() && self.ink < INKS.len() && self.bend.abs() < 8.0
    }

    /// Where in the line a sample is.
    fn position(&self, sample: usize) -> f64 {
        let at = (sample as f64 + 0.5) / SAMPLES as f64 - QUIET as f64;
        let part = at / MODULES as f64;
        let bow = part * (1.0 - part);
        let bend = f64::from(self.bend) * 4.0 * bow;
        let twist = f64::from(self.twist) * TWIST * bow * (1.0 - 2.0 * part);
        let module = f64::from(self.end - self.start) / MODULES as f64;
        f64::from(self.start) + (at + bend + twist) * module
    }
}

/// The best place near a span; none if there is nothing like a symbol. Each comparison takes one
/// from `work`.
pub fn find(line: &[f32], span: &Span, work: &mut u32) -> Option<Place> {
    let mut search = Search { line, work };
    let (cost, mut place) = search.first(span)?;
    if cost > FIRST {
        return None;
    }
    for (steps, most) in STEPS {
        let cost;
        (cost, place) = search.settle(place, steps);
        if cost > most {
            return None;
        }
    }
    Some(place)
}

/// A line on which a symbol is being placed.
struct Search<'a> {
    line: &'a [f32],
    work: &'a mut u32,
}

impl Search<'_> {
    /// The best of a few places: both ways, sharp and blurred.
    fn first(&mut self, span: &Span) -> Option<(f32, Place)> {
        let bends: &[f32] = if span.anchored { &[0.0] } else { &BENDS };
        let mut best: Option<(f32, Place)> = None;
        for backwards in [false, true] {
            for blur in [1, 3] {
                for bend in bends {
                    let (start, end, twist) = (span.start, span.end, span.twist);
                    let bend = span.bend + bend;
                    let place = Place { start, end, bend, twist, backwards, blur, ink: 2 };
                    let cost = self.cost(&place);
                    if best.is_none_or(|(least, _)| cost < least) {
                        best = Some((cost, place));
                    }
                }
            }
        }
        best
    }

    /// Changes one quantity at a time for as long as that helps; steps are in modules.
    fn settle(&mut self, place: Place, steps: &[f32]) -> (f32, Place) {
        let mut best = (self.cost(&place), place);
        for step in steps {
            for _ in 0..3 {
                let before = best.0;
                let by = step * (best.1.end - best.1.start) / MODULES as f32;
                for change in [-1.0, 1.0] {
                    self.change(&mut best, |place| place.start += change * by);
                    self.change(&mut best, |place| place.end += change * by);
                    self.change(&mut best, |place| place.bend += change * step);
                    self.change(&mut best, |place| place.twist += change * step);
                }
                self.change(&mut best, |place| place.blur += 1);
                self.change(&mut best, |place| place.blur = place.blur.wrapping_sub(1));
                self.change(&mut best, |place| place.ink += 1);
                self.change(&mut best, |place| place.ink = place.ink.wrapping_sub(1));
                if best.0 > before - 0.001 {
                    break;
                }
            }
        }
        best
    }

    /// Keeps a change if it helps.
    fn change(&mut self, best: &mut (f32, Place), change: impl Fn(&mut Place)) {
        let mut place = best.1;
        change(&mut place);
        if place.possible() {
            let cost = self.cost(&place);
            if cost < best.0 {
                *best = (cost, place);
            }
        }
    }

    /// What of the line the pattern leaves unexplained at a place: 0 to 1.
    fn cost(&mut self, place: &Place) -> f32 {
        let (Some(left), Some(set)) = (self.work.checked_sub(1), place.set()) else { return 1.0 };
        *self.work = left;
        let samples = samples(self.line, place);
        let mut sum = 0.0;
        for digit in 0..12 {
            let part = window::<DIGIT>(&samples, digit_at(digit));
            let most = match digit {
                0..6 => products(&part, &set.left).into_iter().fold(0.0, f32::max),
                _ => products(&part, &set.right).into_iter().fold(0.0, f32::max),
            };
            sum += 1.0 - most * most / energy(&part);
        }
        sum += miss(&window::<GUARD>(&samples, 0), &set.start);
        sum += miss(&window::<MIDDLE>(&samples, MIDDLE_AT), &set.middle);
        sum += miss(&window::<GUARD>(&samples, END_AT), &set.end);
        sum / 15.0
    }
}

/// The line at the samples of a symbol.
///
/// Most of the time goes here, so places are whole numbers of 2^-32 samples, each from the one
/// before by the differences of a cubic: three additions, and no division.
pub fn samples(line: &[f32], place: &Place) -> [f32; SYMBOL] {
    let ahead: [f64; 4] = array::from_fn(|sample| place.position(sample));
    let [a, b, c, d] = ahead.map(|at| at * ONE);
    let mut at = a as i64;
    let mut first = (b - a) as i64;
    let mut second = (c - 2.0 * b + a) as i64;
    let third = (d - 3.0 * c + 3.0 * b - a) as i64;
    let last = (line.len() as i64 - 2).max(0);
    let mut samples = [0.0; SYMBOL];
    for sample in &mut samples {
        let left = (at >> 32).clamp(0, last) as usize;
        let part = ((at >> 16) & 0xFFFF) as i32 as f32 / 65_536.0;
        if let Some([a, b]) = line.get(left..left + 2) {
            *sample = a + (b - a) * part;
        }
        at += first;
        first += second;
        second += third;
    }
    if place.backwards {
        samples.reverse();
    }
    samples
}

/// 2^32.
const ONE: f64 = 4_294_967_296.0;

/// Where a digit begins in the samples.
pub fn digit_at(digit: usize) -> usize {
    let module = if digit < 6 { 3 + 7 * digit } else { 50 + 7 * (digit - 6) };
    (QUIET + module) * SAMPLES
}

/// Some of the samples.
pub fn window<const N: usize>(samples: &[f32; SYMBOL], at: usize) -> [f32; N] {
    samples.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0.0; N])
}

/// How like each digit a part of the line is.
pub fn products<const N: usize>(part: &[f32; DIGIT], digits: &Digits<N>) -> [f32; N] {
    let mut sums = [0.0; N];
    for (sample, units) in part.iter().zip(&digits.unit) {
        sums.iter_mut().zip(units).for_each(|(sum, unit)| *sum += sample * unit);
    }
    sums
}

/// The squares of what differs from the mean. In four lanes: a single sum would wait for each
/// addition to end.
pub fn energy<const N: usize>(part: &[f32; N]) -> f32 {
    let (mut sums, mut squares) = ([0.0; 4], [0.0; 4]);
    for four in part.chunks_exact(4) {
        for ((sum, square), sample) in sums.iter_mut().zip(&mut squares).zip(four) {
            // Around the middle of what pixels are, or small differences get lost.
            let sample = sample - 128.0;
            *sum += sample;
            *square += sample * sample;
        }
    }
    let sum: f32 = sums.iter().sum();
    (squares.iter().sum::<f32>() - sum * sum / N as f32).max(1.0)
}

/// How like a template a part of the line is.
fn product<const N: usize>(part: &[f32; N], unit: &[f32; N]) -> f32 {
    let mut sums = [0.0; 4];
    for (samples, units) in part.chunks_exact(4).zip(unit.chunks_exact(4)) {
        for ((sum, sample), unit) in sums.iter_mut().zip(samples).zip(units) {
            *sum += sample * unit;
        }
    }
    sums.iter().sum()
}

/// What of a part of the line a template leaves unexplained: 0 to 1.
fn miss<const N: usize>(part: &[f32; N], template: &Template<N>) -> f32 {
    let product = product(part, &template.unit).max(0.0);
    1.0 - product * product / energy(part)
}
