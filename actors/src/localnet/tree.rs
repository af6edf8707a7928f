//! The tree of a local net, leaf first, and what it needs done on chain before it can work.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use metrics_exporter_prometheus::PrometheusHandle;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::chain::{AxonInfo, Chain, Hyperparameters, Metagraph, Netuid, RAO_PER_TAO};
use sn1::devchain::{Call, EpochReport, GenesisConfig};
use sn1::llm::request::GenerateSettings;
use sn1::synapse::SDK_VERSION;
use sn1::validation::corpus::Corpus;
use sn1::validation::scoring::Averaging;
use sn1::wallet::AccountId;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{OnceCell, watch};

use super::Notice;
use super::prepare::{
    HAS_MODEL, LocalnetKeys, NeuronKeys, Prepared, PreparedMiner, validator_path,
};
use crate::axon::{
    AxonPublisher, AxonRecord, AxonServer, AxonSettings, AxonState, Behaviour, EchoMiner,
    FailingMiner, GarbageMiner, Miner, ModelMiner, PhraseMiner, Roster, SlowMiner,
};
use crate::chain::{
    ChainLink, CommitterSettings, DevChainHost, DevChainSettings, EpochWatch, HeadFeed, LocalChain,
    MetagraphFeed, MetagraphSync, SeenHead, WeightCommitter,
};
use crate::conversation::{
    AgentLinks, AgentSettings, ConversationAgent, Scoreboard, ScoreboardSettings, TaskFactory,
    TaskFactorySettings,
};
use crate::dendrite::{Dendrite, DendriteLimits, DendriteSettings};
use crate::event_log::EventLog;
use crate::inference::{Encoder, InferencePool, PoolSettings};
use crate::settings::Settings;
use crate::supervision::{ChildSpec, Slot, TreeEvent};
use crate::telemetry::{Condition, Pages, SubnetFeeds, Telemetry};

/// Version 2.5.1 of the mechanism.
const VERSION_KEY: u64 = 20_501;
/// The validator's stake: enough to be the one with a permit.
const VALIDATOR_STAKE: u64 = 1_000 * RAO_PER_TAO;
/// What each coldkey starts with.
const BALANCE: u64 = 2_000 * RAO_PER_TAO;
/// A chain without a block for this many block times is not ready.
const STALE_BLOCKS: u32 = 10;

/// What the run itself needs of the tree.
pub(super) struct Handles {
    pub(super) chain: LocalChain,
    pub(super) epochs: EpochWatch,
    pub(super) metagraph: MetagraphFeed,
}

struct Feeds {
    heads: Arc<watch::Sender<Option<SeenHead>>>,
    metagraph: Arc<watch::Sender<Option<Arc<Metagraph>>>>,
}

struct Slots {
    host: Slot<DevChainHost>,
    pool: Slot<InferencePool>,
    encoder: Slot<Encoder>,
    scoreboard: Slot<Scoreboard>,
    dendrite: Slot<Dendrite>,
    task_factory: Slot<TaskFactory>,
    event_log: Slot<EventLog>,
}

impl Slots {
    fn new() -> Self {
        Self {
            host: Slot::new("DevChain"),
            pool: Slot::new("InferencePool"),
            encoder: Slot::new("Encoder"),
            scoreboard: Slot::new("Scoreboard"),
            dendrite: Slot::new("Dendrite"),
            task_factory: Slot::new("TaskFactory"),
            event_log: Slot::new("EventLog"),
        }
    }
}

struct Builder<'a> {
    settings: &'a Settings,
    prepared: &'a Prepared,
    notices: &'a UnboundedSender<Notice>,
    chain: LocalChain,
    feeds: Feeds,
    slots: Slots,
    netuid: Netuid,
}

/// Builds the specs of the whole tree. Nothing runs yet.
pub(super) fn build(
    settings: &Settings,
    prepared: &Prepared,
    metrics: PrometheusHandle,
    notices: &UnboundedSender<Notice>,
    watchers: &UnboundedSender<TreeEvent>,
) -> (Vec<ChildSpec>, Handles) {
    let slots = Slots::new();
    let block_time = Settings::seconds(settings.localnet.block_time);
    let builder = Builder {
        settings,
        prepared,
        notices,
        chain: LocalChain::new(slots.host.link(), block_time),
        feeds: Feeds { heads: Arc::default(), metagraph: Arc::default() },
        slots,
        netuid: Netuid(settings.netuid),
    };
    let (epochs_sender, epochs) = watch::channel(None);
    let chain = builder.chain_side(Arc::new(epochs_sender), block_time);
    let (inference, ready) = builder.inference();
    let supervisor = |name: &str, children| ChildSpec::supervisor(name, children, watchers.clone());
    let specs = vec![
        builder.telemetry(metrics, ready, block_time),
        builder.event_log(),
        supervisor("ChainSupervisor", chain),
        supervisor("InferenceSupervisor", inference),
        supervisor("AxonSupervisor", builder.axons()),
        supervisor("ConversationSupervisor", builder.conversation()),
    ];
    let metagraph = builder.metagraph();
    let handles = Handles { chain: builder.chain.clone(), epochs, metagraph };
    (specs, handles)
}

