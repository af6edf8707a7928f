//! The beacon whose round signatures open commits: its parameters as the chain states them, its
//! key, its signatures, and a keypair for a beacon of one's own.

use std::fmt;

use super::curve::{self, KEY_BYTES, KeyPoint, SIGNATURE_BYTES, Scalar, SignaturePoint};

/// Why a beacon's key, signature or parameters cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeaconError {
    /// Not 96 bytes of a key.
    #[error("cannot read the beacon's public key: not 96 bytes of a point of G2")]
    Key,
    /// Not 48 bytes of a signature.
    #[error("cannot read the round's signature: not 48 bytes of a point of G1")]
    Signature,
    /// The signature is not of this round, or not of this beacon.
    #[error("the signature is not the beacon's for round {0}")]
    WrongSignature(u64),
    /// Rounds without length.
    #[error("the beacon's period is 0 seconds: read its parameters from the chain again")]
    Period,
}

/// A beacon's public key: a point of G2, never the neutral one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BeaconKey(pub(super) KeyPoint);

impl BeaconKey {
    /// Reads the 96 compressed bytes that the chain stores.
    ///
    /// # Errors
    /// [`BeaconError::Key`] for another length, a point off the curve or outside the subgroup, the
    /// neutral point, or a second encoding of a point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BeaconError> {
        let bytes = bytes.try_into().map_err(|_| BeaconError::Key)?;
        let point = curve::read_key(bytes).filter(|point| !curve::is_neutral(point));
        point.map(Self).ok_or(BeaconError::Key)
    }

    /// The 96 compressed bytes.
    pub fn to_bytes(&self) -> [u8; KEY_BYTES] {
        curve::key_bytes(&self.0)
    }

    /// Checks a round's signature.
    ///
    /// # Errors
    /// [`BeaconError::WrongSignature`] when it is of another round or another beacon.
    pub fn verify(&self, round: u64, signature: &RoundSignature) -> Result<(), BeaconError> {
        if curve::signs(signature.0, self.0, round) {
            Ok(())
        } else {
            Err(BeaconError::WrongSignature(round))
        }
    }
}

impl fmt::Debug for BeaconKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BeaconKey({})", hex::encode(self.to_bytes()))
    }
}

/// What the chain knows of its beacon (storage `Drand.BeaconConfig`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeaconParameters {
    key: BeaconKey,
    genesis: u64,
    period: u64,
}

impl BeaconParameters {
    /// A beacon that has signed a round every `period` seconds since `genesis`, in Unix seconds.
    ///
    /// # Errors
    /// The key is none, or the period is 0.
    pub fn new(public_key: &[u8], genesis: u64, period: u64) -> Result<Self, BeaconError> {
        if period == 0 {
            return Err(BeaconError::Period);
        }
        Ok(Self { key: BeaconKey::from_bytes(public_key)?, genesis, period })
    }

    /// The public key.
    pub fn key(&self) -> &BeaconKey {
        &self.key
    }

    /// When the beacon began, in Unix seconds.
    pub fn genesis(&self) -> u64 {
        self.genesis
    }

    /// Seconds between two rounds.
    pub fn period(&self) -> u64 {
        self.period
    }

    /// Whole periods since genesis at `unix_seconds`, at least 1: the round that committers name
    /// for that moment. The beacon itself, whose round 1 is at genesis, is one ahead.
    pub fn round_at(&self, unix_seconds: f64) -> u64 {
        let periods = (unix_seconds - self.genesis as f64) / self.period as f64;
        (periods.floor() as u64).max(1)
    }
}

/// A round's signature: a point of G1, never the neutral one. It opens what was sealed for it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RoundSignature(pub(super) SignaturePoint);

impl RoundSignature {
    /// Reads the 48 compressed bytes that pulses carry. Whose it is shows only
    /// [`BeaconKey::verify`].
    ///
    /// # Errors
    /// [`BeaconError::Signature`] for another length, a point off the curve or outside the
    /// subgroup, the neutral point, or a second encoding of a point.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BeaconError> {
        let bytes = bytes.try_into().map_err(|_| BeaconError::Signature)?;
        let point = curve::read_signature(bytes).filter(|point| !curve::is_neutral(point));
        point.map(Self).ok_or(BeaconError::Signature)
    }

    /// The 48 compressed bytes.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        curve::signature_bytes(&self.0)
    }

    /// The round's randomness: SHA-256 of the signature.
    pub fn randomness(&self) -> [u8; 32] {
        curve::sha256(&[&self.to_bytes()])
    }
}

impl fmt::Debug for RoundSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoundSignature({})", hex::encode(self.to_bytes()))
    }
}

/// The secret of a beacon of one's own, for a chain of one's own. Its signatures are as good as
/// the seed is secret, and making them takes a time that depends on it: no beacon for others.
#[derive(Clone)]
pub struct BeaconKeypair {
    secret: Scalar,
    key: BeaconKey,
}

impl BeaconKeypair {
    /// The keypair of a seed; the same one each time.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let wide = [curve::sha256(&[seed, &[0]]), curve::sha256(&[seed, &[1]])].concat();
        let secret = curve::scalar_from_be(&wide);
        Self { secret, key: BeaconKey(curve::key_of(secret)) }
    }

    /// The public half.
    pub fn key(&self) -> &BeaconKey {
        &self.key
    }

    /// Signs a round.
    pub fn sign(&self, round: u64) -> RoundSignature {
        RoundSignature(curve::times(curve::round_point(round), self.secret))
    }
}

impl fmt::Debug for BeaconKeypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeaconKeypair").field("key", &self.key).finish_non_exhaustive()
    }
}
