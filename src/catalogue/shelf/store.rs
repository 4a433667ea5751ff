//! Books laid out compactly: 100 000 of them are three long texts, not two million strings.
//!
//! In: a [`Draft`], once each, in the file's order. Out: the books that hold a word, single
//! fields for looking up, or the whole [`Book`] again. `heads` holds what is searched (title,
//! people, series, publisher) folded, so that a search is one pass over one text; `tails` all
//! the rest, both laid out by [`super::pack`], with U+001F behind every head.
//!
//! Most heads are already folded, or differ only in ASCII capitals and full-width punctuation,
//! for which one bit a byte is kept. Only the others (quotation marks, full-width letters) are
//! kept twice. So beyond its own text a book costs 20 bytes, its separators, and now and then
//! bits or a copy.

use std::borrow::Cow;

use super::draft::Draft;
use super::file::Refusal;
use super::pack::{self, FIELD, Key, NAME, TAIL};
use crate::book::Book;
use crate::text;

/// All books of a shelf.
pub(super) struct Store {
    heads: String,
    tails: String,
    /// For heads that need it one bit a byte, lowest first; see [`marked`].
    marks: Vec<u8>,
    entries: Vec<Entry>,
    /// How often each byte occurs in `heads`.
    frequency: [u32; 256],
}

/// Where a book's texts begin; they end where the next book's begin.
struct Entry {
    head: u32,
    tail: u32,
    shown: Shown,
}

/// How a head is had as the file wrote it.
#[derive(Clone, Copy)]
enum Shown {
    /// It is the folded one.
    Same,
    /// It has marks from here on, one byte for eight of its own.
    Marked(u32),
    /// It stands behind the fields of the tail.
    Copy,
}

impl Default for Store {
    fn default() -> Self {
        let (heads, tails, marks, entries) = Default::default();
        Self { heads, tails, marks, entries, frequency: [0; 256] }
    }
}

impl Store {
    /// Adds a book. Refused when the whole no longer fits 32-bit offsets.
    pub fn push(&mut self, draft: &Draft) -> Result<(), Refusal> {
        let offset = |length: usize| u32::try_from(length).map_err(|_| Refusal::TooLarge);
        let (head, tail) = (offset(self.heads.len())?, offset(self.tails.len())?);
        let written = pack::head(&draft.book);
        let folded = each_name(&written, text::fold);
        self.heads.push_str(&folded);
        self.heads.push(FIELD);
        let fields = pack::tail(draft);
        let shown = if folded == written {
            self.tails.push_str(fields.trim_end_matches(FIELD));
            Shown::Same
        } else if let Some(marks) = marks(&written, &folded) {
            self.tails.push_str(fields.trim_end_matches(FIELD));
            let first = offset(self.marks.len())?;
            self.marks.extend(marks);
            Shown::Marked(first)
        } else {
            self.tails.extend([fields.as_str(), "\u{1f}", written.as_str()]);
            Shown::Copy
        };
        self.entries.push(Entry { head, tail, shown });
        Ok(())
    }

