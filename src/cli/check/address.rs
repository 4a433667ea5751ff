//! The address `serve` will listen on, as `check` finds it.
//!
//! In: settings. Out: whether the address is free, or who has it. Binds it for a moment. Whoever
//! listens there is shown no signed request but in secure mode, where it is worth nothing.

use std::io;
use std::time::Duration;

use super::finding::{Finding, Level, ok, warning, wrong};
use crate::cli::serve;
use crate::cli::settings::Settings;
use crate::sys::probe;
use crate::sys::unix::{self, Address, Listener};
use crate::wechat::credentials::Mode;
use crate::wechat::signature::{Token, sign};

/// A server of ours says at once who it is, or is started by systemd within a second.
const SILENT: Duration = Duration::from_secs(2);

/// Whether the address can be listened on, or who does already.
pub fn listen(settings: &Settings) -> Finding {
    let address = &settings.listen;
    let found = match Listener::bind(address) {
        Ok(listener) => {
            listener.clean_up();
            ok(format!(
                "{address} is free; with doumibook.socket, its ListenStream= decides instead"
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => match settings.mode {
            Mode::Secure => in_use(address, &settings.tokens),
            // There, a signed query is all it takes to send a push: nothing for a stranger.
            Mode::Plain | Mode::Compatible => in_use_unsigned(address),
        },
        Err(error) => wrong(serve::cannot_listen("DOUMIBOOK_LISTEN", address, &error)),
    };
    if found.0 == Level::Ok && settings.mode == Mode::Plain && address.is_public() {
        return warning(format!(
            "{}; other machines reach it, and in plain mode (明文模式) whoever sees one request can \
             write in any reader's name: choose secure mode, or listen on 127.0.0.1 behind nginx",
            found.1
        ));
    }
    found
}

/// Who is there already? Asked without a signature, so that it stays open whether a doumibook has
/// this token.
fn in_use_unsigned(address: &Address) -> Finding {
    match probe::probe(address, "/healthz", SILENT) {
        Ok((200, body)) if body == b"ok\n" => ok(format!(
            "{address} is served by doumibook already; whether with this token was not tried, \
             since only in secure mode a signed request may be shown to whoever listens"
        )),
        answer => somebody(address, answer),
    }
}

/// Who is there already? Only a doumibook with this token can return what it is given here.
fn in_use(address: &Address, tokens: &[Token]) -> Finding {
    let now = unix::seconds().to_string();
    let echo = format!("{:032x}", u128::from_be_bytes(unix::random()));
    let signed = tokens.first().map(|token| {
        let signature = sign(token, &[&now, &echo]);
        format!("/weixin?signature={signature}&timestamp={now}&nonce={echo}&echostr={echo}")
    });
    match probe::probe(address, signed.as_deref().unwrap_or("/weixin"), SILENT) {
        Ok((200, body)) if body == echo.as_bytes() => {
            ok(format!("{address} is served by doumibook already, with this token"))
        }
        Ok((403, _)) => warning(format!(
            "{address} is in use by a server that refuses this token: an older doumibook \
             (systemctl restart doumibook), or another program (ss -ltnp)"
        )),
        answer => somebody(address, answer),
    }
}

/// Whoever uses the address is no doumibook.
fn somebody(address: &Address, answer: io::Result<(u16, Vec<u8>)>) -> Finding {
    match answer {
        Ok((status, _)) => wrong(format!(
            "{address} is used by another program, which answers {status}; stop it, or change \
             DOUMIBOOK_LISTEN"
        )),
        Err(_) => wrong(format!(
            "{address} is in use, but nobody answers there; see systemctl status \
             doumibook.socket doumibook.service, or ss -ltnp"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs =
            pairs.iter().map(|(name, value)| (format!("DOUMIBOOK_{name}"), value.to_string()));
        Settings::read(pairs).unwrap()
    }

    const SECURE: [(&str, &str); 3] = [
        ("TOKEN", "demo"),
        ("AES_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        ("APP_ID", "wxba5fad812f8e6fb9"),
    ];

    /// What is said of an address where everybody is told this, and what was asked there.
    fn taken(pairs: &[(&str, &str)], says: &'static str) -> (Finding, String) {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut settings = settings(pairs);
        settings.listen = Address::Tcp(taken.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut client, _) = taken.accept().unwrap();
            let mut request = [0; 1024];
            let count = client.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let rest = request.split_once("&echostr=").map_or("", |(_, rest)| rest);
            let echo = rest.split(' ').next().unwrap();
            client.write_all(says.replace("{echo}", echo).as_bytes()).unwrap();
            request
        });
        let found = listen(&settings);
        (found, server.join().unwrap())
    }

    #[test]
    #[rustfmt::skip]
    fn only_who_knows_the_token_is_taken_for_us() {
        for (says, level, finding) in [
            ("HTTP/1.1 200 OK\r\n\r\n{echo}",          Level::Ok,      "is served by doumibook already, with this token"),
            ("HTTP/1.1 403 Forbidden\r\n\r\n",         Level::Warning, "by a server that refuses this token"),
            ("HTTP/1.1 200 OK\r\n\r\nok\n",            Level::Wrong,   "another program, which answers 200; stop it"),
            ("SSH-2.0-OpenSSH_9.2\r\n",                Level::Wrong,   "in use, but nobody answers there"),
        ] {
            let (found, asked) = taken(&SECURE, says);
            assert_eq!(found.0, level, "{found:?}");
            assert!(found.1.contains(finding), "{found:?}");
            assert!(asked.contains("signature="), "{asked}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn nothing_signed_is_shown_where_it_is_all_it_takes() {
        let compatible = [&SECURE[..], &[("MODE", "compatible")]].concat();
        for (says, level, finding) in [
            ("HTTP/1.1 200 OK\r\n\r\nok\n",            Level::Ok,    "whether with this token was not tried"),
            ("HTTP/1.1 403 Forbidden\r\n\r\n",         Level::Wrong, "another program, which answers 403; stop it"),
            ("SSH-2.0-OpenSSH_9.2\r\n",                Level::Wrong, "in use, but nobody answers there"),
        ] {
            for pairs in [&SECURE[..1], &compatible] {
                let (found, asked) = taken(pairs, says);
                assert_eq!(found.0, level, "{found:?}");
                assert!(found.1.contains(finding), "{found:?}");
                assert!(asked.starts_with("GET /healthz HTTP/1.1\r\n"), "{asked}");
            }
        }
    }

    #[test]
    #[rustfmt::skip]
    fn where_nobody_can_listen_it_says_what_would_be_right() {
        for (address, pairs, level, says) in [
            ("127.0.0.1:0",  &SECURE[..1], Level::Ok,      "127.0.0.1:0 is free; with doumibook.socket, its ListenStream= decides instead"),
            ("0.0.0.0:0",    &SECURE[..],  Level::Ok,      "its ListenStream= decides instead"),
            ("0.0.0.0:0",    &SECURE[..1], Level::Warning, "choose secure mode, or listen on 127.0.0.1 behind nginx"),
            ("192.0.2.1:80", &SECURE[..1], Level::Wrong,   "expected an address of this machine"),
        ] {
            let mut settings = settings(pairs);
            settings.listen = Address::Tcp(address.parse().unwrap());
            let found = listen(&settings);
            assert_eq!(found.0, level, "{found:?}");
            assert!(found.1.ends_with(says), "{found:?}");
        }
    }
}
