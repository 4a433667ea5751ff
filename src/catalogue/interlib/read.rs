//! What an Interlib catalogue answered, down to books.
//!
//! In: a [`Page`] of its search, and the query it was given to. Out: an [`Outcome`]; what stands
//! in the way of JSON is told with what the operator can do about it. Pure. Any field of a record
//! may be missing, null, or a number where others have a text; at most [`HITS`] records are
//! looked at, and one that cannot be shown spoils no other.

use serde_json::Value;

use super::{fields, url};
use crate::catalogue::book::{Book, Holding, Source};
use crate::catalogue::fold::fold;
use crate::catalogue::isbn::Isbn;
use crate::catalogue::record::{is_by, text};
use crate::catalogue::{HITS, Outcome, Query, Reason, clean, web};
use crate::sys::http::{BaseUrl, Page};

/// The setting to look at.
pub const URL: &str = "DOUMIBOOK_INTERLIB_URL";

/// Part of the best score below which a record matched somewhere that no reader sees: a best of
/// 6.7 with a last of 0.01 was seen.
const NOISE: f64 = 0.05;

/// The page as JSON, or what it means that it is none; `path` is what was asked.
pub fn json(page: &Page, path: &str) -> Result<Value, Outcome> {
    if let Some(outcome) = refusal(page, path).or_else(|| web::by_status(page, URL)) {
        return Err(outcome);
    }
    web::json(page, URL)
}

/// What a library's own guards and old versions answer, with what to ask of whom.
fn refusal(page: &Page, path: &str) -> Option<Outcome> {
    let start = page.body.get(..page.body.len().min(4096)).unwrap_or_default();
    let start = String::from_utf8_lossy(start);
    let body = start.trim_start_matches('\u{feff}').trim_start();
    let has = |mark: &str| body.contains(mark);
    let html = body.starts_with('<') && !body.starts_with("<?xml");
    let status = page.status;
    let why = match status {
        200..=499 if html && (has("opac验证") || has("/captcha/")) => {
            "a page with a captcha (opac验证) instead of an answer, which no program may solve; ask \
             the vendor (图创) or the computer room to leave this machine's address out of it"
                .to_owned()
        }
        401 | 403 | 405 | 412 => format!(
            "refused (HTTP {status}): a firewall before the catalogue keeps this machine out; ask \
             the computer room or the vendor (图创) to allow its address"
        ),
        404 => format!(
            "no such path (HTTP 404): the address must be the catalogue's own, mostly with /opac at \
             its end; if it is, this version has no {path}, so ask the vendor (图创) for one that has"
        ),
        200..=299 if body.starts_with("<?xml") || body.starts_with("<response") => {
            format!("XML instead of JSON; ask the vendor (图创) for a version whose {path} has JSON")
        }
        200..=299 if html => format!(
            "a web page instead of JSON: another catalogue's address, or a guard's page; open {path} \
             in a browser, and ask the vendor (图创) or the computer room when no JSON comes"
        ),
        _ => return None,
    };
    Some(web::operator(why, URL))
}

/// How many books a search says there are, and those it shows.
pub fn hits(page: &Page) -> Result<(u64, Vec<Value>, f64), Outcome> {
    let mut json = json(page, "/api/search")?;
    let best = json.pointer("/response/maxScore").and_then(Value::as_f64).unwrap_or(0.0);
    let found = json.pointer("/response/numFound").and_then(Value::as_u64);
    match json.pointer_mut("/response/docs").map(Value::take) {
        Some(Value::Array(mut docs)) => {
            docs.truncate(HITS);
            Ok((found.unwrap_or(docs.len() as u64), docs, best))
        }
        _ => Err(web::operator("JSON, but no response.docs in it: not Interlib's search", URL)),
    }
}

/// What an answer of the search at `base` means for the query it was given to.
pub fn answer(query: &Query, page: &Page, base: &BaseUrl) -> Outcome {
    let (found, docs, best) = match hits(page) {
        Ok(hits) => hits,
        Err(outcome) => return outcome,
    };
    if docs.is_empty() {
        return match found {
            0 => Outcome::NotFound,
            _ => Outcome::Unfit(Reason::new("the search counts books and shows none")),
        };
    }
    let docs: Vec<&Value> = docs.iter().filter(|doc| answers(query, doc)).collect();
    let heard: Vec<&Value> = docs.iter().copied().filter(|doc| is_loud(query, doc, best)).collect();
    let docs = if heard.is_empty() { &docs } else { &heard };
    let mut books: Vec<Book> = docs.iter().filter_map(|doc| book(doc, base)).collect();
    if books.is_empty() && !docs.is_empty() {
        return Outcome::Unfit(Reason::new("records without a title"));
    }
    sort_out(query, &mut books);
    let books = editions(books);
    if books.is_empty() { Outcome::NotFound } else { Outcome::Found(books) }
}

