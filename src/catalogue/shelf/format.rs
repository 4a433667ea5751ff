//! How a shelf file is built, told by its bytes.
//!
//! In: the beginning of a file, and its name. Out: its [`Format`]; or, for a file that is no shelf at all,
//! what to do with it. Pure.

use std::fmt;
use std::path::Path;

/// How a shelf file is built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    JsonLines,
    /// Comma-, semicolon- or tab-separated, with a header.
    #[default]
    Csv,
    /// Records of library systems, ISO 2709: CNMARC or MARC 21.
    Marc,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JsonLines => "JSON Lines",
            Self::Csv => "CSV",
            Self::Marc => "MARC (ISO 2709)",
        })
    }
}

impl Format {
    /// Records by their bytes, whatever the name; else by the end of the name (`.jsonl`, `.ndjson`,
    /// `.json`; `.csv`, `.tsv`), else by the first byte that is not blank: `{` begins JSON Lines,
    /// anything else CSV. A beginning of the file is enough.
    pub fn of(path: &Path, bytes: &[u8]) -> Self {
        let ending = path.extension().map(|e| e.to_ascii_lowercase());
        match ending.as_deref().and_then(|e| e.to_str()) {
            _ if is_marc(bytes) => Self::Marc,
            Some("jsonl" | "ndjson" | "json") => Self::JsonLines,
            Some("csv" | "tsv") => Self::Csv,
            _ if begins_with_object(bytes) => Self::JsonLines,
            _ => Self::Csv,
        }
    }

    /// What its numbers count.
    pub(super) fn unit(self) -> &'static str {
        if self == Self::Marc { "record" } else { "line" }
    }

    /// What it has one of a book.
    pub(super) fn rows(self) -> &'static str {
        if self == Self::Marc { "records" } else { "rows" }
    }
}

/// Also in UTF-16, where a zero stands before or behind every Latin character.
fn begins_with_object(bytes: &[u8]) -> bool {
    let marks = ["\u{feff}".as_bytes(), &[0xff, 0xfe], &[0xfe, 0xff]];
    let bytes = marks.iter().find_map(|mark| bytes.strip_prefix(*mark)).unwrap_or(bytes);
    bytes.iter().find(|byte| **byte != 0 && !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Whether bytes, those at a file's beginning, are records: no text has these three marks.
fn is_marc(head: &[u8]) -> bool {
    let zeros = head.iter().filter(|byte| **byte == 0).count();
    let utf16 = matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || zeros * 32 > head.len();
    !utf16 && [0x1d, 0x1e, 0x1f].iter().all(|mark| head.contains(mark))
}

/// What to do with a file that holds no text.
pub(super) fn other_kind(head: &[u8]) -> Option<String> {
    let low: Vec<u8> = head.iter().take(64).map(u8::to_ascii_lowercase).collect();
    let low = low.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&low).trim_ascii_start();
    let (what, read) = match low {
        [b'p', b'k', 3 | 5, 4 | 6, ..] => ("an Excel workbook (.xlsx)", "it"),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => ("an Excel workbook (.xls)", "it"),
        _ if [&b"<?xml"[..], b"<html", b"<!doc", b"<table", b"<meta"]
            .iter()
            .any(|tag| low.starts_with(tag)) =>
        {
            ("a page or XML, as systems export it under the name of a workbook", "it")
        }
        [b'%', b'p', b'd', b'f', ..] => {
            return Some(
                "this is a PDF, of which no books can be read; export CSV from your system".into(),
            );
        }
        _ => return None,
    };
    Some(format!(
        "this is {what}; open {read} in Excel or WPS, choose 文件 > 另存为 (File > Save As), and as its \
         type CSV (逗号分隔)(*.csv); then give that file"
    ))
}
