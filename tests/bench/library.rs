//! A made-up library, always the same: titles, people and publishers of the lengths a Chinese
//! library has (two thirds Chinese, a quarter English, some titles with full-width brackets).

use std::fmt::Write;

const COLUMNS: [&str; 11] = [
    "title",
    "subtitle",
    "author",
    "translator",
    "publisher",
    "pubdate",
    "price",
    "pages",
    "isbn",
    "callno",
    "location",
];
const HAN: &str = "天地人山水风云日月星河江海城春秋冬夏花草树木金石书史诗文学科技经济社会历史哲思想\
    中国世界时代生活故事传奇记录研究概论基础原理方法应用实践导引入门教程设计系统程序语言数据算法网络机器智能心理";
const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹";
const ENGLISH: [&str; 37] = [
    "The",
    "Art",
    "Science",
    "History",
    "Theory",
    "Practice",
    "of",
    "and",
    "in",
    "Modern",
    "Programming",
    "Systems",
    "World",
    "Design",
    "Introduction",
    "to",
    "Computer",
    "Networks",
    "Language",
    "Mind",
    "Nature",
    "Society",
    "Economics",
    "Story",
    "Guide",
    "Principles",
    "Data",
    "Structures",
    "Life",
    "Great",
    "Small",
    "Lost",
    "Secret",
    "Time",
    "Light",
    "Night",
    "Garden",
];
const NAMES: [&str; 20] = [
    "James", "Mary", "John", "Linda", "Robert", "Susan", "Michael", "Karen", "David", "Lisa",
    "Smith", "Johnson", "Brown", "Miller", "Davis", "Wilson", "Moore", "Taylor", "Anderson",
    "Thomas",
];
const PUBLISHERS: [&str; 12] = [
    "人民文学出版社",
    "机械工业出版社",
    "电子工业出版社",
    "生活·读书·新知三联书店",
    "商务印书馆",
    "中华书局",
    "上海译文出版社",
    "清华大学出版社",
    "北京大学出版社",
    "中信出版社",
    "译林出版社",
    "南海出版公司",
];

/// A plain linear congruential generator: no two runs differ.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % limit
    }

    /// Characters of a table in which each takes three bytes.
    fn han(&mut self, table: &str, least: usize, spread: usize) -> String {
        let pick = |at: usize| &table[at * 3..at * 3 + 3];
        (0..least + self.below(spread)).map(|_| pick(self.below(table.len() / 3))).collect()
    }

    fn words(&mut self, table: &[&str], least: usize, spread: usize) -> String {
        let count = least + self.below(spread);
        (0..count).map(|_| table[self.below(table.len())]).collect::<Vec<_>>().join(" ")
    }
}

fn isbn(number: usize) -> String {
    let body = format!("9787{number:08}");
    let sum: u32 =
        body.chars().zip([1, 3].iter().cycle()).map(|(d, w)| d.to_digit(10).unwrap() * w).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn book(dice: &mut Dice, number: usize) -> [String; COLUMNS.len()] {
    let english = dice.below(4) == 0;
    let some =
        |dice: &mut Dice, text: String| if dice.below(3) == 0 { text } else { String::new() };
    let mut title = if english { dice.words(&ENGLISH, 2, 5) } else { dice.han(HAN, 2, 11) };
    if !english && dice.below(5) == 0 {
        title.push_str("（第2版）");
    }
    let subtitle = if english { dice.words(&ENGLISH, 3, 5) } else { dice.han(HAN, 5, 9) };
    let author = match (english, dice.below(3)) {
        (true, _) => dice.words(&NAMES, 2, 1),
        (false, 0) => format!("[美] {}·{}", dice.han(HAN, 2, 3), dice.han(HAN, 2, 3)),
        (false, _) => dice.han(SURNAMES, 1, 1) + &dice.han(HAN, 1, 2),
    };
    let translator = dice.han(SURNAMES, 1, 1) + &dice.han(HAN, 1, 2);
    [
        title,
        some(dice, subtitle),
        author,
        some(dice, translator),
        dice.words(&PUBLISHERS, 1, 1),
        format!("{}-{}", 1985 + dice.below(40), 1 + dice.below(12)),
        format!("{}.00元", 10 + dice.below(90)),
        format!("{}", 100 + dice.below(800)),
        isbn(number),
        format!("I{}/{}", 200 + dice.below(90), dice.below(9999)),
        format!("{}楼{}室", 1 + dice.below(5), 100 + dice.below(30)),
    ]
}

/// The library as JSON Lines.
pub fn json_lines(books: usize) -> String {
    let mut dice = Dice(1);
    let mut text = String::new();
    for number in 0..books {
        for (at, (name, value)) in COLUMNS.iter().zip(book(&mut dice, number)).enumerate() {
            let mark = if at == 0 { '{' } else { ',' };
            write!(text, "{mark}\"{name}\":\"{value}\"").unwrap();
        }
        text.push_str("}\n");
    }
    text
}
