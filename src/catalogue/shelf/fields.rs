//! The fields of one line of a shelf file, and the book they make.
//!
//! In: fields by name, as text. Out: a [`Line`] of them in a fixed order, and of those a
//! [`Book`]. What makes no sense in a field leaves it empty, and of several fields for one
//! thing (`isbn13`, `isbn10`) the first that holds something counts. Names of fields are English
//! or Chinese, in any case and width. No field holds a control character. No I/O.

use crate::catalogue::book::{Book, Holding, Rating, Source};
use crate::catalogue::isbn::Isbn;
use crate::catalogue::{Query, clean, douban};
use crate::sys::text;

/// What a field is about; the number is its place in a [`Line`].
#[derive(Clone, Copy, PartialEq, Eq)]
#[rustfmt::skip]
pub(super) enum Field {
    // What is searched, what ranks highest first.
    Title, Authors, Translators, Publisher, Subtitle, Series, OriginTitle,
    // What most libraries know first: empty fields at the end cost nothing.
    Isbn, Callno, Location, Price, Pubdate, Pages, Copies, Id, Rating, Cover, Link, Summary, Added,
    // A title and, behind ` / `, people: not kept as such.
    Heading,
}

/// How many fields, from the first, are searched.
pub(super) const SEARCHED: usize = Field::OriginTitle as usize + 1;
/// How many fields there are.
pub(super) const FIELDS: usize = Field::Heading as usize;

/// What headers and keys call a field: lower case, without blanks, `_` and `-`.
#[rustfmt::skip]
const NAMES: [(Field, &[&str]); FIELDS + 1] = [
    (Field::Title,       &["title", "书名", "题名", "正题名", "书籍名称", "图书名称"]),
    (Field::Authors,     &["author", "authors", "作者", "著者", "著作者", "责任者", "第一责任者", "主要责任者"]),
    (Field::Translators, &["translator", "translators", "译者"]),
    (Field::Publisher,   &["publisher", "出版社", "出版者", "出版单位"]),
    (Field::Subtitle,    &["subtitle", "副书名", "副标题", "副题名"]),
    (Field::Series,      &["series", "丛书", "丛书名"]),
    (Field::OriginTitle, &["origintitle", "originaltitle", "原作名", "原书名"]),
    (Field::Isbn,        &["isbn", "isbn13", "isbn10", "isbn号", "isbn及定价", "国际标准书号", "标准书号", "标准编码"]),
    (Field::Callno,      &["callno", "callnumber", "索书号", "索取号"]),
    (Field::Location,    &["location", "馆藏地", "馆藏位置", "馆藏地点", "典藏地"]),
    (Field::Price,       &["price", "定价", "价格", "单价"]),
    (Field::Pubdate,     &["pubdate", "出版日期", "出版时间", "出版年", "出版年份", "出版年月"]),
    (Field::Pages,       &["pages", "页数"]),
    (Field::Copies,      &["copies", "可借", "可借数", "可借数量", "可借复本", "库存", "在馆数", "在馆数量"]),
    (Field::Id,          &["id", "doubanid", "豆瓣id"]),
    (Field::Rating,      &["rating", "评分"]),
    (Field::Cover,       &["cover", "image", "封面"]),
    (Field::Link,        &["link", "链接"]),
    (Field::Summary,     &["summary", "简介", "内容简介"]),
    (Field::Added,       &["added", "dateadded", "入藏日期", "入库日期", "上架日期", "登记日期"]),
    (Field::Heading,     &["题名/责任者", "书名/责任者", "书名/作者"]),
];

impl Field {
    /// By the name in a header or the key of an object. What stands in brackets behind does
    /// not count: `定价（元）` is 定价.
    pub fn named(name: &str) -> Option<Self> {
        let listed: fn(&str) -> Option<Self> =
            |name| NAMES.iter().find(|(_, names)| names.contains(&name)).map(|f| f.0);
        // Most names come as they are listed; folding every name of every line takes longer.
        listed(name).or_else(|| {
            let folded = text::fold(name);
            let bare = folded.split('(').next().unwrap_or_default();
            listed(&bare.replace([' ', '_', '-'], ""))
        })
    }
}

/// One line's fields, fit to be kept.
#[derive(Default)]
pub(super) struct Line {
    /// Several people in one field stand with `/` between them.
    pub fields: [String; FIELDS],
    /// What stood in the ISBN field and was meant as one, but is none.
    pub not_isbn: Option<String>,
}

impl Line {
    /// The line of these fields; none without a title. Fields without a name are passed over.
    pub fn new<T: AsRef<str>>(fields: impl Iterator<Item = (Option<Field>, T)>) -> Option<Self> {
        let (mut line, mut people) = (Self::default(), String::new());
        for (field, text) in fields {
            let (Some(field), text) = (field, text.as_ref()) else { continue };
            let heading = if field == Field::Heading { text.split_once(" / ") } else { None };
            people.extend(heading.map(|(_, people)| people));
            let field = if field == Field::Heading { Field::Title } else { field };
            line.set(field, heading.map_or(text, |(title, _)| title));
        }
        // Those of a field of their own were there before.
        line.set(Field::Authors, &people);
        let [title, authors, translators, ..] = &mut line.fields;
        // An author's field may name translators too.
        let written = roles_apart(authors);
        let (writing, translating) = clean::people(&[&written], &[translators]);
        (*authors, *translators) = (writing.join("/"), translating.join("/"));
        (!title.is_empty()).then_some(line)
    }

