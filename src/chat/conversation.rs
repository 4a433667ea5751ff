//! The conversation with each reader: what a push asks for, and what an answer says.
//!
//! In: a [`Push`] and the moment; later the [`Answer`] to what it asked. Out: a [`Next`] step,
//! and a [`Reply`]. Remembers for each reader what was last searched, the page shown, and what
//! is still being looked for: for ten minutes, for at most 4096 readers, and not at all
//! for those who left. The books themselves are in the memory of the catalogue.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::catalogue::Query;
use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::isbn::{self, Typed};
use crate::catalogue::links;
use crate::catalogue::photo::address::PhotoUrl;
use crate::catalogue::photo::fetch::Unread;
use crate::chat::card::{self, Way};
use crate::chat::phrases;
use crate::chat::question::Question;
use crate::sys::sync::lock;
use crate::wechat::push::{Event, Kind, Occasion, OpenId, Push};
use crate::wechat::reply::{Reply, link};

/// How long a list may be used.
const KEPT: Duration = Duration::from_secs(600);
/// Readers remembered at the same time, about 200 bytes each.
const READERS: usize = 4096;

/// What to do about a push.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Say this at once.
    Say(Reply),
    /// Ask for this, then show it.
    Find(Request),
}

/// A query, and what of its answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to look for.
    pub query: Query,
    /// What to show of it.
    pub view: View,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A page of the list, from 0; of a single book its card.
    Page(usize),
    /// The card of the book with this number, from 1.
    Pick(usize),
}

/// All conversations.
pub struct Conversation {
    account: String,
    welcome: Option<String>,
    readers: Mutex<HashMap<OpenId, Reader>>,
}

/// What is remembered of one reader, outside of the conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Who.
    pub reader: OpenId,
    /// How long ago they were heard of.
    pub age: Duration,
    /// What was last searched, and the page shown.
    pub list: Option<(Query, usize)>,
    /// What is still being looked for.
    pub pending: Option<Request>,
}

/// There only for who has asked for something and not left since.
#[derive(Clone)]
struct Reader {
    seen: Instant,
    list: Option<(Query, usize)>,
    pending: Option<Request>,
}

impl Conversation {
    /// `welcome` replaces the built-in welcome.
    pub fn new(account: String, welcome: Option<String>) -> Self {
        Self { account, welcome, readers: Mutex::default() }
    }

    /// The account's name.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What a push asks for.
    pub fn listen(&self, push: &Push, now: Instant) -> Next {
        let from = &push.from;
        match &push.kind {
            Kind::Text(content) => self.hear(from, content, now),
            Kind::Voice(Some(words)) => self.hear(from, words, now),
            Kind::Voice(None) => say(phrases::VOICE),
            Kind::Link { title, description, url } => {
                let book = [url, title, description].into_iter().find_map(|part| links::book(part));
                book.map_or_else(|| say(phrases::LINK), find)
            }
            Kind::Image(address) => match PhotoUrl::parse(address) {
                Some(url) => find(Query::Photo(url)),
                None => say(phrases::unread(Unread::Unfetched)),
            },
            Kind::Video => say(phrases::VIDEO),
            Kind::Location => say(phrases::LOCATION),
            Kind::File => say(phrases::FILE),
            Kind::Unsupported | Kind::MiniProgram | Kind::Other(_) => say(phrases::UNSUPPORTED),
            Kind::Event(event) => self.notice(from, event, now),
        }
    }

    fn notice(&self, from: &OpenId, event: &Event, now: Instant) -> Next {
        match event {
            Event::Subscribe => match &self.welcome {
                Some(welcome) => say(welcome),
                None => say(&phrases::welcome(&self.account)),
            },
            // A library may print codes that carry an ISBN; any other scene says hello.
            Event::Scan(scene) => find_in(scene, &phrases::help()),
            Event::Click(key) => match key.to_ascii_uppercase().as_str() {
                "SCAN" | "SCAN_BOOK" => say(phrases::SCAN_HOW),
                "MORE" => self.listed(from, now, |page| View::Page(page + 1)),
                _ => say(&phrases::help()),
            },
            Event::ScanCode(scanned) => match isbn::typed(scanned) {
                Typed::Right(isbn) => find(Query::Isbn(isbn)),
                // Ten digits may be anything: a library's own number of a copy, for one.
                Typed::Wrong(mistake) if isbn::is_long(scanned) => say(phrases::no_isbn(mistake)),
                _ => find_in(scanned, phrases::SCAN),
            },
            Event::Unsubscribe => self.forget(from),
            Event::DataDeletion(reader) => self.forget(reader),
            Event::Silent(_) => Next::Say(Reply::success()),
        }
    }

