//! Sealed transactions: opened by the author, and carried out in the next block.

use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ml_kem::{EncapsulationKey, Key, MlKem768};
use parity_scale_codec::Encode;
use sp_crypto_hashing::twox_128;

use super::support::*;
use crate::devchain::node::{DevNode, shield};

/// Seals as the official SDK does, for the key that the chain stores.
fn seal(node: &DevNode, inner: &[u8]) -> Vec<u8> {
    let runtime = decoder(node);
    let crate::chain::decode::Read::Storage { key } =
        runtime.storage("MevShield", "NextKey", ()).unwrap()
    else {
        panic!("an entry of storage")
    };
    let stored = node.storage(&key, None).unwrap().unwrap();
    let key_bytes = &stored[2..]; // A compact length of two bytes: 1,184.
    assert_eq!(key_bytes.len(), 1_184);
    let key: &Key<EncapsulationKey<MlKem768>> = key_bytes.try_into().unwrap();
    let key = EncapsulationKey::<MlKem768>::new(key).unwrap();
    let (shared, secret) = key.encapsulate_deterministic(&[7; 32].into());
    let nonce = XNonce::from([9; 24]);
    let sealed = XChaCha20Poly1305::new(&secret).encrypt(&nonce, inner).unwrap();
    let length = (shared.len() as u16).to_le_bytes();
    [&twox_128(key_bytes)[..], &length, &shared, &nonce, &sealed].concat()
}

#[test]
fn what_was_sealed_is_in_the_next_block() {
    for generation in GENERATIONS {
        let mut node = node(generation);
        let signer = keypair(3);
        let remark = call(&node, "System", "remark", &[&[0]]);
        let mut draft = Draft::new(&node, &signer.account_id(), remark);
        draft.nonce += 1;
        let inner = draft.sign(&node, &signer);
        let sealed = seal(&node, &inner);
        let submit = call(&node, "MevShield", "submit_encrypted", &[&sealed.encode()]);
        carry_out(&mut node, &signer, submit);
        assert_eq!(node.pending(), [inner], "{generation:?}");
        assert_eq!(advance(&mut node).included.len(), 1);
        assert_eq!(node.next_nonce(&signer.account_id()), 2);
    }
}

#[test]
fn what_is_damaged_or_for_another_key_is_not_opened() {
    let node = node(crate::devchain::node::Generation::Modular);
    let sealed = seal(&node, b"inner");
    assert_eq!(shield::open(node.genesis_hash(), &sealed).unwrap(), b"inner");
    for place in [0, 16, 30, sealed.len() - 1] {
        let mut damaged = sealed.clone();
        damaged[place] ^= 1;
        assert_eq!(shield::open(node.genesis_hash(), &damaged), None, "byte {place}");
    }
    for length in [0, 16, 18, 1_106, 1_130] {
        assert_eq!(shield::open(node.genesis_hash(), &sealed[..length]), None, "{length} bytes");
    }
}
