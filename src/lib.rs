//! doumibook answers readers of a WeChat Official Account who look for a book.
//!
//! # The way of one push
//!
//! ```text
//! client ─ gate ─ server ─ service ─ wechat ─ conversation ─ desk ─ catalogue
//!                                                                      │
//! client ─ gate ─ (server or parking) ─ wechat::reply ─ conversation ──┘
//! ```
//!
//! 1. [`gate`] owns the public listener. It reads one complete, bounded request at a time and
//!    answers everything else itself; nothing behind it ever meets a slow or hostile client.
//! 2. [`server`] is tiny_http behind a private socket: worker threads take requests and hand
//!    them to the service.
//! 3. [`service`] knows the order of the steps. It has [`account`] make the request a letter:
//!    [`wechat::signature`] verifies the query, [`wechat::envelope`] opens the body when it is
//!    sealed, and [`wechat::push`] reads it.
//! 4. [`desk`] makes sure that each push is answered once, however often WeChat delivers it.
//! 5. [`conversation`] decides what the reader wants ([`question`]): a sentence
//!    ([`phrases`]) at once, or a [`catalogue::Query`].
//! 6. A query is answered from [`catalogue::memory`], or looked up by [`desk`] on a thread of
//!    its own; meanwhile the request is parked ([`parking`]) and holds no worker.
//! 7. [`catalogue::library`] asks the sources in order: [`catalogue::shelf`],
//!    [`catalogue::interlib`], [`catalogue::douban`], [`catalogue::neodb`], each with a budget
//!    and a breaker.
//! 8. [`conversation`] turns what was found into a [`wechat::reply`] ([`card`]), which goes back
//!    through tiny_http, or straight to the parked connection, and out through the gate.
//!
//! Between the two ends everything is pure but the catalogue: no clock, no socket, no log.
//!
//! # The rest
//!
//! [`settings`] and [`command`] read what the operator wants, [`setup`] builds the parts from
//! it, [`environment`] from the process's own; [`serve`] runs them from start to stop,
//! [`keeper`] saves what they remember. [`simulator`] plays WeChat for [`ask`] in a terminal and
//! [`demo`] in a browser; [`check`] and [`menu`] help the operator. [`unix`], [`knock`],
//! [`systemd`], [`http`] and [`journal`] are the edges: sockets and signals, our own front door,
//! the service manager, other services, the log. [`metrics`] counts, [`page`] is what a browser
//! sees. [`crew`] is where gate and desk have their threads from, [`sync`] how locks are taken.
#![forbid(unsafe_code)]

pub mod catalogue;
pub mod chat;
pub mod cli;
pub mod server;
pub mod service;
pub mod sys;
pub mod wechat;
