//! What is remembered, over a restart.
//!
//! In: the state directory, the library and the conversations. Out: two files in it, both
//! readable by their owner only. Answers are written five minutes after something was learned,
//! and at the stop; as long as nothing is learned, nothing wakes up. Readers' lists are
//! personal data: they are written at the stop, taken back and removed at the next start, and
//! dropped when they are older than ten minutes, so no id stays on disk while the server runs.
//! No trouble with either file is more than a log line.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::catalogue::{Library, statefile};
use crate::chat::conversation::Conversation;
use crate::chat::readers::{Kept, Request, View};
use crate::service::Service;
use crate::sys::journal;
use crate::sys::sync::lock;
use crate::wechat::push::OpenId;

/// A crash costs at most the answers of so long; a busy server writes 4 MiB so often.
const AFTER: Duration = Duration::from_secs(300);
/// In the header of the readers' file.
const MARK: &str = "doumibook readers";
/// More than 10 240 readers with the longest ids and two of the longest queries need.
const LARGEST: u64 = 16 << 20;

/// Where the answers are, in the state directory.
pub fn answers(state: &Path) -> PathBuf {
    state.join("doumibook.memory")
}

/// Saves what is remembered.
pub struct Persistence {
    state: PathBuf,
    library: Arc<Library>,
    service: Arc<Service>,
    /// One at a time: they would share the file beside the real one.
    saving: Mutex<()>,
}

impl Persistence {
    /// Takes the readers' lists back, and saves answers from now on.
    pub fn start(state: PathBuf, library: Arc<Library>, service: Arc<Service>) -> Arc<Self> {
        let keeper = Arc::new(Self { state, library, service, saving: Mutex::default() });
        let readers = keeper.readers();
        let (conversation, wall) = (&keeper.service.conversation, keeper.wall());
        report(&readers, take_readers(&readers, conversation, Instant::now(), wall));
        let saver = keeper.clone();
        let spawned = thread::Builder::new().name("saver".into()).spawn(move || {
            loop {
                saver.library.wait_until_changed();
                thread::sleep(AFTER);
                saver.save_answers();
            }
        });
        if let Err(error) = spawned {
            journal::warning(format_args!("answers are saved at the stop only: {error}"));
        }
        keeper
    }

    /// Saves everything: the server stops.
    pub fn save(&self) {
        self.save_answers();
        let (readers, conversation) = (self.readers(), &self.service.conversation);
        report(&readers, save_readers(&readers, conversation, Instant::now(), self.wall()));
    }

    fn save_answers(&self) {
        let _one = lock(&self.saving);
        if self.library.changed_since_save() {
            let path = answers(&self.state);
            report(&path, self.library.save(&path));
        }
    }

    fn readers(&self) -> PathBuf {
        self.state.join("doumibook.readers")
    }

    fn wall(&self) -> u64 {
        (self.service.world.clock)()
    }
}

fn report(path: &Path, outcome: io::Result<()>) {
    if let Err(error) = outcome {
        journal::warning(format_args!("{}: {error}", path.display()));
    }
}

/// Writes the lists of all readers to `path`; without any, no file is left there.
pub fn save_readers(
    path: &Path,
    conversation: &Conversation,
    now: Instant,
    wall: u64,
) -> io::Result<()> {
    let kept = conversation.readers.keep(now);
    if kept.is_empty() {
        return statefile::remove(path);
    }
    let header = json!({ "format": MARK, "version": 3, "saved": wall });
    let lines = kept.iter().map(|Kept { reader, age, list, pending }| {
        let list = list.as_ref().map(|(query, page)| json!([query.to_string(), page]));
        let pending = pending
            .as_ref()
            .map(|Request { query, view }| json!([query.to_string(), shown(*view)]));
        json!([reader.as_str(), age.as_secs(), list, pending])
    });
    statefile::replace(path, [header].into_iter().chain(lines))
}

/// Gives the conversations back what `path` holds, and removes it. What is damaged, or from a
/// clock that was ahead of ours, is left out.
pub fn take_readers(
    path: &Path,
    conversation: &Conversation,
    now: Instant,
    wall: u64,
) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    fs::remove_file(path)?;
    let mut lines = BufReader::new(file.take(LARGEST)).lines();
    let header: Value = serde_json::from_str(&lines.next().unwrap_or(Ok(String::new()))?)?;
    let ours = header["format"] == MARK && header["version"] == 3;
    let saved = header["saved"].as_u64().filter(|_| ours).ok_or(io::ErrorKind::InvalidData)?;
    let Some(since) = wall.checked_sub(saved).map(Duration::from_secs) else { return Ok(()) };
    for line in lines.map_while(Result::ok) {
        if let Some(kept) = parse(&line, since) {
            conversation.readers.restore(kept, now);
        }
    }
    Ok(())
}

