//! `doumibook wishes`: what readers looked for in vain, most wanted first.
//!
//! In: the state directory of a service, which may run or not. Out: a table, CSV for a spreadsheet,
//! or an order that the service will obey. Never writes the service's own file.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use crate::catalogue::Query;
use crate::cli::command::WishesCommand;
use crate::service::wishbook;
use crate::service::wishes::{Order, Wish};
use crate::sys::day;
use crate::sys::visible::printable;

/// Where the unit's state directory is.
pub const STATE: &str = "/var/lib/doumibook";

const HEADER: [&str; 6] = ["人数", "ISBN", "书名", "作者", "最早登记", "最近登记"];

/// Does what was asked and returns what to print.
///
/// # Errors
/// A sentence for the operator.
pub fn run(what: &WishesCommand, state: &Path) -> Result<String, String> {
    let told = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "; try sudo",
            io::ErrorKind::NotFound => {
                "; start the service with DOUMIBOOK_WISHES=yes, or name its directory in \
                 STATE_DIRECTORY"
            }
            _ => "",
        };
        format!("the wishes in {}: {error}{hint}", state.display())
    };
    // Also an error when the directory is not there or closed, which no wishes would look like.
    std::fs::read_dir(state).map_err(told)?;
    let mut wishes = wishbook::read(state).map_err(told)?;
    let order = match what {
        WishesCommand::Table => return Ok(table(&wishes.sorted())),
        WishesCommand::Csv => return Ok(csv(&wishes.sorted())),
        WishesCommand::Done(text) => Order::Done(text.clone()),
        WishesCommand::Clear => Order::Clear,
    };
    let gone = wishes.obey(&order);
    match (&order, gone) {
        (Order::Done(text), 0) => {
            Err(format!("no wish for {text:?}; give its ISBN, its title or the words asked"))
        }
        _ => {
            wishbook::order(state, &order).map_err(told)?;
            let left = wishes.sorted().len();
            Ok(format!("{gone} taken out, {left} left\n"))
        }
    }
}

fn cells(wish: &Wish) -> [String; 6] {
    let (isbn, asked) = match &wish.wanted.asked {
        Query::Isbn(isbn) => (isbn.isbn13(), String::new()),
        Query::Words(words) => (String::new(), words.clone()),
        other => (String::new(), other.to_string()),
    };
    let title = if wish.wanted.title.is_empty() { asked } else { wish.wanted.title.clone() };
    let (first, last) = (day::written(wish.first), day::written(wish.last));
    [wish.readers.to_string(), isbn, title, wish.wanted.author.clone(), first, last]
}

/// For a terminal: in columns, a Chinese character two wide.
fn table(wishes: &[&Wish]) -> String {
    if wishes.is_empty() {
        return "no wishes\n".to_owned();
    }
    let rows: Vec<_> =
        [HEADER.map(str::to_owned)].into_iter().chain(wishes.iter().map(|w| cells(w))).collect();
    let mut widest = [0; 6];
    for row in &rows {
        for (widest, cell) in widest.iter_mut().zip(row) {
            *widest = width(cell).max(*widest);
        }
    }
    let mut table = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(widest) {
            let cell = printable(cell).replace(char::is_control, " ");
            let blanks = widest.saturating_sub(width(&cell)) + 2;
            let _ = write!(line, "{cell}{:blanks$}", "");
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{1100}' { 1 } else { 2 }).sum()
}

/// For Excel on a Chinese computer: UTF-8 with its mark, CRLF.
fn csv(wishes: &[&Wish]) -> String {
    let mut text = String::from("\u{feff}");
    let rows = wishes.iter().map(|wish| cells(wish));
    for (number, row) in [HEADER.map(str::to_owned)].into_iter().chain(rows).enumerate() {
        let mut row: Vec<_> = row.iter().map(|text| cell(text)).collect();
        // Behind a tab, 13 digits are text and not 9.78754E+12.
        if let Some(isbn) = row.get_mut(1).filter(|isbn| number > 0 && !isbn.is_empty()) {
            isbn.push('\t');
        }
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

/// One cell: quoted where it has to be, and never the beginning of a formula.
fn cell(text: &str) -> String {
    let text = printable(text).replace(char::is_control, " ");
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']);
    let text = if formula { format!("'{text}") } else { text };
    match text.contains(['"', ',', ';']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::isbn::Isbn;
    use crate::chat::wish::Wanted;

    fn wish(asked: Query, title: &str, author: &str, readers: u32) -> Wish {
        let wanted = Wanted { asked, title: title.into(), author: author.into() };
        Wish { wanted, readers, first: 20_000, last: 20_783 }
    }

    #[test]
    fn a_table_and_a_file_for_a_spreadsheet() {
        let isbn = Query::Isbn(Isbn::parse("9787536692930").unwrap());
        let wishes = [
            wish(isbn, "三体", "刘慈欣", 12),
            wish(Query::Words("=cmd|' /c calc'!a1, 坏".into()), "", "", 1),
            wish(Query::Words("-1 \"引号\"".into()), "", "@x", 1),
        ];
        let wishes: Vec<_> = wishes.iter().collect();
        assert_eq!(
            table(&wishes[..1]),
            "人数  ISBN           书名  作者    最早登记    最近登记\n\
             12    9787536692930  三体  刘慈欣  2024-10-04  2026-11-26\n"
        );
        assert_eq!(
            csv(&wishes),
            "\u{feff}人数,ISBN,书名,作者,最早登记,最近登记\r\n\
             12,9787536692930\t,三体,刘慈欣,2024-10-04,2026-11-26\r\n\
             1,,\"'=cmd|' /c calc'!a1, 坏\",,2024-10-04,2026-11-26\r\n\
             1,,\"'-1 \"\"引号\"\"\",'@x,2024-10-04,2026-11-26\r\n"
        );
        assert_eq!(table(&[]), "no wishes\n");
    }
}
