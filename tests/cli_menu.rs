//! `doumibook menu` against a stand-in for WeChat's API, and the limits of a menu.

#[path = "support/upstream.rs"]
mod upstream;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use doumibook::cli::command::Menu;
use doumibook::cli::menu::{DEFAULT, problems, run};
use doumibook::cli::settings::Settings;
use serde_json::{Value, json};
use upstream::{Reaction, Request, Upstream};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn settings(url: &str) -> Settings {
    let pairs = [("APP_ID", "wxba5fad812f8e6fb9"), ("APP_SECRET", SECRET), ("API_URL", url)];
    let pairs = pairs.map(|(name, value)| (format!("DOUMIBOOK_{name}"), value.to_owned()));
    Settings::read(pairs).unwrap()
}

/// An API that knows tokens `t1`, `t2` … and answers menu calls with what `answer` says to the
/// number of the token.
fn api(answer: impl Fn(&str) -> &'static str + Send + Sync + 'static) -> Upstream {
    let tokens = AtomicUsize::new(0);
    Upstream::start(move |request: &Request| match request.path() {
        "/cgi-bin/stable_token" => {
            let n = tokens.fetch_add(1, Ordering::SeqCst) + 1;
            Reaction::json(format!(r#"{{"access_token":"t{n}","expires_in":7200}}"#))
        }
        _ => Reaction::json(answer(&request.param("access_token").unwrap_or_default())),
    })
}

struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("doumibook-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_menu_is_pushed_as_raw_utf_8_with_a_shared_token() {
    let (api, file) = (api(|_| r#"{"errcode":0,"errmsg":"ok"}"#), File::new("push", DEFAULT));
    let said = run(&Menu::Push(file.0.clone()), &settings(api.url())).unwrap();
    assert_eq!(said, "The menu is set. Readers see it within five minutes.\n");
    let log = api.log();
    let [token, create] = log.as_slice() else { panic!("{log:?}") };
    let asked: Value = serde_json::from_slice(&token.body).unwrap();
    let expected = json!({
        "grant_type": "client_credential", "appid": "wxba5fad812f8e6fb9", "secret": SECRET,
        "force_refresh": false,
    });
    assert_eq!(asked, expected);
    assert_eq!((create.method.as_str(), create.path()), ("POST", "/cgi-bin/menu/create"));
    assert_eq!(create.param("access_token").as_deref(), Some("t1"));
    let body = String::from_utf8(create.body.clone()).unwrap();
    assert!(body.contains("扫条码") && !body.contains("\\u"), "{body}");
}

#[test]
fn what_show_prints_can_be_pushed() {
    let api = api(
        |_| r#"{"menu":{"button":[{"type":"click","name":"帮助","key":"HELP","sub_button":[]}]}}"#,
    );
    let said = run(&Menu::Show, &settings(api.url())).unwrap();
    assert_eq!(problems(&serde_json::from_str(&said).unwrap()), Vec::<String>::new());
    assert!(said.contains("\"name\": \"帮助\""), "{said}");
}

#[test]
fn no_menu_is_no_error() {
    let api = api(|_| r#"{"errcode":46003,"errmsg":"menu no exist"}"#);
    assert_eq!(run(&Menu::Show, &settings(api.url())).unwrap(), "The account has no menu.\n");
}

#[test]
fn a_refused_token_is_fetched_anew_once() {
    for (code, refused, calls, gone) in [
        (40001, "t1", 4, true),
        (42001, "t1", 4, true),
        (42001, "t", 4, false),
        (45009, "t", 2, false),
    ] {
        let api = api(move |token| match (token.starts_with(refused), code) {
            (false, _) => r#"{"errcode":0}"#,
            (true, 40001) => r#"{"errcode":40001}"#,
            (true, 42001) => r#"{"errcode":42001}"#,
            (true, _) => r#"{"errcode":45009}"#,
        });
        let outcome = run(&Menu::Delete, &settings(api.url()));
        assert_eq!(outcome.is_ok(), gone, "{code} {refused}: {outcome:?}");
        assert_eq!(api.requests(), calls, "{code} {refused}");
        assert_eq!(fresh(&api), [false, true].get(..calls / 2).unwrap(), "{code} {refused}");
    }
}

/// Of every token that was asked for: whether a new one was demanded.
fn fresh(api: &Upstream) -> Vec<bool> {
    let fresh = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).ok()?;
        body.get("force_refresh")?.as_bool()
    };
    api.log().iter().filter_map(fresh).collect()
}

#[test]
fn a_wrong_secret_is_told_once_and_not_tried_again() {
    let api = Upstream::start(|_| Reaction::json(r#"{"errcode":40001}"#));
    let error = run(&Menu::Delete, &settings(api.url())).unwrap_err();
    assert!(error.contains("copy DOUMIBOOK_APP_SECRET anew"), "{error}");
    assert_eq!((api.requests(), fresh(&api)), (1, vec![false]));
}

#[test]
#[rustfmt::skip]
fn errors_say_what_to_do_and_repeat_nothing() {
    for (answer, says) in [
        (r#"{"errcode":48001,"errmsg":"SECRET"}"#, "only verified accounts may"),
        (r#"{"errcode":40013,"errmsg":"SECRET"}"#, "check DOUMIBOOK_APP_ID (40013)"),
        (r#"{"errcode":40125,"errmsg":"SECRET"}"#, "which DOUMIBOOK_APP_SECRET must be (40125)"),
        (r#"{"errcode":40001,"errmsg":"SECRET"}"#, "copy DOUMIBOOK_APP_SECRET anew"),
        (r#"{"errcode":40243,"errmsg":"SECRET"}"#, "unfreeze it in the console (基础信息 → 开发密钥) (40243)"),
        (r#"{"errcode":89503,"errmsg":"SECRET"}"#, "an administrator of the account has to confirm this call"),
        (r#"{"errcode":45009,"errmsg":"SECRET"}"#, "try again tomorrow (45009)"),
        (r#"{"errcode":40164,"errmsg":"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: SECRET"}"#,
            "add 203.0.113.7 to the console's IP allowlist"),
        (r#"{"errcode":40164,"errmsg":"SECRET"}"#, "add this machine's public address to"),
        (r#"{"errcode":12345,"errmsg":"SECRET"}"#, "全局返回码) (12345)"),
        (r#"{"errcode":40016,"errmsg":"SECRET"}"#, "WeChat does not accept the number of buttons; expected 1 to 3 (40016)"),
        (r#"{"errcode":40017,"errmsg":"SECRET"}"#, "the type of a button (40017)"),
        (r#"{"errcode":40018,"errmsg":"SECRET"}"#, "the length of a button's name; 4 Chinese characters fit (40018)"),
        (r#"{"errcode":40019,"errmsg":"SECRET"}"#, "the length of a button's key"),
        (r#"{"errcode":40020,"errmsg":"SECRET"}"#, "the length of a button's url; 256 bytes fit (40020)"),
        (r#"{"errcode":40023,"errmsg":"SECRET"}"#, "the number of sub-buttons; expected 1 to 5 (40023)"),
        (r#"{"errcode":40024,"errmsg":"SECRET"}"#, "the type of a sub-button (40024)"),
        (r#"{"errcode":40025,"errmsg":"SECRET"}"#, "the length of a sub-button's name; 40 bytes fit"),
        (r#"{"errcode":40026,"errmsg":"SECRET"}"#, "the length of a sub-button's key"),
        (r#"{"errcode":40027,"errmsg":"SECRET"}"#, "the length of a sub-button's url"),
        (r#"{"errcode":40033,"errmsg":"SECRET"}"#, "a character somewhere in the menu (40033)"),
        (r#"{"errcode":40055,"errmsg":"SECRET"}"#, "the domain in a button's url (40055)"),
        ("<html>SECRET",                           "is not JSON; check DOUMIBOOK_API_URL"),
        ("[]",                                     "(HTTP 200) is not JSON"),
        (r#"{}"#,                                  "gave no access token"),
    ] {
        // Every call gives the same: the first one, for the token, decides.
        let answer_ = answer.replace("SECRET", SECRET);
        let api = Upstream::start(move |_| Reaction::json(answer_.clone()));
        let error = run(&Menu::Delete, &settings(api.url())).unwrap_err();
        assert!(error.contains(says), "{answer}: {error}");
        assert!(!error.contains(SECRET), "{error}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let none = Settings::read([]).unwrap();
    let error = run(&Menu::Show, &none).unwrap_err();
    assert!(error.starts_with("DOUMIBOOK_APP_ID is not set"), "{error}");
    let short = [("DOUMIBOOK_APP_SECRET".to_owned(), "hush".to_owned())];
    let error = Settings::read(short).err().unwrap().to_string();
    assert_eq!(
        error,
        "DOUMIBOOK_APP_SECRET has 4 characters; expected the console's AppSecret, 32 letters and digits"
    );
}

#[test]
fn a_wrong_menu_is_not_sent() {
    let api = api(|_| r#"{"errcode":0}"#);
    for text in ["{", "{}", r#"{"button":[]}"#] {
        let file = File::new("wrong", text);
        assert!(run(&Menu::Push(file.0.clone()), &settings(api.url())).is_err());
    }
    assert_eq!(api.requests(), 0);
}

const TYPES: &str = "the type of button 1 is \"\"; expected one of click, scancode_waitmsg, \
    scancode_push, pic_sysphoto, pic_photo_or_album, pic_weixin, location_select, view, \
    miniprogram, media_id, view_limited, article_id, article_view_limited";

#[test]
fn menus_are_held_to_the_limits() {
    let ok = json!({"type": "click", "name": "帮助", "key": "HELP"});
    let with = |name: &str, value: &str| {
        let mut button = ok.clone();
        button[name] = value.into();
        json!({ "button": [button] })
    };
    let view = |url: &str| json!({"button": [{"type": "view", "name": "页", "url": url}]});
    let sub = |subs: Vec<Value>| json!({"button": [{"name": "更多", "sub_button": subs}]});
    #[rustfmt::skip]
    let table = [
        (serde_json::from_str(DEFAULT).unwrap(),        ""),
        (json!({"button": [ok, ok, ok]}),               ""),
        (json!({"button": [ok, ok, ok, ok]}),           "4 buttons; expected 1 to 3"),
        (json!([]),                                     "expected {\"button\": […]}; doumibook menu default prints one"),
        (sub(vec![ok.clone(); 5]),                      ""),
        (sub(vec![ok.clone(); 6]),                      "button 1 has 6 sub-buttons; expected 1 to 5"),
        (with("name", "1234567890123456"),              ""),
        (with("name", "豆米查书吧呀"),                   "the name of button 1 has 18 bytes; expected at most 16 (a Chinese character takes 3)"),
        (with("name", ""),                              "button 1 has no name, or a blank one"),
        (with("name", " \u{3000}"),                     "button 1 has no name, or a blank one"),
        (sub(vec![with("name", " ")["button"][0].clone()]), "button 1, sub-button 1 has no name, or a blank one"),
        (sub(vec![with("name", &"长".repeat(20))["button"][0].clone()]), ""),
        (sub(vec![with("name", &"长".repeat(21))["button"][0].clone()]), "the name of button 1, sub-button 1 has 63 bytes; expected at most 60 (a Chinese character takes 3)"),
        (with("key", ""),                               "button 1 (click) has no key"),
        (with("key", &"k".repeat(129)),                 "the key of button 1 has 129 bytes; expected at most 128"),
        (with("type", "view"),                          "button 1 (view) has no url"),
        (view("https://例子.中国/?a=b"),                 ""),
        (view("http://a"),                              ""),
        (view("javascript:x"),                          "the url of button 1 is no address such as https://example.org/"),
        (view("https://"),                              "the url of button 1 is no address such as https://example.org/"),
        (view("https:///book"),                         "the url of button 1 is no address such as https://example.org/"),
        (view("https://a b"),                           "the url of button 1 is no address such as https://example.org/"),
        (sub(vec![]),                                   TYPES),
        (sub(vec![sub(vec![ok.clone()])["button"][0].clone()]), "button 1, sub-button 1 has a sub_button; a menu has two levels"),
        (json!({"button": [{"name": "更多", "sub_button": {"a": ok}}]}), "the sub_button of button 1 is no list; expected […]"),
        (json!({"button": [{"name": "更多", "sub_button": null}]}), "the sub_button of button 1 is no list; expected […]"),
        (json!({"button": [{"name": "更多", "type": "click", "key": "K", "sub_button": []}]}), ""),
        (json!({"button": [{"name": "更多", "type": "click", "sub_button": [ok]}]}), "button 1 has a type and sub-buttons; expected one of the two"),
    ];
    for (menu, says) in table {
        assert_eq!(problems(&menu).join("; "), says, "{menu}");
    }
}
