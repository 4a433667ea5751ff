//! Text from outside without what nobody sees.
//!
//! In: text of a source, a reader or another server. Out: the same without characters that are
//! shown as nothing or turn round what stands beside them; one fit for a terminal; an address
//! that hides nothing. Pure, linear, and nothing fails.

/// Bytes of an address; WeChat takes no longer ones.
pub const LONGEST_ADDRESS: usize = 1024;

/// The joiner of emoji (a family is three of them), and what has a sign drawn as one.
const JOINER: char = '\u{200d}';
const AS_EMOJI: char = '\u{fe0f}';
/// A key's frame, as in `1️⃣`.
const KEYCAP: char = '\u{20e3}';

/// Whether a character is shown as nothing, or changes the direction of others. These are
/// Unicode's Default_Ignorable_Code_Point, the marks of interlinear notes, the blank of Braille,
/// what is for private use, and what is no character at all.
pub fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{e000}'..='\u{f8ff}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffc}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..
    ) || c as u32 & 0xfffe == 0xfffe
}

/// Whether a character is drawn as a picture, alone or with [`AS_EMOJI`] behind it.
fn is_emoji(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{3030}'
            | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{24c2}' | '\u{2934}' | '\u{2935}'
            | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{25aa}'..='\u{25fe}'
            | '\u{2600}'..='\u{27bf}' | '\u{2b05}'..='\u{2b55}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// Whether a hidden character belongs to the emoji around it.
fn joins(before: Option<char>, c: char, after: Option<char>) -> bool {
    match (before, c) {
        (Some(before), JOINER) => {
            (is_emoji(before) || before == AS_EMOJI) && after.is_some_and(is_emoji)
        }
        (Some('0'..='9' | '#' | '*'), AS_EMOJI) => after == Some(KEYCAP),
        (Some(before), AS_EMOJI) => is_emoji(before),
        _ => false,
    }
}

/// Text without hidden characters, but for those inside emoji.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let (mut last, mut rest) = (None, text.chars().peekable());
    while let Some(c) = rest.next() {
        if !is_hidden(c) || joins(last, c, rest.peek().copied()) {
            shown.push(c);
            last = Some(c);
        }
    }
    shown
}

/// Text for a terminal: nothing in it moves the cursor, sets a colour or a title, or is hidden.
/// Control characters (ESC, and U+009B, which does the same) become blanks.
pub fn printable(text: &str) -> String {
    let plain = |c: char| if c.is_control() && c != '\n' && c != '\t' { ' ' } else { c };
    visible(text).chars().map(plain).collect()
}

/// Whether this is an address that may be shown: `http:` or `https:`, with a host, of at most
/// [`LONGEST_ADDRESS`] bytes, and nothing in it that no address has or nobody sees.
pub fn is_address(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let odd = |c: char| {
        c.is_whitespace() || c.is_control() || is_hidden(c) || "<>\"`\\^{}＜＞".contains(c)
    };
    !host.is_empty()
        && url.len() <= LONGEST_ADDRESS
        && !url.contains(odd)
        // A character by its number, which some clients decode.
        && !url.contains("&#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_goes_and_emoji_stay() {
        let hidden = [
            '\u{202a}',
            '\u{202e}',
            '\u{2066}',
            '\u{2069}',
            '\u{2060}',
            '\u{2064}',
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{3164}',
            '\u{115f}',
            '\u{1160}',
            '\u{ffa0}',
            '\u{e0001}',
            '\u{e007f}',
            '\u{e0100}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{2800}',
            '\u{206f}',
            '\u{fffe}',
            '\u{1ffff}',
            '\u{e000}',
            '\u{10fffd}',
            '\u{fff9}',
        ];
        for c in hidden {
            assert_eq!(visible(&format!("三{c}体{c}")), "三体", "{c:?}");
            assert!(!is_address(&format!("https://example.org/{c}a")), "{c:?}");
        }
        for emoji in ["👩‍👩‍👧", "❤️‍🔥", "1️⃣", "👍🏽", "🏳️‍🌈", "©️", "⌚️"]
        {
            assert_eq!(visible(emoji), emoji);
        }
        assert_eq!(visible("1\u{fe0f}2 👩\u{200d}三 \u{200d}👩"), "12 👩三 👩");
        assert_eq!(visible("Ⅱ·é ü 한글 ﾊﾛｰ العربية"), "Ⅱ·é ü 한글 ﾊﾛｰ العربية");
    }

    #[test]
    fn nothing_printed_moves_the_cursor() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{7}\u{7f}\u{202e}d\r\ne\tf";
        assert_eq!(printable(hostile), "a [2Jb 31mc  d \ne\tf");
    }

    #[test]
    #[rustfmt::skip]
    fn addresses() {
        for (url, fits) in [
            ("https://example.org/a?b=c&d=%20#e", true), ("http://10.0.0.1:8080/opac/book/1", true),
            ("https://zh.example.org/wiki/三体", true),
            ("https://", false), ("https:///a", false), ("ftp://example.org/", false), ("javascript:a", false),
            ("https://example.org/a b", false), ("https://example.org/\u{9b}", false),
            ("https://example.org/<a", false), ("https://example.org/&#8238;", false), ("", false),
        ] {
            assert_eq!(is_address(url), fits, "{url:?}");
        }
        assert!(is_address(&format!("https://example.org/{}", "a".repeat(1004))));
        assert!(!is_address(&format!("https://example.org/{}", "a".repeat(1005))));
    }
}
