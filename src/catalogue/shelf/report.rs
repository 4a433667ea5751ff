//! How a shelf file was understood.
//!
//! In: what its reader met, line by line. Out: an [`Understood`], a plain value whose `Display` is a
//! few lines for the operator, whatever the number of books: what is dropped is counted, and only
//! the first of each kind is named. No I/O; nothing fails.

use std::fmt;

use super::encoding::Encoding;
use super::fields::{Field, Line};
use super::format::Format;
use super::names::Column;
use super::values::Number;
use crate::catalogue::clean;
use crate::sys::text;

/// What is wrong with one line of a shelf file; `Display` is for the operator's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// As an editor counts: the first line, a CSV's header, is 1. So is the first record.
    pub line: usize,
    /// `line` or `record`.
    pub unit: &'static str,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.unit, self.line, self.why)
    }
}

/// What stands in a line, a row or a record.
pub(super) enum Met {
    /// A book.
    Book(Box<Line>),
    /// A book without what is no text in it.
    Damaged(Box<Line>),
    /// Nothing that can be served, and why.
    Bad(String),
    /// A sum of others.
    Total,
}

impl Met {
    /// A line that may lack its title.
    pub fn of(line: Option<Line>, damaged: bool) -> Self {
        match line.map(Box::new) {
            Some(line) if damaged => Self::Damaged(line),
            Some(line) => Self::Book(line),
            None if damaged => {
                Self::Bad("some of its bytes are no text, and so its title is lost".into())
            }
            None => Self::Bad("no title; every book needs one".to_owned()),
        }
    }
}

/// How many there were of one kind, and where the first was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many.
    pub count: usize,
    /// The line or record of the first.
    pub first: usize,
}

impl Counted {
    fn add(&mut self, number: usize) {
        if self.count == 0 {
            self.first = number;
        }
        self.count += 1;
    }
}

/// How a file was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Understood {
    /// How it is built.
    pub format: Format,
    /// How its text is written; of records, which have their own, that of the last.
    pub encoding: Encoding,
    /// What separates its cells, where something does.
    pub separator: Option<char>,
    /// Its columns by name, and what each became.
    pub columns: Vec<(String, &'static str)>,
    /// Columns by name that are not used.
    pub unused: Vec<String>,
    /// Rows, objects or records with something in them, those that only sum up left out.
    pub rows: usize,
    /// Those that are served.
    pub books: usize,
    /// Of those, how many have an ISBN,
    pub with_isbn: usize,
    /// a call number,
    pub with_callno: usize,
    /// a number of copies,
    pub with_copies: usize,
    /// and the day when they came.
    pub with_added: usize,
    /// Rows that are not served, each also told by itself.
    pub not_served: Counted,
    /// Rows with bytes that are no text; what holds them is left out.
    pub damaged: Counted,
    /// ISBNs whose check digit is wrong; their books are served without.
    pub wrong_isbn: Counted,
    /// Numbers as long as an ISBN that are none.
    pub other_number: Counted,
    /// ISBNs that a spreadsheet has rounded.
    pub lost_isbn: Counted,
    /// ISBNs that a spreadsheet has taken the first 0 from, put back.
    pub restored_isbn: Counted,
    /// Words for the state of a copy that nobody knows, and the first.
    pub unknown_state: (Counted, String),
    /// Rows that only sum up others.
    pub totals: usize,
    /// Whether some of its bytes may be no text.
    pub(super) lossy: bool,
}

impl Understood {
    pub(super) fn new(format: Format, encoding: Encoding, lossy: bool) -> Self {
        Self { format, encoding, lossy, ..Self::default() }
    }

    /// Takes a book in.
    pub(super) fn book(&mut self, number: usize, line: &Line) {
        let has = |field| usize::from(!line.field(field).is_empty());
        self.books += 1;
        self.with_isbn += has(Field::Isbn);
        self.with_callno += has(Field::Callno);
        self.with_copies += has(Field::Copies).max(has(Field::Total));
        self.with_added += has(Field::Added);
        match line.isbn {
            Some(Number::Wrong) => self.wrong_isbn.add(number),
            Some(Number::Foreign) => self.other_number.add(number),
            Some(Number::Lost) => self.lost_isbn.add(number),
            Some(Number::Restored(_)) => self.restored_isbn.add(number),
            Some(Number::Right(_) | Number::Other) | None => {}
        }
        if let Some(word) = &line.unknown {
            if self.unknown_state.0.count == 0 {
                self.unknown_state.1 = text::shorten(word, 20);
            }
            self.unknown_state.0.add(number);
        }
    }

