//! The environment, value by value: each getter gives a right value, or notes what would be
//! right and gives the default.
//!
//! In: variables as text. Out: typed values, and a sentence for each that is wrong. Pure.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::names::{ALL, is_hidden, parse_mode};
use crate::catalogue::book::Source;
use crate::sys::http::BaseUrl;
use crate::sys::secret::Secret;
use crate::sys::unix::Address;
use crate::wechat::credentials::Mode;
use crate::wechat::envelope::AppId;
use crate::wechat::reply::LONGEST_TEXT;

/// The environment, and what is wrong in it so far.
pub struct Given {
    /// What is set, without blanks around it; never empty.
    pub variables: BTreeMap<String, String>,
    pub wrong: Vec<String>,
}

impl Given {
    /// What of an environment is ours.
    pub fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut given = Self { variables: BTreeMap::new(), wrong: Vec::new() };
        for (name, text) in environment {
            if !name.starts_with("DOUMIBOOK_") {
                continue;
            }
            if !ALL.iter().any(|(known, ..)| *known == name) {
                given.wrong.push(unknown_name(&name));
            } else if !text.trim().is_empty() {
                given.variables.insert(name, text.trim().to_owned());
            }
        }
        given
    }

    /// The sources that something is set for.
    pub fn set_up(&self) -> Vec<Source> {
        let sources = [
            (Source::Shelf, "DOUMIBOOK_SHELF"),
            (Source::Interlib, "DOUMIBOOK_INTERLIB_URL"),
            (Source::Douban, "DOUMIBOOK_DOUBAN_KEY"),
            (Source::Douban, "DOUMIBOOK_DOUBAN_URL"),
            // Needs neither key nor file, so it is there for those who set up nothing.
            (Source::NeoDb, "DOUMIBOOK_NEODB_URL"),
        ];
        let set_up = sources.into_iter().filter(|(_, name)| self.text(name).is_some());
        let mut set_up: Vec<_> = set_up.map(|(source, _)| source).collect();
        set_up.dedup();
        set_up
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The variables as they may be shown.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let shown = |name: &str, text: &str| if is_hidden(name) { "set" } else { text }.to_owned();
        self.variables.iter().map(|(name, text)| (name.clone(), shown(name, text))).collect()
    }

    /// What `read` makes of a variable; its error is what it could read.
    pub fn value<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.variables.get(name)?;
        read(text).map_err(|right| self.wrong.push(told(name, text, right))).ok()
    }

    /// A secret and the one before it, which is accepted beside it.
    pub fn secrets<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Vec<T> {
        let old = format!("{name}_OLD");
        if self.text(name).is_none() && self.text(&old).is_some() {
            self.wrong.push(format!("{old} is set without {name}"));
        }
        self.value(name, &read).into_iter().chain(self.value(&old, &read)).collect()
    }

    pub fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        name: &str,
        default: T,
        range: RangeInclusive<T>,
    ) -> T {
        let right = || format!("a number from {} to {}", range.start(), range.end());
        let read = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        self.value(name, |text| read(text).ok_or_else(right)).unwrap_or(default)
    }

    pub fn yes(&mut self, name: &str) -> bool {
        let read = |text: &str| ["no", "yes"].iter().position(|word| *word == text);
        self.value(name, |text| read(text).ok_or("yes or no")) == Some(1)
    }

    pub fn app_id(&mut self) -> Option<AppId> {
        let name = "DOUMIBOOK_APP_ID";
        if self.has_key() && self.text(name).is_none() {
            self.wrong.push(format!(
                "DOUMIBOOK_AES_KEY is set without {name}; expected the AppID (wx…) that the \
                 console shows beside the key"
            ));
        }
        self.value(name, AppId::parse)
    }

    /// Secure as soon as there is a key, unless the operator says otherwise.
    pub fn mode(&mut self) -> Mode {
        let name = "DOUMIBOOK_MODE";
        let least = if self.has_key() { Mode::Secure } else { Mode::Plain };
        let mode = self.value(name, parse_mode).unwrap_or(least);
        if mode != Mode::Plain && !self.has_key() {
            let text = self.text(name).unwrap_or_default();
            self.wrong.push(format!(
                "{name} is \"{text}\", which needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID"
            ));
        }
        mode
    }

    /// Also when it is a wrong one: what follows from having a key is not wrong as well.
    fn has_key(&self) -> bool {
        self.text("DOUMIBOOK_AES_KEY").is_some()
    }

    /// Real ones are 32 lower-case hexadecimal digits.
    pub fn app_secret(&mut self) -> Option<Secret> {
        self.value("DOUMIBOOK_APP_SECRET", |text| {
            let fits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            let secret = Secret::new(text).filter(|_| fits);
            secret.ok_or("the console's AppSecret, 32 letters and digits")
        })
    }

    pub fn name(&mut self) -> Option<String> {
        let fits = |text: &str| text.chars().count() <= 30 && !text.contains(char::is_control);
        self.value("DOUMIBOOK_NAME", |text| {
            fits(text).then(|| text.to_owned()).ok_or("at most 30 characters on one line")
        })
    }

    pub fn welcome(&mut self) -> Option<String> {
        self.value("DOUMIBOOK_WELCOME", |text| {
            let text = text.replace("\\n", "\n");
            match text.len() {
                _ if text.trim().is_empty() => Err("words, or nothing for the built-in welcome"),
                ..=LONGEST_TEXT => Ok(text),
                _ => Err("at most 2048 bytes, as WeChat delivers; a Chinese character takes 3"),
            }
        })
    }

    pub fn contact(&mut self) -> Option<String> {
        self.value("DOUMIBOOK_CONTACT", |text| {
            // It stands in brackets behind the program's name.
            let fits = |b: u8| b.is_ascii_graphic() && b != b'(' && b != b')';
            let fits = text.len() <= 100 && text.bytes().all(fits);
            fits.then(|| text.to_owned())
                .ok_or("a mail address or a URL: at most 100 visible ASCII characters, no blanks")
        })
    }

    /// Without the variable, the service at `host`.
    pub fn url(&mut self, name: &str, host: &str) -> BaseUrl {
        self.value(name, BaseUrl::parse).unwrap_or_else(|| BaseUrl::https(host))
    }

    pub fn memory(&mut self) -> Option<usize> {
        let read = |text: &str| {
            let (digits, unit) = match text.split_at_checked(text.len().saturating_sub(1))? {
                (digits, "K" | "k") => (digits, 1 << 10),
                (digits, "M" | "m") => (digits, 1 << 20),
                _ => (text, 1),
            };
            let bytes = digits.trim().parse::<usize>().ok()?.checked_mul(unit)?;
            // With less, an answer that came too late is forgotten before it is picked up.
            (64 << 10..=1 << 30).contains(&bytes).then_some(bytes)
        };
        let right = "bytes, 512K or 16M, from 64K to 1024M";
        self.value("DOUMIBOOK_MEMORY", |text| read(text).ok_or(right))
    }

    /// The order in which sources are asked.
    pub fn sources(&mut self, set_up: Vec<Source>) -> Vec<Source> {
        let name = "DOUMIBOOK_SOURCES";
        let read = |text: &str| -> Option<Vec<Source>> {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            let sources: Vec<_> = words.map(Source::named).collect::<Option<_>>()?;
            let once = sources.iter().collect::<HashSet<_>>().len() == sources.len();
            Some(sources).filter(|sources| once && !sources.is_empty())
        };
        let all = Source::ALL.map(Source::name).join(", ");
        let right = format!("some of {all}, each once, with commas");
        let sources = self.value(name, |text| read(text).ok_or(right));
        let needs = [
            (Source::Shelf, "DOUMIBOOK_SHELF", "the path of a file of books"),
            (Source::Interlib, "DOUMIBOOK_INTERLIB_URL", "the address of the library's catalogue"),
        ];
        for (source, needed, what) in needs {
            let named = sources.as_ref().is_some_and(|sources| sources.contains(&source));
            if named && !set_up.contains(&source) {
                let source = source.name();
                self.wrong.push(format!(
                    "{name} names {source}, but {needed} is not set; expected {what} there"
                ));
            }
        }
        sources.unwrap_or(set_up)
    }
}

