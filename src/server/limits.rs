//! How much one request may have, and all of them together.
//!
//! The numbers hang together: nginx' `client_max_body_size` in the example is [`BODY`], and
//! [`UNFINISHED`] is so many of the largest.

/// Longest request head, in bytes. WeChat's own are about 350 (captured push).
pub const HEAD: usize = 8 * 1024;
/// Longest body, in bytes: a push of 2048 bytes of text in compatible mode is about 8 KiB.
pub const BODY: usize = 64 * 1024;
/// Most header fields.
pub const FIELDS: usize = 64;
/// Empty lines before a request line that are skipped: a client may end a POST's body with one
/// too many (RFC 9112, 2.2).
pub const EMPTY_LINES: usize = 4;
/// What all unfinished requests together may hold, in bytes: with 256 connections of the largest
/// it would be 16 MiB. Pushes up to 4 KiB do not count; 50 of compatible mode fit.
pub const UNFINISHED: usize = 8 * BODY;
