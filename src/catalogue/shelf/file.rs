//! A shelf file's lines put into the store.
//!
//! In: bytes and their [`Format`]. Out: the [`Store`], and for every line that is not served,
//! or not wholly, a [`BadLine`]; blank lines say nothing. Only a file of which nothing can be
//! served is refused as a whole. No I/O.

use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::fields::{Field, Line};
use super::store::Store;
use crate::catalogue::{clean, csv};
use crate::text;

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

/// A line's number in the file, and what stands there or why it cannot be served.
type Read = (usize, Result<Option<Line>, String>);

/// Reads a whole file.
///
/// # Errors
/// A sentence for the operator when nothing of it can be served.
pub(super) fn read(bytes: &[u8], format: Format) -> Result<(Store, Vec<BadLine>), String> {
    let bytes = without_mark(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("the file is empty".to_owned());
    }
    let lines: Box<dyn Iterator<Item = Read>> = match format {
        Format::JsonLines => Box::new(json_lines(bytes)),
        Format::Csv => Box::new(csv_rows(bytes)?),
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
    store.close();
    Ok((store, bad))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn json_lines(bytes: &[u8]) -> impl Iterator<Item = Read> {
    let lines = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    lines.filter(|(_, line)| !line.trim_ascii().is_empty()).map(|(n, line)| (n, object(line)))
}

fn object(line: &[u8]) -> Result<Option<Line>, String> {
    let line = str::from_utf8(line).map_err(|_| "not UTF-8; save the file as UTF-8")?;
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

fn csv_rows(bytes: &[u8]) -> Result<impl Iterator<Item = Read>, String> {
    let text = str::from_utf8(bytes).map_err(|_| {
        "not UTF-8 (perhaps GBK); in the spreadsheet, save it as \"CSV UTF-8\"".to_owned()
    })?;
    let mut rows = csv::Rows::new(text);
    let names = rows.next().and_then(|row| row.cells.ok()).unwrap_or_default();
    let columns: Vec<Option<Field>> = names.iter().map(|name| Field::named(name)).collect();
    if !columns.contains(&Some(Field::Title)) {
        let seen = clean::line(&names.join(", "));
        return Err(format!(
            "no column is named title or 书名; the first line names these: {}",
            text::shorten(&seen, 200)
        ));
    }
    let blank = |row: &csv::Row| matches!(&row.cells, Ok(cells) if used(cells) == 0);
    Ok(rows.filter(move |row| !blank(row)).map(move |row| {
        let cells = row.cells.map_err(str::to_owned);
        (row.line, cells.and_then(|cells| under(&columns, &cells)))
    }))
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
