//! From moving-average scores to the weights that are sent: docs/spec/mechanism.md#epochs and the
//! client side of docs/spec/chain.md#client-processing.
//!
//! Validators are judged by how well their weights agree, so this repeats the reference's
//! arithmetic: 32-bit floats up to the emitted integers, and sums in the reference's order. A
//! [`WeightVector`] is the only form that leaves: sorted by uid, each uid once, no zero.

use serde::{Deserialize, Serialize};

use super::Uid;
use crate::wallet::blake2b_256;

mod processing;

use processing::{check_finite, first_uids};
pub use processing::{
    convert_for_emit, normalize_max_weight, normalize_scores, process_weights, u16_share,
};

/// Why scores or weights make no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// As many uids as weights are needed.
    #[error("cannot pair {n_uids} uids with {n_weights} weights: give one weight per uid")]
    LengthMismatch {
        /// How many uids came.
        n_uids: usize,
        /// How many weights came.
        n_weights: usize,
    },
    /// A weight or score is infinite or no number.
    #[error("the weight at position {0} is not finite: drop that score first")]
    NotFinite(usize),
    /// A weight is below zero.
    #[error("the weight at position {0} is negative: the chain has no such weight")]
    Negative(usize),
    /// More scores than neurons, or more neurons than uids.
    #[error("{n_weights} weights do not fit {n_neurons} neurons: resync the metagraph first")]
    OutsideSubnet {
        /// How many weights came.
        n_weights: usize,
        /// How many neurons the subnet has.
        n_neurons: usize,
    },
    /// Nothing is left to set.
    #[error("no weight is left to set: the subnet is empty or all weights round to zero")]
    Empty,
    /// A uid is named twice.
    #[error("uid {0} is named twice in one weight vector")]
    DuplicateUid(Uid),
    /// A zero among the entries.
    #[error("uid {0} has weight zero: leave it out of the vector")]
    ZeroWeight(Uid),
}

/// The weights to set: sorted by uid, each uid once, no value zero, never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(Uid, u16)>", into = "Vec<(Uid, u16)>")]
pub struct WeightVector(Vec<(Uid, u16)>);

impl WeightVector {
    /// The vector for `scores[i]` of uid `i`: normalised, limited to a share of
    /// `max_weight_limit` / 65,535 each, scaled so that the largest is 65,535, zeros left out.
    /// All scores zero, or fewer neurons than the minimum: equal weights for everyone.
    ///
    /// # Errors
    /// More scores than neurons, no neurons, or a score that is infinite or no number.
    pub fn from_scores(
        scores: &[f32],
        n_neurons: usize,
        min_allowed_weights: u16,
        max_weight_limit: u16,
    ) -> Result<Self, WeightsError> {
        let normalized = normalize_scores(scores);
        check_finite(scores)?;
        let uids = first_uids(scores.len(), n_neurons)?;
        let limit = u16_share(max_weight_limit);
        let weights =
            process_weights(&uids, &normalized, n_neurons, min_allowed_weights, limit, 0)?;
        let (uids, weights): (Vec<_>, Vec<_>) = weights.into_iter().unzip();
        Self::new(convert_for_emit(&uids, &weights)?)
    }

    /// Sorts the entries by uid.
    ///
    /// # Errors
    /// No entry, a uid named twice, or a value of zero.
    pub fn new(mut entries: Vec<(Uid, u16)>) -> Result<Self, WeightsError> {
        entries.sort_unstable_by_key(|(uid, _)| *uid);
        if entries.is_empty() {
            return Err(WeightsError::Empty);
        }
        if let Some((uid, _)) = entries.iter().find(|(_, value)| *value == 0) {
            return Err(WeightsError::ZeroWeight(*uid));
        }
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(WeightsError::DuplicateUid(pair[0].0)),
            None => Ok(Self(entries)),
        }
    }

    /// Uids rising, with their weights.
    pub fn entries(&self) -> &[(Uid, u16)] {
        &self.0
    }

    /// BLAKE2b-256 over each entry's uid and value, both little endian: tells vectors apart.
    pub fn hash(&self) -> [u8; 32] {
        let bytes: Vec<u8> = self
            .0
            .iter()
            .flat_map(|(uid, value)| [uid.0.to_le_bytes(), value.to_le_bytes()])
            .flatten()
            .collect();
        blake2b_256(&bytes)
    }
}

