//! What is remembered of each reader: what was last searched, the page shown, what is still being
//! looked for or was looked for in vain.
//!
//! In: a reader and the moment. Out: the same again for ten minutes, for at most 10 240 readers, and
//! not at all for those who left. Whoever was heard of within the last minute is not forgotten for
//! anybody new.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::catalogue::Query;
use crate::catalogue::answer::Answer;
use crate::chat::numerals::Script;
use crate::sys::sync::lock;
use crate::wechat::push::OpenId;

/// How long a list may be used.
const KEPT: Duration = Duration::from_secs(600);
/// How long nobody new takes a reader's place.
const YOUNG: Duration = Duration::from_secs(60);
/// Readers remembered at the same time, about 400 bytes each: 170 new ones a second for a minute.
const READERS: usize = 10_240;

/// Readers for whom books are kept that the catalogue does not remember: 20 KB each.
const LATE: usize = 128;

/// A query, and what of its answer is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What to look for.
    pub query: Query,
    /// What to show of it.
    pub view: View,
}

/// A part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// A page of the list, from 0; of a single book its card.
    Page(usize),
    /// The card of the book with this number, from 1.
    Pick(usize),
    /// The same, of a number that may be a title as well.
    Number(usize, Script),
    /// All of it, if a book of just this name is there: nobody knows of a list.
    Named,
    /// The same as the first page, unless it is a wish.
    Wish,
}

/// What is remembered of one reader, outside of the conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Who.
    pub reader: OpenId,
    /// How long ago they were heard of.
    pub age: Duration,
    /// What was last searched, and the page shown.
    pub list: Option<(Query, usize)>,
    /// What is still being looked for.
    pub pending: Option<Request>,
}

/// All readers.
#[derive(Default)]
pub struct Readers {
    readers: Mutex<HashMap<OpenId, Reader>>,
    /// When the first of those who may not be forgotten yet may be; looking for one to forget takes
    /// time in proportion to all, and a crowd of new readers must not cost that for each.
    all_young_until: Mutex<Option<Instant>>,
}

/// There only for who has asked for something and not left since.
#[derive(Clone)]
pub struct Reader {
    /// When they were heard of last.
    pub seen: Instant,
    /// What was last searched, and the page shown.
    pub list: Option<(Query, usize)>,
    /// What is still being looked for.
    pub pending: Option<Request>,
    /// The answer to that, where the catalogue does not remember it: mostly why there is none.
    pub late: Option<Answer>,
    /// What was not found last, if it may be wished; not kept over a restart.
    pub missed: Option<Query>,
}

impl Readers {
    /// A reader asks for something that takes time, or of which something is remembered: what
    /// comes of it is, unless they leave meanwhile, or everybody remembered is in the midst of it.
    pub fn begin(&self, from: &OpenId, now: Instant) {
        let mut readers = self.readers();
        let known = readers.remove(from).filter(|reader| reader.is_fresh(now));
        if known.is_none() && readers.len() >= READERS && !self.make_room(&mut readers, now) {
            return;
        }
        let reader = known.unwrap_or(Reader {
            seen: now,
            list: None,
            pending: None,
            late: None,
            missed: None,
        });
        readers.insert(from.clone(), Reader { seen: now, ..reader });
    }

    /// Forgets an eighth of the readers, if so many may be forgotten; whether there is room then.
    fn make_room(&self, readers: &mut HashMap<OpenId, Reader>, now: Instant) -> bool {
        let mut all_young_until = lock(&self.all_young_until);
        if all_young_until.is_some_and(|until| now < until) {
            return false;
        }
        let mut seen: Vec<_> = readers.values().map(|reader| reader.seen).collect();
        let (_, &mut line, _) = seen.select_nth_unstable(READERS / 8);
        readers.retain(|_, reader| reader.seen > line || reader.age(now) < YOUNG);
        let oldest = readers.values().map(|reader| reader.seen).min();
        *all_young_until = oldest.map(|seen| seen + YOUNG).filter(|_| readers.len() >= READERS);
        readers.len() < READERS
    }

