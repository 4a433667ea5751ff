//! A good client that asks all along, and what the process holds meanwhile.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::fmt::Write as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::client::{Client, get, post};
use super::push::{Push, target};
use super::server::{Server, TOKEN};

/// How long anybody waits for an answer, whatever others do.
pub const ANSWER: Duration = Duration::from_secs(1);
/// What an attack may cost.
#[derive(Clone, Copy)]
pub struct Bounds {
    /// More threads than at the start.
    pub threads: u64,
    /// Most memory, in KiB.
    pub memory: u64,
    /// How soon after the attack threads, files and memory are at the start's level.
    pub back: Duration,
}

/// What any attack may cost, but for its threads.
pub fn bounds(threads: u64) -> Bounds {
    Bounds { threads, memory: MEMORY, back: Duration::from_secs(10) }
}

/// One attack at a time: two would measure each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Most memory, in KiB. A release build has 14 MiB. A debug build holds four times as much
/// program (8 MiB of its file), and its frames are larger.
const MEMORY: u64 = if cfg!(debug_assertions) { 28 * 1024 } else { 14 * 1024 };
/// How much more than at the start the process may keep of its memory, in KiB: what the
/// allocator does not give back, and the stacks of ended threads that the C library keeps.
const KEPT: u64 = if cfg!(debug_assertions) { 12 * 1024 } else { 9728 };

/// What a process holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Level {
    /// KiB.
    pub memory: u64,
    pub threads: u64,
    pub files: u64,
}

impl Level {
    /// As /proc tells it; `None` when the process is gone.
    pub fn of(pid: u32) -> Option<Self> {
        Self::by(pid, "VmRSS:")
    }

    /// With the most memory there was at the same time since [`forget_peak`].
    fn at_most(pid: u32) -> Option<Self> {
        Self::by(pid, "VmHWM:")
    }

    fn by(pid: u32, memory: &str) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count() as u64;
        Some(Self { memory: number(memory)?, threads: number("Threads:")?, files })
    }

    fn most(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            threads: self.threads.max(other.threads),
            files: self.files.max(other.files),
        }
    }
}

/// The kernel's own mark of most memory begins anew: an attack's peak may last a millisecond.
fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// What was seen during one attack.
#[derive(Debug, Default)]
pub struct Seen {
    pub answers: usize,
    pub worst: Duration,
    pub peak: Level,
    pub back: Duration,
}

/// Runs `attack` while the good client asks, and holds the server to its promises.
pub fn during(server: &Server, start: Level, name: &str, bounds: Bounds, attack: impl FnOnce()) {
    forget_peak(server.pid());
    let over = AtomicBool::new(false);
    let mut seen = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch(server, name, &over));
        // Also when the attack panics: the scope waits for the watch.
        let _over = Over(&over);
        attack();
        drop(_over);
        watch.join().unwrap()
    });
    seen.back = back(server, start, name, bounds);
    report(name, &seen);
    assert!(seen.worst <= ANSWER, "{name}: {seen:?}");
    assert!(seen.peak.memory <= bounds.memory, "{name}: {seen:?}");
    assert!(seen.peak.threads <= start.threads + bounds.threads, "{name}: {start:?}, {seen:?}");
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Asks at least five times, each on a connection of its own.
fn watch(server: &Server, name: &str, over: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while seen.answers < 5 || !over.load(Ordering::SeqCst) {
        let took = ask(server, name, seen.answers);
        seen.answers += 1;
        seen.worst = seen.worst.max(took);
        let level = Level::at_most(server.pid()).unwrap_or_else(|| panic!("{name}: it is gone"));
        seen.peak = seen.peak.most(level);
        // A pace, so that the good client is no flood.
        std::thread::sleep(Duration::from_millis(5));
    }
    seen
}

/// A push, or the check of the URL.
fn ask(server: &Server, name: &str, turn: usize) -> Duration {
    let start = Instant::now();
    let mut client = Client::connect(&server.address);
    let (request, expected) = match turn % 2 {
        0 => (post(&target(TOKEN), Push::text("?").xml().as_bytes()), "ISBN"),
        _ => (get(&url_check()), "echo"),
    };
    let answer = client.send(&request).ok().and_then(|()| client.receive());
    let answer = answer.unwrap_or_else(|| panic!("{name}: the good client got no answer"));
    assert!(answer.status == 200 && answer.text().contains(expected), "{name}: {answer:?}");
    start.elapsed()
}

/// The target of the console's check of the URL.
pub fn url_check() -> String {
    format!("{}&echostr=echo", target(TOKEN))
}

/// Waits until threads, files and memory are at the start's level again.
fn back(server: &Server, start: Level, name: &str, bounds: Bounds) -> Duration {
    let since = Instant::now();
    loop {
        let level = Level::of(server.pid()).unwrap_or_else(|| panic!("{name}: it is gone"));
        let same = level.threads <= start.threads && level.files <= start.files;
        let kept = KEPT + bounds.memory - MEMORY;
        if same && level.memory <= start.memory + kept {
            return since.elapsed();
        }
        let late = since.elapsed() >= bounds.back;
        assert!(!late, "{name}: {start:?} before, {level:?} {:?} after", bounds.back);
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A line of the table that `--nocapture` shows.
fn report(name: &str, seen: &Seen) {
    let mut line = format!("{name:<44}");
    let worst = seen.worst.as_secs_f64() * 1000.0;
    let Level { memory, threads, files } = seen.peak;
    let _ = write!(line, " | {:>5} answers, worst {worst:>6.1} ms", seen.answers);
    let _ = write!(line, " | {memory:>6} KiB, {threads:>4} threads, {files:>4} files");
    println!("{line} | back after {:.1} s", seen.back.as_secs_f64());
}

/// The level of a server that has answered a few requests and is idle again: its memory at the
/// start is not all mapped yet.
pub fn settled(server: &Server) -> Level {
    let idle = Level::of(server.pid()).unwrap();
    for turn in 0..10 {
        ask(server, "warming up", turn);
    }
    let since = Instant::now();
    loop {
        let level = Level::of(server.pid()).unwrap();
        if level.threads <= idle.threads && level.files <= idle.files {
            return level;
        }
        assert!(since.elapsed() < ANSWER * 10, "{idle:?} before, {level:?} after a few requests");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A connection for an attacker: whatever it does, it does not wait longer than a second.
pub fn attacker(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(ANSWER)).unwrap();
    stream.set_write_timeout(Some(ANSWER)).unwrap();
    stream
}
