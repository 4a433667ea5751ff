//! Dates as files have them.
//!
//! In: the text of one cell. Out: a date as a reader understands it, or nothing for what programs
//! write for want of one. No I/O, no clock; nothing fails.

use crate::sys::text::half_width;

/// A date of publication: the day without the time, `2019-03-05`; what no date is, nothing; and
/// what is one in other words as it stands, `2004年01月`.
pub(super) fn date(text: &str) -> String {
    if is_date(text) {
        return text.to_owned();
    }
    let half: String = text.chars().map(half_width).collect();
    let timed = half.contains(':');
    let bare = half.trim_matches(|c: char| c.is_whitespace() || "[]()c©.,;-/".contains(c));
    // A spreadsheet's number: `2008.00`.
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let number = bare
        .split_once('.')
        .filter(|(number, rest)| digits(number) && rest.bytes().all(|byte| byte == b'0'));
    let day = number.map_or(day_of(bare), |(number, _)| number);
    match numbers(day).as_slice() {
        // What programs and spreadsheets write for want of a date, and their first days.
        [year, ..] if day.len() >= 8 && (*year < 1000 || *year > 2100) && starts_four(day) => {
            String::new()
        }
        [1899 | 1900, 0 | 1 | 12, ..] => String::new(),
        [1970, 1, 1] if timed => String::new(),
        [number] if day.len() == 5 => serial(*number).unwrap_or_default(),
        [number] if day.len() == 8 && is_day(number / 10_000, number / 100 % 100, number % 100) => {
            format!("{}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100)
        }
        [number] if day.len() == 6 && is_day(number / 100, number % 100, 1) => {
            format!("{}-{:02}", number / 100, number % 100)
        }
        _ if timed && day.contains(':') => String::new(),
        [0, ..] if numbers(day).iter().all(|number| *number == 0) => String::new(),
        _ if day.bytes().all(|byte| byte.is_ascii_digit() || b"-/.".contains(&byte)) => {
            day.replace(['/', '.'], "-")
        }
        _ => day.to_owned(),
    }
}

/// Whether a text is a date as most are, `2008`, `2008-1`, `2008-01-15`, which need no second look.
fn is_date(text: &str) -> bool {
    let Some((year, rest)) = text.split_at_checked(4) else { return false };
    let short =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
    let year = year.bytes().all(|b| b.is_ascii_digit()) && ("1901"..="2100").contains(&year);
    year && (rest.is_empty()
        || rest.len() <= 6 && rest.strip_prefix('-').is_some_and(|rest| rest.split('-').all(short)))
}

/// Whether a date begins with its year.
fn starts_four(day: &str) -> bool {
    day.bytes().take_while(u8::is_ascii_digit).count() == 4
}

/// A date as `2026-11-05`; or nothing where the day is not told.
pub(super) fn day(text: &str) -> String {
    let date = date(text);
    match numbers(&date).as_slice() {
        [year, month, day, ..] if is_day(*year, *month, *day) => {
            format!("{year}-{month:02}-{day:02}")
        }
        // As the English write it: 5/11/2026 and 11/5/2026 cannot be told apart, so by month.
        [month, day, year, ..] if is_day(*year, *month, *day) => {
            format!("{year}-{month:02}-{day:02}")
        }
        [year, month] if is_day(*year, *month, 1) => format!("{year}-{month:02}-01"),
        _ => String::new(),
    }
}

/// A date without the time of day behind it: `T01:00:00+01:00`, ` 0:00`, ` 12:30 PM`.
fn day_of(text: &str) -> &str {
    let clock = |rest: &str| rest.contains(':') && rest.starts_with(|c: char| c.is_ascii_digit());
    let marks = text.match_indices(['T', ' ']);
    let cut = marks.into_iter().find_map(|(at, mark)| {
        let rest =
            text.get(at + mark.len()..)?.trim_start_matches("上午").trim_start_matches("下午");
        (at > 0 && clock(rest)).then_some(at)
    });
    cut.and_then(|at| text.get(..at)).unwrap_or(text).trim_end()
}

fn numbers(text: &str) -> Vec<u32> {
    let parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    parts.map(|part| part.parse().unwrap_or(u32::MAX)).collect()
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    (1000..=2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// The date behind a spreadsheet's number of days since 1899-12-30, between 1950 and 2064.
fn serial(number: u32) -> Option<String> {
    (18_264..60_000).contains(&number).then(|| {
        // Years begin in March, so that leap days come last (Hinnant, civil_from_days).
        let days = u64::from(number) + 719_468 - 25_569;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (late, day) = (month / 10, day - (153 * month + 2) / 5 + 1);
        format!("{}-{:02}-{day:02}", era * 400 + year + late, month + 3 - 12 * late)
    })
}
