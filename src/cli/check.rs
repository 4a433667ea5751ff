//! `doumibook check`: what the operator has set up, looked at before a reader does.
//!
//! In: settings as `serve` would read them, and probes of everything around. Out: a
//! report, one line a subject, each saying that it is right, or what is wrong and what to
//! do. It changes nothing but for a moment: it binds the address and writes a file, and takes
//! both back. Secrets are never shown. The report is pure; only the probes do I/O.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue::book::Source;
use crate::catalogue::interlib::Checked;
use crate::catalogue::shelf::{Loaded, Shelf};
use crate::catalogue::{Outcome, Query};
use crate::chat::card;
use crate::cli::serve;
use crate::cli::settings::Settings;
use crate::cli::setup;
use crate::service::persistence;
use crate::sys::probe;
use crate::sys::unix::{self, Address, Listener};
use crate::wechat::credentials::Mode;
use crate::wechat::signature::{Token, sign};

/// 2025-01-01, before this program was written.
const NOT_BEFORE: u64 = 1_735_689_600;
/// What every source of Chinese books knows.
const QUESTION: &str = "三体";
/// What every Chinese library has.
const LIBRARY_QUESTION: &str = crate::catalogue::interlib::QUESTION;
/// Longer than any lookup gives one source, so that a slow one is told from a dead one.
const PATIENCE: Duration = Duration::from_secs(10);
/// A server of ours says at once who it is, or is started by systemd within a second.
const SILENT: Duration = Duration::from_secs(2);

/// Books of the shelf that are shown, and lines of its file that are not served.
const SHOWN: usize = 3;
const BAD_LINES: usize = 5;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing to do.
    Ok,
    /// It works, but somebody should look.
    Warning,
    /// It does not work.
    Wrong,
}

/// What was found, and what to do.
type Finding = (Level, String);

/// All that was found, by subject.
pub type Findings = Vec<(&'static str, Finding)>;

/// The findings for a terminal, and the exit code: how bad it is on the whole.
pub fn report(findings: &Findings) -> (String, u8) {
    let mut text = String::new();
    for (subject, (level, finding)) in findings {
        let level = format!("{level:?}").to_uppercase();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{level:<8} {subject:<8} {finding}");
    }
    let worst = findings.iter().map(|(_, (level, _))| *level).max().unwrap_or(Level::Ok);
    text.push_str(match worst {
        Level::Ok => "Ready to serve.\n",
        Level::Warning => "Ready to serve; the warnings above deserve a look.\n",
        Level::Wrong => "Not ready: mend what is WRONG above, then check again.\n",
    });
    (text, worst as u8)
}

fn ok(text: impl Into<String>) -> Finding {
    (Level::Ok, text.into())
}

fn warning(text: impl Into<String>) -> Finding {
    (Level::Warning, text.into())
}

fn wrong(text: impl Into<String>) -> Finding {
    (Level::Wrong, text.into())
}

/// Looks at everything but what cannot be told because of a setting that is `wrong`. `state`:
/// the state directory, if the environment names one.
pub fn check(settings: &Settings, wrong: Vec<String>, state: Option<PathBuf>) -> Findings {
    let mut found = Findings::new();
    let right = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| format!("DOUMIBOOK_{name}")).collect();
        !wrong.iter().any(|sentence| names.iter().any(|name| sentence.contains(name)))
    };
    if right(&["TOKEN"]) {
        found.push(("token", token(settings)));
    }
    if right(&["AES_KEY", "APP_ID", "MODE"]) {
        found.push(("mode", mode(settings)));
    }
    if right(&["LISTEN"]) {
        found.push(("listen", listen(&settings.listen, &settings.tokens)));
    }
    found.push(("clock", clock(unix::seconds())));
    if right(&["SOURCES", "SHELF", "INTERLIB", "DOUBAN", "NEODB", "CONTACT"]) {
        found.extend(settings.shelf.as_deref().map(shelf).unwrap_or_default());
        found.extend(sources(settings));
    }
    found.push(("state", state_directory(state.as_deref())));
    if right(&["WORKERS", "CONNECTIONS", "LOOKUPS"]) {
        found.push(("files", open_files(settings, serve::allowed(settings))));
    }
    let wrong = wrong.into_iter().map(|sentence| ("settings", (Level::Wrong, sentence)));
    wrong.chain(found).collect()
}

