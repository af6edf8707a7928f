//! The chain's door: every method of [`Chain`], each in the door's own words for what fails.

use std::sync::Arc;

use sn1::chain::transaction::Call;
use sn1::chain::{
    AxonInfo, Chain, ChainError, Head, Included, Metagraph, Mortality, Netuid, PrometheusInfo,
    PrometheusRecord, StoredCommit, StoredWeights, Uid, WeightSetting, WeightTerms,
};
use sn1::wallet::{AccountId, Keypair};

use super::{Subtensor, SubtensorError};

/// The words for an error that does not bring its own.
fn told<T>(attempted: &'static str, answer: Result<T, SubtensorError>) -> Result<T, ChainError> {
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
        told(attempted, self.carry_out_next(attempted, coldkey, call).await)
    }
}

impl Chain for Subtensor {
    async fn head(&self) -> Result<Head, ChainError> {
        told("reading the newest block", self.head().await)
    }

    async fn finalized(&self) -> Result<Head, ChainError> {
        told("reading the newest final block", self.finalized().await)
    }

    async fn metagraph(&self, netuid: Netuid) -> Result<Arc<Metagraph>, ChainError> {
        let snapshot = told("reading the metagraph", self.snapshot(netuid).await)?;
        Ok(Arc::new(snapshot.metagraph))
    }

    async fn weights(&self, netuid: Netuid, uid: Uid) -> Result<StoredWeights, ChainError> {
        told("reading the weights", self.weights(netuid, uid).await)
    }

    async fn weight_terms(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<WeightTerms, ChainError> {
        let terms = self.weight_terms(netuid, hotkey).await;
        told("reading what weights are planned from", terms)
    }

    async fn weight_commits(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Vec<StoredCommit>, ChainError> {
        told("reading the sealed commits", self.weight_commits(netuid, hotkey).await)
    }

    async fn next_transaction(&self, signer: &AccountId) -> Result<Mortality, ChainError> {
        told("planning a transaction", self.next_transaction(signer).await)
    }

    async fn burned_register(
        &self,
        coldkey: &Keypair,
        netuid: Netuid,
        hotkey: AccountId,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the registration", Call::BurnedRegister { netuid, hotkey });
        told(attempted, self.carry_out_next(attempted, coldkey, call).await)
    }

    async fn serve_axon(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        axon: AxonInfo,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the axon record", Call::ServeAxon { netuid, axon: &axon });
        told(attempted, self.carry_out_next(attempted, hotkey, call).await)
    }

    async fn serve_prometheus(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        prometheus: PrometheusInfo,
    ) -> Result<Included, ChainError> {
        let attempted = "the prometheus record";
        let call = Call::ServePrometheus { netuid, prometheus: &prometheus };
        told(attempted, self.carry_out_next(attempted, hotkey, call).await)
    }

    async fn prometheus(
        &self,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Option<PrometheusRecord>, ChainError> {
        told("reading the prometheus record", self.prometheus(netuid, hotkey).await)
    }

    async fn submit_weights(
        &self,
        hotkey: &Keypair,
        netuid: Netuid,
        setting: &WeightSetting,
        mortality: Mortality,
    ) -> Result<Included, ChainError> {
        let (attempted, call) = ("the weights", Call::Weights { netuid, setting });
        told(attempted, self.carry_out(attempted, hotkey, call, mortality).await)
    }
}
