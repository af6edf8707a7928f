//! Signed transactions, made by the names in the runtime's metadata
//! (docs/spec/chain.md#transactions).
//!
//! [`Call`] says what is sent; which of the runtime's calls that becomes, and how its arguments are
//! laid out, is decided from the metadata ([`Call::encode`]). [`sign`] wraps the call's bytes into
//! a version 4 extrinsic: the extensions, their order and what each adds to the signed bytes come
//! from the metadata too, so that a moved pallet, a wrapped type or another empty extension needs
//! no new build. An extension that wants something unknown is an error that names it.
//!
//! Every transaction is mortal: it counts from one block and can land in [`ERA_BLOCKS`] blocks
//! from there on, so that what became of it is certain once the last of them is final.
//!
//! No socket and no clock: nonce, blocks and hashes are arguments.

mod argument;
mod call;
mod extensions;

use super::decode::{DecodeError, Item, Runtime};
use super::{Hash, Mortality};
use crate::wallet::{Keypair, blake2b_256};

pub use argument::Argument;
pub use call::Call;
pub use extensions::Implicit;

/// Blocks in which a transaction can land, from the one that it counts from. A power of two, at
/// most 4,096: then every block is a multiple of the era's step. 64 blocks leave an hour's quarter
/// for finality that lags and for a node that is changed, and end well within one tempo.
pub const ERA_BLOCKS: u64 = 64;

/// Signed bytes beyond this length are hashed first.
const MAX_SIGNED_BYTES: usize = 256;
/// A signed extrinsic of version 4.
const SIGNED_V4: u8 = 0b1000_0100;

/// Why no transaction could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactionError {
    /// The runtime lacks the call, or takes other arguments.
    #[error(transparent)]
    Runtime(#[from] DecodeError),
    /// The runtime wants something in every transaction that is not known here.
    #[error(
        "runtime {spec_version} wants the transaction extension {name}, which this node does not \
         know: look for a newer version"
    )]
    UnknownExtension {
        /// Which runtime.
        spec_version: u32,
        /// What the metadata calls it.
        name: String,
    },
    /// The era would begin before the chain.
    #[error("a transaction cannot count from before the first block: block {0} is no last block")]
    Era(u64),
}

/// What a signature covers besides the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningTerms {
    /// The chain's first block.
    pub genesis: Hash,
    /// The runtime's `transactionVersion`.
    pub transaction_version: u32,
    /// Nonce and last block, as they were written down.
    pub mortality: Mortality,
    /// Hash of the block [`birth_block`] of that last block.
    pub birth_hash: Hash,
}

/// A transaction, ready to be submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTransaction {
    /// What is submitted.
    pub bytes: Vec<u8>,
    /// BLAKE2b-256 of the bytes: how blocks and pools name it.
    pub hash: Hash,
}

/// The last block of an era that counts from `birth`.
pub fn last_block(birth: u64) -> u64 {
    birth.saturating_add(ERA_BLOCKS - 1)
}

/// The block that an era counts from, by its last block; `None` before the chain's first.
pub fn birth_block(last_block: u64) -> Option<u64> {
    last_block.checked_sub(ERA_BLOCKS - 1)
}

/// How blocks and pools name a transaction: BLAKE2b-256 of all its bytes.
pub fn transaction_hash(bytes: &[u8]) -> Hash {
    Hash(blake2b_256(bytes))
}

/// Signs `call` (the bytes of [`Call::encode`] of the same runtime). Signatures are randomised: the
/// same terms give another transaction each time, of which one can land.
///
/// # Errors
/// [`TransactionError`]
pub fn sign(
    runtime: &Runtime,
    call: &[u8],
    signer: &Keypair,
    terms: &SigningTerms,
) -> Result<SignedTransaction, TransactionError> {
    let last_block = terms.mortality.last_block;
    let birth = birth_block(last_block).ok_or(TransactionError::Era(last_block))?;
    let implicit = Implicit {
        spec_version: runtime.spec_version(),
        transaction_version: terms.transaction_version,
        genesis: terms.genesis,
        nonce: terms.mortality.nonce,
        birth,
        birth_hash: terms.birth_hash,
    };
    let (extra, additional) = extensions::encode(runtime, &implicit)?;
    let signature = signer.sign(&to_be_signed(call, &extra, &additional));
    let (address, signature) = signer_parts(runtime, signer, &signature)?;
    let body = [&[SIGNED_V4][..], &address, &signature, &extra, call].concat();
    let mut bytes = Vec::with_capacity(body.len() + 4);
    argument::compact(body.len() as u128, &mut bytes);
    bytes.extend(body);
    Ok(SignedTransaction { hash: transaction_hash(&bytes), bytes })
}

fn to_be_signed(call: &[u8], extra: &[u8], additional: &[u8]) -> Vec<u8> {
    let payload = [call, extra, additional].concat();
    if payload.len() > MAX_SIGNED_BYTES { blake2b_256(&payload).to_vec() } else { payload }
}

/// Address and signature in the runtime's own types.
fn signer_parts(
    runtime: &Runtime,
    signer: &Keypair,
    signature: &[u8; 64],
) -> Result<(Vec<u8>, Vec<u8>), DecodeError> {
    let (address_type, signature_type) = runtime.signer_types()?;
    let encode = |argument: Argument, type_id| {
        let mut bytes = Vec::new();
        let types = runtime.metadata().types();
        let encoded = argument.encode(type_id, types, &mut bytes);
        let item = || Item::Call("signed extrinsic".to_owned());
        encoded.map_err(|reason| runtime.refused(item(), reason)).map(|()| bytes)
    };
    let address = Argument::Bytes(signer.account_id().0.to_vec());
    let signature = Argument::Case("Sr25519", Box::new(Argument::Bytes(signature.to_vec())));
    let address = Argument::Case("Id", Box::new(address));
    Ok((encode(address, address_type)?, encode(signature, signature_type)?))
}

#[cfg(test)]
mod tests;
