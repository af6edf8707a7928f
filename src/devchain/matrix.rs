//! Vectors and sparse matrices for the epoch, with the runtime's order of operations.
//!
//! A row is a list of (column, value); columns beyond the other operand's length are ignored. A
//! column that appears twice counts twice.

use super::fixed::I32F32;

/// One neuron's entries: (column, value).
pub(super) type Row = Vec<(usize, I32F32)>;
/// One row per neuron.
pub(super) type Matrix = Vec<Row>;

/// Divides the values by their sum, unless that is zero.
pub(super) fn normalize(values: &mut [I32F32]) {
    let sum: I32F32 = values.iter().copied().sum();
    if sum != I32F32::ZERO {
        values.iter_mut().for_each(|value| *value = *value / sum);
    }
}

/// Divides each row by its sum, if that is positive.
pub(super) fn normalize_rows(matrix: &mut Matrix) {
    for row in matrix {
        let sum = row_sum(row);
        if sum > I32F32::ZERO {
            row.iter_mut().for_each(|(_, value)| *value = *value / sum);
        }
    }
}

/// Divides each column by its sum, if that is not zero.
pub(super) fn normalize_columns(matrix: &mut Matrix) {
    let ones = vec![I32F32::ONE; matrix.len()];
    let sums = weigh_columns(matrix, &ones);
    divide_columns(matrix, &sums);
}

/// Divides each column by its largest entry.
pub(super) fn scale_columns_to_max(matrix: &mut Matrix) {
    let mut largest = vec![I32F32::ZERO; matrix.len()];
    for (column, value) in matrix.iter().flatten() {
        if let Some(max) = largest.get_mut(*column) {
            *max = (*max).max(*value);
        }
    }
    divide_columns(matrix, &largest);
}

fn divide_columns(matrix: &mut Matrix, divisors: &[I32F32]) {
    for (column, value) in matrix.iter_mut().flatten() {
        match divisors.get(*column) {
            Some(divisor) if *divisor != I32F32::ZERO => *value = *value / *divisor,
            _ => {}
        }
    }
}

/// For each column, the sum of its entries, each multiplied by its row's weight.
pub(super) fn weigh_columns(matrix: &Matrix, row_weights: &[I32F32]) -> Vec<I32F32> {
    let mut sums = vec![I32F32::ZERO; matrix.len()];
    for (row, weight) in matrix.iter().zip(row_weights) {
        for (column, value) in row {
            if let Some(sum) = sums.get_mut(*column) {
                *sum = *sum + *weight * *value;
            }
        }
    }
    sums
}

/// For each row, the sum of its entries, each multiplied by its column's weight.
pub(super) fn weigh_rows(matrix: &Matrix, column_weights: &[I32F32]) -> Vec<I32F32> {
    let weigh = |(column, value): &(usize, I32F32)| {
        column_weights.get(*column).map_or(I32F32::ZERO, |weight| *weight * *value)
    };
    let row_total = |row: &Row| row.iter().map(weigh).sum();
    matrix.iter().map(row_total).collect()
}

/// The sum of a row's values.
pub(super) fn row_sum(row: &Row) -> I32F32 {
    row.iter().map(|(_, value)| *value).sum()
}

/// Each row multiplied by its weight.
pub(super) fn scale_rows(matrix: &Matrix, row_weights: &[I32F32]) -> Matrix {
    let scale = |(row, weight): (&Row, &I32F32)| {
        row.iter().map(|(column, value)| (*column, *weight * *value)).collect()
    };
    matrix.iter().zip(row_weights).map(scale).collect()
}

/// Limits each entry to its column's ceiling; entries under a ceiling of zero are removed.
pub(super) fn clip_columns(matrix: &Matrix, ceilings: &[I32F32]) -> Matrix {
    let clip = |(column, value): &(usize, I32F32)| {
        let ceiling = ceilings.get(*column).copied().unwrap_or(I32F32::ZERO);
        match *value > ceiling {
            true if ceiling == I32F32::ZERO => None,
            true => Some((*column, ceiling)),
            false => Some((*column, *value)),
        }
    };
    matrix.iter().map(|row| row.iter().filter_map(clip).collect()).collect()
}

/// Interpolates linearly: `from` at ratio 0, `to` at ratio 1. Keeps positive entries only, unless
/// the ratio is 0 or 1.
pub(super) fn interpolate(from: &Matrix, to: &Matrix, ratio: I32F32) -> Matrix {
    if ratio == I32F32::ZERO {
        return from.clone();
    }
    if ratio == I32F32::ONE {
        return to.clone();
    }
    combine(from, to, |a, b| a + ratio * (b - a))
}

/// The moving average `alpha` * `new` + (1 - `alpha`) * `old`; keeps positive entries only.
pub(super) fn moving_average(new: &Matrix, old: &Matrix, alpha: I32F32) -> Matrix {
    let kept = I32F32::ONE - alpha;
    combine(new, old, |new, old| alpha * new + kept * old)
}

