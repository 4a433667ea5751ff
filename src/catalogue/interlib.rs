//! Interlib (图创): the catalogue of a library's own system, with what stands on its shelves.
//!
//! In: a [`Query`], or books found before. Out: an [`Outcome`] with the copies as they are now. A
//! question costs one search and one request for the copies of all books found; a third only for
//! an ISBN's other form, or for the day a single lent book comes back: never more. When copies
//! cannot be learned the books are shown without. Nothing about a library's readers is read.

mod fields;
pub mod holdings;
pub mod read;
pub mod url;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Catalogue, Outcome, Query, Reason, web};
use crate::catalogue::book::{Book, Holding, Source};
use crate::sys::http::{BaseUrl, Failure, Http, Page, Url};
use crate::sys::journal;
use crate::sys::unix;
use read::URL;

/// The books of one page; as many as a search may bring.
const ROWS: &str = "20";
/// Requests one question may cost.
const REQUESTS: u32 = 3;
/// How long copies are waited for when the books are there: within the five seconds of a delivery.
const COPIES: Duration = Duration::from_secs(3);
/// As [`COPIES`], for a date that is nice to have.
const DATE: Duration = Duration::from_millis(1500);
/// With less left, nothing more is asked.
const LEAST: Duration = Duration::from_millis(200);
/// Books of which copies are asked when those of all are more than is read: the first list.
const FEWER: usize = 5;
/// What every Chinese library has.
pub const QUESTION: &str = "中国";

/// A library's Interlib catalogue.
#[derive(Debug)]
pub struct Interlib {
    http: Arc<Http>,
    base: BaseUrl,
    lib: Option<String>,
}

/// What `doumibook check` wants to know.
#[derive(Debug)]
pub struct Checked {
    /// Books found for 中国, and how long it took; or why none came.
    pub search: Result<(u64, Duration), Outcome>,
    /// How long the copies of the first of them took, or why there are none.
    pub copies: Result<Duration, Outcome>,
}

/// The requests and the time one question has.
struct RequestBudget {
    requests: u32,
    until: Instant,
}

impl RequestBudget {
    fn new(until: Instant) -> Self {
        Self { requests: REQUESTS, until }
    }

    fn may_ask(&self) -> bool {
        self.requests > 0 && self.until.saturating_duration_since(Instant::now()) >= LEAST
    }

    /// Pays for one request, which may take `most`.
    fn pay(&mut self, most: Duration) -> Instant {
        self.requests = self.requests.saturating_sub(1);
        Instant::now().checked_add(most).map_or(self.until, |end| end.min(self.until))
    }
}

impl Interlib {
    /// A client of the catalogue at `base`, narrowed to the branch or tenant `lib`.
    pub fn new(http: Arc<Http>, base: BaseUrl, lib: Option<String>) -> Self {
        Self { http, base, lib }
    }

    fn lib(&self) -> Option<&str> {
        self.lib.as_deref()
    }

    fn page(&self, url: &Url, until: Instant) -> Result<Page, Outcome> {
        self.http.get(url, until).map_err(|failure| web::failed(&failure, URL))
    }

    fn search(&self, query: &Query, budget: &mut RequestBudget) -> Result<Outcome, Outcome> {
        let mut outcome = Outcome::Unasked;
        for search in url::searches(query) {
            if outcome != Outcome::Unasked && !budget.may_ask() {
                break;
            }
            let url = url::search(&self.base, self.lib(), &search, ROWS);
            let page = self.page(&url, budget.pay(Duration::MAX))?;
            outcome = read::answer(query, &page, &self.base);
            if outcome != Outcome::NotFound {
                break;
            }
        }
        Ok(outcome)
    }

    /// Puts the copies beside the books, those of before forgotten first.
    fn add_copies(&self, books: &mut [Book], budget: &mut RequestBudget) -> Result<(), Outcome> {
        books.iter_mut().for_each(Book::forget_copies);
        if !budget.may_ask() {
            return Err(Outcome::Down(Reason::new("no time was left to ask for copies")));
        }
        match self.previews(books, budget) {
            Ok(previews) => {
                for book in books.iter_mut() {
                    hold(book, holdings::previewed(&previews, &book.records));
                }
                self.add_return(books, &previews, budget);
                Ok(())
            }
            // An old version, or one that keeps these paths shut: the first book alone, then. Of
            // several records one would be told as if it were all.
            Err(Outcome::Operator(reason)) => {
                let first = books.first_mut().filter(|_| budget.may_ask());
                let one = first.and_then(|book| Some((*book.records.first()?, book)));
                let Some((record, book)) = one.filter(|(_, book)| book.records.len() == 1) else {
                    return Err(Outcome::Operator(reason));
                };
                let list = self.list(record, COPIES, budget).map_err(|_| Outcome::Operator(reason));
                list.map(|list| hold(book, holdings::listed(&list, unix::seconds())))
            }
            Err(trouble) => Err(trouble),
        }
    }

