//! A table of refusals: who sends which call, whether pool or block refuses it, and why.

use super::*;

/// Enough for the fees of a few transactions, in rao.
const FEES: u64 = 10_000_000;

type Prepare = fn(&mut Net) -> Fate;

fn serve(uid: usize, change: fn(&mut AxonInfo)) -> impl Fn(&mut Net) -> Fate {
    move |net| {
        let mut axon = axon();
        change(&mut axon);
        net.attempt_by(uid, Call::ServeAxon { netuid: NETUID, axon })
    }
}

fn ill_paired(net: &mut Net) -> Fate {
    let call = Call::SetWeights {
        netuid: NETUID,
        mecid: 0,
        uids: vec![Uid(2), Uid(3)],
        values: vec![1],
        version_key: VERSION_KEY,
    };
    net.attempt_by(0, call)
}

fn outdated_version(net: &mut Net) -> Fate {
    let call = Call::SetWeights {
        netuid: NETUID,
        mecid: 0,
        uids: vec![Uid(2), Uid(3)],
        values: vec![1, 1],
        version_key: VERSION_KEY - 1,
    };
    net.attempt_by(0, call)
}

fn elsewhere(net: &mut Net) -> Fate {
    let call = Call::SetWeights {
        netuid: Netuid(2),
        mecid: 0,
        uids: vec![Uid(2), Uid(3)],
        values: vec![1, 1],
        version_key: VERSION_KEY,
    };
    net.attempt_by(0, call)
}

/// Gives a stranger balance, so that it can pay fees.
fn endow(net: &mut Net, stranger: &Keypair, amount: u64) {
    let to = stranger.account_id();
    net.send_by_coldkey(Call::Transfer { to, amount, keep_alive: true });
    net.block();
}

fn poor_registration(net: &mut Net) -> Fate {
    endow(net, &key(41), FEES);
    net.change_rules(|rules| rules.burn = FEES);
    let hotkey = key(40).account_id();
    let netuid = NETUID;
    net.attempt(&key(41), Call::BurnedRegister { netuid, hotkey })
}

/// Registers a hotkey that lost its slot but still belongs to its coldkey.
fn stolen_registration(net: &mut Net) -> Fate {
    let stranger = key(41);
    endow(net, &stranger, 2 * FEES);
    net.run_blocks(20);
    net.change_rules(|rules| rules.max_uids = 5);
    let hotkey = key(42).account_id();
    let netuid = NETUID;
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    net.block();
    let lost = (0..5).find(|uid| net.chain.uid_of(NETUID, &net.id(*uid)).is_none());
    let call = net.register(lost.unwrap());
    net.attempt(&stranger, call)
}

fn registration_on_full_subnet(net: &mut Net) -> Fate {
    net.change_rules(|rules| (rules.max_uids, rules.immunity_period) = (5, 1000));
    let coldkey = net.coldkey.clone();
    let hotkey = key(42).account_id();
    let netuid = NETUID;
    net.attempt(&coldkey, Call::BurnedRegister { netuid, hotkey })
}

fn second_in_a_block(net: &mut Net) -> Fate {
    net.send_by(0, weights(&[(2, 1), (3, 1)]));
    net.attempt_by(0, weights(&[(2, 2), (3, 1)]))
}

fn second_axon_in_a_block(net: &mut Net) -> Fate {
    let (netuid, axon) = (NETUID, axon());
    net.send_by(2, Call::ServeAxon { netuid, axon });
    net.attempt_by(2, Call::ServeAxon { netuid, axon })
}

fn staked_too_much(net: &mut Net) -> Fate {
    let call = net.stake(2, 2 * TREASURE);
    let coldkey = net.coldkey.clone();
    net.attempt(&coldkey, call)
}

fn dust(net: &mut Net) -> Fate {
    let (coldkey, to) = (net.coldkey.clone(), key(43).account_id());
    let amount = EXISTENTIAL_DEPOSIT - 1;
    net.attempt(&coldkey, Call::Transfer { to, amount, keep_alive: false })
}

/// A transfer that would leave less than the existential deposit after the fee.
fn all_but_dust(net: &mut Net) -> Fate {
    let (stranger, to) = (key(43), key(1).account_id());
    endow(net, &stranger, FEES);
    // As many digits as the amount below, so the call has the same length.
    let probe = Call::Transfer { to, amount: FEES - 1, keep_alive: true };
    let length = net.next(&stranger, probe.clone()).length;
    let amount = FEES - fee(&probe, length) - EXISTENTIAL_DEPOSIT + 1;
    net.attempt(&stranger, Call::Transfer { to, amount, keep_alive: true })
}

