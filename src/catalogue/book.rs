//! The book, as every source gives it and every reply shows it.
//!
//! A plain value: whatever a source does not know is empty. Only the title is always there,
//! and a `Book` without one is never built by a source.

use crate::catalogue::isbn::Isbn;

/// One edition of one book. Empty strings and lists mean "unknown".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    /// Never empty.
    pub title: String,
    /// What follows the title on the cover.
    pub subtitle: String,
    /// The title in the language it was written in.
    pub origin_title: String,
    /// People, one a name, nationality marks such as `[美]` kept.
    pub authors: Vec<String>,
    /// As [`Book::authors`].
    pub translators: Vec<String>,
    /// The publishing house.
    pub publisher: String,
    /// As the source writes it: `2007`, `2005-1`, `2004年01月` …
    pub pubdate: String,
    /// As the source writes it, currency included: `18.80元`, `USD 26.95` …
    pub price: String,
    /// Number of pages, digits only.
    pub pages: String,
    /// The series it appeared in.
    pub series: String,
    /// Absent for books older than ISBNs, and for much that a shelf holds.
    pub isbn: Option<Isbn>,
    /// What readers thought of it.
    pub rating: Rating,
    /// Plain text, without tags, shortened by the source's reader to what a card shows.
    pub summary: String,
    /// An `https:` picture, or empty.
    pub cover: String,
    /// The page a reader can open, or empty.
    pub link: String,
    /// Where it stands, for a shelf.
    pub holding: Option<Holding>,
    /// Who knows this about the book.
    pub source: Source,
}

impl Book {
    /// Another copy of it stands here, too.
    pub fn hold_also(&mut self, copy: Option<Holding>) {
        let Some(copy) = copy else { return };
        let Some(held) = &mut self.holding else { return self.holding = Some(copy) };
        for (known, more) in [(&mut held.callno, copy.callno), (&mut held.location, copy.location)]
        {
            if !more.is_empty() && !known.split('、').any(|one| one == more) {
                known.push_str(if known.is_empty() { "" } else { "、" });
                known.push_str(&more);
            }
        }
        held.copies = match (held.copies.parse::<u32>(), copy.copies.parse::<u32>()) {
            (Ok(some), Ok(more)) => some.saturating_add(more).to_string(),
            (Err(_), _) if held.copies.is_empty() => copy.copies,
            _ => std::mem::take(&mut held.copies),
        };
    }
}

/// Readers' opinion of a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rating {
    /// The source says nothing.
    #[default]
    Unknown,
    /// Too few readers for a number; Douban's own words are 评价人数不足.
    TooFew,
    /// A number.
    Scored {
        /// 0 to 100: ten times the average of 0 to 10.
        tenths: u8,
        /// How many readers, where the source tells.
        count: Option<u32>,
    },
}

/// A copy in a library or shop.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holding {
    /// 索书号.
    pub callno: String,
    /// 馆藏地.
    pub location: String,
    /// Copies that can be had now, as the file says.
    pub copies: String,
}

/// Whose data a book is; ratings and links are labelled with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Douban, or a service that speaks its v2 API.
    Douban,
    /// A NeoDB instance.
    NeoDb,
    /// The operator's own file, or the built-in sample.
    #[default]
    Shelf,
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Shelf, Self::Douban, Self::NeoDb];

    /// The name in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Douban => "douban",
            Self::NeoDb => "neodb",
            Self::Shelf => "shelf",
        }
    }
}
