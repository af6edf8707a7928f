//! Sealing for a beacon round, in the bytes that the chain's own decoder takes
//! (docs/spec/chain.md#timelock-encryption): identity-based encryption of a fresh key, then
//! AES-256-GCM with that key.
//!
//! The round is not in the bytes: it travels beside them. Whoever opens with the signature of
//! another round, or bytes that were tampered with, gets an error, never other text.

use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit};
use rand::{CryptoRng, RngCore};

use super::beacon::{BeaconKey, RoundSignature};
use super::curve::{self, KEY_BYTES, KeyPoint};
use super::payload::WeightsPayload;

/// Longest commit that the chain stores, in bytes.
pub const MAX_COMMIT_BYTES: usize = 5_000;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// The name of the cipher at the end of each message.
const SUITE: &[u8; 8] = b"AES_GCM_";

/// Why weights cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The chain would refuse the commit for its length.
    #[error(
        "a commit of {0} bytes does not fit the chain's {MAX_COMMIT_BYTES}: send fewer weights"
    )]
    TooLong(usize),
    /// The cipher takes no message of this length.
    #[error("the message is too long to encrypt")]
    Cipher,
}

/// Why bytes are no sealed message, or do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// The bytes end inside a field.
    #[error("the sealed bytes end inside {0}")]
    Truncated(&'static str),
    /// A field of fixed length states another one.
    #[error("{field} of the sealed bytes states {found} bytes, not {expected}")]
    FieldLength {
        /// Which field.
        field: &'static str,
        /// What it states.
        found: u64,
        /// What it must be.
        expected: u64,
    },
    /// The first 96 bytes are no point.
    #[error("the sealed bytes do not begin with a point of G2")]
    Point,
    /// Not the one cipher that the chain knows.
    #[error("the sealed bytes name another cipher than AES_GCM_")]
    Suite,
    /// Bytes follow the last field.
    #[error("{0} bytes follow the sealed message")]
    Trailing(usize),
    /// Another round's signature, another beacon's, or changed bytes.
    #[error("the signature does not open these bytes: wrong round or beacon, or changed bytes")]
    NotOpened,
    /// The key was found, but the text is not what was sealed.
    #[error("the sealed text was changed")]
    Tampered,
}

/// A sealed message, taken apart. Reading and writing it gives the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedMessage {
    /// The ephemeral point.
    u: KeyPoint,
    /// The ephemeral secret, masked by the pairing.
    v: [u8; 32],
    /// The cipher's key, masked by the ephemeral secret.
    w: [u8; 32],
    /// Encrypted text, then its tag.
    text: Vec<u8>,
    nonce: [u8; NONCE_BYTES],
}

impl SealedMessage {
    /// Reads the layout: u (96 bytes), v and w (32 each), body (encrypted text and tag, nonce of
    /// 12), cipher name; all but u with their length in front, as 8 bytes little endian.
    ///
    /// # Errors
    /// Any [`SealedError`] but those of opening. Stricter than the chain in one point: bytes after
    /// the message are refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedError> {
        let mut fields = Fields(bytes);
        let u = curve::read_key(fields.array("u")?).ok_or(SealedError::Point)?;
        let v = *fields.sized_array("v")?;
        let w = *fields.sized_array("w")?;
        let mut body = Fields(fields.sized("the body")?);
        let text = body.sized("the text")?.to_vec();
        let nonce = *body.sized_array("the nonce")?;
        body.end()?;
        if fields.sized_array("the cipher's name")? != SUITE {
            return Err(SealedError::Suite);
        }
        fields.end()?;
        Ok(Self { u, v, w, text, nonce })
    }

    /// The bytes that go on chain.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(28 + self.text.len());
        put_sized(&mut body, &self.text);
        put_sized(&mut body, &self.nonce);
        let mut out = Vec::with_capacity(sealed_length(0) + self.text.len());
        out.extend_from_slice(&curve::key_bytes(&self.u));
        for field in [&self.v[..], &self.w, &body, SUITE] {
            put_sized(&mut out, field);
        }
        out
    }

    /// Opens the message with the signature of the round it was sealed for.
    ///
    /// # Errors
    /// [`SealedError::NotOpened`] or [`SealedError::Tampered`].
    pub fn open(&self, signature: &RoundSignature) -> Result<Vec<u8>, SealedError> {
        let sigma = xor(&self.v, &curve::pairing_hash(signature.0, self.u));
        let key = xor(&self.w, &curve::sha256(&[&sigma]));
        if curve::key_of(ephemeral(&sigma, &key)) != self.u {
            return Err(SealedError::NotOpened);
        }
        Aes256Gcm::new(&key.into())
            .decrypt(&self.nonce.into(), &self.text[..])
            .map_err(|_| SealedError::Tampered)
    }
}

