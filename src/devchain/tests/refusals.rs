//! One table of refusals: who asks for what, and which of pool and block says no, and why.

use super::*;

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
        uids: vec![Uid(2), Uid(3)],
        values: vec![1],
        version_key: VERSION_KEY,
    };
    net.attempt_by(0, call)
}

fn outdated_version(net: &mut Net) -> Fate {
    let call = Call::SetWeights {
        netuid: NETUID,
        uids: vec![Uid(2), Uid(3)],
        values: vec![1, 1],
        version_key: VERSION_KEY - 1,
    };
    net.attempt_by(0, call)
}

fn elsewhere(net: &mut Net) -> Fate {
    let call = Call::SetWeights {
        netuid: Netuid(2),
        uids: vec![Uid(2), Uid(3)],
        values: vec![1, 1],
        version_key: VERSION_KEY,
    };
    net.attempt_by(0, call)
}

fn poor_registration(net: &mut Net) -> Fate {
    let hotkey = key(40).account_id();
    let netuid = NETUID;
    net.attempt(&key(41), Call::BurnedRegister { netuid, hotkey })
}

/// A hotkey that lost its slot still belongs to its coldkey.
fn stolen_registration(net: &mut Net) -> Fate {
    let stranger = key(41);
    let to = stranger.account_id();
    net.send_by_coldkey(Call::Transfer { to, amount: 500 });
    net.run_blocks(20);
    net.change_rules(|rules| rules.max_uids = 5);
    let hotkey = key(42).account_id();
    let netuid = NETUID;
    net.send_by_coldkey(Call::BurnedRegister { netuid, hotkey });
    net.chain.produce_block();
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

fn spent_twice(net: &mut Net) -> Fate {
    let (coldkey, to) = (net.coldkey.clone(), key(41).account_id());
    let amount = net.chain.balance(&coldkey.account_id());
    net.send_by_coldkey(Call::Transfer { to, amount });
    net.attempt(&coldkey, Call::Transfer { to, amount })
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
    let amount = 1;
    net.attempt(&coldkey, Call::AddStake { hotkey, netuid, amount })
}

fn with_stake_but_no_permit(net: &mut Net) -> Fate {
    net.send_by_coldkey(net.stake(2, 5000));
    net.chain.produce_block();
    net.attempt_by(2, weights(&[(3, 1), (4, 1)]))
}

fn plain_under_commit_reveal(net: &mut Net) -> Fate {
    net.change_rules(|rules| rules.commit_reveal_enabled = true);
    net.attempt_by(0, weights(&[(2, 1), (3, 1)]))
}

fn too_many_uids(net: &mut Net) -> Fate {
    net.attempt_by(0, weights(&[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]))
}

#[test]
fn refusals_come_from_the_right_place_for_the_right_reason() {
    use Fate::{RefusedByBlock as Block, RefusedByPool as Pool};
    let table: &[(Prepare, Fate)] = &[
        (|n| serve(2, |_| {})(n), Fate::Done),
        (
            |n| n.attempt(&key(50), Call::ServeAxon { netuid: NETUID, axon: axon() }),
            Pool(Refusal::HotKeyNotRegisteredInSubNet),
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
        (ill_paired, Pool(Refusal::WeightVecNotEqualSize)),
        (elsewhere, Pool(Refusal::SubnetNotExists)),
        (too_many_uids, Block(Refusal::UidsLengthExceedUidsInSubNet)),
        (
            |n| n.attempt(&key(50), weights(&[(2, 1), (3, 1)])),
            Pool(Refusal::HotKeyNotRegisteredInSubNet),
        ),
        (
            |n| n.attempt_by(2, weights(&[(3, 1), (4, 1)])),
            Pool(Refusal::NotEnoughStakeToSetWeights),
        ),
        (outdated_version, Block(Refusal::IncorrectWeightVersionKey)),
        (second_in_a_block, Block(Refusal::SettingWeightsTooFast)),
        (with_stake_but_no_permit, Block(Refusal::NeuronNoValidatorPermit)),
        (|n| n.attempt_by(0, weights(&[(2, 1), (2, 1)])), Block(Refusal::DuplicateUids)),
        (|n| n.attempt_by(0, weights(&[(2, 1), (9, 1)])), Block(Refusal::UidVecContainInvalidOne)),
        (|n| n.attempt_by(0, weights(&[(2, 1)])), Block(Refusal::WeightVecLengthIsLow)),
        (|n| n.attempt_by(0, weights(&[(0, 1)])), Fate::Done),
        (registered_elsewhere, Pool(Refusal::SubnetNotExists)),
        (registered_again, Pool(Refusal::HotKeyAlreadyRegisteredInSubNet)),
        (registered_twice_in_a_block, Block(Refusal::HotKeyAlreadyRegisteredInSubNet)),
        (poor_registration, Pool(Refusal::BalanceTooLow)),
        (stolen_registration, Pool(Refusal::NonAssociatedColdKey)),
        (registration_on_full_subnet, Block(Refusal::NoNeuronIdAvailable)),
        (staked_on_nobody, Pool(Refusal::HotKeyNotRegisteredInSubNet)),
        (spent_twice, Block(Refusal::BalanceTooLow)),
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
    let pool = Fate::RefusedByPool(Refusal::WeightVecNotEqualSize);
    assert_eq!(ill_paired(&mut net), pool);
    assert_eq!(net.chain, before);
    outdated_version(&mut net);
    let mut expected = before.state.clone();
    expected.nonces.insert(net.id(0), 1);
    assert_eq!(net.chain.state, expected);
}

#[test]
fn nonces_count_the_pool_and_pass_once() {
    let mut net = Net::new(config());
    let (to, genesis) = (key(41).account_id(), net.chain.genesis_hash());
    let id = net.coldkey.account_id();
    let first = net.chain.next_nonce(&id);
    let sign = |nonce| {
        SignedExtrinsic::sign(&net.coldkey, nonce, genesis, Call::Transfer { to, amount: 1 })
    };
    let (now, next, later) = (sign(first), sign(first + 1), sign(first + 2));
    assert_eq!(net.chain.submit(next.clone()), Err(Refusal::FutureNonce));
    assert_eq!(net.chain.submit(now.clone()), Ok(now.hash()));
    assert_eq!(net.chain.submit(now.clone()), Ok(now.hash()));
    assert_eq!(net.chain.n_pending(), 1);
    assert_eq!(net.chain.submit(sign(first)), Err(Refusal::Outdated));
    assert_eq!(net.chain.next_nonce(&id), first + 1);
    assert_eq!(net.chain.submit(later), Err(Refusal::FutureNonce));
    assert_eq!(net.chain.submit(next.clone()), Ok(next.hash()));
    let applied = net.chain.produce_block().applied;
    assert_eq!(applied, [(now.hash(), Ok(())), (next.hash(), Ok(()))]);
    assert_eq!(net.chain.submit(now), Err(Refusal::Outdated));
    assert_eq!(net.chain.next_nonce(&id), first + 2);
}

#[test]
fn signatures_of_other_chains_and_altered_calls_are_refused() {
    let mut net = Net::new(config());
    let to = key(41).account_id();
    let other = DevChain::genesis(GenesisConfig { seed: 8, ..config() });
    let id = net.coldkey.account_id();
    let call = Call::Transfer { to, amount: 1 };
    let nonce = net.chain.next_nonce(&id);
    let foreign = SignedExtrinsic::sign(&net.coldkey, nonce, other.genesis_hash(), call.clone());
    assert_eq!(net.chain.submit(foreign), Err(Refusal::BadSignature));
    let mut altered = net.signed(&net.coldkey, call);
    altered.call = Call::Transfer { to, amount: 2 };
    assert_eq!(net.chain.submit(altered), Err(Refusal::BadSignature));
}
