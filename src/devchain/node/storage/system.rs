//! Storage of the pallets that every chain has, and of the beacon's pallet.

use crate::devchain::node::block::AURA;
use crate::devchain::node::key::Key;
use crate::devchain::node::shield;
use crate::devchain::node::tree::Tree;
use crate::devchain::node::view::View;
use crate::wallet::{AccountId, blake2b_256};

/// One as a `FixedU128`: the fee multiplier is constant.
const NO_MULTIPLIER: u128 = 1_000_000_000_000_000_000;
/// The account flag that all accounts of this runtime have.
const NEW_LOGIC: u128 = 1 << 127;

pub(super) fn value(view: View<'_>, pallet: &str, entry: &str, keys: &[Key]) -> Option<Tree> {
    match (pallet, entry) {
        ("System", _) => system(view, entry, keys),
        ("Timestamp", "Now") => Some(view.block.now_ms.into()),
        ("Aura", "CurrentSlot") => Some(slot(view).into()),
        ("Aura", "Authorities") => Some(Tree::list([author()])),
        ("Balances", "TotalIssuance") => Some(view.total_issuance().into()),
        ("TransactionPayment", "NextFeeMultiplier") => Some(NO_MULTIPLIER.into()),
        ("Sudo", "Key") => view.state().sudo.map(Tree::from),
        ("Drand", _) => drand(view, entry, keys),
        (shield::PALLET, entry) if shield::KEYS.contains(&entry) => {
            Some(shield::public_key(view.genesis()).as_slice().into())
        }
        _ => None,
    }
}

/// The account of the block author, which has no private key.
pub(in crate::devchain::node) fn author() -> [u8; 32] {
    blake2b_256(b"sn1-devchain-author-1")
}

/// The slot of the block: its time divided by the block time.
pub(in crate::devchain::node) fn slot(view: View<'_>) -> u64 {
    view.block.now_ms / view.block.runtime.spec().block_time_ms.max(1)
}

fn system(view: View<'_>, entry: &str, keys: &[Key]) -> Option<Tree> {
    match (entry, keys) {
        ("Account", [account]) => account_info(view, account.account()?),
        ("Number", []) => Some(view.number().into()),
        ("ParentHash", []) => Some(view.block.header.parent.0.into()),
        ("BlockHash", [number]) => {
            let number = number.number().filter(|number| *number < view.number())?;
            Some(view.hashes.get(number)?.0.into())
        }
        ("EventCount", []) => Some(view.block.n_events.into()),
        ("LastRuntimeUpgrade", []) => Some(Tree::Record(vec![
            ("spec_version", view.block.upgraded_to.into()),
            ("spec_name", "node-subtensor".into()),
        ])),
        ("Digest", []) => Some(digest(view)),
        _ => None,
    }
}

/// The digest with the slot's log; empty for genesis.
fn digest(view: View<'_>) -> Tree {
    let slot = slot(view).to_le_bytes();
    let item = Tree::List(vec![AURA.as_slice().into(), slot.as_slice().into()]);
    let log = (view.number() > 0).then(|| Tree::Case("PreRuntime", Box::new(item)));
    Tree::Record(vec![("logs", Tree::List(log.into_iter().collect()))])
}

/// The record of an account; `None` unless it holds something or has sent a transaction.
fn account_info(view: View<'_>, account: AccountId) -> Option<Tree> {
    let state = view.state();
    let (free, nonce) = (state.balance(&account), state.nonce(&account));
    if free == 0 && nonce == 0 {
        return None;
    }
    let data = Tree::Record(vec![("free", free.into()), ("flags", NEW_LOGIC.into())]);
    Some(Tree::Record(vec![
        ("nonce", nonce.into()),
        ("providers", u32::from(free > 0).into()),
        ("data", data),
    ]))
}

fn drand(view: View<'_>, entry: &str, keys: &[Key]) -> Option<Tree> {
    let beacon = &view.state().beacon;
    match (entry, keys) {
        ("BeaconConfig", []) => Some(beacon_config(view)),
        ("LastStoredRound", []) => Some(beacon.last_stored_round.into()),
        ("OldestStoredRound", []) => Some(u64::from(beacon.last_stored_round > 0).into()),
        ("Pulses", [round]) => {
            let round: u64 = round.number()?;
            let signature = beacon.pulse(round)?.to_bytes();
            let randomness = sha256(&signature);
            Some(Tree::Record(vec![
                ("round", round.into()),
                ("randomness", randomness.as_slice().into()),
                ("signature", signature.as_slice().into()),
            ]))
        }
        _ => None,
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

fn beacon_config(view: View<'_>) -> Tree {
    let rules = view.rules();
    let key = view.chain().beacon_key().to_bytes();
    let identity = blake2b_256(&key);
    Tree::Record(vec![
        ("public_key", key.as_slice().into()),
        ("period", rules.beacon_period.into()),
        ("genesis_time", rules.beacon_genesis.into()),
        ("hash", identity.as_slice().into()),
        ("group_hash", identity.as_slice().into()),
        ("scheme_id", "bls-unchained-g1-rfc9380".into()),
        ("metadata", Tree::Record(vec![("beacon_id", "sn1-devchain".into())])),
    ])
}
