//! What sources write, made fit to be shown.
//!
//! In: one field of a record as a source gave it. Out: plain text on one line, or nothing when
//! the field holds no information. Pure, never fails, and knows no source by name; what the
//! rules answer to was counted in real records.

use crate::text;

/// Characters of a summary that a card shows.
const SUMMARY: usize = 120;

/// A sentence that ends from here on is a better end than the middle of the next one.
const SENTENCE: usize = 80;

/// One line: entities decoded (titles hold `&quot;`), blanks of all kinds collapsed, and the
/// private-use characters gone that Word leaves behind (U+F06C …).
pub fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let invisible = |c: &char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let mut blank = false;
    for c in entities(text).chars().filter(|c| !invisible(c)) {
        if c.is_whitespace() || c.is_control() {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) && !line.is_empty() {
            line.push(' ');
        }
        line.push(c);
    }
    line
}

/// A summary: tags stripped when it is a piece of HTML, on one line, about 120
/// characters long and ending with a sentence where one ends nearby.
pub fn summary(text: &str) -> String {
    // Real v2 summaries are plain text, in which `<T>` is no tag.
    let html = text.contains("</") || text.contains("<br");
    let line = if html { line(&without_tags(text)) } else { line(text) };
    let Some((end, _)) = line.char_indices().nth(SUMMARY) else { return line };
    let head = line.get(..end).unwrap_or_default();
    let closing = |c: char| matches!(c, '”' | '’' | '」' | '』' | '）');
    let sentence = head
        .char_indices()
        .skip(SENTENCE)
        .filter(|(_, c)| matches!(c, '。' | '！' | '？' | '…' | '；'))
        .map(|(at, c)| at + c.len_utf8())
        .last();
    match sentence {
        Some(end) => {
            let rest = line.get(end..).unwrap_or_default();
            let quote = rest.chars().next().filter(|&c| closing(c)).map_or(0, char::len_utf8);
            line.get(..end + quote).unwrap_or_default().trim_end_matches('；').to_owned()
        }
        None => text::shorten(&line, SUMMARY),
    }
}

/// HTML entities decoded once: the named ones that occur in book data, and all numbers.
fn entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        // The longest name here has 6 letters, the longest number 7 digits and an x.
        let named = after.split_once(';').filter(|(name, _)| name.len() <= 9);
        let decoded = named.and_then(|(name, behind)| Some((entity(name)?, behind)));
        let (c, behind) = decoded.unwrap_or(('&', after));
        plain.push(c);
        rest = behind;
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "middot" => '·',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            return char::from_u32(code.ok()?);
        }
    })
}

/// HTML without its tags: those that begin a line leave a blank, the others nothing; what is
/// inside `style` and `script` goes too (the pages' summaries begin with a style sheet).
fn without_tags(html: &str) -> String {
    let mut plain = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let is_tag = after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        let Some((tag, behind)) = after.split_once('>').filter(|_| is_tag) else {
            plain.push('<');
            rest = after;
            continue;
        };
        rest = behind;
        let name: String =
            tag.chars().skip_while(|&c| c == '/').take_while(char::is_ascii_alphabetic).collect();
        match name.to_ascii_lowercase().as_str() {
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

/// The people of one record.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Who wrote, edited or drew it.
    pub authors: Vec<String>,
    /// Who is marked as a translator (`译`) among the others.
    pub translators: Vec<String>,
}

/// The people in a record's two lists of names. One element may hold several, with their
/// roles: `臧海群,张晨阳`; `Ulmer, Wendy/ Knorr, Laura (ILT)`; `[美]A，B  著，C  译`. A
/// nationality mark without a name (`[美]`) is no one.
pub fn people(authors: &[&str], translators: &[&str]) -> People {
    let mut people = People::default();
    authors.iter().for_each(|element| people.add(element, false));
    translators.iter().for_each(|element| people.add(element, true));
    people
}

impl People {
    fn add(&mut self, element: &str, translators: bool) {
        let names = several(&line(element));
        // A role stands behind the last of those who have it.
        let mut waiting = Vec::new();
        for name in &names {
            let (name, translates) = role(name);
            waiting.push(name);
            if let Some(translates) = translates {
                self.take(&mut waiting, translates || translators);
            }
        }
        self.take(&mut waiting, translators);
    }

    fn take(&mut self, names: &mut Vec<&str>, translators: bool) {
        let list = if translators { &mut self.translators } else { &mut self.authors };
        for name in names.drain(..) {
            if !without_nationality(name).is_empty() && !list.iter().any(|known| known == name) {
                list.push(name.to_owned());
            }
        }
    }
}

/// Splits at slashes and Chinese commas; at an ASCII comma only beside a Chinese character,
/// because `Ulmer, Wendy` is one person.
fn several(text: &str) -> Vec<String> {
    let chinese = |c: char| ('\u{3400}'..='\u{9fff}').contains(&c);
    let mut names = vec![String::new()];
    let mut chars = text.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        let splits = match c {
            '/' | '／' | '、' | '；' | ';' | '，' => true,
            ',' => chinese(before) || chars.peek().is_some_and(|&after| chinese(after)),
            _ => false,
        };
        match names.last_mut() {
            Some(name) if !splits => name.push(c),
            _ => names.push(String::new()),
        }
        before = c;
    }
    names.iter().map(|name| name.trim().to_owned()).collect()
}

