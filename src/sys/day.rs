//! Days as people write them.
//!
//! In: days since 1970, or seconds. Out: `2026-11-26`. Pure.

/// The day it is in China at so many seconds since 1970, as days since 1970: accounts, readers and
/// operators are all there.
pub fn in_china(seconds: u64) -> u32 {
    u32::try_from((seconds + 8 * 3600) / 86_400).unwrap_or(u32::MAX)
}

/// Year, month and day of so many days since 1970: years begin in March, so that leap days come
/// last (Hinnant, civil_from_days).
pub fn date(days: u64) -> (u64, u64, u64) {
    let (era, day) = ((days + 719_468) / 146_097, (days + 719_468) % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (late, day) = (month / 10, day - (153 * month + 2) / 5 + 1);
    (era * 400 + year + late, month + 3 - 12 * late, day)
}

/// A day since 1970 as `2026-11-26`.
pub fn written(day: u32) -> String {
    let (year, month, day) = date(u64::from(day));
    format!("{year}-{month:02}-{day:02}")
}
