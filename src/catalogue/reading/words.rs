//! What each character of a message says about a book: much, little, or that it only asks.
//!
//! In: folded characters. Out: [`Says`] for each. The lists are of words, not of whole frames, so
//! that frames nobody has foreseen are read as well. Pure; the time is the length of the message
//! times that of the longest word.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Words of people who ask for something; cut off at both ends of a message. Not one character
/// each: those are in [`TALK`], and count a little.
const FRAMES: &str = "\
    我想 我要 我们 我在 我正 我也 我就 我需要 我想要 我想找 我想看 我想借 咱们 你们 您们 你们家 你家 你好 您好 大家 大家好 老师 老师好 老师您好 同学 \
    管理员 馆员 馆长 亲 亲爱的 小编 客服 店家 老板 图书馆 咱馆 贵馆 本馆 馆里 馆内 店里 这里 这儿 那里 那儿 这边 那边 里面 \
    请问 请问一下 请教 想问 想问问 问一下 问下 问问 劳驾 麻烦 麻烦您 麻烦你 辛苦 打扰 打扰一下 不好意思 有劳 拜托 谢谢 谢谢您 谢谢你 感谢 多谢 谢啦 \
    有没有 有没 有木有 有无 有吗 有么 有不 是否 是否有 是不是 能否 能不能 可否 可以 可不可以 是不是有 会不会 还有 还有没有 还有吗 还有么 还在 还在吗 有货 有货吗 \
    没有 没有吗 没了 没了吗 在不在 在吗 在馆 在馆吗 在架 在架吗 到了吗 到货 上架 上架了吗 有了吗 有了没 有没有了 有没有啊 到了没 进了吗 进了没 \
    想要 想借 想找 想看 想读 想买 想求 想听 想搜 想查 需要 急需 急求 打算 准备 正在 在找 要找 要借 要看 要买 特别想 很想 好想 一直想 想再 想给 \
    借阅 借到 借走 借出 借出去 借一本 借一下 借本 借个 借两本 能借 能借到 可借 可以借 还能借 外借 寻找 寻一本 查找 查询 查一下 查查 查下 查个 查一查 \
    找一下 找下 找找 找本 找一本 找个 找到 搜一下 搜搜 搜索 搜下 看看 看下 看一下 看一看 看本 看到 看完 看过 读一下 读过 读完 买本 买一本 买到 购买 下载 \
    求一本 求本 求书 求借 求购 求推荐 求助 跪求 来一本 来本 来个 给我 给我来 给我找 给我查 给娃 给孩子 给宝宝 给儿子 给女儿 给学生 给家里 给妈妈 给爸爸 \
    帮我 帮忙 帮助 帮我找 帮我查 帮我看 帮我搜 帮忙找 帮忙查 帮忙看 帮找 帮查 帮看 帮看看 帮着 替我 替我找 代借 预约 预订 预定 推荐 推荐一下 推荐一本 \
    一本 一本书 一本叫 本书 这本 这本书 那本 那本书 这书 那书 这部 那部 这套 那套 这个 那个 这些 那些 一套 一部 一套书 两本 几本 哪本 哪本书 什么书 的书 之类 \
    叫做 名叫 名字叫 名字是 名为 叫什么 书叫 的那本 的那个 的那部 的这本 的这部 写的 写得 著的 作的 作者 作者是 书名 书名是 书名叫 题目 题名 出版社 出版 出的 出版的 译者 翻译 翻译的 译的 主编 \
    小说 电子版 电子书 纸质 纸质版 纸质书 纸书 实体书 原版 中文版 英文版 中译本 译本 版本 最新版 新版 旧版 正版 完整版 精装 平装 精装版 平装版 绘本 漫画 教材 课本 文集 作品 作品集 系列 丛书 书籍 图书 \
    目前 现在 今天 今晚 明天 最近 上次 之前 以前 刚才 刚刚 马上 什么时候 有人 有谁 谁有 哪里有 哪有 在哪 在哪里 在哪儿 在哪个 放在哪 哪里 哪儿 哪个 几楼 怎么 怎么找 怎么借 什么 都有 都有哪些 有哪些 哪些 所有 全部 \
    想知道 不知道 听说 听说过 据说 好像 好像是 应该 应该是 大概 记得 印象 忘了 忘记 的话 一下 下下 一点 可能 就是 那种 这种 想看看 想找找 想借阅 吗谢谢 了吗 了没 了没有 是吗 对吗 好吗 行吗 吗亲 没啊 呗 \
    孩子 儿子 女儿 学校 单位 书店 作业 必读 要求 需要用 阅读 推荐看 推荐的 课外 课外书 暑假 寒假 看书 借得到 借不到 找不到 书架 书架上 架上 架子 哪个架子 原著 原文 诗集 诗歌 散文 的诗 散文集 传记 随笔 短篇 长篇 都写过 写过 哪些书 有人借 存货 库存 有库存 什么名字 名字 新书 好书 ";

