//! A shelf of 100 000 books: how long it takes to load, what it weighs, how fast it answers.
//! `cargo bench --bench shelf`; the bounds are 20 ms a search and 100 bytes of overhead a book.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::shelf::Shelf;
use doumibook::catalogue::{Catalogue, Outcome, Query};

mod library;

const BOOKS: usize = 100_000;
const RUNS: usize = 200;

fn main() {
    let path = std::env::temp_dir().join(format!("doumibook-bench-{}.jsonl", std::process::id()));
    // Another process writes the file, so that no freed memory of ours hides what loading takes.
    if let Some(path) = std::env::args_os().skip_while(|a| a != "--write").nth(1) {
        return std::fs::write(PathBuf::from(path), library::json_lines(BOOKS)).unwrap();
    }
    let program = std::env::current_exe().unwrap();
    assert!(Command::new(program).arg("--write").arg(&path).status().unwrap().success());

    let (before, begun) = (resident(), Instant::now());
    let (shelf, bad) = Shelf::open(&path).unwrap();
    let (loaded, grown) = (begun.elapsed(), resident() - before);
    let size = std::fs::metadata(&path).unwrap().len();
    std::fs::remove_file(&path).unwrap();
    assert_eq!((shelf.len(), bad.len()), (BOOKS, 0));
    let overhead = (shelf.bytes() - shelf.text()) as f64 / BOOKS as f64;
    println!("file        {BOOKS} books, {:.1} MiB", mib(size as usize));
    println!("load        {} ms", loaded.as_millis());
    println!("memory      RSS + {:.1} MiB, held {:.1} MiB", mib(grown), mib(shelf.bytes()));
    println!("their text  {:.1} MiB; overhead {overhead:.1} bytes a book", mib(shelf.text()));
    assert!(overhead < 100.0);
    println!("{:12}{:>6} {:>9} {:>9}", "search", "books", "p50", "p99");
    searches(&shelf);
}

fn searches(shelf: &Shelf) {
    let Outcome::Found(some) = shelf.find(&Query::words("世界").unwrap(), Instant::now()) else {
        panic!("the library has no world")
    };
    let book = &some[some.len() - 1];
    let isbn = book.isbn.unwrap_or_else(|| Isbn::parse("9787121042621").unwrap());
    for (name, query) in [
        ("exact", Query::words(&book.title)),
        ("contains", Query::words("世界")),
        ("one letter", Query::words("e")),
        ("author", Query::author(&book.authors[0])),
        ("two words", Query::words(&format!("{} {}", book.title, book.authors[0]))),
        ("english", Query::words("the SECRET garden")),
        ("no hit", Query::words("没有这本书")),
        ("isbn", Some(Query::Isbn(isbn))),
    ] {
        let query = query.expect("a question");
        let mut times = Vec::with_capacity(RUNS);
        let mut found = 0;
        for _ in 0..RUNS {
            let begun = Instant::now();
            let outcome = shelf.find(&query, begun);
            times.push(begun.elapsed());
            found = if let Outcome::Found(books) = outcome { books.len() } else { 0 };
        }
        times.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let (half, most) = (ms(times[RUNS / 2]), ms(times[RUNS * 99 / 100]));
        println!("{name:12}{found:>6} {half:>6.3} ms {most:>6.3} ms");
    }
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// Resident memory in bytes: the second number of statm counts pages of 4 KiB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0) * 4096
}
