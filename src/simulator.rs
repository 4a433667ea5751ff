//! Plays WeChat: a reader's doing becomes a signed push, and a reply is opened again.
//!
//! In: what a reader does, and the account's secrets. Out: query and body as WeChat sends them,
//! and what the service answers. Used by `ask` and by the page of `demo`; nothing here is on
//! the way of a real push.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::account::{Account, Mode};
use crate::command::Kind;
use crate::parking::{Bay, Lot};
use crate::response::Response;
use crate::service::{Call, Service};
use crate::wechat::envelope;
use crate::wechat::reply::SUCCESS;
use crate::wechat::signature;
use crate::wechat::xml::Writer;

/// The simulated reader and account.
const READER: &str = "oDoumibookReader_0000000000";
const ACCOUNT: &str = "gh_doumibook0000";

/// What came back.
pub struct Came {
    /// As it came, sealed or not.
    pub body: Vec<u8>,
    /// Of HTTP.
    pub status: u16,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

fn unix_nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// The push as WeChat writes it; `text` is what the reader types, says, scans or taps.
pub fn push(kind: Kind, text: &str) -> String {
    let now = unix_nanos();
    let (msg_type, event) = match kind {
        Kind::Text => ("text", None),
        Kind::Voice => ("voice", None),
        Kind::Image => ("image", None),
        Kind::Link => ("link", None),
        Kind::Scan => ("event", Some("scancode_waitmsg")),
        Kind::Subscribe => ("event", Some("subscribe")),
        Kind::Unsubscribe => ("event", Some("unsubscribe")),
        Kind::Click => ("event", Some("CLICK")),
    };
    let xml = Writer::new()
        .text("ToUserName", ACCOUNT)
        .text("FromUserName", READER)
        .number("CreateTime", (now / 1_000_000_000) as u64)
        .text("MsgType", msg_type);
    let xml = match event {
        Some(event) => xml.text("Event", event),
        None => xml.number("MsgId", now as u64),
    };
    match kind {
        Kind::Text => xml.text("Content", text),
        Kind::Voice => xml.text("MediaId", "m").text("Format", "amr").text("Recognition", text),
        Kind::Image => xml.text("PicUrl", "").text("MediaId", "m"),
        Kind::Link => xml.text("Title", "").text("Description", "").text("Url", text),
        Kind::Scan => xml.text("EventKey", "SCAN_BOOK").nest("ScanCodeInfo", |scan| {
            let barcode = text.bytes().all(|b| b.is_ascii_digit());
            let (kind, result) = if barcode {
                ("barcode", format!("EAN_13,{text}"))
            } else {
                ("qrcode", text.into())
            };
            scan.text("ScanType", kind).text("ScanResult", &result)
        }),
        Kind::Subscribe | Kind::Unsubscribe => xml.text("EventKey", text),
        Kind::Click => xml.text("EventKey", if text.is_empty() { "HELP" } else { text }),
    }
    .finish()
}

/// The parameters of a push.
pub type Query = Vec<(&'static str, String)>;

/// WeChat's side of signing and sealing.
pub struct WeChat {
    mode: Mode,
    nonce: String,
}

impl WeChat {
    /// One that sends in this mode, with a nonce of its own.
    pub fn new(mode: Mode) -> Self {
        Self { mode, nonce: (unix_nanos() % 1_000_000_000).to_string() }
    }

    /// The query and body of a push.
    pub fn send(&self, account: &Account, xml: &str) -> Result<(Query, String), String> {
        let token = account.tokens.first().ok_or("DOUMIBOOK_TOKEN is not set")?;
        let timestamp = (unix_nanos() / 1_000_000_000).to_string();
        let parts = [timestamp.as_str(), self.nonce.as_str()];
        let signature = signature::sign(token, &parts);
        let mut query = vec![
            ("signature", signature),
            ("timestamp", timestamp.clone()),
            ("nonce", self.nonce.clone()),
            ("openid", READER.to_owned()),
        ];
        let (Mode::Compatible | Mode::Secure, Some(key), Some(app_id)) =
            (self.mode, account.keys.first(), &account.app_id)
        else {
            return Ok((query, xml.to_owned()));
        };
        let sealed = envelope::encrypt(key, app_id, xml.as_bytes(), crate::unix::random());
        let signature = signature::sign(token, &[&timestamp, &self.nonce, &sealed]);
        query.extend([("encrypt_type", "aes".to_owned()), ("msg_signature", signature)]);
        let body = match (self.mode, xml.trim_end().strip_suffix("</xml>")) {
            (Mode::Compatible, Some(clear)) => {
                format!("{clear}<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
            }
            _ => Writer::new().text("ToUserName", ACCOUNT).text("Encrypt", &sealed).finish(),
        };
        Ok((query, body))
    }

    /// The clear body of a reply.
    pub fn receive(&self, account: &Account, came: &Came) -> Result<String, String> {
        let text = String::from_utf8_lossy(&came.body).into_owned();
        if came.status != 200 {
            return Err(format!("the server answered {}: {}", came.status, text.trim()));
        }
        if self.mode == Mode::Plain || text == SUCCESS || text.is_empty() {
            return Ok(text);
        }
        let (Some(key), Some(token), Some(app_id)) =
            (account.keys.first(), account.tokens.first(), &account.app_id)
        else {
            return Ok(text);
        };
        envelope::open_reply(key, token, app_id, &came.body)
            .map(|clear| String::from_utf8_lossy(&clear).into_owned())
            .map_err(|_| "the reply does not open with this token, AES key and AppID".into())
    }
}

/// Delivers a push to a service in this process, once, and waits for what it answers.
pub fn in_process(service: &Arc<Service>, query: &Query, body: &str) -> Came {
    let pairs: Vec<_> = query.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let began = Instant::now();
    let bay = Bay::new(Lot::new(1), began);
    bay.begin(began, true);
    let call = Call {
        method: "POST",
        target: &format!("/weixin?{}", pairs.join("&")),
        body: body.as_bytes(),
        bay: &bay,
        now: began,
    };
    let answer = service.handle(&call).or_else(|| bay.wait());
    // Let go without an answer: WeChat would deliver again.
    let answer = answer.unwrap_or_else(|| Response::line(504, "no answer in time\n"));
    Came { body: answer.body.into_owned(), status: answer.status, took: began.elapsed() }
}
