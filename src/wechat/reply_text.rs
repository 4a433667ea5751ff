//! The text of a reply, of which nothing from outside is markup.
//!
//! In: what is written in this program, as it is; what comes from a reader, a source or a file,
//! through [`outside`]. Out: a [`ReplyText`], which alone a reply is made of. There is no other way
//! from a `String` to one, so that whoever forgets to say where a text comes from has no program:
//!
//! ```compile_fail
//! # use doumibook::wechat::reply::Reply;
//! let typed = String::from("<a href=\"https://evil.example\">");
//! Reply::text(typed.as_str());
//! ```
//!
//! ```
//! # use doumibook::wechat::reply::Reply;
//! # use doumibook::wechat::reply_text::outside;
//! let typed = String::from("<a href=\"https://evil.example\">");
//! Reply::text(outside(typed.as_str()));
//! ```

use crate::sys::percent;
use crate::sys::text::cut;
use crate::sys::visible::{is_address, visible};

/// Text that may stand in a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplyText(String);

/// What is written in this program.
impl From<&'static str> for ReplyText {
    fn from(ours: &'static str) -> Self {
        Self(ours.to_owned())
    }
}

impl From<usize> for ReplyText {
    fn from(number: usize) -> Self {
        Self(number.to_string())
    }
}

/// Text from outside: nothing in it is hidden, a tag, a character reference (`Q&A` and `AT&T` stay
/// as they are), or an address that a client would make a link of.
pub fn outside(text: &str) -> ReplyText {
    let text = visible(text).replace("://", ": //");
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        safe.push(match c {
            '<' | '﹤' => '＜',
            '&' if is_reference(text.get(at + 1..).unwrap_or_default()) => '＆',
            _ => c,
        });
    }
    ReplyText(safe)
}

/// Whether `&` before this text begins something like `&lt;` or `&#60;`; these two are read without
/// their `;` as well, which a question loses.
fn is_reference(after: &str) -> bool {
    if after.starts_with(['#', '＃'])
        || ["lt", "LT", "gt", "GT"].iter().any(|n| after.starts_with(n))
    {
        return true;
    }
    // The longest name has 31 letters; no more is looked at, however many `&` there are.
    let after = cut(after, 40);
    let name = |c: char| c.is_ascii_alphanumeric() || c == '#';
    let rest = after.trim_start_matches(name);
    rest.len() < after.len() && rest.starts_with(';')
}

/// A sentence with its parts: each `{}` of the template stands for the next of them.
pub fn fill(template: &'static str, parts: &[&ReplyText]) -> ReplyText {
    let mut filled = String::new();
    let mut parts = parts.iter();
    for (nth, piece) in template.split("{}").enumerate() {
        if nth > 0 {
            filled.push_str(parts.next().map_or("", |part| part.as_str()));
        }
        filled.push_str(piece);
    }
    ReplyText(filled)
}

/// A link in a text: a tap on `label` sends `sends` as if the reader had typed it. Needs no
/// permission, so it works for every account.
pub fn link(label: impl Into<ReplyText>, sends: &str) -> ReplyText {
    let (sends, label) = (percent::percent_encode(sends), label.into().0);
    ReplyText(format!(
        "<a href=\"weixin://bizmsgmenu?msgmenucontent={sends}&msgmenuid=1\">{label}</a>"
    ))
}

/// A link in a text: a tap on `label` opens `url`, whatever characters are in that; none where it is
/// no address that may be shown.
pub fn page_link(label: &'static str, url: &str) -> Option<ReplyText> {
    let url: String = url
        .chars()
        .map(|c| match c {
            '"' | '<' | '>' => percent::percent_encode(c.encode_utf8(&mut [0; 4])),
            _ => c.to_string(),
        })
        .collect();
    is_address(&url).then(|| ReplyText(format!("<a href=\"{url}\">{label}</a>")))
}

impl ReplyText {
    /// What the operator has set, who may put a link into it.
    pub fn operators(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Adds more behind.
    pub fn push(&mut self, more: impl Into<Self>) {
        self.0.push_str(&more.into().0);
    }

    /// All of them, with this between each two.
    pub fn join(parts: &[Self], between: &'static str) -> Self {
        let parts: Vec<_> = parts.iter().map(Self::as_str).collect();
        Self(parts.join(between))
    }

    /// Without blanks at its end.
    pub fn trim_end(mut self) -> Self {
        self.0.truncate(self.0.trim_end().len());
        self
    }

    /// At most so many bytes, and no part of a character.
    pub fn cut(mut self, bytes: usize) -> Self {
        self.0.truncate(cut(&self.0, bytes).len());
        self
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
