//! The copies of a book, out of the two answers an Interlib catalogue gives about them.
//!
//! In: JSON of `/book/holdingPreviews`, which counts copies by branch and room, or of
//! `/api/holding/…`, which lists every copy with its loan; the time as seconds since 1970. Out: a
//! [`Holding`], or nothing where the answer does not say. Pure; work is linear in what came. Of a
//! loan nothing is read but the day it ends: who has the book is nobody's business here.

use std::collections::HashMap;

use serde_json::Value;

use super::fields;
use crate::catalogue::book::{Holding, Place};
use crate::catalogue::record::text;

/// Rows of one record that are looked at; a union of a whole province has some hundreds.
const ROWS: usize = 2000;
/// Copies of one row that are believed.
const MOST: u64 = 100_000;
/// With more places than this, rooms say less than branches do.
const ROOMS: usize = 12;
/// Places that are kept.
const PLACES: usize = 60;
/// Call numbers that are kept.
const CALLNOS: usize = 4;

/// A copy there is nobody's to take home, whatever its state says.
const NOT_LENT: [&str; 6] = ["下架", "不外借", "不开放", "未开放", "停止外借", "闭架"];

/// China has one time and no summer time.
const UTC_8: i64 = 8 * 3600;
const DAY: i64 = 24 * 3600;
/// A day farther away than this is no date of return: loans to the staff end in twenty years.
const FARTHEST: i64 = 366;

/// One row or copy, read.
struct Copies {
    branch: String,
    room: String,
    callno: String,
    available: u32,
    total: u32,
}

/// The copies of these records in a `holdingPreviews` answer; nothing when it has none, or a row
/// that cannot be counted.
pub fn previewed(previews: &Value, records: &[u64]) -> Option<Holding> {
    let mut copies = Vec::new();
    for record in records {
        // Keys are texts even where the record's number is one.
        let rows = previews.get(record.to_string()).and_then(Value::as_array);
        let rows = rows.map_or(&[][..], Vec::as_slice);
        if rows.len() > ROWS {
            return None;
        }
        for row in rows {
            copies.push(preview(row)?);
        }
    }
    counted(copies)
}

/// The record that has all the copies in a `holdingPreviews` answer.
pub fn only_record(previews: &Value, records: &[u64]) -> Option<u64> {
    let mut held = records.iter().filter(|record| previewed(previews, &[**record]).is_some());
    held.next().copied().filter(|_| held.next().is_none())
}

fn preview(row: &Value) -> Option<Copies> {
    let total = count(row, "/copycount")?;
    let branch = fields::line(&text(row, "/curlibName"));
    let room = fields::line(&text(row, "/curlocalName"));
    let lent = !is_kept(&room) && !is_kept(&branch);
    // Seen: four of one.
    let available = if lent { count(row, "/loanableCount")?.min(total) } else { 0 };
    Some(Copies { branch, room, callno: text(row, "/callno"), available, total })
}

/// A number, or a text that is one.
fn count(row: &Value, place: &str) -> Option<u32> {
    let number: u64 = text(row, place).trim().parse().ok()?;
    u32::try_from(number).ok().filter(|_| number <= MOST)
}

fn is_kept(place: &str) -> bool {
    NOT_LENT.iter().any(|mark| place.contains(mark))
}

/// The sum of all; nothing without a copy: such a record is an order, or its copies are hidden.
fn counted(copies: Vec<Copies>) -> Option<Holding> {
    let mut held = Holding::default();
    let sum = |of: fn(&Copies) -> u32| copies.iter().map(of).fold(0_u32, u32::saturating_add);
    let total = sum(|copies| copies.total);
    if total == 0 {
        return None;
    }
    (held.available, held.total) = (Some(sum(|copies| copies.available)), Some(total));
    let mut callnos: Vec<String> = Vec::new();
    for callno in copies.iter().flat_map(|copies| copies.callno.split([',', '，'])) {
        let callno = fields::line(callno);
        if !callno.is_empty() && callnos.len() < CALLNOS && !callnos.contains(&callno) {
            callnos.push(callno);
        }
    }
    held.callno = callnos.join("、");
    let mut places = places(&copies, |copies| named(&copies.branch, &copies.room));
    if places.len() > ROOMS {
        places = self::places(&copies, |copies| named(&copies.branch, ""));
    }
    // Where a reader can go now comes first; the catalogue's own order decides the rest.
    places.sort_by_key(|place| std::cmp::Reverse(place.available));
    places.truncate(PLACES);
    held.places = places;
    Some(held)
}

