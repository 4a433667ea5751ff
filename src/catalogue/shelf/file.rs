//! A shelf file put into the store.
//!
//! In: something that can be opened and read more than once, and its [`Format`]. Out: the [`Store`], a
//! [`BadLine`] for every line that is not served, or not wholly, and how the whole was
//! [`Understood`]; blank lines say nothing. Only a file of which nothing can be served is refused as
//! a whole. Never is more held of the file than a block and the line under way. No I/O but reading.

use std::io::{self, Read};

use super::encoding::{self, Encoding, Text};
use super::fields::Line;
use super::format::{self, Format};
use super::report::{BadLine, Met, Understood};
use super::store::Store;
use super::{marc, objects, table};

/// A file that was read.
pub(super) struct Loaded {
    pub store: Store,
    pub bad: Vec<BadLine>,
    pub understood: Understood,
}

/// Lines that are told one by one; all are counted.
const TOLD: usize = 1000;

impl Loaded {
    /// All that is to come has come.
    fn close(mut self) -> Result<Self, String> {
        if self.store.len() == 0 {
            let first = self.bad.first().map(|bad| format!("nothing in it can be served; {bad}"));
            return Err(first.unwrap_or_else(|| "no books below the header".to_owned()));
        }
        self.store.close();
        Ok(self)
    }

    fn meet(&mut self, understood: &mut Understood, number: usize, met: Met) -> Result<(), String> {
        let why = match met {
            Met::Total => {
                understood.total();
                return Ok(());
            }
            Met::Book(line) => return self.keep(understood, number, &line),
            Met::Damaged(line) => {
                self.keep(understood, number, &line)?;
                understood.damaged(number);
                format!(
                    "some of its bytes are not {}; what holds them is left out",
                    understood.encoding
                )
            }
            Met::Bad(why) => {
                understood.not_served(number);
                why
            }
        };
        if self.bad.len() < TOLD {
            self.bad.push(BadLine { line: number, unit: understood.unit(), why });
        }
        Ok(())
    }

    fn keep(
        &mut self,
        understood: &mut Understood,
        number: usize,
        line: &Line,
    ) -> Result<(), String> {
        understood.book(number, line);
        let fits = self.store.push(&line.fields);
        fits.ok_or("more than 4 GiB of books; split the file".to_owned())
    }
}

/// Reads a whole file, which `open` opens at its first byte.
///
/// # Errors
/// A sentence for the operator when nothing of it can be served.
pub(super) fn read<R: Read>(
    open: impl Fn() -> io::Result<R>,
    format: impl FnOnce(&[u8]) -> Format,
) -> Result<Loaded, String> {
    let said = |error: io::Error| error.to_string();
    let mut head = Vec::new();
    open().map_err(said)?.take(HEAD).read_to_end(&mut head).map_err(said)?;
    if head.trim_ascii().is_empty() {
        return Err("the file is empty".to_owned());
    }
    if let Some(other) = format::other_kind(&head) {
        return Err(other);
    }
    let format = format(&head);
    let (encoding, lossy) = match format {
        Format::Marc => (Encoding::Utf8, false),
        _ => encoding::tell(&mut open().map_err(said)?).map_err(said)?,
    };
    let lossy = lossy || encoding != Encoding::Utf8;
    let mut understood = Understood::new(format, encoding, lossy);
    let mut loaded =
        Loaded { store: Store::default(), bad: Vec::new(), understood: understood.clone() };
    let mut failed = None;
    let file = open().map_err(said)?;
    let mut meet = |told: &mut Understood, number, met| loaded.meet(told, number, met);
    if format == Format::Marc {
        marc::read(file, &mut understood, &mut meet)?;
    } else {
        let mut text = Text::new(file, encoding);
        let more = |into: &mut String| {
            text.more(into).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        };
        match format {
            Format::JsonLines => objects::read(more, &mut understood, &mut meet)?,
            _ => table::read(more, &mut understood, &mut meet)?,
        }
    }
    if let Some(error) = failed {
        return Err(said(error));
    }
    loaded.understood = understood;
    loaded.close()
}

/// Bytes from the first that tell the format: more than any record has.
const HEAD: u64 = 128 * 1024;
