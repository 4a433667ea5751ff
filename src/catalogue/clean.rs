//! What sources write, made fit to be shown.
//!
//! In: one field of a record as a source gave it. Out: plain text on one line, or nothing when
//! the field holds no information. Pure, never fails, and knows no source by name; what the
//! rules answer to was counted in real records.

use std::borrow::Cow;

use super::entities;
use crate::catalogue::book::Rating;
use crate::sys::{text, visible};

/// Characters of any one text but a summary; real ones have 100.
pub const LONGEST: usize = 300;

/// Bytes of a text that are looked at: a summary may begin with a style sheet.
const LOOKED_AT: usize = 16 * 1024;

/// People of one book, authors and translators together; an encyclopaedia names 20.
const PEOPLE: usize = 50;

/// Characters of a summary that a card shows.
const SUMMARY: usize = 120;

/// A sentence that ends from here on is a better end than the middle of the next one.
const SENTENCE: usize = 80;

/// One line of at most [`LONGEST`] characters: entities decoded (titles hold `&quot;`), blanks and
/// control characters collapsed, and [what nobody sees](visible::is_hidden) gone.
pub fn line(text: &str) -> String {
    bounded(whole_line(text))
}

/// At most [`LONGEST`] characters.
pub fn bounded(mut line: String) -> String {
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.truncate(line.trim_end().len());
    }
    line
}

fn whole_line(text: &str) -> String {
    let text = text::cut(text.trim(), LOOKED_AT);
    if is_plain(text) {
        return text.to_owned();
    }
    let visible = visible::visible(&decoded(text));
    let words = visible.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether `whole_line` would change nothing, which can be told of most texts by their bytes alone: what
/// it changes are `&`, control characters, blanks that are not one space between two words, and
/// characters that begin with other bytes than letters of Latin and Chinese ones do.
fn is_plain(text: &str) -> bool {
    let mut blank = false;
    text.bytes().all(|byte| {
        let twice = std::mem::replace(&mut blank, byte == b' ') && blank;
        let plain =
            matches!(byte, b' '..=b'%' | b'\''..=b'~' | 0x80..=0xbf | 0xc3..=0xd3 | 0xe4..=0xe9);
        plain && !twice
    })
}

/// As [`line()`], its tags stripped when it is a piece of HTML. Most texts are plain ones, in which
/// `<T>` is no tag.
pub fn prose(text: &str) -> String {
    bounded(whole_prose(text))
}

fn whole_prose(text: &str) -> String {
    let text = text::cut(text, LOOKED_AT);
    let html = ["</", "<br", "<p>"].iter().any(|tag| text.contains(tag));
    if html { whole_line(&without_tags(text)) } else { whole_line(text) }
}

/// A summary: as [`prose`], about 120 characters long and ending with a sentence where one ends
/// nearby.
pub fn summary(text: &str) -> String {
    let line = whole_prose(text);
    let at = |chars| line.char_indices().nth(chars).map(|(at, _)| at);
    let (Some(from), Some(to)) = (at(SENTENCE), at(SUMMARY)) else { return line };
    let late = line.get(from..to).unwrap_or_default();
    let Some((last, mark)) = late.rmatch_indices(['。', '！', '？', '…']).next() else {
        return text::shorten(&line, SUMMARY);
    };
    let (shown, rest) = line.split_at_checked(from + last + mark.len()).unwrap_or_default();
    // A mark that closes the sentence belongs to it.
    let closing = rest.chars().next().filter(|c| "”’」』）".contains(*c));
    shown.chars().chain(closing).collect()
}

/// HTML entities decoded once: by name and by number.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        // The longest has seven digits, `#x` before them and the `;`.
        let name = text::cut(after, 10).split_once(';').map(|(name, _)| name);
        let decoded = name.and_then(|name| Some((entity(name)?, after.get(name.len() + 1..)?)));
        let (c, behind) = decoded.unwrap_or(('&', after));
        plain.push(c);
        rest = behind;
    }
    Cow::Owned(plain + rest)
}

fn entity(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return entities::named(name);
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    char::from_u32(code.ok()?)
}

