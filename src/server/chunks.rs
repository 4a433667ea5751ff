//! A chunked body taken apart: bytes to a body, or a refusal.
//!
//! In: the bytes from the first chunk's size on, as many as have come. Out: the body, and how many
//! bytes it took. Pure. Each byte is looked at once; extensions and trailers are read and dropped.

use super::limits::BODY;
use crate::service::refusal::Refusal;

/// Longest line that gives a chunk's size or a field of the trailer.
const CHUNK_LINE: usize = 256;
/// What chunk sizes and the trailer may add to a body on the wire.
const CHUNK_OVERHEAD: usize = 8 * 1024;

/// The chunks of one body, as far as they have come.
#[derive(Debug, Default)]
pub struct Chunks {
    at: usize,
    /// What they hold together.
    pub body: Vec<u8>,
    trailer: bool,
}

impl Chunks {
    /// `Some(n)`: the body is complete and took `n` bytes of `bytes`, which begins at the first
    /// chunk each time.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<Option<usize>, Refusal> {
        loop {
            if self.at > BODY + CHUNK_OVERHEAD {
                return Err(Refusal::BodyTooLong);
            }
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(line) = line(rest)? else { return Ok(None) };
            let after = self.at + line.len() + 2;
            if self.trailer {
                // Trailer fields are dropped; the blank line ends the body.
                self.at = after;
                if line.is_empty() {
                    return Ok(Some(after));
                }
                continue;
            }
            let size = chunk_size(line)?;
            if size > BODY || self.body.len() + size > BODY {
                return Err(Refusal::BodyTooLong);
            }
            if size == 0 {
                self.trailer = true;
                self.at = after;
                continue;
            }
            let Some(chunk) = bytes.get(after..after + size + 2) else { return Ok(None) };
            let Some(data) = chunk.strip_suffix(b"\r\n") else { return Err(Refusal::Malformed) };
            self.body.extend_from_slice(data);
            self.at = after + size + 2;
        }
    }
}

/// The line `bytes` begin with, without its end; `None` when it has not ended yet.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, Refusal> {
    let window = bytes.get(..CHUNK_LINE).unwrap_or(bytes);
    match window.iter().position(|&b| b == b'\n') {
        Some(end) => match window.get(..end).and_then(|l| l.strip_suffix(b"\r")) {
            Some(line) if !line.contains(&b'\r') => Ok(Some(line)),
            _ => Err(Refusal::Malformed),
        },
        None if bytes.len() >= CHUNK_LINE => Err(Refusal::Malformed),
        None => Ok(None),
    }
}

/// At most 8 hexadecimal digits, then perhaps an extension that nobody reads.
fn chunk_size(line: &[u8]) -> Result<usize, Refusal> {
    let digits = line.split(|&b| b == b';').next().unwrap_or_default().trim_ascii_end();
    if !digits.iter().all(u8::is_ascii_hexdigit) || digits.is_empty() {
        return Err(Refusal::Malformed);
    }
    if digits.len() > 8 {
        return Err(Refusal::BodyTooLong);
    }
    let text = std::str::from_utf8(digits).map_err(|_| Refusal::Malformed)?;
    usize::from_str_radix(text, 16).map_err(|_| Refusal::Malformed)
}