    fn hear(&self, from: &OpenId, typed: &str, now: Instant) -> Next {
        if typed.contains("://") || typed.contains("douban.com/") {
            if let Some(query) = links::book(typed) {
                return find(query);
            }
            if links::is_bare_address(typed) {
                return say(phrases::LINK);
            }
        }
        match Question::from_text(typed) {
            Question::Find(query) => find(query),
            Question::Pick(number) => self.listed(from, now, |_| View::Pick(number)),
            Question::More => self.listed(from, now, |page| View::Page(page + 1)),
            Question::Previous => self.listed(from, now, |page| View::Page(page.saturating_sub(1))),
            Question::Back => self.listed(from, now, View::Page),
            Question::PickUp => match self.recall(from, now).and_then(|reader| reader.pending) {
                Some(wanted) => Next::Find(wanted),
                None => say(phrases::NOTHING_WAITS),
            },
            Question::Help => say(&phrases::help()),
            Question::NoIsbn(mistake) => say(phrases::no_isbn(mistake)),
            Question::Thanks => say(phrases::THANKS),
            Question::Greeting => say(&phrases::greeting(&self.account)),
            Question::Farewell => say(phrases::FAREWELL),
            Question::TooLong => say(phrases::TOO_LONG),
            Question::Nothing => say(phrases::NOTHING),
        }
    }

    /// Something of the list the reader has; `view` is given the page shown last.
    fn listed(&self, from: &OpenId, now: Instant, view: impl FnOnce(usize) -> View) -> Next {
        match self.recall(from, now).and_then(|reader| reader.list) {
            Some((query, page)) => Next::Find(Request { query, view: view(page) }),
            None => say(phrases::NO_LIST),
        }
    }

    /// What the answer to `wanted` says to this reader.
    pub fn show(
        &self,
        from: &OpenId,
        occasion: Occasion,
        wanted: &Request,
        answer: &Answer,
        now: Instant,
    ) -> Reply {
        // From here on a photo is the number in it.
        let query = &answer.photographed.map_or_else(|| wanted.query.clone(), Query::Isbn);
        let searched = searched(query);
        if let Some(reply) = without_books(answer.verdict, query, &searched) {
            return reply;
        }
        let books = &answer.books;
        let led = |reply: Reply, count| match answer.source.filter(|_| answer.not_held) {
            Some(source) => reply.led_by(&phrases::not_held(phrases::card::source(source), count)),
            None => reply,
        };
        match (wanted.view, &books[..]) {
            (View::Pick(number), books) => match books.get(number.wrapping_sub(1)) {
                Some(book) => led(card::card(book, Way::List, occasion), 1),
                None => Reply::text(&phrases::no_such_number(books.len())),
            },
            (View::Page(_), [book]) if !answer.guess => {
                let way = match query {
                    Query::Isbn(_) | Query::Subject(_) | Query::Photo(_) => Way::Number,
                    Query::Words(_) => Way::Words,
                    Query::Author(_) => Way::Author,
                };
                led(card::card(book, way, occasion), 1)
            }
            (View::Page(page), books) if page >= card::pages(books.len()) => {
                Reply::text(phrases::LAST_PAGE)
            }
            (View::Page(page), books) => {
                if let Some(reader) = self.readers().get_mut(from) {
                    (reader.seen, reader.list) = (now, Some((query.clone(), page)));
                }
                let list = match answer.guess {
                    true => card::guesses(books, &searched, page),
                    false => card::list(books, &searched, page),
                };
                led(list, books.len())
            }
        }
    }

    /// A reader asks for something that takes time, or has several books: what comes of it is
    /// remembered, unless they leave meanwhile.
    pub fn begin(&self, from: &OpenId, now: Instant) {
        let mut readers = self.readers();
        let known = readers.remove(from).filter(|reader| reader.is_fresh(now));
        if known.is_none() && readers.len() >= READERS {
            // An eighth at a time, so that a flood of new readers does not search for each one.
            let mut seen: Vec<_> = readers.values().map(|reader| reader.seen).collect();
            let (_, &mut line, _) = seen.select_nth_unstable(READERS / 8);
            readers.retain(|_, reader| reader.seen > line);
        }
        let reader = known.unwrap_or(Reader { seen: now, list: None, pending: None });
        readers.insert(from.clone(), Reader { seen: now, ..reader });
    }

