//! The protocol from outside: published vectors, refusals, every kind of push, every limit.

use aes::Aes256;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use doumibook::wechat::credentials::{Credentials, Mode};
use doumibook::wechat::envelope::{encrypt, open, open_reply, seal, sealed_text};
use doumibook::wechat::freshness::Freshness;
use doumibook::wechat::push::{Event::*, Kind::*};
use doumibook::wechat::reply::LONGEST_TEXT;
use doumibook::wechat::signature::{sign, verify, verify_message};
use doumibook::wechat::xml::{Fields, Writer};
use doumibook::wechat::{
    AccountId, AesKey, AppId, Article, Occasion, OpenId, Params, Push, Rejection, Reply, ReplyText,
    Token, link, outside,
};

fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

fn query(query: &str) -> Params {
    Params::read(query).unwrap_or_else(|refusal| panic!("{query}: {refusal}"))
}

// ---- Signatures

#[test]
#[rustfmt::skip]
fn published_signatures() {
    for (case, of, timestamp, nonce, signature) in [
        ("URL check",      "AAAAA",    "1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("plain push",     "AAAAA",    "1714037059", "486452656",  "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
        ("secure push",    "AAAAA",    "1714112445", "415670741",  "6c5c811b55cc85e0e1b54100749188c20beb3f5d"),
        ("SampleCode",     "spamtest", "1409735669", "1320562132", "16120ec1b8dbb870f510d87ce6bc2463eae6ca1a"),
    ] {
        assert_eq!(sign(&token(of), &[timestamp, nonce]), signature, "{case}");
        let sent = format!("nonce={nonce}&openid=o&timestamp={timestamp}&signature={signature}&echostr=4375120948345356249");
        let tokens = [token("other"), token(of)];
        assert_eq!(verify(&tokens, &query(&sent)), Ok(1), "{case}");
        assert_eq!(query(&sent).echostr(), Some("4375120948345356249"));
    }
}

#[test]
fn every_byte_of_a_signature_counts() {
    let signature = sign(&token("AAAAA"), &["1714036504", "1514711492"]);
    for at in 0..signature.len() {
        for other in ['0', 'f', 'F', 'z'].map(String::from) {
            let mut bad = signature.clone();
            bad.replace_range(at..=at, &other);
            let params = query(&format!("signature={bad}&timestamp=1714036504&nonce=1514711492"));
            let seen = verify(&[token("AAAAA")], &params).map(|_| ());
            assert_eq!(
                seen,
                if bad == signature { Ok(()) } else { Err(Rejection::Signature) },
                "{bad}"
            );
        }
        let short =
            query(&format!("signature={}&timestamp=1714036504&nonce=1514711492", &signature[..at]));
        assert!(verify(&[token("AAAAA")], &short).is_err(), "cut after {at}");
    }
}

#[test]
#[rustfmt::skip]
fn queries() {
    let right = "f464b24fc39322e44b38aa78f5edd27bd1441696";
    let long = "1".repeat(257);
    for (case, sent, seen) in [
        ("as it should be",      format!("signature={right}&timestamp=1714036504&nonce=1514711492"), Ok(())),
        ("percent-encoded",      format!("signature={right}&timestamp=17140365%304&nonce=%31514711492"), Ok(())),
        ("others are ignored",   format!("x&=&openid=%zz&x=1&x=2&signature={right}&timestamp=1714036504&nonce=1514711492&"), Ok(())),
        ("upper case",           format!("signature={}&timestamp=1714036504&nonce=1514711492", right.to_uppercase()), Err(Rejection::Signature)),
        ("a plus is no blank",   format!("signature={right}&timestamp=+1714036504&nonce=1514711492"), Err(Rejection::Signature)),
        ("values swapped",       format!("signature={right}&timestamp=1514711492&nonce=1714036505"), Err(Rejection::Signature)),
        ("no signature",         "timestamp=1714036504&nonce=1514711492".into(), Err(Rejection::Malformed)),
        ("empty signature",      "signature=&timestamp=1714036504&nonce=1514711492".into(), Err(Rejection::Malformed)),
        ("no timestamp",         format!("signature={right}&nonce=1514711492"), Err(Rejection::Malformed)),
        ("no nonce",             format!("signature={right}&timestamp=1714036504"), Err(Rejection::Malformed)),
        ("nonce without =",      format!("signature={right}&timestamp=1714036504&nonce"), Err(Rejection::Malformed)),
        ("name encoded",         format!("%73ignature={right}&timestamp=1714036504&nonce=1514711492"), Err(Rejection::Malformed)),
        ("twice the same",       format!("signature={right}&timestamp=1714036504&nonce=1514711492&nonce=1514711492"), Err(Rejection::Malformed)),
        ("twice, once empty",    format!("signature={right}&timestamp=1714036504&nonce=1514711492&nonce="), Err(Rejection::Malformed)),
        ("echostr twice",        format!("signature={right}&timestamp=1714036504&nonce=1514711492&echostr=1&echostr=2"), Err(Rejection::Malformed)),
        ("bad percent",          format!("signature={right}&timestamp=1714036504&nonce=151471149%"), Err(Rejection::Malformed)),
        ("not UTF-8",            format!("signature={right}&timestamp=1714036504&nonce=%ff"), Err(Rejection::Malformed)),
        ("too long",             format!("signature={right}&timestamp=1714036504&nonce={long}"), Err(Rejection::Malformed)),
        ("empty",                String::new(), Err(Rejection::Malformed)),
    ] {
        let verified = Params::read(&sent).and_then(|params| verify(&[token("AAAAA")], &params));
        assert_eq!(verified.map(|_| ()), seen, "{case}: {sent}");
        let nobody = Params::read(&sent).and_then(|params| verify(&[], &params));
        assert!(nobody.is_err(), "without a token nothing is verified: {case}");
    }
    for (sent, encrypted) in [("encrypt_type=aes", true), ("encrypt_type=raw", false), ("", false)] {
        assert_eq!(query(sent).is_encrypted(), encrypted, "{sent}");
    }
}

#[test]
#[rustfmt::skip]
fn secrets_as_operators_set_them() {
    for (text, fits) in [
        ("abc", true), ("demo", true), (&"a1".repeat(16), true),
        ("ab", false), ("", false), (&"a".repeat(33), false),
        ("a b", false), ("a-b-c", false), ("豆米书", false), (" demo", false),
    ] {
        assert_eq!(Token::parse(text).is_ok(), fits, "{text:?}");
    }
    for (text, fits) in [
        ("A".repeat(43), true), ("z9".repeat(21) + "B", true),
        ("A".repeat(42), false), ("A".repeat(44), false), ("A".repeat(42) + "=", false),
        ("A".repeat(42) + "+", false), ("A".repeat(40) + "书", false),
    ] {
        assert_eq!(AesKey::parse(&text).is_ok(), fits, "{text:?}");
    }
    for (text, fits) in [
        ("wxba5fad812f8e6fb9", true), ("wx", false), ("gh_97417a04a28d", false), ("wx a", false), ("", false),
    ] {
        assert_eq!(AppId::parse(text).is_ok(), fits, "{text:?}");
    }
    let shown = format!("{:?} {:?}", token("s3cret"), AesKey::parse(KEY_A).unwrap());
    assert_eq!(shown, "Token(set) AesKey(set)");
    assert_eq!(Token::parse("ab").unwrap_err().to_string(), "3 to 32 letters and digits (A-Z, a-z, 0-9)");
}

// ---- Envelopes

const KEY_A: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const KEY_SAMPLE: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const PUSH_A: &str = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
const CLEAR_A: &str = r#"{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}"#;
const QUERY_A: &str = "timestamp=1714112445&nonce=415670741&encrypt_type=aes&msg_signature=046e02f8204d34f8ba5fa3b1db94908f3df2e9b3";
const PUSH_SAMPLE: &str = "hyzAe4OzmOMbd6TvGdIOO6uBmdJoD0Fk53REIHvxYtJlE2B655HuD0m8KUePWB3+LrPXo87wzQ1QLvbeUgmBM4x6F8PGHQHFVAFmOD2LdJF9FrXpbUAh0B5GIItb52sn896wVsMSHGuPE328HnRGBcrS7C41IzDWyWNlZkyyXwon8T332jisa+h6tEDYsVticbSnyU8dKOIbgU6ux5VTjg3yt+WGzjlpKn6NPhRjpA912xMezR4kw6KWwMrCVKSVCZciVGCgavjIQ6X8tCOp3yZbGpy0VxpAe+77TszTfRd5RJSVO/HTnifJpXgCSUdUue1v6h0EIBYYI1BD1DlD+C0CR8e6OewpusjZ4uBl9FyJvnhvQl+q5rv1ixrcpCumEPo5MJSgM9ehVsNPfUM669WuMyVWQLCzpu9GhglF2PE=";

fn key(text: &str) -> AesKey {
    AesKey::parse(text).unwrap()
}

fn app(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

/// Signs as whoever knows the token could, and opens.
fn open_signed(encrypt: &str) -> Result<Vec<u8>, Rejection> {
    let signature = sign(&token("AAAAA"), &["1", "2", encrypt]);
    let params = query(&format!("timestamp=1&nonce=2&msg_signature={signature}"));
    let tokens = [token("AAAAA")];
    let signed = verify_message(&tokens, &params, encrypt)?;
    Ok(open(&[key(KEY_A)], &app("wxba5fad812f8e6fb9"), &signed)?.0)
}

#[test]
fn published_pushes_open() {
    let tokens = [token("newer"), token("AAAAA")];
    let signed = verify_message(&tokens, &query(QUERY_A), PUSH_A).unwrap();
    assert_eq!((signed.token(), signed.encrypt()), (1, PUSH_A));
    let keys = [key(KEY_SAMPLE), key(KEY_A)];
    let opened = open(&keys, &app("wxba5fad812f8e6fb9"), &signed).unwrap();
    assert_eq!(opened, (CLEAR_A.as_bytes().to_vec(), 1));
    let random = *b"a8eedb185eb2fecf";
    assert_eq!(
        encrypt(&key(KEY_A), &app("wxba5fad812f8e6fb9"), CLEAR_A.as_bytes(), random),
        PUSH_A
    );

    let body = format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<Encrypt> <![CDATA[{PUSH_SAMPLE}]]></Encrypt></xml>"
    );
    let sealed = sealed_text(body.as_bytes()).unwrap();
    assert_eq!(sealed, PUSH_SAMPLE);
    let sent = "timestamp=1409735669&nonce=1320562132&msg_signature=5d197aaffba7e9b25a30732f161a50dee96bd5fa";
    let tokens = [token("spamtest")];
    let signed = verify_message(&tokens, &query(sent), &sealed).unwrap();
    let opened = open(&[key(KEY_SAMPLE)], &app("wx2c2769f8efd9abc2"), &signed).unwrap();
    let push = Push::parse(&opened.0).unwrap();
    assert_eq!(push.from.as_str(), "oyORnuP8q7ou2gfYjqLzSIWZf0rs");
    assert_eq!(push.kind, text("abcdteT"));
    assert!(format!("{:?}", push.id).contains("oyORnuP8q7ou2gfYjqLzSIWZf0rs|6054768590064713728"));

    let plain = b"<xml><ToUserName>gh_1</ToUserName></xml>";
    assert_eq!(sealed_text(plain), None, "a plain push is no envelope");
}

#[test]
#[rustfmt::skip]
fn published_replies_seal() {
    for (app_id, random, clear, encrypt, signature) in [
        ("wxba5fad812f8e6fb9", b"707722b803182950", r#"{"demo_resp":"good luck"}"#,
         "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==",
         "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"),
        ("wx134c8103faa5a59e", b"999951349e8ee746", "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>",
         "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdIZcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7",
         "03e0812039325c2712ef5f0f980fd14c70d6e307"),
    ] {
        let sealed = seal(&key(KEY_A), &token("AAAAA"), &app(app_id), clear, *random, 1713424427, "415670741");
        assert_eq!(sealed, format!(
            "<xml><Encrypt><![CDATA[{encrypt}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>\
             <TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>"
        ));
        let opened = open_reply(&key(KEY_A), &token("AAAAA"), &app(app_id), sealed.as_bytes());
        assert_eq!(opened, Ok(clear.into()));
        assert_eq!(open_reply(&key(KEY_A), &token("other"), &app(app_id), sealed.as_bytes()), Err(Rejection::Signature));
        assert_eq!(open_reply(&key(KEY_A), &token("AAAAA"), &app("wxother"), sealed.as_bytes()), Err(Rejection::Envelope));
        assert_eq!(open_reply(&key(KEY_A), &token("AAAAA"), &app(app_id), b"success"), Err(Rejection::Malformed));
    }
}

#[test]
fn sealed_replies_of_any_length_and_nonce_open() {
    let (aes, token, app_id) = (key(KEY_SAMPLE), token("AAAAA"), app("wxba5fad812f8e6fb9"));
    for length in 0..70 {
        let clear = "x".repeat(length);
        for nonce in ["415670741", "a]]>b", "\u{1}\r\n<&"] {
            let sealed = seal(&aes, &token, &app_id, &clear, [length as u8; 16], 1, nonce);
            let opened = open_reply(&aes, &token, &app_id, sealed.as_bytes());
            assert_eq!(opened.as_deref(), Ok(clear.as_bytes()), "{length} {nonce:?}");
        }
    }
}

#[test]
fn every_byte_of_a_signed_envelope_counts() {
    for at in 0..PUSH_A.len() {
        let mut bad = PUSH_A.to_owned();
        bad.replace_range(at..=at, if &PUSH_A[at..=at] == "A" { "B" } else { "A" });
        let tokens = [token("AAAAA")];
        let seen = verify_message(&tokens, &query(QUERY_A), &bad).map(|_| ());
        assert_eq!(seen, Err(Rejection::Signature), "byte {at} of the ciphertext");
        // Behind a right signature the content may change, but nothing panics, and nothing but
        // one kind of refusal comes out.
        if let Err(refusal) = open_signed(&bad) {
            assert_eq!(refusal, Rejection::Envelope, "byte {at}, signed");
        }
        assert_eq!(open_signed(&PUSH_A[..at]).err(), Some(Rejection::Envelope), "cut after {at}");
    }
    let signature = QUERY_A.len() - 40;
    for at in signature..QUERY_A.len() {
        let mut bad = QUERY_A.to_owned();
        bad.replace_range(at..=at, if &QUERY_A[at..=at] == "0" { "1" } else { "0" });
        let tokens = [token("AAAAA")];
        let seen = verify_message(&tokens, &query(&bad), PUSH_A).map(|_| ());
        assert_eq!(seen, Err(Rejection::Signature), "byte {at} of the query");
    }
}

/// Encrypts a block as it stands, right or wrong, under the key of 43 `A`.
fn encrypt_block(block: &[u8]) -> String {
    let sealed = cbc::Encryptor::<Aes256>::new(&[0; 32].into(), &[0; 16].into())
        .encrypt_padded_vec::<NoPadding>(block);
    BASE64_STANDARD.encode(sealed)
}

/// `random || length || message || AppID || padding`, with the ranges of its parts.
fn block(message: &[u8], app_id: &str, padding: usize) -> Vec<u8> {
    let length = (message.len() as u32).to_be_bytes();
    let mut block = [&[7; 16], &length[..], message, app_id.as_bytes()].concat();
    block.resize(block.len() + padding, padding as u8);
    block
}

#[test]
fn every_byte_inside_an_envelope_counts() {
    // 16 + 4 + 7 + 18 + 19 = 64: padding of 19 is what 16-byte PKCS#7 would refuse.
    let good = block(b"message", "wxba5fad812f8e6fb9", 19);
    assert_eq!(open_signed(&encrypt_block(&good)), Ok(b"message".to_vec()));
    for at in (16..20).chain(27..64) {
        for change in [1, 2, 0x10, 0x20, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= change;
            let seen = open_signed(&encrypt_block(&bad));
            assert_eq!(seen, Err(Rejection::Envelope), "byte {at} changed by {change:#x}");
        }
    }
}

#[test]
#[rustfmt::skip]
fn envelopes_that_are_wrong_as_a_whole() {
    let own = "wxba5fad812f8e6fb9";
    for (case, encrypt, seen) in [
        ("a full unit of padding",   encrypt_block(&block(&[b'x'; 26], own, 32)), Ok(vec![b'x'; 26])),
        ("empty message",            encrypt_block(&block(b"", own, 26)),         Ok(vec![])),
        ("no padding",               encrypt_block(&block(&[b'x'; 26], own, 0)),  Err(Rejection::Envelope)),
        ("two units of padding",     encrypt_block(&block(&[b'x'; 26], own, 64)), Err(Rejection::Envelope)),
        ("padded to 16 only",        encrypt_block(&block(&[b'x'; 32], own, 10)), Err(Rejection::Envelope)),
        ("padding of 0",             encrypt_block(&[0; 64]),                     Err(Rejection::Envelope)),
        ("nothing but padding",      encrypt_block(&[32; 32]),                    Err(Rejection::Envelope)),
        ("padding beyond the block", encrypt_block(&[33; 32]),                    Err(Rejection::Envelope)),
        ("no AppID",                 encrypt_block(&block(b"", "", 12)),          Err(Rejection::Envelope)),
        ("another AppID",            encrypt_block(&block(b"", "wxba5fad812f8e6fb8", 26)), Err(Rejection::Envelope)),
        ("a longer AppID",           encrypt_block(&block(b"", "wxba5fad812f8e6fb9a", 25)), Err(Rejection::Envelope)),
        ("nothing",                  String::new(),                               Err(Rejection::Envelope)),
        ("one AES block",            BASE64_STANDARD.encode([1; 16]),             Err(Rejection::Envelope)),
        ("odd length",               BASE64_STANDARD.encode([1; 65]),             Err(Rejection::Envelope)),
        ("no base64",                "!!!!".into(),                               Err(Rejection::Envelope)),
        ("with a line break",        format!("{}\n", encrypt_block(&block(b"", own, 26))), Err(Rejection::Envelope)),
    ] {
        assert_eq!(open_signed(&encrypt), seen, "{case}");
    }
}

// ---- Pushes

fn text(content: &str) -> doumibook::wechat::Kind {
    Text(content.into())
}

fn body(rest: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\n\
         <FromUserName><![CDATA[oAbCdEf0123456789_-abcdefghij]]></FromUserName>\n\
         <CreateTime>1700000000</CreateTime>\n{rest}</xml>"
    )
}

