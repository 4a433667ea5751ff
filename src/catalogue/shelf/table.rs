//! Tables: CSV with a header.
//!
//! In: the text of a file, a block at a time. Out: what each row below the header says of a book, or
//! why it cannot be served. The header is told by its names, in any of the first lines and with
//! whichever separator names most; rows that repeat it or sum up others are passed over. No I/O.

use super::fields::Line;
use super::names::{self, Column};
use super::report::{Met, Understood};
use super::values;
use crate::catalogue::isbn::Isbn;
use crate::catalogue::{clean, csv};
use crate::sys::text;

/// How many lines from the first may be the header.
const ABOVE: usize = 5;
/// Names among the names of ratings that only the public gives.
const PUBLIC: usize = 5;

/// The header of a table.
struct Header {
    cells: Vec<String>,
    separator: char,
    /// What each column is, in the file's order.
    columns: Vec<Option<(Column, usize)>>,
    /// The columns that are used, those that say most first.
    order: Vec<(usize, Column)>,
}

/// Reads a table; `meet` gets each row's number and what it is.
///
/// # Errors
/// A sentence for the operator when there is no header.
pub(super) fn read<M: FnMut(&mut String) -> bool>(
    more: M,
    understood: &mut Understood,
    meet: &mut dyn FnMut(&mut Understood, usize, Met) -> Result<(), String>,
) -> Result<(), String> {
    let mut rows = csv::Rows::new(more);
    let header = header(&mut rows)?;
    rows.separated_by(header.separator);
    rows.next();
    understood.separator = Some(header.separator);
    for (name, column) in header.cells.iter().zip(&header.columns) {
        understood.column(name, column.map(|(column, _)| column));
    }
    for csv::Row { line, cells } in rows {
        let met = match cells {
            Err(why) => Met::Bad(why.to_owned()),
            Ok(cells) if used(&cells) == 0 || cells == header.cells => continue,
            Ok(cells) if values::is_total(&cells) => Met::Total,
            Ok(cells) => header.row(cells, understood.damages()),
        };
        meet(understood, line, met)?;
    }
    Ok(())
}

/// Finds the header, and leaves its row as the next one.
fn header<M: FnMut(&mut String) -> bool>(rows: &mut csv::Rows<M>) -> Result<Header, String> {
    let (mut first, mut fixed) = (None, None);
    for _ in 0..ABOVE {
        let Some(whole) = rows.look('\u{1f}') else { break };
        let whole = whole.join("");
        if let Some(separator) = told_separator(&whole) {
            fixed = Some(separator);
            rows.next();
            continue;
        }
        let separators = fixed.map_or(csv::SEPARATORS.to_vec(), |separator| vec![separator]);
        let looks = separators.into_iter().filter_map(|s| Some(Header::new(rows.look(s)?, s)));
        let looks: Vec<Header> = looks.collect();
        let widest = looks.iter().rev().max_by_key(|look| look.cells.len());
        if first.is_none() && !whole.trim().is_empty() {
            first = Some((whole, widest.map(|look| look.cells.clone()).unwrap_or_default()));
        }
        let best = looks.into_iter().rev().max_by_key(|look| (look.named(), look.cells.len()));
        match best.filter(Header::has_title) {
            Some(header) => return Ok(header),
            None => rows.separated_by(fixed.unwrap_or(',')),
        }
        rows.next();
    }
    let Some((line, cells)) = first else { return Err("the file is empty".to_owned()) };
    Err(match suggestion(&cells) {
        Some(header) => format!(
            "it has no header: its first line is a book already; add this line above it, with the \
             right name over each column: {header}"
        ),
        None => format!(
            "none of the first {ABOVE} lines names a column title or 书名; the first is: {}",
            text::shorten(&clean::line(&line), 200)
        ),
    })
}

/// What `sep=;`, an instruction to Excel, says.
fn told_separator(line: &str) -> Option<char> {
    let low = line.trim_matches(['"', '\u{feff}', ' ']).to_ascii_lowercase();
    let mut rest = low.strip_prefix("sep=")?.chars();
    rest.next().filter(|_| rest.all(|c| c.is_whitespace() || c == '"' || c == ','))
}

impl Header {
    fn new(cells: Vec<String>, separator: char) -> Self {
        let own = cells.iter().any(|name| names::is_own(name));
        let columns: Vec<_> = cells.iter().map(|name| column(names::named(name), own)).collect();
        let mut order: Vec<_> = columns
            .iter()
            .enumerate()
            .filter_map(|(at, found)| Some((*found.as_ref()?, at)))
            .collect();
        order.sort_unstable();
        let order = order.into_iter().map(|((column, _), at)| (at, column)).collect();
        Self { cells, separator, columns, order }
    }

    fn named(&self) -> usize {
        self.order.len()
    }

    fn has_title(&self) -> bool {
        self.order.iter().any(|(_, column)| matches!(column, Column::Title | Column::Heading))
    }

    /// Cells beyond the header are refused, because then the others stand under wrong names; blank
    /// ones are what spreadsheets leave at the end.
    fn row(&self, mut cells: Vec<String>, damages: bool) -> Met {
        let (found, header) = (used(&cells), self.columns.len());
        if found > header {
            return Met::Bad(format!(
                "{found} cells, but the header has {header}; \
                 a cell that contains the separator must stand in quotation marks"
            ));
        }
        let damaged = damages && leave_out_damaged(cells.iter_mut());
        let texts =
            self.order.iter().filter_map(|(at, column)| Some((*column, &**cells.get(*at)?)));
        let heading = self.order.iter().any(|(_, column)| *column == Column::Heading);
        Met::of(Line::new(texts, heading), damaged)
    }
}

/// A rating in a list of one's own reading is one's own.
pub(super) fn column(found: Option<(Column, usize)>, own: bool) -> Option<(Column, usize)> {
    match found {
        Some((Column::Rating, place)) if own && place >= PUBLIC => Some((Column::OwnStars, place)),
        _ => found,
    }
}

/// Empties every text in which bytes were no text; whether there was one.
pub(super) fn leave_out_damaged<'a>(texts: impl Iterator<Item = &'a mut String>) -> bool {
    let damaged = texts.filter(|text| text.contains(char::REPLACEMENT_CHARACTER));
    damaged.map(|text| text.clear()).count() > 0
}

/// How many cells there are up to the last that is not blank.
fn used(cells: &[String]) -> usize {
    cells.iter().rposition(|cell| !cell.trim().is_empty()).map_or(0, |last| last + 1)
}

/// A header for a first row that is a book: an ISBN and a text.
fn suggestion(cells: &[String]) -> Option<String> {
    let is_isbn = |cell: &str| matches!(values::isbn(cell), values::Number::Right(_));
    cells.iter().find(|cell| is_isbn(cell))?;
    let mut texts = ["书名", "作者"].into_iter();
    let mut isbns = ["ISBN"].into_iter();
    let mut name = |cell: &String| {
        let cell = cell.trim();
        let known = match cell {
            _ if Isbn::parse(cell).is_some() || is_isbn(cell) => isbns.next(),
            _ if ["出版社", "书局", "书店", "印书馆", "Press"]
                .iter()
                .any(|end| cell.ends_with(end)) =>
            {
                Some("出版社")
            }
            _ if cell.ends_with('元') || cell.starts_with(['￥', '¥']) => Some("定价"),
            _ if cell.chars().any(char::is_alphabetic) => texts.next(),
            _ => None,
        };
        known.unwrap_or("备注")
    };
    let header: Vec<_> = cells.iter().map(&mut name).collect();
    header.contains(&"书名").then(|| header.join(","))
}
