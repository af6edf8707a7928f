//! The effects of transactions that are carried out, with rate limits and exemptions.

use proptest::prelude::*;

use super::*;

#[test]
fn registration_burns_the_price_and_fills_the_slot() {
    let net = Net::new(config());
    assert_eq!(net.chain.burned(), 5 * 100);
    let left = TREASURE - 500 - 1_000_000_000_000 - net.chain.fees_paid();
    assert_eq!(net.chain.balance(&net.coldkey.account_id()), left);
    let neuron = net.neuron(3);
    assert_eq!(neuron.hotkey, net.id(3));
    assert_eq!(neuron.coldkey, net.coldkey.account_id());
    assert_eq!((neuron.registered_at, neuron.last_update), (1, 1));
    assert!(neuron.active && !neuron.validator_permit && !neuron.axon.is_serving());
    assert_eq!(net.chain.uid_of(NETUID, &net.id(3)), Some(Uid(3)));
    assert_eq!(net.chain.uid_of(Netuid(2), &net.id(3)), None);
}

#[test]
fn another_subnet_is_unknown() {
    let mut net = Net::new(config());
    assert!(net.chain.metagraph(Netuid(2)).is_none());
    assert!(net.chain.weights(Netuid(2), Uid(0)).is_none());
    assert!(net.chain.weights(NETUID, Uid(9)).is_none());
    let refused = net.chain.set_hyperparameters(Netuid(2), rules());
    assert_eq!(refused, Err(Refusal::SubnetNotExists));
}

/// Registers one more neuron on the full subnet and returns the uid that it got.
fn newcomer(net: &mut Net) -> Uid {
    let (netuid, hotkey) = (NETUID, key(60).account_id());
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    let report = net.block();
    assert_eq!(report.applied.last().unwrap().outcome, Ok(()));
    net.chain.uid_of(NETUID, &hotkey).unwrap()
}

#[test]
fn a_full_subnet_gives_up_its_poorest_mature_neuron() {
    let mut net = Net::with_permits();
    let entries = [(2, 300), (3, 100), (4, 200)];
    net.send_by(0, weights(&entries));
    net.send_by(1, weights(&entries));
    net.run_epochs(2);
    net.change_rules(|rules| rules.max_uids = 5);
    let poorest = (0..5).min_by_key(|uid| net.neuron(*uid).emission);
    assert_eq!(poorest, Some(3));
    assert_eq!(newcomer(&mut net), Uid(3));
    let neuron = net.neuron(3);
    assert_eq!(neuron.registered_at, net.chain.head().number);
    assert_eq!(neuron.last_update, net.chain.head().number);
    assert_eq!((neuron.emission, neuron.incentive), (0, 0));
    assert!(net.chain.uid_of(NETUID, &net.id(3)).is_none());
    let given = net.chain.weights(NETUID, Uid(0)).unwrap();
    assert_eq!(given[1], (Uid(3), 0));
    net.run_epochs(1);
    assert_eq!(net.neuron(3).incentive, 0);
}

#[test]
fn immune_neurons_and_the_owner_are_not_pruned() {
    let mut net = Net::new(GenesisConfig { owner_hotkey: Some(key(12).account_id()), ..config() });
    net.run_blocks(20);
    let (netuid, hotkey) = (NETUID, key(61).account_id());
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    net.block();
    net.change_rules(|rules| rules.max_uids = 6);
    // Uids 2 (the owner), 3 and 4 earn nothing; neither does the newcomer, which is immune.
    assert_eq!(newcomer(&mut net), Uid(3));
}

#[test]
fn a_slot_that_lost_its_weights_starts_over() {
    let mut net = Net::with_permits();
    assert_eq!(net.attempt_by(0, weights(&[(2, 1), (3, 1)])), Fate::Done);
    net.change_rules(|rules| (rules.max_uids, rules.immunity_period) = (5, 0));
    // Without emission the oldest registration is pruned; of those in one block, the lowest uid.
    net.change_rules(|rules| rules.stake_threshold = u64::MAX);
    net.run_epochs(1);
    assert_eq!(newcomer(&mut net), Uid(0));
    assert_eq!(net.chain.weights(NETUID, Uid(0)), Some(vec![]));
    assert!(!net.neuron(0).validator_permit);
    assert!(net.chain.stake(&net.id(0)) > 0, "stake stays with the hotkey");
}

