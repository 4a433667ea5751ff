//! What columns are called.
//!
//! In: the name of a column, the key of an object. Out: the [`Column`] it is, and how much it says:
//! of two columns for one thing the one whose name stands first in its list counts. Names are
//! Chinese, in simplified or traditional characters, or English, in any case and width, with blanks,
//! a `*` or anything in brackets around them. No I/O; nothing fails.

use std::collections::HashMap;

use crate::catalogue::fold::fold;
use crate::sys::text;

/// What a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// The title.
    Title,
    /// A title and, behind a slash, people.
    Heading,
    /// What follows the title.
    Subtitle,
    /// The number of the volume.
    Volume,
    /// The title of the volume.
    VolumeTitle,
    /// People who wrote, with their roles.
    Authors,
    /// Further ones.
    MoreAuthors,
    /// People who translated.
    Translators,
    /// The house.
    Publisher,
    /// When it was published.
    Pubdate,
    /// What it costs.
    Price,
    /// Its pages.
    Pages,
    /// Place, house and year in one.
    Imprint,
    /// The series.
    Series,
    /// The title in its own language.
    OriginTitle,
    /// The ISBN.
    Isbn,
    /// A number that may be an ISBN, or the copy's own.
    Barcode,
    /// 索书号.
    Callno,
    /// The class, which leads to the book where there is no call number.
    Class,
    /// What tells books of one class apart: with the class it makes a call number.
    BookNumber,
    /// Where it stands.
    Location,
    /// Copies that can be had now.
    Available,
    /// All copies.
    Total,
    /// Copies that are lent.
    Lent,
    /// What is the case with this copy.
    State,
    /// Douban's number.
    DoubanId,
    /// Several numbers with their kinds, `douban:1,isbn:978…`.
    Identifiers,
    /// What the public thinks of it.
    Rating,
    /// How many readers do.
    Raters,
    /// What the list's owner thinks of it, which is shown to nobody.
    OwnStars,
    /// A picture.
    Cover,
    /// A page.
    Link,
    /// What it is about.
    Summary,
    /// When it came to the shelf.
    Added,
}

