//! The arithmetic of weights, in the reference's order and precision: 32-bit floats up to the
//! emitted integers (docs/spec/chain.md#client-processing).

use super::{Uid, WeightsError};

/// The smallest divisor of [`normalize_scores`].
const MIN_SCORE_SUM: f32 = 1e-12;
/// What every neuron gets when fewer than the minimum have a weight.
const FLOOR_WEIGHT: f32 = 1e-5;
/// The reference's guard in [`normalize_max_weight`].
const EPSILON: f32 = 1e-7;

/// A chain score in [0, 1]: of 65,535.
pub fn u16_share(value: u16) -> f64 {
    f64::from(value) / f64::from(u16::MAX)
}

/// Scores divided by the larger of their absolute sum and 1e-12.
pub fn normalize_scores(scores: &[f32]) -> Vec<f32> {
    let absolute: Vec<f32> = scores.iter().map(|score| score.abs()).collect();
    let total = sum(&absolute).max(MIN_SCORE_SUM);
    scores.iter().map(|score| score / total).collect()
}

/// The chain library's choice of who gets a weight, and how much (sum 1).
///
/// `max_weight_limit` is a share in [0, 1]; `exclude_quantile`, of 65,535, leaves out the lowest
/// weights as far as `min_allowed` permits. No positive weight, or fewer neurons than
/// `min_allowed`: equal weights for all `n_neurons`, whatever `uids` says. Fewer positive weights
/// than `min_allowed`: 1e-5 for all neurons, plus each weight at its *position* in the argument,
/// which is its uid only when the uids are 0, 1, 2 and so on.
///
/// # Errors
/// Uids and weights differ in number, or a weight lies outside the subnet.
pub fn process_weights(
    uids: &[Uid],
    weights: &[f32],
    n_neurons: usize,
    min_allowed: u16,
    max_weight_limit: f64,
    exclude_quantile: u16,
) -> Result<Vec<(Uid, f32)>, WeightsError> {
    check_lengths(uids, weights)?;
    let min_allowed = usize::from(min_allowed);
    let positive: Vec<(Uid, f32)> = uids
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    if positive.is_empty() || n_neurons < min_allowed {
        return everyone(uniform(n_neurons));
    }
    if positive.len() < min_allowed {
        let floored = with_floor(weights, n_neurons)?;
        return everyone(normalize_max_weight(&floored, max_weight_limit));
    }
    let kept = exclude_lowest(positive, min_allowed, exclude_quantile);
    let (uids, weights): (Vec<Uid>, Vec<f32>) = kept.into_iter().unzip();
    let limited = normalize_max_weight(&weights, max_weight_limit);
    Ok(uids.into_iter().zip(limited).collect())
}

/// Weights with sum 1 of which none exceeds `limit` (a share), the surplus spread over the rest.
/// Equal weights when their sum is 0 or `limit` leaves no room.
pub fn normalize_max_weight(weights: &[f32], limit: f64) -> Vec<f32> {
    let mut sorted = weights.to_vec();
    sorted.sort_unstable_by(f32::total_cmp);
    let total = sum(&sorted);
    if sum(weights) == 0.0 || weights.len() as f64 * limit <= 1.0 {
        return uniform(weights.len());
    }
    let shares: Vec<f32> = sorted.iter().map(|weight| weight / total).collect();
    let clipped = match shares.last() {
        Some(largest) if *largest > limit as f32 => {
            let cutoff = cutoff_scale(&shares, limit) * total;
            weights.iter().map(|weight| weight.min(cutoff)).collect()
        }
        _ => weights.to_vec(),
    };
    let total = sum(&clipped);
    clipped.iter().map(|weight| weight / total).collect()
}

/// Integers of which the largest is 65,535, in the order given, rounded half to even; those that
/// round to zero are left out. A sum of zero gives none at all.
///
/// # Errors
/// Uids and weights differ in number, or a weight is negative, infinite or no number.
pub fn convert_for_emit(uids: &[Uid], weights: &[f32]) -> Result<Vec<(Uid, u16)>, WeightsError> {
    check_lengths(uids, weights)?;
    check_finite(weights)?;
    if let Some(position) = weights.iter().position(|weight| *weight < 0.0) {
        return Err(WeightsError::Negative(position));
    }
    let largest = weights.iter().copied().fold(0.0, f32::max);
    if largest == 0.0 {
        return Ok(Vec::new());
    }
    let scale = |weight: f32| f64::from(weight) / f64::from(largest) * f64::from(u16::MAX);
    Ok(uids
        .iter()
        .zip(weights)
        .map(|(uid, weight)| (*uid, scale(*weight).round_ties_even() as u16))
        .filter(|(_, value)| *value != 0)
        .collect())
}

fn check_lengths(uids: &[Uid], weights: &[f32]) -> Result<(), WeightsError> {
    let (n_uids, n_weights) = (uids.len(), weights.len());
    if n_uids == n_weights {
        Ok(())
    } else {
        Err(WeightsError::LengthMismatch { n_uids, n_weights })
    }
}

