//! The machine below: sockets and signals, the service manager, the log, threads and locks, the
//! HTTP client, secrets, text.
//!
//! In: what the other rooms want of the operating system and of other hosts. Out: the same
//! behind types that cannot be misused. Nothing here knows what the program is for; no other
//! room calls nix, listenfd, sd-notify, ureq, getrandom, percent-encoding or log.
//!
//! [`unix`] has sockets, signals and clocks, [`systemd`] the service manager, [`journal`] the log,
//! [`pool`] and [`sync`] threads and locks; [`http`] asks other hosts, [`probe`] this one. [`secret`]
//! hides, [`visible`] shows what is not ours; [`text`], [`percent`] and [`day`] are small tools.

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