impl Builder<'_> {
    fn metagraph(&self) -> MetagraphFeed {
        self.feeds.metagraph.subscribe()
    }

    fn heads(&self) -> HeadFeed {
        self.feeds.heads.subscribe()
    }

    fn telemetry(
        &self,
        metrics: PrometheusHandle,
        model: Condition,
        block_time: Duration,
    ) -> ChildSpec {
        let (heads, metagraph) = (self.heads(), self.metagraph());
        let stale_after = block_time * STALE_BLOCKS + Duration::from_secs(2);
        let chain: Condition = Arc::new(move || match *heads.borrow() {
            Some(seen) if seen.at.elapsed() < stale_after => Ok(()),
            Some(seen) => Err(format!("no new block for {:.0} s", seen.at.elapsed().as_secs_f64())),
            None => Err("no block seen yet".to_owned()),
        });
        let own = self.prepared.keys.validator.hotkey.account_id();
        let registered: Condition = Arc::new(move || match metagraph.borrow().as_ref() {
            Some(known) if known.neuron_of(&own).is_some() => Ok(()),
            Some(_) => Err("our hotkey is not registered".to_owned()),
            None => Err("no metagraph yet".to_owned()),
        });
        let conditions = vec![("chain", chain), ("registration", registered), ("model", model)];
        let subnet = SubnetFeeds {
            metagraph: self.metagraph(),
            heads: self.heads(),
            development_key: Some(validator_path(self.settings.localnet.seed).into()),
        };
        let (pages, listener) =
            (Pages { metrics, conditions, subnet }, self.prepared.telemetry.try_clone());
        let listener = Arc::new(listener);
        ChildSpec::new(&Slot::new("Telemetry"), move || {
            let listener = listener.as_ref().as_ref().map_err(ToString::to_string)?;
            Ok(Telemetry::new(
                pages.clone(),
                listener.try_clone().map_err(|error| error.to_string())?,
            ))
        })
    }

    fn event_log(&self) -> ChildSpec {
        let file = self.prepared.state.events_file();
        ChildSpec::new(&self.slots.event_log, move || EventLog::open(&file))
    }

    fn chain_side(
        &self,
        epochs: Arc<watch::Sender<Option<EpochReport>>>,
        block_time: Duration,
    ) -> Vec<ChildSpec> {
        let host_settings = DevChainSettings {
            genesis: genesis(self.settings, &self.prepared.keys),
            block_time,
            state_file: self.prepared.state.chain_file(),
        };
        let poll_every = (block_time / 4).clamp(Duration::from_millis(20), Duration::from_secs(1));
        let (chain, heads) = (self.chain.clone(), Arc::clone(&self.feeds.heads));
        let link = ChildSpec::new(&Slot::new("ChainLink"), move || {
            Ok(ChainLink::new(chain.clone(), poll_every, Arc::clone(&heads)))
        });
        let (chain, netuid, heads) = (self.chain.clone(), self.netuid, self.heads());
        let snapshots = Arc::clone(&self.feeds.metagraph);
        let sync = ChildSpec::new(&Slot::new("MetagraphSync"), move || {
            let min_interval = Duration::from_millis(200);
            Ok(MetagraphSync::new(
                chain.clone(),
                netuid,
                min_interval,
                heads.clone(),
                Arc::clone(&snapshots),
            ))
        });
        let host = ChildSpec::new(&self.slots.host, move || {
            DevChainHost::open(&host_settings, Arc::clone(&epochs))
        });
        vec![host, link, sync, self.committer()]
    }

    fn committer(&self) -> ChildSpec {
        let block_time = Settings::seconds(self.settings.localnet.block_time);
        let settings = CommitterSettings {
            netuid: self.netuid,
            hotkey: self.prepared.keys.validator.hotkey.clone(),
            epoch_length: self.settings.neuron.epoch_length,
            version_key: VERSION_KEY,
            mortality: self.chain.mortality(),
            is_disabled: self.settings.neuron.disable_set_weights,
            state_file: self.prepared.state.validator_file(),
        };
        let (chain, scoreboard) = (self.chain.clone(), self.slots.scoreboard.link());
        let (heads, metagraph, notices) = (self.heads(), self.metagraph(), self.notices.clone());
        ChildSpec::new(&Slot::new("WeightCommitter"), move || {
            let (heads, metagraph) = (heads.clone(), metagraph.clone());
            WeightCommitter::open(
                chain.clone(),
                settings.clone(),
                scoreboard.clone(),
                heads,
                metagraph,
                notices.clone(),
            )
        })
        // A setting that is signed waits for its block and is read back.
        .drain_within(4 * block_time + Duration::from_secs(8))
    }

    #[cfg(feature = "libtorch")]
    fn inference(&self) -> (Vec<ChildSpec>, Condition) {
        use crate::inference::{InferenceWorker, WorkerSettings};
        use sn1::llm::engine::EngineSettings;

        let threads = match self.settings.neuron.threads {
            0 => std::thread::available_parallelism().map_or(1, |cores| cores.get() / 2).max(1),
            threads => usize::from(threads),
        };
        let engine = EngineSettings {
            n_threads: i32::try_from(threads).unwrap_or(1),
            ..EngineSettings::default()
        };
        let settings =
            WorkerSettings { model: self.prepared.model.clone(), engine, device: Arc::default() };
        let (ready_sender, ready) = watch::channel(false);
        let slot = Slot::<InferenceWorker>::new("InferenceWorker");
        let worker = ChildSpec::new(&slot, move || {
            Ok(InferenceWorker::new(settings.clone(), ready_sender.clone()))
        })
        .stall_after(Duration::from_secs(30));
        let workers = [slot.link()];
        let pool =
            ChildSpec::new(&self.slots.pool, move || Ok(InferenceWorker::pool(POOL, &workers)));
        let folder = self.prepared.encoder.clone();
        let encoder = ChildSpec::new(&self.slots.encoder, move || Encoder::load(&folder))
            .stall_after(Duration::from_secs(30));
        let condition: Condition = Arc::new(move || match *ready.borrow() {
            true => Ok(()),
            false => Err("the language model is being loaded".to_owned()),
        });
        (vec![worker, pool, encoder], condition)
    }

    #[cfg(not(feature = "libtorch"))]
    fn inference(&self) -> (Vec<ChildSpec>, Condition) {
        let pool = ChildSpec::new(&self.slots.pool, move || Ok(InferencePool::new(POOL)));
        (vec![pool], Arc::new(|| Ok(())))
    }

    fn axons(&self) -> Vec<ChildSpec> {
        let miners = self.prepared.miners.iter().zip(&self.prepared.keys.miners).enumerate();
        miners.flat_map(|(i, (miner, keys))| self.axon(i + 1, miner, keys)).collect()
    }

    /// A miner's server and the publisher of its address.
    fn axon(&self, number: usize, prepared: &PreparedMiner, keys: &NeuronKeys) -> [ChildSpec; 2] {
        let server = Slot::new(format!("AxonServer-{number}"));
        let publisher = Slot::new(format!("AxonPublisher-{number}"));
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let record = AxonRecord {
            netuid: self.netuid,
            hotkey: keys.hotkey.clone(),
            external: prepared.listener.local_addr().unwrap_or(loopback),
        };
        let section = &self.settings.axon;
        let settings = AxonSettings {
            name: Arc::clone(server.name()),
            hotkey: keys.hotkey.clone(),
            n_threads: section.threads,
            limits: section.limits.clone(),
            rules: section.rules.clone(),
        };
        let state = AxonState::new(&settings, Roster::Metagraph(self.metagraph()));
        let miner = self.miner(prepared.behaviour, number as u64);
        let listener = Arc::new(prepared.listener.try_clone());
        let server = ChildSpec::new(&server, move || {
            let listener = listener.as_ref().as_ref().map_err(ToString::to_string)?;
            Ok(AxonServer::new(
                settings.clone(),
                listener.try_clone().map_err(|error| error.to_string())?,
                Arc::clone(&state),
                Arc::clone(&miner),
            ))
        })
        .stops_together();
        let (chain, metagraph) = (self.chain.clone(), self.metagraph());
        let publisher = ChildSpec::new(&publisher, move || {
            Ok(AxonPublisher::new(chain.clone(), record.clone(), metagraph.clone()))
        })
        .stops_together();
        [server, publisher]
    }

    fn miner(&self, behaviour: Behaviour, number: u64) -> Arc<dyn Miner> {
        let model = |temperature, top_p, system_prompt: &str| ModelMiner {
            pool: self.slots.pool.link(),
            system_prompt: system_prompt.to_owned(),
            settings: GenerateSettings {
                temperature,
                top_p,
                top_k: 50,
                seed: self.settings.localnet.seed ^ number,
                ..GenerateSettings::greedy(self.settings.neuron.max_tokens)
            },
        };
        match behaviour {
            Behaviour::ModelCalm => {
                Arc::new(model(0.2, 0.95, "You are a helpful assistant. Answer in detail."))
            }
            Behaviour::ModelLively => Arc::new(model(
                0.6,
                0.9,
                "You are a friendly assistant. Answer with all that you know.",
            )),
            Behaviour::Echo => Arc::new(EchoMiner),
            Behaviour::Phrase => {
                Arc::new(PhraseMiner { phrase: "Can you please repeat your question?".to_owned() })
            }
            Behaviour::Slow => Arc::new(SlowMiner),
            Behaviour::Failing => Arc::new(FailingMiner),
            Behaviour::Garbage => Arc::new(GarbageMiner),
        }
    }

    fn conversation(&self) -> Vec<ChildSpec> {
        let agents = 1..=self.settings.neuron.num_concurrent_forwards;
        let links = self.agent_links();
        let mut children = vec![self.scoreboard(), self.task_factory(), self.dendrite()];
        children.extend(agents.map(|number| self.agent(number, &links)));
        children
    }

    fn scoreboard(&self) -> ChildSpec {
        let averaging = Averaging {
            alpha: self.settings.neuron.moving_average_alpha,
            decay: self.settings.neuron.decay_alpha,
        };
        let settings =
            ScoreboardSettings { averaging, state_file: self.prepared.state.validator_file() };
        let metagraph = self.metagraph();
        ChildSpec::new(&self.slots.scoreboard, move || {
            Scoreboard::open(settings.clone(), metagraph.clone())
        })
    }

    fn task_factory(&self) -> ChildSpec {
        // The settings were checked when they were loaded.
        let mix = self.settings.task_mix();
        let (corpus, pool) = (Arc::new(Corpus::embedded()), self.slots.pool.link());
        let (query, seed) = (self.writing(), self.settings.localnet.seed);
        let n_ready = self.settings.neuron.num_concurrent_forwards;
        let lives = AtomicU64::new(0);
        ChildSpec::new(&self.slots.task_factory, move || {
            let mix = mix.as_ref().map_err(ToString::to_string)?.clone();
            let seed = life_seed(seed, 0, &lives);
            let settings = TaskFactorySettings { mix, n_ready, query: query.clone(), seed };
            Ok(TaskFactory::new(settings, Arc::clone(&corpus), pool.clone()))
        })
    }

    fn dendrite(&self) -> ChildSpec {
        let settings = DendriteSettings {
            hotkey: self.prepared.keys.validator.hotkey.clone(),
            external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            allow_local_addresses: true,
            limits: DendriteLimits::default(),
        };
        ChildSpec::new(&self.slots.dendrite, move || Dendrite::new(settings.clone()))
    }

    fn agent_links(&self) -> AgentLinks {
        AgentLinks {
            task_factory: self.slots.task_factory.link(),
            dendrite: self.slots.dendrite.link(),
            scoreboard: self.slots.scoreboard.link(),
            event_log: self.slots.event_log.link(),
            pool: self.slots.pool.link(),
            encoder: self.slots.encoder.link(),
            metagraph: self.metagraph(),
            tokenizer: Arc::clone(&self.prepared.tokenizer),
            empty_embedding: Arc::new(OnceCell::new()),
            notices: self.notices.clone(),
        }
    }

    fn agent(&self, number: usize, links: &AgentLinks) -> ChildSpec {
        let neuron = &self.settings.neuron;
        let settings = AgentSettings {
            hotkey: self.prepared.keys.validator.hotkey.account_id(),
            timeout: Settings::seconds(neuron.timeout),
            expected: self.expected(),
            sample_size: neuron.sample_size,
            vpermit_tao_limit: neuron.vpermit_tao_limit,
            query_unique_coldkeys: neuron.query_unique_coldkeys,
            query_unique_ips: neuron.query_unique_ips,
            rouge: self
                .settings
                .task_mix()
                .map_or(sn1::validation::rouge::RougeVariant::Rouge1, |mix| mix.rouge_variant()),
            reference: self.writing(),
            challenge: self.writing(),
            has_model: HAS_MODEL,
            generate_within: Duration::from_secs(60),
            forward_max_time: Settings::seconds(neuron.forward_max_time),
            log_full: neuron.log_full,
            seed: 0,
        };
        let (links, seed, lives) = (links.clone(), self.settings.localnet.seed, AtomicU64::new(0));
        let drain_within = settings.timeout + Duration::from_secs(10);
        let slot = Slot::new(format!("ConversationAgent-{number}"));
        ChildSpec::new(&slot, move || {
            let seed = life_seed(seed, number as u64, &lives);
            Ok(ConversationAgent::new(links.clone(), AgentSettings { seed, ..settings.clone() }))
        })
        .drain_within(drain_within)
        .stops_together()
    }

    /// The miners of this run with the axons that they are about to publish.
    fn expected(&self) -> Arc<[(AccountId, AxonInfo)]> {
        let axon = |miner: &PreparedMiner| {
            let address = miner.listener.local_addr().ok()?;
            Some((miner.hotkey, AxonInfo::for_address(address, SDK_VERSION)))
        };
        self.prepared.miners.iter().filter_map(axon).collect()
    }

    /// How the validator's own texts are generated.
    fn writing(&self) -> GenerateSettings {
        GenerateSettings {
            temperature: 0.7,
            top_p: 0.95,
            top_k: 0,
            ..GenerateSettings::greedy(self.settings.neuron.max_tokens)
        }
    }
}

