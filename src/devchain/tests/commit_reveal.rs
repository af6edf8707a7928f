//! Sealed weights from commit to reveal, and every way in which they fail.

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::chain::commit_reveal::{
    BeaconKeypair, BeaconParameters, WeightsPayload, plan_reveal, seal_message, seal_weights,
};

/// A net with commit-reveal, permits, a rate limit that has passed, and some blocks before the next
/// epoch.
pub(super) fn with_commit_reveal() -> Net {
    let mut net = Net::with_permits();
    net.block();
    net.change_rules(|rules| rules.commit_reveal_enabled = true);
    net
}

fn payload(hotkey: Option<AccountId>, entries: &[(u16, u16)]) -> WeightsPayload {
    WeightsPayload {
        hotkey,
        uids: entries.iter().map(|(uid, _)| Uid(*uid)).collect(),
        values: entries.iter().map(|(_, value)| *value).collect(),
        version_key: VERSION_KEY,
    }
}

fn commit(commit: Vec<u8>, reveal_round: u64) -> Call {
    Call::CommitTimelocked { netuid: NETUID, mecid: 0, commit, reveal_round, version: 4 }
}

fn seal(net: &Net, payload: &WeightsPayload, round: u64) -> Vec<u8> {
    let mut rng = StdRng::seed_from_u64(round);
    seal_weights(&net.chain.beacon_key(), round, payload, &mut rng).unwrap()
}

/// A valid commit by the hotkey of `uid`.
pub(super) fn commit_of(net: &Net, uid: usize, entries: &[(u16, u16)], round: u64) -> Call {
    commit(seal(net, &payload(Some(net.id(uid)), entries), round), round)
}

fn beacon(net: &Net) -> BeaconParameters {
    BeaconParameters::new(&net.chain.beacon_key().to_bytes(), START, 3).unwrap()
}

fn stored(net: &Net) -> usize {
    net.chain.state.commits.values().map(Vec::len).sum()
}

#[test]
fn sealed_weights_come_into_force_when_planned() {
    let mut net = with_commit_reveal();
    let now = net.now_ms() as f64 / 1000.0;
    let schedule = net.chain.epoch_schedule();
    let plan = plan_reveal(&schedule, 1, &beacon(&net), now, 12.0).unwrap();
    let call = commit_of(&net, 0, &[(2, 1), (3, 2)], plan.round);
    let Call::CommitTimelocked { commit, .. } = &call else { unreachable!() };
    let hash = Hash(crate::wallet::blake2b_256(commit));
    net.send_by(0, call);
    let report = net.block();
    let (hotkey, round) = (net.id(0), plan.round);
    let event = Event::TimelockedWeightsCommitted { hotkey, index: 1, commit: hash, round };
    assert_eq!(report.applied[0].events, [event]);
    let committed_at = report.head.number;
    assert_eq!(net.neuron(0).last_update, committed_at);
    assert_eq!(net.chain.weights(NETUID, Uid(0)), Some(vec![]));
    let report = net.reveal();
    assert_eq!(report.revealed, [net.id(0)]);
    assert_eq!(
        report.head.number,
        plan.first_block + 3,
        "the beacon's round is three blocks later"
    );
    let weights = net.chain.weights(NETUID, Uid(0)).unwrap();
    assert_eq!(weights, [(Uid(2), 32_768), (Uid(3), 65_535)]);
    assert_eq!(net.neuron(0).last_update, committed_at, "the commit moved it, not the reveal");
    assert_eq!(stored(&net), 0);
}

#[test]
fn the_reveal_comes_before_the_epoch_of_its_block() {
    let mut net = with_commit_reveal();
    net.chain.set_epoch_schedule(EpochRule::Stateful);
    for uid in [0, 1] {
        let call = commit_of(&net, uid, &[(2, 1), (3, 2)], net.next_round());
        net.send_by(uid, call);
    }
    let report = net.reveal();
    assert_eq!(report.revealed, [net.id(0), net.id(1)]);
    let epoch = report.epoch.unwrap();
    assert!(epoch.server_emission[3] > epoch.server_emission[2]);
    assert!(epoch.server_emission[2] > 0);
}

#[test]
fn the_older_payload_without_a_hotkey_opens_too() {
    let mut net = with_commit_reveal();
    let round = net.next_round();
    let sealed = seal(&net, &payload(None, &[(2, 1), (3, 2)]), round);
    assert_eq!(net.attempt_by(0, commit(sealed, round)), Fate::Done);
    net.run_blocks(12);
    assert_eq!(net.chain.weights(NETUID, Uid(0)).unwrap().len(), 2);
}

/// Makes one faulty commit of uid 0 and its circumstances, to be opened soon.
type Flaw = fn(&mut Net, u64) -> Vec<u8>;

fn sealed_as(net: &Net, round: u64, change: impl FnOnce(&mut WeightsPayload)) -> Vec<u8> {
    let mut payload = payload(Some(net.id(0)), &[(2, 1), (3, 2)]);
    change(&mut payload);
    seal(net, &payload, round)
}

