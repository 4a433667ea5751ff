//! What we answer, within WeChat's limits.
//!
//! In: [`ReplyText`] and articles. Out: a [`Reply`] that WeChat will deliver, and its XML. A reply
//! that is empty, too long or has too many articles does not exist; no text in it can end its
//! element, and no address in it hides anything.

use super::push::{AccountId, Occasion, OpenId};
use super::reply_text::{ReplyText, fill};
use super::xml::{self, Writer};
use crate::sys::text::cut;
use crate::sys::visible::is_address;

/// The body that says "received, no reply". Never encrypted, in any mode.
pub const SUCCESS: &str = "success";

/// Bytes of a text: what bots in production found to be delivered; WeChat documents none.
pub const LONGEST_TEXT: usize = 2048;

/// Bytes of a card's headline: the console takes 64 characters.
const LONGEST_TITLE: usize = 256;

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
    pub title: ReplyText,
    /// Shown when it is the only card; may have several lines.
    pub description: ReplyText,
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
    pub fn text(text: impl Into<ReplyText>) -> Self {
        let mut content = xml::clean(text.into().as_str()).into_owned();
        content.truncate(fitting(&content));
        if content.trim().is_empty() { Self::success() } else { Self(Form::Text(content)) }
    }

    /// The same with a sentence before it; of cards, on the first.
    pub fn led_by(self, sentence: &ReplyText) -> Self {
        match self.0 {
            Form::Success => Self(Form::Success),
            // It was made of text fit for a reply.
            Form::Text(text) => {
                Self::text(fill("{}\n\n{}", &[sentence, &ReplyText::operators(&text)]))
            }
            Form::News(mut articles) => {
                if let Some(first) = articles.first_mut() {
                    let whole = fill("{}\n\n{}", &[sentence, &first.description]);
                    first.description = whole.cut(LONGEST_TEXT);
                }
                Self(Form::News(articles))
            }
        }
    }

    /// Cards, the first one largest: 1 to a message, up to 8 to an event; WeChat drops what is
    /// beyond that, so we do. None at all is [`Reply::success`]. What is no address is left out of
    /// a card, and its texts are as long as those of a text at most.
    pub fn news(mut articles: Vec<Article>, answers: Occasion) -> Self {
        articles.truncate(match answers {
            Occasion::Message => 1,
            Occasion::Event => 8,
        });
        for article in &mut articles {
            let Article { title, description, picture, url } = article;
            (*title, *description) = (
                std::mem::take(title).cut(LONGEST_TITLE),
                std::mem::take(description).cut(LONGEST_TEXT),
            );
            [picture, url].into_iter().filter(|url| !is_address(url)).for_each(String::clear);
        }
        if articles.is_empty() { Self::success() } else { Self(Form::News(articles)) }
    }

    /// The clear XML, `now` in seconds since 1970; `None` when the body is to be [`SUCCESS`].
    pub fn to_xml(&self, to: &OpenId, from: &AccountId, now: u64) -> Option<String> {
        let head = |kind| {
            Writer::new()
                .id("ToUserName", to.as_str())
                .id("FromUserName", from.as_str())
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
        card.text("Title", article.title.as_str())
            .text("Description", article.description.as_str())
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
