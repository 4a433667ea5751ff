//! Lines across a patch, and where in them a symbol may begin and end.
//!
//! In: a picture, a patch, which part of it. Out: darkness along a line, which is the mean of a
//! strip, and pairs of places. Never: more than [`SPANS`] pairs a line, or samples a line than
//! [`LENGTH`].

use super::field::Patch;
use super::grey::{FRACTION, Grey};

/// Samples of the longest line.
pub const LENGTH: usize = 1200;
/// Pairs of a line that are tried.
pub const SPANS: usize = 6;

/// How much of the range nearby is a turn.
const TURN: f32 = 0.05;

/// Where a symbol may begin and end, in samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The first bar's left edge.
    pub start: f32,
    /// The last bar's right edge.
    pub end: f32,
    /// White next to it in its own modules, the smaller of both sides.
    pub quiet: f32,
    /// How many edges are seen between the two.
    pub edges: usize,
    /// Whether the edges are as many as a symbol has, which tells where its parts are.
    pub anchored: bool,
    /// How far the middle guard is off the middle, in modules.
    pub bend: f32,
    /// How far the quarters are off, in modules: the first one forwards, the third one back.
    pub twist: f32,
}

/// Darkness along a strip that crosses the patch: `middle` pixels off its middle along the bars,
/// `half` pixels to either side.
pub fn strip(picture: &Grey, patch: &Patch, middle: f32, half: f32, rows: usize) -> Vec<f32> {
    let (sine, cosine) = patch.angle.sin_cos();
    // White at both ends, and what cells miss at the edge.
    let reach = patch.across * 1.3 + 24.0;
    let (from, to) = inside(picture, patch, middle, reach);
    // Four samples a module where the bars fill the patch; at least every pixel.
    let step = (patch.across * 2.0 / 420.0).clamp(0.5, 1.0).max((to - from) / (LENGTH - 1) as f32);
    let count = if to > from { ((to - from) / step) as usize + 1 } else { 0 };
    let rows = (half.max(0.0) * 2.0).min(rows as f32) as usize + 1;
    let mut sums = vec![0u32; count.min(LENGTH)];
    for row in 0..rows {
        let off = middle + half * ((2 * row + 1) as f32 / rows as f32 - 1.0);
        // Bars that run together: the farther along them, the closer they are.
        let closer = 1.0 + patch.fan * (off - middle);
        let (x, y) = (patch.x - sine * off, patch.y + cosine * off);
        let start = (x + cosine * from * closer, y + sine * from * closer);
        let step = (cosine * step * closer, sine * step * closer);
        picture.add_along(start, step, &mut sums);
    }
    let white = 255.0 * rows as f32;
    sums.iter().map(|sum| (white - *sum as f32 / FRACTION) / rows as f32).collect()
}

/// The part of a line of `reach` to both sides that is inside the picture.
fn inside(picture: &Grey, patch: &Patch, middle: f32, reach: f32) -> (f32, f32) {
    let (sine, cosine) = patch.angle.sin_cos();
    let (x, y) = (patch.x - sine * middle, patch.y + cosine * middle);
    let (mut from, mut to) = (-reach, reach);
    let sides = [(x, cosine, picture.width()), (y, sine, picture.height())];
    for (at, slope, side) in sides {
        if slope.abs() > 1e-4 {
            let (a, b) = (-at / slope, ((side - 1) as f32 - at) / slope);
            from = from.max(a.min(b));
            to = to.min(a.max(b));
        }
    }
    (from, to)
}

/// Where darkness crosses the middle between a high and the next low, or the other way round.
#[derive(Debug, Clone, Copy)]
struct Edge {
    at: f32,
    /// Where the change leaves white: a guard blurred to an even grey is half as dark as a bar.
    leaves: f32,
    /// From white to black.
    falls: bool,
}

/// Pairs of edges with white outside and bars inside, the likeliest first.
pub fn spans(line: &[f32], least: f32) -> Vec<Span> {
    let edges = edges(line, least);
    let last = line.len() as f32;
    // White before edge `n`: back to the edge before, or to the line's begin.
    let at = |n: usize| edges.get(n).map_or(last, |edge| edge.at);
    let before = |n: usize| at(n) - if n == 0 { -last } else { at(n - 1) };
    let after = |n: usize| if n + 1 >= edges.len() { last } else { at(n + 1) - at(n) };
    let mut found = Vec::new();
    for first in (0..edges.len()).filter(|n| edges.get(*n).is_some_and(|edge| edge.falls)) {
        let mut widest = 0f32;
        for end in first + 1..edges.len().min(first + 66) {
            widest = widest.max(at(end) - at(end - 1));
            let module = (at(end) - at(first)) / 95.0;
            let closes = (end - first) % 2 == 1 && end - first >= 21;
            let quiet = before(first).min(after(end)) / module;
            // Four modules is the widest inside; blur and slant make it look wider.
            let wide = if end - first >= 49 { 6.0 } else { 9.0 };
            if closes && quiet >= 3.4 && widest <= wide * module {
                let places = edges.get(first..=end).unwrap_or_default();
                found.extend(span(places, quiet.min(9.0)));
            }
            // No white inside is as wide as the white before, or this is not the begin.
            if before(first) < 3.4 / 95.0 * (at(end) - at(first)) {
                break;
            }
        }
    }
    // Sixty edges is what a symbol has; blur hides some.
    let rank = |span: &Span| span.quiet - (span.edges as f32 - 60.0).abs() / 6.0;
    found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    found.truncate(SPANS);
    found
}