/// Branch and room as one name: a room often carries its branch's name already.
fn named(branch: &str, room: &str) -> String {
    match (branch, room) {
        (branch, "") => branch.to_owned(),
        ("", room) => room.to_owned(),
        (branch, room) if room.starts_with(branch) => room.to_owned(),
        (branch, room) => format!("{branch} {room}"),
    }
}

fn places(copies: &[Copies], name: impl Fn(&Copies) -> String) -> Vec<Place> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut places: Vec<Place> = Vec::new();
    for copies in copies.iter().filter(|copies| copies.total > 0) {
        let name = name(copies);
        if name.is_empty() {
            continue;
        }
        let at = *known.entry(name.clone()).or_insert(places.len());
        if at == places.len() {
            places.push(Place { name, available: Some(0), total: Some(0) });
        }
        let Some(place) = places.get_mut(at) else { continue };
        let more = |sum: Option<u32>, count| sum.map(|sum| sum.saturating_add(count));
        place.available = more(place.available, copies.available);
        place.total = more(place.total, copies.total);
    }
    places
}

/// The copies in an `/api/holding/…` answer, with the next return when none can be had; nothing
/// when it lists none.
pub fn listed(answer: &Value, now: u64) -> Option<Holding> {
    let copies = list(answer).iter().map(|copy| listed_one(answer, copy)).collect();
    let mut held = counted(copies)?;
    if held.available == Some(0) {
        held.next_return = next_return(answer, now);
    }
    Some(held)
}

fn list(answer: &Value) -> &[Value] {
    let list = answer.get("holdingList").and_then(Value::as_array);
    let list = list.map_or(&[][..], Vec::as_slice);
    list.get(..ROWS).unwrap_or(list)
}

fn listed_one(answer: &Value, copy: &Value) -> Copies {
    let of = |map: &str, key: &str, name: &str| {
        let key = text(copy, key);
        let entry = answer.get(map).and_then(|map| map.get(&key));
        entry.map(|entry| fields::line(&text(entry, name))).unwrap_or_default()
    };
    let branch = of("libcodeMap", "/curlib", "");
    let room = of("localMap", "/curlocal", "");
    let kind = of("pBCtypeMap", "/cirtype", "/name");
    let free = is_in(answer, copy) && ![&branch, &room, &kind].iter().any(|name| is_kept(name));
    Copies { branch, room, callno: text(copy, "/callno"), available: u32::from(free), total: 1 }
}

/// Whether a copy's state is 在馆: by its name, or by its number where no state has a name.
fn is_in(answer: &Value, copy: &Value) -> bool {
    let state = text(copy, "/state");
    match answer.get("holdStateMap").and_then(Value::as_object).filter(|map| !map.is_empty()) {
        Some(map) => map.get(&state).is_some_and(|entry| text(entry, "/stateName") == "在馆"),
        None => state == "2",
    }
}

/// The day on which the first lent copy is due back, as `10月22日`: from today on, within a year,
/// and of a copy that is listed; or empty.
pub fn next_return(answer: &Value, now: u64) -> String {
    let day = |seconds: i64| (seconds + UTC_8).div_euclid(DAY);
    let today = day(i64::try_from(now).unwrap_or(i64::MAX / 2));
    let loans = answer.get("loanWorkMap");
    let due = list(answer).iter().filter(|copy| !is_in(answer, copy)).filter_map(|copy| {
        let barcode = text(copy, "/barcode");
        let loan = loans?.get(&barcode)?;
        let millis: i64 = text(loan, "/returnDate").parse().ok()?;
        Some(day(millis.div_euclid(1000).clamp(-DAY, i64::MAX / 2)))
    });
    let next = due.filter(|day| (0..=FARTHEST).contains(&(day - today))).min();
    next.map(month_and_day).unwrap_or_default()
}

/// Of so many days since 1970: years begin in March, so that leap days come last (Hinnant,
/// civil_from_days).
fn month_and_day(days: i64) -> String {
    let day = (days + 719_468).rem_euclid(146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (late, day) = (month / 10, day - (153 * month + 2) / 5 + 1);
    format!("{}月{day}日", month + 3 - 12 * late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        for (day, shown) in [
            (0, "1月1日"),
            (58, "2月28日"),
            (59, "3月1日"),
            (11_016, "2月29日"),
            (20_748, "10月22日"),
            (20_818, "12月31日"),
        ] {
            assert_eq!(month_and_day(day), shown, "{day}");
        }
    }
}
