//! The page on which an operator tries the account before owning one: `GET /` in `demo` shows
//! a chat, and `POST /demo/say` does what is done there as a reader, `POST /demo/photo` with a photo.
//!
//! In: requests from this machine. Out: the page, or the XML of a push and of its reply with
//! the milliseconds between. What is said goes the way of a real push: written as XML, signed,
//! verified, parsed, answered. Not there at all under `serve`, or for anybody from elsewhere.
//!
//! Who else could reach it is another page in the operator's browser. It can send requests here
//! but not read an answer, since its origin is not ours; so the page holds a key that is new at
//! each start, and nothing is said without it. Neither a cookie nor `Origin` would do: both are
//! headers, which the gate does not relay. A page that renames itself to our address (DNS
//! rebinding) would be of our origin, but the gate does not take it for local.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::simulator::{self, PushKind, WeChat, parse_kind};
use crate::cli::settings::{Settings, Wrong};
use crate::service::page::escape;
use crate::service::response::{HTML, JSON, Response};
use crate::service::{Call, Service};
use crate::sys::unix::{self, Address};
use crate::wechat::credentials::Mode;
use crate::wechat::reply::LONGEST_TEXT;

/// `{{account}}` and `{{key}}` stand for what is only known at the start.
const PAGE: &str = include_str!("demo_page.html");
/// Without the page's key.
const FORBIDDEN: (u16, &str) = (403, "forbidden: load the page again\n");
/// What a reader can do on the page; `ask` knows more.
const KINDS: [PushKind; 4] = [PushKind::Text, PushKind::Scan, PushKind::Subscribe, PushKind::Click];

/// The settings of the demo, and its page. Nothing is taken from the environment, so nothing
/// there can break it.
pub fn prepare(listen: Address) -> Result<(Settings, Demo), Wrong> {
    let mut settings = Settings::read([])?.or_demo_token().or_shelf();
    settings.listen = listen;
    let page = Demo::new(&settings.name, unix::random());
    Ok((settings, page))
}

/// What to do with a demo that listens at `address`.
pub fn hint(address: &Address) -> String {
    let ways = match address {
        Address::Tcp(address) => format!(
            "Open http://{address}/ in a browser to chat with it, or in another terminal:\n\
             \x20 {} ask 三体 --url http://{address}/weixin\n",
            started_as()
        ),
        Address::Unix(path) => {
            let path = path.display();
            format!("In another terminal:\n  curl --unix-socket {path} http://localhost/\n")
        }
    };
    format!(
        "doumibook demo: an account with the built-in shelf and the token \"demo\".\n\
         {ways}Ctrl-C ends it.\n"
    )
}

/// What starts this program once more: the words that started it, whether it is installed,
/// built by cargo or lies somewhere else, as a shell takes them.
fn started_as() -> String {
    let first = std::env::args_os().next();
    let name = first.map_or("doumibook".into(), |name| name.to_string_lossy().into_owned());
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if name.chars().all(plain) { name } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

/// The page, and the key it was given.
pub struct Demo {
    key: String,
    page: String,
}

impl Demo {
    /// The page of an account with this name; `random` becomes the key.
    pub fn new(account: &str, random: [u8; 16]) -> Self {
        let key = format!("{:032x}", u128::from_be_bytes(random));
        let page = PAGE.replace("{{account}}", &escape(account)).replace("{{key}}", &key);
        Self { key, page }
    }

    /// Answers a local request; `None` when it is not for the page.
    pub fn answer(&self, service: &Arc<Service>, call: &Call<'_>) -> Option<Response> {
        if !call.local {
            return None;
        }
        let path = call.target.split('?').next().unwrap_or_default();
        match (path, call.method) {
            ("/", "GET") => Some(Response::new(200, HTML, self.page.clone().into_bytes())),
            ("/demo/say", "POST") => Some(match self.read(call.body) {
                Ok((kind, text)) => say(service, kind, &text),
                Err((status, line)) => Response::line(status, line),
            }),
            ("/demo/photo", "POST") => Some(match self.open(call.body) {
                Some(jpeg) => send_photo(service, jpeg),
                None => Response::line(FORBIDDEN.0, FORBIDDEN.1),
            }),
            _ => None,
        }
    }

    /// A photo: the key, and the JPEG behind it.
    fn open<'a>(&self, body: &'a [u8]) -> Option<&'a [u8]> {
        body.strip_prefix(self.key.as_bytes())
    }

    /// What is to be said: `{"key": …, "kind": "text" | "scan" | "subscribe" | "click",
    /// "text": …}`.
    fn read(&self, body: &[u8]) -> Result<(PushKind, String), (u16, &'static str)> {
        let said: Value = serde_json::from_slice(body).map_err(|_| (400, "not JSON\n"))?;
        let field = |name| said.get(name).and_then(Value::as_str).unwrap_or_default();
        // A page elsewhere cannot time this to the nanosecond, which is what guessing would take.
        if field("key") != self.key {
            return Err(FORBIDDEN);
        }
        let kind = parse_kind(field("kind")).ok().filter(|kind| KINDS.contains(kind));
        let kind = kind.ok_or((400, "unknown kind\n"))?;
        // Far more than any title, and as much as a reply may hold.
        if field("text").len() > LONGEST_TEXT {
            return Err((413, "the text is longer than 2048 bytes\n"));
        }
        Ok((kind, field("text").to_owned()))
    }
}

/// A photo that the page sent instead of WeChat's hosts.
fn send_photo(service: &Arc<Service>, jpeg: &[u8]) -> Response {
    match simulator::show_photo(service, jpeg) {
        Some((url, _)) => say(service, PushKind::Image, url.as_str()),
        None => Response::line(503, "the photo could not be looked at\n"),
    }
}

/// One push and its reply. Holds a worker until the reply is there: nobody but the operator is
/// served here, from a shelf that answers within milliseconds.
fn say(service: &Arc<Service>, kind: PushKind, text: &str) -> Response {
    let xml = simulator::push(kind, text);
    let Ok((query, body)) = WeChat::new(&service.credentials, Mode::Plain).send(&xml) else {
        return Response::line(500, "there is no token to sign with\n");
    };
    let came = simulator::in_process(service, &query, &body);
    let told = json!({
        "sent": xml,
        "received": String::from_utf8_lossy(&came.body),
        "status": came.status,
        "millis": came.took.as_secs_f64() * 1000.0,
    });
    Response::new(200, JSON, Cow::Owned(told.to_string().into_bytes()))
}
