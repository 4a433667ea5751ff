//! What leaves for a source of what a reader typed.
//!
//! In: a folded question. Out: letters, digits and the punctuation of titles and names, each sign
//! once in a row; no markup, no quotation mark, no path, nothing that a firewall before a source
//! takes for an attack, and that would have the source refuse everybody. Pure, linear.

/// Characters of a question that are sent; no title is longer.
const LONGEST: usize = 100;

/// Signs within words: `c++`, `c#`, `r&d`, `tcp/ip`, `3.14`, `2:1`, `a-b`.
const WITHIN: [char; 9] = ['+', '#', '&', '/', '.', ':', '-', '_', '·'];

/// Signs between and behind words, with those of Chinese.
const BETWEEN: [char; 14] =
    ['!', '?', '。', '！', '？', '：', '—', '…', '～', '•', '・', '－', '’', '°'];

/// The words as they are sent; `None` when nothing is left that could be searched for.
pub fn clean(words: &str) -> Option<String> {
    let mut clean = String::with_capacity(words.len().min(4 * LONGEST));
    let mut kept = 0;
    for c in words.chars() {
        if kept == LONGEST {
            break;
        }
        let last = clean.chars().next_back().unwrap_or(' ');
        // A mark of a letter (`é` may come as two) stays with it.
        let fits = match c {
            '+' => last.is_alphanumeric() || last == '+',
            c if WITHIN.contains(&c) => last.is_alphanumeric(),
            c if BETWEEN.contains(&c) => last != c,
            c => c.is_alphanumeric() || is_mark(c) && last.is_alphanumeric(),
        };
        match fits {
            true => clean.push(c),
            false if last != ' ' => clean.push(' '),
            false => continue,
        }
        kept += 1;
    }
    clean.truncate(clean.trim_end().len());
    clean.contains(char::is_alphanumeric).then_some(clean)
}

/// Accents that stand behind their letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{3099}' | '\u{309a}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn only_what_titles_and_names_have_is_sent() {
        for (asked, sent) in [
            ("三体",                             "三体"),
            ("三体 刘慈欣",                       "三体 刘慈欣"),
            ("c++ 程序设计",                      "c++ 程序设计"),
            ("c# 入门",                           "c# 入门"),
            ("asp.net r&d tcp/ip 3.14",          "asp.net r&d tcp/ip 3.14"),
            ("加西亚·马尔克斯",                    "加西亚·马尔克斯"),
            ("你好！世界",                         "你好！世界"),
            ("cafe\u{301}",                      "cafe\u{301}"),
            ("<script>alert(1)</script>",        "script alert 1 script"),
            ("<script 三体",                      "script 三体"),
            ("＜img src=x onerror=alert`1`＞",    "img src x onerror alert 1"),
            ("../../etc/passwd",                 "etc/passwd"),
            ("a' or 1=1 -- -",                   "a or 1 1"),
            ("a\" union/**/select",              "a union/ select"),
            ("${jndi:ldap://a/b}",               "jndi:ldap: a/b"),
            ("%3cscript%3e",                     "3cscript 3e"),
            ("a;cat b|c & d",                    "a cat b c d"),
            ("a\u{0}\u{7f}\u{202e}b",            "a b"),
            ("📚三体📚",                           "三体"),
        ] {
            assert_eq!(clean(asked).as_deref(), Some(sent), "{asked}");
        }
        for nothing in ["", "<>", "'\"--", "...", "?!"] {
            assert_eq!(clean(nothing), None, "{nothing}");
        }
        assert_eq!(clean(&"长".repeat(300)).map(|sent| sent.chars().count()), Some(100));
    }
}
