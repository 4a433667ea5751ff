//! Which books hold which tokens.
//!
//! In: the tokens of each book, once, in the file's order. Out: for a set of [`Term`]s the books
//! that hold the most of them, best first: the first pass of a search. Books are kept by their
//! distance from the one before, in one byte mostly; the number of entries walked in one search
//! is bounded by [`MOST_WALKED`], whatever the shelf and the question.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::term::Term;
use super::tokens::pair_code;

/// Entries walked in one search at most, over all ways to read its message: 10 ms and more.
pub const MOST_WALKED: usize = 3_000_000;
/// Of those, for all that may have been meant by one term; and by a syllable, which is nothing but
/// that.
const MOST_MEANT: usize = 30_000;
const MOST_TYPED: usize = 150_000;

/// Token by token the books that hold it.
#[derive(Debug, Default)]
pub struct Postings {
    /// Sorted.
    codes: Vec<u32>,
    /// Of each code where its list begins; one more than codes.
    starts: Vec<u32>,
    /// Of each code how many books hold it.
    counts: Vec<u32>,
    lists: Vec<u8>,
    /// All Latin words, one a line, to find those that differ by a slip.
    words: String,
    /// Of each book how many tokens its title has.
    lengths: Vec<u8>,
    /// Of each book how well it is known; see [`fame`].
    fame: Vec<u8>,
}

/// What two tokens side by side count, of what the rarer one counts.
const PAIRED: f32 = 0.5;

/// How well a book is known by the number of its ratings: 8 for each doubling.
pub fn fame(ratings: u32) -> u8 {
    ((f64::from(ratings) + 1.0).log2() * 8.0).min(255.0) as u8
}

/// Codes are spread by multiplying: a third of the time of loading went into the hash that
/// withstands attackers, and a shelf is its operator's own.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(u32::from(byte)));
    }

    fn write_u32(&mut self, code: u32) {
        let mixed = (self.0 ^ u64::from(code)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

type ByCode<T> = HashMap<u32, T, BuildHasherDefault<Spread>>;

/// Fills [`Postings`].
#[derive(Default)]
pub struct Builder {
    lists: ByCode<List>,
    words: ByCode<String>,
    lengths: Vec<u8>,
    fame: Vec<u8>,
}

#[derive(Default)]
struct List {
    last: u32,
    count: u32,
    bytes: Vec<u8>,
}

impl Builder {
    /// Adds the next book: its codes, each once; the length of its title; its fame.
    pub fn add(&mut self, codes: &[u32], length: usize, fame: u8) {
        let book = self.lengths.len() as u32;
        for &code in codes {
            let list = self.lists.entry(code).or_default();
            let mut distance = if list.count == 0 { book } else { book - list.last };
            while distance >= 0x80 {
                list.bytes.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            list.bytes.push(distance as u8);
            list.last = book;
            list.count += 1;
        }
        self.lengths.push(length.min(255) as u8);
        self.fame.push(fame);
    }

    /// Remembers a Latin word by its code.
    pub fn word(&mut self, code: u32, word: &str) {
        self.words.entry(code).or_insert_with(|| word.to_owned());
    }

    /// Lays everything out.
    pub fn build(self) -> Postings {
        let mut sorted: Vec<(u32, List)> = self.lists.into_iter().collect();
        sorted.sort_unstable_by_key(|(code, _)| *code);
        let mut postings =
            Postings { lengths: self.lengths, fame: self.fame, ..Postings::default() };
        let total = sorted.iter().map(|(_, list)| list.bytes.len()).sum();
        postings.lists.reserve_exact(total);
        postings.codes = sorted.iter().map(|(code, _)| *code).collect();
        postings.counts = sorted.iter().map(|(_, list)| list.count).collect();
        postings.starts.reserve_exact(sorted.len() + 1);
        for (_, list) in sorted {
            postings.starts.push(postings.lists.len() as u32);
            postings.lists.extend(list.bytes);
        }
        postings.starts.push(postings.lists.len() as u32);
        let mut words: Vec<String> = self.words.into_values().collect();
        words.sort_unstable();
        postings.words = words.join("\n");
        postings.words.shrink_to_fit();
        postings.lengths.shrink_to_fit();
        postings.fame.shrink_to_fit();
        postings
    }
}

/// What the first pass found.
pub struct Candidates {
    /// Books, best first.
    pub books: Vec<u32>,
    /// Whether there were more.
    pub more: bool,
    /// How many entries were walked, for tests of the bound.
    pub walked: usize,
}

impl Postings {
    /// Bytes of memory held, all that has been reserved included.
    pub fn bytes(&self) -> usize {
        (self.codes.capacity() + self.starts.capacity() + self.counts.capacity()) * size_of::<u32>()
            + self.lists.capacity()
            + self.words.capacity()
            + self.lengths.capacity()
            + self.fame.capacity()
    }

    /// How many books hold this token.
    pub fn count(&self, code: u32) -> u32 {
        let place = self.codes.binary_search(&code).ok();
        place.and_then(|place| self.counts.get(place)).copied().unwrap_or(0)
    }

    /// How well a book is known, from 0 to 1.
    pub fn fame(&self, book: u32) -> f32 {
        f32::from(self.fame.get(book as usize).copied().unwrap_or(0)) / 160.0
    }

    /// How much a token tells, from 0.1 for one that every book has to 1 for one of its own.
    pub fn weight(&self, count: u32) -> f32 {
        let books = self.lengths.len() as f32;
        let rarity = (1.0 + books / (1.0 + count as f32)).ln() / (1.0 + books).ln().max(1.0);
        rarity.clamp(0.1, 1.0)
    }

    /// The Latin words of the shelf.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.split('\n')
    }

    /// The books that hold this token, in the file's order.
    pub fn books(&self, code: u32) -> Books<'_> {
        let place = self.codes.binary_search(&code).ok();
        let list = place.and_then(|place| {
            let from = *self.starts.get(place)? as usize;
            self.lists.get(from..*self.starts.get(place + 1)? as usize)
        });
        Books { rest: list.unwrap_or_default(), last: 0 }
    }

    /// The `most` books that hold the most of the terms, by weight; those of `house` before others.
    /// At most `room` entries are walked; lists that are longer than what is left are passed over.
    pub fn best(
        &self,
        terms: &[Term],
        house: Option<Term>,
        most: usize,
        room: usize,
    ) -> Candidates {
        let mut sums = Sums::new(self.lengths.len(), room);
        let mut order: Vec<&Term> = terms.iter().chain(house.as_ref()).collect();
        order.sort_by(|a, b| b.first_weight().total_cmp(&a.first_weight()));
        for (number, term) in order.into_iter().enumerate() {
            self.add_term(term, number as u8 + 1, &mut sums);
        }
        for pair in terms.windows(2) {
            if let [one, two] = pair {
                self.add_pair(one, two, &mut sums);
            }
        }
        let total: f32 = terms.iter().map(Term::first_weight).sum();
        sums.best(most, |book, sum| sum / total.max(0.01) + self.prior(book))
    }

    fn add_term(&self, term: &Term, number: u8, sums: &mut Sums) {
        let mut meant = if term.typed { MOST_TYPED } else { MOST_MEANT };
        for (place, &(code, likeness)) in term.codes.iter().enumerate() {
            let count = self.count(code) as usize;
            let typed = place == 0 && !term.typed;
            if !typed && count > meant || !sums.walk(count) {
                continue;
            }
            // Of what was typed every bit counts; what else may have been meant has less room.
            meant -= if typed { 0 } else { count };
            let gain = term.first_weight() * first_likeness(likeness);
            for book in self.books(code) {
                sums.add(book, gain, number);
            }
        }
    }

    fn add_pair(&self, one: &Term, two: &Term, sums: &mut Sums) {
        let (Some(first), Some(second)) = (one.codes.first(), two.codes.first()) else { return };
        let code = pair_code(first.0, second.0);
        if one.typed || two.typed || !sums.walk(self.count(code) as usize) {
            return;
        }
        let gain = PAIRED * one.first_weight().min(two.first_weight());
        for book in self.books(code) {
            sums.add_more(book, gain);
        }
    }

    /// What speaks for a book before anything is known of it: short titles, and much read ones.
    fn prior(&self, book: u32) -> f32 {
        let length = f32::from(self.lengths.get(book as usize).copied().unwrap_or(255));
        self.fame(book) * 0.08 - 0.16 * length / (length + 8.0)
    }
}

/// What is only like what was typed would otherwise push out what was typed.
fn first_likeness(likeness: f32) -> f32 {
    if likeness > 0.95 { likeness } else { likeness * likeness * 0.75 }
}

/// A list read back.
pub struct Books<'a> {
    rest: &'a [u8],
    last: u32,
}

