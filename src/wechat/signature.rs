//! Decides whether a request comes from WeChat.
//!
//! Given the account's tokens and a request's query, [`verify`] says whose it is, and
//! [`verify_message`] over an encrypted body gives a [`Signed`]; or a [`Rejection`]. There is no
//! other way to get a `Signed`, so code that holds one does not check again.
//!
//! The same input always gives the same answer. A wrong signature takes as long to refuse as
//! an almost right one, and no refusal carries the signature that was expected. Age and
//! repetition are not looked at here: redeliveries are legitimate, and the host's clock may be
//! wrong; see [`freshness`](super::freshness).

use std::fmt;

use sha1_smol::Sha1;
use subtle::ConstantTimeEq;

use crate::sys::percent;

/// Bytes in a decoded parameter; real ones have at most 40.
const LONGEST: usize = 256;

/// The secret that WeChat and we share: 3 to 32 ASCII letters and digits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Checks what the operator set, which must be what the console has: nothing is trimmed.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits =
            (3..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.into())).ok_or("3 to 32 letters and digits (A-Z, a-z, 0-9)")
    }

    /// Whether who has seen one signature could find it by trying: 16 letters and digits have 95
    /// bits.
    pub fn is_short(&self) -> bool {
        self.0.len() < 16
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(set)")
    }
}

/// Why a request is not served. Whoever sent it sees one and the same answer for all of them;
/// `Display` is for the operator's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A parameter is missing, doubled, too long or badly encoded.
    Malformed,
    /// No token of ours gives this signature.
    Signature,
    /// The signature is right, but was made long before that of another request.
    Old,
    /// The signature is right, but the envelope does not open with our keys and AppID.
    Envelope,
    /// The signature is right, but the push came without the envelope that is asked for.
    Clear,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the query is not one that WeChat sends",
            Self::Signature => "the signature does not fit the token",
            Self::Old => {
                "the signed query is more than ten minutes older than the newest one; if all are, \
                 one was signed by a clock that is ahead (ask --url): restart"
            }
            Self::Envelope => {
                "the envelope does not open; set DOUMIBOOK_AES_KEY and DOUMIBOOK_APP_ID to what the \
                 console shows"
            }
            Self::Clear => {
                "the console sends its pushes in clear; choose secure mode (安全模式) there, or set \
                 DOUMIBOOK_MODE"
            }
        })
    }
}

/// The parameters that count; others are ignored.
const NAMES: [&str; 6] =
    ["signature", "timestamp", "nonce", "echostr", "encrypt_type", "msg_signature"];

/// What a request's query says, by name. Not printed: in plain mode, whoever has seen one
/// signature with its timestamp and nonce can sign whatever they like.
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// Reads a raw query string, without its `?`. Values are percent-decoded, names are not;
    /// `+` stands for itself, since WeChat's own values have neither blanks nor `+`. One of our
    /// parameters given twice, badly encoded or over 256 bytes refuses the whole query.
    pub fn read(query: &str) -> Result<Self, Rejection> {
        let mut params = Vec::with_capacity(NAMES.len());
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(name) = NAMES.into_iter().find(|known| *known == name) else { continue };
            let value = percent::percent_decode(value).filter(|value| value.len() <= LONGEST);
            if params.iter().any(|(given, _)| *given == name) {
                return Err(Rejection::Malformed);
            }
            params.push((name, value.ok_or(Rejection::Malformed)?));
        }
        Ok(Self(params))
    }

    /// What a sealed reply says of itself; the same three values as in a push's query.
    pub(super) fn of_reply(signature: &str, timestamp: &str, nonce: &str) -> Self {
        let given = [("msg_signature", signature), ("timestamp", timestamp), ("nonce", nonce)];
        Self(given.map(|(name, value)| (name, value.to_owned())).into())
    }

    /// A parameter that is neither absent nor empty.
    fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(given, _)| *given == name)?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// What the URL check of the console wants back, byte for byte; `None` on a push.
    pub fn echostr(&self) -> Option<&str> {
        self.get("echostr")
    }

    /// The request's timestamp; empty when absent.
    pub fn timestamp(&self) -> &str {
        self.get("timestamp").unwrap_or_default()
    }

    /// The request's nonce, to be used again in a sealed reply; empty when absent.
    pub fn nonce(&self) -> &str {
        self.get("nonce").unwrap_or_default()
    }

    /// Whether the query says that the body is an envelope. A plain push has no `encrypt_type`,
    /// or `raw`.
    pub fn is_encrypted(&self) -> bool {
        self.get("encrypt_type") == Some("aes")
    }
}

/// Proof that this ciphertext was signed with one of our tokens; the only thing that
/// [`open`](super::envelope::open) opens.
#[derive(Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    encrypt: &'a str,
    token: usize,
}

impl<'a> Signed<'a> {
    /// The signed text of `<Encrypt>`.
    pub fn encrypt(&self) -> &'a str {
        self.encrypt
    }

    /// Which of the tokens it was: its index in the slice given to [`verify_message`].
    pub fn token(&self) -> usize {
        self.token
    }
}

/// The signature of `token` and `parts` (timestamp and nonce; of an envelope the ciphertext,
/// too): SHA-1 over all of them sorted as bytes and joined, in lower hex.
pub fn sign(token: &Token, parts: &[&str]) -> String {
    let mut sorted: Vec<&str> = parts.iter().copied().chain([&*token.0]).collect();
    sorted.sort_unstable();
    Sha1::from(sorted.concat()).digest().to_string()
}

/// Checks `signature` over timestamp and nonce; gives the index of the token that signed. In plain
/// mode that says nothing about the body: the signature does not cover it.
///
/// # Errors
/// [`Rejection::Malformed`] when one of the three is missing, else [`Rejection::Signature`].
pub fn verify(tokens: &[Token], params: &Params) -> Result<usize, Rejection> {
    signer(tokens, params, "signature", None)
}

/// Checks `msg_signature` over timestamp, nonce and the text of `<Encrypt>`.
///
/// # Errors
/// As [`verify`].
pub fn verify_message<'a>(
    tokens: &[Token],
    params: &Params,
    encrypt: &'a str,
) -> Result<Signed<'a>, Rejection> {
    let token = signer(tokens, params, "msg_signature", Some(encrypt))?;
    Ok(Signed { encrypt, token })
}

/// Whether two values are equal, in a time that does not tell where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// The first token that gives the signature of this name. All are tried in any case, so that
/// the time taken does not tell which one it was.
fn signer(
    tokens: &[Token],
    params: &Params,
    signature: &str,
    encrypt: Option<&str>,
) -> Result<usize, Rejection> {
    let get = |name| params.get(name).ok_or(Rejection::Malformed);
    let signature = get(signature)?;
    let parts: Vec<&str> = [get("timestamp")?, get("nonce")?].into_iter().chain(encrypt).collect();
    let mut found = None;
    for (index, token) in tokens.iter().enumerate() {
        if same(sign(token, &parts).as_bytes(), signature.as_bytes()) {
            found = found.or(Some(index));
        }
    }
    found.ok_or(Rejection::Signature)
}
