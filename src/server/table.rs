//! Who is connected, and who has to go when all places are taken.
//!
//! In: accepted connections. Out: a [`Slot`] for each, up to a limit. When all are taken, the
//! connection that has been wasting its place longest is cut off; one whose request is complete
//! never is. What unfinished requests hold in memory is bounded over all of them.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::limits::UNFINISHED;
use super::parking::ParkingLimit;
use super::slot::Slot;
use crate::sys::sync::{lock, wait};
use crate::sys::unix::Connection;

/// How long one try to get a place, or room for a growing request, waits for those that were cut
/// off to go.
const LEAVING: Duration = Duration::from_millis(25);
/// How long all tries together may take.
const TRYING: Duration = Duration::from_secs(1);

/// The table of connections.
pub struct ConnectionTable {
    table: Mutex<Table>,
    changed: Condvar,
    /// Where requests wait for late answers.
    pub parking: Arc<ParkingLimit>,
    limit: usize,
    /// Nothing is kept alive: the server stops, or somebody waits for a place that nobody can
    /// be cut off for.
    wanted_back: Arc<AtomicBool>,
    /// What requests hold that may still be finished.
    unfinished: AtomicUsize,
    /// What those hold that were cut off, until they are gone.
    leaving: AtomicUsize,
    /// Connections cut off to make room, since the start.
    pub cut_off: AtomicU64,
}

#[derive(Default)]
struct Table {
    slots: Vec<Option<Arc<Slot>>>,
    free: Vec<usize>,
    taken: usize,
    closing: bool,
}

impl ConnectionTable {
    /// Room for `limit` connections, whose requests may wait in `parking`.
    pub fn new(limit: usize, parking: Arc<ParkingLimit>) -> Self {
        Self {
            table: Mutex::default(),
            changed: Condvar::new(),
            parking,
            limit: limit.max(1),
            wanted_back: Arc::default(),
            unfinished: AtomicUsize::new(0),
            leaving: AtomicUsize::new(0),
            cut_off: AtomicU64::new(0),
        }
    }

    /// Connections now.
    pub fn taken(&self) -> usize {
        lock(&self.table).taken
    }

    /// How many there may be.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Gives `connection` a slot; when none is free, makes one free: somebody is cut off, or, when
    /// every request is complete, the next one that is answered has to leave. `Err` gives the
    /// connection back when that took a second.
    pub fn take(&self, connection: Connection, now: Instant) -> Result<Arc<Slot>, Connection> {
        let mut table = lock(&self.table);
        while table.taken >= self.limit {
            let trying = Instant::now().saturating_duration_since(now);
            if trying >= TRYING {
                self.wanted_back.store(table.closing, Ordering::SeqCst);
                return Err(connection);
            }
            self.wanted_back.store(true, Ordering::SeqCst);
            self.cut_off_longest(&table, now + trying);
            // Whoever goes is gone within moments; the limit is for a machine too busy for that.
            table = wait(&self.changed, table, LEAVING).0;
        }
        self.wanted_back.store(table.closing, Ordering::SeqCst);
        let number = table.free.pop().unwrap_or(table.slots.len());
        let (parking, wanted_back) = (self.parking.clone(), self.wanted_back.clone());
        let slot = Slot::new(number, connection, parking, wanted_back, now);
        match table.slots.get_mut(number) {
            Some(place) => *place = Some(slot.clone()),
            None => table.slots.push(Some(slot.clone())),
        }
        table.taken += 1;
        Ok(slot)
    }

    /// The slot a relayed request names.
    pub fn slot(&self, number: usize) -> Option<Arc<Slot>> {
        lock(&self.table).slots.get(number).cloned().flatten()
    }

