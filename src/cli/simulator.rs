//! Plays WeChat: a reader's doing becomes a signed push, and a reply is opened again.
//!
//! In: what a reader does, and the account's secrets. Out: query and body as WeChat sends them,
//! and what the service answers. Used by `ask` and by the page of `demo`; nothing here is on
//! the way of a real push.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::catalogue::photo::address::PhotoUrl;
use crate::catalogue::photo::{Barcode, fetch};
use crate::service::lookups::{LOOKUP, OwnThread};
use crate::service::response::Response;
use crate::service::ticket::{Client, Parking, Ticket};
use crate::service::{Call, Handled, Service};
use crate::sys::sync::{lock, wait};
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

/// The kinds of push `ask` can send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PushKind {
    /// A message.
    #[default]
    Text,
    /// A recording that WeChat understood.
    Voice,
    /// A scanned barcode.
    Scan,
    /// A new follower.
    Subscribe,
    /// A follower who left.
    Unsubscribe,
    /// A menu button.
    Click,
    /// A picture; the text is its address.
    Image,
    /// A shared page.
    Link,
    /// A film.
    Video,
    /// A place.
    Location,
    /// A file.
    File,
    /// One of the account's own codes, scanned by a follower.
    OwnCode,
}

#[rustfmt::skip]
const KINDS: [(&str, PushKind); 12] = [
    ("text", PushKind::Text),               ("voice", PushKind::Voice),  ("scan", PushKind::Scan),
    ("subscribe", PushKind::Subscribe),     ("unsubscribe", PushKind::Unsubscribe),
    ("click", PushKind::Click),             ("image", PushKind::Image),  ("link", PushKind::Link),
    ("video", PushKind::Video),             ("location", PushKind::Location),
    ("file", PushKind::File),               ("own-code", PushKind::OwnCode),
];

/// The kind with this name; an error is what would be right.
pub fn parse_kind(text: &str) -> Result<PushKind, String> {
    let known = KINDS.iter().find(|(name, _)| *name == text).map(|(_, kind)| *kind);
    known.ok_or_else(|| format!("one of {}", KINDS.map(|(name, _)| name).join(", ")))
}

/// The push as WeChat writes it; `text` is what the reader types, says, scans or taps, or the
/// address of a picture.
pub fn push(kind: PushKind, text: &str) -> String {
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
        PushKind::Text => message("text").text("Content", text),
        PushKind::Voice => {
            message("voice").text("MediaId", "m").text("Format", "amr").text("Recognition", text)
        }
        PushKind::Image => message("image").text("PicUrl", text).text("MediaId", "m"),
        PushKind::Video => message("video").text("MediaId", "m").text("ThumbMediaId", "t"),
        PushKind::Location => message("location").text("Location_X", "23.1").text("Label", text),
        PushKind::File => message("file").text("Title", text).text("Description", ""),
        PushKind::Link => {
            message("link").text("Title", "").text("Description", "").text("Url", text)
        }
        PushKind::Scan => {
            let (kind, result) = match text.bytes().all(|b| b.is_ascii_digit()) {
                true => ("barcode", format!("EAN_13,{text}")),
                false => ("qrcode", text.to_owned()),
            };
            event("scancode_waitmsg").text("EventKey", "SCAN_BOOK").nest("ScanCodeInfo", |scan| {
                scan.text("ScanType", kind).text("ScanResult", &result)
            })
        }
        PushKind::Subscribe => event("subscribe").text("EventKey", text),
        PushKind::Unsubscribe => event("unsubscribe").text("EventKey", text),
        PushKind::OwnCode => event("SCAN").text("EventKey", text).text("Ticket", "t"),
        PushKind::Click if text.is_empty() => event("CLICK").text("EventKey", "HELP"),
        PushKind::Click => event("CLICK").text("EventKey", text),
    }
    .finish()
}

/// Has the service read a photo that is at hand, and returns the address to send for it, with what
/// its bars say. Only then is the push of that address answered without a request.
pub fn show_photo(service: &Service, jpeg: &[u8]) -> Option<(PhotoUrl, Barcode)> {
    let url = fetch::made_up(jpeg)?;
    let photos = service.lookups.library().photos()?;
    let barcode = photos.learn(&url, jpeg, Instant::now() + LOOKUP)?;
    Some((url, barcode))
}

