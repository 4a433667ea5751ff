//! CSV as libraries and shops export it (RFC 4180, and what spreadsheets make of it).
//!
//! In: text, one of whose first rows names the columns. Out: rows, each with the number of the line it
//! begins on. Cells may be quoted and hold line ends and doubled quotation marks; lines end
//! with LF, CRLF or CR; the separator (comma, semicolon or tab) is found from the header.
//! A row whose quotation marks do not fit is given as broken and reading goes on with the next
//! line, so one stray mark costs one row, not the rest of the file. No I/O; nothing fails.

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

/// The rows of a text, in order.
pub struct Rows<'a> {
    rest: &'a str,
    separator: char,
    line: usize,
}

impl<'a> Rows<'a> {
    /// Begins at the first row.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, separator: ',', line: 1 }
    }

    /// The next row, taken for the header: it tells the separator.
    pub fn header(&mut self) -> Option<Row> {
        let header = self.rest.split(['\n', '\r']).next().unwrap_or_default();
        // The last of equals wins, so a header of one column counts as comma-separated.
        let most = ['\t', ';', ','].into_iter().max_by_key(|&s| header.matches(s).count());
        self.separator = most.unwrap_or(',');
        self.next()
    }
}

impl Iterator for Rows<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.rest;
        let (cells, end) = match row(start, self.separator) {
            Ok((cells, end)) => (Ok(cells), end),
            Err(why) => (Err(why), start.trim_start_matches(|c| !matches!(c, '\n' | '\r'))),
        };
        self.rest = end.strip_prefix("\r\n").or_else(|| end.get(1..)).unwrap_or_default();
        let read = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        let line = self.line;
        self.line += line_ends(read);
        Some(Row { line, cells })
    }
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
        let mut rows = Rows::new(text);
        let header = rows.header();
        let shown = header.into_iter().chain(rows).map(|row| match row.cells {
            Ok(cells) => format!("{}:{}", row.line, cells.join("|")),
            Err(UNCLOSED) => format!("{}!unclosed", row.line),
            Err(_) => format!("{}!after", row.line),
        });
        shown.collect::<Vec<_>>().join(" ")
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
