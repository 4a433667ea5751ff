//! A shelf file's lines put into the store.
//!
//! In: bytes and their [`Format`]. Out: the [`Store`], and for every line that is not served,
//! or not wholly, a [`BadLine`]; blank lines say nothing. Only a file of which nothing can be
//! served is refused as a whole. No I/O.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use super::draft::{Column, Draft, clean};
use super::store::Store;
use crate::catalogue::csv::{Broken, Rows};
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
    /// What was found.
    pub fault: Fault,
}

/// Why a line is not served, or not wholly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are no UTF-8.
    NotUtf8,
    /// Not JSON from this column on.
    NotJson(usize),
    /// JSON, but not an object.
    NotObject,
    /// A CSV row whose quotation marks do not fit.
    Quotes(Broken),
    /// More cells than the header has.
    Cells {
        /// In this row.
        found: usize,
        /// In the header.
        header: usize,
    },
    /// No title, or a blank one.
    NoTitle,
    /// Not an ISBN. The book is served without it.
    Isbn(String),
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        match &self.fault {
            Fault::NotUtf8 => f.write_str("not UTF-8; save the file as UTF-8"),
            Fault::NotJson(column) => write!(
                f,
                "not JSON at column {column}; each line is one object, such as {{\"title\": \"…\"}}"
            ),
            Fault::NotObject => {
                f.write_str("not an object; each line is one, such as {\"title\": \"…\"}")
            }
            Fault::Quotes(Broken::Unclosed) => f.write_str(
                "a quotation mark is never closed; inside a quoted cell it is written twice",
            ),
            Fault::Quotes(Broken::AfterQuote) => f.write_str(
                "text follows a closing quotation mark; inside a quoted cell it is written twice",
            ),
            Fault::Cells { found, header } => write!(
                f,
                "{found} cells, but the header has {header}; \
                 a cell that contains the separator must stand in quotation marks"
            ),
            Fault::NoTitle => f.write_str("no title; every book needs one"),
            Fault::Isbn(found) => write!(
                f,
                "{found:?} is not an ISBN; the book is served without it \
                 (in a spreadsheet, format the column as text)"
            ),
        }
    }
}

/// Why a whole file is refused; `Display` is for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More than 32-bit offsets can hold.
    TooLarge,
    /// Nothing in it.
    Empty,
    /// A CSV in GBK, UTF-16 or some other encoding.
    NotUtf8,
    /// A CSV without a title column; these are the columns it has.
    NoTitle(Vec<String>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("more than 4 GiB of books; split the file"),
            Self::Empty => f.write_str("the file is empty"),
            Self::NotUtf8 => {
                f.write_str("not UTF-8 (perhaps GBK); in the spreadsheet, save it as \"CSV UTF-8\"")
            }
            Self::NoTitle(seen) => write!(
                f,
                "no column is named title or 书名; the first line names these: {}",
                text::shorten(&seen.join(", "), 200)
            ),
        }
    }
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8], format: Format) -> Result<(Store, Vec<BadLine>), Refusal> {
    let bytes = without_mark(bytes);
    if u32::try_from(bytes.len()).is_err() {
        return Err(Refusal::TooLarge);
    }
    if bytes.trim_ascii().is_empty() {
        return Err(Refusal::Empty);
    }
    let mut reading = Reading::default();
    match format {
        Format::JsonLines => reading.json_lines(bytes)?,
        Format::Csv => reading.csv(std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?)?,
    }
    reading.store.close();
    Ok((reading.store, reading.bad))
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

#[derive(Default)]
struct Reading {
    store: Store,
    bad: Vec<BadLine>,
}

impl Reading {
    fn json_lines(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        for (number, line) in (1..).zip(bytes.split(|&b| b == b'\n')) {
            if !line.trim_ascii().is_empty() {
                self.take(number, object(line))?;
            }
        }
        Ok(())
    }

    fn csv(&mut self, text: &str) -> Result<(), Refusal> {
        let mut rows = Rows::new(text);
        let names = rows.next().and_then(|row| row.cells.ok()).unwrap_or_default();
        let columns: Vec<Option<Column>> = names.iter().map(|name| Column::named(name)).collect();
        if !columns.contains(&Some(Column::Title)) {
            return Err(Refusal::NoTitle(names.iter().map(|name| clean(name)).collect()));
        }
        for row in rows {
            let draft = match row.cells {
                Ok(cells) if cells.iter().all(|cell| cell.trim().is_empty()) => continue,
                Ok(cells) => draft(&columns, &cells),
                Err(broken) => Err(Fault::Quotes(broken)),
            };
            self.take(row.line, draft)?;
        }
        Ok(())
    }

    fn take(&mut self, line: usize, draft: Result<Draft, Fault>) -> Result<(), Refusal> {
        let fault = match draft {
            Ok(draft) if draft.book.title.is_empty() => Some(Fault::NoTitle),
            Ok(draft) => {
                self.store.push(&draft)?;
                draft.not_isbn.map(Fault::Isbn)
            }
            Err(fault) => Some(fault),
        };
        self.bad.extend(fault.map(|fault| BadLine { line, fault }));
        Ok(())
    }
}

/// The book of one JSON line.
fn object(line: &[u8]) -> Result<Draft, Fault> {
    let line = std::str::from_utf8(line).map_err(|_| Fault::NotUtf8)?;
    let value = serde_json::from_str(line).map_err(|e| Fault::NotJson(e.column()))?;
    let Value::Object(fields) = value else { return Err(Fault::NotObject) };
    let mut draft = Draft::default();
    for (name, value) in &fields {
        if let Some(column) = Column::named(name) {
            draft.set_json(column, value);
        }
    }
    Ok(draft)
}

/// The book of one CSV row. Cells beyond the header are refused, because then the others
/// stand under wrong names; blank ones are what spreadsheets leave at the end.
fn draft(columns: &[Option<Column>], cells: &[Cow<'_, str>]) -> Result<Draft, Fault> {
    let used = cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1);
    if used > columns.len() {
        return Err(Fault::Cells { found: used, header: columns.len() });
    }
    let mut draft = Draft::default();
    for (column, cell) in columns.iter().zip(cells) {
        if let Some(column) = column {
            draft.set(*column, cell);
        }
    }
    Ok(draft)
}
