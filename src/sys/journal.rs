//! The log: one line an event, on standard error.
//!
//! In: a sentence for the operator. Out: that sentence on one line, with the `<3>`-style
//! priority systemd's journal reads when it is what listens there. No control character and
//! nothing hidden reaches the log, so nobody can forge a line of it; no line is so long that the
//! journal would cut it, and read a priority at the cut; and a log nobody reads any more never
//! stops the server.

use std::fmt::{Arguments, Write as _};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::sys::text::cut;
use crate::sys::visible::is_hidden;

/// Bytes of a line; the journal takes 48 KiB.
const LONGEST: usize = 4096;

static JOURNAL: OnceLock<bool> = OnceLock::new();
static HUSHED: AtomicBool = AtomicBool::new(false);

/// Something the operator must act upon.
pub fn error(line: Arguments<'_>) {
    write(3, line);
}

/// Something the operator should look at.
pub fn warning(line: Arguments<'_>) {
    write(4, line);
}

/// Why something went less well than it could; not the operator's business yet.
pub fn notice(line: Arguments<'_>) {
    write(5, line);
}

/// What happened.
pub fn info(line: Arguments<'_>) {
    if !HUSHED.load(Ordering::Relaxed) {
        write(6, line);
    }
}

/// For commands that print their result: no more lines about what went well.
pub fn hush() {
    HUSHED.store(true, Ordering::Relaxed);
}

fn write(priority: u8, line: Arguments<'_>) {
    let journal = *JOURNAL.get_or_init(is_journal);
    // One write a line: lines of several threads never mix. A closed stderr is no reason to stop.
    let _ = std::io::stderr().write_all(render(journal.then_some(priority), line).as_bytes());
}

/// Whether standard error is the stream systemd named, and not a pipe or a file that took its
/// place: a shell in the unit, or one started from it, hands the variable on.
fn is_journal() -> bool {
    let stream = std::fs::metadata("/proc/self/fd/2");
    let stream = stream.map(|file| format!("{}:{}", file.dev(), file.ino()));
    stream.is_ok_and(|stream| std::env::var_os("JOURNAL_STREAM").is_some_and(|it| *it == *stream))
}

fn render(priority: Option<u8>, line: Arguments<'_>) -> String {
    let mut text = String::with_capacity(160);
    let _ = match priority {
        Some(priority) => write!(text, "<{priority}>doumibook: {line}"),
        None => write!(text, "doumibook: {line}"),
    };
    let odd = |c: char| c.is_control() || is_hidden(c);
    if text.contains(odd) {
        text = text.replace(odd, " ");
    }
    text.truncate(cut(&text, LONGEST).len());
    text.push('\n');
    text
}

/// Sends panics through the log as one line each, so that they carry a priority.
pub fn catch_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line()));
        let place = place.as_deref().unwrap_or("an unknown place");
        // Not the message: it could hold what a reader wrote.
        error(format_args!("a bug: panic at {place}; the request it served got no answer"));
    }));
}

/// Lets one line through every ten seconds and counts the others: for troubles that come by
/// the thousand.
#[derive(Default)]
pub struct Throttle(Mutex<(Option<Instant>, u64)>);

impl Throttle {
    /// Lets the first line through.
    pub const fn new() -> Self {
        Self(Mutex::new((None, 0)))
    }

    /// `Some(n)` when a line may be written now; `n` were held back since the last one.
    pub fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = crate::sys::sync::lock(&self.0);
        match state.0 {
            Some(last) if now.duration_since(last) < Duration::from_secs(10) => {
                state.1 += 1;
                None
            }
            _ => {
                state.0 = Some(now);
                Some(std::mem::take(&mut state.1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        let hostile = "a\n<0>b\r\u{1b}[2J";
        assert_eq!(render(None, format_args!("{hostile}")), "doumibook: a <0>b  [2J\n");
        assert_eq!(render(Some(4), format_args!("x")), "<4>doumibook: x\n");
        assert_eq!(render(None, format_args!("a\u{202e}b\u{9b}c")), "doumibook: a b c\n");
        let long = format!("{}<0>forged", "三".repeat(20_000));
        assert!(render(None, format_args!("{long}")).len() <= LONGEST + 1);
    }

    #[test]
    fn a_flood_becomes_one_line_in_ten_seconds() {
        let (throttle, start) = (Throttle::new(), Instant::now());
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(9)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(11)), Some(2));
    }
}