/// Combines two matrices entry by entry; keeps positive results only.
fn combine(a: &Matrix, b: &Matrix, with: impl Fn(I32F32, I32F32) -> I32F32) -> Matrix {
    let columns = a.len();
    let combine_rows = |(a, b): (&Row, &Row)| {
        let (a, b) = (dense(a, columns), dense(b, columns));
        let values = a.into_iter().zip(b).map(|(a, b)| with(a, b));
        let positive = |(_, value): &(usize, I32F32)| *value > I32F32::ZERO;
        values.enumerate().filter(positive).collect()
    };
    a.iter().zip(b).map(combine_rows).collect()
}

fn dense(row: &Row, columns: usize) -> Vec<I32F32> {
    let mut values = vec![I32F32::ZERO; columns];
    for (column, value) in row {
        if let Some(slot) = values.get_mut(*column) {
            *slot = *slot + *value;
        }
    }
    values
}

/// For each column, the largest score that at least a `majority` share of stake supports; rows
/// without stake do not count, and a missing entry is a zero (docs/spec/yuma.md#step-5).
pub(super) fn weighted_medians(matrix: &Matrix, stake: &[I32F32], majority: I32F32) -> Vec<I32F32> {
    let voters: Vec<(&Row, I32F32)> = matrix
        .iter()
        .zip(stake.iter().copied())
        .filter(|(_, stake)| *stake > I32F32::ZERO)
        .collect();
    let mut voting: Vec<I32F32> = voters.iter().map(|(_, stake)| *stake).collect();
    normalize(&mut voting);
    let mut scores = vec![vec![I32F32::ZERO; voting.len()]; matrix.len()];
    for (voter, (row, _)) in voters.iter().enumerate() {
        for (column, value) in row.iter() {
            if let Some(column) = scores.get_mut(*column) {
                column[voter] = *value;
            }
        }
    }
    let median = |scores: &Vec<I32F32>| weighted_median(&voting, scores, majority);
    scores.iter().map(median).collect()
}

/// Partition search; the pivot is the middle of the list in its current order, not of the sorted
/// one.
fn weighted_median(stake: &[I32F32], scores: &[I32F32], majority: I32F32) -> I32F32 {
    let (mut low_bound, mut high_bound) = (I32F32::ZERO, stake.iter().copied().sum::<I32F32>());
    let minority = high_bound - majority;
    let mut voters: Vec<usize> = (0..stake.len()).collect();
    let stake_of = |side: &[usize]| side.iter().map(|voter| stake[*voter]).sum::<I32F32>();
    loop {
        let Some(pivot) = voters.get(voters.len() / 2).map(|voter| scores[*voter]) else {
            return I32F32::ZERO;
        };
        let (lower, rest): (Vec<_>, Vec<_>) = voters.iter().partition(|v| scores[**v] < pivot);
        let upper: Vec<usize> = rest.into_iter().filter(|v| scores[*v] > pivot).collect();
        let below = low_bound + stake_of(&lower);
        let above = high_bound - stake_of(&upper);
        if minority < below && !lower.is_empty() {
            (voters, high_bound) = (lower, below);
        } else if above <= minority && !upper.is_empty() {
            (voters, low_bound) = (upper, above);
        } else {
            return pivot;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raws(values: &[i64]) -> Vec<I32F32> {
        values.iter().copied().map(I32F32::from_raw).collect()
    }

    #[test]
    fn the_median_is_what_the_majority_supports() {
        let stake = [3, 3, 4].map(I32F32::from);
        let half = I32F32::from_raw(1 << 31);
        let medians = |scores: [u16; 3]| {
            let matrix = scores.map(|s| vec![(0, I32F32::from(s))]).to_vec();
            weighted_medians(&matrix, &stake, half)[0]
        };
        assert_eq!(medians([1, 2, 3]), I32F32::from(2));
        assert_eq!(medians([9, 8, 3]), I32F32::from(8));
        assert_eq!(medians([9, 1, 3]), I32F32::from(3));
    }

    #[test]
    fn without_voters_the_median_is_zero() {
        let matrix = vec![vec![(0, I32F32::ONE)]];
        let medians = weighted_medians(&matrix, &[I32F32::ZERO], I32F32::ONE);
        assert_eq!(medians, [I32F32::ZERO]);
    }

    proptest! {
        #[test]
        fn the_median_is_one_of_the_scores(
            pairs in proptest::collection::vec((1i64..1 << 40, 0i64..5), 1..20), majority: u16
        ) {
            let stake = raws(&pairs.iter().map(|p| p.0).collect::<Vec<_>>());
            let scores = raws(&pairs.iter().map(|p| p.1).collect::<Vec<_>>());
            let median = weighted_median(&stake, &scores, I32F32::from_u16_share(majority));
            prop_assert!(scores.contains(&median));
        }

        #[test]
        fn normalised_values_sum_to_one_less_rounding(
            values in proptest::collection::vec(0i64..1 << 40, 1..50)
        ) {
            let mut values = raws(&values);
            normalize(&mut values);
            let sum = values.iter().copied().sum::<I32F32>().raw();
            let n = values.len() as i64;
            prop_assert!(sum == 0 || (sum <= 1 << 32 && sum >= (1 << 32) - n));
        }
    }
}
