//! The names of all settings, with their defaults and meanings, and what is special about some.
//!
//! In: nothing. Out: the table that `--help`, the READMEs and the example file are held to.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::sys::unix::Address;
use crate::wechat::credentials::Mode;

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
    ("DOUMIBOOK_LISTEN", "127.0.0.1:8080", "ADDR:PORT or unix:PATH; with systemd, doumibook.socket decides"),
    ("DOUMIBOOK_NAME", "豆米查书", "the account's name in greetings and on the page"),
    ("DOUMIBOOK_WELCOME", "built in", "welcome for new followers; \\n begins a new line"),
    ("DOUMIBOOK_REPLIES", "none", "path of a CSV file of your own answers, columns 关键词 and 回复"),
    ("DOUMIBOOK_WISHES", "no", "yes offers to note what was not found; doumibook wishes shows it"),
    ("DOUMIBOOK_LINKS", "douban", "where your books' cards lead: douban, own (the file's link) or none"),
    ("DOUMIBOOK_SOURCES", "those set up", "sources in the order to ask them, of shelf,interlib,douban,neodb"),
    ("DOUMIBOOK_INTERLIB_URL", "none", "a library's Interlib (图创) catalogue, …/opac; http:// also to public addresses"),
    ("DOUMIBOOK_INTERLIB_LIB", "none", "its code of one branch or tenant (curlibcode), such as STC001"),
    ("DOUMIBOOK_INTERLIB_PER_MINUTE", "60", "questions to the library a minute, 1 to 6000; each is 2 or 3 requests"),
    ("DOUMIBOOK_DOUBAN_URL", "https://api.douban.com", "base URL; http:// only for loopback and private addresses"),
    ("DOUMIBOOK_DOUBAN_KEY", "none", "Douban API key"),
    ("DOUMIBOOK_DOUBAN_PER_MINUTE", "8", "requests to Douban a minute, 1 to 1000000"),
    ("DOUMIBOOK_NEODB_URL", "https://neodb.social", "base URL of a NeoDB instance"),
    ("DOUMIBOOK_NEODB_PER_MINUTE", "30", "requests to NeoDB a minute, 1 to 6000"),
    ("DOUMIBOOK_CONTACT", "none", "mail address or page of the operator, told to the sources"),
    ("DOUMIBOOK_SHELF", "none", "path of a file of books: CSV, JSON Lines or MARC"),
    ("DOUMIBOOK_WORKERS", "4", "worker threads, 1 to 64"),
    ("DOUMIBOOK_CONNECTIONS", "256", "connections at the same time, 8 to 65536"),
    ("DOUMIBOOK_LOOKUPS", "64", "lookups at the same time, 1 to 1024"),
    ("DOUMIBOOK_MEMORY", "4M", "bytes of memory for answers, such as 512K or 16M, 64K to 1024M"),
    ("DOUMIBOOK_DEADLINE_MS", "4500", "when the last delivery is answered at the latest, 1000 to 4900"),
    ("DOUMIBOOK_DELIVERIES", "3", "how often WeChat delivers a push, 1 to 3"),
    ("DOUMIBOOK_SILENCES", "10", "deliveries a minute that may pass unanswered while a reader waits, 0 to 1000"),
    ("DOUMIBOOK_LOG_TEXT", "no", "yes writes what readers send into the log"),
];

/// The settings that may come as files in `$CREDENTIALS_DIRECTORY` instead, by their names there:
/// the secrets that `serve` needs.
pub const CREDENTIALS: [&str; 5] = ["token", "token_old", "aes_key", "aes_key_old", "douban_key"];

/// Where `serve` and `demo` listen unless they are told otherwise.
pub const DEFAULT_LISTEN: Address =
    Address::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080));

/// The variable of a credential.
pub fn variable(credential: &str) -> String {
    format!("DOUMIBOOK_{}", credential.to_uppercase())
}

/// A setting's name as the log and credentials have it.
pub(super) fn short(name: &str) -> String {
    name.trim_start_matches("DOUMIBOOK_").to_lowercase()
}

/// Whether a value never stands in a message: secrets, and what would fill the line.
pub(super) fn is_hidden(name: &str) -> bool {
    let name = short(name);
    CREDENTIALS.contains(&name.as_str()) || ["app_secret", "welcome"].contains(&name.as_str())
}

/// The ways a push may be protected, by their names.
pub(super) const MODES: [(&str, Mode); 3] =
    [("plain", Mode::Plain), ("compatible", Mode::Compatible), ("secure", Mode::Secure)];

/// The mode with this name; an error is what would be right.
pub fn parse_mode(text: &str) -> Result<Mode, &'static str> {
    let mode = MODES.iter().find(|(name, _)| *name == text);
    mode.map(|(_, mode)| *mode).ok_or("plain, compatible or secure")
}
