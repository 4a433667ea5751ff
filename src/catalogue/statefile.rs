//! The memory on disk: JSON Lines, one answer a line under a header.
//!
//! In: a [`Snapshot`] and a path, or a path and what the memory may hold. Out: a file that is
//! either the old or the new one, never half of each, and readable by its owner only; or a
//! [`Memory`], always. A file that is damaged, foreign or from a newer version is set aside
//! and reported, and never a reason not to start. This is the only place that knows the format.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Query;
use super::memory::{Memory, Origin, Remembered, Snapshot};
use crate::book::{Book, Holding, Rating, Source};
use crate::isbn::Isbn;

/// In the header, so that another program's JSON is not taken for ours.
const MARK: &str = "doumibook memory";

/// Raised when an older program would misread the file.
const VERSION: u64 = 1;

/// No file above this is read, unless the memory itself may be larger: 16 times the default
/// of 4 MiB, so a lowered bound still reads what a higher one wrote.
const LARGEST: u64 = 64 << 20;

/// Writes `snapshot` to `path` in place of what is there: first beside it, then renamed.
///
/// # Errors
/// The file system's; what was there is untouched then.
pub fn write(path: &Path, snapshot: &Snapshot) -> io::Result<()> {
    replace(path, |out| write_answers(out, snapshot))
}

/// Puts what `content` writes in place of what `path` holds: all of it or nothing, synced, and
/// readable by its owner only.
///
/// # Errors
/// The file system's; what was there is untouched then.
pub fn replace(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let beside = with_suffix(path, ".new");
    // A leftover of a crash may have another owner's mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    // The new name is only safe when the directory is.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn write_new(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    content(&mut out)?;
    out.into_inner()?.sync_all()
}

fn write_answers(out: &mut impl Write, snapshot: &Snapshot) -> io::Result<()> {
    let sources: Vec<Value> =
        snapshot.origins.iter().map(|o| json!([o.source.name(), o.print])).collect();
    let header = json!({
        "format": MARK, "version": VERSION, "answers": snapshot.answers.len(), "sources": sources,
    });
    writeln!(out, "{header}")?;
    for Remembered { query, books, at } in &snapshot.answers {
        let books: Vec<Value> = books.iter().cloned().map(from_book).collect();
        writeln!(out, "{}", json!({ "query": query.to_string(), "at": at, "books": books }))?;
    }
    Ok(())
}

/// The memory that `path` holds as far as it is still good for `origins`, or an empty one;
/// and a line for the log when the file was set aside. No file is nothing to report.
pub fn load(path: &Path, limit: usize, origins: Vec<Origin>, now: u64) -> (Memory, Option<String>) {
    let largest = LARGEST.max(limit as u64 * 4);
    let why = match read(path, largest, Memory::new(limit, origins.clone()), now) {
        Ok(memory) => return (memory, None),
        Err(Unread::Nothing) => return (Memory::new(limit, origins), None),
        Err(Unread::Because(why)) => why,
    };
    let aside = with_suffix(path, ".set-aside");
    let fate = match fs::rename(path, &aside) {
        Ok(()) => format!("set aside as {}", aside.display()),
        Err(error) => format!("could not be set aside ({error}) and will be overwritten"),
    };
    let line = format!("remembered answers in {}: {why}; {fate}", path.display());
    (Memory::new(limit, origins), Some(line))
}

/// Why a file brought no memory.
enum Unread {
    Nothing,
    Because(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Nothing,
            _ => Self::Because(format!("cannot be read: {error}")),
        }
    }
}

fn because(why: impl Into<String>) -> Unread {
    Unread::Because(why.into())
}

fn read(path: &Path, largest: u64, mut memory: Memory, now: u64) -> Result<Memory, Unread> {
    // Before opening: opening a pipe would wait for a writer.
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Err(because("not a file"));
    }
    if about.len() > largest {
        return Err(because(format!("{} bytes, of which {largest} are read", about.len())));
    }
    let mut lines = BufReader::new(File::open(path)?.take(largest));
    let header = next_line(&mut lines)?.and_then(|line| parse_header(&line));
    let (answers, before) = match header.ok_or_else(|| because("not a file of ours"))? {
        (VERSION, answers, before) => (answers, before),
        (version, ..) => return Err(because(format!("written in format {version}"))),
    };
    let mut seen = 0;
    while let Some(line) = next_line(&mut lines)? {
        seen += 1;
        let damaged = || because(format!("damaged at line {}", seen + 1));
        memory.restore(parse_answer(&line).ok_or_else(damaged)?, &before, now);
    }
    match seen == answers {
        true => Ok(memory),
        false => Err(because(format!("damaged: {seen} answers, not {answers}"))),
    }
}

/// The next line, empty if it lacks its end: what was cut short may still look like JSON.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line)?;
    Ok(match line.pop() {
        None => None,
        Some(b'\n') => Some(line),
        Some(_) => Some(Vec::new()),
    })
}