#[test]
fn weights_are_sorted_upscaled_and_dated() {
    let mut net = Net::with_permits();
    assert_eq!(net.attempt_by(0, weights(&[(4, 1), (2, 2), (3, 3)])), Fate::Done);
    let stored = net.chain.weights(NETUID, Uid(0)).unwrap();
    assert_eq!(stored, [(Uid(2), 43_690), (Uid(3), 65_535), (Uid(4), 21_845)]);
    assert_eq!(net.neuron(0).last_update, net.chain.head().number);
}

#[test]
fn the_weights_pace_counts_from_registration_and_from_the_last_weights() {
    let mut net = Net::with_permits();
    let call = weights(&[(2, 1), (3, 1)]);
    assert_eq!(net.attempt_by(0, call.clone()), Fate::Done);
    let set_at = net.chain.head().number;
    let too_fast = Fate::RefusedByPool(Refusal::RateLimitExceeded);
    while net.chain.head().number + 1 < set_at + 5 {
        assert_eq!(net.attempt_by(0, call.clone()), too_fast);
        net.block();
    }
    assert_eq!(net.attempt_by(0, call.clone()), Fate::Done);
    assert_eq!(net.chain.head().number, set_at + 5);

    let (netuid, fresh) = (NETUID, key(62));
    let hotkey = fresh.account_id();
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    net.block();
    let amount = 5_000_000;
    net.send_by_coldkey(Call::AddStake { hotkey, netuid, amount });
    net.block();
    assert_eq!(net.attempt(&fresh, weights(&[(5, 1)])), too_fast);
    net.run_blocks(3);
    assert_eq!(net.attempt(&fresh, weights(&[(5, 1)])), Fate::Done);
}

#[test]
fn the_owner_needs_neither_stake_nor_permit() {
    let mut net = Net::new(GenesisConfig { owner_hotkey: Some(key(12).account_id()), ..config() });
    net.run_blocks(5);
    assert_eq!(net.attempt_by(2, weights(&[(3, 1), (4, 1)])), Fate::Done);
    net.run_epochs(1);
    assert!(net.neuron(2).validator_permit);
    assert!(!net.neuron(3).validator_permit);
}

#[test]
fn version_key_zero_lets_every_version_pass() {
    let mut net = Net::with_permits();
    net.change_rules(|rules| rules.weights_version_key = 0);
    assert_eq!(net.attempt_by(0, weights(&[(2, 1), (3, 1)])), Fate::Done);
}

#[test]
fn serving_is_dated_by_the_chain_and_paced() {
    let mut net = Net::new(config());
    let serve =
        |port| Call::ServeAxon { netuid: NETUID, axon: AxonInfo { block: 99, port, ..axon() } };
    assert_eq!(net.attempt_by(2, serve(1)), Fate::Done);
    let served_at = net.chain.head().number;
    assert_eq!(net.neuron(2).axon, AxonInfo { block: served_at, port: 1, ..axon() });
    let too_fast = Fate::RefusedByPool(Refusal::ServingRateLimitExceeded);
    assert_eq!(net.attempt_by(2, serve(2)), too_fast);
    net.run_blocks(2);
    assert_eq!(net.attempt_by(2, serve(2)), Fate::Done);
    assert_eq!(net.chain.head().number, served_at + 3);
}

#[test]
fn loopback_is_served_where_the_genesis_allows_it() {
    let mut net = Net::new(GenesisConfig { allow_loopback_axons: true, ..config() });
    for (uid, address) in [(2, "127.0.0.1:8091"), (3, "[::1]:8091")] {
        let axon = AxonInfo::for_address(address.parse().unwrap(), 1);
        let netuid = NETUID;
        assert_eq!(net.attempt_by(uid, Call::ServeAxon { netuid, axon }), Fate::Done);
    }
}

