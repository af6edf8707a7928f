//! The one place where the node reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Unix time in nanoseconds.
pub(crate) fn unix_ns() -> u64 {
    u64::try_from(since_epoch().as_nanos()).unwrap_or(u64::MAX)
}

/// Unix time in seconds.
pub(crate) fn unix_seconds() -> f64 {
    since_epoch().as_secs_f64()
}

/// Today's date in UTC, such as "May 04, 2026".
pub(crate) fn today() -> String {
    date_text(since_epoch().as_secs() / 86_400)
}

/// The date `days` after 1970-01-01, by the proleptic Gregorian calendar.
fn date_text(days: u64) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let is_leap = |year: u64| {
        (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, length) in MONTHS.iter().zip(lengths) {
        if left < length {
            return format!("{month} {:02}, {year}", left + 1);
        }
        left -= length;
    }
    format!("December 31, {year}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        let table = [
            (0, "January 01, 1970"),
            (59, "March 01, 1970"),
            (11_016, "February 29, 2000"),
            (11_017, "March 01, 2000"),
            (20_577, "May 04, 2026"),
        ];
        for (days, text) in table {
            assert_eq!(date_text(days), text);
        }
    }
}
