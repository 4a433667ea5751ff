//! Which pushes have been delivered, and what was answered: pure, with the clock passed in.
//!
//! In: deliveries, answers. Out: what a delivery has to do. A push is kept for a minute, four times as
//! long as WeChat goes on delivering it. Of answered pushes at most about 4096 entries
//! and a million bytes are kept, and the oldest go first; one that somebody waits for never
//! has to go, since there are no more of those than lookups and parking allow.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::response::Response;
use super::ticket::Ticket;
use crate::chat::readers::Request;
use crate::wechat::push::Identity;

/// WeChat's three deliveries end about 15 s after the first.
const KEPT: Duration = Duration::from_secs(60);
/// Most pushes remembered: 68 new ones a second for a minute.
const ENTRIES: usize = 4096;
/// Most bytes of replies remembered.
const BYTES: usize = 1024 * 1024;

/// What a delivery has to do.
#[derive(Debug)]
pub enum Arrival {
    /// Nobody has seen this push: do the work.
    New,
    /// It was answered already, with this.
    Answered(Response),
    /// Somebody is at work; this is delivery number `n`, from 2.
    InProgress(u32),
}

/// The pushes of the last minute.
#[derive(Debug, Default)]
pub struct DeliveryDedup {
    entries: HashMap<Identity, Entry>,
    order: VecDeque<(Instant, Identity)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    deliveries: u32,
    /// What it asks for, if it asks.
    request: Option<Request>,
    reply: Option<Response>,
    waiting: Vec<Ticket>,
}

impl DeliveryDedup {
    /// One delivery of `push` comes in; if it is the first we see, its number is `first`.
    pub fn arrive(&mut self, push: &Identity, first: u32, now: Instant) -> Arrival {
        self.expire(now);
        if let Some(entry) = self.entries.get_mut(push) {
            entry.deliveries += 1;
            return match &entry.reply {
                Some(reply) => Arrival::Answered(reply.clone()),
                None => Arrival::InProgress(entry.deliveries),
            };
        }
        let entry = Entry {
            since: now,
            deliveries: first,
            request: None,
            reply: None,
            waiting: Vec::new(),
        };
        self.entries.insert(push.clone(), entry);
        self.order.push_back((now, push.clone()));
        Arrival::New
    }

    /// A request waits for the answer; `Some` when it is there already.
    pub fn wait(&mut self, push: &Identity, ticket: Ticket) -> Option<Response> {
        let entry = self.entries.get_mut(push)?;
        if entry.reply.is_none() {
            entry.waiting.push(ticket);
        }
        entry.reply.clone()
    }

    /// What `push` was taken to ask for when it came first: whatever has changed since, it does not
    /// ask for anything else.
    pub fn asks(&mut self, push: &Identity, request: &Request) {
        if let Some(entry) = self.entries.get_mut(push) {
            entry.request = Some(request.clone());
        }
    }

    /// As [`DeliveryDedup::asks`] was told.
    pub fn request(&self, push: &Identity) -> Option<Request> {
        self.entries.get(push)?.request.clone()
    }

    /// How often `push` was delivered, as far as is known.
    pub fn delivered(&self, push: &Identity) -> u32 {
        self.entries.get(push).map_or(0, |entry| entry.deliveries)
    }

    /// Returns who waits for the answer to `push`; they do not any more.
    pub fn take_waiting(&mut self, push: &Identity) -> Vec<Ticket> {
        self.entries
            .get_mut(push)
            .map(|entry| std::mem::take(&mut entry.waiting))
            .unwrap_or_default()
    }

    /// Remembers the answer and returns who waits for it.
    pub fn settle(&mut self, push: &Identity, reply: &Response) -> Vec<Ticket> {
        let Some(entry) = self.entries.get_mut(push) else { return Vec::new() };
        let waiting = std::mem::take(&mut entry.waiting);
        if entry.reply.is_none() {
            self.bytes += reply.body.len();
            entry.reply = Some(reply.clone());
            self.make_room();
        }
        waiting
    }

    /// Drops a push that is not answered yet and returns who waits for it.
    pub fn forget(&mut self, push: &Identity) -> Vec<Ticket> {
        match self.entries.get(push) {
            Some(entry) if entry.reply.is_none() => {
                self.entries.remove(push).map(|entry| entry.waiting).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    /// Returns everybody who still waits.
    pub fn release(&mut self) -> Vec<Ticket> {
        self.entries.values_mut().flat_map(|entry| std::mem::take(&mut entry.waiting)).collect()
    }

    /// Forgets what is older than a minute.
    fn expire(&mut self, now: Instant) {
        self.forget_oldest(|_, since| now.saturating_duration_since(since) >= KEPT, true);
        self.make_room();
    }

    /// Forgets the oldest answers while there are too many, or too large ones.
    fn make_room(&mut self) {
        self.forget_oldest(|this, _| this.entries.len() >= ENTRIES || this.bytes > BYTES, false);
    }

    /// Forgets the oldest as long as `goes` says so; those that still wait only if `all` may go.
    /// Each is looked at once: those that stay go to the back.
    fn forget_oldest(&mut self, goes: impl Fn(&Self, Instant) -> bool, all: bool) {
        for _ in 0..self.order.len() {
            let Some((since, push)) = self.order.pop_front() else { return };
            if !goes(self, since) {
                return self.order.push_front((since, push));
            }
            // A forgotten push that came again has a younger entry of its own.
            let Some(entry) = self.entries.get(&push).filter(|entry| entry.since == since) else {
                continue;
            };
            if entry.reply.is_none() && !all {
                self.order.push_back((since, push));
                continue;
            }
            self.bytes -= entry.reply.as_ref().map_or(0, |reply| reply.body.len());
            self.entries.remove(&push);
        }
    }
}
