//! Signed transactions, made by the names in the runtime's metadata
//! (docs/spec/chain.md#transactions).
//!
//! [`Call`] says what is sent; which of the runtime's calls that becomes, and what its arguments are
//! named, is decided from the metadata. subxt lays out the arguments, the extensions in the
//! runtime's order and the signature as the metadata describes them ([`sign`]), so that a moved
//! pallet, a wrapped type or another empty extension needs no new build. An extension that wants
//! something unknown is an error that names it.
//!
//! Every transaction is mortal: it counts from one block and can land in [`ERA_BLOCKS`] blocks
//! from there on, so that what became of it is certain once the last of them is final.
//!
//! No socket and no clock: nonce, blocks and hashes are arguments.

mod call;
mod extensions;

use frame_decode::extrinsics::{ExtrinsicEncodeError, TransactionExtensionsError};
use subxt::config::substrate::{AccountId32, MultiSignature};
use subxt::error::ExtrinsicError;
use subxt::ext::frame_decode;
use subxt::transactions::Signer;

use super::decode::{DecodeError, Item, Runtime, SubtensorConfig};
use super::{Hash, Mortality};
use crate::wallet::{Keypair, blake2b_256};

pub use call::Call;

/// Blocks in which a transaction can land, from the one that it counts from. A power of two, at
/// most 4,096: then every block is a multiple of the era's step. 64 blocks leave an hour's quarter
/// for finality that lags and for a node that is changed, and end well within one tempo.
pub const ERA_BLOCKS: u64 = 64;

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
    #[error(
        "block {0} cannot be the last block of a transaction: its era would begin before the chain"
    )]
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

/// Signs `call` as a transaction of version 4. Signatures are randomised: the same terms give
/// another transaction each time, of which one can land.
///
/// # Errors
/// [`TransactionError`]
pub fn sign(
    runtime: &Runtime,
    call: &Call<'_>,
    signer: &Keypair,
    terms: &SigningTerms,
) -> Result<SignedTransaction, TransactionError> {
    let last_block = terms.mortality.last_block;
    let birth = birth_block(last_block).ok_or(TransactionError::Era(last_block))?;
    let payload = call.payload(runtime)?;
    let client = runtime.signing(terms.genesis, terms.transaction_version)?;
    extensions::check(runtime, &client, terms, birth)?;
    let refused = |error| refused(runtime, call, error);
    let transactions = client.transactions();
    let signable =
        transactions.create_v4_signable_offline(&payload, extensions::params(terms, birth));
    let signed = signable.map_err(refused)?.sign(&OurKey(signer)).map_err(refused)?;
    let bytes = signed.into_encoded();
    Ok(SignedTransaction { hash: transaction_hash(&bytes), bytes })
}

fn refused(runtime: &Runtime, call: &Call<'_>, error: ExtrinsicError) -> TransactionError {
    type Extensions = TransactionExtensionsError;
    match error {
        ExtrinsicError::EncodeError(ExtrinsicEncodeError::TransactionExtensions(
            Extensions::NotFound(name) | Extensions::Other { extension_name: name, .. },
        )) => extensions::unknown(runtime, &name),
        error => runtime.refused(Item::Call(call.label()), error.to_string()).into(),
    }
}

/// A key of ours as subxt's signer.
struct OurKey<'a>(&'a Keypair);

impl Signer<SubtensorConfig> for OurKey<'_> {
    fn account_id(&self) -> AccountId32 {
        AccountId32(self.0.account_id().0)
    }

    fn sign(&self, payload: &[u8]) -> MultiSignature {
        MultiSignature::Sr25519(self.0.sign(payload))
    }
}

#[cfg(test)]
mod tests;