    /// Ends the adding: gives back what growing has reserved, and counts for [`Store::holding`].
    pub fn close(&mut self) {
        self.heads.shrink_to_fit();
        self.tails.shrink_to_fit();
        self.marks.shrink_to_fit();
        self.entries.shrink_to_fit();
        for byte in self.heads.bytes() {
            if let Some(count) = self.frequency.get_mut(usize::from(byte)) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// How many books there are; their numbers are 0 up to this.
    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    /// Gives `each` the number and the folded head (title, authors, then the rest) of every
    /// book that holds `word`, which is folded and not empty.
    ///
    /// Looking for one character runs several times faster than looking for a word, so the
    /// rarest one of the word is looked for, by its last byte as the standard library does.
    pub fn holding(&self, word: &str, mut each: impl FnMut(u32, &str)) {
        let rarity = |c: char| {
            let last = c.encode_utf8(&mut [0; 4]).bytes().next_back().unwrap_or_default();
            self.frequency.get(usize::from(last))
        };
        let Some((offset, rarest)) = word.char_indices().min_by_key(|&(_, c)| rarity(c)) else {
            return;
        };
        let (mut from, mut n) = (0, 0);
        while let Some(found) = self.heads.get(from..).and_then(|rest| rest.find(rarest)) {
            let at = from + found;
            from = at + rarest.len_utf8();
            let word_there = at.checked_sub(offset).and_then(|begin| self.heads.get(begin..));
            if word_there.is_some_and(|there| there.starts_with(word)) {
                while self.entry(n + 1).is_some_and(|next| next.head as usize <= at) {
                    n += 1;
                }
                each(n, self.head(n));
                from = self.head_end(n);
            }
        }
    }

    /// One field of book `n`.
    pub fn key(&self, n: u32, key: Key) -> &str {
        self.tail(n).split(FIELD).nth(key as usize).unwrap_or_default()
    }

    /// Book `n` as it was.
    pub fn book(&self, n: u32) -> Book {
        pack::book(&self.written(n), self.tail(n))
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        let texts = self.heads.capacity() + self.tails.capacity() + self.marks.capacity();
        texts + self.entries.capacity() * size_of::<Entry>() + size_of::<Self>()
    }

    /// Bytes of the books' own text: no separators, no copies.
    pub fn text(&self) -> usize {
        let own = |text: &str| text.len() - text.matches([FIELD, NAME]).count();
        let book = |n| match self.entry(n).map(|entry| entry.shown) {
            Some(Shown::Copy) => own(self.tail(n)),
            _ => own(&self.written(n)) + own(self.tail(n)),
        };
        (0..self.len()).map(book).sum()
    }

    fn entry(&self, n: u32) -> Option<&Entry> {
        self.entries.get(n as usize)
    }

    /// Where the head of book `n` ends, the mark behind it included.
    fn head_end(&self, n: u32) -> usize {
        self.entry(n + 1).map_or(self.heads.len(), |next| next.head as usize)
    }

    fn head(&self, n: u32) -> &str {
        let Some(entry) = self.entry(n) else { return "" };
        let head = self.heads.get(entry.head as usize..self.head_end(n)).unwrap_or_default();
        head.strip_suffix(FIELD).unwrap_or(head)
    }

    fn tail(&self, n: u32) -> &str {
        let Some(entry) = self.entry(n) else { return "" };
        let end = self.entry(n + 1).map_or(self.tails.len(), |next| next.tail as usize);
        self.tails.get(entry.tail as usize..end).unwrap_or_default()
    }

    /// The head of book `n` as the file wrote it.
    fn written(&self, n: u32) -> Cow<'_, str> {
        match self.entry(n).map(|entry| entry.shown) {
            None | Some(Shown::Same) => self.head(n).into(),
            Some(Shown::Copy) => {
                self.tail(n).splitn(TAIL + 1, FIELD).nth(TAIL).unwrap_or_default().into()
            }
            Some(Shown::Marked(first)) => {
                let marks = self.marks.get(first as usize..).unwrap_or_default();
                with_marks(self.head(n), marks).into()
            }
        }
    }
}

/// What a folded character was if it is marked: a capital letter, or full-width punctuation.
fn marked(c: char) -> char {
    match c {
        'a'..='z' => c.to_ascii_uppercase(),
        '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap_or(c),
        _ => c,
    }
}

/// The marks that make `written` of `folded`; none if marks cannot do it.
fn marks(written: &str, folded: &str) -> Option<Vec<u8>> {
    let mut marks = vec![0; folded.len().div_ceil(8)];
    let mut written = written.chars();
    for (at, c) in folded.char_indices() {
        let was = written.next()?;
        if was != c {
            *marks.get_mut(at / 8).filter(|_| was == marked(c))? |= 1_u8 << (at % 8);
        }
    }
    written.next().is_none().then_some(marks)
}

/// Undoes [`marks`]: a character's mark is that of its first byte.
fn with_marks(folded: &str, marks: &[u8]) -> String {
    let is_marked = |at: usize| marks.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    folded.char_indices().map(|(at, c)| if is_marked(at) { marked(c) } else { c }).collect()
}

/// Changes every name and every other field of `packed` by itself.
fn each_name(packed: &str, change: fn(&str) -> String) -> String {
    let mut changed = String::with_capacity(packed.len());
    for part in packed.split_inclusive([FIELD, NAME]) {
        let name = part.trim_end_matches([FIELD, NAME]);
        changed += &change(name);
        changed += part.get(name.len()..).unwrap_or_default();
    }
    changed
}