    /// The day a single book comes back of which no copy can be had. Without it the answer is still
    /// a whole one.
    fn add_return(&self, books: &mut [Book], previews: &Value, budget: &mut RequestBudget) {
        let [Book { holding: Some(held), records, .. }] = books else { return };
        // Another record's copies may be back earlier than this one's.
        let record = holdings::only_record(previews, records);
        let Some(record) = record.filter(|_| held.available == Some(0) && budget.may_ask()) else {
            return;
        };
        if let Ok(list) = self.list(record, DATE, budget) {
            held.next_return = holdings::next_return(&list, unix::seconds());
        }
    }

    /// The copies of all books, or of the first few where all are more than can be read.
    fn previews(&self, books: &[Book], budget: &mut RequestBudget) -> Result<Value, Outcome> {
        let records = |books: &[Book]| -> Vec<u64> {
            books.iter().flat_map(|book| &book.records).copied().collect()
        };
        let all = records(books);
        if all.is_empty() {
            return Ok(Value::Null);
        }
        let url = url::previews(&self.base, self.lib(), &all);
        let page = match self.http.get(&url, budget.pay(COPIES)) {
            Err(Failure::TooLarge) if books.len() > FEWER && budget.may_ask() => {
                let some = records(books.get(..FEWER).unwrap_or_default());
                let url = url::previews(&self.base, self.lib(), &some);
                self.page(&url, budget.pay(COPIES))?
            }
            page => page.map_err(|failure| web::failed(&failure, URL))?,
        };
        match read::json(&page, "/book/holdingPreviews")?.get_mut("previews") {
            Some(previews) => Ok(previews.take()),
            None => Err(web::operator("JSON, but no previews in it", URL)),
        }
    }

    /// All copies of a record.
    fn list(
        &self,
        record: u64,
        most: Duration,
        budget: &mut RequestBudget,
    ) -> Result<Value, Outcome> {
        let url = url::holding(&self.base, self.lib(), record);
        let page = self.page(&url, budget.pay(most))?;
        let json = read::json(&page, "/api/holding")?;
        let is_ours = json.get("holdingList").is_some();
        if is_ours { Ok(json) } else { Err(web::operator("JSON, but no holdingList in it", URL)) }
    }

    /// Searches for 中国 and asks for the copies of what comes, each told by itself.
    pub fn check(&self, until: Instant) -> Checked {
        let began = Instant::now();
        let search = url::Search { text: QUESTION.to_owned(), way: None };
        let page = self.page(&url::search(&self.base, self.lib(), &search, "1"), until);
        let (found, docs) = match page.and_then(|page| read::hits(&page)) {
            Ok((found, docs, _)) => (found, docs),
            Err(trouble) => return Checked { search: Err(trouble), copies: Err(Outcome::Unasked) },
        };
        let search = Ok((found, began.elapsed()));
        let began = Instant::now();
        let record = docs.first().and_then(|doc| super::record::text(doc, "/id").parse().ok());
        let copies = match record {
            Some(record) => {
                let books = [Book { records: vec![record], ..Book::default() }];
                self.previews(&books, &mut RequestBudget::new(until)).map(|_| began.elapsed())
            }
            None => Err(Outcome::Unasked),
        };
        Checked { search, copies }
    }
}

impl Catalogue for Interlib {
    fn source(&self) -> Source {
        Source::Interlib
    }

    fn find(&self, query: &Query, until: Instant) -> Outcome {
        let mut budget = RequestBudget::new(until);
        let outcome = self.search(query, &mut budget).unwrap_or_else(|trouble| trouble);
        let Outcome::Found(mut books) = outcome else { return outcome };
        // What a reader asked first is answered.
        let trouble = self.add_copies(&mut books, &mut budget).err();
        if let Some(reason) = trouble.as_ref().and_then(Outcome::reason) {
            journal::notice(format_args!("interlib: books are shown without copies: {reason}"));
        }
        Outcome::Found(books)
    }

    fn renew(&self, books: &[Book], until: Instant) -> Outcome {
        let mut books = books.to_vec();
        match self.add_copies(&mut books, &mut RequestBudget::new(until)) {
            Ok(()) => Outcome::Found(books),
            Err(trouble) => trouble,
        }
    }
}

/// Gives a book its copies, if the answer says something of them. The record's call number stands
/// only where the copies have none.
fn hold(book: &mut Book, held: Option<Holding>) {
    let Some(mut held) = held else { return };
    if held.callno.is_empty() {
        held.callno = book.holding.take().map(|known| known.callno).unwrap_or_default();
    }
    book.holding = Some(held);
}
