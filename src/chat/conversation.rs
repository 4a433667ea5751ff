//! The conversation with each reader: what a push asks for, and what an answer says.
//!
//! In: a [`Push`] and the moment; later the [`Answer`] to what it asked. Out: a [`Next`] step,
//! and a [`Reply`]. Remembers for each reader what was last searched, the page shown, what is
//! still being looked for, and what was looked for in vain. The books themselves are in the memory of
//! the catalogue.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use crate::catalogue::answer::Answer;
use crate::catalogue::fold::fold;
use crate::catalogue::isbn::{self, Typed};
use crate::catalogue::photo::address::PhotoUrl;
use crate::catalogue::photo::fetch::Unread;
use crate::catalogue::{Query, links};
use crate::chat::card::Links;
use crate::chat::numerals;
use crate::chat::phrases;
use crate::chat::question::Question;
use crate::chat::readers::{Readers, Request, View};
use crate::chat::replies::OwnReplies;
use crate::chat::shown;
use crate::chat::wish::{self, Wanted};
use crate::sys::sync::lock;
use crate::wechat::push::{Event, Kind, Occasion, OpenId, Push};
use crate::wechat::reply::Reply;
use crate::wechat::reply_text::{ReplyText, link};

/// What to do about a push.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Say this at once.
    Say(Reply),
    /// Ask for this, then show it.
    Find(Request),
}

/// What an account offers beside books.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offers {
    /// Whether wishes are noted.
    pub wishes: bool,
    /// Whether the operator's own books are asked first, so that what comes from elsewhere is not
    /// among them.
    pub own_first: bool,
    /// Where cards lead.
    pub links: Links,
}

/// All conversations.
pub struct Conversation {
    account: String,
    welcome: Option<String>,
    offers: Offers,
    replies: Mutex<Arc<OwnReplies>>,
    /// What is remembered of each reader.
    pub readers: Readers,
}

impl Conversation {
    /// `welcome` replaces the built-in welcome.
    pub fn new(account: String, welcome: Option<String>) -> Self {
        let (offers, replies) = (Offers::default(), Mutex::default());
        Self { account, welcome, offers, replies, readers: Readers::default() }
    }

    /// The same account with more to offer.
    pub fn offering(self, offers: Offers) -> Self {
        Self { offers, ..self }
    }

    /// From now on these are the operator's own answers.
    pub fn answer_with(&self, replies: OwnReplies) {
        *lock(&self.replies) = Arc::new(replies);
    }

