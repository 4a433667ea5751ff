//! People as catalogues state them: names with what each of them did.
//!
//! In: `（法）圣埃克苏佩里著；马振骋译`, `主编王兆义`, `刘慈欣 & 李晓平`. Out: who wrote and who translated, one
//! a name. No I/O; nothing fails.

use crate::catalogue::clean;

/// What somebody did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Writes,
    Translates,
    /// Checked or approved it, which makes nobody an author.
    Helps,
}

use Role::{Helps, Translates, Writes};

/// Words that end no name; longer ones first.
#[rustfmt::skip]
const CLEAR: [(&str, Role); 58] = [
    ("执行主编", Writes), ("執行主編", Writes), ("总主编", Writes), ("總主編", Writes), ("副主编", Writes), ("副主編", Writes),
    ("主编", Writes), ("主編", Writes), ("编著", Writes), ("編著", Writes), ("著编", Writes), ("合著", Writes), ("原著", Writes),
    ("编写", Writes), ("編寫", Writes), ("编纂", Writes), ("編纂", Writes), ("编选", Writes), ("編選", Writes), ("选编", Writes),
    ("選編", Writes), ("汇编", Writes), ("編輯", Writes), ("编辑", Writes), ("编绘", Writes), ("編繪", Writes), ("著绘", Writes),
    ("绘著", Writes), ("撰文", Writes), ("撰写", Writes), ("撰寫", Writes), ("改编", Writes), ("改編", Writes), ("口述", Writes),
    ("整理", Writes), ("校注", Writes), ("注释", Writes), ("注釋", Writes), ("点校", Writes), ("校点", Writes), ("绘图", Writes),
    ("绘画", Writes), ("插图", Writes), ("插画", Writes), ("摄影", Writes), ("译注", Translates), ("譯注", Translates),
    ("编译", Translates), ("編譯", Translates), ("翻译", Translates), ("翻譯", Translates), ("主译", Translates),
    ("译者", Translates), ("審校", Helps), ("审校", Helps), ("校订", Helps), ("审订", Helps), ("主审", Helps),
];
/// Words that may end a name, but hardly do.
const WROTE: [&str; 4] = ["著", "编", "編", "撰"];
/// Words that may well end one: they count where it is stated what people did.
#[rustfmt::skip]
const SHORT: [(&str, Role); 13] = [
    ("译", Translates), ("譯", Translates), ("绘", Writes), ("繪", Writes), ("图", Writes), ("文", Writes), ("辑", Writes),
    ("輯", Writes), ("注", Writes), ("述", Writes), ("画", Writes), ("校", Helps), ("审", Helps),
];
/// Words in front of a name, with or without a colon.
#[rustfmt::skip]
const BEFORE: [(&str, Role); 21] = [
    ("执行主编", Writes), ("总主编", Writes), ("副主编", Writes), ("主编", Writes), ("主編", Writes), ("编著者", Writes), ("编著", Writes),
    ("編著", Writes), ("编者", Writes), ("著者", Writes), ("作者", Writes), ("原著", Writes), ("改编", Writes), ("编写", Writes),
    ("翻译者", Translates), ("翻译", Translates), ("翻譯", Translates), ("译者", Translates), ("譯者", Translates),
    ("编译", Translates), ("主译", Translates),
];

/// Between people, roles aside: what a name itself may hold is not among them.
const BETWEEN: [char; 8] = ['；', ';', '/', '／', '，', ',', '、', '|'];

/// Authors and translators out of what stands in their fields. `stated`: it is said of everybody what
/// they did, as on a title page, so that 译 behind a name is no part of it.
pub(super) fn people(authors: &str, translators: &str, stated: bool) -> (Vec<String>, Vec<String>) {
    let one = |name: &str| if name.is_empty() { Vec::new() } else { vec![name.to_owned()] };
    if is_name(authors) && is_name(translators) {
        return (one(authors), one(translators));
    }
    let authors = apart(&authors.replace(" & ", "/"), stated);
    let translators = apart(&translators.replace(" & ", "/"), true);
    clean::people(&[&authors], &[&translators])
}

/// Whether a text is one name and nothing else, as most are: it has none of the characters that
/// stand between names, around marks, or in words for what somebody did.
fn is_name(text: &str) -> bool {
    const OTHER: &str = "；;/／，,、|&[(（［【〔)）］】〕著编編撰辑輯绘繪图文注述画译譯校审審主口整摄攝插原汇選选等：:作者";
    let ascii = |byte: u8| !matches!(byte, b';' | b'/' | b',' | b'|' | b'&' | b'[' | b'(' | b':');
    text.trim() == text
        && if text.is_ascii() {
            text.bytes().all(ascii)
        } else {
            !text.contains(|c| OTHER.contains(c))
        }
}

