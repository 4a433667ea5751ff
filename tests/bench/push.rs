//! One push in process, from bytes to bytes, and its parts: nanoseconds each.
//!
//! `cargo bench --bench push`. The best of several rounds is shown: noise only adds.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doumibook::chat::question::Question;
use doumibook::cli::settings::Settings;
use doumibook::cli::setup;
use doumibook::cli::simulator::LocalClient;
use doumibook::server::framing::{Framing, Step};
use doumibook::server::wire::{Manner, encode};
use doumibook::service::Service;
use doumibook::wechat::push::Push;
use doumibook::wechat::signature::{self, Params, Token};
use doumibook::wechat::xml::Writer;

const READER: &str = "oAbCdEf0123456789_-abcdefghij";

fn main() {
    let token = Token::parse("demo").expect("a good token");
    let (timestamp, nonce) = ("1714037059", "486452656");
    let signature = signature::sign(&token, &[timestamp, nonce]);
    let query =
        format!("signature={signature}&timestamp={timestamp}&nonce={nonce}&openid={READER}");
    let target = format!("/weixin?{query}");
    let body = xml("三体", 7);
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: h\r\nUser-Agent: Mozilla/4.0\r\nAccept: */*\r\n\
         Pragma: no-cache\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let tokens = [token];

    println!("{:<46} {:>9}", "part", "ns");
    time("framing: bytes to request", || {
        assert!(matches!(Framing::default().look(request.as_bytes()), Step::Ready(..)));
    });
    time("signature: query to verified", || {
        let params = Params::read(&query).expect("a good query");
        black_box(signature::verify(&tokens, &params).expect("a good signature"));
    });
    time("push: XML to push", || {
        black_box(Push::parse(body.as_bytes()).expect("a push"));
    });
    time("question: text to question", || {
        black_box(Question::from_text("三体"));
    });

    let service = service();
    let client = LocalClient::new();
    // Once by lookup, so that the rest comes from memory.
    answer(&service, &client, &target, &body);
    let mut number = 100;
    time("whole push: help", || {
        number += 1;
        answer(&service, &client, &target, &xml("?", number));
    });
    time("whole push: remembered books", || {
        number += 1;
        answer(&service, &client, &target, &xml("三体", number));
    });
    time("whole push: delivered again", || answer(&service, &client, &target, &body));
}

fn service() -> Arc<Service> {
    let token = ("DOUMIBOOK_TOKEN".to_owned(), "demo".to_owned());
    let mut settings = Settings::read([token]).expect("good settings");
    settings.sources.push(doumibook::catalogue::book::Source::Shelf);
    let library = setup::library(&settings, None).expect("the built-in shelf");
    setup::service(settings, Arc::new(library))
}

fn answer(service: &Arc<Service>, client: &Arc<LocalClient>, target: &str, body: &str) {
    let response = client.post(service, target, body.as_bytes()).expect("an answer");
    assert_eq!(response.status, 200);
    black_box(encode(&response, Manner { keep_alive: true, ..Manner::default() }));
}

fn xml(content: &str, number: u64) -> String {
    Writer::new()
        .text("ToUserName", "gh_0123456789ab")
        .text("FromUserName", READER)
        .number("CreateTime", 1_700_000_000)
        .text("MsgType", "text")
        .text("Content", content)
        .number("MsgId", number)
        .finish()
}

fn time(part: &str, mut run: impl FnMut()) {
    let mut best = Duration::MAX;
    for _ in 0..20 {
        let began = Instant::now();
        for _ in 0..500 {
            run();
        }
        best = best.min(began.elapsed() / 500);
    }
    println!("{part:<46} {:>9}", best.as_nanos());
}
