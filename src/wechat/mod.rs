//! The Official Account protocol: bytes from WeChat to values, values to bytes for WeChat.
//!
//! In: a raw query string and a body. On the way: [`signature`] (query and token to
//! the token that signed, query and ciphertext to [`Signed`]), [`freshness`] where nothing more is
//! signed, [`envelope`] (`Signed` to clear and
//! back), [`push`] (clear XML to [`Push`]), [`reply`] ([`Reply`], made of [`ReplyText`], to XML); [`xml`] reads and
//! writes for all of them ([`cdata`] sees to what WeChat does not escape). Out: a [`Push`] that is well formed, a body that WeChat accepts.
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
