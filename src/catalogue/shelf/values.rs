//! What stands in a cell, as what it means.
//!
//! In: the text of one cell, on one line. Out: an ISBN, a number of copies, the state of one, a house
//! with its date; or that there is nothing. No I/O; nothing fails.

use super::dates;
use crate::catalogue::book::UNCOUNTED;
use crate::catalogue::isbn::{self, Isbn, Mistake, Typed};
use crate::sys::text::{self, half_width};

/// What programs write for "nothing", in lower case.
const NOTHING: [&str; 22] = [
    "null",
    "(null)",
    "<null>",
    "[null]",
    "\\n",
    "nan",
    "nat",
    "nil",
    "n/a",
    "#n/a",
    "#n/a!",
    "#null!",
    "#value!",
    "#ref!",
    "#name?",
    "#div/0!",
    "#num!",
    "undefined",
    "-",
    "--",
    "—",
    "——",
];
/// What people write for it, which may be a title.
const UNKNOWN: [&str; 12] =
    ["none", "na", "unknown", "无", "無", "不详", "不詳", "暂无", "暫無", "未知", "空", "没有"];

/// Whether a cell says that nothing is known. A book may be called 无 or None.
pub(super) fn is_nothing(text: &str, is_title: bool) -> bool {
    let text = text.trim();
    if text.len() > 12 {
        return false;
    }
    let is = |word: &&str| word.eq_ignore_ascii_case(text);
    NOTHING.iter().any(is) || !is_title && UNKNOWN.iter().any(is)
}

/// What a cell is as an ISBN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// One.
    Right(Isbn),
    /// Nine digits that were ten until a spreadsheet dropped the 0 in front.
    Restored(Isbn),
    /// Meant as one, but the check digit is wrong.
    Wrong,
    /// As long as one, and none: a digit is missing, or it is another barcode.
    Foreign,
    /// What a spreadsheet leaves of a long number: `9.78754E+12`.
    Lost,
    /// Something else: nothing, a 统一书号, a number of the shop's own.
    Other,
}

/// The ISBN in a cell that is there for one, in whatever dress: `978-7-5366-9293-0 (平装) : CNY23`,
/// `$a7020024750$b平装`, `[7536692935]`, `7536692935￥23`, `'7536692935`, `9787536692930.00`. Of
/// several the first that is right counts.
pub(super) fn isbn(text: &str) -> Number {
    if let Some(isbn) = Isbn::parse(text) {
        return Number::Right(isbn);
    }
    let half: String = text.chars().map(half_width).collect();
    let own = |c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X') || is_dash(c);
    let parts = || half.split(move |c| !own(c) && c != ' ').chain(half.split(move |c| !own(c)));
    if let Some(isbn) = parts().find_map(Isbn::parse) {
        return Number::Right(isbn);
    }
    if let Some(isbn) = short(&half) {
        return Number::Restored(isbn);
    }
    let digits = half.chars().filter(char::is_ascii_digit).count();
    let power = half.split_once(['E', 'e']).map(|(_, power)| power.trim_start_matches('+'));
    let is_power = |power: &str| !power.is_empty() && power.bytes().all(|b| b.is_ascii_digit());
    if digits > 1 && half.starts_with(|c: char| c.is_ascii_digit()) && power.is_some_and(is_power) {
        return Number::Lost;
    }
    let wrong = parts().any(|part| matches!(isbn::typed(part), Typed::Wrong(Mistake::CheckDigit)));
    match digits {
        _ if wrong => Number::Wrong,
        10..=13 if !half.contains('·') => Number::Foreign,
        _ => Number::Other,
    }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200f}')
}

/// Nine digits, or eight and an X, with what a spreadsheet may put around them.
fn short(text: &str) -> Option<Isbn> {
    let text = text.trim().trim_start_matches('\'');
    let bare = match text.split_once('.') {
        Some((number, zeros)) if zeros.bytes().all(|byte| byte == b'0') => number,
        _ => text,
    };
    let nine = bare.len() == 9 && bare.get(..8)?.bytes().all(|byte| byte.is_ascii_digit());
    nine.then(|| Isbn::parse(&format!("0{bare}"))).flatten()
}

