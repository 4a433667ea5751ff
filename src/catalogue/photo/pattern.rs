//! The ideal pattern of an EAN-13: what each part of it looks like at each sharpness.
//!
//! In: a digit or a guard, how blurred, how much ink has spread. Out: darkness from 0 to 1 at
//! [`SAMPLES`] places a module, and whether thirteen digits are a number. Never: a template that
//! depends on the picture; they are the same for all.

/// Modules of the whole symbol, without the white to both sides.
pub const MODULES: usize = 95;
/// Samples a module.
pub const SAMPLES: usize = 4;
/// Modules of white that belong to the guards' templates.
pub const QUIET: usize = 3;
/// Samples of a digit.
pub const DIGIT: usize = 7 * SAMPLES;
/// Samples of the guard at either end, with its white; of the middle one, with a module more to
/// each side, which is always black.
pub const GUARD: usize = (3 + QUIET) * SAMPLES;
/// See [`GUARD`].
pub const MIDDLE: usize = 7 * SAMPLES;

/// Widths of white, black, white and black in modules: the digits of the left half (set A of the
/// standard). Set B is the same read backwards, set C the same in the other colour.
const WIDTHS: [[u8; 4]; 10] = [
    [3, 2, 1, 1],
    [2, 2, 2, 1],
    [2, 1, 2, 2],
    [1, 4, 1, 1],
    [1, 1, 3, 2],
    [1, 2, 3, 1],
    [1, 1, 1, 4],
    [1, 3, 1, 2],
    [1, 2, 1, 3],
    [3, 1, 1, 2],
];

/// Which of the six left digits are of set B, first digit by first digit; the leftmost is 32.
const FIRST: [u8; 10] = [0, 11, 13, 14, 19, 25, 28, 21, 22, 26];

/// The first digit, which is not in bars but in the choice of sets.
pub fn first_digit(sets: u8) -> Option<u8> {
    FIRST.iter().position(|first| *first == sets).map(|digit| digit as u8)
}

/// Whether the last digit is the check digit of the others.
pub fn check(digits: &[u8; 13]) -> bool {
    let sum: u32 = digits.iter().zip([1, 3].iter().cycle()).map(|(d, w)| u32::from(*d) * w).sum();
    sum.is_multiple_of(10)
}

/// A template without its mean, of length one, so that a product with a sample is a correlation.
#[derive(Debug, Clone, Copy)]
pub struct Template<const N: usize> {
    /// Zero mean, length one.
    pub unit: [f32; N],
    /// Darkness from 0 to 1.
    pub dark: [f32; N],
}

/// All digits' templates, sample by sample: the inner loop runs over digits and needs no sum of
/// its own, which processors do several of at a time.
#[derive(Debug, Clone)]
pub struct Digits<const N: usize> {
    /// See [`Template::unit`].
    pub unit: [[f32; N]; DIGIT],
    /// See [`Template::dark`].
    pub dark: [[f32; N]; DIGIT],
}

impl<const N: usize> Digits<N> {
    fn new(templates: [Template<DIGIT>; N]) -> Self {
        let unit = std::array::from_fn(|sample| templates.each_ref().map(|one| one.unit[sample]));
        let dark = std::array::from_fn(|sample| templates.each_ref().map(|one| one.dark[sample]));
        Self { unit, dark }
    }
}

/// The templates of one sharpness.
#[derive(Debug, Clone)]
pub struct Set {
    /// Digits of the left half: 0 to 9 of set A, then of set B.
    pub left: Digits<20>,
    /// Digits of the right half.
    pub right: Digits<10>,
    /// [`QUIET`] modules of white, then the guard.
    pub start: Template<GUARD>,
    /// Black, the guard, black.
    pub middle: Template<MIDDLE>,
    /// The guard, then white.
    pub end: Template<GUARD>,
}

/// Black from one place to another, in modules; half black where a neighbour is not known.
type Bar = (f32, f32, f32);
const FAR: f32 = 99.0;

impl Set {
    /// Templates blurred by a bell of `blur` modules, with bars `ink` modules wider than ideal.
    pub fn new(blur: f32, ink: f32) -> Self {
        let digit =
            |number: usize, set: char| template(&digit_bars(number % 10, set), 0.0, blur, ink);
        // Beyond the guard every left digit begins with white and every right one ends with it.
        let start: [Bar; 3] = [(0.0, 1.0, 1.0), (2.0, 3.0, 1.0), (4.0, FAR, 0.5)];
        let middle: [Bar; 6] = [
            (-FAR, -1.0, 0.5),
            (-1.0, 0.0, 1.0),
            (1.0, 2.0, 1.0),
            (3.0, 4.0, 1.0),
            (5.0, 6.0, 1.0),
            (6.0, FAR, 0.5),
        ];
        let end: [Bar; 3] = [(-FAR, -1.0, 0.5), (0.0, 1.0, 1.0), (2.0, 3.0, 1.0)];
        Self {
            left: Digits::new(std::array::from_fn(|n| digit(n, if n < 10 { 'A' } else { 'B' }))),
            right: Digits::new(std::array::from_fn(|n| digit(n, 'C'))),
            start: template(&start, -(QUIET as f32), blur, ink),
            middle: template(&middle, -1.0, blur, ink),
            end: template(&end, 0.0, blur, ink),
        }
    }
}

/// The bars of a digit and of its neighbours: what is next to it is known (black before and white
/// after it in the left half, the other way round in the right), what is beyond is not.
fn digit_bars(digit: usize, set: char) -> Vec<Bar> {
    let mut widths = WIDTHS.get(digit).copied().unwrap_or_default();
    if set == 'B' {
        widths.reverse();
    }
    let mut bars = match set {
        'C' => vec![(-FAR, -1.0, 0.5), (7.0, 8.0, 1.0), (8.0, FAR, 0.5)],
        _ => vec![(-FAR, -1.0, 0.5), (-1.0, 0.0, 1.0), (8.0, FAR, 0.5)],
    };
    let (mut at, mut black) = (0.0, set == 'C');
    for width in widths.map(f32::from) {
        if black {
            bars.push((at, at + width, 1.0));
        }
        at += width;
        black = !black;
    }
    bars
}

fn template<const N: usize>(bars: &[Bar], from: f32, blur: f32, ink: f32) -> Template<N> {
    // Where two bars touch they are one: ink spreads at its ends only.
    let ends = |place: f32| bars.iter().filter(|bar| bar.0 == place || bar.1 == place).count();
    let spread = |place: f32| if ends(place) > 1 { 0.0 } else { ink / 2.0 };
    let wider = |bar: &Bar| (bar.0 - spread(bar.0), bar.1 + spread(bar.1), bar.2);
    let bars: Vec<Bar> = bars.iter().map(wider).collect();
    let dark: [f32; N] = std::array::from_fn(|sample| {
        let at = from + (sample as f32 + 0.5) / SAMPLES as f32;
        let bar = |bar: &Bar| bar.2 * (step((at - bar.0) / blur) - step((at - bar.1) / blur));
        bars.iter().map(bar).sum()
    });
    let mean = dark.iter().sum::<f32>() / N as f32;
    let length = dark.iter().map(|d| (d - mean).powi(2)).sum::<f32>().sqrt().max(f32::EPSILON);
    Template { unit: dark.map(|d| (d - mean) / length), dark }
}

/// A blurred step: the bell's integral, which this comes within 0.01 of.
fn step(x: f32) -> f32 {
    match x {
        ..-6.0 => 0.0,
        6.0.. => 1.0,
        _ => 1.0 / (1.0 + (-1.702 * x).exp()),
    }
}
