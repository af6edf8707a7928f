//! Whether a request comes from the hotkey it names and is not a replay (synapse-wire.md
//! sections 3 and 4.4).
//!
//! Three steps, so that the costly one holds no lock: [`Verifier::check_nonce`],
//! [`check_signature`], [`Verifier::record`]. A request that fails the signature leaves no trace
//! in the table; of two equal requests at once only the first is recorded.
//!
//! [`VerifyPolicy::Strict`] differs from the Python axons in these families, all of which no
//! honest peer sends:
//!
//! - a timeout that is NaN, infinite or negative is refused, and at most 60 s of it count;
//! - a nonce that looks like Unix time is held against the window whatever version is stated and
//!   whether or not the pair was seen before, and may be at most 5 s ahead of the clock;
//! - a missing nonce is refused from every generation;
//! - a hotkey must be an ss58 address, never `0x` and a public key;
//! - the body's own list of hashed fields is ignored (applied by the pipeline).

mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha3::{Digest, Sha3_256};

use super::Generation;
use super::headers::RequestHead;
use super::sign::request_text;
use crate::wallet::{AccountId, parse_signature};
use table::NonceTable;

/// Age that a first nonce may have beyond the timeout.
const ALLOWED_DELTA_NS: f64 = 4e9;
/// The part of a timeout that counts under the strict policy.
const MAX_WINDOW_TIMEOUT_S: f64 = 60.0;
/// How far a Unix nonce may be ahead of the clock under the strict policy.
const MAX_AHEAD_NS: i128 = 5_000_000_000;
/// Nonces from here on look like Unix time: nanoseconds in September 2001, or 31 years of uptime.
const FIRST_UNIX_LIKE_NONCE: i128 = 1_000_000_000_000_000_000;
/// When a replay of a Unix nonce is sure to fall out of the window.
const KEEP_UNIX_NS: u64 = 70_000_000_000;
/// How long a pair is remembered whose nonces the window does not guard.
const KEEP_MONOTONIC_NS: u64 = 86_400_000_000_000;

/// How closely the Python axons are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifyPolicy {
    /// Every honest peer passes, the known holes are closed.
    #[default]
    Strict,
    /// As 7.1.1 treats its callers and 10.5.0 its own.
    Lenient,
}

/// Whether nonces of a monotonic clock (SDK before 7.2.0) are served at all. They can be replayed
/// after a restart of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MonotonicNonces {
    /// Needed for validators on 7.1.1 and older.
    #[default]
    Accept,
    /// Only Unix nonces count, from whatever version.
    Refuse,
}

/// Settings of a [`Verifier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifierConfig {
    /// How closely the Python axons are followed.
    pub policy: VerifyPolicy,
    /// Whether monotonic nonces are served.
    pub monotonic: MonotonicNonces,
    /// Most pairs of hotkey and uuid that are remembered. When all are live, the one next to
    /// expire makes room.
    pub n_max_pairs: usize,
}

impl Default for VerifierConfig {
    fn default() -> Self {
        Self {
            policy: VerifyPolicy::default(),
            monotonic: MonotonicNonces::default(),
            n_max_pairs: 65_536,
        }
    }
}

/// Why a request is not verified. The texts are those of the SDKs where a text is known.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    Stale {
        /// Width of the window in seconds.
        acceptable_s: f64,
        /// Age of the nonce in seconds.
        age_s: f64,
    },
    /// Ahead of the clock (strict policy).
    #[error("Nonce is {ahead_s:.2} seconds ahead of the clock")]
    Ahead {
        /// By how many seconds.
        ahead_s: f64,
    },
    /// Not greater than the last one of the pair.
    #[error("{}", match .0 {
        Generation::Modern => "Nonce is too old, a newer one was last processed",
        Generation::Legacy => "Nonce is too small",
    })]
    Replayed(Generation),
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
        match self {
            Self::NoHotkey => "no_hotkey",
            Self::BadHotkey => "bad_hotkey",
            Self::BadTimeout => "bad_timeout",
            Self::NoNonce => "no_nonce",
            Self::Stale { .. } => "stale_nonce",
            Self::Ahead { .. } => "future_nonce",
            Self::Replayed(_) => "replayed_nonce",
            Self::MonotonicNonce => "monotonic_nonce",
            Self::NoSignature(_) => "no_signature",
            Self::BadSignature => "bad_signature",
            Self::Mismatch { .. } => "signature_mismatch",
        }
    }
}