/// An ISBN where there may be any other number: only thirteen digits that begin with 978 or 979.
pub(super) fn barcode(text: &str) -> Option<Isbn> {
    let bare: String = text.chars().map(half_width).filter(char::is_ascii_digit).collect();
    let long = (bare.len() == 13 || bare.len() == 18) && !text.contains(['E', 'e']);
    let bare = text::cut(&bare, 13);
    (long && bare.starts_with("97")).then(|| Isbn::parse(bare)).flatten()
}

/// A number of copies: `3`, `3本`, `2.0`; nought for a negative one.
pub(super) fn count(text: &str) -> Option<u32> {
    let half: String = text.chars().map(half_width).filter(|c| *c != ',').collect();
    let from = half.find(|c: char| c.is_ascii_digit())?;
    let (before, rest) = half.split_at_checked(from)?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    // What is no number with a unit is no number.
    if before.chars().count() > 4
        || rest.chars().filter(char::is_ascii_digit).count() > digits.len() + 2
    {
        return None;
    }
    if before.trim_end().ends_with('-') {
        return Some(0);
    }
    digits.parse().ok().filter(|count| *count < 1_000_000)
}

/// Copies that can be had and, where they stand with them, all: `2`, `2/5`, `在架`, `无`. `None` for
/// words that are not known.
pub(super) fn copies(text: &str) -> Option<(Option<u32>, Option<u32>)> {
    let half: String = text.chars().map(half_width).collect();
    if let Some((available, total)) = half.split_once('/')
        && let (Some(available), Some(total)) = (count(available), count(total))
    {
        // Some write what there is first.
        return Some((Some(available.min(total)), Some(available.max(total))));
    }
    if let Some(count) = count(&half) {
        return Some((Some(count), None));
    }
    match half.trim().to_lowercase().as_str() {
        "有" | "是" | "可" | "有货" | "充足" | "y" | "yes" | "true" | "√" | "✓" => {
            Some((Some(UNCOUNTED), None))
        }
        "无" | "無" | "否" | "没有" | "n" | "no" | "false" | "×" | "x" | "缺货" | "售罄" => {
            Some((Some(0), None))
        }
        word => state(word).map(|here| (Some(if here { UNCOUNTED } else { 0 }), None)),
    }
}

/// Words for a copy that is not to be had; they come first, since 不可借 has 可借 in it.
#[rustfmt::skip]
const AWAY: [&str; 67] = [
    "到期",
    "不", "非", "禁", "仅", "僅", "借出", "已借", "外借中", "已外借", "借阅中", "借閱中", "在借", "被借", "出借", "续借", "续借中",
    "丢", "遗失", "遺失", "失", "剔除", "注销", "註銷", "报废", "报损", "污损", "破损", "损坏", "修补", "修復", "修复",
    "装订", "裝訂", "预约", "預約", "预借", "保留", "阅览", "閱覽", "编目", "編目", "采购", "採購", "订购", "訂購", "下架",
    "停", "已售", "售罄", "缺", "调拨", "运送", "在途", "处理", "锁定", "逾期", "超期", "典藏中", "加工", "清点", "盘点", "展览", "回溯", "验收", "在编", "应还",
];
const AWAY_ENGLISH: [&str; 19] = [
    "not ",
    "un",
    "checked out",
    "check out",
    "on loan",
    "loaned",
    "lent",
    "lost",
    "missing",
    "withdrawn",
    "damaged",
    "hold",
    "transit",
    "due",
    "order",
    "repair",
    "reference",
    "issued",
    "borrowed",
];
const HERE: [&str; 20] = [
    "流通中",
    "典藏",
    "在馆",
    "在館",
    "在架",
    "可借",
    "在库",
    "在庫",
    "可外借",
    "可供",
    "上架",
    "入藏",
    "正常",
    "空闲",
    "归还",
    "已还",
    "馆内",
    "在册",
    "有货",
    "在店",
];
const HERE_ENGLISH: [&str; 8] = [
    "available",
    "on shelf",
    "on the shelf",
    "checked in",
    "in library",
    "in stock",
    "for loan",
    "in",
];

