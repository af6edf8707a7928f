//! Changes of settings by transaction, and the price of registration.

use super::*;

fn change(value: HyperparameterValue) -> HyperparameterChange {
    HyperparameterChange { netuid: NETUID, value }
}

#[test]
fn the_sudo_account_changes_every_setting() {
    use HyperparameterValue as V;
    let mut net = Net::new(config());
    let values = [
        V::Tempo(30),
        V::WeightsSetRateLimit(31),
        V::WeightsVersionKey(32),
        V::MinAllowedWeights(33),
        V::MaxWeightsLimit(34),
        V::ImmunityPeriod(35),
        V::ActivityCutoff(36),
        V::Kappa(37),
        V::BondsMovingAverage(38),
        V::MaxAllowedValidators(39),
        V::MaxAllowedUids(40),
        V::ServingRateLimit(41),
        V::StakeThreshold(42),
        V::CommitRevealWeightsEnabled(true),
        V::Burn(43),
        V::RevealPeriodEpochs(44),
        V::CommitRevealWeightsVersion(45),
        V::MinBurn(46),
        V::MaxBurn(47),
        V::AdjustmentInterval(48),
    ];
    for value in values {
        let before = net.chain.state.clone();
        assert_eq!(net.attempt(&key(2), Call::SetHyperparameter(change(value))), Fate::Done);
        let after = &net.chain.state;
        let is_same =
            (&before.hyperparameters, &before.rules) == (&after.hyperparameters, &after.rules);
        assert!(!is_same, "{value:?}");
    }
    assert_eq!(
        net.chain.state.hyperparameters,
        Hyperparameters {
            tempo: 30,
            weights_rate_limit: 31,
            weights_version_key: 32,
            min_allowed_weights: 33,
            max_weight_limit: 34,
            immunity_period: 35,
            activity_cutoff: 36,
            kappa: 37,
            bonds_moving_average: 38,
            max_validators: 39,
            max_uids: 40,
            serving_rate_limit: 41,
            stake_threshold: 42,
            commit_reveal_enabled: true,
            burn: 43,
        }
    );
    let rules = &net.chain.state.rules;
    assert_eq!((rules.reveal_period_epochs, rules.commit_reveal_version), (44, 45));
    assert_eq!((rules.min_burn, rules.max_burn, rules.adjustment_interval), (46, 47, 48));
}

#[test]
fn the_owner_changes_its_own_settings() {
    use HyperparameterValue as V;
    let mut net = Net::new(GenesisConfig { owner_hotkey: Some(key(12).account_id()), ..config() });
    let (owner, stranger, netuid) = (net.coldkey.clone(), key(2), NETUID);
    let refused = Fate::RefusedByBlock(Refusal::RequireSudo);
    let immunity = Call::SetHyperparameter(change(V::ImmunityPeriod(35)));
    assert_eq!(net.attempt(&owner, immunity), Fate::Done);
    assert_eq!(net.attempt(&owner, Call::SetHyperparameter(change(V::Kappa(1)))), refused);
    assert_eq!(net.chain.state.hyperparameters.immunity_period, 35);
    let refused = Fate::RefusedByBlock;
    for (signer, netuid, tempo, fate) in [
        (&owner, netuid, 360, Fate::Done),
        (&owner, netuid, 359, refused(Refusal::TempoOutOfBounds)),
        (&owner, Netuid(2), 360, refused(Refusal::UnexpectedCall)),
        (&stranger, netuid, 360, refused(Refusal::UnexpectedCall)),
    ] {
        assert_eq!(net.attempt(signer, Call::SetTempo { netuid, tempo }), fate);
    }
    assert_eq!(net.chain.state.hyperparameters.tempo, 360);
}

#[test]
fn the_owner_has_an_epoch_run_out_of_turn() {
    let mut net = Net::new(GenesisConfig { owner_hotkey: Some(key(12).account_id()), ..config() });
    let (owner, netuid) = (net.coldkey.clone(), NETUID);
    let trigger = || Call::TriggerEpoch { netuid };
    let refused = Fate::RefusedByBlock;
    assert_eq!(net.attempt(&owner, trigger()), refused(Refusal::CallFiltered));
    net.chain.set_epoch_schedule(EpochRule::Stateful);
    net.run_epochs(1);
    assert_eq!(net.attempt(&key(2), trigger()), refused(Refusal::UnexpectedCall));
    net.send_by_coldkey(trigger());
    assert_eq!(net.attempt(&owner, trigger()), refused(Refusal::EpochTriggerAlreadyPending));
    assert!(net.block().epoch.is_some());
    net.change_rules(|rules| rules.commit_reveal_enabled = true);
    let blocked = refused(Refusal::DynamicTempoBlockedByCommitReveal);
    assert_eq!(net.attempt(&owner, trigger()), blocked);
}

#[test]
fn changes_from_outside_obey_the_same_bounds_and_show_in_the_hash() {
    use HyperparameterValue as V;
    let mut net = Net::new(config());
    let mut twin = net.chain.clone();
    for n_epochs in [0, 101] {
        let refused = net.chain.change_hyperparameter(&change(V::RevealPeriodEpochs(n_epochs)));
        assert_eq!(refused, Err(Refusal::RevealPeriodTooLarge));
    }
    let elsewhere = HyperparameterChange { netuid: Netuid(2), value: V::Kappa(1) };
    let refused = net.chain.change_hyperparameter(&elsewhere);
    assert_eq!(refused, Err(Refusal::SubnetNotExists));
    assert_eq!(net.chain, twin);
    net.chain.change_hyperparameter(&change(V::Kappa(1))).unwrap();
    assert_ne!(net.chain.produce_block(0).head.hash, twin.produce_block(0).head.hash);
}

#[test]
fn the_price_doubles_with_each_registration_and_halves_with_time() {
    use HyperparameterValue as V;
    let mut net = Net::new(config());
    let price = |net: &Net| net.chain.state.hyperparameters.burn;
    assert_eq!(price(&net), 100, "constant by default");
    for value in [V::MinBurn(100), V::MaxBurn(1_000), V::AdjustmentInterval(10)] {
        net.chain.change_hyperparameter(&change(value)).unwrap();
    }
    while !net.chain.head().number.is_multiple_of(10) {
        net.block();
    }
    let burned = net.chain.burned();
    net.change_rules(|rules| rules.max_uids = 100);
    for (seed, expected) in [(60, 200), (61, 400), (62, 800), (63, 1_000), (64, 1_000)] {
        let hotkey = key(seed).account_id();
        net.send_by_coldkey(Call::BurnedRegister { netuid: NETUID, hotkey });
        net.block();
        assert_eq!(price(&net), expected);
    }
    assert_eq!(net.chain.burned() - burned, 100 + 200 + 400 + 800 + 1_000);
    let mut prices = Vec::new();
    for _ in 0..5 {
        net.run_blocks(10);
        prices.push(price(&net));
    }
    assert_eq!(prices, [500, 250, 125, 100, 100]);
}
