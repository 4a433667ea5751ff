//! What WeChat pushes, typed.
//!
//! In: a clear XML body, verified or opened before. Out: a [`Push`] whose sender, receiver and
//! type are there and well formed, or the reason why it is none. Every type and event that a book
//! server acts upon is a variant; all others are [`Kind::Other`] and [`Event::Silent`], which
//! never is an error: WeChat adds new ones without notice.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::xml::Fields;
use crate::sys::text;

/// One message or event.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Our account.
    pub to: AccountId,
    /// The reader.
    pub from: OpenId,
    /// WeChat's clock, seconds since 1970; 0 where it does not say.
    pub created: u64,
    /// Equal for redeliveries of the same push, and for nothing else.
    pub id: Identity,
    /// What it is about.
    pub kind: Kind,
}

/// What a push is about, as far as an answer depends on it. Texts are as sent, blanks around
/// them included.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Kind {
    /// Typed, pasted, or sent by a tap on a link of ours. May be empty: that is really sent.
    Text(String),
    /// A sticker or the like, for which WeChat sends a placeholder text.
    Unsupported,
    /// A picture, with the address that WeChat keeps it at.
    Image(String),
    /// Speech, with what WeChat understood of it; these days mostly nothing.
    Voice(Option<String>),
    /// A video, long or short.
    Video,
    /// A place on the map.
    Location,
    /// A shared page.
    Link {
        /// Its title.
        title: String,
        /// Its summary.
        description: String,
        /// Its address.
        url: String,
    },
    /// A file.
    File,
    /// A shared mini program page.
    MiniProgram,
    /// Something the reader did.
    Event(Event),
    /// A type we do not know, by its name in lower case.
    Other(String),
}

/// Something the reader did other than writing.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Event {
    /// A new follower, whatever QR code brought them.
    Subscribe,
    /// A follower left, and with them what we hold of them must go.
    Unsubscribe,
    /// A follower scanned one of our own QR codes, which carried this.
    Scan(String),
    /// A menu button of type click, by its key.
    Click(String),
    /// A menu button that scans, whether the client shows that it waits or not: what stood behind
    /// the bars, without the name of their kind, or the text of a QR code, often an address.
    ScanCode(String),
    /// This reader, who may differ from the sender, changed, withdrew or deleted what WeChat
    /// told us: what we hold must go.
    DataDeletion(OpenId),
    /// All events that nobody waits for an answer to, known (VIEW, LOCATION, jobs done …) or
    /// not, by their name in lower case. What the buttons for pictures and places bring follows
    /// as messages of their own.
    Silent(String),
}

/// What a reply answers: WeChat delivers 1 article to a message, up to 8 to an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The reader sent something.
    Message,
    /// The reader did something.
    Event,
}

/// A reader, as this one account knows them. `Display` is the short form for logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OpenId(Box<str>);

/// Our account's original id, `gh_` and 12 hexadecimal digits in practice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccountId(Box<str>);

/// Names one push among all: sender and MsgId, or what stands for it in events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(Arc<str>);

impl OpenId {
    /// 1 to 128 bytes of printable characters; real ones have 28 of `[A-Za-z0-9_-]`, but in the
    /// console's debugging tool people type what they like.
    pub fn parse(text: &str) -> Option<Self> {
        is_id(text, 128).then(|| Self(text.into()))
    }

    /// The whole id, for replies and as a key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OpenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One word of a line, whatever somebody calls themselves.
        let plain = |c: char| if c.is_alphanumeric() || c.is_ascii_punctuation() { c } else { '?' };
        let whole: String = self.0.chars().map(plain).collect();
        f.write_str(&text::shorten(&whole, 8))
    }
}

impl AccountId {
    /// As [`OpenId::parse`], up to 64 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        is_id(text, 64).then(|| Self(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_id(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && !text.contains(char::is_control)
}

