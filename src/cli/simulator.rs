//! Plays WeChat: a reader's doing becomes a signed push, and a reply is opened again.
//!
//! In: what a reader does, and the account's secrets. Out: query and body as WeChat sends them,
//! and what the service answers. Used by `ask` and by the page of `demo`; nothing here is on
//! the way of a real push.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::command::Kind;
use crate::service::parking::{Bay, Lot};
use crate::service::response::Response;
use crate::service::{Call, Service};
use crate::sys::unix;
use crate::wechat::credentials::{Credentials, Mode};
use crate::wechat::envelope::{self, AesKey, AppId};
use crate::wechat::reply::SUCCESS;
use crate::wechat::signature;
use crate::wechat::xml::Writer;

/// The simulated reader and account.
const READER: &str = "oDoumibookReader_0000000000";
const ACCOUNT: &str = "gh_doumibook0000";

/// The status that stands for silence, as a proxy in front would say it.
pub const NO_ANSWER: u16 = 504;

/// What came back.
pub struct Came {
    /// As it came, sealed or not.
    pub body: Vec<u8>,
    /// Of HTTP.
    pub status: u16,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

/// The push as WeChat writes it; `text` is what the reader types, says, scans or taps.
pub fn push(kind: Kind, text: &str) -> String {
    let now = unix::since_1970();
    let head = |kind| {
        Writer::new()
            .text("ToUserName", ACCOUNT)
            .text("FromUserName", READER)
            .number("CreateTime", now.as_secs())
            .text("MsgType", kind)
    };
    let message = |kind| head(kind).number("MsgId", now.as_nanos() as u64);
    let event = |name| head("event").text("Event", name);
    match kind {
        Kind::Text => message("text").text("Content", text),
        Kind::Voice => {
            message("voice").text("MediaId", "m").text("Format", "amr").text("Recognition", text)
        }
        Kind::Image => message("image").text("PicUrl", "").text("MediaId", "m"),
        Kind::Video => message("video").text("MediaId", "m").text("ThumbMediaId", "t"),
        Kind::Location => message("location").text("Location_X", "23.1").text("Label", text),
        Kind::File => message("file").text("Title", text).text("Description", ""),
        Kind::Link => message("link").text("Title", "").text("Description", "").text("Url", text),
        Kind::Scan => {
            let (kind, result) = match text.bytes().all(|b| b.is_ascii_digit()) {
                true => ("barcode", format!("EAN_13,{text}")),
                false => ("qrcode", text.to_owned()),
            };
            event("scancode_waitmsg").text("EventKey", "SCAN_BOOK").nest("ScanCodeInfo", |scan| {
                scan.text("ScanType", kind).text("ScanResult", &result)
            })
        }
        Kind::Subscribe => event("subscribe").text("EventKey", text),
        Kind::Unsubscribe => event("unsubscribe").text("EventKey", text),
        Kind::OwnCode => event("SCAN").text("EventKey", text).text("Ticket", "t"),
        Kind::Click if text.is_empty() => event("CLICK").text("EventKey", "HELP"),
        Kind::Click => event("CLICK").text("EventKey", text),
    }
    .finish()
}

/// The parameters of a push.
pub type Query = Vec<(&'static str, String)>;

/// WeChat's side of signing and sealing.
pub struct WeChat<'a> {
    account: &'a Credentials,
    mode: Mode,
}

impl<'a> WeChat<'a> {
    /// One that knows the secrets of `account` and sends in `mode`.
    pub fn new(account: &'a Credentials, mode: Mode) -> Self {
        Self { account, mode }
    }

    /// What sealing takes; nothing in plain mode.
    fn sealing(&self) -> Option<(&AesKey, &AppId)> {
        let account = Some(self.account).filter(|_| self.mode != Mode::Plain)?;
        Some((account.keys.first()?, account.app_id.as_ref()?))
    }

    /// The query and body of a push.
    pub fn send(&self, xml: impl AsRef<[u8]>) -> Result<(Query, Vec<u8>), String> {
        let xml = xml.as_ref();
        let token = self.account.tokens.first().ok_or("DOUMIBOOK_TOKEN is not set")?;
        let now = unix::since_1970();
        let (timestamp, nonce) = (now.as_secs().to_string(), now.subsec_nanos().to_string());
        let mut query = vec![
            ("signature", signature::sign(token, &[&timestamp, &nonce])),
            ("timestamp", timestamp.clone()),
            ("nonce", nonce.clone()),
            ("openid", READER.to_owned()),
        ];
        let Some((key, app_id)) = self.sealing() else { return Ok((query, xml.to_vec())) };
        let sealed = envelope::encrypt(key, app_id, xml, unix::random());
        let signature = signature::sign(token, &[&timestamp, &nonce, &sealed]);
        query.extend([("encrypt_type", "aes".to_owned()), ("msg_signature", signature)]);
        let body = match (self.mode, xml.trim_ascii_end().strip_suffix(b"</xml>")) {
            (Mode::Compatible, Some(clear)) => {
                let more = format!("<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>");
                [clear, more.as_bytes()].concat()
            }
            _ => Writer::new().text("ToUserName", ACCOUNT).text("Encrypt", &sealed).finish().into(),
        };
        Ok((query, body))
    }

    /// The clear body of a reply.
    pub fn receive(&self, came: &Came) -> Result<String, String> {
        let text = String::from_utf8_lossy(&came.body).into_owned();
        let hint = match came.status {
            NO_ANSWER => "; WeChat would deliver the push again, as --times 3 does",
            403 => "; token, mode, AES key or AppID differ, and its log says which",
            404 | 405 => "; the path is /weixin: http://127.0.0.1:8080/weixin",
            _ => "",
        };
        if came.status != 200 {
            return Err(format!("the server answered {}: {}{hint}", came.status, text.trim()));
        }
        match (self.sealing(), self.account.tokens.first()) {
            (Some((key, app_id)), Some(token)) if text != SUCCESS && !text.is_empty() => {
                envelope::open_reply(key, token, app_id, &came.body)
                    .map(|clear| String::from_utf8_lossy(&clear).into_owned())
                    .map_err(|_| {
                        "the reply does not open with this token, AES key and AppID".into()
                    })
            }
            _ => Ok(text),
        }
    }
}

/// Delivers a push to a service in this process, once, and waits for what it answers.
pub fn in_process(service: &Arc<Service>, query: &Query, body: &[u8]) -> Came {
    let pairs: Vec<_> = query.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let began = Instant::now();
    let bay = Bay::new(Lot::new(1), began);
    bay.begin(began, true);
    let call = Call {
        method: "POST",
        target: &format!("/weixin?{}", pairs.join("&")),
        body,
        bay: &bay,
        now: began,
    };
    let answer = service.handle(&call).or_else(|| bay.wait());
    // Let go without an answer: WeChat would deliver again.
    let answer = answer.unwrap_or_else(|| Response::line(NO_ANSWER, "no answer in time\n"));
    Came { body: answer.body.into_owned(), status: answer.status, took: began.elapsed() }
}
