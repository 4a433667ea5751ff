//! Text as a sequence of comparable pieces.
//!
//! In: a title, a name or a message. Out: [`Tokens`]: a Han character each, a Latin word or a run
//! of digits each, in what they are compared as; numbers of volumes however they are written
//! (Ⅱ, 第二部, （2）, 贰) as digits, whole sets (全集, 三部曲, 全5册) as one token. Marks are no tokens,
//! but a token knows what stood before it. At most [`LONGEST`] tokens; nothing fails.

use crate::catalogue::fold::fold_char;

mod reader;

pub use reader::numeral;

/// More of a text is not read.
pub const LONGEST: usize = 64;
/// Characters of a text that are looked at.
const LOOKED_AT: usize = 256;

/// The kinds of codes; a character's own code is below all of them.
const SPECIAL: u32 = 0x4000_0000;
const PAIR: u32 = 0x5000_0000;
const HOUSE: u32 = 0x6000_0000;
const WORD: u32 = 0x8000_0000;
const DIGITS: u32 = 0xc000_0000;

/// All volumes of a work: 全集, 套装, 三部曲, 全五册.
pub const ALL: u32 = SPECIAL;
/// 第2版: which edition hardly ever matters.
pub const EDITION: u32 = SPECIAL + 1;

/// What stood before a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// Nothing.
    None,
    /// A dot that vanishes, or a change of script.
    Dot,
    /// A blank or a comma.
    Blank,
    /// A colon, a bracket, a dash.
    Strong,
}

/// One piece.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Equal for equal pieces.
    pub code: u32,
    /// What stood before it.
    pub before: Break,
    /// Where a word stands in [`Tokens::text`].
    word: (u16, u16),
}

impl Token {
    /// Whether it is a character of its own: Han, kana.
    pub fn char(&self) -> Option<char> {
        char::from_u32(self.code)
    }

    /// Whether it is a Latin word.
    pub fn is_word(&self) -> bool {
        self.code & DIGITS == WORD
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        self.code & DIGITS == DIGITS
    }
}

/// A text as tokens.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    /// In the text's order.
    pub list: Vec<Token>,
    /// The words and numbers among them.
    text: String,
}

/// The code of a number of so many.
pub fn number_code(number: u32) -> u32 {
    DIGITS | hash(&number.to_string()) & !DIGITS
}

/// The code of a Latin word, folded.
pub fn word_code(word: &str) -> u32 {
    WORD | hash(word) & !DIGITS
}

/// The code of two tokens side by side, one of 65 536: a list for each pair that occurs would cost
/// more memory than the books.
pub fn pair_code(one: u32, two: u32) -> u32 {
    let mixed = one.wrapping_mul(0x9e37_79b1) ^ two.wrapping_mul(0x85eb_ca77).rotate_left(13);
    PAIR | (mixed ^ (mixed >> 15)) & 0xffff
}

/// The code under which all books of a publishing house stand, by its name without 出版社.
pub fn house_code(name: &str) -> Option<u32> {
    let folded: String = name.chars().flat_map(fold_char).filter(|c| c.is_alphanumeric()).collect();
    let house = house_name(&folded);
    (!house.is_empty()).then(|| HOUSE | hash(house) & 0x1fff_ffff)
}

/// A folded publisher's name without what many of them end with.
pub fn house_name(folded: &str) -> &str {
    let ends = ["有限责任公司", "有限公司", "出版公司", "出版集团", "出版社", "出版"];
    let mut name = folded;
    while let Some(bare) = ends.iter().find_map(|end| name.strip_suffix(end)) {
        if bare.is_empty() {
            break;
        }
        name = bare;
    }
    name
}

/// FNV-1a; two different words have the same code once in 2^30.
fn hash(text: &str) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    (hash ^ (hash >> 32)) as u32
}

impl Tokens {
    /// The word or number that a token is; empty for a character.
    pub fn word(&self, token: &Token) -> &str {
        let (from, to) = token.word;
        self.text.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    fn push(&mut self, code: u32, before: Break, word: &str) {
        let from = self.text.len().min(usize::from(u16::MAX)) as u16;
        self.text.push_str(word);
        let to = self.text.len().min(usize::from(u16::MAX)) as u16;
        self.list.push(Token { code, before, word: (from, to) });
    }
}
