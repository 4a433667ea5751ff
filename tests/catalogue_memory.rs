//! The memory within its bounds. Every clock is passed in; nothing sleeps.

use std::sync::Arc;

use doumibook::catalogue::Query;
use doumibook::catalogue::book::{Book, Source};
use doumibook::catalogue::memory::{FOUND_FOR, Memory, NOT_FOUND_FOR, Origin, Remembered};

/// Some moment in 2026.
const NOON: u64 = 1_790_000_000;
const ROOM: usize = 4 << 20;

fn words(text: &str) -> Query {
    Query::words(text).unwrap()
}

fn book(source: Source, title: &str) -> Book {
    Book { title: title.to_owned(), source, ..Book::default() }
}

fn found(title: &str) -> Arc<[Book]> {
    [book(Source::Douban, title)].into()
}

fn miss() -> Arc<[Book]> {
    Arc::default()
}

#[test]
fn a_hundred_thousand_questions_stay_in_the_bound() {
    let mut memory = Memory::new(ROOM, Vec::new());
    for n in 0..100_000u32 {
        let query = words(&format!("第{n}个问题"));
        let mut books =
            vec![book(Source::Douban, &"书".repeat(n as usize % 50 + 1)); n as usize % 4];
        books.iter_mut().for_each(|book| book.authors = vec!["刘慈欣".to_owned(); 2]);
        memory.keep(&query, books.into(), NOON);
        assert!(memory.bytes() <= ROOM, "at question {n}: {} bytes", memory.bytes());
        assert!(memory.recall(&query, NOON).is_some(), "the newest is kept, at question {n}");
    }
    // 4 MiB of these: fewer would mean that room is wasted, more that it is not counted.
    assert!((1_000..10_000).contains(&memory.len()), "{}", memory.len());
    assert!(memory.bytes() > ROOM * 9 / 10, "{} bytes", memory.bytes());
}

#[test]
fn an_answer_larger_than_the_bound_is_not_kept_and_pushes_nobody_out() {
    let mut memory = Memory::new(4096, Vec::new());
    memory.keep(&words("small"), miss(), NOON);
    memory.keep(&words("large"), found(&"x".repeat(5000)), NOON);
    assert!(memory.recall(&words("small"), NOON).is_some());
    assert!(memory.recall(&words("large"), NOON).is_none());
    assert_eq!(Memory::new(0, Vec::new()).len(), 0);
}

#[test]
#[rustfmt::skip]
fn how_long_an_answer_holds() {
    const DAY: u64 = FOUND_FOR;
    const HOUR: u64 = NOT_FOUND_FOR;
    // The wall clock may be set back: NOON - n is then "now", and NOON lies in the future.
    for (row, books, now, fresh, last_resort) in [
        ("found, at once",            found("三体"), NOON,            true,  true),
        ("found, a second less",      found("三体"), NOON + DAY - 1,  true,  true),
        ("found, a day later",        found("三体"), NOON + DAY,      false, true),
        ("found, a year later",       found("三体"), NOON + 365 * DAY, false, true),
        ("missed, at once",           miss(),        NOON,            true,  false),
        ("missed, a second less",     miss(),        NOON + HOUR - 1, true,  false),
        ("missed, an hour later",     miss(),        NOON + HOUR,     false, false),
        ("found, clock a second back", found("三体"), NOON - 1,       false, true),
        ("found, clock at 1970",      found("三体"), 0,               false, true),
        ("missed, clock at 1970",     miss(),        0,               false, false),
        ("found, clock at its end",   found("三体"), u64::MAX,        false, true),
    ] {
        let mut memory = Memory::new(ROOM, Vec::new());
        memory.keep(&words("三体"), books.clone(), NOON);
        assert_eq!(memory.recall(&words("三体"), now), fresh.then(|| books.clone()), "{row}");
        assert_eq!(memory.last_resort(&words("三体")), last_resort.then_some(books), "{row}");
        assert_eq!(memory.recall(&words("球状闪电"), now), None, "{row}");
    }
}

#[test]
fn who_has_to_go() {
    let one = {
        let mut memory = Memory::new(ROOM, Vec::new());
        memory.keep(&words("a"), found("一"), NOON);
        memory.bytes()
    };
    type Step = fn(&mut Memory);
    let rows: [(&str, Step, &str); 5] = [
        ("the oldest", |_| (), "bcd"),
        ("not what was recalled", |m| drop(m.recall(&words("a"), NOON)), "acd"),
        ("nor what was a last resort", |m| drop(m.last_resort(&words("a"))), "acd"),
        ("not what was found anew", |m| m.keep(&words("a"), found("一"), NOON), "acd"),
        ("but what was asked for too late", |m| drop(m.recall(&words("a"), NOON * 2)), "bcd"),
    ];
    for (row, step, left) in rows {
        let mut memory = Memory::new(one * 3 + one / 2, Vec::new());
        for question in ["a", "b", "c"] {
            memory.keep(&words(question), found("一"), NOON);
        }
        step(&mut memory);
        memory.keep(&words("d"), found("一"), NOON);
        let kept = ["a", "b", "c", "d"].map(|q| memory.last_resort(&words(q)).map_or("", |_| q));
        assert_eq!(kept.concat(), left, "{row}");
    }
}

#[test]
fn what_came_in_during_a_save_is_still_unsaved() {
    let mut memory = Memory::new(ROOM, Vec::new());
    memory.keep(&words("before"), miss(), NOON);
    let snapshot = memory.snapshot();
    memory.keep(&words("meanwhile"), miss(), NOON);
    memory.mark_saved(snapshot.changes);
    assert!(memory.changed_since_save());
    memory.mark_saved(memory.snapshot().changes);
    memory.recall(&words("before"), NOON);
    assert!(!memory.changed_since_save(), "recalling changes nothing");
}

#[test]
fn a_shelf_that_is_read_anew_takes_its_answers_and_later_misses_with_it() {
    let origins = [Source::Interlib, Source::Shelf, Source::NeoDb];
    let origins: Vec<_> = origins.into_iter().map(|source| Origin { source, print: 1 }).collect();
    let mut memory = Memory::new(1 << 20, origins);
    let named = |title: &str, source| -> Arc<[Book]> {
        vec![Book { title: title.into(), source, ..Book::default() }].into()
    };
    let query = |words: &str| Query::words(words).unwrap();
    memory.keep(&query("library"), named("a", Source::Interlib), NOON);
    memory.keep(&query("shelf"), named("b", Source::Shelf), NOON);
    memory.keep(&query("other"), named("c", Source::NeoDb), NOON);
    memory.keep(&query("none"), Arc::default(), NOON);
    memory.mark_saved(memory.snapshot().changes);
    let before = memory.renewals();
    memory.renew(Origin { source: Source::Shelf, print: 2 }, &[Source::Interlib]);
    assert!(memory.changed_since_save());
    let recalled =
        ["library", "shelf", "other", "none"].map(|w| memory.recall(&query(w), NOON + 10));
    assert_eq!(recalled.map(|books| books.is_some()), [true, false, false, false]);
    // From elsewhere they are the last resort; of the shelf nothing is.
    assert!(memory.last_resort(&query("other")).is_some());
    assert!(memory.last_resort(&query("shelf")).is_none());
    assert_eq!(memory.len(), 2);
    assert_eq!(memory.snapshot().origins[1].print, 2);
    // What was asked before, and is answered only now.
    memory.remember_since(Remembered::new(&query("late"), Arc::default(), NOON + 10), before);
    assert!(memory.recall(&query("late"), NOON + 10).is_none());
}
