//! Times on the command line.

use jiff::SignedDuration;

/// Seconds, with or without a unit: `90`, `1.5s`, `250ms`, `3m`, `1h30m`.
pub(crate) fn parse_seconds(text: &str) -> Result<f64, String> {
    let with_unit = || text.parse().map(|time: SignedDuration| time.as_secs_f64());
    let seconds = text.parse().or_else(|_| with_unit());
    seconds
        .ok()
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        .ok_or_else(|| format!("`{text}` is no time; write it like 90, 1.5s, 250ms or 3m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_take_units() {
        let table = [
            ("90", 90.0),
            ("1.5s", 1.5),
            ("250ms", 0.25),
            ("3m", 180.0),
            ("2h", 7200.0),
            ("1h30m", 5400.0),
        ];
        for (text, seconds) in table {
            assert_eq!(parse_seconds(text), Ok(seconds), "{text}");
        }
        for text in ["", "s", "-1", "soon", "inf", "nan"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }
}
