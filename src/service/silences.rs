//! How many deliveries may pass unanswered: WeChat counts each as a failure of ours, and after
//! many sends nothing at all for a minute.
//!
//! In: deliveries that are to wait longer than WeChat does, with the clock passed in. Out: a
//! [`Silence`] for each that may, as long as fewer than the limit passed within the last minute;
//! it is taken when the wait begins, so that a crowd cannot pass together, and given back when an
//! answer goes out in time after all.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::sys::sync::lock;

/// WeChat gives up after 5 s; a connection it may still hold is let go after 6 s. Not earlier:
/// silence is what makes it deliver again, and whether a close does is not known.
pub const LET_GO: Duration = Duration::from_secs(6);
/// From the moment a silence is taken: until it has passed, and a minute more.
const COUNTED: Duration = Duration::from_secs(66);

/// The silences of the last minute.
#[derive(Debug)]
pub struct Silences {
    limit: usize,
    /// When each was taken, the oldest first; never more than the limit.
    taken: VecDeque<Instant>,
    /// Those that are not counted any more.
    past: usize,
}

impl Silences {
    /// At most `limit` a minute.
    pub fn new(limit: usize) -> Self {
        Self { limit, taken: VecDeque::new(), past: 0 }
    }

    /// Takes one, if there is one left. `false`: this delivery has to be answered.
    pub fn take(&mut self, now: Instant) -> bool {
        while self.taken.front().is_some_and(|at| now.saturating_duration_since(*at) >= COUNTED) {
            self.taken.pop_front();
            self.past += 1;
        }
        let left = self.taken.len() < self.limit;
        if left {
            self.taken.push_back(now);
        }
        left
    }

    /// The delivery that took one at `at` was answered in time.
    pub fn give_back(&mut self, at: Instant) {
        if let Some(place) = self.taken.iter().position(|taken| *taken == at) {
            self.taken.remove(place);
        }
    }

    /// How many deliveries have passed unanswered, from the start on.
    pub fn passed(&self, now: Instant) -> usize {
        let over = |at: &&Instant| now.saturating_duration_since(**at) >= LET_GO;
        self.past + self.taken.iter().filter(over).count()
    }
}

/// Leave for one delivery to pass unanswered.
#[derive(Clone, Debug)]
pub struct Silence {
    silences: Arc<Mutex<Silences>>,
    at: Instant,
}

impl Silence {
    /// Leave for a delivery that begins to wait now, if there is any.
    pub fn take(silences: &Arc<Mutex<Silences>>, now: Instant) -> Option<Self> {
        lock(silences).take(now).then(|| Self { silences: silences.clone(), at: now })
    }

    /// The delivery was answered.
    pub fn give_back(&self) {
        lock(&self.silences).give_back(self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_minute_and_no_more() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        for limit in [0, 1, 3, 1000] {
            let mut silences = Silences::new(limit);
            // A crowd at once, and while it is let go.
            for moment in [0, 5_000, 5_001, 59_999, 65_999] {
                let taken = (0..2000).filter(|_| silences.take(at(moment))).count();
                assert_eq!(taken, if moment == 0 { limit } else { 0 }, "{moment} ms of {limit}");
            }
            assert_eq!((silences.passed(at(5_999)), silences.passed(at(6_000))), (0, limit));
            assert_eq!(silences.take(at(66_000)), limit > 0);
            assert_eq!(silences.passed(at(66_000)), limit, "none is forgotten");
        }
    }

    #[test]
    fn an_answer_in_time_gives_its_silence_back() {
        let now = Instant::now();
        let silences = Arc::new(Mutex::new(Silences::new(2)));
        let one = Silence::take(&silences, now).unwrap();
        let other = Silence::take(&silences, now + Duration::from_secs(1)).unwrap();
        assert!(Silence::take(&silences, now).is_none());
        one.give_back();
        one.give_back();
        let third = Silence::take(&silences, now + Duration::from_secs(2));
        assert!(third.is_some() && Silence::take(&silences, now).is_none());
        other.give_back();
        assert_eq!(lock(&silences).passed(now + Duration::from_secs(60)), 1);
    }
}