    /// Makes a place free again.
    pub fn leave(&self, slot: &Slot) {
        self.unfinished.fetch_sub(slot.held.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        self.leaving.fetch_sub(slot.lost.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        let mut table = lock(&self.table);
        if let Some(place) = table.slots.get_mut(slot.number) {
            *place = None;
        }
        table.free.push(slot.number);
        table.taken -= 1;
        drop(table);
        self.changed.notify_all();
    }

    /// Cuts off whoever has been wasting a place longest, so that its file and its thread can be
    /// used for another, and waits until somebody has left, at most for `patience`.
    pub fn make_room(&self, now: Instant, patience: Duration) {
        let table = lock(&self.table);
        self.cut_off_longest(&table, now);
        drop(wait(&self.changed, table, patience));
    }

    /// Reserves so many bytes in all for the request at `slot`. Over the limit for all of them,
    /// the largest that is still coming goes, if it is at least as large: nobody real is. This one
    /// waits until there is room: with more threads than processors, all would grow before the
    /// first that was cut off has gone. `false` when there is no room for it.
    pub fn try_reserve(&self, slot: &Slot, bytes: usize, now: Instant) -> bool {
        let before = slot.held.swap(bytes, Ordering::Relaxed);
        if bytes == before {
            return true;
        }
        self.unfinished.fetch_add(bytes, Ordering::Relaxed);
        self.unfinished.fetch_sub(before, Ordering::Relaxed);
        if bytes < before {
            self.changed.notify_all();
            return true;
        }
        let mut table = lock(&self.table);
        // Each look costs two loads: of hundreds that wait here, all wake up when one is gone.
        let staying = || self.unfinished.load(Ordering::Relaxed);
        while staying() + self.leaving.load(Ordering::Relaxed) > UNFINISHED {
            let late = Instant::now().saturating_duration_since(now) >= TRYING;
            let cut = slot.is_cut();
            let mut given_back = late || cut;
            while !given_back && staying() > UNFINISHED {
                given_back = !self.cut_off_largest(&table, slot, bytes);
                self.changed.notify_all();
            }
            if given_back {
                // It will not take them; of one that was cut off nothing counts here any more.
                let keeps = if cut { 0 } else { before };
                self.unfinished.fetch_add(keeps, Ordering::Relaxed);
                let counted = slot.held.swap(keeps, Ordering::Relaxed);
                self.unfinished.fetch_sub(counted, Ordering::Relaxed);
                return false;
            }
            table = wait(&self.changed, table, LEAVING).0;
        }
        true
    }

    /// Ends the largest request that is still coming, the oldest of them, if it is as large as
    /// `bytes`. `false` when there is none.
    fn cut_off_largest(&self, table: &Table, but: &Slot, bytes: usize) -> bool {
        let others = table.slots.iter().flatten().filter(|slot| slot.number != but.number);
        let coming = others.filter_map(|slot| {
            let (held, since) = (slot.held.load(Ordering::Relaxed), slot.receiving_since()?);
            (held >= bytes).then_some(((held, Reverse(since)), slot))
        });
        let largest = coming.max_by_key(|(key, _)| *key);
        let Some((_, slot)) = largest else { return false };
        // It may have become complete meanwhile; then the next look finds another, or none.
        if slot.cut_if_receiving() {
            self.count_cut(slot);
        }
        true
    }

    /// Ends the connection that has been wasting its place longest, if there is one to end.
    fn cut_off_longest(&self, table: &Table, now: Instant) {
        let slots = || table.slots.iter().flatten();
        // One is leaving already: that is the room to wait for.
        if slots().any(|slot| slot.is_cut()) {
            return;
        }
        let wasting = slots().filter_map(|slot| Some((slot.wasting_since(now)?, slot)));
        if let Some((_, longest)) = wasting.min_by_key(|(since, _)| *since)
            && longest.cut_if_wasting(now)
        {
            self.count_cut(longest);
        }
    }

    fn count_cut(&self, slot: &Slot) {
        let lost = slot.held.swap(0, Ordering::Relaxed);
        slot.lost.fetch_add(lost, Ordering::Relaxed);
        self.unfinished.fetch_sub(lost, Ordering::Relaxed);
        self.leaving.fetch_add(lost, Ordering::Relaxed);
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    /// No connection is kept alive from now on, and those that wait for nothing end at once.
    pub fn close(&self) {
        let mut table = lock(&self.table);
        table.closing = true;
        self.wanted_back.store(true, Ordering::SeqCst);
        table.slots.iter().flatten().for_each(|slot| slot.end_idle(false));
    }

    /// Waits until everybody has left, at most until `until`; those that never sent a byte are
    /// sent away at `patience`. Returns how many are left.
    pub fn wait_empty(&self, patience: Instant, until: Instant) -> usize {
        let mut table = lock(&self.table);
        let mut patient = true;
        loop {
            let now = Instant::now();
            if patient && now >= patience {
                patient = false;
                table.slots.iter().flatten().for_each(|slot| slot.end_idle(true));
            }
            if table.taken == 0 || now >= until {
                return table.taken;
            }
            let next = if patient { patience.min(until) } else { until };
            let left = next.saturating_duration_since(now).max(Duration::from_millis(1));
            table = wait(&self.changed, table, left).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::slot::{Current, Progress};
    use crate::server::wire::Manner;
    use crate::service::response::Response;
    use crate::service::ticket::{Client, Parking};
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    /// A table, and the clients' ends of what is in it.
    struct Bed {
        table: ConnectionTable,
        clients: Vec<UnixStream>,
    }

    impl Bed {
        fn new(limit: usize) -> Self {
            let table = ConnectionTable::new(limit, ParkingLimit::new(1));
            Self { table, clients: Vec::new() }
        }

        fn take(&mut self, at: Instant) -> Option<Arc<Slot>> {
            let (ours, theirs) = UnixStream::pair().unwrap();
            self.clients.push(theirs);
            self.table.take(Connection::unix(ours), at).ok()
        }
    }

    fn begin(slot: &Slot, first_byte: Instant) -> u64 {
        let manner = Manner { keep_alive: true, ..Manner::default() };
        slot.begin(Current { first_byte, local: true, manner }).unwrap()
    }

    fn yes() -> Response {
        Response::line(200, "yes")
    }

    /// Long enough ago for everybody to have had time to say something.
    fn long_ago() -> Instant {
        Instant::now() - Duration::from_secs(1)
    }

    #[test]
    fn who_has_wasted_a_place_longest_goes_and_nobody_else() {
        let mut bed = Bed::new(3);
        let (old, now) = (long_ago(), Instant::now());
        let [idle, receiving, serving] = [(); 3].map(|()| bed.take(now).unwrap());
        assert!(idle.idle(old + Duration::from_millis(1), true));
        assert!(receiving.receiving(old));
        begin(&serving, old);
        bed.table.make_room(Instant::now(), Duration::ZERO);
        assert_eq!([&idle, &receiving, &serving].map(|slot| slot.is_cut()), [false, true, false]);
        // One that is cut off and not gone yet is the room that is waited for.
        bed.table.make_room(Instant::now(), Duration::ZERO);
        assert!(!idle.is_cut());
        bed.table.leave(&receiving);
        bed.table.make_room(Instant::now(), Duration::ZERO);
        assert!(idle.is_cut() && !serving.is_cut());
        bed.table.leave(&idle);
        bed.table.make_room(Instant::now(), Duration::ZERO);
        assert!(!serving.is_cut(), "a complete request is never cut off");
        assert_eq!(bed.table.cut_off.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_request_that_becomes_complete_is_not_cut_off_by_who_saw_it_unfinished() {
        let mut bed = Bed::new(2);
        let old = long_ago();
        for cut in [Slot::cut_if_receiving, |slot: &Slot| slot.cut_if_wasting(Instant::now())] {
            let slot = bed.take(Instant::now()).unwrap();
            assert!(slot.receiving(old));
            assert!(slot.wasting_since(Instant::now()).is_some(), "looked at");
            let number = begin(&slot, old);
            assert!(!cut(&slot), "and complete since");
            assert!(slot.answer(number, Some(&yes())));
        }
        let slot = &bed.take(Instant::now());
        assert!(slot.is_none(), "both are served, and two is all");
    }

    #[test]
    fn the_largest_that_is_still_coming_gives_way_to_one_as_large_at_most() {
        let mut bed = Bed::new(4);
        let now = Instant::now();
        let [small, large, complete, growing] = [(); 4].map(|()| bed.take(now).unwrap());
        for (slot, bytes) in [(&small, 1000), (&large, UNFINISHED / 4), (&complete, UNFINISHED / 2)]
        {
            assert!(slot.receiving(now));
            assert!(bed.table.try_reserve(slot, bytes, now));
        }
        begin(&complete, now);
        assert!(growing.receiving(now));
        // Nobody who would give way is as large as this.
        assert!(!bed.table.try_reserve(&growing, UNFINISHED / 2, now));
        assert!(!large.is_cut() && !complete.is_cut());
        // Of equal ones the other goes, and this one has its bytes as soon as that is gone.
        std::thread::scope(|scope| {
            let wish = || bed.table.try_reserve(&growing, UNFINISHED / 4, Instant::now());
            let granted = scope.spawn(wish);
            while !large.is_cut() {
                std::thread::yield_now();
            }
            bed.table.leave(&large);
            assert!(granted.join().unwrap());
        });
        assert!(!small.is_cut() && !complete.is_cut());
    }

    #[test]
    fn what_was_reserved_comes_back_when_a_connection_leaves() {
        let mut bed = Bed::new(1);
        for _ in 0..3 {
            let now = Instant::now();
            let slot = bed.take(now).unwrap();
            assert!(slot.receiving(now));
            assert!(bed.table.try_reserve(&slot, UNFINISHED, now));
            bed.table.leave(&slot);
        }
        assert_eq!(bed.table.taken(), 0);
    }

    #[test]
    fn an_answer_meets_its_own_request_once_or_none() {
        let mut bed = Bed::new(1);
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let slot = bed.take(now).unwrap();
        let first = begin(&slot, now);
        assert_eq!(slot.park(first, later, None), Parking::Parked);
        assert_eq!(bed.table.parking.parked(), 1);
        assert!(slot.answer(first, Some(&yes())));
        assert_eq!(bed.table.parking.parked(), 0, "its place is free at once");
        assert!(!slot.answer(first, Some(&yes())), "one answer a request");
        assert_eq!(slot.progress(now, false, later), Progress::Answered);
        let second = begin(&slot, now);
        assert!(!slot.answer(first, Some(&yes())), "late, and not for the second");
        assert_eq!(slot.progress(now, false, later), Progress::Waiting(later));
        assert!(slot.answer(second, None));
        assert_eq!(slot.progress(now, false, later), Progress::Over);
        let mut heard = String::new();
        bed.clients[0].read_to_string(&mut heard).unwrap();
        assert_eq!(heard.matches("\r\n\r\nyes").count(), 1, "{heard}");
    }

    #[test]
    fn a_parked_request_ends_at_its_deadline_or_when_its_client_goes() {
        let (now, otherwise) = (Instant::now(), Some(yes()));
        let later = now + Duration::from_secs(60);
        for (case, until, otherwise, gone, after) in [
            ("not yet", later, None, false, Progress::Waiting(later)),
            ("let go", now, None, false, Progress::Over),
            ("answered at the deadline", now, otherwise, false, Progress::Answered),
            ("gone", later, None, true, Progress::Over),
        ] {
            let mut bed = Bed::new(1);
            let slot = bed.take(now).unwrap();
            let number = begin(&slot, now);
            assert_eq!(slot.park(number, until, otherwise), Parking::Parked);
            assert_eq!(slot.progress(now, gone, later), after, "{case}");
            let waits = matches!(after, Progress::Waiting(_));
            assert_eq!(bed.table.parking.parked(), usize::from(waits), "{case}");
            assert_eq!(slot.answer(number, Some(&yes())), waits, "{case}");
        }
    }

    #[test]
    fn as_many_wait_as_may() {
        let mut bed = Bed::new(2);
        let now = Instant::now();
        let [one, other] = [(); 2].map(|()| bed.take(now).unwrap());
        let numbers = [begin(&one, now), begin(&other, now)];
        let later = now + Duration::from_secs(60);
        assert_eq!(one.park(numbers[0], later, None), Parking::Parked);
        assert_eq!(other.park(numbers[1], later, None), Parking::Full);
        assert!(one.is_crowded());
        assert!(one.answer(numbers[0], None));
        assert_eq!(other.park(numbers[1], later, None), Parking::Parked);
    }

    #[test]
    fn a_stop_ends_what_waits_for_nothing_and_keeps_nothing_alive() {
        let mut bed = Bed::new(4);
        let now = Instant::now();
        let [silent, kept, serving, receiving] = [(); 4].map(|()| bed.take(now).unwrap());
        assert!(silent.idle(now, false) && kept.idle(now, true) && receiving.receiving(now));
        let number = begin(&serving, now);
        bed.table.close();
        let ended = |slot: &Slot| matches!((&slot.connection).read(&mut [0]), Ok(0));
        assert!(ended(&kept));
        assert!(serving.answer(number, Some(&yes())));
        assert!(ended(&serving), "answered for the last time");
        let nobody = bed.table.wait_empty(Instant::now(), Instant::now());
        assert_eq!(nobody, 4, "their threads have not left yet");
        assert!(ended(&silent));
    }

    #[test]
    fn an_answer_that_is_not_read_is_left_to_the_connection_and_ends_it() {
        let mut bed = Bed::new(1);
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let slot = bed.take(now).unwrap();
        let large = Response::new(200, "text/plain", vec![b'x'; 8 << 20]);
        let number = begin(&slot, now);
        assert!(slot.answer(number, Some(&large)));
        let Progress::Unsent(rest) = slot.progress(now, false, later) else { panic!("all sent") };
        assert!(!rest.is_empty() && rest.len() < 8 << 20);
        assert!(matches!((&slot.connection).read(&mut [0]), Ok(0)), "its thread is woken");
        assert!(!slot.cut_if_wasting(now), "it has a moment to be read");
        assert!(slot.cut_if_wasting(now + Duration::from_secs(1)));
    }
}
