//! What the operator set: environment and credentials become [`Settings`], or a refusal.
//!
//! In: the environment as pairs, credentials among them. Out: settings in
//! which every value is already right, or a sentence for each that is not: the variable, what
//! was found (never a secret's value) and what would be right. Pure: tests pass an array.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::catalogue::book::Source;
use crate::catalogue::interlib;
use crate::chat::card::Links;
use crate::sys::http::BaseUrl;
use crate::sys::journal;
use crate::sys::secret::Secret;
use crate::sys::unix::Address;
use crate::wechat::credentials::Mode;
use crate::wechat::envelope::{AesKey, AppId};
use crate::wechat::signature::Token;

mod given;
mod names;

pub use names::{ALL, CREDENTIALS, DEFAULT_LISTEN, parse_mode, variable};

use given::Given;
pub use given::parse_address;
use names::{MODES, short};

/// Everything `serve` and `ask` need to know.
pub struct Settings {
    /// Current first; empty when none is set.
    pub tokens: Vec<Token>,
    /// Current first.
    pub keys: Vec<AesKey>,
    /// There whenever there is a key.
    pub app_id: Option<AppId>,
    /// For WeChat's API.
    pub app_secret: Option<Secret>,
    /// WeChat's API.
    pub api_url: BaseUrl,
    /// Least accepted.
    pub mode: Mode,
    /// Where to listen, unless systemd passes a socket.
    pub listen: Address,
    /// The account's name.
    pub name: String,
    /// Replaces the built-in welcome.
    pub welcome: Option<String>,
    /// The operator's own answers.
    pub replies: Option<PathBuf>,
    /// Whether wishes are noted.
    pub wishes: bool,
    /// Where cards lead.
    pub links: Links,
    /// Sources that are set up, in the order in which they are asked; empty when none is.
    pub sources: Vec<Source>,
    /// A library's own catalogue.
    pub interlib_url: Option<BaseUrl>,
    /// Its code of one branch or tenant.
    pub interlib_lib: Option<String>,
    /// Questions a minute.
    pub interlib_per_minute: u32,
    /// Douban's base URL.
    pub douban_url: BaseUrl,
    /// Douban's key.
    pub douban_key: Option<Secret>,
    /// Requests a minute.
    pub douban_per_minute: u32,
    /// NeoDB's base URL.
    pub neodb_url: BaseUrl,
    /// Requests a minute.
    pub neodb_per_minute: u32,
    /// Told to the sources.
    pub contact: Option<String>,
    /// The operator's own books.
    pub shelf: Option<PathBuf>,
    /// Worker threads.
    pub workers: usize,
    /// Connections at the same time.
    pub connections: usize,
    /// Lookups at the same time.
    pub lookups: usize,
    /// Bytes for remembered answers.
    pub memory: usize,
    /// How often WeChat delivers a push, 1 to 3.
    pub deliveries: u32,
    /// Deliveries a minute that may pass unanswered.
    pub silences: usize,
    /// From the first byte of the last delivery to its answer.
    pub deadline: Duration,
    /// Whether what readers write may stand in the log.
    pub log_text: bool,
    /// What was set, as it may be shown.
    given: BTreeMap<String, String>,
}

/// What is wrong with settings: a line for each.
pub type Wrong = String;

