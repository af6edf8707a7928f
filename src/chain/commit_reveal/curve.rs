//! BLS12-381 as the drand quicknet uses it: signatures on G1, keys on G2, RFC 9380 hashing.
//!
//! The only file that names the curve library. Points come in through validated decoding alone: on
//! the curve, in the subgroup, in their one encoding.

use ark_bls12_381::{Bls12_381, Fr, G1Affine, G1Projective, G2Affine, g1};
use ark_ec::hashing::HashToCurve;
use ark_ec::hashing::curve_maps::wb::WBMap;
use ark_ec::hashing::map_to_curve_hasher::MapToCurveBasedHasher;
use ark_ec::pairing::Pairing;
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::field_hashers::DefaultFieldHasher;
use ark_ff::{PrimeField, Zero};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};

/// A point of the signature group.
pub(super) type SignaturePoint = G1Affine;
/// A point of the key group.
pub(super) type KeyPoint = G2Affine;
/// A number modulo the groups' order.
pub(super) type Scalar = Fr;

/// Bytes of an encoded signature.
pub(super) const SIGNATURE_BYTES: usize = 48;
/// Bytes of an encoded key.
pub(super) const KEY_BYTES: usize = 96;

/// Domain of the quicknet's hash to G1.
const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

type HashToG1 =
    MapToCurveBasedHasher<G1Projective, DefaultFieldHasher<Sha256, 128>, WBMap<g1::Config>>;

/// SHA-256 over the parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// The point that a round's signature is made of: SHA-256 of the round, big endian, hashed to G1.
#[expect(clippy::expect_used, reason = "the map is total and its constants are the library's own")]
pub(super) fn round_point(round: u64) -> SignaturePoint {
    let message = sha256(&[&round.to_be_bytes()]);
    HashToG1::new(DOMAIN)
        .and_then(|hasher| hasher.hash(&message))
        .expect("every message has a point on the curve")
}

/// Reads a G1 point; `None` for anything but the one encoding of a point of the subgroup.
pub(super) fn read_signature(bytes: &[u8; SIGNATURE_BYTES]) -> Option<SignaturePoint> {
    G1Affine::deserialize_compressed(&bytes[..]).ok()
}

/// Reads a G2 point; `None` for anything but the one encoding of a point of the subgroup.
pub(super) fn read_key(bytes: &[u8; KEY_BYTES]) -> Option<KeyPoint> {
    G2Affine::deserialize_compressed(&bytes[..]).ok()
}

/// The encoding of a G1 point.
pub(super) fn signature_bytes(point: &SignaturePoint) -> [u8; SIGNATURE_BYTES] {
    encoded(point)
}

/// The encoding of a G2 point.
pub(super) fn key_bytes(point: &KeyPoint) -> [u8; KEY_BYTES] {
    encoded(point)
}

/// A scalar's 32 bytes, little endian.
pub(super) fn scalar_bytes(scalar: &Scalar) -> [u8; 32] {
    encoded(scalar)
}

#[expect(clippy::expect_used, reason = "the array is as long as the encoding: tests use them all")]
fn encoded<const N: usize>(value: &impl CanonicalSerialize) -> [u8; N] {
    let mut bytes = [0; N];
    value.serialize_compressed(&mut bytes[..]).expect("the array holds the encoding");
    bytes
}

/// A scalar from big-endian bytes, reduced.
pub(super) fn scalar_from_be(bytes: &[u8]) -> Scalar {
    Fr::from_be_bytes_mod_order(bytes)
}

/// `point` times `scalar`.
pub(super) fn times<P: AffineRepr<ScalarField = Scalar>>(point: P, scalar: Scalar) -> P {
    (point * scalar).into_affine()
}

/// The generator of G2 times `scalar`.
pub(super) fn key_of(scalar: Scalar) -> KeyPoint {
    times(G2Affine::generator(), scalar)
}

/// SHA-256 of the encoded pairing of both points.
pub(super) fn pairing_hash(signature: SignaturePoint, key: KeyPoint) -> [u8; 32] {
    let bytes: [u8; 576] = encoded(&Bls12_381::pairing(signature, key));
    sha256(&[&bytes])
}

/// Whether `signature` is the round's point times the secret of `key`.
pub(super) fn signs(signature: SignaturePoint, key: KeyPoint, round: u64) -> bool {
    let pairs = ([-signature, round_point(round)], [G2Affine::generator(), key]);
    Bls12_381::multi_pairing(pairs.0, pairs.1).is_zero()
}

/// Whether the point is the group's neutral element, which nobody's key or signature may be.
pub(super) fn is_neutral(point: &impl AffineRepr) -> bool {
    point.is_zero()
}
