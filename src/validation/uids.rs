//! Chooses the miners that a step asks (docs/spec/mechanism.md#candidates).

use std::collections::HashSet;
use std::hash::Hash;

use rand::Rng;
use rand::seq::index;

/// The data of a neuron that the choice needs. `K` is any type of coldkey, `A` of IP address.
#[derive(Debug, Clone, PartialEq)]
pub struct Neuron<K, A> {
    /// Whether the neuron announces an address other than 0.0.0.0.
    pub is_serving: bool,
    /// Whether the neuron holds a validator permit.
    pub validator_permit: bool,
    /// Stake of the neuron, in TAO.
    pub stake: f64,
    /// The coldkey that owns the neuron.
    pub coldkey: K,
    /// IP address of the neuron's axon.
    pub ip: A,
}

/// The rules that exclude neurons from being asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eligibility<'a> {
    /// This validator's own uid, which is never asked.
    pub own_uid: u16,
    /// A permit holder with more stake than this, in TAO, counts as a validator.
    pub vpermit_tao_limit: f64,
    /// Whether to ask only one neuron of each coldkey.
    pub unique_coldkeys: bool,
    /// Whether to ask only one neuron at each IP address.
    pub unique_ips: bool,
    /// Uids not to ask. They still use up their coldkey and IP address
    /// (docs/spec/mechanism.md#quirk-45).
    pub exclude: &'a [u16],
}

/// No miner can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("looked for {wanted} miners to ask, but none is eligible; wait for miners to serve")]
pub struct NoMiners {
    /// Number of miners that were to be asked.
    pub wanted: usize,
}

impl Eligibility<'_> {
    /// Whether a neuron serves and does not count as a validator.
    pub fn is_available<K, A>(&self, neuron: &Neuron<K, A>) -> bool {
        let is_validator = neuron.validator_permit && neuron.stake > self.vpermit_tao_limit;
        neuron.is_serving && !is_validator
    }

    /// The uids that may be asked, in ascending order. `neurons` are in order of uid, from 0.
    pub fn candidates<K, A>(&self, neurons: &[Neuron<K, A>]) -> Vec<u16>
    where
        K: Eq + Hash,
        A: Eq + Hash,
    {
        let mut coldkeys = HashSet::new();
        let mut ips = HashSet::new();
        let mut candidates = Vec::new();
        for (uid, neuron) in (0..=u16::MAX).zip(neurons) {
            let is_taken = (self.unique_coldkeys && coldkeys.contains(&neuron.coldkey))
                || (self.unique_ips && ips.contains(&neuron.ip));
            if uid == self.own_uid || is_taken || !self.is_available(neuron) {
                continue;
            }
            coldkeys.insert(&neuron.coldkey);
            ips.insert(&neuron.ip);
            if !self.exclude.contains(&uid) {
                candidates.push(uid);
            }
        }
        candidates
    }
}

/// Draws `wanted` of the candidates at random, without repeats and in random order; returns all of
/// them in their order if there are fewer.
///
/// # Errors
///
/// [`NoMiners`] if `wanted` is positive and there is no candidate.
pub fn sample<R: Rng + ?Sized>(
    candidates: &[u16],
    wanted: usize,
    rng: &mut R,
) -> Result<Vec<u16>, NoMiners> {
    if candidates.is_empty() && wanted > 0 {
        return Err(NoMiners { wanted });
    }
    if candidates.len() < wanted {
        return Ok(candidates.to_vec());
    }
    let drawn = index::sample(rng, candidates.len(), wanted);
    Ok(drawn.iter().map(|idx| candidates[idx]).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use serde::Deserialize;

    use super::*;
    use crate::testing::cases;

    #[derive(Deserialize)]
    struct Input {
        own_uid: u16,
        neurons: Vec<RecordedNeuron>,
        vpermit_tao_limit: f64,
        k: usize,
        exclude: Vec<u16>,
        unique_coldkeys: bool,
        unique_ips: bool,
    }

    #[derive(Deserialize)]
    struct RecordedNeuron {
        serving: bool,
        permit: bool,
        stake: f64,
        coldkey: String,
        ip: String,
    }

    #[derive(Deserialize)]
    struct Output {
        available: Vec<bool>,
        candidates: Option<Vec<u16>>,
        result: Option<String>,
        size: Option<usize>,
    }

    fn neurons(input: &Input) -> Vec<Neuron<&str, &str>> {
        let recorded = input.neurons.iter();
        recorded
            .map(|neuron| Neuron {
                is_serving: neuron.serving,
                validator_permit: neuron.permit,
                stake: neuron.stake,
                coldkey: neuron.coldkey.as_str(),
                ip: neuron.ip.as_str(),
            })
            .collect()
    }

    fn eligibility(input: &Input) -> Eligibility<'_> {
        Eligibility {
            own_uid: input.own_uid,
            vpermit_tao_limit: input.vpermit_tao_limit,
            unique_coldkeys: input.unique_coldkeys,
            unique_ips: input.unique_ips,
            exclude: &input.exclude,
        }
    }

    #[test]
    fn vectors_agree() {
        let mut rng = StdRng::seed_from_u64(1);
        for case in cases::<Input, Output>("uid_selection") {
            let (id, input, output) = case.into_parts();
            let (eligibility, neurons) = (eligibility(&input), neurons(&input));
            let available = neurons.iter().map(|one| eligibility.is_available(one));
            assert_eq!(available.collect::<Vec<_>>(), output.available, "{id}");
            let candidates = eligibility.candidates(&neurons);
            let drawn = sample(&candidates, input.k, &mut rng);
            let Some(expected) = &output.candidates else {
                assert_eq!(drawn, Err(NoMiners { wanted: input.k }), "{id}");
                continue;
            };
            assert_eq!(&candidates, expected, "{id}");
            let drawn = drawn.unwrap();
            assert_eq!(Some(drawn.len()), output.size, "{id}");
            if output.result.as_deref() == Some("all candidates in order") {
                assert_eq!(drawn, candidates, "{id}");
            }
        }
    }

    proptest! {
        #[test]
        fn samples_have_no_repeats(n in 1..300_u16, wanted in 0..300_usize, seed: u64) {
            let candidates: Vec<u16> = (0..n).collect();
            let mut rng = StdRng::seed_from_u64(seed);
            let drawn = sample(&candidates, wanted, &mut rng).unwrap();
            let distinct: BTreeSet<u16> = drawn.iter().copied().collect();
            prop_assert_eq!(drawn.len(), wanted.min(candidates.len()));
            prop_assert_eq!(distinct.len(), drawn.len());
            prop_assert!(distinct.iter().all(|uid| *uid < n));
        }
    }
}
