//! `doumibook menu`: the menu of a verified account, through WeChat's API.
//!
//! In: settings with AppID and AppSecret, and a file of buttons. Out: what to print, or one
//! sentence that says what is wrong and what to do. Buttons are checked against WeChat's
//! limits before anything is sent. AppSecret and access token are in no output, and of the
//! remote side's own words only an IP address, read as such, is repeated.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cli::command::Menu;
use crate::cli::settings::Settings;
use crate::cli::setup;
use crate::sys::http::{BaseUrl, Http};
use crate::sys::secret::Secret;

/// What an account of ours begins with: our service answers both keys.
pub const DEFAULT: &str = r#"{
  "button": [
    { "type": "scancode_waitmsg", "name": "扫条码", "key": "SCAN_BOOK" },
    { "type": "click", "name": "帮助", "key": "HELP" }
  ]
}
"#;

/// WeChat's API answers within a second or not at all.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a menu call says of an access token that is wrong or old: the one case for another.
const TOKEN_REFUSED: [i64; 3] = [40001, 40014, 42001];
/// `menu/get` of an account without a menu.
const NO_MENU: i64 = 46003;

/// Does what was asked and returns what to print.
pub fn run(what: &Menu, settings: &Settings) -> Result<String, String> {
    match what {
        Menu::Default => Ok(DEFAULT.into()),
        Menu::Show => {
            let button = match Api::new(settings)?.call("get", None) {
                Err(Refused { code: NO_MENU, .. }) => None,
                answer => answer?.pointer("/menu/button").cloned(),
            };
            let shown = button.map(|button| format!("{:#}\n", json!({ "button": button })));
            Ok(shown.unwrap_or("The account has no menu.\n".into()))
        }
        Menu::Push(path) => {
            let menu = read_menu(path).map_err(|why| format!("{}: {why}", path.display()))?;
            Api::new(settings)?.call("create", Some(&menu))?;
            Ok("The menu is set. Readers see it within five minutes.\n".into())
        }
        Menu::Delete => {
            Api::new(settings)?.call("delete", None)?;
            Ok("The menu is gone. Readers see that within five minutes.\n".into())
        }
    }
}

fn read_menu(path: &Path) -> Result<Value, String> {
    // The user of a transient unit may read no file of whoever starts it.
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    let text = text.map_err(|error| error.to_string())?;
    let menu = serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))?;
    let problems = problems(&menu);
    if problems.is_empty() { Ok(menu) } else { Err(problems.join("; ")) }
}

/// Types of buttons, and the fields they must have with the longest value of each in bytes.
type Shape = (&'static [&'static str], &'static [(&'static str, usize)]);

#[rustfmt::skip]
const SHAPES: [Shape; 5] = [
    (&["click", "scancode_waitmsg", "scancode_push", "pic_sysphoto", "pic_photo_or_album",
       "pic_weixin", "location_select"],     &[("key", 128)]),
    (&["view"],                              &[("url", 1024)]),
    (&["miniprogram"],                       &[("url", 1024), ("appid", 64), ("pagepath", 1024)]),
    (&["media_id", "view_limited"],          &[("media_id", 256)]),
    (&["article_id", "article_view_limited"], &[("article_id", 256)]),
];

/// What WeChat would refuse of a menu; empty when nothing.
pub fn problems(menu: &Value) -> Vec<String> {
    let Some(buttons) = menu.get("button").and_then(Value::as_array) else {
        return vec!["expected {\"button\": […]}; doumibook menu default prints one".into()];
    };
    let mut found = Vec::new();
    if !(1..=3).contains(&buttons.len()) {
        found.push(format!("{} buttons; expected 1 to 3", buttons.len()));
    }
    for (button, number) in buttons.iter().zip(1..) {
        let place = format!("button {number}");
        // WeChat shows about 4 Chinese characters of a name in the bar, 7 in a sub-menu.
        check_name(button, 16, &place, &mut found);
        let Some(subs) = sub_buttons(button) else {
            found.push(format!("the sub_button of {place} is no list; expected […]"));
            continue;
        };
        if subs.is_empty() {
            check_shape(button, &place, &mut found);
            continue;
        }
        if button.get("type").is_some() {
            found.push(format!("{place} has a type and sub-buttons; expected one of the two"));
        }
        if subs.len() > 5 {
            found.push(format!("{place} has {} sub-buttons; expected 1 to 5", subs.len()));
        }
        for (sub, number) in subs.iter().zip(1..) {
            let place = format!("{place}, sub-button {number}");
            check_name(sub, 60, &place, &mut found);
            match sub_buttons(sub) {
                Some([]) => check_shape(sub, &place, &mut found),
                _ => found.push(format!("{place} has a sub_button; a menu has two levels")),
            }
        }
    }
    found
}

