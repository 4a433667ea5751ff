//! The real binary where files or threads are short: it goes on, and says why it is slow.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use support::client::get;
use support::server::{Directory, Server, TOKEN};
use support::watch::{alone, attacker, bounds, during, settled, url_check};

mod support;

const BINARY: &str = env!("CARGO_BIN_EXE_doumibook");

/// The server, started by a shell that sets a limit first.
fn limited(binary: &str, limit: &str, shelf: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(format!("{limit}; exec \"$0\" serve")).arg(binary).env_clear();
    command.env("DOUMIBOOK_LISTEN", "127.0.0.1:0");
    command.envs([("DOUMIBOOK_TOKEN", TOKEN), ("DOUMIBOOK_SHELF", shelf)]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// More clients than there is room for stay; the good one is answered all the same.
fn crowd(server: &Server) {
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(attacker(server));
        if clients.len() % 20 == 0 {
            assert_eq!(server.ask(&get(&url_check())).text(), "echo");
        }
    }
}

#[test]
fn sixty_four_files() {
    let _alone = alone();
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", "{\"title\": \"三体\"}\n");
    let server = Server::start(limited(BINARY, "ulimit -n 64", &shelf));
    server.wait_for_line("only 64 files may be open (LimitNOFILE)");
    let start = settled(&server);
    during(&server, start, "64 files, 200 clients", bounds(64), || crowd(&server));
    assert_eq!(server.stop().code, Some(0));
}

/// A limit on processes does not bind root, and counts all that a user runs elsewhere: so this
/// has to be root, and becomes a user whom nobody else is.
#[test]
fn threads_for_a_dozen_clients() {
    let root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    if !root {
        println!("skipped: only root can become a user who runs nothing else");
        return;
    }
    let _alone = alone();
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", "{\"title\": \"三体\"}\n");
    // Where any user may read it.
    let binary = directory.path("doumibook");
    std::fs::copy(BINARY, &binary).unwrap();
    // bash counts processes with -u, dash with -p.
    let limit = "ulimit -u 52 2>/dev/null || ulimit -p 52";
    let mut command = limited(&binary, limit, &shelf);
    let nobody = 1_000_000 + std::process::id();
    command.uid(nobody).gid(nobody);
    let server = Server::start(command);
    let start = settled(&server);
    assert!(start.threads < 45, "{start:?} leaves too few of 52 for clients");
    during(&server, start, "52 threads, 200 clients", bounds(52 - start.threads), || {
        crowd(&server)
    });
    server.wait_for_line("cannot start a thread for a connection");
    assert_eq!(server.stop().code, Some(0));
}
