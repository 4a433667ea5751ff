//! The command line: words become a [`Command`], or a hint.
//!
//! In: arguments. Out: what to do. Pure; nothing is read or written here. Secrets are never
//! taken from the command line, where every local user could read them.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use lexopt::prelude::{Long, Short, Value};

use crate::account::Mode;
use crate::settings;
use crate::unix::Address;

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
    /// Play a reader.
    Ask(Box<Ask>),
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
#[derive(Debug, PartialEq, Eq)]
pub struct Ask {
    /// What the reader sends: the text, the spoken words, the code, the key.
    pub text: String,
    /// A running server; without it the answer is made in this process.
    pub url: Option<String>,
    /// How the push is protected; as the settings say when it is not given.
    pub mode: Option<Mode>,
    /// What kind of push.
    pub kind: Kind,
    /// How often it is delivered.
    pub times: u32,
    /// A file with the push's XML, instead of text and kind.
    pub raw: Option<PathBuf>,
    /// Whether to print XML instead of what a reader sees.
    pub show_xml: bool,
}

/// The kinds of push `ask` can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message.
    Text,
    /// A recording that WeChat understood.
    Voice,
    /// A scanned barcode.
    Scan,
    /// A new follower.
    Subscribe,
    /// A follower who left.
    Unsubscribe,
    /// A menu button.
    Click,
    /// A picture.
    Image,
    /// A shared page.
    Link,
}

const KINDS: [(&str, Kind); 8] = [
    ("text", Kind::Text),
    ("voice", Kind::Voice),
    ("scan", Kind::Scan),
    ("subscribe", Kind::Subscribe),
    ("unsubscribe", Kind::Unsubscribe),
    ("click", Kind::Click),
    ("image", Kind::Image),
    ("link", Kind::Link),
];

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
         \x20 doumibook --help | --version\n\
         \n\
         options of ask:\n\
         \x20 --url URL          play WeChat against a running server, such as\n\
         \x20                    http://127.0.0.1:8080/weixin (token: DOUMIBOOK_TOKEN, or demo)\n\
         \x20 --mode MODE        plain, compatible or secure (default: as DOUMIBOOK_MODE)\n\
         \x20 --kind KIND        text, voice, scan, subscribe, unsubscribe, click, image or link\n\
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
    help.push_str(
        "\nSecrets may come as files in $CREDENTIALS_DIRECTORY instead: token, token_old,\n\
         aes_key, aes_key_old, app_secret, douban_key. A variable wins over its file.\n",
    );
    help
}

impl Command {
    /// Reads the arguments after the program's name. An error is a hint for the person.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut words = lexopt::Parser::from_args(arguments);
        let hint = |error: lexopt::Error| format!("{error}; try doumibook --help");
        let command = match words.next().map_err(hint)? {
            None => return Err("no command; try doumibook demo, or doumibook --help".into()),
            Some(Long("help") | Short('h')) => return Ok(Self::Help),
            Some(Long("version") | Short('V')) => return Ok(Self::Version),
            Some(Value(word)) => match word.to_str() {
                Some("serve") => Self::Serve,
                Some("demo") => demo(&mut words)?,
                Some("ask") => return ask(&mut words),
                Some("check") => Self::Check,
                Some("menu") => menu(&mut words)?,
                Some("help") => return Ok(Self::Help),
                _ => {
                    return Err(format!(
                        "unknown command {word:?}; there are serve, demo, ask, check and \
                         menu, see doumibook --help"
                    ));
                }
            },
            Some(other) => return Err(hint(other.unexpected())),
        };
        match words.next().map_err(hint)? {
            None => Ok(command),
            Some(Long("help") | Short('h')) => Ok(Self::Help),
            Some(other) => Err(hint(other.unexpected())),
        }
    }
}

