//! Plays a reader and WeChat: one push, and the reply as the reader would see it.
//!
//! In: what the reader sends, and settings. Out: text for a terminal. Without a URL the push
//! goes through the very service a server has, in this process; with one it goes over HTTP,
//! signed with the account's token.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::command::{Ask, Kind};
use crate::http::{BaseUrl, Http, Url};
use crate::links;
use crate::parking::{Bay, Lot};
use crate::response::Response;
use crate::service::{Account, Call, Mode, Service};
use crate::settings::Settings;
use crate::setup;
use crate::wechat::envelope;
use crate::wechat::reply::SUCCESS;
use crate::wechat::signature;
use crate::wechat::xml::{Fields, Writer};

/// The simulated reader and account.
const READER: &str = "oDoumibookReader_0000000000";
const ACCOUNT: &str = "gh_doumibook0000";
/// Longer than any delivery of a real push.
const LONGEST: Duration = Duration::from_secs(30);

/// What came back.
struct Came {
    body: Vec<u8>,
    status: u16,
    took: Duration,
}

/// Sends the push and returns what to print. `colour`: for a terminal.
pub fn ask(ask: &Ask, settings: Settings, colour: bool) -> Result<String, String> {
    let xml = match &ask.raw {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("--raw {}: {error}", path.display()))?,
        None => push(ask),
    };
    let mode = ask.mode.unwrap_or(settings.mode);
    if mode != Mode::Plain && settings.keys.is_empty() {
        return Err("--mode needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID".into());
    }
    let mut shown = String::new();
    if ask.show_xml {
        shown.push_str(&xml);
        shown.push('\n');
    }
    let http = setup::http(&settings)?;
    let library = match ask.url {
        Some(_) => None,
        None => Some(Arc::new(setup::library(&settings, None)?)),
    };
    let wechat = WeChat { mode, nonce: format!("{}", unix_nanos() % 1_000_000_000) };
    let account = Account {
        tokens: settings.tokens.clone(),
        keys: settings.keys.clone(),
        app_id: settings.app_id.clone(),
        mode,
    };
    let (query, body) = wechat.send(&account, &xml)?;
    let service = library.map(|library| setup::service(settings, library));
    for delivery in 1..=ask.times {
        let came = match (&ask.url, &service) {
            (Some(url), _) => {
                let base =
                    BaseUrl::parse(url).map_err(|bad| format!("--url is \"{url}\"; {bad}"))?;
                let query: Vec<_> =
                    query.iter().map(|(name, text)| (*name, text.as_str())).collect();
                over_http(&http, &base.url("", &query), &body)?
            }
            (None, Some(service)) => in_process(service, &query, &body),
            (None, None) => return Err("nothing to ask".into()),
        };
        let reply = wechat.receive(&account, &came)?;
        shown.push_str(&show(&reply, ask.show_xml, colour));
        let number = if ask.times > 1 { format!("delivery {delivery}, ") } else { String::new() };
        let took = came.took.as_secs_f64() * 1000.0;
        shown.push_str(&dim(&format!("({number}{took:.1} ms)"), colour));
        shown.push('\n');
    }
    Ok(shown)
}

fn unix_nanos() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// The push as WeChat writes it.
fn push(ask: &Ask) -> String {
    let now = unix_nanos();
    let (msg_type, event) = match ask.kind {
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
    let text = ask.text.as_str();
    match ask.kind {
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
type Query = Vec<(&'static str, String)>;

/// WeChat's side of signing and sealing.
struct WeChat {
    mode: Mode,
    nonce: String,
}

impl WeChat {
    /// The query and body of a push.
    fn send(&self, account: &Account, xml: &str) -> Result<(Query, String), String> {
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
    fn receive(&self, account: &Account, came: &Came) -> Result<String, String> {
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

fn over_http(http: &Http, url: &Url, body: &str) -> Result<Came, String> {
    let began = Instant::now();
    let page = http
        .post(url, "text/xml", body.as_bytes(), began + LONGEST)
        .map_err(|failure| format!("no reply from --url: {failure}"))?;
    Ok(Came { body: page.body, status: page.status, took: began.elapsed() })
}

fn in_process(service: &Arc<Service>, query: &Query, body: &str) -> Came {
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

/// A reply as a reader would see it.
fn show(reply: &str, xml: bool, colour: bool) -> String {
    if xml {
        return format!("{reply}\n");
    }
    if reply == SUCCESS || reply.is_empty() {
        return "(no reply)\n".into();
    }
    let Ok(fields) = Fields::read(reply.as_bytes()) else {
        return format!("(not a reply WeChat would show) {reply}\n");
    };
    let field = |path| fields.get(path).unwrap_or_default();
    match field("MsgType") {
        "news" => {
            let mut card = format!("{}\n", bold(field("Articles/item/Title"), colour));
            card.push_str(field("Articles/item/Description"));
            card.push('\n');
            for (what, path) in [("cover", "Articles/item/PicUrl"), ("open", "Articles/item/Url")] {
                if !field(path).is_empty() {
                    card.push_str(&dim(&format!("[{what}] {}", field(path)), colour));
                    card.push('\n');
                }
            }
            card
        }
        _ => format!("{}\n", plain_links(field("Content"))),
    }
}

/// Links become their labels; what a tap would send stands behind in brackets when it differs.
fn plain_links(content: &str) -> String {
    let mut shown = String::new();
    let mut rest = content;
    while let Some((before, link)) = rest.split_once("<a href=\"") {
        shown.push_str(before);
        let Some((href, after)) = link.split_once("\">") else { break };
        let Some((label, after)) = after.split_once("</a>") else { break };
        shown.push_str(label);
        let sends = href.split_once("msgmenucontent=").map(|(_, sends)| sends);
        let sends = sends.and_then(|sends| sends.split('&').next());
        let sends = sends.and_then(links::percent_decode).unwrap_or_default();
        // A number stands before its line anyway.
        if sends != label && !sends.bytes().all(|b| b.is_ascii_digit()) {
            shown.push_str(&format!(" [{sends}]"));
        }
        rest = after;
    }
    shown.push_str(rest);
    shown
}

fn bold(text: &str, colour: bool) -> String {
    if colour { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

fn dim(text: &str, colour: bool) -> String {
    if colour { format!("\x1b[2m{text}\x1b[0m") } else { text.to_owned() }
}