/// Elements of a message (with a MsgId) or, with `event/NAME` as type, of an event.
fn push(kind: &str, fields: &str) -> String {
    match kind.split_once('/') {
        Some((kind, event)) => body(&format!(
            "<MsgType><![CDATA[{kind}]]></MsgType><Event><![CDATA[{event}]]></Event>{fields}"
        )),
        None => body(&format!(
            "<MsgType><![CDATA[{kind}]]></MsgType>{fields}<MsgId>24300000000000001</MsgId>"
        )),
    }
}

#[rustfmt::skip]
fn every_kind() -> Vec<(&'static str, &'static str, doumibook::wechat::Kind)> {
    let s = String::from;
    let silent = |name: &str| Event(Silent(name.into()));
    let none = "<EventKey><![CDATA[]]></EventKey>";
    vec![
        ("text", "<Content><![CDATA[9787302378396]]></Content>", text("9787302378396")),
        ("text", "<Content><![CDATA[ 三体 \n]]></Content><MsgDataId>1</MsgDataId><Idx>1</Idx>", text(" 三体 \n")),
        ("text", "<Content><![CDATA[]]></Content>", text("")),
        ("text", "<Content><![CDATA[三体]]> <![CDATA[刘慈欣]]></Content>", text("三体 刘慈欣")),
        ("text", "", text("")),
        ("text", "<Content><![CDATA[下一页]]></Content><bizmsgmenuid><![CDATA[1]]></bizmsgmenuid>", text("下一页")),
        ("text", "<Content><![CDATA[<a href=\"x\"><!DOCTYPE y>]]></Content>", text("<a href=\"x\"><!DOCTYPE y>")),
        ("text", "<Content><![CDATA[【收到不支持的消息类型，暂无法显示】]]></Content>", Unsupported),
        ("text", "<Content><![CDATA[【收到不支援的訊息類型，無法顯示】]]></Content>", Unsupported),
        ("text", "<Content><![CDATA[[Unsupported Message]]]></Content>", Unsupported),
        ("text", "<Content><![CDATA[[Unsupported message]]]></Content>", Unsupported),
        ("image", "<PicUrl>http://mmbiz.qpic.cn/1</PicUrl><MediaId>m1</MediaId>", Image("http://mmbiz.qpic.cn/1".into())),
        ("voice", "<MediaId>m2</MediaId><Format>amr</Format><MediaId16K>m3</MediaId16K><Recognition></Recognition>", Voice(None)),
        ("voice", "<MediaId>m2</MediaId><Format>amr</Format><Recognition><![CDATA[ 三体。]]></Recognition>", Voice(Some(s("三体。")))),
        ("video", "<MediaId>m4</MediaId><ThumbMediaId>t4</ThumbMediaId>", Video),
        ("shortvideo", "<MediaId>m4</MediaId><ThumbMediaId>t4</ThumbMediaId>", Video),
        ("location", "<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label>广州</Label>", Location),
        ("LOCATION", "<Location_X>23.134521</Location_X>", Location),
        ("link", "<Title>t</Title><Description>d</Description><Url> https://book.example/1?a=1&amp;b=2</Url>",
            Link { title: s("t"), description: s("d"), url: s("https://book.example/1?a=1&b=2") }),
        ("file", "<Title>a.zip</Title><Description></Description><FileKey>k</FileKey><FileMd5>m</FileMd5><FileTotalLen>222</FileTotalLen>", File),
        ("miniprogrampage", "<Title>豆瓣</Title><AppId>wx1</AppId><PagePath>p</PagePath><ThumbUrl>u</ThumbUrl>", MiniProgram),
        ("Hologram\n<6>x", "", Other(s("hologram6x"))),
        ("event/subscribe", "", Event(Subscribe)),
        ("event/subscribe", none, Event(Subscribe)),
        ("event/subscribe", "<EventKey><![CDATA[qrscene_42]]></EventKey><Ticket><![CDATA[TK]]></Ticket>", Event(Subscribe)),
        ("event/subscribe", "<EventKey><![CDATA[last_trade_no_1]]></EventKey>", Event(Subscribe)),
        ("event/unsubscribe", none, Event(Unsubscribe)),
        ("event/SCAN", "<EventKey><![CDATA[42]]></EventKey><Ticket><![CDATA[TK]]></Ticket>", Event(Scan(s("42")))),
        ("event/scan", "<EventKey>42</EventKey>", Event(Scan(s("42")))),
        ("event/LOCATION", "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.385040</Precision>", silent("location")),
        ("event/CLICK", "<EventKey><![CDATA[HELP]]></EventKey>", Event(Click(s("HELP")))),
        ("event/VIEW", "<EventKey><![CDATA[https://a.example/]]></EventKey><MenuId>4</MenuId>", silent("view")),
        ("event/view_miniprogram", "<EventKey><![CDATA[pages/index/index]]></EventKey><MenuId>4</MenuId>", silent("view_miniprogram")),
        ("event/scancode_waitmsg", "<EventKey><![CDATA[SCAN_BOOK]]></EventKey><ScanCodeInfo><ScanType><![CDATA[barcode]]></ScanType><ScanResult><![CDATA[EAN_13,9787302378396]]></ScanResult></ScanCodeInfo>",
            Event(ScanCode(s("9787302378396")))),
        ("event/scancode_push", "<EventKey>SCAN_BOOK</EventKey><ScanCodeInfo>\n<ScanType>qrcode</ScanType>\n<ScanResult>https://a.example/,1</ScanResult></ScanCodeInfo>",
            Event(ScanCode(s("https://a.example/,1")))),
        ("event/scancode_push", "<ScanCodeInfo><ScanResult>6911316223400</ScanResult><ScanType>barcode</ScanType></ScanCodeInfo><EventKey>SCAN_BOOK</EventKey>",
            Event(ScanCode(s("6911316223400")))),
        ("event/scancode_push", "<EventKey>SCAN_BOOK</EventKey>", Event(ScanCode(s("")))),
        ("event/pic_sysphoto", "<EventKey>P</EventKey><SendPicsInfo><Count>0</Count></SendPicsInfo>", silent("pic_sysphoto")),
        ("event/pic_photo_or_album", "<EventKey>P</EventKey><SendPicsInfo><Count>0</Count></SendPicsInfo>", silent("pic_photo_or_album")),
        ("event/pic_weixin", "<EventKey><![CDATA[P]]></EventKey><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum><![CDATA[5a75aaca956d97be686719218f275c6b]]></PicMd5Sum></item></PicList></SendPicsInfo>", silent("pic_weixin")),
        ("event/location_select", "<EventKey><![CDATA[L]]></EventKey><SendLocationInfo><Location_X><![CDATA[23]]></Location_X><Label><![CDATA[x]]></Label></SendLocationInfo>", silent("location_select")),
        ("event/user_authorization_cancellation", "<OpenID><![CDATA[oOther]]></OpenID><AppID>wx1</AppID>", Event(DataDeletion(OpenId::parse("oOther").unwrap()))),
        ("event/user_authorization_revoke", "<OpenID><![CDATA[oOther]]></OpenID><RevokeInfo>1</RevokeInfo>", Event(DataDeletion(OpenId::parse("oOther").unwrap()))),
        ("event/user_info_modified", "", Event(DataDeletion(OpenId::parse("oAbCdEf0123456789_-abcdefghij").unwrap()))),
        ("event/TEMPLATESENDJOBFINISH", "<MsgID>200163836</MsgID><Status><![CDATA[success]]></Status>", silent("templatesendjobfinish")),
        ("event/MASSSENDJOBFINISH", "<MsgID>1988</MsgID><Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount>", silent("masssendjobfinish")),
        ("event/PUBLISHJOBFINISH", "<PublishEventInfo><publish_id>1</publish_id></PublishEventInfo>", silent("publishjobfinish")),
        ("event/subscribe_msg_popup_event", "<SubscribeMsgPopupEvent><List><TemplateId>a</TemplateId></List><List><TemplateId>b</TemplateId></List></SubscribeMsgPopupEvent>", silent("subscribe_msg_popup_event")),
        ("event/kf_create_session", "<KfAccount>a@b</KfAccount>", silent("kf_create_session")),
        ("event/qualification_verify_success", "<ExpiredTime>1</ExpiredTime>", silent("qualification_verify_success")),
        ("event/card_pass_check", "<CardId>1</CardId>", silent("card_pass_check")),
        ("event/WifiConnected", "<ConnectTime>0</ConnectTime>", silent("wificonnected")),
        ("event/debug_demo", "<debug_str>hello world</debug_str>", silent("debug_demo")),
        ("event/ENTER", none, silent("enter")),
    ]
}

