//! Books laid out compactly: 100 000 of them are one long text, not two million strings.
//!
//! In: the fields of each book, once, in the file's order. Out: the fields of any book as they
//! were, the books with a number, and, through [`Index`], those that answer a message. Behind
//! every field stands U+001F, which no field holds; those at a book's end are left out. Nothing
//! is kept folded: a search folds the few books that it compares.

use super::fields::{FIELDS, Field};
use super::search::{self, About, Hits, Index, Maker, Texts};

/// Behind a field.
const END: char = '\u{1f}';

/// All books of a shelf; their numbers are 0 up to [`Store::len`].
#[derive(Default)]
pub(super) struct Store {
    written: String,
    /// Where a book ends in the text; it begins where the one before it ends.
    ends: Vec<u32>,
    /// The books by ISBN (13 digits) and by Douban's number (at most 12).
    numbers: Vec<(u64, u32)>,
    index: Index,
    /// There until [`Store::close`].
    maker: Maker,
}

impl Store {
    /// Adds a book. `None` when the whole no longer fits 32-bit offsets.
    pub fn push(&mut self, fields: &[String; FIELDS]) -> Option<()> {
        let n = self.ends.len() as u32;
        for field in fields {
            self.written.push_str(field);
            self.written.push(END);
        }
        self.written.truncate(self.written.trim_end_matches(END).len());
        self.ends.push(self.written.len().try_into().ok()?);
        let numbers = [&fields[Field::Isbn as usize], &fields[Field::Id as usize]];
        self.numbers.extend(numbers.iter().filter_map(|number| Some((number.parse().ok()?, n))));
        let fields = fields.each_ref().map(String::as_str);
        self.maker.add(&texts(&fields), search::fame(ratings(fields[Field::Rating as usize])));
        Some(())
    }

    /// Ends the adding: sorts, indexes, and gives back what growing has reserved.
    pub fn close(&mut self) {
        self.index = std::mem::take(&mut self.maker).build();
        self.numbers.sort_unstable();
        self.written.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers.shrink_to_fit();
    }

    /// How many books there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The books that answer a message.
    pub fn search(&self, message: &str, about: About) -> Hits {
        self.index.search(message, about, |n| texts(&self.fields(n)))
    }

    /// The books of a publishing house.
    pub fn house(&self, name: &str) -> Hits {
        self.index.house(name)
    }

    /// The books with this ISBN or Douban number, in the file's order.
    pub fn numbered(&self, number: u64) -> impl Iterator<Item = u32> {
        let from = self.numbers.partition_point(|&(other, _)| other < number);
        let equal = self.numbers.iter().skip(from).take_while(move |&&(other, _)| other == number);
        equal.map(|&(_, n)| n)
    }

    /// The fields of book `n`.
    pub fn fields(&self, n: u32) -> [&str; FIELDS] {
        let mut fields = [""; FIELDS];
        for (field, text) in fields.iter_mut().zip(self.text(n as usize).split(END)) {
            *field = text;
        }
        fields
    }

    /// Bytes of memory held, all that has been reserved included.
    pub fn bytes(&self) -> usize {
        self.written.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.numbers.capacity() * size_of::<(u64, u32)>()
            + self.index.bytes()
    }

    /// What stands of book `n` in the text.
    fn text(&self, n: usize) -> &str {
        let end = |n| self.ends.get(n).copied().unwrap_or_default() as usize;
        let begin = n.checked_sub(1).map(end).unwrap_or_default();
        self.written.get(begin..end(n)).unwrap_or_default()
    }
}

/// What of a book is searched.
fn texts<'a>(fields: &[&'a str; FIELDS]) -> Texts<'a> {
    let field = |field: Field| fields[field as usize];
    Texts {
        title: field(Field::Title),
        others: [field(Field::Subtitle), field(Field::OriginTitle), field(Field::Series)],
        people: [field(Field::Authors), field(Field::Translators)],
        house: field(Field::Publisher),
    }
}

/// How many readers rated a book: what stands behind the colon of its rating.
fn ratings(rating: &str) -> u32 {
    rating.split_once(':').and_then(|(_, count)| count.parse().ok()).unwrap_or(0)
}
