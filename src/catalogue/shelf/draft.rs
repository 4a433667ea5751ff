//! One line's fields made into a book.
//!
//! In: fields by name, as text or JSON. Out: a [`Draft`]; what makes no sense in a field leaves
//! it empty, and of several fields for one thing (`isbn13`, `isbn10`) the first that holds
//! something counts. Names of fields are English or Chinese, in any case and width. No text in
//! a draft holds a control character or a line end. No I/O; nothing fails.

use serde_json::Value;

use crate::book::{Book, Rating};
use crate::isbn::Isbn;
use crate::text;

/// What a card shows of a summary, in characters.
const SUMMARY: usize = 120;

/// What a field is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Title,
    Subtitle,
    OriginTitle,
    Authors,
    Translators,
    Isbn,
    Publisher,
    Pubdate,
    Price,
    Pages,
    Series,
    Callno,
    Location,
    Copies,
    Summary,
    Cover,
    Link,
    Rating,
    Id,
}

impl Column {
    /// By the name in a header or the key of an object. Blanks, `_` and `-` do not count, nor
    /// does what stands in brackets behind: `定价（元）` is 定价.
    pub fn named(name: &str) -> Option<Self> {
        // Most names come as they are listed; folding every name of every line takes longer.
        Self::listed(name).or_else(|| {
            let folded = text::fold(name);
            let bare = folded.split('(').next().unwrap_or_default();
            Self::listed(&bare.replace([' ', '_', '-'], ""))
        })
    }

    fn listed(name: &str) -> Option<Self> {
        Some(match name {
            "title" | "书名" | "题名" | "正题名" | "书籍名称" | "图书名称" => {
                Self::Title
            }
            "subtitle" | "副书名" | "副标题" | "副题名" => Self::Subtitle,
            "origintitle" | "originaltitle" | "原作名" | "原书名" => Self::OriginTitle,
            "author" | "authors" | "作者" | "著者" | "责任者" => Self::Authors,
            "translator" | "translators" | "译者" => Self::Translators,
            "isbn" | "isbn13" | "isbn10" | "isbn号" | "国际标准书号" => Self::Isbn,
            "publisher" | "出版社" | "出版者" => Self::Publisher,
            "pubdate" | "出版日期" | "出版时间" | "出版年" | "出版年份" => {
                Self::Pubdate
            }
            "price" | "定价" | "价格" => Self::Price,
            "pages" | "页数" => Self::Pages,
            "series" | "丛书" | "丛书名" => Self::Series,
            "callno" | "callnumber" | "索书号" => Self::Callno,
            "location" | "馆藏地" | "馆藏位置" | "馆藏地点" => Self::Location,
            "copies" | "可借" | "可借数" | "可借数量" | "库存" => Self::Copies,
            "summary" | "简介" | "内容简介" => Self::Summary,
            "cover" | "image" | "封面" => Self::Cover,
            "link" | "链接" => Self::Link,
            "rating" | "评分" => Self::Rating,
            "id" | "doubanid" | "豆瓣id" => Self::Id,
            _ => return None,
        })
    }
}

/// A book in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub book: Book,
    /// Douban's number, or empty.
    pub id: String,
    /// What stood in the ISBN field and was meant as one, but is none.
    pub not_isbn: Option<String>,
}

impl Draft {
    /// Takes a field as a file writes it; several people may stand in one.
    pub fn set(&mut self, column: Column, typed: &str) {
        if matches!(column, Column::Authors | Column::Translators) {
            names(typed).for_each(|name| self.add(column, name));
        } else {
            self.add(column, typed);
        }
    }

    /// Takes a field of a JSON object. The elements of a list are taken as they are.
    pub fn set_json(&mut self, column: Column, value: &Value) {
        match value {
            Value::String(typed) => self.set(column, typed),
            Value::Number(number) => self.set(column, &number.to_string()),
            Value::Array(list) => list.iter().filter_map(Value::as_str).for_each(|one| {
                self.add(column, one);
            }),
            // Douban's {"average": "8.9", "numRaters": 1234} and {"id": …, "title": "a series"}.
            Value::Object(map) if column == Column::Rating => {
                let average = map.get("average").and_then(number);
                let count = map.get("numRaters").and_then(number).map(|n| n as u32);
                self.book.rating = rating(average, count);
            }
            Value::Object(map) => {
                if let Some(title) = map.get("title").and_then(Value::as_str) {
                    self.add(column, title);
                }
            }
            Value::Null | Value::Bool(_) => (),
        }
    }

