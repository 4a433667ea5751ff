//! A photo's address becomes the number of a book.
//!
//! In: a [`PhotoUrl`] and the moment by which an answer is of use. Out: an [`Isbn`], or what to say
//! instead; both are remembered by the address, but that a photo could not be had is not. Never:
//! a request to a host that has no photos, more than 4 MiB of one, or more than two
//! decoded at the same time.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use super::address::PhotoUrl;
use super::{Barcode, barcode};
use crate::catalogue::isbn::Isbn;
use crate::sys::http::{BaseUrl, Failure, Http, Url};
use crate::sys::journal;
use crate::sys::sync::{Slots, lock};

/// Bytes of a photo: WeChat makes them smaller than this unless a reader sends the original.
const LARGEST: u64 = 4 << 20;
/// Photos decoded at the same time: each one keeps a core busy.
const DECODED: usize = 2;
/// Photos on their way or waiting to be decoded: of the largest these are 32 MiB.
const HELD: usize = 8;
/// Addresses remembered, about 200 bytes each.
const REMEMBERED: usize = 512;

/// Why a photo leads to no book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// No barcode that is sure.
    Nothing,
    /// Two different ones.
    Several,
    /// A magazine's: 977.
    Magazine,
    /// That of goods sold in China: 690 to 699.
    Goods,
    /// Another one that is no book's.
    OtherCode,
    /// Not a JPEG.
    NotJpeg,
    /// More bytes or pixels than are looked at.
    TooLarge,
    /// A JPEG that cannot be decoded.
    Broken,
    /// It could not be had, which may be otherwise later.
    Unfetched,
    /// Others came first.
    Busy,
}

/// The book whose barcode it is.
pub type Reading = Result<Isbn, Unread>;

/// Reads photos, and remembers what they said.
#[derive(Debug)]
pub struct Photos {
    http: Arc<Http>,
    known: Mutex<Known>,
    held: Slots,
    decoded: Slots,
}

#[derive(Debug, Default)]
struct Known {
    readings: HashMap<PhotoUrl, Reading>,
    /// The same addresses, oldest first.
    order: VecDeque<PhotoUrl>,
}

impl Photos {
    /// One that fetches them with this client.
    pub fn new(http: Arc<Http>) -> Self {
        let (held, decoded) = (Slots::new(HELD), Slots::new(DECODED));
        Self { http, known: Mutex::default(), held, decoded }
    }

    /// What is known of the photo at `url`. Fast, and no I/O.
    pub fn recall(&self, url: &PhotoUrl) -> Option<Reading> {
        lock(&self.known).readings.get(url).copied()
    }

    /// Fetches and reads the photo at `url`; gives up at `until`.
    pub fn read(&self, url: &PhotoUrl, until: Instant) -> Reading {
        if let Some(reading) = self.recall(url) {
            return reading;
        }
        let _held = self.held.take(until).ok_or(Unread::Busy)?;
        match self.fetch(url, until) {
            Ok(jpeg) => {
                let barcode = self.learn(url, &jpeg, until).ok_or(Unread::Busy)?;
                meaning(barcode)
            }
            Err(Unread::TooLarge) => self.keep(url, Err(Unread::TooLarge)),
            Err(why) => Err(why),
        }
    }

    /// Reads a photo that stands at `url` and is here already; none when it could not be decoded
    /// until `until`.
    pub fn learn(&self, url: &PhotoUrl, jpeg: &[u8], until: Instant) -> Option<Barcode> {
        let slot = self.decoded.take(until)?;
        // On a thread that ends, whose memory the next one takes: on the lookups' own threads, sixty
        // photos one after another took 11.4 MB instead of 7.8.
        let barcode = thread::scope(|scope| {
            let decoder = thread::Builder::new().name("photo".into());
            decoder.spawn_scoped(scope, || barcode(jpeg)).ok()?.join().ok()
        })?;
        drop(slot);
        let _ = self.keep(url, meaning(barcode));
        Some(barcode)
    }

    fn fetch(&self, url: &PhotoUrl, until: Instant) -> Result<Vec<u8>, Unread> {
        let unfetched = |why: &dyn std::fmt::Display| {
            journal::notice(format_args!("a photo could not be fetched: {why}"));
            Unread::Unfetched
        };
        let address = address(url).ok_or_else(|| unfetched(&"a strange address"))?;
        let goes = |to: &str| PhotoUrl::parse(to).is_some();
        let page = match self.http.get_within(&address, until, LARGEST, goes) {
            Err(Failure::TooLarge) => return Err(Unread::TooLarge),
            page => page.map_err(|failure| unfetched(&failure))?,
        };
        // A page instead of the picture, or bytes that are packed, are no fault of the photo.
        let strange = page.compressed
            || page.body.is_empty()
            || page.body.trim_ascii_start().starts_with(b"<");
        match page.status {
            200 if !strange => Ok(page.body),
            200 => Err(unfetched(&"the answer is no picture")),
            status => Err(unfetched(&format_args!("HTTP {status}"))),
        }
    }

    fn keep(&self, url: &PhotoUrl, reading: Reading) -> Reading {
        let mut known = lock(&self.known);
        if known.readings.insert(url.clone(), reading).is_none() {
            known.order.push_back(url.clone());
        }
        if known.order.len() > REMEMBERED
            && let Some(oldest) = known.order.pop_front()
        {
            known.readings.remove(&oldest);
        }
        reading
    }
}

/// An address for a photo that is at hand, which nobody fetches: the same for the same bytes.
pub fn made_up(jpeg: &[u8]) -> Option<PhotoUrl> {
    let mut hasher = DefaultHasher::new();
    jpeg.hash(&mut hasher);
    PhotoUrl::parse(&format!("http://mmbiz.qpic.cn/doumibook/{:016x}", hasher.finish()))
}

/// The address as the client takes it: origin, and what follows.
fn address(url: &PhotoUrl) -> Option<Url> {
    let text = url.as_str();
    let host = text.find("://")? + "://".len();
    let after = text.get(host..)?.find(['/', '?', '#']).map_or(text.len(), |at| host + at);
    let (origin, rest) = text.split_at_checked(after)?;
    Some(BaseUrl::anywhere(origin).ok()?.url(rest, &[]))
}

/// What a barcode says to who looks for a book.
pub fn meaning(barcode: Barcode) -> Reading {
    let digits = match barcode {
        Barcode::Ean13(digits) => digits,
        Barcode::Several => return Err(Unread::Several),
        Barcode::None => return Err(Unread::Nothing),
        Barcode::NotJpeg => return Err(Unread::NotJpeg),
        Barcode::TooLarge => return Err(Unread::TooLarge),
        Barcode::Broken => return Err(Unread::Broken),
    };
    let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    match (Isbn::parse(&text), digits) {
        (Some(isbn), _) => Ok(isbn),
        (None, [9, 7, 7, ..]) => Err(Unread::Magazine),
        (None, [6, 9, ..]) => Err(Unread::Goods),
        // A book's form, and a number that no publisher has: a sample, or a mistake of ours.
        (None, [9, 7, 8, ..]) => Err(Unread::Nothing),
        (None, _) => Err(Unread::OtherCode),
    }
}
