//! What a reader means, and what a reader is told.
//!
//! In: a push, and later the answer of the catalogue. Out: a query, a reply. [`question`] reads
//! what was typed, [`numerals`] what is a place in a list; [`conversation`] answers, [`readers`]
//! remembers each reader's list. [`replies`] are the operator's own; [`wish`] decides what may be
//! noted as wanted. [`shown`] makes an answer a reply, with [`card`] for books; [`phrases`] has every
//! sentence. No socket, no thread, no clock: the moment is passed in.

pub mod card;
pub mod conversation;
pub mod numerals;
pub mod phrases;
pub mod question;
pub mod readers;
pub mod replies;
pub mod shown;
pub mod wish;