impl Push {
    /// Reads a clear body.
    ///
    /// # Errors
    /// Says what is wrong with anything but `<xml>` with sender, receiver and type. A body cut short
    /// is an error wherever it was cut. A time that is none is the beginning of time, and an event
    /// without a name is one that nobody waits for an answer to.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let fields = Fields::read(body)?;
        let to = required(&fields, "ToUserName", AccountId::parse)?;
        let from = required(&fields, "FromUserName", OpenId::parse)?;
        let created = fields.word("CreateTime").parse().unwrap_or(0);
        let kind = match required(&fields, "MsgType", name_of)? {
            name if name == "event" => {
                let name = name_of(fields.word("Event")).unwrap_or_default();
                Kind::Event(Event::read(name, &fields, &from))
            }
            name => Kind::read(name, &fields),
        };
        let id = Identity::new(&from, created, fields.word("MsgId"), &kind);
        Ok(Self { to, from, created, id, kind })
    }

    /// The kind in one word, for logs and counters.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Text(_) => "text",
            Kind::Unsupported => "unsupported",
            Kind::Image(_) => "image",
            Kind::Voice(_) => "voice",
            Kind::Video => "video",
            Kind::Location => "location",
            Kind::Link { .. } => "link",
            Kind::File => "file",
            Kind::MiniProgram => "miniprogram",
            Kind::Other(_) => "other",
            Kind::Event(event) => match event {
                Event::Subscribe => "subscribe",
                Event::Unsubscribe => "unsubscribe",
                Event::Scan(_) => "scan",
                Event::Click(_) => "click",
                Event::ScanCode(_) => "scancode",
                Event::DataDeletion(_) => "data_deletion",
                Event::Silent(_) => "silent",
            },
        }
    }

    /// What a reply to it answers.
    pub fn occasion(&self) -> Occasion {
        if let Kind::Event(_) = self.kind { Occasion::Event } else { Occasion::Message }
    }
}

fn required<T>(
    fields: &Fields,
    name: &str,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<T, String> {
    read(fields.word(name)).ok_or_else(|| format!("<{name}> is missing or malformed"))
}

/// A type or event in lower case (both `scan` and `SCAN` are sent), fit for a log line. Whatever
/// WeChat may think of is one, but not nothing.
fn name_of(text: &str) -> Option<String> {
    let fits = |c: &char| c.is_ascii_alphanumeric() || "_-".contains(*c);
    let name: String = text.chars().filter(fits).take(64).collect();
    (!text.is_empty()).then(|| name.to_ascii_lowercase())
}

impl Kind {
    fn read(name: String, fields: &Fields) -> Self {
        let text = |name| fields.get(name).unwrap_or_default().to_owned();
        match name.as_str() {
            "text" => match text("Content") {
                content if PLACEHOLDERS.contains(&content.trim()) => Self::Unsupported,
                content => Self::Text(content),
            },
            "image" => Self::Image(fields.word("PicUrl").to_owned()),
            "voice" => Self::Voice(filled(fields.word("Recognition"))),
            "video" | "shortvideo" => Self::Video,
            "location" => Self::Location,
            "link" => Self::Link {
                title: text("Title"),
                description: text("Description"),
                url: fields.word("Url").to_owned(),
            },
            "file" => Self::File,
            "miniprogrampage" => Self::MiniProgram,
            _ => Self::Other(name),
        }
    }
}

impl Event {
    fn read(name: String, fields: &Fields, from: &OpenId) -> Self {
        let key = fields.word("EventKey");
        match name.as_str() {
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "scan" => Self::Scan(key.to_owned()),
            "click" => Self::Click(key.to_owned()),
            "scancode_push" | "scancode_waitmsg" => Self::ScanCode(scanned(fields)),
            "user_info_modified"
            | "user_authorization_revoke"
            | "user_authorization_cancellation" => {
                let named = OpenId::parse(fields.word("OpenID"));
                Self::DataDeletion(named.unwrap_or_else(|| from.clone()))
            }
            _ => Self::Silent(name),
        }
    }
}

/// The texts that stand for something the reader sent and WeChat does not pass on.
const PLACEHOLDERS: [&str; 4] = [
    "【收到不支持的消息类型，暂无法显示】",
    "【收到不支援的訊息類型，無法顯示】",
    "[Unsupported Message]",
    "[Unsupported message]",
];

fn filled(word: &str) -> Option<String> {
    (!word.is_empty()).then(|| word.to_owned())
}

/// A barcode comes as `EAN_13,9787302378396`: the symbology, a comma, what was read.
fn scanned(fields: &Fields) -> String {
    let result = fields.word("ScanCodeInfo/ScanResult");
    let is_barcode = fields.word("ScanCodeInfo/ScanType").eq_ignore_ascii_case("barcode");
    let read = result.split_once(',').filter(|_| is_barcode).map_or(result, |(_, read)| read);
    read.to_owned()
}

impl Identity {
    /// MsgId alone has been the same for different senders. Events have none: two of one reader
    /// within a second are the same when they say the same, and then get the same answer.
    fn new(from: &OpenId, created: u64, number: &str, kind: &Kind) -> Self {
        let reader = from.as_str();
        let is_number =
            (1..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
        if is_number && !matches!(kind, Kind::Event(_)) {
            return Self(format!("{reader}|{number}").into());
        }
        let mut hasher = DefaultHasher::new();
        kind.hash(&mut hasher);
        Self(format!("{reader}|{created}|{:x}", hasher.finish()).into())
    }
}