#[test]
fn whatever_is_wrong_inside_is_dropped_without_a_word() {
    let flaws: &[Flaw] = &[
        |net, round| sealed_as(net, round, |x| x.hotkey = Some(key(11).account_id())),
        |net, round| sealed_as(net, round, |x| x.version_key -= 1),
        |net, round| sealed_as(net, round, |x| x.values.push(1)),
        |net, round| sealed_as(net, round, |x| x.uids[1] = Uid(2)),
        |net, round| sealed_as(net, round, |x| x.uids[1] = Uid(9)),
        |net, round| sealed_as(net, round, |x| (x.uids, x.values) = (vec![Uid(2)], vec![1])),
        |net, round| seal(net, &payload(Some(net.id(0)), &[(2, 1), (3, 2)]), round + 1),
        |_, _| vec![1, 2, 3],
        |_, _| Vec::new(),
        |net, round| {
            let mut sealed = sealed_as(net, round, |_| {});
            *sealed.last_mut().unwrap() ^= 1;
            sealed
        },
        |_, round| {
            let stranger = BeaconKeypair::from_seed(&[5; 32]);
            let payload = payload(Some(key(10).account_id()), &[(2, 1), (3, 2)]);
            let mut rng = StdRng::seed_from_u64(1);
            seal_weights(stranger.key(), round, &payload, &mut rng).unwrap()
        },
        |net, round| {
            let mut rng = StdRng::seed_from_u64(1);
            let key = net.chain.beacon_key();
            seal_message(&key, round, b"no weights", &mut rng).unwrap().to_bytes()
        },
        |net, round| {
            // The epoch before the reveal removes the permit.
            net.change_rules(|rules| rules.max_validators = 0);
            sealed_as(net, round, |_| {})
        },
    ];
    for (row, flaw) in flaws.iter().enumerate() {
        let mut net = with_commit_reveal();
        let round = net.next_round();
        let sealed = flaw(&mut net, round);
        assert_eq!(net.attempt_by(0, commit(sealed, round)), Fate::Done, "row {row}");
        assert_eq!(stored(&net), 1);
        let due = net.chain.epoch_schedule().first_reveal_block(1).unwrap();
        while net.chain.head().number < due {
            assert_eq!(net.block().revealed, [], "row {row}");
        }
        assert_eq!(stored(&net), 0, "row {row}");
        assert_eq!(net.chain.weights(NETUID, Uid(0)), Some(vec![]), "row {row}");
    }
}

#[test]
fn a_round_that_never_comes_is_waited_for_through_its_epoch() {
    let mut net = with_commit_reveal();
    let call = commit_of(&net, 0, &[(2, 1), (3, 2)], 1_000_000);
    assert_eq!(net.attempt_by(0, call), Fate::Done);
    let due = net.chain.epoch_schedule().first_reveal_block(1).unwrap();
    while net.chain.head().number < due + 9 {
        assert_eq!(stored(&net), 1);
        net.block();
    }
    assert_eq!(stored(&net), 1, "the last block of the reveal epoch");
    net.block();
    assert_eq!(stored(&net), 0);
}

#[test]
fn a_late_round_opens_within_the_epoch() {
    let mut net = with_commit_reveal();
    let due = net.chain.epoch_schedule().first_reveal_block(1).unwrap();
    // Four rounds per block: the round is stored in the fifth block of the reveal epoch.
    let round = (due + 4) * 4;
    let call = commit_of(&net, 0, &[(2, 1), (3, 2)], round);
    assert_eq!(net.attempt_by(0, call), Fate::Done);
    assert_eq!(net.reveal().head.number, due + 4);
}

#[test]
fn revealed_weights_have_a_pace_once_commits_are_off() {
    let mut net = with_commit_reveal();
    let round = net.next_round();
    let call = commit_of(&net, 0, &[(2, 1), (3, 2)], round);
    assert_eq!(net.attempt_by(0, call), Fate::Done);
    net.change_rules(|rules| {
        (rules.commit_reveal_enabled, rules.weights_rate_limit) = (false, 1_000);
    });
    net.run_blocks(20);
    assert_eq!((stored(&net), net.chain.weights(NETUID, Uid(0))), (0, Some(vec![])));
}

fn changed(net: &mut Net, change: impl FnOnce(&mut u8, &mut u16, &mut u64)) -> Fate {
    let round = net.next_round();
    let Call::CommitTimelocked { netuid, mut mecid, commit, mut reveal_round, mut version } =
        commit_of(net, 0, &[(2, 1), (3, 2)], round)
    else {
        unreachable!()
    };
    change(&mut mecid, &mut version, &mut reveal_round);
    net.attempt_by(0, Call::CommitTimelocked { netuid, mecid, commit, reveal_round, version })
}