fn demo(words: &mut lexopt::Parser) -> Result<Command, String> {
    let mut listen = Address::Tcp(([127, 0, 0, 1], 8080).into());
    let hint = |error: lexopt::Error| format!("{error}; try doumibook --help");
    while let Some(word) = words.next().map_err(hint)? {
        match word {
            Long("listen") => {
                let text = value(words)?;
                listen = settings::parse_address(&text).map_err(|(found, right)| {
                    format!("--listen is \"{found}\"; expected {right}")
                })?;
            }
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(hint(other.unexpected())),
        }
    }
    match &listen {
        Address::Tcp(address) if !address.ip().is_loopback() => Err(format!(
            "--listen is \"{address}\"; demo has a token everybody knows, so it listens on \
             loopback only, such as 127.0.0.1:8080"
        )),
        _ => Ok(Command::Demo { listen }),
    }
}

fn menu(words: &mut lexopt::Parser) -> Result<Command, String> {
    let hint = |error: lexopt::Error| format!("{error}; try doumibook --help");
    let what = match words.next().map_err(hint)? {
        Some(Value(word)) => word.to_string_lossy().into_owned(),
        Some(Long("help") | Short('h')) => return Ok(Command::Help),
        Some(other) => return Err(hint(other.unexpected())),
        None => String::new(),
    };
    Ok(Command::Menu(match what.as_str() {
        "show" => Menu::Show,
        "delete" => Menu::Delete,
        "default" => Menu::Default,
        "push" => match words.next().map_err(hint)? {
            Some(Value(file)) => Menu::Push(file.into()),
            _ => return Err("push what? Give a file; doumibook menu default prints one".into()),
        },
        _ => return Err("menu: expected show, push FILE, delete or default".into()),
    }))
}

fn ask(words: &mut lexopt::Parser) -> Result<Command, String> {
    let hint = |error: lexopt::Error| format!("{error}; try doumibook --help");
    let mut text: Vec<String> = Vec::new();
    let mut ask = Ask {
        text: String::new(),
        url: None,
        mode: None,
        kind: Kind::Text,
        times: 1,
        raw: None,
        show_xml: false,
    };
    while let Some(word) = words.next().map_err(hint)? {
        match word {
            Value(word) => text.push(word.to_string_lossy().into_owned()),
            Long("url") => ask.url = Some(value(words)?),
            Long("mode") => ask.mode = Some(parse_mode(&value(words)?)?),
            Long("kind") => ask.kind = parse_kind(&value(words)?)?,
            Long("times") => ask.times = parse_times(&value(words)?)?,
            Long("raw") => ask.raw = Some(words.value().map_err(hint)?.into()),
            Long("show") => match value(words)?.as_str() {
                "xml" => ask.show_xml = true,
                other => return Err(format!("--show is \"{other}\"; expected xml")),
            },
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(hint(other.unexpected())),
        }
    }
    ask.text = text.join(" ");
    let speechless = [Kind::Subscribe, Kind::Unsubscribe, Kind::Click, Kind::Image];
    if ask.text.is_empty() && ask.raw.is_none() && !speechless.contains(&ask.kind) {
        return Err("ask what? Give a title, an author or an ISBN: doumibook ask 三体".into());
    }
    Ok(Command::Ask(Box::new(ask)))
}

fn value(words: &mut lexopt::Parser) -> Result<String, String> {
    let value = words.value().map_err(|error| format!("{error}; try doumibook --help"))?;
    value.into_string().map_err(|value| format!("{value:?} is not UTF-8"))
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "plain" => Ok(Mode::Plain),
        "compatible" => Ok(Mode::Compatible),
        "secure" => Ok(Mode::Secure),
        _ => Err(format!("--mode is \"{text}\"; expected plain, compatible or secure")),
    }
}

/// The kind with this name, or what to write instead.
pub fn parse_kind(text: &str) -> Result<Kind, String> {
    let known = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    known.ok_or_else(|| {
        let names = KINDS.map(|(name, _)| name).join(", ");
        format!("--kind is \"{text}\"; expected one of {names}")
    })
}

fn parse_times(text: &str) -> Result<u32, String> {
    let times = text.parse().ok().filter(|times| (1..=3).contains(times));
    times.ok_or_else(|| format!("--times is \"{text}\"; expected 1, 2 or 3"))
}
