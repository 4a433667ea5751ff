//! How well a book answers a message, and whether that is sure.
//!
//! In: a way to read the message, and a book. Out: a [`Judgement`]. A message is explained by a
//! stretch of the title, by a name, and by the house; what is left over and not only a frame
//! speaks against the book, and so does what of the title was not said.

use std::ops::Range;

use super::align::{Run, best_run};
use super::names::{Asked, Named, house_beside, named, named_beside};
use super::subject::{Coverage, Subject};
use super::term::Term;
use super::tokens::{Break, Token, Tokens};
use crate::catalogue::reading::Says;

/// What a book is for a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judgement {
    /// From 0 to about 1; more for what is better.
    pub score: f32,
    /// Whether the book is what was asked for, as far as anybody can tell.
    pub sure: bool,
    /// Whether the whole title was said.
    pub whole: bool,
    /// Whether the message is about a service rather than this book.
    pub service: bool,
}

/// Judges a book.
pub fn judge(terms: &[Term], book: &Subject) -> Judgement {
    let by_title = judge_title(terms, book);
    let by_author = judge_people(terms, &book.names, Asked::Perhaps);
    if by_author.score > by_title.score { by_author } else { by_title }
}

/// What of the message is explained by nothing.
struct Rest {
    weight: f32,
    service: bool,
    /// A phrase that asks is among it.
    frames: bool,
    /// The number of a volume is among it.
    volume: bool,
}

fn rest(terms: &[Term], explained: &[&Range<usize>], names: &[Tokens]) -> Rest {
    let mut rest = Rest { weight: 0.0, service: false, frames: false, volume: false };
    for (at, term) in terms.iter().enumerate() {
        let is_explained = explained.iter().any(|range| range.contains(&at));
        if is_explained || is_in_a_latin_name(term, names) {
            continue;
        }
        // How rare it is on the shelf says nothing of a character of talk.
        let weight = if term.says == Says::Little { term.weight.min(0.3) } else { term.weight };
        rest.weight += weight * term.cost;
        rest.service |= term.says == Says::Service;
        rest.frames |= term.says == Says::Nothing;
        rest.volume |= term.volume;
    }
    rest
}

/// Latin names are written in any order: J. K. Rowling, Rowling, J. K.
fn is_in_a_latin_name(term: &Term, names: &[Tokens]) -> bool {
    let fits = |token: &Token| token.is_word() && term.fits(token.code) > 0.95;
    !term.typed && names.iter().any(|name| name.list.iter().any(fits))
}

fn judge_title(terms: &[Term], book: &Subject) -> Judgement {
    let Some(run) = best_run(terms, &book.title.list, &book.weights) else {
        return Judgement::default();
    };
    let run = to_the_ends(run, terms, book);
    let title = run.terms();
    let cover = book.coverage(run.tokens(), run.met);
    let name = named_beside(terms, &title, book);
    let none = 0..0;
    let name_terms = name.as_ref().map_or(&none, |name| &name.terms);
    let house = house_beside(terms, &[&title, name_terms], book).unwrap_or(0..0);
    let mut rest = rest(terms, &[&title, name_terms, &house], &book.names);
    let is_whole = cover.own > 0.96 && run.is_clean();
    rest.service |= asks_for_service(&run, is_whole, terms);
    if is_whole && is_piece(&title, terms) {
        rest.weight *= 0.5;
    }
    let name_mass = name.as_ref().map_or(0.0, |name| name.mass);
    let explained = run.mass + name_mass;
    let doubt = rest.weight + run.lost + (run.full - run.mass) * 0.5;
    let said = explained / (explained + doubt).max(0.01);
    let begins = run.tokens().start == 0;
    let least = match name {
        // 哈利波特4: the volumes have names of their own, and any of them is nearer than a title
        // that goes on with nothing.
        _ if rest.volume && begins && run.matched() >= 3 => 0.98,
        Some(_) => 0.62,
        None => 0.42,
    };
    let differences = f32::from(run.slips()) + 0.4 * f32::from(run.near);
    let slips = 0.25 * differences / (title.len() as f32).max(3.0);
    let mut score = said * (least + (1.0 - least) * cover.best) * (1.0 - slips).max(0.3);
    if is_whole && !rest.volume {
        score += 0.1 * (1.0 - score);
    } else if begins {
        score += 0.01;
    }
    let telling = run.telling + name_mass > 0.2 * run.full || title.len() == terms.len();
    if !telling {
        score *= 0.5;
    }
    let answer = Answer { run, cover, said, name: name.as_ref(), rest: &rest };
    let sure = telling && !rest.service && answer.is_sure(terms);
    let service = rest.service && !(is_whole && run.matched() >= 3 && is_piece(&title, terms));
    Judgement { score, sure, whole: is_whole, service }
}

/// A run with the one character at an end of the message that stands where another one stands in
/// the title: a slip there is no different from one in the middle.
fn to_the_ends(mut run: Run, terms: &[Term], book: &Subject) -> Run {
    let (said, there) = (run.terms(), run.tokens());
    let begins = there.start == 1 && said.start == 1;
    let ends = there.end + 1 == book.own && said.end + 1 == terms.len();
    if run.matched() < 2 {
        return run;
    }
    if let (true, Some(first)) = (begins, terms.first()) {
        run = run.with_wrong(first, false);
    } else if let (true, Some(last)) = (ends, terms.last().filter(|last| last.cost > 0.5)) {
        run = run.with_wrong(last, true);
    }
    run
}

/// Whether a stretch is all that stands between two blanks or marks.
fn is_piece(stretch: &Range<usize>, terms: &[Term]) -> bool {
    let begins =
        |at: usize| at == 0 || terms.get(at).is_none_or(|term| term.before >= Break::Blank);
    begins(stretch.start) && begins(stretch.end)
}

