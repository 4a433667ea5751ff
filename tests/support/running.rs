//! The real program, started for a test and gone with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

pub struct Running {
    process: Child,
    pub address: SocketAddr,
}

impl Running {
    /// Starts `doumibook` on a port of the kernel's choice, with no settings but these.
    pub fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_doumibook"))
            .args(arguments)
            .env_clear()
            .envs(settings.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let start = seen.len();
            assert!(log.read_line(&mut seen).unwrap() > 0, "it ended: {seen}");
            if let Some((_, address)) = seen[start..].split_once("listening on ") {
                break address.trim().parse().unwrap();
            }
        };
        // A log nobody reads would fill its pipe.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, address }
    }

    pub fn demo() -> Self {
        Self::start(&["demo", "--listen", "127.0.0.1:0"], &[])
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