impl TryFrom<Vec<(Uid, u16)>> for WeightVector {
    type Error = WeightsError;

    fn try_from(entries: Vec<(Uid, u16)>) -> Result<Self, Self::Error> {
        Self::new(entries)
    }
}

impl From<WeightVector> for Vec<(Uid, u16)> {
    fn from(vector: WeightVector) -> Self {
        vector.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bad_entries_and_scores_make_no_vector() {
        let vector = |entries: &[(u16, u16)]| {
            WeightVector::new(entries.iter().map(|(uid, v)| (Uid(*uid), *v)).collect())
        };
        assert_eq!(vector(&[]), Err(WeightsError::Empty));
        assert_eq!(vector(&[(3, 1), (1, 2), (3, 4)]), Err(WeightsError::DuplicateUid(Uid(3))));
        assert_eq!(vector(&[(3, 1), (1, 0)]), Err(WeightsError::ZeroWeight(Uid(1))));
        let scores = |scores: &[f32], n| WeightVector::from_scores(scores, n, 1, u16::MAX);
        assert_eq!(scores(&[1.0, f32::NAN], 2), Err(WeightsError::NotFinite(1)));
        assert_eq!(scores(&[], 0), Err(WeightsError::Empty));
        assert_eq!(
            scores(&[1.0, 1.0], 1),
            Err(WeightsError::OutsideSubnet { n_weights: 2, n_neurons: 1 })
        );
    }

    #[test]
    fn entries_are_sorted_and_the_hash_tells_vectors_apart() {
        let a = WeightVector::new(vec![(Uid(9), 5), (Uid(2), 7)]).unwrap();
        let b = WeightVector::new(vec![(Uid(2), 7), (Uid(9), 5)]).unwrap();
        assert_eq!(a.entries(), [(Uid(2), 7), (Uid(9), 5)]);
        assert_eq!(a.hash(), b.hash());
        let c = WeightVector::new(vec![(Uid(2), 5), (Uid(9), 7)]).unwrap();
        assert_ne!(a.hash(), c.hash());
        let text = serde_json::to_string(&a).unwrap();
        assert_eq!(text, "[[2,7],[9,5]]");
        assert_eq!(serde_json::from_str::<WeightVector>(&text).unwrap(), a);
        assert!(serde_json::from_str::<WeightVector>("[[2,7],[2,5]]").is_err());
    }

    proptest! {
        #[test]
        fn better_scores_never_weigh_less(
            scores in proptest::collection::vec(0.0f32..10.0, 1..300),
            min_allowed in 0u16..400,
            limit: u16,
        ) {
            let n = scores.len();
            let vector = WeightVector::from_scores(&scores, n, min_allowed, limit).unwrap();
            let entries = vector.entries();
            prop_assert!(entries.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert_eq!(entries.iter().map(|(_, value)| *value).max(), Some(u16::MAX));
            let mut by_score: Vec<_> = entries.to_vec();
            by_score.sort_by(|a, b| {
                scores[usize::from(a.0.0)].total_cmp(&scores[usize::from(b.0.0)]).then(a.1.cmp(&b.1))
            });
            prop_assert!(by_score.is_sorted_by_key(|(_, value)| *value));
        }

        #[test]
        fn any_bits_are_answered_without_a_panic(
            bits in proptest::collection::vec(any::<u32>(), 0..40),
            n in 0usize..60, min_allowed: u16, limit: u16, exclude: u16
        ) {
            let scores: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            let _ = WeightVector::from_scores(&scores, n, min_allowed % 64, limit);
            let uids: Vec<Uid> = (0..scores.len() as u16).map(Uid).collect();
            let limit = u16_share(limit);
            let _ = process_weights(&uids, &scores, n, min_allowed % 64, limit, exclude);
        }
    }
}
