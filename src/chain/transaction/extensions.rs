//! What the runtime's transaction extensions put into a transaction, and into what is signed.

use super::argument::{compact, is_empty};
use super::{ERA_BLOCKS, TransactionError};
use crate::chain::Hash;
use crate::chain::decode::Runtime;

/// What the extensions know of chain and signer.
#[derive(Debug, Clone, Copy)]
pub struct Implicit {
    pub(super) spec_version: u32,
    pub(super) transaction_version: u32,
    pub(super) genesis: Hash,
    pub(super) nonce: u32,
    pub(super) birth: u64,
    pub(super) birth_hash: Hash,
}

impl Implicit {
    /// What an extension writes into the transaction, and what else is signed; `None` for one that
    /// is not known.
    fn of(&self, extension: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let nothing = Vec::new;
        Some(match extension {
            "CheckSpecVersion" => (nothing(), self.spec_version.to_le_bytes().to_vec()),
            "CheckTxVersion" => (nothing(), self.transaction_version.to_le_bytes().to_vec()),
            "CheckGenesis" => (nothing(), self.genesis.0.to_vec()),
            "CheckMortality" | "CheckEra" => (era(self.birth).to_vec(), self.birth_hash.0.to_vec()),
            "CheckNonce" => (compact_bytes(self.nonce), nothing()),
            // No tip: priorities are flat, so that it would change nothing.
            "ChargeTransactionPayment" => (compact_bytes(0), nothing()),
            // Disabled, and no hash.
            "CheckMetadataHash" => (vec![0], vec![0]),
            _ => return None,
        })
    }
}

/// All that is written into the transaction, and all else that is signed, in the metadata's order.
pub(super) fn encode(
    runtime: &Runtime,
    implicit: &Implicit,
) -> Result<(Vec<u8>, Vec<u8>), TransactionError> {
    let types = runtime.metadata().types();
    let (mut extra, mut additional) = (Vec::new(), Vec::new());
    for extension in runtime.transaction_extensions()? {
        let name = extension.identifier();
        let (has_extra, has_additional) =
            (!is_empty(extension.extra_ty(), types), !is_empty(extension.additional_ty(), types));
        let (written, signed) = match implicit.of(name) {
            Some(known) => known,
            None if !has_extra && !has_additional => continue,
            None => return Err(unknown(runtime, name)),
        };
        // A known name that has come to hold something else is as good as unknown.
        if has_extra == written.is_empty() || has_additional == signed.is_empty() {
            return Err(unknown(runtime, name));
        }
        extra.extend(written);
        additional.extend(signed);
    }
    Ok((extra, additional))
}

fn unknown(runtime: &Runtime, name: &str) -> TransactionError {
    let spec_version = runtime.spec_version();
    TransactionError::UnknownExtension { spec_version, name: name.to_owned() }
}

/// A mortal era of [`ERA_BLOCKS`] that counts from `birth`: the period's power in the low bits, the
/// phase above.
fn era(birth: u64) -> [u8; 2] {
    let power = ERA_BLOCKS.trailing_zeros() as u16 - 1;
    let phase = (birth % ERA_BLOCKS) as u16;
    (power | phase << 4).to_le_bytes()
}

fn compact_bytes(number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    compact(number.into(), &mut bytes);
    bytes
}