/// Version, number of answers, sources; whatever else a newer version says is not looked at.
fn parse_header(line: &[u8]) -> Option<(u64, u64, Vec<Origin>)> {
    let header: Value = serde_json::from_slice(line).ok()?;
    let version = header.get("version")?.as_u64()?;
    if header.get("format")?.as_str()? != MARK {
        return None;
    }
    let origin = |pair: &Value| {
        Some(Origin { source: source(pair.get(0)?)?, print: pair.get(1)?.as_u64()? })
    };
    if version != VERSION {
        return Some((version, 0, Vec::new()));
    }
    // A source this version does not know is none of today's; it just is not among them.
    let sources = header.get("sources")?.as_array()?.iter().filter_map(origin).collect();
    Some((version, header.get("answers")?.as_u64()?, sources))
}

fn parse_answer(line: &[u8]) -> Option<Remembered> {
    let Value::Object(mut answer) = serde_json::from_slice(line).ok()? else { return None };
    let query = Arc::new(parse_query(answer.get("query")?.as_str()?)?);
    let at = answer.get("at")?.as_u64()?;
    let Value::Array(books) = answer.remove("books")? else { return None };
    let books = books.into_iter().map(into_book).collect::<Option<_>>()?;
    Some(Remembered { query, books, at })
}

/// Reads what `Query`'s `Display` wrote.
pub(crate) fn parse_query(key: &str) -> Option<Query> {
    let (kind, rest) = key.split_once(':')?;
    match kind {
        "isbn" => Isbn::parse(rest).map(Query::Isbn),
        "words" => Query::words(rest),
        "author" => Query::author(rest),
        "subject" => Query::subject(rest),
        _ => None,
    }
}

fn source(name: &Value) -> Option<Source> {
    let name = name.as_str()?;
    [Source::Douban, Source::NeoDb, Source::Shelf].into_iter().find(|s| s.name() == name)
}

/// Every plain text of a book and its name in the file, for both directions.
#[rustfmt::skip]
fn texts(book: &mut Book) -> [(&'static str, &mut String); 11] {
    // Names every field, so that none is forgotten.
    let Book {
        title, subtitle, origin_title, authors: _, translators: _, publisher, pubdate, price,
        pages, series, isbn: _, rating: _, summary, cover, link, holding: _, source: _,
    } = book;
    [
        ("title", title), ("subtitle", subtitle), ("origin_title", origin_title),
        ("publisher", publisher), ("pubdate", pubdate), ("price", price), ("pages", pages),
        ("series", series), ("summary", summary), ("cover", cover), ("link", link),
    ]
}

fn from_book(mut book: Book) -> Value {
    let filled = texts(&mut book).into_iter().filter(|(_, text)| !text.is_empty());
    let mut map: Map<String, Value> =
        filled.map(|(name, text)| (name.to_owned(), std::mem::take(text).into())).collect();
    let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
    put("source", book.source.name().into());
    for (name, people) in [("authors", book.authors), ("translators", book.translators)] {
        if !people.is_empty() {
            put(name, people.into());
        }
    }
    if let Some(isbn) = book.isbn {
        put("isbn", isbn.isbn13().into());
    }
    match book.rating {
        Rating::Unknown => None,
        Rating::TooFew => put("rating", json!([])),
        Rating::Scored { tenths, count } => put("rating", json!([tenths, count])),
    };
    if let Some(Holding { callno, location, copies }) = book.holding {
        put("holding", json!([callno, location, copies]));
    }
    Value::Object(map)
}

fn into_book(value: Value) -> Option<Book> {
    let Value::Object(mut map) = value else { return None };
    let mut book = Book { source: source(map.get("source")?)?, ..Book::default() };
    for (name, text) in texts(&mut book) {
        *text = into_text(map.remove(name))?;
    }
    book.authors = into_list(map.remove("authors"))?;
    book.translators = into_list(map.remove("translators"))?;
    if let Some(isbn) = map.get("isbn") {
        book.isbn = Some(Isbn::parse(isbn.as_str()?)?);
    }
    if let Some(rating) = map.get("rating") {
        book.rating = into_rating(rating.as_array()?)?;
    }
    if let Some(holding) = map.remove("holding") {
        let [callno, location, copies] = into_list(Some(holding))?.try_into().ok()?;
        book.holding = Some(Holding { callno, location, copies });
    }
    (!book.title.is_empty()).then_some(book)
}

fn into_rating(parts: &[Value]) -> Option<Rating> {
    let [tenths, count] = parts else { return parts.is_empty().then_some(Rating::TooFew) };
    let tenths = u8::try_from(tenths.as_u64()?).ok().filter(|t| *t <= 100)?;
    let count = match count {
        Value::Null => None,
        count => Some(u32::try_from(count.as_u64()?).ok()?),
    };
    Some(Rating::Scored { tenths, count })
}

/// Absent is empty; any other type is damage.
fn into_text(value: Option<Value>) -> Option<String> {
    match value {
        None => Some(String::new()),
        Some(Value::String(text)) => Some(text),
        Some(_) => None,
    }
}

fn into_list(value: Option<Value>) -> Option<Vec<String>> {
    match value {
        None => Some(Vec::new()),
        Some(Value::Array(list)) => list.into_iter().map(|v| into_text(Some(v))).collect(),
        Some(_) => None,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
