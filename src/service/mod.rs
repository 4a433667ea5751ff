//! One request to one answer: the order of the steps.
//!
//! In: a [`Call`], complete and bounded. Out: a [`Response`], or nothing when the request has
//! been parked and its answer will find it. Nothing of a body is interpreted before the query's
//! signature is verified; in secure mode nothing of a push is believed before its envelope is
//! opened. A refusal says the same whatever was wrong, and repeats nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::metrics::Metrics;
use crate::chat::conversation::Conversation;
use crate::cli::demo::Demo;
use crate::service::lookups::LookupService;
use crate::service::parking::Bay;
use crate::service::response::{ALLOW, Response, TEXT};
use crate::sys::journal::{self, Throttle};
use crate::wechat::credentials::{Credentials, OpenError};
use crate::wechat::signature::Refusal;

pub mod dedup;
pub mod lookups;
pub mod metrics;
pub mod page;
pub mod parking;
pub mod persistence;
mod push;
pub mod response;

static OLD_USED: Throttle = Throttle::new();
static REFUSED: Throttle = Throttle::new();
/// Of its own: a stranger's refusals may not hold back what the operator must know.
static MISMATCH: Throttle = Throttle::new();

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
    pub account: Credentials,
    /// Who we talk to.
    pub conversation: Conversation,
    /// Where questions are looked up.
    pub desk: LookupService,
    /// How long readers wait.
    pub patience: Patience,
    /// When this process began to serve.
    pub since: Instant,
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
            Err(reason) => self.refuse(&OpenError::Stranger(reason)),
        }
    }

    fn refuse(&self, reason: &OpenError) -> Response {
        let (name, response) = match reason {
            OpenError::Stranger(_) => ("signature", Response::line(403, "forbidden\n")),
            OpenError::NotAPush(_) | OpenError::NoKey => {
                ("not_a_push", Response::line(400, "not a push\n"))
            }
        };
        self.metrics.count(metrics::REFUSED, [name, ""]);
        let strange = matches!(
            reason,
            OpenError::Stranger(Refusal::Malformed | Refusal::Signature) | OpenError::NotAPush(_)
        );
        let throttle = if strange { &REFUSED } else { &MISMATCH };
        let Some(more) = throttle.pass(Instant::now()) else { return response };
        let more = if more > 0 { format!(" ({more} more refusals)") } else { String::new() };
        match reason {
            // What a stranger cannot bring about: the console and we differ.
            OpenError::Stranger(reason @ (Refusal::Envelope | Refusal::Clear)) => {
                journal::warning(format_args!("refused: {reason}{more}"));
            }
            OpenError::NoKey => journal::warning(format_args!(
                "refused: the console seals its pushes; set DOUMIBOOK_AES_KEY and \
                 DOUMIBOOK_APP_ID to what it shows{more}"
            )),
            OpenError::Stranger(reason) => {
                journal::notice(format_args!("refused: {reason}{more}"));
            }
            OpenError::NotAPush(reason) => journal::notice(format_args!(
                "refused: a signed request is no push: {reason}{more}"
            )),
        }
        response
    }

    fn metrics_page(&self) -> Response {
        Response::new(200, TEXT, self.metrics.render(&self.desk).into_bytes())
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
