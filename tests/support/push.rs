//! WeChat's side: signed targets, the XML of pushes, and what a reply says.
//!
//! Written anew from the protocol, not with the library's own code, so that a mistake there is
//! not made here as well.

// Each test file that includes this one uses a part of it.
#![allow(dead_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use sha1_smol::Sha1;

/// The account that pushes are sent to.
pub const ACCOUNT: &str = "gh_0123456789ab";
/// The reader whom pushes come from unless a test names another.
pub const READER: &str = "oAbCdEf0123456789_-abcdefghij";

/// Lower hex SHA-1 over the sorted parts.
pub fn sign(parts: &[&str]) -> String {
    let mut parts = parts.to_vec();
    parts.sort_unstable();
    Sha1::from(parts.concat()).digest().to_string()
}

/// The target of a push that is signed with `token`.
pub fn target(token: &str) -> String {
    let (timestamp, nonce) = ("1714037059", "486452656");
    let signature = sign(&[token, timestamp, nonce]);
    format!("/weixin?signature={signature}&timestamp={timestamp}&nonce={nonce}&openid={READER}")
}

/// A push in the making. Each one has a MsgId and a CreateTime that no other one has; send
/// [`Push::xml`] again for a further delivery of the same push.
#[derive(Clone)]
pub struct Push {
    from: String,
    number: u64,
    created: u64,
    msg_type: String,
    fields: String,
}

impl Push {
    /// Of this MsgType, without fields of its own.
    pub fn new(msg_type: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        Self {
            from: READER.to_owned(),
            number,
            created: 1_700_000_000 + number,
            msg_type: msg_type.to_owned(),
            fields: String::new(),
        }
    }

    /// A message with this Content.
    pub fn text(content: &str) -> Self {
        Self::new("text").with("Content", content)
    }

    /// An event of this name.
    pub fn event(name: &str) -> Self {
        Self::new("event").with("Event", name)
    }

    /// A barcode read by a menu button.
    pub fn scan(digits: &str) -> Self {
        Self::code("barcode", &format!("EAN_13,{digits}"))
    }

    /// Any code read by a menu button.
    pub fn code(scan_type: &str, result: &str) -> Self {
        let info = format!(
            "<ScanCodeInfo><ScanType><![CDATA[{scan_type}]]></ScanType>\
             <ScanResult><![CDATA[{result}]]></ScanResult></ScanCodeInfo>"
        );
        Self::event("scancode_waitmsg").with("EventKey", "SCAN_BOOK").raw(&info)
    }

    /// Adds a field; WeChat puts texts in CDATA.
    pub fn with(self, name: &str, text: &str) -> Self {
        self.raw(&format!("<{name}><![CDATA[{text}]]></{name}>"))
    }

    /// Adds XML as it is.
    pub fn raw(mut self, xml: &str) -> Self {
        self.fields.push_str(xml);
        self
    }

    /// From this reader.
    pub fn from(mut self, reader: &str) -> Self {
        self.from = reader.to_owned();
        self
    }

    /// Sent at this moment, in seconds since 1970.
    pub fn created(mut self, seconds: u64) -> Self {
        self.created = seconds;
        self
    }

    /// The body as WeChat writes it.
    pub fn xml(&self) -> String {
        let Self { from, number, created, msg_type, fields } = self;
        let id = match msg_type.as_str() {
            "event" => String::new(),
            _ => format!("<MsgId>{}</MsgId>", 24_300_000_000_000_000 + number),
        };
        format!(
            "<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>\
             <FromUserName><![CDATA[{from}]]></FromUserName><CreateTime>{created}</CreateTime>\
             <MsgType><![CDATA[{msg_type}]]></MsgType>{fields}{id}</xml>"
        )
    }
}

/// The text of an element of a reply, whatever it is nested in; empty when it is not there.
pub fn field<'a>(reply: &'a str, name: &str) -> &'a str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let inside = reply.split_once(&open).and_then(|(_, rest)| rest.split_once(&close));
    let text = inside.map_or("", |(text, _)| text);
    text.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>")).unwrap_or(text)
}

/// What a text reply to [`READER`] is, byte for byte, but for the time it was made.
pub fn text_reply(created: &str, content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{READER}]]></ToUserName>\
         <FromUserName><![CDATA[{ACCOUNT}]]></FromUserName><CreateTime>{created}</CreateTime>\
         <MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content></xml>"
    )
}