/// Characters of talk; they tell two titles apart, but one beside a title tells little.
const TALK: &str = "我你您他她它咱们的了吗呢吧啊呀哦嘛么哈喔嗯唉诶噢哎哟呐喽啦咯哇这那哪有没无不还在想要借看找买读求请问帮替给来去到能可会得\
    就是也都很再又把跟和与本书部套册个些点下放版啥齐咧就叫说写著着作查搜寻订约麻烦谢亲好嗨喂急需用先今刚被让从对为什谁几多少咋怎呗滴哒";

/// Words of a service: whoever says them means no book.
const SERVICE: &str = "\
    几点 开门 关门 开馆 闭馆 营业 上班 下班 放假 开放时间 营业时间 周末 周一 周日 节假日 春节 借书证 办证 读者证 图书证 证件 借阅证 押金 续借 续期 延期 逾期 超期 \
    过期 罚款 罚金 赔偿 丢了 弄丢 丢失 损坏 还书 退书 退款 退钱 退押金 密码 账号 帐号 登录 登陆 注册 绑定 解绑 注销 验证码 投诉 举报 建议 人工 客服 转人工 电话 手机号 联系 联系方式 \
    地址 位置 怎么走 怎么去 路线 停车 停车场 公交 地铁 无线 网络 打印 复印 扫描 充电 插座 座位 占座 选座 预约座位 自习 自习室 空调 厕所 卫生间 洗手间 饮水机 存包 \
    寄存 储物 收费 多少钱 费用 价格 免费 会员 积分 优惠 快递 包邮 发货 发票 志愿者 招聘 兼职 讲座 展览 活动报名 报名 二维码 加群 微信群 公众号 小程序 身份证 工作日 \
    能借几本 借几本 借多久 可以借多久 借多长时间 最多借 一次能借 怎么办 怎么用 怎么弄 怎么退 怎么还 怎么续 谁啊 你是谁 是谁 天气 吃饭 笑话 讲个笑话 早上好 上午好 中午好 下午好 晚上好 晚安 哈哈 哈哈哈 呵呵 嘿嘿 嘻嘻 嗯嗯 好的 收到 再见 拜拜 早安 补办 办卡 借书卡 挂失 咨询 开放 空座 空位 打不通 客服电话 支付宝 微信支付 付款 缴费 取消 ";

struct Lexicon {
    frames: HashSet<&'static str>,
    service: HashSet<&'static str>,
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon {
    frames: FRAMES.split_whitespace().collect(),
    service: SERVICE.split_whitespace().collect(),
});

/// English words that ask.
const ENGLISH: [&str; 32] = [
    "i", "want", "to", "borrow", "find", "looking", "for", "do", "you", "have", "is", "there", "a",
    "copy", "of", "the", "book", "please", "by", "author", "title", "pls", "hi", "hello", "any",
    "need", "read", "pdf", "epub", "mobi", "txt", "kindle",
];

/// Longest word in the lists.
const LONGEST_WORD: usize = 7;

/// How much one character of a message says about a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// A part of a phrase that asks.
    Nothing,
    /// A character that asks as often as not.
    Little,
    /// A part of a phrase about a service.
    Service,
    /// Whatever else.
    Much,
}

impl Says {
    /// What it costs that a character stands in the message and not in the book, from 0 to 1.
    pub fn cost(self) -> f32 {
        match self {
            Self::Nothing => 0.0,
            Self::Little => 0.2,
            Self::Service | Self::Much => 1.0,
        }
    }
}

/// Reads folded characters as phrases; each as long as possible, so that as little as possible
/// is left over.
pub fn says(chars: &[char]) -> Vec<Says> {
    // Costs of the best reading of the rest, from the end.
    let mut best: Vec<(u32, usize, Says)> = vec![(0, 0, Says::Much); chars.len() + 1];
    for from in (0..chars.len()).rev() {
        let after = |length: usize| best.get(from + length).map_or(0, |rest| rest.0);
        let single = chars.get(from).copied().unwrap_or_default();
        let talk = TALK.contains(single);
        let mut found =
            if talk { (after(1) + 3, 1, Says::Little) } else { (after(1) + 8, 1, Says::Much) };
        for length in 2..=LONGEST_WORD {
            let Some(part) = chars.get(from..from + length) else { break };
            let word: String = part.iter().collect();
            let (cost, says) = if LEXICON.service.contains(word.as_str()) {
                (1, Says::Service)
            } else if LEXICON.frames.contains(word.as_str()) {
                (1, Says::Nothing)
            } else {
                continue;
            };
            if after(length) + cost < found.0 {
                found = (after(length) + cost, length, says);
            }
        }
        if let Some(entry) = best.get_mut(from) {
            *entry = found;
        }
    }
    let mut read = Vec::with_capacity(chars.len());
    while let Some(&(_, length, says)) = best.get(read.len()).filter(|_| read.len() < chars.len()) {
        read.extend(std::iter::repeat_n(says, length.max(1)));
    }
    read
}

/// What a Latin word, folded, says.
pub fn word_says(word: &str) -> Says {
    match word {
        "wifi" | "wlan" | "qq" | "app" => Says::Service,
        _ if ENGLISH.contains(&word) => Says::Little,
        _ => Says::Much,
    }
}