/// The parameters of a push.
pub type QueryPairs = Vec<(&'static str, String)>;

/// WeChat's side of signing and sealing.
pub struct WeChat<'a> {
    credentials: &'a Credentials,
    mode: Mode,
}

impl<'a> WeChat<'a> {
    /// One that knows these secrets and sends in `mode`.
    pub fn new(credentials: &'a Credentials, mode: Mode) -> Self {
        Self { credentials, mode }
    }

    /// What sealing takes; nothing in plain mode.
    fn sealing(&self) -> Option<(&AesKey, &AppId)> {
        let secrets = Some(self.credentials).filter(|_| self.mode != Mode::Plain)?;
        Some((secrets.keys.first()?, secrets.app_id.as_ref()?))
    }

    /// The query and body of a push.
    pub fn send(&self, xml: impl AsRef<[u8]>) -> Result<(QueryPairs, Vec<u8>), String> {
        let xml = xml.as_ref();
        let token = self.credentials.tokens.first().ok_or("DOUMIBOOK_TOKEN is not set")?;
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
        match (self.sealing(), self.credentials.tokens.first()) {
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
pub fn in_process(service: &Arc<Service>, query: &QueryPairs, body: &[u8]) -> Came {
    let pairs: Vec<_> = query.iter().map(|(name, text)| format!("{name}={text}")).collect();
    let began = Instant::now();
    let target = format!("/weixin?{}", pairs.join("&"));
    let answer = LocalClient::new().post(service, &target, body);
    // Let go without an answer: WeChat would deliver again.
    let answer = answer.unwrap_or_else(|| Response::line(NO_ANSWER, "no answer in time\n"));
    Came { body: answer.body.into_owned(), status: answer.status, took: began.elapsed() }
}

/// A client in this process, which sleeps until its request is answered.
#[derive(Default)]
pub struct LocalClient {
    request: Mutex<LocalRequest>,
    changed: Condvar,
}

#[derive(Default)]
struct LocalRequest {
    number: u64,
    parked: Option<(Instant, Option<Response>)>,
    /// `Some(None)`: ended without an answer.
    answer: Option<Option<Response>>,
}

impl LocalClient {
    /// One without a request.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Begins the next request and returns its number.
    pub fn begin(&self) -> u64 {
        let mut request = lock(&self.request);
        *request = LocalRequest { number: request.number + 1, ..LocalRequest::default() };
        request.number
    }

    /// Posts `body` and waits for the answer; `None` when there is none in time.
    pub fn post(
        self: &Arc<Self>,
        service: &Arc<Service>,
        target: &str,
        body: &[u8],
    ) -> Option<Response> {
        let now = Instant::now();
        let handled = service.handle(&Call {
            method: "POST",
            target,
            body,
            first_byte: now,
            local: true,
            ticket: Ticket::new(self.clone(), self.begin()),
            now,
        });
        match handled {
            Handled::Answer(response) => Some(response),
            Handled::Parked => self.wait(),
            // On a thread of its own, since the deadline may come first.
            Handled::LookUp(lookup) => {
                std::thread::spawn(move || lookup.run(&OwnThread));
                self.wait()
            }
        }
    }

    /// Sleeps until the request is answered, or its time is up; `None` when it got no answer.
    pub fn wait(&self) -> Option<Response> {
        let mut request = lock(&self.request);
        loop {
            if let Some(answer) = request.answer.take() {
                request.parked = None;
                return answer;
            }
            let until = request.parked.as_ref()?.0;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // A later answer must not find this request any more.
                request.number += 1;
                return request.parked.take().and_then(|(_, otherwise)| otherwise);
            }
            request = wait(&self.changed, request, left).0;
        }
    }
}

impl Client for LocalClient {
    fn answer(&self, number: u64, response: Option<&Response>) -> bool {
        let mut request = lock(&self.request);
        if request.number != number || request.answer.is_some() || request.parked.is_none() {
            return false;
        }
        request.answer = Some(response.cloned());
        self.changed.notify_all();
        true
    }

    fn park(&self, number: u64, until: Instant, otherwise: Option<Response>) -> Parking {
        let mut request = lock(&self.request);
        if request.number == number {
            request.parked = Some((until, otherwise));
        }
        Parking::Parked
    }

    fn is_crowded(&self) -> bool {
        false
    }
}
