//! Where a field of a push really ends: WeChat puts what readers write into CDATA and does not
//! escape a `]]>` in it, so that somebody who sends `a]]>b` ends the section, for a parser.
//!
//! In: the text of a body. Out: the same with each such `]]>` written as XML wants it, and sections
//! that follow each other made one. Linear, and pure; what is not understood stays as it was, for
//! the parser to refuse. Nothing is decided here but where text ends: a document type, depth and
//! number of elements are the parser's business.

use std::borrow::Cow;
use std::collections::HashMap;

const OPEN: &str = "<![CDATA[";
const CLOSE: &str = "]]>";
/// More sections than any push has; what has more stays as it is.
const MOST: usize = 512;
/// Deeper than the parser goes.
const DEEPEST: usize = 16;
/// What stands before a reader's words and holds none.
const IDS: [&str; 6] = ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "MsgId"];

/// The ends that a section may have: each `]]>` that an end tag follows, and no text after that,
/// with the tag's name.
struct Ends<'a> {
    all: Vec<(usize, &'a str)>,
    last: HashMap<&'a str, usize>,
}

impl<'a> Ends<'a> {
    fn of(body: &'a str) -> Self {
        let ends = body.match_indices(CLOSE).filter_map(|(at, _)| {
            let after = body.get(at + CLOSE.len()..)?.trim_start();
            let (name, after) = after.strip_prefix("</")?.split_once('>')?;
            after.trim_start().starts_with('<').then_some((at, name.trim_end()))
        });
        let all: Vec<_> = ends.collect();
        let last = all.iter().map(|(at, name)| (*name, *at)).collect();
        Self { all, last }
    }

    /// Where a section of the element `name` that begins at `from` ends: with the last end tag of
    /// that name where an element comes `once`, else with the next one.
    fn find(&self, name: &str, from: usize, once: bool) -> Option<usize> {
        if once {
            return self.last.get(name).copied().filter(|&at| at >= from);
        }
        let next = self.all.partition_point(|(at, _)| *at < from);
        self.all.iter().skip(next).find(|(_, other)| *other == name).map(|(at, _)| *at)
    }
}

/// A body with every section ended where its element ends. Elements up to `once` levels below the
/// outermost are taken to come once, as readers' texts do; further down there are lists.
pub fn mend(body: &str, once: usize) -> Cow<'_, str> {
    mended(body, once).map_or(Cow::Borrowed(body), Cow::Owned)
}

fn mended(body: &str, once: usize) -> Option<String> {
    let ends = Ends::of(body);
    let (mut mended, mut rest, mut sections) = (String::with_capacity(body.len()), body, 0);
    let mut open: Vec<&str> = Vec::new();
    while let Some((before, tag)) = rest.split_once('<') {
        let at = body.len() - tag.len() - 1;
        let (taken, name) = if let Some(text) = body.get(at..)?.strip_prefix(OPEN) {
            sections += 1;
            let from = body.len() - text.len();
            let name = open.last().copied().unwrap_or_default();
            let end = ends.find(name, from, open.len() <= once + 1 && !IDS.contains(&name));
            let end = end.or_else(|| Some(from + text.find(CLOSE)?))?;
            mended.extend([before, OPEN, &escaped(body.get(from..end)?), CLOSE]);
            rest = body.get(end + CLOSE.len()..)?;
            continue;
        } else if tag.starts_with("!--") {
            (tag.find("-->")? + 3, None)
        } else if tag.starts_with('!') {
            return None;
        } else {
            let end = tag.find('>')?;
            (end + 1, tag.get(..end))
        };
        match name {
            Some(name) if name.starts_with('/') => drop(open.pop()),
            Some(name) if !name.starts_with('?') && !name.ends_with('/') => {
                open.push(name.split(char::is_whitespace).next().unwrap_or_default());
            }
            _ => {}
        }
        if open.len() > DEEPEST || sections > MOST {
            return None;
        }
        mended.extend([before, "<", tag.get(..taken)?]);
        rest = tag.get(taken..)?;
    }
    mended.push_str(rest);
    Some(mended)
}

/// What stands in a section, with its `]]>` as XML wants them.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(CLOSE) {
        return text.into();
    }
    // Sections beside each other, or with a blank between them, are one text.
    let joined = text.replace("]]><![CDATA[", "").replace("]]> <![CDATA[", " ");
    joined.replace(CLOSE, "]]]]><![CDATA[>").into()
}
