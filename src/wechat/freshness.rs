//! Which signed queries are too old, told without a clock of ours.
//!
//! In: timestamp and nonce of queries whose signature was verified, one after another. Out: whether
//! each may be served: its parts have the form that WeChat gives them, and it is at most ten
//! minutes older than the newest one before it. For what no signature covers but the query's own:
//! there, whoever has seen one query could use it for ever. The same queries always give the same
//! answers.
//!
//! The signature is over timestamp and nonce as one row of characters, so that who has seen one
//! query can cut it elsewhere, and with luck has one of the year 2200, after which all of today
//! would be too old. So a step ahead is remembered: three queries that go on where it began take
//! it back.

use std::sync::Mutex;

use super::signature::Rejection;
use crate::sys::sync::lock;

/// Redeliveries end after 15 s; the rest is for a queue somewhere on the way.
const OLDEST: u64 = 600;
/// Queries that show that a step ahead was none.
const WITNESSES: usize = 3;

/// The newest query since the start.
#[derive(Debug, Default)]
pub struct Freshness(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    newest: u64,
    /// The newest before the first step ahead of more than [`OLDEST`].
    before: Option<u64>,
    /// Those that went on there: timestamp and nonce.
    witnesses: Vec<(u64, String)>,
}

impl Freshness {
    /// Whether a query with a right signature may be served.
    ///
    /// # Errors
    /// [`Rejection::Malformed`] for parts that WeChat does not send, [`Rejection::Old`].
    pub fn check(&self, timestamp: &str, nonce: &str) -> Result<(), Rejection> {
        let is_time = timestamp.len() == 10 && timestamp.bytes().all(|b| b.is_ascii_digit());
        let is_nonce = !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_alphanumeric());
        let time = timestamp.parse().ok().filter(|_| is_time && is_nonce);
        lock(&self.0).check(time.ok_or(Rejection::Malformed)?, nonce)
    }
}

impl Seen {
    fn check(&mut self, time: u64, nonce: &str) -> Result<(), Rejection> {
        let known = self.newest > 0;
        if time > self.newest + OLDEST && known {
            self.before = self.before.or(Some(self.newest));
        }
        if time + OLDEST >= self.newest {
            self.newest = self.newest.max(time);
            return Ok(());
        }
        let goes_on = self.before.is_some_and(|before| time + OLDEST >= before);
        if goes_on && !self.witnesses.iter().any(|(_, known)| known == nonce) {
            self.witnesses.push((time, nonce.to_owned()));
        }
        if self.witnesses.len() < WITNESSES {
            return Err(Rejection::Old);
        }
        let newest = self.witnesses.iter().map(|(time, _)| *time).max();
        *self = Self { newest: newest.unwrap_or_default(), ..Self::default() };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queries: &[(&str, &str)]) -> Vec<Result<(), Rejection>> {
        let freshness = Freshness::default();
        queries.iter().map(|(time, nonce)| freshness.check(time, nonce)).collect()
    }

    #[test]
    fn parts_have_their_form() {
        for (time, nonce) in [
            ("abc", "1"),
            ("171403705", "9486452656"),
            ("17140370594", "86452656"),
            ("", "1"),
            ("+714037059", "1"),
            ("1714037059", ""),
            ("1714037059", "4-8"),
            ("1714037059", "号"),
            (" 714037059", "1"),
            ("１714037059", "1"),
        ] {
            assert_eq!(all(&[(time, nonce)]), [Err(Rejection::Malformed)], "{time} {nonce}");
        }
        assert_eq!(all(&[("1714037059", "aZ9")]), [Ok(())]);
    }

    #[test]
    fn what_is_ten_minutes_older_than_the_newest_is_too_old() {
        let (newest, old) = (("1790000000", "a"), Err(Rejection::Old));
        for (time, served) in [
            ("1790000000", Ok(())),
            ("1789999400", Ok(())),
            ("1789999399", old),
            ("1441000000", old),
            ("1790000005", Ok(())),
            ("1990000000", Ok(())),
        ] {
            assert_eq!(all(&[newest, (time, "b")]), [Ok(()), served], "{time}");
        }
        // The first since the start cannot be told.
        let told = all(&[("1441000000", "a"), newest, ("1441000000", "a"), ("1441000000", "a")]);
        assert_eq!(told, [Ok(()), Ok(()), old, old]);
    }

    #[test]
    fn no_query_of_the_future_shuts_out_those_of_today() {
        let (ok, old) = (Ok(()), Err(Rejection::Old));
        let told = all(&[
            ("1790000000", "a"),
            ("9486452656", "171403705"),
            ("9999999999", "b"),
            ("1790000003", "c"),
            ("1790000003", "c"),
            ("1789000000", "d"),
            ("1790000008", "e"),
            ("1790000013", "f"),
            ("1790000014", "g"),
            ("1790000002", "h"),
            ("1441000000", "i"),
        ]);
        assert_eq!(told, [ok, ok, ok, old, old, old, old, ok, ok, ok, old]);
    }
}
