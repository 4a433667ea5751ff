//! The operator's own answers: keywords, and what is said to each.
//!
//! In: a table of two columns, 关键词 and 回复, and later what readers send. Out: an
//! [`OwnReplies`], with the lines that are not served; the answer to a message. Pure. A message
//! that is a keyword gets its answer. One that only contains a keyword gets it where the keyword
//! is marked so (`*借书证*`, `借书证*` for how a message begins, `*借书证` for how it ends), unless
//! it names a book by 《》 or a label. An answer may hold links, and `\n` for a line's end.

use std::collections::HashMap;
use std::fmt;

use crate::catalogue::csv::{self, Row};
use crate::catalogue::fold::fold;
use crate::wechat::reply::LONGEST_TEXT;

/// What the two columns may be called, folded.
const KEYWORDS: [&str; 5] = ["关键词", "关键字", "问题", "keyword", "keywords"];
const ANSWERS: [&str; 5] = ["回复", "回复内容", "答案", "reply", "answer"];
/// How many lines from the first may be the header.
const ABOVE: usize = 5;
/// Keywords at most: each that is marked is looked for in every search.
const MOST: usize = 2000;

/// A line that is not served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongLine {
    /// As an editor counts.
    pub line: usize,
    /// A sentence.
    pub why: String,
}

impl fmt::Display for WrongLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Where a marked keyword has to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Anywhere,
    Start,
    End,
}

/// Keywords and their answers.
#[derive(Debug, Default)]
pub struct OwnReplies {
    answers: Vec<String>,
    /// Whole messages, folded.
    exact: HashMap<String, usize>,
    /// Parts of messages, folded, in the table's order.
    marked: Vec<(Place, String, usize)>,
}

impl OwnReplies {
    /// Reads a table. Of two lines with one keyword the first counts.
    ///
    /// # Errors
    /// A sentence when there is no header, or nothing below it can be served.
    pub fn read(text: &str) -> Result<(Self, Vec<WrongLine>), String> {
        let mut rows = csv::whole(text.trim_start_matches('\u{feff}').to_owned());
        let (keywords, answer) = (0..ABOVE)
            .find_map(|_| {
                let separator = csv::SEPARATORS
                    .into_iter()
                    .find(|s| rows.look(*s).is_some_and(|row| columns(&row).is_some()));
                separator.into_iter().for_each(|separator| rows.separated_by(separator));
                columns(&rows.next()?.cells.ok()?)
            })
            .ok_or("none of the first lines names the columns 关键词 and 回复")?;
        let (mut replies, mut wrong) = (Self::default(), Vec::new());
        for Row { line, cells } in rows {
            let added = cells.map_err(str::to_owned).and_then(|cells| {
                let cell = |at: usize| cells.get(at).map(|cell| cell.trim()).unwrap_or_default();
                match (cell(keywords), cell(answer)) {
                    ("", "") => Ok(()),
                    (keywords, answer) => replies.add(keywords, answer),
                }
            });
            wrong.extend(added.err().map(|why| WrongLine { line, why }));
        }
        match (replies.answers.is_empty(), wrong.first()) {
            (false, _) => Ok((replies, wrong)),
            (true, Some(first)) => Err(format!("no line of it can be served; {first}")),
            (true, None) => Err("no answers below the header".to_owned()),
        }
    }

    fn add(&mut self, keywords: &str, answer: &str) -> Result<(), String> {
        let answer = answer.replace("\\n", "\n").replace("\r\n", "\n");
        match answer.len() {
            0 => return Err("no answer".to_owned()),
            1..=LONGEST_TEXT => {}
            bytes => {
                return Err(format!(
                    "the answer has {bytes} bytes; WeChat delivers {LONGEST_TEXT}, and a Chinese \
                     character takes 3"
                ));
            }
        }
        let keywords: Vec<_> = keywords.split(['|', '｜']).filter_map(keyword).collect();
        if keywords.is_empty() {
            return Err("no keyword".to_owned());
        }
        if self.len() + keywords.len() > MOST {
            return Err(format!("more than {MOST} keywords"));
        }
        let number = self.answers.len();
        let mut taken = None;
        for (place, keyword) in keywords {
            match place {
                Some(place) => self.marked.push((place, keyword, number)),
                None if self.exact.contains_key(&keyword) => taken = Some(keyword),
                None => drop(self.exact.insert(keyword, number)),
            }
        }
        self.answers.push(answer);
        taken.map_or(Ok(()), |keyword| Err(format!("{keyword} has an answer further up")))
    }