    fn add(&mut self, column: Column, typed: &str) {
        let typed = clean(typed);
        if typed.is_empty() {
            return;
        }
        let book = &mut self.book;
        let field = match column {
            Column::Title => &mut book.title,
            Column::Subtitle => &mut book.subtitle,
            Column::OriginTitle => &mut book.origin_title,
            Column::Publisher => &mut book.publisher,
            Column::Pubdate => &mut book.pubdate,
            Column::Price => &mut book.price,
            Column::Series => &mut book.series,
            Column::Callno => &mut book.holding.get_or_insert_default().callno,
            Column::Location => &mut book.holding.get_or_insert_default().location,
            Column::Copies => &mut book.holding.get_or_insert_default().copies,
            Column::Summary => return fill(&mut book.summary, text::shorten(&typed, SUMMARY)),
            Column::Cover => return fill(&mut book.cover, https(typed)),
            Column::Link => return fill(&mut book.link, https(typed)),
            Column::Pages => return fill(&mut book.pages, first_number(&typed)),
            Column::Id => return fill(&mut self.id, douban_id(typed)),
            Column::Authors => return book.authors.push(typed),
            Column::Translators => return book.translators.push(typed),
            Column::Rating => return book.rating = rating(typed.parse().ok(), None),
            Column::Isbn => return self.set_isbn(typed),
        };
        fill(field, typed);
    }

    /// Exports write `978-7-5366-9293-0 (平装) : CNY23.00`, so the beginning alone will do.
    /// Fewer than ten digits are a 统一书号 or the shop's own number and no mistake; but
    /// `9.78754E+12` is what a spreadsheet leaves of an ISBN.
    fn set_isbn(&mut self, typed: String) {
        let first = typed.split(['(', '（', ':', '：', ';', '；']).next().unwrap_or_default();
        let found = Isbn::parse(&typed).or_else(|| Isbn::parse(first));
        let digits = typed.chars().filter(|&c| text::half_width(c).is_ascii_digit()).count();
        if self.book.isbn.is_none() {
            let meant = digits >= 10 || typed.contains(['E', 'e']) && digits > 0;
            self.not_isbn = Some(typed).filter(|_| meant && found.is_none());
            self.book.isbn = found;
        }
    }
}

fn fill(field: &mut String, value: String) {
    if field.is_empty() {
        *field = value;
    }
}

/// Without control characters, line ends and blanks at either end; blanks collapsed to one.
pub(super) fn clean(typed: &str) -> String {
    let mut cleaned = String::with_capacity(typed.len());
    for word in typed.split(|c: char| c.is_whitespace() || c.is_control()) {
        if !word.is_empty() {
            if !cleaned.is_empty() {
                cleaned.push(' ');
            }
            cleaned.push_str(word);
        }
    }
    cleaned
}

/// Several people in one cell: divided by semicolons, slashes, `、` and full-width commas; by
/// a half-width comma only where no Latin letter stands next to it, because of `Ulmer, Wendy`.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    let latin = |c: Option<char>| c.is_some_and(|c| c.is_alphabetic() && c < '\u{250}');
    let mut rest = Some(cell);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.char_indices().find(|&(at, c)| match c {
            ';' | '；' | '、' | '/' | '／' | '，' => true,
            ',' => {
                let (before, after) = text.split_at_checked(at).unwrap_or_default();
                let after = after.trim_start_matches([',', ' ']).chars().next();
                !latin(before.trim_end().chars().next_back()) && !latin(after)
            }
            _ => false,
        });
        let (name, more) = match end {
            Some((at, c)) => (text.get(..at), text.get(at + c.len_utf8()..)),
            None => (Some(text), None),
        };
        rest = more;
        name
    })
}

/// Readers' pages and pictures are opened by WeChat over https only.
fn https(url: String) -> String {
    if url.starts_with("https://") && !url.contains(' ') { url } else { String::new() }
}

fn douban_id(typed: String) -> String {
    let fits = (1..=12).contains(&typed.len()) && typed.bytes().all(|b| b.is_ascii_digit());
    if fits { typed } else { String::new() }
}

/// `350 页` is 350; 0 pages are unknown ones.
fn first_number(typed: &str) -> String {
    let digits = typed.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    digits.filter(|d| d.bytes().any(|b| b != b'0')).unwrap_or_default().to_owned()
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// An average of 0 to 10. Douban gives 0.0 exactly when too few have rated.
fn rating(average: Option<f64>, count: Option<u32>) -> Rating {
    match average {
        Some(average) if average > 0.0 && average <= 10.0 => {
            Rating::Scored { tenths: (average * 10.0).round() as u8, count }
        }
        Some(0.0) if count.is_some() => Rating::TooFew,
        _ => Rating::Unknown,
    }
}
