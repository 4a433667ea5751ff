//! The shelf's search engine: from a message to books, and how sure that is.
//!
//! In: the texts of all books, once; then messages. Out: [`Hits`]: at most [`MOST`] books that are
//! what was asked for, or at most [`GUESSES`] that may be. Two passes: `postings` gathers the
//! books that hold the most of the message, `judge` compares each of them with it. The work for
//! one message is bounded, whatever the message and the shelf: postings walked, candidates, and
//! cells compared. Pure.

mod align;
mod judge;
mod names;
mod postings;
mod rank;
mod sounds;
mod subject;
mod term;
mod terms;
mod tokens;

use std::collections::HashMap;

pub use postings::{MOST_WALKED, fame};
pub use subject::Texts;

use crate::catalogue::fold::fold;
use crate::catalogue::reading::Reading;
use judge::Judgement;
use postings::{Builder, Postings};
use subject::Subject;
use term::Term;
use tokens::{Tokens, pair_code};

/// Books of an answer.
pub const MOST: usize = 20;
/// Books of a guess.
pub const GUESSES: usize = 5;
/// Candidates of each way to read a message.
const CANDIDATES: usize = 300;
/// Terms times tokens compared in one search.
pub const MOST_COMPARED: usize = 1_500_000;
/// What is worse is no guess.
const LEAST_GUESS: f32 = 0.36;

/// How sure an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// These are the books.
    Found,
    /// These may be.
    Guess,
    /// There is nothing like it.
    Nothing,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// How sure it is.
    pub tier: Tier,
    /// The best first.
    pub books: Vec<u32>,
    /// How many there are in all.
    pub total: usize,
    /// Whether there may be more than `total`.
    pub at_least: bool,
    /// Entries walked and cells compared, for tests of the bounds.
    pub work: (usize, usize),
}

impl Hits {
    fn nothing(work: (usize, usize)) -> Self {
        Self { tier: Tier::Nothing, books: Vec::new(), total: 0, at_least: false, work }
    }
}

/// Adds books one after another; then [`Maker::build`].
#[derive(Default)]
pub struct Maker(Builder);

impl Maker {
    /// Adds the next book, known as well as `fame` says.
    pub fn add(&mut self, texts: &Texts<'_>, fame: u8) {
        let mut all = Tokens::read(texts.title);
        let length = all.list.len();
        let pairs = all.list.windows(2);
        let pairs = pairs.filter_map(|pair| Some(pair_code(pair.first()?.code, pair.get(1)?.code)));
        let mut codes: Vec<u32> = pairs.collect();
        for text in texts.others.into_iter().chain(texts.names()) {
            for token in &all.list {
                codes.push(token.code);
                if token.is_word() {
                    self.0.word(token.code, all.word(token));
                }
            }
            all = Tokens::read(text);
        }
        for token in &all.list {
            codes.push(token.code);
            if token.is_word() {
                self.0.word(token.code, all.word(token));
            }
        }
        codes.extend(tokens::house_code(texts.house));
        codes.sort_unstable();
        codes.dedup();
        self.0.add(&codes, length, fame);
    }

    /// The index of all that was added.
    pub fn build(self) -> Index {
        Index(self.0.build())
    }
}

/// What a message may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Titles, authors, all.
    Anything,
    /// Books by a person.
    Author,
}

/// An index over books.
#[derive(Debug, Default)]
pub struct Index(Postings);

/// More than being well known adds.
const COPIED: f32 = 0.3;

/// A candidate, judged.
#[derive(Clone, Copy, Debug)]
struct Judged {
    book: u32,
    judgement: Judgement,
    /// With how well it is known.
    rank: f32,
}

impl Index {
    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// Searches; `texts` gives a book by its number.
    pub fn search<'a>(
        &self,
        message: &str,
        about: About,
        texts: impl Fn(u32) -> Texts<'a>,
    ) -> Hits {
        let reading = Reading::of(&without_repetition(message));
        let mut ways = terms::ways(&reading.raw, &self.0);
        if let Some(title) = reading.title.as_deref().filter(|_| about == About::Anything) {
            ways.extend(terms::ways(title, &self.0).into_iter().take(1));
        }
        let mut search = Search {
            index: &self.0,
            work: (0, 0),
            judged: Vec::new(),
            subjects: HashMap::new(),
            more: false,
        };
        for way in ways.iter().filter(|way| !way.is_empty()) {
            search.run(way, about, &texts);
        }
        search.prefer_copied(message, &texts);
        let hits = search.answer(&texts, &reading);
        let house = reading.house_alone().filter(|_| about == About::Anything);
        let its = house.map(|house| self.house(house)).filter(|its| its.tier == Tier::Found);
        let whole = hits.books.first().is_some_and(|&best| search.is_whole(best));
        its.filter(|_| !whole).unwrap_or(hits)
    }

    /// The books of a publishing house, best known first.
    pub fn house(&self, name: &str) -> Hits {
        let Some(code) = tokens::house_code(name) else { return Hits::nothing((0, 0)) };
        let mut books: Vec<u32> = self.0.books(code).take(postings::MOST_WALKED).collect();
        let total = books.len();
        books.sort_by(|a, b| self.0.fame(*b).total_cmp(&self.0.fame(*a)));
        books.truncate(MOST);
        let tier = if books.is_empty() { Tier::Nothing } else { Tier::Found };
        Hits { tier, books, total, at_least: false, work: (total, 0) }
    }
}