/// The sub-buttons; `None` when they are no list. `menu/get` gives every button a list, be it
/// empty.
fn sub_buttons(button: &Value) -> Option<&[Value]> {
    button.get("sub_button").map_or(Some(&[]), |list| list.as_array().map(Vec::as_slice))
}

fn check_name(button: &Value, most: usize, place: &str, found: &mut Vec<String>) {
    let name = button.get("name").and_then(Value::as_str).unwrap_or_default();
    match name.len() {
        _ if name.trim().is_empty() => found.push(format!("{place} has no name, or a blank one")),
        n if n > most => found.push(format!(
            "the name of {place} has {n} bytes; expected at most {most} (a Chinese character takes 3)"
        )),
        _ => {}
    }
}

fn check_shape(button: &Value, place: &str, found: &mut Vec<String>) {
    let text = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("type");
    let Some((_, fields)) = SHAPES.iter().find(|(kinds, _)| kinds.contains(&kind)) else {
        let known = SHAPES.map(|(kinds, _)| kinds.join(", ")).join(", ");
        found.push(format!("the type of {place} is \"{kind}\"; expected one of {known}"));
        return;
    };
    for (name, most) in *fields {
        match text(name).len() {
            0 => found.push(format!("{place} ({kind}) has no {name}")),
            n if n > *most => {
                found.push(format!("the {name} of {place} has {n} bytes; expected at most {most}"));
            }
            _ => {}
        }
    }
    let url = text("url");
    if !(url.is_empty() || is_address(url)) {
        found.push(format!("the url of {place} is no address such as https://example.org/"));
    }
}

fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':']) && !rest.is_empty())
        && !url.contains(char::is_whitespace)
}

struct Api<'a> {
    http: Http,
    base: &'a BaseUrl,
    app_id: &'a str,
    secret: &'a Secret,
}

/// Why the API did not do it.
struct Refused {
    /// The errcode; 0 when there was no proper answer.
    code: i64,
    /// What it means, and what to do.
    sentence: String,
}

impl From<Refused> for String {
    fn from(refused: Refused) -> Self {
        refused.sentence
    }
}

impl<'a> Api<'a> {
    fn new(settings: &'a Settings) -> Result<Self, String> {
        let missing = |name| {
            format!(
                "{name} is not set; the console shows it (微信开发者平台 → 我的业务 → 公众号 → 基础信息)"
            )
        };
        Ok(Self {
            http: setup::http(settings)?,
            base: &settings.api_url,
            app_id: settings.app_id.as_ref().ok_or_else(|| missing("DOUMIBOOK_APP_ID"))?.as_str(),
            secret: settings.app_secret.as_ref().ok_or_else(|| missing("DOUMIBOOK_APP_SECRET"))?,
        })
    }

    /// Calls `menu/{what}`; a refused token is fetched anew, once.
    fn call(&self, what: &str, body: Option<&Value>) -> Result<Value, Refused> {
        let path = format!("/cgi-bin/menu/{what}");
        let with = |token: Secret| self.ask(&path, &[("access_token", token.expose())], body);
        // Only here: the same code from the token's own call means that the AppSecret is wrong.
        match with(self.token(false)?) {
            Err(Refused { code, .. }) if TOKEN_REFUSED.contains(&code) => with(self.token(true)?),
            answer => answer,
        }
    }

    /// An access token that other programs of the account may share. `fresh`: not the one they
    /// share now, which was refused; the API grants that 20 times a day.
    fn token(&self, fresh: bool) -> Result<Secret, Refused> {
        let body = json!({
            "grant_type": "client_credential", "appid": self.app_id,
            "secret": self.secret.expose(), "force_refresh": fresh,
        });
        let answer = self.ask("/cgi-bin/stable_token", &[], Some(&body))?;
        let token = answer.get("access_token").and_then(Value::as_str).and_then(Secret::new);
        token.ok_or_else(|| unanswered("the API gave no access token"))
    }

