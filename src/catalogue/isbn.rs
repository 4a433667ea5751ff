//! ISBNs as people type them.
//!
//! In: text. Out: an [`Isbn`] whose check digit holds, [`Typed::Wrong`] for what was meant as
//! an ISBN and is not one, or [`Typed::No`] for everything else. An `Isbn` cannot be had in
//! any other way, so whoever holds one need not check it again. No I/O, no clock.

use std::fmt;

use crate::sys::text::half_width;

/// An ISBN with a right check digit, kept as its 13 digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Isbn([u8; 13]);

/// What a text is when it is looked at as an ISBN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// An ISBN.
    Right(Isbn),
    /// Meant as an ISBN, but it cannot be one.
    Wrong(Mistake),
    /// Something else: a title, an author, a 统一书号.
    No,
}

/// Why what looks like an ISBN is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// The check digit does not fit the others, so one of the digits is wrong; or all are the same
    /// or in order, and it fits by chance.
    CheckDigit,
    /// 13 digits that begin with neither 978 nor 979, or with 9790, which is printed music: a
    /// barcode of some other goods.
    NotABook,
    /// It was called an ISBN, but has neither 10 nor 13 digits.
    Length,
    /// A letter O stands for a 0, or an l or I for a 1.
    Letters,
    /// The nine digits before the check digit, and not that.
    NoCheckDigit,
}

impl Isbn {
    /// Reads an ISBN as a source or a file gives it, without a prefix word.
    pub fn parse(text: &str) -> Option<Self> {
        if let Typed::Right(isbn) = typed(text) { Some(isbn) } else { None }
    }

    /// The 13 digits, as sources want them.
    pub fn isbn13(&self) -> String {
        self.0.iter().map(|d| char::from(b'0' + d)).collect()
    }

    /// The older form, for 978 numbers only: 979 has none.
    pub fn isbn10(&self) -> Option<String> {
        let [9, 7, 8, nine @ .., _] = &self.0 else { return None };
        let last = match check10(nine) {
            10 => 'X',
            digit => char::from(b'0' + digit),
        };
        Some(nine.iter().map(|d| char::from(b'0' + d)).chain([last]).collect())
    }

    /// Digits in the order they stand; an `X` is 10.
    fn from_digits(digits: &[u8]) -> Result<Self, Mistake> {
        let (last, body) = digits.split_last().ok_or(Mistake::Length)?;
        let mut thirteen = digits.to_vec();
        match digits.len() {
            10 if check10(body) != *last => return Err(Mistake::CheckDigit),
            10 => {
                thirteen = [&[9, 7, 8], body].concat();
                thirteen.push(check13(&thirteen));
            }
            // An X in the middle of a longer number is no digit of an ISBN-13.
            _ if digits.contains(&10) => return Err(Mistake::Length),
            // 9790 is printed music (ISMN).
            13 if !matches!(digits, [9, 7, 8, ..] | [9, 7, 9, 1..=9, ..]) => {
                return Err(Mistake::NotABook);
            }
            13 if check13(body) != *last => return Err(Mistake::CheckDigit),
            13 => {}
            // A scanner appended the add-on for the price or the issue.
            15 | 18 => return Self::from_digits(digits.get(..13).unwrap_or_default()),
            _ => return Err(Mistake::Length),
        }
        if thirteen.get(3..12).is_some_and(is_filler) {
            return Err(Mistake::CheckDigit);
        }
        thirteen.try_into().map(Self).map_err(|_| Mistake::Length)
    }
}

/// Whether the nine digits of a book's number are what people type for want of one: the same
/// throughout, or 012345678. Their check digits fit, and no publisher has them.
fn is_filler(nine: &[u8]) -> bool {
    let same = nine.windows(2).all(|pair| pair.first() == pair.last());
    same || nine.iter().zip(0..).all(|(digit, place)| *digit == place)
}

impl fmt::Display for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.isbn13())
    }
}