/// Lower case, simplified, without blanks and marks; what says most first. 200$a and the like are
/// what dp2 writes behind the names, and are taken off before.
#[rustfmt::skip]
const NAMES: [(Column, &[&str]); 34] = [
    (Column::Title,       &["title", "正题名", "书名", "题名", "图书名称", "书籍名称", "图书名", "书籍名", "图书题名", "图书标题", "书刊名", "书刊名称", "书名称", "booktitle", "bookname", "正书名", "题名信息", "商品名称", "商品名", "品名", "货品名称", "标题", "名称"]),
    (Column::Heading,     &["题名/责任者", "题名/责任者/出版者", "书名/责任者", "书名/作者", "题名/作者", "书名作者", "题名责任者", "题名与责任说明", "题名与责任者", "题名及责任说明", "题名与责任者说明", "题名和责任说明", "题名及责任者", "title/author"]),
    (Column::Subtitle,    &["subtitle", "副书名", "副标题", "副题名", "副题", "其他题名信息", "分标题"]),
    (Column::Volume,      &["分辑号", "分卷号", "卷册号", "卷号", "卷次", "卷册", "册次", "分册号", "辑号", "volume", "volumenumber"]),
    (Column::VolumeTitle, &["分辑名", "分卷名", "分册名", "分辑题名", "分卷题名", "分册题名", "卷名"]),
    (Column::Authors,     &["author", "authors", "作者", "著者", "著作者", "责任者", "第一责任者", "第一责任人", "责任人", "主要责任者", "主要作者", "作者译者", "作者/译者", "作者名", "作者姓名", "著译者", "著/译者", "责任说明", "责任者说明", "编著者", "著编者", "编者", "主编", "撰者", "作者编者", "primaryauthor", "writer", "authorname", "creators", "authornames", "authortext", "creator"]),
    (Column::MoreAuthors, &["additionalauthors", "secondaryauthor", "secondaryauthors", "第二责任者", "其他责任者", "其它责任者", "次要责任者", "其他作者", "其它作者"]),
    (Column::Translators, &["translator", "translators", "译者", "翻译者", "翻译", "译者名", "译者姓名"]),
    (Column::Publisher,   &["publisher", "出版社", "出版者", "出版单位", "出版社名称", "出版社名", "出版机构", "出版商", "发行者", "publishername", "pubhouse", "press", "版别"]),
    (Column::Imprint,     &["出版发行", "出版发行项", "出版项", "出版信息", "出版地/出版社/出版年", "publication", "imprint", "publicationinfo"]),
    (Column::Pubdate,     &["pubdate", "出版日期", "出版时间", "出版年月", "出版年月日", "出版年份", "出版年", "出版年代", "年份", "publicationdate", "publisheddate", "datepublished", "publishdate", "datepub", "publicationyear", "yearpublished", "pubyear", "copyrightdate", "year", "date", "originalpublicationyear"]),
    (Column::Price,       &["price", "定价", "图书定价", "价格", "图书价格", "单价", "单册价格", "单册定价", "码价", "原价", "书价", "价钱", "零售价", "售价", "标价", "listprice"]),
    (Column::Pages,       &["pages", "页数", "总页数", "页码", "页", "numberofpages", "pagecount", "numpages", "pagenumber"]),
    (Column::Series,      &["series", "丛书", "丛书名", "丛书题名", "丛编题名", "丛编名", "丛编", "丛书名称", "丛编项", "丛书项", "所属丛书", "seriestitle", "seriesname", "套书名", "系列"]),
    (Column::OriginTitle, &["origintitle", "originaltitle", "原作名", "原书名", "原著名", "原名", "原题名", "外文书名", "英文书名", "外文题名", "并列题名", "并列正题名"]),
    (Column::Isbn,        &["isbn13", "isbn", "isbn号", "isbn号码", "isbn编号", "isbn码", "isbn书号", "图书isbn", "书籍isbn", "isbn条码", "isbn条形码", "isbn及定价", "isbn与定价", "isbn/价格", "isbn/issn", "isbn/issn号", "issn/isbn", "国际标准书号", "中国标准书号", "国际标准图书编号", "标准书号", "标准编码", "标准编号", "标准号", "书号", "图书书号", "isbns", "eanisbn13", "upcisbn10", "isbn10"]),
    (Column::Barcode,     &["ean", "ean13", "eancode", "条形码", "条码", "条码号", "条形码号", "商品条码", "商品条形码", "图书条码", "图书条形码", "册条码", "册条码号", "登录号", "商品编码", "商品编号", "商品代码", "barcode", "upc", "gtin"]),
    (Column::Callno,      &["callno", "callnumber", "索书号", "索取号", "索书号码", "分类号/种次号", "分类号/书次号", "排架号", "排架索取号", "完整索书号", "itemcallnumber", "shelfmark"]),
    (Column::Class,       &["中图分类号", "中图法分类号", "分类号", "中图法", "类号", "中图分类", "classnumber", "classification", "lcclassification", "deweydecimal", "ddc"]),
    (Column::BookNumber,  &["种次号", "书次号", "著者号", "图书种次号", "排架书次号", "辅助区分号", "同类书号"]),
    (Column::Location,    &["校区馆藏地", "location", "馆藏地", "馆藏地点", "馆藏位置", "馆藏地址", "馆内位置", "典藏地", "典藏地点", "馆藏部门", "典藏部门", "典藏室", "馆藏室", "馆藏库", "馆藏分馆", "存放位置", "存放地点", "存放地", "所在位置", "所在馆", "藏书地点", "藏书位置", "藏书地", "currentlocation", "shelvinglocation", "shelflocation", "所在架位", "所在书架", "书架位置", "书架位", "书架号", "架位号", "架位", "架号", "排架位置", "架位信息", "馆室", "所在馆室", "藏书室", "藏址", "馆藏点", "馆藏分布", "所在部门", "书架", "位置", "库位", "货位", "homelibrary", "holdinglibrary", "library", "branch", "分馆", "馆别", "馆名", "馆藏单位", "所属馆", "所属分馆", "阅览室"]),
    (Column::Available,   &["可借数量", "可借册数", "可借复本数", "可借复本", "可借本数", "可借库存", "可借数", "可借", "可外借数量", "可外借数", "可外借册数", "可外借", "在馆数量", "在馆册数", "在馆数", "在馆复本数", "在馆", "在架数量", "在架册数", "在架数", "在架", "可用数量", "可用数", "可用库存", "剩余数量", "剩余", "剩余库存", "当前可借", "是否可借", "是否在馆", "是否在架", "是否可外借", "copies", "copiesavailable", "availablecopies", "available", "itemsavailable"]),
    (Column::Total,       &["馆藏册数", "馆藏数量", "馆藏数", "馆藏量", "馆藏复本数", "馆藏复本", "复本总数", "总复本数", "总复本", "复本数量", "复本数", "复本量", "复本", "副本数", "总册数", "藏书册数", "藏书数量", "藏书量", "藏书数", "入藏册数", "库存数量", "库存量", "库存数", "库存", "现有库存", "当前库存", "现存量", "结存数量", "结存", "总库存", "总数量", "总数", "totalcopies", "numberofcopies", "copiestotal", "stock", "quantity", "qty", "数量", "册数", "本数"]),
    (Column::Lent,        &["借出数量", "借出册数", "借出数", "已借数量", "已借册数", "已借数", "已借出数", "外借数量", "外借册数", "外借数", "在借数量", "在借册数", "在借数", "已外借数"]),
    (Column::State,       &["馆藏状态", "文献状态", "文献流通状态", "单册流通状态", "复本状态", "可借状态", "书本状态", "上架状态", "流通情况", "借阅情况", "馆藏情况", "在馆情况", "图书状态", "借阅状态", "流通状态", "借还状态", "单册状态", "册状态", "书刊状态", "在馆状态", "在架状态", "借出状态", "外借状态", "书籍状态", "当前状态", "状态", "availability", "itemstatus", "status"]),
    (Column::DoubanId,    &["doubanid", "豆瓣id", "豆瓣编号", "豆瓣号", "豆瓣书号", "豆瓣subjectid", "豆瓣条目", "豆瓣条目id", "doubansubjectid", "subjectid", "doubanbookid"]),
    (Column::Identifiers, &["identifiers", "标识符"]),
    (Column::Rating,      &["豆瓣评分", "豆瓣分数", "豆瓣得分", "doubanrating", "doubanscore", "rating", "评分", "图书评分", "平均分", "平均评分"]),
    (Column::Raters,      &["评价数", "评价人数", "评分人数", "打分人数", "豆瓣评价数", "豆瓣评价人数", "豆瓣评分人数", "评价数量", "评论人数", "ratingcount", "ratingscount", "numraters", "raters", "votes"]),
    (Column::OwnStars,    &["我的评分", "个人评分", "我的打分", "myrating", "我的星级", "starrating"]),
    (Column::Cover,       &["cover", "image", "封面", "封面图", "封面图片", "封面地址", "封面链接", "封面url", "图书封面", "书籍封面", "coverurl", "coverimageurl", "imageurl"]),
    (Column::Link,        &["link", "链接", "豆瓣链接", "豆瓣地址", "豆瓣网址", "条目链接", "图书链接", "书籍链接", "详情链接", "连结", "网址", "doubanurl", "doubanlink", "alt", "url"]),
    (Column::Summary,     &["summary", "内容简介", "内容提要", "内容摘要", "图书简介", "书籍简介", "简介", "提要", "摘要", "提要文摘附注", "提要或文摘", "内容介绍", "图书摘要", "description", "abstract", "comments"]),
    (Column::Added,       &["入藏日期", "入藏时间", "入馆日期", "入馆时间", "上架日期", "上架时间", "入库日期", "入库时间", "购入日期", "购买日期", "购书日期", "采购日期", "登账日期", "到书日期", "新增日期", "登记时间", "入藏年月", "典藏日期", "典藏时间", "编目日期", "验收日期", "到馆日期", "到货日期", "登记日期", "登录日期", "添加日期", "添加时间", "录入日期", "录入时间", "创建时间", "创建日期", "建档日期", "dateadded", "added", "addedat", "entrydate", "accessiondate", "dateacquired", "dateaccessioned", "createdat", "timestamp"]),
];

