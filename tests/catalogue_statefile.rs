//! Remembered answers over a restart, and files that are not what they should be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use doumibook::catalogue::book::{Book, Holding, Place, Rating, Source};
use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::memory::{Memory, NOT_FOUND_FOR, Origin, Remembered};
use doumibook::catalogue::{Query, statefile};

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

fn origins(setups: &[(Source, &str)]) -> Vec<Origin> {
    setups.iter().map(|(source, setup)| Origin::new(*source, setup)).collect()
}

fn douban() -> Vec<Origin> {
    origins(&[(Source::Douban, "https://api.douban.com")])
}

/// A directory of its own, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doumibook-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("memory.jsonl")
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A book with text from anywhere in Unicode in every field.
fn odd_book(seed: &mut u64) -> Book {
    let mut next = |below: u64| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed % below
    };
    const ODD: [char; 16] = [
        '"',
        '\\',
        '\n',
        '\r',
        '\0',
        '\u{7f}',
        '\u{2028}',
        '\u{feff}',
        '\u{f06c}',
        '\u{10ffff}',
        '{',
        '\'',
        '/',
        '豆',
        '\u{301}',
        '\u{d7ff}',
    ];
    let mut odd = |least: u64| -> String {
        let length = least + next(6);
        (0..length)
            .map(|_| match next(2) {
                0 => ODD[next(16) as usize],
                _ => char::from_u32(next(0x11_0000) as u32).unwrap_or('?'),
            })
            .collect()
    };
    let mut book = Book {
        title: odd(1),
        subtitle: odd(0),
        origin_title: odd(0),
        authors: vec![odd(0), odd(0)],
        translators: vec![odd(0)],
        publisher: odd(0),
        pubdate: odd(0),
        price: odd(0),
        pages: odd(0),
        series: odd(0),
        summary: odd(0),
        cover: odd(0),
        link: odd(0),
        holding: Some(Holding {
            callno: odd(0),
            places: vec![Place { name: odd(1), available: None, total: Some(1) }],
            available: Some(0),
            total: Some(u32::MAX),
            next_return: odd(0),
        }),
        added: odd(0),
        ..Book::default()
    };
    book.isbn = Isbn::parse(["9787121042621", "702004249X", ""][next(3) as usize]);
    book.source = [Source::Douban, Source::NeoDb, Source::Shelf][next(3) as usize];
    book.records = [vec![], vec![61_754, u64::MAX]][next(2) as usize].clone();
    let scored = |count| Rating::Scored { tenths: 88, count };
    book.rating =
        [Rating::Unknown, Rating::TooFew, scored(None), scored(Some(u32::MAX))][next(4) as usize];
    if next(3) == 0 {
        (book.authors, book.translators, book.holding) = Default::default();
    }
    book
}

#[test]
fn every_book_comes_back_as_it_went() {
    let folder = Folder::new("odd");
    let origins = origins(&[(Source::Douban, ""), (Source::NeoDb, ""), (Source::Shelf, "")]);
    let mut memory = Memory::new(ROOM, origins.clone());
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let answers: Vec<(Query, Arc<[Book]>)> = (0..500)
        .filter_map(|_| {
            let books = [odd_book(&mut seed), odd_book(&mut seed)];
            Some((Query::words(&books[0].title)?, books.into()))
        })
        .collect();
    answers.iter().for_each(|(query, books)| memory.keep(query, books.clone(), NOON));
    statefile::write(&folder.file(), &memory.snapshot()).unwrap();
    let (mut back, line) = statefile::load(&folder.file(), ROOM, origins);
    assert_eq!(line, None);
    assert_eq!(back.len(), memory.len());
    assert!(back.len() > 400);
    // Short odd titles may be the same question; the last answer to it counts.
    let last: std::collections::HashMap<_, _> = answers.into_iter().collect();
    for (query, books) in last {
        assert_eq!(back.recall(&query, NOON).as_deref(), Some(&*books), "{query:?}");
    }
}

/// A memory with every kind of question, found and missed.
fn sample() -> Memory {
    let mut memory = Memory::new(ROOM, douban());
    let isbn = Isbn::parse("9787121042621").unwrap();
    memory.keep(&Query::Isbn(isbn), found("编程：珠玑"), NOON);
    memory.keep(&Query::author("刘慈欣").unwrap(), found("三体"), NOON);
    memory.keep(&Query::subject("0012345").unwrap(), found("球状闪电"), NOON);
    memory.keep(&words("isbn:没有 这本书"), miss(), NOON);
    memory
}