impl fmt::Debug for Isbn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// EAN-13: weights 1, 3, 1, 3 …; the whole sum is divisible by 10.
fn check13(body: &[u8]) -> u8 {
    let sum: u8 = body.iter().zip([1, 3].iter().cycle()).map(|(d, w)| d * w).sum();
    (10 - sum % 10) % 10
}

/// ISBN-10: weights 10 down to 1; the whole sum is divisible by 11. 10 is written `X`.
fn check10(nine: &[u8]) -> u8 {
    let sum: u16 = nine.iter().zip((2..=10).rev()).map(|(d, w)| u16::from(*d) * w).sum();
    ((11 - sum % 11) % 11) as u8
}

/// What people and programs put between the groups: hyphens, dashes and what looks like one (一, ー),
/// dots, slashes, underscores and blanks, and marks that are not seen.
fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '_' | '/' | '.' | '一' | 'ー' | '\u{ad}')
        || matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe63}')
        || matches!(c, '·' | '•' | '・')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
}

/// Looks at a text as an ISBN: whatever stands between its groups, full-width forms, a prefix
/// `ISBN`, `ISBN:` or `ISBN-13：` in any case and a lower-case `x` are fine. An add-on of two or five
/// digits that a scanner appended to 13 is dropped. Of a longer text, such as a pasted line with a
/// price, the ISBN in it counts, see [`within`]; here also one of ten digits that nothing calls so,
/// unless the text speaks of other numbers.
///
/// A 统一书号 such as `10019·1977` is not an ISBN, even with ten digits: it has one dot, where an
/// ISBN has at least three groups.
pub fn typed(text: &str) -> Typed {
    match whole(text) {
        right @ Typed::Right(_) => right,
        Typed::Wrong(mistake) if mistake != Mistake::Length => Typed::Wrong(mistake),
        vague => match scan(text, true) {
            Typed::No => slip(text).map_or(vague, Typed::Wrong),
            found => found,
        },
    }
}

/// What was typed for an ISBN by somebody who copied it by hand.
fn slip(text: &str) -> Option<Mistake> {
    let half: String = text.trim().chars().map(half_width).collect();
    let (rest, named) = strip_prefix(&half);
    let rest: String = rest.chars().filter(|&c| !is_separator(c)).collect();
    let digit = |c: char| match c {
        'o' | 'O' => '0',
        'l' | 'I' | 'i' => '1',
        c => c,
    };
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    let mended: String = rest.chars().map(digit).collect();
    if digits < rest.chars().count() && digits >= 7 && matches!(whole(&mended), Typed::Right(_)) {
        return Some(Mistake::Letters);
    }
    // Chinese publishers' numbers begin with a 7; others of nine digits may be anything.
    let nine = digits == 9 && rest.len() == 9 && (named || rest.starts_with('7'));
    nine.then_some(Mistake::NoCheckDigit)
}

/// Whether a text has as many digits as an ISBN-13 or more.
pub fn is_long(text: &str) -> bool {
    text.chars().filter(char::is_ascii_digit).count() >= 13
}

fn whole(text: &str) -> Typed {
    let half: String = text.trim().chars().map(half_width).collect();
    let (rest, named) = strip_prefix(half.trim());
    let separators: Vec<char> = rest.chars().filter(|&c| is_separator(c)).collect();
    if !named && matches!(separators[..], ['·' | '.' | '•' | '・']) {
        return Typed::No;
    }
    let mut digits = Vec::with_capacity(18);
    for c in rest.chars().filter(|&c| !is_separator(c)) {
        match c.to_digit(10) {
            Some(digit) if digits.len() < 18 => digits.push(digit as u8),
            None if digits.len() == 9 && c.eq_ignore_ascii_case(&'x') => digits.push(10),
            _ if named && rest.contains(|c: char| c.is_ascii_digit()) => {
                return Typed::Wrong(Mistake::Length);
            }
            _ => return Typed::No,
        }
    }
    judge(&digits, named)
}

