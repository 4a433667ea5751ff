//! CSV as libraries and shops export it (RFC 4180, and what spreadsheets make of it).
//!
//! In: text, a block at a time. Out: rows, each with the number of the line it begins on. Cells may
//! be quoted and hold line ends and doubled quotation marks; lines end with LF, CRLF or CR; the
//! separator is what [`Rows::separated_by`] was told. A row whose quotation marks do not fit is given
//! as broken and reading goes on with the next line, so one stray mark costs one row, not the rest
//! of the file. No more is held than a block and the row under way. No I/O; nothing fails.

use crate::sys::text;

/// One row of a file.
#[derive(Debug, PartialEq)]
pub struct Row {
    /// The line it begins on; the file's first line is 1.
    pub line: usize,
    /// The cells, as many as there are; what a quoted cell means, not how it is written. Or,
    /// for the person who made the file, why the row cannot be read.
    pub cells: Result<Vec<String>, &'static str>,
}

/// A quoted cell that never ends.
const UNCLOSED: &str = "a quotation mark is never closed; inside a quoted cell it is written twice";
/// Text between a closing quotation mark and the separator.
const AFTER_QUOTE: &str =
    "text follows a closing quotation mark; inside a quoted cell it is written twice";
/// A line or a quoted cell without end.
const TOO_LONG: &str = "longer than a megabyte; is a line end missing?";

/// What separates cells, if nobody says otherwise; of equals the first.
pub const SEPARATORS: [char; 4] = [',', ';', '\t', '|'];

/// Bytes of the longest row. A mark that is never closed must not cost the whole file.
const LONGEST: usize = 1 << 20;
/// What that is lowered to when so many bytes were looked through for marks that close nothing:
/// reading could otherwise take the square of the file's length.
const SHORT: usize = 4096;
const WASTED: usize = 16 << 20;

/// The rows of a text, in order; `more` appends the next block of it, or says that there is none.
pub struct Rows<M> {
    more: M,
    text: String,
    /// Where the next row begins in `text`.
    at: usize,
    ended: bool,
    separator: char,
    line: usize,
    longest: usize,
    wasted: usize,
}

impl<M: FnMut(&mut String) -> bool> Rows<M> {
    /// Begins at the first row, for now with a comma as the separator.
    pub fn new(more: M) -> Self {
        let text = String::new();
        Self {
            more,
            text,
            at: 0,
            ended: false,
            separator: ',',
            line: 1,
            longest: LONGEST,
            wasted: 0,
        }
    }

    /// From here on, this separates cells.
    pub fn separated_by(&mut self, separator: char) {
        self.separator = separator;
    }

    /// The cells of the next row, were they separated by this; the row is not taken. None at the end,
    /// no cells where it cannot be read.
    pub fn look(&mut self, separator: char) -> Option<Vec<String>> {
        let was = std::mem::replace(&mut self.separator, separator);
        let looked = self.peek();
        self.separator = was;
        Some(looked?.map(|(cells, _)| cells).unwrap_or_default())
    }

    /// The next row's cells and how many bytes it has, or why it cannot be read.
    fn peek(&mut self) -> Option<Result<(Vec<String>, usize), &'static str>> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            if rest.is_empty() && self.ended {
                return None;
            }
            let bounded = text::cut(rest, self.longest);
            let cut = bounded.len() < rest.len();
            let last = self.ended && !cut;
            match row(bounded, self.separator) {
                // A row that ends with the block may go on in the next, and so may a CRLF.
                Ok((cells, end)) if end.len() > 1 || last => {
                    return Some(Ok((cells, behind_line(bounded, end))));
                }
                Err(AFTER_QUOTE) if line_end(bounded).len() > 1 || last => {
                    return Some(Err(AFTER_QUOTE));
                }
                read if cut || last => {
                    self.wasted = self.wasted.saturating_add(bounded.len());
                    self.longest = if self.wasted > WASTED { SHORT } else { LONGEST };
                    return Some(Err(if read.is_ok() { TOO_LONG } else { UNCLOSED }));
                }
                _ => self.fill(),
            }
        }
    }

    /// At least doubles what is left, so that a long row is not looked at too often.
    fn fill(&mut self) {
        self.text.drain(..self.at);
        self.at = 0;
        let wanted = self.text.len() * 2;
        while !self.ended && self.text.len() <= wanted {
            self.ended = !(self.more)(&mut self.text);
        }
    }
}

impl<M: FnMut(&mut String) -> bool> Iterator for Rows<M> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let (cells, length) = match self.peek()? {
            Ok((cells, length)) => (Ok(cells), length),
            Err(why) => {
                let rest = self.text.get(self.at..).unwrap_or_default();
                (Err(why), behind_line(rest, line_end(rest)))
            }
        };
        let end = self.at + length;
        let line = self.line;
        self.line += line_ends(self.text.get(self.at..end).unwrap_or_default());
        self.at = end;
        Some(Row { line, cells })
    }
}

/// The text from the first line end on.
fn line_end(text: &str) -> &str {
    text.trim_start_matches(|c| !matches!(c, '\n' | '\r'))
}

/// How many bytes of `text` stand before what follows the line end that `end` begins with.
fn behind_line(text: &str, end: &str) -> usize {
    let rest = end.strip_prefix("\r\n").or_else(|| end.get(1..)).unwrap_or_default();
    text.len() - rest.len()
}

