//! Where a request waits for an answer that takes time, and how that answer finds it.
//!
//! In: a request that cannot be answered at once, its deadline, and what to say at the
//! deadline. Out: a [`Ticket`] for whoever finds the answer; the answer for whoever waits.
//! A ticket answers its own request or none: never the next one on the same connection.
//!
//! The connection's own thread, which exists anyway, sleeps here until the answer or the
//! deadline comes. So a reader who waits costs no worker, no lane and no timer thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::service::response::Response;
use crate::sys::sync::{lock, wait};

/// How many requests are parked, and how many may be.
#[derive(Debug)]
pub struct Lot {
    parked: AtomicUsize,
    limit: usize,
}

/// One connection's place to wait: at most one request at a time is in it.
#[derive(Debug)]
pub struct Bay {
    lot: Arc<Lot>,
    mail: Mutex<Mail>,
    bell: Condvar,
}

#[derive(Debug)]
struct Mail {
    /// Grows with each request, so that a late answer never meets the next one.
    request: u64,
    first_byte: Instant,
    local: bool,
    parked: Option<Parked>,
    /// `Some(None)`: let the request go without an answer.
    answer: Option<Option<Response>>,
}

#[derive(Debug)]
struct Parked {
    until: Instant,
    otherwise: Option<Response>,
    /// Given back the moment the answer is there: its thread may take its time to wake up.
    place: Option<Place>,
}

/// One of the lot's places, given back when dropped.
#[derive(Debug)]
struct Place(Arc<Lot>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.parked.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to answer one parked request, once.
#[derive(Clone, Debug)]
pub struct Ticket {
    bay: Arc<Bay>,
    request: u64,
}

impl Lot {
    /// Room for `limit` parked requests.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { parked: AtomicUsize::new(0), limit })
    }

    /// How many requests wait now.
    pub fn parked(&self) -> usize {
        self.parked.load(Ordering::Relaxed)
    }

    fn enter(self: &Arc<Self>) -> Option<Place> {
        let more = |parked| (parked < self.limit).then_some(parked + 1);
        let entered = self.parked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        entered.is_ok().then(|| Place(self.clone()))
    }
}

impl Bay {
    /// A bay in `lot`, for a connection made now.
    pub fn new(lot: Arc<Lot>, now: Instant) -> Arc<Self> {
        let mail = Mail { request: 0, first_byte: now, local: false, parked: None, answer: None };
        Arc::new(Self { lot, mail: Mutex::new(mail), bell: Condvar::new() })
    }

    fn mail(&self) -> MutexGuard<'_, Mail> {
        lock(&self.mail)
    }

    /// A new request begins: its first byte came at `first_byte`; `local` when its sender is on
    /// this machine and speaks for itself.
    pub fn begin(&self, first_byte: Instant, local: bool) {
        let mut mail = self.mail();
        let request = mail.request + 1;
        *mail = Mail { request, first_byte, local, parked: None, answer: None };
    }

    /// When the first byte of the current request came.
    pub fn first_byte(&self) -> Instant {
        self.mail().first_byte
    }

    /// Whether the current request comes from this machine, and for nobody else.
    pub fn local(&self) -> bool {
        self.mail().local
    }

    /// Whether more than half of the places are taken.
    pub fn is_crowded(&self) -> bool {
        self.lot.parked() * 2 > self.lot.limit
    }

    /// Parks the current request: if nobody answers before `until`, it gets `otherwise`, or is
    /// let go without an answer. `None` when the lot is full.
    pub fn park(self: &Arc<Self>, until: Instant, otherwise: Option<Response>) -> Option<Ticket> {
        let place = self.lot.enter()?;
        let mut mail = self.mail();
        mail.parked = Some(Parked { until, otherwise, place: Some(place) });
        Some(Ticket { bay: self.clone(), request: mail.request })
    }

    /// The current request is answered another way: its place is free, its ticket void.
    pub fn leave(&self) {
        let mut mail = self.mail();
        mail.request += 1;
        mail.parked = None;
    }

    /// Sleeps until the parked request is answered or its time is up. `None`: let it go.
    pub fn wait(&self) -> Option<Response> {
        let mut mail = self.mail();
        loop {
            if let Some(answer) = mail.answer.take() {
                mail.parked = None;
                return answer;
            }
            let until = mail.parked.as_ref()?.until;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // A later answer must not find this request any more.
                mail.request += 1;
                return mail.parked.take().and_then(|parked| parked.otherwise);
            }
            mail = wait(&self.bell, mail, left).0;
        }
    }
}

impl Ticket {
    /// Answers the parked request; `None` lets it go. `false` when it no longer waits.
    pub fn answer(&self, answer: Option<Response>) -> bool {
        let mut mail = self.bay.mail();
        if mail.request != self.request || mail.answer.is_some() {
            return false;
        }
        let Some(parked) = &mut mail.parked else { return false };
        parked.place = None;
        mail.answer = Some(answer);
        drop(mail);
        self.bay.bell.notify_one();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn bay(limit: usize) -> Arc<Bay> {
        Bay::new(Lot::new(limit), Instant::now())
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn yes() -> Response {
        Response::line(200, "yes")
    }

    #[test]
    fn an_answer_wakes_the_one_who_waits() {
        let bay = bay(1);
        bay.begin(Instant::now(), true);
        let ticket = bay.park(later(), None).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| bay.wait());
            assert!(ticket.answer(Some(yes())));
            assert_eq!(waiting.join().unwrap(), Some(yes()));
        });
        assert!(!ticket.answer(Some(yes())), "one answer a ticket");
        assert_eq!(bay.lot.parked(), 0);
    }

    #[test]
    fn an_answer_may_come_before_anybody_waits() {
        let bay = bay(1);
        let ticket = bay.park(later(), None).unwrap();
        assert!(ticket.answer(None));
        assert_eq!(bay.lot.parked(), 0, "its place is free at once");
        assert_eq!(bay.wait(), None);
    }

    #[test]
    fn the_deadline_says_what_it_was_given_and_closes_the_ticket() {
        let bay = bay(1);
        let ticket = bay.park(Instant::now(), Some(yes())).unwrap();
        assert_eq!(bay.wait(), Some(yes()));
        assert!(!ticket.answer(Some(Response::line(200, "late"))));
    }

    #[test]
    fn a_late_answer_never_meets_the_next_request() {
        let bay = bay(2);
        let old = bay.park(later(), None).unwrap();
        bay.begin(Instant::now(), false);
        let new = bay.park(later(), None).unwrap();
        assert!(!old.answer(Some(yes())));
        assert!(new.answer(None));
        assert_eq!(bay.wait(), None);
    }

    #[test]
    fn who_is_answered_another_way_gives_its_place_back() {
        let bay = bay(1);
        let ticket = bay.park(later(), None).unwrap();
        bay.leave();
        assert_eq!(bay.lot.parked(), 0);
        assert!(!ticket.answer(Some(yes())));
    }

    #[test]
    fn a_full_lot_takes_nobody_until_somebody_leaves() {
        let lot = Lot::new(1);
        let (one, two) = (Bay::new(lot.clone(), later()), Bay::new(lot.clone(), later()));
        assert!(one.park(later(), None).is_some());
        assert!(two.park(later(), None).is_none());
        one.begin(Instant::now(), false);
        assert!(two.park(later(), None).is_some());
        assert_eq!(lot.parked(), 1);
    }
}
