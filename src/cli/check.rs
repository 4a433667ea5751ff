//! `doumibook check`: what the operator has set up, looked at before a reader does.
//!
//! In: settings as `serve` would read them, and probes of everything around. Out: a
//! report, one line a subject, each saying that it is right, or what is wrong and what to
//! do. It changes nothing but for a moment: it binds the address and writes a file, and takes
//! both back. Secrets are never shown. The report is pure; only the probes do I/O.

mod address;
mod finding;

use std::fs::{self, OpenOptions};
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
use crate::sys::day::date;
use crate::sys::unix;
use crate::wechat::credentials::Mode;
use crate::wechat::signature::Token;

use finding::{ok, warning, wrong};

pub use finding::{Finding, Findings, Level, report};

/// 2025-01-01, before this program was written.
const NOT_BEFORE: u64 = 1_735_689_600;
/// What every source of Chinese books knows.
const QUESTION: &str = "三体";
/// What every Chinese library has.
const LIBRARY_QUESTION: &str = crate::catalogue::interlib::QUESTION;
/// Longer than any lookup gives one source, so that a slow one is told from a dead one.
const PATIENCE: Duration = Duration::from_secs(10);
/// Books of the shelf that are shown, and lines of its file that are not served.
const SHOWN: usize = 3;
const BAD_LINES: usize = 5;

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
        found.push(("listen", address::listen(settings)));
    }
    found.push(("clock", clock(unix::seconds())));
    if right(&["SOURCES", "SHELF", "INTERLIB", "DOUBAN", "NEODB", "CONTACT"]) {
        found.extend(settings.shelf.as_deref().map(shelf).unwrap_or_default());
        found.extend(sources(settings));
    }
    if right(&["REPLIES"]) && settings.replies.is_some() {
        found.push(("replies", replies(settings)));
    }
    found.push(("state", state_directory(state.as_deref())));
    if settings.wishes && state.is_none() {
        found.push(("wishes", warning(
            "DOUMIBOOK_WISHES=yes, but STATE_DIRECTORY is not set here (the unit sets it); without it no \
             wishes are offered",
        )));
    }
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
        _ if settings.mode == Mode::Plain && settings.tokens.iter().any(Token::is_short) => {
            warning(
                "set, but short: in plain mode, who has seen one signed URL finds a token of less than \
             16 letters and digits by trying; give the console and DOUMIBOOK_TOKEN a longer one",
            )
        }
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
        Mode::Plain if settings.keys.is_empty() => ok(
            "plain, as long as DOUMIBOOK_AES_KEY is not set; until then the console must say 明文模式",
        ),
        Mode::Plain => warning(
            "plain, although an AES key is set: clear pushes are accepted; without \
             DOUMIBOOK_MODE only sealed ones would be",
        ),
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

/// How the shelf's file was understood, and its first books as a reader would see them. That it
/// cannot be served is told by [`sources`].
fn shelf(path: &Path) -> Findings {
    let Ok(Loaded { shelf, bad, understood }) = Shelf::load(path) else { return Findings::new() };
    let losses: Vec<String> = understood.losses().collect();
    let finding = |line: &str| match losses.iter().any(|loss| loss == line) {
        true => ("file", warning(line)),
        false => ("file", ok(line)),
    };
    let mut found: Findings = understood.to_string().lines().map(finding).collect();
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

fn replies(settings: &Settings) -> Finding {
    match setup::replies(settings) {
        Ok(replies) => ok(format!("{} keywords", replies.len())),
        Err(why) => wrong(why),
    }
}

fn state_directory(state: Option<&Path>) -> Finding {
    let Some(state) = state else {
        return ok(
            "STATE_DIRECTORY is not set here (the unit sets it); without it a restart forgets",
        );
    };
    // Made anew under a name that nobody knows: what lies there already, a link to somewhere else
    // too, is neither opened nor removed.
    let probe = state.join(format!(".check-{:032x}", u128::from_be_bytes(unix::random())));
    let made = OpenOptions::new().write(true).create_new(true).open(&probe);
    match made.and_then(|_| fs::remove_file(&probe)) {
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
        let token_ = ("TOKEN", "s3cretAndOf16More");
        let short = ("TOKEN", "s3cret");
        for (pairs, level, says) in [
            (&[][..],                                         Level::Wrong,   "DOUMIBOOK_TOKEN is not set"),
            (&[token_],                                       Level::Ok,      "the console must say 明文模式"),
            (&[token_, ("TOKEN_OLD", "older1AndOf16More")],  Level::Ok,      "the old one is accepted too"),
            (&[short],                                        Level::Warning, "less than 16 letters"),
            (&[token_, ("TOKEN_OLD", "older1")],              Level::Warning, "less than 16 letters"),
            (&[short, KEY, ID],                               Level::Ok,      "set, in the right form"),
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
        // Nothing that lies there is written to, removed, or left behind.
        let folder = std::env::temp_dir().join(format!("doumibook-{}-state", std::process::id()));
        let (outside, link) = (folder.join("outside"), folder.join(".doumibook-check"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(&outside, "precious").unwrap();
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        assert_eq!(state_directory(Some(&folder)).0, Level::Ok);
        assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        fs::remove_dir_all(&folder).unwrap();
        let settings = settings(&[]);
        assert_eq!(open_files(&settings, serve::files(&settings)).0, Level::Ok);
        let few = open_files(&settings, 256);
        assert_eq!(few.0, Level::Warning);
        assert!(few.1.contains("raise LimitNOFILE to"), "{}", few.1);
    }
}
