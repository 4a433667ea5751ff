//! How characters sound and what they look like: what is typed for one another.
//!
//! In: a character or a word of Latin letters. Out: the characters that may be meant and how
//! likely, or the syllables that the word is made of. The tables are read once; pure otherwise.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A syllable and the characters read so, a line each.
const SOUNDS: &str = include_str!("../../tables/sounds.txt");
/// A character and those that look like it, a line each.
const SHAPES: &str = include_str!("../../tables/shapes.txt");

/// How well a character stands for another one.
pub const SAME: f32 = 1.0;
/// 和 for 与: not worth a thought.
const USUAL: f32 = 0.9;
/// The same syllable.
const SOUND: f32 = 0.85;
/// Alike in shape.
const SHAPE: f32 = 0.75;
/// A syllable that many speakers do not tell from the other one.
const NEAR_SOUND: f32 = 0.7;
/// A character of the syllable that was typed.
const TYPED: f32 = 0.97;

/// Confused all the time, or free to choose.
const INTERCHANGED: [&str; 12] = [
    "和与跟及同",
    "的地得底",
    "那哪",
    "在再",
    "记纪",
    "他她它",
    "做作",
    "像象",
    "分份",
    "账帐",
    "吗么",
    "里中",
];

struct Sounds {
    /// Sorted.
    syllables: Vec<&'static str>,
    /// The characters of each.
    chars: Vec<&'static str>,
    /// Each syllable as those who do not tell zh from z, n from l and -ng from -n hear it.
    blurred: Vec<String>,
    /// The syllables of each character.
    readings: HashMap<char, Vec<u16>>,
    shapes: HashMap<char, Vec<char>>,
}

static TABLE: LazyLock<Sounds> = LazyLock::new(|| {
    let lines: Vec<_> = SOUNDS.lines().filter_map(|line| line.split_once(' ')).collect();
    let mut readings: HashMap<char, Vec<u16>> = HashMap::new();
    for ((_, chars), syllable) in lines.iter().zip(0..) {
        for c in chars.chars() {
            readings.entry(c).or_default().push(syllable);
        }
    }
    let mut shapes: HashMap<char, Vec<char>> = HashMap::new();
    for line in SHAPES.lines() {
        let mut chars = line.chars();
        let Some(first) = chars.next() else { continue };
        for other in chars {
            shapes.entry(first).or_default().push(other);
            shapes.entry(other).or_default().push(first);
        }
    }
    Sounds {
        syllables: lines.iter().map(|(syllable, _)| *syllable).collect(),
        chars: lines.iter().map(|(_, chars)| *chars).collect(),
        blurred: lines.iter().map(|(syllable, _)| blur(syllable)).collect(),
        readings,
        shapes,
    }
});

/// A syllable without the differences that are lost in the south.
fn blur(syllable: &str) -> String {
    let (initial, rest) = match syllable.strip_prefix(['z', 'c', 's']) {
        Some(rest) => {
            (syllable.get(..1).unwrap_or_default(), rest.strip_prefix('h').unwrap_or(rest))
        }
        None => ("", syllable),
    };
    let rest = match rest {
        "fa" => "hua",
        "fo" => "huo",
        "fei" => "hui",
        "fan" => "huan",
        "fang" => "huang",
        "fen" => "hun",
        "feng" => "hong",
        "fu" => "hu",
        rest => rest,
    };
    let rest = match rest.strip_prefix('n') {
        Some(rest) if initial.is_empty() => format!("l{rest}"),
        _ => rest.to_owned(),
    };
    let rest = match rest.strip_suffix("ng") {
        Some(open) if !open.ends_with('o') => format!("{open}n"),
        _ => rest,
    };
    format!("{initial}{rest}")
}

/// The characters that may have been meant by `c`, other than itself.
pub fn meant_by(c: char) -> Vec<(char, f32)> {
    let mut meant = Vec::new();
    for group in INTERCHANGED.iter().filter(|group| group.contains(c)) {
        meant.extend(group.chars().map(|other| (other, USUAL)));
    }
    let readings = TABLE.readings.get(&c).map(Vec::as_slice).unwrap_or_default();
    for &reading in readings {
        sounding(reading, SOUND, &mut meant);
    }
    let shapes = TABLE.shapes.get(&c).map(Vec::as_slice).unwrap_or_default();
    meant.extend(shapes.iter().map(|&other| (other, SHAPE)));
    best_of_each(meant, Some(c))
}

/// The characters that may have been meant by a typed syllable.
pub fn typed_as(syllable: u16) -> Vec<(char, f32)> {
    let mut meant = Vec::new();
    sounding(syllable, TYPED, &mut meant);
    best_of_each(meant, None)
}

/// The characters of a syllable, and those of syllables near to it.
fn sounding(syllable: u16, likeness: f32, meant: &mut Vec<(char, f32)>) {
    let Some(blurred) = TABLE.blurred.get(usize::from(syllable)) else { return };
    for (other, chars) in TABLE.chars.iter().enumerate() {
        let likeness = if other == usize::from(syllable) {
            likeness
        } else if TABLE.blurred.get(other) == Some(blurred) {
            NEAR_SOUND
        } else {
            continue;
        };
        meant.extend(chars.chars().map(|c| (c, likeness)));
    }
}

/// Each character once, with its highest likeness, the likeliest first.
fn best_of_each(mut meant: Vec<(char, f32)>, without: Option<char>) -> Vec<(char, f32)> {
    meant.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    meant.dedup_by_key(|(c, _)| *c);
    meant.retain(|(c, _)| Some(*c) != without);
    meant.sort_by(|a, b| b.1.total_cmp(&a.1));
    meant
}

/// The ways to read a word as syllables, longest syllables first; at most `most` of them.
pub fn syllables(word: &str, most: usize) -> Vec<Vec<u16>> {
    // From where on the rest splits, so that no way is followed that leads nowhere.
    let mut splits = vec![false; word.len() + 1];
    if let Some(end) = splits.last_mut() {
        *end = true;
    }
    for from in (0..word.len()).rev() {
        let reaches = candidates(word, from).any(|(end, _)| splits.get(end) == Some(&true));
        if let Some(entry) = splits.get_mut(from) {
            *entry = reaches;
        }
    }
    let mut found = Vec::new();
    let mut begun: Vec<(usize, Vec<u16>)> = vec![(0, Vec::new())];
    while let Some((from, read)) = begun.pop() {
        if from == word.len() {
            found.push(read);
            if found.len() >= most {
                break;
            }
            continue;
        }
        // The last one pushed is followed first: the longest.
        for (end, syllable) in candidates(word, from) {
            if splits.get(end) == Some(&true) {
                let mut longer = read.clone();
                longer.push(syllable);
                begun.push((end, longer));
            }
        }
    }
    found
}

/// The syllables that stand from here on, shortest first, and where each ends.
fn candidates(word: &str, from: usize) -> impl Iterator<Item = (usize, u16)> {
    (from + 1..=word.len().min(from + 6)).filter_map(move |end| {
        let syllable = word.get(from..end)?;
        let place = TABLE.syllables.binary_search(&syllable).ok()?;
        Some((end, place as u16))
    })
}
