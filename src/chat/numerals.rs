//! A place in a list, as people write numbers.
//!
//! In: a folded text. Out: the place that it names, from 1, or nothing. Pure. Only what is a number
//! as a whole is one: `第一本` is, `第一本书店` is not. Numbers up to 99, since no list is longer.

/// How a number was written that stands for itself, and may be the title of a book as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// 69.
    Digits,
    /// 六十九.
    Chinese,
}

const DIGITS: [char; 10] = ['〇', '一', '二', '三', '四', '五', '六', '七', '八', '九'];
/// The first characters of rows of numbers from 1, and how long the rows are: ① ⑴ ⒈ ⓵ ❶ ➀ ➊ ㈠ ㊀.
const ROWS: [(char, u32); 9] = [
    ('①', 20),
    ('⑴', 20),
    ('⒈', 20),
    ('⓵', 10),
    ('❶', 10),
    ('➀', 10),
    ('➊', 10),
    ('㈠', 10),
    ('㊀', 10),
];
/// What may stand before a number; the longer ones first.
const BEFORE: [&str; 9] = ["我要", "我选", "我看", "选择", "回复", "选", "看", "要", "点"];
const NAMES: [&str; 4] = ["序号", "编号", "no.", "no"];
/// What is counted.
const COUNTED: [&str; 5] = ["本书", "本", "个", "条", "项"];

/// The place that a folded text names: `1`, `(1)`, `1️⃣`, `①`, `第一本`, `第1个`, `序号1`, `选1`,
/// `1号`, `一`.
pub fn place(folded: &str) -> Option<usize> {
    // A keycap is a digit with two marks behind it.
    let bare = folded.replace(['\u{fe0f}', '\u{20e3}'], "").replace('🔟', "10");
    let bare = bare.trim_matches(['(', ')', '[', ']', '#', '.', ' ']);
    let (rest, asked) = without(bare, &BEFORE);
    let (rest, named) = without(rest, &NAMES);
    let rest = rest.trim_start_matches([' ', ':']);
    let (rest, ordinal) = without(rest, &["第"]);
    let numbered = rest.strip_suffix('号');
    let counted = COUNTED.iter().find_map(|word| rest.strip_suffix(word));
    let number = numbered.or(counted).unwrap_or(rest).trim();
    let place = digits(number).or_else(|| sign(number)).or_else(|| {
        // 一本 and 两个 are words; 第一本 is a place.
        let is_place = ordinal || counted.is_none() && (numbered.is_none() || !asked || named);
        chinese(number).filter(|_| is_place)
    });
    place.filter(|place| *place > 0)
}

/// How a text writes a number that is nothing but a number.
pub fn script(folded: &str) -> Option<Script> {
    let bare = folded.trim_end_matches(['。', '.', '!', '?', '~', '…', ' ', ':']);
    match (digits(bare), chinese(bare)) {
        (Some(_), _) => Some(Script::Digits),
        (_, Some(_)) => Some(Script::Chinese),
        _ => None,
    }
}

/// A number from 1 to 99 as it was written.
pub fn written(number: usize, script: Script) -> String {
    let digit = |digit: usize| DIGITS.get(digit).filter(|_| digit > 0).copied();
    match (script, number / 10, number % 10) {
        (Script::Digits, ..) => number.to_string(),
        (Script::Chinese, 0, ones) => digit(ones).into_iter().collect(),
        (Script::Chinese, tens, ones) => {
            digit(tens).filter(|_| tens > 1).into_iter().chain(['十']).chain(digit(ones)).collect()
        }
    }
}

fn without<'a>(text: &'a str, words: &[&str]) -> (&'a str, bool) {
    let rest = words.iter().find_map(|word| text.strip_prefix(word));
    (rest.unwrap_or(text), rest.is_some())
}

fn digits(text: &str) -> Option<usize> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

fn sign(text: &str) -> Option<usize> {
    let mut chars = text.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return None };
    let found = ROWS
        .iter()
        .find(|(first, long)| (*first as u32..*first as u32 + long).contains(&(c as u32)));
    found.map(|(first, _)| (c as u32 - *first as u32 + 1) as usize)
}

/// 一 to 九十九.
fn chinese(text: &str) -> Option<usize> {
    let digit = |text: &str| {
        let mut chars = text.chars();
        let (Some(c), None) = (chars.next(), chars.next()) else { return None };
        DIGITS.iter().position(|digit| *digit == c).filter(|digit| *digit > 0)
    };
    match text.split_once('十') {
        None => digit(text),
        Some((tens, ones)) => {
            let tens = if tens.is_empty() { 1 } else { digit(tens)? };
            let ones = if ones.is_empty() { 0 } else { digit(ones)? };
            Some(tens * 10 + ones)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::fold::fold;

    #[test]
    #[rustfmt::skip]
    fn places_as_people_write_them() {
        for one in [
            "1", "１", "（1）", "(1)", "[1]", "1)", "1️⃣", "1⃣", "⑴", "①", "⒈", "❶", "㈠", "㊀", "一", "（一）",
            "第一本", "第1本", "第一个", "第1个", "第一個", "第 1 本", "第一", "第一条", "序号1", "序号：1", "序號1", "编号1",
            "选1", "選1", "选择1", "选第一本", "看第1本", "我要第一本", "1号", "1號", "一号", "1本", "No.1", "#1", "第1号",
            "选一", "1.", "回复1",
        ] {
            assert_eq!(place(&fold(one)), Some(1), "{one}");
        }
        for (text, number) in [
            ("12", 12), ("⑫", 12), ("⒓", 12), ("十二", 12), ("第十二本", 12), ("二十", 20), ("九十九", 99), ("十", 10),
            ("🔟", 10), ("第二十一个", 21), ("99", 99), ("69", 69), ("第12", 12), ("３号", 3),
        ] {
            assert_eq!(place(&fold(text)), Some(number), "{text}");
        }
        for text in [
            "0", "00", "100", "1984", "一百", "零", "一本", "一本书", "三个", "要一个", "第七天", "一一", "十十", "一号特工",
            "第一本书店", "第", "本", "号", "选", "序号", "", "()", "1 2", "1+1", "三体", "no", "第一本 三体", "选择",
        ] {
            assert_eq!(place(&fold(text)), None, "{text}");
        }
    }

    #[test]
    fn numbers_read_as_they_are_written() {
        for number in 1..=99 {
            for kind in [Script::Digits, Script::Chinese] {
                let text = written(number, kind);
                assert_eq!((place(&text), script(&text)), (Some(number), Some(kind)), "{text}");
            }
        }
        for text in ["第一本", "(1)", "1\u{fe0f}\u{20e3}", "①", "选1", "三体", ""] {
            assert_eq!(script(text), None, "{text}");
        }
    }
}
