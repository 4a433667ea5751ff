//! What we answer, within WeChat's limits.
//!
//! In: text and articles, from us or from outside. Out: a [`Reply`] that WeChat will deliver,
//! and its XML. A reply that is empty, too long or has too many articles does not exist; no
//! text in it can end its element or, once it went through [`plain`], become a link.

use super::push::{AccountId, Occasion, OpenId};
use super::xml::{self, Writer};
use crate::sys::percent;
use crate::sys::text::cut;

/// The body that says "received, no reply". Never encrypted, in any mode.
pub const SUCCESS: &str = "success";

/// Bytes of a text: what bots in production found to be delivered; WeChat documents none.
pub const LONGEST_TEXT: usize = 2048;

/// An answer to one push.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply(Form);

#[derive(Clone, Debug, PartialEq)]
enum Form {
    Success,
    Text(String),
    News(Vec<Article>),
}

/// One card of a news (图文) reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Article {
    /// The headline.
    pub title: String,
    /// Shown when it is the only card; may have several lines.
    pub description: String,
    /// Address of a JPG or PNG, or empty.
    pub picture: String,
    /// Where a tap leads, or empty.
    pub url: String,
}

impl Reply {
    /// No reply.
    pub fn success() -> Self {
        Self(Form::Success)
    }

    /// A text, control characters dropped, cut to 2048 bytes between characters and never
    /// within a link. An empty text would show a failure notice: it is [`Reply::success`].
    pub fn text(text: &str) -> Self {
        let mut content = xml::clean(text).into_owned();
        content.truncate(fitting(&content));
        if content.trim().is_empty() { Self::success() } else { Self(Form::Text(content)) }
    }

    /// The same with a sentence before it; of cards, on the first.
    pub fn led_by(self, sentence: &str) -> Self {
        match self.0 {
            Form::Success => Self(Form::Success),
            Form::Text(text) => Self::text(&format!("{sentence}\n\n{text}")),
            Form::News(mut articles) => {
                if let Some(first) = articles.first_mut() {
                    first.description = format!("{sentence}\n\n{}", first.description);
                }
                Self(Form::News(articles))
            }
        }
    }

    /// Cards, the first one largest: 1 to a message, up to 8 to an event; WeChat drops what is
    /// beyond that, so we do. None at all is [`Reply::success`].
    pub fn news(mut articles: Vec<Article>, answers: Occasion) -> Self {
        articles.truncate(match answers {
            Occasion::Message => 1,
            Occasion::Event => 8,
        });
        if articles.is_empty() { Self::success() } else { Self(Form::News(articles)) }
    }

    /// The clear XML, `now` in seconds since 1970; `None` when the body is to be [`SUCCESS`].
    pub fn to_xml(&self, to: &OpenId, from: &AccountId, now: u64) -> Option<String> {
        let head = |kind| {
            Writer::new()
                .text("ToUserName", to.as_str())
                .text("FromUserName", from.as_str())
                .number("CreateTime", now)
                .text("MsgType", kind)
        };
        match &self.0 {
            Form::Success => None,
            Form::Text(content) => Some(head("text").text("Content", content).finish()),
            Form::News(articles) => Some(
                head("news")
                    .number("ArticleCount", articles.len() as u64)
                    .nest("Articles", |list| articles.iter().fold(list, item))
                    .finish(),
            ),
        }
    }
}

fn item(list: Writer, article: &Article) -> Writer {
    list.nest("item", |card| {
        card.text("Title", &article.title)
            .text("Description", &article.description)
            .text("PicUrl", &article.picture)
            .text("Url", &article.url)
    })
}

/// How many bytes of a text can be sent: the limit, or up to the link that crosses it.
fn fitting(content: &str) -> usize {
    if content.len() <= LONGEST_TEXT {
        return content.len();
    }
    let starts = content.match_indices("<a ").map(|(start, _)| start);
    let crossing = starts.take_while(|&start| start < LONGEST_TEXT).find(|&start| {
        let length = content.get(start..).and_then(|link| link.find("</a>"));
        length.is_some_and(|length| start + length + "</a>".len() > LONGEST_TEXT)
    });
    crossing.unwrap_or(cut(content, LONGEST_TEXT).len())
}

/// A link in a text: a tap on `label` sends `sends` as if the reader had typed it. Needs no
/// permission, so it works for every account.
pub fn link(label: &str, sends: &str) -> String {
    let sends = percent::percent_encode(sends);
    let label = plain(label);
    format!("<a href=\"weixin://bizmsgmenu?msgmenucontent={sends}&msgmenuid=1\">{label}</a>")
}

/// A link in a text: a tap on `label` opens `url`, whatever characters are in that.
pub fn page_link(label: &str, url: &str) -> String {
    let url: String = url
        .chars()
        .map(|c| match c {
            '"' | '<' | '>' => percent::percent_encode(c.encode_utf8(&mut [0; 4])),
            _ => c.to_string(),
        })
        .collect();
    format!("<a href=\"{url}\">{}</a>", plain(label))
}

/// Text from outside, fit to stand in a text reply: no tag or character reference in it reaches
/// the client's link scanner. `Q&A` and `AT&T` stay as they are.
pub fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        safe.push(match c {
            '<' => '＜',
            '&' if is_reference(text.get(at + 1..).unwrap_or_default()) => '＆',
            _ => c,
        });
    }
    safe
}

/// Whether `&` before this text begins something like `&lt;` or `&#60;`.
fn is_reference(after: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '#';
    let rest = after.trim_start_matches(name);
    rest.len() < after.len() && rest.starts_with(';')
}
