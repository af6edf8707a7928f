//! The subnet epoch: Yuma consensus as pure integer code (docs/spec/yuma.md).
//!
//! [`run_epoch`] computes what the runtime computes, bit for bit, with liquid alpha off. It knows
//! neither accounts nor storage, and accepts any input: entries that name no neuron are ignored.

use super::fixed::I32F32;
use super::matrix::{self, Matrix, Row};
use crate::chain::Uid;

mod bonds;
mod stake;

use bonds::Settlement;
use stake::Electorate;

/// The rule that turns weights into bonds and dividends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BondRule {
    /// Bonds follow stake; each column is normalised to a sum of one.
    Original,
    /// The runtime's `Yuma3On`: bonds follow weights alone; stake enters with the dividends.
    Yuma3,
}

/// The settings of one epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochParams {
    /// Number of the block that the epoch runs in.
    pub block: u64,
    /// Blocks between two epochs.
    pub tempo: u16,
    /// Consensus majority, of 65,535.
    pub kappa: u16,
    /// Share of the old bonds that is kept, of 1,000,000.
    pub bonds_moving_average: u64,
    /// How far bonds follow clipped weights, of 65,535.
    pub bonds_penalty: u16,
    /// Number of neurons that may hold a validator permit.
    pub max_validators: u16,
    /// Stake, in rao, below which a neuron counts as without stake.
    pub stake_threshold: u64,
    /// Blocks after which a neuron that sets no weights counts as inactive.
    pub activity_cutoff: u64,
    /// The subnet owner's slot: exempt from the stake threshold, always permitted.
    pub owner: Option<Uid>,
    /// Number of the block of the last epoch; 0 before the first one.
    pub last_step: u64,
    /// The rule that bonds follow.
    pub bond_rule: BondRule,
    /// Rao to pay out.
    pub emission: u64,
}

/// One neuron before the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochNeuron {
    /// Stake S of the metagraph, in rao.
    pub stake: u64,
    /// Block in which it last set weights, or registered.
    pub last_update: u64,
    /// Block of its oldest commit that is still sealed; `None` if there is none, or while
    /// commit-reveal is off.
    pub committed_at: Option<u64>,
    /// Block in which it registered.
    pub registered_at: u64,
    /// Whether the last epoch gave it a permit.
    pub validator_permit: bool,
    /// Its stored weights: target and value, of 65,535.
    pub weights: Vec<(Uid, u16)>,
    /// Its stored bonds: miner and value, of 65,535.
    pub bonds: Vec<(Uid, u16)>,
}

/// The complete input of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochInput {
    /// The settings that the epoch uses.
    pub params: EpochParams,
    /// The neurons, by uid.
    pub neurons: Vec<EpochNeuron>,
}

/// One neuron after the epoch. Scores are of 65,535, emissions in rao.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochOutcome {
    /// Whether its last update lies within the activity cutoff.
    pub active: bool,
    /// Share of all stake.
    pub stake_weight: u16,
    /// Consensus weight.
    pub consensus: u16,
    /// The share of its weights that the consensus kept.
    pub validator_trust: u16,
    /// The rank before normalisation: stake-weighted sum of clipped weights.
    pub rank: I32F32,
    /// Its share of the miners' reward.
    pub incentive: u16,
    /// Its share of the validators' reward.
    pub dividends: u16,
    /// Whether it holds a permit until the next epoch.
    pub validator_permit: bool,
    /// Emission for its work as a miner.
    pub server_emission: u64,
    /// Emission for its work as a validator.
    pub validator_emission: u64,
    /// Emission for both, rounded once.
    pub emission: u64,
    /// Bonds to store: miner and value, of 65,535.
    pub bonds: Vec<(Uid, u16)>,
}

/// The results of an epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EpochOutput {
    /// The neurons by uid, as many as in the input.
    pub neurons: Vec<EpochOutcome>,
}

