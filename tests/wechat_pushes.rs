//! Pushes as WeChat really sends them: every kind of message and event that it has documented or
//! sent to somebody, and what readers write where XML has other ideas. None is refused, in clear
//! and sealed, and a reply goes back to whom it came from.

use std::time::Instant;

use doumibook::chat::conversation::{Conversation, Next};
use doumibook::wechat::credentials::{Credentials, Mode};
use doumibook::wechat::envelope::{encrypt, open_reply};
use doumibook::wechat::freshness::Freshness;
use doumibook::wechat::signature::sign;
use doumibook::wechat::xml::Fields;
use doumibook::wechat::{AesKey, AppId, Event, Kind, Push, Reply, Token};

const HEAD: &str = "<ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\n\
     <FromUserName><![CDATA[oAbCdEf0123456789_-abcdefghij]]></FromUserName>\n\
     <CreateTime>1700000000</CreateTime>\n";

/// Type, or `event/NAME`; the fields of its own; the word under which it is counted.
#[rustfmt::skip]
const KINDS: &[(&str, &str, &str)] = &[
    ("text", "<Content><![CDATA[三体]]></Content><MsgId>1</MsgId>", "text"),
    ("text", "<Content><![CDATA[]]></Content><MsgId>1</MsgId>", "text"),
    ("text", "<Content/><MsgId>1</MsgId>", "text"),
    ("text", "<MsgId>1</MsgId>", "text"),
    ("text", "<Content><![CDATA[2]]></Content><bizmsgmenuid>101</bizmsgmenuid><MsgId>1</MsgId>", "text"),
    ("text", "<Content><![CDATA[x]]></Content><MsgId>1</MsgId><MsgDataId>x</MsgDataId><Idx>1</Idx>", "text"),
    ("text", "<Content><![CDATA[没有 MsgId]]></Content>", "text"),
    ("text", "<Content><![CDATA[【收到不支持的消息类型，暂无法显示】]]></Content><MsgId>1</MsgId>", "unsupported"),
    ("image", "<PicUrl><![CDATA[http://mmbiz.qpic.cn/mmbiz_jpg/a/0]]></PicUrl><MediaId><![CDATA[m]]></MediaId><MsgId>1</MsgId>", "image"),
    ("voice", "<MediaId><![CDATA[m]]></MediaId><Format><![CDATA[amr]]></Format><MsgId>1</MsgId><MediaId16K><![CDATA[n]]></MediaId16K>", "voice"),
    ("voice", "<MediaId><![CDATA[m]]></MediaId><Format><![CDATA[speex]]></Format><Recognition><![CDATA[]]></Recognition><MsgId>1</MsgId>", "voice"),
    ("voice", "<MediaId><![CDATA[m]]></MediaId><Recognition><![CDATA[腾讯微信团队]]></Recognition><MsgId>1</MsgId>", "voice"),
    ("video", "<MediaId><![CDATA[m]]></MediaId><ThumbMediaId><![CDATA[t]]></ThumbMediaId><MsgId>1</MsgId>", "video"),
    ("shortvideo", "<MediaId><![CDATA[m]]></MediaId><ThumbMediaId><![CDATA[t]]></ThumbMediaId><MsgId>1</MsgId>", "video"),
    ("location", "<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label><![CDATA[位置信息]]></Label><MsgId>1</MsgId>", "location"),
    ("link", "<Title><![CDATA[公众平台]]></Title><Description><![CDATA[官网]]></Description><Url><![CDATA[https://a.example/?b=1&c=2]]></Url><MsgId>1</MsgId>", "link"),
    ("file", "<Title><![CDATA[a.zip]]></Title><Description><![CDATA[]]></Description><FileKey><![CDATA[k]]></FileKey><FileMd5><![CDATA[m]]></FileMd5><FileTotalLen>222</FileTotalLen><MsgId>1</MsgId>", "file"),
    ("miniprogrampage", "<Title><![CDATA[t]]></Title><AppId><![CDATA[wx1]]></AppId><PagePath><![CDATA[p?a=1]]></PagePath><ThumbUrl><![CDATA[u]]></ThumbUrl><ThumbMediaId><![CDATA[t]]></ThumbMediaId><MsgId>1</MsgId>", "miniprogram"),
    ("transfer_customer_service", "<TransInfo><KfAccount><![CDATA[test1@test]]></KfAccount></TransInfo>", "other"),
    ("device_text", "<DeviceType><![CDATA[t]]></DeviceType><DeviceID><![CDATA[d]]></DeviceID><Content><![CDATA[c]]></Content><SessionID>1</SessionID><MsgID>1</MsgID><OpenID><![CDATA[o]]></OpenID>", "other"),
    ("event/subscribe", "", "subscribe"),
    ("event/subscribe", "<EventKey><![CDATA[]]></EventKey>", "subscribe"),
    ("event/subscribe", "<EventKey><![CDATA[qrscene_123123]]></EventKey><Ticket><![CDATA[T]]></Ticket>", "subscribe"),
    ("event/subscribe", "<EventKey><![CDATA[last_trade_no_4003752001201412220012345678]]></EventKey>", "subscribe"),
    ("event/subscribe", "<EventKey><![CDATA[scanbarcode|EAN13|6900000000000|ext|1]]></EventKey>", "subscribe"),
    ("event/unsubscribe", "<EventKey><![CDATA[]]></EventKey>", "unsubscribe"),
    ("event/SCAN", "<EventKey><![CDATA[SCENE_VALUE]]></EventKey><Ticket><![CDATA[TICKET]]></Ticket>", "scan"),
    ("event/scan", "<EventKey>42</EventKey>", "scan"),
    ("event/LOCATION", "<Latitude>23.137466</Latitude><Longitude>113.352425</Longitude><Precision>119.385040</Precision>", "silent"),
    ("event/CLICK", "<EventKey><![CDATA[EVENTKEY]]></EventKey>", "click"),
    ("event/VIEW", "<EventKey><![CDATA[www.qq.com]]></EventKey><MenuId>MENUID</MenuId>", "silent"),
    ("event/view_miniprogram", "<EventKey><![CDATA[pages/index/index]]></EventKey><MenuId>MENUID</MenuId>", "silent"),
    ("event/scancode_push", "<EventKey><![CDATA[6]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult><![CDATA[1]]></ScanResult></ScanCodeInfo>", "scancode"),
    ("event/scancode_waitmsg", "<EventKey><![CDATA[6]]></EventKey><ScanCodeInfo><ScanType><![CDATA[barcode]]></ScanType><ScanResult><![CDATA[EAN_13,9787302378396]]></ScanResult></ScanCodeInfo>", "scancode"),
    ("event/scancode_waitmsg", "<EventKey><![CDATA[6]]></EventKey><ScanCodeInfo/>", "scancode"),
    ("event/pic_sysphoto", "<EventKey><![CDATA[6]]></EventKey><SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum><![CDATA[1b5f7c23b5bf75682a53e7b6d163e185]]></PicMd5Sum></item></PicList></SendPicsInfo>", "silent"),
    ("event/pic_photo_or_album", "<EventKey><![CDATA[6]]></EventKey><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum><![CDATA[a]]></PicMd5Sum></item><item><PicMd5Sum><![CDATA[b]]></PicMd5Sum></item></PicList></SendPicsInfo>", "silent"),
    ("event/pic_weixin", "<EventKey><![CDATA[6]]></EventKey><SendPicsInfo><Count>0</Count><PicList></PicList></SendPicsInfo>", "silent"),
    ("event/location_select", "<EventKey><![CDATA[6]]></EventKey><SendLocationInfo><Location_X><![CDATA[23]]></Location_X><Location_Y><![CDATA[113]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[ 广州市海珠区客村艺苑路 106号]]></Label><Poiname><![CDATA[]]></Poiname></SendLocationInfo>", "silent"),
    ("event/TEMPLATESENDJOBFINISH", "<MsgID>200163836</MsgID><Status><![CDATA[failed:user block]]></Status>", "silent"),
    ("event/MASSSENDJOBFINISH", "<MsgID>1988</MsgID><Status><![CDATA[send success]]></Status><TotalCount>100</TotalCount><FilterCount>80</FilterCount><SentCount>75</SentCount><ErrorCount>5</ErrorCount><CopyrightCheckResult><Count>2</Count><ResultList><item><ArticleIdx>1</ArticleIdx><UserDeclareState>0</UserDeclareState><AuditState>2</AuditState><OriginalArticleUrl><![CDATA[Url_1]]></OriginalArticleUrl></item><item><ArticleIdx>2</ArticleIdx><OriginalArticleUrl><![CDATA[Url_2]]></OriginalArticleUrl></item></ResultList><CheckState>2</CheckState></CopyrightCheckResult><ArticleUrlResult><Count>1</Count><ResultList><item><ArticleIdx>1</ArticleIdx><ArticleUrl><![CDATA[Url]]></ArticleUrl></item></ResultList></ArticleUrlResult>", "silent"),
    ("event/PUBLISHJOBFINISH", "<PublishEventInfo><publish_id>2247503051</publish_id><publish_status>0</publish_status><article_id><![CDATA[b5O2OUs25HBxRceL7hfReg-U9QGeq9zQjiDvy]]></article_id><article_detail><count>1</count><item><idx>1</idx><article_url><![CDATA[ARTICLE_URL]]></article_url></item></article_detail></PublishEventInfo>", "silent"),
    ("event/subscribe_msg_popup_event", "<SubscribeMsgPopupEvent><List><TemplateId><![CDATA[a]]></TemplateId><SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString><PopupScene>2</PopupScene></List><List><TemplateId><![CDATA[b]]></TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString><PopupScene>2</PopupScene></List></SubscribeMsgPopupEvent>", "silent"),
    ("event/subscribe_msg_change_event", "<SubscribeMsgChangeEvent><List><TemplateId><![CDATA[a]]></TemplateId><SubscribeStatusString><![CDATA[reject]]></SubscribeStatusString></List></SubscribeMsgChangeEvent>", "silent"),
    ("event/subscribe_msg_sent_event", "<SubscribeMsgSentEvent><List><TemplateId><![CDATA[a]]></TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode><ErrorStatus><![CDATA[success]]></ErrorStatus></List></SubscribeMsgSentEvent>", "silent"),
    ("event/kf_create_session", "<KfAccount><![CDATA[test1@test]]></KfAccount>", "silent"),
    ("event/kf_close_session", "<KfAccount><![CDATA[test1@test]]></KfAccount><CloseType><![CDATA[KF]]></CloseType>", "silent"),
    ("event/kf_switch_session", "<FromKfAccount><![CDATA[a@test]]></FromKfAccount><ToKfAccount><![CDATA[b@test]]></ToKfAccount>", "silent"),
    ("event/qualification_verify_success", "<ExpiredTime>1442401156</ExpiredTime>", "silent"),
    ("event/qualification_verify_fail", "<FailTime>1442401122</FailTime><FailReason><![CDATA[by time]]></FailReason>", "silent"),
    ("event/naming_verify_success", "<ExpiredTime>1442401093</ExpiredTime>", "silent"),
    ("event/naming_verify_fail", "<FailTime>1442401061</FailTime><FailReason><![CDATA[by time]]></FailReason>", "silent"),
    ("event/annual_renew", "<ExpiredTime>1442401004</ExpiredTime>", "silent"),
    ("event/verify_expired", "<ExpiredTime>1442400900</ExpiredTime>", "silent"),
    ("event/user_info_modified", "<OpenID><![CDATA[o]]></OpenID><AppID><![CDATA[wx1]]></AppID><RevokeInfo>1</RevokeInfo>", "data_deletion"),
    ("event/user_authorization_revoke", "<OpenID><![CDATA[o]]></OpenID><AppID><![CDATA[wx1]]></AppID><RevokeInfo><![CDATA[301]]></RevokeInfo><PluginID/><OpenPID/>", "data_deletion"),
    ("event/user_authorization_cancellation", "<OpenID><![CDATA[o]]></OpenID><AppID><![CDATA[wx1]]></AppID>", "data_deletion"),
    ("event/card_pass_check", "<CardId><![CDATA[c]]></CardId>", "silent"),
    ("event/card_not_pass_check", "<CardId><![CDATA[c]]></CardId><RefuseReason><![CDATA[非法代制]]></RefuseReason>", "silent"),
    ("event/user_get_card", "<CardId><![CDATA[c]]></CardId><IsGiveByFriend>1</IsGiveByFriend><UserCardCode><![CDATA[12312312]]></UserCardCode><FriendUserName><![CDATA[o]]></FriendUserName><OuterId>0</OuterId><OldUserCardCode><![CDATA[]]></OldUserCardCode><OuterStr><![CDATA[12b]]></OuterStr><IsRestoreMemberCard>0</IsRestoreMemberCard><UnionId>o6</UnionId>", "silent"),
    ("event/user_gifting_card", "<CardId><![CDATA[c]]></CardId><IsReturnBack>0</IsReturnBack><IsChatRoom>0</IsChatRoom>", "silent"),
    ("event/user_del_card", "<CardId><![CDATA[c]]></CardId><UserCardCode><![CDATA[1]]></UserCardCode>", "silent"),
    ("event/user_consume_card", "<CardId><![CDATA[c]]></CardId><ConsumeSource><![CDATA[FROM_API]]></ConsumeSource><LocationName><![CDATA[]]></LocationName><StaffOpenId><![CDATA[o]]></StaffOpenId><VerifyCode><![CDATA[]]></VerifyCode><RemarkAmount><![CDATA[]]></RemarkAmount>", "silent"),
    ("event/user_pay_from_pay_cell", "<CardId><![CDATA[c]]></CardId><TransId><![CDATA[1]]></TransId><LocationId>291710000</LocationId><Fee><![CDATA[10000]]></Fee>", "silent"),
    ("event/user_view_card", "<CardId><![CDATA[c]]></CardId><OuterStr><![CDATA[]]></OuterStr>", "silent"),
    ("event/user_enter_session_from_card", "<CardId><![CDATA[c]]></CardId>", "silent"),
    ("event/update_member_card", "<CardId><![CDATA[c]]></CardId><ModifyBonus>3</ModifyBonus><ModifyBalance>0</ModifyBalance>", "silent"),
    ("event/card_sku_remind", "<CardId><![CDATA[c]]></CardId><Detail><![CDATA[the card's quantity is equal to 0]]></Detail>", "silent"),
    ("event/card_pay_order", "<OrderId><![CDATA[1]]></OrderId><Status><![CDATA[ORDER_STATUS_FINANCE_SUCC]]></Status><CreateOrderTime>1472824207</CreateOrderTime><FreeCoinCount><![CDATA[200]]></FreeCoinCount><Memo><![CDATA[]]></Memo>", "silent"),
    ("event/submit_membercard_user_info", "<CardId><![CDATA[c]]></CardId>", "silent"),
    ("event/poi_check_notify", "<UniqId><![CDATA[1]]></UniqId><PoiId><![CDATA[1]]></PoiId><Result><![CDATA[fail]]></Result><Msg><![CDATA[xxxxxx]]></Msg>", "silent"),
    ("event/merchant_order", "<OrderId><![CDATA[t]]></OrderId><OrderStatus>2</OrderStatus><ProductId><![CDATA[p]]></ProductId><SkuInfo><![CDATA[10001:1000012;10002:100021]]></SkuInfo>", "silent"),
    ("event/WifiConnected", "<ConnectTime>0</ConnectTime><ExpireTime>0</ExpireTime><VendorId>![CDATA[3001224419]]</VendorId><ShopId><![CDATA[1]]></ShopId><DeviceNo><![CDATA[a]]></DeviceNo>", "silent"),
    ("event/ShakearoundUserShake", "<ChosenBeacon><Uuid><![CDATA[uuid]]></Uuid><Major>1</Major><Minor>1</Minor><Distance>0.057</Distance></ChosenBeacon><AroundBeacons><AroundBeacon><Uuid><![CDATA[uuid]]></Uuid><Major>2</Major></AroundBeacon><AroundBeacon><Uuid><![CDATA[uuid]]></Uuid></AroundBeacon></AroundBeacons>", "silent"),
    ("event/ShakearoundLotteryBind", "<LotteryId><![CDATA[l]]></LotteryId><Ticket><![CDATA[t]]></Ticket><Money>88</Money><BindTime>1442313131</BindTime>", "silent"),
    ("event/user_scan_product", "<KeyStandard><![CDATA[ean13]]></KeyStandard><KeyStr><![CDATA[6901481811083]]></KeyStr><Country><![CDATA[中国]]></Country><Province><![CDATA[广东]]></Province><City><![CDATA[揭阳]]></City><Sex>1</Sex><Scene>2</Scene><ExtInfo><![CDATA[123]]></ExtInfo>", "silent"),
    ("event/user_scan_product_enter_session", "<KeyStandard><![CDATA[ean13]]></KeyStandard><KeyStr><![CDATA[690]]></KeyStr><ExtInfo><![CDATA[]]></ExtInfo>", "silent"),
    ("event/user_scan_product_async", "<RegionCode><![CDATA[440105]]></RegionCode>", "silent"),
    ("event/user_scan_product_verify_action", "<Result><![CDATA[verify_ok]]></Result><ReasonMsg><![CDATA[]]></ReasonMsg>", "silent"),
    ("event/device_text", "<DeviceID><![CDATA[d]]></DeviceID><OpType>0</OpType>", "silent"),
    ("event/ENTER", "<EventKey><![CDATA[]]></EventKey>", "silent"),
    ("event/debug_demo", "<debug_str><![CDATA[hello world]]></debug_str>", "silent"),
    ("event/guide_qrcode_scan_event", "<GuideScanEvent><qrcode_guide_account><![CDATA[a]]></qrcode_guide_account><openid><![CDATA[o]]></openid><action>1</action></GuideScanEvent>", "silent"),
    ("event/user_to_user_grew_wings", "<A><B><C><D><E>x</E></D></C></B></A>", "silent"),
    ("event/", "", "silent"),
    ("hologram", "", "other"),
];

