//! Every sentence a reader can meet.
//!
//! In: facts. Out: Chinese, for a person who holds a phone. Nothing else in the program
//! speaks Chinese to readers; nothing here decides anything.

use crate::catalogue::HITS;
use crate::catalogue::isbn::Mistake;
use crate::catalogue::photo::fetch::Unread;
use crate::wechat::reply_text::{ReplyText, fill, outside};

/// The word that brings an answer which took too long, and the label of its link.
pub const PICK_UP: &str = "结果";
/// The word that brings the next page.
pub const MORE: &str = "更多";
/// The word that brings the page before.
pub const PREVIOUS: &str = "上一页";
/// The word that brings the list again.
pub const BACK: &str = "返回";

/// How to use the account.
pub fn help() -> &'static str {
    "发来书名、作者或 ISBN，马上为你找书。\n\n\
     例如：\n\
     · 三体\n\
     · 三体 刘慈欣\n\
     · 作者 刘慈欣\n\
     · 9787536692930\n\
     书就在手边的话，拍下封底的条形码发来也行。\n\n\
     结果不止一本时，回复序号看详情，回复“更多”看下一页，回复“返回”回到列表。"
}

/// To somebody who has just followed the account.
pub fn welcome(account: &str) -> ReplyText {
    fill("欢迎关注{}！\n\n{}", &[&outside(account), &help().into()])
}

/// To a greeting.
pub fn greeting(account: &str) -> ReplyText {
    fill("你好，这里是{}。想找什么书？发来书名、作者或 ISBN 就行。", &[&outside(account)])
}

/// To thanks.
pub const THANKS: &str = "不客气，祝你读得开心！";
/// To who says goodbye.
pub const FAREWELL: &str = "再见，祝你读得开心！";
/// To an empty message.
pub const NOTHING: &str = "没看出你要找哪本书。发来书名、作者或 ISBN 就行，回复“帮助”看使用说明。";
/// To an essay.
pub const TOO_LONG: &str = "这段话太长了，只发书名、作者或 ISBN 就好。";

/// To a number that is no ISBN.
pub fn no_isbn(mistake: Mistake) -> &'static str {
    match mistake {
        Mistake::CheckDigit => {
            "这个 ISBN 的校验位不对，可能有一位输错了。请对照书后的条形码再核对一遍。"
        }
        Mistake::NotABook => {
            "这个条码不是书号：书的条码以 978 或 979 开头（9790 是乐谱）。也可以直接发书名。"
        }
        Mistake::Length => "ISBN 应有 10 位或 13 位，这个号码的位数不对。也可以直接发书名。",
        Mistake::Letters => {
            "ISBN 里只有数字（10 位的末位可能是 X）。请把字母 O 改成 0、l 或 I 改成 1 再发一次。"
        }
        Mistake::NoCheckDigit => {
            "10 位的 ISBN 少了最后一位校验码（可能是 X）。请看看书后的条形码，把整个号码发来。"
        }
    }
}

/// Every source that could know was asked, and has no such book; `way` is a way on.
pub fn not_found(searched: ReplyText, way: &'static str) -> ReplyText {
    fill("没有找到{}。\n\n{}", &[&searched.trim_end(), &way.into()])
}

/// The word that notes a wish, and the label of its link.
pub const WISH: &str = "登记";
/// The label of the link that notes a wish.
pub const WISH_LABEL: &str = "登记想看这本书";

/// What may follow when a book was not found: a link that notes the wish.
pub fn offer_wish(link: &ReplyText) -> ReplyText {
    fill("{}（或回复“{}”）", &[link, &WISH.into()])
}

/// Before a book from elsewhere.
pub const OFFER_WISH: &str = "这本书还没有上架，想看就回复“登记”。";

/// What a link sends for the wish of what was searched by words.
pub fn wish_words(words: &str) -> String {
    format!("{WISH}《{words}》")
}

/// What a link sends for the wish of a number.
pub fn wish_isbn(isbn: &str) -> String {
    format!("{WISH} {isbn}")
}

/// A wish is noted.
pub fn wish_noted(wanted: ReplyText) -> ReplyText {
    fill("已登记：想看{}。以后上架了，再来查就能查到。", &[&wanted.trim_end()])
}

