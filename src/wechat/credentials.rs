//! The account: what it takes for a push to be ours, and how a reply goes back.
//!
//! In: a query and a body, or a reply. Out: a [`VerifiedPush`], or one refusal; the reply's XML. Pure:
//! clock and random bytes are passed in. Nothing of a body is interpreted before the query's
//! signature is verified; of an envelope nothing is believed before it is opened, and whatever
//! is wrong with it looks the same from outside.

use crate::wechat::envelope::{self, AesKey, AppId};
use crate::wechat::freshness::Freshness;
use crate::wechat::push::Push;
use crate::wechat::reply::Reply;
use crate::wechat::signature::{self, Params, Rejection, Token};

/// What the account expects of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// 明文: nothing more than a signed query.
    Plain,
    /// 兼容: envelopes are opened, clear pushes are taken too.
    Compatible,
    /// 安全: only envelopes.
    Secure,
}

/// The account's secrets: those in force first, older ones after them.
pub struct Credentials {
    /// At least one.
    pub tokens: Vec<Token>,
    /// Empty when only plain mode is set up.
    pub keys: Vec<AesKey>,
    /// There whenever there is a key.
    pub app_id: Option<AppId>,
    /// The least that is accepted.
    pub mode: Mode,
    /// Which queries are too old to be served where nothing but them is signed.
    pub freshness: Freshness,
}

/// A push that is ours, with what is needed to answer it, now or later.
#[derive(Clone)]
pub struct VerifiedPush {
    /// What it says.
    pub push: Push,
    /// There when the push came in an envelope.
    sealed: Option<Sealed>,
    /// An older token or key was used.
    pub old: bool,
}

/// What it takes to seal the reply so that whoever sealed the push can open it: while token or
/// key are being changed, that may be the older one.
#[derive(Clone)]
struct Sealed {
    nonce: String,
    token: usize,
    key: usize,
}

/// Why a request is no push of ours.
#[derive(Debug, PartialEq, Eq)]
pub enum OpenError {
    /// It does not come from WeChat, or not in the form that is asked for.
    Stranger(Rejection),
    /// It does, but it is no push.
    NotAPush(String),
    /// It does, but it is sealed, and there is no key.
    NoKey,
}

impl From<Rejection> for OpenError {
    fn from(refusal: Rejection) -> Self {
        Self::Stranger(refusal)
    }
}

impl Credentials {
    /// The console's check of the URL: what is to be sent back byte for byte, and whether an
    /// older token was used.
    pub fn check_url(&self, query: &str) -> Result<(Vec<u8>, bool), Rejection> {
        let params = Params::read(query)?;
        let token = signature::verify(&self.tokens, &params)?;
        if self.mode != Mode::Secure {
            self.freshness.check(params.timestamp(), params.nonce())?;
        }
        let echostr = params.echostr().ok_or(Rejection::Malformed)?;
        Ok((echostr.as_bytes().to_vec(), token > 0))
    }

    /// Verifies, opens, parses.
    pub fn open(&self, query: &str, body: &[u8]) -> Result<VerifiedPush, OpenError> {
        let params = Params::read(query)?;
        let old_token = signature::verify(&self.tokens, &params)? > 0;
        let envelope = params.is_encrypted();
        let read = |clear: &[u8]| match Push::parse(clear) {
            Err(_) if envelope && self.keys.is_empty() => Err(OpenError::NoKey),
            parsed => parsed.map_err(OpenError::NotAPush),
        };
        let Some(app_id) = self.app_id.as_ref().filter(|_| envelope) else {
            if self.mode == Mode::Secure {
                return Err(Rejection::Clear.into());
            }
            self.freshness.check(params.timestamp(), params.nonce())?;
            return Ok(VerifiedPush { push: read(body)?, sealed: None, old: old_token });
        };
        let text = envelope::sealed_text(body).ok_or(Rejection::Envelope)?;
        let signed = signature::verify_message(&self.tokens, &params, &text)?;
        let (clear, key) = envelope::open(&self.keys, app_id, &signed)?;
        let push = read(&clear)?;
        let sealed = Sealed { nonce: params.nonce().to_owned(), token: signed.token(), key };
        let old = old_token || sealed.token > 0 || sealed.key > 0;
        Ok(VerifiedPush { push, sealed: Some(sealed), old })
    }

    /// The XML of a reply: sealed when the push was, with fresh `random` bytes; `now` in seconds
    /// since 1970. `None` when the answer is a bare `success`, which is never sealed.
    pub fn seal(
        &self,
        letter: &VerifiedPush,
        reply: &Reply,
        now: u64,
        random: fn() -> [u8; 16],
    ) -> Option<String> {
        let xml = reply.to_xml(&letter.push.from, &letter.push.to, now)?;
        let Some(Sealed { nonce, token, key }) = &letter.sealed else { return Some(xml) };
        let secrets = (self.keys.get(*key), self.tokens.get(*token), &self.app_id);
        // They were there when the push was opened.
        let (Some(key), Some(token), Some(app_id)) = secrets else { return None };
        Some(envelope::seal(key, token, app_id, &xml, random(), now, nonce))
    }
}
