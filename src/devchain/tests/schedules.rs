//! Both ways of counting epochs, and the upgrade from one to the other.

use proptest::prelude::*;

use super::commit_reveal::{commit_of, with_commit_reveal};
use super::*;

fn stateful() -> GenesisConfig {
    let mut config = config();
    config.rules.epochs = EpochRule::Stateful;
    config
}

#[test]
fn stateful_epochs_run_every_tempo_blocks() {
    let mut chain = DevChain::genesis(stateful());
    for number in 1..40 {
        let wait = chain.blocks_until_epoch();
        let report = chain.produce_block(0);
        assert_eq!(report.epoch.is_some(), number % 9 == 0, "{number}");
        assert_eq!(report.epoch.is_some(), wait == Some(1));
        assert_eq!(chain.state.epochs.index, number / 9);
        assert_eq!(chain.state.epochs.since_last_step, number % 9);
    }
}

#[test]
fn a_new_tempo_starts_the_stateful_cycle_over() {
    let mut chain = DevChain::genesis(stateful());
    (0..7).for_each(|_| drop(chain.produce_block(0)));
    let value = HyperparameterValue::Tempo(4);
    chain.change_hyperparameter(&HyperparameterChange { netuid: NETUID, value }).unwrap();
    assert_eq!(chain.blocks_until_epoch(), Some(4));
    let ran: Vec<bool> = (0..8).map(|_| chain.produce_block(0).epoch.is_some()).collect();
    assert_eq!(ran, [false, false, false, true, false, false, false, true]);
    let value = HyperparameterValue::Tempo(0);
    chain.change_hyperparameter(&HyperparameterChange { netuid: NETUID, value }).unwrap();
    assert_eq!(chain.blocks_until_epoch(), None);
    assert!((0..9).all(|_| chain.produce_block(0).epoch.is_none()));
}

#[test]
fn an_upgrade_at_any_block_goes_on_counting() {
    for upgraded_at in 0..31 {
        let mut chain = DevChain::genesis(config());
        let mut last = (0, 0);
        for number in 1..60 {
            if number == upgraded_at + 1 {
                chain.set_epoch_schedule(EpochRule::Stateful);
                chain.set_epoch_schedule(EpochRule::Modular);
            }
            let index = chain.state.epoch_index(number);
            assert!((last.0..=last.0 + 1).contains(&index), "{upgraded_at}: {number}");
            let ran = chain.produce_block(0).epoch.is_some();
            last = (index, if ran { number } else { last.1 });
            assert!(number - last.1 <= 10, "{upgraded_at}: no epoch at {number}");
        }
        assert_eq!(chain.state.rules.epochs, EpochRule::Stateful);
    }
}

#[test]
fn the_weights_pace_is_checked_where_the_runtime_checks_it() {
    let mut net = Net::with_permits();
    assert_eq!(net.attempt_by(0, weights(&[(2, 1), (3, 1)])), Fate::Done);
    let too_fast = weights(&[(2, 1), (3, 2)]);
    let pool = Fate::RefusedByPool(Refusal::RateLimitExceeded);
    assert_eq!(net.attempt_by(0, too_fast.clone()), pool);
    net.chain.set_pool_checks_pace(false);
    let block = Fate::RefusedByBlock(Refusal::SettingWeightsTooFast);
    assert_eq!(net.attempt_by(0, too_fast), block);
}

/// The block that reveals a commit made now, and the block that the client plans.
fn reveal_and_plan(net: &mut Net, period: u64) -> (u64, u64) {
    let plan = net.chain.epoch_schedule().first_reveal_block(period).unwrap();
    let commit = commit_of(net, 0, &[(2, 1), (3, 2)], net.next_round());
    net.send_by(0, commit);
    (net.reveal().head.number, plan)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn commits_open_where_the_client_plans_them_to(
        tempo in 1u16..14,
        period in 1u64..4,
        n_blocks in 5usize..40,
        is_stateful: bool,
    ) {
        let mut net = with_commit_reveal();
        for value in [
            HyperparameterValue::Tempo(tempo),
            HyperparameterValue::RevealPeriodEpochs(period),
        ] {
            net.chain.change_hyperparameter(&HyperparameterChange { netuid: NETUID, value }).unwrap();
        }
        if is_stateful {
            net.chain.set_epoch_schedule(EpochRule::Stateful);
        }
        net.run_blocks(n_blocks);
        let landing = net.chain.head().number + 1;
        let (revealed, planned) = reveal_and_plan(&mut net, period);
        // A plan by block number uses the head; the first block of an epoch, and the last, whose
        // step has run, count for the next one.
        let place = (landing + 2) % (u64::from(tempo) + 1);
        let is_next = !is_stateful && (place == 0 || place == u64::from(tempo));
        let later = u64::from(is_next) * (u64::from(tempo) + 1);
        prop_assert_eq!(revealed, planned + later);
    }
}

#[test]
fn commits_survive_the_upgrade() {
    for n_blocks in 5..16 {
        let mut net = with_commit_reveal();
        net.run_blocks(n_blocks);
        let commit = commit_of(&net, 0, &[(2, 1), (3, 2)], net.next_round());
        assert_eq!(net.attempt_by(0, commit), Fate::Done);
        net.chain.set_epoch_schedule(EpochRule::Stateful);
        let revealed = (0..20).find(|_| !net.block().revealed.is_empty());
        assert!(revealed.is_some(), "{n_blocks}");
        assert_eq!(net.chain.weights(NETUID, Uid(0)).unwrap().len(), 2);
    }
}
