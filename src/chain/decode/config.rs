//! A subtensor runtime in subxt's terms.

use subxt::config::substrate::{
    AccountId32, BlakeTwo256, MultiAddress, MultiSignature, SubstrateHeader,
};
use subxt::config::transaction_extensions::{
    ChargeTransactionPayment, CheckGenesis, CheckMetadataHash, CheckMortality, CheckNonce,
    CheckSpecVersion, CheckTxVersion,
};
use subxt::utils::H256;
use subxt::{ArcMetadata, Config};

/// The transaction extensions that this node can fill in.
pub(in crate::chain) type KnownExtensions = (
    CheckSpecVersion,
    CheckTxVersion,
    CheckGenesis<SubtensorConfig>,
    CheckMortality<SubtensorConfig>,
    CheckNonce,
    ChargeTransactionPayment,
    CheckMetadataHash,
);

/// One runtime: its metadata and versions, on the chain with this genesis. It holds for whatever
/// block it is asked about, since [`Runtime`](super::Runtime) is chosen by the block already.
#[derive(Debug, Clone)]
pub(in crate::chain) struct SubtensorConfig {
    pub(super) metadata: ArcMetadata,
    pub(super) spec_version: u32,
    pub(super) transaction_version: u32,
    pub(super) genesis: H256,
}

impl Config for SubtensorConfig {
    type AccountId = AccountId32;
    type Address = MultiAddress<AccountId32, u32>;
    type Signature = MultiSignature;
    type Header = SubstrateHeader<H256>;
    type TransactionExtensions = KnownExtensions;
    type AssetId = u32;
    type Hasher = BlakeTwo256;

    fn genesis_hash(&self) -> Option<H256> {
        Some(self.genesis)
    }

    fn spec_and_transaction_version_for_block_number(&self, _: u64) -> Option<(u32, u32)> {
        Some((self.spec_version, self.transaction_version))
    }

    fn metadata_for_spec_version(&self, _: u32) -> Option<ArcMetadata> {
        Some(self.metadata.clone())
    }
}
