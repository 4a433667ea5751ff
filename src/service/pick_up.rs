//! Readers who are told to come back for an answer, instead of being waited for until it is there.
//!
//! In: deliveries that have to wait, and answers that come too late. Out: leave to pass unanswered,
//! or the sentence that is said in time; and for who comes back, what came meanwhile.

use std::time::Instant;

use super::silences::Silence;
use super::{Call, Service, metrics};
use crate::catalogue::answer::Answer;
use crate::chat::phrases;
use crate::chat::readers::Request;
use crate::sys::journal::{self, Throttle};
use crate::wechat::credentials::VerifiedPush;
use crate::wechat::push::OpenId;
use crate::wechat::reply::Reply;

static RATIONED: Throttle = Throttle::new();

impl Service {
    /// The answer reached nobody: who was told to come back for it finds it.
    pub(super) fn too_late(&self, verified: &VerifiedPush, request: &Request, answer: &Answer) {
        let known = self.lookups.library().recall(&request.query).is_some();
        let from = &verified.push.from;
        if self.conversation.readers.too_late(from, request, answer, known) {
            self.metrics.count(metrics::PICK_UPS, ["offered", ""]);
            journal::info(format_args!("pick-up offered reader={from}"));
        }
    }

    /// The reader has the answer; `again`: having been told before to come back for it.
    pub(super) fn received(
        &self,
        verified: &VerifiedPush,
        request: &Request,
        again: bool,
        begun: Instant,
    ) {
        self.conversation.readers.received(&verified.push.from, request, begun);
        if again {
            self.metrics.count(metrics::PICK_UPS, ["taken", ""]);
            journal::info(format_args!("pick-up taken reader={}", verified.push.from));
        }
    }

    /// Leave for this delivery to pass unanswered, so that WeChat delivers again; the last one has
    /// none, and of the others only so many a minute.
    pub(super) fn silence(&self, delivery: u32, now: Instant) -> Option<Silence> {
        if delivery >= self.patience.deliveries {
            return None;
        }
        let silence = Silence::take(&self.silences, now);
        if silence.is_none() && RATIONED.pass(now).is_some() {
            journal::warning(format_args!(
                "readers are told to pick their answers up instead of being waited for: as many \
                 deliveries passed unanswered within a minute as DOUMIBOOK_SILENCES allows; \
                 see which source is slow"
            ));
        }
        silence
    }

    /// What a delivery is answered that may not pass, and when, if there is no answer by then.
    pub(super) fn otherwise(
        &self,
        from: &OpenId,
        delivery: u32,
        request: &Request,
        call: &Call<'_>,
    ) -> (Instant, Reply) {
        let until = call.first_byte + self.patience.deadline;
        let end = self.lookups.ends_before(&request.query, call.now, until);
        // Who has been waited for until a lookup's end hears what came of it.
        if let Some(end) = end.filter(|_| delivery > 1) {
            return (end, Reply::text(phrases::TROUBLE));
        }
        self.lookups.tell(&request.query);
        (until, self.conversation.still_looking(from, request))
    }
}