    /// The reader has the answer to `wanted`, asked for at `begun`: nothing of it is to be picked
    /// up any more. Of who has nothing else either, and has not been heard of since, nothing is kept.
    pub fn received(&self, from: &OpenId, wanted: &Request, begun: Instant) {
        let mut readers = self.readers();
        let Some(reader) = readers.get_mut(from) else { return };
        if reader.pending.as_ref() == Some(wanted) {
            (reader.pending, reader.late) = (None, None);
        }
        let nothing = reader.list.is_none() && reader.pending.is_none() && reader.missed.is_none();
        if nothing && reader.seen == begun {
            readers.remove(from);
        }
    }

    /// Whether a reader was told to come back for the answer to `wanted`.
    pub fn is_pending(&self, from: &OpenId, wanted: &Request) -> bool {
        self.readers().get(from).is_some_and(|reader| reader.pending.as_ref() == Some(wanted))
    }

    /// The answer to `wanted` came too late for a reader who was told to come back for it. Kept,
    /// unless it is `known`: with books only for so many readers, who all may have asked for others.
    pub fn too_late(&self, from: &OpenId, wanted: &Request, answer: &Answer, known: bool) -> bool {
        let mut readers = self.readers();
        let with_books = |reader: &&Reader| reader.late.as_ref().is_some_and(Answer::has_books);
        let room = !answer.has_books() || readers.values().filter(with_books).count() < LATE;
        let reader = readers.get_mut(from);
        let Some(reader) = reader.filter(|reader| reader.pending.as_ref() == Some(wanted)) else {
            return false;
        };
        reader.late = Some(answer.clone()).filter(|_| room && !known);
        true
    }

    /// What came too late, if a reader comes back for just that.
    pub fn late(&self, from: &OpenId, wanted: &Request) -> Option<Answer> {
        let readers = self.readers();
        let reader = readers.get(from).filter(|reader| reader.pending.as_ref() == Some(wanted))?;
        reader.late.clone()
    }

    /// Drops what is remembered of a reader.
    pub fn forget(&self, reader: &OpenId) {
        self.readers().remove(reader);
    }

    /// Changes what is remembered of a reader, if anything is.
    pub fn change(&self, reader: &OpenId, change: impl FnOnce(&mut Reader)) {
        self.readers().get_mut(reader).map(change);
    }

    /// Lists and questions of every reader heard of within the last ten minutes.
    pub fn keep(&self, now: Instant) -> Vec<Kept> {
        let readers = self.readers();
        let fresh = readers.iter().filter(|(_, reader)| {
            reader.is_fresh(now) && (reader.list.is_some() || reader.pending.is_some())
        });
        let kept = |(id, reader): (&OpenId, &Reader)| Kept {
            reader: id.clone(),
            age: reader.age(now),
            list: reader.list.clone(),
            pending: reader.pending.clone(),
        };
        fresh.map(kept).collect()
    }

    /// Takes back what an earlier run remembered of a reader, as [`Readers::keep`] gave it.
    pub fn restore(&self, kept: Kept, now: Instant) {
        let Kept { reader, age, list, pending } = kept;
        let Some(seen) = now.checked_sub(age).filter(|_| age < KEPT) else { return };
        let mut readers = self.readers();
        if readers.len() < READERS {
            readers.insert(reader, Reader { seen, list, pending, late: None, missed: None });
        }
    }

    fn readers(&self) -> MutexGuard<'_, HashMap<OpenId, Reader>> {
        lock(&self.readers)
    }

    /// What is known of a reader, who is heard of now.
    pub fn recall(&self, from: &OpenId, now: Instant) -> Option<Reader> {
        let mut readers = self.readers();
        let reader = readers.get_mut(from).filter(|reader| reader.is_fresh(now))?;
        reader.seen = now;
        Some(reader.clone())
    }
}

impl Reader {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.seen)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.age(now) < KEPT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_young_goes_for_anybody_new_and_later_there_is_room() {
        let (readers, start) = (Readers::default(), Instant::now());
        let reader = |number: usize| OpenId::parse(&format!("o{number}")).unwrap();
        (0..READERS).for_each(|number| readers.begin(&reader(number), start));
        let known = |number: usize, now| readers.recall(&reader(number), now).is_some();
        let soon = start + YOUNG / 2;
        readers.begin(&reader(READERS), soon);
        assert!(known(0, start) && !known(READERS, soon));
        let later = start + YOUNG;
        readers.begin(&reader(READERS), later);
        assert!(known(READERS, later));
    }
}
