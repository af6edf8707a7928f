//! Chooses the next token from the logits of one sequence.
//!
//! The order is the usual one: temperature, then the `top_k` most likely tokens, then the smallest
//! set that reaches `top_p` within those. Each request has its own generator and seed, so an answer
//! does not depend on the engine's other requests.

use std::cmp::Ordering;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::request::GenerateSettings;

/// Number of candidates that are sorted first if only `top_p` limits them.
const FIRST_CANDIDATES: usize = 64;

/// The sampling state of one request.
#[derive(Clone, Debug)]
pub struct Sampler {
    temperature: f64,
    top_p: f64,
    top_k: usize,
    random: ChaCha8Rng,
}

impl Sampler {
    /// A sampler for `settings`, which must have passed [`GenerateSettings::check`].
    pub fn new(settings: &GenerateSettings) -> Self {
        Self {
            temperature: settings.temperature,
            top_p: settings.top_p,
            top_k: settings.top_k,
            random: ChaCha8Rng::seed_from_u64(settings.seed),
        }
    }

    /// The next token's id, an index into `logits`; `None` if no logit is finite.
    pub fn sample(&mut self, logits: &[f32]) -> Option<u32> {
        if self.temperature == 0.0 || self.top_k == 1 {
            return likeliest(logits);
        }
        let draw = self.random.random::<f64>();
        let candidates = self.candidates(logits)?;
        pick(&candidates, draw)
    }

    /// The tokens to choose from, with weights relative to the most likely one.
    fn candidates(&self, logits: &[f32]) -> Option<Vec<Candidate>> {
        let largest = f64::from(logits[likeliest(logits)? as usize]);
        let weigh = |(idx, logit): (usize, &f32)| Candidate {
            id: idx as u32,
            weight: ((f64::from(*logit) - largest) / self.temperature).exp(),
        };
        let mut all: Vec<Candidate> =
            logits.iter().enumerate().filter(|(_, logit)| logit.is_finite()).map(weigh).collect();
        if self.top_k > 0 {
            keep_largest(&mut all, self.top_k);
        }
        if self.top_p < 1.0 {
            keep_nucleus(&mut all, self.top_p);
        }
        Some(all)
    }
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    id: u32,
    weight: f64,
}

/// Orders the heavier first, and of equal ones the lower id first, so that the order is total.
fn by_weight(one: &Candidate, other: &Candidate) -> Ordering {
    let weight = other.weight.total_cmp(&one.weight);
    weight.then(one.id.cmp(&other.id))
}

/// The index of the largest finite logit, the first of equal ones.
fn likeliest(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(usize, f32)> = None;
    for (idx, &logit) in logits.iter().enumerate() {
        if logit.is_finite() && best.is_none_or(|(_, largest)| logit > largest) {
            best = Some((idx, logit));
        }
    }
    best.map(|(idx, _)| idx as u32)
}

/// Keeps the `count` heaviest candidates, without sorting them.
fn keep_largest(candidates: &mut Vec<Candidate>, count: usize) {
    if count < candidates.len() {
        candidates.select_nth_unstable_by(count, by_weight);
        candidates.truncate(count);
    }
}

/// Keeps the fewest heaviest candidates whose share of the total weight is at least `top_p`.
fn keep_nucleus(candidates: &mut Vec<Candidate>, top_p: f64) {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let mut n_ordered = FIRST_CANDIDATES;
    loop {
        n_ordered = n_ordered.min(candidates.len());
        if n_ordered < candidates.len() {
            candidates.select_nth_unstable_by(n_ordered, by_weight);
        }
        candidates[..n_ordered].sort_unstable_by(by_weight);
        if let Some(count) = nucleus(&candidates[..n_ordered], top_p * total) {
            return candidates.truncate(count);
        }
        if n_ordered == candidates.len() {
            return;
        }
        n_ordered *= 8;
    }
}

/// Number of sorted candidates that reach `wanted`; `None` if all together do not.
fn nucleus(ordered: &[Candidate], wanted: f64) -> Option<usize> {
    let mut sum = 0.0;
    ordered
        .iter()
        .position(|candidate| {
            sum += candidate.weight;
            sum >= wanted
        })
        .map(|idx| idx + 1)
}