/// The cells of one row, and the text from the row's line end on.
fn row(mut rest: &str, separator: char) -> Result<(Vec<String>, &str), &'static str> {
    let mut cells = Vec::new();
    loop {
        let (value, after) = cell(rest, separator)?;
        // How exports keep a spreadsheet from taking digits for a number.
        let formula = value.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
        cells.push(formula.map(str::to_owned).unwrap_or(value));
        match after.strip_prefix(separator) {
            Some(more) => rest = more,
            None => return Ok((cells, after)),
        }
    }
}

/// One cell, and the text from the separator or line end behind it on.
fn cell(text: &str, separator: char) -> Result<(String, &str), &'static str> {
    let ends = [separator, '\n', '\r'];
    let Some(mut rest) = text.strip_prefix('"') else {
        let (cell, after) = text.split_at(text.find(ends).unwrap_or(text.len()));
        return Ok((cell.to_owned(), after));
    };
    let mut value = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or(UNCLOSED)?;
        value += part;
        match after.strip_prefix('"') {
            Some(more) => {
                value.push('"');
                rest = more;
            }
            None if after.is_empty() || after.starts_with(ends) => return Ok((value, after)),
            None => return Err(AFTER_QUOTE),
        }
    }
}

/// How many lines end in `text`: LF, CRLF and CR each end one.
fn line_ends(text: &str) -> usize {
    text.matches(['\n', '\r']).count() - text.matches("\r\n").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows as `line:cell|cell`, broken ones as `line!reason`.
    fn rows(text: &str) -> String {
        let shown = |step: usize| {
            let mut rest = text;
            let mut rows = Rows::new(|more: &mut String| {
                let (block, after) = rest.split_at(rest.ceil_char_boundary(step));
                more.push_str(block);
                !std::mem::replace(&mut rest, after).is_empty()
            });
            let mut cells = |separator: &char| rows.look(*separator).map_or(0, |cells| cells.len());
            let most = SEPARATORS.into_iter().rev().max_by_key(&mut cells);
            rows.separated_by(most.unwrap_or(','));
            let rows = rows.map(|row| match row.cells {
                Ok(cells) => format!("{}:{}", row.line, cells.join("|")),
                Err(UNCLOSED) => format!("{}!unclosed", row.line),
                Err(_) => format!("{}!after", row.line),
            });
            rows.collect::<Vec<_>>().join(" ")
        };
        let whole = shown(usize::MAX);
        assert_eq!(shown(1), whole, "a character at a time");
        whole
    }

    /// Every line leaves its mark open for the next to close and open again.
    #[test]
    fn open_marks_do_not_cost_the_square() {
        let line = "\"\",a\",\"z\n";
        let (mut left, begun) = (100, std::time::Instant::now());
        let rows = Rows::new(|more: &mut String| {
            more.push_str(&line.repeat(50));
            left -= 1;
            left > 0
        });
        assert_eq!(rows.filter(|row| row.cells.is_err()).count(), 5_000);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    #[rustfmt::skip]
    fn as_spreadsheets_write_it() {
        for (case, text, read) in [
            ("nothing",               "",                         ""),
            ("one cell",              "a",                        "1:a"),
            ("LF",                    "a,b\n1,2\n",               "1:a|b 2:1|2"),
            ("CRLF",                  "a,b\r\n1,2\r\n",           "1:a|b 2:1|2"),
            ("CR",                    "a,b\r1,2\r",               "1:a|b 2:1|2"),
            ("no last line end",      "a,b\n1,2",                 "1:a|b 2:1|2"),
            ("semicolons",            "a;b\n1,5;2\n",             "1:a|b 2:1,5|2"),
            ("tabs",                  "a\tb\n1,5\t2\n",           "1:a|b 2:1,5|2"),
            ("empty cells",           "a,,\n,,\n",                "1:a|| 2:||"),
            ("a blank line",          "a\n\nb\n",                 "1:a 2: 3:b"),
            ("quoted separator",      "a,b\n\"1,2\",3\n",         "1:a|b 2:1,2|3"),
            ("doubled mark",          "a\n\"say \"\"hi\"\"\"\n",  "1:a 2:say \"hi\""),
            ("a mark inside",         "a\n5\" disk\n",            "1:a 2:5\" disk"),
            ("formulas",              "a,=\"b\"\n=\"01\",\"=\"\"02\"\"\"\n", "1:a|b 2:01|02"),
            ("line end in quotes",    "a,b\n\"1\n2\",3\nx,y\n",   "1:a|b 2:1\n2|3 4:x|y"),
            ("CRLF in quotes",        "a\n\"1\r\n2\"\nx\n",       "1:a 2:1\r\n2 4:x"),
            ("empty quotes",          "a,b\n\"\",\"\"\n",         "1:a|b 2:|"),
            ("never closed",          "a\n\"1\nx\n",              "1:a 2!unclosed 3:x"),
            ("closed too late",       "a\n\"1\nx\n\"y\"\n",       "1:a 2!after 3:x 4:y"),
            ("text after the mark",   "a\n\"1\"2\nx\n",           "1:a 2!after 3:x"),
        ] {
            assert_eq!(rows(text), read, "{case}");
        }
    }
}
