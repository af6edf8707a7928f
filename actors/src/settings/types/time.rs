//! Durations: `15`, `15s`, `1.5s`, `250ms`, `2m`, `1h 30m`.

use std::time::Duration;

use jiff::SignedDuration;

use crate::settings::value::{Scalar, Shape};

/// A time: `15s`, `1h 30m`; a number without a unit is in seconds.
///
/// # Errors
/// What it must be.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let time = match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let time = text.parse::<SignedDuration>().ok();
            time.and_then(|time| Duration::try_from(time).ok())
        }
    };
    time.ok_or_else(|| "a time, such as 15s, 250ms or 2m".to_owned())
}

/// Units by their letters, the largest first, in nanoseconds.
const UNITS: [(&str, u128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl Scalar for Duration {
    const SHAPE: Shape = Shape::Text;
    const PLACEHOLDER: &'static str = "TIME";

    fn parse(text: &str) -> Result<Self, String> {
        parse_duration(text)
    }

    /// In the largest unit of which it is a whole number.
    fn text(&self) -> String {
        let nanoseconds = self.as_nanos();
        if nanoseconds == 0 {
            return "0s".to_owned();
        }
        let whole = UNITS.iter().find(|(_, size)| nanoseconds.is_multiple_of(*size));
        whole.map(|(unit, size)| format!("{}{unit}", nanoseconds / size)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_units_and_seconds_need_none() {
        let table = [
            ("90", 90_000),
            ("15.0", 15_000),
            ("1.5s", 1_500),
            ("250ms", 250),
            ("3m", 180_000),
            ("2h", 7_200_000),
            ("1h 30m", 5_400_000),
            ("1m30s", 90_000),
            (" 2 m ", 120_000),
        ];
        for (text, milliseconds) in table {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "-1", "-1s", "soon", "inf", "nan", "1x", "1m30", "1e400", "1..2s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["0s", "15s", "90s", "2m", "250ms", "50us", "12h"] {
            assert_eq!(parse_duration(text).unwrap().text(), text);
        }
    }
}
