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
use crate::inference::PoolCapabilities;
use crate::messages::inference::{Embed, Generate};
use crate::notice::Notice;
use crate::settings::{
    AskingConfig, ConversationSection, ScoringSection, SettingsError, WeightsSection,
};
use crate::supervision::{ChildSpec, Recipient, Slot};

/// The settings of a validator's conversations.
#[derive(Clone)]
pub struct ValidatorSettings {
    /// The subnet whose miners are asked.
    pub netuid: Netuid,
    /// Signs questions and weights.
    pub hotkey: Keypair,
    /// How conversations are held and scored, and the limits on a miner.
    pub asking: AskingConfig,
    /// The file of scores, turns and the weight journal.
    pub state_file: PathBuf,
    /// The file of step events.
    pub events_file: PathBuf,
    /// The IP address that questions state as their origin.
    pub external_ip: IpAddr,
    /// Whether axons on addresses that are not public are asked; only on a local net.
    pub allow_local_addresses: bool,
    /// Counts the tokens of answers.
    pub tokenizer: Arc<Tokenizer>,
    /// Miners that are known to come: see [`AgentSettings::expected`]. Usually empty.
    pub expected: Arc<[(AccountId, AxonInfo)]>,
    /// The seed of every random draw.
    pub seed: u64,
    /// The time between two blocks of the chain.
    pub block_time: Duration,
    /// The points around a signature at which this process must die, for tests.
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
    /// A validator that uses these models. Nothing is opened yet.
    ///
    /// # Errors
    /// [`SettingsError::Tasks`]
    pub fn new(settings: ValidatorSettings, models: &Inference) -> Result<Self, SettingsError> {
        Ok(Self {
            mix: settings.asking.conversation.task_mix()?,
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
        ChildSpec::new(&self.event_log, move || EventLog::open(&file)).only_tells()
    }

    /// `WeightCommitter`: turns the scores into weights on chain. In an ordered stop a setting that
    /// is signed waits for its block to be final, and is read back.
    pub fn committer(&self, chain: &ChainPart, notices: UnboundedSender<Notice>) -> ChildSpec {
        let Self { settings: ValidatorSettings { asking, block_time, .. }, .. } = self;
        let WeightsSection { epoch_length, disable_set_weights } = asking.weights;
        let settings = CommitterSettings {
            netuid: self.settings.netuid,
            hotkey: self.settings.hotkey.clone(),
            epoch_length,
            version_key: VERSION_KEY,
            is_disabled: disable_set_weights,
            state_file: self.settings.state_file.clone(),
            failpoints: self.settings.failpoints.clone(),
        };
        chain.committer(settings, notices, 6 * *block_time + Duration::from_secs(8))
    }

    /// `Scoreboard`, `TaskFactory`, `Dendrite` and the `ConversationAgent`s.
    pub fn conversation(&self, feeds: &Feeds, notices: &UnboundedSender<Notice>) -> Vec<ChildSpec> {
        let links = self.agent_links(feeds, notices);
        let agents = 1..=self.settings.asking.conversation.num_concurrent_forwards;
        let mut children = vec![self.score_keeper(feeds), self.task_maker(), self.asker()];
        children.extend(agents.map(|number| self.agent(number, &links)));
        children
    }

    fn score_keeper(&self, feeds: &Feeds) -> ChildSpec {
        let ScoringSection { moving_average_alpha, decay_alpha } = self.settings.asking.scoring;
        let averaging = Averaging { alpha: moving_average_alpha.get(), decay: decay_alpha.get() };
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
            n_ready: self.settings.asking.conversation.num_concurrent_forwards,
            query: self.settings.asking.sampling.generation(),
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
            limits: DendriteLimits::from(&self.settings.asking.dendrite),
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
        // The mix and the number of agents are taken where they are made.
        let ConversationSection {
            tasks: _,
            task_p: _,
            num_concurrent_forwards: _,
            timeout,
            sample_size,
            forward_max_time,
            generate_within,
            vpermit_tao_limit,
            query_unique_coldkeys,
            query_unique_ips,
            log_full,
        } = self.settings.asking.conversation;
        AgentSettings {
            hotkey: self.settings.hotkey.account_id(),
            timeout,
            expected: Arc::clone(&self.settings.expected),
            sample_size,
            vpermit_tao_limit: vpermit_tao_limit.as_f64(),
            query_unique_coldkeys,
            query_unique_ips,
            rewards: self.mix.pipeline(),
            reference: self.settings.asking.sampling.generation(),
            challenge: self.settings.asking.sampling.generation(),
            generate_within,
            forward_max_time,
            log_full,
            seed: 0,
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

#[cfg(test)]
mod tests;
