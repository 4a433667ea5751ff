//! A wish in a reader's words: what asks for one, and what is wanted then.
//!
//! In: what was typed, or a question and a book. Out: a [`Wanted`]. Pure.

use crate::catalogue::Query;
use crate::catalogue::answer::{Answer, Verdict};
use crate::catalogue::book::Book;
use crate::catalogue::fold::fold;

use crate::chat::phrases;
use crate::chat::question::Question;
use crate::chat::readers::{Request, View};
use crate::wechat::reply::Reply;

/// Wishes of one reader on one day.
pub const PER_DAY: usize = 5;

/// What a reader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// A number or words.
    pub asked: Query,
    /// Empty when nobody knows.
    pub title: String,
    /// As the title.
    pub author: String,
}

/// What came of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It counts.
    Counted,
    /// It counted already today.
    Already,
    /// The reader had as many today as may be.
    TooMany,
}

impl Wanted {
    /// What was asked, if it can be one book: no author, and no other site's number.
    pub fn asked(query: &Query) -> Option<Self> {
        let one = matches!(query, Query::Isbn(_) | Query::Words(_));
        let asked = || query.clone();
        one.then(|| Self { asked: asked(), title: String::new(), author: String::new() })
    }

    /// A book that another source knows.
    pub fn book(book: &Book) -> Option<Self> {
        let author = book.authors.first().cloned().unwrap_or_default();
        let asked = match book.isbn {
            Some(isbn) => Query::Isbn(isbn),
            None => Query::words(&book.title)?,
        };
        Some(Self { asked, title: book.title.clone(), author })
    }
}

/// Whether this asks for a wish: what for, or nothing when it is what was asked before.
pub fn asked(typed: &str) -> Option<Option<Query>> {
    let rest = typed.trim().strip_prefix(phrases::WISH)?.trim_end_matches(['。', '！', '!', '.']);
    let folded = fold(rest);
    if ["", "想看这本书", "想看", "这本书", "这本", "一下"].contains(&folded.as_str())
    {
        return Some(None);
    }
    // 登记机关 is no wish.
    let named = rest.strip_prefix('《').and_then(|rest| rest.strip_suffix('》'));
    let query = match named {
        Some(words) => Query::words(words),
        None => match Question::from_text(rest.strip_prefix([' ', '\u{3000}', '：', ':'])?) {
            Question::Find(query) => Some(query),
            _ => None,
        },
    };
    query.filter(|query| Wanted::asked(query).is_some()).map(Some)
}

/// What a link sends for the wish of this question, if it can be one.
pub fn sends(query: &Query) -> Option<String> {
    match query {
        Query::Isbn(isbn) => Some(phrases::wish_isbn(&isbn.isbn13())),
        Query::Words(words) => Some(phrases::wish_words(words)),
        Query::Author(_) | Query::Subject(_) | Query::Newest | Query::Photo(_) => None,
    }
}

/// What of an answer may be wished: a book that was not found, or only elsewhere,
/// though the operator's own books were asked: a library says so, a shelf where it is asked first.
pub fn of(wanted: &Request, answer: &Answer, own_first: bool) -> Option<Wanted> {
    let elsewhere = answer.source.is_some_and(|source| !source.is_own());
    let book = match (wanted.view, &answer.books[..]) {
        (View::Pick(number) | View::Number(number, _), books) => books.get(number.wrapping_sub(1)),
        (_, [book]) => Some(book),
        _ => None,
    };
    match answer.verdict {
        // 3 without a list is hardly a title.
        _ if wanted.view == View::Named => None,
        Verdict::NotFound => Wanted::asked(&wanted.query),
        Verdict::Found if answer.incomplete => None,
        // Nobody has what was asked for.
        Verdict::Found
            if answer.guess && !matches!(wanted.view, View::Pick(_) | View::Number(..)) =>
        {
            Wanted::asked(&wanted.query)
        }
        Verdict::Found if answer.guess => None,
        Verdict::Found if elsewhere && (answer.not_held || own_first) => {
            let several = || Wanted::asked(&wanted.query).filter(|_| wanted.view == View::Wish);
            book.map_or_else(several, Wanted::book)
        }
        _ => None,
    }
}

/// What a reader is told whose wish was noted.
pub fn told(wanted: &Wanted, noted: Noted) -> Reply {
    let name = match (wanted.title.as_str(), &wanted.asked) {
        ("", Query::Isbn(isbn)) => phrases::by_isbn(&isbn.isbn13()),
        ("", Query::Words(words)) => phrases::quoted(words),
        (title, _) => phrases::quoted(title),
    };
    Reply::text(match noted {
        Noted::Counted => phrases::wish_noted(name),
        Noted::Already => phrases::wish_again(name),
        Noted::TooMany => phrases::too_many_wishes(PER_DAY),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn only_what_begins_so_is_a_wish() {
        for (typed, wanted) in [
            ("登记",                 Some("before")),
            ("登记！",               Some("before")),
            ("登记想看这本书",        Some("before")),
            ("登记《三体 刘慈欣》",   Some("words:三体 刘慈欣")),
            ("登记《谢谢》",          Some("words:谢谢")),
            ("登记 三体",            Some("words:三体")),
            ("登记：9787536692930",  Some("isbn:9787536692930")),
            ("登记 作者 刘慈欣",     None),
            ("登记 谢谢",            None),
            ("登记机关",             None),
            ("《登记》",             None),
            ("结婚登记",             None),
        ] {
            let found = asked(typed).map(|query| query.map_or("before".into(), |query| query.to_string()));
            assert_eq!(found.as_deref(), wanted, "{typed}");
        }
        for query in [Query::words("三体 刘慈欣"), Query::words("谢谢")] {
            let query = query.unwrap();
            assert_eq!(asked(&sends(&query).unwrap()), Some(Some(query)));
        }
    }
}
