//! Files as systems, shops and people export them, each a row: what stands in the file, and the book
//! that has to come out. Whoever meets another one adds a line.

use std::fmt::Write as _;
use std::time::Instant;

use doumibook::catalogue::book::{Book, Rating};
use doumibook::catalogue::shelf::{Loaded, Shelf};
use doumibook::catalogue::{Catalogue, Outcome, Query};

#[path = "support/program.rs"]
mod program;

use program::{Folder, Server, program};

/// A file of this name, read.
fn load(name: &str, bytes: &[u8]) -> Result<Loaded, String> {
    let id = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(format!("doumibook-{id}-{name}"));
    std::fs::write(&path, bytes).unwrap();
    let loaded = Shelf::load(&path);
    std::fs::remove_file(&path).unwrap();
    loaded.map_err(|why| why.replace(&format!("{}: ", path.display()), ""))
}

/// What is known of a book: `title|author=…|isbn=…`.
fn told(book: &Book) -> String {
    let mut told = book.title.clone();
    let rating = match book.rating {
        Rating::Scored { tenths, count: Some(count) } => format!("{tenths}/{count}"),
        Rating::Scored { tenths, .. } => tenths.to_string(),
        _ => String::new(),
    };
    let held = book.holding.clone().unwrap_or_default();
    let count = |count: Option<u32>| count.map_or("-".to_owned(), |count| count.to_string());
    let places = held.places.iter().map(|place| match (place.available, place.total) {
        _ if held.places.len() == 1 => place.name.clone(),
        (available, total) => format!("{} {}/{}", place.name, count(available), count(total)),
    });
    let copies = match (held.available, held.total) {
        (None, None) => String::new(),
        (Some(u32::MAX), total) => format!("some/{}", count(total)),
        (available, total) => format!("{}/{}", count(available), count(total)),
    };
    for (name, value) in [
        ("sub", book.subtitle.clone()),
        ("origin", book.origin_title.clone()),
        ("by", book.authors.join("+")),
        ("trans", book.translators.join("+")),
        ("house", book.publisher.clone()),
        ("date", book.pubdate.clone()),
        ("price", book.price.clone()),
        ("pages", book.pages.clone()),
        ("series", book.series.clone()),
        ("isbn", book.isbn.map(|isbn| isbn.isbn13()).unwrap_or_default()),
        ("rating", rating),
        ("summary", book.summary.clone()),
        ("link", book.link.clone()),
        ("callno", held.callno.clone()),
        ("at", places.collect::<Vec<_>>().join("、")),
        ("copies", copies),
        ("added", book.added.clone()),
    ] {
        if !value.is_empty() {
            write!(told, "|{name}={value}").unwrap();
        }
    }
    told
}

/// The first book of a file, or why it is refused.
fn first(name: &str, bytes: &[u8]) -> String {
    match load(name, bytes) {
        Ok(loaded) => loaded.shelf.first(1).iter().map(told).collect(),
        Err(why) => format!("refused: {why}"),
    }
}

