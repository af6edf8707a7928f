//! Checks that a request comes from the hotkey it names and is not a replay
//! (docs/spec/wire.md#signature and docs/spec/wire.md#verify).
//!
//! There are three steps, so that the expensive one holds no lock: [`Verifier::check_nonce`],
//! [`check_signature`], [`Verifier::record`]. A request with a wrong signature leaves no trace in
//! the table; of two equal requests at once only the first is recorded.
//!
//! [`VerifyPolicy::Strict`] differs from the Python axons in these cases, none of which an honest
//! peer sends (docs/peers.md#the-wire):
//!
//! - a timeout that is NaN, infinite or negative is refused, and at most 60 s of it count;
//! - a nonce that looks like Unix time must lie within the window, whatever version is stated and
//!   whether or not the pair was seen before, and may be at most 5 s ahead of the clock;
//! - a missing nonce is refused for every generation;
//! - a hotkey must be an ss58 address, never `0x` and a public key;
//! - the body's own list of hashed fields is ignored (applied by the pipeline).
//!
//! Where others' clocks show that ours is wrong, the window is wider by so much ([`Slack`]).
//!
//! # What is never served twice
//!
//! Under the strict policy:
//!
//! - A nonce of Unix time, for as long as the [`Verifier`] lives, whatever the unsigned headers
//!   state, however full its memory is and wherever the clock is set. A forgotten pair leaves a
//!   floor that the nonces of unknown pairs must exceed.
//! - The same across a restart of the process, if [`VerifierConfig::started_unix_ns`] is set,
//!   except for nonces that were ahead of the clock by more than the restart took. To close that as
//!   well, set it [`MAX_AHEAD_NS`] later; until then every caller is refused.
//! - A nonce of a monotonic clock (SDK before 7.2.0), for a day since the last one of its pair. It
//!   does not state when it was made, so after a restart of the process every captured request is
//!   valid once more. Only [`MonotonicNonces::Refuse`] prevents that.
//!
//! The lenient policy promises what the SDKs do: a pair is safe while it is remembered.

mod error;
mod memory;
mod table;

use std::sync::{Mutex, MutexGuard, PoisonError};

use sha3::{Digest, Sha3_256};

use super::Generation;
use super::clock::Slack;
use super::headers::RequestHead;
use super::sign::request_text;
use crate::wallet::{AccountId, WalletError, parse_signature};
pub use error::VerifyError;
use memory::{Kind, Memory};
use table::{Limits, Slot};

/// How far a Unix nonce may be ahead of the clock under the strict policy: 5 s.
pub const MAX_AHEAD_NS: u64 = 5_000_000_000;
/// A nonce is too old once its age reaches the timeout plus this: 4 s.
const ALLOWED_DELTA_NS: i128 = 4_000_000_000;
/// Most seconds of a timeout that count under the strict policy.
const MAX_WINDOW_TIMEOUT_S: f64 = 60.0;
/// Age in nanoseconds from which a nonce is too old under the strict policy, whatever the timeout.
const MAX_AGE_NS: i128 = ALLOWED_DELTA_NS + MAX_WINDOW_TIMEOUT_S as i128 * 1_000_000_000;
/// Nonces from here on look like Unix time: nanoseconds in September 2001, or 31 years of uptime.
const FIRST_UNIX_LIKE_NONCE: i128 = 1_000_000_000_000_000_000;

/// How closely the Python axons are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VerifyPolicy {
    /// Every honest peer passes; the known holes of the Python axons are closed.
    #[default]
    Strict,
    /// As 7.1.1 treats its callers and 10.5.0 its own.
    Lenient,
}

/// Whether nonces of a monotonic clock (SDK before 7.2.0) are accepted. They can be replayed after
/// a restart of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MonotonicNonces {
    /// Accepted, which validators on 7.1.1 and older need.
    #[default]
    Accept,
    /// Refused: only Unix nonces are accepted, whatever version is stated.
    Refuse,
}

/// Settings of a [`Verifier`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifierConfig {
    /// How closely the Python axons are followed.
    pub policy: VerifyPolicy,
    /// Whether monotonic nonces are accepted.
    pub monotonic: MonotonicNonces,
    /// Most pairs of hotkey and uuid that are remembered, separately for Unix and for monotonic
    /// nonces. When all are live, the one next to expire makes room. Costs about 300 bytes per
    /// pair, and as many per account.
    pub n_max_pairs: usize,
    /// Most pairs that one account may hold, at least two. Beyond that its own pairs make room, so
    /// one hotkey with endless uuids displaces no other account.
    pub n_max_pairs_per_account: usize,
    /// When this process began to remember nonces, in Unix nanoseconds. The strict policy refuses
    /// Unix nonces up to then, because they may have been served before.
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

/// A claimed identity whose nonce is acceptable and whose signature is still to be checked.
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

impl Claim {
    /// The nonce as Unix time in nanoseconds; `None` when it is none.
    pub fn unix_nonce(&self) -> Option<u64> {
        let nonce = self.nonce.filter(|nonce| *nonce >= FIRST_UNIX_LIKE_NONCE)?;
        nonce.try_into().ok()
    }
}