/// Names that only lists of one's own reading have: there `rating` is the reader's own.
#[rustfmt::skip]
const OWN: [&str; 33] = [
    "authorsort", "titlesort", "uuid", "libraryname", "identifiers", "sortcharacter", "bookid",
    "exclusiveshelf", "bookshelves", "myrating", "myreview", "review", "reviewname", "reviewcontent",
    "dateread", "startdate", "finishdate", "stoppeddate", "readcount", "readstatus", "privatenotes",
    "我的评分", "个人评分", "我的评论", "短评", "我的短评", "评论", "读书状态", "阅读状态", "读完日期",
    "读完时间", "标记时间", "标记日期",
];

/// The column that a name means, and its place among the names of that column.
pub(super) fn named(name: &str) -> Option<(Column, usize)> {
    let whole = bare(name);
    if let Some(found) = listed(&whole) {
        return Some(found);
    }
    // `书名(200#a)`, `*ISBN【必填】`; and where the brackets say it, `编号（ISBN）`.
    let (outside, inside) = unbracketed(name);
    if let Some(found) = listed(&bare(&outside)).or_else(|| listed(&bare(&inside))) {
        return Some(found);
    }
    // Any other way to call it a number: `ISBN13码`, `图书ISBN编号`.
    let rest = whole.replacen("isbn", "", 1);
    if rest != whole
        && rest.chars().all(|c| "号码编书条形图籍国际标准位新旧代值0123出版物".contains(c))
    {
        return Some((Column::Isbn, usize::MAX));
    }
    // `Title 书名`, `书名/Title`: two names for one column.
    let mut halves: Vec<_> = parts(&outside).iter().map(|part| listed(&bare(part))).collect();
    let cut = outside.contains(['/', '|', '—', '\n']);
    // `校区—馆藏地`: beside a mark, another word says more of the same.
    halves.retain(|half| !cut || half.is_some());
    let best = halves.iter().flatten().copied().min()?;
    let kin = |half: &Option<_>| half.is_some_and(|(column, _)| are_kin(column, best.0));
    halves.iter().all(kin).then_some(best)
}