const POOL: PoolSettings = PoolSettings { n_max_requests: 64 };

/// A seed for the next life of an actor, apart from those of its other lives and of other actors.
fn life_seed(seed: u64, actor: u64, lives: &AtomicU64) -> u64 {
    let life = lives.fetch_add(1, Ordering::Relaxed);
    StdRng::seed_from_u64(seed ^ actor.rotate_left(20) ^ life.rotate_left(40)).random()
}

fn genesis(settings: &Settings, keys: &LocalnetKeys) -> GenesisConfig {
    let owners = std::iter::once(&keys.validator).chain(&keys.miners);
    GenesisConfig {
        netuid: Netuid(settings.netuid),
        hyperparameters: Hyperparameters {
            tempo: settings.localnet.tempo,
            weights_rate_limit: u64::from(settings.localnet.tempo) / 2,
            weights_version_key: VERSION_KEY,
            min_allowed_weights: 1,
            max_weight_limit: u16::MAX,
            immunity_period: settings.localnet.tempo.saturating_mul(4),
            activity_cutoff: settings.localnet.tempo.saturating_mul(10),
            kappa: 32_767,
            bonds_moving_average: 900_000,
            max_validators: 4,
            max_uids: 256,
            serving_rate_limit: 2,
            stake_threshold: VALIDATOR_STAKE / 2,
            commit_reveal_enabled: false,
            burn: RAO_PER_TAO,
        },
        balances: owners.map(|keys| (keys.coldkey.account_id(), BALANCE)).collect(),
        owner_hotkey: None,
        seed: settings.localnet.seed,
        emission_per_epoch: u64::from(settings.localnet.tempo) * RAO_PER_TAO / 100,
        allow_loopback_axons: true,
    }
}

