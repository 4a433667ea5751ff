//! Text as people type it, made comparable.
//!
//! In: anything a reader, a source or a shelf file wrote. Out: the same text folded (width, case,
//! accents, Traditional and variant characters, blanks, quotation marks). Nothing here fails,
//! reads a clock or does I/O; the same text always gives the same answer.

use std::sync::LazyLock;

use crate::sys::text::half_width;

/// A character and the one it is compared as, and so on; `tables/NOTICE.md` says whose.
const VARIANTS: &str = include_str!("tables/variants.txt");

/// The range in which variants are: from the radicals to the compatibility ideographs.
const FIRST_VARIANT: u32 = 0x2e80;
const LAST_VARIANT: u32 = 0xfaff;

/// [`VARIANTS`] by character, so that folding 100 000 books costs no search for each character.
static USUAL: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut table: Vec<u16> = (FIRST_VARIANT..=LAST_VARIANT).map(|code| code as u16).collect();
    let mut pairs = VARIANTS.trim_end().chars();
    while let (Some(variant), Some(usual)) = (pairs.next(), pairs.next()) {
        if let Some(entry) = table.get_mut((variant as u32).wrapping_sub(FIRST_VARIANT) as usize) {
            *entry = usual as u16;
        }
    }
    table
});

/// Simplified for Traditional (體 as 体), and one of several forms of a character (著 as 着, 妳 as
/// 你, 沢 as 泽); every other character as it is.
fn usual(c: char) -> char {
    let entry = USUAL.get((c as u32).wrapping_sub(FIRST_VARIANT) as usize);
    entry.and_then(|&code| char::from_u32(u32::from(code))).unwrap_or(c)
}

/// Latin letters without their marks, as they are typed where no key has them.
#[rustfmt::skip]
const ACCENTS: [(char, &str); 20] = [
    ('a', "àáâãäåāăą"), ('c', "çćĉċč"), ('d', "ďđ"), ('e', "èéêëēĕėęě"), ('g', "ĝğġģ"), ('h', "ĥħ"),
    ('i', "ìíîïĩīĭįı"), ('j', "ĵ"), ('k', "ķ"), ('l', "ĺļľŀł"), ('n', "ñńņňŉ"), ('o', "òóôõöøōŏő"),
    ('r', "ŕŗř"), ('s', "śŝşš"), ('t', "ţťŧ"), ('u', "ùúûüũūŭůűų"), ('w', "ŵ"), ('y', "ýÿŷ"),
    ('z', "źżž"), ('v', "ǖǘǚǜ"),
];

fn without_accent(c: char) -> char {
    if !matches!(c, '\u{e0}'..='\u{1dc}') {
        return c;
    }
    let found = ACCENTS.iter().find(|(_, accented)| accented.contains(c));
    found.map_or(c, |&(plain, _)| plain)
}

/// What one character is compared as: half-width, lower case, without accents, Simplified.
/// Nothing for a combining mark; more than one for a few capitals.
pub fn fold_char(c: char) -> impl Iterator<Item = char> {
    let lower = half_width(c).to_lowercase();
    lower.filter(|c| !matches!(c, '\u{300}'..='\u{36f}')).map(|c| usual(without_accent(c)))
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

/// Whether 著 between these is the one of 名著, 原著 and 著名, which is no 着 in Simplified Chinese.
fn is_of_writing(before: Option<char>, after: Option<&char>) -> bool {
    before.is_some_and(|c| "原名编论专译显巨拙遗撰合".contains(c)) || after == Some(&'名')
}

/// The form in which two questions, or a question and a title, are compared.
///
/// Two texts that fold alike differ at most in what readers do not mean: the width of letters and
/// digits, case, accents of Latin letters, Traditional or Simplified characters and their
/// variants, quotation marks, and where blanks and commas stand between words and how many. So
/// they are one question to every source. Folding what is folded changes nothing.
///
/// `fold("《Ｒｕｓｔ　編程》 ")` is `"rust 编程"`.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut blank = false;
    let mut chars = text.chars().map(half_width).filter(|&c| !is_quotation(c)).peekable();
    while let Some(c) = chars.next() {
        if c == '著' && is_of_writing(folded.chars().next_back(), chars.peek()) {
            if std::mem::take(&mut blank) && !folded.is_empty() {
                folded.push(' ');
            }
            folded.push(c);
            continue;
        }
        if c.is_whitespace() || c.is_control() || matches!(c, ',' | '、' | ';') {
            blank = true;
            continue;
        }
        for c in fold_char(c) {
            if std::mem::take(&mut blank) && !folded.is_empty() {
                folded.push(' ');
            }
            folded.push(c);
        }
    }
    folded
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
            ("三體",              "三体"),
            ("活著",              "活着"),
            ("世界名著",          "世界名著"),
            ("著名作家的原著",     "著名作家的原著"),
            ("看著作業",          "看着作业"),
            ("萬曆十五年",        "万历十五年"),
            ("妳好",              "你好"),
            ("黒沢明",            "黑泽明"),
            ("圍城 錢鍾書",       "围城 钱钟书"),
            ("芸芸众生",          "芸芸众生"),
            ("三体 \u{301}",       "三体"),
            ("Saint-Exupéry",     "saint-exupery"),
            ("İstanbul",          "istanbul"),
            ("你好，旧时光",       "你好 旧时光"),
            ("",                  ""),
            ("《》",              ""),
        ] {
            assert_eq!(fold(typed), folded, "{typed:?}");
            assert_eq!(fold(&fold(typed)), folded, "folding twice changes nothing: {typed:?}");
        }
    }
}