fn judge(digits: &[u8], named: bool) -> Typed {
    // Nothing but a book begins so: one digit too few or too many.
    let bookish = matches!(digits, [9, 7, 8 | 9, ..]) && (11..=14).contains(&digits.len());
    match Isbn::from_digits(digits) {
        Ok(isbn) => Typed::Right(isbn),
        Err(Mistake::Length) if !bookish && (!named || digits.is_empty()) => Typed::No,
        Err(mistake) => Typed::Wrong(mistake),
    }
}

/// Looks for an ISBN among other words: 13 digits that begin with 978 or 979, whatever stands
/// between them; or ten where the text calls them an ISBN, since one in eleven numbers of any other
/// kind has a fitting check digit. The first whose check digit holds counts; without one, the
/// first that was meant as one is a mistake.
pub fn within(text: &str) -> Typed {
    scan(text, false)
}

/// As [`within`]; `free`: ten digits count without being called an ISBN, too.
fn scan(text: &str, free: bool) -> Typed {
    let half: String = text.chars().map(|c| half_width(c).to_ascii_lowercase()).collect();
    let free = free && !half.contains("://") && !OTHER_NUMBERS.iter().any(|w| half.contains(w));
    let mut found = Typed::No;
    let mut before = ' ';
    for (at, c) in half.char_indices() {
        if c.is_ascii_digit() && !before.is_ascii_digit() {
            let (head, tail) = half.split_at_checked(at).unwrap_or_default();
            match candidate(head, tail, free) {
                Typed::Right(isbn) => return Typed::Right(isbn),
                wrong if found == Typed::No => found = wrong,
                _ => {}
            }
        }
        before = c;
    }
    found
}

/// What a text with other numbers than ISBNs speaks of.
const OTHER_NUMBERS: [&str; 13] = [
    "电话",
    "手机",
    "微信",
    "qq",
    "tel",
    "联系",
    "加我",
    "单号",
    "证号",
    "卡号",
    "订单",
    "账号",
    "统一书号",
];

/// The number with which `tail` begins; `head` is what stands before it.
fn candidate(head: &str, tail: &str, free: bool) -> Typed {
    let (long, _) = first(tail, 13);
    if matches!(long[..], [9, 7, 8 | 9, ..]) {
        return judge(&long, false);
    }
    // The later groups of a number are no number.
    let bare = head.trim_end_matches(|c: char| is_separator(c) && !c.is_whitespace());
    if bare.len() < head.len() && bare.ends_with(|c: char| c.is_ascii_digit()) {
        return Typed::No;
    }
    let (short, groups) = first(tail, 10);
    if calls_it_isbn(head) {
        return judge(&short, false);
    }
    // Of what nothing calls an ISBN, Chinese numbers, and what is in groups as they are.
    let likely = free && (matches!(short[..], [7, ..]) || groups >= 3);
    match judge(&short, false) {
        right @ Typed::Right(_) if likely => right,
        _ => Typed::No,
    }
}

/// The first `count` digits of `text` across separators, and in how many pieces they stood; none
/// when there are fewer, or when the number goes on behind them other than by an add-on.
fn first(text: &str, count: usize) -> (Vec<u8>, usize) {
    let mut digits = Vec::with_capacity(count);
    let (mut groups, mut apart) = (0, true);
    let mut rest = text.chars();
    while digits.len() < count {
        match rest.next() {
            Some(c) if c.is_ascii_digit() => {
                groups += usize::from(std::mem::take(&mut apart));
                digits.push(c as u8 - b'0');
            }
            Some('x') if count == 10 && digits.len() == 9 => digits.push(10),
            Some(c) if is_separator(c) => apart = true,
            _ => return (Vec::new(), 0),
        }
    }
    let rest = rest.as_str();
    let behind = rest.chars().take_while(char::is_ascii_digit).count();
    let goes_on =
        rest.strip_prefix('-').is_some_and(|on| on.starts_with(|c: char| c.is_ascii_digit()));
    let fits = behind == 0 || count == 13 && matches!(behind, 2 | 5);
    if fits && !goes_on { (digits, groups) } else { (Vec::new(), 0) }
}

