//! When to ask again: what a Retry-After header says.
//!
//! In: the header's text and the time, in seconds since 1970. Out: how long to wait. Pure.

use std::time::Duration;

/// A longer wish is taken for a mistake: nobody would notice a source that rests for a week.
const LONGEST: u64 = 24 * 60 * 60;

/// Seconds, or a moment in the form that RFC 9110 asks for (`Fri, 31 Dec 1999 23:59:59 GMT`);
/// `None` for anything else and for what is over.
pub(super) fn wish(text: &str, now: u64) -> Option<Duration> {
    let seconds = text.parse().ok().or_else(|| date(text)?.checked_sub(now));
    seconds.map(|seconds| Duration::from_secs(seconds.min(LONGEST)))
}

fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"];
    let parts: Vec<&str> = text.split([' ', ':']).collect();
    let [_, day, month, year, hour, minute, second, "GMT"] = parts[..] else { return None };
    let number = |text: &str| text.parse::<u16>().ok().map(u64::from);
    // Counted from a March, so that a leap day is the last of its year.
    let month = MONTHS.iter().position(|name| *name == month)? as u64;
    let year = number(year)?.checked_sub(u64::from(month >= 10))?;
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5;
    // Day 719 469 was 1970-01-01.
    let days = (days + number(day)?).checked_sub(719_469)?;
    Some(((days * 24 + number(hour)?) * 60 + number(minute)?) * 60 + number(second)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn wishes() {
        // 2026-11-05 12:00:00.
        let now = 1_793_880_000;
        for (text, seconds) in [
            ("7",                                 Some(7)),
            ("99999999999",                       Some(86_400)),
            ("-1",                                None),
            ("soon",                              None),
            ("",                                  None),
            ("Thu, 05 Nov 2026 12:01:30 GMT",     Some(90)),
            ("Fri, 06 Nov 2026 11:59:59 GMT",     Some(86_399)),
            ("Tue, 29 Feb 2028 00:00:00 GMT",     Some(86_400)),
            ("Fri, 31 Dec 1999 23:59:59 GMT",     None),
            ("Thu, 05 Nov 2026 12:01:30",         None),
            ("Thu, 99999 Nov 2026 12:01:30 GMT",  None),
            ("Thu, 05 Nov 0000 12:01:30 GMT",     None),
            ("Thu, 05 Neb 2026 12:01:30 GMT",     None),
        ] {
            assert_eq!(wish(text, now).map(|wish| wish.as_secs()), seconds, "{text}");
        }
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ] {
            assert_eq!(date(text), Some(seconds), "{text}");
        }
    }
}
