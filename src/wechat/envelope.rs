//! The encrypted modes: an envelope opened, a reply sealed.
//!
//! In: a [`Signed`] ciphertext, or clear XML with 16 fresh random bytes. Out: the clear bytes, or
//! the XML of a sealed reply. Nothing is decrypted before its signature held,
//! which is what keeps the padding from being an oracle; and all that can be wrong with an
//! envelope is one and the same [`Rejection::Envelope`].
//!
//! Inside: `random(16) || length(4, big endian) || message || AppID`, padded to a multiple of
//! 32 by 1 to 32 bytes that hold their own number; AES-256-CBC, IV = first half of the key.

use std::fmt;

use aes::Aes256;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use super::signature::{self, Params, Rejection, Signed, Token};
use super::xml::{self, Fields, Writer};

/// The unit of the padding; twice the block of AES, so ordinary PKCS#7 code refuses it.
const UNIT: usize = 32;

/// The last of 43 characters has two bits to spare, and in three of four keys they are not
/// zero: a strict decoder refuses those keys.
const KEYS: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The EncodingAESKey of the console, decoded. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct AesKey([u8; 32]);

impl AesKey {
    /// Checks and decodes 43 characters of `A-Za-z0-9`; nothing is trimmed.
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let bytes = fits.then(|| KEYS.decode(format!("{text}=")).ok()).flatten();
        bytes
            .and_then(|bytes| bytes.try_into().ok().map(Self))
            .ok_or("the 43 letters and digits of the console's EncodingAESKey")
    }

    fn halves(&self) -> (&[u8; 32], [u8; 16]) {
        let mut iv = [0; 16];
        iv.iter_mut().zip(self.0).for_each(|(to, from)| *to = from);
        (&self.0, iv)
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(set)")
    }
}

/// The account's AppID, such as `wxba5fad812f8e6fb9`. No secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppId(Box<str>);

impl AppId {
    /// Checks the form: `wx`, then 1 to 62 ASCII letters and digits (16 in practice).
    ///
    /// # Errors
    /// Says what would be right.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("wx").unwrap_or_default();
        let fits =
            (1..=62).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.into()))
            .ok_or("the console's AppID, wx and letters and digits, such as wxba5fad812f8e6fb9")
    }

    /// The whole AppID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text of `<Encrypt>` in the outer document of a push: Base64, not checked yet; `None` when
/// there is none. Of the other fields none is read: in compatible mode they are there in clear, but
/// nobody signed them.
pub fn sealed_text(body: &[u8]) -> Option<String> {
    let text = Fields::read(body).ok()?.word("Encrypt").to_owned();
    Some(text).filter(|text| !text.is_empty())
}

/// Opens a signed envelope with the first key that fits; gives what was in it, XML in a push and in
/// a reply, and the key's index.
///
/// # Errors
/// [`Rejection::Envelope`], whatever was wrong.
pub fn open(
    keys: &[AesKey],
    app_id: &AppId,
    signed: &Signed<'_>,
) -> Result<(Vec<u8>, usize), Rejection> {
    let sealed = STANDARD.decode(signed.encrypt()).map_err(|_| Rejection::Envelope)?;
    if sealed.is_empty() || sealed.len() % UNIT != 0 {
        return Err(Rejection::Envelope);
    }
    let mut opened = keys.iter().map(|key| decrypt(key, app_id, &sealed)).zip(0..);
    opened.find_map(|(clear, index)| Some((clear?, index))).ok_or(Rejection::Envelope)
}

fn decrypt(key: &AesKey, app_id: &AppId, sealed: &[u8]) -> Option<Vec<u8>> {
    let (key, iv) = key.halves();
    let padded = cbc::Decryptor::<Aes256>::new(key.into(), &iv.into())
        .decrypt_padded_vec::<NoPadding>(sealed)
        .ok()?;
    let count = *padded.last()?;
    let (block, padding) = padded.split_at_checked(padded.len().checked_sub(count.into())?)?;
    if !(1..=UNIT).contains(&count.into()) || padding.iter().any(|&byte| byte != count) {
        return None;
    }
    let (_random, rest) = block.split_at_checked(16)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (clear, owner) = rest.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
    signature::same(owner, app_id.0.as_bytes()).then(|| clear.to_vec())
}

/// Encrypts a message: the text of `<Encrypt>`. The random bytes must be fresh each time.
pub fn encrypt(key: &AesKey, app_id: &AppId, clear: &[u8], random: [u8; 16]) -> String {
    let length = u32::try_from(clear.len()).unwrap_or(u32::MAX).to_be_bytes();
    let mut block = [&random, &length[..], clear, app_id.0.as_bytes()].concat();
    let count = UNIT - block.len() % UNIT;
    block.resize(block.len() + count, count as u8);
    let (key, iv) = key.halves();
    let sealed = cbc::Encryptor::<Aes256>::new(key.into(), &iv.into())
        .encrypt_padded_vec::<NoPadding>(&block);
    STANDARD.encode(sealed)
}

/// Seals the XML of a reply. Only XML: a bare `success` and the empty body go out unencrypted,
/// or the reader sees a failure notice. `now` in seconds since 1970; `nonce` is the request's.
pub fn seal(
    key: &AesKey,
    token: &Token,
    app_id: &AppId,
    clear_xml: &str,
    random: [u8; 16],
    now: u64,
    nonce: &str,
) -> String {
    let encrypt = encrypt(key, app_id, clear_xml.as_bytes(), random);
    // Signed as it is written.
    let nonce = xml::clean(nonce);
    let signature = signature::sign(token, &[&now.to_string(), &nonce, &encrypt]);
    Writer::new()
        .text("Encrypt", &encrypt)
        .text("MsgSignature", &signature)
        .number("TimeStamp", now)
        .text("Nonce", &nonce)
        .finish()
}

/// Opens a sealed reply as WeChat does, signature first: for whoever plays WeChat.
///
/// # Errors
/// [`Rejection::Malformed`] for a body that is no such reply; else as
/// [`verify_message`](signature::verify_message) and [`open`].
pub fn open_reply(
    key: &AesKey,
    token: &Token,
    app_id: &AppId,
    body: &[u8],
) -> Result<Vec<u8>, Rejection> {
    let fields = Fields::read(body).map_err(|_| Rejection::Malformed)?;
    let [signature, timestamp, nonce] =
        ["MsgSignature", "TimeStamp", "Nonce"].map(|name| fields.get(name).unwrap_or_default());
    let params = Params::of_reply(signature, timestamp, nonce);
    let tokens = std::slice::from_ref(token);
    let signed = signature::verify_message(tokens, &params, fields.word("Encrypt"))?;
    Ok(open(std::slice::from_ref(key), app_id, &signed)?.0)
}
