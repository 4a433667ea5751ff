//! A process under measurement: started, found, weighed.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tiny_http::{Response, Server};

/// A server on a port of its own; killed when dropped. It logs to nowhere: a reader of the log
/// in this process would take part in what is measured.
pub struct Process {
    child: Child,
    pub address: String,
    /// From its start to its first answer.
    pub start: Duration,
}

impl Process {
    /// `doumibook serve` with the token AAAAA and these settings.
    pub fn doumibook(settings: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut command = Command::new(env!("CARGO_BIN_EXE_doumibook"));
        command.arg("serve").env_clear().envs(settings.iter().copied());
        command.env("DOUMIBOOK_TOKEN", "AAAAA").env("DOUMIBOOK_LISTEN", &address);
        Self::start(command, address)
    }

    /// tiny_http alone, whose answers have bodies of so many bytes: this very program, see
    /// [`be_bare`].
    pub fn bare(bytes: usize) -> Self {
        let address = free_address();
        let mut command = Command::new(std::env::current_exe().expect("own path"));
        command.args(["bare", &address, &bytes.to_string()]);
        Self::start(command, address)
    }

    fn start(mut command: Command, address: String) -> Self {
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().expect("a process");
        let mut process = Self { child, address, start: Duration::ZERO };
        while !answers(&process.address) {
            assert!(begun.elapsed() < Duration::from_secs(10), "no answer");
            thread::sleep(Duration::from_micros(100));
        }
        process.start = begun.elapsed();
        process
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).expect("a process")
    }

    /// Microseconds of CPU so far, user and system; counted by the kernel in steps of 10 ms.
    pub fn cpu(&self) -> u64 {
        let stat = self.read("stat");
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = |n| fields.split(' ').nth(n).and_then(|t| t.parse::<u64>().ok()).unwrap_or(0);
        (ticks(11) + ticks(12)) * 10_000
    }

    /// Resident memory in KiB.
    pub fn rss(&self) -> u64 {
        number(&self.read("status"), "VmRSS:")
    }

    pub fn threads(&self) -> u64 {
        number(&self.read("status"), "Threads:")
    }

    /// How often its threads have gone to sleep by themselves so far, and so been woken.
    pub fn sleeps(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a process");
        let status =
            tasks.flatten().filter_map(|t| fs::read_to_string(t.path().join("status")).ok());
        status.map(|status| number(&status, "voluntary_ctxt_switches:")).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").to_string()
}

fn answers(address: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream.write_all(request).is_ok() && stream.read(&mut [0; 64]).is_ok_and(|count| count > 0)
}

/// tiny_http with four workers that read the body and return fixed bytes.
pub fn be_bare(address: &str, bytes: usize) {
    let server = Arc::new(Server::http(address).expect("a server"));
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let server = server.clone();
            thread::spawn(move || {
                while let Ok(mut request) = server.recv() {
                    let _ = request.as_reader().read_to_end(&mut Vec::new());
                    let _ = request.respond(Response::from_data(vec![b'x'; bytes]));
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| drop(worker.join()));
}
