//! Text of any kind, in pieces.
//!
//! In: anything a reader, a source or a file wrote. Out: a character in its half-width form, or
//! the text cut to a number of bytes or characters. Nothing here fails; the same text always gives
//! the same answer.

/// A character in its half-width form: U+FF01..U+FF5E are the ASCII characters shifted by
/// 0xFEE0, and U+3000 is the full-width blank.
pub fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// The longest beginning of `text` that is at most `bytes` long and ends between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// `text` itself when it has at most `chars` characters, else its beginning and `…`.
pub fn shorten(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        for bytes in 0..=9 {
            assert!(cut("豆米书", bytes).len() <= bytes);
            assert_eq!(cut("豆米书", bytes).len() % 3, 0);
        }
        assert_eq!(shorten("豆米查书", 2), "豆米…");
        assert_eq!(shorten("豆米", 2), "豆米");
    }
}