pub(super) fn check_finite(weights: &[f32]) -> Result<(), WeightsError> {
    match weights.iter().position(|weight| !weight.is_finite()) {
        Some(position) => Err(WeightsError::NotFinite(position)),
        None => Ok(()),
    }
}

/// Uids 0, 1, 2 and so on, `n` of them, on a subnet of `n_neurons`.
pub(super) fn first_uids(n: usize, n_neurons: usize) -> Result<Vec<Uid>, WeightsError> {
    let outside = WeightsError::OutsideSubnet { n_weights: n, n_neurons };
    if n > n_neurons {
        return Err(outside);
    }
    (0..n).map(|uid| u16::try_from(uid).map(Uid).map_err(|_| outside.clone())).collect()
}

fn everyone(weights: Vec<f32>) -> Result<Vec<(Uid, f32)>, WeightsError> {
    let uids = first_uids(weights.len(), weights.len())?;
    Ok(uids.into_iter().zip(weights).collect())
}

fn uniform(n: usize) -> Vec<f32> {
    vec![(1.0 / n as f64) as f32; n]
}

fn with_floor(weights: &[f32], n_neurons: usize) -> Result<Vec<f32>, WeightsError> {
    let mut floored = vec![FLOOR_WEIGHT; n_neurons];
    for (position, weight) in weights.iter().enumerate().filter(|(_, w)| **w > 0.0) {
        let slot = floored
            .get_mut(position)
            .ok_or(WeightsError::OutsideSubnet { n_weights: weights.len(), n_neurons })?;
        *slot += weight;
    }
    Ok(floored)
}

fn exclude_lowest(
    positive: Vec<(Uid, f32)>,
    min_allowed: usize,
    exclude_quantile: u16,
) -> Vec<(Uid, f32)> {
    let n_spare = positive.len().saturating_sub(min_allowed);
    let max_exclude = n_spare as f64 / positive.len() as f64;
    let mut sorted: Vec<f32> = positive.iter().map(|(_, weight)| *weight).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let lowest = quantile(&sorted, u16_share(exclude_quantile).min(max_exclude) as f32);
    let keep = |(_, weight): &(Uid, f32)| *weight >= lowest;
    positive.into_iter().filter(keep).collect()
}

/// The linear-interpolated quantile `q` of `sorted`, which is not empty.
fn quantile(sorted: &[f32], q: f32) -> f32 {
    let position = (sorted.len() - 1) as f32 * q;
    let below = position as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(sorted.len() - 1)]);
    let fraction = position - below as f32;
    if fraction >= 0.5 {
        high - (high - low) * (1.0 - fraction)
    } else {
        low + (high - low) * fraction
    }
}

/// Where to cut the rising `shares` so that after division by the new sum none exceeds `limit`.
fn cutoff_scale(shares: &[f32], limit: f64) -> f32 {
    let limit_f32 = limit as f32;
    let (mut cumulated, mut n_below, mut sum_below) = (0.0f32, 0usize, 0.0f32);
    let mut cumulative = Vec::with_capacity(shares.len());
    for (i, share) in shares.iter().enumerate() {
        cumulated += share;
        cumulative.push(cumulated);
        let if_cut_here = (shares.len() - i - 1) as f32 * share;
        n_below += usize::from(share / (if_cut_here + cumulated + EPSILON) < limit_f32);
    }
    // The reference indexes with -1 when none is below: Python's last element.
    let last = n_below.checked_sub(1).unwrap_or(shares.len() - 1);
    if let Some(sum) = cumulative.get(last) {
        sum_below = *sum;
    }
    let n_above = (shares.len() - n_below) as f64;
    (limit_f32 * sum_below - EPSILON) / (1.0 - limit * n_above) as f32
}

