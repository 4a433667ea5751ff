//! The server as a process: where it listens, how it stops, what it tells its operator.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use support::client::{Client, get, post};
use support::push::{Push, READER, field, target};
use support::server::{Directory, Ended, Server, TOKEN, doumibook, run};
use support::upstream::{Answer, Gate, Reaction, Upstream};

mod support;

const SHELF: &str =
    "{\"title\": \"三体\", \"author\": [\"刘慈欣\"], \"isbn\": \"9787536692930\"}\n";
const BOOK: &str = "{\"title\": \"活着\", \"isbn13\": \"9787506365437\"}";

fn push(token: &str, content: &str) -> Vec<u8> {
    post(&target(token), Push::text(content).xml().as_bytes())
}

#[test]
fn a_unix_socket_is_served_and_cleaned_up() {
    let directory = Directory::new();
    let (shelf, path) = (directory.file("shelf.jsonl", SHELF), directory.path("http.sock"));
    // What a server leaves behind that was killed.
    drop(UnixListener::bind(&path).unwrap());
    let listen = format!("unix:{path}");
    let server = Server::serve(&[("DOUMIBOOK_LISTEN", &listen), ("DOUMIBOOK_SHELF", &shelf)]);
    assert_eq!(server.address, listen);
    let mut client = server.connect();
    assert_eq!(client.ask(&get("/healthz")).text(), "ok\n");
    assert!(client.ask(&push(TOKEN, "三体")).text().contains("9787536692930"));
    assert_eq!(server.stop().code, Some(0));
    assert!(!std::fs::exists(&path).unwrap(), "the socket is gone with its server");
}

#[test]
fn a_file_that_is_no_dead_socket_is_left_alone() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let precious = directory.file("precious", "x");
    let live = directory.path("live.sock");
    let _listener = UnixListener::bind(&live).unwrap();
    for path in [&precious, &live] {
        let listen = format!("unix:{path}");
        let ended = run(
            &["serve"],
            &[
                ("DOUMIBOOK_LISTEN", &listen),
                ("DOUMIBOOK_TOKEN", TOKEN),
                ("DOUMIBOOK_SHELF", &shelf),
            ],
        );
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let sentence = format!("DOUMIBOOK_LISTEN is \"{listen}\", which cannot be listened on: ");
        assert!(ended.output.contains(&sentence), "{ended:?}");
        assert!(std::fs::exists(path).unwrap());
    }
}

#[test]
fn a_second_server_on_the_same_port_is_told_why_not() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let first = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let settings = [
        ("DOUMIBOOK_LISTEN", first.address.as_str()),
        ("DOUMIBOOK_TOKEN", TOKEN),
        ("DOUMIBOOK_SHELF", &shelf),
    ];
    let second = run(&["serve"], &settings);
    assert_eq!(second.code, Some(1));
    let sentence = format!(
        "DOUMIBOOK_LISTEN is \"{}\", which cannot be listened on: Address already in use (os \
         error 98); expected an address that is free\n",
        first.address
    );
    assert!(second.output.contains(&sentence), "{second:?}");
    assert!(!second.output.contains("listening on 1"), "{second:?}");
    let demo = run(&["demo", "--listen", &first.address], &[]);
    assert_eq!(demo.code, Some(1));
    let sentence = sentence.replace("DOUMIBOOK_LISTEN", "doumibook: --listen");
    assert!(demo.output.contains(&sentence), "{demo:?}");
    assert_eq!(first.ask(&get("/healthz")).status, 200);
}

/// Sends a part of a push, waits until the server has it, and returns the rest.
fn begin(client: &mut Client) -> Vec<u8> {
    let request = String::from_utf8(push(TOKEN, "?")).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    client.send(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes()).unwrap();
    assert_eq!(client.receive_head().unwrap().status, 100);
    body.as_bytes().to_vec()
}