/// 密码忘了 is no question for 水的密码, nor is 续借 one for a title that sounds so.
fn asks_for_service(run: &Run, is_whole: bool, terms: &[Term]) -> bool {
    let title = run.terms();
    let inside = terms.get(title.clone()).unwrap_or_default();
    if title.len() == terms.len() && is_whole
        || !inside.iter().any(|term| term.says == Says::Service)
    {
        return false;
    }
    let nothing_else = inside.iter().all(|term| term.says != Says::Much);
    nothing_else || !run.is_clean() && run.matched() < 4
}

/// All that tells whether a book is what was asked for.
struct Answer<'a> {
    run: Run,
    cover: Coverage,
    /// How much of the message is explained.
    said: f32,
    name: Option<&'a Named>,
    rest: &'a Rest,
}

impl Answer<'_> {
    /// Whether there is no doubt.
    fn is_sure(&self, terms: &[Term]) -> bool {
        if self.run.is_clean() { self.is_sure_of_exact(terms) } else { self.is_sure_of_near(terms) }
    }

    fn is_sure_of_exact(&self, terms: &[Term]) -> bool {
        let (matched, cover) = (self.run.matched(), self.cover.best);
        let whole = cover > 0.85;
        let begins = self.run.tokens().start == 0 && matched >= 3 && cover > 0.25;
        let enough = whole && matched >= 1
            || matched >= 2 && (cover > 0.45 || self.is_named())
            || matched >= 4
            || begins
            || matched >= 1 && terms.get(self.run.terms().start).is_some_and(|term| term.word);
        // 明白了 says no more of 活得明白 than of anything: two characters beside talk are a title
        // or nothing.
        let beside_talk = self.run.terms().len() < terms.len() && self.name.is_none();
        let inside = terms.get(self.run.terms()).unwrap_or_default();
        let telling = inside.iter().filter(|term| term.cost > 0.5).count();
        let enough = enough && (telling >= 3 || whole || !beside_talk);
        if self.said > 0.9 && enough {
            return true;
        }
        // The whole title, and something that was not foreseen beside it.
        let least = match matched {
            0 | 1 => 1.0,
            2 => 0.85,
            3 => 0.7,
            _ => 0.5,
        };
        let foreseen = self.rest.frames || matched >= 4;
        let whole = self.cover.own > 0.95;
        whole && foreseen && self.said > least && stands_apart(&self.run, terms)
    }

    fn is_sure_of_near(&self, terms: &[Term]) -> bool {
        let (run, cover) = (&self.run, self.cover.best);
        let whole = cover > 0.85;
        let dropped = run.missing == run.slips() && run.slips() <= 2 && cover > 0.75;
        let alike =
            run.wrong == 0 && run.near <= 1 + run.matched() / 5 && (run.slips() <= 1 || dropped);
        if !alike || self.said < 0.88 {
            return false;
        }
        let differences = run.slips() + run.near;
        let inside = terms.get(run.terms()).unwrap_or_default();
        let words = inside.len() >= 2 && inside.iter().all(|term| term.word);
        let all = inside.len() == terms.len();
        words && differences == 1 && whole
            || run.exact >= 3 && (whole || dropped && run.near == 0 && run.exact >= 4)
            || run.exact >= 2 && differences == 1 && cover > 0.9 && (all || run.swapped == 0)
            || self.is_named() && run.exact >= 1 && whole
            || run.exact >= 6 && cover > 0.6
    }

    fn is_named(&self) -> bool {
        self.name.is_some_and(|name| name.exact || name.matched >= 2)
    }
}

/// Whether a title ends where the words of a frame, or marks, begin, on both sides: 百年孤独 does
/// not stand apart in 百年孤独症, nor 一句顶一万句 in 一句顶一万句的秘密.
fn stands_apart(run: &Run, terms: &[Term]) -> bool {
    let range = run.terms();
    let asks = |term: &Term| matches!(term.says, Says::Nothing | Says::Little);
    let before = range.start.checked_sub(1).and_then(|at| terms.get(at));
    let first = terms.get(range.start);
    let begins = before.is_none_or(asks) || first.is_some_and(|term| term.before >= Break::Blank);
    let Some(next) = terms.get(range.end) else { return begins };
    let next_char = next.codes.first().and_then(|(code, _)| char::from_u32(*code));
    let goes_on = next_char.is_some_and(|c| "的与和之及跟".contains(c))
        && terms.iter().skip(range.end + 1).any(|term| !asks(term));
    begins && (next.before >= Break::Blank || asks(next) && !goes_on)
}

/// Judges a book by its authors alone.
pub fn judge_author(terms: &[Term], book: &Subject) -> Judgement {
    judge_people(terms, book.names.get(..book.authors).unwrap_or_default(), Asked::Only)
}

fn judge_people(terms: &[Term], names: &[Tokens], asked: Asked) -> Judgement {
    let Some(name) = named(terms, 0..terms.len(), names, asked) else {
        return Judgement::default();
    };
    let rest = rest(terms, &[&name.terms], names);
    let said = name.mass / (name.mass + rest.weight).max(0.01);
    let kind = match (name.exact, name.full) {
        (true, true) => 0.98,
        (true, false) => 0.95,
        _ => 0.7,
    };
    let long = name.matched >= 3;
    let sure = said > 0.93
        && !rest.service
        && (name.exact && (name.full || long || name.matched >= 2 || asked == Asked::Only) || long);
    let telling =
        terms.get(name.terms.clone()).is_some_and(|terms| terms.iter().any(|term| term.cost > 0.5));
    Judgement { score: kind * said, sure: sure && telling, whole: false, service: rest.service }
}
