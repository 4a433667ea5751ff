//! Both ways through an independent implementation: PyPI's wechatpy opens our replies, and we
//! open its pushes. Skipped, with a line that says so, where Python or wechatpy is absent;
//! never where `CI` is set. `PYTHON` names the interpreter.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doumibook::wechat::envelope::{self, AesKey, AppId};
use doumibook::wechat::signature::{self, Params, Token};

const APP_ID: &str = "wx2c2769f8efd9abc2";
/// Both a key whose spare bits are zero and ones whose are not.
const KEYS: [&str; 3] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
    "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
];

struct Peer {
    process: Child,
    answers: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Peer {
    fn start() -> Option<Self> {
        let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".into());
        let there = Command::new(&python)
            .args(["-c", "import wechatpy.crypto"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !there {
            assert!(std::env::var_os("CI").is_none(), "wechatpy is needed in CI; set PYTHON");
            println!(
                "SKIPPED: {python} cannot import wechatpy (pip install wechatpy cryptography)"
            );
            return None;
        }
        let mut process = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/wechat_peer.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap()).lines();
        Some(Self { process, answers })
    }

    fn say(&mut self, line: &str) -> String {
        writeln!(self.process.stdin.as_mut().unwrap(), "{line}").unwrap();
        self.answers.next().unwrap().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn envelopes_open_on_the_other_side() {
    let Some(mut peer) = Peer::start() else { return };
    let token = Token::parse("spamtest").unwrap();
    let app_id = AppId::parse(APP_ID).unwrap();
    let (timestamp, nonce) = ("1409735669", "1320562132");
    for (text, key) in KEYS.iter().map(|key| AesKey::parse(key).unwrap()).zip(KEYS) {
        // Every length of padding, 1 to 32.
        for length in 0..33 {
            let clear =
                format!("<xml><Content><![CDATA[{}书]]></Content></xml>", "x".repeat(length));
            let encoded = STANDARD.encode(&clear);
            let push =
                peer.say(&format!("seal spamtest {key} {APP_ID} {timestamp} {nonce} {encoded}"));
            let (signature, encrypt) = push.split_once(' ').unwrap();
            let query = format!("msg_signature={signature}&timestamp={timestamp}&nonce={nonce}");
            let params = Params::read(&query).unwrap();
            let tokens = [token.clone()];
            let signed = signature::verify_message(&tokens, &params, encrypt).unwrap();
            let opened = envelope::open(std::slice::from_ref(&text), &app_id, &signed).unwrap();
            assert_eq!(opened.0, clear.as_bytes());

            let random = *b"0123456789abcdef";
            let reply =
                envelope::seal(&text, &token, &app_id, &clear, random, 1_409_735_670, nonce);
            let reply = STANDARD.encode(reply);
            let back = peer.say(&format!("open spamtest {key} {APP_ID} {reply}"));
            assert_eq!(STANDARD.decode(back).unwrap(), clear.as_bytes());
        }
    }
}