/// Whether a copy in this state can be had; `None` for words that are not known.
pub(super) fn state(text: &str) -> Option<bool> {
    let word = text.trim().to_lowercase();
    // As a state it says that a copy is out; in other words it only says what may be done.
    if word == "外借" {
        return Some(false);
    }
    let left = ["未借出", "未外借", "未被借", "未出借", "未借"];
    if left.iter().any(|still| word.contains(still)) {
        return Some(true);
    }
    let away = AWAY.iter().any(|away| word.contains(away))
        || AWAY_ENGLISH
            .iter()
            .any(|away| word.starts_with(away) || word.contains(&format!(" {away}")));
    let here = HERE.iter().any(|here| word.contains(here))
        || HERE_ENGLISH.iter().any(|here| word.starts_with(here));
    (away || here).then_some(!away)
}

/// An average of ten, also as `8.9分`. Whole numbers up to five are somebody's own stars: no
/// average of many readers is one.
pub(super) fn average(text: &str) -> Option<f64> {
    let half: String = text.chars().map(half_width).collect();
    let number = half.trim().trim_end_matches('分').trim_end_matches("/10").trim();
    let stars = number.len() == 1 && number.bytes().all(|digit| (b'1'..=b'5').contains(&digit));
    number.parse().ok().filter(|_| !stars)
}

/// A number of readers: `1,234人评价`, `1.2万`.
pub(super) fn readers(text: &str) -> Option<u32> {
    let half: String = text.chars().map(half_width).filter(|c| *c != ',').collect();
    let from = half.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number = from.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let times = if from.get(number.len()..)?.starts_with(['万', '萬']) { 10_000.0 } else { 1.0 };
    let count = number.parse::<f64>().ok()? * times;
    (1.0..1e9).contains(&count).then_some(count as u32)
}

/// The call number that a class and the number of a book in it make; without a class, nothing.
pub(super) fn callno(class: &str, number: &str) -> String {
    match (class, number) {
        ("", _) => String::new(),
        (class, "") => class.to_owned(),
        (class, number) if class.contains('/') || number.starts_with('/') => {
            format!("{class}{number}")
        }
        (class, number) => format!("{class}/{number}"),
    }
}

/// The house, the date and the pages in a statement of publication: `重庆 : 重庆出版社, 2008.1`,
/// `重庆出版社 2008`, `Bantam (1998), 212 pages`.
pub(super) fn imprint(text: &str) -> (String, String, String) {
    let half: String = text.chars().map(half_width).collect();
    let year = half.char_indices().find_map(|(at, _)| {
        let four = half.get(at..at + 4)?;
        let apart = !half.get(..at)?.ends_with(|c: char| c.is_ascii_digit())
            && !half.get(at + 4..)?.starts_with(|c: char| c.is_ascii_digit());
        let year: u32 = four.parse().ok().filter(|_| apart)?;
        (1000..=2100).contains(&year).then_some(at)
    });
    let (before, dated) = half.split_at_checked(year.unwrap_or(half.len())).unwrap_or_default();
    let marks = |c: char| c.is_whitespace() || ",;:.[(c©".contains(c);
    let house = before.trim_matches(marks);
    // Behind the place; who sold it stands behind the house.
    let house = house.split(':').nth(1).unwrap_or(house).trim();
    let (when, rest) = dated
        .split_at_checked(dated.find([')', ',', ']']).unwrap_or(dated.len()))
        .unwrap_or_default();
    let pages = if rest.contains("page") || rest.contains('页') { rest } else { "" };
    (house.to_owned(), dates::date(when), crate::catalogue::clean::pages(pages))
}

/// Whether a row only sums up the others.
pub(super) fn is_total(cells: &[String]) -> bool {
    let first = cells.iter().map(|cell| cell.trim()).find(|cell| !cell.is_empty());
    let bare: String = first.unwrap_or_default().chars().filter(|c| !c.is_whitespace()).collect();
    let words =
        ["合计", "合計", "总计", "總計", "小计", "小計", "本页合计", "本页小计", "总合计", "累计"];
    let rest = words.iter().find_map(|word| bare.strip_prefix(word));
    let english = bare.trim_end_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_lowercase();
    let english =
        matches!(english.as_str(), "total" | "totals" | "subtotal" | "grandtotal" | "sum");
    let Some(rest) = rest.or(english.then_some("")) else {
        return false;
    };
    // 合计 may be the beginning of a title.
    let figures = rest.is_empty() || rest.starts_with(|c: char| !c.is_alphabetic());
    figures && !cells.iter().any(|cell| Isbn::parse(cell).is_some())
}
