//! Why a request gets no answer of its own, and what it is told instead.
//!
//! In: nothing. Out: a status, a fixed line, and the name under which it is counted. Nothing of
//! a request is ever repeated, so nothing that a stranger sent comes back.

use super::response::Response;

/// Why a request goes no further: at the connection, or at the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 400.
    Malformed,
    /// 408.
    TooSlow,
    /// 411.
    NoLength,
    /// 413.
    BodyTooLong,
    /// 417.
    Expectation,
    /// 431.
    HeadTooLong,
    /// 503.
    Full,
    /// 403: it does not come from WeChat, or not in the form that is asked for.
    Signature,
    /// 400: it does, but it is no push.
    NotAPush,
}

impl Refusal {
    /// Every one.
    #[rustfmt::skip]
    pub const ALL: [Self; 9] = [
        Self::Malformed, Self::TooSlow, Self::NoLength, Self::BodyTooLong, Self::Expectation,
        Self::HeadTooLong, Self::Full, Self::Signature, Self::NotAPush,
    ];

    /// Its name in the metrics.
    pub fn name(self) -> &'static str {
        self.parts().1
    }

    /// The answer.
    pub fn response(self) -> Response {
        let (status, _, line) = self.parts();
        Response::line(status, line)
    }

    #[rustfmt::skip]
    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed   => (400, "malformed",     "bad request\n"),
            Self::TooSlow     => (408, "too_slow",      "the request took too long\n"),
            Self::NoLength    => (411, "no_length",     "a length is required\n"),
            Self::BodyTooLong => (413, "body_too_long", "the body is longer than 64 KiB\n"),
            Self::Expectation => (417, "expectation",   "unknown expectation\n"),
            Self::HeadTooLong => (431, "head_too_long", "the request head is too long\n"),
            Self::Full        => (503, "full",          "busy, please try again\n"),
            Self::Signature   => (403, "signature",     "forbidden\n"),
            Self::NotAPush    => (400, "not_a_push",    "not a push\n"),
        }
    }
}
