//! The command line: words become a [`Command`], or a hint.
//!
//! In: arguments. Out: what to do. Pure; nothing is read or written here. Secrets are never
//! taken from the command line, where every local user could read them.

use std::ffi::OsString;
use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value};

use super::settings;
use super::simulator::{PushKind, parse_kind};
use crate::sys::unix::Address;
use crate::wechat::credentials::Mode;

/// What the program is to do.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Print the help.
    Help,
    /// Print the version.
    Version,
    /// Serve an account.
    Serve,
    /// Serve the built-in shelf, for a look.
    Demo {
        /// Loopback only.
        listen: Address,
    },
    /// Look at settings and surroundings.
    Check,
    /// Look after the account's menu.
    Menu(Menu),
    /// Show what was looked for in vain.
    Wishes(WishesCommand),
    /// Have a running service read its files again.
    Reload(i32),
    /// Play a reader.
    Ask(Box<Ask>),
}

/// What to do with the wishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WishesCommand {
    /// Print them for a terminal.
    Table,
    /// Print them for a spreadsheet.
    Csv,
    /// Take out those of this ISBN, title or words.
    Done(String),
    /// Take out all.
    Clear,
}

/// What to do with the account's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Menu {
    /// Print the menu the account has.
    Show,
    /// Replace it by the one in this file.
    Push(PathBuf),
    /// Remove it.
    Delete,
    /// Print one to begin with.
    Default,
}

/// One simulated push.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// What the reader sends: the text, the spoken words, the code, the key.
    pub text: String,
    /// A running server; without it the answer is made in this process.
    pub url: Option<String>,
    /// How the push is protected; as the settings say when it is not given.
    pub mode: Option<Mode>,
    /// What kind of push.
    pub kind: PushKind,
    /// How often it is delivered.
    pub times: u32,
    /// A file with the push's XML, instead of text and kind.
    pub raw: Option<PathBuf>,
    /// A photo of a barcode, instead of text and kind.
    pub photo: Option<PathBuf>,
    /// Whether to print XML instead of what a reader sees.
    pub show_xml: bool,
}

/// The help text.
pub fn help() -> String {
    let mut help = String::from(
        "doumibook - answers readers of a WeChat Official Account who look for a book\n\
         \n\
         usage:\n\
         \x20 doumibook serve                  serve the account that the settings describe\n\
         \x20 doumibook demo [--listen ADDR]   serve the built-in shelf on this machine, token \"demo\"\n\
         \x20 doumibook ask TEXT… [options]    print the reply a reader would get\n\
         \x20 doumibook check                  say whether settings, sources and address are right\n\
         \x20                                  (exit 0: yes, 1: with warnings, 2: no)\n\
         \x20 doumibook menu show | push FILE | delete | default\n\
         \x20                                  the menu of a verified account; default prints one\n\
         \x20 doumibook wishes [--csv | --done ISBN-OR-WORDS | --clear]\n\
         \x20                                  what readers looked for in vain, most wanted first\n\
         \x20 doumibook reload PID             have that doumibook read shelf and answers again\n\
         \x20 doumibook --help | --version\n\
         \n\
         options of ask:\n\
         \x20 --url URL          play WeChat against a running server, such as\n\
         \x20                    http://127.0.0.1:8080/weixin (token: DOUMIBOOK_TOKEN, or demo)\n\
         \x20 --mode MODE        plain, compatible or secure (default: as DOUMIBOOK_MODE)\n\
         \x20 --kind KIND        text, voice, scan, subscribe, unsubscribe, click, image, link,\n\
         \x20                    video, location, file or own-code (TEXT is its scene)\n\
         \x20 --photo FILE       print the barcode in a photo, and the reply to it (not with --url)\n\
         \x20 --times N          deliver the same push N times, 1 to 3\n\
         \x20 --raw FILE         send the XML in this file\n\
         \x20 --show xml         print the XML of push and reply\n\
         \n\
         settings (environment variables):\n",
    );
    for (name, default, meaning) in settings::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(help, "  {name}\n      {meaning} (default: {default})");
    }
    let files = settings::CREDENTIALS.join(", ");
    help + "\nSecrets may come as files in $CREDENTIALS_DIRECTORY instead:\n"
        + &files
        + ".\nA variable wins over its file.\n"
}

impl Command {
    /// Reads the arguments after the program's name. An error is a hint for the person.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        parse(lexopt::Parser::from_args(arguments)).map_err(|error| match error {
            lexopt::Error::Custom(ours) => ours.to_string(),
            theirs => format!("{theirs}; try doumibook --help"),
        })
    }
}

