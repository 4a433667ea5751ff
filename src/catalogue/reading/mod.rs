//! What of a message is a question, and what only makes one of it.
//!
//! In: a message as a reader sent it. Out: the same without faces and labels, the plainest form
//! in which a source can be asked, and how much each of its characters says about a book. Pure,
//! and independent of what books there are: a title may consist of the same words as a frame, so
//! only who knows the titles can tell for sure.

use crate::catalogue::fold::fold;

mod words;

pub use words::{Says, says, word_says};

/// Labels before a title, a name or a house.
const TITLE_LABELS: [&str; 6] = ["书名", "题名", "书籍名称", "图书名称", "title", "名称"];
const AUTHOR_LABELS: [&str; 5] = ["作者", "著者", "author", "作家", "编者"];
const HOUSE_LABELS: [&str; 4] = ["出版社", "出版者", "出版单位", "publisher"];

/// A message, understood as far as that goes without knowing any title.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// As it was sent, without faces.
    pub raw: String,
    /// What stands in 《》 or behind 书名.
    pub title: Option<String>,
    /// What stands behind 作者.
    pub author: Option<String>,
    /// What stands behind 出版社.
    pub house: Option<String>,
    /// The plainest form to ask a source with: title, and a name if one was given, folded. Never
    /// empty unless the message is.
    pub plain: String,
}

impl Reading {
    /// Reads a message.
    pub fn of(message: &str) -> Self {
        let raw = without_faces(message);
        let mut reading = Self { title: quoted(&raw), ..Self::default() };
        let unlabelled = reading.take_labelled(&raw);
        let rest = match &reading.title {
            Some(title) => unlabelled.replace(title.as_str(), " "),
            None => unlabelled,
        };
        let bare = match reading.title {
            Some(_) => name_beside(&fold(&rest)),
            None => peel(&fold(&rest)),
        };
        let parts =
            [reading.title.as_deref().map(fold), Some(bare), reading.author.as_deref().map(fold)];
        let parts: Vec<String> =
            parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
        reading.plain = match (&reading.house, parts.is_empty()) {
            (_, false) => parts.join(" "),
            (Some(house), true) => fold(house),
            (None, true) => fold(&raw),
        };
        reading.raw = raw;
        reading
    }

    /// The publishing house that is asked for when nothing else is: by its label, or by what names
    /// of houses end with.
    pub fn house_alone(&self) -> Option<&str> {
        if self.title.is_some() || self.author.is_some() {
            return None;
        }
        let ends = ["出版社", "出版公司", "书局", "书店", "书馆", "出版"];
        let labelled = self.house.as_deref().filter(|house| fold(house) == self.plain);
        let names_one = ends.iter().any(|end| self.raw.ends_with(end));
        labelled.or_else(|| names_one.then_some(&*self.raw))
    }