/// The same wish again.
pub fn wish_again(wanted: ReplyText) -> ReplyText {
    fill("今天已经登记过{}了。", &[&wanted.trim_end()])
}

/// More wishes on one day than one reader may have.
pub fn too_many_wishes(most: usize) -> ReplyText {
    fill("一天最多登记 {} 本，明天再来登记吧。", &[&most.into()])
}

/// Names the list of what came last.
pub const NEWEST: &str = "最近上架";
/// No source tells when its books came.
pub const NO_NEWEST: &str = "这里的书目没有记上架日期，列不出新书。直接发书名、作者或 ISBN 就行。";

/// Before `count` books from elsewhere that the library was asked for first and has not.
pub fn not_held(source: &'static str, count: usize) -> ReplyText {
    let books = if count == 1 { "这本书" } else { "这些书" };
    let source = match source.is_ascii() {
        true => fill(" {} ", &[&source.into()]),
        false => source.into(),
    };
    fill("馆里没有查到{}，下面是{}的资料。", &[&books.into(), &source])
}

/// After a search by words.
pub const TRY_WORDS: &str = "可以只发书名或作者，少写几个字；手边有书的话，发 ISBN 最准。";
/// After a search by author.
pub const TRY_AUTHOR: &str = "可以换个译名，或者只写姓；也可以直接发书名。";
/// After a search by a number.
pub const TRY_TITLE: &str = "可以核对一下号码，或者直接发书名。";

/// Sources are limited or too slow.
pub const BUSY: &str = "现在查询繁忙，暂时查不了。请过几分钟再发一次。";
/// Sources fail.
pub const TROUBLE: &str = "书目数据暂时连不上，这次没能查到结果，不代表没有这本书。请稍后再试。";
/// One reader has too many questions under way, or asked too many within a minute.
pub const SLOW_DOWN: &str = "你发得太快啦，请过一分钟再发。";

/// The answer takes longer than WeChat waits.
pub fn still_looking(searched: ReplyText, link: &ReplyText) -> ReplyText {
    let searched = searched.trim_end();
    fill("还在查找{}，请稍等片刻。\n\n{}（或回复“{}”）", &[&searched, link, &PICK_UP.into()])
}

/// The label of the link in [`still_looking`].
pub const PICK_UP_LABEL: &str = "点这里看结果";
/// Nothing is waiting to be picked up.
pub const NOTHING_WAITS: &str = "没有等待中的查询结果。直接发书名、作者或 ISBN 就行。";
/// A number, 更多 or 返回 without a list.
pub const NO_LIST: &str = "现在没有可选的列表（列表保留 10 分钟）。请先发书名或作者，再回复序号。";

/// A number that is not in the list, and may be a title.
pub fn no_such_number(count: usize, title: Option<&str>) -> ReplyText {
    let count = count.into();
    let mut text = fill("列表里只有 {} 本，请回复 1 到 {} 之间的序号。", &[&count, &count]);
    if let Some(title) = title {
        text.push("\n\n");
        text.push(way(named(title), &by_title(title)));
    }
    text
}

/// The head of the list of the newest books.
pub fn newest_head(count: usize, page: usize, pages: usize) -> ReplyText {
    let (count, page) = (count.into(), page.into());
    fill("最近上架的 {} 本书，第 {}/{} 页：", &[&count, &page, &pages.into()])
}

/// 更多 where the list has one page.
pub const ONLY_PAGE: &str = "就这一页。回复序号看详情。";
/// 更多 on the last page.
pub const LAST_PAGE: &str = "已经是最后一页了。回复序号看详情，回复“上一页”往回翻。";

/// The head of a list.
///
/// No search brings more than [`HITS`] books, so that where there are as many there may be more.
pub fn list_head(searched: &ReplyText, count: usize, page: usize, pages: usize) -> ReplyText {
    let full = count >= HITS;
    let count = count.into();
    if full {
        let (page, pages) = (page.into(), pages.into());
        return fill(
            "找到{}的前 {} 本书，第 {}/{} 页（加上作者或出版社可以缩小范围）：",
            &[searched, &count, &page, &pages],
        );
    }
    if pages > 1 {
        let (page, pages) = (page.into(), pages.into());
        fill("找到{}的 {} 本书，第 {}/{} 页：", &[searched, &count, &page, &pages])
    } else {
        fill("找到{}的 {} 本书：", &[searched, &count])
    }
}

