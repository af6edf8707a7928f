use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::testing::vector_json;

#[derive(Deserialize)]
struct File {
    epoch: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    input: CaseInput,
    output: CaseOutput,
}

type Entries = BTreeMap<u16, u16>;

#[derive(Deserialize)]
struct CaseInput {
    stake: Vec<u64>,
    weights: Vec<Entries>,
    bonds: Vec<Entries>,
    last_update: Vec<u64>,
    registered: Vec<u64>,
    permits: Option<Vec<bool>>,
    block: u64,
    max_validators: u16,
    owner_uid: Option<Uid>,
    #[serde(default = "default_tempo")]
    tempo: u16,
    #[serde(default = "default_kappa")]
    kappa: u16,
    #[serde(default = "default_moving_average")]
    bonds_moving_average: u64,
    #[serde(default = "default_penalty")]
    bonds_penalty: u16,
    #[serde(default = "default_cutoff")]
    activity_cutoff: u64,
    #[serde(default)]
    stake_threshold: u64,
    #[serde(default)]
    last_step: u64,
    #[serde(default)]
    yuma3: bool,
}

fn default_tempo() -> u16 {
    360
}

fn default_kappa() -> u16 {
    32_767
}

fn default_moving_average() -> u64 {
    900_000
}

fn default_penalty() -> u16 {
    u16::MAX
}

fn default_cutoff() -> u64 {
    5000
}

#[derive(Deserialize)]
struct CaseOutput {
    active: Vec<bool>,
    stake_weight: Vec<u16>,
    consensus: Vec<u16>,
    validator_trust: Vec<u16>,
    ranks_i32f32: Vec<i64>,
    incentive: Vec<u16>,
    dividends: Vec<u16>,
    validator_permit: Vec<bool>,
    server_emission: Vec<u64>,
    validator_emission: Vec<u64>,
    emission: Vec<u64>,
    bonds: Vec<Entries>,
}

fn entries(rows: &[Entries], uid: usize) -> Vec<(Uid, u16)> {
    let row = rows.get(uid).into_iter().flatten();
    row.map(|(column, value)| (Uid(*column), *value)).collect()
}

impl CaseInput {
    fn neuron(&self, uid: usize) -> EpochNeuron {
        let holds_stake = self.stake[uid] > 0;
        EpochNeuron {
            stake: self.stake[uid],
            last_update: self.last_update[uid],
            committed_at: None,
            registered_at: self.registered[uid],
            validator_permit: self.permits.as_ref().map_or(holds_stake, |p| p[uid]),
            weights: entries(&self.weights, uid),
            bonds: entries(&self.bonds, uid),
        }
    }

    fn epoch_input(&self) -> EpochInput {
        EpochInput {
            params: EpochParams {
                block: self.block,
                tempo: self.tempo,
                kappa: self.kappa,
                bonds_moving_average: self.bonds_moving_average,
                bonds_penalty: self.bonds_penalty,
                max_validators: self.max_validators,
                stake_threshold: self.stake_threshold,
                activity_cutoff: self.activity_cutoff,
                owner: self.owner_uid,
                last_step: self.last_step,
                bond_rule: match self.yuma3 {
                    true => BondRule::Yuma3,
                    false => BondRule::Original,
                },
                emission: 1_000_000_000,
            },
            neurons: (0..self.stake.len()).map(|uid| self.neuron(uid)).collect(),
        }
    }
}

impl CaseOutput {
    fn outcome(&self, uid: usize) -> EpochOutcome {
        EpochOutcome {
            active: self.active[uid],
            stake_weight: self.stake_weight[uid],
            consensus: self.consensus[uid],
            validator_trust: self.validator_trust[uid],
            rank: I32F32::from_raw(self.ranks_i32f32[uid]),
            incentive: self.incentive[uid],
            dividends: self.dividends[uid],
            validator_permit: self.validator_permit[uid],
            server_emission: self.server_emission[uid],
            validator_emission: self.validator_emission[uid],
            emission: self.emission[uid],
            bonds: entries(&self.bonds, uid),
        }
    }
}

#[test]
fn every_epoch_equals_the_runtime() {
    let file: File = vector_json("chain/vectors/yuma.json");
    assert!(!file.epoch.is_empty());
    for case in &file.epoch {
        let output = run_epoch(&case.input.epoch_input());
        assert_eq!(output.neurons.len(), case.input.stake.len());
        for (uid, outcome) in output.neurons.iter().enumerate() {
            let expected = case.output.outcome(uid);
            assert_eq!(*outcome, expected, "uid {uid} of {}", case.name);
        }
    }
}