fn pennyless(net: &mut Net) -> Fate {
    net.attempt(&key(43), Call::Remark)
}

fn withdraw(net: &mut Net, signer: &Keypair, hotkey: AccountId, amount: u64) -> Fate {
    net.attempt(signer, Call::RemoveStake { hotkey, netuid: NETUID, amount })
}

fn withdrawn_by_another(net: &mut Net) -> Fate {
    let hotkey = net.id(0);
    withdraw(net, &key(2), hotkey, 1)
}

fn withdrawn_too_much(net: &mut Net) -> Fate {
    let (coldkey, hotkey) = (net.coldkey.clone(), net.id(0));
    let stake = net.chain.stake(&hotkey);
    withdraw(net, &coldkey, hotkey, stake + 1)
}

fn withdrawn_from_nobody(net: &mut Net) -> Fate {
    let coldkey = net.coldkey.clone();
    withdraw(net, &coldkey, key(43).account_id(), 1)
}

fn second_mechanism(net: &mut Net) -> Fate {
    let Call::SetWeights { netuid, uids, values, version_key, .. } = weights(&[(2, 1), (3, 1)])
    else {
        unreachable!("weights() makes weights")
    };
    net.attempt_by(0, Call::SetWeights { netuid, mecid: 1, uids, values, version_key })
}

fn unsupported(net: &mut Net) -> Fate {
    let call = Call::Unsupported { pallet: "Proxy".to_owned(), call: "add_proxy".to_owned() };
    let coldkey = net.coldkey.clone();
    net.attempt(&coldkey, call)
}

fn tempo(value: u16) -> Call {
    let value = HyperparameterValue::Tempo(value);
    Call::SetHyperparameter(HyperparameterChange { netuid: NETUID, value })
}

fn not_sudo(net: &mut Net) -> Fate {
    let coldkey = net.coldkey.clone();
    net.attempt(&coldkey, tempo(0))
}

fn prometheus(net: &mut Net, ip: u128, port: u16, ip_type: u8) -> Fate {
    let netuid = NETUID;
    net.attempt_by(2, Call::ServePrometheus { netuid, version: 1, ip, port, ip_type })
}

fn second_prometheus(net: &mut Net) -> Fate {
    assert_eq!(prometheus(net, 0x0102_0304, 9090, 4), Fate::Done);
    prometheus(net, 0x0102_0304, 9091, 4)
}

fn prometheus_beside_axon(net: &mut Net) -> Fate {
    net.send_by(2, Call::ServeAxon { netuid: NETUID, axon: axon() });
    prometheus(net, 0x0102_0304, 9090, 4)
}

fn spent_twice(net: &mut Net) -> Fate {
    let (coldkey, to) = (net.coldkey.clone(), key(41).account_id());
    let amount = net.chain.balance(&coldkey.account_id()) - FEES;
    net.send_by_coldkey(Call::Transfer { to, amount, keep_alive: false });
    net.attempt(&coldkey, Call::Transfer { to, amount, keep_alive: false })
}

fn registered_again(net: &mut Net) -> Fate {
    let (coldkey, call) = (net.coldkey.clone(), net.register(3));
    net.attempt(&coldkey, call)
}

fn registered_twice_in_a_block(net: &mut Net) -> Fate {
    let (coldkey, hotkey, netuid) = (net.coldkey.clone(), key(42).account_id(), NETUID);
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    net.attempt(&coldkey, Call::BurnedRegister { netuid, hotkey })
}

fn registered_elsewhere(net: &mut Net) -> Fate {
    let (coldkey, hotkey, netuid) = (net.coldkey.clone(), key(42).account_id(), Netuid(2));
    net.attempt(&coldkey, Call::BurnedRegister { netuid, hotkey })
}

fn staked_on_nobody(net: &mut Net) -> Fate {
    let (coldkey, hotkey, netuid) = (net.coldkey.clone(), key(42).account_id(), NETUID);
    let amount = 5_000_000;
    net.attempt(&coldkey, Call::AddStake { hotkey, netuid, amount })
}

fn with_stake_but_no_permit(net: &mut Net) -> Fate {
    net.send_by_coldkey(net.stake(2, 5_000_000));
    net.block();
    net.attempt_by(2, weights(&[(3, 1), (4, 1)]))
}

fn plain_under_commit_reveal(net: &mut Net) -> Fate {
    net.change_rules(|rules| rules.commit_reveal_enabled = true);
    net.attempt_by(0, weights(&[(2, 1), (3, 1)]))
}

fn too_many_uids(net: &mut Net) -> Fate {
    net.attempt_by(0, weights(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]))
}

