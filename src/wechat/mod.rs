//! The Official Account protocol: bytes from WeChat to values, values to bytes for WeChat.
//!
//! In: a raw query string and a body. Out: a [`Push`] that is well formed; a body that WeChat accepts.
//! [`credentials`] takes a request through the steps: [`signature`] verifies, [`freshness`] refuses
//! what is old where the signature does not cover the body, [`envelope`] opens, [`push`] parses, and
//! [`xml`] reads for it ([`cdata`] mends what WeChat does not escape). On the way back [`reply`], made
//! of [`reply_text`], writes XML, and [`envelope`] seals it.
//!
//! Nothing here does I/O, reads a clock or makes random bytes: seconds and bytes are passed in,
//! and the same input always gives the same output. Nothing here panics, whatever is sent. No
//! refusal carries a token, a key or the signature that would have been right.

pub mod cdata;
pub mod credentials;
pub mod envelope;
pub mod freshness;
pub mod push;
pub mod reply;
pub mod reply_text;
pub mod signature;
pub mod xml;

pub use envelope::{AesKey, AppId};
pub use push::{AccountId, Event, Identity, Kind, Occasion, OpenId, Push};
pub use reply::{Article, Reply};
pub use reply_text::{ReplyText, fill, link, outside};
pub use signature::{Params, Rejection, Signed, Token};
