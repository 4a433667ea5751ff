//! What a reader meant.
//!
//! In: the text of a push, or what stands in for it (a scanned code, a spoken sentence, a
//! link). Out: a [`Question`]. Pure, and never fails: whatever is nothing else is a search.

use crate::catalogue::isbn::{self, Mistake, Typed};
use crate::catalogue::{Query, fold};
use crate::chat::numerals;

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
    /// The page before.
    Previous,
    /// The list again.
    Back,
    /// The answer to a question that took too long.
    PickUp,
    /// 谢谢.
    Thanks,
    /// 你好.
    Greeting,
    /// 再见.
    Farewell,
    /// More text than any title has.
    TooLong,
    /// Nothing but blanks, marks or faces.
    Nothing,
}

impl Question {
    /// Understands what a reader typed.
    pub fn from_text(typed: &str) -> Self {
        let typed = &typed.replace('【', "《").replace('】', "》");
        let folded = fold::fold(typed);
        // Whoever writes 《谢谢》 means the book.
        let title = title(typed);
        let bare = trim_end(&folded);
        if title.is_none() {
            if let Some(command) = command(bare) {
                return command;
            }
            if let Some(number) = numerals::place(bare) {
                return Self::Pick(number);
            }
        }
        match isbn::typed(typed) {
            Typed::Right(isbn) => return Self::Find(Query::Isbn(isbn)),
            Typed::Wrong(mistake) => return Self::NoIsbn(mistake),
            Typed::No => {}
        }
        if folded.chars().count() > LONGEST {
            return Self::TooLong;
        }
        if !folded.contains(char::is_alphanumeric) || is_face(&folded) {
            return Self::Nothing;
        }
        let query = match title {
            Some(title) => Query::words(&title),
            // A list of words, and no label.
            None if typed.contains("作者、") => Query::words(bare),
            None => search(bare),
        };
        query.map_or(Self::Nothing, Self::Find)
    }
}

/// What is searched when a title stands in 《》: the title as it is, and a name beside it.
fn title(typed: &str) -> Option<String> {
    let (before, rest) = typed.split_once('《')?;
    let (title, after) = rest.split_once('》')?;
    let [before, title, after] = [before, title, after].map(fold::fold);
    let names = [name_beside(&before), title.clone(), name_beside(&after)];
    (!title.is_empty()).then(|| names.join(" ").trim().to_owned())
}

/// Words that people say about a book, and hardly a name has.
const TALK: [char; 24] = [
    '我', '你', '您', '找', '看', '要', '求', '给', '有', '吗', '想', '请', '怎', '买', '借', '书',
    '本', '这', '那', '了', '谁', '好', '么', '呢',
];

/// The name beside a title, or nothing where somebody only speaks about it.
fn name_beside(folded: &str) -> String {
    let name = without_labels(trim_end(folded));
    let name = name.strip_suffix('的').unwrap_or(&name).trim();
    let fits = name.chars().count() <= 12 && name.contains(char::is_alphanumeric);
    if fits && !name.contains(TALK) { name.to_owned() } else { String::new() }
}

/// Without the marks that end a sentence, unless there is nothing else.
fn trim_end(folded: &str) -> &str {
    let bare = folded.trim_end_matches(['。', '.', '!', '?', '~', '…', ' ', ':']);
    if bare.is_empty() { folded } else { bare }
}

/// The words that are no search. Folded: half-width, lower case, commas as blanks.
#[rustfmt::skip]
const COMMANDS: [(Question, &[&str]); 9] = [
    (Question::Help,     &["help", "帮助", "怎么用", "怎么使用", "使用说明", "说明"]),
    (Question::More,     &["更多", "下一页", "下页", "继续", "more", "next"]),
    (Question::Previous, &["上一页", "上页", "previous"]),
    (Question::Back,     &["0", "返回", "列表", "返回列表", "back"]),
    (Question::PickUp,   &["结果"]),
    (Question::Thanks,   &["谢谢", "谢谢你", "谢谢您", "谢谢啦", "谢谢了", "辛苦了", "辛苦啦", "您辛苦了", "你辛苦了", "麻烦了", "麻烦你了", "麻烦您了", "谢谢你 辛苦了", "谢谢你 辛苦啦", "谢谢 辛苦了", "谢谢 辛苦啦", "谢了", "谢啦", "多谢", "感谢", "太感谢了",
                           "非常感谢", "好的谢谢", "好的 谢谢", "好的", "ok", "3q", "thx", "thanks", "thank you", "🙏"]),
    (Question::Greeting, &["你好", "您好", "你好啊", "你好呀", "在吗", "在么", "嗨", "哈喽", "早", "早上好", "中午好",
                           "下午好", "晚上好", "hi", "hello"]),
    (Question::Farewell, &["再见", "拜拜", "晚安", "bye"]),
    (Question::Nothing,  &["作者", "书名", "isbn"]),
];

