//! What `check` found of one subject, and the report of all.
//!
//! In: findings. Out: a text for a terminal and an exit code. Pure.

use std::fmt::Write as _;

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
pub type Finding = (Level, String);

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

/// Nothing to do.
pub(super) fn ok(text: impl Into<String>) -> Finding {
    (Level::Ok, text.into())
}

/// Somebody should look.
pub(super) fn warning(text: impl Into<String>) -> Finding {
    (Level::Warning, text.into())
}

/// It does not work.
pub(super) fn wrong(text: impl Into<String>) -> Finding {
    (Level::Wrong, text.into())
}
