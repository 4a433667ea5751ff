//! What the operator set: environment and credentials become [`Settings`], or a refusal.
//!
//! In: the environment as pairs, and a way to read `$CREDENTIALS_DIRECTORY`. Out: settings in
//! which every value is already right, or one [`Wrong`] that names the variable, what was
//! found (never a secret's value) and what would be right. Pure: tests pass an array.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::account::Mode;
use crate::book::Source;
use crate::http::BaseUrl;
use crate::journal;
use crate::secret::Secret;
use crate::service::Patience;
use crate::unix::Address;
use crate::wechat::envelope::{AesKey, AppId};
use crate::wechat::signature::Token;

mod given;

pub use given::parse_address;
use given::{Given, is_known, unknown_name};

/// Every setting there is: its name, its default as tables show it, its meaning in one line.
/// `--help`, the READMEs and the example file are held to it by a test.
#[rustfmt::skip]
pub const ALL: &[(&str, &str, &str)] = &[
    ("DOUMIBOOK_TOKEN", "none", "the token from the console, 3 to 32 letters and digits; serve needs it"),
    ("DOUMIBOOK_TOKEN_OLD", "none", "the token before, accepted beside the new one"),
    ("DOUMIBOOK_AES_KEY", "none", "EncodingAESKey from the console, 43 letters and digits"),
    ("DOUMIBOOK_AES_KEY_OLD", "none", "the key before, accepted beside the new one"),
    ("DOUMIBOOK_APP_ID", "none", "AppID (wx…) of the account; needed with an AES key"),
    ("DOUMIBOOK_APP_SECRET", "none", "AppSecret of the account; only doumibook menu needs it"),
    ("DOUMIBOOK_API_URL", "https://api.weixin.qq.com", "base URL of WeChat's API, for doumibook menu"),
    ("DOUMIBOOK_MODE", "secure with a key, else plain", "least accepted: plain, compatible or secure"),
    ("DOUMIBOOK_LISTEN", "127.0.0.1:8080", "ADDR:PORT or unix:PATH"),
    ("DOUMIBOOK_NAME", "豆米查书", "the account's name in greetings and on the page"),
    ("DOUMIBOOK_WELCOME", "built in", "welcome for new followers; \\n begins a new line"),
    ("DOUMIBOOK_SOURCES", "shelf,douban,neodb", "order in which the sources that are set up are asked"),
    ("DOUMIBOOK_DOUBAN_URL", "https://api.douban.com", "base URL; http:// only for loopback and private addresses"),
    ("DOUMIBOOK_DOUBAN_KEY", "none", "Douban API key"),
    ("DOUMIBOOK_DOUBAN_PER_MINUTE", "8", "requests to Douban a minute, 1 to 1000000"),
    ("DOUMIBOOK_NEODB_URL", "https://neodb.social", "base URL of a NeoDB instance"),
    ("DOUMIBOOK_NEODB_PER_MINUTE", "30", "requests to NeoDB a minute, 1 to 6000"),
    ("DOUMIBOOK_CONTACT", "none", "mail address or page of the operator, told to the sources"),
    ("DOUMIBOOK_SHELF", "none", "path of a JSON Lines or CSV file of books"),
    ("DOUMIBOOK_WORKERS", "4", "worker threads, 1 to 64"),
    ("DOUMIBOOK_CONNECTIONS", "256", "connections at the same time, 8 to 65536"),
    ("DOUMIBOOK_LOOKUPS", "64", "lookups at the same time, 1 to 1024"),
    ("DOUMIBOOK_MEMORY", "4 MiB", "memory for answers, such as 512K or 16M; 0 remembers nothing"),
    ("DOUMIBOOK_DEADLINE_MS", "4500", "when the last delivery is answered at the latest, 1000 to 4900"),
    ("DOUMIBOOK_DELIVERIES", "3", "how often WeChat delivers a push, 1 to 3"),
    ("DOUMIBOOK_LOG_TEXT", "no", "yes writes what readers send into the log"),
];

/// The ways a push may be protected, by their names.
const MODES: [(&str, Mode); 3] =
    [("plain", Mode::Plain), ("compatible", Mode::Compatible), ("secure", Mode::Secure)];

/// The mode with this name.
pub fn parse_mode(text: &str) -> Option<Mode> {
    MODES.iter().find(|(name, _)| *name == text).map(|(_, mode)| *mode)
}

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
    /// Sources that are set up, in the order in which they are asked; empty when none is.
    pub sources: Vec<Source>,
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
    /// How long readers wait.
    pub patience: Patience,
    /// Whether what readers write may stand in the log.
    pub log_text: bool,
}

