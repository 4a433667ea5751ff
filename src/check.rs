//! `doumibook check`: what the operator has set up, looked at before a reader does.
//!
//! In: settings as `serve` would read them, and probes of everything around. Out: a
//! [`Report`], one line a subject, each saying that it is right, or what is wrong and what to
//! do. It changes nothing but for a moment: it binds the address and writes a file, and takes
//! both back. Secrets are never shown. The report is pure; only the probes do I/O.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::account::Mode;
use crate::book::Source;
use crate::catalogue::{Outcome, Query};
use crate::keeper;
use crate::knock;
use crate::serve;
use crate::settings::{Settings, Wrong};
use crate::unix::{self, Address, Listener};
use crate::{server, setup};

/// 2025-01-01, before this program was written.
const NOT_BEFORE: u64 = 1_735_689_600;
/// What every source of Chinese books knows.
const QUESTION: &str = "三体";
/// Longer than any lookup gives one source, so that a slow one is told from a dead one.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// All that was found, by subject; `Display` is for a terminal.
#[derive(Debug, Default)]
pub struct Report(Vec<(&'static str, Finding)>);

impl Report {
    fn add(&mut self, subject: &'static str, finding: Finding) {
        self.0.push((subject, finding));
    }

    /// How bad it is on the whole.
    pub fn level(&self) -> Level {
        self.0.iter().map(|(_, (level, _))| *level).max().unwrap_or(Level::Ok)
    }

    /// 0: all is well; 1: it works, with warnings; 2: it does not.
    pub fn exit(&self) -> u8 {
        self.level() as u8
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (subject, (level, text)) in &self.0 {
            let level = format!("{level:?}").to_uppercase();
            writeln!(f, "{level:<8} {subject:<8} {text}")?;
        }
        f.write_str(match self.level() {
            Level::Ok => "Ready to serve.\n",
            Level::Warning => "Ready to serve; the warnings above deserve a look.\n",
            Level::Wrong => "Not ready: mend what is WRONG above, then check again.\n",
        })
    }
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

/// Looks at everything. `state`: the state directory, if the environment names one.
pub fn check(settings: Result<Settings, Wrong>, state: Option<PathBuf>) -> Report {
    let mut report = Report::default();
    let settings = match settings {
        Ok(settings) => settings,
        Err(found) => {
            report.add("settings", wrong(found.0));
            return report;
        }
    };
    report.add("token", token(&settings));
    report.add("mode", mode(&settings));
    report.add("listen", listen(&settings.listen, std::env::var_os("LISTEN_FDS").is_some()));
    report.add("clock", clock(server::unix_seconds()));
    sources(&settings, &mut report);
    report.add("state", state_directory(state.as_deref()));
    let files = unix::open_files(serve::files(&settings) as u64);
    report.add("files", open_files(&settings, usize::try_from(files).unwrap_or(usize::MAX)));
    report
}

fn token(settings: &Settings) -> Finding {
    match settings.tokens.len() {
        0 => wrong(
            "DOUMIBOOK_TOKEN is not set; choose 3 to 32 letters and digits and give the console \
             the same",
        ),
        1 => ok("set, in the right form"),
        _ => ok("set, in the right form; the old one is accepted too"),
    }
}

fn mode(settings: &Settings) -> Finding {
    let old = if settings.keys.len() > 1 { "; the old AES key is accepted too" } else { "" };
    let app_id = settings.app_id.as_ref().map_or("none", |id| id.as_str());
    match settings.mode {
        Mode::Plain if settings.keys.is_empty() => {
            ok("plain: the console must say 明文模式; secure mode needs DOUMIBOOK_AES_KEY")
        }
        Mode::Plain => warning(
            "plain, although an AES key is set: clear pushes are accepted; without \
             DOUMIBOOK_MODE only sealed ones would be",
        ),
        mode => {
            let name = if mode == Mode::Secure {
                "secure (安全模式)"
            } else {
                "compatible (兼容模式)"
            };
            ok(format!("{name}, AES key set, AppID {app_id}{old}"))
        }
    }
}

fn listen(address: &Address, passed: bool) -> Finding {
    if passed {
        return ok("systemd passes the sockets");
    }
    match Listener::bind(address) {
        Ok(listener) => {
            listener.clean_up();
            ok(format!("{address} is free"))
        }
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            in_use(address, knock::knock(address, PATIENCE).ok())
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => wrong(format!(
            "{address}: not allowed; let systemd own the socket (systemctl enable --now \
             doumibook.socket), or choose a port from 1024 on"
        )),
        Err(error) => wrong(format!("{address}: {error}; check DOUMIBOOK_LISTEN")),
    }
}

fn in_use(address: &Address, status: Option<u16>) -> Finding {
    match status {
        Some(200) => ok(format!("{address} is served by doumibook already")),
        Some(404) => warning(format!(
            "{address} is in use by a server that answers 404, as doumibook does on an address \
             that is not loopback; see ss -ltnp whether it is ours"
        )),
        Some(status) => wrong(format!(
            "{address} is used by another program, which answers {status}; stop it, or change \
             DOUMIBOOK_LISTEN"
        )),
        None => wrong(format!(
            "{address} is in use, but nobody answers there; see systemctl status \
             doumibook.socket doumibook.service, or ss -ltnp"
        )),
    }
}

fn clock(now: u64) -> Finding {
    if now >= NOT_BEFORE {
        return ok(format!("{now} s since 1970; compare with date +%s on another machine"));
    }
    wrong(
        "the clock is before 2025: certificates and remembered answers will be refused; run \
         timedatectl",
    )
}

fn sources(settings: &Settings, report: &mut Report) {
    let catalogues = match setup::catalogues(settings) {
        Ok(catalogues) => catalogues,
        Err(sentence) => return report.add("sources", wrong(sentence)),
    };
    let mut answered = false;
    for (catalogue, _) in &catalogues {
        let Some(query) = Query::words(QUESTION) else { continue };
        let began = Instant::now();
        let outcome = catalogue.find(&query, began + PATIENCE);
        answered |= matches!(outcome, Outcome::Found(_) | Outcome::NotFound | Outcome::Unasked);
        let source = catalogue.source();
        report.add(source.name(), source_finding(source, &outcome, began.elapsed()));
    }
    if !answered {
        report.add("sources", wrong("none answers: readers would find no book"));
    }
}

fn source_finding(source: Source, outcome: &Outcome, took: Duration) -> Finding {
    let millis = took.as_millis();
    match outcome {
        Outcome::Found(books) => ok(format!("{} books for {QUESTION} in {millis} ms", books.len())),
        Outcome::NotFound | Outcome::Unasked if source == Source::Shelf => {
            ok(format!("answers; {QUESTION} is not on it"))
        }
        Outcome::NotFound | Outcome::Unasked => warning(format!(
            "answers in {millis} ms, but does not know {QUESTION}; is it the right service?"
        )),
        Outcome::Limited { reason, .. } => {
            warning(format!("limits us after {millis} ms: {reason}; try again later"))
        }
        Outcome::Operator(reason) => warning(format!("refuses us after {millis} ms: {reason}")),
        Outcome::Down(reason) => warning(format!(
            "failed after {millis} ms: {reason}; check this machine's network, name servers and \
             proxy"
        )),
    }
}

fn state_directory(state: Option<&Path>) -> Finding {
    let Some(state) = state else {
        return ok(
            "STATE_DIRECTORY is not set here (the unit sets it); without it a restart forgets",
        );
    };
    let probe = state.join(".doumibook-check");
    let written = fs::write(&probe, "").and_then(|()| fs::remove_file(&probe));
    match written {
        Ok(()) => ok(format!("answers are kept in {}", keeper::answers(state).display())),
        Err(error) => warning(format!(
            "{} cannot be written ({error}): a restart forgets; StateDirectory=doumibook in the \
             unit makes it",
            state.display()
        )),
    }
}

fn open_files(settings: &Settings, files: usize) -> Finding {
    let (wanted, possible) = (settings.connections, serve::places(settings, files).0);
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
    use std::net::TcpListener;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        let pairs =
            pairs.iter().map(|(name, value)| (format!("DOUMIBOOK_{name}"), value.to_string()));
        Settings::read(pairs, &|_| None).unwrap()
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
            let mut report = Report::default();
            report.add("token", token(&settings));
            report.add("mode", mode(&settings));
            let text = report.to_string();
            assert!(text.contains(says), "{text}");
            assert_eq!(report.level(), level, "{text}");
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
        ] {
            let (found, text) = source_finding(source, &outcome, Duration::from_millis(7));
            assert_eq!(found, level, "{text}");
            assert!(text.contains(says), "{text}");
        }
    }

    #[test]
    fn an_address_is_free_or_taken_by_somebody() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address::Tcp(taken.local_addr().unwrap());
        assert_eq!(in_use(&address, Some(200)).0, Level::Ok);
        assert_eq!(in_use(&address, Some(404)).0, Level::Warning);
        assert_eq!(in_use(&address, Some(403)).0, Level::Wrong);
        assert_eq!(in_use(&address, None).0, Level::Wrong);
        assert_eq!(listen(&address, true), ok("systemd passes the sockets"));
        drop(taken);
        assert_eq!(listen(&address, false), ok(format!("{address} is free")));
    }

    #[test]
    fn the_rest() {
        assert_eq!(clock(0).0, Level::Wrong);
        assert_eq!(clock(NOT_BEFORE).0, Level::Ok);
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