fn command(bare: &str) -> Option<Question> {
    if bare.chars().all(|c| c == '?') && !bare.is_empty() {
        return Some(Question::Help);
    }
    let known = COMMANDS.iter().find(|(_, words)| words.contains(&bare));
    known.map(|(question, _)| question.clone())
}

/// WeChat's own faces come as text: `[微笑]`, `/:8-)`.
fn is_face(folded: &str) -> bool {
    let named = folded.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    named.is_some_and(|name| name.chars().count() <= 4) || folded.starts_with("/:")
}

fn search(bare: &str) -> Option<Query> {
    // What is labelled is meant as it is.
    if bare.starts_with("书名:") || bare.starts_with("书名 ") {
        return Query::words(&without_labels(bare));
    }
    let asked = without_frame(bare);
    match author(asked) {
        Some(name) => Query::author(name),
        None => Query::words(&without_labels(asked)),
    }
}

/// Who is asked for when nothing but an author is.
fn author(asked: &str) -> Option<&str> {
    let labels = ["作者:", "作者 ", "作者是", "author:", "author "];
    let name = labels.iter().find_map(|label| asked.strip_prefix(label)).or_else(|| {
        // 作者之死 and 作者权 are no persons.
        let more = |c: char| "之的与和已论权不是简身谁们".contains(c);
        let bare = asked.strip_prefix("作者").filter(|rest| !rest.starts_with(more));
        bare.filter(|rest| (2..=4).contains(&rest.chars().count()))
    });
    name.map(str::trim).filter(|name| !["", "谁"].contains(name) && !name.contains("书名"))
}

/// The words without the labels 书名 and 作者 among them.
fn without_labels(asked: &str) -> String {
    let first =
        ["书名:", "书名 ", "作者:", "作者 "].iter().find_map(|label| asked.strip_prefix(label));
    let mut rest = first.unwrap_or(asked).to_owned();
    for label in [" 书名:", " 书名 ", " 作者:", " 作者 "] {
        rest = rest.replace(label, " ");
    }
    rest.trim().to_owned()
}

/// How people begin and end a question to somebody.
const BEFORE: [&str; 19] = [
    "请问有没有",
    "请问有",
    "你们有没有",
    "有没有",
    "我想找",
    "我想看",
    "我想借",
    "我想买",
    "我要找",
    "我要看",
    "我要借",
    "我在找",
    "想找",
    "想借",
    "帮我找一下",
    "帮我找",
    "帮我查",
    "帮忙找",
    "查一下",
];
const AFTER: [&str; 4] = ["这本书有吗", "这本书", "有吗", "有没有"];

