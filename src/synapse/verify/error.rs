//! The reasons why a request is not verified.

use strum::IntoStaticStr;

use crate::synapse::Generation;

/// Why a request is not verified. Where the SDKs have a text for it, the text is theirs.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum VerifyError {
    /// The hotkey header is absent.
    #[error("No SS58 formatted address or public key provided")]
    NoHotkey,
    /// The hotkey is not an ss58 address.
    #[error("Invalid SS58 address")]
    BadHotkey,
    /// The timeout is NaN, infinite or negative (strict policy).
    #[error("Timeout is not a finite number of seconds")]
    BadTimeout,
    /// The nonce header is absent.
    #[error("Missing Nonce")]
    NoNonce,
    /// The nonce lies before the window.
    #[error(
        "Nonce is too old: acceptable delta is {acceptable_s:.2} seconds but request was {age_s:.2} seconds old"
    )]
    #[strum(serialize = "stale_nonce")]
    Stale {
        /// Width of the window in seconds.
        acceptable_s: f64,
        /// Age of the nonce in seconds.
        age_s: f64,
    },
    /// The nonce is too far ahead of the clock (strict policy).
    #[error("Nonce is {ahead_s:.2} seconds ahead of the clock")]
    #[strum(serialize = "future_nonce")]
    Ahead {
        /// Seconds by which it is ahead.
        ahead_s: f64,
    },
    /// The nonce is not later than the start of this process, so it may have been served before
    /// (strict policy).
    #[error("Nonce is too old: this axon started {behind_s:.2} seconds after it")]
    #[strum(serialize = "nonce_before_start")]
    BeforeStart {
        /// Seconds by which it precedes the start.
        behind_s: f64,
    },
    /// The nonce is not greater than the last one of the pair.
    #[error("{}", match .0 {
        Generation::Modern => "Nonce is too old, a newer one was last processed",
        Generation::Legacy => "Nonce is too small",
    })]
    #[strum(serialize = "replayed_nonce")]
    Replayed(Generation),
    /// The pair is not remembered, and later nonces than this one were forgotten, so it may have
    /// been served before (strict policy). A fresh nonce is always later.
    #[error("Nonce is too old, newer ones were processed and forgotten")]
    #[strum(serialize = "forgotten_nonce")]
    Forgotten,
    /// The nonce is monotonic, and the axon accepts Unix nonces only.
    #[error("Nonce is not Unix time in nanoseconds")]
    MonotonicNonce,
    /// The signature is absent or empty.
    #[error("{}", match .0 {
        Generation::Modern => "Missing Signature",
        Generation::Legacy => "Signature should be of type bytes or a hex-string",
    })]
    NoSignature(Generation),
    /// The signature is not `0x` and 128 hex digits.
    #[error("Signature should be 0x and 128 hex digits")]
    BadSignature,
    /// The signature belongs to another key or text.
    #[error("Signature mismatch with {text} and {signature}")]
    #[strum(serialize = "signature_mismatch")]
    Mismatch {
        /// The text that should have been signed.
        text: String,
        /// The signature that the caller sent.
        signature: String,
    },
}

impl VerifyError {
    /// Whether another clock would judge otherwise.
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self, Self::Stale { .. } | Self::Ahead { .. })
    }

    /// A stable name of the error, for counters.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}