/// A message without words that stand in it before, 三体 三体, and without the blanks of 三 体.
fn without_repetition(message: &str) -> String {
    let is_single = |word: &str| word.chars().count() == 1 && !word.is_ascii();
    if message.split_whitespace().all(is_single) {
        return message.split_whitespace().collect();
    }
    let mut words: Vec<&str> = Vec::new();
    for word in message.split_whitespace() {
        // A title may say a short word twice: What I Talk About When I Talk About Running.
        let again = word.chars().count() > 1 && !word.is_ascii() && words.contains(&word);
        if !again {
            words.push(word);
        }
    }
    words.join(" ")
}

/// One search under way.
struct Search<'i> {
    index: &'i Postings,
    work: (usize, usize),
    judged: Vec<Judged>,
    /// Of each candidate; several ways to read a message find the same.
    subjects: HashMap<u32, Subject>,
    more: bool,
}

impl Search<'_> {
    /// Adds what one way to read the message finds.
    fn run<'a>(&mut self, way: &[Term], about: About, texts: &impl Fn(u32) -> Texts<'a>) {
        let house = terms::house(way, self.index);
        let room = postings::MOST_WALKED.saturating_sub(self.work.0);
        let candidates = self.index.best(way, house, CANDIDATES, room);
        self.work.0 += candidates.walked;
        self.more |= candidates.more;
        for book in candidates.books {
            let subject = self.subjects.entry(book).or_insert_with(|| Subject::new(&texts(book)));
            let names: usize = subject.names.iter().map(|name| name.list.len()).sum();
            // Each name is looked for on both sides of the title, and alone.
            let cells = way.len() * (subject.title.list.len() + 2 * names + 1);
            if self.work.1 + cells > MOST_COMPARED {
                self.more = true;
                break;
            }
            self.work.1 += cells;
            let judgement = match about {
                About::Anything => judge::judge(way, subject),
                About::Author => judge::judge_author(way, subject),
            };
            if judgement.score > 0.0 {
                let rank = judgement.score + 0.04 * self.index.fame(book);
                self.judged.push(Judged { book, judgement, rank });
            }
        }
    }

    /// Whoever types brackets has copied a title, edition and all: 认知心理学（第六版）.
    fn prefer_copied<'a>(&mut self, message: &str, texts: &impl Fn(u32) -> Texts<'a>) {
        if !message.contains(['(', '（']) {
            return;
        }
        let typed = fold(message);
        for judged in &mut self.judged {
            if fold(texts(judged.book).title) == typed {
                judged.rank += COPIED;
            }
        }
    }

    /// Whether the whole title of a book was said.
    fn is_whole(&self, book: u32) -> bool {
        self.judged.iter().any(|judged| judged.book == book && judged.judgement.whole)
    }

    fn answer<'a>(&self, texts: &impl Fn(u32) -> Texts<'a>, reading: &Reading) -> Hits {
        let mut judged = rank::best_of_each_book(self.judged.clone());
        let Some(best) = judged.first().copied() else { return Hits::nothing(self.work) };
        if best.judgement.service && reading.title.is_none() && !best.judgement.sure {
            return Hits::nothing(self.work);
        }
        if judged.iter().take(GUESSES).any(|judged| judged.judgement.sure) {
            judged.retain(|judged| judged.judgement.sure);
            let total = judged.len();
            let books = rank::editions_together(&judged, texts, MOST);
            return Hits {
                tier: Tier::Found,
                books,
                total,
                at_least: self.more && total >= MOST,
                work: self.work,
            };
        }
        judged.retain(|judged| judged.judgement.score > LEAST_GUESS);
        // 春 is hardly meant by 不存在: a title of one character is typed as it is.
        let long = reading.raw.chars().filter(|c| c.is_alphanumeric()).nth(2).is_some();
        judged.retain(|judged| !long || texts(judged.book).title.chars().nth(1).is_some());
        let books = rank::one_of_each_work(&judged, texts, GUESSES);
        let tier = if books.is_empty() { Tier::Nothing } else { Tier::Guess };
        Hits { tier, total: books.len(), books, at_least: false, work: self.work }
    }
}