/// What is asked for, without the words that only make a question of it; a title may begin or end
/// with the same words, so whatever goes on like one is left alone.
fn without_frame(asked: &str) -> &str {
    let goes_on = |c: char| "到见你我他她个一人过".contains(c);
    let long = |rest: &&str| rest.chars().count() > 1;
    let before = BEFORE.iter().find_map(|frame| asked.strip_prefix(frame)).map(str::trim);
    let rest = before.filter(|rest| !rest.starts_with(goes_on)).filter(long).unwrap_or(asked);
    let after = AFTER.iter().find_map(|frame| rest.strip_suffix(frame)).map(str::trim);
    // 没有这本书 is a complaint.
    let rest = after.filter(|rest| !rest.ends_with('有')).filter(long).unwrap_or(rest);
    let no_name = |c: char| "我你他她它人们一孩爸妈家谁心爱国新旧大小老最好".contains(c);
    let name = rest.strip_suffix("的书").filter(|name| !name.contains(no_name));
    name.filter(|name| (2..=4).contains(&name.chars().count())).unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::isbn::Isbn;

    #[test]
    #[rustfmt::skip]
    fn what_a_reader_meant() {
        let words = |w: &str| Question::Find(Query::Words(w.into()));
        let author = |a: &str| Question::Find(Query::Author(a.into()));
        for (typed, meant) in [
            ("?",              Question::Help),
            ("？？？",          Question::Help),
            ("help",           Question::Help),
            ("HELP",           Question::Help),
            ("怎么用？",        Question::Help),
            ("三体",            words("三体")),
            ("三体。",          words("三体")),
            ("三体？！",        words("三体")),
            ("《三体》",        words("三体")),
            ("三体 刘慈欣",     words("三体 刘慈欣")),
            ("三体，刘慈欣",    words("三体 刘慈欣")),
            ("三体、刘慈欣",    words("三体 刘慈欣")),
            ("《三体》刘慈欣",  words("三体 刘慈欣")),
            ("刘慈欣《三体》",  words("刘慈欣 三体")),
            ("刘慈欣的《三体》", words("刘慈欣 三体")),
            ("有没有《三体》？", words("三体")),
            ("书名：《三体》 作者：刘慈欣", words("三体 刘慈欣")),
            ("《谢谢》",        words("谢谢")),
            ("《12》",          words("12")),
            ("《更多》",        words("更多")),
            ("书名：三体",      words("三体")),
            ("书名号",          words("书名号")),
            ("书名：12",        words("12")),
            ("书名：三体 作者：刘慈欣", words("三体 刘慈欣")),
            ("三体 作者：刘慈欣", words("三体 刘慈欣")),
            ("作者 刘慈欣",     author("刘慈欣")),
            ("作者：刘慈欣",    author("刘慈欣")),
            ("作者刘慈欣",      author("刘慈欣")),
            ("作者是刘慈欣",    author("刘慈欣")),
            ("作者之死",        words("作者之死")),
            ("作者",            Question::Nothing),
            ("作者是谁",        words("作者是谁")),
            ("作者权体系",      words("作者权体系")),
            ("作者、读者与文本", words("作者 读者与文本")),
            ("有没有三体",      words("三体")),
            ("请问有没有三体？", words("三体")),
            ("我想找三体这本书", words("三体")),
            ("帮我找一下三体",  words("三体")),
            ("三体有吗",        words("三体")),
            ("刘慈欣的书",      words("刘慈欣")),
            ("我的书",          words("我的书")),
            ("一个人的书",      words("一个人的书")),
            ("天下第一书",      words("天下第一书")),
            ("爸爸在哪",        words("爸爸在哪")),
            ("我在找你",        words("我在找你")),
            ("我要找到你",      words("我要找到你")),
            ("我想看见你",      words("我想看见你")),
            ("你有吗",          words("你有吗")),
            ("请问侯文咏",      words("请问侯文咏")),
            ("有没有一种可能",  words("有没有一种可能")),
            ("想找个人聊聊",    words("想找个人聊聊")),
            ("一下子就读懂",    words("一下子就读懂")),
            ("《有没有人告诉你》这本书", words("有没有人告诉你")),
            ("有没有《一个人的书》", words("一个人的书")),
            ("你好，我想找《三体》", words("三体")),
            ("老师有没有《三体》", words("三体")),
            ("求《三体》",      words("三体")),
            ("《三体》怎么样",  words("三体")),
            ("【三体】",        words("三体")),
            ("你好，旧时光",    words("你好 旧时光")),
            ("10019·1977",     words("10019·1977")),
            ("1984",           words("1984")),
            ("3",              Question::Pick(3)),
            ("１２",           Question::Pick(12)),
            ("6.",             Question::Pick(6)),
            ("6、",            Question::Pick(6)),
            ("第6本",          Question::Pick(6)),
            ("⑥",              Question::Pick(6)),
            ("0",              Question::Back),
            ("返回",            Question::Back),
            ("更多",            Question::More),
            ("下一页",          Question::More),
            ("上一页",          Question::Previous),
            ("结果",            Question::PickUp),
            ("谢谢！",          Question::Thanks),
            ("好的，谢谢",      Question::Thanks),
            ("🙏",              Question::Thanks),
            ("你好",            Question::Greeting),
            ("在吗？",          Question::Greeting),
            ("晚安",            Question::Farewell),
            ("《》",            Question::Nothing),
            ("  ",             Question::Nothing),
            ("。",              Question::Nothing),
            ("😀",              Question::Nothing),
            ("[微笑]",          Question::Nothing),
            ("/:8-)",          Question::Nothing),
            ("9787020042494",  Question::Find(Query::Isbn(Isbn::parse("9787020042494").unwrap()))),
            ("《9787020042494》", Question::Find(Query::Isbn(Isbn::parse("9787020042494").unwrap()))),
            ("9787020042495",  Question::NoIsbn(Mistake::CheckDigit)),
            ("6911316223400",  Question::NoIsbn(Mistake::NotABook)),
        ] {
            assert_eq!(Question::from_text(typed), meant, "{typed:?}");
        }
        assert_eq!(Question::from_text(&"长".repeat(101)), Question::TooLong);
        // What our own cards tell readers to send.
        for title in ["三体", "一个人的书", "作者", "谢谢", "12", "有没有人告诉你", "爸爸在哪", "作者之死"] {
            let sent = crate::chat::phrases::by_title(title);
            assert_eq!(Question::from_text(&sent), words(title), "{sent}");
        }
    }
}