fn body(head: &str, kind: &str, fields: &str) -> String {
    match kind.split_once('/') {
        Some((kind, event)) => format!(
            "<xml>{head}<MsgType><![CDATA[{kind}]]></MsgType>\n<Event><![CDATA[{event}]]></Event>\n{fields}\n</xml>"
        ),
        None => format!("<xml>{head}<MsgType><![CDATA[{kind}]]></MsgType>\n{fields}\n</xml>"),
    }
}

fn parse(body: &str) -> Push {
    Push::parse(body.as_bytes()).unwrap_or_else(|why| panic!("{why}: {body}"))
}

/// The forms in which the same body has been seen.
fn forms(body: &str) -> Vec<String> {
    let bare = body.replace("<![CDATA[", "").replace("]]>", "");
    let time = "<CreateTime>1700000000</CreateTime>";
    let spaced = body.replace("]]></", "]]>\n </").replace("><![CDATA[", ">\n <![CDATA[");
    let mut forms = vec![
        body.to_owned(),
        spaced,
        format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{body}\n"),
        format!("\u{feff}{body}"),
        format!("\r\n  {body}\r\n"),
        body.replacen("<xml>", "<xml><!-- a -->", 1),
        body.replace('\n', ""),
        body.replace('\n', "\r\n"),
        body.replace(time, "<CreateTime><![CDATA[1700000000]]></CreateTime>"),
        body.replace(time, "<CreateTime>1700000000123</CreateTime>"),
        body.replace(time, "<CreateTime>[1700000000]</CreateTime>"),
        body.replace(time, "<CreateTime/>"),
        body.replace(time, ""),
        body.replace("</xml>", "<New><Inner a=\"b\"><![CDATA[]]></Inner></New></xml>"),
    ];
    if !bare.contains('&') {
        forms.push(bare);
    }
    forms
}

