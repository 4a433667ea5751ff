//! JPEG to grey.
//!
//! In: any bytes. Out: the picture, or why there is none. Never: memory or time that the header
//! does not answer for. It is read here first: what is too large is refused before the decoder
//! sees it, and so are headers that would keep the decoder busy.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::grey::Grey;

/// The largest picture that is decoded: phones take 12 million pixels.
pub const PIXELS: usize = 16_000_000;
/// Bytes the decoder may take for a picture of several scans, which it has to hold as a whole: two
/// bytes a pixel and colour. This is a progressive one of 3.4 million pixels.
const WHOLE: usize = 24 << 20;
/// The longest side: a picture one pixel wide would be padded to 32.
const SIDE: usize = 16_384;
/// Scans of a progressive picture; encoders make 6 to 15.
const SCANS: usize = 32;
/// Segments before the first scan. A file of 4 MB with 64 KB of reports in each has 64; the decoder
/// goes through some kinds again at each one more.
const SEGMENTS: usize = 256;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The bytes do not begin as a JPEG does.
    NotJpeg,
    /// More than [`PIXELS`], or a progressive one that would take too much memory.
    TooLarge,
    /// A JPEG that ends early, contradicts itself or is of a rare kind.
    Broken,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    width: usize,
    height: usize,
    colours: usize,
    progressive: bool,
}

/// Decodes the brightness alone. What is missing at the end of a picture that was cut is grey.
pub fn grey(jpeg: &[u8]) -> Result<Grey, Unfit> {
    if !jpeg.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return Err(Unfit::NotJpeg);
    }
    let header = header(jpeg).ok_or(Unfit::Broken)??;
    let options = DecoderOptions::default()
        .set_max_width(SIDE)
        .set_max_height(SIDE)
        .jpeg_set_max_scans(SCANS)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    decoder.decode_headers().map_err(|_| Unfit::Broken)?;
    // Brightness is the first colour of nearly all pictures; of a few, red, green and blue are.
    let plain = decoder.input_colorspace() == Some(ColorSpace::RGB);
    if plain {
        decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
    }
    let info = decoder.info().ok_or(Unfit::Broken)?;
    if (usize::from(info.width), usize::from(info.height)) != (header.width, header.height) {
        return Err(Unfit::Broken);
    }
    let mut pixels = decoder.decode().map_err(|_| Unfit::Broken)?;
    if plain {
        pixels =
            pixels.chunks_exact(3).map(|colours| colours.get(1).copied().unwrap_or(0)).collect();
    }
    Grey::new(header.width, header.height, pixels).ok_or(Unfit::Broken)
}

/// Reads the segments up to the first scan. None if they end or contradict themselves.
fn header(jpeg: &[u8]) -> Option<Result<Header, Unfit>> {
    let mut header: Option<Header> = None;
    let mut rest = jpeg.get(2..)?;
    for _ in 0..SEGMENTS {
        let (marker, after) = marker(rest)?;
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let segment = after.get(2..length)?;
        rest = after.get(length..)?;
        match marker {
            // Start of frame: C4, C8 and CC between them are tables.
            0xC0..=0xCF if ![0xC4, 0xC8, 0xCC].contains(&marker) => {
                if header.is_some() {
                    return None;
                }
                header = Some(frame(segment, marker == 0xC2)?);
            }
            // Start of scan.
            0xDA => {
                let header = header?;
                let several = header.progressive || usize::from(*segment.first()?) < header.colours;
                return Some(header.bounded(several));
            }
            _ => {}
        }
    }
    None
}

/// The next marker, and what is after it; any number of FF may be before.
fn marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let at = bytes.iter().position(|byte| *byte != 0xFF)?;
    let (marker, after) = bytes.get(at..)?.split_first()?;
    (at > 0 && *marker >= 0xC0).then_some((*marker, after))
}

/// What a start of frame says; none for pictures of no height, and of more than 8 bits.
fn frame(segment: &[u8], progressive: bool) -> Option<Header> {
    let [bits, h1, h0, w1, w0, colours] = *segment.first_chunk()?;
    let height = usize::from(u16::from_be_bytes([h1, h0]));
    let width = usize::from(u16::from_be_bytes([w1, w0]));
    let sane = bits == 8 && width > 0 && height > 0;
    sane.then_some(Header { width, height, colours: colours.into(), progressive })
}

impl Header {
    /// The header, if the picture it announces may be decoded.
    fn bounded(self, several: bool) -> Result<Self, Unfit> {
        let pixels = self.width * self.height;
        let whole = if several { pixels * (1 + 2 * self.colours) } else { 0 };
        let fits = pixels <= PIXELS && whole <= WHOLE && self.width.max(self.height) <= SIDE;
        if fits { Ok(self) } else { Err(Unfit::TooLarge) }
    }
}