#[test]
fn transfers_and_stake_move_rao() {
    let mut net = Net::new(config());
    let (issuance, to) = (net.issuance(), key(41).account_id());
    let fees = net.chain.fees_paid();
    let before = net.chain.balance(&net.coldkey.account_id());
    net.send_by_coldkey(Call::Transfer { to, amount: 70_000_000, keep_alive: false });
    net.send_by_coldkey(net.stake(2, 30_000_000));
    let report = net.block();
    let cost: u64 = report.applied.iter().map(|applied| applied.fee).sum();
    assert_eq!(net.chain.fees_paid() - fees, cost);
    assert_eq!(net.chain.balance(&to), 70_000_000);
    assert_eq!(net.chain.stake(&net.id(2)), 30_000_000);
    assert_eq!(net.chain.balance(&net.coldkey.account_id()), before - 100_000_000 - cost);
    assert_eq!(net.issuance(), issuance);
    let (stranger, hotkey) = (key(41), net.id(2));
    assert_eq!(net.attempt(&stranger, net.stake(2, 7_000_000)), Fate::Done, "anyone may stake");
    let (coldkey, netuid) = (net.coldkey.clone(), NETUID);
    let call = Call::RemoveStake { hotkey, netuid, amount: 37_000_000 };
    assert_eq!(net.attempt(&coldkey, call), Fate::Done, "the owner takes all of it");
    assert_eq!(net.chain.stake(&hotkey), 0);
    assert_eq!(net.issuance(), issuance);
}

#[test]
fn transactions_tell_what_they_changed() {
    let mut net = Net::with_permits();
    let (netuid, to, coldkey) = (NETUID, key(41).account_id(), net.coldkey.account_id());
    let (first, second, third) = (net.id(0), net.id(2), key(60).account_id());
    let amount = 5_000_000;
    let burned = net.chain.burned();
    for call in [
        Call::BurnedRegister { netuid, hotkey: third },
        net.stake(2, amount),
        Call::RemoveStake { hotkey: first, netuid, amount },
        Call::Transfer { to, amount, keep_alive: true },
        Call::Transfer { to, amount, keep_alive: true },
        Call::Transfer { to, amount: u64::MAX, keep_alive: true },
    ] {
        net.send_by_coldkey(call);
    }
    net.send_by(0, weights(&[(2, 1), (3, 1)]));
    net.send_by(2, Call::ServeAxon { netuid, axon: axon() });
    net.send_by(2, Call::ServePrometheus { netuid, version: 1, ip: 9, port: 1, ip_type: 6 });
    let applied = net.block().applied;
    let transfer = Event::Transfer { from: coldkey, to, amount };
    let (hotkey, uid) = (third, Uid(5));
    assert_eq!(
        applied.iter().map(|applied| applied.events.clone()).collect::<Vec<_>>(),
        [
            vec![
                Event::Withdrawn { account: coldkey, amount: 100 },
                Event::RaoRecycled { netuid, total: burned + 100 },
                Event::NeuronRegistered { netuid, uid, hotkey },
            ],
            vec![
                Event::Withdrawn { account: coldkey, amount },
                Event::StakeAdded { coldkey, hotkey: second, netuid, amount },
            ],
            vec![
                Event::Deposited { account: coldkey, amount },
                Event::StakeRemoved { coldkey, hotkey: first, netuid, amount },
            ],
            vec![
                Event::NewAccount { account: to },
                Event::Endowed { account: to, amount },
                transfer.clone(),
            ],
            vec![transfer],
            vec![],
            vec![Event::WeightsSet { index: 1, uid: Uid(0) }],
            vec![Event::AxonServed { netuid, hotkey: second }],
            vec![Event::PrometheusServed { netuid, hotkey: second }],
        ]
    );
    assert!(applied.iter().map(|applied| applied.index).eq(0..9));
    assert_eq!(applied[5].outcome, Err(Refusal::InsufficientBalance));
    let free: Vec<bool> = applied.iter().map(|applied| applied.fee == 0).collect();
    assert_eq!(free, [[false; 3], [false; 3], [true; 3]].concat());
    assert_eq!(applied[6].signer, first);
}