/// What was begun before a signal is finished after it; then the server ends.
fn stops_well(signal: Signal) {
    let gate = Gate::default();
    let opened = gate.clone();
    let douban =
        Upstream::start(move |_| Reaction::After(opened.clone(), Box::new(Reaction::json(BOOK))));
    let server = Server::serve(&[("DOUMIBOOK_DOUBAN_URL", douban.url())]);
    let (mut idle, mut asking, mut sending) =
        (server.connect(), server.connect(), server.connect());
    idle.ask(&get("/healthz"));
    asking.send(&push(TOKEN, "9787506365437")).unwrap();
    douban.wait_for(1);
    let rest = begin(&mut sending);

    server.signal(signal);
    assert!(idle.is_over(), "a connection that waits for nothing ends at once");
    sending.send(&rest).unwrap();
    let help = sending.receive().expect("the request that was half sent is answered");
    assert!(field(help.text(), "Content").contains("ISBN"));
    assert_eq!(help.header("Connection"), Some("close"));
    gate.open();
    let book = asking.receive().expect("the lookup that was begun is finished");
    assert!(book.text().contains("活着"), "{}", book.text());
    assert_eq!(server.wait_end().code, Some(0));
}

#[test]
fn sigterm_ends_it_after_what_was_begun() {
    stops_well(Signal::SIGTERM);
}

#[test]
fn sigint_ends_it_after_what_was_begun() {
    stops_well(Signal::SIGINT);
}

#[test]
fn after_a_signal_nobody_new_is_let_in() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let (mut idle, mut sending) = (server.connect(), server.connect());
    idle.ask(&get("/healthz"));
    let rest = begin(&mut sending);
    server.signal(Signal::SIGTERM);
    assert!(idle.is_over());
    assert!(std::net::TcpStream::connect(&server.address).is_err());
    sending.send(&rest).unwrap();
    assert_eq!(sending.receive().unwrap().status, 200);
    assert_eq!(server.wait_end().code, Some(0));
}

/// `doumibook serve`, started by a shell that says `before` first; its pid becomes ours.
fn by_shell(before: &str, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{before} exec {} serve", env!("CARGO_BIN_EXE_doumibook")));
    command.env_clear().env("PATH", "/usr/bin:/bin").env("DOUMIBOOK_TOKEN", TOKEN);
    command.envs(settings.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn a_request_that_never_ends_delays_the_end_by_less_than_five_seconds() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let watched = by_shell(
        "WATCHDOG_PID=$$ WATCHDOG_USEC=300000",
        &[("DOUMIBOOK_LISTEN", "127.0.0.1:0"), ("DOUMIBOOK_SHELF", &shelf)],
    );
    let server = Server::start(watched);
    let mut sending = server.connect();
    begin(&mut sending);
    let since = Instant::now();
    let Ended { code, output } = server.stop();
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    assert_eq!(code, Some(0));
    assert!(output.contains("stopped with 1 connections unfinished"), "{output}");
    assert!(!output.contains("watchdog"), "nobody listens any more, on purpose: {output}");
}

#[test]
fn where_systemd_listens_is_where_we_are() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    for (set, warned) in [("", 0), ("127.0.0.1:8080", 0), (&*address, 0), ("0.0.0.0:80", 1)] {
        let mut command = by_shell(
            "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1",
            &[("DOUMIBOOK_LISTEN", set), ("DOUMIBOOK_SHELF", &shelf)],
        );
        command.stdin(OwnedFd::from(listener.try_clone().unwrap()));
        let server = Server::start(command);
        assert_eq!(server.address, address);
        let Ended { output, .. } = server.stop();
        let sentence = format!(
            "DOUMIBOOK_LISTEN is \"{set}\", but systemd listens for us, and somewhere else; \
             change ListenStream= with systemctl edit doumibook.socket\n"
        );
        assert_eq!(output.matches(&sentence).count(), warned, "{set:?}: {output}");
    }
}

#[test]
fn a_push_is_one_line_of_the_log_and_what_it_says_is_not_in_it() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let server = Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]);
    let mut client = server.connect();
    for (count, content) in (1..).zip(["三体 私密", "三体", "三体", "9787536692931"]) {
        client.ask(&push(TOKEN, content));
        // The answer goes out before its line does.
        server.wait_for_lines(" push ", count);
    }
    client.ask(&post(&target(TOKEN), Push::event("VIEW").xml().as_bytes()));
    let Ended { code, output } = server.stop();
    assert_eq!(code, Some(0));
    assert_eq!(output.matches("listening on").count(), 1);
    assert!(output.starts_with("doumibook: token=set "), "{output}");
    let lines: Vec<_> = output.lines().filter(|line| line.contains(" push ")).collect();
    let said: Vec<_> = lines.iter().map(|line| line.split(" ms=").next().unwrap()).collect();
    assert_eq!(
        said,
        [
            "doumibook: push text guessed source=shelf",
            "doumibook: push text found source=shelf",
            "doumibook: push text found source=memory",
            "doumibook: push text said source=-",
            "doumibook: push silent said source=-",
        ]
    );
    for line in lines {
        let (_, rest) = line.split_once(" ms=").unwrap();
        let (millis, reader) = rest.split_once(" reader=").unwrap();
        assert!(millis.parse::<f64>().is_ok_and(|millis| millis < 5000.0), "{line}");
        assert_eq!(reader, "oAbCdEf0…");
    }
    for secret in ["私密", "9787536692931", READER, "AAAAA"] {
        assert!(!output.contains(secret), "{secret} in:\n{output}");
    }
}

