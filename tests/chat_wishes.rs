//! What of an answer is offered to be wished, and what comes of it, without a server.

use std::sync::Arc;
use std::time::Instant;

use doumibook::catalogue::book::{Book, Source};
use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::{Answer, Query, Verdict};
use doumibook::chat::conversation::{Conversation, Next, Offers};
use doumibook::chat::readers::{Request, View};
use doumibook::wechat::push::{AccountId, Occasion, OpenId, Push};

fn book(title: &str, isbn: &str, source: Source) -> Book {
    let isbn = Isbn::parse(isbn);
    Book { title: title.into(), authors: vec!["余华".into()], isbn, source, ..Book::default() }
}

fn answer(books: Vec<Book>, not_held: bool) -> Answer {
    let verdict = if books.is_empty() { Verdict::NotFound } else { Verdict::Found };
    let source = books.first().map(|book| book.source);
    let books: Arc<[Book]> = books.into();
    Answer { books, source, not_held, ..Answer::without_books(verdict) }
}

fn conversation(offers: Offers) -> Conversation {
    Conversation::new("豆米查书".into(), None).offering(offers)
}

#[test]
#[rustfmt::skip]
fn a_book_that_only_others_have_may_be_wished() {
    let one = |source| vec![book("活着", "9787506365437", source)];
    let two = |source| vec![book("活着", "9787506365437", source), book("兄弟", "", source)];
    let on = Offers { wishes: true, ..Offers::default() };
    let shelf_first = Offers { own_first: true, ..on };
    for (case, offers, books, not_held, view, wished) in [
        ("nowhere",                    on,               vec![],             false, View::Page(0), "words:活着 "),
        ("nowhere, and no wishes",     Offers::default(), vec![],            false, View::Page(0), "none"),
        ("on the shelf",               shelf_first,      one(Source::Shelf), false, View::Page(0), "none"),
        ("not on the shelf",           shelf_first,      one(Source::NeoDb), false, View::Page(0), "isbn:9787506365437 活着"),
        ("who knows",                  on,               one(Source::NeoDb), false, View::Page(0), "none"),
        ("the library says no",        on,               one(Source::Douban), true, View::Page(0), "isbn:9787506365437 活着"),
        ("a list of others",           shelf_first,      two(Source::NeoDb), false, View::Page(0), "none"),
        ("picked from it",             shelf_first,      two(Source::NeoDb), false, View::Pick(2), "words:兄弟 兄弟"),
        ("wished by words all found",  shelf_first,      two(Source::NeoDb), false, View::Wish,    "words:活着 "),
    ] {
        let request = Request { query: Query::words("活着").unwrap(), view };
        let found = conversation(offers).wish(&request, &answer(books, not_held));
        let shown = found.map_or("none".to_owned(), |wanted| format!("{} {}", wanted.asked, wanted.title));
        assert_eq!(shown, wished, "{case}");
    }
}

#[test]
fn a_card_from_elsewhere_says_how_to_wish_and_the_word_alone_is_enough() {
    let conversation = conversation(Offers { wishes: true, own_first: true, ..Offers::default() });
    let (reader, now) = (OpenId::parse("oA").unwrap(), Instant::now());
    let request = Request { query: Query::words("活着").unwrap(), view: View::Page(0) };
    conversation.readers.begin(&reader, now);
    let found = answer(vec![book("活着", "9787506365437", Source::NeoDb)], false);
    let reply = conversation.show(&reader, Occasion::Message, &request, &found, now);
    conversation.readers.received(&reader, &request, now);
    let xml = reply.to_xml(&reader, &AccountId::parse("gh_1").unwrap(), 1).unwrap();
    assert!(xml.contains("想看就回复“登记”"), "{xml}");
    let wish = Push::parse(
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>oA</FromUserName><CreateTime>1\
         </CreateTime><MsgType>text</MsgType><Content>登记</Content><MsgId>1</MsgId></xml>"
            .as_bytes(),
    );
    let wished =
        Request { query: Query::Isbn(Isbn::parse("9787506365437").unwrap()), view: View::Wish };
    assert_eq!(conversation.listen(&wish.unwrap(), now), Next::Find(wished));
    // Nothing of it is written down, and nothing is kept of who leaves.
    assert_eq!(conversation.readers.keep(now), []);
}
