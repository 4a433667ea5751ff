//! `doumibook menu`: the menu of a verified account, through WeChat's API.
//!
//! In: settings with AppID and AppSecret, and a file of buttons. Out: what to print, or one
//! sentence that says what is wrong and what to do. Buttons are checked against WeChat's
//! limits before anything is sent. AppSecret and access token are in no output, and of the
//! remote side's own words only an IP address, read as such, is repeated.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::command::Menu;
use crate::http::{BaseUrl, Failure, Http, Page};
use crate::secret::Secret;
use crate::settings::Settings;
use crate::setup;

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
/// The access token is wrong or old: the one case for fetching another.
const TOKEN_REFUSED: [i64; 3] = [40001, 40014, 42001];
/// `menu/get` of an account without a menu.
const NO_MENU: i64 = 46003;

/// Does what was asked and returns what to print.
pub fn run(what: &Menu, settings: &Settings) -> Result<String, String> {
    match what {
        Menu::Default => Ok(DEFAULT.into()),
        Menu::Show => Api::new(settings)?.show(),
        Menu::Push(path) => {
            let wrong = |why: String| format!("{}: {why}", path.display());
            let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
            let menu = serde_json::from_str(&text);
            let menu: Value = menu.map_err(|error| wrong(format!("is not JSON: {error}")))?;
            let problems = problems(&menu);
            if !problems.is_empty() {
                return Err(wrong(problems.join("; ")));
            }
            Api::new(settings)?.call("create", Some(&menu))?;
            Ok("The menu is set. Readers see it within five minutes.\n".into())
        }
        Menu::Delete => {
            Api::new(settings)?.call("delete", None)?;
            Ok("The menu is gone. Readers see that within five minutes.\n".into())
        }
    }
}

