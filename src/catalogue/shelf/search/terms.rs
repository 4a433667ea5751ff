//! A message as terms: each a token and what else may have been meant by it.
//!
//! In: a message and the shelf's tokens. Out: the ways to read it, as it stands and with its
//! Latin runs as pinyin, each a list of [`Term`]s. At most [`WAYS`] ways of at most
//! [`super::tokens::LONGEST`] terms.

use super::postings::Postings;
use super::sounds;
use super::term::Term;
use super::tokens::{self, Break, Token, Tokens};
use crate::catalogue::reading::{self, Says};

/// Ways to read one message.
const WAYS: usize = 4;
/// Tokens of the name of a house.
const HOUSE: usize = 12;
/// A word of fewer books may be a slip for another one.
const RARE: u32 = 20;
/// Letters from which on a word that the shelf does not know may have a slip.
const SLIPS_FROM: usize = 3;

/// The ways to read a message, as it stands first.
pub fn ways(message: &str, postings: &Postings) -> Vec<Vec<Term>> {
    let tokens = Tokens::read(message);
    let says = said(&tokens);
    let plain =
        tokens.list.iter().zip(&says).map(|(token, says)| term(token, &tokens, *says, postings));
    let plain: Vec<Term> = plain.collect();
    let mut ways = vec![plain];
    for split in 0..WAYS - 1 {
        match as_pinyin(&tokens, &says, split, postings) {
            Some(way) => ways.push(way),
            None => break,
        }
    }
    if let Some(way) = words_apart(&tokens, &says, postings) {
        ways.push(way);
    }
    ways.truncate(WAYS);
    ways
}

/// The publishing house that stands at an end of a message or of what is between two marks, as a
/// term for the first pass: 译林出版社的…, … 商务印书馆, 译林版….
pub fn house(terms: &[Term], postings: &Postings) -> Option<Term> {
    let begins =
        |at: usize| terms.get(at).is_none_or(|term| at == 0 || term.before >= Break::Blank);
    let starts = (0..terms.len()).filter(|&at| begins(at));
    let stretches = starts.flat_map(|from| {
        (from + 2..=terms.len().min(from + HOUSE)).rev().map(move |to| (from, to))
    });
    // A message has a few starts only, or it is no message.
    for (from, to) in stretches.take(8 * HOUSE) {
        let behind = terms.get(to).and_then(Term::char);
        if !begins(to) && !behind.is_some_and(|c| matches!(c, '的' | '版' | '出')) {
            continue;
        }
        let name: String = terms.get(from..to)?.iter().filter_map(Term::char).collect();
        let code = tokens::house_code(&name).filter(|_| name.chars().count() == to - from);
        let Some(code) = code.filter(|&code| postings.count(code) > 1) else { continue };
        return Some(Term::new(vec![(code, 1.0)], 0.6, Says::Much, Break::Strong));
    }
    None
}

/// What each token says.
fn said(tokens: &Tokens) -> Vec<Says> {
    let mut all = Vec::with_capacity(tokens.list.len());
    // A phrase does not go on behind a blank: each stretch is read by itself.
    let mut from = 0;
    for at in 1..=tokens.list.len() {
        let ends = tokens.list.get(at).is_none_or(|token| token.before >= Break::Blank);
        if ends {
            let stretch: Vec<char> = tokens
                .list
                .get(from..at)
                .unwrap_or_default()
                .iter()
                .map(|token| token.char().unwrap_or('\u{fffd}'))
                .collect();
            all.extend(reading::says(&stretch));
            from = at;
        }
    }
    for (token, says) in tokens.list.iter().zip(&mut all) {
        if token.is_word() {
            *says = reading::word_says(tokens.word(token));
        }
    }
    all
}

fn term(token: &Token, tokens: &Tokens, says: Says, postings: &Postings) -> Term {
    let count = postings.count(token.code);
    // A character that the shelf does not know is a slip rather than what matters most.
    let weight = if count == 0 && token.char().is_some() { 0.5 } else { postings.weight(count) };
    let mut codes = vec![(token.code, sounds::SAME)];
    if let Some(c) = token.char() {
        codes.extend(sounds::meant_by(c).into_iter().map(|(c, likeness)| (c as u32, likeness)));
        if let Some(number) = tokens::numeral(c) {
            codes.push((tokens::number_code(number), 0.9));
        }
    } else if token.is_number() {
        let number = tokens
            .word(token)
            .parse()
            .ok()
            .and_then(|number| "零一二三四五六七八九十".chars().nth(number));
        codes.extend(number.map(|c| (c as u32, 0.9)));
    } else if token.is_word() && postings.count(token.code) < RARE {
        codes.extend(slips(tokens.word(token), postings));
    }
    let word = token.is_word() && tokens.word(token).len() >= 3;
    let volume = token.is_number() && tokens.word(token).len() <= 2;
    Term { word, volume, ..Term::new(codes, weight, says, token.before) }
}