fn twice(net: &mut Net) -> Fate {
    assert_eq!(changed(net, |_, _, _| {}), Fate::Done);
    changed(net, |_, _, _| {})
}

fn twice_in_a_block(net: &mut Net) -> Fate {
    let round = net.next_round();
    net.send_by(0, commit_of(net, 0, &[(2, 1), (3, 2)], round));
    changed(net, |_, _, _| {})
}

fn eleven(net: &mut Net) -> Fate {
    net.change_rules(|rules| (rules.weights_rate_limit, rules.tempo) = (0, 100));
    for _ in 0..10 {
        assert_eq!(changed(net, |_, _, _| {}), Fate::Done);
    }
    changed(net, |_, _, _| {})
}

#[test]
fn commits_are_refused_in_the_runtimes_order() {
    use Fate::{RefusedByBlock as Block, RefusedByPool as Pool};
    type Attempt = fn(&mut Net) -> Fate;
    let table: &[(Attempt, Fate)] = &[
        (|net| changed(net, |_, _, _| {}), Fate::Done),
        (|net| changed(net, |mecid, _, _| *mecid = 1), Block(Refusal::MechanismDoesNotExist)),
        (
            |net| changed(net, |_, version, _| *version = 3),
            Block(Refusal::IncorrectCommitRevealVersion),
        ),
        (|net| changed(net, |_, _, round| *round -= 5), Pool(Refusal::InvalidRevealRound)),
        (|net| changed(net, |_, _, round| *round -= 1), Block(Refusal::InvalidRevealRound)),
        (|net| net.attempt_by(2, commit(vec![1], u64::MAX)), Pool(Refusal::StakeAmountTooLow)),
        (|net| net.attempt_by(0, commit(vec![1; 5_001], u64::MAX)), Pool(Refusal::UnexpectedCall)),
        (
            |net| {
                net.change_rules(|rules| rules.stake_threshold = 0);
                net.attempt(&key(50), commit(vec![1], u64::MAX))
            },
            Block(Refusal::HotKeyNotRegisteredInSubNet),
        ),
        (
            |net| {
                net.change_rules(|rules| rules.commit_reveal_enabled = false);
                changed(net, |_, _, _| {})
            },
            Block(Refusal::CommitRevealDisabled),
        ),
        (twice, Pool(Refusal::RateLimitExceeded)),
        (twice_in_a_block, Block(Refusal::CommittingWeightsTooFast)),
        (eleven, Block(Refusal::TooManyUnrevealedCommits)),
    ];
    for (row, (attempt, expected)) in table.iter().enumerate() {
        let mut net = with_commit_reveal();
        assert_eq!(attempt(&mut net), *expected, "row {row}");
    }
}

#[test]
fn the_beacon_signs_every_round_up_to_now_and_fears_no_leap() {
    let mut net = Net::new(config());
    assert_eq!(net.chain.last_stored_round(), net.chain.head().number * 12 / 3);
    let key = net.chain.beacon_key();
    for round in [1, 7, net.chain.last_stored_round()] {
        assert_eq!(key.verify(round, &net.chain.pulse(round).unwrap()), Ok(()));
    }
    assert!(net.chain.pulse(0).is_none());
    assert!(net.chain.pulse(net.chain.last_stored_round() + 1).is_none());
    let year_later = net.now_ms() + 365 * 86_400_000;
    net.chain.produce_block(year_later);
    let newest = net.chain.last_stored_round();
    assert_eq!(newest, (year_later / 1000 - START) / 3);
    assert!(net.chain.pulse(newest / 2).is_some());
    let report = net.chain.produce_block(0);
    assert_eq!(report.now_ms, year_later, "time does not go back");
    assert_eq!(net.chain.last_stored_round(), newest);
    let other = DevChain::genesis(GenesisConfig { seed: 8, ..config() });
    assert_ne!(other.beacon_key(), key);
}

#[test]
fn pulses_of_another_beacon_open_what_was_sealed_for_it() {
    let mut net = with_commit_reveal();
    let (stranger, round) = (BeaconKeypair::from_seed(&[5; 32]), 1_000_000);
    let mut rng = StdRng::seed_from_u64(1);
    let payload = payload(Some(net.id(0)), &[(2, 1), (3, 2)]);
    let sealed = seal_weights(stranger.key(), round, &payload, &mut rng).unwrap();
    assert_eq!(net.attempt_by(0, commit(sealed, round)), Fate::Done);
    let mut twin = net.chain.clone();
    net.chain.insert_pulse(round, &stranger.sign(round));
    assert_eq!(net.chain.pulse(round), Some(stranger.sign(round)));
    assert_ne!(net.chain.produce_block(0).head.hash, twin.produce_block(0).head.hash);
    let text = serde_json::to_string(&net.chain).unwrap();
    assert_eq!(serde_json::from_str::<DevChain>(&text).unwrap(), net.chain);
    assert_eq!(net.reveal().revealed, [net.id(0)]);
}
