//! The fields of an Interlib record as libraries fill them, made fit to be shown.
//!
//! In: the text of one field. Out: what it says about the book, or nothing. Pure, never fails,
//! and nothing that comes out is longer than [`LONGEST`]. A field is a line of a catalogue card
//! typed by many hands: one library writes 刘慈欣, the next 刘慈欣著, a third 作者:刘慈欣|责编:….

use crate::catalogue::clean;
pub use crate::catalogue::clean::LONGEST;
use crate::catalogue::isbn::Isbn;
use crate::sys::text::{self, half_width};

/// One line, within bounds.
pub fn line(text: &str) -> String {
    // Four bytes a character, so that no more than is kept is looked at.
    clean::line(text::cut(text, LONGEST * 4))
}

/// What a title holds: `三体：新版` has a subtitle, `三体/中国科幻基石丛书` a series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Title {
    /// With the number of its volume: `三体．Ⅱ，黑暗森林`.
    pub title: String,
    /// What follows the first colon.
    pub subtitle: String,
    /// What follows a slash and calls itself a series.
    pub series: String,
}

/// What the part behind a slash must have to be a series: `TCP/IP详解` and `输入/输出` are titles.
const SERIES: [&str; 9] = ["丛书", "文库", "系列", "书系", "译丛", "文丛", "丛刊", "大系", "书库"];

/// Reads a title.
pub fn title(written: &str) -> Title {
    let whole = line(written);
    let (name, behind) = whole.rsplit_once(['/', '／']).unwrap_or((&whole, ""));
    let (name, behind) = (name.trim(), behind.trim());
    let is_series = SERIES.iter().any(|mark| behind.contains(mark));
    // A card writes who wrote it behind a slash, too; the author has a field of their own.
    let is_credit = behind.chars().count() > 2 && role(behind).1.is_some();
    let (name, series) = match (name.is_empty(), is_series, is_credit) {
        (false, true, _) => (name, behind),
        (false, false, true) => (name, ""),
        _ => (whole.as_str(), ""),
    };
    let colon = name.split_once('：').or_else(|| name.split_once(" : "));
    let (title, subtitle) = match colon.map(|(title, rest)| (title.trim(), rest.trim())) {
        Some((title, rest)) if !title.is_empty() => (title, rest),
        _ => (name, ""),
    };
    Title { title: title.to_owned(), subtitle: subtitle.to_owned(), series: series.to_owned() }
}

/// What people did for a book, longest first, as it stands behind a name without a blank; and
/// whether that is translating.
const ROLES: [(&str, bool); 27] = [
    ("总主编", false),
    ("编译", true),
    ("译注", true),
    ("译著", true),
    ("翻译", true),
    ("编著", false),
    ("主编", false),
    ("原著", false),
    ("选编", false),
    ("编写", false),
    ("改编", false),
    ("编绘", false),
    ("编选", false),
    ("校注", false),
    ("绘著", false),
    ("合著", false),
    ("主撰", false),
    ("编撰", false),
    ("绘图", false),
    ("插图", false),
    ("著", false),
    ("编", false),
    ("译", true),
    ("绘", false),
    ("撰", false),
    ("辑", false),
    ("注", false),
];

/// Takes a role off the end of a name, and 等 or [等] before it. Two characters must be left:
/// 李译 is a person.
fn role(name: &str) -> (&str, Option<bool>) {
    let bare = name.trim().trim_end_matches([')', '）', ']', '】', '.', '。']);
    let found = ROLES.iter().find_map(|(word, translates)| {
        let before = bare.strip_suffix(word)?.trim_end_matches([' ', '(', '（', '[', '【']);
        (before.chars().count() >= 2).then_some((before, *translates))
    });
    let Some((before, translates)) = found else { return (name.trim(), None) };
    let others = ["[等]", "［等］", "(等)", "（等）", "等"];
    let alone = others.iter().find_map(|others| before.strip_suffix(others)).unwrap_or(before);
    let alone = if alone.chars().count() >= 2 { alone } else { before };
    (alone.trim(), Some(translates))
}

/// Labels before names, and whether those names are authors (false), translators (true), or
/// nobody a reader looks for.
fn labelled(part: &str) -> (&str, Option<Option<bool>>) {
    let Some((label, names)) = part.split_once([':', '：']) else { return (part, None) };
    let kind = match label.trim() {
        "作者" | "著者" | "著" | "编者" | "主编" | "编著" | "编著者" | "原著" | "绘者" => {
            Some(false)
        }
        "译者" | "译" | "翻译" => Some(true),
        label if label.chars().count() > 6 => return (part, None),
        _ => None,
    };
    (names, Some(kind))
}

