//! The memory on disk: JSON Lines, one answer a line under a header.
//!
//! In: a [`Snapshot`] and a path, or a path and what the memory may hold. Out: a file that is
//! either the old or the new one, never half of each, and readable by its owner only; or a
//! [`Memory`], always. A file that is damaged, foreign or from a newer version is set aside
//! and reported, and never a reason not to start. This is the only place that knows the format.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::Query;
use super::memory::{Memory, Origin, Remembered, Snapshot};
use crate::catalogue::book::{Book, Holding, Place, Rating, Source};
use crate::catalogue::isbn::Isbn;
use crate::catalogue::photo::address::PhotoUrl;

/// In the header, so that another program's JSON is not taken for ours.
const MARK: &str = "doumibook memory";

/// Raised when an older program would misread the file.
const VERSION: u64 = 2;

/// No file above this is read, unless the memory itself may be larger: 16 times the default
/// of 4 MiB, so a lowered bound still reads what a higher one wrote.
const LARGEST: u64 = 64 << 20;

/// Writes `snapshot` to `path` in place of what is there: first beside it, then renamed.
///
/// # Errors
/// The file system's; what was there is untouched then.
pub fn write(path: &Path, Snapshot { answers, origins, .. }: &Snapshot) -> io::Result<()> {
    let sources: Vec<_> = origins.iter().map(|o| json!([o.source.name(), o.print])).collect();
    let header = json!({
        "format": MARK, "version": VERSION, "answers": answers.len(), "sources": sources,
    });
    let lines = answers.iter().map(|answer| {
        let Remembered { query, books, at, counted_at: _, not_held, guess, incomplete: _ } = answer;
        let books: Vec<_> = books.iter().map(from_book).collect();
        let mut line = json!({ "query": query.to_string(), "at": at, "books": books });
        for (name, said) in [("not_held", *not_held), ("guess", *guess)] {
            if let (Value::Object(line), true) = (&mut line, said) {
                line.insert(name.to_owned(), Value::Bool(true));
            }
        }
        line
    });
    replace(path, [header].into_iter().chain(lines))
}

/// Puts `lines` in place of what `path` holds: all of them or nothing, synced, and readable by
/// its owner only.
///
/// # Errors
/// The file system's; what was there is untouched then.
pub(crate) fn replace(path: &Path, lines: impl Iterator<Item = Value>) -> io::Result<()> {
    let beside = with_suffix(path, ".new");
    // A leftover of a crash may have another owner's mode.
    remove(&beside)?;
    let written = write_new(&beside, lines).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return written;
    }
    // The new name is only safe when the directory is.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Removes a file that may be there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

fn write_new(path: &Path, mut lines: impl Iterator<Item = Value>) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut out = BufWriter::new(file);
    lines.try_for_each(|line| writeln!(out, "{line}"))?;
    out.into_inner()?.sync_all()
}

/// The memory that `path` holds as far as it is still good for `origins`, or an empty one;
/// and a line for the log when the file was set aside. No file is nothing to report.
pub fn load(path: &Path, limit: usize, origins: Vec<Origin>) -> (Memory, Option<String>) {
    let mut memory = Memory::new(limit, origins.clone());
    let Err(why) = read(path, LARGEST.max(limit as u64 * 4), &mut memory) else {
        return (memory, None);
    };
    let aside = with_suffix(path, ".set-aside");
    let fate = match fs::rename(path, &aside) {
        Ok(()) => format!("set aside as {}", aside.display()),
        Err(error) => format!("could not be set aside ({error}) and will be overwritten"),
    };
    let line = format!("remembered answers in {}: {why}; {fate}", path.display());
    (Memory::new(limit, origins), Some(line))
}

/// Fills `memory`, or says what is wrong with the file.
fn read(path: &Path, largest: u64, memory: &mut Memory) -> Result<(), String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    // Before opening: opening a pipe would wait for a writer.
    let about = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        about => about.map_err(unreadable)?,
    };
    if !about.is_file() {
        return Err("not a file".into());
    }
    if about.len() > largest {
        return Err(format!("{} bytes, of which {largest} are read", about.len()));
    }
    let mut lines = BufReader::new(File::open(path).map_err(unreadable)?.take(largest));
    let header = next_line(&mut lines).map_err(unreadable)?;
    let header = header.and_then(|line| parse_header(&line)).ok_or("not a file of ours")?;
    let (answers, before) = header.map_err(|version| format!("written in format {version}"))?;
    let mut seen = 0;
    while let Some(line) = next_line(&mut lines).map_err(unreadable)? {
        seen += 1;
        let damaged = || format!("damaged at line {}", seen + 1);
        memory.restore(parse_answer(&line).ok_or_else(damaged)?, &before);
    }
    match seen == answers {
        true => Ok(()),
        false => Err(format!("damaged: {seen} answers, not {answers}")),
    }
}

/// The next line, empty if it lacks its end: what was cut short may still look like JSON.
fn next_line(lines: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line)?;
    Ok(line.pop().map(|end| if end == b'\n' { line } else { Vec::new() }))
}

/// Number of answers and sources, or the version when it is another one, of which nothing else
/// is looked at.
fn parse_header(line: &[u8]) -> Option<Result<(u64, Vec<Origin>), u64>> {
    let header: Value = serde_json::from_slice(line).ok()?;
    let version = header.get("version")?.as_u64()?;
    if header.get("format")? != MARK {
        return None;
    }
    if version != VERSION {
        return Some(Err(version));
    }
    let origin = |pair: &Value| {
        Some(Origin { source: source(pair.get(0)?)?, print: pair.get(1)?.as_u64()? })
    };
    // A source this version does not know is none of today's; it just is not among them.
    let sources = header.get("sources")?.as_array()?.iter().filter_map(origin).collect();
    Some(Ok((header.get("answers")?.as_u64()?, sources)))
}