impl Iterator for Books<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (mut distance, mut shift) = (0_u32, 0);
        loop {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            distance |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
            shift += 7;
        }
        self.last = self.last.wrapping_add(distance);
        Some(self.last)
    }
}

/// Sums by book; each term counts once a book.
struct Sums {
    sums: Vec<f32>,
    /// The last term that counted.
    last: Vec<u8>,
    met: Vec<u32>,
    walked: usize,
    room: usize,
}

impl Sums {
    fn new(books: usize, room: usize) -> Self {
        Self { sums: vec![0.0; books], last: vec![0; books], met: Vec::new(), walked: 0, room }
    }

    /// Whether there is room for walking so many entries, which then are walked; none is nothing.
    fn walk(&mut self, entries: usize) -> bool {
        if entries == 0 || self.walked + entries > self.room {
            return false;
        }
        self.walked += entries;
        true
    }

    fn add(&mut self, book: u32, gain: f32, term: u8) {
        let at = book as usize;
        let (Some(sum), Some(last)) = (self.sums.get_mut(at), self.last.get_mut(at)) else {
            return;
        };
        if *last == 0 {
            self.met.push(book);
        }
        if *last != term {
            *last = term;
            *sum += gain;
        }
    }

    /// Adds to a book that has been met.
    fn add_more(&mut self, book: u32, gain: f32) {
        let at = book as usize;
        if let (Some(sum), Some(1..)) = (self.sums.get_mut(at), self.last.get(at)) {
            *sum += gain;
        }
    }

    fn best(self, most: usize, rank: impl Fn(u32, f32) -> f32) -> Candidates {
        let ranked = self.met.iter().map(|&book| {
            let sum = self.sums.get(book as usize).copied().unwrap_or(0.0);
            (rank(book, sum), book)
        });
        let mut ranked: Vec<(f32, u32)> = ranked.collect();
        let better = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        let more = ranked.len() > most;
        if more {
            ranked.select_nth_unstable_by(most, better);
            ranked.truncate(most);
        }
        ranked.sort_unstable_by(better);
        let books = ranked.iter().map(|&(_, book)| book).collect();
        Candidates { books, more, walked: self.walked }
    }
}