/// Remembers the last nonce of each pair of hotkey and uuid. Shared between threads.
#[derive(Debug)]
pub struct Verifier {
    config: VerifierConfig,
    memory: Mutex<Memory>,
}

impl Verifier {
    /// A verifier without any remembered nonce.
    pub fn new(config: VerifierConfig) -> Self {
        let limits = Limits {
            n_pairs: config.n_max_pairs,
            n_pairs_per_account: config.n_max_pairs_per_account,
        };
        Self { config, memory: Mutex::new(Memory::new(limits)) }
    }

    /// The policy that requests are checked by.
    pub fn policy(&self) -> VerifyPolicy {
        self.config.policy
    }

    /// Pairs of hotkey and uuid that are remembered.
    pub fn n_pairs(&self) -> usize {
        self.memory().len()
    }

    /// First step: checks hotkey, timeout and nonce. `own_hotkey` is the hotkey that the caller
    /// must have signed for, whatever its headers name. `slack` widens the window where our own
    /// clock is known to be wrong.
    ///
    /// # Errors
    /// Why the request is to be answered with 401.
    pub fn check_nonce(
        &self,
        head: &RequestHead,
        own_hotkey: &str,
        now_unix_ns: u64,
        slack: Slack,
    ) -> Result<Claim, VerifyError> {
        let dendrite = &head.dendrite;
        let hotkey = dendrite.hotkey.as_deref().ok_or(VerifyError::NoHotkey)?;
        let account = self.account(hotkey, head.generation())?;
        let slot = Slot { account, pair: pair_key(hotkey, dendrite.uuid.as_deref()) };
        let now_ns = now_unix_ns.into();
        match self.config.policy {
            VerifyPolicy::Strict => self.check_strictly(head, now_ns, slack)?,
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

    /// The kind follows from the nonce alone: everything else is unsigned and must not decide where
    /// a nonce is looked up.
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

    fn check_strictly(
        &self,
        head: &RequestHead,
        now_ns: i128,
        slack: Slack,
    ) -> Result<(), VerifyError> {
        let timeout_s = head.timeout.unwrap_or(0.0);
        if !timeout_s.is_finite() || timeout_s < 0.0 {
            return Err(VerifyError::BadTimeout);
        }
        let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
        if head.generation() == Generation::Modern || nonce >= FIRST_UNIX_LIKE_NONCE {
            return self.check_window(nonce, timeout_s, now_ns, slack);
        }
        match self.config.monotonic {
            MonotonicNonces::Accept => Ok(()),
            MonotonicNonces::Refuse => Err(VerifyError::MonotonicNonce),
        }
    }

    /// Computes in whole nanoseconds, so that the limits are exactly those of
    /// docs/spec/wire.md#nonce-window.
    fn check_window(
        &self,
        nonce: i128,
        timeout_s: f64,
        now_ns: i128,
        slack: Slack,
    ) -> Result<(), VerifyError> {
        let timeout_ns = (timeout_s.min(MAX_WINDOW_TIMEOUT_S) * 1e9) as i128;
        let acceptable_ns = ALLOWED_DELTA_NS + timeout_ns + i128::from(slack.age_ns);
        if nonce <= now_ns - acceptable_ns {
            return Err(stale(nonce, acceptable_ns as f64, now_ns));
        }
        if nonce > now_ns + i128::from(MAX_AHEAD_NS) + i128::from(slack.ahead_ns) {
            return Err(VerifyError::Ahead { ahead_s: nonce.saturating_sub(now_ns) as f64 / 1e9 });
        }
        // Our clock was as far behind when this process started.
        let started_ns = self.config.started_unix_ns.map(i128::from);
        match started_ns.map(|started_ns| started_ns + i128::from(slack.start_ns)) {
            Some(started_ns) if nonce <= started_ns => {
                Err(VerifyError::BeforeStart { behind_s: (started_ns - nonce) as f64 / 1e9 })
            }
            _ => Ok(()),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each step leaves the memory consistent, so a panic elsewhere cannot corrupt it.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Second step: checks the signature, over the plain text or wrapped in `<Bytes>`. Takes tens of
/// microseconds and needs no lock.
///
/// # Errors
/// Why the request is to be answered with 401.
pub fn check_signature(claim: &Claim) -> Result<(), VerifyError> {
    check_signature_with(claim, AccountId::verify)
}

/// As [`check_signature`], but only over the plain text, as every dendrite signs: refusing a
/// forgery costs half as much.
///
/// # Errors
/// Why the request is to be answered with 401.
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

/// Checks the window for the first nonce of a pair only (docs/spec/wire.md#nonce-window), and in
/// floats, as Python does.
fn check_leniently(head: &RequestHead, is_known: bool, now_ns: i128) -> Result<(), VerifyError> {
    if head.generation() == Generation::Legacy {
        return Ok(());
    }
    let nonce = head.dendrite.nonce.ok_or(VerifyError::NoNonce)?;
    let timeout_ns = head.timeout.unwrap_or(0.0) * 1e9;
    let oldest = (now_ns - ALLOWED_DELTA_NS) as f64 - timeout_ns;
    // With a timeout of NaN no nonce is too old.
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

/// The hash of hotkey and uuid, which takes constant space however long the uuid is.
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
