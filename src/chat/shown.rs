//! What a reader sees of an answer.
//!
//! In: what was asked, which part of it is wanted, and the answer. Out: a [`Reply`], and the page of
//! the list that it shows. Pure.

use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::{Query, fold};
use crate::chat::card::{self, Way};
use crate::chat::numerals::{self, Script};
use crate::chat::phrases;
use crate::wechat::push::Occasion;
use crate::wechat::reply::Reply;

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
    /// The same, of a number that may be a title as well.
    Number(usize, Script),
    /// All of it, if a book of just this name is there: nobody knows of a list.
    Named,
}

/// The reply to `wanted`, and the page of the list where it is one.
pub fn reply(occasion: Occasion, wanted: &Request, answer: &Answer) -> (Reply, Option<usize>) {
    let searched = searched(&wanted.query);
    let reply = match answer.verdict {
        _ if wanted.view == View::Named && !is_named(answer, &wanted.query) => {
            Reply::text(phrases::NO_LIST)
        }
        Verdict::NotFound => not_found(&wanted.query, &searched),
        Verdict::Unasked if matches!(wanted.query, Query::Subject(_)) => Reply::text(phrases::LINK),
        // Signs alone, which no source searches for.
        Verdict::Unasked => not_found(&wanted.query, &searched),
        Verdict::Busy => Reply::text(phrases::BUSY),
        Verdict::Trouble => Reply::text(phrases::TROUBLE),
        Verdict::Found => return found(occasion, wanted, answer),
    };
    (reply, None)
}

fn found(occasion: Occasion, wanted: &Request, answer: &Answer) -> (Reply, Option<usize>) {
    let books = &answer.books[..];
    let led = |reply: Reply, count| match answer.source.filter(|_| answer.not_held) {
        Some(source) => reply.led_by(&phrases::not_held(phrases::card::source(source), count)),
        None => reply,
    };
    let pick = |number: usize, way, title: Option<&str>| match books.get(number.wrapping_sub(1)) {
        Some(book) => led(card::card(book, way, occasion), 1),
        None => Reply::text(&phrases::no_such_number(books.len(), title)),
    };
    let page = match (wanted.view, books) {
        (View::Pick(number), _) => return (pick(number, Way::List, None), None),
        (View::Number(number, script), _) => {
            let title = numerals::written(number, script);
            return (pick(number, Way::Place(number, script), Some(&title)), None);
        }
        (_, [book]) if !answer.guess => {
            let way = match wanted.query {
                Query::Isbn(_) | Query::Subject(_) => Way::Number,
                Query::Words(_) => Way::Words,
                Query::Author(_) => Way::Author,
            };
            return (led(card::card(book, way, occasion), 1), None);
        }
        (View::Page(page), _) if page >= card::pages(books.len()) => {
            return (Reply::text(phrases::LAST_PAGE), None);
        }
        (View::Page(page), _) => page,
        (View::Named, _) => 0,
    };
    let show = if answer.guess { card::guesses } else { card::list };
    (led(show(books, &searched(&wanted.query), page), books.len()), Some(page))
}

fn not_found(query: &Query, searched: &str) -> Reply {
    Reply::text(&phrases::not_found(
        searched,
        match query {
            Query::Words(_) => phrases::TRY_WORDS,
            Query::Author(_) => phrases::TRY_AUTHOR,
            Query::Isbn(_) | Query::Subject(_) => phrases::TRY_TITLE,
        },
    ))
}

/// Whether a book has just the name that was searched, with or without a subtitle.
fn is_named(answer: &Answer, query: &Query) -> bool {
    let Query::Words(words) = query else { return false };
    !answer.guess
        && answer.books.iter().any(|book| {
            let name = book.title.split([':', '：', '(', '（']).next().unwrap_or_default();
            [name, &book.title].iter().any(|name| fold::fold(name) == *words)
        })
}

/// How a query is named in a sentence.
pub fn searched(query: &Query) -> String {
    match query {
        Query::Words(words) => phrases::quoted(words),
        Query::Author(name) => phrases::by_author(name),
        Query::Isbn(isbn) => phrases::by_isbn(&isbn.isbn13()),
        Query::Subject(_) => phrases::BY_LINK.to_owned(),
    }
}
