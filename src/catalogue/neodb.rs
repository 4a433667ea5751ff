//! NeoDB: a public catalogue with a documented search that needs no key.
//!
//! In: a [`Query`]. Out: an [`Outcome`]; [`read`], the whole reading of an answer, is a pure
//! function. It knows what the instance holds and no Douban numbers; one request a question,
//! 20 books a page. Ratings and links are NeoDB's own and marked as such.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::{Catalogue, Outcome, Query, Reason, clean, web};
use crate::book::{Book, Rating, Source};
use crate::http::{BaseUrl, Http, Page};
use crate::isbn::Isbn;

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
            Query::Subject(_) => return Outcome::Unasked,
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
        return Outcome::Operator(Reason(format!("JSON, but no books in it; check {URL}")));
    };
    web::answer(query, records, |record| book(record, base))
}

fn book(record: &Value, base: &BaseUrl) -> Option<Book> {
    let text = |name| web::text(record, name);
    let title = Some(clean::line(text("title"))).filter(|title| !title.is_empty())?;
    let people = clean::people(&web::texts(record, "author"), &web::texts(record, "translator"));
    Some(Book {
        subtitle: clean::line(text("subtitle")),
        origin_title: clean::line(text("orig_title")),
        authors: people.authors,
        translators: people.translators,
        publisher: publisher(record),
        pubdate: pubdate(record),
        price: clean::price(text("price")),
        pages: match record.get("pages") {
            Some(Value::Number(pages)) => clean::pages(&pages.to_string()),
            _ => clean::pages(text("pages")),
        },
        series: clean::line(text("series")),
        isbn: Isbn::parse(text("isbn")),
        rating: rating(record),
        summary: clean::summary(text("description")),
        cover: clean::cover(text("cover_image_url")),
        // `url` is a path of the instance.
        link: match text("url") {
            path if path.starts_with('/') => format!("{}{path}", base.as_str()),
            _ => String::new(),
        },
        holding: None,
        source: Source::NeoDb,
        title,
    })
}

/// `pub_house` is the older field, still filled where the list is not.
fn publisher(record: &Value) -> String {
    let houses: Vec<String> = web::texts(record, "publisher")
        .into_iter()
        .map(clean::line)
        .filter(|h| !h.is_empty())
        .collect();
    if houses.is_empty() { clean::line(web::text(record, "pub_house")) } else { houses.join(" / ") }
}

fn pubdate(record: &Value) -> String {
    let number = |name| record.get(name).and_then(Value::as_u64);
    match (number("pub_year"), number("pub_month")) {
        (Some(year), Some(month)) => format!("{year}-{month}"),
        (Some(year), None) => year.to_string(),
        _ => String::new(),
    }
}

/// NeoDB gives null below 5 ratings; without a count beside it, nothing is known.
fn rating(record: &Value) -> Rating {
    let count = record.get("rating_count").and_then(Value::as_u64);
    match record.get("rating").and_then(Value::as_f64).and_then(clean::tenths) {
        Some(tenths) if tenths > 0 => {
            Rating::Scored { tenths, count: count.and_then(|count| count.try_into().ok()) }
        }
        _ if count.is_some() => Rating::TooFew,
        _ => Rating::Unknown,
    }
}