/// Authors and translators: `刘慈欣著`, `李广益，陈颀编`, `(美)海明威著；吴劳译`,
/// `作者:吴言|责编:范伟//张孟桥`. An organisation (`读者校园版`) stays as it is.
pub fn people(written: &str) -> (Vec<String>, Vec<String>) {
    let written = line(written);
    let (mut authors, mut translators) = (Vec::new(), Vec::new());
    for part in written.split('|') {
        let (names, kind) = match labelled(part) {
            (names, None) => (names, false),
            (names, Some(Some(translators))) => (names, translators),
            (_, Some(None)) => continue,
        };
        let spaced = apart(names);
        if kind { translators.push(spaced) } else { authors.push(spaced) }
    }
    let texts = |list: &[String]| list.iter().map(String::as_str).collect::<Vec<_>>().join(";");
    clean::people(&[texts(&authors).as_str()], &[texts(&translators).as_str()])
}

/// Each name with its role apart from it, in the words [`clean::people`] knows.
fn apart(names: &str) -> String {
    let mut spaced = String::with_capacity(names.len() + 16);
    for piece in names.split_inclusive(['/', '／', '、', '；', ';', '，', ',']) {
        let end = piece.trim_end_matches(['/', '／', '、', '；', ';', '，', ',']).len();
        let (name, mark) = piece.split_at_checked(end).unwrap_or((piece, ""));
        match role(name) {
            (_, None) => spaced.push_str(name),
            (name, Some(translates)) => {
                spaced.push_str(name);
                spaced.push_str(if translates { " 译" } else { " 著" });
            }
        }
        spaced.push_str(mark);
    }
    spaced
}

/// A number of pages: the digits before 页, since `2,302页` has two pages of preface and
/// `2册(676页)` two volumes; without 页 a bare number. `1册` says nothing.
pub fn pages(written: &str) -> String {
    let text: String = line(written).chars().map(half_width).collect();
    let number = |text: &str| {
        let from = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        text.get(from..).unwrap_or_default().trim_start_matches('0').to_owned()
    };
    let before = |mark: &str| {
        let mut found = text.match_indices(mark).filter_map(|(at, _)| text.get(..at));
        found.find_map(|head| Some(number(head.trim_end())).filter(|n| !n.is_empty()))
    };
    let bare = || Some(number(text.trim())).filter(|_| !text.contains(['册', '卷', '函', '页']));
    let pages = before("页").or_else(|| before("p")).or_else(bare).unwrap_or_default();
    if pages.len() <= 5 { pages } else { String::new() }
}

/// A date as it is written, from its year on; without a year (`03`) it says nothing.
pub fn date(written: &str) -> String {
    let text: String = line(written).chars().map(half_width).collect();
    let year = text.as_bytes().windows(4).position(|four| four.iter().all(u8::is_ascii_digit));
    let from = year.and_then(|at| text.get(at..)).unwrap_or_default();
    from.trim_end_matches([']', ')', '.', ' ', '?']).to_owned()
}

/// A call number where the field holds one: some libraries have `1`, `I207.425/` or a bare class
/// there, and a class leads to no shelf.
pub fn callno(written: &str) -> String {
    let callno = line(written);
    let whole = callno.split_once('/').is_some_and(|(class, rest)| {
        class.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.trim().is_empty()
    });
    if whole { callno } else { String::new() }
}

