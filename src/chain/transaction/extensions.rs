//! What goes into the transaction extensions that this node can fill in.
//!
//! subxt writes them in the runtime's order, skips an unknown one whose types are empty and refuses
//! any other unknown one by name. What it does not look at is whether a known name still holds what
//! it always held: [`check`] does.

use subxt::OfflineClientAtBlock;
use subxt::config::transaction_extensions::{
    ChargeTransactionPaymentParams, CheckMortalityParams, CheckNonceParams,
};
use subxt::config::{ClientState, TransactionExtensions};
use subxt::ext::frame_decode::extrinsics::TransactionExtensions as Encode;
use subxt::utils::H256;

use super::{ERA_BLOCKS, SigningTerms, TransactionError};
use crate::chain::decode::{KnownExtensions, Runtime, SubtensorConfig, decode_value};

type Params = <KnownExtensions as TransactionExtensions<SubtensorConfig>>::Params;

/// What our transactions put into them. There is no tip: priorities are flat, so that it would
/// change nothing.
pub(super) fn params(terms: &SigningTerms, birth: u64) -> Params {
    let birth_hash = H256(terms.birth_hash.0);
    let mortality = CheckMortalityParams::mortal_from_unchecked(ERA_BLOCKS, birth, birth_hash);
    let nonce = CheckNonceParams::with_nonce(terms.mortality.nonce.into());
    ((), (), (), mortality, nonce, ChargeTransactionPaymentParams::no_tip(), ())
}

/// A known name that has come to hold something else is as good as unknown: what is written must
/// be exactly a value of the metadata's type, and nothing may be left unwritten.
///
/// # Errors
/// [`TransactionError::UnknownExtension`]
pub(super) fn check(
    runtime: &Runtime,
    client: &OfflineClientAtBlock<SubtensorConfig>,
    terms: &SigningTerms,
    birth: u64,
) -> Result<(), TransactionError> {
    let state = ClientState {
        genesis_hash: H256(terms.genesis.0),
        spec_version: runtime.spec_version(),
        transaction_version: terms.transaction_version,
        metadata: client.metadata(),
    };
    let refused = |name: &str| unknown(runtime, name);
    let known =
        KnownExtensions::new(&state, params(terms, birth)).map_err(|e| refused(&e.to_string()))?;
    let types = client.metadata_ref().types();
    for extension in runtime.transaction_extensions()? {
        let name = extension.identifier();
        if !Encode::contains_extension(&known, name) {
            continue;
        }
        let (mut written, mut signed) = (Vec::new(), Vec::new());
        let (extra, additional) = (extension.extra_ty(), extension.additional_ty());
        known
            .encode_extension_value_to(name, extra, types, &mut written)
            .and_then(|()| known.encode_extension_implicit_to(name, additional, types, &mut signed))
            .map_err(|_| refused(name))?;
        let fits = |bytes: &[u8], type_id| decode_value(bytes, type_id, types).is_ok();
        if !fits(&written, extra) || !fits(&signed, additional) {
            return Err(refused(name));
        }
    }
    Ok(())
}

/// The error for an extension that cannot be filled in.
pub(super) fn unknown(runtime: &Runtime, name: &str) -> TransactionError {
    let spec_version = runtime.spec_version();
    TransactionError::UnknownExtension { spec_version, name: name.to_owned() }
}
