//! The conversation side of a validator: who makes tasks, asks miners, scores their answers and
//! keeps what was scored.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sn1::chain::{AxonInfo, Netuid};
use sn1::llm::request::GenerateSettings;
use sn1::llm::tokenizer::Tokenizer;
use sn1::validation::scoring::Averaging;
use sn1::validation::tasks::TaskMix;
use sn1::validation::tools::Sources;
use sn1::wallet::{AccountId, Keypair};
use tokio::sync::OnceCell;
use tokio::sync::mpsc::UnboundedSender;

use super::{ChainPart, Inference, VERSION_KEY};
use crate::chain::{CommitterSettings, Failpoints};
use crate::conversation::{
    AgentLinks, AgentSettings, ConversationAgent, Scoreboard, ScoreboardSettings, TaskFactory,
    TaskFactorySettings,
};
use crate::dendrite::{Dendrite, DendriteLimits, DendriteSettings};
use crate::event_log::EventLog;
use crate::feeds::Feeds;
use crate::inference::{Embed, Generate, PoolCapabilities};
use crate::notice::Notice;
use crate::settings::{NeuronSettings, Settings, SettingsError};
use crate::supervision::{ChildSpec, Recipient, Slot};

/// How a validator has its own texts (queries, challenges, references) written.
struct Writing {
    /// Flattens the distribution that tokens are drawn from.
    temperature: f64,
    /// Tokens are drawn from the smallest set with this share of the probability.
    top_p: f64,
    /// Tokens are drawn from this many of the likeliest; 0 for all.
    top_k: usize,
    /// For one text, from the question to its last token.
    within: Duration,
}

/// The reference's sampling, which is the same for all of its texts.
const WRITING: Writing =
    Writing { temperature: 0.7, top_p: 0.95, top_k: 0, within: Duration::from_secs(60) };

/// What a validator must know.
#[derive(Clone)]
pub struct ValidatorSettings {
    /// The subnet.
    pub netuid: Netuid,
    /// Signs questions and weights.
    pub hotkey: Keypair,
    /// How conversations are held; checked when the settings were loaded.
    pub neuron: NeuronSettings,
    /// Scores, turns and the weight journal.
    pub state_file: PathBuf,
    /// The history of step events.
    pub events_file: PathBuf,
    /// The address that questions say they come from.
    pub external_ip: IpAddr,
    /// Whether axons on addresses that are not public are asked: on a local net only.
    pub allow_local_addresses: bool,
    /// What a miner may cost.
    pub limits: DendriteLimits,
    /// Counts tokens in answers.
    pub tokenizer: Arc<Tokenizer>,
    /// Miners that are known to come: see [`AgentSettings::expected`]. Usually empty.
    pub expected: Arc<[(AccountId, AxonInfo)]>,
    /// Seeds every draw.
    pub seed: u64,
    /// How long the chain takes for a block.
    pub block_time: Duration,
    /// Where this process is to die around a signature.
    pub failpoints: Failpoints,
}

/// The actors of a validator's conversations.
pub struct Validator {
    settings: ValidatorSettings,
    mix: TaskMix,
    pool: Recipient<Generate>,
    encoder: Recipient<Embed>,
    capabilities: PoolCapabilities,
    event_log: Slot<EventLog>,
    scoreboard: Slot<Scoreboard>,
    task_factory: Slot<TaskFactory>,
    dendrite: Slot<Dendrite>,
}

impl Validator {
    /// One that has its texts written and embedded there. Nothing is opened yet.
    ///
    /// # Errors
    /// [`SettingsError::Tasks`]
    pub fn new(settings: ValidatorSettings, models: &Inference) -> Result<Self, SettingsError> {
        Ok(Self {
            mix: settings.neuron.task_mix()?,
            settings,
            pool: models.pool.clone(),
            encoder: models.encoder.clone(),
            capabilities: models.capabilities.clone(),
            event_log: Slot::new("EventLog"),
            scoreboard: Slot::new("Scoreboard"),
            task_factory: Slot::new("TaskFactory"),
            dendrite: Slot::new("Dendrite"),
        })
    }

    /// `EventLog`. It starts before everything that reports to it.
    pub fn event_log(&self) -> ChildSpec {
        let file = self.settings.events_file.clone();
        ChildSpec::new(&self.event_log, move || EventLog::open(&file))
    }

    /// `WeightCommitter`: turns the scores into weights on chain. In an ordered stop a setting that is
    /// signed waits for its block to be final, and is read back.
    pub fn committer(&self, chain: &ChainPart, notices: UnboundedSender<Notice>) -> ChildSpec {
        let Self { settings: ValidatorSettings { neuron, block_time, .. }, .. } = self;
        let settings = CommitterSettings {
            netuid: self.settings.netuid,
            hotkey: self.settings.hotkey.clone(),
            epoch_length: neuron.epoch_length,
            version_key: VERSION_KEY,
            is_disabled: neuron.disable_set_weights,
            state_file: self.settings.state_file.clone(),
            failpoints: self.settings.failpoints.clone(),
        };
        chain.committer(settings, notices, 6 * *block_time + Duration::from_secs(8))
    }