/// A claim whose nonce is in order but whose signature is still to be checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The account that the request claims to come from.
    pub account: AccountId,
    generation: Generation,
    nonce: Option<i128>,
    pair: [u8; 32],
    text: String,
    signature: Option<String>,
}

/// Remembers the last nonce of each pair of hotkey and uuid. Shared between threads.
#[derive(Debug)]
pub struct Verifier {
    config: VerifierConfig,
    table: Mutex<NonceTable>,
}

impl Verifier {
    /// A verifier that has seen nothing yet.
    pub fn new(config: VerifierConfig) -> Self {
        Self { config, table: Mutex::new(NonceTable::new(config.n_max_pairs)) }
    }

    /// The policy in force.
    pub fn policy(&self) -> VerifyPolicy {
        self.config.policy
    }

    /// How many pairs are remembered.
    pub fn n_pairs(&self) -> usize {
        self.table().len()
    }

    /// First step: hotkey, timeout and nonce. `own_hotkey` is what the caller must have signed
    /// for, whatever its headers name.
    ///
    /// # Errors
    /// The request is to be answered with 401.
    pub fn check_nonce(
        &self,
        head: &RequestHead,
        own_hotkey: &str,
        now_unix_ns: u64,
    ) -> Result<Claim, VerifyError> {
        let dendrite = &head.dendrite;
        let hotkey = dendrite.hotkey.as_deref().ok_or(VerifyError::NoHotkey)?;
        let account = self.account(hotkey, head.generation())?;
        let pair = pair_key(hotkey, dendrite.uuid.as_deref());
        let seen = self.table().last(&pair, now_unix_ns);
        match self.config.policy {
            VerifyPolicy::Strict => self.check_strictly(head, seen, now_unix_ns)?,
            VerifyPolicy::Lenient => check_leniently(head, seen, now_unix_ns)?,
        }
        Ok(Claim {
            account,
            generation: head.generation(),
            nonce: dendrite.nonce,
            pair,
            text: request_text(
                dendrite.nonce,
                hotkey,
                own_hotkey,
                dendrite.uuid.as_deref(),
                head.body_hash.as_deref(),
            ),
            signature: dendrite.signature.clone(),
        })
    }

    /// Last step, only after [`check_signature`]: uses up the nonce.
    ///
    /// # Errors
    /// Another request of the pair was recorded in between, with this nonce or a later one.
    pub fn record(&self, claim: &Claim, now_unix_ns: u64) -> Result<(), VerifyError> {
        let Some(nonce) = claim.nonce else {
            return Ok(());
        };
        let guarded = self.config.policy == VerifyPolicy::Strict
            && (claim.generation == Generation::Modern || nonce >= FIRST_UNIX_LIKE_NONCE);
        let keep_ns = if guarded { KEEP_UNIX_NS } else { KEEP_MONOTONIC_NS };
        let mut table = self.table();
        check_rising(Some(nonce), table.last(&claim.pair, now_unix_ns), claim.generation)?;
        table.insert(claim.pair, nonce, now_unix_ns, keep_ns);
        Ok(())
    }

