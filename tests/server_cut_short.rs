//! Pushes of every kind cut short at every byte: never an answer that a reader could see,
//! never a dead server.

use support::client::post;
use support::push::{Push, target};
use support::server::{Directory, Server, TOKEN};

mod support;

fn server() -> (Server, Directory) {
    let directory = Directory::new();
    let shelf =
        directory.file("shelf.jsonl", "{\"title\": \"三体\", \"isbn\": \"9787536692930\"}\n");
    (Server::serve(&[("DOUMIBOOK_SHELF", &shelf)]), directory)
}

fn one_of_each_kind() -> Vec<Push> {
    let place = "<SendLocationInfo><Location_X><![CDATA[23]]></Location_X>\
        <Label><![CDATA[x]]></Label></SendLocationInfo>";
    let pictures = "<SendPicsInfo><Count>1</Count><PicList><item>\
        <PicMd5Sum><![CDATA[5a75aaca956d97be686719218f275c6b]]></PicMd5Sum></item></PicList>\
        </SendPicsInfo>";
    vec![
        Push::text("三体"),
        Push::text("?").with("bizmsgmenuid", "1"),
        Push::new("text").raw("\n<Content>\n<![CDATA[三]]><![CDATA[体]]></Content>\n"),
        Push::new("image").with("PicUrl", "http://mmbiz.qpic.cn/1").with("MediaId", "m"),
        Push::new("voice").with("MediaId", "m").with("Format", "amr").with("Recognition", "三体"),
        Push::new("video").with("MediaId", "m").with("ThumbMediaId", "t"),
        Push::new("location").raw("<Location_X>23.13</Location_X><Scale>20</Scale>"),
        Push::new("link").with("Title", "t").with("Url", "https://x.example/9787536692930"),
        Push::new("file").with("Title", "a.zip").raw("<FileTotalLen>222</FileTotalLen>"),
        Push::event("subscribe").with("EventKey", "qrscene_42").with("Ticket", "TK"),
        Push::event("unsubscribe").with("EventKey", ""),
        Push::event("SCAN").with("EventKey", "42").with("Ticket", "TK"),
        Push::event("LOCATION").raw("<Latitude>23.1</Latitude>"),
        Push::event("CLICK").with("EventKey", "HELP"),
        Push::event("VIEW").with("EventKey", "https://a.example/").raw("<MenuId>4</MenuId>"),
        Push::scan("9787536692930"),
        Push::event("pic_weixin").with("EventKey", "P").raw(pictures),
        Push::event("location_select").with("EventKey", "L").raw(place),
        Push::event("TEMPLATESENDJOBFINISH").raw("<MsgID>2</MsgID>").with("Status", "success"),
    ]
}

#[test]
fn a_body_cut_short_is_no_push() {
    let (server, _directory) = server();
    let target = target(TOKEN);
    for push in one_of_each_kind() {
        let xml = push.xml();
        let mut client = server.connect();
        for end in 0..xml.len() {
            let cut = &xml.as_bytes()[..end];
            let answer = client.ask(&post(&target, cut));
            let said = (answer.status, answer.text());
            assert_eq!(said, (400, "not a push\n"), "{}", String::from_utf8_lossy(cut));
        }
        // None of them counted as a delivery: the whole push, on the same connection, is new.
        let answer = client.ask(&post(&target, xml.as_bytes()));
        assert_eq!(answer.status, 200, "{xml}");
    }
}

#[test]
fn a_request_cut_short_gets_no_answer_at_all() {
    let (server, _directory) = server();
    let request = post(&target(TOKEN), Push::text("三体").xml().as_bytes());
    for end in 0..request.len() {
        let mut client = server.connect();
        client.send(&request[..end]).unwrap();
        client.finish();
        assert_eq!(client.receive(), None, "cut at byte {end}");
    }
    assert_eq!(server.ask(&request).status, 200);
}
