//! doumibook
#![forbid(unsafe_code)]

pub mod book;
pub mod catalogue;
pub mod isbn;
pub mod text;
