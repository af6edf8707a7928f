//! A selection of uids: `3,7`, `10-20`, both together, or `all`.

use std::str::FromStr;

use sn1::chain::Uid;

/// A selection of uids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UidSelection {
    /// Every neuron that serves.
    All,
    /// The uids and ranges of this list.
    Listed(Vec<Listed>),
}

/// One entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// This uid, whose neuron must exist and serve.
    One(Uid),
    /// The neurons that serve, from the first uid to the last.
    Range(Uid, Uid),
}

impl FromStr for UidSelection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        let entries = text.split(',').map(|entry| parse_entry(entry.trim()));
        entries.collect::<Option<Vec<_>>>().map(Self::Listed).ok_or_else(|| {
            format!("`{text}` is not a list of uids: write it like 3,7 or 3,10-20 or all")
        })
    }
}

fn parse_entry(entry: &str) -> Option<Listed> {
    let number = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain).map(Uid)
    };
    match entry.split_once('-') {
        None => number(entry).map(Listed::One),
        Some((first, last)) => {
            let (first, last) = (number(first.trim())?, number(last.trim())?);
            (first <= last).then_some(Listed::Range(first, last))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_ranges_and_all_are_read() {
        let (one, range) = (|uid| Listed::One(Uid(uid)), |a, b| Listed::Range(Uid(a), Uid(b)));
        let table = [
            ("all", UidSelection::All),
            ("7", UidSelection::Listed(vec![one(7)])),
            ("3, 7,10-20", UidSelection::Listed(vec![one(3), one(7), range(10, 20)])),
            ("0-65535", UidSelection::Listed(vec![range(0, 65_535)])),
        ];
        for (text, wanted) in table {
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", ",", "3,", "x", "-1", "3-", "7-3", "65536", "+3", "1-2-3", "every"] {
            let error = text.parse::<UidSelection>().unwrap_err();
            assert!(error.contains("3,10-20"), "{text}: {error}");
        }
    }
}
