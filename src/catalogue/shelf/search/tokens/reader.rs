//! How characters become tokens: words, numbers, numbers of volumes, whole sets, marks.
//!
//! In: folded characters. Out: tokens, added to [`Tokens`]. Each step reads at least one
//! character and looks at a few ahead, so the time is that of the text.

use super::{
    ALL, Break, DIGITS, EDITION, LONGEST, LOOKED_AT, Tokens, WORD, hash, number_code, word_code,
};
use crate::catalogue::fold::fold_char;

impl Tokens {
    /// Reads a text.
    pub fn read(text: &str) -> Self {
        let mut tokens = Self::default();
        tokens.add(text);
        tokens
    }

    /// Reads another text behind what is there, as if behind a colon.
    pub fn add(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().take(LOOKED_AT).flat_map(fold_char).collect();
        let mut reader = Reader::new(&chars, self);
        while reader.count_read() < LONGEST && reader.step() {}
    }
}

/// Reads characters one after another into tokens.
pub(super) struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    tokens: &'a mut Tokens,
    before: Break,
    /// Letters of the last token, if each stood alone; else 0.
    initials: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(chars: &'a [char], tokens: &'a mut Tokens) -> Self {
        Self { chars, at: 0, tokens, before: Break::Strong, initials: 0 }
    }

    /// How many tokens there are by now.
    pub(super) fn count_read(&self) -> usize {
        self.tokens.list.len()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Reads one token or mark; false at the end.
    pub(super) fn step(&mut self) -> bool {
        let Some(c) = self.peek(0) else { return false };
        if let Some(number) = single_number(c) {
            self.number(number, 1);
        } else if !c.is_alphanumeric() {
            self.mark(c);
        } else if c.is_ascii_digit() {
            self.digits();
        } else if is_latin(c) {
            self.latin();
        } else if !(self.whole_set() || self.volume()) {
            self.emit(c as u32, 1);
        }
        true
    }

    fn emit(&mut self, code: u32, length: usize) {
        self.tokens.push(code, self.before, "");
        self.at += length;
        self.before = Break::None;
    }

    fn number(&mut self, number: u32, length: usize) {
        self.tokens.push(number_code(number), self.before, &number.to_string());
        self.at += length;
        self.before = Break::None;
    }

    fn mark(&mut self, c: char) {
        if c == '&' {
            self.tokens.push(word_code("and"), Break::Blank, "and");
            self.at += 1;
            self.before = Break::Blank;
            return;
        }
        let before = match c {
            '·' | '•' | '・' | '‧' | '∙' | '･' | '.' => Break::Dot,
            '\'' | '’' | '‘' | '“' | '”' | '"' => Break::None,
            // 《 》 and their like, in a title, stand around the title of another book.
            ':' | '(' | ')' | '[' | ']' | '【' | '】' | '—' | '–' | '-' | '/' | '|' | '~' | '+'
            | '=' => Break::Strong,
            _ => Break::Blank,
        };
        self.before = self.before.max(before);
        self.at += 1;
    }

    fn run(&self, is_part: impl Fn(char) -> bool) -> usize {
        self.chars.iter().skip(self.at).take_while(|&&c| is_part(c)).count()
    }

    /// A number; 03 is 3, as volumes are counted.
    fn digits(&mut self) {
        let length = self.run(|c| c.is_ascii_digit());
        let noughts = self.run(|c| c == '0');
        if length <= 3 && noughts < length {
            self.at += noughts;
            self.word(DIGITS, length - noughts);
        } else {
            self.word(DIGITS, length);
        }
    }

    /// A word, without apostrophes, and with the marks that make c++ and c# of c.
    fn latin(&mut self) {
        let mut length = self.run(|c| is_latin(c) || matches!(c, '\'' | '’'));
        length +=
            self.chars.iter().skip(self.at + length).take_while(|&&c| c == '+' || c == '#').count();
        let follows_han = self.tokens.list.last().is_some_and(|last| last.char().is_some());
        let word: String = self.chars.iter().skip(self.at).take(length).collect();
        if length == 1 && self.joins_initials(&word) {
            return;
        }
        match roman(&word) {
            Some(number) if follows_han => self.number(number, length),
            _ => self.word(WORD, length),
        }
    }

    /// J. K. is jk: a letter goes with the letters before it.
    fn joins_initials(&mut self, letter: &str) -> bool {
        let Some(last) = self.tokens.list.last().copied() else { return false };
        let initials = self.tokens.word(&last).to_owned();
        if !last.is_word() || self.before > Break::Blank || self.initials != initials.len() {
            return false;
        }
        let joined = initials + letter;
        self.tokens.list.pop();
        self.tokens.push(word_code(&joined), last.before, &joined);
        self.initials = joined.len();
        self.at += 1;
        self.before = Break::Dot;
        true
    }

    fn word(&mut self, kind: u32, length: usize) {
        let chars = self.chars.iter().skip(self.at).take(length.min(40));
        let word: String = chars.filter(|c| !matches!(c, '\'' | '’')).collect();
        let before = if self.before == Break::None { Break::Dot } else { self.before };
        self.tokens.push(kind | hash(&word) & !DIGITS, before, &word);
        self.at += length;
        self.before = Break::Dot;
        self.initials = usize::from(kind == WORD && length == 1);
    }

    /// 第二部, 卷二, （二）, 上册.
    fn volume(&mut self) -> bool {
        match self.peek(0) {
            Some('第') => {
                let Some((number, length)) = self.number_at(1) else { return false };
                match self.peek(1 + length) {
                    Some('版') => self.emit(EDITION, length + 2),
                    Some(c) if COUNTERS.contains(&c) => self.number(number, length + 2),
                    _ => return false,
                }
                true
            }
            Some('卷') => match self.number_at(1) {
                Some((number, length)) if self.ends(1 + length) => {
                    self.number(number, 1 + length);
                    true
                }
                _ => false,
            },
            // （上下）, both of two.
            Some('上')
                if self.before == Break::Strong && self.peek(1) == Some('下') && self.ends(2) =>
            {
                self.emit(ALL, 2);
                true
            }
            Some(c @ ('上' | '中' | '下')) => {
                let counted = self.peek(1).is_some_and(|c| COUNTERS.contains(&c));
                if !counted || !self.ends(2) {
                    return false;
                }
                self.emit(c as u32, 2);
                true
            }
            _ if self.before == Break::Strong => match self.number_at(0) {
                Some((number, length)) if self.ends(length) && self.at > 0 => {
                    self.number(number, length);
                    true
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether a mark or the end stands so far ahead.
    fn ends(&self, ahead: usize) -> bool {
        self.peek(ahead).is_none_or(|c| !c.is_alphanumeric())
    }

    /// The number, in digits or characters, that stands so far ahead, and how long it is.
    fn number_at(&self, ahead: usize) -> Option<(u32, usize)> {
        let rest = self.chars.get(self.at + ahead..)?;
        let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        if (1..=4).contains(&digits) {
            let text: String = rest.iter().take(digits).collect();
            return text.parse().ok().map(|number| (number, digits));
        }
        let length = rest
            .iter()
            .take_while(|&&c| numeral(c).is_some() || single_number(c).is_some())
            .count();
        let written = rest.get(..length).filter(|written| (1..=4).contains(&written.len()))?;
        chinese_number(written).map(|number| (number, length))
    }

    /// 全集, 套装, 三部曲, 全五册, 套装共5册.
    fn whole_set(&mut self) -> bool {
        // Nearly every character ends here, and a shelf has millions.
        let first = self.peek(0).unwrap_or_default();
        if !matches!(first, '套' | '全' | '合' | '共' | '上')
            && numeral(first).is_none()
            && !first.is_ascii_digit()
        {
            return false;
        }
        let starts = |text: &str| text.chars().enumerate().all(|(n, c)| self.peek(n) == Some(c));
        if let Some(set) = ["套装", "全集", "合集", "全套", "上下册", "上下卷", "上中下", "全本"]
            .iter()
            .find(|set| starts(set))
        {
            let length = set.chars().count();
            let more = self.set_of(length).unwrap_or_default();
            self.emit(ALL, length + more);
            return true;
        }
        if let Some(length) = self.set_of(0) {
            self.emit(ALL, length);
            return true;
        }
        let Some((_, length)) = self.number_at(0) else { return false };
        let cycle = self.peek(length) == Some('部') && self.peek(length + 1) == Some('曲');
        if cycle {
            self.emit(ALL, length + 2);
        }
        cycle
    }

    /// The length of 全五册 or 共5本 so far ahead.
    fn set_of(&self, ahead: usize) -> Option<usize> {
        let set = matches!(self.peek(ahead), Some('全' | '共'));
        let (_, length) = self.number_at(ahead + 1).filter(|_| set)?;
        let counted = self.peek(ahead + 1 + length).is_some_and(|c| COUNTERS.contains(&c));
        counted.then_some(length + 2)
    }
}

/// What volumes are counted in.
const COUNTERS: [char; 12] =
    ['部', '卷', '册', '集', '辑', '季', '本', '编', '篇', '期', '回', '讲'];

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{df}'..='\u{24f}' | '\u{370}'..='\u{52f}')
}

/// A number in one character: Ⅱ, ②.
fn single_number(c: char) -> Option<u32> {
    let from = |first: char| c as u32 - first as u32 + 1;
    match c {
        'Ⅰ'..='Ⅻ' => Some(from('Ⅰ')),
        'ⅰ'..='ⅻ' => Some(from('ⅰ')),
        '①'..='⑳' => Some(from('①')),
        '㈠'..='㈩' => Some(from('㈠')),
        '⑴'..='⒇' => Some(from('⑴')),
        _ => None,
    }
}

fn roman(word: &str) -> Option<u32> {
    let known = ["", "ii", "iii", "iv", "", "vi", "vii", "viii", "ix"];
    known
        .iter()
        .zip(1..)
        .find(|(roman, _)| !word.is_empty() && **roman == word)
        .map(|(_, number)| number)
}

/// What a character of a number counts; 10 for 十.
pub fn numeral(c: char) -> Option<u32> {
    Some(match c {
        '零' | '〇' => 0,
        '一' | '壹' => 1,
        '二' | '贰' | '两' => 2,
        '三' | '叁' => 3,
        '四' | '肆' => 4,
        '五' | '伍' => 5,
        '六' | '陆' => 6,
        '七' | '柒' => 7,
        '八' | '捌' => 8,
        '九' | '玖' => 9,
        '十' | '拾' => 10,
        _ => return None,
    })
}

/// 二, 十二, 二十一, 贰; also 一二 as 12.
fn chinese_number(written: &[char]) -> Option<u32> {
    let mut number = 0;
    for &c in written {
        match numeral(c).or_else(|| single_number(c))? {
            10 => number = number.max(1) * 10,
            digit if number >= 10 && number % 10 == 0 => number += digit,
            digit => number = number * 10 + digit,
        }
    }
    Some(number)
}