/// Any field was searched: of a number only those are wanted that have it, or have none.
fn answers(query: &Query, doc: &Value) -> bool {
    let Query::Isbn(isbn) = query else { return true };
    let written = text(doc, "/isbn_meta");
    Isbn::parse(&written).is_none() || fields::has_isbn(&written, isbn)
}

/// Whether a record's score, or its title, says that it was meant.
fn is_loud(query: &Query, doc: &Value, best: f64) -> bool {
    let (Query::Words(words) | Query::Author(words)) = query else { return true };
    let score = doc.get("score").and_then(Value::as_f64);
    score.is_none_or(|score| score >= best * NOISE)
        || holds(&format!("{} {}", text(doc, "/title_meta"), text(doc, "/author_meta")), words)
}

/// Whether a text has all words of a folded question.
fn holds(text: &str, words: &str) -> bool {
    let text = fold(&fields::line(text));
    words.split(' ').all(|word| text.contains(word))
}

/// Puts first what the search could not, or leaves out what it should not have found.
fn sort_out(query: &Query, books: &mut Vec<Book>) {
    match query {
        // A name the catalogue spells in another way is better answered by all that it found.
        Query::Author(name) if books.iter().any(|book| is_by(book, name)) => {
            books.retain(|book| is_by(book, name));
        }
        // Of `c++` only the c was searched for.
        Query::Words(words) if *words != url::plain(words) => {
            books.sort_by_key(|book| !holds(&format!("{} {}", book.title, book.subtitle), words));
        }
        Query::Isbn(isbn) if books.iter().any(|book| book.isbn == Some(*isbn)) => {
            books.retain(|book| book.isbn == Some(*isbn));
        }
        _ => {}
    }
    if let Query::Isbn(isbn) = query {
        // A set has the numbers of its volumes in one field, of which the first was read.
        books
            .iter_mut()
            .filter(|book| book.isbn.is_some())
            .for_each(|book| book.isbn = Some(*isbn));
    }
}

fn book(doc: &Value, base: &BaseUrl) -> Option<Book> {
    let title = fields::title(&text(doc, "/title_meta"));
    if title.title.is_empty() {
        return None;
    }
    let (authors, translators) = fields::people(&text(doc, "/author_meta"));
    let record = text(doc, "/id").parse::<u64>().ok().filter(|record| *record > 0);
    let callno = fields::callno(&text(doc, "/callno_sort"));
    Some(Book {
        title: title.title,
        subtitle: title.subtitle,
        series: title.series,
        authors,
        translators,
        publisher: fields::line(&text(doc, "/publisher_meta")),
        pubdate: fields::date(&text(doc, "/pubdate_meta")),
        price: fields::line(&clean::price(&text(doc, "/price_meta"))),
        pages: fields::pages(&text(doc, "/page_meta")),
        isbn: Isbn::parse(&fields::line(&text(doc, "/isbn_meta"))),
        link: record.map(|record| url::page(base, record)).unwrap_or_default(),
        holding: (!callno.is_empty()).then(|| Holding { callno, ..Holding::default() }),
        records: record.into_iter().collect(),
        source: Source::Interlib,
        ..Book::default()
    })
}

/// A union's catalogue has one edition as often as branches entered it: each edition once, with
/// all its records.
fn editions(books: Vec<Book>) -> Vec<Book> {
    let mut editions: Vec<Book> = Vec::with_capacity(books.len());
    for book in books {
        match editions.iter_mut().find(|known| is_same(known, &book)) {
            Some(known) => merge(known, book),
            None => editions.push(book),
        }
    }
    editions
}

/// Volumes may share one number, so it is not enough; without one, all that tells editions apart
/// has to be there and equal.
fn is_same(one: &Book, other: &Book) -> bool {
    let title = |book: &Book| {
        let whole = fold(&format!("{}{}", book.title, book.subtitle));
        whole.chars().filter(|c| c.is_alphanumeric()).collect::<String>()
    };
    let known = |book: &Book| !book.publisher.is_empty() && !book.pubdate.is_empty();
    let numbered = one.isbn.is_some() || known(one);
    let printed = |book: &Book| (book.isbn, book.isbn.is_none().then(|| printing(book)));
    numbered && printed(one) == printed(other) && title(one) == title(other)
}

fn printing(book: &Book) -> (String, String, Vec<String>) {
    (book.publisher.clone(), book.pubdate.clone(), book.authors.clone())
}

/// What the first record leaves out, another of the same edition may say.
fn merge(known: &mut Book, other: Book) {
    // One record listed twice has its copies once.
    let more = other.records.into_iter().filter(|record| !known.records.contains(record));
    known.records.extend(more.collect::<Vec<_>>());
    known.hold_also(other.holding);
    let pairs = [
        (&mut known.publisher, other.publisher),
        (&mut known.pubdate, other.pubdate),
        (&mut known.price, other.price),
        (&mut known.pages, other.pages),
        (&mut known.series, other.series),
        (&mut known.link, other.link),
    ];
    for (field, text) in pairs {
        if field.is_empty() {
            *field = text;
        }
    }
    if known.authors.is_empty() {
        known.authors = other.authors;
    }
}