/// Whether two columns may stand in one: `索书号/分类号`, `ISBN/条码`, `可借/馆藏`.
fn are_kin(one: Column, other: Column) -> bool {
    let family = |column| match column {
        Column::Class => Column::Callno,
        Column::Barcode => Column::Isbn,
        Column::Total => Column::Available,
        column => column,
    };
    family(one) == family(other)
}

/// Whether a name is one that only lists of one's own reading have.
pub(super) fn is_own(name: &str) -> bool {
    OWN.contains(&bare(name).as_str())
}

fn listed(name: &str) -> Option<(Column, usize)> {
    NAMES
        .iter()
        .find_map(|(column, names)| Some((*column, names.iter().position(|known| *known == name)?)))
}

/// Folded, simplified, and without blanks and the marks that forms put around names.
fn bare(name: &str) -> String {
    let marks = [' ', '_', '-', '.', '*', '#', ':', '★', '●', '$', '·', '\u{feff}', '\u{200b}'];
    // Folding takes 著 for 着, which no header means.
    let folded = fold(name).replace('着', "著");
    folded.chars().filter(|c| !marks.contains(c)).collect()
}

/// What stands outside of all brackets, and what inside.
fn unbracketed(name: &str) -> (String, String) {
    let (mut outside, mut inside, mut open) = (String::new(), String::new(), 0_usize);
    for c in name.chars() {
        match c {
            '(' | '（' | '[' | '［' | '【' | '〔' | '{' | '<' | '《' | '「' => open += 1,
            ')' | '）' | ']' | '］' | '】' | '〕' | '}' | '>' | '》' | '」' => {
                open = open.saturating_sub(1);
            }
            _ if open > 0 => inside.push(c),
            _ => outside.push(c),
        }
    }
    (outside, inside)
}