/// Every row is right or the list of those that are not.
fn all(rows: impl IntoIterator<Item = (String, String, String)>) {
    let wrong = rows.into_iter().filter(|(_, came, wanted)| came != wanted);
    let wrong: Vec<_> = wrong
        .map(|(row, came, wanted)| format!("{row}\n  came   {came}\n  wanted {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A header, a row below it, the book.
#[rustfmt::skip]
const HEADERS: &[(&str, &str, &str, &str)] = &[
    ("dp2, Excel", "ID,题名(200#a),并列题名(200#d),副题名(200#e),分辑号(200#h),版本项(205#a),丛编题名(225#a),ISBN(010#a),出版者(210#c),出版日期(210#d),价格(010#d),作者(200#f),译者(200#g),页数(215$a),摘要(330#a)",
        "7,小王子,Le petit prince,插图版,第2册,2版,名著,978-7-02-004249-4,人民文学出版社,2003.8,CNY22.00,（法）圣埃克苏佩里著,马振骋译,\"2,97页\",一个孩子。",
        "小王子 第2册|sub=插图版|origin=Le petit prince|by=（法）圣埃克苏佩里|trans=马振骋|house=人民文学出版社|date=2003-8|price=CNY22.00|pages=97|series=名著|isbn=9787020042494|summary=一个孩子。"),
    ("dp2, list", "题名与责任说明,出版发行,索取号", "三体 / 刘慈欣,重庆 : 重庆出版社 2008,I247.5/13",
        "三体|by=刘慈欣|house=重庆出版社|date=2008|callno=I247.5/13"),
    ("school", "图书ID,ISBN,书名,作者,出版社,分类,出版日期,价格,馆内位置,状态", "17,9787536692930,三体,刘慈欣,重庆出版社,小说,2008-1,23,二楼,在馆",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-1|price=23|isbn=9787536692930|at=二楼|copies=1/1"),
    ("school, shop", "ID,ISBN,书名,作者,出版社,价格,库存,可借数量,状态", "2567698,9787536692930,三体,刘慈欣,重庆出版社,23,5,0,正常",
        "三体|by=刘慈欣|house=重庆出版社|price=23|isbn=9787536692930|copies=0/5"),
    ("bookshop", "书名,编者,版别,出版年月,定价,数量,库存码洋,条形码,图书分类,文种,开本,装帧", "三体,刘慈欣,重庆出版社,200801,23.00,4,92.00,9787536692930,文学,汉,32,平",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-01|price=23.00|isbn=9787536692930|copies=-/4"),
    ("shop, places", "书号,书名,作者,出版社,出版日期,所在架位,库存量,类别名,零售价", "7536692935,三体,刘慈欣,重庆出版社,2008/1/1,A-3,4,小说,23.00",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-1-1|price=23.00|isbn=9787536692930|at=A-3|copies=-/4"),
    ("shop, small", "书名,作者,出版社,书号,价格,索引,库存", "三体,刘慈欣,重庆出版社,978-7-5366-9293-0,23,S,4",
        "三体|by=刘慈欣|house=重庆出版社|price=23|isbn=9787536692930|copies=-/4"),
    ("dealer", "发货套数,正题名,ISBN,副题名,分卷号,分类号,出版社,作者", "3,平凡的世界,9787530216781,,第一部,I247.57,北京十月文艺出版社,路遥著",
        "平凡的世界 第一部|by=路遥|house=北京十月文艺出版社|isbn=9787530216781|callno=I247.57"),
    ("till", "序号,单号,商品编码,商品名称,数量,库存,售价,折扣,码洋,实洋,出版日期,出版社", "1,XS001,9787536692930,三体,1,4,23.00,100,23,23,2008-01-01 00:00:00,重庆出版社",
        "三体|house=重庆出版社|date=2008-01-01|price=23.00|isbn=9787536692930|copies=-/4"),
    ("circulation", "条码号/册条码,题名/书名/正题名,著者/作者/责任者,索书号/分类号/索取号", "T0012345,三体,刘慈欣著,I247.5/13", "三体|by=刘慈欣|callno=I247.5/13"),
    ("circulation, one of each", "册条码,书名,著者,索取号", "T0012345,三体,刘慈欣著,I247.5/13", "三体|by=刘慈欣|callno=I247.5/13"),
    ("Douban, marks", "标题,简介,豆瓣评分,链接,创建时间,我的评分,标签,评论", "三体,刘慈欣 / 2008 / 重庆出版社,8.9,https://book.douban.com/subject/2567698/,2022-08-22 18:55:53,5,科幻,好看",
        "三体|rating=89|summary=刘慈欣 / 2008 / 重庆出版社|link=https://book.douban.com/subject/2567698/|added=2022-08-22"),
    ("Douban, crawled", "书名,作者,出版社,出品方,副标题,原作名,出版年,页数,定价,装帧,丛书,ISBN,豆瓣评分,评价数", "三体,刘慈欣,重庆出版社,,,,2008-1,302,23.00,平装,中国科幻基石丛书,9787536692930,8.9,412345",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-1|price=23.00|pages=302|series=中国科幻基石丛书|isbn=9787536692930|rating=89/412345"),
    ("Calibre", "authors,author_sort,rating,timestamp,isbn,identifiers,comments,series,title,publisher,pubdate,id,uuid", "\"刘慈欣 & 李晓平\",x,4,2021-01-19T22:41:16+01:00,,\"douban:2567698,isbn:9787536692930\",,,三体,重庆出版社,0101-01-01T00:00:00+00:00,865,x",
        "三体|by=刘慈欣+李晓平|house=重庆出版社|isbn=9787536692930|link=https://book.douban.com/subject/2567698/|added=2021-01-19"),
    ("Goodreads", "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Average Rating,Publisher,Binding,Number of Pages,Year Published,Original Publication Year,Date Added", "20518872,The Three-Body Problem,Liu Cixin,\"Cixin, Liu\",\"Ken Liu, Joel Martinsen\",\"=\"\"0765377063\"\"\",\"=\"\"9780765377067\"\"\",5,4.08,Tor Books,Hardcover,400,2014,2006,2020/01/01",
        "The Three-Body Problem|by=Liu Cixin+Ken Liu+Joel Martinsen|house=Tor Books|date=2014|pages=400|isbn=9780765377067|added=2020-01-01"),
    ("LibraryThing", "Book Id\tTitle\tSort Character\tPrimary Author\tSecondary Author\tPublication\tRating\tISBN\tISBNs", "101\tA Brief History of Time\t3\tHawking, Stephen\t\tBantam (1998), 212 pages\t4\t[0553380168]\t0553380168, 9780553380163",
        "A Brief History of Time|by=Hawking, Stephen|house=Bantam|date=1998|pages=212|isbn=9780553380163"),
    ("traditional", "題名,作者,譯者,出版社,叢書名,索書號,館藏地,頁數,定價,可借數量,國際標準書號", "三體,劉慈欣,,重慶出版社,基石,I247,二樓,302,23,1,9787536692930",
        "三體|by=劉慈欣|house=重慶出版社|price=23|pages=302|series=基石|isbn=9787536692930|callno=I247|at=二樓|copies=1/-"),
    ("traditional, 書名", "書名,作者,出版社,索書號,館藏地", "三體,劉慈欣,重慶出版社,I247,二樓", "三體|by=劉慈欣|house=重慶出版社|callno=I247|at=二樓"),
    ("a provincial library's", "记录号,题名,著者,出版信息,索书号,馆藏地点,文献状态,条码号,入藏日期", "01,三体,刘慈欣著,\"重庆出版社, 2008.1\",I247.55/13,外借部,在馆,320001,2019-12-02 16:35:18",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-1|callno=I247.55/13|at=外借部|copies=1/1|added=2019-12-02"),
    ("a school's register", "总括号,登录号,书名,著者,出版单位,出版时间,册数,单价,总价,分类号,种次号,备注", "1,000017,三体,刘慈欣,重庆出版社,2008.1,2,23.00,46.00,I247.5,13,",
        "三体|by=刘慈欣|house=重庆出版社|date=2008-1|price=23.00|callno=I247.5/13|copies=-/2"),
    ("Libib", "item_type,title,creators,first_name,last_name,ean_isbn13,upc_isbn10,description,publisher,publish_date,price,copies", "book,Three body,Cixin Liu,Cixin,Liu,9780765377067,0765377063,A signal.,Tor,2014-11-11,25.99,1",
        "Three body|by=Cixin Liu|house=Tor|date=2014-11-11|price=25.99|isbn=9780765377067|summary=A signal.|copies=1/-"),
    ("Zotero", "Key,Item Type,Publication Year,Author,Title,Publication Title,ISBN,Url,Date,Date Added,Num Pages,Series,Publisher", "X1,book,2014,\"Liu, Cixin; Liu, Ken\",Three body,,978-0-7653-7706-7,,2014-11,2020-02-03 10:00:00,400,,Tor",
        "Three body|by=Liu, Cixin+Liu, Ken|house=Tor|date=2014|pages=400|isbn=9780765377067|added=2020-02-03"),
    ("Koha, items", "Title,Author,Publication date,Publisher,Collection,Barcode,Call number,Home library,Current location,Status", "Three body,\"Liu, Cixin\",2014,Tor,FIC,39999000,PL2947,Main,Annex,Available",
        "Three body|by=Liu, Cixin|house=Tor|date=2014|callno=PL2947|at=Annex|copies=1/1"),
];

#[test]
fn header_rows() {
    all(HEADERS.iter().map(|(row, header, line, book)| {
        let file = format!("{header}\n{line}\n");
        ((*row).to_owned(), first("a.csv", file.as_bytes()), (*book).to_owned())
    }));
}

/// Names of one thing each, alone beside a title, and a value for it.
#[rustfmt::skip]
const NAMES: &[(&str, &str, &str)] = &[
    ("isbn=9787536692930", "9787536692930", "书号、书号（ISBN）、中国标准书号、ISBN/ISSN、ISBN编号、ISBN码、图书ISBN、EAN、条形码、条码、ISBN13、isbn_13、ISBN-10、国际标准书号、*ISBN、ISBN【必填】、编号（ISBN）、ＩＳＢＮ号、書號、條碼、ISBN(010$a)"),
    ("by=刘慈欣",           "刘慈欣",         "编者、作者/译者、责任者、著者、Author、*作者、作者（必填）、責任者、第一责任者、作 者、AUTHOR、Author Name"),
    ("house=重庆出版社",    "重庆出版社",      "版别、出版者、出版社、出版單位、Publisher、出版社名称"),
    ("date=2008-1",        "2008-1",        "出版日期、出版年月、出版时间、出版年、出版時間、Publication Date、pubdate"),
    ("series=基石",         "基石",           "丛编题名、丛编、丛书、叢書名、Series"),
    ("summary=故事。",      "故事。",         "摘要、提要、内容简介、簡介、内容提要、Summary"),
    ("rating=89",          "8.9",           "豆瓣评分、评分、豆瓣評分、Rating"),
    ("copies=-/4",         "4",             "库存量、数量、复本数、复本量、馆藏数、庫存、複本數、馆藏册数、Quantity"),
    ("copies=4/-",         "4",             "可借册数、可借库存、可外借数、在馆、在架数、可借数量、可借、可借數量、在館數、copies"),
    ("copies=1/1",         "在馆",           "状态、图书状态、借阅状态、流通状态、館藏狀態、Status"),
    ("price=23.00",        "23.00",         "零售价、售价、定价、单价、價格、定价（元）、Price"),
    ("at=二楼",             "二楼",           "馆藏地址、馆内位置、所在架位、架位、书架、位置、存放位置、典藏部门、馆藏部门、馆藏地、館藏地、Location"),
    ("callno=I247",        "I247",          "分类号、中图分类号、索书号、索取号、索書號、分類號、Call Number、callno"),
    ("added=2026-11-05",   "2026/11/5 0:00", "入藏日期、上架日期、入库日期、创建时间、入藏時間、Date Added"),
    ("link=https://book.douban.com/subject/2567698/", "2567698", "豆瓣id、doubanid、subject_id、豆瓣ID、Douban ID、豆瓣编号"),
    ("pages=302",          "302页",          "页数、頁數、Pages、Number of Pages"),
    ("",                   "2567698",       "ID、id、_id、编号、序号、图书ID、书目ID、分类、装帧、文种"),
    ("",                   "6911316223400", "条形码、EAN、条码、商品编码、barcode"),
];

#[test]
fn names_of_columns() {
    all(NAMES.iter().flat_map(|(book, value, names)| {
        names.split('、').map(move |name| {
            let wanted = if book.is_empty() { "书".to_owned() } else { format!("书|{book}") };
            // The thing first, so that no order of columns is relied on.
            let file = format!("{name},题名\n{value},书\n");
            (name.to_owned(), first("a.csv", file.as_bytes()), wanted)
        })
    }));
}

#[test]
fn names_of_titles() {
    let names = "商品名称、标题、图书名、书名、题名、正题名、Title、書名、題名、標題、*书名、书名（必填）、Title 书名、书名/Title、題名/責任者、题名与责任说明、书名/作者";
    all(names.split('、').map(|name| {
        let file = format!("ISBN;{name}\n9787536692930;书\n");
        (name.to_owned(), first("a.csv", file.as_bytes()), "书|isbn=9787536692930".to_owned())
    }));
}

/// A fault, the file with it, the book without it.
#[rustfmt::skip]
const FAULTS: &[(&str, &str, &str)] = &[
    ("S1, an address is Douban's number", "书名,ID,链接\n书,1,http://book.douban.com/subject/2567698/\n", "书|link=https://book.douban.com/subject/2567698/"),
    ("S2, stock first",      "书名,库存,可借数量\n书,5,0\n",                         "书|copies=0/5"),
    ("S2, stock last",       "书名,可借数量,库存\n书,0,5\n",                         "书|copies=0/5"),
    ("S2, two of a kind",    "书名,在馆,可借数量\n书,5,2\n",                         "书|copies=2/-"),
    ("S2, none beside some", "书名,可借数量,在馆\n书,,2\n",                          "书|copies=2/-"),
    ("ISBN-13 before 10",    "书名,ISBN,ISBN13\n书,7020042490,9787536692930\n",     "书|isbn=9787536692930"),
    ("right before wrong",   "书名,ISBN13,ISBN\n书,9787536692931,7536692935\n",     "书|isbn=9787536692930"),
    ("ISBN before EAN",      "EAN,书名,书号\n9787020042494,书,9787536692930\n",      "书|isbn=9787536692930"),
    ("call number before class", "分类号,书名,索书号\nI247,书,I247/13\n",            "书|callno=I247/13"),
    ("class for want of it", "分类号,书名,索书号\nI247,书,\n",                       "书|callno=I247"),
    ("S3, Latin",            "Title,Author\nCr&oacute;nica,\"Garc&iacute;a M&aacute;rquez, Gabriel\"\n", "Crónica|by=García Márquez, Gabriel"),
    ("S3, beyond Latin",     "Title,Author\n&Scaron;&ccaron;&alpha;&hellip;,Lubom&iacute;r Dole&zcaron;el;&Ouml;zt&uuml;rk\n", "Ščα…|by=Lubomír Doležel+Öztürk"),
    ("S4, with a zone",      "书名,出版日期\n书,2019-03-05T01:00:00+01:00\n",        "书|date=2019-03-05"),
    ("S4, Excel's",          "书名,出版日期\n书,2008/1/1 0:00\n",                    "书|date=2008-1-1"),
    ("S4, with seconds",     "书名,出版日期\n书,2008-01-01 00:00:00.000\n",          "书|date=2008-01-01"),
    ("S4, Calibre's none",   "书名,出版日期\n书,0101-01-01T00:00:00+00:00\n",        "书"),
    ("S4, MySQL's none",     "书名,出版日期\n书,0000-00-00\n",                       "书"),
    ("S4, MySQL's with time", "书名,出版日期\n书,0000-00-00 00:00:00\n",             "书"),
    ("S4, Excel's none",     "书名,出版日期\n书,1900-01-00\n",                       "书"),
    ("S4, Excel's slashes",  "书名,出版日期\n书,1900/1/0 0:00\n",                    "书"),
    ("S4, Access's none",    "书名,出版日期\n书,1899-12-30\n",                       "书"),
    ("S4, .NET's none",      "书名,出版日期\n书,0001-01-01\n",                       "书"),
    ("S4, for ever",         "书名,出版日期\n书,9999-12-31\n",                       "书"),
    ("S4, Unix's first",     "书名,出版日期\n书,1970-01-01 08:00:00\n",              "书"),
    ("S4, days since 1900",  "书名,出版日期\n书,39448\n",                            "书|date=2008-01-01"),
    ("S4, as a number",      "书名,出版年\n书,2008.00\n",                           "书|date=2008"),
    ("S4, eight digits",     "书名,出版日期\n书,20080115\n",                         "书|date=2008-01-15"),
    ("S4, in words",         "书名,出版日期\n书,2008年1月\n",                        "书|date=2008年1月"),
    ("S4, in brackets",      "书名,出版日期\n书,[2008]\n",                           "书|date=2008"),
    ("S4, begun",            "书名,出版日期\n书,2008-\n",                            "书|date=2008"),
    ("S4b, own stars",       "title,rating,date read\n书,5,2020-01-01\n",            "书"),
    ("S4b, half a star",     "title,rating,uuid\n书,4.5,x\n",                        "书"),
    ("S4b, Douban's beside", "标题,豆瓣评分,我的评分\n书,8.9,5\n",                     "书|rating=89"),
    ("S4b, stars alone",     "书名,评分\n书,4\n",                                    "书"),
    ("S4b, with its unit",   "书名,评分\n书,8.9分\n",                                "书|rating=89"),
    ("count of ratings",     "书名,评分,评价人数\n书,8.9,\"1,234\"\n",                "书|rating=89/1234"),
    ("S5, noughts",          "书名,ISBN\n书,0000000000\n",                           "书"),
    ("S5, ones",             "书名,ISBN\n书,1111111111\n",                           "书"),
    ("S5, in order",         "书名,ISBN\n书,0123456789\n",                           "书"),
    ("S5, thirteen",         "书名,ISBN\n书,9780000000002\n",                        "书"),
    ("S5, the next column",  "书名,ISBN13,ISBN10\n书,9999999999,7536692935\n",       "书|isbn=9787536692930"),
    ("S7, in brackets",      "书名,ISBN\n书,[7536692935]\n",                         "书|isbn=9787536692930"),
    ("S7, as in MARC",       "书名,ISBN\n书,$a7020024750$b平装\n",                   "书|isbn=9787020024759"),
    ("S7, with its binding", "书名,ISBN\n书,7-5063-6543-X[精装]\n",                  "书|isbn=9787506365437"),
    ("S7, with its price",   "书名,ISBN\n书,7536692935￥23\n",                       "书|isbn=9787536692930"),
    ("S7, price in letters", "书名,ISBN\n书,7-5366-9293-5 : CNY23.00\n",             "书|isbn=9787536692930"),
    ("S7, with its class",   "书名,ISBN\n书,ISBN 7-5366-9293-5/I·1234\n",            "书|isbn=9787536692930"),
    ("S7, round brackets",   "书名,ISBN\n书,7536692935（平装）\n",                    "书|isbn=9787536692930"),
    ("S7, full width",       "书名,ISBN\n书,７５３６６９２９３５\n",                   "书|isbn=9787536692930"),
    ("S7, thirteen dressed", "书名,ISBN\n书,[978-7-5366-9293-0]￥23\n",              "书|isbn=9787536692930"),
    ("S7, as a number",      "书名,ISBN\n书,9787536692930.00\n",                     "书|isbn=9787536692930"),
    ("S7, as a text",        "书名,ISBN\n书,'7536692935\n",                          "书|isbn=9787536692930"),
    ("S7, as a formula",     "书名,ISBN\n书,\"=\"\"7536692935\"\"\"\n",              "书|isbn=9787536692930"),
    ("S8, words for nothing", "书名,作者,译者,出版社,出版年,定价,页数,丛书\n书,NULL,\\N,None,nan,N/A,#N/A,-\n", "书"),
    ("S8, in Chinese",       "书名,作者,出版社,索书号,馆藏地\n书,不详,无,NaT,null\n", "书"),
    ("S8, a title",          "书名,作者\n无,甲\n",                                   "无|by=甲"),
    ("S12, nine digits",     "书名,ISBN\n书,340013818\n",                            "书|isbn=9780340013816"),
    ("S12, as a number",     "书名,ISBN\n书,340013818.0\n",                          "书|isbn=9780340013816"),
    ("S12, no ISBN at all",  "书名,ISBN\n书,340013819\n",                            "书"),
    ("S13, in front",        "书名,作者\n书,主编王兆义\n",                            "书|by=王兆义"),
    ("S13, behind",          "书名,作者\n书,王兆义主编\n",                            "书|by=王兆义"),
    ("S14, lent",            "书名,状态\n书,借出\n",                                 "书|copies=0/1"),
    ("S14, lent with a day", "书名,状态\n书,借出-应还日期：2026-10-22\n",             "书|copies=0/1"),
    ("S14, not to be lent",  "书名,状态\n书,不可借\n",                               "书|copies=0/1"),
    ("S14, lost",            "书名,状态\n书,丢失\n",                                 "书|copies=0/1"),
    ("S14, an unknown word", "书名,状态\n书,飞走\n",                                 "书|copies=0/1"),
    ("S14, one that can be had", "书名,状态\n书,在架可借\n",                          "书|copies=1/1"),
    ("S14, a text for a number", "书名,可借\n书,在架\n",                              "书|copies=some/-"),
    ("S14, there are some",  "书名,可借,复本数\n书,有,3\n",                           "书|copies=some/3"),
    ("S14, there are none",  "书名,可借\n书,无\n",                                   "书|copies=0/-"),
    ("S14, numbers say more", "书名,状态,可借数量,库存\n书,借出,2,5\n",               "书|copies=2/5"),
    ("S14, two in one",      "书名,可借/馆藏\n书,2/5\n",                            "书|copies=2/5"),
    ("S14, the other way",   "书名,馆藏/可借\n书,5/2\n",                            "书|copies=2/5"),
    ("S14, lent of all",     "书名,复本数,借出数\n书,5,2\n",                         "书|copies=3/5"),
    ("more than all",        "书名,可借,库存\n书,5,3\n",                             "书|copies=5/5"),
    ("ten thousands",        "书名,豆瓣评分,评价人数\n书,8.9,1.2万人评价\n",         "书|rating=89/12000"),
    ("another ISBN's name",  "书名,ISBN13码\n书,9787536692930\n",                  "书|isbn=9787536692930"),
    ("a title's ending",     "Title,Author\nThree body /,Liu\n",                   "Three body|by=Liu"),
    ("class and number",     "书名,分类号,种次号\n书,I247.5,13\n",                   "书|callno=I247.5/13"),
    ("two names, one column", "书名,校区—馆藏地,ISBN/条码,出版社 Publisher\n书,东区—二楼,9787536692930,重庆出版社\n", "书|house=重庆出版社|isbn=9787536692930|at=东区—二楼"),
    ("two names, two columns", "书名,作者ID,ISBN状态\n书,7,正常\n",                 "书"),
    ("a seller behind the house", "书名,出版发行\n书,\"北京 : 作家出版社 : 新华书店发行, 1990.5\"\n", "书|house=作家出版社|date=1990-5"),
    ("a barcode for an ISBN", "书名,ISBN\n书,6911316223400\n",                     "书"),
    ("S14, with a unit",     "书名,库存,可借\n书,5本,3册\n",                          "书|copies=3/5"),
    ("sep=",                 "sep=;\n书名;作者\n书;甲\n",                            "书|by=甲"),
    ("sep=, the odd one",    "\"sep=^\"\n书名^作者\n书^甲\n",                        "书|by=甲"),
    ("sep=,,",               "sep=,\n书名,作者\n书,甲\n",                            "书|by=甲"),
    ("tabs",                 "书名\t作者\n书\t甲\n",                                 "书|by=甲"),
    ("semicolons",           "书名;作者;价格\n书;甲;23,50\n",                         "书|by=甲|price=23,50"),
    ("semicolons, quoted",   "\"书名\";\"作者, 译者\";\"价格\"\n\"书\";\"甲\";\"23,50\"\n", "书|by=甲|price=23,50"),
    ("bars",                 "书名|作者\n书|甲\n",                                   "书|by=甲"),
    ("a title above",        "某某图书馆藏书目录,,\n\n书名,作者\n书,甲\n",            "书|by=甲"),
    ("a total in English",   "Title,Quantity\nTotal:,12\nBook,1\n",               "Book|copies=-/1"),
    ("a title like a total", "书名,作者\n合计划,甲\n",                              "合计划|by=甲"),
    ("a total above",        "书名,作者,数量\n合计,,12\n书,甲,1\n",                  "书|by=甲|copies=-/1"),
    ("a blank line below",   "书名,作者\n\n,,\n书,甲\n",                             "书|by=甲"),
];

#[test]
fn faults() {
    all(FAULTS.iter().map(|(row, file, book)| {
        ((*row).to_owned(), first("a.csv", file.as_bytes()), (*book).to_owned())
    }));
}

/// Rows that are a copy each are counted by their states.
#[test]
fn copies_are_counted_by_their_states() {
    let rows = "书名,作者,ISBN,馆藏地,状态\n三体,刘慈欣,9787536692930,一楼,在馆\n\
                三体,刘慈欣,9787536692930,一楼,借出\n三体,刘慈欣,9787536692930,二楼,丢失\n\
                子夜,茅盾,,一楼,在架\n子夜,茅盾,,一楼,已借\n";
    let shelf = load("a.csv", rows.as_bytes()).unwrap().shelf;
    for (asked, book) in [
        ("三体", "三体|by=刘慈欣|isbn=9787536692930|at=一楼 1/2、二楼 0/1|copies=1/3"),
        ("子夜", "子夜|by=茅盾|at=一楼|copies=1/2"),
    ] {
        let found = shelf.find(&Query::words(asked).unwrap(), Instant::now());
        let Outcome::Found(books) = found else { panic!("{asked}: {found:?}") };
        assert_eq!(books.iter().map(told).collect::<Vec<_>>(), [book]);
    }
}

/// How a file was understood, line by line, then its bad lines.
fn report(file: &str) -> String {
    let loaded = load("a.csv", file.as_bytes()).unwrap();
    let bad = loaded.bad.iter().map(ToString::to_string);
    [loaded.understood.to_string()].into_iter().chain(bad).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_dropped_is_counted() {
    let mut file = "书名,ISBN,ID,可借,状态\n".to_owned();
    (0..1200).for_each(|n| writeln!(file, "书{n},,{n},,在馆").unwrap());
    file.push_str(
        "甲,9787536692930,,2,\n乙,9787536692931,,,\n丙,7536692936,,,\n丁,9.78754E+12,,,\n\
         戊,340013818,,,飞走\n己,10019·1977,,,\n,9787536692930,,,\n\"庚,,,,\n辛,,,,,多\n合计,1210,,,\n",
    );
    assert_eq!(
        report(&file),
        "read as CSV in UTF-8, separated by ','\n\
         columns: 书名 = title, ISBN = ISBN, 可借 = copies available, 状态 = state of the copy\n\
         not used: ID\n\
         1 206 rows: 2 with ISBN, 0 with call number, 1 202 with copies, 0 with the day they came\n\
         1 204 of 1 206 rows have no ISBN\n\
         2 have one whose check digit is wrong, the first in line 1203\n\
         1 have one that a spreadsheet rounded (9.78754E+12): format the column as text and export \
         again, the first in line 1205\n\
         1 had an ISBN that a spreadsheet took the first 0 from; it was put back, the first in line 1206\n\
         1 tell the state of a copy in words not known (飞走); it counts as not to be had, the first \
         in line 1206\n\
         3 are not served, the first in line 1208\n\
         1 only sum up others and are passed over\n\
         line 1208: no title; every book needs one\n\
         line 1209: a quotation mark is never closed; inside a quoted cell it is written twice\n\
         line 1210: 6 cells, but the header has 5; a cell that contains the separator must stand in \
         quotation marks"
    );
}

#[test]
#[rustfmt::skip]
fn files_that_are_no_shelf() {
    let clicks = "; open it in Excel or WPS, choose 文件 > 另存为 (File > Save As), and as its type CSV (逗号分隔)(*.csv); then give that file";
    for (row, bytes, said) in [
        ("xlsx",       &b"PK\x03\x04\x14\x00"[..],               format!("refused: this is an Excel workbook (.xlsx){clicks}")),
        ("xls",        b"\xd0\xcf\x11\xe0\xa1\xb1",              format!("refused: this is an Excel workbook (.xls){clicks}")),
        ("a page",     b"<html><table>",                         format!("refused: this is a page or XML, as systems export it under the name of a workbook{clicks}")),
        ("PDF",        b"%PDF-1.4",                              "refused: this is a PDF, of which no books can be read; export CSV from your system".to_owned()),
        ("nothing",    b" \r\n",                                 "refused: the file is empty".to_owned()),
        ("no header",  "9787536692930,三体,刘慈欣,重庆出版社,23.00元,4\n".as_bytes(),
            "refused: it has no header: its first line is a book already; add this line above it, with the right name over each column: ISBN,书名,作者,出版社,定价,备注".to_owned()),
        ("no header, title first", "三体\t7-5366-9293-5\n活着\t9787506365437\n".as_bytes(),
            "refused: it has no header: its first line is a book already; add this line above it, with the right name over each column: 书名,ISBN".to_owned()),
        ("no title",   "作者,ISBN\n刘慈欣,\n".as_bytes(),
            "refused: none of the first 5 lines names a column title or 书名; the first is: 作者,ISBN".to_owned()),
    ] {
        assert_eq!(first("books.csv", bytes), said, "{row}");
    }
}

fn gbk(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
#[rustfmt::skip]
fn encodings() {
    let rows = "书名,作者,ISBN\r\n三体,刘慈欣,9787536692930\r\n";
    let objects = "{\"title\":\"三体\",\"author\":[\"刘慈欣\"],\"isbn\":\"9787536692930\"}\r\n";
    let big: Vec<u8> = utf16(rows).chunks(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    for (row, name, bytes) in [
        ("UTF-8",                 "a.csv",   rows.as_bytes().to_vec()),
        ("UTF-8 with its mark",   "a.csv",   format!("\u{feff}{rows}").into_bytes()),
        ("GBK",                   "a.csv",   gbk(rows)),
        ("GBK, tabs",             "a.txt",   gbk(&rows.replace(',', "\t"))),
        ("GBK, objects",          "a.jsonl", gbk(objects)),
        ("UTF-16",                "a.csv",   utf16(&format!("\u{feff}{rows}"))),
        ("UTF-16, tabs",          "a.txt",   utf16(&format!("\u{feff}{}", rows.replace(',', "\t")))),
        ("UTF-16 without its mark", "a.csv", utf16(rows)),
        ("UTF-16, high byte first", "a.csv", [vec![0xfe, 0xff], big.clone()].concat()),
        ("the same without",      "a.csv",   big),
        ("UTF-16, objects",       "a",       utf16(&format!("\u{feff}{objects}"))),
    ] {
        assert_eq!(first(name, &bytes), "三体|by=刘慈欣|isbn=9787536692930", "{row}");
    }
    let stray = [gbk("书名,作者,出版社\n三体,刘慈欣,重庆"), vec![0xff], gbk("出版社\n活着,余华,作家出版社\n")].concat();
    let loaded = load("a.csv", &stray).unwrap();
    let books: Vec<_> = loaded.shelf.first(9).iter().map(told).collect();
    assert_eq!(books, ["三体|by=刘慈欣", "活着|by=余华|house=作家出版社"]);
    assert_eq!(loaded.bad[0].to_string(), "line 2: some of its bytes are not GBK (GB18030); what holds them is left out");
}

/// A record of these fields, tag and data, `$` before subfields; lengths and starts are wrong.
fn record(fields: &[(&str, &str)]) -> String {
    let directory: String = fields.iter().map(|(tag, _)| format!("{tag}000100000")).collect();
    let data: String =
        fields.iter().map(|(_, data)| data.replace('$', "\u{1f}") + "\u{1e}").collect();
    format!("00925nam0 2200289   450 {directory}\u{1e}{data}\u{1d}")
}

/// Tags and what stands in them.
type Fields = &'static [(&'static str, &'static str)];

#[rustfmt::skip]
const RECORDS: &[(&str, Fields, &str)] = &[
    ("CNMARC, a whole one", &[
        ("001", "012345"), ("010", "  $a978-7-02-004249-4$b精装$dCNY22.00"), ("091", "  $a10019·1977"), ("100", "  $a20260410d2003    em y0chiy0120    ea"),
        ("200", "1 $a小王子$9xiao wang zi$b专著$dLe petit prince$e插图版$h第2册$i回家$f（法）圣埃克苏佩里著$g马振骋译"),
        ("205", "  $a2版"), ("210", "  $a北京$c人民文学出版社$d2003.8"), ("215", "  $a2,97页$d21cm"), ("225", "2 $a名著$v3"),
        ("330", "  $a一个孩子。"), ("690", "  $aI565.88$v5"), ("701", " 1$c(法)$a圣埃克苏佩里$9sheng$f(1900-1944)$4著"), ("702", " 0$a马振骋$4译"),
        ("905", "  $a市图书馆$b0001$b0002$dI565.88$e5"), ("905", "  $a少儿馆$b0003$dI565.88$e5$f2")],
        "小王子 第2册 回家|sub=插图版|origin=Le petit prince|by=[法] 圣埃克苏佩里|trans=马振骋|house=人民文学出版社|date=2003-8|price=CNY22.00|pages=97|series=名著|isbn=9787020042494|summary=一个孩子。|callno=I565.88/5|at=市图书馆 -/2、少儿馆 -/2|copies=-/4"),
    ("CNMARC, a small one", &[("200", "1 $a活着$f余华著")], "活着|by=余华"),
    ("several ISBNs, the first wrong", &[("010", "  $a7-5366-9293-6"), ("010", "  $a7-5366-9293-5$d23.00"), ("200", "1 $a三体")], "三体|price=23.00|isbn=9787536692930"),
    ("an old number is none", &[("091", "  $a10019·1977"), ("200", "1 $a子夜$f茅盾著")], "子夜|by=茅盾"),
    ("several works", &[("200", "1 $a呐喊$a彷徨$f鲁迅著")], "呐喊；彷徨|by=鲁迅"),
    ("roles in 200 alone", &[("200", "1 $a小王子$f(法)圣埃克苏佩里著$g马振骋译 ; 李四审校")], "小王子|by=(法)圣埃克苏佩里|trans=马振骋"),
    ("702 without its role", &[("200", "1 $a小王子$f圣埃克苏佩里著$g马振骋译"), ("701", " 0$a圣埃克苏佩里"), ("702", " 0$a马振骋")], "小王子|by=圣埃克苏佩里|trans=马振骋"),
    ("Latin names", &[("200", "1 $aA game of thrones$fGeorge R. R. Martin"), ("701", " 1$aMartin$bGeorge R. R.")], "A game of thrones|by=Martin, George R. R."),
    ("series inside 461", &[("200", "1 $a三体"), ("461", " 0$12001 $a地球往事")], "三体|series=地球往事"),
    ("series inside 462, with a blank", &[("200", "1 $a三体"), ("462", " 0$1 200 1 $a地球往事")], "三体|series=地球往事"),
    ("a note for a summary", &[("200", "1 $a三体"), ("300", "  $a三部曲之一")], "三体|summary=三部曲之一"),
    ("volumes are no pages", &[("200", "1 $a三体"), ("215", "  $a3册")], "三体"),
    ("brackets around the year", &[("200", "1 $a三体"), ("210", "  $c重庆出版社$d[2008]")], "三体|house=重庆出版社|date=2008"),
    ("the class and the book's number", &[("200", "1 $a三体"), ("690", "  $aI247.55"), ("905", "  $a馆$e13$f2")], "三体|callno=I247.55/13|at=馆|copies=-/2"),
    ("a whole call number", &[("200", "1 $a三体"), ("905", "  $a馆$dI247.55$e13$sI247.55/L597")], "三体|callno=I247.55/L597|at=馆"),
    ("the class alone", &[("200", "1 $a三体"), ("690", "  $aI247.55")], "三体|callno=I247.55"),
    ("one field a copy", &[("200", "1 $a三体"), ("905", "  $a馆$b1$sI247$f2"), ("905", "  $a馆$b2$sI247$f2")], "三体|callno=I247|at=馆|copies=-/2"),
    ("another system's places", &[("200", "1 $a三体"), ("906", "  $a馆$b二楼$sI247/1")], "三体|callno=I247/1|at=二楼"),
    ("985", &[("200", "1 $a三体"), ("985", "  $b少儿部$dI247$e1")], "三体|callno=I247/1|at=少儿部"),
    ("MARC 21", &[
        ("008", "x"), ("020", "  $a9780765377067 (hardcover) :$cUSD 25.99"), ("082", "04$a895.13/52$223"), ("100", "1 $aLiu, Cixin,$eauthor."),
        ("245", "14$aThe three-body problem /$cCixin Liu ; translated by Ken Liu."), ("264", " 1$aNew York :$bTor Books,$c2014."), ("264", " 4$c©2014"),
        ("300", "  $a400 pages ;$c22 cm"), ("490", "1 $aRemembrance of Earth's past ;$v1"), ("520", "  $aA signal is sent."), ("700", "1 $aLiu, Ken,$d1976-$etranslator."),
        ("952", "  $00$10$70$aMAIN$bMAIN$cFiction$oPL2947 .L58$p390001"), ("952", "  $00$10$70$aMAIN$bANNEX$oPL2947 .L58$p390002$q2026-10-22")],
        "The three-body problem|by=Liu, Cixin|trans=Liu, Ken|house=Tor Books|date=2014|price=USD 25.99|pages=400|series=Remembrance of Earth's past|isbn=9780765377067|summary=A signal is sent.|callno=PL2947 .L58|at=Fiction 1/1、ANNEX 0/1|copies=1/2"),
    ("MARC 21, its own script", &[
        ("100", "1 $6880-01$aLiu, Cixin."), ("245", "10$6880-02$aSan ti :$bdi qiu wang shi /$cLiu Cixin zhu."), ("260", "  $6880-03$aChongqing :$bChongqing chu ban she,$c2008."),
        ("880", "1 $6100-01/$1$a刘慈欣."), ("880", "10$6245-02/$1$a三体 :$b地球往事 /$c刘慈欣著."), ("880", "  $6260-03/$1$a重庆 :$b重庆出版社,$c2008."), ("852", "  $bEast$hPL2947$iL58$p1")],
        "三体|sub=地球往事|by=刘慈欣|house=重庆出版社|date=2008|callno=PL2947 L58|at=East|copies=-/1"),
    ("MARC 21, parts", &[("245", "00$aZhongguo tong shi.$nVolume 2,$pSui Tang."), ("440", " 0$aHistory.")], "Zhongguo tong shi Volume 2 Sui Tang|series=History"),
];

#[test]
fn records_in_either_encoding() {
    all(RECORDS.iter().flat_map(|(row, fields, book)| {
        let text = record(fields);
        let files = [("UTF-8", text.clone().into_bytes()), ("GBK", gbk(&text))];
        // Told by the bytes: neither name says what it is.
        files.map(|(encoding, bytes)| {
            (format!("{row}, {encoding}"), first("books.csv", &bytes), (*book).to_owned())
        })
    }));
}

/// A damaged record costs itself.
#[test]
fn damaged_records_are_told_by_their_number() {
    let one =
        |title: &str| record(&[("010", "  $a7536692935"), ("200", &format!("1 $a{title}$f甲著"))]);
    let short = |text: &str, cut: usize| text.get(..text.len() - cut).unwrap().to_owned();
    let damaged = "damaged: its fields do not fit its directory; the next one is read";
    for (row, file, titles, bad) in [
        (
            "line ends between",
            format!("{}\r\n{}\r\n", one("一"), one("二")),
            "一 二",
            String::new(),
        ),
        (
            "without its end",
            format!("{}{}", short(&one("一"), 1), one("二")),
            "一 二",
            String::new(),
        ),
        (
            "cut in the middle",
            format!("{}{}", short(&one("一"), 5), one("二")),
            "二",
            format!("record 1: {damaged}"),
        ),
        (
            "cut at the end",
            format!("{}{}", one("一"), short(&one("二"), 13)),
            "一",
            format!("record 2: {damaged}"),
        ),
        (
            "a broken directory",
            format!("{}{}", one("一").replacen("0100001", "01", 1), one("二")),
            "二",
            format!("record 1: {damaged}"),
        ),
        (
            "rubbish between",
            format!("{}abc\u{1d}{}", one("一"), one("二")),
            "一 二",
            format!("record 2: {damaged}"),
        ),
        (
            "no title",
            format!("{}{}", record(&[("010", "  $a7536692935")]), one("二")),
            "二",
            "record 1: no title; every book needs one".to_owned(),
        ),
    ] {
        let loaded = load("a.iso", file.as_bytes()).unwrap();
        let found: Vec<_> = loaded.shelf.first(9).into_iter().map(|book| book.title).collect();
        assert_eq!(found.join(" "), titles, "{row}");
        let told: Vec<_> = loaded.bad.iter().map(ToString::to_string).collect();
        assert_eq!(told.join("|"), bad, "{row}");
    }
    let mut stray = gbk(&one("一"));
    let at = stray.windows(2).position(|two| two == [0x1f, b'f']).unwrap();
    stray.insert(at + 2, 0xff);
    let loaded = load("a.iso", &[stray, gbk(&one("二"))].concat()).unwrap();
    assert_eq!(loaded.shelf.len(), 2);
    assert!(
        loaded.bad[0].to_string().starts_with("record 1: some of its bytes"),
        "{:?}",
        loaded.bad
    );
}

/// A file of each kind, from the disk to the card of a reader.
#[test]
#[rustfmt::skip]
fn readers_find_what_stands_in_each_kind_of_file() {
    let rows = "馆藏清单,,,,\r\n书名,作者,书号,库存,可借数量\r\n三体,主编刘慈欣,[7536692935],5,2\r\n合计,,,5,2\r\n";
    let cnmarc = record(&[("010", "  $a7-5366-9293-5"), ("200", "1 $a三体$f刘慈欣著"), ("905", "  $a二楼$b1$b2$dI247.5$e13")]);
    let marc21 = record(&[("020", "  $a7536692935 (pbk.)"), ("100", "1 $a刘慈欣."), ("245", "10$a三体 /$c刘慈欣."), ("952", "  $oI247.5/13$c二楼$70"), ("952", "  $oI247.5/13$c二楼$q2026-10-22")]);
    let folder = Folder::new("exports");
    for (name, bytes, shows) in [
        ("gbk.csv",   gbk(rows),                                                  "可借 2 / 共 5"),
        ("utf16.txt", utf16(&format!("\u{feff}{}", rows.replace(',', "\t"))),    "可借 2 / 共 5"),
        ("gbk.iso",   gbk(&cnmarc),                                               "索书号：I247.5/13\n馆藏地：二楼\n共 2"),
        ("export",    marc21.into_bytes(),                                        "索书号：I247.5/13\n馆藏地：二楼\n可借 1 / 共 2"),
    ] {
        let path = folder.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        let server = Server::start(&[("DOUMIBOOK_SHELF", path.to_str().unwrap())]);
        for (number, asked) in [(1, "三体"), (2, "9787536692930"), (3, "作者 刘慈欣")] {
            let card = server.say("oReader", number, asked);
            assert!(card.contains("作者：刘慈欣\n") && card.contains("ISBN：9787536692930"), "{name}: {card}");
            assert!(card.contains(shows), "{name}: {card}");
        }
    }
    let path = folder.0.join("books.csv");
    std::fs::write(&path, b"PK\x03\x04\x14\x00\x06\x00").unwrap();
    let output = program(&["serve"]).env("DOUMIBOOK_TOKEN", "demo").env("DOUMIBOOK_SHELF", &path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("文件 > 另存为"), "{said}");
}