    fn account(&self, hotkey: &str, generation: Generation) -> Result<AccountId, VerifyError> {
        if let Ok((account, _)) = AccountId::from_ss58_any_prefix(hotkey) {
            return Ok(account);
        }
        let takes_hex =
            (self.config.policy, generation) == (VerifyPolicy::Lenient, Generation::Legacy);
        let digits = hotkey.strip_prefix("0x").filter(|_| takes_hex);
        let digits = digits.ok_or(VerifyError::BadHotkey)?;
        let mut id = [0; 32];
        hex::decode_to_slice(digits, &mut id).map_err(|_| VerifyError::BadHotkey)?;
        Ok(AccountId(id))
    }

    fn check_strictly(
        &self,
        head: &RequestHead,
        seen: Option<i128>,
        now_unix_ns: u64,
    ) -> Result<(), VerifyError> {
        let timeout_s = head.timeout.unwrap_or(0.0);
        if !timeout_s.is_finite() || timeout_s < 0.0 {
            return Err(VerifyError::BadTimeout);
        }
        let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
        if head.generation() == Generation::Modern || nonce >= FIRST_UNIX_LIKE_NONCE {
            check_window(nonce, timeout_s.min(MAX_WINDOW_TIMEOUT_S), now_unix_ns)?;
            let ahead = nonce - i128::from(now_unix_ns);
            if ahead > MAX_AHEAD_NS {
                return Err(VerifyError::Ahead { ahead_s: ahead as f64 / 1e9 });
            }
        } else if self.config.monotonic == MonotonicNonces::Refuse {
            return Err(VerifyError::MonotonicNonce);
        }
        check_rising(Some(nonce), seen, head.generation())
    }

    fn table(&self) -> MutexGuard<'_, NonceTable> {
        // The table is whole between any two of its steps, so a panic elsewhere cannot spoil it.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Second step: the signature, over the plain text or wrapped in `<Bytes>`. Costs tens of
/// microseconds and needs no lock.
///
/// # Errors
/// The request is to be answered with 401.
pub fn check_signature(claim: &Claim) -> Result<(), VerifyError> {
    let signature = claim
        .signature
        .as_deref()
        .filter(|text| !text.is_empty())
        .ok_or(VerifyError::NoSignature(claim.generation))?;
    let bytes = parse_signature(signature).map_err(|_| VerifyError::BadSignature)?;
    claim.account.verify(claim.text.as_bytes(), &bytes).map_err(|_| VerifyError::Mismatch {
        text: claim.text.clone(),
        signature: signature.to_owned(),
    })
}

fn check_leniently(
    head: &RequestHead,
    seen: Option<i128>,
    now_unix_ns: u64,
) -> Result<(), VerifyError> {
    if head.generation() == Generation::Modern {
        let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
        if seen.is_none() {
            check_window(nonce, head.timeout.unwrap_or(0.0), now_unix_ns)?;
        }
    }
    check_rising(head.dendrite.nonce, seen, head.generation())
}

fn check_window(nonce: i128, timeout_s: f64, now_unix_ns: u64) -> Result<(), VerifyError> {
    let now = now_unix_ns as f64;
    let acceptable_ns = ALLOWED_DELTA_NS + timeout_s * 1e9;
    // With a timeout of NaN nothing is too old, as in Python.
    if nonce as f64 <= now - acceptable_ns {
        return Err(VerifyError::Stale {
            acceptable_s: acceptable_ns / 1e9,
            age_s: (now - nonce as f64) / 1e9,
        });
    }
    Ok(())
}

fn check_rising(
    nonce: Option<i128>,
    seen: Option<i128>,
    generation: Generation,
) -> Result<(), VerifyError> {
    match (nonce, seen) {
        (Some(nonce), Some(seen)) if nonce <= seen => Err(VerifyError::Replayed(generation)),
        _ => Ok(()),
    }
}

/// A pair in constant space, however long the uuid.
fn pair_key(hotkey: &str, uuid: Option<&str>) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    hasher.update(hotkey);
    hasher.update(":");
    hasher.update(uuid.unwrap_or("None"));
    hasher.finalize().into()
}

#[cfg(test)]
mod tests;
