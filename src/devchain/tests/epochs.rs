//! Epochs on the chain: when they run, which permits they give and what they pay.

use super::*;

#[test]
fn an_epoch_runs_on_the_last_block_of_each_window() {
    let mut chain = DevChain::genesis(config());
    let mut waits = Vec::new();
    for _ in 0..40 {
        waits.push(chain.blocks_until_epoch().unwrap());
        let report = chain.produce_block(0);
        let number = report.head.number;
        // Tempo 9 and netuid 1: an epoch runs when (block + 2) mod 10 is 9.
        assert_eq!(report.epoch.is_some(), (number + 2) % 10 == 9, "{number}");
        assert_eq!(report.epoch.is_some(), waits.last() == Some(&1));
    }
    assert_eq!(waits[..4], [7, 6, 5, 4]);
}

#[test]
fn tempo_zero_stops_epochs() {
    let mut net = Net::new(config());
    net.change_rules(|rules| rules.tempo = 0);
    assert_eq!(net.chain.blocks_until_epoch(), None);
    for _ in 0..30 {
        assert!(net.block().epoch.is_none());
    }
}

#[test]
fn permits_go_to_the_largest_stakes_above_the_threshold() {
    let mut net = Net::new(config());
    net.change_rules(|rules| rules.max_validators = 2);
    for (uid, amount) in [(2, 500_000_000_000), (3, 999)] {
        net.send_by_coldkey(net.stake(uid, amount));
    }
    net.run_epochs(1);
    let permits: Vec<bool> = (0..5).map(|uid| net.neuron(uid).validator_permit).collect();
    assert_eq!(permits, [true, false, true, false, false]);
    net.change_rules(|rules| (rules.max_validators, rules.stake_threshold) = (5, 1_000_000_000));
    net.run_epochs(1);
    let permits: Vec<bool> = (0..5).map(|uid| net.neuron(uid).validator_permit).collect();
    assert_eq!(permits, [true, true, true, false, false]);
}

#[test]
fn before_any_weights_stake_is_paid() {
    let mut net = Net::new(config());
    let report = net.run_epochs(1).remove(0);
    // There are no permits yet, so all stake counts, and uid 0 holds three fifths.
    assert_eq!(report.validator_emission[0], 599_999_999);
    assert_eq!(report.server_emission, [0; 5]);
    assert_eq!(net.neuron(0).emission, 599_999_999);
}

#[test]
fn a_silent_validator_turns_inactive_and_earns_nothing_new() {
    let mut net = Net::with_permits();
    net.change_rules(|rules| {
        (rules.activity_cutoff, rules.bonds_moving_average) = (12, 0);
    });
    let call = weights(&[(2, 1), (3, 1)]);
    net.send_by(0, call.clone());
    net.send_by(1, call.clone());
    net.run_epochs(1);
    assert!(net.neuron(0).active && net.neuron(1).active);
    assert!(net.neuron(1).dividends > 0);
    net.send_by(0, call.clone());
    net.run_epochs(1);
    net.send_by(0, call);
    net.run_epochs(1);
    assert!(net.neuron(0).active && !net.neuron(1).active);
    assert_eq!(net.neuron(1).dividends, 0);
    assert!(net.neuron(1).validator_permit, "stake alone keeps the permit");
}

#[test]
fn a_minority_cannot_lift_its_own_miner() {
    let mut net = Net::with_permits();
    net.send_by(0, weights(&[(2, 1), (3, 1)]));
    net.send_by(1, weights(&[(3, 1), (4, 9)]));
    net.run_epochs(1);
    let (honest, favoured) = (net.neuron(2), net.neuron(4));
    assert_eq!((favoured.consensus, favoured.incentive), (0, 0));
    assert!(honest.incentive > 0);
    assert!(net.neuron(1).validator_trust < net.neuron(0).validator_trust);
}

#[test]
fn a_hundred_epochs_conserve_emission_and_pay_the_better_miner_more() {
    let mut net = Net::with_permits();
    let before = net.issuance();
    let staked: Vec<u64> = (0..5).map(|uid| net.chain.stake(&net.id(uid))).collect();
    let mut paid = 0;
    for round in 0..100u16 {
        // The validators agree that uid 2 is better than 3, and 3 better than 4, but not on the
        // exact weights.
        let drift = round % 7;
        net.send_by(0, weights(&[(2, 900 + drift), (3, 400), (4, 100)]));
        net.send_by(1, weights(&[(2, 880), (3, 420 - drift), (4, 90)]));
        let report = net.run_epochs(1).remove(0);
        assert!(report.paid() <= EMISSION);
        assert!(report.paid() + 2 * 5 * 2 >= EMISSION, "{}", report.paid());
        paid += report.paid();
    }
    assert_eq!(net.issuance(), before + paid);
    let earned: Vec<u64> = (0..5).map(|uid| net.chain.stake(&net.id(uid)) - staked[uid]).collect();
    assert_eq!(earned.iter().sum::<u64>(), paid);
    assert!(earned[2] > earned[3] && earned[3] > earned[4] && earned[4] > 0, "{earned:?}");
    assert!(earned[0] > earned[1] && earned[1] > 0, "{earned:?}");
    let miners: u64 = earned[2..].iter().sum();
    assert!(miners.abs_diff(paid / 2) < paid / 1000, "half goes to miners");
}

#[test]
fn twins_agree_and_one_different_weight_sets_them_apart() {
    let run = |last: u16| {
        let mut net = Net::with_permits();
        let sent = net.next(&net.hotkeys[0], weights(&[(2, 5), (3, last)]));
        net.chain.submit_transaction(sent).unwrap();
        let reports = net.run_epochs(2);
        (net.chain, reports)
    };
    let (chain, reports) = run(1);
    let (other, other_reports) = run(2);
    assert_ne!(chain.head().hash, other.head().hash);
    assert_ne!(reports, other_reports);
}
