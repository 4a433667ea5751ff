//! The machine below: sockets and signals, the service manager, the log, threads and locks, the
//! HTTP client, secrets, text.
//!
//! In: what the other rooms want of the operating system and of other hosts. Out: the same
//! behind types that cannot be misused. Nothing here knows what the program is for; no other
//! room calls nix, listenfd, sd-notify, ureq, getrandom, percent-encoding or log.

pub mod day;
pub mod http;
pub mod journal;
pub mod percent;
pub mod pool;
pub mod probe;
pub mod secret;
pub mod sync;
pub mod systemd;
pub mod text;
pub mod unix;
pub mod visible;
