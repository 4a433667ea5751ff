//! One request to one answer: the order of the steps.
//!
//! In: a [`Call`], complete and bounded. Out: [`Handled`]: an answer, a request that waits for
//! one, or a lookup that the caller is to do. Nothing of a body is interpreted before the query's
//! signature is verified; in secure mode nothing of a push is believed before its envelope is
//! opened. Every failed verification gets the same 403, and nothing that was sent is repeated. This
//! room knows neither HTTP's bytes nor a source's JSON.
//!
//! `push` answers one push: through [`deliveries`] ([`dedup`]) and [`lookups`] ([`quota`]).
//! [`silences`] counts how many deliveries pass unanswered, and `pick_up` keeps what came too late
//! until its reader asks. A request is answered through its [`ticket`], with a [`response`] or a
//! [`refusal`]; [`metrics`] counts, [`page`] is what a browser sees, [`persistence`] saves what
//! outlives a restart, [`wishbook`] keeps the [`wishes`].

pub mod dedup;
pub mod deliveries;
pub mod lookups;
pub mod metrics;
pub mod page;
pub mod persistence;
mod pick_up;
mod push;
pub mod quota;
pub mod refusal;
pub mod response;
pub mod silences;
pub mod ticket;
pub mod wishbook;
pub mod wishes;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::chat::conversation::Conversation;
use crate::sys::journal::{self, Throttle};
use crate::sys::sync::lock;
use crate::wechat::credentials::{Credentials, OpenError};
use crate::wechat::signature::Rejection;
use deliveries::Deliveries;
use lookups::{Lookup, LookupService};
use metrics::{Gauge, Metrics};
use refusal::Refusal;
use response::{ALLOW, Response, TEXT};
use silences::Silences;
use ticket::Ticket;
use wishbook::WishBook;

static OLD_USED: Throttle = Throttle::new();
static REFUSED: Throttle = Throttle::new();
/// Of its own: a stranger's refusals may not hold back what the operator must know.
static MISMATCH: Throttle = Throttle::new();

/// One request, as the server gives it.
pub struct Call<'a> {
    /// `GET`, `POST` …; HEAD comes as GET.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The whole body.
    pub body: &'a [u8],
    /// When its first byte came.
    pub first_byte: Instant,
    /// Whether it comes from this machine, and for nobody else.
    pub local: bool,
    /// The right to answer it.
    pub ticket: Ticket,
    /// Now.
    pub now: Instant,
}

/// What came of a request.
#[must_use]
pub enum Handled {
    /// This is its answer.
    Answer(Response),
    /// Whoever finds the answer has its ticket.
    Parked,
    /// As [`Handled::Parked`], and the caller finds it.
    LookUp(Lookup),
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
    pub credentials: Credentials,
    /// Who we talk to.
    pub conversation: Conversation,
    /// Which pushes were delivered.
    pub deliveries: Deliveries,
    /// Where questions are looked up.
    pub lookups: LookupService,
    /// How long readers wait.
    pub patience: Patience,
    /// How many deliveries passed unanswered lately.
    pub silences: Arc<Mutex<Silences>>,
    /// When this process began to serve.
    pub since: Instant,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Clock and chance.
    pub world: World,
    /// Whether what readers write may stand in the log.
    pub log_text: bool,
    /// Where wishes are noted, if they are.
    pub wishes: Option<Arc<WishBook>>,
}

impl Service {
    /// Answers a request, or has it wait.
    pub fn handle(self: &Arc<Self>, call: &Call<'_>) -> Handled {
        let (path, query) = call.target.split_once('?').unwrap_or((call.target, ""));
        let response = match (path, call.method) {
            ("/weixin" | "/weixin/", "POST") => return self.take_push(query, call),
            ("/weixin" | "/weixin/", "GET") => self.check_url(query),
            ("/weixin" | "/weixin/", _) => not_allowed(ALLOW[1]),
            ("/healthz", "GET") if call.local => Response::line(200, "ok\n"),
            ("/metrics", "GET") if call.local => self.metrics_page(),
            ("/healthz" | "/metrics", _) if call.local => not_allowed(ALLOW[0]),
            ("/", "GET") => page::front(self.conversation.account()),
            ("/", _) => not_allowed(ALLOW[0]),
            _ => Response::line(404, "not found\n"),
        };
        Handled::Answer(response)
    }

    /// Takes no more questions; what is under way may finish until `until`, then every request
    /// that still waits is let go without an answer, so that WeChat delivers it again.
    pub fn stop(&self, until: Instant) {
        self.lookups.stop(until);
        self.deliveries.release();
    }

    fn check_url(&self, query: &str) -> Response {
        match self.credentials.check_url(query) {
            Ok((echostr, old)) => {
                note_old(old);
                Response::new(200, TEXT, echostr)
            }
            Err(reason) => self.refuse(&OpenError::Stranger(reason)),
        }
    }

    fn refuse(&self, reason: &OpenError) -> Response {
        let refusal = match reason {
            OpenError::Stranger(_) => Refusal::Signature,
            OpenError::NotAPush(_) | OpenError::NoKey => Refusal::NotAPush,
        };
        self.metrics.count(metrics::REFUSED, [refusal.name(), ""]);
        let strange = matches!(
            reason,
            OpenError::Stranger(Rejection::Malformed | Rejection::Signature | Rejection::Old)
                | OpenError::NotAPush(_)
        );
        let throttle = if strange { &REFUSED } else { &MISMATCH };
        if let Some(more) = throttle.pass(Instant::now()) {
            let more = if more > 0 { format!(" ({more} more refusals)") } else { String::new() };
            log_refusal(reason, &more);
        }
        refusal.response()
    }

    fn metrics_page(&self) -> Response {
        let ((running, queued), library) = (self.lookups.load(), self.lookups.library());
        let (answers, bytes) = library.remembers();
        let passed = lock(&self.silences).passed(Instant::now());
        let gauges = [
            Gauge::new("doumibook_lookups_running", "Lookups running now.", running),
            Gauge::new("doumibook_lookups_queued", "Lookups waiting for a thread.", queued),
            Gauge::new("doumibook_silences_total", "Deliveries let pass unanswered.", passed),
            Gauge::new("doumibook_memory_answers", "Answers remembered.", answers),
            Gauge::new("doumibook_memory_bytes", "Bytes of remembered answers.", bytes),
        ];
        let page = self.metrics.render(&gauges, &library.states());
        Response::new(200, TEXT, page.into_bytes())
    }
}

fn log_refusal(reason: &OpenError, more: &str) {
    match reason {
        // What a stranger cannot bring about: the console and we differ.
        OpenError::Stranger(reason @ (Rejection::Envelope | Rejection::Clear)) => {
            journal::warning(format_args!("refused: {reason}{more}"));
        }
        OpenError::NoKey => journal::warning(format_args!(
            "refused: the console seals its pushes; set DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID \
             to what it shows{more}"
        )),
        OpenError::Stranger(reason) => journal::notice(format_args!("refused: {reason}{more}")),
        OpenError::NotAPush(reason) => {
            journal::notice(format_args!("refused: a signed request is no push: {reason}{more}"));
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
