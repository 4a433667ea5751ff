//! One push, from its delivery to its reply: at once, or parked until the answer comes.
//!
//! In: a push delivered for the first time or again. Out: an answer now, a request that waits, or
//! the lookup that finds its answer. A push is answered once, whoever finds the answer and however
//! often it is delivered; one that was begun and not finished begins anew with the next delivery.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::dedup::Arrival;
use super::deliveries::Deliveries;
use super::lookups::Waiter;
use super::metrics::{self, PushOutcome};
use super::quota::NotTaken;
use super::response::{Response, TEXT, XML};
use super::silences::{LET_GO, Silence};
use super::ticket::Parking;
use super::{Call, Handled, Service, note_old};
use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::photo::fetch::Unread;
use crate::chat::conversation::Next;
use crate::chat::phrases;
use crate::chat::readers::{Request, View};
use crate::chat::wish::{self, Noted};
use crate::sys::{journal, text};
use crate::wechat::credentials::VerifiedPush;
use crate::wechat::push::{OpenId, Push};
use crate::wechat::reply::{Reply, SUCCESS};

/// Characters of what a reader sent that may stand in the log.
const LOGGED: usize = 200;

impl Service {
    pub(super) fn take_push(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Handled {
        let verified = match self.credentials.open(query, call.body) {
            Ok(verified) => verified,
            Err(reason) => return Handled::Answer(self.refuse(&reason)),
        };
        note_old(verified.old);
        let first = self.delivery(&verified.push, call.now);
        match self.deliveries.arrive(&verified.push.id, first, call.now) {
            Arrival::New => {
                let open = OpenPush { deliveries: &self.deliveries, verified: Some(&verified) };
                let handled = self.answer(&verified, first, call);
                open.close();
                handled
            }
            Arrival::Answered(reply) => {
                self.metrics.count(metrics::REPEATED, ["answered", ""]);
                Handled::Answer(reply)
            }
            Arrival::InProgress(delivery) => {
                self.metrics.count(metrics::REPEATED, ["running", ""]);
                self.join(&verified, delivery, call)
            }
        }
    }

    /// The first delivery of a push that we see; its number is `delivery`.
    fn answer(
        self: &Arc<Self>,
        verified: &VerifiedPush,
        delivery: u32,
        call: &Call<'_>,
    ) -> Handled {
        let push = &verified.push;
        let first_byte = call.first_byte;
        let request = match self.conversation.listen(push, call.now) {
            Next::Say(reply) => {
                let said = self.say(verified, &reply, PushOutcome::Said, None, first_byte);
                return Handled::Answer(said.0);
            }
            Next::Find(request) => request,
        };
        self.deliveries.asks(&push.id, &request);
        let again = self.conversation.readers.is_pending(&push.from, &request);
        let answer = self.lookups.recall(&request.query);
        let answer = answer.or_else(|| self.conversation.readers.late(&push.from, &request));
        if answer.as_ref().is_none_or(|answer| self.conversation.remembers(answer)) {
            self.conversation.readers.begin(&push.from, call.now);
        }
        if let Some(answer) = answer {
            let response = self.tell(verified, &request, &answer, first_byte).0;
            self.received(verified, &request, again, call.now);
            return Handled::Answer(response);
        }
        self.look_up(verified, delivery, request, again, call)
    }

    /// Has the push wait, and its question looked up.
    fn look_up(
        self: &Arc<Self>,
        verified: &VerifiedPush,
        delivery: u32,
        request: Request,
        again: bool,
        call: &Call<'_>,
    ) -> Handled {
        let push = &verified.push;
        let say = |text: &'static str, outcome| {
            let reply = Reply::text(text);
            Handled::Answer(self.say(verified, &reply, outcome, None, call.first_byte).0)
        };
        let told = match self.park(verified, delivery, &request, call) {
            Waiting::Parked { told } => told,
            Waiting::Answered(response) => return Handled::Answer(response),
            Waiting::Full => return say(phrases::BUSY, PushOutcome::ParkingFull),
        };
        let waiter = self.waiter(verified.clone(), request.clone(), again, call);
        let taken = self.lookups.look_up(&request.query, push.from.as_str(), call.now, waiter);
        if told {
            self.lookups.tell(&request.query);
        }
        match taken {
            Ok(Some(lookup)) => Handled::LookUp(lookup),
            Ok(None) => Handled::Parked,
            // Without an answer the push is delivered again, to the next process.
            Err(NotTaken::Stopping) => {
                self.deliveries.forget(&push.id);
                Handled::Parked
            }
            Err(NotTaken::TooMany) => say(phrases::SLOW_DOWN, PushOutcome::TooMany),
            Err(NotTaken::Full) => say(phrases::BUSY, PushOutcome::QueueFull),
        }
    }