/// Seals `message` so that the signature of `round` opens it.
///
/// # Errors
/// [`SealError::Cipher`] for messages beyond the cipher's 64 GiB.
pub fn seal_message<R: RngCore + CryptoRng>(
    beacon: &BeaconKey,
    round: u64,
    message: &[u8],
    rng: &mut R,
) -> Result<SealedMessage, SealError> {
    let key: [u8; 32] = random(rng);
    let nonce = random(rng);
    let wide: [u8; 64] = random(rng);
    let sigma = curve::sha256(&[&curve::scalar_bytes(&curve::scalar_from_be(&wide))]);
    let r = ephemeral(&sigma, &key);
    let mask = curve::pairing_hash(curve::times(curve::round_point(round), r), beacon.0);
    let text = Aes256Gcm::new(&key.into())
        .encrypt(&aes_gcm::Nonce::from(nonce), message)
        .map_err(|_| SealError::Cipher)?;
    let (v, w) = (xor(&sigma, &mask), xor(&key, &curve::sha256(&[&sigma])));
    Ok(SealedMessage { u: curve::key_of(r), v, w, text, nonce })
}

/// Seals weights for `round`: the bytes of a timelocked commit.
///
/// # Errors
/// [`SealError::TooLong`] when the chain would not store them: beyond 1,177 weights.
pub fn seal_weights<R: RngCore + CryptoRng>(
    beacon: &BeaconKey,
    round: u64,
    payload: &WeightsPayload,
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    let message = payload.encode();
    let length = sealed_length(message.len());
    if length > MAX_COMMIT_BYTES {
        return Err(SealError::TooLong(length));
    }
    seal_message(beacon, round, &message, rng).map(|sealed| sealed.to_bytes())
}

/// Bytes of a sealed message of `length` bytes: six fields with a length in front of each.
fn sealed_length(length: usize) -> usize {
    KEY_BYTES + 2 * 32 + length + TAG_BYTES + NONCE_BYTES + SUITE.len() + 6 * 8
}

/// The scalar that only those can compute who know both secrets.
fn ephemeral(sigma: &[u8; 32], key: &[u8; 32]) -> curve::Scalar {
    curve::scalar_from_be(&curve::sha256(&[sigma, key]))
}

fn random<const N: usize>(rng: &mut impl RngCore) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn xor(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

fn put_sized(out: &mut Vec<u8>, field: &[u8]) {
    out.extend_from_slice(&(field.len() as u64).to_le_bytes());
    out.extend_from_slice(field);
}

/// Reads fields off the front of some bytes.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], SealedError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SealedError::Truncated(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn stated(&mut self, field: &'static str) -> Result<u64, SealedError> {
        self.array(field).map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn sized(&mut self, field: &'static str) -> Result<&'a [u8], SealedError> {
        let split = usize::try_from(self.stated(field)?).ok();
        let (taken, rest) = split
            .and_then(|length| self.0.split_at_checked(length))
            .ok_or(SealedError::Truncated(field))?;
        self.0 = rest;
        Ok(taken)
    }

    fn sized_array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], SealedError> {
        let (found, expected) = (self.stated(field)?, N as u64);
        if found != expected {
            return Err(SealedError::FieldLength { field, found, expected });
        }
        self.array(field)
    }

    fn end(&self) -> Result<(), SealedError> {
        if self.0.is_empty() { Ok(()) } else { Err(SealedError::Trailing(self.0.len())) }
    }
}