/// A type of button: the fields it must have, with the longest value of each in bytes.
type Shape = (&'static str, &'static [(&'static str, usize)]);

const KEY: &[(&str, usize)] = &[("key", 128)];
const SHAPES: [Shape; 13] = [
    ("click", KEY),
    ("scancode_waitmsg", KEY),
    ("scancode_push", KEY),
    ("pic_sysphoto", KEY),
    ("pic_photo_or_album", KEY),
    ("pic_weixin", KEY),
    ("location_select", KEY),
    ("view", &[("url", 1024)]),
    ("miniprogram", &[("url", 1024), ("appid", 64), ("pagepath", 1024)]),
    ("media_id", &[("media_id", 256)]),
    ("view_limited", &[("media_id", 256)]),
    ("article_id", &[("article_id", 256)]),
    ("article_view_limited", &[("article_id", 256)]),
];

/// Bytes of a name: of a button in the bar, and of one in a sub-menu. WeChat shows about 4 and
/// 7 Chinese characters of them.
const NAME: (usize, usize) = (16, 60);

/// What WeChat would refuse of a menu; empty when nothing.
pub fn problems(menu: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let Some(buttons) = menu.get("button").and_then(Value::as_array) else {
        return vec!["expected {\"button\": […]}; doumibook menu default prints one".into()];
    };
    if !(1..=3).contains(&buttons.len()) {
        found.push(format!("{} buttons; expected 1 to 3", buttons.len()));
    }
    for (i, button) in buttons.iter().enumerate() {
        let place = format!("button {}", i + 1);
        check_name(button, NAME.0, &place, &mut found);
        // menu/get gives every button an empty list.
        match button.get("sub_button").and_then(Value::as_array) {
            Some(subs) if !subs.is_empty() => {
                if subs.len() > 5 {
                    found.push(format!("{place} has {} sub-buttons; expected 1 to 5", subs.len()));
                }
                for (j, sub) in subs.iter().enumerate() {
                    let place = format!("{place}, sub-button {}", j + 1);
                    check_name(sub, NAME.1, &place, &mut found);
                    check_shape(sub, &place, &mut found);
                }
            }
            _ => check_shape(button, &place, &mut found),
        }
    }
    found
}

fn check_name(button: &Value, most: usize, place: &str, found: &mut Vec<String>) {
    let name = button.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() {
        found.push(format!("{place} has no name"));
    } else if name.len() > most {
        found.push(format!(
            "the name of {place} has {} bytes; expected at most {most} (a Chinese character takes 3)",
            name.len()
        ));
    }
}

fn check_shape(button: &Value, place: &str, found: &mut Vec<String>) {
    let text = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = text("type");
    let Some((_, fields)) = SHAPES.iter().find(|(name, _)| *name == kind) else {
        let known = SHAPES.map(|(name, _)| name).join(", ");
        found.push(format!("the type of {place} is \"{kind}\"; expected one of {known}"));
        return;
    };
    if button.get("sub_button").and_then(Value::as_array).is_some_and(|subs| !subs.is_empty()) {
        found.push(format!("{place} has sub-buttons of its own; a menu has two levels"));
    }
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
    if !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://") {
        found.push(format!("the url of {place} begins neither with https:// nor http://"));
    }
}

struct Api<'a> {
    http: Http,
    base: &'a BaseUrl,
    app_id: &'a str,
    secret: &'a Secret,
}

/// Why the API did not do it.
enum Refused {
    /// An errcode, and an address in its message.
    Code(i64, Option<IpAddr>),
    /// No answer of the API's.
    Other(String),
}

impl<'a> Api<'a> {
    fn new(settings: &'a Settings) -> Result<Self, String> {
        let missing = |name| format!("{name} is not set; the console shows it (基本配置)");
        Ok(Self {
            http: setup::http(settings)?,
            base: &settings.api_url,
            app_id: settings.app_id.as_ref().ok_or_else(|| missing("DOUMIBOOK_APP_ID"))?.as_str(),
            secret: settings.app_secret.as_ref().ok_or_else(|| missing("DOUMIBOOK_APP_SECRET"))?,
        })
    }

    fn show(&self) -> Result<String, String> {
        let answer = self.call("get", None)?;
        let button = answer.get("menu").and_then(|menu| menu.get("button"));
        let Some(button) = button else { return Ok("The account has no menu.\n".into()) };
        Ok(format!("{:#}\n", json!({ "button": button })))
    }

    /// Calls `menu/{what}`; a refused token is fetched anew, once.
    fn call(&self, what: &str, body: Option<&Value>) -> Result<Value, String> {
        let once = |fresh| self.call_with(&self.token(fresh)?, what, body);
        let answer = match once(false) {
            Err(Refused::Code(code, _)) if TOKEN_REFUSED.contains(&code) => once(true),
            answer => answer,
        };
        match answer {
            Err(Refused::Code(NO_MENU, _)) if what == "get" => Ok(Value::Null),
            answer => answer.map_err(|refused| match refused {
                Refused::Code(code, address) => explain(code, address),
                Refused::Other(sentence) => sentence,
            }),
        }
    }

    fn call_with(
        &self,
        token: &Secret,
        what: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refused> {
        let query = [("access_token", token.expose())];
        let url = self.base.url(&format!("/cgi-bin/menu/{what}"), &query);
        let until = Instant::now() + PATIENCE;
        read(match body {
            None => self.http.get(&url, until),
            Some(body) => self.http.post(&url, JSON, body.to_string().as_bytes(), until),
        })
    }

    /// An access token that other programs of the account may share. `fresh`: not the one they
    /// share now, which was refused; the API grants that 20 times a day.
    fn token(&self, fresh: bool) -> Result<Secret, Refused> {
        let body = json!({
            "grant_type": "client_credential", "appid": self.app_id,
            "secret": self.secret.expose(), "force_refresh": fresh,
        });
        let url = self.base.url("/cgi-bin/stable_token", &[]);
        let until = Instant::now() + PATIENCE;
        let answer = read(self.http.post(&url, JSON, body.to_string().as_bytes(), until))?;
        let token = answer.get("access_token").and_then(Value::as_str).and_then(Secret::new);
        token.ok_or_else(|| Refused::Other("the API gave no access token".into()))
    }
}

const JSON: &str = "application/json; charset=utf-8";

/// The API answers 200 and JSON also when it refuses.
fn read(page: Result<Page, Failure>) -> Result<Value, Refused> {
    let page =
        page.map_err(|failure| Refused::Other(format!("no answer from the API: {failure}")))?;
    let answer = serde_json::from_slice(&page.body).ok().filter(Value::is_object);
    let answer: Value = answer.ok_or_else(|| {
        let status = page.status;
        Refused::Other(format!(
            "the API's answer (HTTP {status}) is not JSON; check DOUMIBOOK_API_URL"
        ))
    })?;
    match answer.get("errcode").and_then(Value::as_i64) {
        None | Some(0) => Ok(answer),
        Some(code) => {
            let words = answer.get("errmsg").and_then(Value::as_str).unwrap_or_default();
            let mut parts = words.split([' ', ',', '[', ']', '(', ')']);
            Err(Refused::Code(code, parts.find_map(|part| part.parse().ok())))
        }
    }
}

/// What an errcode means, and what to do.
fn explain(code: i64, address: Option<IpAddr>) -> String {
    let text = match code {
        -1 | 50004 => "the API is busy; try again in a moment",
        40001 | 40014 | 42001 => {
            "the AppSecret or the token made with it is not accepted; copy DOUMIBOOK_APP_SECRET \
             anew from the console (基本配置)"
        }
        40013 => "no such AppID; check DOUMIBOOK_APP_ID",
        40125 => {
            "the AppSecret is wrong; a reset in the console makes a new one, which \
             DOUMIBOOK_APP_SECRET must be"
        }
        40243 => "the AppSecret is frozen; unfreeze it in the console (基本配置)",
        40164 => {
            let from = address.map_or("this machine's public address".into(), |a| a.to_string());
            return format!(
                "the API does not know this machine (40164); add {from} to the console's IP \
                 allowlist (基本配置, IP白名单)"
            );
        }
        40016..=40027 | 40033 | 40054 | 40055 => "WeChat refuses the buttons as they are",
        45009 => "today's calls are used up; try again tomorrow",
        45011 => "too many calls at once; try again in a minute",
        48001 => {
            "this account may not use the menu API; only verified accounts may (an unverified one \
             can have a menu made by hand in the console while the server URL is off)"
        }
        48004 | 50002 => "the account's API is blocked or limited; see the notices in the console",
        _ => "see WeChat's list of return codes (全局返回码)",
    };
    format!("{text} ({code})")
}
