//! Why a request is not verified.

use strum::IntoStaticStr;

use crate::synapse::Generation;

/// Why a request is not verified. The texts are those of the SDKs where a text is known.
#[derive(Debug, Clone, PartialEq, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum VerifyError {
    /// No hotkey header.
    #[error("No SS58 formatted address or public key provided")]
    NoHotkey,
    /// The hotkey is no address.
    #[error("Invalid SS58 address")]
    BadHotkey,
    /// NaN, infinite or negative (strict policy).
    #[error("Timeout is not a finite number of seconds")]
    BadTimeout,
    /// No nonce header.
    #[error("Missing Nonce")]
    NoNonce,
    /// Outside of the window.
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
    /// Ahead of the clock (strict policy).
    #[error("Nonce is {ahead_s:.2} seconds ahead of the clock")]
    #[strum(serialize = "future_nonce")]
    Ahead {
        /// By how many seconds.
        ahead_s: f64,
    },
    /// Not later than the start of this process, so it may have been served before (strict
    /// policy).
    #[error("Nonce is too old: this axon started {behind_s:.2} seconds after it")]
    #[strum(serialize = "nonce_before_start")]
    BeforeStart {
        /// By how many seconds.
        behind_s: f64,
    },
    /// Not greater than the last one of the pair.
    #[error("{}", match .0 {
        Generation::Modern => "Nonce is too old, a newer one was last processed",
        Generation::Legacy => "Nonce is too small",
    })]
    #[strum(serialize = "replayed_nonce")]
    Replayed(Generation),
    /// The pair is not remembered, and later nonces than this one were forgotten, so it may have
    /// been served before (strict policy). Any fresh nonce is later.
    #[error("Nonce is too old, newer ones were processed and forgotten")]
    #[strum(serialize = "forgotten_nonce")]
    Forgotten,
    /// A monotonic nonce where none is served.
    #[error("Nonce is not Unix time in nanoseconds")]
    MonotonicNonce,
    /// No signature, or an empty one.
    #[error("{}", match .0 {
        Generation::Modern => "Missing Signature",
        Generation::Legacy => "Signature should be of type bytes or a hex-string",
    })]
    NoSignature(Generation),
    /// Not `0x` and 128 hex digits.
    #[error("Signature should be 0x and 128 hex digits")]
    BadSignature,
    /// The signature belongs to another key or text.
    #[error("Signature mismatch with {text} and {signature}")]
    #[strum(serialize = "signature_mismatch")]
    Mismatch {
        /// What should have been signed.
        text: String,
        /// As sent.
        signature: String,
    },
}

impl VerifyError {
    /// A stable name for counters.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}