/// The candidate at the share `draw`, in [0, 1), of the total weight.
fn pick(candidates: &[Candidate], draw: f64) -> Option<u32> {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let mut left = draw * total;
    for candidate in candidates {
        left -= candidate.weight;
        if left < 0.0 {
            return Some(candidate.id);
        }
    }
    // Rounding can leave a remainder after the last candidate.
    candidates.last().map(|candidate| candidate.id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(temperature: f64, top_k: usize, top_p: f64, seed: u64) -> GenerateSettings {
        GenerateSettings { temperature, top_k, top_p, seed, ..GenerateSettings::greedy(1) }
    }

    fn shares(settings: &GenerateSettings, logits: &[f32], n_draws: usize) -> Vec<f64> {
        let mut sampler = Sampler::new(settings);
        let mut counts = vec![0.0; logits.len()];
        for _ in 0..n_draws {
            counts[sampler.sample(logits).unwrap() as usize] += 1.0 / n_draws as f64;
        }
        counts
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_largest() {
        let mut sampler = Sampler::new(&settings(0.0, 0, 1.0, 1));
        assert_eq!(sampler.sample(&[1.0, 3.0, 3.0, f32::NAN]), Some(1));
        assert_eq!(sampler.sample(&[f32::NAN, f32::INFINITY]), None);
        assert_eq!(sampler.sample(&[]), None);
    }

    #[test]
    fn draws_follow_the_softmax() {
        let logits: Vec<f32> = [0.5f32, 0.3, 0.2].iter().map(|share| share.ln()).collect();
        let found = shares(&settings(1.0, 0, 1.0, 5), &logits, 20_000);
        for (found, wanted) in found.iter().zip([0.5, 0.3, 0.2]) {
            assert!((found - wanted).abs() < 0.02, "{found} is not {wanted}");
        }
    }

    #[test]
    fn temperature_sharpens_before_the_cut() {
        // At temperature 0.5 the shares 0.5, 0.3, 0.2 become 25/38, 9/38, 4/38.
        let logits: Vec<f32> = [0.5f32, 0.3, 0.2].iter().map(|share| share.ln()).collect();
        let found = shares(&settings(0.5, 0, 0.85, 5), &logits, 20_000);
        assert_eq!(found[2], 0.0);
        assert!((found[0] - 25.0 / 34.0).abs() < 0.02);
    }

    #[test]
    fn top_p_is_a_share_of_what_top_k_left() {
        let logits: Vec<f32> = [0.4f32, 0.3, 0.2, 0.1].iter().map(|share| share.ln()).collect();
        // Of all tokens, 0.5 needs two; of the two most likely, the first has 4/7 and is enough.
        let all = shares(&settings(1.0, 0, 0.5, 5), &logits, 500);
        assert!(all[1] > 0.0 && all[2] == 0.0);
        let cut = shares(&settings(1.0, 2, 0.5, 5), &logits, 500);
        assert_eq!(cut, [1.0, 0.0, 0.0, 0.0].map(|share| cut[0] * share));
    }

    #[test]
    fn a_seed_repeats_and_another_differs() {
        let logits: Vec<f32> = (0..1000).map(|idx| (idx % 7) as f32).collect();
        let draw = |seed| {
            let mut sampler = Sampler::new(&settings(0.8, 50, 0.95, seed));
            (0..20).map(|_| sampler.sample(&logits)).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    /// The kept set, computed by a full sort, to compare with the selection.
    fn kept_by_sorting(logits: &[f32], top_k: usize, top_p: f64) -> Vec<u32> {
        let mut all: Vec<(usize, f64)> =
            logits.iter().map(|logit| f64::from(*logit).exp()).enumerate().collect();
        all.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        all.truncate(if top_k == 0 { all.len() } else { top_k });
        let total: f64 = all.iter().map(|(_, weight)| weight).sum();
        let mut before = 0.0;
        let mut kept = Vec::new();
        for (idx, weight) in all {
            if top_p < 1.0 && before >= top_p * total * (1.0 + 1e-12) {
                break;
            }
            before += weight;
            kept.push(idx as u32);
        }
        kept.sort_unstable();
        kept
    }

    proptest! {
        #[test]
        fn selection_keeps_what_sorting_keeps(
            logits in prop::collection::vec(-8.0f32..8.0, 1..700),
            top_k in 0usize..900,
            top_p in 0.05f64..1.0,
        ) {
            let sampler = Sampler::new(&settings(1.0, top_k, top_p, 0));
            let mut kept: Vec<u32> = sampler
                .candidates(&logits)
                .unwrap()
                .iter()
                .map(|candidate| candidate.id)
                .collect();
            kept.sort_unstable();
            prop_assert_eq!(kept, kept_by_sorting(&logits, top_k, top_p));
        }

        #[test]
        fn a_sample_is_always_a_finite_logit(
            logits in prop::collection::vec(prop::num::f32::ANY, 0..100),
            temperature in 0.0f64..3.0,
            seed: u64,
        ) {
            let sample = Sampler::new(&settings(temperature, 5, 0.9, seed)).sample(&logits);
            match sample {
                Some(id) => prop_assert!(logits[id as usize].is_finite()),
                None => prop_assert!(!logits.iter().any(|logit| logit.is_finite())),
            }
        }
    }
}