    pub(super) fn not_served(&mut self, number: usize) {
        self.not_served.add(number);
    }

    pub(super) fn damaged(&mut self, number: usize) {
        self.damaged.add(number);
    }

    /// A row that only sums up others.
    pub(super) fn total(&mut self) {
        self.totals += 1;
    }

    /// Whether U+FFFD in a text stands for bytes that were none.
    pub(super) fn damages(&self) -> bool {
        self.lossy
    }

    /// Names a column, once.
    pub(super) fn column(&mut self, name: &str, column: Option<Column>) {
        let name = text::shorten(&clean::line(name), 40);
        match column {
            _ if name.is_empty() => {}
            Some(column) => self.columns.push((name, column.label())),
            None => self.unused.push(name),
        }
    }

    /// What a number counts: lines of a file, or its records.
    pub(super) fn unit(&self) -> &'static str {
        self.format.unit()
    }
}

/// Names shown in one line.
const SHOWN: usize = 40;

fn names(f: &mut fmt::Formatter<'_>, before: &str, names: &[String]) -> fmt::Result {
    let Some((first, more)) = names.split_first() else { return Ok(()) };
    write!(f, "\n{before}{first}")?;
    more.iter().take(SHOWN - 1).try_for_each(|name| write!(f, ", {name}"))?;
    match names.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        rest => write!(f, " and {rest} more"),
    }
}

/// A number as people read it: `8 210`.
fn spaced(number: usize) -> String {
    let digits = number.to_string();
    let mut spaced = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(' ');
        }
        spaced.push(digit);
    }
    spaced
}

impl fmt::Display for Understood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "read as {} in {}", self.format, self.encoding)?;
        match self.separator {
            Some('\t') => write!(f, ", separated by tabs")?,
            Some(separator) => write!(f, ", separated by {separator:?}")?,
            None => {}
        }
        let used: Vec<_> =
            self.columns.iter().map(|(name, what)| format!("{name} = {what}")).collect();
        names(f, "columns: ", &used)?;
        names(f, "not used: ", &self.unused)?;
        write!(
            f,
            "\n{} {}: {} with ISBN, {} with call number, {} with copies, {} with the day they came",
            spaced(self.books),
            self.format.rows(),
            spaced(self.with_isbn),
            spaced(self.with_callno),
            spaced(self.with_copies),
            spaced(self.with_added),
        )?;
        self.dropped(f)
    }
}

impl Understood {
    /// What of the file was lost and may be mended, a sentence each, as they stand in the whole.
    pub fn losses(&self) -> impl Iterator<Item = String> {
        self.sentences().into_iter().filter(|(lost, _)| *lost).map(|(_, sentence)| sentence)
    }

    /// What was met, and whether it is a loss.
    fn sentences(&self) -> Vec<(bool, String)> {
        let (unknown, word) = &self.unknown_state;
        let sentences = [
            (false, &self.wrong_isbn, "have one whose check digit is wrong".to_owned()),
            (false, &self.other_number, "have another number in its place (a digit is missing, or it is no book's)".to_owned()),
            (true, &self.lost_isbn, "have one that a spreadsheet rounded (9.78754E+12): format the column as text and export again".to_owned()),
            (false, &self.restored_isbn, "had an ISBN that a spreadsheet took the first 0 from; it was put back".to_owned()),
            (true, unknown, format!("tell the state of a copy in words not known ({word}); it counts as not to be had")),
            (true, &self.damaged, format!("have bytes that are not {}; what holds them is left out", self.encoding)),
            (true, &self.not_served, "are not served".to_owned()),
        ];
        let met = sentences.into_iter().filter(|(_, counted, _)| counted.count > 0);
        let told = met.map(|(lost, counted, sentence)| {
            let (count, first) = (spaced(counted.count), counted.first);
            (lost, format!("{count} {sentence}, the first in {} {first}", self.unit()))
        });
        told.collect()
    }

    fn dropped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let none = self.books - self.with_isbn;
        if none > 0 {
            let (none, rows) = (spaced(none), spaced(self.books));
            write!(f, "\n{none} of {rows} {} have no ISBN", self.format.rows())?;
        }
        for (_, sentence) in self.sentences() {
            write!(f, "\n{sentence}")?;
        }
        if self.totals > 0 {
            write!(f, "\n{} only sum up others and are passed over", self.totals)?;
        }
        Ok(())
    }
}
