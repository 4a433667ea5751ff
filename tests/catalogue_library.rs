//! The sources together: verdicts, shares of time, remembered answers. The clocks stand still
//! unless a source in the test moves them, so a source that hangs costs the test nothing.

mod actors;

use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actors::{Actor, Does, Hands};
use doumibook::catalogue::book::{Book, Holding, Source};
use doumibook::catalogue::guard::BreakerState;
use doumibook::catalogue::library::{Clock, Guarded};
use doumibook::catalogue::memory::{FOUND_FOR, Memory};
use doumibook::catalogue::{
    Answer, Catalogue, Library, Outcome, Query, Reason, SourceEvent, SourceReport, Verdict, douban,
    neodb,
};
use doumibook::sys::http::{BaseUrl, Page};

fn books(source: Source) -> Outcome {
    Outcome::Found(vec![Book { title: "三体".to_owned(), source, ..Book::default() }])
}

fn limited(seconds: Option<u64>) -> Outcome {
    let retry_after = seconds.map(Duration::from_secs);
    Outcome::Limited { retry_after, reason: Reason::new("code 112") }
}

fn refused() -> Outcome {
    Outcome::Operator(Reason::new("code 104"))
}

fn down() -> Outcome {
    Outcome::Down(Reason::new("timed out"))
}

fn query() -> Query {
    Query::words("三体").unwrap()
}

/// A library on hands that stand at zero.
fn library(hands: &Hands, actors: &[&Actor]) -> Library {
    let sources = actors.iter().map(|actor| actor.guarded()).collect();
    Library::with_clock(sources, Memory::new(1 << 20, Vec::new()), Box::new(hands.clone()))
}

fn find(library: &Library, hands: &Hands) -> Answer {
    library.find(&query(), hands.now() + Duration::from_secs(12))
}

/// Another question.
fn find_other(library: &Library, hands: &Hands, words: &str) -> Answer {
    library.find(&Query::words(words).unwrap(), hands.now() + Duration::from_secs(12))
}

fn lines(reports: &[SourceReport]) -> Vec<String> {
    reports.iter().map(SourceReport::to_string).collect()
}

const ORDER: [Source; 3] = [Source::Douban, Source::NeoDb, Source::Shelf];

/// One letter, one outcome; `r` a source that rests after being limited, `x` after refusals, `t`
/// after failures.
fn outcome(letter: char, source: Source) -> Outcome {
    match letter {
        'f' => books(source),
        'n' => Outcome::NotFound,
        'u' => Outcome::Unasked,
        'l' | 'r' => limited(None),
        'o' | 'x' => refused(),
        _ => down(),
    }
}

/// Puts sources to rest where the letters say so, then asks the question.
fn ask(letters: &str) -> (Answer, Vec<usize>) {
    let hands = Hands::new();
    let actors: Vec<_> = ORDER
        .into_iter()
        .zip(letters.chars())
        .map(|(source, letter)| Actor::new(source, &hands, [Does::Say(outcome(letter, source))]))
        .collect();
    let library = library(&hands, &actors.iter().collect::<Vec<_>>());
    let mut before = [0; 3];
    if letters.contains(['r', 'x', 't']) {
        let other = |n| Query::words(&format!("球状闪电 {n}")).unwrap();
        (0..3).for_each(|n| drop(library.find(&other(n), hands.at(12_000))));
        before = [0, 1, 2].map(|n| actors.get(n).map_or(0, Actor::asked));
    }
    let answer = find(&library, &hands);
    (answer, actors.iter().zip(before).map(|(actor, before)| actor.asked() - before).collect())
}

#[test]
fn a_saver_sleeps_until_something_was_learned() {
    let hands = Hands::new();
    let library =
        library(&hands, &[&Actor::new(Source::Douban, &hands, [Does::Say(books(Source::Douban))])]);
    let (woken, wakes) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            library.wait_until_changed();
            woken.send(library.changed_since_save()).unwrap();
        });
        assert!(wakes.try_recv().is_err(), "nothing was learned yet");
        find(&library, &hands);
        assert_eq!(wakes.recv_timeout(Duration::from_secs(30)), Ok(true));
    });
}

