//! A grey picture: one byte a pixel, row by row.
//!
//! In: width, height and pixels that fit them. Out: brightness at any place, halves. Never: a
//! place outside that panics (it is the nearest pixel inside), or a picture without pixels.

/// What [`Grey::add_along`] multiplies by. 255 times this fits 256 times into 32 bits.
pub const FRACTION: f32 = 65_536.0;

/// A picture of at least one pixel, 0 is black.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Grey {
    /// The picture of these pixels; none if there are none, or not as many as the sides say.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Option<Self> {
        let fits = width.checked_mul(height) == Some(pixels.len()) && !pixels.is_empty();
        fits.then_some(Self { width, height, pixels })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The row's pixels; none below the picture.
    pub fn row(&self, y: usize) -> &[u8] {
        let start = y.saturating_mul(self.width);
        self.pixels.get(start..start.saturating_add(self.width)).unwrap_or_default()
    }

    /// Adds the brightness at evenly spaced places to `sums`, [`FRACTION`] times as large. Between
    /// four pixels it is weighted by distance; a pixel's middle is at whole numbers.
    pub fn add_along(&self, start: (f32, f32), step: (f32, f32), sums: &mut [u32]) {
        // Whole numbers of 2^-16 pixels: most of the time for a line goes here.
        let fixed = |at: f32| (at * 65_536.0) as i64;
        let (mut x, mut y) = (fixed(start.0), fixed(start.1));
        let (right, down) = (fixed(step.0), fixed(step.1));
        let (last_x, last_y) = (self.width as i64 - 1, self.height as i64 - 1);
        for sum in sums {
            let (left, top) = ((x >> 16).clamp(0, last_x), (y >> 16).clamp(0, last_y));
            let at = (top * (last_x + 1) + left) as usize;
            // Beyond the last pixel is the last pixel again.
            let next = usize::from(left < last_x);
            let below = if top < last_y { self.width } else { 0 };
            let pixel = |at: usize| u32::from(self.pixels.get(at).copied().unwrap_or_default());
            let (across, along) = ((x >> 8) as u32 & 0xFF, (y >> 8) as u32 & 0xFF);
            let upper = pixel(at) * (256 - across) + pixel(at + next) * across;
            let lower = pixel(at + below) * (256 - across) + pixel(at + below + next) * across;
            *sum += upper * (256 - along) + lower * along;
            x += right;
            y += down;
        }
    }

    /// A quarter of the pixels, each the mean of four; none when a side is too short for that.
    pub fn halved(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            let (upper, lower) = (self.row(2 * y), self.row(2 * y + 1));
            for (above, below) in upper.chunks_exact(2).zip(lower.chunks_exact(2)) {
                let sum: u16 = above.iter().chain(below).map(|pixel| u16::from(*pixel)).sum();
                pixels.push(((sum + 2) / 4) as u8);
            }
        }
        Self::new(width, height, pixels)
    }

    /// How much pixels differ from their neighbours where nothing is to be seen: the standard
    /// deviation of noise.
    pub fn noise(&self) -> f32 {
        let mut counts = [0u32; 512];
        let mut all = 0;
        // Every seventh row and third place: enough to count, and no pattern of eight.
        for y in (1..self.height).step_by(7) {
            for three in self.row(y).windows(3).step_by(3) {
                let &[a, b, c] = three else { continue };
                let bent = (i32::from(a) - 2 * i32::from(b) + i32::from(c)).unsigned_abs() as usize;
                counts[bent.min(511)] += 1;
                all += 1;
            }
        }
        // The lower third of them: half of the rest is edges in a busy picture.
        let mut sum = 0;
        for (bent, count) in counts.iter().enumerate() {
            sum += count;
            if sum * 3 >= all {
                // A third of a bell is within 0.43 of its deviation, which bends multiply by the
                // square root of 6.
                return (bent as f32 + 0.5) / 0.43 / 6f32.sqrt();
            }
        }
        0.0
    }
}
