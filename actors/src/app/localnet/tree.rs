//! The tree of a local net: the dev chain as a node on a loopback port, and on top of it the same
//! parts as in a validator and in a miner, which reach it through the real client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::{AxonInfo, Netuid};
use sn1::synapse::SDK_VERSION;
use sn1::wallet::AccountId;

use super::cast::CastParts;
use super::prepare::{Prepared, PreparedMiner, validator_path};
use crate::app::Failure;
use crate::app::parts::{
    ChainPart, Conditions, Inference, MinerSettings, VERSION_KEY, Validator, ValidatorSettings,
    miner_children, telemetry,
};
use crate::app::run::Listeners;
use crate::chain::subtensor::{Deadlines, Network, Subtensor, SubtensorSettings};
use crate::chain::{CommitterSettings, Failpoints, SyncSettings};
use crate::dendrite::DendriteLimits;
use crate::feeds::{Feeds, MetagraphFeed};
use crate::settings::Settings;
use crate::supervision::ChildSpec;

/// What the run itself needs of the tree.
pub(super) struct Handles {
    pub(super) client: Subtensor,
    pub(super) metagraph: MetagraphFeed,
}

struct Builder<'a> {
    settings: &'a Settings,
    prepared: &'a Prepared,
    listeners: &'a Listeners,
    metrics: PrometheusHandle,
    failpoints: Failpoints,
    chain: ChainPart,
    validator: Validator,
    netuid: Netuid,
}

/// Builds the specs of the whole tree. Nothing runs yet.
///
/// # Errors
/// A listener that cannot be shared between the lives of its actor.
pub(super) fn build(
    settings: &Settings,
    prepared: &Prepared,
    listeners: &Listeners,
    metrics: PrometheusHandle,
    failpoints: Failpoints,
) -> Result<(Vec<ChildSpec>, Handles), Failure> {
    let block_time = Settings::seconds(settings.localnet.block_time);
    let client = client(&prepared.chain.url(), block_time, failpoints.clone())?;
    let builder = Builder {
        settings,
        prepared,
        listeners,
        metrics,
        failpoints,
        chain: ChainPart { client, feeds: Feeds::new(block_time) },
        validator: Validator::new(validator_settings(settings, prepared))?,
        netuid: Netuid(settings.netuid),
    };
    let ChainPart { client, feeds } = builder.chain.clone();
    Ok((builder.specs()?, Handles { client, metagraph: feeds.metagraph() }))
}

/// A client of the dev chain, as patient as its blocks are quick.
fn client(url: &str, block_time: Duration, failpoints: Failpoints) -> Result<Subtensor, Failure> {
    let network: Network = url.parse().map_err(Failure::usage)?;
    let deadlines = Deadlines {
        connect: Duration::from_secs(5),
        call: Duration::from_secs(10),
        look_every: block_time,
        quiet_watch: 3 * block_time + Duration::from_secs(2),
        give_up: 20 * block_time + Duration::from_secs(10),
        longest_pause: Duration::from_secs(1),
        ..Deadlines::default()
    };
    Ok(Subtensor::with_failpoints(SubtensorSettings { network, deadlines }, failpoints))
}

fn validator_settings(settings: &Settings, prepared: &Prepared) -> ValidatorSettings {
    ValidatorSettings {
        hotkey: prepared.keys.validator.hotkey.clone(),
        neuron: settings.neuron.clone(),
        state_file: prepared.state.validator_file(),
        events_file: prepared.state.events_file(),
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        limits: DendriteLimits::default(),
        tokenizer: Arc::clone(&prepared.tokenizer),
        expected: expected(&prepared.miners),
        seed: settings.localnet.seed,
    }
}

/// The miners of this run with the axons that they are about to publish.
fn expected(miners: &[PreparedMiner]) -> Arc<[(AccountId, AxonInfo)]> {
    let axon = |miner: &PreparedMiner| {
        let address = miner.listener.local_addr().ok()?;
        Some((miner.hotkey, AxonInfo::for_address(address, SDK_VERSION)))
    };
    miners.iter().filter_map(axon).collect()
}