#[test]
fn what_readers_write_is_logged_on_request() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let settings = [("DOUMIBOOK_SHELF", shelf.as_str()), ("DOUMIBOOK_LOG_TEXT", "yes")];
    let server = Server::serve(&settings);
    server.ask(&push(TOKEN, "三体\n<3>doumibook: forged"));
    let line = server.wait_for_line("sent");
    assert!(line.contains("三体"), "{line}");
    let Ended { output, .. } = server.stop();
    assert!(!output.contains(READER));
    assert!(output.lines().all(|line| line.starts_with("doumibook: ")), "{output}");
}

#[test]
fn the_journal_gets_priorities() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    let settings = [("DOUMIBOOK_LISTEN", "127.0.0.1:0"), ("DOUMIBOOK_SHELF", &shelf)];
    let elsewhere = Server::start(by_shell("JOURNAL_STREAM=8:1", &settings));
    assert!(!elsewhere.stop().output.contains("<6>"), "somebody else's stream");

    let stream = "JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2)";
    let server = Server::start(by_shell(stream, &settings));
    server.ask(&push(TOKEN, "三体"));
    server.wait_for_line(" push ");
    server.ask(&push("BBBBB", "三体"));
    let Ended { output, .. } = server.stop();
    assert!(output.contains("\n<6>doumibook: listening on "), "{output}");
    assert!(output.contains("\n<6>doumibook: push text found"), "{output}");
    assert!(output.contains("\n<5>doumibook: refused: the signature"), "{output}");
    assert!(output.lines().all(|line| line.starts_with('<')), "{output}");
}

