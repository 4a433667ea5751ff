//! One push, from its letter to its reply: at once, or parked until the answer comes.
//!
//! In: a push delivered for the first time or again. Out: a [`Response`] now, or nothing when the
//! request waits at its bay. A push is answered once, whoever finds the answer and however often it
//! is delivered; one that was begun and not finished begins anew with the next delivery.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Call, Service, note_old};
use crate::catalogue::library::{Answer, Verdict};
use crate::chat::conversation::{Next, Request};
use crate::chat::phrases;
use crate::service::dedup::Arrival;
use crate::service::lookups::{LookupService, Refused};
use crate::service::metrics;
use crate::service::response::{Response, TEXT, XML};
use crate::sys::journal;
use crate::wechat::credentials::VerifiedPush;
use crate::wechat::push::Push;
use crate::wechat::reply::{Reply, SUCCESS};

/// WeChat gives up after 5 s; a connection it may still hold is let go after 6 s. Not earlier:
/// silence is what makes it deliver again, and whether a close does is not known.
const LET_GO: Duration = Duration::from_secs(6);

impl Service {
    pub(super) fn take_push(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Option<Response> {
        let letter = match self.account.open(query, call.body) {
            Ok(letter) => letter,
            Err(reason) => return Some(self.refuse(&reason)),
        };
        note_old(letter.old);
        let first = self.delivery(&letter.push, call.now);
        match self.desk.arrive(&letter.push.id, first, call.now) {
            Arrival::New => {
                let open = OpenPush { desk: &self.desk, letter: Some(&letter) };
                let response = self.answer(&letter, first, call);
                open.close();
                response
            }
            Arrival::Answered(reply) => {
                self.metrics.count(metrics::REPEATED, ["answered", ""]);
                Some(reply)
            }
            Arrival::InProgress(delivery) => {
                self.metrics.count(metrics::REPEATED, ["running", ""]);
                self.join(&letter, delivery, call)
            }
        }
    }

    /// The first delivery of a push that we see; its number is `delivery`.
    fn answer(
        self: &Arc<Self>,
        letter: &VerifiedPush,
        delivery: u32,
        call: &Call<'_>,
    ) -> Option<Response> {
        let push = &letter.push;
        let first_byte = call.bay.first_byte();
        if self.log_text {
            journal::info(format_args!("reader {} sent {:?}", push.from, push.kind));
        }
        let wanted = match self.conversation.listen(push, call.now) {
            Next::Say(reply) => {
                return Some(self.say(letter, &reply, "said", None, first_byte).0);
            }
            Next::Find(wanted) => wanted,
        };
        let answer = self.desk.recall(&wanted.query);
        if answer.as_ref().is_none_or(|answer| answer.books.len() > 1) {
            self.conversation.begin(&push.from, call.now);
        }
        if let Some(answer) = answer {
            let response = self.tell(letter, &wanted, &answer, first_byte).0;
            self.conversation.received(&push.from, &wanted);
            return Some(response);
        }
        match self.park(letter, delivery, &wanted, call) {
            Ok(None) => {}
            Ok(answered) => return answered,
            Err(LotFull) => {
                let reply = Reply::text(phrases::BUSY);
                return Some(self.say(letter, &reply, "lot_full", None, first_byte).0);
            }
        }
        let service = self.clone();
        let later = letter.clone();
        let asked = wanted.clone();
        let waiter = Box::new(move |answer: &Answer| {
            let open = OpenPush { desk: &service.desk, letter: Some(&later) };
            let (_, reached) = service.tell(&later, &asked, answer, first_byte);
            if reached > 0 {
                service.conversation.received(&later.push.from, &asked);
            }
            open.close();
        });
        let (text, outcome) =
            match self.desk.look_up(&wanted.query, push.from.as_str(), call.now, waiter) {
                Ok(()) => return None,
                // Without an answer the push is delivered again, to the next process.
                Err(Refused::Stopping) => {
                    self.desk.forget(&push.id);
                    return None;
                }
                Err(Refused::TooMany) => (phrases::SLOW_DOWN, "too_many"),
                Err(Refused::Full) => (phrases::BUSY, "queue_full"),
            };
        Some(self.say(letter, &Reply::text(text), outcome, None, first_byte).0)
    }

    /// The number of a delivery that is the first we see. A later one when a process before us
    /// saw the others: WeChat delivers five seconds apart. Once we have served for longer than
    /// that takes, a push that looks old only shows that one of the clocks is wrong.
    fn delivery(&self, push: &Push, now: Instant) -> u32 {
        let age = (self.world.clock)().saturating_sub(push.created);
        first_seen(age, now.saturating_duration_since(self.since))
    }

    /// A further delivery of a push whose answer is still being looked for.
    fn join(
        self: &Arc<Self>,
        letter: &VerifiedPush,
        delivery: u32,
        call: &Call<'_>,
    ) -> Option<Response> {
        match self.conversation.listen(&letter.push, call.now) {
            Next::Find(wanted) => self.park(letter, delivery, &wanted, call).unwrap_or_else(|_| {
                // The answer may still come, to whoever asks for it.
                Some(
                    self.seal(letter, &self.conversation.still_looking(&letter.push.from, &wanted)),
                )
            }),
            // Being answered by another worker at this moment.
            Next::Say(_) => {
                let ticket = call.bay.park(call.bay.first_byte() + LET_GO, None)?;
                self.desk.wait(&letter.push.id, ticket)
            }
        }
    }

    /// Parks a delivery; `Some` when the answer has come meanwhile.
    fn park(
        &self,
        letter: &VerifiedPush,
        delivery: u32,
        wanted: &Request,
        call: &Call<'_>,
    ) -> Result<Option<Response>, LotFull> {
        let push = &letter.push;
        let first_byte = call.bay.first_byte();
        let (until, otherwise) = if delivery >= self.patience.deliveries {
            let reply = self.conversation.still_looking(&push.from, wanted);
            (first_byte + self.patience.deadline, Some(self.seal(letter, &reply)))
        } else {
            (first_byte + LET_GO, None)
        };
        if call.bay.is_crowded() {
            // The delivery before this one was given up by WeChat, but stands here a second more:
            // with twice as many places taken as readers wait, the last of them would find none.
            self.desk.supersede(&push.id);
        }
        let ticket = call.bay.park(until, otherwise);
        Ok(self.desk.wait(&push.id, ticket.ok_or(LotFull)?))
    }

    /// An answer to a push becomes its reply.
    fn tell(
        &self,
        letter: &VerifiedPush,
        wanted: &Request,
        answer: &Answer,
        first_byte: Instant,
    ) -> (Response, usize) {
        let push = &letter.push;
        let now = Instant::now();
        let reply = self.conversation.show(&push.from, push.occasion(), wanted, answer, now);
        let outcome = match (answer.verdict, answer.stale) {
            (Verdict::Found, false) => "found",
            (Verdict::Found, true) => "found_stale",
            (Verdict::NotFound, _) => "not_found",
            (Verdict::Unasked, _) => "unasked",
            (Verdict::Busy, _) => "busy",
            (Verdict::Trouble, _) => "trouble",
        };
        let source = match (answer.remembered, answer.source) {
            (true, _) => Some("memory"),
            (false, source) => source.map(|source| source.name()),
        };
        self.say(letter, &reply, outcome, source, first_byte)
    }

    /// The reply to a push is known: it goes to everybody who waits for it, into the ledger and
    /// into the log. Returns also how many waiting requests it reached.
    fn say(
        &self,
        letter: &VerifiedPush,
        reply: &Reply,
        outcome: &'static str,
        source: Option<&'static str>,
        first_byte: Instant,
    ) -> (Response, usize) {
        let response = self.seal(letter, reply);
        let kind = letter.push.kind_name();
        let took = first_byte.elapsed();
        // Before anybody hears of it, so that whoever does finds it counted.
        self.metrics.push(kind, outcome, took);
        let reached = self.desk.settle(&letter.push.id, &response);
        journal::info(format_args!(
            "push {kind} {outcome} source={} ms={:.1} reader={}",
            source.unwrap_or("-"),
            took.as_secs_f64() * 1000.0,
            letter.push.from,
        ));
        (response, reached)
    }

    /// A reply as WeChat wants it.
    fn seal(&self, letter: &VerifiedPush, reply: &Reply) -> Response {
        match self.account.seal(letter, reply, (self.world.clock)(), self.world.random) {
            Some(xml) => Response::new(200, XML, xml.into_bytes()),
            None => Response::new(200, TEXT, SUCCESS.as_bytes()),
        }
    }
}

/// The number of the delivery of a push `age` seconds old, to a process that has `served` so long.
fn first_seen(age: u64, served: Duration) -> u32 {
    match age {
        5..=20 if served < Duration::from_secs(15) => 1 + (age / 5).min(2) as u32,
        _ => 1,
    }
}

/// As many requests wait as may.
struct LotFull;

/// Makes a push that was begun and not finished, whatever happened, ready to begin anew.
struct OpenPush<'a> {
    desk: &'a LookupService,
    letter: Option<&'a VerifiedPush>,
}

impl OpenPush<'_> {
    fn close(mut self) {
        self.letter = None;
    }
}

impl Drop for OpenPush<'_> {
    fn drop(&mut self) {
        if let Some(letter) = self.letter {
            self.desk.forget(&letter.push.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn a_push_is_late_only_for_a_process_that_has_just_begun() {
        for (age, served, number) in [
            (0, 1, 1), (4, 1, 1), (5, 1, 2), (9, 1, 2), (10, 1, 3), (14, 14, 3), (20, 1, 3),
            // A clock that is wrong.
            (21, 1, 1), (3600, 1, 1),
            (5, 15, 1), (11, 15, 1), (19, 3600, 1),
        ] {
            assert_eq!(first_seen(age, Duration::from_secs(served)), number, "{age} s, {served} s");
        }
    }
}
