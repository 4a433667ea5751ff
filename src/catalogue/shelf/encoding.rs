//! The encoding of a file, and its text.
//!
//! In: anything that can be read, twice: once to tell the encoding from all of its bytes, once for
//! the text. Out: an [`Encoding`]; text in UTF-8, a block at a time, so that no more than a block
//! of the file is ever held. What fits no encoding becomes U+FFFD. Nothing is told from names, and
//! only reading itself can fail.

use std::fmt;
use std::io::{self, Read};

/// How a text is written in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without the mark at its beginning.
    #[default]
    Utf8,
    /// GBK, code page 936, or its superset GB18030: Excel and WPS on Chinese Windows.
    Gbk,
    /// UTF-16, what Excel calls Unicode text.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Gbk => "GBK (GB18030)",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
        })
    }
}

/// Bytes read at once.
const BLOCK: usize = 64 * 1024;
/// Bytes from the first in which UTF-16 without a mark shows.
const HEAD: usize = 4096;

/// The encoding of a file, and whether some of it fits neither that nor another.
pub fn tell(file: &mut impl Read) -> io::Result<(Encoding, bool)> {
    let mut block = fill(file)?;
    if let Some(utf16) = utf16(&block) {
        return Ok((utf16, false));
    }
    let (mut wide, mut wrong) = (0, 0);
    while !block.is_empty() {
        let more = fill(file)?;
        // A character may continue in the next block.
        let last = if more.is_empty() { block.len() } else { whole(&block) };
        let (head, tail) = block.split_at_checked(last).unwrap_or_default();
        count(head, &mut wide, &mut wrong);
        block = if more.is_empty() { more } else { [tail, &more].concat() };
    }
    // Text in GBK has hardly three bytes in a row that could be UTF-8; text in UTF-8 of which some
    // characters were cut has hardly anything else.
    let encoding = if wrong > wide { Encoding::Gbk } else { Encoding::Utf8 };
    Ok((encoding, wrong > 0 && encoding == Encoding::Utf8))
}

/// Up to a block of bytes; fewer, or none, at the end only.
fn fill(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK);
    file.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(block)
}

/// Where the last character of a block begins, if it may continue behind it.
fn whole(block: &[u8]) -> usize {
    let late = block.iter().rev().take(3).position(|byte| *byte >= 0xc0);
    late.map_or(block.len(), |back| block.len() - 1 - back)
}

/// Characters of three bytes or more, and what is no character.
fn count(bytes: &[u8], wide: &mut usize, wrong: &mut usize) {
    for chunk in bytes.utf8_chunks() {
        *wide += chunk.valid().bytes().filter(|byte| *byte >= 0xe0).count();
        *wrong += usize::from(!chunk.invalid().is_empty());
    }
}

/// UTF-16 by its mark; or by the zeros of Latin letters, digits and line ends, which all stand on
/// one side and in no other text at all.
fn utf16(block: &[u8]) -> Option<Encoding> {
    match block {
        [0xff, 0xfe, ..] => return Some(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => return Some(Encoding::Utf16Be),
        _ => {}
    }
    let head = block.get(..HEAD).unwrap_or(block);
    let zeros = |side| head.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    match (zeros(0), zeros(1)) {
        (0, odd) if odd * 32 > head.len() => Some(Encoding::Utf16Le),
        (even, 0) if even * 32 > head.len() => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// The text of a file, a block at a time.
pub struct Text<R> {
    file: R,
    decoder: encoding_rs::Decoder,
    ended: bool,
}

impl<R: Read> Text<R> {
    /// Begins at the first byte; the mark there is left out.
    pub fn new(file: R, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => encoding_rs::UTF_8,
            Encoding::Gbk => encoding_rs::GB18030,
            Encoding::Utf16Le => encoding_rs::UTF_16LE,
            Encoding::Utf16Be => encoding_rs::UTF_16BE,
        };
        Self { file, decoder: decoder.new_decoder_with_bom_removal(), ended: false }
    }

    /// Appends the next block to `text`; false when there is none.
    ///
    /// # Errors
    /// Those of reading.
    pub fn more(&mut self, text: &mut String) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let block = fill(&mut self.file)?;
        self.ended = block.is_empty();
        let most = self.decoder.max_utf8_buffer_length(block.len());
        text.reserve(most.unwrap_or(block.len()));
        let _ = self.decoder.decode_to_string(&block, text, self.ended);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> String {
        let (encoding, damaged) = tell(&mut &bytes[..]).unwrap();
        let (mut text, mut decoded) = (Text::new(bytes, encoding), String::new());
        while text.more(&mut decoded).unwrap() {}
        format!("{encoding}{} {}", if damaged { "!" } else { "" }, decoded.trim_end())
    }

    #[test]
    #[rustfmt::skip]
    fn encodings_are_told_by_their_bytes() {
        let long = "书名,作者\n".repeat(20_000);
        let gbk = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
        let le = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let be = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for (case, bytes, text) in [
            ("nothing",              vec![],                                       "UTF-8 ".to_owned()),
            ("ASCII",                b"title\n".to_vec(),                          "UTF-8 title".to_owned()),
            ("UTF-8",                "书名".as_bytes().to_vec(),                    "UTF-8 书名".to_owned()),
            ("its mark",             "\u{feff}书名".as_bytes().to_vec(),            "UTF-8 书名".to_owned()),
            ("GBK",                  gbk("书名"),                                   "GBK (GB18030) 书名".to_owned()),
            ("four bytes",           gbk("书名𠮷䶮"),                               "GBK (GB18030) 书名𠮷䶮".to_owned()),
            ("GBK with a stray byte", [gbk("书名,作者\n三"), vec![0xff], gbk("体\n")].concat(), "GBK (GB18030) 书名,作者\n三\u{fffd}体".to_owned()),
            ("UTF-8 cut in a character", "书名,作者\n三体".as_bytes()[..18].to_vec(),   "UTF-8! 书名,作者\n三\u{fffd}".to_owned()),
            ("UTF-16 with its mark", le("\u{feff}书名"),                            "UTF-16LE 书名".to_owned()),
            ("the other way",        be("\u{feff}书名"),                            "UTF-16BE 书名".to_owned()),
            ("without a mark",       le("ISBN,书名\n"),                             "UTF-16LE ISBN,书名".to_owned()),
            ("neither",              be("ISBN,书名\n"),                             "UTF-16BE ISBN,书名".to_owned()),
            ("many blocks",          long.as_bytes().to_vec(),                      format!("UTF-8 {}", long.trim_end())),
            ("at odd places",        format!("a{long}").into_bytes(),               format!("UTF-8 a{}", long.trim_end())),
            ("many blocks of GBK",   gbk(&format!("a{long}")),                      format!("GBK (GB18030) a{}", long.trim_end())),
        ] {
            assert_eq!(told(&bytes), text, "{case}");
        }
    }
}
