//! One connection's entry in the table: what it is doing, and the way back to its client.
//!
//! In: what the connection's thread sees (bytes, an end, a deadline) and what others find out
//! (an answer, that room is needed). Out: one of the phases below, changed in one step under one
//! lock, and the answer's bytes. Whoever has the answer sends it here, from its own thread; only
//! what the client's buffer does not take is left to the connection's thread. A request that is
//! complete is never cut off.

use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::parking::{ParkingLimit, ParkingSlot};
use super::wire::{self, Manner};
use crate::service::response::Response;
use crate::service::ticket::{Client, Parking};
use crate::sys::sync::{lock, wait};
use crate::sys::unix::Connection;

/// How long a place waits for an answer to be read before it may be given to somebody else.
/// An answer fits into the socket's buffer, so this is only waited for who sends on and on and
/// never reads; a new client waits as long.
const READING: Duration = Duration::from_millis(250);
/// A client that has just come is given this long to say something before it may be cut off: with
/// few places and many strangers, the one who means it would else go with them.
const YOUNG: Duration = Duration::from_millis(20);

/// One connection's place in the table.
pub struct Slot {
    /// The name a relayed request carries.
    pub number: usize,
    /// The client.
    pub connection: Connection,
    /// Bytes its request holds, as last told to the table.
    pub(super) held: AtomicUsize,
    /// What it held when it was cut off.
    pub(super) lost: AtomicUsize,
    parking: Arc<ParkingLimit>,
    /// Somebody needs the place, or the server stops: nothing is kept alive.
    wanted_back: Arc<AtomicBool>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    phase: Phase,
    /// Grows with each request, so that a late answer never meets the next one.
    request: u64,
    current: Current,
    parked: Option<Parked>,
}

/// The request being served.
#[derive(Clone, Copy, Debug)]
pub struct Current {
    /// When its first byte came.
    pub first_byte: Instant,
    /// Whether its sender is on this machine and speaks for itself.
    pub local: bool,
    /// How its answer is to be written.
    pub manner: Manner,
}

struct Parked {
    until: Instant,
    otherwise: Option<Response>,
    _place: ParkingSlot,
}

/// What a connection is doing.
#[derive(Debug)]
enum Phase {
    /// Accepted, and not met by its thread yet: a whole request may wait in the kernel.
    Arriving,
    /// Nothing of the next request has come yet; `kept` when an earlier one was answered.
    Idle { since: Instant, kept: bool },
    /// A part of a request has come.
    Receiving { since: Instant },
    /// The request is complete and not yet answered.
    Serving,
    /// Of the answer so much is left that the client's buffer did not take.
    Sending { since: Instant, rest: Vec<u8> },
    /// Answered for the last time.
    Done,
    /// Cut off: the thread is about to notice.
    Cut,
}

/// What became of a request, as its connection's thread looks at it.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not answered yet; look again at this moment at the latest.
    Waiting(Instant),
    /// Answered; the next request may come.
    Answered,
    /// These bytes are still to be sent, then the connection ends.
    Unsent(Vec<u8>),
    /// The connection is over.
    Over,
}

impl Slot {
    /// The place `number`, for a connection made at `now`.
    pub fn new(
        number: usize,
        connection: Connection,
        parking: Arc<ParkingLimit>,
        wanted_back: Arc<AtomicBool>,
        now: Instant,
    ) -> Arc<Self> {
        let current = Current { first_byte: now, local: false, manner: Manner::default() };
        let state = State { phase: Phase::Arriving, request: 0, current, parked: None };
        Arc::new(Self {
            number,
            connection,
            held: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            parking,
            wanted_back,
            state: Mutex::new(state),
            changed: Condvar::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits for the next request; `false` when the connection has been cut off.
    pub fn idle(&self, now: Instant, kept: bool) -> bool {
        self.enter(Phase::Idle { since: now, kept })
    }

    /// The first byte of a request came; `false` when the connection has been cut off.
    pub fn receiving(&self, now: Instant) -> bool {
        self.enter(Phase::Receiving { since: now })
    }

    /// The request is complete: from here on the connection is not cut off until it is answered.
    /// Returns the request's number; `None` when the connection has been cut off already.
    pub fn begin(&self, current: Current) -> Option<u64> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Cut) {
            return None;
        }
        state.request += 1;
        (state.phase, state.current, state.parked) = (Phase::Serving, current, None);
        Some(state.request)
    }

    /// What the request with this number is, if it is still to be answered.
    pub fn current(&self, request: u64) -> Option<Current> {
        let state = self.state();
        state.is_serving(request).then_some(state.current)
    }

    fn enter(&self, next: Phase) -> bool {
        let mut state = self.state();
        if matches!(state.phase, Phase::Cut) {
            return false;
        }
        state.phase = next;
        true
    }

    /// How far the current request is. `gone`: the client will not hear an answer that takes
    /// time; `late`: no worker needs longer than that to answer or park it.
    pub fn progress(&self, now: Instant, gone: bool, late: Instant) -> Progress {
        let mut state = self.state();
        match &mut state.phase {
            Phase::Sending { rest, .. } => return Progress::Unsent(std::mem::take(rest)),
            Phase::Idle { .. } => return Progress::Answered,
            Phase::Serving => {}
            _ => return Progress::Over,
        }
        match &mut state.parked {
            Some(_) if gone => {
                state.finish();
                Progress::Over
            }
            Some(parked) if parked.until <= now => {
                let otherwise = parked.otherwise.take();
                self.finish(state, otherwise.as_ref());
                self.progress(now, gone, late)
            }
            Some(parked) => Progress::Waiting(parked.until),
            None => Progress::Waiting(late),
        }
    }

    /// Sleeps until something has become of the request, at most until `until`; of one whose
    /// client has `gone`, until it is parked.
    pub fn wait_for_change(&self, request: u64, gone: bool, until: Instant) {
        let mut state = self.state();
        while state.is_serving(request) && !(gone && state.parked.is_some()) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = wait(&self.changed, state, left).0;
        }
    }

