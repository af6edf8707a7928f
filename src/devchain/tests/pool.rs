//! The pool: what it accepts, what it keeps for later, and what leaves it without a block.

use super::*;

/// A chain with one account, which can pay for many remarks.
fn chain() -> (DevChain, AccountId) {
    (DevChain::genesis(config()), key(1).account_id())
}

fn remark(signer: AccountId, nonce: u32) -> Transaction {
    raw(signer, nonce, Call::Remark)
}

fn applied(report: &BlockReport) -> Vec<Hash> {
    report.applied.iter().map(|applied| applied.hash).collect()
}

#[test]
fn nonces_pass_once_and_wait_for_their_turn() {
    let (mut chain, id) = chain();
    let waiting: Vec<Transaction> = (0..9).map(|nonce| remark(id, nonce)).collect();
    for transaction in waiting.iter().rev() {
        assert_eq!(chain.next_nonce(&id), 0);
        assert_eq!(chain.submit_transaction(transaction.clone()), Ok(transaction.hash));
    }
    assert_eq!(chain.next_nonce(&id), 9, "the pool counts");
    let again = chain.submit_transaction(waiting[3].clone());
    assert_eq!(again, Err(Refusal::AlreadyImported));
    let other = Transaction { length: 1, hash: Hash([1; 32]), ..waiting[3].clone() };
    assert_eq!(chain.submit_transaction(other), Err(Refusal::PriorityTooLow));
    let report = chain.produce_block(0);
    assert_eq!(applied(&report), waiting.iter().map(|x| x.hash).collect::<Vec<_>>());
    assert_eq!((chain.n_pending(), report.dropped.len()), (0, 0));
    assert_eq!(chain.submit_transaction(waiting[3].clone()), Err(Refusal::Outdated));
}

#[test]
fn a_nonce_waits_for_those_before_it_but_not_from_far_ahead() {
    let (mut chain, id) = chain();
    assert_eq!(chain.submit_transaction(remark(id, 9)), Err(Refusal::FutureNonce));
    let (first, third) = (remark(id, 0), remark(id, 2));
    chain.submit_transaction(third.clone()).unwrap();
    chain.submit_transaction(first.clone()).unwrap();
    assert_eq!(chain.next_nonce(&id), 1);
    assert_eq!(applied(&chain.produce_block(0)), [first.hash]);
    assert!(chain.pending().eq([&third]));
    let second = remark(id, 1);
    chain.submit_transaction(second.clone()).unwrap();
    assert_eq!(applied(&chain.produce_block(0)), [second.hash, third.hash]);
}

#[test]
fn a_transaction_leaves_when_its_time_is_over() {
    let (mut chain, id) = chain();
    let second = Transaction { last_block: 2, ..remark(id, 1) };
    let late = Transaction { last_block: 0, ..remark(id, 0) };
    assert_eq!(chain.submit_transaction(late), Err(Refusal::Outdated));
    chain.submit_transaction(second.clone()).unwrap();
    for _ in 0..2 {
        assert_eq!(chain.produce_block(0).dropped, []);
        assert_eq!(chain.n_pending(), 1);
    }
    let report = chain.produce_block(0);
    assert_eq!((report.dropped, report.applied), (vec![second.hash], vec![]));
    assert_eq!(chain.n_pending(), 0);
    let last_chance = Transaction { last_block: 4, ..remark(id, 0) };
    chain.submit_transaction(last_chance.clone()).unwrap();
    assert_eq!(applied(&chain.produce_block(0)), [last_chance.hash]);
}

#[test]
fn who_cannot_pay_any_more_is_in_no_block() {
    let (mut chain, id) = chain();
    let to = key(9).account_id();
    let all = TREASURE - fee(&Call::Transfer { to, amount: 0, keep_alive: false }, 200);
    let call = Call::Transfer { to, amount: all, keep_alive: false };
    let spend = Transaction { length: 200, ..raw(id, 0, call) };
    let remark = remark(id, 1);
    chain.submit_transaction(spend.clone()).unwrap();
    chain.submit_transaction(remark.clone()).unwrap();
    let report = chain.produce_block(0);
    assert_eq!((applied(&report), report.dropped), (vec![spend.hash], vec![remark.hash]));
    assert_eq!((chain.balance(&id), chain.next_nonce(&id)), (0, 1));
    assert_eq!(chain.submit_transaction(remark), Err(Refusal::CannotPayFees));
}

#[test]
fn the_pool_has_an_end() {
    let mut genesis = config();
    let accounts = (0..32).map(|i| AccountId([i; 32]));
    genesis.balances = accounts.clone().map(|account| (account, TREASURE)).collect();
    let mut chain = DevChain::genesis(genesis);
    for (nonce, account) in (0..256).flat_map(|nonce| accounts.clone().map(move |a| (nonce, a))) {
        chain.submit_transaction(remark(account, nonce)).unwrap();
    }
    let one_more = remark(AccountId([0; 32]), 256);
    assert_eq!(chain.submit_transaction(one_more.clone()), Err(Refusal::PoolFull));
    assert_eq!(chain.produce_block(0).applied.len(), 8_192);
    chain.submit_transaction(one_more).unwrap();
}

#[test]
fn fees_grow_with_the_length_and_serving_is_free() {
    let netuid = NETUID;
    assert!(fee(&Call::Remark, 200) > fee(&Call::Remark, 100));
    assert!(fee(&Call::Remark, 0) > 0);
    for call in [Call::ServeAxon { netuid, axon: axon() }, weights(&[(1, 1)])] {
        assert_eq!(fee(&call, 1_000), 0);
    }
}
