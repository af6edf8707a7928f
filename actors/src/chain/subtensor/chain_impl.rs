//! [`Chain`] for the real chain: each method reads or submits, and turns what failed into a
//! [`ChainError`].

use std::sync::Arc;

use sn1::chain::transaction::Call;
use sn1::chain::{
    AxonInfo, Chain, ChainError, Head, Included, Metagraph, Mortality, Netuid, PrometheusInfo,
    PrometheusRecord, StoredCommit, StoredWeights, Uid, WeightSetting, WeightTerms,
};
use sn1::wallet::{AccountId, Keypair};

use super::{Subtensor, SubtensorError};

/// Adds what was attempted to an error that does not say so itself.
fn named<T>(attempted: &'static str, answer: Result<T, SubtensorError>) -> Result<T, ChainError> {
    answer.map_err(|error| error.into_chain_error(attempted))
}

impl Subtensor {
    /// Stakes `amount` rao of `coldkey`'s balance on `hotkey`. No role of a node needs it, so that
    /// it is not behind the trait: a local net sets itself up with it.
    ///
    /// # Errors
    /// [`ChainError`]
    pub async fn add_stake(
        &self,
        coldkey: &Keypair,
        netuid: Netuid,
        hotkey: AccountId,
        amount: u64,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the stake", Call::AddStake { netuid, hotkey, amount });
        named(attempted, self.carry_out_next(attempted, coldkey, call).await)
    }
}

impl Chain for Subtensor {
    async fn head(&self) -> Result<Head, ChainError> {
        named("reading the newest block", self.head().await)
    }

    async fn finalized(&self) -> Result<Head, ChainError> {
        named("reading the newest final block", self.finalized().await)
    }

    async fn metagraph(&self, netuid: Netuid) -> Result<Arc<Metagraph>, ChainError> {
        let snapshot = named("reading the metagraph", self.snapshot(netuid).await)?;
        Ok(Arc::new(snapshot.metagraph))
    }

    async fn weights(&self, netuid: Netuid, uid: Uid) -> Result<StoredWeights, ChainError> {
        named("reading the weights", self.weights(netuid, uid).await)
    }

    async fn weight_terms(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<WeightTerms, ChainError> {
        let terms = self.weight_terms(netuid, hotkey).await;
        named("reading what weights are planned from", terms)
    }

    async fn weight_commits(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Vec<StoredCommit>, ChainError> {
        named("reading the sealed commits", self.weight_commits(netuid, hotkey).await)
    }

    async fn next_transaction(&self, signer: &AccountId) -> Result<Mortality, ChainError> {
        named("planning a transaction", self.next_transaction(signer).await)
    }

    async fn burned_register(
        &self,
        coldkey: &Keypair,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the registration", Call::BurnedRegister { netuid, hotkey });
        named(attempted, self.carry_out_next(attempted, coldkey, call).await)
    }

    async fn serve_axon(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the axon record", Call::ServeAxon { netuid, axon: &axon });
        named(attempted, self.carry_out_next(attempted, hotkey, call).await)
    }

    async fn serve_prometheus(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        prometheus: PrometheusInfo,
    ) -> Result<Included, ChainError> {
        let attempted = "the prometheus record";
        let call = Call::ServePrometheus { netuid, prometheus: &prometheus };
        named(attempted, self.carry_out_next(attempted, hotkey, call).await)
    }

    async fn prometheus(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Option<PrometheusRecord>, ChainError> {
        named("reading the prometheus record", self.prometheus(netuid, hotkey).await)
    }

    async fn submit_weights(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        setting: &WeightSetting,
        mortality: Mortality,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the weights", Call::Weights { netuid, setting });
        named(attempted, self.carry_out(attempted, hotkey, call, mortality).await)
    }
}
