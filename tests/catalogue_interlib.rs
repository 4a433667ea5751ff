//! A library's own system behind the real program: its search and its copies as a real HTTP
//! server gives them, and what a reader sees of it.
//!
//! The catalogue here is made up; its answers have the members, kinds and oddities of real ones.

#[path = "support/program.rs"]
mod program;
#[path = "support/upstream.rs"]
mod upstream;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use program::{Folder, Server};
use upstream::{Answer, Reaction, Request, Upstream};

/// What the catalogue answers to one question.
#[derive(Clone)]
struct Book {
    search: Reaction,
    previews: Reaction,
    holding: Reaction,
}

impl Book {
    /// These documents, without copies.
    fn new(docs: &[String]) -> Self {
        Self {
            search: Reaction::json(found(docs, docs.len(), 10.0)),
            previews: Reaction::json(r#"{"previews":{}}"#),
            holding: Reaction::json(holding(&[])),
        }
    }

    fn previews(self, body: &str) -> Self {
        Self { previews: Reaction::json(body), ..self }
    }

    fn holding(self, body: &str) -> Self {
        Self { holding: Reaction::json(body), ..self }
    }
}

/// A search's answer, with what stands around the documents.
fn found(docs: &[String], count: usize, best: f64) -> String {
    let docs = docs.join(",");
    format!(
        r#"{{"responseHeader":{{"status":0,"QTime":7,"params":{{"q":"x^1 OR title:x^10","sort":"score desc,pubdate_sort desc","rows":"20","wt":"json","fq":["state:2 OR state:3","NOT bib_state:1"]}}}},"response":{{"numFound":{count},"start":0,"maxScore":{best},"docs":[{docs}]}},"facet_counts":{{"facet_queries":{{}},"facet_fields":{{"curlibcode":["A",{count}]}}}}}}"#
    )
}

/// One document: a number, and the fields that matter; later ones replace earlier ones.
fn doc(id: u64, fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"id":"{id}","title_meta":"书名","booktype_meta":"1","hasholding":"y","loannum_sort":"00000069.00","regdate":"1575373424000","indate":1575302400000,"score":10.0{comma}{fields}}}"#
    )
}

/// A row of copies.
fn row(branch: &str, room: &str, callno: &str, available: u64, total: u64) -> String {
    format!(
        r#"{{"bookrecno":1,"callno":"{callno}","curlib":"A","curlibName":"{branch}","curlocal":"A_1","curlocalName":"{room}","copycount":{total},"loanableCount":{available},"shelfno":null,"barcode":"B1"}}"#
    )
}

