//! Books laid out compactly: 100 000 of them are two long texts, not two million strings.
//!
//! In: the fields of each book, once, in the file's order. Out: the books that hold a word, or
//! a number, and the fields of any book as they were. What is searched stands folded in one text,
//! so that a search is one pass over it; everything else stands as it was in the other, and so
//! does a searched field that folding changed. Behind every field stands U+001F, which no field
//! holds; those at a book's end are left out.

use super::fields::{FIELDS, Field, SEARCHED};
use crate::catalogue::clean::undotted;
use crate::sys::text::fold;

/// Behind a field.
pub(super) const END: char = '\u{1f}';

/// All books of a shelf; their numbers are 0 up to [`Store::len`].
#[derive(Default)]
pub(super) struct Store {
    folded: String,
    written: String,
    /// Where a book ends in the two texts; it begins where the one before it ends.
    ends: Vec<(u32, u32)>,
    /// The books by ISBN (13 digits) and by Douban's number (at most 12).
    numbers: Vec<(u64, u32)>,
}

impl Store {
    /// Adds a book. `None` when the whole no longer fits 32-bit offsets.
    pub fn push(&mut self, fields: &[String; FIELDS]) -> Option<()> {
        let n = self.ends.len() as u32;
        for (at, field) in fields.iter().enumerate() {
            let folded = if at < SEARCHED { undotted(&fold(field)) } else { String::new() };
            if *field != folded {
                self.written.push_str(field);
            }
            self.written.push(END);
            self.folded.push_str(&folded);
            self.folded.push(END);
        }
        self.written.truncate(self.written.trim_end_matches(END).len());
        // One stays, so that no word is found across two books.
        self.folded.truncate(self.folded.trim_end_matches(END).len());
        self.folded.push(END);
        self.ends.push((self.folded.len().try_into().ok()?, self.written.len().try_into().ok()?));
        let numbers = [&fields[Field::Isbn as usize], &fields[Field::Id as usize]];
        self.numbers.extend(numbers.iter().filter_map(|number| Some((number.parse().ok()?, n))));
        Some(())
    }

    /// Ends the adding: sorts, and gives back what growing has reserved.
    pub fn close(&mut self) {
        self.numbers.sort_unstable();
        self.folded.shrink_to_fit();
        self.written.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Number and folded fields of every book in which `word` stands, which is folded itself.
    ///
    /// Looking for one character runs several times faster than looking for a word, so the
    /// first one is looked for.
    pub fn holding(&self, word: &str) -> impl Iterator<Item = (u32, &str)> {
        let (mut from, mut n) = (0, 0);
        std::iter::from_fn(move || {
            let first = word.chars().next()?;
            loop {
                let rest = self.folded.get(from..)?;
                let at = rest.find(first)?;
                from += at + first.len_utf8();
                if rest.get(at..)?.starts_with(word) {
                    break;
                }
            }
            while self.ends.get(n)?.0 < from as u32 {
                n += 1;
            }
            from = self.ends.get(n)?.0 as usize;
            Some((n as u32, self.texts(n).0))
        })
    }

    /// The books with this ISBN or Douban number, in the file's order.
    pub fn numbered(&self, number: u64) -> impl Iterator<Item = u32> {
        let from = self.numbers.partition_point(|&(other, _)| other < number);
        let equal = self.numbers.iter().skip(from).take_while(move |&&(other, _)| other == number);
        equal.map(|&(_, n)| n)
    }

    /// The fields of book `n`.
    pub fn fields(&self, n: u32) -> [&str; FIELDS] {
        let (folded, written) = self.texts(n as usize);
        let mut fields = [""; FIELDS];
        for text in [folded, written] {
            for (field, text) in fields.iter_mut().zip(text.split(END)) {
                if !text.is_empty() {
                    *field = text;
                }
            }
        }
        fields
    }

    /// Bytes of memory held, all that has been reserved included.
    pub fn bytes(&self) -> usize {
        self.folded.capacity()
            + self.written.capacity()
            + self.ends.capacity() * size_of::<(u32, u32)>()
            + self.numbers.capacity() * size_of::<(u64, u32)>()
    }

    /// What stands of book `n` in the two texts.
    fn texts(&self, n: usize) -> (&str, &str) {
        let end = |n| self.ends.get(n).copied().unwrap_or_default();
        let (begin, end) = (n.checked_sub(1).map(end).unwrap_or_default(), end(n));
        (
            self.folded.get(begin.0 as usize..end.0 as usize).unwrap_or_default(),
            self.written.get(begin.1 as usize..end.1 as usize).unwrap_or_default(),
        )
    }
}
