//! Douban's API v2, and the self-hosted services that answer in its place.
//!
//! In: a [`Query`]. Out: an [`Outcome`]; [`read`], the whole reading of an answer, is a pure
//! function. The reader takes a superset of v2: a bare record, `{"books": …}` or a list, with
//! any Content-Type, and any field missing, null or of a neighbouring kind. Errors are told
//! apart by HTTP status and `code`; `msg` repeats keys and addresses, so it is never shown.
//! A question costs one request; a subject number two where the first path does not exist.

use std::slice;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::{Catalogue, Outcome, Query, Reason, record, web};
use crate::catalogue::book::Source;
use crate::sys::http::{BaseUrl, Failure, Http, Page, Url};
use crate::sys::secret::Secret;

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

/// Where a client is sent that is taken for a program: a page with a test for people, or a login.
const CHALLENGES: [&str; 3] =
    ["sec.douban.com/", "accounts.douban.com/", "www.douban.com/misc/sorry"];

/// What the app's API says beside the code 1309, or in its place.
const IP_LIMIT: &str = "subject_ip_rate_limit";

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
            Failure::Redirected(to) if CHALLENGES.iter().any(|page| to.starts_with(page)) => {
                web::limited("Douban challenges this address with a test for people", None)
            }
            other => web::failed(&other, URL),
        })
    }

    fn ask(&self, query: &Query, until: Instant) -> Result<Outcome, Outcome> {
        let (path, words) = match query {
            Query::Isbn(isbn) => (format!("/v2/book/isbn/{isbn}"), None),
            Query::Subject(id) => (format!("/v2/book/{id}"), None),
            Query::Newest => return Err(Outcome::Unasked),
            Query::Words(words) | Query::Author(words) => {
                ("/v2/book/search".to_owned(), Some(words.as_str()))
            }
            Query::Photo(_) => return Ok(Outcome::Unasked),
        };
        let mut page = self.page(&path, words, until)?;
        if let Query::Subject(id) = query
            && is_unknown_path(&page)
        {
            page = self.page(&format!("/v2/book/id/{id}"), None, until)?;
        }
        Ok(read(query, &page))
    }
}

impl Catalogue for Douban {
    fn source(&self) -> Source {
        Source::Douban
    }

    fn find(&self, query: &Query, until: Instant) -> Outcome {
        self.ask(query, until).unwrap_or_else(|trouble| trouble)
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
    match (by_code.or_else(|| by_status(query, page, json.is_ok())), json) {
        (Some(outcome), _) | (None, Err(outcome)) => outcome,
        (None, Ok(json)) => books(query, &json),
    }
}

fn books(query: &Query, json: &Value) -> Outcome {
    let records = match json.get("books").unwrap_or(json) {
        Value::Array(records) => records,
        // One service's "nothing"; that it was blocked looks the same from here.
        Value::Null if json.is_object() => return Outcome::NotFound,
        record if record.get("title").or(record.get("id")).is_some() => slice::from_ref(record),
        _ => return web::operator("JSON, but no books in it", URL),
    };
    record::answer(query, records, Source::Douban, link)
}

/// The `code` of an error; 0 is how some services say that all is well.
fn code(json: &Value) -> Option<i64> {
    if ["/code", "/msg"].iter().any(|place| record::text(json, place).contains(IP_LIMIT)) {
        return Some(1309);
    }
    record::text(json, "/code").parse().ok().filter(|&code| code != 0)
}

/// `None` for codes that say no more than the HTTP status does.
fn by_code(code: i64, page: &Page) -> Option<Outcome> {
    let limited = |why| web::limited(format!("{why} (code {code})"), page.retry_after);
    let operator = |why, check| web::operator(format_args!("{why} (code {code})"), check);
    Some(match code {
        6000 => Outcome::NotFound,
        111 | 112 | 1080 | 1309 => limited("too many requests"),
        1007 => limited("Douban asks for a captcha"),
        100 => operator("https is required", URL),
        104 => operator("the key is missing or wrong", KEY),
        105 => operator("the key is blocked", KEY),
        109 | 1000 => operator("the key may not do this", KEY),
        1001 => operator("no such path", URL),
        _ if page.status == 200 => Outcome::Down(Reason(format!("error code {code}"))),
        _ => return None,
    })
}

fn by_status(query: &Query, page: &Page, is_json: bool) -> Option<Outcome> {
    let search = matches!(query, Query::Words(_) | Query::Author(_));
    match (page.status, quoted_status(&page.body)) {
        // A search that finds nothing is no 404, and neither is an empty or HTML one a "no
        // such book": those come from a wrong base URL.
        (404, _) if is_json && !search => Some(Outcome::NotFound),
        (401 | 403, _) => {
            let why = format_args!("refused (HTTP {})", page.status);
            Some(web::operator(why, &format!("{KEY} and {URL}")))
        }
        (500, Some("404")) => Some(Outcome::NotFound),
        (500, Some(status @ ("403" | "418" | "429"))) => {
            let why = format!("Douban blocks the service (its pages answer {status})");
            Some(web::limited(why, None))
        }
        _ => web::by_status(page, URL),
    }
}

/// The status in `HTTP status client error (404 Not Found) for url …`: one family of services
/// answers 500 with this text for whatever Douban's pages answered it.
fn quoted_status(body: &[u8]) -> Option<&str> {
    let text = str::from_utf8(body).ok()?.trim_start();
    text.strip_prefix("HTTP status client error (")?.get(..3)
}

/// Built from the number: `alt` is missing in some services, `http:` in old answers, and once
/// named an internal host.
fn link(record: &Value) -> String {
    public_page(&record::text(record, "/id"))
}

/// The page of Douban's web site about the book with this number; empty for what is no number.
pub fn public_page(id: &str) -> String {
    match Query::subject(id) {
        Some(_) => format!("https://book.douban.com/subject/{id}/"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::http::Proxy;

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
