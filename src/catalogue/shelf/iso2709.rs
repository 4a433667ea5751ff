//! Records of library systems as ISO 2709 writes them.
//!
//! In: bytes. Out: one record after the other, as fields with their subfields in UTF-8, or why one
//! cannot be read; the next one is read all the same. Lengths and starts in a record count bytes of
//! the encoding it was first written in and are often wrong since: only the tags of the directory are
//! used, in order, and the rest is split at the fields' own ends. No I/O but reading; no record is
//! longer than a megabyte.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use super::encoding::Encoding;
use super::names::Column;
use crate::catalogue::book::Holding;

/// Behind a field.
const FIELD: u8 = 0x1e;
/// Behind a record.
const RECORD: u8 = 0x1d;
/// Before a subfield.
const SUBFIELD: u8 = 0x1f;
/// Bytes of a leader.
const LEADER: usize = 24;
/// Bytes of a directory's entry: tag 3, length 4, start 5.
const ENTRY: usize = 12;
/// Bytes of the longest record; the length in a leader has five digits.
const LONGEST: usize = 1 << 20;

/// One field with data: its tag and its subfields, in order.
#[derive(Debug, Default, PartialEq)]
pub(super) struct DataField {
    pub tag: String,
    /// The two indicators.
    pub indicators: String,
    pub subfields: Vec<(char, String)>,
}

impl DataField {
    /// The first subfield of this letter, or nothing.
    pub fn first(&self, code: char) -> &str {
        self.all(code).next().unwrap_or_default()
    }

    /// All subfields of this letter.
    pub fn all(&self, code: char) -> impl Iterator<Item = &str> {
        let those = self.subfields.iter().filter(move |(own, _)| *own == code);
        those.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// Subfields of these letters, each with its own, in their order.
    pub fn of<'a>(&'a self, codes: &'a str) -> impl Iterator<Item = (char, &'a str)> {
        let those = self.subfields.iter().filter(|(own, _)| codes.contains(*own));
        those.map(|(own, text)| (*own, text.trim())).filter(|(_, text)| !text.is_empty())
    }
}

/// A record's fields with data.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record(pub Vec<DataField>);

impl Record {
    /// The fields of this tag.
    pub fn tagged<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a DataField> {
        self.0.iter().filter(move |field| field.tag == tag)
    }

    /// The first subfield of a tag and letter that holds something, or nothing.
    pub fn first(&self, tag: &str, code: char) -> &str {
        let mut found = self.0.iter().filter(|field| field.tag == tag).flat_map(|f| f.all(code));
        found.next().unwrap_or_default()
    }
}

/// What a record says of a book: texts under what they are, those that say most first.
#[derive(Default)]
pub(super) struct Said {
    pub texts: Vec<(Column, String)>,
    pub holding: Holding,
}

impl Said {
    /// Adds a text.
    pub fn say(&mut self, column: Column, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.texts.push((column, text));
        }
    }
}

/// The records of a file, as bytes.
pub(super) struct Records<R> {
    file: BufReader<R>,
    /// Those that stood where one should have ended.
    open: VecDeque<Vec<u8>>,
}

impl<R: Read> Records<R> {
    /// Begins at the first record.
    pub fn new(file: R) -> Self {
        Self { file: BufReader::new(file), open: VecDeque::new() }
    }

    /// The next record's bytes; none at the end.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(bytes) = self.open.pop_front() {
                return Ok(Some(bytes));
            }
            let mut bytes = Vec::new();
            (&mut self.file).take(LONGEST as u64).read_until(RECORD, &mut bytes)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.open.extend(separate(between(&bytes)).map(<[u8]>::to_vec));
        }
    }
}

/// Bytes without what may stand between records: line ends, blanks, marks of a file's begin or end.
fn between(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(&[RECORD]).unwrap_or(bytes);
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let from = bytes.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0 | 0x1a));
    from.and_then(|from| bytes.get(from..)).unwrap_or_default()
}

/// Records of which one has lost its end: wherever a leader stands, a record begins.
fn separate(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes).filter(|bytes| !bytes.is_empty());
    std::iter::from_fn(move || {
        let bytes = rest.take()?;
        let next = bytes.windows(LEADER).skip(1).position(is_leader).map(|at| at + 1);
        let (record, more) = bytes.split_at_checked(next.unwrap_or(bytes.len()))?;
        rest = Some(more).filter(|more| !more.is_empty());
        Some(record)
    })
}

/// Five digits of length, `22` for the two indicators and the two bytes before a subfield's text,
/// five digits of the data's start, and `45` for how the directory is built.
fn is_leader(bytes: &[u8]) -> bool {
    let Some(leader) = bytes.first_chunk::<LEADER>() else { return false };
    let [length @ .., _, _, _, _, _, b'2', b'2', a, b, c, d, e, _, _, _, b'4', b'5', _, _] = leader
    else {
        return false;
    };
    length.iter().chain([a, b, c, d, e]).all(u8::is_ascii_digit)
}

/// A record, how it is written, and whether some of its bytes are no text.
pub(super) fn parse(bytes: &[u8]) -> Result<(Record, Encoding, bool), &'static str> {
    const DAMAGED: &str = "damaged: its fields do not fit its directory; the next one is read";
    let mut fields = bytes.split(|byte| *byte == FIELD);
    let head = fields.next().unwrap_or_default();
    let (_, directory) = head.split_at_checked(LEADER).ok_or(DAMAGED)?;
    let entries = directory.chunks(ENTRY);
    let whole = |entry: &[u8]| entry.len() == ENTRY && entry.iter().all(u8::is_ascii_alphanumeric);
    if directory.is_empty() || !entries.clone().all(whole) {
        return Err(DAMAGED);
    }
    let mut fields: Vec<&[u8]> = fields.collect();
    // Behind the last field's end there is nothing; a record that was cut has no such end.
    if fields.pop().is_none_or(|rest| !rest.trim_ascii().is_empty())
        || fields.len() != entries.len()
    {
        return Err(DAMAGED);
    }
    let encoding = if str::from_utf8(bytes).is_ok() { Encoding::Utf8 } else { Encoding::Gbk };
    let mut damaged = false;
    let tagged = entries.zip(fields).filter_map(|(entry, field)| {
        let tag = String::from_utf8_lossy(entry.get(..3)?).into_owned();
        let (text, wrong) = match encoding {
            Encoding::Utf8 => (String::from_utf8_lossy(field), false),
            _ => encoding_rs::GB18030.decode_without_bom_handling(field),
        };
        damaged |= wrong;
        (!tag.starts_with("00")).then(|| data(tag, &text))
    });
    let fields: Vec<DataField> = tagged.collect();
    Ok((Record(fields), encoding, damaged))
}

fn data(tag: String, text: &str) -> DataField {
    let mut parts = text.split(char::from(SUBFIELD));
    let indicators = parts.next().unwrap_or_default().to_owned();
    let subfield = |part: &str| {
        let code = part.chars().next()?;
        let text = part.get(code.len_utf8()..).unwrap_or_default();
        // Bytes that are no text make the whole subfield doubtful.
        let whole = !text.contains(char::REPLACEMENT_CHARACTER);
        whole.then(|| (code.to_ascii_lowercase(), text.to_owned()))
    };
    DataField { tag, indicators, subfields: parts.filter_map(subfield).collect() }
}
