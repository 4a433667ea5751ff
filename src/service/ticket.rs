//! The right to answer one request, once.
//!
//! In: whoever reads requests from somewhere implements [`Client`]: the connections of the
//! server, or a reader that is played in this process. Out: a [`Ticket`], which the service
//! hands from thread to thread until somebody has the answer. A ticket answers its own request
//! or none: never the next one of the same client.

use std::sync::Arc;
use std::time::Instant;

use super::response::Response;
use super::silences::Silence;

/// Where a request came from, and where its answer goes.
pub trait Client: Send + Sync {
    /// Answers request number `request`; without a response it ends unanswered, so that WeChat
    /// delivers its push again. `false` when it does not wait any more.
    fn answer(&self, request: u64, response: Option<&Response>) -> bool;

    /// The request waits from here on without a thread: unless somebody answers it before
    /// `until`, it gets `otherwise`, or ends unanswered.
    fn park(&self, request: u64, until: Instant, otherwise: Option<Response>) -> Parking;

    /// Whether more than half of the places for waiting are taken.
    fn is_crowded(&self) -> bool;
}

/// What came of asking for a request to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parking {
    /// It waits.
    Parked,
    /// As many requests wait as may.
    Full,
}

/// The right to answer one request, once. Clones are the same right.
#[derive(Clone)]
pub struct Ticket {
    client: Arc<dyn Client>,
    request: u64,
    silence: Option<Silence>,
}

impl Ticket {
    /// For the request with this number of `client`.
    pub fn new(client: Arc<dyn Client>, request: u64) -> Self {
        Self { client, request, silence: None }
    }

    /// The same right, to a request that may pass unanswered if need be.
    pub fn with(self, silence: Option<Silence>) -> Self {
        Self { silence, ..self }
    }

    /// As [`Client::answer`]; an answer in time gives the request's silence back.
    pub fn answer(&self, response: Option<&Response>) -> bool {
        let waited = self.client.answer(self.request, response);
        if let (true, Some(_), Some(silence)) = (waited, response, &self.silence) {
            silence.give_back();
        }
        waited
    }

    /// As [`Client::park`].
    pub fn park(&self, until: Instant, otherwise: Option<Response>) -> Parking {
        self.client.park(self.request, until, otherwise)
    }

    /// As [`Client::is_crowded`].
    pub fn is_crowded(&self) -> bool {
        self.client.is_crowded()
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ticket of request {}", self.request)
    }
}
