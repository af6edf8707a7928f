//! Deaths on demand around the signing of weights, for tests of what a crash leaves behind.
//!
//! `SN1_FAILPOINT=after_persist:3` ends the process, as a crash would, when it comes to that point
//! for the third time. No other code runs then. On the main network this is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strum::{EnumString, IntoStaticStr, VariantArray};

/// The variable that is read.
const VARIABLE: &str = "SN1_FAILPOINT";

/// A point around a durable write or a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Failpoint {
    /// The intent is made, nothing is written.
    BeforePersist,
    /// The intent is written, nothing is signed.
    AfterPersist,
    /// The transaction is signed, nothing is sent.
    AfterSign,
    /// The chain has answered, nothing is written.
    AfterSubmit,
    /// An outcome is known, and not written.
    BeforeSettle,
}

impl Failpoint {
    /// Its name in the variable.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Why a failpoint cannot be armed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FailpointError {
    /// No such point, or no count.
    #[error(
        "`{0}` is not of the form POINT:COUNT; points are before_persist, after_persist, after_sign, \
         after_submit and before_settle"
    )]
    Form(String),
    /// Real money is at stake.
    #[error(
        "{VARIABLE} is set, but a node of the main network is never ended on purpose: unset it"
    )]
    MainNetwork,
}

/// The failpoint that is armed, if any. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct Failpoints(Option<Arc<Armed>>);

#[derive(Debug)]
struct Armed {
    point: Failpoint,
    left: AtomicU64,
}

impl Failpoints {
    /// Arms what `SN1_FAILPOINT` says, usually nothing.
    ///
    /// # Errors
    /// See [`FailpointError`].
    pub fn from_environment(is_main_network: bool) -> Result<Self, FailpointError> {
        match std::env::var(VARIABLE) {
            Ok(_) if is_main_network => Err(FailpointError::MainNetwork),
            Ok(text) => Self::parse(&text),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Arms one point, such as `after_persist:3`.
    ///
    /// # Errors
    /// [`FailpointError::Form`]
    pub fn parse(text: &str) -> Result<Self, FailpointError> {
        let parts = text.split_once(':').and_then(|(name, count)| {
            Some((name.parse().ok()?, count.parse().ok().filter(|count| *count > 0)?))
        });
        let (point, count) = parts.ok_or_else(|| FailpointError::Form(text.to_owned()))?;
        Ok(Self(Some(Arc::new(Armed { point, left: AtomicU64::new(count) }))))
    }

    /// Ends the process if this is the point and the time.
    pub fn hit(&self, point: Failpoint) {
        if self.is_time(point) {
            std::process::abort();
        }
    }

    fn is_time(&self, point: Failpoint) -> bool {
        self.0.as_ref().is_some_and(|armed| {
            armed.point == point && armed.left.fetch_sub(1, Ordering::AcqRel) == 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_armed_once_for_its_count() {
        let points = Failpoints::parse("after_sign:2").unwrap();
        let hits = [
            (Failpoint::AfterSubmit, false),
            (Failpoint::AfterSign, false),
            (Failpoint::AfterSign, true),
            (Failpoint::AfterSign, false),
        ];
        for (point, expected) in hits {
            assert_eq!(points.clone().is_time(point), expected, "{point:?}");
        }
        assert!(!Failpoints::default().is_time(Failpoint::AfterSign));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "after_sign", "after_sign:0", "after_sign:x", "before:1"] {
            assert_eq!(Failpoints::parse(text).err(), Some(FailpointError::Form(text.to_owned())));
        }
    }
}
