//! The wire: turns connections of anybody into complete, bounded requests, and answers into bytes.
//!
//! In: the listening sockets, and a handler that turns a [`crate::service::Call`] into
//! [`crate::service::Handled`]. Out: nothing; it runs until a signal comes. Nothing a client
//! without the token can send stops, stalls or grows the server; nothing that was accepted is
//! lost at a stop. This room knows neither XML nor books nor phrases. It is the home of tiny_http
//! and httparse.
//!
//! A request comes in through [`listener`] (accepts) and [`connection`] (one thread a client), is
//! cut out of the bytes by [`framing`] and [`chunks`] within [`limits`], gets a number at its
//! [`slot`] of the [`table`], and is handed through [`inner`] to tiny_http, whose requests
//! [`workers`] take. Whoever has the answer sends it through the slot, as [`wire`] writes it; a
//! request that has to wait does so there, too ([`parking`]).
//!
//! Why tiny_http stands behind a listener of ours. tiny_http 0.12 alone, measured: one unsigned
//! `Content-Length: 99999999999999` aborts the process (`EqualReader`'s drop allocates what was
//! announced); four slow bodies stop four workers; each `GET / HTTP/2.0` leaks a thread and two
//! descriptors for ever; 100 MB of header are 100 MB of memory; one failed `accept` or `dup`
//! leaves it deaf; of ten keep-alive clients on an idle server only four are answered at once;
//! and it cannot be told to stop accepting. All of that lies in how it treats connections and
//! unchecked bytes. Here it sees neither: only inner connections, opened one by one at the
//! start, and plain requests with our own `Content-Length`.

pub mod chunks;
pub mod connection;
pub mod framing;
pub mod inner;
pub mod limits;
pub mod listener;
pub mod parking;
mod shared;
pub mod slot;
pub mod table;
pub mod wire;
pub mod workers;

pub use listener::{Ended, STOP, drain, run};
pub use shared::{Shared, ring};
