//! The command line: words, and what the real binary makes of them.

use doumibook::cli::command::{Ask, Command, help};
use doumibook::cli::settings::{ALL, CREDENTIALS};
use doumibook::cli::simulator::PushKind;
use doumibook::sys::unix::Address;
use doumibook::wechat::credentials::Mode;
use support::server::{Directory, doumibook, run};

mod support;

fn read(line: &[&str]) -> Result<Command, String> {
    Command::read(line.iter().map(Into::into))
}

fn demo(listen: &str) -> Command {
    let listen = match listen.strip_prefix("unix:") {
        Some(path) => Address::Unix(path.into()),
        None => Address::Tcp(listen.parse().unwrap()),
    };
    Command::Demo { listen }
}

fn ask(text: &str, change: impl FnOnce(&mut Ask)) -> Command {
    let mut ask = Ask {
        text: text.to_owned(),
        url: None,
        mode: None,
        kind: PushKind::Text,
        times: 1,
        raw: None,
        photo: None,
        show_xml: false,
    };
    change(&mut ask);
    Command::Ask(Box::new(ask))
}

#[test]
#[rustfmt::skip]
fn what_is_right_is_done() {
    let url = "http://127.0.0.1:1/weixin";
    for (line, command) in [
        (&["--help"][..],                     Command::Help),
        (&["-h"],                             Command::Help),
        (&["help"],                           Command::Help),
        (&["serve", "--help"],                Command::Help),
        (&["demo", "-h"],                     Command::Help),
        (&["ask", "--help"],                  Command::Help),
        (&["--version"],                      Command::Version),
        (&["-V"],                             Command::Version),
        (&["serve"],                          Command::Serve),
        (&["demo"],                           demo("127.0.0.1:8080")),
        (&["demo", "--listen", "[::1]:0"],    demo("[::1]:0")),
        (&["demo", "--listen=127.0.0.9:80"],  demo("127.0.0.9:80")),
        (&["demo", "--listen", "unix:/s"],    demo("unix:/s")),
        (&["ask", "三体"],                     ask("三体", |_| ())),
        (&["ask", "三体", "刘慈欣"],            ask("三体 刘慈欣", |_| ())),
        (&["ask", "--", "--help"],            ask("--help", |_| ())),
        (&["ask", "1", "--url", url],         ask("1", |ask| ask.url = Some(url.into()))),
        (&["ask", "--mode", "secure", "1"],   ask("1", |ask| ask.mode = Some(Mode::Secure))),
        (&["ask", "--kind", "scan", "1"],     ask("1", |ask| ask.kind = PushKind::Scan)),
        (&["ask", "--kind", "subscribe"],     ask("", |ask| ask.kind = PushKind::Subscribe)),
        (&["ask", "--kind", "own-code", "1"], ask("1", |ask| ask.kind = PushKind::OwnCode)),
        (&["ask", "--kind", "location"],      ask("", |ask| ask.kind = PushKind::Location)),
        (&["ask", "1", "--times", "3"],       ask("1", |ask| ask.times = 3)),
        (&["ask", "--raw", "push.xml"],       ask("", |ask| ask.raw = Some("push.xml".into()))),
        (&["ask", "--photo", "back.jpg"],     ask("", |ask| (ask.photo, ask.kind) = (Some("back.jpg".into()), PushKind::Image))),
        (&["ask", "1", "--show", "xml"],      ask("1", |ask| ask.show_xml = true)),
    ] {
        assert_eq!(read(line), Ok(command), "{line:?}");
    }
}

#[test]
#[rustfmt::skip]
fn what_is_wrong_gets_a_hint() {
    for (line, hint) in [
        (&[][..],                             "no command; try doumibook demo, or doumibook --help"),
        (&["sevre"],                          "unknown command \"sevre\"; there are serve, demo, ask, check, menu, wishes and reload, see doumibook --help"),
        (&["--listen"],                       "invalid option '--listen'; try doumibook --help"),
        (&["serve", "now"],                   "unexpected argument \"now\"; try doumibook --help"),
        (&["serve", "--token", "x"],          "invalid option '--token'; try doumibook --help"),
        (&["demo", "--listen"],               "missing argument for option '--listen'; try doumibook --help"),
        (&["demo", "--listen", "80"],         "--listen is \"80\"; expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or unix:/run/doumibook/http.sock"),
        (&["demo", "--listen", "0.0.0.0:80"], "--listen is \"0.0.0.0:80\"; expected a loopback address, such as 127.0.0.1:8080: everybody knows the demo's token"),
        (&["ask"],                            "ask what? Give a title, an author or an ISBN: doumibook ask 三体"),
        (&["ask", "--kind", "scan"],          "ask what? Give a title, an author or an ISBN: doumibook ask 三体"),
        (&["ask", "--kind", "fax", "1"],      "--kind is \"fax\"; expected one of text, voice, scan, subscribe, unsubscribe, click, image, link, video, location, file, own-code"),
        (&["ask", "--mode", "aes", "1"],      "--mode is \"aes\"; expected plain, compatible or secure"),
        (&["ask", "--times", "4", "1"],       "--times is \"4\"; expected 1, 2 or 3"),
        (&["reload"],                         "reload which process? systemctl reload doumibook knows"),
        (&["reload", "0"],                    "reload: expected the number of a process"),
        (&["ask", "--photo", "a", "--url", "http://127.0.0.1/"], "--photo is read in this process; leave --url and --raw out"),
        (&["ask", "--show", "json", "1"],     "--show is \"json\"; expected xml"),
    ] {
        assert_eq!(read(line), Err(hint.to_owned()), "{line:?}");
    }
}