/// Runs one epoch of Yuma consensus.
pub fn run_epoch(input: &EpochInput) -> EpochOutput {
    let electorate = Electorate::of(input);
    let weights = valid_weights(input, &electorate.permits);
    let verdict = Verdict::of(&weights, &electorate.voting, input.params.kappa);
    let settlement = Settlement::of(input, &electorate, &weights, &verdict);
    let shares = Shares::of(&verdict.incentive, &settlement.dividends, &electorate);
    let emission = input.params.emission;
    let outcome = |i: usize| EpochOutcome {
        active: electorate.active[i],
        stake_weight: electorate.stake[i].to_u16_share(),
        consensus: verdict.consensus[i].to_u16_share(),
        validator_trust: verdict.validator_trust[i].to_u16_share(),
        rank: verdict.ranks[i],
        incentive: verdict.incentive[i].to_u16_share(),
        dividends: settlement.dividends[i].to_u16_share(),
        validator_permit: electorate.new_permits[i],
        server_emission: shares.server[i].of_rao(emission),
        validator_emission: shares.validator[i].of_rao(emission),
        emission: shares.combined[i].of_rao(emission),
        bonds: settlement.stored(i, electorate.new_permits[i]),
    };
    EpochOutput { neurons: (0..input.neurons.len()).map(outcome).collect() }
}

/// Sparse u16 entries as fixed-point integers.
fn row_of(entries: &[(Uid, u16)], n: usize) -> Row {
    entries
        .iter()
        .map(|(uid, value)| (usize::from(uid.0), I32F32::from(*value)))
        .filter(|(column, _)| *column < n)
        .collect()
}

/// The weights that count, each row divided by its sum (docs/spec/yuma.md#step-4).
fn valid_weights(input: &EpochInput, permits: &[bool]) -> Matrix {
    let neurons = &input.neurons;
    let owner = input.params.owner.map(|uid| usize::from(uid.0));
    let row = |(i, neuron): (usize, &EpochNeuron)| -> Row {
        if !permits[i] {
            return Row::new();
        }
        let mut row = row_of(&neuron.weights, neurons.len());
        row.retain(|(column, _)| {
            let own = *column == i && owner != Some(i);
            let registered_at = neurons[*column].registered_at;
            let outdated = neuron.last_update <= registered_at;
            let unaware = neuron.committed_at.is_some_and(|block| block < registered_at);
            !own && !outdated && !unaware
        });
        row
    };
    let mut weights: Matrix = neurons.iter().enumerate().map(row).collect();
    matrix::normalize_rows(&mut weights);
    weights
}

/// The validators' consensus (docs/spec/yuma.md#step-5 to docs/spec/yuma.md#step-7).
struct Verdict {
    consensus: Vec<I32F32>,
    clipped: Matrix,
    validator_trust: Vec<I32F32>,
    ranks: Vec<I32F32>,
    incentive: Vec<I32F32>,
}

impl Verdict {
    fn of(weights: &Matrix, voting: &[I32F32], kappa: u16) -> Self {
        let majority = I32F32::from_u16_share(kappa);
        let consensus = matrix::weighted_medians(weights, voting, majority);
        let clipped = matrix::clip_columns(weights, &consensus);
        let ranks = matrix::weigh_columns(&clipped, voting);
        let mut incentive = ranks.clone();
        matrix::normalize(&mut incentive);
        Self {
            consensus,
            validator_trust: clipped.iter().map(matrix::row_sum).collect(),
            clipped,
            ranks,
            incentive,
        }
    }
}

/// The shares of the emission (docs/spec/yuma.md#step-10).
struct Shares {
    server: Vec<I32F32>,
    validator: Vec<I32F32>,
    combined: Vec<I32F32>,
}

impl Shares {
    fn of(incentive: &[I32F32], dividends: &[I32F32], electorate: &Electorate) -> Self {
        let sums = incentive.iter().zip(dividends).map(|(a, b)| *a + *b);
        let mut combined: Vec<I32F32> = sums.collect();
        let total: I32F32 = combined.iter().copied().sum();
        let part = |values: &[I32F32]| values.iter().map(|value| *value / total).collect();
        let server = part(incentive);
        if total == I32F32::ZERO {
            let fallback = electorate.fallback().to_vec();
            return Self { server, validator: fallback.clone(), combined: fallback };
        }
        matrix::normalize(&mut combined);
        Self { server, validator: part(dividends), combined }
    }
}

#[cfg(test)]
mod tests;
