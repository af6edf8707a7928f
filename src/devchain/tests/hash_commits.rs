//! Weights that are committed as a hash and revealed by their sender.

use super::*;
use crate::devchain::state::WeightRequest;

/// The hash of the test's weights with a salt, as `utils.generate_weight_hash` of the official CLI
/// makes it: `blake2b(SCALE((bytes, u16, Vec<u16>, Vec<u16>, Vec<u16>, u64)))`.
pub(super) fn hash(salt: u16) -> Hash {
    let mut bytes = key(10).account_id().0.to_vec();
    bytes.extend([1, 0]); // mechanism index
    bytes.extend([8, 2, 0, 3, 0]); // uids 2, 3
    bytes.extend([8, 1, 0, 2, 0]); // values 1, 2
    bytes.push(4); // one salt
    bytes.extend(salt.to_le_bytes());
    bytes.extend(VERSION_KEY.to_le_bytes());
    Hash(crate::wallet::blake2b_256(&bytes))
}

fn commit(hash: Hash) -> Call {
    Call::CommitHash { netuid: NETUID, mecid: 0, hash }
}

fn reveal(salt: u16) -> Call {
    Call::RevealWeights {
        netuid: NETUID,
        mecid: 0,
        uids: vec![Uid(2), Uid(3)],
        values: vec![1, 2],
        salt: vec![salt],
        version_key: VERSION_KEY,
    }
}

/// A net with permits that takes commits, at the start of an epoch.
fn net(rule: EpochRule) -> Net {
    let mut net = Net::with_permits();
    net.chain.set_epoch_schedule(rule);
    net.change_rules(|rules| (rules.commit_reveal_enabled, rules.weights_rate_limit) = (true, 0));
    net.run_epochs(1);
    net
}

#[test]
fn revealed_weights_come_into_force_in_their_epoch_and_in_no_other() {
    for rule in [EpochRule::Modular, EpochRule::Stateful] {
        let mut net = net(rule);
        assert_eq!(net.attempt_by(0, commit(hash(7))), Fate::Done, "{rule:?}");
        let committed_at = net.chain.head().number;
        assert_eq!(net.neuron(0).last_update, committed_at);
        let early = Fate::RefusedByPool(Refusal::CommitBlockNotInRevealRange);
        assert_eq!(net.attempt_by(0, reveal(7)), early, "{rule:?}");
        assert_eq!(net.chain.weights(NETUID, Uid(0)), Some(vec![]));
        net.run_epochs(1);
        let unknown = Fate::RefusedByPool(Refusal::NoWeightsCommitFound);
        assert_eq!(net.attempt_by(0, reveal(8)), unknown, "{rule:?}");
        assert_eq!(net.attempt_by(1, reveal(7)), unknown, "{rule:?}");
        assert_eq!(net.attempt_by(0, reveal(7)), Fate::Done, "{rule:?}");
        let stored = [(Uid(2), 32_768), (Uid(3), 65_535)];
        assert_eq!(net.chain.weights(NETUID, Uid(0)).unwrap(), stored);
        assert_eq!(net.neuron(0).last_update, committed_at, "a reveal does not count");
        assert_eq!(net.attempt_by(0, reveal(7)), unknown, "{rule:?}");
        assert_eq!(net.chain.state.hash_commits.len(), 0);
    }
}

#[test]
fn a_reveal_tells_what_it_did_and_takes_older_hashes_along() {
    let mut net = net(EpochRule::Stateful);
    let (hotkey, index) = (net.id(0), 1);
    for salt in [1, 2, 3] {
        net.send_by(0, commit(hash(salt)));
    }
    let told: Vec<_> = net.block().applied.into_iter().flat_map(|applied| applied.events).collect();
    let hashes = [1, 2, 3].map(hash);
    assert_eq!(told, hashes.map(|hash| Event::WeightsCommitted { hotkey, index, hash }));
    net.run_epochs(1);
    net.send_by(0, reveal(2));
    let told = net.block().applied.remove(0).events;
    let revealed = Event::WeightsRevealed { hotkey, index, hash: hash(2) };
    assert_eq!(told, [Event::WeightsSet { index, uid: Uid(0) }, revealed]);
    let left = &net.chain.state.hash_commits[&hotkey];
    assert_eq!(left.iter().map(|commit| commit.hash).collect::<Vec<_>>(), [hash(3)]);
}

#[test]
fn the_block_says_why_a_reveal_is_none() {
    let block = Fate::RefusedByBlock;
    let mut net = net(EpochRule::Stateful);
    let hotkey = net.id(0);
    let revealed = |net: &mut Net, salt| {
        let (uids, values) = ([Uid(2), Uid(3)], [1, 2]);
        let (netuid, mecid, version_key) = (NETUID, 0, VERSION_KEY);
        let (uids, values, hotkey) = (&uids, &values, &hotkey);
        let request = WeightRequest { hotkey, netuid, mecid, uids, values, version_key };
        let block = net.chain.head().number;
        net.chain.state.reveal_hash(block, request, &[salt]).map(|events| events.len())
    };
    assert_eq!(revealed(&mut net, 7), Err(Refusal::NoWeightsCommitFound));
    assert_eq!(net.attempt_by(0, commit(hash(7))), Fate::Done);
    assert_eq!(revealed(&mut net, 7), Err(Refusal::RevealTooEarly));
    net.run_epochs(1);
    assert_eq!(revealed(&mut net, 8), Err(Refusal::InvalidRevealCommitHashNotMatch));
    net.run_epochs(1);
    assert_eq!(revealed(&mut net, 7), Err(Refusal::ExpiredWeightCommit));
    assert_eq!(revealed(&mut net, 8), Err(Refusal::NoWeightsCommitFound));
    for (attempt, refusal) in [
        (commit(hash(1)), Refusal::CommitRevealDisabled),
        (
            Call::CommitHash { netuid: NETUID, mecid: 1, hash: hash(1) },
            Refusal::MechanismDoesNotExist,
        ),
    ] {
        let is_off = refusal == Refusal::CommitRevealDisabled;
        net.change_rules(|rules| rules.commit_reveal_enabled = !is_off);
        assert_eq!(net.attempt_by(0, attempt), block(refusal));
    }
    net.change_rules(|rules| rules.commit_reveal_enabled = true);
    for salt in 0..10 {
        assert_eq!(net.attempt_by(0, commit(hash(salt))), Fate::Done);
        net.change_rules(|rules| rules.tempo = 100);
    }
    assert_eq!(net.attempt_by(0, commit(hash(99))), block(Refusal::TooManyUnrevealedCommits));
}

#[test]
fn a_mechanism_that_no_subnet_can_have_is_refused() {
    let mut net = net(EpochRule::Modular);
    assert_eq!(net.attempt_by(0, commit(hash(7))), Fate::Done);
    net.run_epochs(1);
    let mut call = reveal(7);
    let Call::RevealWeights { mecid, .. } = &mut call else { panic!() };
    *mecid = u8::MAX;
    assert!(!matches!(net.attempt_by(0, call), Fate::Done));
}