#[test]
fn secrets_are_never_printed() {
    let douban = Upstream::start(|request| match request.target.contains("forbidden") {
        true => Reaction::status(403, "{\"code\": 104, \"msg\": \"invalid apikey: 0df993c66c0c\"}"),
        false => Reaction::json("no JSON 0df993c66c0c"),
    });
    let secrets = [
        ("DOUMIBOOK_TOKEN", "Tk7secretToken"),
        ("DOUMIBOOK_TOKEN_OLD", "Tk6secretToken"),
        ("DOUMIBOOK_AES_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        ("DOUMIBOOK_AES_KEY_OLD", "zbcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        ("DOUMIBOOK_DOUBAN_KEY", "0df993c66c0c"),
    ];
    let others = [
        ("DOUMIBOOK_APP_ID", "wx2c2769f8efd9abc2"),
        ("DOUMIBOOK_MODE", "compatible"),
        ("DOUMIBOOK_DOUBAN_URL", douban.url()),
        ("DOUMIBOOK_LOG_TEXT", "yes"),
    ];
    let server = Server::serve(&[&secrets[..], &others[..]].concat());
    let mut client = server.connect();
    for token in ["Tk7secretToken", "Tk6secretToken", "Tk5"] {
        client.ask(&push(token, "9787506365437"));
        client.ask(&push(token, "forbidden"));
        let sealed = target(token) + "&encrypt_type=aes&msg_signature=x";
        client.ask(&post(&sealed, b"<xml><Encrypt>AAAA</Encrypt></xml>"));
    }
    let pages = [client.ask(&get("/")), client.ask(&get("/metrics"))];
    assert_eq!(douban.log()[0].param("apikey").as_deref(), Some("0df993c66c0c"));
    let Ended { output, .. } = server.stop();
    assert!(output.contains("token=set") && output.contains("douban"), "{output}");
    for (name, secret) in secrets {
        assert!(!output.contains(secret), "{name} in:\n{output}");
        assert!(pages.iter().all(|page| !page.text().contains(secret)), "{name}");
    }
}

#[test]
fn secrets_come_from_credentials_unless_a_variable_says_otherwise() {
    let directory = Directory::new();
    let shelf = directory.file("shelf.jsonl", SHELF);
    directory.file("token", "FromFile\n");
    let folder = directory.path("");
    let base = [("CREDENTIALS_DIRECTORY", folder.as_str()), ("DOUMIBOOK_SHELF", &shelf)];
    for (variable, right, wrong) in [("", "FromFile", TOKEN), ("FromVar", "FromVar", "FromFile")] {
        let server = Server::serve(&[&base[..], &[("DOUMIBOOK_TOKEN", variable)]].concat());
        assert_eq!(server.ask(&push(right, "?")).status, 200, "{variable:?}");
        assert_eq!(server.ask(&push(wrong, "?")).status, 403, "{variable:?}");
    }
}

#[test]
fn a_credential_that_cannot_be_read_is_not_overlooked() {
    let directory = Directory::new();
    let folder = directory.path("");
    std::fs::create_dir(directory.path("aes_key")).unwrap();
    let settings = [("CREDENTIALS_DIRECTORY", folder.as_str()), ("DOUMIBOOK_TOKEN", TOKEN)];
    let ended = run(&["serve"], &settings);
    assert_eq!(ended.code, Some(2));
    let sentence =
        format!("doumibook: DOUMIBOOK_AES_KEY: the credential {folder}aes_key cannot be read: ");
    assert!(ended.output.starts_with(&sentence), "{ended:?}");
}

#[test]
fn the_demo_needs_nothing_and_listens_here_only() {
    // Settings for serve, even wrong ones, do not concern it.
    let arguments = ["demo", "--listen", "127.0.0.1:0"];
    let server = Server::start(doumibook(&arguments, &[("DOUMIBOOK_WORKERS", "none")]));
    assert!(server.address.starts_with("127.0.0.1:"));
    let mut client = Client::connect(&server.address);
    assert!(client.ask(&push("demo", "9787536692930")).text().contains("三体"));
    let asked = run(&["ask", "三体", "--url", &format!("http://{}/weixin", server.address)], &[]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert!(asked.output.contains("刘慈欣") && asked.output.contains(" ms)"), "{asked:?}");
}

#[test]
fn ask_plays_wechat_against_any_server() {
    let demo = Server::demo();
    let front = format!("http://{}/", demo.address);
    let asked = run(&["ask", "1", "--url", &front], &[]);
    assert_eq!(asked.code, Some(1));
    let sentence = "doumibook: the server answered 405: method not allowed; the path is /weixin: \
                    http://127.0.0.1:8080/weixin\n";
    assert_eq!(asked.output, sentence);

    // Silent once, as a server is while it looks for a book.
    let turn = AtomicUsize::new(0);
    let slow = Upstream::start(move |_| match turn.fetch_add(1, Ordering::Relaxed) {
        0 | 3 => Reaction::Close,
        _ => Reaction::Answer(Answer::new(200, "success")),
    });
    let url = format!("{}/weixin", slow.url());
    let asked = run(&["ask", "1", "--url", &url, "--times", "3"], &[]);
    let silent = "(delivery 1: no answer, as WeChat would see it)\n(no reply)\n(delivery 2, ";
    assert!(asked.output.starts_with(silent), "{asked:?}");
    assert_eq!((asked.code, slow.requests()), (Some(0), 3));
    let asked = run(&["ask", "1", "--url", &url], &[]);
    let sentence = "doumibook: the server answered 504: closed; WeChat would deliver the push \
                    again, as --times 3 does\n";
    assert_eq!((asked.code, asked.output.as_str()), (Some(1), sentence));
}

#[test]
fn ask_sends_any_bytes() {
    let directory = Directory::new();
    let raw = directory.path("raw.xml");
    std::fs::write(&raw, b"<xml><Content>\xc8\xfd\xcc\xe5</Content></xml>").unwrap();
    let asked = run(&["ask", "--raw", &raw], &[]);
    assert_eq!(asked.code, Some(1));
    let sentence = "doumibook: the server answered 400: not a push\n";
    assert!(asked.output.ends_with(sentence), "{asked:?}");
}
