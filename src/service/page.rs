//! The page at `/`: what this account does, for whoever opens its address in a browser.
//!
//! In: the account's name. Out: one small page without anything from elsewhere.

use crate::chat::phrases;
use crate::service::response::{HTML, Response};

/// The page of this account.
pub fn front(account: &str) -> Response {
    let (name, says) = (escape(account), escape(&phrases::page(account)));
    let page = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{name}</title>\
         <body style=\"font:1.1rem/1.7 sans-serif;max-width:34rem;margin:4rem auto;\
         padding:0 1rem\"><h1>{name}</h1><p>{says}</p></body></html>\n"
    );
    Response::new(200, HTML, page.into_bytes())
}

/// Text as it may stand in HTML, attributes included.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
