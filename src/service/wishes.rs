//! What readers looked for in vain and want to read: how many, since when.
//!
//! In: a reader, a wish and the day, passed in; or lines written earlier. Out: whether it was
//! noted; the wishes, most wanted first. Pure. A reader counts once a day for one wish, for five
//! wishes a day at most, and is known for that by a keyed hash alone, whose key this process
//! made and nobody writes down. At most [`MOST`] wishes and [`LARGEST`] bytes: the oldest that
//! one reader alone had goes first.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use serde_json::{Value, json};

use crate::catalogue::fold::fold;
use crate::catalogue::isbn::Isbn;
use crate::catalogue::{Query, statefile};
use crate::chat::wish::{Noted, PER_DAY, Wanted};
use crate::sys::text::shorten;

/// Wishes kept.
pub const MOST: usize = 10_000;
/// Bytes of them, as they stand in a file.
pub const LARGEST: usize = 2 << 20;
/// Readers whose wishes of today are counted; when there are more, all begin anew.
const READERS: usize = 10_000;
/// Characters of a title or name.
const LONGEST: usize = 100;
/// What a line has beside its texts: marks, numbers, line end.
const LINE: usize = 40;

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted.
    pub wanted: Wanted,
    /// How many readers, each once a day.
    pub readers: u32,
    /// The first day, since 1970.
    pub first: u32,
    /// The last one.
    pub last: u32,
}

/// What the operator does with wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// This one is done: an ISBN, the words asked, or a title.
    Done(String),
    /// All are.
    Clear,
}

/// All wishes.
#[derive(Default)]
pub struct Wishes {
    wishes: HashMap<String, Wish>,
    bytes: usize,
    today: u32,
    /// What each reader wished today; 0 is nothing.
    counted: HashMap<u64, [u64; PER_DAY]>,
    keys: RandomState,
}

impl Wishes {
    /// `reader` wants this on the day `today`.
    pub fn note(&mut self, reader: &str, wanted: &Wanted, today: u32) -> Noted {
        if self.today != today || self.counted.len() >= READERS {
            self.counted.clear();
            self.today = today;
        }
        let asked = wanted.asked.to_string();
        let mark = self.keys.hash_one(&asked).max(1);
        let counted = self.counted.entry(self.keys.hash_one(reader)).or_default();
        if counted.contains(&mark) {
            return Noted::Already;
        }
        let Some(free) = counted.iter_mut().find(|mark| **mark == 0) else {
            return Noted::TooMany;
        };
        *free = mark;
        let known = self.take(&asked);
        let (readers, first) = known.as_ref().map_or((0, today), |wish| (wish.readers, wish.first));
        let old = known.map(|wish| wish.wanted).filter(|_| wanted.title.is_empty());
        let wanted = old.unwrap_or_else(|| Wanted {
            title: shorten(&wanted.title, LONGEST),
            author: shorten(&wanted.author, LONGEST),
            ..wanted.clone()
        });
        self.put(Wish { wanted, readers: readers.saturating_add(1), first, last: today });
        Noted::Counted
    }

    /// Does what the operator wants; returns how many wishes are gone.
    pub fn obey(&mut self, order: &Order) -> usize {
        let before = self.wishes.len();
        let gone: Vec<_> = match order {
            Order::Clear => self.wishes.keys().cloned().collect(),
            Order::Done(text) => {
                let (isbn, folded) = (Isbn::parse(text.trim()), fold(text));
                let meant = |wish: &Wish| match (&wish.wanted.asked, isbn) {
                    (Query::Isbn(asked), Some(isbn)) => *asked == isbn,
                    (Query::Words(words), _) if *words == folded => true,
                    _ => !folded.is_empty() && fold(&wish.wanted.title) == folded,
                };
                let meant = self.wishes.iter().filter(|(_, wish)| meant(wish));
                meant.map(|(asked, _)| asked.clone()).collect()
            }
        };
        for asked in gone {
            self.take(&asked);
        }
        before - self.wishes.len()
    }

    /// Most wanted first, and of those the latest.
    pub fn sorted(&self) -> Vec<&Wish> {
        let mut wishes: Vec<_> = self.wishes.iter().collect();
        wishes.sort_by(|(a, one), (b, other)| {
            (other.readers, other.last).cmp(&(one.readers, one.last)).then_with(|| a.cmp(b))
        });
        wishes.into_iter().map(|(_, wish)| wish).collect()
    }

    /// A line for each wish.
    pub fn lines(&self) -> Vec<Value> {
        let line = |(asked, wish): (&String, &Wish)| {
            let Wish { wanted: Wanted { title, author, .. }, readers, first, last } = wish;
            json!([asked, title, author, readers, first, last])
        };
        self.wishes.iter().map(line).collect()
    }

