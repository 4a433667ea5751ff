//! What every kind of message and event is answered with: XML in, the whole reply out.
//!
//! One more kind is one more row. The service runs in this process, on the built-in shelf and
//! with a clock that stands still.

use std::sync::Arc;

use doumibook::catalogue::book::Source;
use doumibook::catalogue::photo::fetch::Unread;
use doumibook::chat::phrases;
use doumibook::cli::settings::Settings;
use doumibook::cli::setup;
use doumibook::cli::simulator::LocalClient;
use doumibook::service::Service;
use doumibook::wechat::signature::{self, Token};

const NOW: u64 = 1_700_000_001;

fn service() -> Arc<Service> {
    let token = ("DOUMIBOOK_TOKEN".to_owned(), "AAAAA".to_owned());
    let mut settings = Settings::read([token]).unwrap();
    settings.sources.push(Source::Shelf);
    let library = setup::library(&settings, None).unwrap();
    let mut service = setup::service(settings, Arc::new(library));
    Arc::get_mut(&mut service).unwrap().world.clock = || NOW;
    service
}

fn ask(service: &Arc<Service>, inside: &str) -> String {
    let token = Token::parse("AAAAA").unwrap();
    let signature = signature::sign(&token, &["1714037059", "486452656"]);
    let target = format!("/weixin?signature={signature}&timestamp=1714037059&nonce=486452656");
    let body = format!(
        "<xml><ToUserName>gh_0123456789ab</ToUserName><FromUserName>oReader</FromUserName>\
         <CreateTime>1700000000</CreateTime>{inside}</xml>"
    );
    let response = LocalClient::new().post(service, &target, body.as_bytes()).unwrap();
    assert_eq!(response.status, 200, "{inside}");
    String::from_utf8(response.body.into_owned()).unwrap()
}

fn text(content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[oReader]]></ToUserName>\
         <FromUserName><![CDATA[gh_0123456789ab]]></FromUserName>\
         <CreateTime>{NOW}</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{content}]]></Content></xml>"
    )
}

/// One card, as the built-in shelf knows its book, found by its number.
fn card() -> String {
    let title = "%E4%B9%A6%E5%90%8D%20Spring%202.0%E6%A0%B8%E5%BF%83%E6%8A%80%E6%9C%AF%E4%B8%8E\
                 %E6%9C%80%E4%BD%B3%E5%AE%9E%E8%B7%B5";
    card_with(&format!("{}  ", tap("其他版本", title)))
}

/// The same card, with this before the link to its author.
fn card_with(way: &str) -> String {
    let author = tap("同一作者", "%E4%BD%9C%E8%80%85%20%E5%BB%96%E9%9B%AA%E5%B3%B0");
    let page = "<a href=\"https://book.douban.com/isbn/9787121042621/\">豆瓣</a>";
    text(&format!(
        "《Spring 2.0核心技术与最佳实践》\n作者：廖雪峰\n出版社：电子工业出版社\n出版年：2007\n\
         ISBN：9787121042621\n来源：馆藏\n\n{way}{author}  {page}"
    ))
}

/// A link that sends something.
fn tap(label: &str, sends: &str) -> String {
    format!("<a href=\"weixin://bizmsgmenu?msgmenucontent={sends}&msgmenuid=1\">{label}</a>")
}

fn event(name: &str, inside: &str) -> String {
    format!("<MsgType>event</MsgType><Event>{name}</Event>{inside}")
}

fn scan(kind: &str, result: &str) -> String {
    let inside = format!(
        "<EventKey>SCAN_BOOK</EventKey><ScanCodeInfo><ScanType>{kind}</ScanType>\
         <ScanResult>{result}</ScanResult></ScanCodeInfo>"
    );
    event("scancode_waitmsg", &inside)
}

fn message(kind: &str, inside: &str) -> String {
    format!("<MsgType>{kind}</MsgType>{inside}<MsgId>1</MsgId>")
}