/// The text with every role apart from its name: as `著` or `译`, which is all that the reader of
/// names has to know.
fn apart(text: &str, stated: bool) -> String {
    let said = |part: &str| {
        let bare = part.trim_end_matches(BETWEEN).trim_end();
        WROTE.iter().any(|role| bare.strip_suffix(role).is_some_and(is_long))
            || CLEAR.iter().any(|(role, _)| bare.strip_suffix(role).is_some_and(is_long))
    };
    let parts: Vec<&str> = text.split_inclusive(BETWEEN).collect();
    let stated = stated || parts.iter().any(|part| said(part));
    let mut whole = String::with_capacity(text.len() + 8);
    for part in &parts {
        let bare = part.trim_end_matches(BETWEEN);
        let mark = part.get(bare.len()..).unwrap_or_default();
        match role(bare.trim(), stated) {
            Some((_, Helps)) if parts.len() > 1 => continue,
            Some((name, Helps)) => whole.push_str(name),
            Some((name, Writes)) => whole.extend([name, " 著"]),
            Some((name, Translates)) => whole.extend([name, " 译"]),
            None => whole.push_str(without_others(bare)),
        }
        whole.push_str(mark);
    }
    whole
}

/// Whether what is left can be a name.
fn is_long(name: &str) -> bool {
    name.trim().chars().count() > 1
}

/// A name and what its person did.
fn role(part: &str, stated: bool) -> Option<(&str, Role)> {
    let clear = CLEAR.iter().copied();
    let wrote = WROTE.iter().map(|role| (*role, Writes));
    let short = SHORT.iter().copied().filter(|_| stated);
    let behind = clear.chain(wrote).chain(short).find_map(|(word, role)| {
        let name = without_others(part.strip_suffix(word)?.trim_end());
        is_long(name).then_some((name, role))
    });
    behind.or_else(|| {
        let open = part.trim_start_matches(['[', '(', '（', '【']);
        let (name, role) =
            BEFORE.iter().find_map(|(word, role)| Some((open.strip_prefix(word)?, *role)))?;
        let name = without_others(name.trim_start_matches([']', ')', '）', '】', ':', '：', ' ']));
        is_long(name).then_some((name, role))
    })
}

/// A name without `等`, `[等]`, which stands for further people.
fn without_others(name: &str) -> &str {
    let bare = name.trim_end();
    let others = ["[等]", "［等］", "(等)", "（等）", "...等", "…等", "等人", "等"];
    let named = others.iter().find_map(|others| bare.strip_suffix(others));
    named.map(str::trim_end).filter(|name| is_long(name)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::people;

    #[test]
    #[rustfmt::skip]
    fn names_without_their_roles() {
        for (stated, written, authors, translators) in [
            (false, "主编王兆义",                       "王兆义",                  ""),
            (false, "王兆义主编",                       "王兆义",                  ""),
            (false, "[主编]王兆义",                     "王兆义",                  ""),
            (false, "主编：王兆义；副主编：李四光",       "王兆义+李四光",            ""),
            (false, "王兆义等主编",                     "王兆义",                  ""),
            (false, "王兆义[等]编著",                   "王兆义",                  ""),
            (false, "刘慈欣 & 李晓平",                  "刘慈欣+李晓平",            ""),
            (false, "余秋雨, 王安忆著",                 "余秋雨+王安忆",            ""),
            (false, "（法）圣埃克苏佩里著；马振骋译",     "（法）圣埃克苏佩里",        "马振骋"),
            (false, "作者：余华",                       "余华",                    ""),
            (false, "译者：马振骋",                     "",                        "马振骋"),
            (false, "陈明译",                           "陈明译",                  ""),
            (true,  "陈明译",                           "",                        "陈明"),
            (false, "陈明翻译",                         "",                        "陈明"),
            (false, "教育部组织编写组编",                "教育部组织编写组",         ""),
            (false, "甲文著 ; 乙书绘 ; 丙丁审校",        "甲文+乙书",               ""),
            (false, "Ulmer, Wendy/Knorr, Laura",        "Ulmer, Wendy+Knorr, Laura", ""),
            (false, "张著",                             "张著",                    ""),
        ] {
            let (writing, translating) = people(written, "", stated);
            assert_eq!((writing.join("+"), translating.join("+")), (authors.into(), translators.into()), "{written}");
        }
        assert_eq!(people("", "马振骋译", false).1, ["马振骋"]);
    }
}
