//! What end-to-end tests need: the real binary, a client, WeChat's side, and sources.

pub mod client;
pub mod push;
pub mod server;
pub mod upstream;
pub mod watch;