    /// Sends the answer, or ends the connection without one.
    fn finish(&self, mut state: MutexGuard<'_, State>, response: Option<&Response>) {
        let mut manner = state.current.manner;
        manner.keep_alive &= !self.wanted_back.load(Ordering::SeqCst);
        state.finish();
        let Some(response) = response else {
            // WeChat delivers again when nothing comes.
            return self.connection.shutdown(Shutdown::Both);
        };
        let bytes = wire::encode(response, manner);
        match self.connection.send_now(&bytes) {
            Ok(sent) if sent == bytes.len() && manner.keep_alive => {
                state.phase = Phase::Idle { since: Instant::now(), kept: true };
            }
            Ok(sent) if sent < bytes.len() => {
                let rest = bytes.get(sent..).unwrap_or_default().to_vec();
                state.phase = Phase::Sending { since: Instant::now(), rest };
                // Wakes the connection's thread, which sends the rest and then ends.
                self.connection.shutdown(Shutdown::Read);
            }
            _ => self.connection.shutdown(Shutdown::Both),
        }
    }

    /// Ends a connection that wastes its place, if it still does at `now`: looked at and done in
    /// one step, so that a request that has just become complete is not lost.
    pub(super) fn cut_if_wasting(&self, now: Instant) -> bool {
        self.cut_if(|phase| phase.wasting_since(now).is_some())
    }

    /// Ends a connection whose request is still coming.
    pub(super) fn cut_if_receiving(&self) -> bool {
        self.cut_if(|phase| matches!(phase, Phase::Receiving { .. }))
    }

    fn cut_if(&self, may_go: impl FnOnce(&Phase) -> bool) -> bool {
        let mut state = self.state();
        if !may_go(&state.phase) {
            return false;
        }
        state.phase = Phase::Cut;
        drop(state);
        self.connection.shutdown(Shutdown::Both);
        true
    }

    /// Since when this client keeps its place without need; `None` when it may not be cut off.
    pub(super) fn wasting_since(&self, now: Instant) -> Option<Instant> {
        self.state().phase.wasting_since(now)
    }

    /// Since when a part of a request has been here.
    pub(super) fn receiving_since(&self) -> Option<Instant> {
        match self.state().phase {
            Phase::Receiving { since } => Some(since),
            _ => None,
        }
    }

    /// Whether it was cut off and its thread has not noticed yet.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.state().phase, Phase::Cut)
    }

    /// Ends a connection that waits for nothing. Reading only: a request that has just come is
    /// still served. `strangers`: also one that never sent a byte.
    pub(super) fn end_idle(&self, strangers: bool) {
        let state = self.state();
        let idle = match state.phase {
            Phase::Idle { kept: true, .. } => true,
            Phase::Idle { .. } | Phase::Arriving => strangers,
            _ => false,
        };
        if idle {
            self.connection.shutdown(Shutdown::Read);
        }
    }
}

impl Client for Slot {
    fn answer(&self, request: u64, response: Option<&Response>) -> bool {
        let state = self.state();
        if !state.is_serving(request) {
            return false;
        }
        self.finish(state, response);
        self.changed.notify_all();
        true
    }

    fn park(&self, request: u64, until: Instant, otherwise: Option<Response>) -> Parking {
        let Some(place) = self.parking.try_enter() else { return Parking::Full };
        let mut state = self.state();
        if state.is_serving(request) {
            state.parked = Some(Parked { until, otherwise, _place: place });
            self.changed.notify_all();
        }
        Parking::Parked
    }

    fn is_crowded(&self) -> bool {
        self.parking.is_crowded()
    }
}

impl State {
    fn is_serving(&self, request: u64) -> bool {
        matches!(self.phase, Phase::Serving) && self.request == request
    }

    /// The request is over: its place to wait is free, and no other answer reaches it.
    fn finish(&mut self) {
        self.parked = None;
        self.phase = Phase::Done;
    }
}

impl Phase {
    fn wasting_since(&self, now: Instant) -> Option<Instant> {
        let longer = |since: Instant, than| now.saturating_duration_since(since) > than;
        match *self {
            Self::Idle { since, kept: false } => Some(since).filter(|&since| longer(since, YOUNG)),
            Self::Idle { since, .. } => Some(since),
            // It may have all of its request, and only not have said so yet.
            Self::Receiving { since } => Some(since).filter(|&since| longer(since, YOUNG)),
            Self::Sending { since, .. } => Some(since).filter(|&since| longer(since, READING)),
            Self::Arriving | Self::Serving | Self::Done | Self::Cut => None,
        }
    }
}