    /// Takes back a line; `None` when it is damaged.
    pub fn restore(&mut self, line: &Value) -> Option<()> {
        let [asked, title, author, readers, first, last] = line.as_array()?.as_slice() else {
            return None;
        };
        let asked = statefile::parse_query(asked.as_str()?)?;
        let text = |value: &Value| Some(shorten(value.as_str()?, LONGEST));
        let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
        let wanted = Wanted { asked, title: text(title)?, author: text(author)? };
        let (readers, first, last) = (number(readers)?, number(first)?, number(last)?);
        self.put(Wish { wanted, readers, first, last });
        Some(())
    }

    fn take(&mut self, asked: &str) -> Option<Wish> {
        let wish = self.wishes.remove(asked)?;
        self.bytes -= size(asked, &wish);
        Some(wish)
    }

    fn put(&mut self, wish: Wish) {
        let asked = wish.wanted.asked.to_string();
        self.take(&asked);
        let size = size(&asked, &wish);
        while self.wishes.len() >= MOST || self.bytes + size > LARGEST {
            let least = self.wishes.iter().min_by_key(|(_, wish)| (wish.readers > 1, wish.last));
            let Some(least) = least.map(|(asked, _)| asked.clone()) else { return };
            self.take(&least);
        }
        self.bytes += size;
        self.wishes.insert(asked, wish);
    }
}

fn size(asked: &str, wish: &Wish) -> usize {
    LINE + asked.len() + wish.wanted.title.len() + wish.wanted.author.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &str) -> Wanted {
        let asked = Query::words(words).unwrap();
        Wanted { asked, title: String::new(), author: String::new() }
    }

    fn shown(wishes: &Wishes) -> Vec<String> {
        let line = |wish: &&Wish| {
            format!("{} {} {}-{}", wish.wanted.asked, wish.readers, wish.first, wish.last)
        };
        wishes.sorted().iter().map(line).collect()
    }

    #[test]
    fn a_reader_counts_once_a_day_and_five_times_at_most() {
        let mut wishes = Wishes::default();
        let mut note = |reader: &str, asked: &str, day| wishes.note(reader, &words(asked), day);
        assert_eq!(note("oA", "三体", 10), Noted::Counted);
        assert_eq!(note("oA", "《三体》", 10), Noted::Already);
        assert_eq!(note("oB", "三体", 10), Noted::Counted);
        assert_eq!(note("oA", "三体", 11), Noted::Counted);
        for (number, said) in [(1, Noted::Counted), (4, Noted::Counted), (5, Noted::TooMany)] {
            assert_eq!(note("oA", &format!("别的{number}"), 11), said, "{number}");
            let _ = (note("oA", "别的2", 11), note("oA", "别的3", 11));
        }
        assert_eq!(note("oA", "三体", 11), Noted::Already);
        assert_eq!(shown(&wishes)[..2], ["words:三体 3 10-11", "words:别的1 1 11-11"]);
    }

    #[test]
    fn the_oldest_single_wish_goes_first_and_bytes_are_bounded() {
        let mut wishes = Wishes::default();
        wishes.note("oA", &words("常要的"), 1);
        wishes.note("oB", &words("常要的"), 1);
        for number in 0..MOST as u32 {
            wishes.note(&format!("o{number}"), &words(&format!("书{number}")), 2 + number / 100);
        }
        assert_eq!(wishes.sorted().len(), MOST);
        assert_eq!(shown(&wishes)[0], "words:常要的 2 1-1");
        let mut long = Wishes::default();
        for number in 0..MOST {
            let title = "长".repeat(300);
            long.note(&format!("o{number}"), &Wanted { title, ..words(&number.to_string()) }, 1);
        }
        assert!(long.bytes <= LARGEST && long.sorted().len() > 5000, "{}", long.bytes);
        let written: usize = long.lines().iter().map(|line| line.to_string().len() + 1).sum();
        assert!(written <= LARGEST, "{written}");
    }

    #[test]
    #[rustfmt::skip]
    fn what_is_done_goes_by_number_words_or_title() {
        for (order, left) in [
            (Order::Done("978-7-5366-9293-0".into()), 1),
            (Order::Done("《三体》".into()),            1),
            (Order::Done("活着 余华".into()),           1),
            (Order::Done("活着".into()),                2),
            (Order::Done("".into()),                    2),
            (Order::Clear,                              0),
        ] {
            let mut wishes = Wishes::default();
            let asked = Query::Isbn(Isbn::parse("9787536692930").unwrap());
            wishes.note("oA", &Wanted { asked, title: "三体".into(), author: "刘慈欣".into() }, 1);
            wishes.note("oA", &words("活着 余华"), 1);
            let mut back = Wishes::default();
            wishes.lines().iter().for_each(|line| back.restore(line).unwrap());
            assert_eq!(back.wishes, wishes.wishes);
            assert_eq!(back.obey(&order), 2 - left, "{order:?}");
            assert_eq!(back.sorted().len(), left, "{order:?}");
        }
    }

    #[test]
    fn damaged_lines_are_told() {
        for line in ["[]", "{}", "[\"x:y\",\"\",\"\",1,1,1]", "[\"words:a\",\"\",\"\",-1,1,1]"] {
            let line = serde_json::from_str(line).unwrap();
            assert!(Wishes::default().restore(&line).is_none(), "{line}");
        }
    }
}
