//! Text as people type it, made comparable.
//!
//! In: anything a reader, a source or a shelf file wrote. Out: the same text folded (width,
//! case, blanks, quotation marks) or cut to a number of bytes. Nothing here fails, reads a
//! clock or does I/O; the same text always gives the same answer.

/// A character in its half-width form: U+FF01..U+FF5E are the ASCII characters shifted by
/// 0xFEE0, and U+3000 is the full-width blank.
pub fn half_width(c: char) -> char {
    match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// Marks that people put around a title or leave out at will; they never tell two questions apart.
fn is_quotation(c: char) -> bool {
    matches!(
        c,
        '《' | '》'
            | '〈'
            | '〉'
            | '「'
            | '」'
            | '『'
            | '』'
            | '“'
            | '”'
            | '‘'
            | '’'
            | '"'
            | '\''
            | '＂'
            | '＇'
    )
}

/// The form in which two questions, or a question and a title, are compared: half-width,
/// lower case, without quotation marks, commas as blanks, blanks collapsed to one and trimmed.
///
/// `fold("《Ｒｕｓｔ　编程》 ")` is `"rust 编程"`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars().map(half_width).filter(|&c| !is_quotation(c)) {
        if c.is_whitespace() || c.is_control() || matches!(c, ',' | '、' | ';') {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(c.to_lowercase());
    }
    folded
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

/// Somebody else's text as it may stand in a line of the log: 200 characters at most.
pub fn shown(text: &str) -> String {
    shorten(text, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn questions_that_are_the_same_fold_alike() {
        for (typed, folded) in [
            ("三体",              "三体"),
            ("《三体》",          "三体"),
            ("  三体\u{3000} ",   "三体"),
            ("“三体”",            "三体"),
            ("ＲＵＳＴ　编程",     "rust 编程"),
            ("Rust \t\n  编程",   "rust 编程"),
            ("it's",              "its"),
            ("你好，旧时光",       "你好 旧时光"),
            ("",                  ""),
            ("《》",              ""),
        ] {
            assert_eq!(fold(typed), folded, "{typed:?}");
            assert_eq!(fold(&fold(typed)), folded, "folding twice changes nothing: {typed:?}");
        }
    }

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
