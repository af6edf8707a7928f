//! What a local net is made of: its chain as a node on a loopback port, and the same parts as a
//! validator and a miner have, which reach it through the real client.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::{AxonInfo, Netuid};
use sn1::llm::request::GenerateSettings;
use sn1::synapse::SDK_VERSION;
use sn1::wallet::AccountId;

use super::keys::validator_path;
use super::prepare::{Prepared, PreparedMiner};
use crate::app::Failure;
use crate::app::parts::{ChainPart, Inference, MinerSettings, Validator, ValidatorSettings};
use crate::app::tree::NodeParts;
use crate::axon::AxonRecord;
use crate::chain::Failpoints;
use crate::chain::subtensor::{Deadlines, Network, Roots, Subtensor, SubtensorSettings};
use crate::feeds::Feeds;
use crate::miners::{Build, MinerOptions, TOKENS_PER_CHUNK};
use crate::settings::LocalnetConfig;

/// All parts of a local net, over a client of its own chain.
///
/// # Errors
/// Keys, tasks or a listener that cannot be used.
pub(super) fn parts(
    settings: &LocalnetConfig,
    prepared: &Prepared,
    metrics: PrometheusHandle,
    failpoints: Failpoints,
) -> Result<NodeParts, Failure> {
    let block_time = settings.localnet.block_time;
    let client = client(&prepared.chain.url(), block_time, failpoints.clone())?;
    let inference = Inference::new(&prepared.models.backends, &prepared.models.inference);
    let validator = validator_settings(settings, prepared, failpoints)?;
    Ok(NodeParts {
        netuid: Netuid(settings.subnet.netuid),
        own: prepared.keys.validator.hotkey.account_id(),
        chain: ChainPart { client, feeds: Feeds::new(block_time) },
        every_blocks: 1,
        metrics,
        pages: prepared.pages.try_clone().map_err(Failure::unshared)?,
        development_key: Some(validator_path(settings.localnet.seed).into()),
        dev_chain: Some(prepared.chain.clone()),
        validator: Some(Validator::new(validator, &inference)?),
        published: None,
        miners: miners(settings, prepared, &inference)?,
        inference: Some(inference),
    })
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
    let settings = SubtensorSettings { network, deadlines, roots: Roots::default() };
    Ok(Subtensor::with_failpoints(settings, failpoints))
}

fn validator_settings(
    settings: &LocalnetConfig,
    prepared: &Prepared,
    failpoints: Failpoints,
) -> Result<ValidatorSettings, Failure> {
    Ok(ValidatorSettings {
        netuid: Netuid(settings.subnet.netuid),
        hotkey: prepared.keys.validator.hotkey.clone(),
        asking: settings.asking.clone(),
        state_file: prepared.state.validator_file()?,
        events_file: prepared.state.events_file()?,
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        tokenizer: Arc::clone(&prepared.models.tokenizer),
        expected: expected(&prepared.miners),
        seed: settings.localnet.seed,
        block_time: settings.localnet.block_time,
        failpoints,
    })
}

/// The miners of this run with the axons that they are about to publish.
fn expected(miners: &[PreparedMiner]) -> Arc<[(AccountId, AxonInfo)]> {
    let axon = |miner: &PreparedMiner| {
        let address = miner.listener.local_addr().ok()?;
        Some((miner.hotkey, AxonInfo::for_address(address, SDK_VERSION)))
    };
    miners.iter().filter_map(axon).collect()
}

fn miners(
    settings: &LocalnetConfig,
    prepared: &Prepared,
    inference: &Inference,
) -> Result<Vec<MinerSettings>, Failure> {
    let miners = prepared.miners.iter().zip(&prepared.keys.miners);
    let miners = (1..).zip(miners).map(|(number, (miner, keys))| {
        let seed = settings.localnet.seed ^ number as u64;
        let sampling = GenerateSettings::greedy(settings.asking.sampling.max_tokens);
        let options = MinerOptions {
            system_prompt: String::new(),
            phrase: String::new(),
            sampling: GenerateSettings { seed, ..sampling },
            tokens_per_chunk: TOKENS_PER_CHUNK,
        };
        let hotkey = keys.hotkey.clone();
        let external = miner.listener.local_addr().map_err(Failure::unshared)?;
        let netuid = Netuid(settings.subnet.netuid);
        let record = AxonRecord { netuid, hotkey: hotkey.clone(), external, prometheus: None };
        Ok(MinerSettings {
            number: Some(number),
            hotkey,
            listener: miner.listener.try_clone().map_err(Failure::unshared)?,
            record: Some(record),
            n_threads: settings.threads.threads,
            limits: settings.limits.clone(),
            rules: settings.rules.clone(),
            trusted_proxies: Vec::new(),
            miner: match miner.kind.build {
                Build::Alone(build) => build(options),
                Build::WithModel(build) => build(options, inference.pool.clone()),
            },
        })
    });
    miners.collect()
}