/// What is said of a wrong value. What stands in a secret, or may be a password or a key in an
/// address, is not repeated.
fn told(name: &str, text: &str, right: impl Display) -> String {
    if is_hidden(name) {
        let count = text.chars().count();
        let plain = name.contains("_TOKEN") || name.contains("_AES_KEY");
        let odd = plain && !text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let odd = if odd { ", not all of them letters or digits" } else { "" };
        return format!("{name} has {count} characters{odd}; expected {right}");
    }
    if name.ends_with("_URL") && text.contains(['@', '?', '#']) {
        return format!("{name} is not shown here; expected {right}");
    }
    format!("{name} is \"{text}\"; expected {right}")
}

/// `ADDR:PORT` or `unix:PATH`; an error is what would be right.
pub fn parse_address(text: &str) -> Result<Address, &'static str> {
    let right = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or \
                 unix:/run/doumibook/http.sock";
    match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') && path.len() < 100 => Ok(Address::Unix(path.into())),
        Some(_) => Err(right),
        None => text.parse().map(Address::Tcp).map_err(|_| right),
    }
}

pub fn unknown_name(name: &str) -> String {
    let known = ALL.iter().map(|(known, ..)| *known);
    let nearest = known.min_by_key(|known| distance(known, name)).unwrap_or_default();
    format!("{name} is no setting of doumibook; did you mean {nearest}?")
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let above = row.iter().zip(row.iter().skip(1)).zip(b.chars());
        let costs = above.map(|((diagonal, above), y)| {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            left
        });
        row = [i + 1].into_iter().chain(costs).collect();
    }
    row.last().copied().unwrap_or_default()
}
