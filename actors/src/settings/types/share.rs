//! Shares and probabilities.

use crate::settings::value::scalar;

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// All.
    pub const ALL: Self = Self(1.0);

    /// `None` for what is no share.
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share nearest to a number: 0 below 0, 1 above 1.
    pub const fn nearest(number: f64) -> Self {
        Self(if number >= 1.0 {
            1.0
        } else if number > 0.0 {
            number
        } else {
            0.0
        })
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

scalar!(
    Share,
    Number,
    "SHARE",
    |text: &str| {
        let share = text.trim().parse().ok().and_then(Self::new);
        share.ok_or_else(|| "a number between 0 and 1".to_owned())
    },
    |share: &Self| share.0.to_string()
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Scalar;

    #[test]
    fn shares_lie_between_0_and_1() {
        assert_eq!(Share::parse("0.1").map(Share::get), Ok(0.1));
        assert_eq!((Share::nearest(2.0), Share::nearest(f64::NAN)), (Share::ALL, Share(0.0)));
        for text in ["-0.1", "1.1", "nan", "much"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
    }
}