/// What of an answer is wanted, as it is written.
fn shown(view: View) -> Value {
    match view {
        View::Page(_) => json!(0),
        View::Pick(number) | View::Number(number, _) => json!(number),
        View::Named => json!("named"),
        View::Wish => json!("wish"),
    }
}

fn view(shown: &Value) -> Option<View> {
    match (shown.as_str(), shown.as_u64()) {
        (Some("named"), _) => Some(View::Named),
        (Some("wish"), _) => Some(View::Wish),
        (_, Some(0)) => Some(View::Page(0)),
        // No list is longer than 255 books.
        (_, Some(number)) => Some(View::Pick(u8::try_from(number).ok()?.into())),
        _ => None,
    }
}

fn parse(line: &str, since: Duration) -> Option<Kept> {
    let value: Value = serde_json::from_str(line).ok()?;
    let [reader, age, list, pending] = value.as_array()?.as_slice() else { return None };
    let query = |words: &Value| statefile::parse_query(words.as_str()?);
    let asked = |value: &Value| {
        let [words, page] = value.as_array()?.as_slice() else { return None };
        // Nobody turns 255 pages; more would be damage.
        Some((query(words)?, usize::from(u8::try_from(page.as_u64()?).ok()?)))
    };
    let wanted = |value: &Value| {
        let [words, shown] = value.as_array()?.as_slice() else { return None };
        Some(Request { query: query(words)?, view: view(shown)? })
    };
    Some(Kept {
        reader: OpenId::parse(reader.as_str()?)?,
        age: since.checked_add(Duration::from_secs(age.as_u64()?))?,
        list: asked(list),
        pending: wanted(pending),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Query;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NOON: u64 = 1_790_000_000;

    fn conversation() -> Conversation {
        Conversation::new("豆米查书".into(), None)
    }

    fn kept(name: &str, age: u64) -> Kept {
        Kept {
            reader: OpenId::parse(name).unwrap(),
            age: Duration::from_secs(age),
            list: Query::words("三体: \"二\"\\").map(|query| (query, 3)),
            pending: Query::subject("2567698").map(|query| Request { query, view: View::Pick(2) }),
        }
    }

    /// A path that nobody else has.
    fn file() -> PathBuf {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (process, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        std::env::temp_dir().join(format!("doumibook-readers-{process}-{n}"))
    }

    /// What comes back of readers heard of 0 and 300 s before the stop.
    fn after(seconds: i64, damage: fn(String) -> String) -> (io::Result<()>, Vec<Kept>) {
        let (path, now) = (file(), Instant::now());
        let (before, next) = (conversation(), conversation());
        before.readers.restore(kept("oA", 300), now);
        before.readers.restore(kept("oB", 0), now);
        save_readers(&path, &before, now, NOON).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, damage(fs::read_to_string(&path).unwrap())).unwrap();
        let outcome = take_readers(&path, &next, now, NOON.saturating_add_signed(seconds));
        assert!(!path.exists(), "ids stay on disk");
        let mut back = next.readers.keep(now);
        back.sort_by_key(|kept| kept.reader.as_str().to_owned());
        (outcome, back)
    }

    #[test]
    #[rustfmt::skip]
    fn lists_come_back_unless_they_are_old() {
        for (seconds, back) in [
            (0,    vec![kept("oA", 300), kept("oB", 0)]),
            (10,   vec![kept("oA", 310), kept("oB", 10)]),
            (299,  vec![kept("oA", 599), kept("oB", 299)]),
            (300,  vec![kept("oB", 300)]),
            (600,  vec![]),
            (-1,   vec![]),
        ] {
            let (outcome, found) = after(seconds, |text| text);
            assert!(outcome.is_ok());
            assert_eq!(found, back, "{seconds} s later");
        }
    }

    #[test]
    fn damage_is_left_out_and_never_kept() {
        let (outcome, found) = after(0, |text| text.replace("oB", "o\\nB"));
        assert_eq!((outcome.is_ok(), found), (true, vec![kept("oA", 300)]));
        for damage in [|_| String::new(), |_| "{}\n".into(), |t: String| t.replace(MARK, "x")] {
            let (outcome, found) = after(0, damage);
            assert_eq!((outcome.is_err(), found), (true, vec![]));
        }
    }

    #[test]
    fn what_is_waited_for_comes_back_as_it_was() {
        for kept in [View::Page(0), View::Pick(3), View::Named, View::Wish] {
            assert_eq!(view(&shown(kept)), Some(kept));
        }
        assert_eq!(view(&shown(View::Page(2))), Some(View::Page(0)), "where it began");
        assert_eq!((view(&json!(256)), view(&json!("x")), view(&json!([]))), (None, None, None));
    }

    #[test]
    fn without_readers_there_is_no_file() {
        let path = file();
        fs::write(&path, "old").unwrap();
        for _ in 0..2 {
            save_readers(&path, &conversation(), Instant::now(), NOON).unwrap();
            assert!(!path.exists());
        }
        take_readers(&path, &conversation(), Instant::now(), NOON).unwrap();
    }
}