#[test]
fn every_message_and_event() {
    for (kind, fields, seen) in every_kind() {
        let sent = push(kind, fields);
        let push = Push::parse(sent.as_bytes()).unwrap_or_else(|why| panic!("{sent}: {why}"));
        assert_eq!(push.kind, seen, "{sent}");
        assert_eq!(push.from.as_str(), "oAbCdEf0123456789_-abcdefghij");
        assert_eq!(push.from.to_string(), "oAbCdEf0…", "as logs show it");
        assert_eq!((push.to.as_str(), push.created), ("gh_0123456789ab", 1_700_000_000));
        let event = kind.starts_with("event/");
        let occasion = if event { Occasion::Event } else { Occasion::Message };
        assert_eq!(push.occasion(), occasion, "{sent}");
    }
}

#[test]
fn a_push_cut_short_anywhere_is_refused() {
    for (kind, fields, _) in every_kind() {
        let sent = push(kind, fields);
        for end in 0..sent.len() {
            let cut = Push::parse(&sent.as_bytes()[..end]);
            assert!(cut.is_err(), "{kind} cut after {end} bytes");
        }
    }
}

#[test]
fn a_push_with_any_byte_changed_never_panics() {
    let sent = push("text", "<Content><![CDATA[三体&<]]></Content>");
    for at in 0..sent.len() {
        for byte in [0, b'<', b'&', b'>', b']', 0xff] {
            let mut bad = sent.clone().into_bytes();
            bad[at] = byte;
            let _ = Push::parse(&bad);
        }
    }
}

