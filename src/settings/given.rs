//! The environment, value by value: each getter gives a right value or says what would be.
//!
//! In: variables and credentials as text. Out: typed values, or [`Wrong`]. Pure.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::{ALL, Wrong, parse_mode};
use crate::account::Mode;
use crate::book::Source;
use crate::http::BaseUrl;
use crate::secret::Secret;
use crate::unix::Address;
use crate::wechat::envelope::AppId;
use crate::wechat::reply::LONGEST_TEXT;

/// The environment, with the credentials beside it.
pub struct Given<'a> {
    pub variables: BTreeMap<String, String>,
    pub credential: &'a dyn Fn(&str) -> Option<String>,
}

impl Given<'_> {
    /// The value of a variable; an empty one counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// What `read` makes of a variable; `right` says what it can read.
    fn value<T>(
        &self,
        name: &str,
        right: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Wrong> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let wrong = || Wrong(format!("{name} is \"{text}\"; expected {right}"));
        read(text).ok_or_else(wrong).map(Some)
    }

    /// A secret, from its variable or from the credential of the same name. An error tells how
    /// long it is, never what it is.
    pub fn secret<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Wrong> {
        let file = || (self.credential)(&name.trim_start_matches("DOUMIBOOK_").to_lowercase());
        let Some(text) = self.text(name).map(str::to_owned).or_else(file) else { return Ok(None) };
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let length = text.chars().count();
        let wrong = |right| Wrong(format!("{name} has {length} characters; expected {right}"));
        parse(text).map(Some).map_err(wrong)
    }

    /// A secret and the one before it, which is accepted beside it.
    pub fn secrets<T, E: Display>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, Wrong> {
        let current = self.secret(name, &parse)?;
        let old = self.secret(&format!("{name}_OLD"), &parse)?;
        if current.is_none() && old.is_some() {
            return Err(Wrong(format!("{name}_OLD is set without {name}")));
        }
        Ok(current.into_iter().chain(old).collect())
    }

    pub fn number<T: FromStr + PartialOrd + Display>(
        &self,
        name: &str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, Wrong> {
        let right = format!("a number from {} to {}", range.start(), range.end());
        let read = |text: &str| text.parse().ok().filter(|number| range.contains(number));
        Ok(self.value(name, &right, read)?.unwrap_or(default))
    }

    pub fn yes(&self, name: &str) -> Result<bool, Wrong> {
        let read = |text: &str| ["no", "yes"].iter().position(|word| *word == text);
        Ok(self.value(name, "yes or no", read)? == Some(1))
    }

    pub fn app_id(&self, has_key: bool) -> Result<Option<AppId>, Wrong> {
        let name = "DOUMIBOOK_APP_ID";
        match self.text(name).map(AppId::parse) {
            None if has_key => Err(Wrong(format!(
                "DOUMIBOOK_AES_KEY is set without {name}; expected the AppID (wx…) that the \
                 console shows beside the key"
            ))),
            Some(Err(bad)) => self.value(name, bad, |_| None),
            parsed => Ok(parsed.and_then(Result::ok)),
        }
    }

    /// Secure as soon as there is a key, unless the operator says otherwise.
    pub fn mode(&self, has_key: bool) -> Result<Mode, Wrong> {
        let name = "DOUMIBOOK_MODE";
        match self.value(name, "plain, compatible or secure", parse_mode)? {
            None => Ok(if has_key { Mode::Secure } else { Mode::Plain }),
            Some(mode) if mode == Mode::Plain || has_key => Ok(mode),
            Some(_) => Err(Wrong(format!(
                "{name} is \"{}\", which needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID",
                self.text(name).unwrap_or_default()
            ))),
        }
    }

    /// Real ones are 32 lower-case hexadecimal digits.
    pub fn app_secret(&self) -> Result<Option<Secret>, Wrong> {
        self.secret("DOUMIBOOK_APP_SECRET", |text| {
            let fits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
            let secret = Secret::new(text).filter(|_| fits);
            secret.ok_or("the console's AppSecret, 32 letters and digits")
        })
    }

    pub fn listen(&self) -> Result<Address, Wrong> {
        let listen = self.value("DOUMIBOOK_LISTEN", ADDRESS, |text| parse_address(text).ok())?;
        Ok(listen.unwrap_or(Address::Tcp(([127, 0, 0, 1], 8080).into())))
    }

    pub fn name(&self) -> Result<String, Wrong> {
        let fits = |text: &&str| text.chars().count() <= 30 && !text.contains(char::is_control);
        let read = |text: &str| Some(text).filter(fits).map(str::to_owned);
        let name = self.value("DOUMIBOOK_NAME", "at most 30 characters on one line", read)?;
        Ok(name.unwrap_or("豆米查书".into()))
    }

    pub fn welcome(&self) -> Result<Option<String>, Wrong> {
        let Some(text) = self.text("DOUMIBOOK_WELCOME") else { return Ok(None) };
        let text = text.replace("\\n", "\n");
        if text.len() > LONGEST_TEXT {
            return Err(Wrong(format!(
                "DOUMIBOOK_WELCOME has {} bytes; expected at most {LONGEST_TEXT}, which is what \
                 WeChat delivers (a Chinese character takes 3)",
                text.len()
            )));
        }
        Ok(Some(text))
    }

    pub fn contact(&self) -> Result<Option<String>, Wrong> {
        let right = "a mail address or a URL: at most 100 visible ASCII characters, no blanks";
        self.value("DOUMIBOOK_CONTACT", right, |text| {
            // It stands in brackets behind the program's name.
            let fits = |b: u8| b.is_ascii_graphic() && b != b'(' && b != b')';
            (text.len() <= 100 && text.bytes().all(fits)).then(|| text.to_owned())
        })
    }

    pub fn url(&self, name: &str, default: &str) -> Result<BaseUrl, Wrong> {
        let text = self.text(name).unwrap_or(default);
        BaseUrl::parse(text).map_err(|bad| match text.contains(['@', '?', '#']) {
            // What stands there may be a password or a key.
            true => Wrong(format!("{name} is not shown here; {bad}")),
            false => Wrong(format!("{name} is \"{text}\"; {bad}")),
        })
    }

    pub fn memory(&self) -> Result<usize, Wrong> {
        let bytes =
            self.value("DOUMIBOOK_MEMORY", "bytes, 512K or 16M, at most 1024M", |text| {
                let (digits, unit) = match text.split_at_checked(text.len().saturating_sub(1))? {
                    (digits, "K" | "k") => (digits, 1 << 10),
                    (digits, "M" | "m") => (digits, 1 << 20),
                    _ => (text, 1),
                };
                let bytes = digits.trim().parse::<usize>().ok()?.checked_mul(unit)?;
                (bytes <= 1 << 30).then_some(bytes)
            })?;
        Ok(bytes.unwrap_or(4 << 20))
    }

    /// The order in which sources are asked.
    pub fn sources(&self, set_up: Vec<Source>) -> Result<Vec<Source>, Wrong> {
        let name = "DOUMIBOOK_SOURCES";
        let named = |word: &str| {
            [Source::Shelf, Source::Douban, Source::NeoDb].into_iter().find(|s| s.name() == word)
        };
        let read = |text: &str| -> Option<Vec<Source>> {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            words.map(named).collect::<Option<_>>().filter(|named: &Vec<_>| !named.is_empty())
        };
        let right = "some of shelf, douban, neodb, with commas";
        let Some(sources) = self.value(name, right, read)? else { return Ok(set_up) };
        if sources.contains(&Source::Shelf) && !set_up.contains(&Source::Shelf) {
            return Err(Wrong(format!(
                "{name} names shelf, but DOUMIBOOK_SHELF is not set; expected the path of a file \
                 of books there"
            )));
        }
        let once = sources.iter().collect::<HashSet<_>>().len() == sources.len();
        let sources = self.value(name, "each source at most once", |_| once.then_some(sources))?;
        Ok(sources.unwrap_or_default())
    }
}

/// What [`parse_address`] reads.
const ADDRESS: &str = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or \
                       unix:/run/doumibook/http.sock";

/// `ADDR:PORT` or `unix:PATH`; an error is what would be right.
pub fn parse_address(text: &str) -> Result<Address, &'static str> {
    match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') && path.len() < 100 => Ok(Address::Unix(path.into())),
        Some(_) => Err(ADDRESS),
        None => text.parse().map(Address::Tcp).map_err(|_| ADDRESS),
    }
}

pub fn is_known(name: &str) -> bool {
    ALL.iter().any(|(known, ..)| *known == name)
}

pub fn unknown_name(name: &str) -> Wrong {
    let known = ALL.iter().map(|(known, ..)| *known);
    let nearest = known.min_by_key(|known| distance(known, name)).unwrap_or_default();
    Wrong(format!("{name} is no setting of doumibook; did you mean {nearest}?"))
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
