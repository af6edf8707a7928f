//! Why connections are refused or closed.

use strum::{IntoStaticStr, VariantNames};

/// Why a connection is refused or closed for what its peer did. The names are labels of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
pub(in crate::axon) enum CutReason {
    /// Its address has as many connections as one may have.
    AddressLimit,
    /// Its address asks too often, or is one of too many strangers.
    AddressRate,
    /// The table is full, and no other connection is worth less.
    ConnectionLimit,
    /// A better connection took its place.
    Evicted,
    /// A request head beyond the limit.
    HeadTooLarge,
    /// A request head that did not end in time.
    SlowHead,
    /// The request was refused before its body was read.
    UnreadBody,
    /// The peer did not read its reply in time.
    SlowReader,
    /// What came is not HTTP.
    Malformed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_those_of_the_metric() {
        let declared = sn1::telemetry::AXON_CONNECTIONS_CUT.values("reason");
        assert_eq!(declared, CutReason::VARIANTS);
    }
}