fn any_entries() -> impl Strategy<Value = Vec<(Uid, u16)>> {
    proptest::collection::vec((0u16..12, any::<u16>()), 0..12)
        .prop_map(|row| row.into_iter().map(|(uid, v)| (Uid(uid), v)).collect())
}

prop_compose! {
    fn any_neuron()(
        stake in prop_oneof![Just(0u64), any::<u64>(), 0u64..1 << 50],
        last_update in 0u64..200, registered_at in 0u64..200,
        committed_at in proptest::option::of(0u64..200),
        validator_permit: bool, weights in any_entries(), bonds in any_entries(),
    ) -> EpochNeuron {
        EpochNeuron {
            stake, last_update, committed_at, registered_at, validator_permit, weights, bonds,
        }
    }
}

prop_compose! {
    fn any_input()(
        (block, tempo, last_step) in (0u64..300, any::<u16>(), prop_oneof![0u64..300, any::<u64>()]),
        (kappa, bonds_penalty, max_validators) in any::<(u16, u16, u16)>(),
        bonds_moving_average in prop_oneof![0u64..=1_000_000, any::<u64>()],
        stake_threshold in prop_oneof![Just(0u64), any::<u64>()],
        activity_cutoff in prop_oneof![0u64..300, any::<u64>()],
        owner in proptest::option::of((0u16..12).prop_map(Uid)),
        yuma3: bool, emission in 0u64..1 << 40,
        neurons in proptest::collection::vec(any_neuron(), 0..10),
    ) -> EpochInput {
        let bond_rule = if yuma3 { BondRule::Yuma3 } else { BondRule::Original };
        EpochInput {
            params: EpochParams {
                block, tempo, kappa, bonds_moving_average, bonds_penalty, max_validators,
                stake_threshold, activity_cutoff, owner, last_step, bond_rule, emission,
            },
            neurons,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn emission_is_given_out_whole_or_not_at_all(input in any_input()) {
        let outcomes = run_epoch(&input).neurons;
        let n = outcomes.len() as u64;
        let emission = input.params.emission;
        // Each share is rounded down to a multiple of 2^-32, each payment to a whole rao.
        let rounding = n * (1 + (emission >> 32)) + n;
        let combined: u64 = outcomes.iter().map(|o| o.emission).sum();
        let by_role: u64 = outcomes.iter().map(|o| o.server_emission + o.validator_emission).sum();
        prop_assert!(combined <= emission && by_role <= emission);
        if combined > 0 {
            prop_assert!(combined + rounding >= emission);
            prop_assert!(by_role + 2 * rounding >= emission);
        }
    }

    #[test]
    fn scores_are_shares(input in any_input()) {
        let outcomes = run_epoch(&input).neurons;
        let sum = |of: fn(&EpochOutcome) -> u16| -> u64 {
            outcomes.iter().map(|outcome| u64::from(of(outcome))).sum()
        };
        prop_assert!(sum(|o| o.incentive) <= 65_535);
        prop_assert!(sum(|o| o.dividends) <= 65_535);
        prop_assert!(sum(|o| o.stake_weight) <= 65_535);
        let n_permits = outcomes.iter().filter(|o| o.validator_permit).count();
        prop_assert!(n_permits <= usize::from(input.params.max_validators) + 1);
        prop_assert!(outcomes.iter().all(|o| o.validator_permit || o.bonds.is_empty()));
    }

    #[test]
    fn a_waiting_commit_hides_weights_for_newer_neurons(input in any_input()) {
        let mut bare = input.clone();
        for neuron in &mut bare.neurons {
            let Some(committed_at) = neuron.committed_at.take() else { continue };
            let is_known = |uid: &Uid| {
                let target = input.neurons.get(usize::from(uid.0));
                target.is_some_and(|target| target.registered_at <= committed_at)
            };
            neuron.weights.retain(|(uid, _)| is_known(uid));
        }
        prop_assert_eq!(run_epoch(&input), run_epoch(&bare));
    }

    #[test]
    fn an_epoch_is_a_function_of_its_input(input in any_input()) {
        prop_assert_eq!(run_epoch(&input), run_epoch(&input));
    }
}