/// The same while no stake is needed.
fn without_threshold(attempt: Prepare) -> impl Fn(&mut Net) -> Fate {
    move |net| {
        net.change_rules(|rules| rules.stake_threshold = 0);
        attempt(net)
    }
}

/// The same on a runtime before spec 423.
fn formerly(attempt: Prepare) -> impl Fn(&mut Net) -> Fate {
    move |net| {
        net.chain.set_pool_checks_pace(false);
        attempt(net)
    }
}

fn by_a_stranger(net: &mut Net) -> Fate {
    net.attempt(&key(50), weights(&[(2, 1), (3, 1)]))
}

fn staked_too_little(net: &mut Net) -> Fate {
    let (coldkey, call) = (net.coldkey.clone(), net.stake(2, 1_999_999));
    net.attempt(&coldkey, call)
}

fn withdrawn(net: &mut Net, amount: u64) -> Fate {
    let (coldkey, hotkey) = (net.coldkey.clone(), net.id(0));
    withdraw(net, &coldkey, hotkey, amount)
}

fn withdrawn_whole(net: &mut Net, uid: usize) -> Fate {
    let (coldkey, hotkey) = (net.coldkey.clone(), net.id(uid));
    let fate = net.attempt(&coldkey, Call::RemoveAllStake { hotkey, netuid: None });
    assert_eq!(net.chain.stake(&hotkey), 0);
    fate
}

fn registered_up_to(net: &mut Net, limit: u64, netuid: Netuid) -> Fate {
    let (coldkey, hotkey) = (net.coldkey.clone(), key(42).account_id());
    net.attempt(&coldkey, Call::RegisterLimit { netuid, hotkey, limit })
}