impl Settings {
    /// Reads the settings, all of which have to be right.
    pub fn read(environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Wrong> {
        Self::all_right(Self::look(environment))
    }

    /// What was looked at, if nothing is wrong with it.
    pub fn all_right((settings, wrong): (Self, Vec<String>)) -> Result<Self, Wrong> {
        if wrong.is_empty() { Ok(settings) } else { Err(wrong.join("\n")) }
    }

    /// Reads the settings, with the default for each that is wrong, and says which are.
    /// `environment` may hold other variables. What comes later wins: credentials stand before
    /// variables.
    pub fn look(environment: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<String>) {
        let mut given = Given::new(environment);
        let set_up = given.set_up();
        let settings = Self {
            tokens: given.secrets("DOUMIBOOK_TOKEN", Token::parse),
            keys: given.secrets("DOUMIBOOK_AES_KEY", AesKey::parse),
            app_id: given.app_id(),
            mode: given.mode(),
            app_secret: given.app_secret(),
            api_url: given.url("DOUMIBOOK_API_URL", "api.weixin.qq.com"),
            listen: given.value("DOUMIBOOK_LISTEN", parse_address).unwrap_or(DEFAULT_LISTEN),
            name: given.name().unwrap_or("豆米查书".into()),
            welcome: given.welcome(),
            replies: given.text("DOUMIBOOK_REPLIES").map(PathBuf::from),
            wishes: given.yes("DOUMIBOOK_WISHES"),
            links: given.value("DOUMIBOOK_LINKS", links).unwrap_or_default(),
            sources: given.sources(set_up),
            interlib_url: given.value("DOUMIBOOK_INTERLIB_URL", interlib::url::base),
            interlib_lib: given.value("DOUMIBOOK_INTERLIB_LIB", interlib::url::lib),
            // Six calls 0.6 s apart were all answered; it is the operator's own server.
            interlib_per_minute: given.number("DOUMIBOOK_INTERLIB_PER_MINUTE", 60, 1..=6000),
            douban_url: given.url("DOUMIBOOK_DOUBAN_URL", "api.douban.com"),
            douban_key: given.value("DOUMIBOOK_DOUBAN_KEY", |key| Secret::new(key).ok_or("")),
            // The last published figure for a key was 500 an hour, 8.3 a minute; going over it
            // was reported to block the whole address.
            douban_per_minute: given.number("DOUMIBOOK_DOUBAN_PER_MINUTE", 8, 1..=1_000_000),
            neodb_url: given.url("DOUMIBOOK_NEODB_URL", "neodb.social"),
            // No limit is published; one request in two seconds is what a community's server
            // bears from one of many clients.
            neodb_per_minute: given.number("DOUMIBOOK_NEODB_PER_MINUTE", 30, 1..=6000),
            contact: given.contact(),
            shelf: given.text("DOUMIBOOK_SHELF").map(PathBuf::from),
            workers: given.number("DOUMIBOOK_WORKERS", 4, 1..=64),
            connections: given.number("DOUMIBOOK_CONNECTIONS", 256, 8..=65_536),
            lookups: given.number("DOUMIBOOK_LOOKUPS", 64, 1..=1024),
            memory: given.memory().unwrap_or(4 << 20),
            deliveries: given.number("DOUMIBOOK_DELIVERIES", 3, 1..=3),
            // WeChat does not publish how many failures make it stop for a minute.
            silences: given.number("DOUMIBOOK_SILENCES", 10, 0..=1000),
            deadline: Duration::from_millis(given.number(
                "DOUMIBOOK_DEADLINE_MS",
                4500,
                1000..=4900,
            )),
            log_text: given.yes("DOUMIBOOK_LOG_TEXT"),
            given: given.shown(),
        };
        (settings, given.wrong)
    }

    /// For `serve` without any source: NeoDB, which needs neither key nor file. Says so.
    pub fn or_neodb(mut self) -> Self {
        if self.sources.is_empty() {
            self.sources.push(Source::NeoDb);
            journal::info(format_args!(
                "no source is set up, so books come from NeoDB ({}); set DOUMIBOOK_SHELF, \
                 DOUMIBOOK_INTERLIB_URL, DOUMIBOOK_DOUBAN_URL or DOUMIBOOK_DOUBAN_KEY to change that",
                self.neodb_url.as_str()
            ));
        }
        self
    }

    /// For `demo` and `ask` without any source: the built-in shelf.
    pub fn or_shelf(mut self) -> Self {
        if self.sources.is_empty() {
            self.sources.push(Source::Shelf);
        }
        self
    }

    /// For `demo` and `ask` without a token: `demo`.
    pub fn or_demo_token(mut self) -> Self {
        if self.tokens.is_empty() {
            self.tokens.extend(Token::parse("demo"));
            self.given.insert("DOUMIBOOK_TOKEN".into(), "set".into());
        }
        self
    }
}

fn links(text: &str) -> Result<Links, &'static str> {
    match text {
        "douban" => Ok(Links::Douban),
        "own" => Ok(Links::Own),
        "none" => Ok(Links::None),
        _ => Err("douban, own or none"),
    }
}

/// The effective settings, secrets as `set`: the line `serve` begins with.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        let mode = MODES.iter().find(|(_, mode)| *mode == self.mode).map_or("", |(name, _)| name);
        let shown = ALL.iter().map(|(name, default, _)| {
            let value = match *name {
                // What they come to stands in no variable.
                "DOUMIBOOK_MODE" => mode.to_owned(),
                "DOUMIBOOK_LISTEN" => self.listen.to_string(),
                "DOUMIBOOK_SOURCES" => sources.join(","),
                _ => self.given.get(*name).map_or(*default, String::as_str).to_owned(),
            };
            format!("{}={value}", short(name))
        });
        f.write_str(&shown.collect::<Vec<_>>().join(" "))
    }
}
