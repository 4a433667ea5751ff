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
    /// The source's own numbers of it, where its copies are asked anew; a union's catalogue may
    /// have several for one edition.
    pub records: Vec<u64>,
    /// The day it came to the shelf, `2026-11-05`, or empty.
    pub added: String,
    /// Who knows this about the book.
    pub source: Source,
}

impl Book {
    /// Forgets what changes by the hour: of the copies only the call number stays.
    pub fn forget_copies(&mut self) {
        let callno = self.holding.take().map(|held| held.callno).unwrap_or_default();
        self.holding = (!callno.is_empty()).then(|| Holding { callno, ..Holding::default() });
    }

    /// Whether this is another copy of it: by title and ISBN; of books older than those, where both
    /// tell how many they are, by everything that tells editions apart.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let counted = |book: &Self| book.holding.as_ref().is_some_and(|held| held.total.is_some());
        let same = match (self.isbn, other.isbn) {
            (Some(one), Some(two)) => one == two,
            (None, None) => {
                let edition = |book: &Self| {
                    (book.authors.clone(), book.publisher.clone(), book.pubdate.clone())
                };
                counted(self) && counted(other) && edition(self) == edition(other)
            }
            _ => false,
        };
        same && self.title == other.title
    }

    /// Another copy of it stands here, too.
    pub fn hold_also(&mut self, copy: Option<Holding>) {
        match (&mut self.holding, copy) {
            (_, None) => {}
            (None, copy) => self.holding = copy,
            (Some(held), Some(copy)) => held.add(copy),
        }
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

/// The copies of one book in a library or shop. A number that is not known is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holding {
    /// 索书号; several with `、` between them.
    pub callno: String,
    /// Where the copies stand, each place once.
    pub places: Vec<Place>,
    /// Copies that can be borrowed or bought now; [`UNCOUNTED`] for some.
    pub available: Option<u32>,
    /// All copies, those that are lent too.
    pub total: Option<u32>,
    /// When the first lent copy is due back, as `10月22日`; or empty.
    pub next_return: String,
}

/// A room, shelf or branch, and the copies there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// 馆藏地; never empty.
    pub name: String,
    /// As [`Holding::available`].
    pub available: Option<u32>,
    /// As [`Holding::total`].
    pub total: Option<u32>,
}

/// A number of copies that nobody has counted, but that is not nought: what a file means by 有.
pub const UNCOUNTED: u32 = u32::MAX;

impl Holding {
    /// The copies at one place; what is not known is empty.
    pub fn at(callno: &str, place: &str, available: Option<u32>, total: Option<u32>) -> Self {
        let place = Place { name: place.to_owned(), available, total };
        let places = if place.name.is_empty() { Vec::new() } else { vec![place] };
        let callno = callno.to_owned();
        Self { callno, places, available, total, next_return: String::new() }
    }

    /// Whether nothing is known of any copy.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Counts more copies of the same book in. The earlier return stays, which the source has to
    /// give first: without a year no two can be compared.
    pub fn add(&mut self, more: Self) {
        for callno in more.callno.split('、').filter(|callno| !callno.is_empty()) {
            if !self.callno.split('、').any(|known| known == callno) {
                self.callno.push_str(if self.callno.is_empty() { "" } else { "、" });
                self.callno.push_str(callno);
            }
        }
        for place in more.places {
            match self.places.iter_mut().find(|known| known.name == place.name) {
                Some(known) => {
                    known.available = sum(known.available, place.available);
                    known.total = sum(known.total, place.total);
                }
                None => self.places.push(place),
            }
        }
        self.available = sum(self.available, more.available);
        self.total = sum(self.total, more.total);
        if self.next_return.is_empty() {
            self.next_return = more.next_return;
        }
    }
}

/// Of two numbers of copies; an unknown one adds nothing, [`UNCOUNTED`] stays what it is.
fn sum(some: Option<u32>, more: Option<u32>) -> Option<u32> {
    match (some, more) {
        (Some(some), Some(more)) => Some(some.saturating_add(more)),
        (some, more) => some.or(more),
    }
}

/// Whose data a book is; ratings and links are labelled with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// Douban, or a service that speaks its v2 API.
    Douban,
    /// A NeoDB instance.
    NeoDb,
    /// A library's own system.
    Interlib,
    /// The operator's own file, or the built-in sample.
    #[default]
    Shelf,
}

impl Source {
    /// All of them, in the order in which they are asked unless the operator says otherwise.
    pub const ALL: [Self; 4] = [Self::Shelf, Self::Interlib, Self::Douban, Self::NeoDb];

    /// The source with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }

    /// Whether it knows how many copies stand on its shelves at this moment.
    pub fn has_live_copies(self) -> bool {
        self == Self::Interlib
    }

    /// The name in settings and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Douban => "douban",
            Self::NeoDb => "neodb",
            Self::Interlib => "interlib",
            Self::Shelf => "shelf",
        }
    }
}