#[test]
#[rustfmt::skip]
fn identities() {
    let text = |from: &str, id: &str| push("text", &format!("<Content>{id}</Content>"))
        .replace("oAbCdEf", from).replace("24300000000000001", id);
    let scan = |code: &str| push("event/scancode_waitmsg", &format!("<EventKey>S</EventKey><ScanCodeInfo><ScanResult>{code}</ScanResult></ScanCodeInfo>"));
    let click = |key: &str| push("event/CLICK", &format!("<EventKey>{key}</EventKey>"));
    let long = "k".repeat(60_000);
    for (case, one, other, same) in [
        ("a message again",         text("oA", "1"),  text("oA", "1"),  true),
        ("another message",         text("oA", "1"),  text("oA", "2"),  false),
        ("MsgId of another reader", text("oA", "1"),  text("oB", "1"),  false),
        ("retried with other text", text("oA", "1"),  text("oA", "1").replace("<Content>1", "<Content>2"), true),
        ("no MsgId",                text("oA", ""),   text("oA", "").replace("<Content>", "<Content>2"), false),
        ("an odd MsgId",            text("oA", "x|"), text("oA", "y|"), false),
        ("an event again",          click("A"),       click("A"),       true),
        ("another key",             click("A"),       click("B"),       false),
        ("another second",          click("A"),       click("A").replace("1700000000", "1700000001"), false),
        ("another event",           click("A"),       push("event/SCAN", "<EventKey>A</EventKey>"), false),
        ("a scan again",            scan("1"),        scan("1"),        true),
        ("another code",            scan("1"),        scan("2"),        false),
        ("a message and an event",  text("oA", "1"),  click("1"),       false),
        ("a key of any length",     click(&long),     click(&long),     true),
    ] {
        let id = |sent: &str| Push::parse(sent.as_bytes()).unwrap().id;
        assert_eq!(id(&one) == id(&other), same, "{case}");
        assert!(format!("{:?}", id(&one)).len() < 300, "{case}: compact");
    }
}