#[test]
#[rustfmt::skip]
fn what_the_sources_mean_together() {
    use Verdict::{Busy, Found, NotFound, Trouble, Unasked};
    for (letters, verdict, source, asked, reports) in [
        ("f",   Found,    Some(Source::Douban), vec![1],       "douban: 1 found in 0 ms"),
        ("nf",  Found,    Some(Source::NeoDb),  vec![1, 1],    "douban: not found in 0 ms | neodb: 1 found in 0 ms"),
        ("fff", Found,    Some(Source::Douban), vec![1, 0, 0], "douban: 1 found in 0 ms"),
        ("ldf", Found,    Some(Source::Shelf),  vec![1, 1, 1], "douban: limits us, after 0 ms: code 112 | douban: rests for 15 s | neodb: failed after 0 ms: timed out | shelf: 1 found in 0 ms"),
        ("rnf", Found,    Some(Source::Shelf),  vec![0, 1, 1], "douban: not asked, rests because it limited us | neodb: not found in 0 ms | shelf: 1 found in 0 ms"),
        ("nnn", NotFound, None,                 vec![1, 1, 1], "douban: not found in 0 ms | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("nuu", NotFound, None,                 vec![1, 1, 1], "douban: not found in 0 ms | neodb: cannot know | shelf: cannot know"),
        ("uuu", Unasked,  None,                 vec![1, 1, 1], "douban: cannot know | neodb: cannot know | shelf: cannot know"),
        ("lnn", Busy,     None,                 vec![1, 1, 1], "douban: limits us, after 0 ms: code 112 | douban: rests for 15 s | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("rnn", Busy,     None,                 vec![0, 1, 1], "douban: not asked, rests because it limited us | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("lon", Busy,     None,                 vec![1, 1, 1], "douban: limits us, after 0 ms: code 112 | douban: rests for 15 s | neodb: refuses us, after 0 ms: code 104 | shelf: not found in 0 ms"),
        ("onn", Trouble,  None,                 vec![1, 1, 1], "douban: refuses us, after 0 ms: code 104 | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("ndn", Trouble,  None,                 vec![1, 1, 1], "douban: not found in 0 ms | neodb: failed after 0 ms: timed out | shelf: not found in 0 ms"),
        ("xnn", Trouble,  None,                 vec![0, 1, 1], "douban: not asked, rests because it refused us | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("tnn", Trouble,  None,                 vec![0, 1, 1], "douban: not asked, rests because it failed | neodb: not found in 0 ms | shelf: not found in 0 ms"),
        ("xrn", Busy,     None,                 vec![0, 0, 1], "douban: not asked, rests because it refused us | neodb: not asked, rests because it limited us | shelf: not found in 0 ms"),
        ("",    Trouble,  None,                 vec![],        ""),
    ] {
        let (answer, times) = ask(letters);
        assert_eq!(answer.verdict, verdict, "{letters}");
        assert_eq!(answer.source, source, "{letters}");
        assert_eq!(answer.books.is_empty(), verdict != Found, "{letters}");
        assert_eq!(times, asked, "{letters}");
        assert_eq!(lines(&answer.reports).join(" | "), reports, "{letters}");
        assert!(!answer.stale && !answer.remembered, "{letters}");
    }
}

#[test]
fn not_found_needs_every_source_that_could_know() {
    for a in "fnulod".chars() {
        for b in "fnulod".chars() {
            for c in "fnulod".chars() {
                let letters = String::from_iter([a, b, c]);
                let verdict = ask(&letters).0.verdict;
                let nobody_failed = letters.chars().all(|letter| "nu".contains(letter));
                let nobody_knows = letters == "uuu";
                assert_eq!(verdict == Verdict::Found, letters.contains('f'), "{letters}");
                assert_eq!(
                    verdict == Verdict::NotFound,
                    nobody_failed && !nobody_knows,
                    "{letters}"
                );
                assert_eq!(verdict == Verdict::Unasked, nobody_knows, "{letters}");
            }
        }
    }
}

#[test]
#[rustfmt::skip]
fn no_source_eats_the_time_of_those_behind_it() {
    use Does::{Hang, Say, Take};
    use Outcome::NotFound;
    // Shares in milliseconds; 0 when a source was not asked.
    for (row, does, deadline, shares) in [
        ("both hang",           [Hang, Hang, Say(NotFound)],                      12_000, [6000, 6000, 250]),
        ("the first answers",   [Say(NotFound), Hang, Say(NotFound)],             12_000, [6000, 12_000, 250]),
        ("the first is slow",   [Take(3000, NotFound), Hang, Say(NotFound)],      12_000, [6000, 9000, 250]),
        ("the first overruns",  [Take(11_000, NotFound), Hang, Say(NotFound)],    12_000, [6000, 1000, 250]),
        ("little time",         [Hang, Hang, Say(NotFound)],                      600,    [300, 300, 250]),
        ("too little for both", [Hang, Hang, Say(NotFound)],                      400,    [250, 0, 250]),
        ("none left",           [Hang, Hang, Say(NotFound)],                      0,      [0, 0, 250]),
        ("the second limits",   [Hang, Say(limited(None)), Say(NotFound)],        12_000, [6000, 6000, 6000]),
    ] {
        let hands = Hands::new();
        let actors: Vec<_> = ORDER.into_iter().zip(does).map(|(s, d)| Actor::new(s, &hands, [d])).collect();
        let library = library(&hands, &actors.iter().collect::<Vec<_>>());
        let mut given = Vec::new();
        let answer = library.find(&query(), hands.at(deadline));
        // What a source was given is its deadline less the time that those before it took.
        let mut spent = 0;
        for actor in &actors {
            let note = answer.reports.iter().find(|note| note.source == actor.source).unwrap();
            let until = actor.untils.lock().unwrap().first().copied();
            let share = until.map_or(0, |until| (until - hands.at(spent)).as_millis() as u64);
            assert_eq!(note.event == SourceEvent::NoTime, until.is_none(), "{row}");
            given.push(share);
            spent += note.millis;
        }
        assert_eq!(given, shares, "{row}");
        assert_ne!(answer.verdict, Verdict::NotFound, "{row}");
    }
}

#[test]
fn a_resting_source_is_neither_asked_nor_given_time() {
    let hands = Hands::new();
    let hung = Actor::new(Source::Douban, &hands, [Does::Hang]);
    let resting = Actor::new(Source::NeoDb, &hands, [Does::Say(limited(Some(120)))]);
    let library = library(&hands, &[&hung, &resting]);
    find(&library, &hands);
    let start = hands.now();
    let answer = find_other(&library, &hands, "球状闪电");
    assert_eq!(hung.untils.lock().unwrap()[1] - start, Duration::from_secs(12));
    assert_eq!((hung.asked(), resting.asked()), (2, 1));
    assert_eq!(answer.verdict, Verdict::Busy);
    // After the third time-out neither is asked, and the answer costs no time at all.
    find_other(&library, &hands, "流浪地球");
    let start = hands.now();
    assert_eq!(find(&library, &hands).verdict, Verdict::Busy);
    assert_eq!((hands.now(), hung.asked(), resting.asked()), (start, 3, 1));
    assert!(matches!(
        library.states()[..],
        [
            (Source::Douban, BreakerState::Resting { .. }),
            (Source::NeoDb, BreakerState::Resting { .. })
        ]
    ));
    hands.advance(15_000);
    assert!(matches!(
        library.states()[..],
        [(Source::Douban, BreakerState::Probing), (Source::NeoDb, BreakerState::Resting { .. })]
    ));
    find(&library, &hands);
    assert_eq!((hung.asked(), resting.asked()), (4, 1), "the probe, and only that");
}

#[test]
fn answers_are_remembered_and_failures_are_not() {
    for (letter, remembered) in
        [('f', true), ('n', true), ('u', false), ('l', false), ('o', false), ('d', false)]
    {
        let hands = Hands::new();
        let says = Does::Say(outcome(letter, Source::Shelf));
        let actor = Actor::new(Source::Shelf, &hands, [says]);
        let library = library(&hands, &[&actor]);
        assert!(library.recall(&query()).is_none(), "{letter}");
        let first = find(&library, &hands);
        let second = find(&library, &hands);
        assert_eq!(second.remembered, remembered, "{letter}");
        assert_eq!(second.verdict, first.verdict, "{letter}");
        assert_eq!(second.source, first.source, "{letter}");
        assert_eq!(actor.asked(), if remembered { 1 } else { 2 }, "{letter}");
        assert_eq!(library.recall(&query()).is_some(), remembered, "{letter}");
        assert_eq!(second.reports.is_empty(), remembered, "{letter}");
        assert_eq!(library.remembers().0, usize::from(remembered), "{letter}");
    }
}

#[test]
#[rustfmt::skip]
fn an_old_answer_is_better_than_none() {
    use Verdict::{Busy, Found, NotFound, Trouble};
    for (row, first, then, verdict, stale) in [
        ("found, then down",          'f', 'd', Found,    true),
        ("found, then limited",       'f', 'l', Found,    true),
        ("found, then refused",       'f', 'o', Found,    true),
        ("found, then found",         'f', 'f', Found,    false),
        ("found, then gone",          'f', 'n', NotFound, false),
        // What was missing an hour ago may be there now: that nobody could be asked is the truth.
        ("missed, then down",         'n', 'd', Trouble,  false),
        ("missed, then limited",      'n', 'l', Busy,     false),
    ] {
        let hands = Hands::new();
        let script = [first, then].map(|letter| Does::Say(outcome(letter, Source::NeoDb)));
        let library = library(&hands, &[&Actor::new(Source::NeoDb, &hands, script)]);
        find(&library, &hands);
        hands.advance(FOUND_FOR * 1000);
        assert!(library.recall(&query()).is_none(), "{row}");
        let answer = find(&library, &hands);
        assert_eq!((answer.verdict, answer.stale), (verdict, stale), "{row}");
        assert_eq!(answer.remembered, stale, "{row}");
        assert_eq!(answer.books.is_empty(), verdict != Found, "{row}");
        assert!(!answer.reports.is_empty(), "{row}: the log hears why");
    }
}

#[test]
fn a_saved_library_has_nothing_to_save() {
    let hands = Hands::new();
    let actor = Actor::new(Source::Shelf, &hands, [Does::Say(Outcome::NotFound)]);
    let library = library(&hands, &[&actor]);
    let path = std::env::temp_dir().join(format!("doumibook-{}-library", std::process::id()));
    assert!(!library.changed_since_save());
    find(&library, &hands);
    assert!(library.changed_since_save());
    assert!(library.save(&path.join("missing")).is_err());
    assert!(library.changed_since_save());
    library.save(&path).unwrap();
    assert!(!library.changed_since_save());
    find(&library, &hands);
    assert!(!library.changed_since_save(), "recalling changes nothing");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn past_the_budget_a_source_is_not_asked() {
    let hands = Hands::new();
    let actor =
        Actor::new(Source::NeoDb, &hands, [Does::Say(down()), Does::Say(Outcome::NotFound)]);
    let guarded = Guarded::new(Box::new(actor.clone()), NonZeroU32::new(1));
    let library =
        Library::with_clock(vec![guarded], Memory::new(1 << 20, vec![]), Box::new(hands.clone()));
    assert_eq!(find(&library, &hands).verdict, Verdict::Trouble);
    let answer = find(&library, &hands);
    assert_eq!((answer.verdict, actor.asked()), (Verdict::Busy, 1));
    assert_eq!(
        lines(&answer.reports),
        ["neodb: not asked, this minute's lookups are used up; if the source allows more, raise \
          DOUMIBOOK_NEODB_PER_MINUTE"]
    );
    hands.advance(60_000);
    assert_eq!(find(&library, &hands).verdict, Verdict::NotFound);
}

#[test]
fn the_log_says_once_what_to_do() {
    let page = Page { status: 403, body: br#"{"code":104}"#.to_vec(), ..Page::default() };
    for (source, outcome, expected) in [
        (
            Source::Douban,
            douban::read(&query(), &page),
            "douban: refuses us, after 0 ms: the key is missing or wrong (code 104); check \
             DOUMIBOOK_DOUBAN_KEY",
        ),
        (
            Source::NeoDb,
            neodb::read(&query(), &page, &BaseUrl::parse("https://neodb.social").unwrap()),
            "neodb: refuses us, after 0 ms: refused (HTTP 403); check DOUMIBOOK_NEODB_URL",
        ),
    ] {
        let hands = Hands::new();
        let library = library(&hands, &[&Actor::new(source, &hands, [Does::Say(outcome)])]);
        assert_eq!(lines(&find(&library, &hands).reports), [expected]);
    }
}

#[test]
fn a_panicking_source_leaves_the_library_usable() {
    struct Panics;
    impl Catalogue for Panics {
        fn source(&self) -> Source {
            Source::Douban
        }
        fn find(&self, _: &Query, _: Instant) -> Outcome {
            panic!("a bug")
        }
    }
    let memory = Memory::new(1 << 20, Vec::new());
    let library = Library::new(vec![Guarded::new(Box::new(Panics), None)], memory);
    let until = Instant::now() + Duration::from_secs(12);
    for _ in 0..2 {
        let lookup = std::panic::AssertUnwindSafe(|| library.find(&query(), until));
        assert!(std::panic::catch_unwind(lookup).is_err());
        assert!(library.recall(&query()).is_none());
    }
}

#[test]
fn no_lock_is_held_while_a_source_is_asked() {
    struct Waits(Mutex<(Sender<()>, Receiver<()>)>);
    impl Catalogue for Waits {
        fn source(&self) -> Source {
            Source::Douban
        }
        fn find(&self, _: &Query, _: Instant) -> Outcome {
            let talk = self.0.lock().unwrap();
            talk.0.send(()).unwrap();
            talk.1.recv().unwrap();
            Outcome::NotFound
        }
    }
    const LIMIT: Duration = Duration::from_secs(60);
    let (begun, begins) = channel();
    let (release, released) = channel();
    let waits = Waits(Mutex::new((begun, released)));
    let sources = vec![Guarded::new(Box::new(waits), NonZeroU32::new(8))];
    let library = Arc::new(Library::new(sources, Memory::new(1 << 20, Vec::new())));
    let asked = Arc::clone(&library);
    let lookup = thread::spawn(move || asked.find(&query(), Instant::now() + LIMIT).verdict);
    begins.recv_timeout(LIMIT).unwrap();
    let (done, is_done) = channel();
    thread::spawn(move || {
        let recalled = library.recall(&query()).is_some();
        done.send((recalled, library.states().len(), library.remembers().0)).unwrap();
    });
    assert_eq!(is_done.recv_timeout(LIMIT).unwrap(), (false, 1, 0));
    release.send(()).unwrap();
    assert_eq!(lookup.join().unwrap(), Verdict::NotFound);
}

/// Books of a library with as many copies to borrow.
fn held(available: u32) -> Outcome {
    let holding = Holding::at("I247.55/114", "一楼", Some(available), Some(3));
    Outcome::Found(vec![Book {
        title: "三体".to_owned(),
        holding: Some(holding),
        source: Source::Interlib,
        ..Book::default()
    }])
}

/// What a reader is told of the first book's copies.
fn copies(answer: &Answer) -> Option<(String, Option<u32>)> {
    let holding = answer.books.first()?.holding.clone()?;
    Some((holding.callno, holding.available))
}

#[test]
fn copies_are_told_for_two_minutes_and_then_counted_again() {
    let hands = Hands::new();
    let script = [held(3), held(2), down(), held(1)].map(Does::Say);
    let actor = Actor::new(Source::Interlib, &hands, script);
    let library = library(&hands, &[&actor]);
    let said = |available| Some(("I247.55/114".to_owned(), available));
    assert_eq!(copies(&find(&library, &hands)), said(Some(3)));
    hands.advance(119_000);
    assert_eq!(copies(&find(&library, &hands)), said(Some(3)));
    assert_eq!((actor.asked(), actor.renewed()), (1, 0));
    hands.advance(1_000);
    assert!(library.recall(&query()).is_none(), "counting takes a request");
    let counted = find(&library, &hands);
    assert_eq!(copies(&counted), said(Some(2)));
    assert!(counted.remembered);
    assert_eq!((actor.asked(), actor.renewed()), (1, 1), "the books were not searched again");
    assert_eq!(copies(&library.recall(&query()).unwrap()), said(Some(2)));
    hands.advance(120_000);
    let failed = find(&library, &hands);
    assert_eq!((failed.verdict, copies(&failed)), (Verdict::Found, said(None)), "rather none");
    assert_eq!(lines(&failed.reports), ["interlib: failed after 0 ms: timed out"]);
    assert!(library.recall(&query()).is_some(), "who picks it up gets it");
    hands.advance(120_000);
    assert_eq!(copies(&find(&library, &hands)), said(Some(1)));
    // A day after the search, not after the count, the books are searched again.
    hands.advance((FOUND_FOR - 360) * 1000);
    find(&library, &hands);
    assert_eq!(actor.asked(), 2);
}

#[test]
fn copies_that_cannot_be_counted_rest_no_search() {
    let hands = Hands::new();
    let titles = ["甲", "乙", "丙", "丁"];
    let script = [held(1), held(1), held(1), held(1), down()].map(Does::Say);
    let actor = Actor::new(Source::Interlib, &hands, script);
    let library = library(&hands, &[&actor]);
    titles.iter().for_each(|title| drop(find_other(&library, &hands, title)));
    hands.advance(120_000);
    for title in titles {
        assert_eq!(find_other(&library, &hands, title).verdict, Verdict::Found, "{title}");
    }
    assert!(matches!(library.states()[..], [(Source::Interlib, BreakerState::Closed)]));
}

#[test]
fn while_the_library_rests_its_books_are_told_without_copies() {
    let hands = Hands::new();
    let script = [held(2), limited(Some(3600))].map(Does::Say);
    let library = library(&hands, &[&Actor::new(Source::Interlib, &hands, script)]);
    find(&library, &hands);
    assert_eq!(find_other(&library, &hands, "球状闪电").verdict, Verdict::Busy);
    hands.advance(121_000);
    let answer = find(&library, &hands);
    assert_eq!((answer.verdict, copies(&answer).unwrap().1), (Verdict::Found, None));
    assert_eq!(lines(&answer.reports), ["interlib: not asked, rests because it limited us"]);
    // Nor when the answer is a last resort.
    hands.advance(FOUND_FOR * 1000);
    let answer = find(&library, &hands);
    assert_eq!((answer.stale, copies(&answer).unwrap().1), (true, None));
}

#[test]
#[rustfmt::skip]
fn books_from_elsewhere_are_told_as_not_held() {
    use Source::{Interlib, NeoDb, Shelf};
    // The library's outcome, where the books come from, and whether they are told as not held.
    for (row, first, then, not_held) in [
        ("not found",                  Outcome::NotFound,                           NeoDb, true),
        ("nothing that can be shown",  Outcome::Unfit(Reason::new("no title")),     NeoDb, true),
        ("could not be asked",         down(),                                      NeoDb, false),
        ("cannot know",                Outcome::Unasked,                            NeoDb, false),
        ("the library's own file",     Outcome::NotFound,                           Shelf, false),
    ] {
        let hands = Hands::new();
        let library_ = Actor::new(Interlib, &hands, [Does::Say(first)]);
        let other = Actor::new(then, &hands, [Does::Say(books(then))]);
        let library = library(&hands, &[&library_, &other]);
        let answer = find(&library, &hands);
        assert_eq!((answer.verdict, answer.not_held), (Verdict::Found, not_held), "{row}");
        assert_eq!(find(&library, &hands).not_held, not_held, "{row}, remembered");
        assert_eq!(library_.asked(), 1, "{row}");
    }
}

#[test]
fn a_library_that_could_not_be_asked_is_asked_soon() {
    let hands = Hands::new();
    let library_ = Actor::new(Source::Interlib, &hands, [Does::Say(down()), Does::Say(held(1))]);
    let other = Actor::new(Source::NeoDb, &hands, [Does::Say(books(Source::NeoDb))]);
    let library = library(&hands, &[&library_, &other]);
    assert_eq!(find(&library, &hands).source, Some(Source::NeoDb));
    hands.advance(299_000);
    assert!(find(&library, &hands).remembered);
    hands.advance(2_000);
    assert_eq!(find(&library, &hands).source, Some(Source::Interlib));
}

#[test]
fn that_a_library_has_it_not_is_believed_for_an_hour() {
    let hands = Hands::new();
    let says = [Does::Say(Outcome::NotFound), Does::Say(held(1))];
    let library_ = Actor::new(Source::Interlib, &hands, says);
    let other = Actor::new(Source::NeoDb, &hands, [Does::Say(books(Source::NeoDb))]);
    let library = library(&hands, &[&library_, &other]);
    assert!(find(&library, &hands).not_held);
    hands.advance(3_600_000);
    let answer = find(&library, &hands);
    assert_eq!((answer.source, answer.not_held), (Some(Source::Interlib), false));
}

#[test]
fn one_record_asked_again_and_again_silences_nobody() {
    let hands = Hands::new();
    let broken = vec![Does::Say(down()); 5];
    let script = broken.into_iter().chain([Does::Say(books(Source::Douban))]);
    let actor = Actor::new(Source::Douban, &hands, script);
    let library = library(&hands, &[&actor]);
    for _ in 0..5 {
        assert_eq!(find(&library, &hands).verdict, Verdict::Trouble);
    }
    assert_eq!(find_other(&library, &hands, "球状闪电").verdict, Verdict::Found);
}

/// What may have been meant is no answer while another source may know better, and stays a guess
/// for as long as it is remembered.
#[test]
#[rustfmt::skip]
fn a_guess_waits_for_who_is_sure() {
    let say = |letter, source| match letter {
        'g' => Outcome::Guess(vec![Book { title: "三休".to_owned(), source, ..Book::default() }]),
        letter => outcome(letter, source),
    };
    for (row, letters, verdict, guess, asked_again) in [
        ("a later one is sure",        "gf", Verdict::Found,    false, false),
        ("nobody else knows",          "gn", Verdict::Found,    true,  false),
        ("the first guess is kept",    "gg", Verdict::Found,    true,  false),
        ("the other could not be asked", "gd", Verdict::Found,  true,  false),
        ("one after a miss",           "ng", Verdict::Found,    true,  false),
        ("no guess at all",            "nn", Verdict::NotFound, false, false),
    ] {
        let hands = Hands::new();
        let actors: Vec<Actor> = [Source::Shelf, Source::Douban].into_iter().zip(letters.chars())
            .map(|(source, letter)| Actor::new(source, &hands, [Does::Say(say(letter, source))])).collect();
        let library = library(&hands, &actors.iter().collect::<Vec<_>>());
        let answer = find(&library, &hands);
        assert_eq!((answer.verdict, answer.guess), (verdict, guess), "{row}");
        let again = find(&library, &hands);
        assert_eq!((again.verdict, again.guess), (verdict, guess), "{row}, again");
        assert_eq!(!again.remembered, asked_again, "{row}, again");
    }
}

/// A message that finds nothing as it was typed is asked once more in fewer words, by sources over
/// the network only, and is one question afterwards.
#[test]
fn what_only_makes_a_question_of_it_is_left_away_when_nothing_is_found() {
    let typed = "你们图书馆有没有那个叫追风筝的人的小说";
    for (row, first, then, asked, verdict) in [
        ("found as typed", books(Source::Douban), Outcome::NotFound, 1, Verdict::Found),
        ("found in fewer words", Outcome::NotFound, books(Source::Douban), 2, Verdict::Found),
        ("not at all", Outcome::NotFound, Outcome::NotFound, 2, Verdict::NotFound),
        ("no answer", down(), books(Source::Douban), 1, Verdict::Trouble),
    ] {
        let hands = Hands::new();
        let actor = Actor::new(Source::Douban, &hands, [first, then].map(Does::Say));
        let library = library(&hands, &[&actor]);
        assert_eq!(find_other(&library, &hands, typed).verdict, verdict, "{row}");
        assert_eq!(actor.asked(), asked, "{row}");
        if verdict != Verdict::Trouble {
            assert!(find_other(&library, &hands, typed).remembered, "{row}");
        }
    }
    let hands = Hands::new();
    let shelf = Actor::new(Source::Shelf, &hands, [Does::Say(Outcome::NotFound)]);
    find_other(&library(&hands, &[&shelf]), &hands, typed);
    assert_eq!(shelf.asked(), 1, "the shelf reads messages itself");
}

/// A source that failed two readers, 15 s later.
fn failed_before(then: Vec<Outcome>) -> (Library, Hands, Actor) {
    let hands = Hands::new();
    let script = vec![down(); 3].into_iter().chain(then).map(Does::Say);
    let douban = Actor::new(Source::Douban, &hands, script);
    let library = library(&hands, &[&douban]);
    for (number, reader) in [(1, 1), (2, 1), (3, 2)] {
        let query = Query::words(&format!("禁语 {number}")).unwrap();
        let answer = library.find_for(&query, reader, hands.at(12_000), hands.at(12_000));
        assert_eq!(answer.verdict, Verdict::Trouble);
    }
    hands.advance(15_000);
    (library, hands, douban)
}

#[test]
fn a_question_of_our_own_finds_out_whether_a_source_is_back() {
    let other = Query::words("禁语 4").unwrap();
    // It is: then the reader's question is asked, too.
    let (library, hands, douban) = failed_before(vec![books(Source::Douban), Outcome::NotFound]);
    let answer = library.find_for(&other, 1, hands.at(30_000), hands.at(30_000));
    assert_eq!((answer.verdict, douban.asked()), (Verdict::NotFound, 5));
    // It is, but fails at this reader's question again: for all others it stays.
    let (library, hands, douban) = failed_before(vec![books(Source::Douban), down(), down()]);
    assert_eq!(
        library.find_for(&other, 1, hands.at(30_000), hands.at(30_000)).verdict,
        Verdict::Trouble
    );
    assert_eq!(library.states(), [(Source::Douban, BreakerState::Closed)]);
    assert_eq!(douban.asked(), 5);
    // It is not: the reader's question does not leave.
    let (library, hands, douban) = failed_before(vec![down(), books(Source::Douban)]);
    assert_eq!(
        library.find_for(&other, 1, hands.at(30_000), hands.at(30_000)).verdict,
        Verdict::Trouble
    );
    assert_eq!(douban.asked(), 4);
    // Who met no failure is asked for at once.
    let (library, hands, douban) = failed_before(vec![books(Source::Douban)]);
    assert_eq!(
        library.find_for(&other, 3, hands.at(30_000), hands.at(30_000)).verdict,
        Verdict::Found
    );
    assert_eq!(douban.asked(), 4);
}

/// What may have been meant is no reason to say that nobody has what was asked for.
#[test]
fn a_guess_while_a_source_is_down_says_so_and_loses_to_what_was_known() {
    let guess = |source| {
        Outcome::Guess(vec![Book { title: "三休".to_owned(), source, ..Book::default() }])
    };
    let guesses = || [guess(Source::Shelf), guess(Source::Shelf), guess(Source::Shelf)];
    let hands = Hands::new();
    let shelf = Actor::new(Source::Shelf, &hands, guesses().map(Does::Say));
    let douban = Actor::new(Source::Douban, &hands, [down(), down()].map(Does::Say));
    let library = library(&hands, &[&shelf, &douban]);
    let answer = find(&library, &hands);
    assert!(answer.guess && answer.incomplete);
    // Long enough to pick from it.
    hands.advance(299_000);
    let again = find(&library, &hands);
    assert!(again.remembered && again.guess && again.incomplete);
    hands.advance(2_000);
    assert!(!find(&library, &hands).remembered);

    let hands = Hands::new();
    let shelf = Actor::new(Source::Shelf, &hands, guesses().map(Does::Say));
    let script = [books(Source::Douban), down()].map(Does::Say);
    let douban = Actor::new(Source::Douban, &hands, script);
    let library = self::library(&hands, &[&shelf, &douban]);
    assert!(!find(&library, &hands).guess);
    hands.advance(FOUND_FOR * 1000);
    let old = find(&library, &hands);
    assert!(old.stale && !old.guess && old.source == Some(Source::Douban), "{old:?}");
}
