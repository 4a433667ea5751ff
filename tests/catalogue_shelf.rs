//! The shelf, from outside: given files and questions, expected books.

use std::time::Instant;

use doumibook::catalogue::book::{Book, Holding, Rating};
use doumibook::catalogue::isbn::Isbn;
use doumibook::catalogue::shelf::{Format, Shelf};
use doumibook::catalogue::{Catalogue, HITS, Outcome, Query};

#[path = "bench/library.rs"]
mod library;

fn shelf(file: &str, format: Format) -> Shelf {
    let (shelf, bad) = Shelf::read(file.as_bytes(), format).expect("a file that can be served");
    assert_eq!(bad, [], "no bad lines");
    shelf
}

fn ask(shelf: &Shelf, query: Option<Query>) -> Outcome {
    shelf.find(&query.expect("a question"), Instant::now())
}

fn found(shelf: &Shelf, query: Option<Query>) -> Vec<Book> {
    match ask(shelf, query) {
        Outcome::Found(books) => books,
        _ => Vec::new(),
    }
}

/// All books, in the file's order.
fn all(shelf: &Shelf) -> Vec<Book> {
    (0..shelf.len() as u32).map(|n| shelf.book(n)).collect()
}

/// Titles, or `title/publisher` where there is one, separated by blanks.
fn titles(books: &[Book]) -> String {
    let shown = books.iter().map(|book| match book.publisher.as_str() {
        "" => book.title.clone(),
        publisher => format!("{}/{publisher}", book.title),
    });
    shown.collect::<Vec<_>>().join(" ")
}

const SMALL: &str = r#"
{"title":"我读三体","author":"某人"}
{"title":"三体Ⅱ","subtitle":"黑暗森林","author":"刘慈欣","series":"地球往事"}
{"title":"三体","author":"刘慈欣","isbn":"9787536692930","series":"地球往事"}
{"title":"《三体》漫谈","author":"刘慈欣研究会"}
{"title":"小王子","author":["圣埃克苏佩里"],"translator":"马振骋","publisher":"人文","isbn":"9787020042494"}
{"title":"小王子","author":["圣埃克苏佩里"],"translator":"李继宏","publisher":"天津","douban_id":"20443559"}
{"title":"夜航","link":"https://m.douban.com/book/subject/1003079/"}
{"title":"Ｒｕｓｔ　Programming","author":"Jim Blandy, Jason Orendorff"}
{"title":"刘慈欣小传","author":"某人"}
{"title":"The-Little-Prince","author":"Saint-Exupéry"}
{"title":"哈利·波特","author":"[英] J. K. 罗琳/Rowling, J. K."}
"#;

#[test]
#[rustfmt::skip]
fn best_first() {
    let small = shelf(SMALL, Format::JsonLines);
    for (case, typed, best) in [
        ("exact, prefix, contains",    "三体",             "三体 三体Ⅱ 《三体》漫谈 我读三体"),
        ("marks do not count",         "《三体》",         "三体 三体Ⅱ 《三体》漫谈 我读三体"),
        ("by whom before about whom",  "刘慈欣",           "三体Ⅱ 三体 刘慈欣小传"),
        ("two words: title first",     "三体 刘慈欣",      "三体 三体Ⅱ 《三体》漫谈"),
        ("the other way round",        "刘慈欣 三体",      "三体 三体Ⅱ 《三体》漫谈"),
        ("a word said twice",          "三体 三体",        "三体 三体Ⅱ 《三体》漫谈 我读三体"),
        ("all words must be found",    "三体 余华",        ""),
        ("subtitle",                   "黑暗森林",         "三体Ⅱ"),
        ("series, in file order",      "地球往事",         "三体Ⅱ 三体"),
        ("equal ranks, file order",    "小王子",           "小王子/人文 小王子/天津"),
        ("an edition by translator",   "小王子 李继宏",    "小王子/天津"),
        ("an edition by publisher",    "小王子 人文",      "小王子/人文"),
        ("width of the title",         "rust",             "Ｒｕｓｔ　Programming"),
        ("width of the question",      "ＲＵＳＴ",         "Ｒｕｓｔ　Programming"),
        ("case",                       "RUST programming", "Ｒｕｓｔ　Programming"),
        ("words apart",                "programming Rust", "Ｒｕｓｔ　Programming"),
        ("capitals in plain ASCII",    "little",           "The-Little-Prince"),
        ("capitals beyond ASCII",      "EXUPÉRY",          "The-Little-Prince"),
        ("without the dots",           "哈利波特 J.K.罗琳",  "哈利·波特"),
        ("with other dots",            "哈利・波特",         "哈利·波特"),
        ("title and author, no blank", "三体刘慈欣",       "三体 三体Ⅱ 《三体》漫谈"),
        ("author and title, no blank", "某人三体",         "我读三体"),
        ("an author of another book",  "马振骋三体",       ""),
        ("nothing",                    "没有这本书",       ""),
    ] {
        let best = best.replace("Ｒｕｓｔ　Programming", "Ｒｕｓｔ Programming");
        assert_eq!(titles(&found(&small, Query::words(typed))), best, "{case}: {typed:?}");
    }
}

