//! The order in which books are shown.
//!
//! In: judged books, and their texts. Out: their numbers: the best first, editions of one title
//! by one author side by side, the best known of them first.

use std::collections::HashMap;

use super::Judged;
use super::subject::Texts;
use super::tokens::Tokens;

/// Editions shown of a work that was not asked for by its whole title.
const EDITIONS: usize = 2;

/// Each book once, with the best that was said of it, best first.
pub(super) fn best_of_each_book(mut judged: Vec<Judged>) -> Vec<Judged> {
    judged.sort_by(|a, b| a.book.cmp(&b.book).then(b.rank.total_cmp(&a.rank)));
    judged.dedup_by_key(|judged| judged.book);
    judged.sort_by(|a, b| b.rank.total_cmp(&a.rank).then(a.book.cmp(&b.book)));
    judged
}

/// What editions of one work have in common: the title; and who wrote it, where that is known.
type Work = (Vec<u32>, Vec<u32>);

fn work(texts: &Texts<'_>) -> Work {
    let codes = |text: &str| Tokens::read(text).list.iter().map(|token| token.code).collect();
    (codes(texts.title), texts.names().next().map(codes).unwrap_or_default())
}

/// The books by work, in the order in which the best of each stands; an edition without an author
/// goes with the first work of its title.
fn by_work<'a>(judged: &[Judged], texts: &impl Fn(u32) -> Texts<'a>) -> Vec<Vec<Judged>> {
    let mut works: Vec<Vec<Judged>> = Vec::new();
    let mut places: HashMap<Work, usize> = HashMap::new();
    for &one in judged {
        let (title, name) = work(&texts(one.book));
        let nameless = (title.clone(), Vec::new());
        let place = places.get(&(title.clone(), name.clone())).or_else(|| {
            if name.is_empty() {
                places.iter().find(|((other, _), _)| *other == title).map(|(_, place)| place)
            } else {
                None
            }
        });
        let place = match place {
            Some(&place) => place,
            None => {
                works.push(Vec::new());
                works.len() - 1
            }
        };
        places.entry((title, name)).or_insert(place);
        places.entry(nameless).or_insert(place);
        if let Some(editions) = works.get_mut(place) {
            editions.push(one);
        }
    }
    works
}

/// At most `most` books, editions side by side.
pub(super) fn editions_together<'a>(
    judged: &[Judged],
    texts: &impl Fn(u32) -> Texts<'a>,
    most: usize,
) -> Vec<u32> {
    let works = by_work(judged, texts);
    let several = works.len() > 1;
    let shown = works.iter().flat_map(|editions| {
        let whole = editions.first().is_some_and(|first| first.judgement.whole);
        let most = if several && !whole { EDITIONS } else { editions.len() };
        editions.iter().take(most)
    });
    shown.map(|judged| judged.book).take(most).collect()
}

/// The best known edition of each of `most` works.
pub(super) fn one_of_each_work<'a>(
    judged: &[Judged],
    texts: &impl Fn(u32) -> Texts<'a>,
    most: usize,
) -> Vec<u32> {
    // More than a few candidates are never shown, however they are grouped.
    let some = judged.get(..judged.len().min(most * 8)).unwrap_or_default();
    let works = by_work(some, texts);
    works
        .iter()
        .filter_map(|editions| editions.first())
        .map(|judged| judged.book)
        .take(most)
        .collect()
}
