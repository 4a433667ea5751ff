//! The real binary as a test sees it: started, asked over real sockets, stopped.
//!
//! [`Server::serve`] and [`Server::demo`] return once the server listens; what they print is
//! kept and can be waited for. The environment holds what the test sets and nothing else.
//! Dropping a server kills it. How to talk to it stands in `client.rs` and `push.rs`.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::client::{Answer, Client};

/// Longer than any machine needs; reached only when a test has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// The token of every server that a test does not give another.
pub const TOKEN: &str = "AAAAA";

/// A running `doumibook serve` or `demo`.
pub struct Server {
    child: Child,
    output: Arc<Output>,
    /// `127.0.0.1:PORT` or `unix:PATH`, as the server said it.
    pub address: String,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal killed it.
    pub code: Option<i32>,
    /// All that it printed, standard output and error.
    pub output: String,
}

/// What a process has printed so far.
#[derive(Default)]
struct Output {
    printed: Mutex<Printed>,
    more: Condvar,
}

#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    streams_at_end: usize,
}

/// `doumibook` with these arguments and nothing in its environment but `settings`; a later
/// setting replaces an earlier one of the same name, an empty one counts as not set.
pub fn doumibook(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doumibook"));
    command.args(arguments).env_clear().envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs `doumibook` to its end, for commands that end by themselves.
pub fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let output = doumibook(arguments, settings).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Ended { code: output.status.code(), output: String::from_utf8(text).unwrap() }
}

impl Server {
    /// `serve` on a free port with [`TOKEN`], changed by `settings`. Without a source it would
    /// ask the internet: set at least `DOUMIBOOK_SHELF`.
    pub fn serve(settings: &[(&str, &str)]) -> Self {
        let ours = [("DOUMIBOOK_LISTEN", "127.0.0.1:0"), ("DOUMIBOOK_TOKEN", TOKEN)];
        Self::start(doumibook(&["serve"], &[&ours, settings].concat()))
    }

    /// `demo` on a free port: the built-in shelf and the token `demo`.
    pub fn demo() -> Self {
        Self::start(doumibook(&["demo", "--listen", "127.0.0.1:0"], &[]))
    }

    /// Starts a prepared command and waits until it listens.
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let output = Arc::new(Output::default());
        output.follow(child.stdout.take().unwrap());
        output.follow(child.stderr.take().unwrap());
        let mut server = Self { child, output, address: String::new() };
        let line = server.wait_for_line("doumibook: listening on ");
        server.address = line.split("listening on ").last().unwrap_or_default().to_owned();
        server
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::connect(&self.address)
    }

    /// One request on a connection of its own.
    pub fn ask(&self, request: &[u8]) -> Answer {
        self.connect().ask(request)
    }

    /// The process's number, for `/proc`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line that holds `part`; it may have come already.
    pub fn wait_for_line(&self, part: &str) -> String {
        self.wait_for_lines(part, 1).remove(0)
    }

    /// Waits for `count` lines that hold `part`.
    pub fn wait_for_lines(&self, part: &str, count: usize) -> Vec<String> {
        let holding = |printed: &Printed| -> Vec<String> {
            printed.lines.iter().filter(|line| line.contains(part)).cloned().collect()
        };
        let printed = self.output.wait(|p| holding(p).len() >= count || p.streams_at_end == 2);
        assert!(printed.len() >= count, "{count} of {part:?} awaited in:\n{}", self.printed());
        let lines: Vec<_> = printed.into_iter().filter(|line| line.contains(part)).collect();
        assert!(lines.len() >= count, "{count} of {part:?} awaited in:\n{}", self.printed());
        lines
    }

    /// All that it has printed so far.
    pub fn printed(&self) -> String {
        self.output.printed.lock().unwrap().lines.join("\n")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits until the process has ended by itself or by a signal sent before.
    pub fn wait_end(mut self) -> Ended {
        self.output.wait(|printed| printed.streams_at_end == 2);
        let code = self.child.wait().unwrap().code();
        Ended { code, output: self.printed() }
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.wait_end()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Output {
    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let output = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                output.printed.lock().unwrap().lines.push(line);
                output.more.notify_all();
            }
            output.printed.lock().unwrap().streams_at_end += 1;
            output.more.notify_all();
        });
    }

    /// Waits until `enough`, and returns the lines.
    fn wait(&self, enough: impl Fn(&Printed) -> bool) -> Vec<String> {
        let printed = self.printed.lock().unwrap();
        let few = |printed: &mut Printed| !enough(printed);
        let (printed, late) = self.more.wait_timeout_while(printed, PATIENCE, few).unwrap();
        assert!(!late.timed_out(), "waited in vain:\n{}", printed.lines.join("\n"));
        printed.lines.clone()
    }
}

/// A directory of the test's own, removed when dropped.
pub struct Directory(PathBuf);

impl Directory {
    /// Short, since a socket's path has at most 107 bytes.
    pub fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("doumibook-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The path of `name` in it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        std::fs::write(Path::new(&path), content).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