#[test]
#[rustfmt::skip]
fn other_questions() {
    let small = shelf(SMALL, Format::JsonLines);
    let isbn = |typed| Isbn::parse(typed).map(Query::Isbn);
    for (case, query, best) in [
        ("the author's own books first", Query::author("刘慈欣"),    "三体Ⅱ 三体 《三体》漫谈"),
        ("no titles, no translators",    Query::author("李继宏"),    ""),
        ("one of several authors",       Query::author("BLANDY"),    "Ｒｕｓｔ Programming"),
        ("an author's dots",             Query::author("J·K·罗琳"),  "哈利·波特"),
        ("an author without dots",       Query::author("JK罗琳"),    "哈利·波特"),
        ("an author's dots and blanks",  Query::author("J. K. Rowling"), "哈利·波特"),
        ("ISBN-13",                      isbn("9787536692930"),      "三体"),
        ("ISBN-10",                      isbn("702004249x"),         "小王子/人文"),
        ("another ISBN",                 isbn("9787121042621"),      ""),
        ("Douban's number",              Query::subject("20443559"), "小王子/天津"),
        ("Douban's number in a link",    Query::subject("1003079"),  "夜航"),
    ] {
        assert_eq!(titles(&found(&small, query)), best, "{case}");
    }
    assert_eq!(ask(&small, isbn("9787121042621")), Outcome::NotFound);
    assert_eq!(ask(&small, Query::words("没有这本书")), Outcome::NotFound);
    assert_eq!(ask(&small, Query::subject("1")), Outcome::Unasked, "it may stand here unnumbered");
}

#[test]
fn no_more_than_fit() {
    let many: String =
        (0..50).map(|n| format!("{{\"title\":\"书目{n}\",\"isbn\":9787536692930}}\n")).collect();
    let many = shelf(&many, Format::JsonLines);
    let first = found(&many, Query::words("书目"));
    assert_eq!((first.len(), first[0].title.as_str()), (HITS, "书目0"), "the first ones");
    let copies = found(&many, Isbn::parse("9787536692930").map(Query::Isbn));
    assert_eq!((copies.len(), copies[0].title.as_str()), (HITS, "书目0"), "titles differ");
}

/// One row a copy is how libraries list what they have.
#[test]
fn copies_of_one_book_are_one_book() {
    let rows = "书名,ISBN,索书号,馆藏地,可借\n\
                活着,9787506365437,I247.57/21,一楼,1\n\
                活着,9787506365437,I247.57/21,二楼,2\n\
                活着,9787506312684,I247.57/9,一楼,\n\
                活着,9787506365437,I247.57/21,一楼,1\n\
                活着,,,,\n活着,,,,\n";
    let books = found(&shelf(rows, Format::Csv), Query::words("活着"));
    let held = |callno, place, available| Holding::at(callno, place, available, None);
    let mut first = held("I247.57/21", "一楼", Some(2));
    first.add(held("", "二楼", Some(2)));
    let holdings: Vec<_> = books.into_iter().map(|book| book.holding).collect();
    assert_eq!(holdings, [Some(first), Some(held("I247.57/9", "一楼", None)), None, None]);
}

