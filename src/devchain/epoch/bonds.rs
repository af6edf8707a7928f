//! Bonds and dividends: docs/spec/yuma.md#step-8 and docs/spec/yuma.md#step-9, in the original form
//! and in Yuma3's.

use super::stake::Electorate;
use super::{BondRule, EpochInput, EpochParams, Verdict, row_of};
use crate::chain::Uid;
use crate::devchain::fixed::I32F32;
use crate::devchain::matrix::{
    Matrix, interpolate, moving_average, normalize, normalize_columns, scale_columns_to_max,
    scale_rows, weigh_rows,
};

/// The validators' dividends, and the bonds after the epoch.
pub(super) struct Settlement {
    /// Each neuron's share of the validators' reward, by uid.
    pub(super) dividends: Vec<I32F32>,
    bonds: Matrix,
}

impl Settlement {
    pub(super) fn of(
        input: &EpochInput,
        electorate: &Electorate,
        weights: &Matrix,
        verdict: &Verdict,
    ) -> Self {
        let penalty = I32F32::from_u16_share(input.params.bonds_penalty);
        let bonded = interpolate(weights, &verdict.clipped, penalty);
        let settle = match input.params.bond_rule {
            BondRule::Original => original,
            BondRule::Yuma3 => yuma3,
        };
        let alpha = alpha(&input.params);
        let bonds = remembered_bonds(input);
        settle(bonds, &bonded, alpha, &electorate.voting, verdict)
    }

    /// The bonds of `uid` to store; none without a permit.
    pub(super) fn stored(&self, uid: usize, permitted: bool) -> Vec<(Uid, u16)> {
        let row = self.bonds.get(uid).filter(|_| permitted);
        row.into_iter()
            .flatten()
            // Columns come from u16 uids, so the cast loses nothing.
            .map(|(column, value)| (Uid(*column as u16), value.to_u16_share()))
            .collect()
    }
}

fn original(
    mut old: Matrix,
    bonded: &Matrix,
    alpha: I32F32,
    voting: &[I32F32],
    verdict: &Verdict,
) -> Settlement {
    normalize_columns(&mut old);
    let mut bought = scale_rows(bonded, voting);
    normalize_columns(&mut bought);
    let mut bonds = moving_average(&bought, &old, alpha);
    normalize_columns(&mut bonds);
    let mut dividends = weigh_rows(&bonds, &verdict.incentive);
    normalize(&mut dividends);
    scale_columns_to_max(&mut bonds);
    Settlement { dividends, bonds }
}

fn yuma3(
    mut old: Matrix,
    bonded: &Matrix,
    alpha: I32F32,
    voting: &[I32F32],
    verdict: &Verdict,
) -> Settlement {
    let whole = I32F32::from(u16::MAX);
    old.iter_mut().flatten().for_each(|(_, value)| *value = *value / whole);
    let bonds = moving_average(bonded, &old, alpha);
    let mut shares = bonds.clone();
    normalize_columns(&mut shares);
    let earned = weigh_rows(&shares, &verdict.incentive);
    let mut dividends: Vec<I32F32> = earned.iter().zip(voting).map(|(e, a)| *a * *e).collect();
    normalize(&mut dividends);
    Settlement { dividends, bonds }
}

/// The share of new bonds in the moving average.
fn alpha(params: &EpochParams) -> I32F32 {
    I32F32::ONE - I32F32::from_ratio(params.bonds_moving_average, 1_000_000)
}

/// Stored bonds as integers, without those in slots that changed hands since the last epoch.
fn remembered_bonds(input: &EpochInput) -> Matrix {
    let params = &input.params;
    let last_tempo = match params.last_step {
        0 => params.block.saturating_sub(u64::from(params.tempo)),
        step => step.saturating_add(1),
    };
    let neurons = &input.neurons;
    neurons
        .iter()
        .map(|neuron| {
            let mut row = row_of(&neuron.bonds, neurons.len());
            row.retain(|(column, _)| neurons[*column].registered_at < last_tempo);
            row
        })
        .collect()
}