    /// What makes a lookup's answer the reply to this push.
    fn waiter(
        self: &Arc<Self>,
        verified: VerifiedPush,
        request: Request,
        again: bool,
        call: &Call<'_>,
    ) -> Waiter {
        let (service, first_byte, begun) = (self.clone(), call.first_byte, call.now);
        Box::new(move |answer: &Answer| {
            let open = OpenPush { deliveries: &service.deliveries, verified: Some(&verified) };
            let (_, reached) = service.tell(&verified, &request, answer, first_byte);
            if reached > 0 {
                service.received(&verified, &request, again, begun);
            } else {
                service.too_late(&verified, &request, answer);
            }
            open.close();
        })
    }

    /// The number of a delivery that is the first we see. A later one when a process before us
    /// saw the others: WeChat delivers five seconds apart. Once we have served for longer than
    /// that takes, a push that looks old only shows that one of the clocks is wrong.
    fn delivery(&self, push: &Push, now: Instant) -> u32 {
        let age = (self.world.clock)().saturating_sub(push.created);
        first_seen(age, now.saturating_duration_since(self.since))
    }

    /// A further delivery of a push whose answer is still being looked for.
    fn join(&self, verified: &VerifiedPush, delivery: u32, call: &Call<'_>) -> Handled {
        let push = &verified.push;
        let Some(request) = self.deliveries.request(&push.id) else {
            // Being answered by another worker at this moment.
            return match call.ticket.park(call.first_byte + LET_GO, None) {
                Parking::Full => {
                    call.ticket.answer(None);
                    Handled::Parked
                }
                Parking::Parked => match self.deliveries.wait(&push.id, call.ticket.clone()) {
                    Some(response) => Handled::Answer(response),
                    None => Handled::Parked,
                },
            };
        };
        match self.park(verified, delivery, &request, call) {
            Waiting::Parked { .. } => Handled::Parked,
            Waiting::Answered(response) => Handled::Answer(response),
            // The answer may still come, to whoever asks for it.
            Waiting::Full => {
                let reply = self.conversation.still_looking(&push.from, &request);
                Handled::Answer(self.seal(verified, &reply))
            }
        }
    }

    /// Has a delivery wait for its answer.
    fn park(
        &self,
        verified: &VerifiedPush,
        delivery: u32,
        request: &Request,
        call: &Call<'_>,
    ) -> Waiting {
        let push = &verified.push;
        let silence = self.silence(delivery, call.now);
        let (until, otherwise) = match &silence {
            Some(_) => (call.first_byte + LET_GO, None),
            None => {
                let (until, reply) = self.otherwise(&push.from, delivery, request, call);
                (until, Some(self.seal(verified, &reply)))
            }
        };
        let told = silence.is_none();
        if call.ticket.is_crowded() {
            // The delivery before this one was given up by WeChat, but stands here a second more:
            // with twice as many places taken as readers wait, the last of them would find none.
            self.deliveries.supersede(&push.id);
        }
        let ticket = call.ticket.clone().with(silence.clone());
        let waiting = match ticket.park(until, otherwise) {
            Parking::Full => Waiting::Full,
            Parking::Parked => match self.deliveries.wait(&push.id, ticket) {
                Some(response) => Waiting::Answered(response),
                None => return Waiting::Parked { told },
            },
        };
        silence.iter().for_each(Silence::give_back);
        waiting
    }

