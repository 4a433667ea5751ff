//! Who is connected, what each one is doing, and who has to go when all places are taken.
//!
//! In: accepted connections. Out: a [`Seat`] for each, up to a limit. When all are taken, the
//! connection that has been sending its request longest is cut off; one whose request is
//! complete never is. What unfinished requests hold in memory is bounded over all of them.

use std::net::Shutdown;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::parking::{Bay, Lot};
use crate::sync::{lock, wait};
use crate::unix::Connection;

/// What all requests together may hold, those that wait for a lane included: with 256 places of
/// 64 KiB it would be 16 MiB.
const UNFINISHED: usize = 1024 * 1024;
/// How long a place waits for an answer to be read before it may be given to somebody else.
/// An answer fits into the socket's buffer, so this is only waited for who sends on and on and
/// never reads; a new client waits as long.
const READING: Duration = Duration::from_millis(250);
/// A client that has just come is given this long to say something before it may be cut off: with
/// few places and many strangers, the one who means it would else go with them.
const YOUNG: Duration = Duration::from_millis(20);
/// How long one try to get a place waits for it, and how many tries there are: a second in all.
const LEAVING: Duration = Duration::from_millis(25);
const TRIES: u32 = 40;
/// How long a growing request waits for those that were cut off to let go of their bytes.
const LETTING_GO: Duration = Duration::from_millis(250);

/// The table of connections.
pub struct Places {
    table: Mutex<Table>,
    changed: Condvar,
    lot: Arc<Lot>,
    limit: usize,
    unfinished: AtomicUsize,
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
    phase: Mutex<Phase>,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
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
        let mut tries = 0;
        while table.taken >= self.limit {
            if cut_off_longest(&table, now + LEAVING * tries, |_| true) {
                self.cut_off.fetch_add(1, Ordering::Relaxed);
            }
            tries += 1;
            table.awaited = tries <= TRIES;
            if !table.awaited {
                return Err(connection);
            }
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
            phase: Mutex::new(Phase::Idle { since: now, kept: false }),
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
        if cut_off_longest(&table, now, |_| true) {
            self.cut_off.fetch_add(1, Ordering::Relaxed);
        }
        drop(wait(&self.changed, table, patience));
    }

    /// Notes that the request at `seat` now holds so many bytes. Over the limit for all of them,
    /// the one that holds any and has been sending longest goes (cutting off one that only waits
    /// would give nothing back), and this one waits until there is room: with more threads than
    /// processors, all would grow before the first that was cut off has gone. `false` when there
    /// was no room for a second.
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
        let holds_any = |seat: &Seat| seat.held.load(Ordering::Relaxed) > 0;
        for _ in 0..4 {
            if self.unfinished.load(Ordering::Relaxed) <= UNFINISHED {
                return true;
            }
            let table = lock(&self.table);
            if cut_off_longest(&table, now, holds_any) {
                self.cut_off.fetch_add(1, Ordering::Relaxed);
            }
            if *lock(&seat.phase) == Phase::Cut {
                return false;
            }
            drop(wait(&self.changed, table, LETTING_GO));
        }
        self.unfinished.load(Ordering::Relaxed) <= UNFINISHED
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
                    if matches!(*lock(&seat.phase), Phase::Idle { .. }) {
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

/// Ends the connection that has been sending longest, of those that are meant. `false` when
/// there is none to end.
fn cut_off_longest(table: &Table, now: Instant, who: impl Fn(&Seat) -> bool) -> bool {
    // One is leaving already: that is the room to wait for.
    let leaving = |seat: &Arc<Seat>| *lock(&seat.phase) == Phase::Cut && who(seat);
    if table.seats.iter().flatten().any(leaving) {
        return true;
    }
    let waiting_since = |seat: &Arc<Seat>| match *lock(&seat.phase) {
        Phase::Idle { since, kept: false } if now.saturating_duration_since(since) < YOUNG => None,
        Phase::Idle { since, .. } | Phase::Receiving { since } => Some(since),
        Phase::Sending { since } if now.saturating_duration_since(since) > READING => Some(since),
        Phase::Serving | Phase::Sending { .. } | Phase::Cut => None,
    };
    let longest = table
        .seats
        .iter()
        .flatten()
        .filter(|seat| who(seat))
        .filter_map(|seat| Some((waiting_since(seat)?, seat)))
        .min_by_key(|(since, _)| *since);
    let Some((_, seat)) = longest else { return false };
    let mut phase = lock(&seat.phase);
    if *phase == Phase::Serving {
        return false;
    }
    *phase = Phase::Cut;
    seat.connection.shutdown(Shutdown::Both);
    true
}

impl Seat {
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