#[test]
fn a_restart_keeps_the_answers() {
    let folder = Folder::new("restart");
    let mut memory = sample();
    assert!(memory.changed_since_save());
    let snapshot = memory.snapshot();
    statefile::write(&folder.file(), &snapshot).unwrap();
    memory.mark_saved(snapshot.changes);
    assert!(!memory.changed_since_save());

    let (mut back, line) = statefile::load(&folder.file(), ROOM, douban());
    assert_eq!(line, None);
    assert!(!back.changed_since_save());
    assert_eq!(back.bytes(), memory.bytes());
    assert_eq!(back.snapshot().answers, memory.snapshot().answers);
    assert_eq!(back.recall(&words("isbn:没有 这本书"), NOON).as_deref(), Some(&[][..]));
    assert_eq!(back.recall(&words("isbn:没有 这本书"), NOON + NOT_FOUND_FOR), None);

    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(folder.names(), ["memory.jsonl"]);
    // A leftover of a crash is in nobody's way, and what is there is replaced.
    fs::write(folder.0.join("memory.jsonl.new"), "half").unwrap();
    back.keep(&words("又一个"), miss(), NOON);
    assert!(back.changed_since_save());
    statefile::write(&folder.file(), &back.snapshot()).unwrap();
    assert_eq!(statefile::load(&folder.file(), ROOM, douban()).0.len(), 5);
    assert_eq!(folder.names(), ["memory.jsonl"]);
}

#[test]
fn a_lower_bound_after_a_restart_keeps_what_was_used_last() {
    let folder = Folder::new("lower");
    let mut memory = sample();
    memory.recall(&Query::Isbn(Isbn::parse("9787121042621").unwrap()), NOON);
    statefile::write(&folder.file(), &memory.snapshot()).unwrap();
    let (mut back, line) = statefile::load(&folder.file(), 2000, douban());
    assert_eq!(line, None);
    assert!(back.bytes() <= 2000 && back.len() < 4, "{} in {}", back.len(), back.bytes());
    assert!(back.recall(&Query::Isbn(Isbn::parse("9787121042621").unwrap()), NOON).is_some());
}

#[test]
fn a_save_that_fails_leaves_what_was_there() {
    let folder = Folder::new("fails");
    let nowhere = folder.0.join("missing").join("memory.jsonl");
    assert!(statefile::write(&nowhere, &sample().snapshot()).is_err());
    fs::create_dir_all(folder.file().join("occupied")).unwrap();
    assert!(statefile::write(&folder.file(), &sample().snapshot()).is_err());
    assert_eq!(folder.names(), ["memory.jsonl"]);
}

/// Loads `bytes` as the state file: the number of answers, the line for the log, the files.
fn load(folder: &Folder, bytes: &[u8]) -> (usize, Option<String>, Vec<String>) {
    let _ = fs::remove_file(folder.0.join("memory.jsonl.set-aside"));
    fs::write(folder.file(), bytes).unwrap();
    let (memory, line) = statefile::load(&folder.file(), ROOM, douban());
    (memory.len(), line, folder.names())
}