/// Bytes before a number that may call it an ISBN: the word, and four characters behind it.
const NEAR: usize = 32;

/// Whether a text that ends just before a number of ten digits calls it an ISBN: `ISBN号：`,
/// `isbn-10:`, `isbn=`, `书号 `, `/dp/`.
fn calls_it_isbn(head: &str) -> bool {
    // No more is looked at, however many numbers a text has.
    let from = head.ceil_char_boundary(head.len().saturating_sub(NEAR));
    let head = head.get(from..).unwrap_or_default();
    let near = |text: String| {
        text.chars().count() <= 4 && !text.contains(|c: char| c.is_ascii_alphanumeric())
    };
    let called = |word: &str| head.rsplit_once(word).map(|(_, between)| between.replace("10", ""));
    let old = head.contains("统一书号");
    called("isbn").or_else(|| called("书号").filter(|_| !old)).is_some_and(near)
        || head.ends_with("/dp/")
}

/// Takes `ISBN`, `ISBN-10`, `ISBN 13` and what separates it from the number off the front.
fn strip_prefix(text: &str) -> (&str, bool) {
    let Some((word, rest)) = text.split_at_checked(4) else { return (text, false) };
    if !word.eq_ignore_ascii_case("isbn") {
        return (text, false);
    }
    let bare = rest.trim_start_matches(|c: char| is_separator(c));
    // "ISBN-13: 978…": the 13 belongs to the name when a colon or blank follows it.
    let bare = ["10", "13"]
        .iter()
        .find_map(|n| bare.strip_prefix(n).filter(|r| r.starts_with([':', ' '])))
        .unwrap_or(bare);
    (bare.trim_start_matches(|c: char| c == ':' || is_separator(c)), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(text: &str) -> Option<String> {
        match typed(text) {
            Typed::Right(isbn) => Some(isbn.isbn13()),
            _ => None,
        }
    }

    #[test]
    #[rustfmt::skip]
    fn as_people_type_them() {
        for (sent, isbn13) in [
            ("9787121042621",                "9787121042621"),
            ("978-7-121-04262-1",            "9787121042621"),
            ("978 7 121 04262 1",            "9787121042621"),
            ("7121042622",                   "9787121042621"),
            ("ISBN 7121042622",              "9787121042621"),
            ("ISBN：9787121042621",          "9787121042621"),
            ("isbn:9787121042621",           "9787121042621"),
            ("ＩＳＢＮ：９７８７１２１０４２６２１", "9787121042621"),
            ("９７８－７－１２１－０４２６２－１", "9787121042621"),
            ("978–7—121·04262‐1",            "9787121042621"),
            ("ISBN-13: 978-7-121-04262-1",   "9787121042621"),
            ("ISBN-10: 7-121-04262-2",       "9787121042621"),
            ("isbn13 9787121042621",         "9787121042621"),
            ("702004249x",                   "9787020042494"),
            ("7-02-004249-X",                "9787020042494"),
            ("9787121042621 51299",          "9787121042621"),
            (" 9787121042621\n",             "9787121042621"),
            ("9791032305690",                "9791032305690"),
            ("7121042622。",                 "9787121042621"),
            ("有没有 7-121-04262-2？",        "9787121042621"),
            ("书号：7121042622",             "9787121042621"),
            ("书号 7-121-04262-2 定价 23.00元", "9787121042621"),
            ("7121042622/I·1234",            "9787121042621"),
            ("7121042622 59.80元",           "9787121042621"),
            ("「7121042622」",               "9787121042621"),
            ("【ISBN】7121042622",           "9787121042621"),
            ("(7-121-04262-2)",              "9787121042621"),
            ("“9787121042621”",              "9787121042621"),
            ("978712104262102",              "9787121042621"),
            ("978712104262151299",           "9787121042621"),
            ("9787121042621 02",             "9787121042621"),
            ("978.7.121.04262.1",            "9787121042621"),
            ("978/7/121/04262/1",            "9787121042621"),
            ("978_7_121_04262_1",            "9787121042621"),
            ("978\u{ad}7\u{ad}121\u{ad}04262\u{ad}1", "9787121042621"),
            ("978一7一121一04262一1",         "9787121042621"),
            ("978ー7ー121ー04262ー1",         "9787121042621"),
            ("求 0-19-853453-1 这本",         "9780198534532"),
        ] {
            assert_eq!(right(sent).as_deref(), Some(isbn13), "{sent:?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_none() {
        for (sent, is) in [
            ("9787121042622",       Typed::Wrong(Mistake::CheckDigit)),
            ("7121042621",          Typed::Wrong(Mistake::CheckDigit)),
            ("6911316223400",       Typed::Wrong(Mistake::NotABook)),
            ("9790260000438",       Typed::Wrong(Mistake::NotABook)),
            ("ISBN 978-7-121-04262-2 定价：59.80元", Typed::Wrong(Mistake::CheckDigit)),
            ("0000000000",          Typed::Wrong(Mistake::CheckDigit)),
            ("1111111111",          Typed::Wrong(Mistake::CheckDigit)),
            ("9999999999",          Typed::Wrong(Mistake::CheckDigit)),
            ("9780000000002",       Typed::Wrong(Mistake::CheckDigit)),
            ("0123456789",          Typed::Wrong(Mistake::CheckDigit)),
            ("9780123456786",       Typed::Wrong(Mistake::CheckDigit)),
            ("这本：9787121042622 有吗", Typed::Wrong(Mistake::CheckDigit)),
            ("10019·12345",         Typed::No),
            ("13031·12345",         Typed::No),
            ("我的电话 7121042622",  Typed::No),
            ("qq7121042622",        Typed::No),
            ("13812345678",         Typed::No),
            ("010-62514321",        Typed::No),
            ("0000000000",          Typed::Wrong(Mistake::CheckDigit)),
            ("97871210426Z1",       Typed::No),
            ("97871210426l1",       Typed::No),
            ("978712I042621",       Typed::Wrong(Mistake::Letters)),
            ("9787l21O42621",       Typed::Wrong(Mistake::Letters)),
            ("712lO42622",          Typed::Wrong(Mistake::Letters)),
            ("712104262",           Typed::Wrong(Mistake::NoCheckDigit)),
            ("7-121-04262",         Typed::Wrong(Mistake::NoCheckDigit)),
            ("ISBN 020530902",      Typed::Wrong(Mistake::NoCheckDigit)),
            ("97870200424949787020042494", Typed::No),
            ("ISBN 12345",          Typed::Wrong(Mistake::Length)),
            ("isbn 978712104262x",  Typed::Wrong(Mistake::Length)),
            ("978712104262",        Typed::Wrong(Mistake::Length)),
            ("97871210426211",      Typed::Wrong(Mistake::Length)),
            ("isbn",                Typed::No),
            ("ISBN 是什么",          Typed::No),
            ("10019·1977",          Typed::No),
            ("1984",                Typed::No),
            ("三体",                 Typed::No),
            ("",                    Typed::No),
            ("123456789",           Typed::No),
            ("12345678901234567890", Typed::No),
        ] {
            assert_eq!(typed(sent), is, "{sent:?}");
        }
    }

    #[test]
    fn ten_and_thirteen_are_the_same_book() {
        let isbn = Isbn::parse("702004249X").unwrap();
        assert_eq!(isbn.isbn13(), "9787020042494");
        assert_eq!(isbn.isbn10().as_deref(), Some("702004249X"));
        assert_eq!(Isbn::parse("9791032305690").unwrap().isbn10(), None);
    }

    /// Every single wrong digit must be seen: that is what check digits are for.
    #[test]
    fn one_wrong_digit_is_always_noticed() {
        for good in ["9787020042494", "7121042622"] {
            for (at, digit) in good.char_indices() {
                for other in ('0'..='9').filter(|&o| o != digit) {
                    let mut bad = good.to_owned();
                    bad.replace_range(at..=at, &other.to_string());
                    assert_eq!(right(&bad), None, "{bad}");
                }
            }
        }
    }
}
