//! What a reader meant.
//!
//! In: the text of a push, or what stands in for it (a scanned code, a spoken sentence, a
//! link). Out: a [`Question`]. Pure, and never fails: whatever is nothing else is a search.

use crate::catalogue::Query;
use crate::isbn::{self, Mistake, Typed};
use crate::text;

/// Longest text that is searched for; longer ones are no title.
const LONGEST: usize = 100;

/// One thing a reader can want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// How to use the account.
    Help,
    /// A book or books.
    Find(Query),
    /// A number that was meant as an ISBN and is none.
    NoIsbn(Mistake),
    /// The book with this place in the list, from 1.
    Pick(usize),
    /// The next page of the list.
    More,
    /// The list again.
    Back,
    /// The answer to a question that took too long.
    PickUp,
    /// 谢谢.
    Thanks,
    /// 你好.
    Greeting,
    /// More text than any title has.
    TooLong,
    /// Nothing but blanks or quotation marks.
    Nothing,
}

impl Question {
    /// Understands what a reader typed.
    pub fn from_text(typed: &str) -> Self {
        let folded = text::fold(typed);
        if let Some(command) = command(&folded) {
            return command;
        }
        if let Some(number) = pick(&folded) {
            return Self::Pick(number);
        }
        match isbn::typed(typed) {
            Typed::Right(isbn) => return Self::Find(Query::Isbn(isbn)),
            Typed::Wrong(mistake) => return Self::NoIsbn(mistake),
            Typed::No => {}
        }
        if folded.chars().count() > LONGEST {
            return Self::TooLong;
        }
        let by_author = strip_word(&folded, &["作者:", "作者 ", "author:", "author "]);
        let query = match by_author {
            Some(name) => Query::author(name),
            None => Query::words(strip_word(&folded, &["书名:", "书名 "]).unwrap_or(&folded)),
        };
        query.map_or(Self::Nothing, Self::Find)
    }
}

/// The words that are no search. Folded: half-width, lower case, without 《》.
fn command(folded: &str) -> Option<Question> {
    let bare = folded.trim_end_matches(['!', '~', '。', '.', ',', '啊', '呀', '了']);
    Some(match bare {
        "?" | "??" | "help" | "帮助" | "怎么用" | "使用说明" => Question::Help,
        "更多" | "下一页" | "more" | "next" => Question::More,
        "0" | "返回" | "列表" | "back" => Question::Back,
        "结果" => Question::PickUp,
        "谢谢" | "多谢" | "谢谢你" | "感谢" | "3q" | "thanks" | "thank you" => {
            Question::Thanks
        }
        "你好" | "您好" | "在吗" | "嗨" | "hi" | "hello" | "早上好" | "晚上好" => {
            Question::Greeting
        }
        _ => return None,
    })
}

/// One or two digits are a place in a list; `1984` is a title.
fn pick(folded: &str) -> Option<usize> {
    let digits = folded.len() <= 2 && folded.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| folded.parse().ok()).flatten().filter(|n| *n > 0)
}

fn strip_word<'a>(folded: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| folded.strip_prefix(word)).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isbn::Isbn;

    #[test]
    #[rustfmt::skip]
    fn what_a_reader_meant() {
        let words = |w: &str| Question::Find(Query::Words(w.into()));
        let author = |a: &str| Question::Find(Query::Author(a.into()));
        for (typed, meant) in [
            ("?",              Question::Help),
            ("？",             Question::Help),
            ("help",           Question::Help),
            ("HELP",           Question::Help),
            ("帮助",            Question::Help),
            ("三体",            words("三体")),
            ("《三体》",        words("三体")),
            ("三体 刘慈欣",     words("三体 刘慈欣")),
            ("书名：三体",      words("三体")),
            ("作者 刘慈欣",     author("刘慈欣")),
            ("作者：刘慈欣",    author("刘慈欣")),
            ("作者",            words("作者")),
            ("10019·1977",     words("10019·1977")),
            ("1984",           words("1984")),
            ("3",              Question::Pick(3)),
            ("１２",           Question::Pick(12)),
            ("0",              Question::Back),
            ("返回",            Question::Back),
            ("更多",            Question::More),
            ("下一页",          Question::More),
            ("结果",            Question::PickUp),
            ("谢谢！",          Question::Thanks),
            ("你好",            Question::Greeting),
            ("《》",            Question::Nothing),
            ("  ",             Question::Nothing),
            ("9787020042494",  Question::Find(Query::Isbn(Isbn::parse("9787020042494").unwrap()))),
            ("9787020042495",  Question::NoIsbn(Mistake::CheckDigit)),
            ("6911316223400",  Question::NoIsbn(Mistake::NotABook)),
        ] {
            assert_eq!(Question::from_text(typed), meant, "{typed:?}");
        }
        assert_eq!(Question::from_text(&"长".repeat(101)), Question::TooLong);
    }
}