/// Pairwise summation in the reference's order: eight running sums in blocks of 128, halves above.
fn sum(values: &[f32]) -> f32 {
    if values.len() > 128 {
        let middle = values.len() / 2;
        let (left, right) = values.split_at(middle - middle % 8);
        return sum(left) + sum(right);
    }
    if values.len() < 8 {
        return values.iter().sum();
    }
    let (blocks, rest) = values.as_chunks::<8>();
    let mut lanes = [0.0f32; 8];
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane += value;
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let total = ((a + b) + (c + d)) + ((e + f) + (g + h));
    rest.iter().fold(total, |total, value| total + value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::WeightVector;
    use super::*;
    use crate::testing::{vector_json, vector_lines};

    fn floats(value: &Value) -> Vec<f32> {
        let numbers = value.as_array().unwrap().iter();
        numbers.map(|n| n.as_f64().unwrap() as f32).collect()
    }

    fn integers(value: &Value) -> Vec<i64> {
        let numbers = value.as_array().unwrap().iter();
        numbers.map(|n| n.as_i64().unwrap()).collect()
    }

    /// `None` when a uid is none: those are refused by the type.
    fn uids(value: &Value) -> Option<Vec<Uid>> {
        let uid = |n: i64| u16::try_from(n).map(Uid).ok();
        integers(value).into_iter().map(uid).collect()
    }

    #[track_caller]
    fn assert_close(ours: &[f32], theirs: &Value, context: &Value) {
        let theirs = floats(theirs);
        assert_eq!(ours.len(), theirs.len(), "{context}");
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() <= 1e-6, "{ours} {theirs} in {context}");
        }
    }

    fn cases<'a>(file: &'a Value, group: &str) -> &'a Vec<Value> {
        let cases = file[group].as_array().unwrap();
        assert!(!cases.is_empty(), "no {group}");
        cases
    }

    #[test]
    fn max_weight_matches_the_sdk() {
        let file: Value = vector_json("chain/vectors/weights.json");
        for case in cases(&file, "normalize_max_weight") {
            let limit = case["limit"].as_f64().unwrap();
            let ours = normalize_max_weight(&floats(&case["x"]), limit);
            assert_close(&ours, &case["y"], case);
        }
    }

    #[test]
    fn processing_matches_the_sdk() {
        let file: Value = vector_json("chain/vectors/weights.json");
        for case in cases(&file, "process_weights_for_netuid") {
            let processed = process_weights(
                &uids(&case["uids"]).unwrap(),
                &floats(&case["weights"]),
                case["n"].as_u64().unwrap() as usize,
                case["min_allowed_weights"].as_u64().unwrap() as u16,
                case["max_weight_limit"].as_f64().unwrap(),
                case["exclude_quantile"].as_u64().unwrap() as u16,
            );
            let (out_uids, weights): (Vec<Uid>, Vec<f32>) = processed.unwrap().into_iter().unzip();
            assert_eq!(out_uids, uids(&case["out_uids"]).unwrap(), "{case}");
            assert_close(&weights, &case["out_weights"], case);
            check_emit(&out_uids, &weights, case, 0);
        }
    }

    #[track_caller]
    fn check_emit(uids_in: &[Uid], weights: &[f32], case: &Value, tolerance: u16) {
        let emitted = convert_for_emit(uids_in, weights).unwrap();
        let (out_uids, values): (Vec<Uid>, Vec<u16>) = emitted.into_iter().unzip();
        assert_eq!(out_uids, uids(&case["emit_uids"]).unwrap(), "{case}");
        for (ours, theirs) in values.iter().zip(integers(&case["emit_weights"])) {
            assert!(i64::from(*ours).abs_diff(theirs) <= u64::from(tolerance), "{case}");
        }
    }

    #[test]
    fn emit_matches_the_sdk() {
        let file: Value = vector_json("chain/vectors/weights.json");
        for case in cases(&file, "convert_weights_and_uids_for_emit") {
            let weights = floats(&case["weights"]);
            check_emit(&uids(&case["uids"]).unwrap(), &weights, case, 0);
        }
        for case in cases(&file, "emit_errors") {
            let weights = floats(&case["weights"]);
            let refused =
                uids(&case["uids"]).is_none_or(|u| convert_for_emit(&u, &weights).is_err());
            assert!(refused, "{case}");
        }
    }

    #[test]
    fn scores_become_the_weights_of_the_reference() {
        for case in vector_lines::<Value>("validation/vectors/weights.jsonl") {
            let (input, output) = (&case["input"], &case["output"]);
            let scores = floats(&input["scores"]);
            let normalized = normalize_scores(&scores);
            assert_close(&normalized, &output["normalized"], &case);
            let min_allowed = input["min_allowed_weights"].as_u64().unwrap() as u16;
            let limit = input["max_weight_limit"].as_f64().unwrap();
            let all = first_uids(scores.len(), scores.len()).unwrap();
            let processed =
                process_weights(&all, &normalized, all.len(), min_allowed, limit, 0).unwrap();
            let (out_uids, weights): (Vec<Uid>, Vec<f32>) = processed.into_iter().unzip();
            assert_eq!(out_uids, uids(&output["processed_uids"]).unwrap());
            assert_close(&weights, &output["processed_weights"], &case);
            check_emit(&out_uids, &weights, output, 1);
            let limit = (limit * 65535.0).round() as u16;
            let vector = WeightVector::from_scores(&scores, all.len(), min_allowed, limit).unwrap();
            let emitted: Vec<Uid> = vector.entries().iter().map(|(uid, _)| *uid).collect();
            assert_eq!(emitted, uids(&output["emit_uids"]).unwrap());
        }
    }

    #[test]
    fn shares_match_the_sdk() {
        let file: Value = vector_json("chain/vectors/convert.json");
        for case in cases(&file, "u16") {
            let share = u16_share(case["u16"].as_u64().unwrap() as u16);
            let error = (share - case["value"].as_f64().unwrap()).abs();
            assert!(error <= 1e-15, "{case}");
        }
    }

    proptest! {
        #[test]
        fn the_sum_is_near_the_exact_one(values in proptest::collection::vec(0.0f32..1.0, 0..700)) {
            let exact: f64 = values.iter().map(|v| f64::from(*v)).sum();
            prop_assert!((f64::from(sum(&values)) - exact).abs() <= 1e-4);
        }
    }
}
