//! What the operator and the service manager rely on, with the real program: notify, watchdog,
//! memory over a restart, `check`.

#[path = "support/program.rs"]
mod program;
#[path = "support/upstream.rs"]
mod upstream;

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::process::{Command, Stdio};

use program::{Folder, PATIENCE, Server, program};
use upstream::{Reaction, Upstream};

fn hear(manager: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let count = manager.recv(&mut bytes).expect("a notification");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// `doumibook serve` as systemd would start it, with this socket passed and this to notify.
fn under_systemd(socket: OwnedFd, manager: &std::path::Path, shelf: &str) -> Command {
    // The shell's own pid becomes ours.
    let mut command = Command::new("sh");
    command.env_clear().arg("-c").arg(format!(
        "LISTEN_PID=$$ LISTEN_FDS=1 WATCHDOG_PID=$$ WATCHDOG_USEC=300000 \
         exec {} serve 3<&0 </dev/null",
        env!("CARGO_BIN_EXE_doumibook"),
    ));
    command.stdin(Stdio::from(socket)).env("NOTIFY_SOCKET", manager);
    command.env("DOUMIBOOK_TOKEN", "demo").env("DOUMIBOOK_SHELF", shelf);
    command
}

fn manager(folder: &Folder) -> (UnixDatagram, std::path::PathBuf) {
    let path = folder.0.join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    (manager, path)
}

#[test]
fn the_service_manager_hears_when_we_are_ready_well_and_stopping() {
    let folder = Folder::new("notify");
    let (manager, path) = manager(&folder);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let passed = listener.try_clone().unwrap().into();
    let server = Server::run(under_systemd(passed, &path, &program::shelf(&folder.0)));
    assert_eq!(server.address, listener.local_addr().unwrap());
    assert_eq!(hear(&manager), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(hear(&manager), "WATCHDOG=1\n");
    }
    assert_eq!(server.stop(), Some(0));
    let mut rest = std::iter::repeat_with(|| hear(&manager));
    assert_eq!(rest.find(|heard| heard != "WATCHDOG=1\n").as_deref(), Some("STOPPING=1\n"));
}

#[test]
fn a_server_nobody_can_reach_does_not_feed_the_watchdog() {
    let folder = Folder::new("deaf");
    let (manager, path) = manager(&folder);
    let socket = folder.0.join("http.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::fs::remove_file(&socket).unwrap();
    let server = Server::run(under_systemd(listener.into(), &path, &program::shelf(&folder.0)));
    for _ in 0..3 {
        server.line("the watchdog got no answer through our own front door");
    }
    assert_eq!(server.stop(), Some(0));
    assert_eq!([hear(&manager), hear(&manager)], ["READY=1\n", "STOPPING=1\n"]);
}

#[test]
fn a_restart_forgets_neither_answers_nor_lists() {
    let folder = Folder::new("restart");
    let state = folder.0.join("state");
    std::fs::create_dir(&state).unwrap();
    let douban = Upstream::start(|_| {
        Reaction::json(r#"{"books":[{"id":"1","title":"活着"},{"id":"2","title":"活着 纪念版"}]}"#)
    });
    let variables =
        [("DOUMIBOOK_DOUBAN_URL", douban.url()), ("STATE_DIRECTORY", state.to_str().unwrap())];

    let first = Server::start(&variables);
    assert!(first.say("oReader", 1, "活着").contains("纪念版"));
    assert_eq!(first.stop(), Some(0));
    for name in ["doumibook.memory", "doumibook.readers"] {
        let mode = std::fs::metadata(state.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }

    let second = Server::start(&variables);
    assert!(!state.join("doumibook.readers").exists(), "ids stay on disk");
    let card = second.say("oReader", 2, "2");
    assert!(card.contains("活着 纪念版") && card.contains("/subject/2/"), "{card}");
    assert_eq!(douban.requests(), 1, "remembered over the restart");
    assert_eq!(second.stop(), Some(0));

    std::fs::write(state.join("doumibook.memory"), "not ours").unwrap();
    let third = Server::start(&variables);
    assert!(third.say("oReader", 3, "活着").contains("纪念版"));
    assert_eq!(douban.requests(), 2);
    assert!(state.join("doumibook.memory.set-aside").exists());
}

/// Exit code and output of `doumibook check`.
fn check(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = program(&["check"]).envs(variables.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn check_says_what_is_right_and_what_to_do() {
    let folder = Folder::new("check");
    let douban = Upstream::start(|request| match request.param("apikey").as_deref() {
        Some("good") => Reaction::json(r#"{"books":[{"id":"1","title":"三体"}]}"#),
        _ => Reaction::status(403, r#"{"msg":"apikey_is_blocked bad","code":105}"#),
    });
    let (state, shelf) = (folder.0.to_str().unwrap(), program::shelf(&folder.0));
    let base = [
        ("DOUMIBOOK_TOKEN", "s3cretTokenOfMore16"),
        ("DOUMIBOOK_LISTEN", "127.0.0.1:0"),
        ("DOUMIBOOK_DOUBAN_URL", douban.url()),
        ("STATE_DIRECTORY", state),
    ];
    let with = |more: &[(&'static str, &'static str)]| check(&[&base[..], more].concat());
    #[rustfmt::skip]
    let table = [
        (with(&[("DOUMIBOOK_DOUBAN_KEY", "good")]),  0, "OK       douban   1 books for 三体 in "),
        (with(&[("DOUMIBOOK_DOUBAN_KEY", "bad")]),   2, "WRONG    sources  none answers"),
        (with(&[("DOUMIBOOK_AES_KEY", "short")]),    2, "WRONG    settings DOUMIBOOK_AES_KEY has 5 characters"),
        (with(&[("DOUMIBOOK_TOKEN", "")]),           2, "WRONG    token    DOUMIBOOK_TOKEN is not set"),
        (with(&[("DOUMIBOOK_SHELF", "/no/books")]),  2, "WRONG    sources  DOUMIBOOK_SHELF: /no/books"),
        (with(&[("DOUMIBOOK_DOUBAN_KEY", "good"), ("STATE_DIRECTORY", "/no/state")]), 1, "WARNING  state"),
    ];
    for ((code, text), expected, says) in table {
        assert_eq!(code, Some(expected), "{says}: {text}");
        assert!(text.contains(says), "{says}: {text}");
        assert!(!text.contains("s3cret") && !text.contains("apikey"), "{text}");
    }
    let (_, text) = check(&[("DOUMIBOOK_TOKEN", "demo"), ("DOUMIBOOK_SHELF", &shelf)]);
    for says in [
        "file     read as CSV in UTF-8, separated by ','",
        "file     columns: 书名 = title, 作者 = author",
        "file     8 rows: 0 with ISBN",
        "file     《活着第3版》 | 作者：余华 | 来源：馆藏",
    ] {
        assert!(text.contains(says), "{says}: {text}");
    }
    let both = [&base[..], &[("DOUMIBOOK_SHELF", shelf.as_str())]].concat();
    let (code, text) = check(&both);
    assert_eq!(code, Some(1), "the shelf answers, Douban does not: {text}");

    let secure = [
        ("DOUMIBOOK_AES_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        ("DOUMIBOOK_APP_ID", "wxba5fad812f8e6fb9"),
        ("DOUMIBOOK_SHELF", &shelf),
    ];
    let server = Server::start(&secure);
    let address = server.address.to_string();
    let there = |token: &'static str, mode: &[(&'static str, &'static str)]| {
        let mine = [("DOUMIBOOK_TOKEN", token), ("DOUMIBOOK_LISTEN", address.as_str())];
        check(&[&mine[..], &secure, mode].concat())
    };
    let (code, text) = there("demo", &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("is served by doumibook already, with this token"), "{text}");
    let (code, text) = there("other", &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("in use by a server that refuses this token"), "{text}");
    let (_, text) = there("other", &[("DOUMIBOOK_MODE", "plain")]);
    assert!(text.contains("whether with this token was not tried"), "{text}");
}

/// A wrong setting hides nothing but what depends on it.
#[test]
fn check_says_all_that_is_wrong_at_once() {
    let wrong = [("DOUMIBOOK_AES_KEY", "short"), ("DOUMIBOOK_TOKN", "x")];
    let folder = Folder::new("wrong");
    let shelf = program::shelf(&folder.0);
    let right = [("DOUMIBOOK_SHELF", shelf.as_str()), ("DOUMIBOOK_LISTEN", "127.0.0.1:0")];
    let (code, text) = check(&[wrong, right].concat());
    assert_eq!(code, Some(2));
    let subjects: Vec<_> =
        text.lines().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>()).collect();
    #[rustfmt::skip]
    assert_eq!(subjects, [
        ["WRONG", "settings"], ["WRONG", "settings"], ["WRONG", "settings"], ["OK", "listen"],
        ["OK", "clock"], ["OK", "file"], ["OK", "file"], ["OK", "file"], ["OK", "file"], ["OK", "file"],
        ["OK", "file"], ["OK", "file"], ["OK", "shelf"], ["OK", "state"], ["OK", "files"],
        ["Not", "ready:"],
    ], "{text}");
    assert!(text.contains("DOUMIBOOK_TOKN is no setting of doumibook"), "{text}");
}
