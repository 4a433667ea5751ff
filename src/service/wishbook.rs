//! The wishes on disk: `doumibook.wishes` in the state directory, JSON Lines under a header.
//!
//! In: the state directory, wishes as they come, orders of the operator. Out: a file that a crash
//! leaves at most a minute old, and no wake-up while nobody wishes. No id of a reader ever
//! reaches it. The service alone writes that file; the operator's command writes each order into
//! a file of its own, which nobody changes later: the service obeys it before it notes the
//! next wish, and removes it when what came of it is on disk. So no file has two writers.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::wishes::{LARGEST, Order, Wishes};
use crate::catalogue::statefile;
use crate::chat::wish::{Noted, Wanted};
use crate::sys::sync::lock;
use crate::sys::{day, journal, unix};

/// From a wish to its being on disk, writing included: less than a minute.
const AFTER: Duration = Duration::from_secs(50);
const MARK: &str = "doumibook wishes";
const VERSION: u64 = 1;
const FILE: &str = "doumibook.wishes";
/// What the names of orders begin with; a number follows.
const ORDER: &str = "doumibook.wishes.order-";
/// Bytes of an order, and how many are obeyed: more would be no operator's.
const LONGEST_ORDER: u64 = 4096;
const ORDERS: usize = 1000;

/// The wishes of a service.
pub struct WishBook {
    state: PathBuf,
    kept: Mutex<Kept>,
    changed: Condvar,
    saving: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    wishes: Wishes,
    /// Orders that were obeyed and are still there.
    obeyed: BTreeSet<PathBuf>,
    changed: bool,
}

impl WishBook {
    /// Takes back what is in `state`, and saves from now on. A file that cannot be read is set
    /// aside.
    pub fn start(state: PathBuf) -> Arc<Self> {
        let mut kept = Kept::default();
        match load(&state) {
            Ok(wishes) => kept.wishes = wishes,
            Err(error) => {
                let (path, aside) = (state.join(FILE), state.join(format!("{FILE}.set-aside")));
                let _ = fs::rename(&path, &aside);
                let (path, aside) = (path.display(), aside.display());
                journal::warning(format_args!("{path}: {error}; set aside as {aside}"));
            }
        }
        let (changed, saving) = (Condvar::new(), Mutex::default());
        let book = Arc::new(Self { state, kept: Mutex::new(kept), changed, saving });
        book.obey(&mut lock(&book.kept));
        let saver = book.clone();
        let spawned = thread::Builder::new().name("wishes".into()).spawn(move || {
            loop {
                let unchanged = |kept: &mut Kept| !kept.changed;
                drop(saver.changed.wait_while(lock(&saver.kept), unchanged));
                thread::sleep(AFTER);
                saver.save();
            }
        });
        if let Err(error) = spawned {
            journal::warning(format_args!("wishes are saved at the stop only: {error}"));
        }
        book
    }

    /// A reader wants this; `wall` is the time, in seconds since 1970.
    pub fn note(&self, reader: &str, wanted: &Wanted, wall: u64) -> Noted {
        let mut kept = lock(&self.kept);
        // First: what is wished after an order stays.
        self.obey(&mut kept);
        let noted = kept.wishes.note(reader, wanted, day::in_china(wall));
        kept.changed |= noted == Noted::Counted;
        self.changed.notify_all();
        noted
    }

    /// Writes what has changed.
    pub fn save(&self) {
        let _one = lock(&self.saving);
        let (lines, obeyed) = {
            let mut kept = lock(&self.kept);
            if !std::mem::take(&mut kept.changed) {
                return;
            }
            (kept.wishes.lines(), kept.obeyed.clone())
        };
        if let Err(error) = write(&self.state, lines) {
            // Tried again in as long, and at the stop.
            lock(&self.kept).changed = true;
            return journal::warning(format_args!("{}: {error}", self.state.join(FILE).display()));
        }
        for order in obeyed {
            if statefile::remove(&order).is_ok() {
                lock(&self.kept).obeyed.remove(&order);
            }
        }
    }

    fn obey(&self, kept: &mut Kept) {
        for (path, order) in orders(&self.state) {
            if kept.obeyed.insert(path) {
                kept.wishes.obey(&order);
                kept.changed = true;
            }
        }
    }
}

/// The wishes in `state` as they will be when the orders there are obeyed; changes nothing.
///
/// # Errors
/// The file system's, or that the file is damaged. No file is no wishes.
pub fn read(state: &Path) -> io::Result<Wishes> {
    let mut wishes = load(state)?;
    for (_, order) in orders(state) {
        wishes.obey(&order);
    }
    Ok(wishes)
}

