//! Plays a reader in a terminal: one push, and the reply as the reader would see it.
//!
//! In: what the reader sends, and settings. Out: text for a terminal. Without a URL the push
//! goes through the very service a server has, in this process; with one it goes over HTTP,
//! signed with the account's token. Whatever that server answers, nothing of it but plain text
//! reaches the terminal.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue::Library;
use crate::catalogue::memory::Memory;
use crate::catalogue::photo::Barcode;
use crate::cli::command::Ask;
use crate::cli::serve::Failed;
use crate::cli::settings::Settings;
use crate::cli::setup;
use crate::cli::simulator::{self, Came, NO_ANSWER, QueryPairs, WeChat};
use crate::sys::http::{BaseUrl, Failure, Http, Page};
use crate::sys::percent;
use crate::sys::visible::printable;
use crate::wechat::credentials::Mode;
use crate::wechat::reply::SUCCESS;
use crate::wechat::xml::Fields;

/// Longer than any delivery of a real push.
const LONGEST: Duration = Duration::from_secs(30);

/// Delivers the push as often as asked and returns what to print. `colour`: for a terminal.
pub fn ask(ask: &Ask, settings: Settings, colour: bool) -> Result<String, Failed> {
    let mode = ask.mode.unwrap_or(settings.mode);
    if mode != Mode::Plain && settings.keys.is_empty() {
        return Err("--mode needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID".to_owned().into());
    }
    let http = setup::http(&settings)?;
    // Whoever asks a server needs our account and none of our sources.
    let library = match ask.url {
        Some(_) => Library::new(Vec::new(), Memory::new(0, Vec::new())),
        None => setup::library(&settings, None).map_err(Failed::Setting)?,
    };
    let replies = setup::replies(&settings).map_err(Failed::Setting)?;
    let service = setup::service_with(settings, Arc::new(library), replies, None);
    let wechat = WeChat::new(&service.credentials, mode);
    let mut shown = String::new();
    let xml = match (&ask.raw, &ask.photo) {
        (Some(path), _) => read("--raw", path)?,
        (None, Some(path)) => {
            let seen = simulator::show_photo(&service, &read("--photo", path)?);
            let (url, barcode) =
                seen.ok_or_else(|| "the photo could not be looked at".to_owned())?;
            shown.push_str(&line_of(barcode));
            simulator::push(ask.kind, url.as_str()).into_bytes()
        }
        (None, None) => simulator::push(ask.kind, &ask.text).into_bytes(),
    };
    let (query, body) = wechat.send(&xml)?;
    if ask.show_xml {
        shown.push_str(&format!("{}\n", printable(&String::from_utf8_lossy(&xml))));
    }
    for delivery in 1..=ask.times {
        let came = match &ask.url {
            Some(url) => over_http(&http, url, &query, &body)?,
            None => simulator::in_process(&service, &query, &body),
        };
        let note = if came.status == NO_ANSWER && delivery < ask.times {
            format!("(delivery {delivery}: no answer, as WeChat would see it)")
        } else {
            shown.push_str(&show(&wechat.receive(&came)?, ask.show_xml, colour));
            let number = if ask.times > 1 { format!("delivery {delivery}, ") } else { "".into() };
            format!("({number}{:.1} ms)", came.took.as_secs_f64() * 1000.0)
        };
        shown.push_str(&dim(&note, colour));
        shown.push('\n');
    }
    Ok(shown)
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        format!("{option} is \"{}\", which cannot be read: {error}", path.display())
    })
}

/// What the bars in a photo say.
fn line_of(barcode: Barcode) -> String {
    match barcode {
        Barcode::Ean13(digits) => format!("barcode {}\n", digits.map(|d| d.to_string()).concat()),
        _ => "barcode none\n".to_owned(),
    }
}

fn over_http(http: &Http, url: &str, query: &QueryPairs, body: &[u8]) -> Result<Came, String> {
    // Anywhere: a signature is sent, and no secret.
    let base =
        BaseUrl::anywhere(url).map_err(|right| format!("--url is \"{url}\"; expected {right}"))?;
    let query: Vec<_> = query.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let began = Instant::now();
    let page = match http.post(&base.url("", &query), "text/xml", body, began + LONGEST) {
        Err(Failure::Closed) => {
            Page { status: NO_ANSWER, body: "closed".into(), ..Page::default() }
        }
        page => page.map_err(|failure| format!("no reply from --url: {failure}"))?,
    };
    Ok(Came { body: page.body, status: page.status, took: began.elapsed() })
}

/// A reply as a reader would see it.
fn show(reply: &str, xml: bool, colour: bool) -> String {
    if xml {
        return format!("{}\n", printable(reply));
    }
    if reply == SUCCESS || reply.is_empty() {
        return "(no reply)\n".into();
    }
    let Ok(fields) = Fields::read(reply.as_bytes()) else {
        return format!("(not a reply WeChat would show) {}\n", printable(reply));
    };
    let field = |path| printable(fields.get(path).unwrap_or_default());
    match field("MsgType").as_str() {
        "news" => {
            let mut card = format!("{}\n", bold(&field("Articles/item/Title"), colour));
            card.push_str(&field("Articles/item/Description"));
            card.push('\n');
            for (what, path) in [("cover", "Articles/item/PicUrl"), ("open", "Articles/item/Url")] {
                if !field(path).is_empty() {
                    card.push_str(&dim(&format!("[{what}] {}", field(path)), colour));
                    card.push('\n');
                }
            }
            card
        }
        // Once more, since what a tap would send is decoded here.
        _ => format!("{}\n", printable(&plain_links(&field("Content")))),
    }
}

/// Links become their labels; what a tap would send or open stands behind in brackets when it
/// differs.
fn plain_links(content: &str) -> String {
    let mut shown = String::new();
    let mut rest = content;
    while let Some((before, link)) = rest.split_once("<a href=\"") {
        shown.push_str(before);
        let Some((href, after)) = link.split_once("\">") else { break };
        let Some((label, after)) = after.split_once("</a>") else { break };
        shown.push_str(label);
        if !href.starts_with("weixin:") {
            shown.push_str(&format!(" [{href}]"));
        }
        let sends = href.split_once("msgmenucontent=").map(|(_, sends)| sends);
        let sends = sends.and_then(|sends| sends.split('&').next());
        let sends = sends.and_then(percent::percent_decode).unwrap_or_default();
        // A number stands before its line anyway.
        if sends != label && !sends.is_empty() && !sends.bytes().all(|b| b.is_ascii_digit()) {
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