#[test]
fn every_kind_that_is_known_is_taken_in_every_form() {
    let conversation = Conversation::new("豆米查书".into(), None);
    for (kind, fields, counted) in KINDS {
        for form in forms(&body(HEAD, kind, fields)) {
            let push = parse(&form);
            assert_eq!(push.kind_name(), *counted, "{form}");
            assert_eq!(push.from.as_str(), "oAbCdEf0123456789_-abcdefghij", "{form}");
            // Whatever is said, it is something.
            let _: Next = conversation.listen(&push, Instant::now());
        }
    }
    assert!(KINDS.len() > 80);
}

/// What readers write, and what a parser could take for the end of something.
const TEXTS: [&str; 20] = [
    "a]]>b",
    "]]>",
    "]]]]>>",
    "a]]",
    "a]",
    "]]>]]>]]>",
    "if (a[b[0]]>1) {}",
    "]]></Content>",
    "a]]></Content>b",
    "a]]></Title>b]]></ScanResult>c]]></Label>",
    "<Content><![CDATA[三体]]></Content>",
    "<xml><ToUserName><![CDATA[x]]></ToUserName><Content><![CDATA[y]]></Content></xml>",
    "a]]></Content><FromUserName><![CDATA[oVictim]]></FromUserName><Content><![CDATA[b",
    "a]]></Content></xml>",
    "</xml>",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "<!--",
    "<![CDATA[",
    "&lt;&#0;&b;",
    "<a b='",
];

