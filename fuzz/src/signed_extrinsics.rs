//! Transactions as bytes, into a dev chain's pool, and the blocks that follow.
//!
//! Input: one byte of flags, then the bytes. With [`SIGNED`] they are a byte for the signer and a
//! byte for the nonce, then a call's bytes, which are signed here, so that a change of a call is
//! not just a bad signature.

use sn1::chain::Hash;
use sn1::devchain::node::NodeError;
use sn1::wallet::blake2b_256;

use crate::dev_node::{Kept, NODES, keypair};

const SIGNED: u8 = 1;
const STATEFUL: u8 = 2;

/// Blocks after which a transaction that waits for its nonce must be in one or gone.
const N_BLOCKS: u64 = 70;
/// What a pool may answer: undecodable, invalid, and the refusals of its own.
const REFUSALS: [i64; 5] = [1002, 1010, 1013, 1014, 1016];

/// Panics when the pool takes what it should not, loses what it took, or names no reason.
pub fn check(input: &[u8]) {
    let Some((&flags, rest)) = input.split_first() else { return };
    let mut kept = NODES[usize::from(flags & STATEFUL != 0)].clone();
    let bytes = match rest {
        [signer, nonce, call @ ..] if flags & SIGNED != 0 => {
            let signer = [1, 2, 3, 4, 11, 12, 77][usize::from(*signer) % 7];
            kept.signed(signer, nonce_near(&kept, signer, *nonce), call)
        }
        _ => rest.to_vec(),
    };
    let hash = Hash(blake2b_256(&bytes));
    match kept.node.submit(&bytes) {
        Err(error) => check_refused(&kept, &error),
        Ok(taken) => {
            assert_eq!(taken, hash);
            check_taken(&mut kept, &bytes, hash);
        }
    }
}

/// The account's next nonce, a few more or a few less.
fn nonce_near(kept: &Kept, signer: u8, nonce: u8) -> u32 {
    let next = kept.node.next_nonce(&keypair(signer).account_id());
    next.saturating_add_signed(i32::from(nonce.cast_signed()))
}

fn check_refused(kept: &Kept, error: &NodeError) {
    assert!(REFUSALS.contains(&error.code), "{error:?}");
    assert!(!error.message.is_empty() && error.data.as_deref() != Some(""), "{error:?}");
    assert!(kept.node.pending().is_empty());
}

/// What was taken is never taken twice, and is in the next block or waits for one.
fn check_taken(kept: &mut Kept, bytes: &[u8], hash: Hash) {
    assert_eq!(kept.node.pending(), [bytes]);
    assert_eq!(kept.node.submit(bytes).map_err(|error| error.code), Err(1013));
    for _ in 0..N_BLOCKS {
        let included = kept.advance();
        if kept.node.pending().is_empty() {
            assert!(included.is_empty() || included == [hash]);
            check_block(kept, bytes, !included.is_empty());
            break;
        }
        assert!(included.is_empty());
    }
    assert!(kept.node.pending().is_empty(), "it outlives its era");
    let again = kept.node.submit(bytes).map_err(|error| error.code);
    assert!(matches!(again, Err(1010 | 1002)), "{again:?}");
}

/// The block shows it word for word, and tells by an event what became of it.
fn check_block(kept: &Kept, bytes: &[u8], is_included: bool) {
    let block = kept.node.block(None).expect("the newest block is there");
    let shown = block["block"]["extrinsics"].as_array().expect("a list");
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = shown.iter().position(|shown| *shown == format!("0x{digits}"));
    assert_eq!(place.is_some(), is_included);
    let Some(place) = place else { return };
    let sn1::chain::decode::Read::Storage { key } = kept.runtime.events().expect("events") else {
        panic!("events are stored")
    };
    let events = kept.node.storage(&key, None).expect("the newest state is there");
    let place = u32::try_from(place).expect("a place");
    kept.runtime.outcome(events.as_deref(), place).expect("the events tell of it").ok();
}