#[test]
fn the_seed_and_every_setting_change_the_genesis() {
    let hash = |config| DevChain::genesis(config).genesis_hash();
    let mut other_rules = config();
    other_rules.hyperparameters.kappa += 1;
    let variants = [
        config(),
        GenesisConfig { seed: 8, ..config() },
        GenesisConfig { netuid: Netuid(2), ..config() },
        GenesisConfig { emission_per_epoch: 1, ..config() },
        GenesisConfig { allow_loopback_axons: true, ..config() },
        GenesisConfig { owner_hotkey: Some(key(1).account_id()), ..config() },
        GenesisConfig { sudo: None, ..config() },
        GenesisConfig { rules: ChainRules::default(), ..config() },
        GenesisConfig { balances: vec![], ..config() },
        other_rules,
    ];
    let hashes: std::collections::HashSet<Hash> = variants.into_iter().map(hash).collect();
    assert_eq!(hashes.len(), 10);
}

#[derive(Debug, Clone)]
enum Step {
    Submit(usize, Call),
    Block,
    Tempo(u16),
    Stateful,
}

fn any_call() -> impl Strategy<Value = Call> {
    let hotkey = (10u8..16).prop_map(|seed| key(seed).account_id());
    let netuid = prop_oneof![9 => Just(NETUID), 1 => Just(Netuid(2))];
    let amount = prop_oneof![any::<u64>(), 0u64..10_000_000_000];
    let mecid = prop_oneof![9 => Just(0u8), 1 => Just(1)];
    let commit = proptest::collection::vec(any::<u8>(), 0..300);
    let uids = proptest::collection::vec((0u16..7).prop_map(Uid), 0..4);
    prop_oneof![
        (netuid.clone(), hotkey.clone())
            .prop_map(|(netuid, hotkey)| Call::BurnedRegister { netuid, hotkey }),
        (netuid.clone(), any::<std::net::SocketAddr>()).prop_map(|(netuid, address)| {
            let axon = AxonInfo::for_address(address, 1);
            Call::ServeAxon { netuid, axon }
        }),
        (netuid.clone(), mecid.clone(), uids, proptest::collection::vec(any::<u16>(), 0..4))
            .prop_map(|(netuid, mecid, uids, values)| Call::SetWeights {
                netuid,
                mecid,
                uids,
                values,
                version_key: VERSION_KEY,
            }),
        (netuid.clone(), hotkey.clone(), amount.clone())
            .prop_map(|(netuid, hotkey, amount)| { Call::AddStake { hotkey, netuid, amount } }),
        (netuid.clone(), hotkey.clone(), amount.clone())
            .prop_map(|(netuid, hotkey, amount)| Call::RemoveStake { hotkey, netuid, amount }),
        (hotkey.clone(), amount, any::<bool>())
            .prop_map(|(to, amount, keep_alive)| Call::Transfer { to, amount, keep_alive }),
        (netuid.clone(), any::<u32>(), any::<u16>(), 3u8..7).prop_map(
            |(netuid, ip, port, ip_type)| Call::ServePrometheus {
                netuid,
                version: 1,
                ip: ip.into(),
                port,
                ip_type,
            }
        ),
        (netuid.clone(), mecid, commit, 0u64..2000).prop_map(
            |(netuid, mecid, commit, reveal_round)| {
                Call::CommitTimelocked { netuid, mecid, commit, reveal_round, version: 4 }
            }
        ),
        (netuid, hotkey, any::<u64>()).prop_map(|(netuid, hotkey, limit)| Call::RegisterLimit {
            netuid,
            hotkey,
            limit
        }),
        any_hash_call(),
        Just(Call::TriggerEpoch { netuid: NETUID }),
        Just(Call::SubmitEncrypted { ciphertext: vec![1, 2] }),
        any_change().prop_map(Call::SetHyperparameter),
        Just(Call::Remark),
        Just(Call::Unsupported { pallet: "Utility".to_owned(), call: "batch".to_owned() }),
    ]
}