#[test]
fn the_help_names_every_setting_and_credential() {
    for (name, default, meaning) in ALL {
        assert!(help().contains(&format!("  {name}\n      {meaning} (default: {default})\n")));
    }
    let files = format!("instead:\n{}.\n", CREDENTIALS.join(", "));
    assert!(help().contains(&files), "{files}");
    let hint = read(&["ask", "--kind", "fax"]).unwrap_err();
    let (_, kinds) = hint.split_once("one of ").unwrap();
    assert!(kinds.split(", ").all(|kind| help().contains(kind)), "{kinds}");
    let longest = help().lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(100), "a line of the help has {longest:?} characters");
}

#[test]
fn the_binary_says_it_and_ends_with_the_right_code() {
    let version = format!("doumibook {}\n", env!("CARGO_PKG_VERSION"));
    let unknown = "doumibook: unknown command \"sevre\"; there are serve, demo, ask, check, menu, wishes and reload, see \
                   doumibook --help\n";
    let no_token = "doumibook: DOUMIBOOK_TOKEN is not set; expected the token from the console, 3 \
                    to 32 letters and digits (doumibook demo needs none)\n";
    let workers = "doumibook: DOUMIBOOK_WORKERS is \"0\"; expected a number from 1 to 64\n";
    let nearest = "doumibook: DOUMIBOOK_LISTN is no setting of doumibook; did you mean \
                   DOUMIBOOK_LISTEN?\n";
    let shelf = "doumibook: DOUMIBOOK_SHELF: ";
    let sources = ("DOUMIBOOK_SOURCES", "douban");
    for (arguments, settings, code, begins) in [
        (&["--help"][..], &[][..], 0, help().as_str()),
        (&["--version"], &[], 0, &version),
        (&["sevre"], &[], 2, unknown),
        (&[], &[], 2, "doumibook: no command; try doumibook demo, or doumibook --help\n"),
        (&["serve"], &[sources], 2, no_token),
        (&["serve"], &[("DOUMIBOOK_WORKERS", "0")], 2, workers),
        (&["ask", "三体"], &[("DOUMIBOOK_WORKERS", "0")], 2, workers),
        (&["serve"], &[("DOUMIBOOK_LISTN", "x")], 2, nearest),
        (&["ask", "三体"], &[("DOUMIBOOK_SHELF", "/nowhere/books.csv")], 2, shelf),
    ] {
        let ended = run(arguments, settings);
        assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
        assert!(ended.output.starts_with(begins), "{arguments:?} {ended:?}");
    }
}

#[test]
fn a_value_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let mut command = doumibook(&["serve"], &[]);
    command.env("DOUMIBOOK_NAME", std::ffi::OsStr::from_bytes(b"\xb6\xb9\xc3\xd7"));
    command.env("DOUMIBOOK_WORKERS", "0").env("OTHER", std::ffi::OsStr::from_bytes(b"\xff"));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "doumibook: DOUMIBOOK_NAME is not UTF-8; save the file as UTF-8\n\
         doumibook: DOUMIBOOK_WORKERS is \"0\"; expected a number from 1 to 64\n"
    );
}

#[test]
fn ask_shows_what_a_reader_would_see() {
    let directory = Directory::new();
    let shelf =
        directory.file("s.csv", "书名,作者,ISBN\n三体,刘慈欣,9787536692930\n三体Ⅱ,刘慈欣,\n");
    let settings = [("DOUMIBOOK_SHELF", shelf.as_str())];
    for (arguments, shown) in [
        (
            &["ask", "9787536692930"][..],
            "《三体》\n作者：刘慈欣\nISBN：9787536692930\n来源：馆藏\n\n\
             其他版本 [书名 三体]  同一作者 [作者 刘慈欣]  \
             豆瓣 [https://book.douban.com/isbn/9787536692930/]\n",
        ),
        (
            &["ask", "三体"],
            "找到“三体”的 2 本书：\n1. 《三体》 刘慈欣\n2. 《三体Ⅱ》 刘慈欣\n\n回复序号看详情\n",
        ),
        (&["ask", "--kind", "unsubscribe"], "(no reply)\n"),
    ] {
        let ended = doumibook(arguments, &settings).output().unwrap();
        let printed = String::from_utf8(ended.stdout).unwrap();
        assert!(ended.status.success(), "{arguments:?}");
        let (reply, took) = printed.rsplit_once('(').unwrap();
        assert_eq!(reply, shown, "{arguments:?}");
        assert!(took.ends_with(" ms)\n"), "{took}");
    }
}