fn token(settings: &Settings) -> Finding {
    match settings.tokens.len() {
        0 => wrong(
            "DOUMIBOOK_TOKEN is not set; choose 3 to 32 letters and digits and give the console \
             the same (微信开发者平台 → 我的业务 → 公众号 → 基础信息 → 域名与消息推送配置)",
        ),
        1 => ok("set, in the right form"),
        _ => ok("set, in the right form; the old one is accepted too"),
    }
}

fn mode(settings: &Settings) -> Finding {
    let old = if settings.keys.len() > 1 { "; the old AES key is accepted too" } else { "" };
    let app_id = settings.app_id.as_ref().map_or("none", |id| id.as_str());
    let rest = format!(", AES key set, AppID {app_id}{old}");
    match settings.mode {
        Mode::Secure => ok(format!("secure (安全模式){rest}")),
        Mode::Compatible => ok(format!("compatible (兼容模式){rest}")),
        Mode::Plain if settings.keys.is_empty() => {
            ok("plain: the console must say 明文模式; secure mode needs DOUMIBOOK_AES_KEY")
        }
        Mode::Plain => warning(
            "plain, although an AES key is set: clear pushes are accepted; without \
             DOUMIBOOK_MODE only sealed ones would be",
        ),
    }
}

fn listen(address: &Address, tokens: &[Token]) -> Finding {
    match Listener::bind(address) {
        Ok(listener) => {
            listener.clean_up();
            ok(format!(
                "{address} is free; with doumibook.socket, its ListenStream= decides instead"
            ))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => in_use(address, tokens),
        Err(error) => wrong(serve::cannot_listen("DOUMIBOOK_LISTEN", address, &error)),
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

fn clock(now: u64) -> Finding {
    let (year, month, day) = date(now / 86_400);
    let (hour, minute, second) = (now / 3600 % 24, now / 60 % 60, now % 60);
    let time = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC");
    if now >= NOT_BEFORE {
        return ok(time);
    }
    wrong(format!(
        "{time}, which is past: certificates and remembered answers will be refused; run \
         timedatectl"
    ))
}

/// Year, month and day of so many days since 1970: years begin in March, so that leap days come
/// last (Hinnant, civil_from_days).
fn date(days: u64) -> (u64, u64, u64) {
    let (era, day) = ((days + 719_468) / 146_097, (days + 719_468) % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (late, day) = (month / 10, day - (153 * month + 2) / 5 + 1);
    (era * 400 + year + late, month + 3 - 12 * late, day)
}

/// How the shelf's file was understood, and its first books as a reader would see them. That it
/// cannot be served is told by [`sources`].
fn shelf(path: &Path) -> Findings {
    let Ok(Loaded { shelf, bad, understood }) = Shelf::load(path) else { return Findings::new() };
    let mut found: Findings =
        understood.to_string().lines().map(|line| ("file", ok(line))).collect();
    found.extend(bad.iter().take(BAD_LINES).map(|bad| ("file", warning(bad.to_string()))));
    let first = shelf.first(SHOWN);
    found.extend(first.iter().map(|book| ("file", ok(card::lines(book).join(" | ")))));
    found
}

fn sources(settings: &Settings) -> Findings {
    let catalogues = match setup::catalogues(settings) {
        Ok(catalogues) => catalogues,
        Err(sentence) => return vec![("sources", wrong(sentence))],
    };
    let (mut found, mut answered) = (Findings::new(), false);
    for (catalogue, _) in &catalogues {
        let Some(query) = Query::words(QUESTION) else { continue };
        if catalogue.source() == Source::Interlib {
            let (works, findings) = interlib(settings);
            answered |= works;
            found.extend(findings);
            continue;
        }
        let began = Instant::now();
        let outcome = catalogue.find(&query, began + PATIENCE);
        answered |= matches!(
            outcome,
            Outcome::Found(_) | Outcome::Guess(_) | Outcome::NotFound | Outcome::Unasked
        );
        let source = catalogue.source();
        found.push((source.name(), source_finding(source, &outcome, began.elapsed())));
    }
    if !answered {
        found.push(("sources", wrong("none answers: readers would find no book")));
    }
    found
}

/// Search and copies of the library's catalogue, each by itself, and whether it can be searched.
fn interlib(settings: &Settings) -> (bool, Findings) {
    let http = match setup::http(settings) {
        Ok(http) => Arc::new(http),
        Err(sentence) => return (false, vec![("interlib", wrong(sentence))]),
    };
    match setup::interlib(settings, http) {
        Ok(interlib) => interlib_findings(interlib.check(Instant::now() + PATIENCE)),
        Err(sentence) => (false, vec![("interlib", wrong(sentence))]),
    }
}

fn interlib_findings(checked: Checked) -> (bool, Findings) {
    let took = Duration::ZERO;
    let (works, search) = match &checked.search {
        Ok((0, took)) => (
            false,
            warning(format!(
                "search answers in {} ms, but has nothing for {LIBRARY_QUESTION}; are \
                 DOUMIBOOK_INTERLIB_URL and DOUMIBOOK_INTERLIB_LIB right?",
                took.as_millis()
            )),
        ),
        Ok((found, took)) => (
            true,
            ok(format!(
                "search works: {found} books for {LIBRARY_QUESTION} in {} ms",
                took.as_millis()
            )),
        ),
        Err(outcome) => {
            let (level, sentence) = source_finding(Source::Interlib, outcome, took);
            (false, (level, format!("search {}", sentence.replace(" after 0 ms", ""))))
        }
    };
    let copies = match &checked.copies {
        Ok(took) => ok(format!("copies work: told in {} ms", took.as_millis())),
        Err(Outcome::Unasked) => warning("copies could not be tried without a book"),
        Err(outcome) => {
            let (level, sentence) = source_finding(Source::Interlib, outcome, took);
            let sentence = sentence.replace(" after 0 ms", "");
            (level, format!("copies {sentence}; books are shown without copies"))
        }
    };
    (works, vec![("interlib", search), ("copies", copies)])
}

fn source_finding(source: Source, outcome: &Outcome, took: Duration) -> Finding {
    let millis = took.as_millis();
    match outcome {
        Outcome::Found(books) => ok(format!("{} books for {QUESTION} in {millis} ms", books.len())),
        Outcome::Guess(_) | Outcome::NotFound | Outcome::Unasked if source == Source::Shelf => {
            ok(format!("answers; {QUESTION} is not on it"))
        }
        Outcome::Guess(_) | Outcome::NotFound | Outcome::Unfit(_) | Outcome::Unasked => {
            warning(format!(
                "answers in {millis} ms, but does not know {QUESTION}; is it the right service?"
            ))
        }
        Outcome::Limited { reason, .. } => {
            warning(format!("limits us after {millis} ms: {reason}; try again later"))
        }
        Outcome::Operator(reason) => warning(format!("refuses us after {millis} ms: {reason}")),
        Outcome::Down(reason) => {
            let unreached = ["timed out", "could not", "the host's name", "the proxy"];
            let unreached = unreached.iter().any(|begins| reason.0.starts_with(begins));
            let hint = "; check this machine's network, name servers and proxy";
            let hint = if unreached { hint } else { "" };
            warning(format!("failed after {millis} ms: {reason}{hint}"))
        }
    }
}

fn state_directory(state: Option<&Path>) -> Finding {
    let Some(state) = state else {
        return ok(
            "STATE_DIRECTORY is not set here (the unit sets it); without it a restart forgets",
        );
    };
    let probe = state.join(".doumibook-check");
    match fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => ok(format!("answers are kept in {}", persistence::answers(state).display())),
        Err(error) => warning(format!(
            "{} cannot be written ({error}): a restart forgets; StateDirectory=doumibook in the \
             unit makes it",
            state.display()
        )),
    }
}

fn open_files(settings: &Settings, files: usize) -> Finding {
    let (wanted, possible) = (settings.connections, serve::connections(settings, files));
    if possible < wanted {
        return warning(format!(
            "{files} may be open, so {possible} connections instead of {wanted}; raise \
             LimitNOFILE to {}, or lower DOUMIBOOK_CONNECTIONS",
            serve::files(settings)
        ));
    }
    ok(format!("{files} may be open, enough for {wanted} connections"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Reason;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs =
            pairs.iter().map(|(name, value)| (format!("DOUMIBOOK_{name}"), value.to_string()));
        Settings::read(pairs).unwrap()
    }

    const KEY: (&str, &str) = ("AES_KEY", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG");
    const ID: (&str, &str) = ("APP_ID", "wxba5fad812f8e6fb9");

    #[test]
    #[rustfmt::skip]
    fn settings_are_told_without_their_secrets() {
        let token_ = ("TOKEN", "s3cret");
        for (pairs, level, says) in [
            (&[][..],                                         Level::Wrong,   "DOUMIBOOK_TOKEN is not set"),
            (&[token_],                                       Level::Ok,      "the console must say 明文模式"),
            (&[token_, ("TOKEN_OLD", "older1")],              Level::Ok,      "the old one is accepted too"),
            (&[token_, KEY, ID],                              Level::Ok,      "secure (安全模式), AES key set, AppID wxba5fad812f8e6fb9"),
            (&[token_, KEY, ID, ("MODE", "compatible")],      Level::Ok,      "compatible (兼容模式)"),
            (&[token_, KEY, ID, ("MODE", "plain")],           Level::Warning, "although an AES key is set"),
        ] {
            let settings = settings(pairs);
            let found = vec![("token", token(&settings)), ("mode", mode(&settings))];
            let (text, code) = report(&found);
            assert!(text.contains(says), "{text}");
            assert_eq!(code, level as u8, "{text}");
            assert!(!text.contains("s3cret") && !text.contains("abcdef"), "{text}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn what_a_source_said_is_worth() {
        let reason = || Reason::new("HTTP 500");
        for (source, outcome, level, says) in [
            (Source::Shelf,  Outcome::NotFound,                                         Level::Ok,      "answers; 三体 is not on it"),
            (Source::NeoDb,  Outcome::NotFound,                                         Level::Warning, "is it the right service?"),
            (Source::NeoDb,  Outcome::Found(vec![]),                                    Level::Ok,      "0 books for 三体 in 7 ms"),
            (Source::Douban, Outcome::Limited { retry_after: None, reason: reason() },  Level::Warning, "limits us after 7 ms: HTTP 500"),
            (Source::Douban, Outcome::Operator(reason()),                               Level::Warning, "refuses us after 7 ms: HTTP 500"),
            (Source::Douban, Outcome::Down(reason()),                                   Level::Warning, "failed after 7 ms: HTTP 500"),
            (Source::Douban, Outcome::Down(Reason::new("could not connect")),           Level::Warning, "could not connect; check this machine's network"),
        ] {
            let (found, text) = source_finding(source, &outcome, Duration::from_millis(7));
            assert_eq!(found, level, "{text}");
            assert!(text.contains(says), "{text}");
            assert_eq!(text.contains("network"), says.contains("network"), "{text}");
        }
    }

    /// What is said of an address where everybody is told this.
    fn taken(says: &'static str) -> Finding {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(taken.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut client, _) = taken.accept().unwrap();
            let mut request = [0; 1024];
            let count = client.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..count]).into_owned();
            let (_, rest) = request.split_once("&echostr=").unwrap();
            let echo = rest.split(' ').next().unwrap();
            client.write_all(says.replace("{echo}", echo).as_bytes()).unwrap();
        });
        let found = listen(&address, &[Token::parse("demo").unwrap()]);
        server.join().unwrap();
        found
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
            let found = taken(says);
            assert_eq!(found.0, level, "{found:?}");
            assert!(found.1.contains(finding), "{found:?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn where_nobody_can_listen_it_says_what_would_be_right() {
        for (address, level, says) in [
            ("127.0.0.1:0",  Level::Ok,    "127.0.0.1:0 is free; with doumibook.socket, its ListenStream= decides instead"),
            ("192.0.2.1:80", Level::Wrong, "expected an address of this machine"),
        ] {
            let found = listen(&Address::Tcp(address.parse().unwrap()), &[]);
            assert_eq!(found.0, level, "{found:?}");
            assert!(found.1.ends_with(says), "{found:?}");
        }
    }

    #[test]
    fn the_clock_is_shown_as_people_read_it() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_772_323_199, "2026-02-28 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            let (level, text) = clock(seconds);
            assert!(text.starts_with(shown), "{text}");
            assert_eq!(level == Level::Ok, seconds >= NOT_BEFORE, "{text}");
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!(state_directory(None).0, Level::Ok);
        assert_eq!(state_directory(Some(&std::env::temp_dir())).0, Level::Ok);
        assert_eq!(state_directory(Some(Path::new("/nonexistent"))).0, Level::Warning);
        let settings = settings(&[]);
        assert_eq!(open_files(&settings, serve::files(&settings)).0, Level::Ok);
        let few = open_files(&settings, 256);
        assert_eq!(few.0, Level::Warning);
        assert!(few.1.contains("raise LimitNOFILE to"), "{}", few.1);
    }
}