#[test]
fn refusals_come_from_the_right_place_for_the_right_reason() {
    use Fate::{RefusedByBlock as Block, RefusedByPool as Pool};
    let table: &[(Prepare, Fate)] = &[
        (|n| serve(2, |_| {})(n), Fate::Done),
        (
            |n| n.attempt(&key(50), Call::ServeAxon { netuid: NETUID, axon: axon() }),
            Pool(Refusal::HotKeyNotRegisteredInNetwork),
        ),
        (|n| serve(2, |a| a.ip_type = 5)(n), Pool(Refusal::InvalidIpType)),
        (|n| serve(2, |a| a.ip = 0x7f00_0001)(n), Pool(Refusal::InvalidIpAddress)),
        (|n| serve(2, |a| a.ip = 0xffff_ffff)(n), Pool(Refusal::InvalidIpAddress)),
        (|n| serve(2, |a| a.ip = 1 << 33)(n), Pool(Refusal::InvalidIpAddress)),
        (|n| serve(2, |a| (a.ip, a.ip_type) = (1, 6))(n), Pool(Refusal::InvalidIpAddress)),
        (|n| serve(2, |a| (a.ip, a.ip_type) = (u128::MAX, 6))(n), Pool(Refusal::InvalidIpAddress)),
        (|n| serve(2, |a| a.port = 0)(n), Pool(Refusal::InvalidPort)),
        (|n| serve(2, |a| a.ip = 0)(n), Fate::Done),
        (|n| serve(2, |a| a.ip = 0x0a00_0001)(n), Fate::Done),
        (second_axon_in_a_block, Block(Refusal::ServingRateLimitExceeded)),
        (|n| n.attempt_by(0, weights(&[(2, 1), (3, 1)])), Fate::Done),
        (plain_under_commit_reveal, Block(Refusal::CommitRevealEnabled)),
        (ill_paired, Block(Refusal::WeightVecNotEqualSize)),
        (elsewhere, Pool(Refusal::StakeAmountTooLow)),
        (|n| without_threshold(elsewhere)(n), Block(Refusal::CommitRevealEnabled)),
        (too_many_uids, Block(Refusal::UidsLengthExceedUidsInSubNet)),
        (by_a_stranger, Pool(Refusal::StakeAmountTooLow)),
        (|n| without_threshold(by_a_stranger)(n), Block(Refusal::HotKeyNotRegisteredInSubNet)),
        (|n| n.attempt_by(2, weights(&[(3, 1), (4, 1)])), Pool(Refusal::StakeAmountTooLow)),
        (outdated_version, Block(Refusal::IncorrectWeightVersionKey)),
        (second_in_a_block, Block(Refusal::SettingWeightsTooFast)),
        (with_stake_but_no_permit, Block(Refusal::NeuronNoValidatorPermit)),
        (|n| n.attempt_by(0, weights(&[(2, 1), (2, 1)])), Block(Refusal::DuplicateUids)),
        (|n| n.attempt_by(0, weights(&[(2, 1), (9, 1)])), Block(Refusal::UidVecContainInvalidOne)),
        (|n| n.attempt_by(0, weights(&[(2, 1)])), Block(Refusal::WeightVecLengthIsLow)),
        (|n| n.attempt_by(0, weights(&[(0, 1)])), Fate::Done),
        (registered_elsewhere, Block(Refusal::SubnetNotExists)),
        (registered_again, Block(Refusal::HotKeyAlreadyRegisteredInSubNet)),
        (registered_twice_in_a_block, Block(Refusal::HotKeyAlreadyRegisteredInSubNet)),
        (poor_registration, Block(Refusal::NotEnoughBalanceToStake)),
        (stolen_registration, Block(Refusal::NonAssociatedColdKey)),
        (registration_on_full_subnet, Block(Refusal::NoNeuronIdAvailable)),
        (|n| registered_up_to(n, 100, NETUID), Fate::Done),
        (|n| registered_up_to(n, 99, NETUID), Block(Refusal::RegistrationPriceLimitExceeded)),
        (|n| registered_up_to(n, 99, Netuid(2)), Block(Refusal::SubnetNotExists)),
        (staked_on_nobody, Block(Refusal::HotKeyAccountNotExists)),
        (staked_too_much, Block(Refusal::NotEnoughBalanceToStake)),
        (staked_too_little, Block(Refusal::AmountTooLow)),
        (|n| formerly(staked_on_nobody)(n), Pool(Refusal::HotKeyAccountNotExists)),
        (|n| formerly(staked_too_much)(n), Pool(Refusal::BalanceTooLow)),
        (|n| formerly(staked_too_little)(n), Pool(Refusal::StakeAmountTooLow)),
        (spent_twice, Block(Refusal::InsufficientBalance)),
        (dust, Block(Refusal::ExistentialDeposit)),
        (all_but_dust, Block(Refusal::InsufficientBalance)),
        (pennyless, Pool(Refusal::CannotPayFees)),
        (withdrawn_by_another, Block(Refusal::NotEnoughStakeToWithdraw)),
        (withdrawn_too_much, Block(Refusal::NotEnoughStakeToWithdraw)),
        (withdrawn_from_nobody, Block(Refusal::NotEnoughStakeToWithdraw)),
        (|n| formerly(withdrawn_too_much)(n), Pool(Refusal::NotEnoughStakeToWithdraw)),
        (|n| withdrawn(n, 0), Block(Refusal::AmountTooLow)),
        (|n| withdrawn(n, 1_999_999), Block(Refusal::AmountTooLow)),
        (|n| withdrawn(n, 2_000_000), Fate::Done),
        (|n| withdrawn_whole(n, 0), Fate::Done),
        (|n| withdrawn_whole(n, 2), Block(Refusal::AmountTooLow)),
        (second_mechanism, Block(Refusal::MechanismDoesNotExist)),
        (unsupported, Block(Refusal::CallFiltered)),
        (not_sudo, Block(Refusal::RequireSudo)),
        (|n| n.attempt(&key(2), tempo(0)), Fate::Done),
        (|n| prometheus(n, 0x0102_0304, 9090, 4), Fate::Done),
        (|n| prometheus(n, 0, 9090, 4), Pool(Refusal::InvalidIpAddress)),
        (|n| prometheus(n, 0x7f00_0001, 9090, 4), Pool(Refusal::InvalidIpAddress)),
        (|n| prometheus(n, 1, 9090, 5), Pool(Refusal::InvalidIpType)),
        (|n| prometheus(n, 1 << 64, 0, 6), Pool(Refusal::InvalidPort)),
        (second_prometheus, Pool(Refusal::ServingRateLimitExceeded)),
        (|n| formerly(second_prometheus)(n), Block(Refusal::ServingRateLimitExceeded)),
        (prometheus_beside_axon, Fate::Done),
    ];
    for (row, (attempt, expected)) in table.iter().enumerate() {
        let mut net = Net::with_permits();
        assert_eq!(attempt(&mut net), *expected, "row {row}");
    }
}

#[test]
fn a_refused_transaction_changes_nothing_but_the_nonce_of_a_block() {
    let mut net = Net::with_permits();
    let before = net.chain.clone();
    let pool = Fate::RefusedByPool(Refusal::StakeAmountTooLow);
    assert_eq!(elsewhere(&mut net), pool);
    assert_eq!(net.chain, before);
    outdated_version(&mut net);
    let mut expected = before.state.clone();
    expected.begin_block(net.chain.head().number, net.now_ms());
    expected.nonces.insert(net.id(0), 1);
    assert_eq!(net.chain.state, expected);
}
