//! Who is connected, what each one is doing, and who has to go when all places are taken.
//!
//! In: accepted connections. Out: a [`Seat`] for each, up to a limit. When all are taken, the
//! connection that has been sending its request longest is cut off; one whose request is
//! complete never is. What unfinished requests hold in memory is bounded over all of them.

use std::cmp::Reverse;
use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::service::parking::{Bay, Lot};
use crate::sys::sync::{lock, wait};
use crate::sys::unix::Connection;

/// What all requests together may hold, those that wait for a lane included: with 256 places of
/// 64 KiB it would be 16 MiB. Pushes up to 4 KiB do not count; 50 of compatible mode fit.
const UNFINISHED: usize = 512 * 1024;
/// How long a place waits for an answer to be read before it may be given to somebody else.
/// An answer fits into the socket's buffer, so this is only waited for who sends on and on and
/// never reads; a new client waits as long.
const READING: Duration = Duration::from_millis(250);
/// A client that has just come is given this long to say something before it may be cut off: with
/// few places and many strangers, the one who means it would else go with them.
const YOUNG: Duration = Duration::from_millis(20);
/// How long one try to get a place, or room for a growing request, waits for those that were cut
/// off to go.
const LEAVING: Duration = Duration::from_millis(25);
/// How long all tries together may take.
const TRYING: Duration = Duration::from_secs(1);

/// The table of connections.
pub struct Places {
    table: Mutex<Table>,
    changed: Condvar,
    lot: Arc<Lot>,
    limit: usize,
    /// What requests hold that may still be finished.
    unfinished: AtomicUsize,
    /// What those hold that were cut off, until they are gone.
    leaving: AtomicUsize,
    /// Connections cut off to make room, since the start.
    pub cut_off: AtomicU64,
}

#[derive(Default)]
struct Table {
    seats: Vec<Option<Arc<Seat>>>,
    free: Vec<usize>,
    taken: usize,
    closing: bool,
    /// Somebody waits for a place.
    awaited: bool,
}

/// One connection's place.
pub struct Seat {
    /// The name a relayed request carries.
    pub number: usize,
    /// The client.
    pub connection: Connection,
    /// Where its request waits for a late answer.
    pub bay: Arc<Bay>,
    /// Bytes its request holds, as last told to [`Places::holds`].
    held: AtomicUsize,
    /// What it held when it was cut off.
    lost: AtomicUsize,
    phase: Mutex<Phase>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Accepted, and not met by its thread yet: a whole request may wait in the kernel.
    Arriving,
    /// Nothing of the next request has come yet; `kept` when an earlier one was answered.
    Idle { since: Instant, kept: bool },
    /// A part of a request has come.
    Receiving { since: Instant },
    /// The request is complete and not yet answered.
    Serving,
    /// The answer is on its way to a client that may not read it.
    Sending { since: Instant },
    /// Cut off: the thread is about to notice.
    Cut,
}