/// Leaves an order for the service, readable for whatever user that is.
///
/// # Errors
/// The file system's.
pub fn order(state: &Path, order: &Order) -> io::Result<()> {
    let line = match order {
        Order::Done(text) => json!({ "done": text }),
        Order::Clear => json!({ "clear": true }),
    };
    // In the order in which they were given.
    let path = state.join(format!("{ORDER}{:024}", unix::since_1970().as_nanos()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(&path)?;
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

/// All orders that are there, the first given first. One without its line's end is being written.
fn orders(state: &Path) -> Vec<(PathBuf, Order)> {
    let Ok(entries) = fs::read_dir(state) else { return Vec::new() };
    let is_order = |name: &str| name.starts_with(ORDER);
    let named = entries.filter_map(Result::ok).filter(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(is_order) && entry.file_type().is_ok_and(|kind| kind.is_file())
    });
    let mut paths: Vec<_> = named.take(ORDERS).map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().filter_map(|path| parse(&path).map(|order| (path, order))).collect()
}

fn parse(path: &Path) -> Option<Order> {
    let mut text = String::new();
    File::open(path).ok()?.take(LONGEST_ORDER).read_to_string(&mut text).ok()?;
    let value: Value = serde_json::from_str(text.strip_suffix('\n')?).ok()?;
    match value.get("done") {
        Some(text) => Some(Order::Done(text.as_str()?.to_owned())),
        None => value.get("clear").map(|_| Order::Clear),
    }
}

fn write(state: &Path, lines: Vec<Value>) -> io::Result<()> {
    let header = json!({ "format": MARK, "version": VERSION, "wishes": lines.len() });
    statefile::replace(&state.join(FILE), [header].into_iter().chain(lines))
}

fn load(state: &Path) -> io::Result<Wishes> {
    let damaged = |what: &str| io::Error::new(ErrorKind::InvalidData, what);
    let file = match File::open(state.join(FILE)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Wishes::default()),
        file => file?,
    };
    // Marks before quotation marks in the texts may take as much room again.
    let mut lines = BufReader::new(file.take(LARGEST as u64 * 2)).lines();
    let header: Value = serde_json::from_str(&lines.next().unwrap_or(Ok(String::new()))?)?;
    if header["format"] != MARK || header["version"] != VERSION {
        return Err(damaged("not a file of wishes, or of a newer version"));
    }
    let (mut wishes, mut count) = (Wishes::default(), 0);
    for line in lines {
        let line = serde_json::from_str(&line?)?;
        wishes.restore(&line).ok_or_else(|| damaged("damaged"))?;
        count += 1;
    }
    if header["wishes"] != count { Err(damaged("cut short")) } else { Ok(wishes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Query;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NOON: u64 = 1_790_000_000;

    fn folder() -> PathBuf {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let (process, n) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("doumibook-wishes-{process}-{n}"));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn words(words: &str) -> Wanted {
        let asked = Query::words(words).unwrap();
        Wanted { asked, title: String::new(), author: String::new() }
    }

    fn there(state: &Path) -> Vec<String> {
        let wishes = read(state).unwrap();
        wishes.sorted().iter().map(|wish| wish.wanted.asked.to_string()).collect()
    }

    #[test]
    fn an_order_counts_for_what_was_wished_before_it() {
        let state = folder();
        let book = WishBook::start(state.clone());
        book.note("oReader", &words("三体"), NOON);
        book.note("oReader", &words("活着"), NOON);
        book.save();
        let text = fs::read_to_string(state.join(FILE)).unwrap();
        assert!(!text.contains("oReader"), "{text}");
        assert_eq!(there(&state), ["words:三体", "words:活着"]);
        // Without the service the command sees at once what will be.
        order(&state, &Order::Done("三体".into())).unwrap();
        order(&state, &Order::Done("没有".into())).unwrap();
        assert_eq!(there(&state), ["words:活着"]);
        assert_eq!(fs::read_to_string(state.join(FILE)).unwrap(), text, "two writers");
        // Wished again after the order, by another reader: it stays.
        book.note("oOther", &words("三体"), NOON);
        book.save();
        assert_eq!(there(&state), ["words:三体", "words:活着"]);
        assert_eq!(orders(&state), []);
        order(&state, &Order::Clear).unwrap();
        let next = WishBook::start(state.clone());
        next.save();
        assert_eq!((there(&state).len(), orders(&state).len()), (0, 0));
        fs::remove_dir_all(state).unwrap();
    }

    #[test]
    fn damage_is_set_aside_and_no_reason_not_to_start() {
        for damage in ["", "{}\n", "{\"format\":\"doumibook wishes\",\"version\":1,\"wishes\":1}\n"]
        {
            let state = folder();
            fs::write(state.join(FILE), damage).unwrap();
            assert!(read(&state).is_err(), "{damage}");
            let book = WishBook::start(state.clone());
            book.note("oA", &words("三体"), NOON);
            book.save();
            assert_eq!(there(&state), ["words:三体"]);
            assert_eq!(
                fs::read_to_string(state.join(format!("{FILE}.set-aside"))).unwrap(),
                damage
            );
            fs::remove_dir_all(state).unwrap();
        }
    }
}
