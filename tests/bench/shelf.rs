//! A shelf of 101 210 books, and one of a million: how long it takes to load, what it weighs, how fast it
//! answers. `cargo bench --bench shelf`. The bounds are those of the smaller one; the larger one's are for
//! whoever has as many. Another file is measured with `-- --file FILE`, other messages with
//! `--messages FILE`, one a line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use doumibook::catalogue::Catalogue;
use doumibook::catalogue::Query;
use doumibook::catalogue::book::Book;
use doumibook::catalogue::shelf::Shelf;

mod library;

const BOOKS: usize = 101_210;
const MANY: usize = 1_000_000;
/// Messages asked of each shelf.
const MESSAGES: usize = 600;

/// What must hold of a shelf of a size.
struct Bounds {
    load: Duration,
    /// Bytes beyond the books' own text.
    overhead: f64,
    half: Duration,
    most: Duration,
    resident: usize,
}

const SMALL: Bounds = Bounds {
    load: Duration::from_millis(1200),
    overhead: 140.0,
    half: Duration::from_millis(5),
    most: Duration::from_millis(20),
    resident: 350 << 20,
};
const LARGE: Bounds = Bounds {
    load: Duration::from_secs(15),
    half: Duration::from_millis(30),
    most: Duration::from_millis(60),
    ..SMALL
};

fn main() {
    let after = |name: &str| std::env::args_os().skip_while(|a| a != name).nth(1);
    // Another process writes the file, so that no freed memory of ours hides what loading takes.
    if let Some(path) = after("--write") {
        let count = after("--books").and_then(|n| n.to_str()?.parse().ok()).unwrap_or(BOOKS);
        return std::fs::write(PathBuf::from(path), library::json_lines(count)).unwrap();
    }
    if let Some(file) = after("--file") {
        return measure(Path::new(&file), &SMALL, after("--messages").map(PathBuf::from));
    }
    for (books, bounds) in [(BOOKS, SMALL), (MANY, LARGE)] {
        let name = format!("doumibook-bench-{}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let program = std::env::current_exe().unwrap();
        let mut write = Command::new(program);
        write.arg("--write").arg(&path).arg("--books").arg(books.to_string());
        assert!(write.status().unwrap().success());
        measure(&path, &bounds, None);
        std::fs::remove_file(&path).unwrap();
    }
}

fn measure(path: &Path, bounds: &Bounds, messages: Option<PathBuf>) {
    let (before, begun) = (resident(), worked());
    let (shelf, _) = Shelf::open(path).unwrap();
    let (loaded, grown) = (worked() - begun, resident() - before);
    let overhead = (shelf.bytes() - shelf.text()) as f64 / shelf.len() as f64;
    println!("{} books", shelf.len());
    println!("load        {} ms", loaded.as_millis());
    println!("memory      RSS + {:.1} MiB, held {:.1} MiB", mib(grown), mib(shelf.bytes()));
    println!("their text  {:.1} MiB; overhead {overhead:.1} bytes a book", mib(shelf.text()));
    let given = messages.map(|path| std::fs::read_to_string(path).unwrap());
    let kinds = match &given {
        Some(text) => vec![("given", text.lines().map(str::to_owned).collect())],
        None => kinds(&shelf),
    };
    let (half, most) = searches(&shelf, &kinds);
    assert!(overhead < bounds.overhead, "{overhead} bytes a book");
    assert!(loaded < bounds.load, "{loaded:?}");
    assert!(grown < bounds.resident, "{grown} bytes");
    assert!(half < bounds.half && most < bounds.most, "{half:?} {most:?}");
}

/// Messages made of the books: as titles stand there, and as people write them.
fn kinds(shelf: &Shelf) -> Vec<(&'static str, Vec<String>)> {
    let step = (shelf.len() / (MESSAGES / 6)).max(1);
    let books: Vec<Book> = (0..shelf.len() as u32).step_by(step).map(|n| shelf.book(n)).collect();
    let each = |message: &dyn Fn(&Book) -> String| books.iter().map(message).collect();
    let author = |book: &Book| book.authors.first().cloned().unwrap_or_default();
    vec![
        ("title", each(&|book| book.title.clone())),
        ("framed", each(&|book| format!("请问馆里有没有{}这本书", book.title))),
        ("author", each(&|book| author(book))),
        ("both", each(&|book| format!("{} {}", author(book), book.title))),
        ("dropped", each(&|book| book.title.chars().skip(1).collect())),
        (
            "pinyin",
            ["zhongguo lishi gailun", "shijie wenxue", "jisuanji"].map(str::to_owned).into(),
        ),
        (
            "nothing",
            ["没有这本书", "几点开门", "的的的的的的的的的的的的", "the of and a"]
                .map(str::to_owned)
                .into(),
        ),
    ]
}

/// Half of all searches, and all but one in a hundred, take no longer than this.
fn searches(shelf: &Shelf, kinds: &[(&str, Vec<String>)]) -> (Duration, Duration) {
    println!("{:12}{:>6} {:>9} {:>9}", "search", "asked", "p50", "p99");
    let mut all = Vec::new();
    for (name, messages) in kinds {
        let mut times: Vec<Duration> = messages.iter().map(|typed| time(shelf, typed)).collect();
        times.sort_unstable();
        let (half, most) = percentiles(&times);
        println!("{name:12}{:>6} {:>6.3} ms {:>6.3} ms", times.len(), ms(half), ms(most));
        all.extend(times);
    }
    all.sort_unstable();
    let (half, most) = percentiles(&all);
    println!("{:12}{:>6} {:>6.3} ms {:>6.3} ms", "all", all.len(), ms(half), ms(most));
    (half, most)
}

/// The better of two: what else the machine does is not measured.
fn time(shelf: &Shelf, typed: &str) -> Duration {
    let Some(query) = Query::words(typed) else { return Duration::ZERO };
    let once = || {
        let begun = Instant::now();
        std::hint::black_box(shelf.find(&query, begun));
        begun.elapsed()
    };
    once().min(once())
}

fn percentiles(sorted: &[Duration]) -> (Duration, Duration) {
    let at = |part: usize| sorted.get(sorted.len() * part / 100).copied().unwrap_or_default();
    (at(50), at(99))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// What this thread has had of a core: the first number of schedstat, in nanoseconds. What else the
/// machine does is not measured.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Resident memory in bytes: the second number of statm counts pages of 4 KiB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0) * 4096
}
