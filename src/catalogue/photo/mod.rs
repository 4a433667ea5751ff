//! The barcode in a photo.
//!
//! In: the bytes of a JPEG. Out: the EAN-13 in it, or why there is none. Never: a number that two
//! lines do not agree on or whose check digit does not fit, a panic, or memory beyond what the
//! picture takes. No clock, no network, no file but for [`fetch`], which begins with an address.
//!
//! # The way of a photo
//!
//! 1. [`jpeg`] decodes the brightness.
//! 2. [`field`] finds patches where brightness changes in one direction: bars, among others.
//! 3. [`line`](mod@line) reads lines across a patch and says where in them a symbol may begin and
//!    end.
//! 4. [`place`] compares a line with the ideal [`pattern`] of a whole symbol, bent and blurred as
//!    the line may be; [`fit`] takes each digit for the one that leaves the least unexplained.
//! 5. [`ean13`] believes what lines agree on.
//!
//! [`address`] says where photos may be fetched from; [`fetch`] does, and says whose book it is.

pub mod address;
pub mod ean13;
pub mod fetch;
pub mod field;
pub mod fit;
pub mod grey;
pub mod jpeg;
pub mod line;
pub mod pattern;
pub mod place;

use ean13::Found;
use jpeg::Unfit;

/// What a photo says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barcode {
    /// The digits of one EAN-13, of a book or not.
    Ean13([u8; 13]),
    /// Two different numbers.
    Several,
    /// No number that is sure.
    None,
    /// Another kind of file.
    NotJpeg,
    /// More pixels than [`jpeg::PIXELS`], or a progressive picture that would take too much memory.
    TooLarge,
    /// A JPEG that cannot be decoded.
    Broken,
}

/// Reads the barcode in a JPEG.
pub fn barcode(jpeg: &[u8]) -> Barcode {
    match jpeg::grey(jpeg).map(|picture| ean13::find(&picture)) {
        Ok(Found::One(digits)) => Barcode::Ean13(digits),
        Ok(Found::Several) => Barcode::Several,
        Ok(Found::None) => Barcode::None,
        Err(Unfit::NotJpeg) => Barcode::NotJpeg,
        Err(Unfit::TooLarge) => Barcode::TooLarge,
        Err(Unfit::Broken) => Barcode::Broken,
    }
}