/// Whether a record's ISBNs, of which it may have several and in either form, have this one.
pub fn has_isbn(written: &str, isbn: &Isbn) -> bool {
    let digits: String = text::cut(written, LONGEST)
        .chars()
        .map(|c| half_width(c).to_ascii_uppercase())
        .filter(|c| c.is_ascii_digit() || *c == 'X')
        .collect();
    let short = isbn.isbn10().is_some_and(|short| digits.contains(&short));
    short || digits.contains(&isbn.isbn13())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn titles() {
        for (written, name, subtitle, series) in [
            ("三体",                      "三体",                 "",        ""),
            ("三体：新版",                 "三体",                 "新版",    ""),
            ("三体 : 新版",                "三体",                 "新版",    ""),
            ("三体．Ⅱ，黑暗森林：图文版",   "三体．Ⅱ，黑暗森林",     "图文版",  ""),
            ("三体  ·  死神永生",          "三体 · 死神永生",       "",        ""),
            ("《三体》导读",               "《三体》导读",          "",        ""),
            ("三体/中国科幻基石丛书",       "三体",                 "",        "中国科幻基石丛书"),
            ("朝花夕拾：名师导读/语文文库", "朝花夕拾",             "名师导读", "语文文库"),
            ("三体／刘慈欣著",             "三体",                 "",        ""),
            ("TCP/IP详解",                "TCP/IP详解",           "",        ""),
            ("输入/输出系统",              "输入/输出系统",         "",        ""),
            ("：新版",                    "：新版",               "",        ""),
            ("/丛书",                     "/丛书",                "",        ""),
            ("10:30的约定",               "10:30的约定",          "",        ""),
            ("",                          "",                     "",        ""),
        ] {
            let expected = Title { title: name.into(), subtitle: subtitle.into(), series: series.into() };
            assert_eq!(title(written), expected, "{written}");
        }
        assert_eq!(title(&"长".repeat(5000)).title.chars().count(), LONGEST);
    }

    #[test]
    #[rustfmt::skip]
    fn names() {
        for (written, authors, translators) in [
            ("刘慈欣",                       &["刘慈欣"][..],              &[][..]),
            ("刘慈欣著",                     &["刘慈欣"],                  &[]),
            ("刘慈欣 著",                    &["刘慈欣"],                  &[]),
            ("詹琰,路姜波",                  &["詹琰", "路姜波"],           &[]),
            ("李广益，陈颀编",               &["李广益", "陈颀"],           &[]),
            ("作者:吴言|责编:范伟//张孟桥",   &["吴言"],                    &[]),
            ("作者：甲乙、丙丁|译者：戊己",   &["甲乙", "丙丁"],             &["戊己"]),
            ("读者校园版",                   &["读者校园版"],              &[]),
            ("(美)海明威著；吴劳译",          &["(美)海明威"],              &["吴劳"]),
            ("(英) J.K. 罗琳著 ; 苏农译",     &["(英) J.K. 罗琳"],          &["苏农"]),
            ("曹雪芹著，无名氏续，程伟元整理", &["曹雪芹", "无名氏续", "程伟元整理"], &[]),
            ("鲁迅等著",                     &["鲁迅"],                    &[]),
            ("鲁迅[等]编著",                 &["鲁迅"],                    &[]),
            ("中国社会科学院语言研究所编",     &["中国社会科学院语言研究所"],  &[]),
            ("李译",                         &["李译"],                    &[]),
            ("草婴翻译",                     &[],                          &["草婴"]),
            ("Ulmer, Wendy",                &["Ulmer, Wendy"],            &[]),
            ("",                            &[],                          &[]),
        ] {
            let (found, translated) = people(written);
            assert_eq!(found, authors, "{written}");
            assert_eq!(translated, translators, "{written}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn numbers_and_dates() {
        for (written, shown) in [
            ("360页", "360"), ("2,302页", "302"), ("4，263页", "263"), ("2册(676页)", "676"),
            ("2册（676页）", "676"), ("1册", ""), ("300", "300"), ("174页, [2] 页图版", "174"),
            ("xii, 350 p", "350"), ("３０２页", "302"), ("0页", ""), ("页", ""), ("", ""),
            ("99999999页", ""), ("3卷12函", ""),
        ] {
            assert_eq!(pages(written), shown, "{written}");
        }
        for (written, shown) in [
            ("2008", "2008"), ("2008.01", "2008.01"), ("2016.6", "2016.6"), ("2014-03", "2014-03"),
            ("2020-12-01", "2020-12-01"), ("[2008]", "2008"), ("c2008.", "2008"), ("03", ""),
            ("2004年01月", "2004年01月"), ("", ""),
        ] {
            assert_eq!(date(written), shown, "{written}");
        }
        for (written, shown) in [
            ("I247.55/114", "I247.55/114"), ("I247.55/122:3", "I247.55/122:3"), ("1", ""), ("2", ""),
            ("I207.425/", ""), ("I247.5", ""), ("3/4", ""), ("", ""),
        ] {
            assert_eq!(callno(written), shown, "{written}");
        }
    }

    #[test]
    fn isbns() {
        let isbn = Isbn::parse("7-80628-555-5").unwrap();
        for (written, has) in [
            ("7-80628-555-5", true),
            ("978-7-80628-555-8", true),
            ("9787806285558", true),
            ("978-7-5366-9293-0(上册),978-7-80628-555-8(下册)", true),
            ("978-7-5366-9293-0", false),
            ("", false),
        ] {
            assert_eq!(has_isbn(written, &isbn), has, "{written}");
        }
    }
}
