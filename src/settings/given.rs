//! The environment, value by value: each getter gives a right value or says what would be.
//!
//! In: variables and credentials as text. Out: typed values, or [`Wrong`]. Pure.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::{ALL, Wrong};
use crate::book::Source;
use crate::http::BaseUrl;
use crate::secret::Secret;
use crate::unix::Address;
use crate::wechat::reply::LONGEST_TEXT;

/// The environment, with the credentials beside it.
pub struct Given<'a> {
    pub variables: BTreeMap<String, String>,
    pub credential: &'a dyn Fn(&str) -> Option<String>,
}

/// Which sources can be asked at all.
pub struct SetUp {
    pub shelf: bool,
    pub douban: bool,
    pub neodb: bool,
}

impl Given<'_> {
    /// The value of a variable; an empty one counts as not set.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// A secret, from its variable or from its credential.
    pub fn secret(&self, name: &str, credential: &str) -> Option<String> {
        let file = || (self.credential)(credential).map(|text| text.trim().to_owned());
        self.text(name).map(str::to_owned).or_else(file).filter(|text| !text.is_empty())
    }

    pub fn number(
        &self,
        name: &str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, Wrong> {
        let Some(text) = self.text(name) else { return Ok(default) };
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let right = format!("a number from {} to {}", range.start(), range.end());
                Err(wrong(name, text, &right))
            }
        }
    }

    pub fn yes(&self, name: &str) -> Result<bool, Wrong> {
        match self.text(name) {
            None | Some("no") => Ok(false),
            Some("yes") => Ok(true),
            Some(other) => Err(wrong(name, other, "yes or no")),
        }
    }

    /// Real ones are 32 lower-case hexadecimal digits.
    pub fn app_secret(&self) -> Result<Option<Secret>, Wrong> {
        let name = "DOUMIBOOK_APP_SECRET";
        let Some(text) = self.secret(name, "app_secret") else { return Ok(None) };
        let fits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(secret_wrong(
                name,
                &text,
                "the console's AppSecret, 32 letters and digits",
            ));
        }
        Ok(Secret::new(&text))
    }

    pub fn listen(&self) -> Result<Address, Wrong> {
        let name = "DOUMIBOOK_LISTEN";
        parse_address(self.text(name).unwrap_or("127.0.0.1:8080"))
            .map_err(|(found, right)| wrong(name, &found, right))
    }

    pub fn name(&self) -> Result<String, Wrong> {
        let name = self.text("DOUMIBOOK_NAME").unwrap_or("豆米查书");
        if name.chars().count() > 30 || name.contains(char::is_control) {
            return Err(wrong("DOUMIBOOK_NAME", name, "at most 30 characters on one line"));
        }
        Ok(name.to_owned())
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
        let Some(text) = self.text("DOUMIBOOK_CONTACT") else { return Ok(None) };
        let fits = text.len() <= 100
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'(' && b != b')');
        if fits {
            return Ok(Some(text.to_owned()));
        }
        let right = "a mail address or a URL: at most 100 visible ASCII characters, no blanks";
        Err(wrong("DOUMIBOOK_CONTACT", text, right))
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
        let name = "DOUMIBOOK_MEMORY";
        let Some(text) = self.text(name) else { return Ok(4 << 20) };
        let (digits, unit) = match text.strip_suffix(['K', 'k']) {
            Some(digits) => (digits, 1 << 10),
            None => text.strip_suffix(['M', 'm']).map_or((text, 1), |digits| (digits, 1 << 20)),
        };
        let bytes = digits.trim().parse::<usize>().ok().and_then(|n| n.checked_mul(unit));
        bytes
            .filter(|bytes| *bytes <= 1 << 30)
            .ok_or_else(|| wrong(name, text, "bytes, 512K or 16M, at most 1024M"))
    }

    /// The order in which sources are asked. NeoDB, which needs neither key nor file, is there
    /// for those who set up nothing.
    pub fn sources(&self, set_up: SetUp) -> Result<Vec<Source>, Wrong> {
        let name = "DOUMIBOOK_SOURCES";
        let Some(text) = self.text(name) else {
            let found = [
                (Source::Shelf, set_up.shelf),
                (Source::Douban, set_up.douban),
                (Source::NeoDb, set_up.neodb),
            ];
            return Ok(found.into_iter().filter(|(_, on)| *on).map(|(s, _)| s).collect());
        };
        let mut sources = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let source = match word {
                "shelf" if !set_up.shelf => {
                    return Err(Wrong(format!(
                        "{name} names shelf, but DOUMIBOOK_SHELF is not set; expected the path of \
                         a file of books there"
                    )));
                }
                "shelf" => Source::Shelf,
                "douban" => Source::Douban,
                "neodb" => Source::NeoDb,
                _ => return Err(wrong(name, text, "some of shelf, douban, neodb, with commas")),
            };
            if sources.contains(&source) {
                return Err(wrong(name, text, "each source at most once"));
            }
            sources.push(source);
        }
        if sources.is_empty() {
            return Err(wrong(name, text, "some of shelf, douban, neodb, with commas"));
        }
        Ok(sources)
    }
}

/// `ADDR:PORT` or `unix:PATH`; an error gives what was found and what would be right.
pub fn parse_address(text: &str) -> Result<Address, (String, &'static str)> {
    let right = "an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or unix:/run/doumibook/http.sock";
    let address = match text.strip_prefix("unix:") {
        Some(path) if path.starts_with('/') && path.len() < 100 => Some(Address::Unix(path.into())),
        Some(_) => None,
        None => text.parse().ok().map(Address::Tcp),
    };
    address.ok_or((text.to_owned(), right))
}

pub fn wrong(name: &str, found: &str, right: &str) -> Wrong {
    Wrong(format!("{name} is \"{found}\"; expected {right}"))
}

/// Tells how long a secret is, never what it is.
pub fn secret_wrong(name: &str, found: &str, right: impl fmt::Display) -> Wrong {
    Wrong(format!("{name} has {} characters; expected {right}", found.chars().count()))
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
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.iter().zip(row.iter_mut().skip(1)) {
            let change = diagonal + usize::from(x != *y);
            diagonal = *above;
            left = change.min(left + 1).min(diagonal + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
