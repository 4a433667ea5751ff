//! Keys that must not be seen.
//!
//! In: what the operator set. Out: the text, only to the code that sends it. There is no
//! `Display`, and `Debug` shows only that something is there, so a secret that ends up in a
//! log line or an error by mistake stays unread.

use std::fmt;

/// A key or password; never empty.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The secret, without blanks around it; `None` when nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        Some(text.trim()).filter(|t| !t.is_empty()).map(|t| Self(t.to_owned()))
    }

    /// The text itself, for the request that needs it and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("set")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new(" 0df993c6 \n").unwrap();
        assert_eq!(secret.expose(), "0df993c6");
        assert_eq!(format!("{secret:?}"), "set");
        assert!(Secret::new(" ").is_none());
    }
}
