//! Each check of the planner alone, their order, and properties over all of them.

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::chain::commit_reveal::{
    BeaconKeypair, BeaconParameters, EpochSchedule, ModularEpochs, SealedMessage,
};
use crate::chain::{Hash, Head, Hyperparameters, Netuid};

const HEAD: u64 = 1_000;

fn settings() -> PlanSettings {
    let hotkey = AccountId([8; 32]);
    PlanSettings { hotkey, epoch_length: 100, version_key: 5, is_disabled: false }
}

/// Terms under which all is well.
fn terms() -> WeightTerms {
    WeightTerms {
        head: Head { number: HEAD, hash: Hash([1; 32]) },
        uid: Some(Uid(2)),
        has_permit: true,
        is_owner: false,
        stake: 500,
        last_update: HEAD - 101,
        n_neurons: 4,
        hyperparameters: Hyperparameters {
            weights_version_key: 5,
            stake_threshold: 500,
            ..Hyperparameters::default()
        },
        reveal: None,
    }
}

fn reveal(head: u64) -> RevealTerms {
    let key = BeaconKeypair::from_seed(&[3; 32]);
    RevealTerms {
        version: 4,
        period_epochs: 1,
        schedule: EpochSchedule::Modular(ModularEpochs { netuid: Netuid(1), tempo: 360, head }),
        beacon: BeaconParameters::new(&key.key().to_bytes(), 0, 3).unwrap(),
        last_stored_round: 4_000,
        block_time: 12.0,
        n_unrevealed: 0,
    }
}

fn plan(terms: &WeightTerms) -> Plan {
    plan_weights(terms, Ok(&[0.5, 0.0, 1.0]), None, &settings(), 12_000.0)
}

fn stop(plan: Plan) -> StopReason {
    match plan {
        Plan::Stop { reason } => reason,
        other => panic!("no stop: {other:?}"),
    }
}

fn set(plan: Plan) -> PlannedSetting {
    match plan {
        Plan::Set(planned) => *planned,
        other => panic!("nothing to set: {other:?}"),
    }
}

