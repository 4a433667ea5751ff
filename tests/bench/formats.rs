//! 100 000 books from a file of each kind: how long it takes, and how much is held meanwhile.
//! `cargo bench --bench formats`; the bound is 1.2 s of a processor each.

use std::fmt::Write as _;
use std::time::Instant;

use doumibook::catalogue::shelf::Shelf;
use serde_json::Value;

mod library;

const BOOKS: usize = 100_000;
const COLUMNS: [&str; 11] = [
    "title",
    "subtitle",
    "author",
    "translator",
    "publisher",
    "pubdate",
    "price",
    "pages",
    "isbn",
    "callno",
    "location",
];

fn main() {
    let objects = library::json_lines(BOOKS);
    let (mut table, mut records) = (COLUMNS.join(",") + "\n", String::new());
    for line in objects.lines() {
        let book: Value = serde_json::from_str(line).unwrap();
        let cells = COLUMNS.map(|name| book[name].as_str().unwrap().to_owned());
        writeln!(table, "{}", cells.join(",")).unwrap();
        records.push_str(&record(&cells));
    }
    let gbk = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    let wide: Vec<u8> =
        format!("\u{feff}{table}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    println!("{:18}{:>10} {:>8} {:>8} {:>12}", "file", "size", "wall", "CPU", "peak");
    for (name, bytes) in [
        ("objects.jsonl", objects.as_bytes()),
        ("table.csv", table.as_bytes()),
        ("table-gbk.csv", &gbk(&table)),
        ("table-utf16.csv", &wide),
        ("records.iso", records.as_bytes()),
        ("records-gbk.iso", &gbk(&records)),
    ] {
        load(name, bytes);
    }
}

fn load(name: &str, bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("doumibook-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    // The kernel's own mark of most memory begins anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (before, begun, spent) = (status("VmRSS:"), Instant::now(), processor());
    let loaded = Shelf::load(&path).unwrap();
    let (took, spent) = (begun.elapsed().as_millis(), processor() - spent);
    let peak = status("VmHWM:").saturating_sub(before) / 1024;
    std::fs::remove_file(&path).unwrap();
    assert_eq!((loaded.shelf.len(), loaded.bad.len()), (BOOKS, 0));
    assert_eq!(loaded.understood.with_isbn, BOOKS);
    let (size, held) = (bytes.len() >> 20, loaded.shelf.bytes() >> 20);
    println!("{name:18}{size:>6} MiB {took:>5} ms {spent:>5} ms {peak:>4}/{held:>3} MiB");
}

/// A record of CNMARC.
fn record(cells: &[String; COLUMNS.len()]) -> String {
    let [title, subtitle, author, translator, house, date, price, pages, isbn, callno, place] =
        cells;
    let fields = [
        ("010", format!("  |a{isbn}|d{price}")),
        ("200", format!("1 |a{title}|e{subtitle}|f{author}著|g{translator}译")),
        ("210", format!("  |c{house}|d{date}")),
        ("215", format!("  |a{pages}页")),
        ("701", format!(" 0|a{author}|4著")),
        ("905", format!("  |a{place}|b1|s{callno}|f2")),
    ];
    let directory: String = fields.iter().map(|(tag, _)| format!("{tag}000100000")).collect();
    let data: String =
        fields.iter().map(|(_, data)| data.replace('|', "\u{1f}") + "\u{1e}").collect();
    format!("00925nam0 2200289   450 {directory}\u{1e}{data}\u{1d}")
}

/// Milliseconds of a processor, in the kernel's steps of ten.
fn processor() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let behind = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        behind.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap());
    ticks.sum::<u64>() * 10
}

/// A line of /proc/self/status, in KiB.
fn status(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
