//! The environment, line by line: what is right becomes a value, what is wrong a sentence.

use std::time::Duration;

use doumibook::cli::settings::{Settings, variable};
use doumibook::wechat::credentials::Mode;

const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const APP: (&str, &str) = ("DOUMIBOOK_APP_ID", "wx2c2769f8efd9abc2");

fn read(environment: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Settings, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let files = files.iter().map(|(name, content)| (variable(name), (*content).to_owned()));
    Settings::read(files.chain(environment))
}

/// The part of the line of effective settings that begins with `name=`.
fn shown(settings: &Settings, name: &str) -> String {
    let line = format!(" {settings} ");
    let (_, rest) = line.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("{name}"));
    rest.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
#[rustfmt::skip]
fn what_is_right_is_taken() {
    let many = "长".repeat(30);
    for (name, value, name_shown, value_shown) in [
        ("DOUMIBOOK_TOKEN",              "abc",                        "token", "set"),
        ("DOUMIBOOK_TOKEN",              " AbC123 ",                   "token", "set"),
        ("DOUMIBOOK_TOKEN",              "",                           "token", "none"),
        ("DOUMIBOOK_APP_ID",             "wxba5fad812f8e6fb9",         "app_id", "wxba5fad812f8e6fb9"),
        ("DOUMIBOOK_MODE",               "plain",                      "mode", "plain"),
        ("DOUMIBOOK_LISTEN",             "0.0.0.0:80",                 "listen", "0.0.0.0:80"),
        ("DOUMIBOOK_LISTEN",             "[::1]:0",                    "listen", "[::1]:0"),
        ("DOUMIBOOK_LISTEN",             "unix:/run/d/http.sock",      "listen", "unix:/run/d/http.sock"),
        ("DOUMIBOOK_NAME",               "书店",                        "name", "书店"),
        ("DOUMIBOOK_NAME",               &many,                        "name", &many),
        ("DOUMIBOOK_WELCOME",            "你好\\n再见",                  "welcome", "set"),
        ("DOUMIBOOK_DOUBAN_URL",         "https://d.example/x/",       "douban_url", "https://d.example/x/"),
        ("DOUMIBOOK_DOUBAN_URL",         "http://192.168.1.2:8085",    "sources", "douban"),
        ("DOUMIBOOK_DOUBAN_KEY",         "k",                          "sources", "douban"),
        ("DOUMIBOOK_DOUBAN_PER_MINUTE",  "6000",                       "douban_per_minute", "6000"),
        ("DOUMIBOOK_NEODB_URL",          "https://n.example",          "sources", "neodb"),
        ("DOUMIBOOK_NEODB_PER_MINUTE",   "1",                          "neodb_per_minute", "1"),
        ("DOUMIBOOK_CONTACT",            "me@example.org",             "contact", "me@example.org"),
        ("DOUMIBOOK_SHELF",              "/srv/books.csv",             "shelf", "/srv/books.csv"),
        ("DOUMIBOOK_SHELF",              "/srv/books.csv",             "sources", "shelf"),
        ("DOUMIBOOK_SOURCES",            " neodb, douban ",            "sources", "neodb,douban"),
        ("DOUMIBOOK_INTERLIB_URL",       "http://183.61.108.206:8088/opac/index", "sources", "interlib"),
        ("DOUMIBOOK_INTERLIB_LIB",       "STC001",                     "interlib_lib", "STC001"),
        ("DOUMIBOOK_INTERLIB_PER_MINUTE", "6000",                      "interlib_per_minute", "6000"),
        ("DOUMIBOOK_WORKERS",            "1",                          "workers", "1"),
        ("DOUMIBOOK_WORKERS",            "64",                         "workers", "64"),
        ("DOUMIBOOK_CONNECTIONS",        "8",                          "connections", "8"),
        ("DOUMIBOOK_CONNECTIONS",        "65536",                      "connections", "65536"),
        ("DOUMIBOOK_LOOKUPS",            "1024",                       "lookups", "1024"),
        ("DOUMIBOOK_MEMORY",             "64K",                        "memory", "64K"),
        ("DOUMIBOOK_MEMORY",             "1024M",                      "memory", "1024M"),
        ("DOUMIBOOK_DEADLINE_MS",        "1000",                       "deadline_ms", "1000"),
        ("DOUMIBOOK_DEADLINE_MS",        "4900",                       "deadline_ms", "4900"),
        ("DOUMIBOOK_DELIVERIES",         "1",                          "deliveries", "1"),
        ("DOUMIBOOK_LOG_TEXT",           "yes",                        "log_text", "yes"),
        ("HOME",                         "/root",                      "workers", "4"),
    ] {
        let settings = read(&[(name, value)], &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert_eq!(shown(&settings, name_shown), value_shown, "{name}={value}");
    }
}

#[test]
#[rustfmt::skip]
fn what_is_wrong_is_said_in_one_sentence() {
    let (long, dear) = ("长".repeat(31), format!("{}!", &KEY[1..]));
    let address = "expected an address and a port, such as 127.0.0.1:8080 or [::1]:8080, or unix:/run/doumibook/http.sock";
    let https = "expected https://; plain http:// is only for localhost and private addresses (127.0.0.1, 10.…, 172.16.… to 172.31.…, 192.168.…, 100.64.…, [::1], [fd…])";
    let app_id = "expected the console's AppID, wx and letters and digits, such as wxba5fad812f8e6fb9";
    let some = "expected some of shelf, interlib, douban, neodb, each once, with commas";
    let bytes = "expected bytes, 512K or 16M, from 64K to 1024M";
    for (name, value, sentence) in [
        ("TOKEN",             "ab",                 "has 2 characters; expected 3 to 32 letters and digits (A-Z, a-z, 0-9)"),
        ("TOKEN",             "tok-en",             "has 6 characters, not all of them letters or digits; expected 3 to 32 letters and digits (A-Z, a-z, 0-9)"),
        ("TOKEN_OLD",         "Old1",               "is set without DOUMIBOOK_TOKEN"),
        ("AES_KEY",           &dear,                "has 43 characters, not all of them letters or digits; expected the 43 letters and digits of the console's EncodingAESKey"),
        ("AES_KEY",           "Pw9",                "has 3 characters; expected the 43 letters and digits of the console's EncodingAESKey"),
        ("AES_KEY",           KEY,                  "is set without DOUMIBOOK_APP_ID; expected the AppID (wx…) that the console shows beside the key"),
        ("AES_KEY_OLD",       KEY,                  "is set without DOUMIBOOK_AES_KEY"),
        ("APP_ID",            "gh_0123456789ab",    &format!("is \"gh_0123456789ab\"; {app_id}")),
        ("MODE",              "secure",             "is \"secure\", which needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID"),
        ("MODE",              "compatible",         "is \"compatible\", which needs DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID"),
        ("MODE",              "aes",                "is \"aes\"; expected plain, compatible or secure"),
        ("LISTEN",            "8080",               &format!("is \"8080\"; {address}")),
        ("LISTEN",            "localhost:8080",     &format!("is \"localhost:8080\"; {address}")),
        ("LISTEN",            "unix:http.sock",     &format!("is \"unix:http.sock\"; {address}")),
        ("LISTEN",            "1.2.3.4:99999",      &format!("is \"1.2.3.4:99999\"; {address}")),
        ("NAME",              &long,                &format!("is \"{long}\"; expected at most 30 characters on one line")),
        ("WELCOME",           &"长".repeat(683),    "has 683 characters; expected at most 2048 bytes, as WeChat delivers; a Chinese character takes 3"),
        ("WELCOME",           "\\n \\n",           "has 5 characters; expected words, or nothing for the built-in welcome"),
        ("SOURCES",           "shelf",              "names shelf, but DOUMIBOOK_SHELF is not set; expected the path of a file of books there"),
        ("SOURCES",           "interlib,neodb",     "names interlib, but DOUMIBOOK_INTERLIB_URL is not set; expected the address of the library's catalogue there"),
        ("INTERLIB_URL",      "opac.example.org",   "is \"opac.example.org\"; expected an address such as https://example.org or http://127.0.0.1:8080"),
        ("INTERLIB_URL",      "http://me:Pw9@a/opac", "is not shown here; expected an address without a user name or password before the host"),
        ("INTERLIB_LIB",      "潮州",                "is \"潮州\"; expected a code such as STC001, as after curlibcode= on its pages"),
        ("INTERLIB_PER_MINUTE", "0",                "is \"0\"; expected a number from 1 to 6000"),
        ("SOURCES",           "douban,amazon",      &format!("is \"douban,amazon\"; {some}")),
        ("SOURCES",           ",",                  &format!("is \",\"; {some}")),
        ("SOURCES",           "neodb,neodb",        &format!("is \"neodb,neodb\"; {some}")),
        ("DOUBAN_URL",        "http://d.example",   &format!("is \"http://d.example\"; {https}")),
        ("DOUBAN_URL",        "d.example",          "is \"d.example\"; expected an address such as https://example.org or http://127.0.0.1:8080"),
        ("DOUBAN_URL",        "https://me:Pw9@d.x", "is not shown here; expected an address without a user name or password before the host"),
        ("NEODB_URL",         "https://n.x/?k=Pw9", "is not shown here; expected an address without ? or #: what follows is added to it"),
        ("DOUBAN_PER_MINUTE", "0",                  "is \"0\"; expected a number from 1 to 1000000"),
        ("NEODB_PER_MINUTE",  "many",               "is \"many\"; expected a number from 1 to 6000"),
        ("CONTACT",           "me (at) home",       "is \"me (at) home\"; expected a mail address or a URL: at most 100 visible ASCII characters, no blanks"),
        ("WORKERS",           "0",                  "is \"0\"; expected a number from 1 to 64"),
        ("WORKERS",           "65",                 "is \"65\"; expected a number from 1 to 64"),
        ("WORKERS",           "-1",                 "is \"-1\"; expected a number from 1 to 64"),
        ("CONNECTIONS",       "7",                  "is \"7\"; expected a number from 8 to 65536"),
        ("LOOKUPS",           "1025",               "is \"1025\"; expected a number from 1 to 1024"),
        ("MEMORY",            "0",                  &format!("is \"0\"; {bytes}")),
        ("MEMORY",            "63K",                &format!("is \"63K\"; {bytes}")),
        ("MEMORY",            "16G",                &format!("is \"16G\"; {bytes}")),
        ("MEMORY",            "1025M",              &format!("is \"1025M\"; {bytes}")),
        ("MEMORY",            "99999999999999999M", &format!("is \"99999999999999999M\"; {bytes}")),
        ("DEADLINE_MS",       "999",                "is \"999\"; expected a number from 1000 to 4900"),
        ("DEADLINE_MS",       "4.5",                "is \"4.5\"; expected a number from 1000 to 4900"),
        ("DELIVERIES",        "4",                  "is \"4\"; expected a number from 1 to 3"),
        ("SILENCES",          "1001",               "is \"1001\"; expected a number from 0 to 1000"),
        ("LOG_TEXT",          "true",               "is \"true\"; expected yes or no"),
        ("TOKN",              "abc",                "is no setting of doumibook; did you mean DOUMIBOOK_TOKEN?"),
        ("DOUBAN_APIKEY",     "abc",                "is no setting of doumibook; did you mean DOUMIBOOK_DOUBAN_KEY?"),
    ] {
        let name = format!("DOUMIBOOK_{name}");
        let wrong = read(&[(&name, value)], &[]).map(|_| ()).unwrap_err();
        // Whoever sets a key alone is told of the AppID as well.
        let first = wrong.lines().next().unwrap();
        assert_eq!(first, format!("{name} {sentence}"), "{name}={value}");
        let secret = name.contains("TOKEN") || name.contains("AES_KEY");
        let hidden = if secret { value } else { "Pw9" };
        assert!(!wrong.contains(hidden), "{wrong}");
    }
}

#[test]
fn without_anything_there_are_the_defaults() {
    let settings = read(&[], &[]).unwrap();
    assert_eq!(
        settings.to_string(),
        "token=none token_old=none aes_key=none aes_key_old=none app_id=none app_secret=none \
         api_url=https://api.weixin.qq.com mode=plain listen=127.0.0.1:8080 name=豆米查书 \
         welcome=built in replies=none wishes=no links=douban sources= interlib_url=none interlib_lib=none interlib_per_minute=60 \
         douban_url=https://api.douban.com douban_key=none \
         douban_per_minute=8 neodb_url=https://neodb.social neodb_per_minute=30 contact=none \
         shelf=none workers=4 connections=256 lookups=64 memory=4M deadline_ms=4500 \
         deliveries=3 silences=10 log_text=no"
    );
    // What is shown is what tables say; this is what is done.
    assert_eq!(settings.api_url.as_str(), "https://api.weixin.qq.com");
    assert_eq!(settings.douban_url.as_str(), "https://api.douban.com");
    assert_eq!(settings.neodb_url.as_str(), "https://neodb.social");
    assert_eq!((settings.douban_per_minute, settings.neodb_per_minute), (8, 30));
    assert_eq!((settings.workers, settings.connections, settings.lookups), (4, 256, 64));
    assert_eq!((settings.name.as_str(), settings.memory), ("豆米查书", 4 << 20));
    assert_eq!(settings.deadline, Duration::from_millis(4500));
    assert_eq!((settings.deliveries, settings.log_text), (3, false));
}

#[test]
fn everything_wrong_is_said_at_once_and_nothing_that_only_follows_from_it() {
    let wrong = read(
        &[
            ("DOUMIBOOK_AES_KEY", "short"),
            APP,
            ("DOUMIBOOK_MODE", "secure"),
            ("DOUMIBOOK_TOKN", "x"),
            ("DOUMIBOOK_WORKERS", "0"),
        ],
        &[],
    );
    let names: Vec<_> = wrong.map(|_| ()).unwrap_err().lines().map(first_word).collect();
    assert_eq!(names, ["DOUMIBOOK_TOKN", "DOUMIBOOK_AES_KEY", "DOUMIBOOK_WORKERS"]);
}

fn first_word(line: &str) -> String {
    line.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn a_line_break_in_the_welcome_is_written_with_two_characters() {
    let settings = read(&[("DOUMIBOOK_WELCOME", "你好\\n再见")], &[]).unwrap();
    assert_eq!(settings.welcome.as_deref(), Some("你好\n再见"));
}

#[test]
#[rustfmt::skip]
fn a_key_asks_for_envelopes_unless_the_mode_says_otherwise() {
    for (mode, accepted) in [
        ("",           Mode::Secure),
        ("secure",     Mode::Secure),
        ("compatible", Mode::Compatible),
        ("plain",      Mode::Plain),
    ] {
        let settings = read(&[("DOUMIBOOK_AES_KEY", KEY), APP, ("DOUMIBOOK_MODE", mode)], &[]);
        assert_eq!(settings.unwrap().mode, accepted, "{mode:?}");
    }
}

#[test]
fn the_order_of_sources_does_not_depend_on_the_order_of_variables() {
    let set_up = [
        ("DOUMIBOOK_NEODB_URL", "https://n.example"),
        ("DOUMIBOOK_DOUBAN_KEY", "k"),
        ("DOUMIBOOK_INTERLIB_URL", "http://opac.example.org/opac"),
        ("DOUMIBOOK_SHELF", "books.csv"),
    ];
    assert_eq!(shown(&read(&set_up, &[]).unwrap(), "sources"), "shelf,interlib,douban,neodb");
    let wanted = [&set_up[..], &[("DOUMIBOOK_SOURCES", "douban,shelf")]].concat();
    assert_eq!(shown(&read(&wanted, &[]).unwrap(), "sources"), "douban,shelf");
}

#[test]
fn secrets_come_from_files_and_variables_win() {
    let files = [
        ("token", "FileToken\n"),
        ("token_old", "FileOld"),
        ("aes_key", KEY),
        ("aes_key_old", KEY),
        ("douban_key", " k1 \n"),
    ];
    let settings = read(&[APP], &files).unwrap();
    assert_eq!((settings.tokens.len(), settings.keys.len()), (2, 2));
    assert_eq!(settings.douban_key.as_ref().map(|key| key.expose()), Some("k1"));
    for secret in ["FileToken", "FileOld", KEY, "k1"] {
        assert!(!settings.to_string().contains(secret), "{settings}");
    }
    let settings = read(&[APP, ("DOUMIBOOK_DOUBAN_KEY", "k2")], &files).unwrap();
    assert_eq!(settings.douban_key.as_ref().map(|key| key.expose()), Some("k2"));

    let wrong = |files: &[(&str, &str)]| read(&[], files).map(|_| ()).unwrap_err();
    assert_eq!(
        wrong(&[("token_old", "Old1")]),
        "DOUMIBOOK_TOKEN_OLD is set without DOUMIBOOK_TOKEN"
    );
    assert_eq!(
        wrong(&[("token", "a b")]),
        "DOUMIBOOK_TOKEN has 3 characters, not all of them letters or digits; expected 3 to 32 letters and digits (A-Z, a-z, 0-9)"
    );
}