    fn set(&mut self, field: Field, written: &str) {
        let text = clean::line(written);
        if let (Field::Link, Some(Query::Subject(id))) =
            (field, crate::catalogue::links::book(&text))
        {
            self.set(Field::Id, &id);
        }
        let known = &mut self.fields[field as usize];
        if text.is_empty() || !known.is_empty() {
            return;
        }
        *known = match field {
            Field::Isbn => {
                let found = isbn(&text);
                self.not_isbn = Some(text).filter(|text| found.is_none() && is_meant(text));
                found.map(|isbn| isbn.isbn13()).unwrap_or_default()
            }
            Field::Price => clean::price(&text),
            Field::Pages => clean::pages(&text),
            Field::Id => Some(text).filter(|id| Query::subject(id).is_some()).unwrap_or_default(),
            Field::Cover => clean::cover(&text),
            Field::Link => clean::https(&text),
            Field::Summary => clean::summary(written),
            Field::Added => Some(text).filter(|day| is_day(day)).unwrap_or_default(),
            _ => text,
        };
    }
}

/// Whether it is written as `2026-11-05`.
fn is_day(text: &str) -> bool {
    let mark = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    text.len() == 10 && text.bytes().enumerate().all(mark)
}

/// A catalogue's statement of who did what, `（法）圣埃克苏佩里著；马振骋译`, with its roles apart
/// from the names. Only where somebody is said to have written: alone, 译 may end a name.
fn roles_apart(text: &str) -> String {
    const WROTE: [&str; 5] = ["编著", "主编", "著", "编", "撰"];
    let apart = |one: &str, roles: &[&str]| {
        let bare = one.trim_end();
        let name = roles.iter().find_map(|role| bare.strip_suffix(role))?.trim_end_matches('等');
        let role = bare.get(name.len()..)?;
        (name.chars().count() > 1 && !name.ends_with(char::is_whitespace))
            .then(|| format!("{name} {role}"))
    };
    let each = |roles: &[&str]| -> Vec<Option<String>> {
        text.split(['；', ';', '/', '，', ',']).map(|one| apart(one, roles)).collect()
    };
    if each(&WROTE).iter().all(Option::is_none) {
        return text.to_owned();
    }
    let all = each(&[&WROTE[..], &["翻译", "译"]].concat());
    let parts = text.split(['；', ';', '/', '，', ',']).zip(all);
    parts.map(|(one, apart)| apart.unwrap_or(one.to_owned())).collect::<Vec<_>>().join("；")
}

/// Exports write `978-7-5366-9293-0 (平装) : CNY23.00`, `'7536692935`, `7536692935.0` or two
/// numbers, of which the first that is one counts.
fn isbn(text: &str) -> Option<Isbn> {
    let parts = text.split([' ', ',', '，', '(', '（', ':', '：', ';', '；', '/']);
    let bare = parts.map(|part| part.trim_start_matches('\'').trim_end_matches(".0"));
    [text].into_iter().chain(bare).find_map(Isbn::parse)
}

/// Fewer than ten digits are a 统一书号 or the shop's own number and no mistake; but
/// `9.78754E+12` is what a spreadsheet leaves of an ISBN.
fn is_meant(text: &str) -> bool {
    let digits = text.chars().filter(|&c| text::half_width(c).is_ascii_digit()).count();
    digits >= 10 || digits > 0 && text.contains(['E', 'e'])
}

/// The book that the fields of a [`Line`] make.
#[rustfmt::skip]
pub(super) fn book(fields: [&str; FIELDS]) -> Book {
    let rating = rating(fields[Field::Rating as usize]);
    let people = |names: &str| -> Vec<String> {
        names.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let [
        title, authors, translators, publisher, subtitle, series, origin_title,
        isbn, callno, location, price, pubdate, pages, copies, id, _, cover, link, summary, added,
    ] = fields.map(str::to_owned);
    let holding = Holding::at(&callno, &location, copies.parse().ok(), None);
    Book {
        records: Vec::new(),
        authors: people(&authors),
        translators: people(&translators),
        isbn: Isbn::parse(&isbn),
        rating,
        link: if link.is_empty() { douban::public_page(&id) } else { link },
        holding: (!holding.is_empty()).then_some(holding),
        source: Source::Shelf,
        added,
        title, subtitle, origin_title, publisher, pubdate, price, pages, series, summary, cover,
    }
}

/// An average; or, behind a colon, also how many readers gave it, and then an average of 0
/// says that they were too few.
fn rating(field: &str) -> Rating {
    match field.split_once(':') {
        Some((average, count)) => clean::rating(average.parse().ok(), count.parse().ok()),
        None => clean::rating(field.parse().ok().filter(|&average| average > 0.0), None),
    }
}