#[test]
fn a_file_cut_short_anywhere_is_set_aside() {
    let folder = Folder::new("cut");
    statefile::write(&folder.file(), &sample().snapshot()).unwrap();
    let whole = fs::read(folder.file()).unwrap();
    assert_eq!(load(&folder, &whole), (4, None, vec!["memory.jsonl".to_owned()]));
    for length in 0..whole.len() {
        let (answers, line, names) = load(&folder, &whole[..length]);
        assert_eq!(answers, 0, "cut to {length} bytes");
        assert!(line.is_some(), "cut to {length} bytes");
        assert_eq!(names, ["memory.jsonl.set-aside"], "cut to {length} bytes");
    }
    // One wrong byte may still make a right file; it must never do worse than lose it.
    for at in 0..whole.len() {
        for wrong in [0, b'"', b'}', b'\n', 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = wrong;
            let (answers, line, _) = load(&folder, &bytes);
            assert!(line.is_none() || answers == 0, "byte {at} is {wrong}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn files_that_are_not_ours() {
    let folder = Folder::new("foreign");
    let head = r#"{"format":"doumibook memory","version":2,"sources":[],"answers":"#;
    let one = |answer: &str| format!("{head}1}}\n{answer}\n");
    for (row, text, why) in [
        ("empty",            String::new(),                                "not a file of ours"),
        ("a poem",           "床前明月光\n".to_owned(),                     "not a file of ours"),
        ("other JSON",       "{\"version\":1}\n".to_owned(),               "not a file of ours"),
        ("an array",         "[1]\n".to_owned(),                           "not a file of ours"),
        ("deep",             format!("{}\n", "[".repeat(100_000)),         "not a file of ours"),
        ("newer",            head.replace(":2,", ":9,") + "9,\"new\":[]}\n{\"other\":1}\n", "written in format 9"),
        ("one missing",      format!("{head}1}}\n"),                       "damaged: 0 answers, not 1"),
        ("one too many",     format!("{head}0}}\n{{\"query\":\"words:a\",\"at\":1,\"books\":[]}}\n"), "damaged: 1 answers, not 0"),
        ("not an object",    one("[]"),                                    "damaged at line 2"),
        ("bad kind",         one(r#"{"query":"film:a","at":1,"books":[]}"#), "damaged at line 2"),
        ("bad ISBN",         one(r#"{"query":"isbn:1","at":1,"books":[]}"#), "damaged at line 2"),
        ("negative time",    one(r#"{"query":"words:a","at":-1,"books":[]}"#), "damaged at line 2"),
        ("no title",         one(r#"{"query":"words:a","at":1,"books":[{"source":"douban"}]}"#), "damaged at line 2"),
        ("number as title",  one(r#"{"query":"words:a","at":1,"books":[{"source":"douban","title":1}]}"#), "damaged at line 2"),
        ("unknown source",   one(r#"{"query":"words:a","at":1,"books":[{"source":"x","title":"a"}]}"#), "damaged at line 2"),
        ("rating over 10",   one(r#"{"query":"words:a","at":1,"books":[{"source":"douban","title":"a","rating":[101,null]}]}"#), "damaged at line 2"),
    ] {
        let (answers, line, names) = load(&folder, text.as_bytes());
        assert_eq!(answers, 0, "{row}");
        let aside = folder.0.join("memory.jsonl.set-aside");
        let told = format!("remembered answers in {}: {why}; set aside as {}", folder.file().display(), aside.display());
        assert_eq!(line, Some(told), "{row}");
        assert_eq!(names, ["memory.jsonl.set-aside"], "{row}");
        assert_eq!(fs::read(aside).unwrap(), text.as_bytes(), "{row}");
    }
}

#[test]
fn no_file_is_nothing_to_report_and_no_other_thing_is_read() {
    let folder = Folder::new("things");
    assert_eq!(statefile::load(&folder.file(), ROOM, douban()).1, None);
    fs::create_dir(folder.file()).unwrap();
    let (memory, line) = statefile::load(&folder.file(), ROOM, douban());
    assert!(memory.is_empty() && line.unwrap().contains("not a file"));
    // Holes take no room on disk.
    fs::File::create(folder.file()).unwrap().set_len(1 << 40).unwrap();
    let (memory, line) = statefile::load(&folder.file(), ROOM, douban());
    assert!(memory.is_empty() && line.unwrap().contains("1099511627776 bytes"));
}

#[test]
#[rustfmt::skip]
fn what_holds_when_the_sources_change() {
    use Source::{Douban, NeoDb, Shelf};
    let then = [(Douban, "d"), (NeoDb, "n"), (Shelf, "s")];
    // Of each: f fresh, o old (last resort only), - gone.
    for (row, today, by_douban, by_shelf, missed) in [
        ("the same",              &then[..],                                  'f', 'f', 'f'),
        ("another order",         &[(Shelf, "s"), (NeoDb, "n"), (Douban, "d")], 'f', 'f', 'f'),
        ("one less",              &[(Douban, "d"), (Shelf, "s")],             'f', 'f', 'f'),
        ("without Douban",        &[(NeoDb, "n"), (Shelf, "s")],              '-', 'f', 'f'),
        ("another Douban",        &[(Douban, "D"), (NeoDb, "n"), (Shelf, "s")], '-', 'o', '-'),
        ("another shelf, last",   &[(Douban, "d"), (NeoDb, "n"), (Shelf, "S")], 'f', '-', '-'),
        ("another shelf, first",  &[(Shelf, "S"), (Douban, "d")],             'o', '-', '-'),
        ("another NeoDB between", &[(Douban, "d"), (NeoDb, "N"), (Shelf, "s")], 'f', 'o', '-'),
        ("none",                  &[],                                        '-', '-', 'f'),
    ] {
        let folder = Folder::new("origins");
        let mut memory = Memory::new(ROOM, origins(&then));
        memory.keep(&words("douban"), [book(Douban, "一")].into(), NOON);
        memory.keep(&words("shelf"), [book(Shelf, "二")].into(), NOON);
        memory.keep(&words("miss"), miss(), NOON);
        statefile::write(&folder.file(), &memory.snapshot()).unwrap();
        let (mut back, line) = statefile::load(&folder.file(), ROOM, origins(today));
        assert_eq!(line, None, "{row}");
        let is = ["douban", "shelf", "miss"].map(|question| {
            let question = words(question);
            match (back.recall(&question, NOON), back.last_resort(&question)) {
                (Some(_), _) => 'f',
                (None, Some(_)) => 'o',
                (None, None) => '-',
            }
        });
        assert_eq!(is, [by_douban, by_shelf, missed], "{row}");
    }
}

#[test]
fn copies_of_a_restart_ago_are_counted_again_and_what_was_not_held_is_known() {
    let folder = Folder::new("library");
    let origins = origins(&[(Source::Interlib, "i"), (Source::NeoDb, "n")]);
    let mut memory = Memory::new(ROOM, origins.clone());
    let held = Book { records: vec![7, 8], ..book(Source::Interlib, "一") };
    memory.keep(&words("held"), [held.clone()].into(), NOON);
    let elsewhere = [book(Source::NeoDb, "二")].into();
    let answer = Remembered::new(&words("elsewhere"), elsewhere, NOON);
    memory.remember(Remembered { not_held: true, ..answer });
    assert!(memory.recall(&words("held"), NOON).is_some());
    statefile::write(&folder.file(), &memory.snapshot()).unwrap();
    let (mut back, line) = statefile::load(&folder.file(), ROOM, origins);
    assert_eq!(line, None);
    assert!(back.recall(&words("held"), NOON).is_none());
    assert_eq!(back.uncounted(&words("held"), NOON).as_deref(), Some(&[held][..]));
    assert!(back.recall(&words("elsewhere"), NOON).is_some());
    assert!(back.is_not_held(&words("elsewhere")) && !back.is_not_held(&words("held")));
    assert!(back.recall(&words("elsewhere"), NOON + 3600).is_none(), "as any miss");
    // Without the library nobody says what it has.
    let without = self::origins(&[(Source::NeoDb, "n")]);
    let (back, _) = statefile::load(&folder.file(), ROOM, without);
    assert!(!back.is_not_held(&words("elsewhere")));
}

#[test]
fn a_guess_stays_a_guess() {
    let origin = Origin::new(Source::Shelf, "a");
    let query = Query::words("三休").expect("words");
    let books = vec![Book { title: "三体".into(), ..Book::default() }];
    let mut memory = Memory::new(1 << 20, vec![origin]);
    memory.keep_guess(&query, books.clone().into(), 1_790_000_000);
    let path = std::env::temp_dir().join(format!("doumibook-guess-{}", std::process::id()));
    statefile::write(&path, &memory.snapshot()).expect("a temporary file");
    let (mut same, _) = statefile::load(&path, 1 << 20, vec![origin]);
    let (mut other, _) =
        statefile::load(&path, 1 << 20, vec![origin, Origin::new(Source::Douban, 1)]);
    std::fs::remove_file(&path).expect("the file");
    assert!(same.is_guess(&query));
    assert_eq!(same.recall(&query, 1_790_000_001).as_deref(), Some(&*books));
    assert!(same.recall(&query, 1_790_003_600).is_none(), "believed no longer than a miss");
    assert!(other.last_resort(&query).is_none(), "a new source may be sure");
}