#[test]
#[rustfmt::skip]
fn xml_as_it_may_come() {
    let id = "<MsgId>1</MsgId>";
    let to = "<ToUserName><![CDATA[gh_1]]></ToUserName>";
    let from = "<FromUserName><![CDATA[oA]]></FromUserName>";
    let time = "<CreateTime>1700000000</CreateTime>";
    let kind = "<MsgType><![CDATA[text]]></MsgType>";
    let content = "<Content><![CDATA[三体]]></Content>";
    for (case, sent) in [
        ("one line",            format!("<xml>{to}{from}{time}{kind}{content}{id}</xml>")),
        ("any order",           format!("<xml>{content}{id}{kind}{time}{from}{to}</xml>")),
        ("without CDATA",       "<xml><ToUserName>gh_1</ToUserName><FromUserName>oA</FromUserName><CreateTime>1700000000</CreateTime><MsgType>text</MsgType><Content>三体</Content><MsgId>1</MsgId></xml>".into()),
        ("entities",            format!("<xml>{to}{from}{time}{kind}<Content>&#19977;&#x4f53;</Content>{id}</xml>")),
        ("numbers in CDATA",    format!("<xml>{to}{from}<CreateTime><![CDATA[1700000000]]></CreateTime>{kind}{content}<MsgId><![CDATA[1]]></MsgId></xml>")),
        ("blanks in fields",    format!("<xml>{to}<FromUserName>\n  <![CDATA[oA]]>\n</FromUserName><CreateTime> 1700000000 </CreateTime><MsgType>\ttext </MsgType>{content}<MsgId> 1\n</MsgId></xml>")),
        ("split CDATA",         format!("<xml>{to}{from}{time}{kind}<Content><![CDATA[三]]><![CDATA[体]]></Content>{id}</xml>")),
        ("text between",        format!("<xml>x{to} y {from}\n{time}{kind}{content}{id}z</xml>")),
        ("declaration",         format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><xml>{to}{from}{time}{kind}{content}{id}</xml>")),
        ("blank before it",     format!("\r\n <?xml version=\"1.0\"?>\n<xml>{to}{from}{time}{kind}{content}{id}</xml>\n")),
        ("byte order mark",     format!("\u{feff}<xml>{to}{from}{time}{kind}{content}{id}</xml>")),
        ("a wrong encoding",    format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><xml>{to}{from}{time}{kind}{content}{id}</xml>")),
        ("control characters",  format!("<xml>{to}{from}{time}{kind}<Content><![CDATA[三\u{1d}\u{0}\u{b}体\u{ffff}\u{fffe}]]></Content>{id}</xml>")),
        ("one by its number",   format!("<xml>{to}{from}{time}{kind}<Content>三&#29;体&#xffff;</Content>{id}</xml>")),
        ("unknown fields",      format!("<xml><New a=\"b\"><Content>no</Content></New>{to}{from}{time}{kind}{content}<Idx/>{id}</xml>")),
        ("duplicates: first",   format!("<xml>{to}{from}{time}{kind}{content}{id}<Content>no</Content><FromUserName>oB</FromUserName></xml>")),
        ("an unknown encoding", format!("<?xml version=\"1.0\" encoding=\"x-odd\"?><xml>{to}{from}{time}{kind}{content}{id}</xml>")),
        ("comments",            format!("<!-- a --><xml><!-- b -->{to}{from}{time}{kind}<Content><!-- c --><![CDATA[三体]]></Content>{id}</xml>")),
        ("type in upper case",  format!("<xml>{to}{from}{time}<MsgType>TEXT</MsgType>{content}{id}</xml>")),
    ] {
        let push = Push::parse(sent.as_bytes()).unwrap_or_else(|why| panic!("{case}: {why}"));
        assert_eq!((&push.kind, push.from.as_str(), push.created), (&text("三体"), "oA", 1_700_000_000), "{case}");
    }
    let odd = [b"<xml>", to.as_bytes(), from.as_bytes(), time.as_bytes(), kind.as_bytes(),
        b"<Content><![CDATA[\xe4\xb8\x89\xff\xc0\xe4\xbd\x93\xe4\xb8]]></Content></xml>"].concat();
    assert_eq!(Push::parse(&odd).unwrap().kind, text("三体"), "invalid UTF-8 is dropped");
}

#[test]
#[rustfmt::skip]
fn xml_that_is_refused() {
    let fine = push("text", "<Content>x</Content>");
    let nested = |n| format!("<xml>{}{}</xml>", "<a>".repeat(n), "</a>".repeat(n));
    for (case, sent, why) in [
        ("empty",            String::new(), "the body is not well-formed XML"),
        ("JSON",             "{}".into(), "the body is not well-formed XML"),
        ("another root",     fine.replace("xml>", "html>"), "the outermost element is not <xml>"),
        ("two roots",        format!("{fine}{fine}"), "the body is not well-formed XML"),
        ("junk at the end",  format!("{fine}x"), "the body is not well-formed XML"),
        ("not closed",       fine.replace("</Content>", ""), "the body is not well-formed XML"),
        ("DOCTYPE",          format!("<!DOCTYPE xml>{fine}"), "the body declares a document type"),
        ("entities",         format!("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>{fine}"), "the body declares a document type"),
        ("hidden DOCTYPE",   format!("<!DOC\u{1}TYPE xml>{fine}"), "the body declares a document type"),
        ("just deep enough", nested(7), "<ToUserName> is missing or malformed"),
        ("too deep",         nested(8), "the body is nested deeper than 8 elements"),
        ("far too deep",     "<xml>".repeat(12_000), "the body is nested deeper than 8 elements"),
        ("many fields",      format!("<xml>{}</xml>", "<a/>".repeat(256)), "<ToUserName> is missing or malformed"),
        ("too many fields",  format!("<xml>{}</xml>", "<a/>".repeat(257)), "the body has more than 256 elements"),
        ("an envelope",      "<xml><ToUserName>gh_1</ToUserName><Encrypt>x</Encrypt></xml>".into(), "<FromUserName> is missing or malformed"),
        ("no receiver",      fine.replace("gh_0123456789ab", ""), "<ToUserName> is missing or malformed"),
        ("long receiver",    fine.replace("gh_", &"g".repeat(60)), "<ToUserName> is missing or malformed"),
        ("odd sender",       fine.replace("oAb", "o\nb"), "<FromUserName> is missing or malformed"),
        ("long sender",      fine.replace("oAb", &"o".repeat(110)), "<FromUserName> is missing or malformed"),
        ("no type",          fine.replace("<![CDATA[text]]>", ""), "<MsgType> is missing or malformed"),
    ] {
        assert_eq!(Push::parse(sent.as_bytes()).map(|p| p.kind), Err(why.to_owned()), "{case}");
    }
}

// ---- Replies

fn xml_of(reply: &Reply) -> String {
    let (to, from) =
        (OpenId::parse("OPENID").unwrap(), AccountId::parse("gh_0123456789ab").unwrap());
    reply.to_xml(&to, &from, 1_700_000_001).unwrap_or_default()
}

/// As it stands, as if it were written in the program.
fn ours(text: &str) -> ReplyText {
    ReplyText::operators(text)
}

fn article(title: &str) -> Article {
    let (picture, url) = ("https://i.example/1.jpg".into(), "https://b.example/1".into());
    Article { title: ours(title), description: "D".into(), picture, url }
}

/// The text of a text reply, as WeChat reads it; empty for `success`.
fn content_of(reply: &Reply) -> String {
    let xml = xml_of(reply);
    let fields = Fields::read(if xml.is_empty() { b"<xml/>" } else { xml.as_bytes() });
    fields.unwrap().get("Content").unwrap_or_default().to_owned()
}

#[test]
fn replies_as_in_the_samples() {
    let head = "<xml><ToUserName><![CDATA[OPENID]]></ToUserName>\
        <FromUserName><![CDATA[gh_0123456789ab]]></FromUserName><CreateTime>1700000001</CreateTime>";
    assert_eq!(
        xml_of(&Reply::news(vec![article("T")], Occasion::Message)),
        format!(
            "{head}<MsgType><![CDATA[news]]></MsgType><ArticleCount>1</ArticleCount><Articles><item>\
             <Title><![CDATA[T]]></Title><Description><![CDATA[D]]></Description>\
             <PicUrl><![CDATA[https://i.example/1.jpg]]></PicUrl>\
             <Url><![CDATA[https://b.example/1]]></Url></item></Articles></xml>"
        )
    );
    assert_eq!(
        xml_of(&Reply::text("你好\r\n<再见>")),
        format!(
            "{head}<MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[你好\n<再见>]]></Content></xml>"
        )
    );
    assert_eq!(xml_of(&Reply::success()), "");
}

#[test]
fn as_many_articles_as_are_delivered() {
    for (given, answers, delivered) in [
        (1, Occasion::Message, 1),
        (3, Occasion::Message, 1),
        (3, Occasion::Event, 3),
        (8, Occasion::Event, 8),
        (9, Occasion::Event, 8),
    ] {
        let xml = xml_of(&Reply::news(vec![article("T"); given], answers));
        assert_eq!(xml.matches("<item>").count(), delivered, "{given} {answers:?}");
        assert!(xml.contains(&format!("<ArticleCount>{delivered}<")), "{given} {answers:?}");
    }
    assert_eq!(Reply::news(vec![], Occasion::Event), Reply::success());
}

#[test]
fn cards_fit_what_wechat_takes() {
    let long = outside(&"长".repeat(340_000));
    let url = format!("https://e.org/{}", "a".repeat(2_000));
    let card = Article {
        title: long.clone(),
        description: long.clone(),
        picture: "https://e.org/\u{202e}gpj".into(),
        url,
    };
    let reply = Reply::news(vec![card; 8], Occasion::Message).led_by(&long);
    let xml = xml_of(&reply);
    assert!(xml.len() < 3_000, "{} bytes", xml.len());
    assert!(xml.contains("<PicUrl><![CDATA[]]></PicUrl><Url><![CDATA[]]></Url>"), "{xml}");
    assert!(xml_of(&Reply::text(long)).len() < 2_500);
}

#[test]
#[rustfmt::skip]
fn texts_fit_the_limit() {
    let x = |n: usize| "x".repeat(n);
    let tap = link("下一页", "下一页").as_str().to_owned();
    let n = tap.len();
    for (case, given, sent) in [
        ("just fits",              x(2048), x(2048)),
        ("one too many",           x(2049), x(2048)),
        ("between characters",     "书".repeat(700), "书".repeat(682)),
        ("link fits",              x(2048 - n) + &tap, x(2048 - n) + &tap),
        ("link fits, more behind", x(2048 - n) + &tap + "x", x(2048 - n) + &tap),
        ("last byte of the link",  x(2049 - n) + &tap, x(2049 - n)),
        ("middle of the link",     x(2000) + &tap + "x", x(2000)),
        ("first byte of the link", x(2047) + &tap, x(2047)),
        ("link just beyond",       x(2048) + &tap, x(2048)),
        ("link far beyond",        x(2100) + &tap, x(2048)),
        ("second of two links",    tap.clone() + &x(2000 - n) + &tap, tap.clone() + &x(2000 - n)),
        ("no link, only a <",      x(2040) + "<a b c d e f", x(2040) + "<a b c d"),
        ("empty",                  x(0), x(0)),
        ("blank",                  " \r\n\u{1}".into(), x(0)),
    ] {
        let reply = Reply::text(ours(&given));
        assert_eq!(content_of(&reply), sent, "{case}");
        assert!(content_of(&reply).len() <= LONGEST_TEXT);
        assert_eq!(reply == Reply::success(), sent.is_empty(), "{case}: an empty text is no reply");
    }
    for start in 0..=2048 {
        let sent = content_of(&Reply::text(ours(&(x(start) + &tap + &tap))));
        assert_eq!(sent.matches("<a ").count(), sent.matches("</a>").count(), "links from {start} on");
    }
}

#[test]
fn links_and_text_from_outside() {
    assert_eq!(
        link(outside("更多<a>"), "详情 2&\"'>").as_str(),
        "<a href=\"weixin://bizmsgmenu?msgmenucontent=%E8%AF%A6%E6%83%85%202%26%22%27%3E&msgmenuid=1\">\
         更多＜a></a>"
    );
    for (given, safe) in [
        ("Q&A, AT&T; R&D", "Q&A, AT＆T; R&D"),
        ("a && b", "a && b"),
        ("&", "&"),
        ("&;", "&;"),
        ("1 < 2", "1 ＜ 2"),
        ("<a href='x'>y</a>", "＜a href='x'>y＜/a>"),
        ("&lt;a&gt; &#60;a", "＆lt;a＆gt; ＆#60;a"),
        ("&#60 a &lt a", "＆#60 a ＆lt a"),
        ("＜a href=x＞", "＜a href=x＞"),
        ("﹤a﹥", "＜a﹥"),
        ("&am\u{200b}p; <\u{202e}b", "＆amp; ＜b"),
        (
            "见 https://evil.example/ 和 weixin:\u{200d}//a",
            "见 https: //evil.example/ 和 weixin: //a",
        ),
        ("三体", "三体"),
    ] {
        assert_eq!(outside(given).as_str(), safe);
    }
}

/// In every position, text from outside stays text: it reads back as what was meant, and no
/// element comes of it.
#[test]
#[rustfmt::skip]
fn no_text_breaks_out() {
    for (given, read) in [
        ("]]>",                          "]] >"),
        ("a]]></Title><Title>b",         "a]] ></Title><Title>b"),
        ("]\u{1}]\u{0}>",                "]] >"),
        ("]]]]>>",                       "]]]] >>"),
        ("]]><![CDATA[",                 "]] ><![CDATA["),
        ("x]]",                          "x]]"),
        ("x]",                           "x]"),
        ("<a>&amp;&lt;",                 "<a>&amp;&lt;"),
        ("\u{7}\u{8}\u{b}\u{1f}\u{7f}\u{85}\u{ffff}\u{fffe}a", "a"),
        ("a\r\nb\rc\n",                  "a\nb\nc\n"),
        ("\t三体🚀",                      "\t三体🚀"),
    ] {
        assert_eq!(content_of(&Reply::text(ours(given))), read, "{given:?} in a text");
        let card = Article { title: ours(given), description: ours(given), picture: given.into(), url: given.into() };
        let xml = xml_of(&Reply::news(vec![card], Occasion::Message));
        let fields = Fields::read(xml.as_bytes()).unwrap();
        for (name, read) in [("Title", read), ("Description", read), ("PicUrl", ""), ("Url", "")] {
            assert_eq!(fields.get(&format!("Articles/item/{name}")), Some(read), "{given:?} in {name}");
        }
        assert_eq!(fields.get("Articles/item").map(str::trim), Some(""), "{given:?}: nothing beside the elements");
        let written = Writer::new().text("A", given).number("B", 7).finish();
        let fields = Fields::read(written.as_bytes()).unwrap();
        assert_eq!((fields.get("A"), fields.word("B")), (Some(read), "7"), "{given:?}");
    }
}

/// While token or key are being changed, the console still has the old ones, in any mixture.
#[test]
fn a_reply_opens_with_what_sealed_its_push() {
    let tokens = ["new", "old"].map(|text| Token::parse(text).unwrap());
    let keys = ["B", "A"].map(|letter| AesKey::parse(&letter.repeat(43)).unwrap());
    let app_id = AppId::parse("wxba5fad812f8e6fb9").unwrap();
    let account = Credentials {
        tokens: tokens.to_vec(),
        keys: keys.to_vec(),
        app_id: Some(app_id.clone()),
        mode: Mode::Secure,
        freshness: Freshness::default(),
    };
    let push = "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName>\
                <CreateTime>1</CreateTime><MsgType>text</MsgType><Content>?</Content></xml>";
    for token in &tokens {
        for key in &keys {
            let sealed = encrypt(key, &app_id, push.as_bytes(), [7; 16]);
            let query = format!(
                "timestamp=1&nonce=2&encrypt_type=aes&signature={}&msg_signature={}",
                sign(token, &["1", "2"]),
                sign(token, &["1", "2", &sealed])
            );
            let body = format!("<xml><Encrypt>{sealed}</Encrypt></xml>");
            let letter = account.open(&query, body.as_bytes()).unwrap();
            assert_eq!(letter.old, *token != tokens[0] || *key != keys[0]);
            let reply = account.seal(&letter, &Reply::text("yes"), 1, || [8; 16]).unwrap();
            let clear = open_reply(key, token, &app_id, reply.as_bytes()).unwrap();
            assert!(String::from_utf8(clear).unwrap().contains("yes"));
        }
    }
}