fn parse_answer(line: &[u8]) -> Option<Remembered> {
    let Value::Object(mut answer) = serde_json::from_slice(line).ok()? else { return None };
    let query = Arc::new(parse_query(answer.get("query")?.as_str()?)?);
    let at = answer.get("at")?.as_u64()?;
    let guess = answer.get("guess").map_or(Some(false), Value::as_bool)?;
    let Value::Array(books) = answer.remove("books")? else { return None };
    let books = books.into_iter().map(into_book).collect::<Option<_>>()?;
    let not_held = field(&mut answer, "not_held", |value| value.as_bool())?;
    Some(Remembered { query, books, at, counted_at: 0, not_held, guess, incomplete: false })
}

/// Reads what `Query`'s `Display` wrote.
pub(crate) fn parse_query(key: &str) -> Option<Query> {
    let (kind, rest) = key.split_once(':')?;
    match kind {
        "isbn" => Isbn::parse(rest).map(Query::Isbn),
        "words" => Query::words(rest),
        "author" => Query::author(rest),
        "subject" => Query::subject(rest),
        "newest" => Some(Query::Newest),
        "photo" => PhotoUrl::parse(rest).map(Query::Photo),
        _ => None,
    }
}

fn source(name: &Value) -> Option<Source> {
    Source::named(name.as_str()?)
}

/// What is empty is left out.
fn from_book(book: &Book) -> Value {
    let rating = match book.rating {
        Rating::Unknown => Value::Null,
        Rating::TooFew => json!([]),
        Rating::Scored { tenths, count } => json!([tenths, count]),
    };
    let mut value = json!({
        "title": book.title, "subtitle": book.subtitle, "origin_title": book.origin_title,
        "authors": book.authors, "translators": book.translators, "publisher": book.publisher,
        "pubdate": book.pubdate, "price": book.price, "pages": book.pages,
        "series": book.series, "isbn": book.isbn.map(|isbn| isbn.isbn13()), "rating": rating,
        "summary": book.summary, "cover": book.cover, "link": book.link, "added": book.added,
        "holding": book.holding.as_ref().map(from_holding), "source": book.source.name(),
    });
    if let Value::Object(fields) = &mut value {
        if !book.records.is_empty() {
            fields.insert("records".to_owned(), json!(book.records));
        }
        fields.retain(|_, field| !field.is_null() && field != "");
    }
    value
}

fn from_holding(held: &Holding) -> Value {
    let place = |place: &Place| json!([place.name, place.available, place.total]);
    let places: Vec<_> = held.places.iter().map(place).collect();
    json!([held.callno, places, held.available, held.total, held.next_return])
}

fn into_book(mut value: Value) -> Option<Book> {
    let map = value.as_object_mut()?;
    let book = Book {
        title: field(map, "title", text)?,
        subtitle: field(map, "subtitle", text)?,
        origin_title: field(map, "origin_title", text)?,
        authors: field(map, "authors", texts)?,
        translators: field(map, "translators", texts)?,
        publisher: field(map, "publisher", text)?,
        pubdate: field(map, "pubdate", text)?,
        price: field(map, "price", text)?,
        pages: field(map, "pages", text)?,
        series: field(map, "series", text)?,
        isbn: field(map, "isbn", |isbn| Some(Some(Isbn::parse(isbn.as_str()?)?)))?,
        rating: field(map, "rating", rating)?,
        summary: field(map, "summary", text)?,
        cover: field(map, "cover", text)?,
        link: field(map, "link", text)?,
        holding: field(map, "holding", |parts| Some(Some(into_holding(parts)?)))?,
        records: field(map, "records", |numbers| {
            numbers.as_array()?.iter().map(Value::as_u64).collect()
        })?,
        added: field(map, "added", text)?,
        source: source(map.get("source")?)?,
    };
    (!book.title.is_empty()).then_some(book)
}

fn into_holding(value: Value) -> Option<Holding> {
    let Value::Array(parts) = value else { return None };
    let [callno, places, available, total, next_return] = <[Value; 5]>::try_from(parts).ok()?;
    let Value::Array(places) = places else { return None };
    let place = |value: Value| {
        let Value::Array(parts) = value else { return None };
        let [name, available, total] = <[Value; 3]>::try_from(parts).ok()?;
        Some(Place { name: text(name)?, available: count(&available)?, total: count(&total)? })
    };
    Some(Holding {
        callno: text(callno)?,
        places: places.into_iter().map(place).collect::<Option<_>>()?,
        available: count(&available)?,
        total: count(&total)?,
        next_return: text(next_return)?,
    })
}

/// A number or nothing; anything else is damage.
fn count(value: &Value) -> Option<Option<u32>> {
    match value {
        Value::Null => Some(None),
        count => Some(Some(u32::try_from(count.as_u64()?).ok()?)),
    }
}

/// Absent is empty; what cannot be read is damage.
fn field<T: Default>(
    map: &mut Map<String, Value>,
    name: &str,
    read: impl FnOnce(Value) -> Option<T>,
) -> Option<T> {
    map.remove(name).map_or_else(|| Some(T::default()), read)
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn texts(value: Value) -> Option<Vec<String>> {
    if let Value::Array(list) = value { list.into_iter().map(text).collect() } else { None }
}

fn rating(value: Value) -> Option<Rating> {
    let [tenths, count] = value.as_array()?.as_slice() else {
        return (value == json!([])).then_some(Rating::TooFew);
    };
    let tenths = u8::try_from(tenths.as_u64()?).ok().filter(|t| *t <= 100)?;
    Some(Rating::Scored { tenths, count: self::count(count)? })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