    fn replies(&self) -> Arc<OwnReplies> {
        lock(&self.replies).clone()
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
                book.map_or_else(|| say(phrases::LINK), |query| self.find(from, query))
            }
            Kind::Image(address) => match PhotoUrl::parse(address) {
                Some(url) => self.find(from, Query::Photo(url)),
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
                Some(welcome) => say(ReplyText::operators(welcome)),
                None => say(phrases::welcome(&self.account)),
            },
            // A library may print codes that carry an ISBN; any other scene says hello.
            Event::Scan(scene) => self.find_in(from, scene, phrases::help()),
            Event::Click(key) => match key.to_ascii_uppercase().as_str() {
                "SCAN" | "SCAN_BOOK" => say(phrases::SCAN_HOW),
                "MORE" => self.listed(from, now, |page| View::Page(page + 1)),
                "NEW" => self.find(from, Query::Newest),
                named if named.starts_with("REPLY:") => {
                    let keyword = key.get("REPLY:".len()..).unwrap_or_default();
                    let replies = self.replies();
                    replies.named(keyword).map_or_else(|| say(phrases::help()), say_own)
                }
                _ => say(phrases::help()),
            },
            Event::ScanCode(scanned) => match isbn::typed(scanned) {
                Typed::Right(isbn) => self.find(from, Query::Isbn(isbn)),
                // Ten digits may be anything: a library's own number of a copy, for one.
                Typed::Wrong(mistake) if isbn::is_long(scanned) => say(phrases::no_isbn(mistake)),
                _ => self.find_in(from, scanned, phrases::SCAN),
            },
            Event::Unsubscribe => self.forget(from),
            Event::DataDeletion(reader) => self.forget(reader),
            Event::Silent(_) => Next::Say(Reply::success()),
        }
    }

    fn hear(&self, from: &OpenId, typed: &str, now: Instant) -> Next {
        if typed.contains("://") || typed.contains("douban.com/") {
            if let Some(query) = links::book(typed) {
                return self.find(from, query);
            }
            if links::is_bare_address(typed) {
                return say(phrases::LINK);
            }
        }
        let question = Question::from_text(typed);
        if let Some(next) = self.offered(from, typed, &question, now) {
            return next;
        }
        match question {
            Question::Find(query) => self.find(from, query),
            Question::Pick(number) => self.pick(from, typed, number, now),
            Question::More => self.listed(from, now, |page| View::Page(page + 1)),
            Question::Previous => self.listed(from, now, |page| View::Page(page.saturating_sub(1))),
            Question::Back => self.listed(from, now, View::Page),
            Question::PickUp => {
                match self.readers.recall(from, now).and_then(|reader| reader.pending) {
                    Some(wanted) => Next::Find(wanted),
                    None => say(phrases::NOTHING_WAITS),
                }
            }
            Question::Help => say(phrases::help()),
            Question::NoIsbn(mistake) => say(phrases::no_isbn(mistake)),
            Question::Thanks => say(phrases::THANKS),
            Question::Greeting => say(phrases::greeting(&self.account)),
            Question::Farewell => say(phrases::FAREWELL),
            Question::TooLong => say(phrases::TOO_LONG),
            Question::Nothing => say(phrases::NOTHING),
        }
    }

    /// A number is a place in the reader's list; without a list it may be a title.
    fn pick(&self, from: &OpenId, typed: &str, number: usize, now: Instant) -> Next {
        let folded = fold(typed);
        let script = numerals::script(&folded);
        let view = script.map_or(View::Pick(number), |script| View::Number(number, script));
        let has_list = self.readers.recall(from, now).is_some_and(|reader| reader.list.is_some());
        match Query::words(&folded).filter(|_| script.is_some() && !has_list) {
            Some(query) => self.find_as(from, query, View::Named),
            None => self.listed(from, now, |_| view),
        }
    }

    /// What the operator's own answers, wishes or the newest books say to a message, if anything.
    fn offered(
        &self,
        from: &OpenId,
        typed: &str,
        question: &Question,
        now: Instant,
    ) -> Option<Next> {
        let replies = self.replies();
        // A number is a place in the list of who has one, whatever else it is.
        let list = || self.readers.recall(from, now)?.list;
        let listed = matches!(question, Question::Pick(_)) && list().is_some();
        if let Some(answer) = replies.exact(typed).filter(|_| !listed) {
            return Some(say_own(answer));
        }
        if self.offers.wishes
            && let Some(wished) = wish::asked(typed)
            && let Some(query) = wished.or_else(|| self.readers.recall(from, now)?.missed)
        {
            return Some(self.find_as(from, query, View::Wish));
        }
        if is_newest(typed) {
            return Some(self.find(from, Query::Newest));
        }
        let searches = matches!(
            question,
            Question::Find(Query::Words(_) | Query::Author(_)) | Question::TooLong
        );
        replies.contained(typed).filter(|_| searches).map(say_own)
    }

    fn find(&self, from: &OpenId, query: Query) -> Next {
        self.find_as(from, query, View::Page(0))
    }

    /// A question. Whoever asks again wants to know anew, and no more what came too late.
    fn find_as(&self, from: &OpenId, query: Query, view: View) -> Next {
        self.readers.change(from, |reader| reader.late = None);
        Next::Find(Request { query, view })
    }

    fn find_in(&self, from: &OpenId, text: &str, otherwise: &'static str) -> Next {
        links::book(text).map_or_else(|| say(otherwise), |query| self.find(from, query))
    }

    /// Something of the list the reader has; `view` is given the page shown last.
    fn listed(&self, from: &OpenId, now: Instant, view: impl FnOnce(usize) -> View) -> Next {
        match self.readers.recall(from, now).and_then(|reader| reader.list) {
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
        let query = answer.photographed.map_or_else(|| wanted.query.clone(), Query::Isbn);
        let wanted = &Request { query, view: wanted.view };
        let wish = self.wish(wanted, answer);
        let offers = shown::Offered { wish: wish.is_some(), links: self.offers.links };
        let missed = wish.map(|wish| wish.asked);
        self.readers.change(from, |reader| {
            // Of who has nothing to come back for nothing is kept, see [`Readers::received`].
            if missed.is_some() {
                reader.seen = now;
            }
            reader.missed = missed;
        });
        let (reply, page) = shown::reply(occasion, wanted, answer, offers);
        if let Some(page) = page {
            self.readers.change(from, |reader| {
                (reader.seen, reader.list) = (now, Some((wanted.query.clone(), page)));
            });
        }
        reply
    }

    /// What of an answer may be wished, where wishes are noted.
    pub fn wish(&self, wanted: &Request, answer: &Answer) -> Option<Wanted> {
        if self.offers.wishes { wish::of(wanted, answer, self.offers.own_first) } else { None }
    }

    /// Whether something of an answer is remembered of its reader.
    pub fn remembers(&self, answer: &Answer) -> bool {
        answer.guess || answer.books.len() > 1 || self.offers.wishes
    }

    /// What a reader is told whose answer takes longer than WeChat waits; the next 结果 brings
    /// the answer.
    pub fn still_looking(&self, from: &OpenId, wanted: &Request) -> Reply {
        self.readers.change(from, |reader| {
            if reader.pending.as_ref() != Some(wanted) {
                (reader.pending, reader.late) = (Some(wanted.clone()), None);
            }
        });
        let link = link(phrases::PICK_UP_LABEL, phrases::PICK_UP);
        Reply::text(phrases::still_looking(shown::searched(&wanted.query), &link))
    }

    /// Drops what is remembered of a reader, who hears nothing of it.
    fn forget(&self, reader: &OpenId) -> Next {
        self.readers.forget(reader);
        Next::Say(Reply::success())
    }
}

fn say(text: impl Into<ReplyText>) -> Next {
    Next::Say(Reply::text(text))
}

/// What the operator has written.
fn say_own(answer: &str) -> Next {
    say(ReplyText::operators(answer))
}

/// What asks for the newest books.
fn is_newest(typed: &str) -> bool {
    let folded = fold(typed);
    let known = ["新书", "新书推荐", "新书通报", "新书上架", "最新上架", "最近上架"];
    !typed.contains('《') && known.contains(&folded.trim_end_matches(['。', '!', '?']))
}
