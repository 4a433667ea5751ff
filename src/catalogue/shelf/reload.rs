//! A shelf that is read again while it answers.
//!
//! In: the path of a file of books; later the wish to read it again. Out: a [`Catalogue`] of the
//! books of the last time the file could be served. A question sees the old books or the new ones,
//! never some of each; while the file is read the old ones answer, so that for this time there
//! are two shelves in memory.

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{BadLine, Loaded, Shelf};
use crate::catalogue::book::Source;
use crate::catalogue::{Catalogue, Outcome, Query, Reread, Served};
use crate::sys::sync::lock;

/// Bad lines that are told one by one; a file may consist of them.
pub const TOLD: usize = 20;

/// A shelf and where it came from.
pub struct ReloadableShelf {
    path: PathBuf,
    shelf: Mutex<Arc<Shelf>>,
}

impl ReloadableShelf {
    /// Reads the file at `path`, and says what of it is served.
    ///
    /// # Errors
    /// As [`Shelf::load`].
    pub fn open(path: &Path) -> Result<(Self, Served), String> {
        let (shelf, served) = read(path)?;
        Ok((Self { path: path.to_owned(), shelf: Mutex::new(Arc::new(shelf)) }, served))
    }

    fn shelf(&self) -> Arc<Shelf> {
        lock(&self.shelf).clone()
    }
}

impl Catalogue for ReloadableShelf {
    fn source(&self) -> Source {
        Source::Shelf
    }

    fn find(&self, query: &Query, until: Instant) -> Outcome {
        self.shelf().find(query, until)
    }

    fn reload(&self) -> Option<Result<Reread, String>> {
        let path = &self.path;
        // Of the file before it is read: should it change meanwhile, the next start forgets what
        // is remembered of it.
        let print = print(path).map_err(|error| format!("{}: {error}", path.display()));
        Some(print.and_then(|print| {
            let (shelf, served) = read(path)?;
            *lock(&self.shelf) = Arc::new(shelf);
            Ok(Reread { print, served })
        }))
    }
}

fn read(path: &Path) -> Result<(Shelf, Served), String> {
    let Loaded { shelf, bad, understood } = Shelf::load(path)?;
    let first = bad.iter().take(TOLD).map(BadLine::to_string).collect();
    let understood = understood.to_string().lines().map(str::to_owned).collect();
    let served = Served { books: shelf.len(), bad: bad.len(), first, understood };
    Ok((shelf, served))
}

/// Tells the bytes of one file from those of another, without holding them.
///
/// # Errors
/// The file system's.
pub fn print(path: &Path) -> io::Result<u64> {
    let (mut file, mut block) = (File::open(path)?, vec![0; 64 * 1024]);
    // Fixed keys, as the print outlives this process.
    let mut hasher = DefaultHasher::new();
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hasher.finish()),
            count => hasher.write(block.get(..count).unwrap_or_default()),
        }
    }
}
