//! Whether a request comes from the hotkey it names and is not a replay
//! (docs/spec/wire.md#signature and docs/spec/wire.md#verify).
//!
//! Three steps, so that the costly one holds no lock: [`Verifier::check_nonce`],
//! [`check_signature`], [`Verifier::record`]. A request that fails the signature leaves no trace
//! in the table; of two equal requests at once only the first is recorded.
//!
//! [`VerifyPolicy::Strict`] differs from the Python axons in these families, all of which no
//! honest peer sends (docs/peers.md#the-wire):
//!
//! - a timeout that is NaN, infinite or negative is refused, and at most 60 s of it count;
//! - a nonce that looks like Unix time is held against the window whatever version is stated and
//!   whether or not the pair was seen before, and may be at most 5 s ahead of the clock;
//! - a missing nonce is refused from every generation;
//! - a hotkey must be an ss58 address, never `0x` and a public key;
//! - the body's own list of hashed fields is ignored (applied by the pipeline).
//!
//! # What is never served twice
//!
//! Under the strict policy:
//!
//! - A nonce of Unix time, for as long as the [`Verifier`] lives, whatever is stated in the
//!   unsigned headers, however full its memory and wherever the clock is set. What is forgotten
//!   leaves a floor that unknown pairs must exceed.
//! - The same beyond a restart of the process, if [`VerifierConfig::started_unix_ns`] is set, but
//!   for nonces that were ahead of the clock by more than the restart took. To close that as well,
//!   set it [`MAX_AHEAD_NS`] later; until then nobody is served.
//! - A nonce of a monotonic clock (SDK before 7.2.0), for a day since the last one of its pair. It
//!   says nothing of when it was made, so a restart of the process makes every captured request
//!   good once more. Only [`MonotonicNonces::Refuse`] closes that.
//!
//! The lenient policy promises as much as the SDKs: a pair is safe while it is remembered.

mod error;
mod memory;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha3::{Digest, Sha3_256};

use super::Generation;
use super::headers::RequestHead;
use super::sign::request_text;
use crate::wallet::{AccountId, WalletError, parse_signature};
pub use error::VerifyError;
use memory::{Kind, Memory};
use table::{Limits, Slot};

/// How far a Unix nonce may be ahead of the clock under the strict policy: 5 s.
pub const MAX_AHEAD_NS: u64 = 5_000_000_000;
/// Age from which a nonce is too old, beyond the timeout.
const ALLOWED_DELTA_NS: i128 = 4_000_000_000;
/// The part of a timeout that counts under the strict policy.
const MAX_WINDOW_TIMEOUT_S: f64 = 60.0;
/// Age from which a nonce is too old under the strict policy, whatever timeout is stated.
const MAX_AGE_NS: i128 = ALLOWED_DELTA_NS + MAX_WINDOW_TIMEOUT_S as i128 * 1_000_000_000;
/// Nonces from here on look like Unix time: nanoseconds in September 2001, or 31 years of uptime.
const FIRST_UNIX_LIKE_NONCE: i128 = 1_000_000_000_000_000_000;

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
    /// Most pairs of hotkey and uuid that are remembered, of Unix and of monotonic nonces each.
    /// When all are live, the one next to expire makes room. Costs about 300 bytes a pair,
    /// and as many an account.
    pub n_max_pairs: usize,
    /// Most of them that one account may hold, at least two. Beyond that its own pairs make room,
    /// so endless uuids of one hotkey push nobody else out.
    pub n_max_pairs_per_account: usize,
    /// When this process began to remember nonces, in Unix nanoseconds. Under the strict policy
    /// Unix nonces up to then are refused, because they may have been served before.
    pub started_unix_ns: Option<u64>,
}

