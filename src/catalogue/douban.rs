//! Douban's API v2, and the self-hosted services that answer in its place.
//!
//! In: a [`Query`]. Out: an [`Outcome`]; [`read`], the whole reading of an answer, is a pure
//! function. The reader takes a superset of v2: a bare record, `{"books": …}` or a list, with
//! any Content-Type, and any field missing, null or of a neighbouring kind. Errors are told
//! apart by HTTP status and `code`; `msg` repeats keys and addresses, so it is never looked at.
//! A question costs one request; a subject number two where the first path does not exist.

use std::slice;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::{Catalogue, Outcome, Query, Reason, clean, web};
use crate::book::{Book, Rating, Source};
use crate::http::{BaseUrl, Failure, Http, Page, Url};
use crate::isbn::Isbn;
use crate::secret::Secret;

const URL: &str = "DOUMIBOOK_DOUBAN_URL";
const KEY: &str = "DOUMIBOOK_DOUBAN_KEY";

/// The real API. Only it is known to honour `fields`, and with `catalog` and `author_intro`
/// left out the 157 KB of 20 books shrink several times; what the parameter does elsewhere is
/// not known, so others are not sent it.
const HOST: &str = "api.douban.com";
const FIELDS: &str = "id,title,subtitle,origin_title,author,translator,publisher,pubdate,price,\
                      pages,series,isbn10,isbn13,rating,summary,images,image";

/// Some services refuse more with HTTP 400; it is also all a search may bring.
const COUNT: &str = "20";

/// Where a client is sent that is taken for a program: a page with a test for people.
const CHALLENGE: &str = "sec.douban.com";

/// A service that speaks (something like) Douban's API v2.
#[derive(Debug)]
pub struct Douban {
    http: Arc<Http>,
    base: BaseUrl,
    key: Option<Secret>,
}

impl Douban {
    /// A client of the service at `base`, which is sent `key` with every request.
    pub fn new(http: Arc<Http>, base: BaseUrl, key: Option<Secret>) -> Self {
        Self { http, base, key }
    }

    fn url(&self, path: &str, words: Option<&str>) -> Url {
        let search = words.map(|words| [("q", words), ("count", COUNT)]);
        let mut query = search.into_iter().flatten().collect::<Vec<_>>();
        if self.base.host() == HOST {
            query.push(("fields", FIELDS));
        }
        query.extend(self.key.as_ref().map(|key| ("apikey", key.expose())));
        self.base.url(path, &query)
    }

    fn page(&self, path: &str, words: Option<&str>, until: Instant) -> Result<Page, Outcome> {
        self.http.get(&self.url(path, words), until).map_err(|failure| match failure {
            Failure::Redirected(host) if host == CHALLENGE => {
                web::limited("Douban challenges this address with a test for people", None)
            }
            other => web::failed(&other, URL),
        })
    }

    fn ask(&self, query: &Query, until: Instant) -> Result<Outcome, Outcome> {
        let page = match query {
            Query::Isbn(isbn) => self.page(&format!("/v2/book/isbn/{isbn}"), None, until)?,
            Query::Words(words) | Query::Author(words) => {
                self.page("/v2/book/search", Some(words), until)?
            }
            Query::Subject(id) => match self.page(&format!("/v2/book/{id}"), None, until)? {
                page if is_unknown_path(&page) => {
                    self.page(&format!("/v2/book/id/{id}"), None, until)?
                }
                page => page,
            },
        };
        Ok(read(query, &page))
    }
}

impl Catalogue for Douban {
    fn source(&self) -> Source {
        Source::Douban
    }

    fn find(&self, query: &Query, until: Instant) -> Outcome {
        self.ask(query, until).unwrap_or_else(|failed| failed)
    }
}

/// A 404 that is not v2's own "no such book": one family of services has `/v2/book/id/:id`
/// instead, and answers the other path with 404 and nothing.
fn is_unknown_path(page: &Page) -> bool {
    page.status == 404 && web::json(page, URL).ok().and_then(|json| code(&json)).is_none()
}

/// What an answer of the service means for the query it was given to.
pub fn read(query: &Query, page: &Page) -> Outcome {
    let json = web::json(page, URL);
    let by_code = json.as_ref().ok().and_then(code).and_then(|code| by_code(code, page));
    if let Some(outcome) = by_code.or_else(|| by_status(query, page, json.is_ok())) {
        return outcome;
    }
    let json = match json {
        Ok(json) => json,
        Err(outcome) => return outcome,
    };
    match (json.get("books"), &json) {
        (Some(Value::Array(records)), _) | (None, Value::Array(records)) => {
            web::answer(query, records, book)
        }
        // One service's "nothing"; that it was blocked looks the same from here.
        (Some(Value::Null), _) => Outcome::NotFound,
        (None, record) if record.get("title").or(record.get("id")).is_some() => {
            web::answer(query, slice::from_ref(record), book)
        }
        _ => Outcome::Operator(Reason(format!("JSON, but no books in it; check {URL}"))),
    }
}

/// The `code` of an error; 0 is how some services say that all is well.
fn code(json: &Value) -> Option<i64> {
    json.get("code").and_then(Value::as_i64).filter(|&code| code != 0)
}

