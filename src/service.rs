//! One request to one answer: the order of the steps.
//!
//! In: a [`Call`], complete and bounded. Out: a [`Response`], or nothing when the request has
//! been parked and its answer will find it. Nothing of a body is interpreted before the query's
//! signature is verified; in secure mode nothing of a push is believed before its envelope is
//! opened. A refusal says the same whatever was wrong, and repeats nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::account::{Account, Letter, NotALetter};
use crate::catalogue::library::{Answer, Verdict};
use crate::conversation::{Conversation, Next, Wanted};
use crate::demo::Demo;
use crate::desk::ledger::Turn;
use crate::desk::{Desk, Refused};
use crate::journal::{self, Throttle};
use crate::metrics::Metrics;
use crate::page;
use crate::parking::Bay;
use crate::phrases;
use crate::response::{ALLOW, Response, TEXT, XML};
use crate::wechat::push::Push;
use crate::wechat::reply::{Reply, SUCCESS};

/// WeChat gives up after 5 s; a connection it may still hold is let go after 6 s. Not earlier:
/// silence is what makes it deliver again, and whether a close does is not known.
const LET_GO: Duration = Duration::from_secs(6);

static OLD_USED: Throttle = Throttle::new();
static REFUSED: Throttle = Throttle::new();

/// One request, as the inner server gives it.
pub struct Call<'a> {
    /// `GET`, `POST` …; HEAD comes as GET.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// Where the request may wait; knows when its first byte came, and from how near.
    pub bay: &'a Arc<Bay>,
    /// Now.
    pub now: Instant,
}

/// How often a push is delivered, and when the last delivery must have its answer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// 1 to 3.
    pub deliveries: u32,
    /// From the first byte of the last delivery to its answer.
    pub deadline: Duration,
}

/// The outside world a service needs, so that tests can hold it still.
#[derive(Clone, Copy)]
pub struct World {
    /// Seconds since 1970.
    pub clock: fn() -> u64,
    /// Sixteen fresh random bytes.
    pub random: fn() -> [u8; 16],
}

/// Everything that answers requests.
pub struct Service {
    /// Who we are.
    pub account: Account,
    /// Who we talk to.
    pub conversation: Conversation,
    /// Where questions are looked up.
    pub desk: Desk,
    /// How long readers wait.
    pub patience: Patience,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Clock and chance.
    pub world: World,
    /// Whether what readers write may stand in the log.
    pub log_text: bool,
    /// The page to try the account on; `doumibook demo` alone has one.
    pub demo: Option<Demo>,
}

impl Service {
    /// Answers a request; `None` when it has been parked.
    pub fn handle(self: &Arc<Self>, call: &Call<'_>) -> Option<Response> {
        let (path, query) = call.target.split_once('?').unwrap_or((call.target, ""));
        if let Some(demo) = self.demo.as_ref().filter(|_| call.bay.local())
            && let Some(response) = demo.answer(self, call.method, path, call.body)
        {
            return Some(response);
        }
        match (path, call.method) {
            ("/weixin" | "/weixin/", "GET") => Some(self.check_url(query)),
            ("/weixin" | "/weixin/", "POST") => {
                let response = self.take_push(query, call);
                if response.is_some() {
                    // It may have been parked when the answer came all the same.
                    call.bay.leave();
                }
                response
            }
            ("/weixin" | "/weixin/", _) => Some(not_allowed(ALLOW[1])),
            ("/healthz", "GET") if call.bay.local() => Some(Response::line(200, "ok\n")),
            ("/metrics", "GET") if call.bay.local() => Some(self.metrics_page()),
            ("/healthz" | "/metrics", _) if call.bay.local() => Some(not_allowed(ALLOW[0])),
            ("/", "GET") => Some(page::front(self.conversation.account())),
            ("/", _) => Some(not_allowed(ALLOW[0])),
            _ => Some(Response::line(404, "not found\n")),
        }
    }

    fn check_url(&self, query: &str) -> Response {
        match self.account.check_url(query) {
            Ok((echostr, old)) => {
                note_old(old);
                Response::new(200, TEXT, echostr)
            }
            Err(reason) => self.refuse(&NotALetter::Stranger(reason)),
        }
    }

