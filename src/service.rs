//! One request to one answer: the order of the steps.
//!
//! In: a [`Call`], complete and bounded. Out: a [`Response`], or nothing when the request has
//! been parked and its answer will find it. Nothing of a body is interpreted before the query's
//! signature is verified; in secure mode nothing of a push is believed before its envelope is
//! opened. A refusal says the same whatever was wrong, and repeats nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue::library::{Answer, Verdict};
use crate::conversation::{Conversation, Next, Wanted};
use crate::demo::Demo;
use crate::desk::ledger::Turn;
use crate::desk::{Desk, Refused};
use crate::journal::{self, Throttle};
use crate::metrics::Metrics;
use crate::parking::Bay;
use crate::phrases;
use crate::response::{ALLOW, HTML, Response, TEXT, XML};
use crate::wechat::envelope::{self, AesKey, AppId, Outer};
use crate::wechat::push::Push;
use crate::wechat::reply::{Reply, SUCCESS};
use crate::wechat::signature::{self, Params, Token};

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

/// What the account expects of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 明文: nothing more than a signed query.
    Plain,
    /// 兼容: envelopes are opened, clear pushes are taken too.
    Compatible,
    /// 安全: only envelopes.
    Secure,
}

/// The account's secrets: those in force first, older ones after them.
pub struct Account {
    /// At least one.
    pub tokens: Vec<Token>,
    /// Empty when only plain mode is set up.
    pub keys: Vec<AesKey>,
    /// There whenever there is a key.
    pub app_id: Option<AppId>,
    /// The least that is accepted.
    pub mode: Mode,
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

/// What is needed to answer one push, now or later.
struct Letter {
    push: Push,
    /// The nonce, when the push came in an envelope.
    sealed: Option<String>,
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
            ("/", "GET") => Some(self.front_page()),
            ("/", _) => Some(not_allowed(ALLOW[0])),
            _ => Some(Response::line(404, "not found\n")),
        }
    }

    /// The console's check of the URL: echostr back, byte for byte.
    fn check_url(&self, query: &str) -> Response {
        let verified = Params::read(query).and_then(|params| {
            let verified = signature::verify(&self.account.tokens, &params)?;
            self.note_old(verified.token() > 0);
            let echostr = params.echostr().ok_or(signature::Refusal::Malformed)?;
            Ok(echostr.as_bytes().to_vec())
        });
        match verified {
            Ok(echostr) => Response::new(200, TEXT, echostr),
            Err(reason) => self.refuse(reason),
        }
    }

    fn take_push(self: &Arc<Self>, query: &str, call: &Call<'_>) -> Option<Response> {
        let letter = match self.open(query, call.body) {
            Ok(letter) => letter,
            Err(refusal) => return Some(refusal),
        };
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

    /// Verifies, opens, parses: a letter comes out, or a refusal.
    fn open(&self, query: &str, body: &[u8]) -> Result<Letter, Response> {
        let refuse = |reason| self.refuse(reason);
        let params = Params::read(query).map_err(refuse)?;
        let verified = signature::verify(&self.account.tokens, &params).map_err(refuse)?;
        self.note_old(verified.token() > 0);
        let is_envelope = params.is_encrypted();
        let (clear, sealed) = match &self.account.app_id {
            Some(app_id) if is_envelope => {
                let outer = Outer::parse(body).map_err(|_| self.not_a_push())?;
                let outer = outer.ok_or_else(|| self.not_a_push())?;
                let signed =
                    signature::verify_message(&self.account.tokens, &params, &outer.encrypt)
                        .map_err(refuse)?;
                let opened = envelope::open(&self.account.keys, app_id, &signed).map_err(refuse)?;
                self.note_old(opened.key() > 0);
                (opened.clear().to_vec(), Some(params.nonce().to_owned()))
            }
            _ if self.account.mode == Mode::Secure => {
                return Err(self.refuse(signature::Refusal::Envelope));
            }
            _ => (body.to_vec(), None),
        };
        match Push::parse(&clear) {
            Ok(push) => Ok(Letter { push, sealed }),
            Err(reason) => {
                if is_envelope && self.account.keys.is_empty() {
                    self.log_refusal(
                        "the console encrypts pushes; set DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID",
                    );
                } else {
                    self.log_refusal(&format!("a signed request is no push: {reason}"));
                }
                Err(self.not_a_push())
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
        let later = Letter { push: push.clone(), sealed: letter.sealed.clone() };
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

    /// A reply as WeChat wants it: sealed when the push was; `success` never is.
    fn seal(&self, letter: &Letter, reply: &Reply) -> Response {
        let now = (self.world.clock)();
        let push = &letter.push;
        let Some(xml) = reply.to_xml(&push.from, &push.to, now) else {
            return Response::new(200, TEXT, SUCCESS.as_bytes());
        };
        let account = &self.account;
        let sealing = (account.keys.first(), account.tokens.first(), &account.app_id);
        let body = match (&letter.sealed, sealing) {
            (Some(nonce), (Some(key), Some(token), Some(app_id))) => {
                let random = (self.world.random)();
                envelope::seal(key, token, app_id, &xml, random, now, nonce)
            }
            _ => xml,
        };
        Response::new(200, XML, body.into_bytes())
    }

    fn refuse(&self, reason: signature::Refusal) -> Response {
        Metrics::add(&self.metrics.refused_signature);
        self.log_refusal(&reason.to_string());
        Response::line(403, "forbidden\n")
    }

    fn not_a_push(&self) -> Response {
        Metrics::add(&self.metrics.refused_body);
        Response::line(400, "not a push\n")
    }

    fn log_refusal(&self, reason: &str) {
        if let Some(held_back) = REFUSED.pass(Instant::now()) {
            journal::warning(format_args!("refused: {reason} ({held_back} more refusals)"));
        }
    }

    fn note_old(&self, old: bool) {
        if old && OLD_USED.pass(Instant::now()).is_some() {
            journal::info(format_args!(
                "the old token or AES key was used just now; keep DOUMIBOOK_TOKEN_OLD and \
                 DOUMIBOOK_AES_KEY_OLD until this line stays away"
            ));
        }
    }

    fn front_page(&self) -> Response {
        let account = escape(self.conversation.account());
        let page = format!(
            "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{account}</title>\
             <body style=\"font:1.1rem/1.7 sans-serif;max-width:34rem;margin:4rem auto;\
             padding:0 1rem\"><h1>{account}</h1><p>{}</p></body></html>\n",
            escape(&phrases::page(self.conversation.account()))
        );
        Response::new(200, HTML, page.into_bytes())
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

fn not_allowed(allow: &'static str) -> Response {
    let mut response = Response::line(405, "method not allowed\n");
    response.allow = Some(allow);
    response
}

/// Text as it may stand in HTML, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