/// The shelf's words that differ from this one by a single slip.
fn slips(word: &str, postings: &Postings) -> Vec<(u32, f32)> {
    if word.len() < SLIPS_FROM || !word.is_ascii() {
        return Vec::new();
    }
    // A short word is like many others.
    let likeness = if word.len() < 4 { 0.7 } else { 0.75 };
    let alike = postings
        .words()
        .filter(|other| *other != word && one_slip(word.as_bytes(), other.as_bytes()));
    alike.take(8).map(|other| (tokens::word_code(other), likeness)).collect()
}

/// Whether one letter was changed, dropped, added, or swapped with the next.
fn one_slip(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() + 1 < long.len() {
        return false;
    }
    let same = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let (Some(short), Some(long)) = (short.get(same..), long.get(same..)) else { return false };
    if short.len() < long.len() {
        return long.get(1..) == Some(short);
    }
    let swapped =
        matches!((short, long), ([a, b, x @ ..], [c, d, y @ ..]) if a == d && b == c && x == y);
    short.get(1..) == long.get(1..) || swapped
}

/// The message with its Latin words as syllables, in the `split`th way to split them.
fn as_pinyin(
    tokens: &Tokens,
    says: &[Says],
    split: usize,
    postings: &Postings,
) -> Option<Vec<Term>> {
    let (mut terms, mut any, mut anew) = (Vec::new(), false, split == 0);
    for (token, says) in tokens.list.iter().zip(says) {
        if !token.is_word() {
            terms.push(term(token, tokens, *says, postings));
            continue;
        }
        let word = tokens.word(token);
        let set = word.strip_suffix("quanji").filter(|rest| !rest.is_empty());
        let ways = sounds::syllables(set.unwrap_or(word), split + 1);
        anew |= ways.len() > split;
        let way = ways.get(split).or(ways.last())?;
        any = true;
        for (place, &syllable) in way.iter().enumerate() {
            let before = if place == 0 { token.before } else { Break::None };
            terms.push(syllable_term(syllable, before, postings));
        }
        if set.is_some() {
            let weight = postings.weight(postings.count(tokens::ALL));
            terms.push(Term::new(vec![(tokens::ALL, 1.0)], weight, Says::Much, Break::None));
        }
    }
    terms.truncate(tokens::LONGEST);
    (any && anew).then_some(terms)
}

fn syllable_term(syllable: u16, before: Break, postings: &Postings) -> Term {
    let mut codes: Vec<(u32, f32)> =
        sounds::typed_as(syllable).into_iter().map(|(c, likeness)| (c as u32, likeness)).collect();
    // The common ones first, so that they are walked while there is room.
    codes.sort_by(|a, b| b.1.total_cmp(&a.1));
    let exact = codes.iter().filter(|(_, likeness)| *likeness > 0.95);
    let count: u32 = exact.map(|(code, _)| postings.count(*code)).sum();
    Term { typed: true, ..Term::new(codes, postings.weight(count / 2), Says::Much, before) }
}

/// The message with a Latin word that the shelf does not know as two that it knows.
fn words_apart(tokens: &Tokens, says: &[Says], postings: &Postings) -> Option<Vec<Term>> {
    let (mut terms, mut any) = (Vec::new(), false);
    for (token, says) in tokens.list.iter().zip(says) {
        let word = tokens.word(token);
        let apart = if token.is_word() && postings.count(token.code) == 0 {
            two_words(word, postings)
        } else {
            None
        };
        let Some((one, two)) = apart else {
            terms.push(term(token, tokens, *says, postings));
            continue;
        };
        any = true;
        for (word, before) in [(one, token.before), (two, Break::Dot)] {
            let code = tokens::word_code(word);
            terms.push(Term::new(
                vec![(code, 0.97)],
                postings.weight(postings.count(code)),
                Says::Much,
                before,
            ));
        }
    }
    any.then_some(terms)
}

fn two_words<'a>(word: &'a str, postings: &Postings) -> Option<(&'a str, &'a str)> {
    let splits = (3..word.len().saturating_sub(2)).filter_map(|at| word.split_at_checked(at));
    let known = splits.map(|(one, two)| {
        let rarer =
            postings.count(tokens::word_code(one)).min(postings.count(tokens::word_code(two)));
        (rarer, one, two)
    });
    known.filter(|known| known.0 > 0).max_by_key(|known| known.0).map(|(_, one, two)| (one, two))
}