    /// An answer to a push becomes its reply.
    fn tell(
        &self,
        verified: &VerifiedPush,
        request: &Request,
        answer: &Answer,
        first_byte: Instant,
    ) -> (Response, usize) {
        let push = &verified.push;
        let now = Instant::now();
        let noted = self.note_wish(&push.from, request, answer);
        let reply = noted.unwrap_or_else(|| {
            self.conversation.show(&push.from, push.occasion(), request, answer, now)
        });
        let outcome = match (answer.verdict, answer.stale) {
            (Verdict::Found, _) if answer.guess => PushOutcome::Guessed,
            (Verdict::Found, false) => PushOutcome::Found,
            (Verdict::Found, true) => PushOutcome::FoundStale,
            (Verdict::NotFound, _) => PushOutcome::NotFound,
            (Verdict::Unasked, _) => PushOutcome::Unasked,
            (Verdict::TooMany, _) => PushOutcome::TooMany,
            (Verdict::Busy, _) => PushOutcome::Busy,
            (Verdict::Trouble | Verdict::Unread(Unread::Unfetched), _) => PushOutcome::Trouble,
            (Verdict::Unread(Unread::Busy), _) => PushOutcome::Busy,
            (Verdict::Unread(_), _) => PushOutcome::Unread,
        };
        let source = match (answer.remembered, answer.source) {
            (true, _) => Some("memory"),
            (false, source) => source.map(|source| source.name()),
        };
        self.say(verified, &reply, outcome, source, first_byte)
    }

    /// Notes a wish whose book is not there; what the reader is told then.
    fn note_wish(&self, from: &OpenId, request: &Request, answer: &Answer) -> Option<Reply> {
        let book = self.wishes.as_ref().filter(|_| request.view == View::Wish)?;
        let wanted = self.conversation.wish(request, answer)?;
        let noted = match book.note(from.as_str(), &wanted, (self.world.clock)()) {
            // Noted when the answer came, which was too late for the reader to hear of it.
            Noted::Already if self.conversation.readers.is_pending(from, request) => Noted::Counted,
            noted => noted,
        };
        Some(wish::told(&wanted, noted))
    }

    /// The reply to a push is known: it goes to everybody who waits for it, into what is
    /// remembered of deliveries and into the log. Returns also how many waiting requests it reached.
    fn say(
        &self,
        verified: &VerifiedPush,
        reply: &Reply,
        outcome: PushOutcome,
        source: Option<&'static str>,
        first_byte: Instant,
    ) -> (Response, usize) {
        let response = self.seal(verified, reply);
        let kind = verified.push.kind_name();
        let took = first_byte.elapsed();
        // Before anybody hears of it, so that whoever does finds it counted.
        self.metrics.push(kind, outcome, took);
        let reached = self.deliveries.settle(&verified.push.id, &response);
        let silences = match self.deliveries.delivered(&verified.push.id) {
            ..=1 => String::new(),
            more => format!(" silences={}", more - 1),
        };
        // Escaped first: a line of the log holds nothing but visible characters.
        let said = match self.log_text {
            true => {
                format!(" sent={}", text::shorten(&format!("{:?}", verified.push.kind), LOGGED))
            }
            false => String::new(),
        };
        journal::info(format_args!(
            "push {kind} {} source={} ms={:.1} reader={}{silences}{said}",
            outcome.name(),
            source.unwrap_or("-"),
            took.as_secs_f64() * 1000.0,
            verified.push.from,
        ));
        (response, reached)
    }

    /// A reply as WeChat wants it.
    fn seal(&self, verified: &VerifiedPush, reply: &Reply) -> Response {
        match self.credentials.seal(verified, reply, (self.world.clock)(), self.world.random) {
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

/// What came of having a delivery wait.
enum Waiting {
    /// It waits; `told`: until its reader is told to come back.
    Parked { told: bool },
    /// The answer has come meanwhile.
    Answered(Response),
    /// As many requests wait as may.
    Full,
}

/// Makes a push that was begun and not finished, whatever happened, ready to begin anew.
struct OpenPush<'a> {
    deliveries: &'a Deliveries,
    verified: Option<&'a VerifiedPush>,
}

impl OpenPush<'_> {
    fn close(mut self) {
        self.verified = None;
    }
}

impl Drop for OpenPush<'_> {
    fn drop(&mut self) {
        if let Some(verified) = self.verified {
            self.deliveries.forget(&verified.push.id);
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