/// `None` for codes that say no more than the HTTP status does.
fn by_code(code: i64, page: &Page) -> Option<Outcome> {
    let operator = |why: &str, check: &str| {
        Some(Outcome::Operator(Reason(format!("{why} (code {code}); check {check}"))))
    };
    match code {
        6000 => Some(Outcome::NotFound),
        111 | 112 | 1080 => {
            Some(web::limited(format!("too many requests (code {code})"), page.retry_after))
        }
        1007 => Some(web::limited("Douban asks for a captcha (code 1007)", page.retry_after)),
        100 => operator("https is required", URL),
        104 => operator("the key is missing or wrong", KEY),
        105 => operator("the key is blocked", KEY),
        109 | 1000 => operator("the key may not do this", KEY),
        1001 => operator("no such path", URL),
        _ if page.status == 200 => Some(Outcome::Down(Reason(format!("error code {code}")))),
        _ => None,
    }
}

fn by_status(query: &Query, page: &Page, is_json: bool) -> Option<Outcome> {
    let search = matches!(query, Query::Words(_) | Query::Author(_));
    match page.status {
        // A search that finds nothing is no 404, and neither is an empty or HTML one a "no
        // such book": those come from a wrong base URL.
        404 if is_json && !search => Some(Outcome::NotFound),
        401 | 403 => {
            let why = format!("refused (HTTP {}); check {KEY} and {URL}", page.status);
            Some(Outcome::Operator(Reason(why)))
        }
        500 => match quoted_status(&page.body) {
            Some("404") => Some(Outcome::NotFound),
            Some(status @ ("403" | "418" | "429")) => {
                let why = format!("Douban blocks the service (its pages answer {status})");
                Some(web::limited(why, None))
            }
            _ => web::by_status(page, URL),
        },
        _ => web::by_status(page, URL),
    }
}

/// The status in `HTTP status client error (404 Not Found) for url …`: one family of services
/// answers 500 with this text for whatever Douban's pages answered it.
fn quoted_status(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?.trim_start();
    text.strip_prefix("HTTP status client error (")?.get(..3)
}

fn book(record: &Value) -> Option<Book> {
    let text = |name| web::text(record, name);
    let either = |name, other| Some(text(name)).filter(|t| !t.is_empty()).unwrap_or(text(other));
    let title = Some(clean::line(text("title"))).filter(|title| !title.is_empty())?;
    let named = ["translator", "translators"].map(|name| web::texts(record, name)).concat();
    let people = clean::people(&web::texts(record, "author"), &named);
    Some(Book {
        subtitle: clean::line(text("subtitle")),
        origin_title: clean::line(either("origin_title", "origin")),
        authors: people.authors,
        translators: people.translators,
        publisher: clean::line(text("publisher")),
        // One service writes 1900-01 for "unknown".
        pubdate: Some(clean::line(text("pubdate"))).filter(|d| d != "1900-01").unwrap_or_default(),
        price: clean::price(text("price")),
        pages: clean::pages(text("pages")),
        series: series(record),
        isbn: ["isbn13", "isbn10"].into_iter().find_map(|name| Isbn::parse(text(name))),
        rating: rating(record),
        summary: clean::summary(text("summary")),
        cover: cover(record),
        link: link(record),
        holding: None,
        source: Source::Douban,
        title,
    })
}

fn series(record: &Value) -> String {
    let title = match record.get("series") {
        Some(Value::String(title)) => title,
        Some(series) => web::text(series, "title"),
        None => web::text(record, "serials"),
    };
    clean::line(title)
}

/// Douban writes an average of "0.0" exactly when fewer than 10 have rated.
fn rating(record: &Value) -> Rating {
    let Some(rating) = record.get("rating") else { return Rating::Unknown };
    match web::number(rating.get("average")).and_then(clean::tenths) {
        Some(0) => Rating::TooFew,
        Some(tenths) => {
            let count = web::number(rating.get("numRaters")).filter(|&count| count >= 1.0);
            Rating::Scored { tenths, count: count.map(|count| count as u32) }
        }
        None => Rating::Unknown,
    }
}

/// The largest picture that is one: a book without a cover has the address of a drawing
/// (`book-default`) or of a page to upload one.
fn cover(record: &Value) -> String {
    let images = record.get("images").unwrap_or(&Value::Null);
    let sizes = ["large", "medium", "small"].map(|size| web::text(images, size));
    sizes
        .into_iter()
        .chain([web::text(record, "image")])
        .filter(|url| !url.contains("book-default") && !url.ends_with("/update_image"))
        .map(clean::cover)
        .find(|url| !url.is_empty())
        .unwrap_or_default()
}

/// Built from the number: `alt` is missing in some services, `http:` in old answers, and once
/// named an internal host.
fn link(record: &Value) -> String {
    let id = match record.get("id") {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => return String::new(),
    };
    match Query::subject(&id) {
        Some(_) => format!("https://book.douban.com/subject/{id}/"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Proxy;

    #[test]
    fn only_the_real_api_is_asked_for_fields() {
        let douban = |base| {
            let base = BaseUrl::parse(base).unwrap();
            let http = Arc::new(Http::new("", Proxy::none()));
            let url = |query: &[_]| base.url("/v2/book/1", query);
            (
                Douban::new(http, base.clone(), None).url("/v2/book/1", None),
                url(&[]),
                url(&[("fields", FIELDS)]),
            )
        };
        let (asked, _, trimmed) = douban("https://api.douban.com/");
        assert!(asked == trimmed);
        let (asked, whole, _) = douban("https://api.douban.com.example");
        assert!(asked == whole);
    }

    #[test]
    fn the_key_is_not_shown() {
        let base = BaseUrl::parse("https://api.douban.com").unwrap();
        let http = Arc::new(Http::new("", Proxy::none()));
        let douban = Douban::new(http, base, Secret::new("SECRETKEY"));
        let url = douban.url("/v2/book/1", None);
        assert!(!format!("{douban:?} {url:?} {url}").contains("SECRETKEY"));
    }
}