impl Places {
    /// Room for `limit` connections, whose requests may be parked in `lot`.
    pub fn new(limit: usize, lot: Arc<Lot>) -> Self {
        Self {
            table: Mutex::default(),
            changed: Condvar::new(),
            lot,
            limit: limit.max(1),
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

    /// Gives `connection` a seat; when none is free, makes one free: somebody is cut off, or, when
    /// every request is complete, the next one that is answered has to leave. `Err` gives the
    /// connection back when that took a second.
    pub fn take(&self, connection: Connection, now: Instant) -> Result<Arc<Seat>, Connection> {
        let mut table = lock(&self.table);
        while table.taken >= self.limit {
            let trying = Instant::now().saturating_duration_since(now);
            table.awaited = trying < TRYING;
            if !table.awaited {
                return Err(connection);
            }
            self.cut_off_longest(&table, now + trying);
            // Whoever goes is gone within moments; the limit is for a machine too busy for that.
            table = wait(&self.changed, table, LEAVING).0;
        }
        table.awaited = false;
        let number = table.free.pop().unwrap_or(table.seats.len());
        let seat = Arc::new(Seat {
            number,
            connection,
            bay: Bay::new(self.lot.clone(), now),
            held: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            phase: Mutex::new(Phase::Arriving),
        });
        match table.seats.get_mut(number) {
            Some(place) => *place = Some(seat.clone()),
            None => table.seats.push(Some(seat.clone())),
        }
        table.taken += 1;
        Ok(seat)
    }

    /// The seat a relayed request names.
    pub fn seat(&self, number: usize) -> Option<Arc<Seat>> {
        lock(&self.table).seats.get(number).cloned().flatten()
    }

    /// Makes a place free again.
    pub fn leave(&self, seat: &Seat) {
        self.unfinished.fetch_sub(seat.held.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        self.leaving.fetch_sub(seat.lost.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        let mut table = lock(&self.table);
        if let Some(place) = table.seats.get_mut(seat.number) {
            *place = None;
        }
        table.free.push(seat.number);
        table.taken -= 1;
        drop(table);
        self.changed.notify_all();
    }

    /// Cuts off whoever has been sending longest, so that its file and its thread can be used for
    /// another, and waits until somebody has left, at most for `patience`.
    pub fn make_room(&self, now: Instant, patience: Duration) {
        let table = lock(&self.table);
        self.cut_off_longest(&table, now);
        drop(wait(&self.changed, table, patience));
    }

    /// Notes that the request at `seat` will hold so many bytes. Over the limit for all of them, the
    /// largest that is still coming goes, if it is at least as large: nobody real is. This one waits
    /// until there is room: with more threads than processors, all would grow before the first that
    /// was cut off has gone. `false` when there is no room for it.
    pub fn holds(&self, seat: &Seat, bytes: usize, now: Instant) -> bool {
        let before = seat.held.swap(bytes, Ordering::Relaxed);
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
            let cut = *lock(&seat.phase) == Phase::Cut;
            let mut given_back = late || cut;
            while !given_back && staying() > UNFINISHED {
                given_back = !self.cut_off_largest(&table, seat, bytes);
                self.changed.notify_all();
            }
            if given_back {
                // It will not take them; of one that was cut off nothing counts here any more.
                let keeps = if cut { 0 } else { before };
                self.unfinished.fetch_add(keeps, Ordering::Relaxed);
                let counted = seat.held.swap(keeps, Ordering::Relaxed);
                self.unfinished.fetch_sub(counted, Ordering::Relaxed);
                return false;
            }
            table = wait(&self.changed, table, LEAVING).0;
        }
        true
    }

    /// Ends the largest request that is still coming, the oldest of them, if it is as large as
    /// `bytes`. `false` when there is none.
    fn cut_off_largest(&self, table: &Table, but: &Seat, bytes: usize) -> bool {
        let held = |seat: &Seat| seat.held.load(Ordering::Relaxed);
        let others = table.seats.iter().flatten().filter(|seat| seat.number != but.number);
        let coming = others.filter_map(|seat| {
            let Phase::Receiving { since } = *lock(&seat.phase) else { return None };
            Some(((held(seat), Reverse(since)), seat))
        });
        let largest = coming.max_by_key(|(key, _)| *key).map(|(_, seat)| seat);
        let largest = largest.filter(|seat| held(seat) >= bytes);
        if let Some(largest) = largest {
            self.cut_off(largest);
        }
        largest.is_some()
    }

    /// Ends the connection that has been sending longest, if there is one to end.
    fn cut_off_longest(&self, table: &Table, now: Instant) {
        let seats = || table.seats.iter().flatten();
        // One is leaving already: that is the room to wait for.
        if seats().any(|seat| *lock(&seat.phase) == Phase::Cut) {
            return;
        }
        let waiting = seats().filter_map(|seat| Some((seat.waiting_since(now)?, seat)));
        if let Some((_, longest)) = waiting.min_by_key(|(since, _)| *since)
            && longest.waiting_since(now).is_some()
        {
            self.cut_off(longest);
        }
    }

    fn cut_off(&self, seat: &Seat) {
        *lock(&seat.phase) = Phase::Cut;
        seat.connection.shutdown(Shutdown::Both);
        let lost = seat.held.swap(0, Ordering::Relaxed);
        seat.lost.fetch_add(lost, Ordering::Relaxed);
        self.unfinished.fetch_sub(lost, Ordering::Relaxed);
        self.leaving.fetch_add(lost, Ordering::Relaxed);
        self.cut_off.fetch_add(1, Ordering::Relaxed);
    }

    /// No connection is kept alive from now on, and those that wait for nothing end at once.
    pub fn close(&self) {
        let mut table = lock(&self.table);
        table.closing = true;
        for seat in table.seats.iter().flatten() {
            if matches!(*lock(&seat.phase), Phase::Idle { kept: true, .. }) {
                // Reading only: a request that has just come is still served.
                seat.connection.shutdown(Shutdown::Read);
            }
        }
    }

    /// Whether a connection has to end after its answer: at a stop, and when somebody waits for
    /// a place that nobody can be cut off for.
    pub fn wanted_back(&self) -> bool {
        let table = lock(&self.table);
        table.closing || table.awaited
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
                for seat in table.seats.iter().flatten() {
                    if matches!(*lock(&seat.phase), Phase::Idle { .. } | Phase::Arriving) {
                        seat.connection.shutdown(Shutdown::Read);
                    }
                }
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

impl Seat {
    /// Since when this client keeps its place without need; `None` when it may not be cut off.
    fn waiting_since(&self, now: Instant) -> Option<Instant> {
        let longer = |since: Instant, than| now.saturating_duration_since(since) > than;
        match *lock(&self.phase) {
            Phase::Idle { since, kept: false } => Some(since).filter(|&since| longer(since, YOUNG)),
            Phase::Idle { since, .. } => Some(since),
            // It may have all of its request, and only not have said so yet.
            Phase::Receiving { since } => Some(since).filter(|&since| longer(since, YOUNG)),
            Phase::Sending { since } => Some(since).filter(|&since| longer(since, READING)),
            Phase::Arriving | Phase::Serving | Phase::Cut => None,
        }
    }

    /// Waits for the next request; `false` when the connection has been cut off.
    pub fn idle(&self, now: Instant, kept: bool) -> bool {
        self.enter(Phase::Idle { since: now, kept })
    }

    /// The first byte of a request came; `false` when the connection has been cut off.
    pub fn receiving(&self, now: Instant) -> bool {
        self.enter(Phase::Receiving { since: now })
    }

    /// The request is complete: from here on the connection is never cut off. `false` when it
    /// has been already.
    pub fn serving(&self) -> bool {
        self.enter(Phase::Serving)
    }

    /// The answer goes out.
    pub fn sending(&self, now: Instant) -> bool {
        self.enter(Phase::Sending { since: now })
    }

    fn enter(&self, next: Phase) -> bool {
        let mut phase = lock(&self.phase);
        if *phase == Phase::Cut {
            return false;
        }
        *phase = next;
        true
    }
}
