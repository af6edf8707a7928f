//! The one place where the node reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::Offset;

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

/// The local time of this machine, which some chat templates state.
#[cfg_attr(not(feature = "libtorch"), expect(dead_code, reason = "asked by the engine's thread"))]
pub(crate) fn local_time() -> jiff::civil::DateTime {
    jiff::ZonedDateTime::now().datetime()
}

/// Today's date in UTC, such as "May 04, 2026".
pub(crate) fn today() -> String {
    date_text(Timestamp::now())
}

fn date_text(at: Timestamp) -> String {
    Offset::UTC.to_datetime(at).strftime("%B %d, %Y").to_string()
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
            assert_eq!(date_text(Timestamp::from_second(days * 86_400).unwrap()), text);
        }
    }
}