/// The text of a push in which it stands, as it was read.
fn read(push: &Push) -> String {
    match &push.kind {
        Kind::Text(text) | Kind::Voice(Some(text)) => text.clone(),
        Kind::Link { title, .. } => title.clone(),
        Kind::Event(Event::ScanCode(text) | Event::Scan(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_ends_a_section_may_stand_in_any_text() {
    for text in TEXTS {
        let inside = format!("<![CDATA[{text}]]>");
        for (kind, fields) in [
            ("text", format!("<Content>{inside}</Content><MsgId>1</MsgId>")),
            ("voice", format!("<Recognition>{inside}</Recognition><MsgId>1</MsgId>")),
            (
                "link",
                format!(
                    "<Title>{inside}</Title><Description>{inside}</Description><Url><![CDATA[u]]></Url>"
                ),
            ),
            ("event/SCAN", format!("<EventKey>{inside}</EventKey><Ticket><![CDATA[T]]></Ticket>")),
            (
                "event/scancode_waitmsg",
                format!(
                    "<EventKey><![CDATA[k]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType><ScanResult>{inside}</ScanResult></ScanCodeInfo>"
                ),
            ),
        ] {
            let push = parse(&body(HEAD, kind, &fields));
            assert_eq!(push.from.as_str(), "oAbCdEf0123456789_-abcdefghij", "{text} in {kind}");
            // In a list of fields it may be cut where it names the element that it stands in.
            if !(kind.ends_with("waitmsg") && text.contains("</ScanResult>")) {
                assert_eq!(read(&push), text, "in {kind}");
            }
        }
        let place = format!("<Scale>1</Scale><Label>{inside}</Label><MsgId>1</MsgId>");
        assert_eq!(parse(&body(HEAD, "location", &place)).kind, Kind::Location);
        let chosen = format!(
            "<SendLocationInfo><Scale><![CDATA[1]]></Scale><Label>{inside}</Label><Poiname>{inside}</Poiname></SendLocationInfo>"
        );
        parse(&body(HEAD, "event/location_select", &chosen));
    }
}

#[test]
fn elements_that_come_again_stay_apart() {
    let list = "<A><item><B><![CDATA[1]]></B></item><item><B><![CDATA[2]]></B></item></A>";
    let read = Fields::read(format!("<xml>{list}<C><![CDATA[3]]></C></xml>").as_bytes()).unwrap();
    assert_eq!((read.get("A/item/B"), read.get("C")), (Some("1"), Some("3")));
}

/// As long as a body may be, with as much to look at as fits.
#[test]
fn no_body_takes_long() {
    let begun = Instant::now();
    for piece in
        ["]]>", "<![CDATA[", "<a><![CDATA[", "<a><![CDATA[]]>", "]]></a>", "]]>   </", "<a>", "<"]
    {
        let filled = piece.repeat(64 * 1024 / piece.len());
        for text in
            [filled.clone(), format!("<xml><a><b><c><![CDATA[{filled}]]></c></b></a></xml>")]
        {
            let _ = Fields::read(text.as_bytes());
        }
    }
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn whoever_writes_is_a_reader_and_hears_back() {
    let (token, key) = (Token::parse("AAAAA").unwrap(), AesKey::parse(&"A".repeat(43)).unwrap());
    let app_id = AppId::parse("wxba5fad812f8e6fb9").unwrap();
    let account = Credentials {
        tokens: vec![token.clone()],
        keys: vec![key.clone()],
        app_id: Some(app_id.clone()),
        mode: Mode::Compatible,
        freshness: Freshness::default(),
    };
    let long = "读".repeat(42);
    for name in ["<测试>", "***", "a b", "[openid]", "a&b;", "a]]>b", "😀", "\"'", "o", &long] {
        let xml = format!(
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[{name}]]></FromUserName>\
             <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[a]]>b]]></Content>\
             <MsgId>1</MsgId></xml>"
        );
        let sealed = encrypt(&key, &app_id, xml.as_bytes(), [7; 16]);
        let query = format!(
            "timestamp=1&nonce=2&encrypt_type=aes&signature={}&msg_signature={}",
            sign(&token, &["1", "2"]),
            sign(&token, &["1", "2", &sealed])
        );
        // In compatible mode the clear text comes before the sealed one.
        let body = xml.replace("</xml>", &format!("<Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"));
        let letter =
            account.open(&query, body.as_bytes()).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!(letter.push.kind, Kind::Text("a]]>b".into()), "{name}");
        let reply = account.seal(&letter, &Reply::text("yes"), 1, || [8; 16]).unwrap();
        let clear = open_reply(&key, &token, &app_id, reply.as_bytes()).unwrap();
        assert_eq!(Fields::read(&clear).unwrap().get("ToUserName"), Some(name));
        assert!(letter.push.from.to_string().chars().all(|c| !c.is_whitespace()), "in the log");
    }
}