    /// Takes what stands behind labels; what is left is the rest.
    fn take_labelled(&mut self, raw: &str) -> String {
        let mut rest = String::new();
        for part in raw.split(['，', ',', '；', ';', '\n']) {
            let mut free = String::new();
            for piece in labelled(part) {
                match piece {
                    (Some(Label::Title), text) if self.title.is_none() => self.title = Some(text),
                    (Some(Label::Author), text) => self.author = Some(text),
                    (Some(Label::House), text) => self.house = Some(text),
                    (_, text) => free.push_str(&text),
                }
            }
            rest.push_str(&free);
            rest.push(' ');
        }
        rest
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Title,
    Author,
    House,
}

/// A line cut before each label; what stands before the first has none.
fn labelled(part: &str) -> Vec<(Option<Label>, String)> {
    let mut cuts: Vec<(usize, usize, Label)> = Vec::new();
    let labels = [
        (&TITLE_LABELS[..], Label::Title),
        (&AUTHOR_LABELS[..], Label::Author),
        (&HOUSE_LABELS[..], Label::House),
    ];
    for (words, label) in labels {
        for word in words {
            for (at, _) in part.match_indices(word) {
                let behind = part.get(at + word.len()..).unwrap_or_default();
                let starts = part
                    .get(..at)
                    .is_some_and(|before| before.is_empty() || before.ends_with([' ', '　', '》']));
                let mark = behind.starts_with([':', '：', ' ', '　', '是', '=', '叫']);
                if mark && starts {
                    cuts.push((at, at + word.len(), label));
                }
            }
        }
    }
    cuts.sort_by_key(|cut| cut.0);
    let first = cuts.first().map_or(part.len(), |cut| cut.0);
    let mut pieces = vec![(None, part.get(..first).unwrap_or_default().to_owned())];
    for (number, &(_, from, label)) in cuts.iter().enumerate() {
        let to = cuts.get(number + 1).map_or(part.len(), |cut| cut.0);
        let text = part.get(from..to).unwrap_or_default();
        let text = text.trim_start_matches([':', '：', ' ', '　', '=', '是', '叫']).trim();
        if !text.is_empty() {
            pieces.push((Some(label), text.trim_matches(['《', '》']).to_owned()));
        }
    }
    pieces
}

/// What stands between the first 《 and the next 》.
fn quoted(raw: &str) -> Option<String> {
    let (_, rest) = raw.split_once(['《', '【', '「', '『'])?;
    let (title, _) = rest.split_once(['》', '】', '」', '』'])?;
    Some(title.trim().to_owned()).filter(|title| title.contains(char::is_alphanumeric))
}

/// Without WeChat's faces (`[呲牙]`) and pictures; blanks stand for them.
pub fn without_faces(message: &str) -> String {
    let mut plain = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(c) = rest.chars().next() {
        let face = rest.strip_prefix('[').and_then(|inner| inner.split_once(']'));
        let face = face.filter(|(name, _)| {
            (1..=4).contains(&name.chars().count())
                && name.chars().all(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
        });
        // 老师 says [美]乙 of an author: marks of origin are one character, faces two and more.
        if let Some((_, behind)) = face.filter(|(name, _)| name.chars().count() > 1) {
            plain.push(' ');
            rest = behind;
            continue;
        }
        let picture = matches!(c, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}' | '\u{fe0f}' | '\u{200d}');
        plain.push(if picture { ' ' } else { c });
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    plain.trim().to_owned()
}

/// What stands beside a title in 《》, if that is a name rather than talk about it.
fn name_beside(folded: &str) -> String {
    let chars: Vec<char> = folded.chars().collect();
    let talks = |(c, says): (&char, Says)| c.is_alphanumeric() && says != Says::Much;
    let (mut from, mut to) = (0, chars.len());
    let all = says(&chars);
    let is_talk = |at: usize| match (chars.get(at), all.get(at)) {
        (Some(c), Some(&says)) => talks((c, says)) || !c.is_alphanumeric(),
        _ => false,
    };
    while from < to && is_talk(from) {
        from += 1;
    }
    while to > from && is_talk(to - 1) {
        to -= 1;
    }
    let name = chars.get(from..to).unwrap_or_default();
    let speaks =
        (from..to).any(|at| chars.get(at).is_some_and(|c| c.is_alphanumeric()) && is_talk(at));
    if speaks || name.len() > 12 { String::new() } else { name.iter().collect() }
}

/// A folded text without the phrases at its ends that only ask. What would leave nothing, or a
/// single character of a longer text, is left as it is.
fn peel(folded: &str) -> String {
    let chars: Vec<char> = folded.chars().collect();
    let says = says(&chars);
    let is_mark = |at: usize| chars.get(at).is_some_and(|c| !c.is_alphanumeric());
    let empty = |at: usize| says.get(at) == Some(&Says::Nothing) || is_mark(at);
    let is_little = |at: usize| says.get(at) == Some(&Says::Little);
    let (mut from, mut to) = (0, chars.len());
    // A character of talk goes only together with a phrase, or a mark, beside it.
    while from < to && (empty(from) || is_little(from) && (from > 0 || empty(from + 1))) {
        from += 1;
    }
    while to > from
        && (empty(to - 1)
            || is_little(to - 1) && (to < chars.len() || ends_a_question(chars.get(to - 1))))
    {
        to -= 1;
    }
    // 第一部 is a volume, and no talk of some book.
    if to > from && chars.get(to - 1) == Some(&'第') {
        to = chars.len();
    }
    let left: String = chars.get(from..to).unwrap_or_default().iter().collect();
    let left = apart(left.trim());
    if left.chars().filter(|c| c.is_alphanumeric()).count() < 2 { folded.to_owned() } else { left }
}

/// 毛姆的那个月亮和六便士 as 毛姆 月亮和六便士: a source looks for words.
fn apart(asked: &str) -> String {
    let between = ["的那个", "的那本", "的那部", "的这本", "的那套", "写的", "著的"];
    let parts = between.iter().find_map(|word| asked.split_once(word));
    let long = |part: &str| part.chars().count() > 1;
    match parts.filter(|(name, title)| long(name) && long(title)) {
        Some((name, title)) => format!("{name} {title}"),
        None => asked.to_owned(),
    }
}

fn ends_a_question(last: Option<&char>) -> bool {
    last.is_some_and(|c| "吗呢吧啊呀么嘛哦".contains(*c))
}