/// 责任者 as catalogues state it.
#[test]
#[rustfmt::skip]
fn statements_of_responsibility_become_names() {
    for (written, authors, translators) in [
        ("刘慈欣著",                        "刘慈欣",           ""),
        ("（法）圣埃克苏佩里著；马振骋译",  "（法）圣埃克苏佩里", "马振骋"),
        ("教育部组织编写组编",              "教育部组织编写组", ""),
        ("周志明 著",                       "周志明",           ""),
        ("王译",                            "王译",             ""),
        ("陈明译",                          "陈明译",           ""),
        ("余华",                            "余华",             ""),
        ("张著",                            "张著",             ""),
    ] {
        let file = format!("书名,责任者\n书,{written}\n");
        let book = &all(&shelf(&file, Format::Csv))[0];
        assert_eq!((book.authors.join(" "), book.translators.join(" ")), (authors.into(), translators.into()), "{written}");
    }
}

/// A file's books, one a line, then its bad lines.
fn read(file: &[u8], format: Format) -> String {
    match Shelf::read(file, format) {
        Err(refusal) => format!("refused: {refusal}"),
        Ok((shelf, bad)) => {
            let books = all(&shelf).into_iter().map(|book| {
                let isbn = book.isbn.map_or("-".to_owned(), |isbn| isbn.isbn13());
                format!("{}|{}|{isbn}", book.title, book.authors.join("+"))
            });
            books.chain(bad.iter().map(|bad| bad.to_string())).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
#[rustfmt::skip]
fn files_as_they_come() {
    use Format::{Csv, JsonLines};
    for (case, format, file, given) in [
        ("English header",  Csv, "title,author,isbn\n书一,甲,9787536692930\n", "书一|甲|9787536692930"),
        ("Chinese header",  Csv, "题名,责任者,ISBN号\n书一,甲,7536692935\n",     "书一|甲|9787536692930"),
        ("any order, case, width, units; unknown columns",
                            Csv, "定价（元）,备注,ＩＳＢＮ,Author,书名,, 状态\n1,x,,甲,书一\n", "书一|甲|-"),
        ("a library system's header",
                            Csv, "索取号,标准书号,第一责任者,出版单位,出版年月,单价,典藏地,可借复本,题名\n,,甲,,,,,,书一\n", "书一|甲|-"),
        ("ISBN and price",  Csv, "书名,ISBN及定价\n书一,978-7-5366-9293-0 : CNY23.00\n", "书一||9787536692930"),
        ("title and people", Csv, "题名/责任者\n书一 / 甲；乙\n书二\n",          "书一|甲+乙|-\n书二||-"),
        ("people twice",    Csv, "题名/责任者,作者\n书一 / 甲著,甲\n",           "书一|甲|-"),
        ("a title above",   Csv, "某某图书馆, 2026\n\n书名;作者\n书一;甲\n;乙\n",  "书一|甲|-\nline 5: no title; every book needs one"),
        ("Excel's own line", Csv, "sep=;\n书名;作者\n书一;甲\n",                 "书一|甲|-"),
        ("too much above",  Csv, "馆藏\n\n\n\n\n书名\n书一\n",
            "refused: none of the first 5 lines names a column title or 书名; the first is: 馆藏"),
        ("formulas",        Csv, "=\"书名\",isbn\n=\"书一\",=\"9787536692930\"\n书二,\"=\"\"9787536692930\"\"\"\n", "书一||9787536692930\n书二||9787536692930"),
        ("numbers as texts", Csv, "书名,isbn\n书一,'9787536692930\n书二,'7536692935\n", "书一||9787536692930\n书二||9787536692930"),
        ("numbers as numbers", Csv, "书名,isbn\n书一,9787536692930.0\n书二,7536692935.0\n", "书一||9787536692930\n书二||9787536692930"),
        ("two numbers",     Csv, "书名\tisbn\n书一\t7536692936,7536692935\n书二\t9787536692930 9787020042494\n", "书一||9787536692930\n书二||9787536692930"),
        ("semicolons",      Csv, "书名;作者\n书一;甲\n",                 "书一|甲|-"),
        ("tabs",            Csv, "书名\t作者\n书一\t甲\n",               "书一|甲|-"),
        ("mark and CRLF",   Csv, "\u{feff}书名,作者\r\n书一,甲\r\n",      "书一|甲|-"),
        ("line end inside", Csv, "书名,作者\n\"书\n一\",甲\n,乙\n",       "书 一|甲|-\nline 4: no title; every book needs one"),
        ("several authors", Csv, "书名,作者\n书一,甲；乙、丙/丁，戊;己\n", "书一|甲+乙+丙+丁+戊+己|-"),
        ("commas in names", Csv, "书名\t作者\n书一\t甲,乙\n书二\tUlmer, Wendy/Knorr\n", "书一|甲+乙|-\n书二|Ulmer, Wendy+Knorr|-"),
        ("as title pages say", Csv, "题名,责任者\n书一,[美] 甲 著；乙 译\n", "书一|[美] 甲|-"),
        ("entities",        Csv, "书名,作者\n书&amp;一,甲\n",            "书&一|甲|-"),
        ("blank rows",      Csv, "书名,作者\n,,,\n\n书一,甲,,\n",         "书一|甲|-"),
        ("too few cells",   Csv, "书名,作者\n书一\n",                    "书一||-"),
        ("too many cells",  Csv, "书名,作者\n书一,上,甲\n书二,乙\n",
            "书二|乙|-\nline 2: 3 cells, but the header has 2; a cell that contains the separator must stand in quotation marks"),
        ("an open quote",   Csv, "书名,作者\n\"书一,甲\n书二,乙\n",
            "书二|乙|-\nline 2: a quotation mark is never closed; inside a quoted cell it is written twice"),
        ("a stray quote",   Csv, "书名,作者\n\"书\"一,甲\n书二,乙\n",
            "书二|乙|-\nline 2: text follows a closing quotation mark; inside a quoted cell it is written twice"),
        ("a mangled ISBN",  Csv, "书名,isbn\n书一,9.78754E+12\n",
            "书一||-"),
        ("a wrong digit",   Csv, "书名,isbn\n书一,9787536692931\n",
            "书一||-"),
        ("older than ISBN", Csv, "书名,isbn\n书一,10019·1977\n",          "书一||-"),
        ("as in MARC",      Csv, "书名,isbn\n书一,978-7-5366-9293-0 (平装) : CNY23.00\n", "书一||9787536692930"),
        ("no title column", Csv, "name,作者\n书一,甲\n",                 "refused: none of the first 5 lines names a column title or 书名; the first is: name,作者"),
        ("no books",        Csv, "书名,备注\n,,\n",                      "refused: no books below the header"),
        ("no titles",       Csv, "书名,作者\n,甲\n,乙\n",                "refused: nothing in it can be served; line 2: no title; every book needs one"),
        ("nothing at all",  Csv, " \n\n",                               "refused: the file is empty"),
        ("objects",         JsonLines, "{\"title\":\"书一\",\"author\":\"甲;乙\",\"isbn13\":9787536692930}\n", "书一|甲+乙|9787536692930"),
        ("lists",           JsonLines, "{\"title\":\"书一\",\"author\":[\"甲\",\"U, W\"],\"isbn10\":\"7536692935\",\"isbn13\":\"\"}", "书一|甲+U, W|9787536692930"),
        ("the right number", JsonLines, "{\"title\":\"书一\",\"isbn10\":\"7536692936\",\"isbn13\":\"9787536692930\"}", "书一||9787536692930"),
        ("CRLF and blanks", JsonLines, "\u{feff}{\"title\":\"书一\"}\r\n\r\n  {\"title\":\"书二\"}\r\n", "书一||-\n书二||-"),
        ("not JSON",        JsonLines, "{\"title\":\"书一\"}\n{\"title\":}\n",
            "书一||-\nline 2: not JSON at column 10; each line is one object, such as {\"title\": \"…\"}"),
        ("not an object",   JsonLines, "[\"书一\"]\n",                  "refused: nothing in it can be served; line 1: not an object; each line is one, such as {\"title\": \"…\"}"),
        ("no title",        JsonLines, "{\"author\":\"甲\"}\n{\"title\":\" \"}\n{\"title\":null}",
            "refused: nothing in it can be served; line 1: no title; every book needs one"),
        ("some titles",     JsonLines, "{\"author\":\"甲\"}\n{\"title\":\" \"}\n{\"title\":null}\n{\"title\":\"书\"}",
            "书||-\nline 1: no title; every book needs one\nline 2: no title; every book needs one\nline 3: no title; every book needs one"),
    ] {
        assert_eq!(read(file.as_bytes(), format), given, "{case}");
    }
    let left_out = "some of its bytes are not GBK (GB18030); what holds them is left out";
    for (case, format, file, given) in [
        ("in GBK",          Csv, &b"\xca\xe9\xc3\xfb\n\xca\xe9\n"[..],      "书||-".to_owned()),
        ("in UTF-16",       Csv, b"\xff\xfe\x66\x4e\x0d\x54\x0a\x00\x66\x4e", "书||-".to_owned()),
        ("the other way",   Csv, b"\xfe\xff\x4e\x66\x54\x0d\x00\x0a\x4e\x66", "书||-".to_owned()),
        ("below a header",  Csv, b"title\n\xca\xe9\n",                        "书||-".to_owned()),
        ("a stray byte",    Csv, b"title,isbn\n\xca\xe9,9787536692930\xff\n\xca\xe9,\n", format!("书||-\n书||-\nline 2: {left_out}")),
        ("in the title",    Csv, b"title\n\xca\xff\n\xca\xe9\n",
            "书||-\nline 2: some of its bytes are no text, and so its title is lost".to_owned()),
        ("damaged earlier", Csv, "title\n书\u{fffd}\n".as_bytes(),               "书\u{fffd}||-".to_owned()),
        ("JSON in GBK",     JsonLines, b"{\"title\":\"\xca\xe9\"}",            "书||-".to_owned()),
    ] {
        assert_eq!(read(file, format), given, "{case}");
    }
}

#[test]
fn every_field_comes_back() {
    let header = "书名,副标题,原作名,作者,译者,出版社,出版年,定价,页数,丛书,ISBN,评分,简介,封面,链接,索书号,馆藏地,可借";
    let row = "小王子,插图版,Le Petit Prince,[法] 圣埃克苏佩里,马振骋,人民文学出版社,2003-8,22.00元,97 页,名著,\
        702004249X,9.0,\"一\n 二\",https://e.org/c.jpg,https://e.org/b,I565.88/12,二楼,3";
    let whole = shelf(&format!("{header}\n{row}\n"), Format::Csv);
    let given = Book {
        title: "小王子".into(),
        subtitle: "插图版".into(),
        origin_title: "Le Petit Prince".into(),
        authors: vec!["[法] 圣埃克苏佩里".into()],
        translators: vec!["马振骋".into()],
        publisher: "人民文学出版社".into(),
        pubdate: "2003-8".into(),
        price: "22.00元".into(),
        pages: "97".into(),
        series: "名著".into(),
        isbn: Isbn::parse("9787020042494"),
        rating: Rating::Scored { tenths: 90, count: None },
        summary: "一 二".into(),
        cover: "https://e.org/c.jpg".into(),
        link: "https://e.org/b".into(),
        holding: Some(Holding::at("I565.88/12", "二楼", Some(3), None)),
        ..Book::default()
    };
    assert_eq!(found(&whole, Query::words("小王子")), [given]);
}

#[test]
#[rustfmt::skip]
fn what_a_field_may_hold() {
    let count = Some(1234);
    let long = "长".repeat(200);
    let summary = format!("{}…", "长".repeat(120));
    for (case, fields, shown) in [
        ("nothing",           r#""x":1"#.to_owned(),                                  Book::default()),
        ("link from the id",  r#""subject_id":1003078"#.to_owned(),                           Book { link: "https://book.douban.com/subject/1003078/".into(), ..Book::default() }),
        ("the id from a link", r#""link":"http://book.douban.com/subject/1003078/?from=x""#.to_owned(), Book { link: "https://book.douban.com/subject/1003078/".into(), ..Book::default() }),
        ("a running number",  r#""id":"1003078","_id":7"#.to_owned(), Book::default()),
        ("a link is better",  r#""豆瓣id":"1","link":"https://e.org/"#.to_owned() + "\"", Book { link: "https://e.org/".into(), ..Book::default() }),
        ("only https",        r#""link":"http://e.org","cover":"javascript:"#.to_owned() + "\"", Book::default()),
        ("no such id",        r#""豆瓣ID":"a/../b""#.to_owned(),                          Book::default()),
        ("a long summary",    format!("\"summary\":\"{long}\""),                      Book { summary, ..Book::default() }),
        ("Douban's rating",   r#""rating":{"average":"8.7","numRaters":1234}"#.to_owned(), Book { rating: Rating::Scored { tenths: 87, count }, ..Book::default() }),
        ("too few raters",    r#""rating":{"average":"0.0","numRaters":3}"#.to_owned(), Book { rating: Rating::TooFew, ..Book::default() }),
        ("no rating",         r#""rating":"0""#.to_owned(),                           Book::default()),
        ("out of range",      r#""rating":11"#.to_owned(),                            Book::default()),
        ("not a number",      r#""rating":"NaN""#.to_owned(),                         Book::default()),
        ("Douban's series",   r#""series":{"id":"1","title":"丛"}"#.to_owned(),        Book { series: "丛".into(), ..Book::default() }),
        ("numbers",           r#""price":23.5,"pages":0,"pubdate":2008"#.to_owned(),  Book { price: "23.5".into(), pubdate: "2008".into(), ..Book::default() }),
        ("control characters", r#""publisher":"a\u001fb\u0000\u001e""#.to_owned(),    Book { publisher: "a b".into(), ..Book::default() }),
        ("copies alone",      r#""copies":0"#.to_owned(),                             Book { holding: Some(Holding::at("", "", Some(0), None)), ..Book::default() }),
    ] {
        let one = shelf(&format!("{{\"title\":\"书\",{fields}}}"), Format::JsonLines);
        let shown = Book { title: "书".into(), ..shown };
        assert_eq!(all(&one), [shown], "{case}");
    }
}

#[test]
fn a_file_cut_anywhere_is_still_read() {
    let csv =
        "\u{feff}书名,作者,isbn\r\n\"书 \"\"一\"\"\r\n\",甲；乙,9787536692930\r\n书二,\"丙\",\r\n";
    for (format, file) in [(Format::Csv, csv), (Format::JsonLines, SMALL)] {
        let whole = Shelf::read(file.as_bytes(), format).expect("whole").0.len();
        for end in 0..file.len() {
            if let Ok((shelf, _)) = Shelf::read(&file.as_bytes()[..end], format) {
                assert!(shelf.len() <= whole, "cut after {end} bytes");
                found(&shelf, Query::words("书"));
            }
        }
    }
}

#[test]
#[rustfmt::skip]
fn the_format_is_told_by_name_then_by_content() {
    for (name, content, format) in [
        ("a.csv",   "{",              Format::Csv),
        ("a.TSV",   "",               Format::Csv),
        ("a.jsonl", "书名",           Format::JsonLines),
        ("a.txt",   "\u{feff} \n {",  Format::JsonLines),
        ("a",       "书名,作者",       Format::Csv),
    ] {
        assert_eq!(Format::of(name.as_ref(), content.as_bytes()), format, "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let error = Shelf::open("/no/such/shelf.csv".as_ref()).err().expect("an error").to_string();
    assert_eq!(error, "/no/such/shelf.csv: No such file or directory (os error 2)");
    let error = Shelf::open("/".as_ref()).err().expect("an error").to_string();
    assert!(error.starts_with("/: "), "{error}");
}

#[test]
fn the_sample_is_sound() {
    let sample = include_bytes!("../src/catalogue/sample.jsonl");
    let (read, bad) = Shelf::read(sample, Format::JsonLines).expect("the sample");
    assert_eq!(bad, [], "no bad lines, so every ISBN has a right check digit");
    assert!((60..=120).contains(&read.len()), "{} books", read.len());
    let builtin = Shelf::builtin();
    assert_eq!(builtin.len(), read.len());
    let (mut isbns, mut seen) = (0, std::collections::HashSet::new());
    for line in std::str::from_utf8(sample).expect("UTF-8").lines() {
        let one = shelf(line, Format::JsonLines);
        let fields: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let title = fields["title"].as_str().expect("a title");
        let books = found(&one, Query::words(title));
        let [book] = books.as_slice() else { panic!("{line}") };
        assert!(!book.authors.is_empty(), "{title} has authors");
        assert_eq!(book.rating, Rating::Unknown, "{title}: nobody's opinion");
        if let Some(isbn) = book.isbn {
            isbns += 1;
            assert!(seen.insert(isbn), "{title}: {isbn} stands there twice");
            assert_eq!(found(&builtin, Some(Query::Isbn(isbn))), books);
        }
    }
    assert!(isbns >= 60, "{isbns} ISBNs");
    assert!(found(&builtin, Query::words("三体"))[0].isbn == Isbn::parse("9787536692930"));
    assert!(found(&builtin, Query::author("刘慈欣")).len() >= 5);
    assert!(found(&builtin, Query::words("小王子")).len() >= 3, "several editions");
}

#[test]
#[rustfmt::skip]
fn what_is_shown_is_what_was_written() {
    for title in [
        "三体", "UNIX环境高级编程", "iPhone", "算法（第4版）", "程序员代码面试指南：IT名企算法！", "Ｃ＋＋", "ÉTÉ",
        "《三体》“漫谈”", "it's", "Spring 2.0核心技术与最佳实践", "ﬁ", "İstanbul", "ß", "~～{｛|", "《》",
    ] {
        // Neighbours on both sides: none may take or lend a byte.
        let line = |title| format!("{{\"title\":\"{title}\",\"author\":\"Émile；甲（A）\",\"price\":1}}\n");
        let three = shelf(&[line("A（1）"), line(title), line("Ｂ")].concat(), Format::JsonLines);
        let books = found(&three, Query::author("甲"));
        let shown: Vec<&str> = books.iter().map(|book| book.title.as_str()).collect();
        assert_eq!(shown, ["A（1）", title, "Ｂ"]);
        assert!(books.iter().all(|book| book.authors == ["Émile", "甲（A）"] && book.price == "1"));
    }
}

/// Every book is found by its own title, and by its title and author.
#[test]
fn no_book_is_overlooked() {
    let file = library::json_lines(1_000);
    let large = shelf(&file, Format::JsonLines);
    for book in all(&large).iter().step_by(9) {
        for typed in [book.title.clone(), format!("{} {}", book.title, book.authors[0])] {
            let books = found(&large, Query::words(&typed));
            assert!(books.iter().any(|other| other.title == book.title), "{typed}");
        }
    }
}

/// What a shelf holds beyond its books' own text. The figure does not depend on how many they
/// are; `tests/bench/shelf.rs` measures 100 000, which takes long without optimisation.
#[test]
fn a_large_shelf_stays_small() {
    let books = 20_000;
    let large = shelf(&library::json_lines(books), Format::JsonLines);
    assert_eq!(large.len(), books);
    let overhead = (large.bytes() - large.text()) / books;
    assert!(overhead < 140, "{overhead} bytes a book");
}