fn previews(records: &[(u64, &[String])]) -> String {
    let records: Vec<_> =
        records.iter().map(|(id, rows)| format!(r#""{id}":[{}]"#, rows.join(","))).collect();
    format!(r#"{{"previews":{{{}}}}}"#, records.join(","))
}

/// A copy: its barcode, its state, where it is, and when it is due, in milliseconds.
type Copy = (&'static str, u32, &'static str, Option<i64>);

fn holding(copies: &[Copy]) -> String {
    holding_with_loans(copies, "")
}

fn holding_with_loans(copies: &[Copy], more_loans: &str) -> String {
    let list: Vec<_> = copies
        .iter()
        .map(|(barcode, state, local, _)| {
            format!(
                r#"{{"recno":7,"bookrecno":1,"state":{state},"barcode":"{barcode}","callno":"I247/7","orglib":"A","orglocal":"{local}","curlib":"A","curlocal":"{local}","cirtype":"001","shelfno":null,"loan":null}}"#
            )
        })
        .collect();
    let mut loans: Vec<_> = copies
        .iter()
        .filter_map(|(barcode, _, _, due)| Some((barcode, (*due)?)))
        .map(|(barcode, due)| {
            format!(
                r#""{barcode}":{{"rdid":"READER77","barcode":"{barcode}","loanDate":1,"returnDate":{due},"returnDateInStr":null}}"#
            )
        })
        .collect();
    loans.extend(Some(more_loans.to_owned()).filter(|more| !more.is_empty()));
    format!(
        r#"{{"shelfnoUrlMap":{{}},"loanWorkMap":{{{}}},"holdingList":[{}],"libcodeMap":{{"A":"甲馆","B":"乙馆"}},"localMap":{{"01":"一楼外借","02":"闭架书库","03":"下架图书"}},"pBCtypeMap":{{"001":{{"name":"中文图书"}}}},"holdStateMap":{{"2":{{"stateType":2,"stateName":"在馆"}},"3":{{"stateType":3,"stateName":"借出"}},"10":{{"stateName":"预借"}},"34":{{"stateName":"报废"}}}}}}"#,
        loans.join(","),
        list.join(",")
    )
}

/// A catalogue that knows these questions. Its records' numbers are a hundred times the place of
/// their question and some; other questions find nothing.
fn catalogue(books: Vec<(&'static str, Book)>) -> Upstream {
    let books = Arc::new(books);
    Upstream::start(move |request: &Request| {
        let path = request.path().to_owned();
        let numbered = |id: &str| {
            let place = id.split(',').next()?.parse::<usize>().ok()? / 100;
            books.get(place).map(|(_, book)| book.clone())
        };
        match path.strip_prefix("/opac").unwrap_or_default() {
            "/api/search" => {
                let asked = request.param("q").unwrap_or_default();
                let known = books.iter().find(|(words, _)| *words == asked);
                let none = Reaction::json(found(&[], 0, 0.0));
                known.map_or(none, |(_, book)| book.search.clone())
            }
            "/book/holdingPreviews" => {
                let asked = request.param("bookrecnos").unwrap_or_default();
                numbered(&asked).map_or(Reaction::status(500, ""), |book| book.previews)
            }
            path => match path.strip_prefix("/api/holding/").and_then(numbered) {
                Some(book) => book.holding,
                None => Reaction::status(404, "no such page"),
            },
        }
    })
}

fn serve(catalogue: &Upstream) -> Server {
    serve_with(catalogue, &[])
}

fn serve_with(catalogue: &Upstream, more: &[(&str, &str)]) -> Server {
    let url = format!("{}/opac/index?locale=zh_CN#top", catalogue.url());
    let ours =
        [("DOUMIBOOK_INTERLIB_URL", url.as_str()), ("DOUMIBOOK_INTERLIB_PER_MINUTE", "6000")];
    Server::start(&[&ours, more].concat())
}

/// What a new reader sees.
fn ask(server: &Server, number: usize, text: &str) -> String {
    server.say(&format!("oReader{number}"), 1000 + number as u64, text)
}

/// Asks each question of a new reader, and holds the answer to what it must and must not have.
fn hold(rows: Vec<(&'static str, Book, Vec<&'static str>, Vec<&'static str>)>) {
    let books = rows.iter().map(|(words, book, ..)| (*words, book.clone())).collect();
    let catalogue = catalogue(books);
    let server = serve(&catalogue);
    for (number, (words, _, has, lacks)) in rows.into_iter().enumerate() {
        let before = catalogue.requests();
        let seen = ask(&server, number, words);
        for part in has {
            assert!(seen.contains(part), "{words}: no {part:?} in {seen}");
        }
        for part in lacks {
            assert!(!seen.contains(part), "{words}: {part:?} in {seen}");
        }
        assert!(catalogue.requests() - before <= 3, "{words}");
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

const DAY: i64 = 86_400;

/// A moment so many days from now, in milliseconds.
fn days(count: i64) -> i64 {
    (now() + count * DAY) * 1000
}

/// Month and day of that moment in China, as the month's days are counted.
fn shown(count: i64) -> String {
    let mut day = (now() + count * DAY + 8 * 3600) / DAY;
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= months[month] {
        day -= months[month];
        month += 1;
    }
    format!("{}月{}日", month + 1, day + 1)
}

#[test]
#[rustfmt::skip]
fn every_field_as_libraries_fill_it() {
    let fields: Vec<(&'static str, &'static str, Vec<&'static str>, Vec<&'static str>)> = vec![
        ("只有题名",   r#""author_meta":null,"publisher_meta":"","isbn_meta":null,"price_meta":null,"page_meta":"","callno_sort":null,"pubdate_meta":null"#, vec!["《书名》", "来源：馆藏"], vec!["作者", "出版", "页数", "定价", "ISBN", "索书号", "可借", "共 "]),
        ("副题名",     r#""title_meta":"山河：珍藏版""#,                       vec!["《山河：珍藏版》"], vec![]),
        ("分卷",       r#""title_meta":"山河．Ⅱ，大江东去""#,                  vec!["山河．Ⅱ，大江东去"], vec![]),
        ("双空格",     r#""title_meta":"山河  ·  岁月""#,                      vec!["山河 · 岁月"], vec![]),
        ("丛书",       r#""title_meta":"山河/现代文学丛书""#,                  vec!["《山河》", "丛书：现代文学丛书"], vec![]),
        ("书名号",     r#""title_meta":"《山河》导读""#,                       vec!["《〈山河〉导读》"], vec![]),
        ("责任者",     r#""author_meta":"王小川著""#,                          vec!["作者：王小川\n"], vec![]),
        ("两作者",     r#""author_meta":"王小川,李大海""#,                     vec!["作者：王小川 / 李大海\n"], vec![]),
        ("编者",       r#""author_meta":"王小川，李大海编""#,                  vec!["作者：王小川 / 李大海\n"], vec![]),
        ("译者",       r#""author_meta":"(美)约翰著；李大海译""#,              vec!["作者：(美)约翰\n", "译者：李大海\n"], vec![]),
        ("责编",       r#""author_meta":"作者:王小川|责编:李大海//赵江""#,      vec!["作者：王小川\n"], vec!["李大海", "赵江"]),
        ("团体",       r#""author_meta":"意林校园版""#,                        vec!["作者：意林校园版\n"], vec![]),
        ("出版地",     r#""publisher_meta":"重庆","pubdate_meta":"2008.01""#,  vec!["出版社：重庆\n", "出版年：2008.01\n"], vec![]),
        ("年月",       r#""pubdate_meta":"2016.6""#,                           vec!["出版年：2016.6\n"], vec![]),
        ("无年",       r#""pubdate_meta":"03""#,                               vec![], vec!["出版年"]),
        ("连字符号码", r#""isbn_meta":"978-7-5366-9293-0""#,                   vec!["ISBN：9787536692930\n"], vec![]),
        ("纯数字号码", r#""isbn_meta":"9787536692930""#,                       vec!["ISBN：9787536692930\n"], vec![]),
        ("十位号码",   r#""isbn_meta":"7-5366-9293-5""#,                       vec!["ISBN：9787536692930\n"], vec![]),
        ("价格",       r#""price_meta":"CNY118.00(全3册)""#,                   vec!["118.00"], vec![]),
        ("价格零",     r#""price_meta":"0.00""#,                               vec![], vec!["定价"]),
        ("页",         r#""page_meta":"360页""#,                               vec!["页数：360\n"], vec![]),
        ("前言页",     r#""page_meta":"2,302页""#,                             vec!["页数：302\n"], vec![]),
        ("全角前言页", r#""page_meta":"4，263页""#,                            vec!["页数：263\n"], vec![]),
        ("册和页",     r#""page_meta":"2册(676页)""#,                          vec!["页数：676\n"], vec![]),
        ("册",         r#""page_meta":"1册""#,                                 vec![], vec!["页数"]),
        ("裸页数",     r#""page_meta":"300""#,                                 vec!["页数：300\n"], vec![]),
        ("索书号",     r#""callno_sort":"I247.55/114""#,                       vec!["索书号：I247.55/114\n"], vec!["可借", "共 "]),
        ("索书号一",   r#""callno_sort":"1""#,                                 vec![], vec!["索书号"]),
        ("索书号半",   r#""callno_sort":"I207.425/","classno_meta":"I207.4""#, vec![], vec!["索书号", "I207"]),
        ("盲文",       r#""booktype_meta":"5","hasholding":"n""#,              vec!["《书名》"], vec![]),
        ("数字题名",   r#""title_meta":1984"#,                                 vec!["《1984》"], vec![]),
    ];
    let rows = fields.into_iter().enumerate().map(|(place, (words, fields, has, lacks))| {
        (words, Book::new(&[doc(place as u64 * 100 + 1, fields)]), has, lacks)
    });
    hold(rows.collect());
}

#[test]
#[rustfmt::skip]
fn copies_of_every_kind() {
    let one = |place: u64, more: &str| Book::new(&[doc(place * 100 + 1, more)]);
    let rows = |id: u64, rows: &[String]| previews(&[(id, rows)]);
    let bad = |member: &str| {
        let good = row("甲馆", "", "I1/1", 1, 1);
        format!(r#"{{"previews":{{"1001":[{{{member}}}],"1002":[{good}]}}}}"#)
    };
    hold(vec![
        ("一处",     one(0, "").previews(&rows(1, &[row("甲馆", "一楼", "I247/7", 2, 11)])), vec!["可借 2 / 共 11", "索书号：I247/7", "馆藏地：甲馆 一楼\n"], vec!["归还"]),
        ("三处",     one(1, "").previews(&rows(101, &[row("甲馆", "一楼", "I247/7,I247/8", 0, 2), row("乙馆", "乙馆二楼", "I247/7", 3, 3), row("丙馆", "", "I247/9", 1, 1)])),
                     vec!["可借 4 / 共 6", "索书号：I247/7、I247/8、I247/9", "乙馆二楼（可借 3 / 共 3）、丙馆（可借 1 / 共 1）、甲馆 一楼（可借 0 / 共 2）"], vec!["乙馆 乙馆"]),
        ("同一处",   one(2, "").previews(&rows(201, &[row("甲馆", "一楼", "", 1, 1), row("甲馆", "一楼", "", 1, 2)])), vec!["可借 2 / 共 3", "馆藏地：甲馆 一楼\n"], vec![]),
        ("多于一册", one(3, "").previews(&rows(301, &[row("甲馆", "一楼", "", 4, 1)])), vec!["可借 1 / 共 1"], vec![]),
        ("没有复本", one(4, r#""callno_sort":"I247/7""#).previews(&rows(401, &[row("甲馆", "一楼", "", 0, 0)])), vec!["《书名》", "I247/7"], vec!["可借", "共 "]),
        ("空",       one(5, "").previews(r#"{"previews":{"501":null}}"#), vec!["《书名》"], vec!["可借"]),
        ("索书号补", one(6, r#""callno_sort":"I247/7""#).previews(&rows(601, &[row("甲馆", "一楼", "", 1, 1)])), vec!["可借 1 / 共 1", "索书号：I247/7"], vec![]),
        ("闭架",     one(7, "").previews(&rows(701, &[row("甲馆", "闭架书库", "", 1, 1), row("甲馆", "一楼", "", 1, 1)])), vec!["可借 1 / 共 2"], vec![]),
        ("不外借",   one(8, "").previews(&rows(801, &[row("甲馆", "参考室（不外借）", "", 2, 2)])).holding(&holding(&[("b", 2, "02", None)])), vec!["可借 0 / 共 2"], vec!["归还"]),
        ("数字文本", one(9, "").previews(r#"{"previews":{"901":[{"curlibName":"甲馆","copycount":"3","loanableCount":"2"}]}}"#), vec!["可借 2 / 共 3"], vec![]),
        ("坏行",     Book::new(&[doc(1001, r#""title_meta":"坏书""#), doc(1002, r#""title_meta":"好书""#)]).previews(&bad(r#""copycount":-1,"loanableCount":1"#)), vec!["坏书", "好书", "可借 1"], vec!["可借 0"]),
    ]);
}

#[test]
fn a_single_book_that_is_out_says_when_it_returns() {
    let one = |place: u64| {
        let id = place * 100 + 1;
        let rows = [row("甲馆", "一楼", "I247/7", 0, 2)];
        Book::new(&[doc(id, "")]).previews(&previews(&[(id, &rows)]))
    };
    let loans = |place: u64, copies: &[Copy]| one(place).holding(&holding(copies));
    let stray = format!(r#""other":{{"returnDate":{}}}"#, days(2));
    let soonest = format!("可借 0 / 共 2，最早 {} 归还", shown(9));
    let soonest: &'static str = Box::leak(soonest.into_boxed_str());
    let today: &'static str = Box::leak(format!("最早 {} 归还", shown(0)).into_boxed_str());
    let copies = |first, second| [("b1", 3, "01", Some(first)), ("b2", 3, "01", Some(second))];
    let out = ("b1", 3, "01", Some(days(9)));
    let stray = holding_with_loans(&[out, ("b2", 34, "01", None)], &stray);
    let broken = |reaction| Book { holding: reaction, ..one(9) };
    let union = |place: u64, second: u64| {
        let same = r#""isbn_meta":"978-7-5366-9293-0""#;
        let (first, other) = (place * 100 + 1, place * 100 + 2);
        let (two, more) = ([row("甲馆", "", "", 0, 2)], [row("乙馆", "", "", 0, second)]);
        Book::new(&[doc(first, same), doc(other, same)])
            .previews(&previews(&[(first, &two), (other, &more)]))
            .holding(&holding(&[out]))
    };
    let (two_records, one_of_two) = (union(7, 1), union(8, 0));
    hold(vec![
        ("两册借出", loans(0, &copies(days(20), days(9))), vec![soonest], vec!["READER77"]),
        ("早已逾期", loans(1, &copies(days(-900), days(9))), vec![soonest], vec![]),
        ("多年以后", loans(2, &copies(days(7300), days(-3))), vec!["可借 0 / 共 2"], vec!["归还"]),
        ("别的条码", one(3).holding(&stray), vec![soonest], vec![]),
        ("今天到期", loans(4, &copies(days(0), days(9))), vec![today], vec![]),
        ("没有日期", loans(5, &[("b1", 3, "01", None)]), vec!["可借 0 / 共 2"], vec!["归还"]),
        ("空的清单", one(6).holding(&holding(&[])), vec!["可借 0 / 共 2"], vec!["归还"]),
        ("两条记录", two_records, vec!["可借 0 / 共 3"], vec!["归还"]),
        ("一条有书", one_of_two, vec![soonest], vec![]),
        ("查不到了", broken(Reaction::status(500, "")), vec!["可借 0 / 共 2"], vec!["归还"]),
    ]);
}

#[test]
fn without_previews_the_first_book_alone_has_its_copies() {
    let one = |place: u64| Book::new(&[doc(place * 100 + 1, "")]);
    let two = Book::new(&[doc(101, r#""title_meta":"甲书""#), doc(102, r#""title_meta":"乙书""#)]);
    let list =
        holding(&[("b1", 3, "01", Some(days(9))), ("b2", 2, "01", None), ("b3", 2, "03", None)]);
    let same = r#""isbn_meta":"978-7-5366-9293-0""#;
    let union = Book::new(&[doc(401, same), doc(402, same)]);
    let missing = |book: Book| Book {
        previews: Reaction::status(404, "<html>404</html>"),
        ..book.holding(&list)
    };
    let failing = |book: Book| Book { previews: Reaction::status(500, ""), ..book.holding(&list) };
    hold(vec![
        (
            "旧版一本",
            missing(one(0)),
            vec!["可借 1 / 共 3", "I247/7", "甲馆 一楼外借（可借 1 / 共 2）"],
            vec![],
        ),
        ("旧版两本", missing(two), vec!["甲书", "乙书", "可借 1"], vec![]),
        (
            "答非所问",
            Book { previews: Reaction::json("{}"), ..one(2).holding(&list) },
            vec!["可借 1 / 共 3"],
            vec![],
        ),
        ("复本故障", failing(one(3)), vec!["《书名》"], vec!["可借", "共 3"]),
        ("旧版联合", missing(union), vec!["《书名》"], vec!["可借", "共 "]),
        ("复本断线", Book { previews: Reaction::Close, ..one(5) }, vec!["《书名》"], vec!["可借"]),
    ]);
}

#[test]
#[rustfmt::skip]
fn lists_hold_each_edition_once_and_no_noise() {
    let union: Vec<String> = (1..=6).map(|n| {
        let author = if n % 2 == 0 { "王小川著" } else { "王小川" };
        doc(n, &format!(r#""title_meta":"山河","isbn_meta":"978-7-5366-9293-0","author_meta":"{author}""#))
    }).collect();
    let copies: Vec<(u64, Vec<String>)> = (1..=6).map(|n| (n, vec![row(&format!("分馆{n}"), "", "I247/7", n % 2, 1)])).collect();
    let copies: Vec<(u64, &[String])> = copies.iter().map(|(n, rows)| (*n, &rows[..])).collect();
    let set = |id, title: &str| doc(id, &format!(r#""title_meta":"{title}","isbn_meta":"9787536692930""#));
    let noisy = [
        doc(201, r#""title_meta":"江海","score":6.7"#),
        doc(202, r#""title_meta":"别的书","score":0.01"#),
        doc(203, r#""title_meta":"江海之外","score":0.01"#),
    ];
    let without = |id, year: &str| doc(id, &format!(r#""title_meta":"旧书","isbn_meta":null,"publisher_meta":"某社","pubdate_meta":"{year}""#));
    hold(vec![
        ("山河", Book::new(&union).previews(&previews(&copies)), vec!["《山河》", "可借 3 / 共 6", "等 6 处"], vec![]),
        ("套书", Book::new(&[set(101, "套书．上"), set(102, "套书．中"), set(103, "套书．下")]), vec!["3 本", "套书．上", "套书．中", "套书．下"], vec![]),
        ("江海", Book { search: Reaction::json(found(&noisy, 3, 6.7)), ..Book::new(&[]) }, vec!["2 本", "江海之外"], vec!["别的书"]),
        ("旧书", Book::new(&[without(301, "1980"), without(302, "1980"), without(303, "1990")]), vec!["2 本"], vec![]),
        ("缺题名", Book::new(&[doc(401, r#""title_meta":null"#), doc(402, r#""title_meta":"有题名""#)]), vec!["《有题名》"], vec![]),
        ("版本", Book::new(&[doc(501, r#""title_meta":"山河：新版""#), doc(502, r#""title_meta":"山河：典藏版""#)]), vec!["《山河：新版》", "《山河：典藏版》"], vec![]),
        ("书名号", Book::new(&[doc(601, r#""title_meta":"《山河》导读""#), doc(602, r#""title_meta":"江海""#)]), vec!["《〈山河〉导读》"], vec![]),
    ]);
}

/// What was asked of the search: the text, the field, the branch.
fn searched(catalogue: &Upstream) -> Vec<(String, Option<String>, Option<String>)> {
    let log = catalogue.log();
    let searches = log.iter().filter(|request| request.path() == "/opac/api/search");
    let asked = |request: &Request| {
        assert_eq!(request.param("wt").as_deref(), Some("json"));
        assert_eq!(
            (request.param("rows"), request.param("page")),
            (Some("20".into()), Some("1".into()))
        );
        (request.param("q").unwrap(), request.param("searchWay"), request.param("curlibcode"))
    };
    searches.map(asked).collect()
}

#[test]
fn what_readers_type_is_searched_without_signs() {
    for (text, expected) in [
        ("三体 刘慈欣", vec![("三体 刘慈欣", None)]),
        ("《三体》", vec![("三体", None)]),
        ("title:三体*", vec![("title 三体", None), ("三体", None)]),
        ("有没有那个叫三体的小说", vec![("那个叫三体的小说", None), ("三体", None)]),
        ("作者 刘慈欣", vec![("刘慈欣", Some("author"))]),
        ("978-7-5366-9293-0", vec![("9787536692930", None), ("7536692935", None)]),
        ("9791032305690", vec![("9791032305690", None)]),
        ("*:*", vec![]),
    ] {
        let catalogue = catalogue(vec![]);
        let server = serve_with(&catalogue, &[("DOUMIBOOK_INTERLIB_LIB", "STC001")]);
        let seen = ask(&server, 1, text);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(q, way)| (q.to_owned(), way.map(str::to_owned), Some("STC001".to_owned())))
            .collect();
        assert_eq!(searched(&catalogue), expected, "{text}");
        assert!(seen.contains("没"), "{text}: {seen}");
    }
}

#[test]
fn a_number_is_found_in_either_form_and_nothing_else_by_it() {
    let old = doc(1, r#""title_meta":"旧书","isbn_meta":"7-80628-555-5""#);
    let other = doc(2, r#""title_meta":"别的书","isbn_meta":"978-7-5366-9293-0""#);
    let set = doc(
        101,
        r#""title_meta":"套书","isbn_meta":"978-7-5366-9293-0(上),978-7-5366-9396-8(下)""#,
    );
    let catalogue = catalogue(vec![
        ("7806285555", Book::new(&[old, other])),
        ("9787536693968", Book::new(&[set])),
    ]);
    let server = serve(&catalogue);
    let seen = ask(&server, 1, "9787806285558");
    assert!(seen.contains("《旧书》") && !seen.contains("别的书"), "{seen}");
    assert_eq!(catalogue.requests(), 3, "two searches, one for copies");
    let seen = ask(&server, 2, "9787536693968");
    assert!(seen.contains("《套书》"), "{seen}");
    assert_eq!(catalogue.requests(), 5);
}

#[test]
fn an_author_is_asked_for_as_such_and_others_are_left_out() {
    let docs = [
        doc(1, r#""title_meta":"甲书","author_meta":"刘慈欣著""#),
        doc(2, r#""title_meta":"论刘慈欣","author_meta":"李广益编""#),
        doc(3, r#""title_meta":"乙书","author_meta":"刘慈欣""#),
    ];
    let other = [doc(101, r#""title_meta":"原书","author_meta":"Mark Twain""#)];
    let catalogue = catalogue(vec![("刘慈欣", Book::new(&docs)), ("马克 吐温", Book::new(&other))]);
    let server = serve(&catalogue);
    let seen = ask(&server, 1, "作者 刘慈欣");
    assert!(seen.contains("甲书") && seen.contains("乙书") && !seen.contains("论刘"), "{seen}");
    let seen = ask(&server, 2, "作者 马克 吐温");
    assert!(seen.contains("《原书》"), "better than nothing: {seen}");
}

const CAPTCHA: &str = "<meta charset=\"utf-8\">\n<title>opac验证</title>\n<script src=\"/opac/media/captcha/js/verify.js\"></script>";

#[test]
#[rustfmt::skip]
fn every_refusal_is_told_as_what_it_is() {
    const TROUBLE: &str = "不代表没有这本书";
    let status = Reaction::status;
    let gzip = Answer::new(200, vec![0x1f, 0x8b, 8, 0]).with("Content-Encoding", "gzip");
    let html = |body: &str| Reaction::Answer(Answer::new(200, body).with("Content-Type", "text/html"));
    for (row, search, reader, log) in [
        ("nothing",        Reaction::json(found(&[], 0, 0.0)),                    "没有找到", ""),
        ("past the end",   Reaction::json(found(&[], 5, 1.0)),                    "没有找到", "interlib: has nothing that could be shown"),
        ("no title",       Reaction::json(found(&[doc(1, r#""title_meta":" ""#)], 1, 1.0)), "没有找到", "records without a title"),
        ("other JSON",     Reaction::json(r#"{"success":true,"data":[]}"#),       TROUBLE, "no response.docs"),
        ("null docs",      Reaction::json(r#"{"response":{"docs":null}}"#),       TROUBLE, "no response.docs"),
        ("captcha",        html(CAPTCHA),                                         TROUBLE, "a page with a captcha (opac验证)"),
        ("captcha, 403",   status(403, CAPTCHA),                                  TROUBLE, "a page with a captcha (opac验证)"),
        ("a web page",     html("<!DOCTYPE html><html>欢迎</html>"),              TROUBLE, "a web page instead of JSON"),
        ("XML",            html("<?xml version=\"1.0\"?><response></response>"),  TROUBLE, "XML instead of JSON"),
        ("bot detected",   status(403, "bot detected"),                           TROUBLE, "the computer room or the vendor (图创)"),
        ("a guard",        status(412, "<html>"),                                 TROUBLE, "refused (HTTP 412)"),
        ("old version",    status(404, "<html>404</html>"),                       TROUBLE, "no such path (HTTP 404): the address must be"),
        ("its own fault",  status(500, "<html>500</html>"),                       TROUBLE, "interlib: failed after"),
        ("a gateway's",    status(502, ""),                                       TROUBLE, "HTTP 502"),
        ("reset",          Reaction::Close,                                       TROUBLE, "closed without an answer"),
        ("cut short",      Reaction::CutShort(Answer::new(200, found(&[], 0, 0.0)), 9), TROUBLE, "interlib: failed after"),
        ("limited",        status(429, ""),                                       "暂时查不了", "interlib: limits us"),
        ("compressed",     Reaction::Answer(gzip),                                TROUBLE, "a compressed answer, which was not asked for"),
        ("elsewhere",      Reaction::redirect("https://portal.example.org/login"), TROUBLE, "redirected to portal.example.org"),
    ] {
        let catalogue = catalogue(vec![("三体", Book { search, ..Book::new(&[]) })]);
        let server = serve(&catalogue);
        let seen = ask(&server, 1, "三体");
        assert!(seen.contains(reader), "{row}: {seen}");
        if !log.is_empty() {
            let line = server.line("interlib: ");
            assert!(line.contains(log), "{row}: {line}");
            assert!(!line.contains("三体"), "{row}: {line}");
        }
        assert_eq!(catalogue.requests(), 1, "{row}");
    }
}

#[test]
fn one_broken_record_silences_nobody() {
    let catalogue = catalogue(vec![
        ("坏记录", Book { search: Reaction::status(500, ""), ..Book::new(&[]) }),
        ("好记录", Book::new(&[doc(101, "")])),
    ]);
    let server = serve(&catalogue);
    for number in 0..5 {
        assert!(ask(&server, number, "坏记录").contains("不代表没有这本书"));
    }
    assert!(ask(&server, 9, "好记录").contains("《书名》"));
}

#[test]
fn what_the_library_has_not_may_be_known_elsewhere() {
    let neodb = Upstream::start(|request| {
        let many = request.param("query").as_deref() == Some("山河");
        let more = if many { r#",{"title":"山河岁月"}"# } else { "" };
        Reaction::json(format!(r#"{{"data":[{{"title":"山河"}}{more}],"pages":1,"count":2}}"#))
    });
    let failing = Book { search: Reaction::status(500, ""), ..Book::new(&[]) };
    let catalogue = catalogue(vec![
        ("三体", Book::new(&[doc(1, r#""title_meta":"三体""#)])),
        ("大江", failing),
    ]);
    let sources = [("DOUMIBOOK_SOURCES", "interlib,neodb"), ("DOUMIBOOK_NEODB_URL", neodb.url())];
    let server = serve_with(&catalogue, &sources);
    let seen = ask(&server, 1, "三体");
    assert!(seen.contains("来源：馆藏") && !seen.contains("馆里没有"), "{seen}");
    assert_eq!(neodb.requests(), 0);
    for reader in [2, 3] {
        let seen = ask(&server, reader, "山海");
        assert!(seen.contains("馆里没有查到这本书，下面是 NeoDB 的资料。"), "{seen}");
    }
    let seen = ask(&server, 4, "山河");
    assert!(seen.contains("馆里没有查到这些书，下面是 NeoDB 的资料。"), "{seen}");
    let picked = server.say("oReader4", 5000, "2");
    assert!(picked.contains("馆里没有查到这本书") && picked.contains("山河岁月"), "{picked}");
    // Nobody knows whether a library has it that does not answer.
    let seen = ask(&server, 5, "大江");
    assert!(seen.contains("来源：NeoDB") && !seen.contains("馆里没有"), "{seen}");
}

#[test]
fn after_a_restart_copies_are_counted_and_books_are_not_searched() {
    let folder = Folder::new("interlib-state");
    let state = [("STATE_DIRECTORY", folder.0.to_str().unwrap())];
    let out = [row("甲馆", "", "I247/7", 0, 1)];
    let book = Book::new(&[doc(1, ""), doc(2, r#""isbn_meta":"978-7-5366-9293-0""#)]);
    let one = Book::new(&[doc(101, "")])
        .previews(&previews(&[(101, &out)]))
        .holding(&holding(&[("b1", 3, "01", Some(days(3)))]));
    let union: Vec<String> =
        (201..=203).map(|id| doc(id, r#""isbn_meta":"978-7-5366-9293-0""#)).collect();
    let rows = |n| [row("甲馆", "", "", n, n)];
    let (a, b, c) = (rows(1), rows(2), rows(3));
    let union = Book::new(&union).previews(&previews(&[(201, &a), (202, &b), (203, &c)]));
    let catalogue = catalogue(vec![("两本", book), ("一本", one), ("联合", union)]);
    let server = serve_with(&catalogue, &state);
    for (number, words) in ["两本", "一本", "联合"].into_iter().enumerate() {
        ask(&server, number, words);
    }
    let before = searched(&catalogue).len();
    assert_eq!(server.stop(), Some(0));
    let kept: String = std::fs::read_dir(&folder.0)
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    assert!(kept.contains("I247/7") && !kept.contains("READER77"), "{kept}");
    let server = serve_with(&catalogue, &state);
    assert!(ask(&server, 11, "一本").contains(&format!("最早 {} 归还", shown(3))));
    assert!(ask(&server, 12, "联合").contains("可借 6 / 共 6"), "of all its records");
    assert_eq!(searched(&catalogue).len(), before);
    let requests = catalogue.requests();
    assert!(ask(&server, 13, "一本").contains("归还"));
    assert_eq!(catalogue.requests(), requests, "for two minutes");
}

#[test]
fn more_copies_than_can_be_read_are_asked_for_the_first_list() {
    let docs: Vec<String> =
        (1..=8).map(|n| doc(n, &format!(r#""title_meta":"山河{n}""#))).collect();
    let huge = Reaction::json(format!(r#"{{"previews":{{"1":"{}"}}}}"#, "x".repeat(1 << 20)));
    let few = Reaction::json(previews(&[(1, &[row("甲馆", "", "", 1, 1)])]));
    let search = Reaction::json(found(&docs, 8, 10.0));
    let catalogue = Upstream::start(move |request: &Request| match request.path() {
        "/opac/api/search" => search.clone(),
        _ if request.param("bookrecnos").is_some_and(|ids| ids.split(',').count() > 5) => {
            huge.clone()
        }
        _ => few.clone(),
    });
    let server = serve(&catalogue);
    let seen = ask(&server, 1, "山河");
    assert!(seen.contains("可借 1") && seen.contains("8 本"), "{seen}");
    assert_eq!(catalogue.requests(), 3);
}

#[test]
fn the_check_tells_search_and_copies_apart() {
    let works = Book::new(&[doc(1, "")]);
    let no_copies = Book { previews: Reaction::status(404, ""), ..works.clone() };
    let nothing = Book::new(&[]);
    let refused = Book { search: Reaction::status(403, "bot detected"), ..Book::new(&[]) };
    let expected: HashMap<&str, (Book, Vec<&str>)> = HashMap::from([
        (
            "works",
            (
                works,
                vec![
                    "OK       interlib search works: 1 books for 中国",
                    "OK       copies   copies work",
                ],
            ),
        ),
        (
            "no copies",
            (
                no_copies,
                vec![
                    "search works",
                    "WARNING  copies",
                    "this version has no /book/holdingPreviews",
                ],
            ),
        ),
        (
            "nothing",
            (
                nothing,
                vec!["WARNING  interlib search answers", "has nothing for 中国", "WARNING  copies"],
            ),
        ),
        (
            "refused",
            (
                refused,
                vec!["WARNING  interlib search refuses us", "the vendor (图创)", "none answers"],
            ),
        ),
    ]);
    for (row, (book, says)) in expected {
        let catalogue = catalogue(vec![("中国", book)]);
        let url = format!("{}/opac/", catalogue.url());
        let output = program::program(&["check"])
            .envs([("DOUMIBOOK_TOKEN", "demo"), ("DOUMIBOOK_INTERLIB_URL", &url)])
            .env("DOUMIBOOK_LISTEN", "127.0.0.1:0")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for part in says {
            assert!(text.contains(part), "{row}: no {part:?} in\n{text}");
        }
    }
}
