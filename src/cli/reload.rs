//! SIGHUP: the shelf and the operator's answers are read again, and nothing else.
//!
//! In: the paths, and the parts that use what is read. Out: new books and answers, or the old
//! ones and a line in the log that says why. Readers are answered meanwhile.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::catalogue::Library;
use crate::cli::setup;
use crate::service::Service;
use crate::sys::journal;
use crate::sys::sync::lock;

/// Reads files again.
pub struct Reloader {
    shelf: Option<PathBuf>,
    replies: Option<PathBuf>,
    library: Arc<Library>,
    service: Arc<Service>,
    /// One at a time: two would be three shelves in memory.
    reading: Mutex<()>,
    /// Whether one waits for its turn already, and will read what is there then.
    waiting: AtomicBool,
}

impl Reloader {
    /// For the files of the shelf and of the answers, if there are any.
    pub fn new(
        (shelf, replies): (Option<PathBuf>, Option<PathBuf>),
        library: Arc<Library>,
        service: Arc<Service>,
    ) -> Arc<Self> {
        Arc::new(Self {
            shelf,
            replies,
            library,
            service,
            reading: Mutex::default(),
            waiting: AtomicBool::default(),
        })
    }

    /// Reads everything again, on a thread of its own. Each call reads what is there after it.
    pub fn start(self: &Arc<Self>) {
        if self.waiting.swap(true, Ordering::AcqRel) {
            return;
        }
        let reloader = self.clone();
        let spawned =
            thread::Builder::new().name("reload".into()).spawn(move || reloader.read_again());
        if let Err(error) = spawned {
            self.waiting.store(false, Ordering::Release);
            journal::warning(format_args!("nothing is read again: {error}"));
        }
    }

    fn read_again(&self) {
        let _one = lock(&self.reading);
        self.waiting.store(false, Ordering::Release);
        if self.shelf.is_none() && self.replies.is_none() {
            journal::info(format_args!("no shelf and no answers to read again"));
        }
        if let Some(path) = &self.shelf {
            for outcome in self.library.reload() {
                match outcome {
                    Ok(reread) => setup::report_shelf(path, &reread.served),
                    Err(why) => journal::error(format_args!(
                        "DOUMIBOOK_SHELF: {why}; the books of before are served on"
                    )),
                }
            }
        }
        if let Some(path) = &self.replies {
            match setup::read_replies(path) {
                Ok(replies) => self.service.conversation.answer_with(replies),
                Err(why) => journal::error(format_args!("{why}; the answers of before stay")),
            }
        }
    }
}
