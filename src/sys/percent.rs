//! Percent-encoding (RFC 3986): the only home of the crate of that name.
//!
//! In: text, or a part of an address. Out: the one or the other. Nothing fails but what is no
//! encoding, which gives `None`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// RFC 3986, section 2.3: what never needs encoding.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes everything but letters, digits and `-._~`.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Decodes `%XX`; a `+` stays a `+`. `None` when a `%` lacks its two digits or the result is
/// not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
    let complete = |after: &str| {
        after.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(complete) {
        return None;
    }
    Some(percent_decode_str(text).decode_utf8().ok()?.into_owned())
}

/// Decodes what can be decoded and leaves the rest, for text that somebody pasted.
pub fn percent_decode_lossy(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn percent_encoding() {
        for (encoded, text) in [
            ("abc",             Some("abc")),
            ("a%20b%2B+",       Some("a b++")),
            ("%E4%B8%89%e4%bd%93", Some("三体")),
            ("%",               None),
            ("%2",              None),
            ("%zz",             None),
            ("%+1",             None),
            ("%三体",            None),
            ("%FF",             None),
        ] {
            assert_eq!(percent_decode(encoded).as_deref(), text, "{encoded}");
        }
        for text in ["三体", "a&b=c\"<>'%+ #?/", "-._~"] {
            assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
        }
        assert_eq!(percent_encode("详情 2"), "%E8%AF%A6%E6%83%85%202");
    }
}