    /// What a reader is told whose answer takes longer than WeChat waits; the next 结果 brings
    /// the answer.
    pub fn still_looking(&self, from: &OpenId, wanted: &Request) -> Reply {
        if let Some(reader) = self.readers().get_mut(from) {
            reader.pending = Some(wanted.clone());
        }
        let link = link(phrases::PICK_UP_LABEL, phrases::PICK_UP);
        Reply::text(&phrases::still_looking(&searched(&wanted.query), &link))
    }

    /// The reader has the answer to `wanted`, asked for at `begun`: nothing of it is to be picked
    /// up any more. Of who has no list either, and has not been heard of since, nothing is kept.
    pub fn received(&self, from: &OpenId, wanted: &Request, begun: Instant) {
        let mut readers = self.readers();
        let Some(reader) = readers.get_mut(from) else { return };
        if reader.pending.as_ref() == Some(wanted) {
            reader.pending = None;
        }
        if reader.list.is_none() && reader.pending.is_none() && reader.seen == begun {
            readers.remove(from);
        }
    }

    /// Drops what is remembered of a reader, who hears nothing of it.
    fn forget(&self, reader: &OpenId) -> Next {
        self.readers().remove(reader);
        Next::Say(Reply::success())
    }

    /// What is remembered of every reader heard of within the last ten minutes.
    pub fn keep(&self, now: Instant) -> Vec<Kept> {
        let readers = self.readers();
        let fresh = readers.iter().filter(|(_, reader)| reader.is_fresh(now));
        let kept = |(id, reader): (&OpenId, &Reader)| Kept {
            reader: id.clone(),
            age: now.saturating_duration_since(reader.seen),
            list: reader.list.clone(),
            pending: reader.pending.clone(),
        };
        fresh.map(kept).collect()
    }

    /// Takes back what an earlier run remembered of a reader, as [`Conversation::keep`] gave it.
    pub fn restore(&self, kept: Kept, now: Instant) {
        let Kept { reader, age, list, pending } = kept;
        let Some(seen) = now.checked_sub(age).filter(|_| age < KEPT) else { return };
        let mut readers = self.readers();
        if readers.len() < READERS {
            readers.insert(reader, Reader { seen, list, pending });
        }
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<OpenId, Reader>> {
        lock(&self.readers)
    }

    /// What is known of a reader, who is heard of now.
    fn recall(&self, from: &OpenId, now: Instant) -> Option<Reader> {
        let mut readers = self.readers();
        let reader = readers.get_mut(from).filter(|reader| reader.is_fresh(now))?;
        reader.seen = now;
        Some(reader.clone())
    }
}

impl Reader {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.seen) < KEPT
    }
}

fn say(text: &str) -> Next {
    Next::Say(Reply::text(text))
}

fn find(query: Query) -> Next {
    Next::Find(Request { query, view: View::Page(0) })
}

fn find_in(text: &str, otherwise: &str) -> Next {
    links::book(text).map_or_else(|| say(otherwise), find)
}

/// What is said when there are no books.
fn without_books(verdict: Verdict, query: &Query, searched: &str) -> Option<Reply> {
    Some(match verdict {
        Verdict::Found => return None,
        Verdict::NotFound => not_found(query, searched),
        Verdict::Unasked if matches!(query, Query::Subject(_)) => Reply::text(phrases::LINK),
        // Signs alone, which no source searches for.
        Verdict::Unasked => not_found(query, searched),
        Verdict::Unread(why) => Reply::text(phrases::unread(why)),
        Verdict::Busy => Reply::text(phrases::BUSY),
        Verdict::Trouble => Reply::text(phrases::TROUBLE),
    })
}

fn not_found(query: &Query, searched: &str) -> Reply {
    Reply::text(&phrases::not_found(
        searched,
        match query {
            Query::Words(_) => phrases::TRY_WORDS,
            Query::Author(_) => phrases::TRY_AUTHOR,
            Query::Isbn(_) | Query::Subject(_) | Query::Photo(_) => phrases::TRY_TITLE,
        },
    ))
}

/// How a query is named in a sentence.
fn searched(query: &Query) -> String {
    match query {
        Query::Words(words) => phrases::quoted(words),
        Query::Author(name) => phrases::by_author(name),
        Query::Isbn(isbn) => phrases::by_isbn(&isbn.isbn13()),
        Query::Subject(_) => phrases::BY_LINK.to_owned(),
        Query::Photo(_) => phrases::BY_PHOTO.to_owned(),
    }
}
