//! Every push is answered once, however often it is delivered.
//!
//! In: deliveries, the requests that wait for their answer, and the answer. Out: the answer at
//! every request that waits. WeChat delivers a push up to three times when no answer comes
//! within five seconds: the first delivery starts the work, the others join it, a delivery after
//! the answer gets the remembered reply. No lock is held while a request is answered.

use std::sync::Mutex;
use std::time::Instant;

use super::dedup::{Arrival, DeliveryDedup};
use super::response::Response;
use super::ticket::Ticket;
use crate::chat::readers::Request;
use crate::sys::sync::lock;
use crate::wechat::push::Identity;

/// The pushes of the last minute.
#[derive(Default)]
pub struct Deliveries(Mutex<DeliveryDedup>);

impl Deliveries {
    /// A delivery of a push comes in; if nobody has seen the push before, it is number `first`.
    pub fn arrive(&self, push: &Identity, first: u32, now: Instant) -> Arrival {
        lock(&self.0).arrive(push, first, now)
    }

    /// A request of this push waits for its answer. `Some` when that has come meanwhile.
    pub fn wait(&self, push: &Identity, ticket: Ticket) -> Option<Response> {
        lock(&self.0).wait(push, ticket)
    }

    /// Lets the requests of this push go that wait already: WeChat has given them up when it
    /// delivers again.
    pub fn supersede(&self, push: &Identity) {
        let waiting = lock(&self.0).take_waiting(push);
        let_go(&waiting);
    }

    /// What a push was taken to ask for when it came first.
    pub fn asks(&self, push: &Identity, request: &Request) {
        lock(&self.0).asks(push, request);
    }

    /// The same again; nothing while that is being found out, or when it asks for nothing.
    pub fn request(&self, push: &Identity) -> Option<Request> {
        lock(&self.0).request(push)
    }

    /// How often a push was delivered so far; all but the last passed unanswered.
    pub fn delivered(&self, push: &Identity) -> u32 {
        lock(&self.0).delivered(push)
    }

    /// The reply to a push is known: remembers it, and gives it to all that wait. Returns how
    /// many requests it reached.
    pub fn settle(&self, push: &Identity, reply: &Response) -> usize {
        let waiting = lock(&self.0).settle(push, reply);
        waiting.iter().filter(|ticket| ticket.answer(Some(reply))).count()
    }

    /// The push will not be answered after all: the next delivery begins anew.
    pub fn forget(&self, push: &Identity) {
        let waiting = lock(&self.0).forget(push);
        let_go(&waiting);
    }

    /// Lets everybody go who still waits: the server stops.
    pub fn release(&self) {
        let waiting = lock(&self.0).release();
        let_go(&waiting);
    }
}

/// Ends requests without an answer, so that WeChat delivers their push again.
fn let_go(waiting: &[Ticket]) {
    for ticket in waiting {
        ticket.answer(None);
    }
}