/// Registers every neuron that is not registered, and gives the validator its stake. What fails is
/// tried again: the chain may be restarting.
pub(super) async fn bootstrap(chain: LocalChain, keys: Arc<LocalnetKeys>, settings: &Settings) {
    let netuid = Netuid(settings.netuid);
    loop {
        let outcome = try_bootstrap(&chain, &keys, netuid).await;
        match outcome {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, "the subnet is not set up yet, trying again");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

async fn try_bootstrap(
    chain: &LocalChain,
    keys: &LocalnetKeys,
    netuid: Netuid,
) -> Result<(), sn1::chain::ChainError> {
    let known = chain.metagraph(netuid).await?;
    let all = std::iter::once(&keys.validator).chain(&keys.miners);
    let missing = all.filter(|keys| known.neuron_of(&keys.hotkey.account_id()).is_none());
    let registrations =
        missing.map(|keys| chain.burned_register(&keys.coldkey, netuid, keys.hotkey.account_id()));
    for outcome in join_all(registrations).await {
        outcome?;
    }
    let hotkey = keys.validator.hotkey.account_id();
    let stake = chain.metagraph(netuid).await?.neuron_of(&hotkey).map_or(0, |own| own.stake);
    if stake < VALIDATOR_STAKE {
        let call = Call::AddStake { hotkey, netuid, amount: VALIDATOR_STAKE - stake };
        chain.submit(&keys.validator.coldkey, call, "adding stake").await?;
    }
    Ok(())
}