impl Builder<'_> {
    /// From the leaves up: the chain starts before all that reach it, and stops after them.
    fn specs(&self) -> Result<Vec<ChildSpec>, Failure> {
        let inference = self.inference();
        let conversation =
            self.validator.conversation(&self.chain.feeds, &inference, &self.listeners.notices);
        let axons = self.axons(&inference)?;
        Ok(vec![
            self.telemetry(&inference)?,
            self.validator.event_log(),
            self.listeners.supervisor("DevChain", self.prepared.chain.clone().children()),
            self.listeners.supervisor("ChainSupervisor", self.chain_side()),
            self.listeners.supervisor("InferenceSupervisor", inference.children),
            self.listeners.supervisor("AxonSupervisor", axons),
            self.listeners.supervisor("ConversationSupervisor", conversation),
        ])
    }

    fn telemetry(&self, inference: &Inference) -> Result<ChildSpec, Failure> {
        let feeds = &self.chain.feeds;
        let own = self.prepared.keys.validator.hotkey.account_id();
        let conditions = Conditions::of_chain(feeds)
            .and_registration(feeds, own)
            .and_weights(feeds)
            .and("model", Arc::clone(&inference.ready));
        let development_key = Some(validator_path(self.settings.localnet.seed).into());
        let metrics = self.metrics.clone();
        telemetry(metrics, &self.prepared.telemetry, conditions, feeds, development_key)
            .map_err(Failure::unshared)
    }

    fn inference(&self) -> Inference {
        Inference::new(&self.prepared.backends, &self.prepared.inference)
    }

    fn chain_side(&self) -> Vec<ChildSpec> {
        let sync = SyncSettings {
            netuid: self.netuid,
            own: Some(self.prepared.keys.validator.hotkey.account_id()),
            every_blocks: 1,
            min_interval: Duration::from_millis(200),
        };
        vec![self.chain.link(), self.chain.sync(sync), self.committer()]
    }

    fn committer(&self) -> ChildSpec {
        let block_time = Settings::seconds(self.settings.localnet.block_time);
        let settings = CommitterSettings {
            netuid: self.netuid,
            hotkey: self.prepared.keys.validator.hotkey.clone(),
            epoch_length: self.settings.neuron.epoch_length,
            version_key: VERSION_KEY,
            is_disabled: self.settings.neuron.disable_set_weights,
            state_file: self.prepared.state.validator_file(),
            failpoints: self.failpoints.clone(),
        };
        // A setting that is signed waits for its block to be final, and is read back.
        let drain_within = 6 * block_time + Duration::from_secs(8);
        self.chain.committer(settings, self.listeners.notices.clone(), drain_within)
    }

    fn axons(&self, inference: &Inference) -> Result<Vec<ChildSpec>, Failure> {
        let miners = self.prepared.miners.iter().zip(&self.prepared.keys.miners);
        let mut children = Vec::new();
        for (number, (miner, keys)) in (1..).zip(miners) {
            let settings = self.miner(number, miner, &keys.hotkey, inference)?;
            children.extend(miner_children(settings, &self.chain).map_err(Failure::unshared)?);
        }
        Ok(children)
    }

    fn miner(
        &self,
        number: usize,
        prepared: &PreparedMiner,
        hotkey: &sn1::wallet::Keypair,
        inference: &Inference,
    ) -> Result<MinerSettings, Failure> {
        let cast = CastParts {
            pool: &inference.pool,
            max_tokens: self.settings.neuron.max_tokens,
            seed: self.settings.localnet.seed ^ number as u64,
        };
        let section = &self.settings.axon;
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Ok(MinerSettings {
            number: Some(number),
            netuid: self.netuid,
            hotkey: hotkey.clone(),
            listener: prepared.listener.try_clone().map_err(Failure::unshared)?,
            external: prepared.listener.local_addr().unwrap_or(loopback),
            prometheus: None,
            n_threads: section.threads,
            limits: section.limits.clone(),
            rules: section.rules.clone(),
            miner: prepared.kind.build(&cast),
        })
    }
}