/// HTML without its tags: those that begin a line leave a blank, the others nothing; what is
/// inside `style` and `script` goes too (the pages' summaries begin with a style sheet).
fn without_tags(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        if !is_tag {
            plain.push('<');
            rest = after;
            continue;
        }
        let Some((tag, behind)) = after.split_once('>') else { return plain + "<" + after };
        rest = behind;
        let name = tag.trim_start_matches('/').split(|c: char| !c.is_ascii_alphabetic()).next();
        match name.unwrap_or_default().to_ascii_lowercase().as_str() {
            // The closing tag is met next, and is one like any other.
            "style" | "script" if !tag.starts_with('/') => {
                rest = behind.find("</").and_then(|at| behind.get(at..)).unwrap_or_default();
            }
            "a" | "b" | "i" | "u" | "em" | "strong" | "span" | "font" | "sub" | "sup" => {}
            _ => plain.push(' '),
        }
    }
    plain + rest
}

/// Authors and translators out of a record's two lists of names. One element may hold several,
/// with their roles: `臧海群,张晨阳`; `Ulmer, Wendy/ Knorr, Laura (ILT)`; `[美]A，B  著，C  译`.
/// A nationality mark without a name (`[美]`) is no one. At most fifty, so that looking for each
/// among those before it takes no longer the more there are.
pub fn people(authors: &[&str], translators: &[&str]) -> (Vec<String>, Vec<String>) {
    let (mut writing, mut translating) = (Vec::new(), Vec::new());
    let elements = authors.iter().map(|element| (element, false));
    for (element, translator) in elements.chain(translators.iter().map(|element| (element, true))) {
        for (name, translates) in with_roles(&line(element)) {
            if writing.len() + translating.len() == PEOPLE {
                return (writing, translating);
            }
            let list = if translates || translator { &mut translating } else { &mut writing };
            if !list.contains(&name) {
                list.push(name);
            }
        }
    }
    (writing, translating)
}

/// The names in one element, and whether each is marked as a translator.
fn with_roles(element: &str) -> Vec<(String, bool)> {
    // A role stands behind the last of those who have it; in brackets it is that one's alone.
    let mut translates = false;
    let mut people = Vec::new();
    for written in several(element).iter().rev() {
        let (name, own) = role(written.trim());
        translates = own.unwrap_or(translates);
        if !is_nationality(name) {
            people.push((name.to_owned(), translates));
        }
        translates &= own.is_none() || !written.trim_end().ends_with(CLOSING);
    }
    people.reverse();
    people
}

/// Splits at slashes and Chinese commas; at an ASCII comma only beside a Chinese character,
/// because `Ulmer, Wendy` is one person.
fn several(text: &str) -> Vec<String> {
    let chinese = |c: char| ('\u{3400}'..='\u{9fff}').contains(&c);
    let mut names: Vec<String> = Vec::new();
    for element in text.split(['/', '／', '、', '；', ';', '，']) {
        names.push(String::new());
        for (nth, part) in element.split(',').enumerate() {
            match names.last_mut() {
                Some(name) if nth == 0 => name.push_str(part),
                Some(name) if !name.ends_with(chinese) && !part.starts_with(chinese) => {
                    name.extend([",", part]);
                }
                _ => names.push(part.to_owned()),
            }
        }
    }
    names
}

/// What a role in brackets ends with.
const CLOSING: [char; 4] = [')', '）', ']', '】'];

/// Takes a role off the end of a name: `Some(true)` for a translator. It must stand apart,
/// because 著 and 编 also end names.
fn role(name: &str) -> (&str, Option<bool>) {
    let apart = |c: char| c.is_whitespace() || matches!(c, '(' | '（' | '[' | '【');
    let bare = name.trim_end_matches(CLOSING);
    let Some((before, word)) = bare.rsplit_once(apart) else { return (name, None) };
    let translates = match word.strip_prefix('等').unwrap_or(word) {
        "译" | "翻译" | "译者" => true,
        "著" | "编" | "编著" | "主编" | "作者" | "绘" | "编绘" => false,
        "" if !word.is_empty() => false,
        _ => return (name, None),
    };
    (before.trim_end(), Some(translates))
}

/// Whether there is no name: nothing, or only a mark such as `[美]`, `（法）` or `［日］`.
fn is_nationality(name: &str) -> bool {
    let behind = match name.starts_with(['[', '(', '（', '［', '【', '〔']) {
        true => name.split_once([']', ')', '）', '］', '】', '〕']).map(|(_, behind)| behind),
        false => Some(name),
    };
    behind.is_some_and(|name| name.trim().is_empty())
}