    /// `Scoreboard`, `TaskFactory`, `Dendrite` and the `ConversationAgent`s.
    pub fn conversation(&self, feeds: &Feeds, notices: &UnboundedSender<Notice>) -> Vec<ChildSpec> {
        let links = self.agent_links(feeds, notices);
        let agents = 1..=self.settings.neuron.num_concurrent_forwards;
        let mut children = vec![self.score_keeper(feeds), self.task_maker(), self.asker()];
        children.extend(agents.map(|number| self.agent(number, &links)));
        children
    }

    fn score_keeper(&self, feeds: &Feeds) -> ChildSpec {
        let averaging = Averaging {
            alpha: self.settings.neuron.moving_average_alpha,
            decay: self.settings.neuron.decay_alpha,
        };
        let settings =
            ScoreboardSettings { averaging, state_file: self.settings.state_file.clone() };
        let feeds = feeds.clone();
        ChildSpec::new(&self.scoreboard, move || {
            Scoreboard::open(settings.clone(), feeds.metagraph(), Arc::clone(&feeds.scores))
        })
    }

    fn task_maker(&self) -> ChildSpec {
        let (sources, pool) = (Arc::new(Sources::embedded()), self.pool.clone());
        let seeds = LifeSeeds::new(self.settings.seed, 0);
        let settings = TaskFactorySettings {
            mix: self.mix.clone(),
            n_ready: self.settings.neuron.num_concurrent_forwards,
            query: self.writing(),
            seed: 0,
        };
        ChildSpec::new(&self.task_factory, move || {
            let settings = TaskFactorySettings { seed: seeds.next(), ..settings.clone() };
            Ok(TaskFactory::new(settings, Arc::clone(&sources), pool.clone()))
        })
    }

    fn asker(&self) -> ChildSpec {
        let settings = DendriteSettings {
            hotkey: self.settings.hotkey.clone(),
            external_ip: self.settings.external_ip,
            allow_local_addresses: self.settings.allow_local_addresses,
            limits: self.settings.limits,
        };
        ChildSpec::new(&self.dendrite, move || Dendrite::new(settings.clone()))
    }

    fn agent_links(&self, feeds: &Feeds, notices: &UnboundedSender<Notice>) -> AgentLinks {
        AgentLinks {
            task_factory: self.task_factory.recipient(),
            dendrite: self.dendrite.recipient(),
            scores: self.scoreboard.recipient(),
            turns: self.scoreboard.recipient(),
            passes: self.scoreboard.recipient(),
            event_log: self.event_log.recipient(),
            pool: self.pool.clone(),
            encoder: self.encoder.clone(),
            capabilities: self.capabilities.clone(),
            metagraph: feeds.metagraph(),
            age: feeds.age.clone(),
            tokenizer: Arc::clone(&self.settings.tokenizer),
            empty_embedding: Arc::new(OnceCell::new()),
            notices: notices.clone(),
        }
    }

    fn agent(&self, number: usize, links: &AgentLinks) -> ChildSpec {
        let settings = self.agent_settings();
        let (links, seeds) = (links.clone(), LifeSeeds::new(self.settings.seed, number as u64));
        let drain_within = settings.timeout + Duration::from_secs(10);
        ChildSpec::new(&Slot::new(format!("ConversationAgent-{number}")), move || {
            let settings = AgentSettings { seed: seeds.next(), ..settings.clone() };
            Ok(ConversationAgent::new(links.clone(), settings))
        })
        .drain_within(drain_within)
        .stops_together()
    }

    fn agent_settings(&self) -> AgentSettings {
        let neuron = &self.settings.neuron;
        AgentSettings {
            hotkey: self.settings.hotkey.account_id(),
            timeout: Settings::seconds(neuron.timeout),
            expected: Arc::clone(&self.settings.expected),
            sample_size: neuron.sample_size,
            vpermit_tao_limit: neuron.vpermit_tao_limit,
            query_unique_coldkeys: neuron.query_unique_coldkeys,
            query_unique_ips: neuron.query_unique_ips,
            rewards: self.mix.pipeline(),
            reference: self.writing(),
            challenge: self.writing(),
            generate_within: WRITING.within,
            forward_max_time: Settings::seconds(neuron.forward_max_time),
            log_full: neuron.log_full,
            seed: 0,
        }
    }

    /// How the validator's own texts are generated.
    fn writing(&self) -> GenerateSettings {
        GenerateSettings {
            temperature: WRITING.temperature,
            top_p: WRITING.top_p,
            top_k: WRITING.top_k,
            ..GenerateSettings::greedy(self.settings.neuron.max_tokens)
        }
    }
}

/// Seeds for the lives of one actor, apart from those of other actors.
struct LifeSeeds {
    seed: u64,
    lives: AtomicU64,
}

impl LifeSeeds {
    fn new(seed: u64, actor: u64) -> Self {
        Self { seed: seed ^ actor.rotate_left(20), lives: AtomicU64::new(0) }
    }

    fn next(&self) -> u64 {
        let life = self.lives.fetch_add(1, Ordering::Relaxed);
        StdRng::seed_from_u64(self.seed ^ life.rotate_left(40)).random()
    }
}
