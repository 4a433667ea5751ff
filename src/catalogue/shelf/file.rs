//! A shelf file's lines put into the store.
//!
//! In: bytes and their [`Format`]. Out: the [`Store`], and for every line that is not served,
//! or not wholly, a [`BadLine`]; blank lines say nothing. Only a file of which nothing can be
//! served is refused as a whole. No I/O.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::fields::{Field, Line};
use super::store::Store;
use crate::catalogue::{clean, csv};
use crate::sys::text;

/// How a shelf file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// Comma-, semicolon- or tab-separated, with a header.
    Csv,
}

impl Format {
    /// By the end of the name (`.jsonl`, `.ndjson`, `.json`; `.csv`, `.tsv`), else by the first
    /// byte that is not blank: `{` begins JSON Lines, anything else CSV.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let ending = path.extension().map(|e| e.to_ascii_lowercase());
        match ending.as_deref().and_then(|e| e.to_str()) {
            Some("jsonl" | "ndjson" | "json") => Self::JsonLines,
            Some("csv" | "tsv") => Self::Csv,
            _ if without_mark(bytes).trim_ascii_start().starts_with(b"{") => Self::JsonLines,
            _ => Self::Csv,
        }
    }
}

/// What is wrong with one line of a shelf file; `Display` is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// As an editor counts: the first line, a CSV's header, is 1.
    pub line: usize,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

const NOT_UTF8: &str = "not UTF-8 (perhaps GBK); save it as UTF-8 (a spreadsheet's \"CSV UTF-8\")";
/// What a spreadsheet calls "Unicode text".
const UTF16: &str = "UTF-16, not UTF-8; save it as UTF-8 (a spreadsheet's \"CSV UTF-8\")";

/// How many lines from the first may be the header.
const ABOVE: usize = 5;

/// A line's number in the file, and what stands there or why it cannot be served.
type Read = (usize, Result<Option<Line>, String>);

/// Reads a whole file.
///
/// # Errors
/// A sentence for the operator when nothing of it can be served.
pub(super) fn read(bytes: &[u8], format: Format) -> Result<(Store, Vec<BadLine>), String> {
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes {
        return Err(UTF16.to_owned());
    }
    let bytes = without_mark(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("the file is empty".to_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    let (unused, lines): (_, Box<dyn Iterator<Item = Read>>) = match format {
        Format::JsonLines => (None, Box::new(json_lines(bytes))),
        Format::Csv => {
            let (unused, rows) = csv_rows(&text, matches!(text, Cow::Borrowed(_)))?;
            (unused, Box::new(rows))
        }
    };
    let (mut store, mut bad) = (Store::default(), Vec::new());
    for (number, line) in lines {
        let why = match line {
            Ok(Some(line)) => {
                let fits = store.push(&line.fields);
                fits.ok_or("more than 4 GiB of books; split the file")?;
                line.not_isbn.map(|text| {
                    format!(
                        "{text:?} is not an ISBN; the book is served without it \
                         (in a spreadsheet, format the column as text)"
                    )
                })
            }
            Ok(None) => Some("no title; every book needs one".to_owned()),
            Err(why) => Some(why),
        };
        bad.extend(why.map(|why| BadLine { line: number, why }));
    }
    if store.len() == 0 {
        let first = bad.first().map(|bad| format!("nothing in it can be served; {bad}"));
        return Err(first.unwrap_or_else(|| "no books below the header".to_owned()));
    }
    store.close();
    Ok((store, unused.into_iter().chain(bad).collect()))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn json_lines(bytes: &[u8]) -> impl Iterator<Item = Read> {
    let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(n, line)| (n, object(line)))
}

fn object(line: &[u8]) -> Result<Option<Line>, String> {
    let line = str::from_utf8(line).map_err(|_| NOT_UTF8)?;
    match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => {
            Ok(Line::new(fields.iter().map(|(name, value)| (Field::named(name), text(value)))))
        }
        Ok(_) => Err("not an object; each line is one, such as {\"title\": \"…\"}".to_owned()),
        Err(error) => Err(format!(
            "not JSON at column {}; each line is one object, such as {{\"title\": \"…\"}}",
            error.column()
        )),
    }
}

/// A JSON value as a CSV cell would have it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("/"),
        // Douban's {"average": "8.9", "numRaters": 1234} and {"id": …, "title": "a series"}.
        Value::Object(map) => {
            let part = |name| map.get(name).map(text);
            match (part("title"), part("average")) {
                (Some(title), _) => title,
                (None, Some(average)) => {
                    format!("{average}:{}", part("numRaters").unwrap_or_default())
                }
                (None, None) => String::new(),
            }
        }
        Value::Null | Value::Bool(_) => String::new(),
    }
}

/// The rows below the header, which may have a title, a blank line or `sep=;` above it; and which
/// of its columns are not used.
fn csv_rows(
    text: &str,
    was_utf8: bool,
) -> Result<(Option<BadLine>, impl Iterator<Item = Read>), String> {
    let is_broken = move |text: &str| !was_utf8 && text.contains(char::REPLACEMENT_CHARACTER);
    let mut rows = csv::Rows::new(text);
    for _ in 0..ABOVE {
        let Some(csv::Row { line, cells: Ok(names) }) = rows.header() else { continue };
        let columns: Vec<_> = names.iter().map(|name| Field::named(name)).collect();
        if !columns.iter().any(|field| matches!(field, Some(Field::Title | Field::Heading))) {
            continue;
        }
        let unused = names.iter().zip(&columns).filter(|(_, field)| field.is_none());
        let unused: Vec<_> =
            unused.map(|(name, _)| name.trim()).filter(|n| !n.is_empty()).collect();
        let why = format!("these columns are not used: {}", shown(&unused.join(", ")));
        let unused = (!unused.is_empty()).then_some(BadLine { line, why });
        let rows = rows.filter_map(move |csv::Row { line, cells }| match cells {
            Ok(cells) if used(&cells) == 0 => None,
            Ok(cells) if cells.iter().any(|c| is_broken(c)) => {
                Some((line, Err(NOT_UTF8.to_owned())))
            }
            cells => Some((line, cells.map_err(str::to_owned).and_then(|c| under(&columns, &c)))),
        });
        return Ok((unused, rows));
    }
    let first = text.trim_start().lines().next().unwrap_or_default();
    if is_broken(first) {
        return Err(NOT_UTF8.to_owned());
    }
    Err(format!(
        "none of the first {ABOVE} lines names a column title or 书名; the first is: {}",
        shown(first)
    ))
}

/// What stands in the file, fit for a line of the log.
fn shown(text: &str) -> String {
    text::shorten(&clean::line(text), 200)
}

/// The line of one row. Cells beyond the header are refused, because then the others stand
/// under wrong names; blank ones are what spreadsheets leave at the end.
fn under(columns: &[Option<Field>], cells: &[String]) -> Result<Option<Line>, String> {
    let (found, header) = (used(cells), columns.len());
    if found > header {
        return Err(format!(
            "{found} cells, but the header has {header}; \
             a cell that contains the separator must stand in quotation marks"
        ));
    }
    Ok(Line::new(columns.iter().copied().zip(cells)))
}

/// How many cells there are up to the last that is not blank.
fn used(cells: &[String]) -> usize {
    cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}