/// The head of a list of what may have been meant; `incomplete`: not every source could be asked.
pub fn guess_head(searched: &ReplyText, incomplete: bool) -> ReplyText {
    let searched = searched.clone().trim_end();
    match incomplete {
        true => fill("有的书目暂时连不上，还没找到{}。你要找的是不是：", &[&searched]),
        false => fill("没有找到{}。你要找的是不是：", &[&searched]),
    }
}

/// The end of a list; links to other pages may follow.
pub const LIST_END: &str = "回复序号看详情";

/// The end of a list of what may have been meant, where wishes are noted.
pub const GUESS_END: &str = "回复序号看详情；都不是的话，回复“登记”";

/// To a photo that leads to no book.
pub fn unread(why: Unread) -> &'static str {
    match why {
        Unread::Nothing => {
            "没认出条形码。请把整个条形码拍进画面，拍正、拍清楚，光线足一些，再发一次；\
             也可以直接输入条形码下面的 13 位数字。"
        }
        Unread::Several => "图里不止一个条形码，不知道你要查哪本。请只拍一个，或直接输入 ISBN。",
        Unread::Magazine => "这是期刊的条形码（977 开头），这里只能查图书。",
        Unread::Goods => "这是商品条形码，不是书号。图书的条形码以 978 或 979 开头，一般印在封底。",
        Unread::OtherCode => no_isbn(Mistake::NotABook),
        Unread::NotJpeg => {
            "这种格式的图片看不了。请用相机拍下条形码再发，或直接输入条形码下面的 13 位数字。"
        }
        Unread::TooLarge => {
            "这张图片太大了。发送时不要选“原图”，再发一次；也可以直接输入条形码下面的 13 位数字。"
        }
        Unread::Broken => "这张图片打不开。请再拍一张发来，或直接输入条形码下面的 13 位数字。",
        Unread::Unfetched => {
            "这张图片暂时取不到，没能看到条形码。请过一会儿再发一次，\
             或直接输入条形码下面的 13 位数字。"
        }
        Unread::Busy => BUSY,
    }
}
/// To a recording without recognised words.
pub const VOICE: &str = "没听清这段语音。请打字发书名、作者或 ISBN。";
/// To a film.
pub const VIDEO: &str = "还看不懂视频。请发书名、作者或 ISBN。";
/// To a place.
pub const LOCATION: &str = "收到位置了，不过这里只查书。请发书名、作者或 ISBN。";
/// To a file.
pub const FILE: &str = "还打不开文件。请发书名、作者或 ISBN。";
/// To a link that leads to no book we know.
pub const LINK: &str = "没能从这个链接认出是哪本书。请发书名、作者或 ISBN。";
/// To a sticker and whatever else WeChat does not pass on.
pub const UNSUPPORTED: &str = "微信没有把这种消息转过来。请发文字：书名、作者或 ISBN。";
/// To a scanned code that holds neither ISBN nor book link.
pub const SCAN: &str = "这个码里没有书号。请扫书后的条形码，或者直接发书名。";
/// To the menu button that explains scanning.
pub const SCAN_HOW: &str = "拍下书后的条形码发来就能查；也可以直接发条形码下面的 ISBN 数字。";

/// Quotes what was searched.
pub fn quoted(words: &str) -> ReplyText {
    fill("“{}”", &[&outside(words)])
}

/// Names a search by author.
pub fn by_author(name: &str) -> ReplyText {
    fill("作者“{}”", &[&outside(name)])
}

/// Names a search by ISBN.
pub fn by_isbn(isbn: &str) -> ReplyText {
    fill(" ISBN {} ", &[&outside(isbn)])
}

/// Names a search by a Douban link.
pub const BY_LINK: &str = "这个链接里的书";
/// Names a search by a photo whose number is not known yet.
pub const BY_PHOTO: &str = "图片里的书";