    /// How many keywords there are.
    pub fn len(&self) -> usize {
        self.exact.len() + self.marked.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The answer to a message that is a keyword. One in 《》 means the book.
    pub fn exact(&self, typed: &str) -> Option<&str> {
        if self.exact.is_empty() || typed.contains(['《', '【']) {
            return None;
        }
        self.answer(*self.exact.get(bare(&fold(typed)))?)
    }

    /// The answer to a search that contains a marked keyword.
    pub fn contained(&self, typed: &str) -> Option<&str> {
        let folded = fold(typed);
        let folded = bare(&folded);
        let labelled = ["书名", "作者"].iter().any(|label| {
            folded.strip_prefix(label).is_some_and(|rest| rest.starts_with([' ', ':']))
        });
        if labelled || typed.contains(['《', '【']) {
            return None;
        }
        let fits = |(place, keyword, _): &&(Place, String, usize)| match place {
            Place::Anywhere => folded.contains(keyword.as_str()),
            Place::Start => folded.starts_with(keyword.as_str()),
            Place::End => folded.ends_with(keyword.as_str()),
        };
        self.answer(self.marked.iter().find(fits)?.2)
    }

    /// The answer that a menu button names by one of its keywords, marked or not.
    pub fn named(&self, keyword: &str) -> Option<&str> {
        let folded = fold(keyword);
        let marked = self.marked.iter().find(|(_, marked, _)| *marked == folded);
        let number = self.exact.get(&folded).or(marked.map(|(_, _, number)| number))?;
        self.answer(*number)
    }

    fn answer(&self, number: usize) -> Option<&str> {
        self.answers.get(number).map(String::as_str)
    }
}

/// The places of the two columns.
fn columns(names: &[String]) -> Option<(usize, usize)> {
    let at = |known: &[&str]| names.iter().position(|name| known.contains(&fold(name).as_str()));
    Some((at(&KEYWORDS)?, at(&ANSWERS)?))
}

/// One keyword of a cell, folded, and where it has to stand when it is marked.
fn keyword(written: &str) -> Option<(Option<Place>, String)> {
    let written = written.trim().replace('＊', "*");
    let place = match (written.starts_with('*'), written.ends_with('*')) {
        (true, true) => Some(Place::Anywhere),
        (true, false) => Some(Place::End),
        (false, true) => Some(Place::Start),
        (false, false) => None,
    };
    let folded = fold(written.trim_matches('*'));
    let keyword = bare(&folded).to_owned();
    (!keyword.is_empty()).then_some((place, keyword))
}

/// A folded message without the marks that end a sentence, unless there is nothing else.
fn bare(folded: &str) -> &str {
    let bare = folded.trim_end_matches(['。', '.', '!', '?', '~', '…', ' ']);
    if bare.is_empty() { folded } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\u{feff}关键词,回复\n\
        开馆时间|几点开门,周二到周日 9:00-17:00\n\
        *借书证*,\"带身份证到总台办。\n<a href=\"\"https://lib.example/\"\">网上办</a>\"\n\
        怎么*,请看说明\\n第二行\n\
        人工,\n\
        ,没有关键词\n\
        开馆时间,又一次\n";

    #[test]
    #[rustfmt::skip]
    fn exact_ones_go_before_contained_ones_and_books_before_both() {
        let (replies, wrong) = OwnReplies::read(TABLE).unwrap();
        let said = |typed: &str| replies.exact(typed).or(replies.contained(typed)).map(|s| s.chars().take(3).collect());
        for (typed, answer) in [
            ("开馆时间",          Some("周二到")),
            ("开馆时间？",        Some("周二到")),
            ("几点开门",          Some("周二到")),
            ("几点开门了",        None),
            ("《开馆时间》",      None),
            ("借书证",            Some("带身份")),
            ("我的借书证丢了",    Some("带身份")),
            ("《借书证》",        None),
            ("书名 借书证",       None),
            ("怎么续借",          Some("请看说")),
            ("我怎么续借",        None),
            ("三体",              None),
            ("",                  None),
        ] {
            assert_eq!(said(typed), answer.map(str::to_owned), "{typed}");
        }
        assert_eq!(replies.named("借书证"), replies.contained("借书证"));
        assert_eq!(replies.exact("怎么"), None);
        assert_eq!(replies.contained("怎么"), Some("请看说明\n第二行"));
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(wrong, ["line 6: no answer", "line 7: no keyword", "line 8: 开馆时间 has an answer further up"]);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (text, why) in [
            ("", "names the columns"),
            ("开馆时间,九点\n", "names the columns"),
            ("关键词,回复\n", "no answers"),
            ("关键词,回复\na,\n", "line 2: no answer"),
        ] {
            let error = OwnReplies::read(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let long = format!("关键词,回复\na,{}\nb,好\n", "长".repeat(683));
        let (replies, wrong) = OwnReplies::read(&long).unwrap();
        assert_eq!((replies.len(), wrong.len()), (1, 1));
        assert!(wrong[0].why.contains("2049 bytes"), "{}", wrong[0]);
    }
}
