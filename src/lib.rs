//! doumibook
#![forbid(unsafe_code)]

pub mod book;
pub mod catalogue;
pub mod gate;
pub mod http;
pub mod isbn;
pub mod journal;
pub mod links;
pub mod metrics;
pub mod parking;
pub mod response;
pub mod secret;
pub mod text;
pub mod unix;
pub mod wechat;