impl Default for VerifierConfig {
    fn default() -> Self {
        Self {
            policy: VerifyPolicy::default(),
            monotonic: MonotonicNonces::default(),
            n_max_pairs: 65_536,
            n_max_pairs_per_account: 64,
            started_unix_ns: None,
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
    slot: Slot,
    text: String,
    signature: Option<String>,
}

/// Remembers the last nonce of each pair of hotkey and uuid. Shared between threads.
#[derive(Debug)]
pub struct Verifier {
    config: VerifierConfig,
    memory: Mutex<Memory>,
}

impl Verifier {
    /// A verifier that has seen nothing yet.
    pub fn new(config: VerifierConfig) -> Self {
        let limits = Limits {
            n_pairs: config.n_max_pairs,
            n_pairs_per_account: config.n_max_pairs_per_account,
        };
        Self { config, memory: Mutex::new(Memory::new(limits)) }
    }

    /// The policy in force.
    pub fn policy(&self) -> VerifyPolicy {
        self.config.policy
    }

    /// How many pairs are remembered.
    pub fn n_pairs(&self) -> usize {
        self.memory().len()
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
        let slot = Slot { account, pair: pair_key(hotkey, dendrite.uuid.as_deref()) };
        let now_ns = now_unix_ns.into();
        match self.config.policy {
            VerifyPolicy::Strict => self.check_strictly(head, now_ns)?,
            VerifyPolicy::Lenient => {
                let is_known = self.memory().last(&slot.pair, now_ns).is_some();
                check_leniently(head, is_known, now_ns)?;
            }
        }
        let claim = Claim {
            account,
            generation: head.generation(),
            nonce: dendrite.nonce,
            slot,
            text: request_text(
                dendrite.nonce,
                hotkey,
                own_hotkey,
                dendrite.uuid.as_deref(),
                head.body_hash.as_deref(),
            ),
            signature: dendrite.signature.clone(),
        };
        if let Some(nonce) = claim.nonce {
            self.check_unused(&mut self.memory(), &claim, nonce, now_unix_ns)?;
        }
        Ok(claim)
    }

    /// Last step, only after [`check_signature`]: uses up the nonce.
    ///
    /// # Errors
    /// Another request of the pair was recorded in between, with this nonce or a later one.
    pub fn record(&self, claim: &Claim, now_unix_ns: u64) -> Result<(), VerifyError> {
        let Some(nonce) = claim.nonce else {
            return Ok(());
        };
        let mut memory = self.memory();
        self.check_unused(&mut memory, claim, nonce, now_unix_ns)?;
        memory.record(self.kind(nonce), claim.slot, nonce, now_unix_ns.into());
        Ok(())
    }

    fn check_unused(
        &self,
        memory: &mut Memory,
        claim: &Claim,
        nonce: i128,
        now_unix_ns: u64,
    ) -> Result<(), VerifyError> {
        let (kind, now_ns) = (self.kind(nonce), now_unix_ns.into());
        if memory.last(&claim.slot.pair, now_ns).is_some_and(|last| nonce <= last) {
            return Err(VerifyError::Replayed(claim.generation));
        }
        if memory.floor(kind, &claim.slot, now_ns).is_some_and(|floor| nonce <= floor) {
            return Err(VerifyError::Forgotten);
        }
        Ok(())
    }

    /// By the nonce alone: all else is unsigned, and must not decide where a nonce is looked for.
    fn kind(&self, nonce: i128) -> Kind {
        match self.config.policy {
            VerifyPolicy::Lenient => Kind::Unguarded,
            VerifyPolicy::Strict if nonce >= FIRST_UNIX_LIKE_NONCE => Kind::Unix,
            VerifyPolicy::Strict => Kind::Monotonic,
        }
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

    fn check_strictly(&self, head: &RequestHead, now_ns: i128) -> Result<(), VerifyError> {
        let timeout_s = head.timeout.unwrap_or(0.0);
        if !timeout_s.is_finite() || timeout_s < 0.0 {
            return Err(VerifyError::BadTimeout);
        }
        let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
        if head.generation() == Generation::Modern || nonce >= FIRST_UNIX_LIKE_NONCE {
            return self.check_window(nonce, timeout_s, now_ns);
        }
        match self.config.monotonic {
            MonotonicNonces::Accept => Ok(()),
            MonotonicNonces::Refuse => Err(VerifyError::MonotonicNonce),
        }
    }

    /// Whole nanoseconds, so that the edges are where docs/spec/wire.md#nonce-window has them.
    fn check_window(&self, nonce: i128, timeout_s: f64, now_ns: i128) -> Result<(), VerifyError> {
        let timeout_ns = (timeout_s.min(MAX_WINDOW_TIMEOUT_S) * 1e9) as i128;
        let acceptable_ns = ALLOWED_DELTA_NS + timeout_ns;
        if nonce <= now_ns - acceptable_ns {
            return Err(stale(nonce, acceptable_ns as f64, now_ns));
        }
        if nonce > now_ns + i128::from(MAX_AHEAD_NS) {
            return Err(VerifyError::Ahead { ahead_s: nonce.saturating_sub(now_ns) as f64 / 1e9 });
        }
        match self.config.started_unix_ns.map(i128::from) {
            Some(started_ns) if nonce <= started_ns => {
                Err(VerifyError::BeforeStart { behind_s: (started_ns - nonce) as f64 / 1e9 })
            }
            _ => Ok(()),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // It is whole between any two of its steps, so a panic elsewhere cannot spoil it.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Second step: the signature, over the plain text or wrapped in `<Bytes>`. Costs tens of
/// microseconds and needs no lock.
///
/// # Errors
/// The request is to be answered with 401.
pub fn check_signature(claim: &Claim) -> Result<(), VerifyError> {
    check_signature_with(claim, AccountId::verify)
}

/// As [`check_signature`], over the plain text only, as every dendrite signs: a forgery costs half.
///
/// # Errors
/// The request is to be answered with 401.
pub fn check_plain_signature(claim: &Claim) -> Result<(), VerifyError> {
    check_signature_with(claim, AccountId::verify_plain)
}

type Check = fn(&AccountId, &[u8], &[u8; 64]) -> Result<(), WalletError>;

fn check_signature_with(claim: &Claim, verify: Check) -> Result<(), VerifyError> {
    let signature = claim
        .signature
        .as_deref()
        .filter(|text| !text.is_empty())
        .ok_or(VerifyError::NoSignature(claim.generation))?;
    let bytes = parse_signature(signature).map_err(|_| VerifyError::BadSignature)?;
    verify(&claim.account, claim.text.as_bytes(), &bytes).map_err(|_| VerifyError::Mismatch {
        text: claim.text.clone(),
        signature: signature.to_owned(),
    })
}

/// The window counts for the first nonce of a pair only (docs/spec/wire.md#nonce-window), and in
/// floats, as in Python.
fn check_leniently(head: &RequestHead, is_known: bool, now_ns: i128) -> Result<(), VerifyError> {
    if head.generation() == Generation::Legacy {
        return Ok(());
    }
    let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
    let timeout_ns = head.timeout.unwrap_or(0.0) * 1e9;
    let oldest = (now_ns - ALLOWED_DELTA_NS) as f64 - timeout_ns;
    // With a timeout of NaN nothing is too old.
    let is_old = !oldest.is_nan() && nonce <= oldest.floor() as i128;
    if is_old && !is_known {
        return Err(stale(nonce, ALLOWED_DELTA_NS as f64 + timeout_ns, now_ns));
    }
    Ok(())
}

fn stale(nonce: i128, acceptable_ns: f64, now_ns: i128) -> VerifyError {
    VerifyError::Stale {
        acceptable_s: acceptable_ns / 1e9,
        age_s: (now_ns as f64 - nonce as f64) / 1e9,
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
mod properties;
#[cfg(test)]
mod tests;