/// A span of these edges. When there are sixty, digits begin at every fourth.
fn span(edges: &[Edge], quiet: f32) -> Option<Span> {
    let at = |n: usize| edges.get(n).map_or(0.0, |edge| edge.at);
    let (mut start, mut end) = (edges.first()?.at, edges.last()?.at);
    if edges.len() < 54 {
        (start, end) = (edges.first()?.leaves, edges.last()?.leaves);
    }
    let module = (end - start) / 95.0;
    let mut span =
        Span { start, end, quiet, edges: edges.len(), anchored: false, bend: 0.0, twist: 0.0 };
    if edges.len() == 60 {
        let off = |place: f32, ideal: f32| (place - start) / module - ideal;
        // The middle guard is the edges 27 to 32; the quarters are the edges 15 and 44.
        let middle = (27..33).map(at).sum::<f32>() / 6.0;
        span.anchored = true;
        span.bend = off(middle, 47.5);
        span.twist = (off(at(15), 24.0) - off(at(44), 71.0)) / 2.0;
    }
    Some(span)
}

/// The line's edges: a turn counts once darkness has come back from it by a fifth of what it
/// changes by nearby.
fn edges(line: &[f32], least: f32) -> Vec<Edge> {
    let needs = thresholds(line, least);
    let mut edges = Vec::new();
    // The last turn, the farthest since, and whether that is darker.
    let (mut turn, mut far) =
        ((0, *line.first().unwrap_or(&0.0)), (0, *line.first().unwrap_or(&0.0)));
    let mut darker: Option<bool> = None;
    for (sample, (&dark, &need)) in line.iter().zip(&needs).enumerate() {
        match darker {
            None => {
                if (dark - far.1).abs() >= need {
                    darker = Some(dark > far.1);
                    turn = far;
                    far = (sample, dark);
                } else if sample == 0 {
                    far = (0, dark);
                }
            }
            Some(falls) => {
                let ahead = if falls { dark - far.1 } else { far.1 - dark };
                if ahead >= 0.0 {
                    far = (sample, dark);
                } else if -ahead >= need {
                    edges.push(edge(line, turn, far, falls));
                    turn = far;
                    far = (sample, dark);
                    darker = Some(!falls);
                }
            }
        }
    }
    if let Some(falls) = darker {
        edges.push(edge(line, turn, far, falls));
    }
    edges
}

/// A sample's place and darkness.
type Arrival = (usize, f32);

fn edge(line: &[f32], turn: Arrival, far: Arrival, falls: bool) -> Edge {
    let (white, black) = if falls { (turn.1, far.1) } else { (far.1, turn.1) };
    let part = line.get(turn.0..=far.0).unwrap_or_default();
    let crossing = |share: f32, pairs: &mut dyn Iterator<Item = (usize, &[f32])>| {
        let level = white + (black - white) * share;
        for (at, pair) in pairs {
            let [a, b] = pair else { continue };
            if (a - level) * (b - level) <= 0.0 && a != b {
                return (turn.0 + at) as f32 + (level - a) / (b - a);
            }
        }
        far.0 as f32
    };
    let at = crossing(0.5, &mut part.windows(2).enumerate());
    // From the white side.
    let leaves = match falls {
        true => crossing(0.3, &mut part.windows(2).enumerate()),
        false => crossing(0.3, &mut part.windows(2).enumerate().rev()),
    };
    Edge { at, leaves, falls }
}

/// How much is a turn, sample by sample: a fifth of the range of the blocks around.
fn thresholds(line: &[f32], least: f32) -> Vec<f32> {
    let block = line.len() / 12 + 1;
    let ranges: Vec<(f32, f32)> = line
        .chunks(block)
        .map(|part| part.iter().fold((f32::MAX, f32::MIN), |r, d| (r.0.min(*d), r.1.max(*d))))
        .collect();
    let near = |n: usize| {
        let around = ranges.get(n.saturating_sub(1)..(n + 2).min(ranges.len())).unwrap_or_default();
        let (low, high) =
            around.iter().fold((f32::MAX, f32::MIN), |r, b| (r.0.min(b.0), r.1.max(b.1)));
        ((high - low) * TURN).max(least)
    };
    (0..line.len()).map(|sample| near(sample / block)).collect()
}