/// A setting that cannot be used. `Display` is one sentence for the operator.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl Settings {
    /// Reads the settings. `environment` may hold other variables; `credential` gives the
    /// content of a file in `$CREDENTIALS_DIRECTORY`.
    pub fn read(
        environment: impl IntoIterator<Item = (String, String)>,
        credential: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Wrong> {
        let ours = |(name, _): &(String, String)| name.starts_with("DOUMIBOOK_");
        let variables: BTreeMap<_, _> = environment.into_iter().filter(ours).collect();
        if let Some(unknown) = variables.keys().find(|name| !is_known(name)) {
            return Err(unknown_name(unknown));
        }
        let given = Given { variables, credential };
        let tokens = given.secrets("DOUMIBOOK_TOKEN", Token::parse)?;
        let keys = given.secrets("DOUMIBOOK_AES_KEY", AesKey::parse)?;
        let shelf = given.text("DOUMIBOOK_SHELF").map(PathBuf::from);
        let douban_key = given.secret("DOUMIBOOK_DOUBAN_KEY", |key| Secret::new(key).ok_or(""))?;
        let set_up = [
            (Source::Shelf, shelf.is_some()),
            (Source::Douban, douban_key.is_some() || given.text("DOUMIBOOK_DOUBAN_URL").is_some()),
            // Needs neither key nor file, so it is there for those who set up nothing.
            (Source::NeoDb, given.text("DOUMIBOOK_NEODB_URL").is_some()),
        ];
        let set_up = set_up.into_iter().filter(|(_, on)| *on).map(|(source, _)| source).collect();
        Ok(Self {
            app_id: given.app_id(!keys.is_empty())?,
            mode: given.mode(!keys.is_empty())?,
            tokens,
            keys,
            app_secret: given.app_secret()?,
            api_url: given.url("DOUMIBOOK_API_URL", "https://api.weixin.qq.com")?,
            listen: given.listen()?,
            name: given.name()?,
            welcome: given.welcome()?,
            sources: given.sources(set_up)?,
            douban_url: given.url("DOUMIBOOK_DOUBAN_URL", "https://api.douban.com")?,
            douban_key,
            // The last published figure for a key was 500 an hour, 8.3 a minute; going over it
            // was reported to block the whole address.
            douban_per_minute: given.number("DOUMIBOOK_DOUBAN_PER_MINUTE", 8, 1..=1_000_000)?,
            neodb_url: given.url("DOUMIBOOK_NEODB_URL", "https://neodb.social")?,
            // No limit is published; one request in two seconds is what a community's server
            // bears from one of many clients.
            neodb_per_minute: given.number("DOUMIBOOK_NEODB_PER_MINUTE", 30, 1..=6000)?,
            contact: given.contact()?,
            shelf,
            workers: given.number("DOUMIBOOK_WORKERS", 4, 1..=64)?,
            connections: given.number("DOUMIBOOK_CONNECTIONS", 256, 8..=65_536)?,
            lookups: given.number("DOUMIBOOK_LOOKUPS", 64, 1..=1024)?,
            memory: given.memory()?,
            patience: Patience {
                deliveries: given.number("DOUMIBOOK_DELIVERIES", 3, 1..=3)?,
                deadline: Duration::from_millis(given.number(
                    "DOUMIBOOK_DEADLINE_MS",
                    4500,
                    1000..=4900,
                )?),
            },
            log_text: given.yes("DOUMIBOOK_LOG_TEXT")?,
        })
    }

    /// For `serve` without any source: NeoDB, which needs neither key nor file. Says so.
    pub fn or_neodb(mut self) -> Self {
        if self.sources.is_empty() {
            self.sources.push(Source::NeoDb);
            journal::info(format_args!(
                "no source is set up, so books come from NeoDB ({}); set DOUMIBOOK_SHELF, \
                 DOUMIBOOK_DOUBAN_URL or DOUMIBOOK_DOUBAN_KEY to change that",
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
        }
        self
    }
}

/// The effective settings, secrets as `set`: the line `serve` begins with.
impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listen, name, douban_per_minute, neodb_per_minute, workers, .. } = self;
        let Self { connections, lookups, memory, patience, .. } = self;
        let set = |there: bool| if there { "set" } else { "not set" };
        let sources: Vec<_> = self.sources.iter().map(|source| source.name()).collect();
        let mode = MODES.iter().find(|(_, mode)| *mode == self.mode).map_or("", |(name, _)| name);
        write!(
            f,
            "token={} token_old={} aes_key={} aes_key_old={} app_id={} app_secret={} mode={mode} \
             listen={listen} name={name} welcome={} sources={} douban_url={} douban_key={} \
             douban_per_minute={douban_per_minute} neodb_url={} \
             neodb_per_minute={neodb_per_minute} contact={} api_url={} shelf={} workers={workers} \
             connections={connections} lookups={lookups} memory={memory} deadline_ms={} \
             deliveries={} log_text={}",
            set(!self.tokens.is_empty()),
            set(self.tokens.len() > 1),
            set(!self.keys.is_empty()),
            set(self.keys.len() > 1),
            set(self.app_id.is_some()),
            set(self.app_secret.is_some()),
            self.welcome.as_ref().map_or("built in", |_| "set"),
            sources.join(","),
            self.douban_url.as_str(),
            set(self.douban_key.is_some()),
            self.neodb_url.as_str(),
            self.contact.as_deref().unwrap_or("none"),
            self.api_url.as_str(),
            self.shelf.as_ref().map_or("none".into(), |path| path.display().to_string()),
            patience.deadline.as_millis(),
            patience.deliveries,
            if self.log_text { "yes" } else { "no" },
        )
    }
}