fn parse(mut words: lexopt::Parser) -> Result<Command, lexopt::Error> {
    let command = match words.next()? {
        None => return Err("no command; try doumibook demo, or doumibook --help".into()),
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(Long("version") | Short('V')) => return Ok(Command::Version),
        Some(Value(word)) => known(&word.to_string_lossy())?,
        Some(other) => return Err(other.unexpected()),
    };
    let mut plain: Vec<OsString> = Vec::new();
    let mut listen = settings::DEFAULT_LISTEN;
    let mut ask = Ask { times: 1, ..Ask::default() };
    let mut wishes = WishesCommand::Table;
    while let Some(word) = words.next()? {
        match (command, word) {
            (_, Long("help") | Short('h')) => return Ok(Command::Help),
            ("demo", Long("listen")) => listen = value(&mut words, "--listen", loopback)?,
            ("ask", Long("url")) => ask.url = Some(words.value()?.into_string()?),
            ("ask", Long("mode")) => {
                ask.mode = Some(value(&mut words, "--mode", settings::parse_mode)?);
            }
            ("ask", Long("kind")) => ask.kind = value(&mut words, "--kind", parse_kind)?,
            ("ask", Long("times")) => ask.times = value(&mut words, "--times", times)?,
            ("ask", Long("raw")) => ask.raw = Some(words.value()?.into()),
            ("ask", Long("photo")) => ask.photo = Some(words.value()?.into()),
            ("ask", Long("show")) => {
                ask.show_xml = value(&mut words, "--show", |what| match what {
                    "xml" => Ok(true),
                    _ => Err("xml"),
                })?;
            }
            ("wishes", Long("csv")) => wishes = WishesCommand::Csv,
            ("wishes", Long("clear")) => wishes = WishesCommand::Clear,
            ("wishes", Long("done")) => {
                wishes = WishesCommand::Done(words.value()?.into_string()?);
            }
            ("ask" | "menu" | "reload", Value(word)) => plain.push(word),
            (_, other) => return Err(other.unexpected()),
        }
    }
    Ok(match command {
        "serve" => Command::Serve,
        "demo" => Command::Demo { listen },
        "check" => Command::Check,
        "menu" => Command::Menu(menu(&plain)?),
        "wishes" => Command::Wishes(wishes),
        "reload" => Command::Reload(process(&plain)?),
        "ask" => Command::Ask(Box::new(told(ask, &plain)?)),
        _ => Command::Help,
    })
}

fn known(command: &str) -> Result<&'static str, String> {
    let all = ["serve", "demo", "ask", "check", "menu", "wishes", "reload", "help"];
    let there = "there are serve, demo, ask, check, menu, wishes and reload, see doumibook --help";
    let found = all.into_iter().find(|known| *known == command);
    found.ok_or_else(|| format!("unknown command {command:?}; {there}"))
}

fn process(words: &[OsString]) -> Result<i32, &'static str> {
    let [number] = words else {
        return Err("reload which process? systemctl reload doumibook knows");
    };
    let number = number.to_str().and_then(|number| number.parse().ok());
    number.filter(|number| *number > 1).ok_or("reload: expected the number of a process")
}

fn menu(words: &[OsString]) -> Result<Menu, &'static str> {
    match words {
        [what] if what == "show" => Ok(Menu::Show),
        [what] if what == "delete" => Ok(Menu::Delete),
        [what] if what == "default" => Ok(Menu::Default),
        [what, file] if what == "push" => Ok(Menu::Push(file.into())),
        [what] if what == "push" => {
            Err("push what? Give a file; doumibook menu default prints one")
        }
        _ => Err("menu: expected show, push FILE, delete or default"),
    }
}

/// What the reader says, if that kind of push says anything.
fn told(mut ask: Ask, words: &[OsString]) -> Result<Ask, &'static str> {
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    ask.text = words.join(" ");
    let speaks =
        [PushKind::Text, PushKind::Voice, PushKind::Scan, PushKind::Link].contains(&ask.kind);
    if ask.photo.is_some() {
        if ask.url.is_some() || ask.raw.is_some() {
            return Err("--photo is read in this process; leave --url and --raw out");
        }
        ask.kind = PushKind::Image;
        return Ok(ask);
    }
    if ask.text.is_empty() && ask.raw.is_none() && speaks {
        return Err("ask what? Give a title, an author or an ISBN: doumibook ask 三体");
    }
    Ok(ask)
}

/// The value of an option; an error of `read` is what it could read.
fn value<T, E: Display>(
    words: &mut lexopt::Parser,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, lexopt::Error> {
    let text = words.value()?.into_string()?;
    read(&text).map_err(|right| format!("{name} is \"{text}\"; expected {right}").into())
}

/// Where a demo may listen.
fn loopback(text: &str) -> Result<Address, &'static str> {
    match settings::parse_address(text)? {
        Address::Tcp(address) if !address.ip().is_loopback() => {
            Err("a loopback address, such as 127.0.0.1:8080: everybody knows the demo's token")
        }
        address => Ok(address),
    }
}

fn times(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|times| (1..=3).contains(times)).ok_or("1, 2 or 3")
}