#[test]
fn what_is_allowed_is_planned_with_all_that_the_journal_needs() {
    let planned = set(plan(&terms()));
    assert_eq!(planned.weights.entries(), [(Uid(0), 32_768), (Uid(2), 65_535)]);
    let setting = planned.seal(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let weights = planned.weights.clone();
    assert_eq!(setting, WeightSetting::Plain { weights, version_key: 5 });
    let mortality = Mortality { nonce: 3, last_block: 1_008 };
    let intent = planned.intent(&setting, mortality);
    assert_eq!((intent.planned_block, intent.last_update, intent.uid), (HEAD, 899, Uid(2)));
    assert_eq!((intent.sealed, intent.mortality), (None, mortality));
}

#[test]
fn sealed_weights_open_to_what_was_planned() {
    let terms = WeightTerms { reveal: Some(reveal(HEAD)), ..terms() };
    let planned = set(plan(&terms));
    let setting = planned.seal(&mut ChaCha8Rng::seed_from_u64(1)).unwrap();
    let WeightSetting::Sealed { commit, reveal_round, version } = &setting else {
        panic!("not sealed: {setting:?}")
    };
    let signature = BeaconKeypair::from_seed(&[3; 32]).sign(*reveal_round);
    let opened = SealedMessage::from_bytes(commit).unwrap().open(&signature).unwrap();
    let payload = WeightsPayload::new(AccountId([8; 32]), &planned.weights, 5);
    assert_eq!(WeightsPayload::decode(&opened).unwrap(), payload);
    let intent = planned.intent(&setting, Mortality { nonce: 0, last_block: 1_008 });
    let sealed = intent.sealed.unwrap();
    assert_eq!(Some(sealed.hash), setting.commit_hash());
    assert_eq!((sealed.round, sealed.version), (*reveal_round, *version));
    // Epochs of 361 blocks, shifted by two: block 1000 lies in the third.
    assert_eq!(sealed.reveal_block, 3 * 361 - 2);
}

#[test]
fn what_bars_weights_in_any_window_is_told_before_the_wait_for_one() {
    let disabled = PlanSettings { is_disabled: true, version_key: 4, ..settings() };
    let mut terms = WeightTerms {
        uid: None,
        stake: 499,
        has_permit: false,
        last_update: HEAD - 100,
        ..terms()
    };
    let scores = Err(WaitReason::NoScores);
    let plan = |terms: &WeightTerms, settings: &PlanSettings| {
        plan_weights(terms, scores, None, settings, 12_000.0)
    };
    assert_eq!(stop(plan(&terms, &disabled)), StopReason::Disabled);
    let old = PlanSettings { is_disabled: false, ..disabled };
    assert_eq!(stop(plan(&terms, &old)), StopReason::NotRegistered);
    terms.uid = Some(Uid(2));
    let low = StopReason::StakeTooLow { stake: 499, needed: 500 };
    assert_eq!(stop(plan(&terms, &old)), low);
    terms.stake = 500;
    let stale = StopReason::VersionKeyStale { ours: 4, needed: 5 };
    assert_eq!(stop(plan(&terms, &old)), stale);
    assert_eq!(stop(plan(&terms, &settings())), StopReason::NoPermit);
    terms.has_permit = true;
    let wait = Plan::Wait { until_block: HEAD + 1, reason: WaitReason::Window };
    assert_eq!(plan(&terms, &settings()), wait);
    terms.last_update = HEAD - 101;
    let wait = Plan::Wait { until_block: HEAD + 1, reason: WaitReason::NoScores };
    assert_eq!(plan(&terms, &settings()), wait);
}

#[test]
fn the_owner_needs_neither_stake_nor_permit() {
    let owner = WeightTerms { is_owner: true, stake: 0, has_permit: false, ..terms() };
    set(plan(&owner));
}

#[test]
fn sealed_weights_wait_for_room_and_for_a_sane_clock() {
    let with = |reveal| plan(&WeightTerms { reveal: Some(reveal), ..terms() });
    let full = with(RevealTerms { n_unrevealed: 10, ..reveal(HEAD) });
    let reason = WaitReason::TooManyUnrevealed;
    assert_eq!(full, Plan::Wait { until_block: 3 * 361 - 2, reason });
    let late = stop(with(RevealTerms { last_stored_round: 9_000, ..reveal(HEAD) }));
    assert!(matches!(late, StopReason::ClockBehind { stored: 9_000, .. }), "{late}");
    let none = stop(with(RevealTerms { period_epochs: 0, ..reveal(HEAD) }));
    assert_eq!(none, StopReason::NoRevealRound(ScheduleError::Period(0)));
}

#[test]
fn scores_that_make_no_weights_are_told_apart() {
    let few = WeightTerms { n_neurons: 2, ..terms() };
    let ahead = Plan::Wait { until_block: HEAD + 1, reason: WaitReason::ScoresAhead };
    assert_eq!(plan(&few), ahead);
    let bad = plan_weights(&terms(), Ok(&[f32::NAN]), None, &settings(), 12_000.0);
    assert_eq!(stop(bad).label(), "scores_unusable");
}

#[test]
fn labels_are_distinct_and_every_sentence_is_one() {
    let reasons = [
        StopReason::Disabled,
        StopReason::NotRegistered,
        StopReason::StakeTooLow { stake: 1_500_000_000, needed: 2_000_000_000 },
        StopReason::VersionKeyStale { ours: 1, needed: 2 },
        StopReason::NoPermit,
        StopReason::TooFewWeights { n_weights: 1, needed: 2 },
        StopReason::ScoresUnusable(WeightsError::Empty),
        StopReason::NoRevealRound(ScheduleError::NoTempo),
        StopReason::ClockBehind { planned: 1, stored: 2 },
        StopReason::Unsealable(SealError::TooLong(6_000)),
        StopReason::Refused(crate::chain::Refusal::PoolFull),
        StopReason::Unsupported("no call".to_owned()),
    ];
    let labels: Vec<_> = reasons.iter().map(StopReason::label).collect();
    assert_eq!(labels, <StopReason as strum::VariantNames>::VARIANTS);
    assert!(reasons[2].to_string().contains("1.5 TAO is below the 2 TAO"), "{}", reasons[2]);
}

proptest! {
    #[test]
    fn whatever_is_planned_keeps_every_rule_of_the_chain(
        last_update in 700..HEAD, last_landed in proptest::option::of(700..HEAD), limit in 0u64..300,
        epoch_length in 0u64..300, stake in 0u64..1_000, permit: bool, owner: bool, key in 0u64..10,
        fewest in 0u16..6, scores in proptest::collection::vec(0.0f32..1.0, 0..7)
    ) {
        let mut terms = WeightTerms { last_update, stake, has_permit: permit, is_owner: owner, ..terms() };
        terms.hyperparameters.weights_rate_limit = limit;
        terms.hyperparameters.min_allowed_weights = fewest;
        let settings = PlanSettings { epoch_length, version_key: key, ..settings() };
        match plan_weights(&terms, Ok(&scores), last_landed, &settings, 12_000.0) {
            Plan::Set(planned) => {
                prop_assert!(HEAD - last_update >= limit && HEAD - last_update > epoch_length);
                prop_assert!(last_landed.is_none_or(|block| HEAD - block > epoch_length));
                prop_assert!((permit && stake >= 500) || owner);
                prop_assert!(key >= 5);
                let n_weights = planned.weights.entries().len();
                prop_assert!(n_weights >= usize::from(fewest.min(4)) || n_weights == 1);
            }
            Plan::Wait { until_block, reason: WaitReason::Window } => {
                // It says exactly when: one block earlier it would still wait.
                let due = |head| {
                    let terms = WeightTerms { head: Head { number: head, ..terms.head }, ..terms.clone() };
                    let plan = plan_weights(&terms, Ok(&scores), last_landed, &settings, 12_000.0);
                    !matches!(plan, Plan::Wait { reason: WaitReason::Window, .. })
                };
                prop_assert!(until_block > HEAD && due(until_block) && !due(until_block - 1));
            }
            Plan::Wait { .. } | Plan::Stop { .. } => {}
        }
    }
}