/// A name cut at slashes, at line ends, and where Latin letters and Chinese ones meet.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut latin = None;
    for c in name.chars().map(text::half_width) {
        let letter = c.is_alphabetic().then(|| c.is_ascii());
        let other = letter.is_some() && latin.is_some() && letter != latin;
        if matches!(c, '/' | '|' | '—' | '\n') || other {
            parts.push(String::new());
        }
        if let (Some(part), false) = (parts.last_mut(), matches!(c, '/' | '|' | '—' | '\n')) {
            part.push(c);
        }
        latin = letter.or(latin);
    }
    parts
}

/// Names met before: objects repeat theirs on every line.
#[derive(Default)]
pub(super) struct Known {
    names: HashMap<String, Option<(Column, usize)>>,
    /// Whether one of them is of a list of one's own reading.
    pub own: bool,
}

/// As many different names as any export has; further ones are looked up each time.
const REMEMBERED: usize = 512;

impl Known {
    /// As [`named`].
    pub fn named(&mut self, name: &str) -> Option<(Column, usize)> {
        if let Some(known) = self.names.get(name) {
            return *known;
        }
        let found = named(name);
        if self.names.len() < REMEMBERED && name.len() < 256 {
            self.names.insert(name.to_owned(), found);
            self.own |= is_own(name);
        }
        found
    }

    /// The names met so far, in order, with what they are.
    pub fn met(&self) -> Vec<(&str, Option<Column>)> {
        let mut met: Vec<_> =
            self.names.iter().map(|(name, found)| (name.as_str(), found.map(|(c, _)| c))).collect();
        met.sort_unstable();
        met
    }
}

impl Column {
    /// What it is called in reports.
    #[rustfmt::skip]
    pub fn label(self) -> &'static str {
        match self {
            Self::Title => "title", Self::Heading => "title and people", Self::Subtitle => "subtitle",
            Self::Volume => "volume", Self::VolumeTitle => "title of the volume",
            Self::Authors => "author", Self::MoreAuthors => "further authors",
            Self::Translators => "translator", Self::Publisher => "publisher",
            Self::Imprint => "publisher and date", Self::Pubdate => "date of publication",
            Self::Price => "price", Self::Pages => "pages", Self::Series => "series",
            Self::OriginTitle => "original title", Self::Isbn => "ISBN",
            Self::Barcode => "ISBN, where it is one", Self::Callno => "call number",
            Self::Class => "call number, where there is no other", Self::Location => "location",
            Self::BookNumber => "call number, with the class",
            Self::Lent => "copies lent", Self::Available => "copies available", Self::Total => "copies in all",
            Self::State => "state of the copy", Self::DoubanId => "Douban's number",
            Self::Identifiers => "ISBN and Douban's number", Self::Rating => "rating",
            Self::Raters => "count of ratings", Self::OwnStars => "a reader's own stars, not shown",
            Self::Cover => "cover", Self::Link => "link", Self::Summary => "summary",
            Self::Added => "date added",
        }
    }
}