/// Folded text without the dots in names, which everybody sets differently: `j. k. 罗琳`,
/// `j·k·罗琳`, `jk罗琳`. A full stop is one only behind an initial or a Chinese character: `.net` and
/// `3.14` keep theirs.
pub fn undotted(folded: &str) -> String {
    let mut bare = String::with_capacity(folded.len());
    // Letters since a blank or a dot, and whether a blank would follow a dot.
    let (mut letters, mut blank_goes) = (0, false);
    for c in folded.chars() {
        let chinese = bare.ends_with(|last: char| last.is_alphanumeric() && !last.is_ascii());
        let initial = letters == 1 && bare.ends_with(char::is_alphabetic);
        if matches!(c, '·' | '•' | '・') || c == '.' && (chinese || initial) {
            bare.truncate(bare.trim_end().len());
            (letters, blank_goes) = (0, true);
        } else if !(blank_goes && c == ' ') {
            bare.push(c);
            letters = if c.is_alphanumeric() { letters + 1 } else { 0 };
            blank_goes = false;
        }
    }
    bare
}

/// A number of pages out of `350`, `350 页`, `约460页`, or `2,302页`, which is a preface of 2 and a
/// book of 302; `0`, `3册` and what has no digits are unknown.
pub fn pages(text: &str) -> String {
    // Volumes are no pages, unless those are told too: `全3册 1200页`.
    let volumes = text.contains(['册', '冊', '卷']) && !text.contains(['页', '頁']);
    let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| part.len() <= 5);
    let most = numbers.filter_map(|part| part.parse::<u32>().ok()).max();
    most.filter(|&pages| pages > 0 && !volumes).map(|p| p.to_string()).unwrap_or_default()
}

/// A price as it is written, unless it is nought (`0.00`), which stands for unknown.
pub fn price(text: &str) -> String {
    let nought = text.contains('0') && !text.contains(|c: char| matches!(c, '1'..='9'));
    if nought { String::new() } else { line(text) }
}

/// An address that WeChat opens, out of HTML or not: `https:`, and nothing in it that no address
/// has ([`visible::is_address`]); or empty.
pub fn https(url: &str) -> String {
    if url.trim().starts_with("https://") { address(url) } else { String::new() }
}

/// As [`https`], with `http:` too: an instance of the operator's own may have nothing else.
pub fn address(url: &str) -> String {
    let url = decoded(text::cut(url.trim(), LOOKED_AT));
    if visible::is_address(&url) { url.into_owned() } else { String::new() }
}

/// A picture's address that somebody else can fetch: not one by number, nor without a domain.
/// Douban's picture hosts, which older records name with `http:`, speak TLS; of others that is not
/// known, and they stay as they are.
pub fn cover(url: &str) -> String {
    let Some(rest) = url.trim().strip_prefix("http://") else { return https(url) };
    let host = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let known = [".doubanio.com", ".douban.com"].iter().any(|domain| host.ends_with(domain));
    let named = host.contains('.') && host.ends_with(|c: char| c.is_ascii_alphabetic());
    match (known, named) {
        (true, _) => https(&format!("https://{rest}")),
        (_, true) => address(url),
        _ => String::new(),
    }
}

