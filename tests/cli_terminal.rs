//! What other servers answer never moves a terminal's cursor: the real binary, asked by a person.

use std::process::{Command, Stdio};

use support::upstream::{Reaction, Request, Upstream};

mod support;

/// Clears the screen, sets a title, rings, hides, turns text round: as bytes, and as XML, JSON and
/// percent-encoding write them.
const HOSTILE: &str =
    "\u{1b}[2J\u{9b}31m\u{1b}]0;title\u{7}\u{7f}\u{85}\u{202e}\u{2066}\u{e0041}\u{200b}";

/// Standard output and error of the program, which must end well or badly as `works` says.
fn output(arguments: &[&str], settings: &[(&str, &str)], input: &str, works: bool) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doumibook"));
    command.args(arguments).env_clear().env("DOUMIBOOK_TOKEN", "demo").envs(settings.to_vec());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.success(), works, "{arguments:?}: {text}");
    text
}

fn check(what: &str, printed: &str) {
    let odd =
        |c: char| c.is_control() && c != '\n' && c != '\t' || doumibook::sys::visible::is_hidden(c);
    assert!(!printed.contains(odd), "{what}: {printed:?}");
    assert!(printed.contains("seen"), "{what}: {printed:?}");
}

fn reply(kind: &str, inside: &str) -> String {
    format!("<xml><MsgType>{kind}</MsgType>{inside}</xml>")
}

#[test]
fn a_hostile_server_reaches_no_terminal_through_ask() {
    let tap = "weixin://bizmsgmenu?msgmenucontent=%1B%5B2Jseen%C2%9B31m%E2%80%AE&msgmenuid=1";
    for (what, status, body) in [
        ("text", 200, reply("text", &format!("<Content><![CDATA[seen{HOSTILE}]]></Content>"))),
        ("references", 200, reply("text", "<Content>seen&#155;31m&#x202e;&#x85;&#127;</Content>")),
        ("a tap", 200, reply("text", &format!("<Content><![CDATA[<a href=\"{tap}\">a</a>]]></Content>"))),
        (
            "a card",
            200,
            reply(
                "news",
                &format!(
                    "<Articles><item><Title>seen{HOSTILE}</Title><Description>{HOSTILE}</Description>\
                     <PicUrl>{HOSTILE}</PicUrl><Url>{HOSTILE}</Url></item></Articles>"
                )
                .replace(['\u{1b}', '\u{7}'], ""),
            ),
        ),
        ("no XML", 200, format!("seen{HOSTILE}")),
        ("a refusal", 500, format!("seen{HOSTILE}")),
    ] {
        let server = Upstream::start(move |_| Reaction::status(status, body.clone()));
        for more in [&[][..], &["--show", "xml"]] {
            let arguments = [&["ask", "三体", "--url", server.url()], more].concat();
            check(what, &output(&arguments, &[], "", status == 200));
        }
    }
}

#[test]
fn a_hostile_api_reaches_no_terminal_through_menu() {
    let api = Upstream::start(|request: &Request| match request.path() {
        "/cgi-bin/stable_token" => Reaction::json(r#"{"access_token":"t","expires_in":7200}"#),
        _ => Reaction::json(format!(
            "{{\"menu\":{{\"button\":[{{\"name\":{}}}]}}}}",
            serde_json::to_string(&format!("seen{HOSTILE}")).unwrap()
        )),
    });
    let settings = [
        ("DOUMIBOOK_APP_ID", "wxba5fad812f8e6fb9"),
        ("DOUMIBOOK_APP_SECRET", "0123456789abcdef0123456789abcdef"),
        ("DOUMIBOOK_API_URL", api.url()),
    ];
    check("menu show", &output(&["menu", "show"], &settings, "", true));
    // A menu may come from standard input.
    let menu = output(&["menu", "default"], &[], "", true);
    let pushed = output(&["menu", "push", "-"], &settings, &menu, true);
    assert!(pushed.contains("The menu is set"), "{pushed}");
    let refused = output(&["menu", "push", "-"], &settings, "{}", false);
    assert!(refused.contains("expected {\"button\": […]}"), "{refused}");
}

#[test]
fn a_hostile_source_reaches_no_terminal_through_check() {
    let to = "http://evil.example/a";
    let douban = Upstream::start(move |_| Reaction::redirect(to));
    let settings = [("DOUMIBOOK_DOUBAN_URL", douban.url()), ("DOUMIBOOK_LISTEN", "127.0.0.1:0")];
    let report = output(&["check"], &settings, "", false);
    assert!(report.contains("redirected to evil.example"), "{report}");
    assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
}
