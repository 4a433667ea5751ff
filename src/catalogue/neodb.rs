//! NeoDB: a public catalogue with a documented search that needs no key.
//!
//! In: a [`Query`]. Out: an [`Outcome`]; [`read`], the whole reading of an answer, is a pure
//! function. It knows what the instance holds and no Douban numbers; one request a question,
//! 20 books a page. Ratings and links are NeoDB's own and marked as such.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::{Catalogue, Outcome, Query, clean, record, web};
use crate::catalogue::book::Source;
use crate::sys::http::{BaseUrl, Http, Page};

const URL: &str = "DOUMIBOOK_NEODB_URL";

/// A NeoDB instance.
#[derive(Debug)]
pub struct NeoDb {
    http: Arc<Http>,
    base: BaseUrl,
}

impl NeoDb {
    /// A client of the instance at `base`.
    pub fn new(http: Arc<Http>, base: BaseUrl) -> Self {
        Self { http, base }
    }
}

impl Catalogue for NeoDb {
    fn source(&self) -> Source {
        Source::NeoDb
    }

    fn find(&self, query: &Query, until: Instant) -> Outcome {
        let words = match query {
            Query::Isbn(isbn) => isbn.isbn13(),
            Query::Words(words) | Query::Author(words) => words.clone(),
            Query::Subject(_) | Query::Newest | Query::Photo(_) => return Outcome::Unasked,
        };
        let search = [("query", words.as_str()), ("category", "book"), ("page", "1")];
        match self.http.get(&self.base.url("/api/catalog/search", &search), until) {
            Ok(page) => read(query, &page, &self.base),
            Err(failure) => web::failed(&failure, URL),
        }
    }
}

/// What an answer of the instance at `base` means for the query it was given to.
pub fn read(query: &Query, page: &Page, base: &BaseUrl) -> Outcome {
    if let Some(outcome) = web::by_status(page, URL) {
        return outcome;
    }
    let json = match web::json(page, URL) {
        Ok(json) => json,
        Err(outcome) => return outcome,
    };
    let Some(Value::Array(records)) = json.get("data") else {
        return web::operator("JSON, but no books in it", URL);
    };
    record::answer(query, records, Source::NeoDb, |record| {
        // A path of the instance; where there is none, `id` is a whole address.
        let path = record::text(record, "/url");
        match path.starts_with('/') {
            true => clean::address(&format!("{}{path}", base.as_str())),
            false => clean::https(&record::text(record, "/id")),
        }
    })
}
