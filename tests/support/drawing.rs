//! Draws EAN-13 labels as a camera sees them.
//!
//! In: a number, and how it lies in the picture. Out: grey pixels, the same ones each time.

#![allow(dead_code, reason = "tests and benches use different parts")]

use doumibook::catalogue::photo::grey::Grey;

/// Widths of the left digits' bars: white, black, white, black.
const WIDTHS: [[f32; 4]; 10] = [
    [3.0, 2.0, 1.0, 1.0],
    [2.0, 2.0, 2.0, 1.0],
    [2.0, 1.0, 2.0, 2.0],
    [1.0, 4.0, 1.0, 1.0],
    [1.0, 1.0, 3.0, 2.0],
    [1.0, 2.0, 3.0, 1.0],
    [1.0, 1.0, 1.0, 4.0],
    [1.0, 3.0, 1.0, 2.0],
    [1.0, 2.0, 1.0, 3.0],
    [3.0, 1.0, 1.0, 2.0],
];
/// Which left digits are mirrored, by the first digit.
const FIRST: [&str; 10] = [
    "......", "..-.--", "..--.-", "..---.", ".-..--", ".--..-", ".---..", ".-.-.-", ".-.--.",
    ".--.-.",
];

/// Marsaglia's xorshift64.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 16
    }

    /// About a bell around 0, of deviation 1.
    pub fn bell(&mut self) -> f32 {
        let sum: f32 = (0..6).map(|_| (self.next() % 1000) as f32 / 1000.0 - 0.5).sum();
        sum * 2f32.sqrt()
    }
}

/// The number's digits.
pub fn digits(code: &str) -> [u8; 13] {
    let digits: Vec<u8> = code.bytes().map(|byte| byte - b'0').collect();
    digits.try_into().expect("thirteen digits")
}

/// Twelve digits and the check digit.
pub fn with_check(twelve: &str) -> String {
    let weights = [1, 3].iter().cycle();
    let sum: u32 = twelve.bytes().zip(weights).map(|(d, w)| u32::from(d - b'0') * w).sum();
    format!("{twelve}{}", (10 - sum % 10) % 10)
}

/// One picture above another of the same width.
pub fn stacked(upper: &Grey, lower: &Grey) -> Grey {
    let rows = |picture: &Grey| -> Vec<u8> {
        (0..picture.height()).flat_map(|y| picture.row(y).to_vec()).collect()
    };
    let pixels = [rows(upper), rows(lower)].concat();
    Grey::new(upper.width(), upper.height() + lower.height(), pixels).expect("of one width")
}

/// A label in the middle of a picture; lengths in pixels, but for ink, bend and slant.
#[derive(Clone)]
pub struct Label {
    widths: Vec<f32>,
    module: f32,
    height: f32,
    angle: f32,
    blur: f32,
    noise: f32,
    white: f32,
    black: f32,
    shade: f32,
    slant: f32,
    bend: f32,
    ink: f32,
}

impl Label {
    pub fn new(code: &str) -> Self {
        let digits = digits(code).map(usize::from);
        let mut widths = vec![1.0; 3];
        for (digit, set) in digits[1..7].iter().zip(FIRST[digits[0]].chars()) {
            let mut four = WIDTHS[*digit];
            if set == '-' {
                four.reverse();
            }
            widths.extend(four);
        }
        widths.extend([1.0; 5]);
        widths.extend(digits[7..].iter().flat_map(|digit| WIDTHS[*digit]));
        widths.extend([1.0; 3]);
        Self::of(widths)
    }

    /// Bars of any widths, black first.
    pub fn of(widths: Vec<f32>) -> Self {
        let (module, height, angle, blur, noise) = (3.0, 90.0, 0.0, 0.6, 2.0);
        let (white, black, shade) = (235.0, 30.0, 0.0);
        let (slant, bend, ink) = (0.0, 0.0, 0.0);
        #[rustfmt::skip]
        return Self { widths, module, height, angle, blur, noise, white, black, shade, slant, bend, ink };
    }

    pub fn module(self, module: f32) -> Self {
        Self { module, ..self }
    }

    pub fn height(self, height: f32) -> Self {
        Self { height, ..self }
    }

    /// Turned, in degrees.
    pub fn angle(self, angle: f32) -> Self {
        Self { angle, ..self }
    }

    pub fn blur(self, blur: f32) -> Self {
        Self { blur: blur.max(0.1), ..self }
    }

    pub fn noise(self, noise: f32) -> Self {
        Self { noise, ..self }
    }

    pub fn light(self, white: f32, black: f32) -> Self {
        Self { white, black, ..self }
    }

    /// How much darker the right side of the picture is: 0 to 1.
    pub fn shade(self, shade: f32) -> Self {
        Self { shade, ..self }
    }

    /// How much wider modules are at one side than in the middle, as a part.
    pub fn slant(self, slant: f32) -> Self {
        Self { slant, ..self }
    }

    /// How far the middle is off, in modules, as on a bent page.
    pub fn bend(self, bend: f32) -> Self {
        Self { bend, ..self }
    }

    /// How much wider bars are printed, in modules.
    pub fn ink(self, ink: f32) -> Self {
        Self { ink, ..self }
    }

    pub fn picture(&self, width: usize, height: usize) -> Grey {
        let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
        let (sine, cosine) = self.angle.to_radians().sin_cos();
        let profile = self.profile();
        let mut pixels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let dx = x as f32 - (width - 1) as f32 / 2.0;
                let dy = y as f32 - (height - 1) as f32 / 2.0;
                let (across, along) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
                let inside = step((self.height / 2.0 - along.abs()) / self.blur);
                let at = across * FINE + profile.len() as f32 / 2.0;
                let dark = profile.get(at.max(0.0) as usize).copied().unwrap_or(0.0) * inside;
                let light = 1.0 - self.shade * x as f32 / width as f32;
                let value = (self.white - (self.white - self.black) * dark) * light;
                pixels.push((value + self.noise * chance.bell()).clamp(0.0, 255.0) as u8);
            }
        }
        Grey::new(width, height, pixels).expect("as many pixels")
    }

    /// Darkness across the bars, [`FINE`] places a pixel, with white to both sides.
    fn profile(&self) -> Vec<f32> {
        let modules: f32 = self.widths.iter().sum();
        let half = modules * self.module / 2.0;
        let places = ((half * 1.4 + 8.0 * self.blur) * FINE) as usize * 2;
        // From modules to pixels from the middle.
        let place = |at: f32| {
            let part = at / modules;
            let bow = 4.0 * part * (1.0 - part);
            let slanted = self.slant * bow * modules / 4.0;
            (at + slanted + self.bend * bow) * self.module - half
        };
        let mut profile = vec![0.0; places];
        let mut at = 0.0;
        for (number, width) in self.widths.iter().enumerate() {
            if number % 2 == 0 {
                let from = place(at - self.ink / 2.0);
                let to = place(at + width + self.ink / 2.0);
                for (sample, dark) in profile.iter_mut().enumerate() {
                    let x = (sample as f32 - places as f32 / 2.0) / FINE;
                    *dark += step((x - from) / self.blur) - step((x - to) / self.blur);
                }
            }
            at += width;
        }
        profile
    }
}

const FINE: f32 = 16.0;

fn step(x: f32) -> f32 {
    1.0 / (1.0 + (-1.702 * x).exp())
}