/// Takes a role off the end of a name: `Some(true)` for a translator. It must stand apart,
/// because 著 and 编 also end names.
fn role(name: &str) -> (&str, Option<bool>) {
    let apart = |c: char| c.is_whitespace() || matches!(c, '(' | '（' | '[' | '【');
    let bare = name.trim_end_matches([')', '）', ']', '】']);
    let Some((at, gap)) = bare.char_indices().rev().find(|&(_, c)| apart(c)) else {
        return (name, None);
    };
    let word = bare.get(at + gap.len_utf8()..).unwrap_or_default();
    let translates = match word.strip_prefix('等').unwrap_or(word) {
        "译" | "翻译" | "译者" => true,
        "著" | "编" | "编著" | "主编" | "作者" | "绘" | "编绘" => false,
        "" if !word.is_empty() => false,
        _ => return (name, None),
    };
    (bare.get(..at).unwrap_or_default().trim_end(), Some(translates))
}

/// A name without a mark such as `[美]`, `（法）` or `［日］` in front.
fn without_nationality(name: &str) -> &str {
    if !name.starts_with(['[', '(', '（', '［', '【', '〔']) {
        return name;
    }
    name.split_once([']', ')', '）', '］', '】', '〕']).map_or(name, |(_, name)| name.trim())
}

/// A number of pages out of `350`, `350 页`, `460页`; `0` and what has no digits are unknown.
pub fn pages(text: &str) -> String {
    let from = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    let digits = text.get(from..).unwrap_or_default();
    let to = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..to).unwrap_or_default().trim_start_matches('0').to_owned()
}

/// A price as it is written, unless it is nought (`0.00`), which stands for unknown.
pub fn price(text: &str) -> String {
    let digits = || text.chars().filter(char::is_ascii_digit);
    let nought = digits().next().is_some() && digits().all(|d| d == '0');
    if nought { String::new() } else { line(text) }
}

/// A picture's `https:` address; empty for anything else. Douban's picture hosts, which older
/// records name with `http:`, speak TLS; of others that is not known.
pub fn cover(url: &str) -> String {
    let url = url.trim();
    if url.starts_with("https://") {
        return url.to_owned();
    }
    let Some(rest) = url.strip_prefix("http://") else { return String::new() };
    let host = rest.split('/').next().unwrap_or_default();
    let known = [".doubanio.com", ".douban.com"].iter().any(|domain| host.ends_with(domain));
    if known { format!("https://{rest}") } else { String::new() }
}

/// A rating of 0 to 10, in tenths; `None` for what is no such number.
pub fn tenths(average: f64) -> Option<u8> {
    (0.0..=10.0).contains(&average).then(|| (average * 10.0).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn summaries() {
        let long = "这本书从头讲起，".repeat(20);
        for (case, written, shown) in [
            ("plain text keeps what looks like a tag", "vector<int> 与 a<b".into(), "vector<int> 与 a<b".into()),
            ("paragraphs",    "<p>一。</p>\n<p>　　二。</p>".into(),                  "一。 二。".to_owned()),
            ("tags in a word", "<b>三</b>体<br/>黑暗<a href='x>y'>".into(),            "三体 黑暗y'>".to_owned()),
            ("style sheets",  "<style type=\"text/css\">.intro p{}</style><p>一</p>".into(), "一".to_owned()),
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
            (&["甲 译，乙 著"],                           &[],           &["乙"],                              &["甲"]),
            (&["甲、乙 等编著", "丙 等", "丁（著）"],      &[],           &["甲", "乙", "丙", "丁"],       &[]),
            (&["[日] 东野圭吾", "（法）雨果"],              &["刘姿君"],    &["[日] 东野圭吾", "（法）雨果"],       &["刘姿君"]),
            (&["[美]", "（法）", "", " / "],              &["[美]"],     &[],                                  &[]),
            (&["王编", "李著"],                           &["丙 译", "丙"], &["王编", "李著"],                   &["丙"]),
            (&["甲", "甲"],                              &["乙 著"],     &["甲"],                              &["乙"]),
            (&["加西亚·马尔克斯"],                         &[],           &["加西亚·马尔克斯"],                  &[]),
        ] {
            let People { authors: a, translators: t } = people(authors, translators);
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
            (cover, "http://evil.example/.douban.com", ""),
            (cover, "/view/cover?cover=x",           ""),
            (cover, "http://",                       ""),
        ] {
            assert_eq!(of(written), shown, "{written:?}");
        }
        for (average, found) in [(7.4, Some(74)), (0.0, Some(0)), (10.0, Some(100)), (10.1, None), (-1.0, None), (f64::NAN, None)] {
            assert_eq!(tenths(average), found, "{average}");
        }
    }
}
