//! What a reader sees of an answer.
//!
//! In: what was asked, which part of it is wanted, the answer, and what the account offers. Out: a
//! [`Reply`], and the page of the list that it shows. Pure.

use crate::catalogue::Query;
use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::fold::fold;
use crate::chat::card::{self, Links, Way};
use crate::chat::numerals;
use crate::chat::phrases;
use crate::chat::readers::{Request, View};
use crate::chat::wish;
use crate::wechat::push::Occasion;
use crate::wechat::reply::Reply;
use crate::wechat::reply_text::{ReplyText, link};

/// What an account offers beside an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offered {
    /// Whether the book may be wished.
    pub wish: bool,
    /// Where cards lead.
    pub links: Links,
}

/// The reply to `wanted`, and the page of the list where it is one.
pub fn reply(
    occasion: Occasion,
    wanted: &Request,
    answer: &Answer,
    offered: Offered,
) -> (Reply, Option<usize>) {
    if wanted.view == View::Named && !is_named(answer, &wanted.query) {
        return (Reply::text(phrases::NO_LIST), None);
    }
    match answer.verdict {
        Verdict::Found => found(occasion, wanted, answer, offered),
        verdict => (without_books(verdict, &wanted.query, offered.wish), None),
    }
}

fn found(
    occasion: Occasion,
    wanted: &Request,
    answer: &Answer,
    offered: Offered,
) -> (Reply, Option<usize>) {
    let books = &answer.books[..];
    let pick = |number: usize, way, title: Option<&str>| match books.get(number.wrapping_sub(1)) {
        Some(book) => led(card::card(book, way, occasion, offered.links), answer, 1, offered),
        None => Reply::text(phrases::no_such_number(books.len(), title)),
    };
    let page = match (wanted.view, books) {
        (View::Pick(number), _) => return (pick(number, Way::List, None), None),
        (View::Number(number, script), _) => {
            let title = numerals::written(number, script);
            return (pick(number, Way::Place(number, script), Some(&title)), None);
        }
        (_, [book]) if !answer.guess => {
            let way = match wanted.query {
                Query::Isbn(_) | Query::Subject(_) | Query::Photo(_) => Way::Number,
                Query::Words(_) | Query::Newest => Way::Words,
                Query::Author(_) => Way::Author,
            };
            let card = card::card(book, way, occasion, offered.links);
            return (led(card, answer, 1, offered), None);
        }
        (View::Page(page), _) if page >= card::pages(books.len()) => {
            let only = card::pages(books.len()) == 1;
            return (Reply::text(if only { phrases::ONLY_PAGE } else { phrases::LAST_PAGE }), None);
        }
        (View::Page(page), _) => page,
        (View::Named | View::Wish, _) => 0,
    };
    let searched = searched(&wanted.query);
    let list = match answer.guess {
        true => card::guesses(answer, &searched, page, offered.wish),
        false => card::list(books, &searched, page),
    };
    (led(list, answer, books.len(), offered), Some(page))
}

/// A reply with `count` books behind where they come from, and how to wish for one.
fn led(reply: Reply, answer: &Answer, count: usize, offered: Offered) -> Reply {
    let elsewhere = answer.source.filter(|_| answer.not_held);
    let says = elsewhere.map(|source| phrases::not_held(phrases::card::source(source), count));
    let offers = (offered.wish && !answer.guess).then(|| phrases::OFFER_WISH.into());
    let lead: Vec<_> = says.into_iter().chain(offers).collect();
    if lead.is_empty() { reply } else { reply.led_by(&ReplyText::join(&lead, "\n")) }
}

/// What is said where there are no books; `offered`: whether one may be wished.
fn without_books(verdict: Verdict, query: &Query, offered: bool) -> Reply {
    match (verdict, query) {
        (Verdict::TooMany, _) => Reply::text(phrases::SLOW_DOWN),
        (Verdict::Busy, _) => Reply::text(phrases::BUSY),
        (Verdict::Trouble, _) => Reply::text(phrases::TROUBLE),
        (Verdict::Unread(why), _) => Reply::text(phrases::unread(why)),
        (Verdict::Unasked, Query::Newest) => Reply::text(phrases::NO_NEWEST),
        (Verdict::Unasked, Query::Subject(_)) => Reply::text(phrases::LINK),
        // Unasked are signs alone, which no source searches for.
        _ => not_found(query, offered),
    }
}

fn not_found(query: &Query, offered: bool) -> Reply {
    let way = match query {
        Query::Words(_) | Query::Newest => phrases::TRY_WORDS,
        Query::Author(_) => phrases::TRY_AUTHOR,
        Query::Isbn(_) | Query::Subject(_) | Query::Photo(_) => phrases::TRY_TITLE,
    };
    let mut text = phrases::not_found(searched(query), way);
    if let Some(sends) = wish::sends(query).filter(|_| offered) {
        text.push("\n\n");
        text.push(phrases::offer_wish(&link(phrases::WISH_LABEL, &sends)));
    }
    Reply::text(text)
}

/// Whether a book has just the name that was searched, with or without a subtitle.
fn is_named(answer: &Answer, query: &Query) -> bool {
    let Query::Words(words) = query else { return false };
    !answer.guess
        && answer.books.iter().any(|book| {
            let name = book.title.split([':', '：', '(', '（']).next().unwrap_or_default();
            [name, &book.title].iter().any(|name| fold(name) == *words)
        })
}

/// How a query is named in a sentence.
pub fn searched(query: &Query) -> ReplyText {
    match query {
        Query::Words(words) => phrases::quoted(words),
        Query::Author(name) => phrases::by_author(name),
        Query::Isbn(isbn) => phrases::by_isbn(&isbn.isbn13()),
        Query::Subject(_) => phrases::BY_LINK.into(),
        Query::Newest => phrases::NEWEST.into(),
        Query::Photo(_) => phrases::BY_PHOTO.into(),
    }
}