#[test]
#[rustfmt::skip]
fn what_each_kind_is_answered_with() {
    let help = text(phrases::help());
    let welcome = text(phrases::welcome("豆米查书").as_str());
    let isbn = "9787121042621";
    for (case, sent, answered) in [
        ("text: help",            message("text", "<Content>?</Content>"), help.clone()),
        ("text: ISBN",            message("text", &format!("<Content>{isbn}</Content>")), card()),
        ("text: title",           message("text", "<Content>Spring 2.0</Content>"), card_with("")),
        ("text: ISBN and price",  message("text", &format!("<Content>ISBN {isbn} 定价：59.80元</Content>")), card()),
        ("text: other address",   message("text", "<Content>https://a.example/x</Content>"), text(phrases::LINK)),
        ("text: Douban number",   message("text", "<Content>book.douban.com/subject/1084336/</Content>"), text(phrases::LINK)),
        ("text: face",            message("text", "<Content>[微笑]</Content>"), text(phrases::NOTHING)),
        ("text: book address",    message("text", &format!("<Content>https://book.douban.com/isbn/{isbn}/</Content>")), card()),
        ("text: empty",           message("text", "<Content></Content>"), text(phrases::NOTHING)),
        ("text: sticker",         message("text", "<Content>【收到不支持的消息类型，暂无法显示】</Content>"), text(phrases::UNSUPPORTED)),
        ("text: sticker, hant",   message("text", "<Content>【收到不支援的訊息類型，無法顯示】</Content>"), text(phrases::UNSUPPORTED)),
        ("text: sticker, en",     message("text", "<Content>[Unsupported Message]</Content>"), text(phrases::UNSUPPORTED)),
        ("text: sticker, en 2",   message("text", "<Content>[Unsupported message]</Content>"), text(phrases::UNSUPPORTED)),
        ("image elsewhere",       message("image", "<PicUrl>http://a</PicUrl><MediaId>m</MediaId>"), text(phrases::unread(Unread::Unfetched))),
        ("image, no address",     message("image", "<MediaId>m</MediaId>"), text(phrases::unread(Unread::Unfetched))),
        ("voice, understood",     message("voice", &format!("<MediaId>m</MediaId><Recognition>{isbn}。</Recognition>")), card()),
        ("voice, empty",          message("voice", "<MediaId>m</MediaId><Recognition></Recognition>"), text(phrases::VOICE)),
        ("voice",                 message("voice", "<MediaId>m</MediaId>"), text(phrases::VOICE)),
        ("video",                 message("video", "<MediaId>m</MediaId>"), text(phrases::VIDEO)),
        ("shortvideo",            message("shortvideo", "<MediaId>m</MediaId>"), text(phrases::VIDEO)),
        ("location",              message("location", "<Location_X>23.1</Location_X><Location_Y>113.3</Location_Y>"), text(phrases::LOCATION)),
        ("link to a book",        message("link", &format!("<Title>t</Title><Url>https://book.douban.com/isbn/{isbn}/</Url>")), card()),
        ("link elsewhere",        message("link", "<Title>t</Title><Url>https://a.example/</Url>"), text(phrases::LINK)),
        ("file",                  message("file", "<Title>a.zip</Title><FileKey>k</FileKey>"), text(phrases::FILE)),
        ("mini program page",     message("miniprogrampage", "<Title>t</Title>"), text(phrases::UNSUPPORTED)),
        ("unknown message",       message("hologram", ""), text(phrases::UNSUPPORTED)),
        ("unknown, in Chinese",   message("全息图", ""), text(phrases::UNSUPPORTED)),
        ("subscribe",             event("subscribe", "<EventKey></EventKey>"), welcome.clone()),
        ("subscribe by code",     event("subscribe", "<EventKey>qrscene_42</EventKey><Ticket>T</Ticket>"), welcome),
        ("unsubscribe",           event("unsubscribe", "<EventKey></EventKey>"), "success".into()),
        ("SCAN",                  event("SCAN", "<EventKey>42</EventKey><Ticket>T</Ticket>"), help.clone()),
        ("SCAN of an ISBN",       event("SCAN", &format!("<EventKey>{isbn}</EventKey>")), card()),
        ("CLICK HELP",            event("CLICK", "<EventKey>HELP</EventKey>"), help.clone()),
        ("CLICK SCAN",            event("CLICK", "<EventKey>SCAN</EventKey>"), text(phrases::SCAN_HOW)),
        ("CLICK unknown",         event("CLICK", "<EventKey>V1001</EventKey>"), help),
        ("scancode: book",        scan("barcode", &format!("EAN_13,{isbn}")), card()),
        ("scancode: goods",       scan("barcode", "EAN_13,6911316223400"), text(phrases::no_isbn(doumibook::catalogue::isbn::Mistake::NotABook))),
        ("scancode: QR, book",    scan("qrcode", &format!("https://book.douban.com/isbn/{isbn}/")), card()),
        ("scancode: QR, digits",  scan("qrcode", "7121042622"), card()),
        ("scancode: ISBN-10",     scan("barcode", "CODE_128,7121042622"), card()),
        ("scancode: add-on",      scan("barcode", &format!("EAN_13,{isbn} 01")), card()),
        ("scancode: wrong digit", scan("qrcode", "9787121042622"), text(phrases::no_isbn(doumibook::catalogue::isbn::Mistake::CheckDigit))),
        ("scancode: copy number", scan("barcode", "CODE_128,7121042621"), text(phrases::SCAN)),
        ("scancode: music",       scan("barcode", "EAN_13,9790260000438"), text(phrases::no_isbn(doumibook::catalogue::isbn::Mistake::NotABook))),
        ("scancode: QR",          scan("qrcode", "https://a.example/"), text(phrases::SCAN)),
        ("pic_weixin",            event("pic_weixin", "<EventKey>P</EventKey><SendPicsInfo><Count>1</Count></SendPicsInfo>"), "success".into()),
        ("location_select",       event("location_select", "<EventKey>L</EventKey>"), "success".into()),
        ("LOCATION report",       event("LOCATION", "<Latitude>23.1</Latitude>"), "success".into()),
        ("VIEW",                  event("VIEW", "<EventKey>https://a.example/</EventKey>"), "success".into()),
        ("view_miniprogram",      event("view_miniprogram", "<EventKey>p</EventKey>"), "success".into()),
        ("template sent",         event("TEMPLATESENDJOBFINISH", "<MsgID>1</MsgID><Status>success</Status>"), "success".into()),
        ("mass message sent",     event("MASSSENDJOBFINISH", "<MsgID>1</MsgID><Status>send success</Status>"), "success".into()),
        ("data withdrawn",        event("user_authorization_cancellation", "<OpenID>oReader</OpenID>"), "success".into()),
        ("debug_demo",            event("debug_demo", "<debug_str>hello</debug_str>"), "success".into()),
        ("unknown event",         event("user_grew_wings", ""), "success".into()),
    ] {
        assert_eq!(ask(&service(), &sent), answered, "{case}");
    }
}
