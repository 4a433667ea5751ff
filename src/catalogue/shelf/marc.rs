//! Books out of records: CNMARC or MARC 21, by the field of the title.
//!
//! In: a file of records. Out: what each says of a book, or why it cannot be served. No I/O but reading.

use std::io::Read;

use super::fields::Line;
use super::iso2709::{self, Record, Records};
use super::report::{Met, Understood};
use super::{cnmarc, marc21};

/// Reads records; `meet` gets each one's number and what it is.
///
/// # Errors
/// What `meet` says, and those of reading.
pub(super) fn read(
    file: impl Read,
    understood: &mut Understood,
    meet: &mut dyn FnMut(&mut Understood, usize, Met) -> Result<(), String>,
) -> Result<(), String> {
    let mut records = Records::new(file);
    let mut number = 0;
    while let Some(bytes) = records.next().map_err(|error| error.to_string())? {
        number += 1;
        let met = match iso2709::parse(&bytes) {
            Err(why) => Met::Bad(why.to_owned()),
            Ok((record, encoding, damaged)) => {
                understood.encoding = encoding;
                Met::of(line(&record), damaged)
            }
        };
        meet(understood, number, met)?;
    }
    Ok(())
}

fn line(record: &Record) -> Option<Line> {
    let has = |tag| record.tagged(tag).next().is_some();
    let mut said = match has("245") && !has("200") {
        true => marc21::said(record),
        false => cnmarc::said(record),
    };
    // Equal columns stay in the order of the record.
    said.texts.sort_by_key(|(column, _)| *column);
    let texts = said.texts.iter().map(|(column, text)| (*column, &**text));
    let mut line = Line::new(texts, true)?;
    line.hold(&said.holding);
    Some(line)
}