/// Labels on a card; the order here is the order there.
pub mod card {
    use crate::catalogue::book::{Source, UNCOUNTED};
    use crate::wechat::reply_text::{ReplyText, fill, outside};

    /// Fewer readers than a number needs; Douban's own words.
    pub const TOO_FEW: &str = "评价人数不足";
    /// Before names.
    pub const AUTHOR: &str = "作者";
    /// Before names.
    pub const TRANSLATOR: &str = "译者";
    /// Before a house.
    pub const PUBLISHER: &str = "出版社";
    /// Before a date.
    pub const DATE: &str = "出版年";
    /// Before a number.
    pub const PAGES: &str = "页数";
    /// Before an amount.
    pub const PRICE: &str = "定价";
    /// Before a title.
    pub const SERIES: &str = "丛书";
    /// Before a title.
    pub const ORIGIN: &str = "原作名";
    /// Before a number.
    pub const CALLNO: &str = "索书号";
    /// Before a room.
    pub const LOCATION: &str = "馆藏地";
    /// Copies that can be had, and all; nothing when neither number is known.
    pub fn copies(available: Option<u32>, total: Option<u32>) -> Option<ReplyText> {
        let number = |count: u32| ReplyText::from(count as usize);
        let available = available.map(|count| match count {
            UNCOUNTED => "可借".into(),
            count => fill("可借 {}", &[&number(count)]),
        });
        let total = total.filter(|count| *count != UNCOUNTED);
        match (available, total.map(|count| fill("共 {}", &[&number(count)]))) {
            (Some(available), Some(total)) => Some(fill("{} / {}", &[&available, &total])),
            (available, total) => available.or(total),
        }
    }
    /// When a lent copy is due back.
    pub fn next_return(day: &str) -> ReplyText {
        fill("最早 {} 归还", &[&outside(day)])
    }
    /// Some of `count` places.
    pub fn and_more(places: &ReplyText, count: usize) -> ReplyText {
        fill("{}等 {} 处", &[places, &count.into()])
    }
    /// Before a source.
    pub const SOURCE: &str = "来源";
    /// Where a card comes from.
    pub fn source(source: Source) -> &'static str {
        match source {
            Source::Douban => "豆瓣",
            Source::NeoDb => "NeoDB",
            Source::Shelf | Source::Interlib => "馆藏",
        }
    }
    /// The score in a title or list.
    pub fn score(tenths: u8) -> ReplyText {
        let tenths = usize::from(tenths);
        fill("{}.{} 分", &[&(tenths / 10).into(), &(tenths % 10).into()])
    }
    /// The score on a card.
    pub fn rating(source: Source, tenths: u8, count: Option<u32>) -> ReplyText {
        let (name, score) = (self::source(source).into(), score(tenths));
        match count {
            Some(count) => {
                fill("{}评分 {}（{} 人评价）", &[&name, &score, &(count as usize).into()])
            }
            None => fill("{}评分 {}", &[&name, &score]),
        }
    }
}

/// The page at `/`.
pub fn page(account: &str) -> String {
    format!("{account}：在微信公众号里发书名、作者或 ISBN，马上收到书的信息。")
}

/// The label of the link to the next page.
pub const NEXT_PAGE: &str = "下一页";
/// The label of the link that searches a title again.
pub const OTHER_EDITIONS: &str = "其他版本";
/// The label of the link that searches an author.
pub const SAME_AUTHOR: &str = "同一作者";
/// The label of the link from a card to its list.
pub const TO_LIST: &str = "返回列表";

/// A way on from a card that cannot hold links: what to reply for what `label` promises.
pub fn way(label: ReplyText, reply: &str) -> ReplyText {
    fill("{}：回复“{}”", &[&label, &outside(reply)])
}

/// The label of the link that searches a number as a title.
pub fn named(title: &str) -> ReplyText {
    fill("找书名是“{}”的书", &[&outside(title)])
}

/// What a search for a title begins with, so that the title is taken for nothing else.
pub fn by_title(title: &str) -> String {
    format!("书名 {title}")
}

/// What a search for an author begins with.
pub fn of_author(name: &str) -> String {
    format!("作者 {name}")
}