/// A rating out of an average of 0 to 10 and the number of readers who gave one. Douban gives
/// an average of 0, NeoDB none, exactly when they are too few.
pub fn rating(average: Option<f64>, count: Option<f64>) -> Rating {
    match average {
        None if count.is_some() => Rating::TooFew,
        Some(0.0) => Rating::TooFew,
        Some(average) if (0.0..=10.0).contains(&average) => Rating::Scored {
            tenths: (average * 10.0).round() as u8,
            count: count.filter(|&count| count >= 1.0).map(|count| count as u32),
        },
        _ => Rating::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn dots_in_names_go_and_others_stay() {
        for (folded, bare) in [
            ("j. k. 罗琳", "jk罗琳"), ("j.k.罗琳", "jk罗琳"), ("j·k·罗琳", "jk罗琳"), ("jk罗琳", "jk罗琳"),
            ("加西亚 · 马尔克斯", "加西亚马尔克斯"), ("马丁.伊登", "马丁伊登"), ("douglas c.schmidt", "douglas cschmidt"),
            (".net 设计", ".net 设计"), ("asp.net", "asp.net"), ("node.js", "node.js"), ("3.14", "3.14"),
            ("spring 2.0核心", "spring 2.0核心"), ("", ""),
        ] {
            assert_eq!(undotted(folded), bare, "{folded}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn lines() {
        for (written, shown) in [
            ("  三体\u{a0}\u{3000}\r\n Ⅱ\t",       "三体 Ⅱ"),
            ("\u{f06c}要点\u{200b}一\u{feff}",     "要点一"),
            ("Say &quot;hi&quot;",                "Say \"hi\""),
            ("C &amp; C++ &#60;&#x7B2C;2版&gt;",   "C & C++ <第2版>"),
            ("&amp;lt;",                          "&lt;"),
            ("AT&T; R&D &unknown; &#xD800; &#;&", "AT&T; R&D &unknown; &#xD800; &#;&"),
            ("Programming <第2版>",                "Programming <第2版>"),
            ("a\u{0}b\u{7}",                      "a b"),
            ("",                                  ""),
        ] {
            assert_eq!(line(written), shown, "{written:?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn titles() {
        for (written, shown) in [
            ("<b>C++</b> &amp; <i>C</i> <第2版>", "C++ & C <第2版>"),
            ("C<T> &lt;T&gt;",                   "C<T> <T>"),
            ("上册<br>下册",                       "上册 下册"),
        ] {
            assert_eq!(prose(written), shown, "{written:?}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn summaries() {
        let long = "这本书从头讲起，".repeat(20);
        for (case, written, shown) in [
            ("plain text keeps what looks like a tag", "vector<int> 与 a<b".into(), "vector<int> 与 a<b".into()),
            ("paragraphs",    "<p>一。</p>\n<p>　　二。</p>".into(),                  "一。 二。".to_owned()),
            ("tags in a word", "<b>三</b>体<br/>黑暗<a href='x>y'>".into(),            "三体 黑暗y'>".to_owned()),
            ("style sheets",  "<style type=\"text/css\">.intro p{}</style><p>一</p>".into(), "一".to_owned()),
            ("never closed",  "<p>第一段".into(),                                     "第一段".to_owned()),
            ("an open style", "一<br><style>.intro".into(),                           "一".to_owned()),
            ("a lone <",      "1 < 2 <br> 3 <".into(),                                "1 < 2 3 <".to_owned()),
            ("encoded tags",  "<p>&lt;b&gt; &amp; co</p>".into(),                     "<b> & co".to_owned()),
            ("120 characters", "字".repeat(120),                                      "字".repeat(120)),
            ("121 characters", "字".repeat(121),                                      "字".repeat(120) + "…"),
            ("a sentence that ends near", format!("{}。{}", "字".repeat(100), "后".repeat(50)), "字".repeat(100) + "。"),
            ("with its quotation mark", format!("{}！”{}", "字".repeat(118), "后".repeat(50)), "字".repeat(118) + "！”"),
            ("a sentence that ends too early", format!("{}。{}", "字".repeat(9), "后".repeat(150)), format!("{}。{}…", "字".repeat(9), "后".repeat(110))),
            ("no sentence ends", long.clone(), long.chars().take(120).collect::<String>() + "…"),
        ] {
            let written: String = written;
            assert_eq!(summary(&written), shown, "{case}");
        }
    }

    #[test]
    #[rustfmt::skip]
    fn names() {
        for (authors, translators, found, translated) in [
            (&["廖雪峰"][..],                            &[][..],       &["廖雪峰"][..],                      &[][..]),
            (&["臧海群,张晨阳"],                          &[],           &["臧海群", "张晨阳"],                 &[]),
            (&["Ulmer, Wendy/ Knorr, Laura (ILT)"],     &[],           &["Ulmer, Wendy", "Knorr, Laura (ILT)"], &[]),
            (&["[美]Douglas C.Schmidt，Stephen D.Huston  著，於春景  译"], &[], &["[美]Douglas C.Schmidt", "Stephen D.Huston"], &["於春景"]),
            (&["[日]东野圭吾 / 刘子倩（译）"],              &[],           &["[日]东野圭吾"],                     &["刘子倩"]),
            (&["甲、乙(著)、丙 译"],                        &[],           &["甲", "乙"],                        &["丙"]),
            (&["甲 译，乙 著"],                           &[],           &["乙"],                              &["甲"]),
            (&["甲、乙 等编著", "丙 等", "丁（著）"],      &[],           &["甲", "乙", "丙", "丁"],       &[]),
            (&["[日] 东野圭吾", "（法）雨果"],              &["刘姿君"],    &["[日] 东野圭吾", "（法）雨果"],       &["刘姿君"]),
            (&["[美]", "（法）", "", " / "],              &["[美]"],     &[],                                  &[]),
            (&["王编", "李著"],                           &["丙 译", "丙"], &["王编", "李著"],                   &["丙"]),
            (&["甲", "甲"],                              &["乙 著"],     &["甲"],                              &["乙"]),
            (&["加西亚·马尔克斯"],                         &[],           &["加西亚·马尔克斯"],                  &[]),
        ] {
            let (a, t) = people(authors, translators);
            assert_eq!((a.as_slice(), t.as_slice()), (&owned(found)[..], &owned(translated)[..]), "{authors:?}");
        }
    }

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    #[rustfmt::skip]
    fn small_fields() {
        for (of, written, shown) in [
            (pages as fn(&str) -> String, "350",     "350"),
            (pages, "350 页",                         "350"),
            (pages, "约460页",                        "460"),
            (pages, "0",                             ""),
            (pages, "2,302页",                        "302"),
            (pages, "3册",                            ""),
            (pages, "全3册 1200页",                    "1200"),
            (pages, "xii, 212 p.",                   "212"),
            (pages, "不详",                           ""),
            (price, "18.80元",                        "18.80元"),
            (price, "USD 26.95",                     "USD 26.95"),
            (price, "0.00",                          ""),
            (price, "CNY 0.00",                      ""),
            (price, "免费",                           "免费"),
            (price, "",                              ""),
            (cover, "https://img9.doubanio.com/a.jpg", "https://img9.doubanio.com/a.jpg"),
            (cover, "http://img3.douban.com/a.jpg",  "https://img3.douban.com/a.jpg"),
            (cover, "http://10.0.0.1:8085/view/cover", ""),
            (cover, "http://evil.example/.douban.com", "http://evil.example/.douban.com"),
            (cover, "http://localhost/a.jpg",        ""),
            (cover, "http://img.e.org/a\u{202e}.jpg", ""),
            (cover, "/view/cover?cover=x",           ""),
            (cover, "http://",                       ""),
            (cover, "https://e.org/a\u{1f}b",        ""),
            (https, "https://e.org/a",               "https://e.org/a"),
            (https, "https://e.org/a b",             ""),
            (https, "http://e.org/a",                ""),
            (https, "https://e.org/?a=1&amp;b=2",    "https://e.org/?a=1&b=2"),
            (https, "https://e.org/\u{202e}gpj",     ""),
            (https, "https://e.org/&#x202e;gpj",     ""),
            (https, "https://e.org/&amp;#8238;gpj",  ""),
            (cover, "http://img3.douban.com/\u{2066}a.jpg", ""),
            (line,  "a\u{202e}b&#8238;c&#xE0041;d&shy;\u{ad}e\u{3164}", "abcde"),
            (pages, "12345678901234567890 页",        ""),
        ] {
            assert_eq!(of(written), shown, "{written:?}");
        }
    }

    #[test]
    fn no_text_is_longer_than_its_bound() {
        let long = "长".repeat(340_000);
        assert_eq!([line(&long), prose(&long)].map(|text| text.chars().count()), [LONGEST; 2]);
        assert_eq!(https(&format!("https://e.org/{long}")), "");
        assert_eq!(price(&format!("{long}1")).chars().count(), LONGEST);
    }

    #[test]
    #[rustfmt::skip]
    fn ratings() {
        let scored = |tenths, count| Rating::Scored { tenths, count };
        for (average, count, found) in [
            (Some(7.4),      None,       scored(74, None)),
            (Some(10.0),     Some(16.0), scored(100, Some(16))),
            (Some(9.9),      Some(-1.0), scored(99, None)),
            (Some(0.0),      None,       Rating::TooFew),
            (None,           Some(4.0),  Rating::TooFew),
            (None,           None,       Rating::Unknown),
            (Some(10.1),     Some(16.0), Rating::Unknown),
            (Some(-1.0),     None,       Rating::Unknown),
            (Some(f64::NAN), None,       Rating::Unknown),
        ] {
            assert_eq!(rating(average, count), found, "{average:?} of {count:?}");
        }
    }
}