    fn take_push(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Option<Response> {
        let letter = match self.account.open(query, call.body) {
            Ok(letter) => letter,
            Err(reason) => return Some(self.refuse(&reason)),
        };
        note_old(letter.old);
        match self.desk.arrive(&letter.push.id, call.now) {
            Turn::First => {
                let open = OpenPush { desk: &self.desk, letter: Some(&letter) };
                let response = self.answer(&letter, call);
                open.close();
                response
            }
            Turn::Again(reply) => {
                Metrics::add(&self.metrics.deliveries_again);
                Some(reply)
            }
            Turn::Join(delivery) => {
                Metrics::add(&self.metrics.deliveries_joined);
                self.join(&letter, delivery, call)
            }
        }
    }

    /// The first delivery of a push.
    fn answer(self: &Arc<Self>, letter: &Letter, call: &Call<'_>) -> Option<Response> {
        let push = &letter.push;
        if self.log_text {
            journal::info(format_args!("reader {} sent {:?}", push.from, push.kind));
        }
        let wanted = match self.conversation.listen(push, call.now) {
            Next::Say(reply) => {
                return Some(self.say(letter, &reply, "said", None, call.bay.first_byte()));
            }
            Next::Find(wanted) => wanted,
        };
        if let Some(answer) = self.desk.recall(&wanted.query) {
            return Some(self.tell(letter, &wanted, &answer, call.bay.first_byte()));
        }
        let delivery = self.delivery(push);
        if let Some(response) = self.park(letter, delivery, &wanted, call) {
            return Some(response);
        }
        let service = self.clone();
        let later = letter.clone();
        let (asked, first_byte) = (wanted.clone(), call.bay.first_byte());
        let waiter = Box::new(move |answer: &Answer| {
            let open = OpenPush { desk: &service.desk, letter: Some(&later) };
            service.tell(&later, &asked, answer, first_byte);
            open.close();
        });
        match self.desk.look_up(&wanted.query, push.from.as_str(), call.now, waiter) {
            Ok(()) => None,
            // Without an answer the push is delivered again, to the next process.
            Err(Refused::Stopping) => {
                self.desk.forget(&push.id);
                None
            }
            Err(refused) => {
                let (text, outcome) = match refused {
                    Refused::TooMany => (phrases::SLOW_DOWN, "too_many"),
                    _ => (phrases::BUSY, "queue_full"),
                };
                let reply = Reply::text(text);
                Some(self.say(letter, &reply, outcome, None, call.bay.first_byte()))
            }
        }
    }

    /// The number of a delivery that is the first we see: a later one when the process that saw
    /// the others is gone. WeChat delivers five seconds apart; beyond the window it is a clock
    /// that is wrong, not a delivery that is late.
    fn delivery(&self, push: &Push) -> u32 {
        match (self.world.clock)().saturating_sub(push.created) {
            age @ 5..=20 => 1 + (age / 5).min(2) as u32,
            _ => 1,
        }
    }

    /// A further delivery of a push whose answer is still being looked for.
    fn join(self: &Arc<Self>, letter: &Letter, delivery: u32, call: &Call<'_>) -> Option<Response> {
        // The deliveries before a restart count as well.
        let delivery = delivery.max(self.delivery(&letter.push));
        match self.conversation.listen(&letter.push, call.now) {
            Next::Find(wanted) => self.park(letter, delivery, &wanted, call),
            // Being answered by another worker at this moment.
            Next::Say(_) => match call.bay.park(call.bay.first_byte() + LET_GO, None) {
                Some(ticket) => self.desk.wait(&letter.push.id, ticket),
                None => Some(Response::line(200, SUCCESS)),
            },
        }
    }

    /// Parks a delivery; `Some` when it is to be answered at once after all.
    fn park(
        &self,
        letter: &Letter,
        delivery: u32,
        wanted: &Wanted,
        call: &Call<'_>,
    ) -> Option<Response> {
        let first_byte = call.bay.first_byte();
        let last = delivery >= self.patience.deliveries;
        let (until, otherwise) = if last {
            let reply = self.conversation.still_looking(&letter.push.from, wanted, call.now);
            (first_byte + self.patience.deadline, Some(self.seal(letter, &reply)))
        } else {
            (first_byte + LET_GO, None)
        };
        match call.bay.park(until, otherwise) {
            Some(ticket) => {
                Metrics::add(&self.metrics.parked);
                self.desk.wait(&letter.push.id, ticket)
            }
            None => {
                let reply = Reply::text(phrases::BUSY);
                Some(self.say(letter, &reply, "lot_full", None, first_byte))
            }
        }
    }

    /// An answer to a push becomes its reply.
    fn tell(
        &self,
        letter: &Letter,
        wanted: &Wanted,
        answer: &Answer,
        first_byte: Instant,
    ) -> Response {
        let push = &letter.push;
        let now = Instant::now();
        let reply = self.conversation.show(&push.from, push.occasion(), wanted, answer, now);
        let outcome = match (answer.verdict, answer.stale) {
            (Verdict::Found, false) => "found",
            (Verdict::Found, true) => "found_stale",
            (Verdict::NotFound, _) => "not_found",
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
    /// into the log.
    fn say(
        &self,
        letter: &Letter,
        reply: &Reply,
        outcome: &'static str,
        source: Option<&'static str>,
        first_byte: Instant,
    ) -> Response {
        let response = self.seal(letter, reply);
        self.desk.settle(&letter.push.id, &response);
        let kind = letter.push.kind_name();
        let took = first_byte.elapsed();
        self.metrics.push(kind, outcome, took);
        journal::info(format_args!(
            "push {kind} {outcome} source={} ms={:.1} reader={}",
            source.unwrap_or("-"),
            took.as_secs_f64() * 1000.0,
            letter.push.from,
        ));
        response
    }

    /// A reply as WeChat wants it.
    fn seal(&self, letter: &Letter, reply: &Reply) -> Response {
        match self.account.seal(letter, reply, (self.world.clock)(), self.world.random) {
            Some(xml) => Response::new(200, XML, xml.into_bytes()),
            None => Response::new(200, TEXT, SUCCESS.as_bytes()),
        }
    }

    fn refuse(&self, reason: &NotALetter) -> Response {
        let (counter, response) = match reason {
            NotALetter::Stranger(_) => {
                (&self.metrics.refused_signature, Response::line(403, "forbidden\n"))
            }
            NotALetter::NotAPush(_) | NotALetter::NoKey => {
                (&self.metrics.refused_body, Response::line(400, "not a push\n"))
            }
        };
        Metrics::add(counter);
        if let Some(more) = REFUSED.pass(Instant::now()) {
            match reason {
                NotALetter::Stranger(reason) => {
                    journal::notice(format_args!("refused: {reason} ({more} more refusals)"));
                }
                NotALetter::NotAPush(reason) => journal::notice(format_args!(
                    "refused: a signed request is no push: {reason} ({more} more refusals)"
                )),
                NotALetter::NoKey => journal::warning(format_args!(
                    "refused: the console seals its pushes; set DOUMIBOOK_AES_KEY and \
                     DOUMIBOOK_APP_ID to what it shows ({more} more refusals)"
                )),
            }
        }
        response
    }

    fn metrics_page(&self) -> Response {
        Response::new(200, TEXT, self.metrics.render(&self.desk).into_bytes())
    }
}

/// Makes a push that was begun and not finished, whatever happened, ready to begin anew.
struct OpenPush<'a> {
    desk: &'a Desk,
    letter: Option<&'a Letter>,
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

fn note_old(old: bool) {
    if old && OLD_USED.pass(Instant::now()).is_some() {
        journal::info(format_args!(
            "the old token or AES key was used just now; keep DOUMIBOOK_TOKEN_OLD and \
             DOUMIBOOK_AES_KEY_OLD until this line stays away"
        ));
    }
}

fn not_allowed(allow: &'static str) -> Response {
    let mut response = Response::line(405, "method not allowed\n");
    response.allow = Some(allow);
    response
}