/// A commit of one of two hashes, or the reveal of one of them.
fn any_hash_call() -> impl Strategy<Value = Call> {
    (any::<bool>(), 0u16..2, 400u16..50_000).prop_map(|(reveals, salt, tempo)| {
        let (netuid, mecid, version_key) = (NETUID, 0, VERSION_KEY);
        let (uids, values, salt) = (vec![Uid(2), Uid(3)], vec![1, 2], vec![salt]);
        match (reveals, tempo % 9) {
            (_, 0) => Call::SetTempo { netuid, tempo },
            (true, _) => Call::RevealWeights { netuid, mecid, uids, values, salt, version_key },
            (false, _) => {
                Call::CommitHash { netuid, mecid, hash: super::hash_commits::hash(salt[0]) }
            }
        }
    })
}

fn any_change() -> impl Strategy<Value = HyperparameterChange> {
    use HyperparameterValue as V;
    prop_oneof![
        (0u16..6).prop_map(V::Tempo),
        (0u64..6).prop_map(V::WeightsSetRateLimit),
        any::<bool>().prop_map(V::CommitRevealWeightsEnabled),
        (0u64..4).prop_map(V::RevealPeriodEpochs),
        (0u16..4).prop_map(V::AdjustmentInterval),
        (0u16..8).prop_map(V::MaxAllowedUids),
        (0u16..8).prop_map(V::ImmunityPeriod),
    ]
    .prop_map(|value| HyperparameterChange { netuid: NETUID, value })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0usize..7, any_call()).prop_map(|(signer, call)| Step::Submit(signer, call)),
        3 => Just(Step::Block),
        1 => (0u16..5).prop_map(Step::Tempo),
        1 => Just(Step::Stateful),
    ]
}

/// Takes one step on both chains and checks that they stay equal; returns what an epoch paid.
fn step_both(net: &mut Net, twin: &mut DevChain, step: &Step) -> u64 {
    match step {
        Step::Submit(signer, call) => {
            let sudo = key(2);
            let others = [&net.coldkey, &sudo];
            let signer = net.hotkeys.iter().chain(others).nth(*signer).unwrap();
            let sent = net.next(signer, call.clone());
            let echoed = twin.submit_transaction(sent.clone());
            assert_eq!(net.chain.submit_transaction(sent), echoed);
            0
        }
        Step::Block => {
            let report = net.block();
            assert_eq!(report, twin.produce_block(report.now_ms));
            report.epoch.map_or(0, |epoch| epoch.paid())
        }
        Step::Tempo(tempo) => {
            net.change_rules(|rules| rules.tempo = *tempo);
            let rules = net.chain.metagraph(NETUID).unwrap().hyperparameters;
            twin.set_hyperparameters(NETUID, rules).unwrap();
            0
        }
        Step::Stateful => {
            net.chain.set_epoch_schedule(EpochRule::Stateful);
            twin.set_epoch_schedule(EpochRule::Stateful);
            0
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_calls_keep_twins_equal_and_every_rao_accounted_for(
        steps in proptest::collection::vec(any_step(), 1..60)
    ) {
        let mut net = Net::new(config());
        let text = serde_json::to_string(&net.chain).unwrap();
        let mut twin: DevChain = serde_json::from_str(&text).unwrap();
        let mut expected = net.issuance();
        for step in &steps {
            expected += step_both(&mut net, &mut twin, step);
            prop_assert_eq!(&net.chain, &twin);
            prop_assert_eq!(net.issuance(), expected);
            prop_assert_eq!(net.chain.issued(), expected);
        }
        let text = serde_json::to_string(&net.chain).unwrap();
        prop_assert_eq!(serde_json::from_str::<DevChain>(&text).unwrap(), net.chain);
    }
}