    /// The API answers 200 and JSON also when it refuses.
    fn ask(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let (url, until) = (self.base.url(path, query), Instant::now() + PATIENCE);
        let page = match body {
            None => self.http.get(&url, until),
            Some(body) => self.http.post(&url, JSON, body.to_string().as_bytes(), until),
        };
        let page = page.map_err(|why| unanswered(&format!("no answer from the API: {why}")))?;
        let answer: Option<Value> = serde_json::from_slice(&page.body).ok();
        let answer = answer.filter(Value::is_object).ok_or_else(|| {
            let answer = format!("the API's answer (HTTP {}) is not JSON", page.status);
            unanswered(&format!("{answer}; check DOUMIBOOK_API_URL"))
        })?;
        match answer.get("errcode").and_then(Value::as_i64) {
            None | Some(0) => Ok(answer),
            Some(code) => {
                let words = answer.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                Err(Refused { code, sentence: explain(code, words) })
            }
        }
    }
}

fn unanswered(sentence: &str) -> Refused {
    Refused { code: 0, sentence: sentence.to_owned() }
}

const JSON: &str = "application/json; charset=utf-8";

/// What WeChat refuses of a menu by errcode. It gets here past our own limits, which are the
/// newest known, so the older ones are told.
#[rustfmt::skip]
const REFUSED: [(i64, &str); 13] = [
    (40016, "the number of buttons; expected 1 to 3"),
    (40017, "the type of a button"),
    (40018, "the length of a button's name; 4 Chinese characters fit"),
    (40019, "the length of a button's key; 128 bytes fit"),
    (40020, "the length of a button's url; 256 bytes fit"),
    (40023, "the number of sub-buttons; expected 1 to 5"),
    (40024, "the type of a sub-button"),
    (40025, "the length of a sub-button's name; 40 bytes fit (13 Chinese characters)"),
    (40026, "the length of a sub-button's key; 128 bytes fit"),
    (40027, "the length of a sub-button's url; 256 bytes fit"),
    (40033, "a character somewhere in the menu"),
    (40054, "the domain in a sub-button's url"),
    (40055, "the domain in a button's url"),
];

/// What an errcode means, and what to do; `words` are the API's own.
fn explain(code: i64, words: &str) -> String {
    if let Some((_, part)) = REFUSED.iter().find(|(refused, _)| *refused == code) {
        return format!("WeChat does not accept {part} ({code})");
    }
    let text = match code {
        -1 | 50004 => "the API is busy; try again in a moment",
        40001 | 40014 | 42001 => {
            "the AppSecret or the token made with it is not accepted; copy DOUMIBOOK_APP_SECRET \
             anew from the console (基础信息 → 开发密钥)"
        }
        40013 => "no such AppID; check DOUMIBOOK_APP_ID",
        40125 => {
            "the AppSecret is wrong; a reset in the console makes a new one, which \
             DOUMIBOOK_APP_SECRET must be"
        }
        40243 => "the AppSecret is frozen; unfreeze it in the console (基础信息 → 开发密钥)",
        89501 | 89503 => {
            "an administrator of the account has to confirm this call; WeChat has sent them a \
             message, so try again when they have"
        }
        40164 => {
            let mut words = words.split([' ', ',', '[', ']', '(', ')']);
            let from = words.find_map(|word| word.parse::<IpAddr>().ok());
            let from = from.map_or("this machine's public address".into(), |ip| ip.to_string());
            return format!(
                "the API does not know this machine (40164); add {from} to the console's IP \
                 allowlist (基础信息 → 开发密钥 → API IP 白名单)"
            );
        }
        45009 => "today's calls are used up; try again tomorrow",
        45011 => "too many calls at once; try again in a minute",
        48001 => {
            "this account may not use the menu API; only verified accounts may (an unverified one \
             can have a menu made by hand in 公众平台 while the server URL is off)"
        }
        48004 | 50002 => "the account's API is blocked or limited; see the notices in the console",
        _ => "see WeChat's list of return codes (全局返回码)",
    };
    format!("{text} ({code})")
}
