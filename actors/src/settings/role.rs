//! Roles: which settings each command reads, and its defaults.

use std::sync::LazyLock;
use std::time::Duration;

use super::SettingsError;
use super::axon::{
    AxonLimits, AxonRules, AxonThreadsSection, LocalnetAxonSection, MinerAxonSection,
    PublishedAxonSection, ValidatorAxonSection,
};
use super::conversation::{ConversationSection, ScoringSection, WeightsSection};
use super::declare::{Section, Setting, sections};
use super::dendrite::DendriteSection;
use super::localnet::LocalnetSection;
use super::miner::MinerSection;
use super::model::{
    ComputeSection, EncoderSection, LanguageModelSection, ModelFolderSection, SamplingSection,
};
use super::node::{LoggingSection, MetagraphSection, PagesSection, StateSection, TelemetrySection};
use super::subtensor::{BlockTimeSection, SubnetSection, SubtensorSection};
use super::wallet::WalletSection;

/// A command with settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asks miners and sets weights.
    Validator,
    /// Answers validators.
    Miner,
    /// A whole subnet on this machine.
    Localnet,
    /// Asks miners once.
    Query,
}

/// All roles.
pub const ALL_ROLES: [Role; 4] = [Role::Validator, Role::Miner, Role::Localnet, Role::Query];

static VALIDATOR: LazyLock<Vec<Setting>> = LazyLock::new(defaults::<ValidatorConfig>);
static MINER: LazyLock<Vec<Setting>> = LazyLock::new(defaults::<MinerConfig>);
static LOCALNET: LazyLock<Vec<Setting>> = LazyLock::new(defaults::<LocalnetConfig>);
static QUERY: LazyLock<Vec<Setting>> = LazyLock::new(defaults::<QueryConfig>);
static RETIRED_OF_VALIDATOR: LazyLock<Vec<Setting>> = LazyLock::new(of_no_use_to_a_validator);
static RETIRED_OF_MINER: LazyLock<Vec<Setting>> =
    LazyLock::new(|| EncoderSection::default().settings());

/// The tables in the order of the shipped files.
const TABLES: [&str; 14] = [
    "",
    "localnet",
    "subtensor",
    "wallet",
    "neuron",
    "models",
    "dendrite",
    "axon",
    "axon.limits",
    "axon.rules",
    "metagraph",
    "telemetry",
    "state",
    "logging",
];

impl Role {
    /// Its name, as in `sn1 miner`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Miner => "miner",
            Self::Localnet => "localnet",
            Self::Query => "query",
        }
    }

    /// Every setting that it reads, with its defaults, in the order of the shipped file.
    pub fn settings(self) -> &'static [Setting] {
        match self {
            Self::Validator => &VALIDATOR,
            Self::Miner => &MINER,
            Self::Localnet => &LOCALNET,
            Self::Query => &QUERY,
        }
    }

    /// Settings that earlier versions took for this role although nothing read them. Command lines,
    /// files and variables that hold one still start the node, which says that it has no effect.
    pub fn retired(self) -> &'static [Setting] {
        match self {
            Self::Validator => &RETIRED_OF_VALIDATOR,
            Self::Miner => &RETIRED_OF_MINER,
            Self::Localnet | Self::Query => &[],
        }
    }
}

fn of_no_use_to_a_validator() -> Vec<Setting> {
    let listening = MinerAxonSection::default().settings().into_iter();
    let mut settings: Vec<_> = listening.filter(|setting| setting.key == "axon.ip").collect();
    settings.extend(AxonThreadsSection::default().settings());
    settings.extend(AxonLimits::default().settings());
    settings.extend(AxonRules::default().settings());
    settings
}

fn defaults<C: RoleConfig>() -> Vec<Setting> {
    in_order(&C::defaults())
}

/// The settings of a role in the order of its file.
pub(super) fn in_order(config: &impl Section) -> Vec<Setting> {
    let mut settings = config.settings();
    settings.sort_by_key(place);
    settings
}

/// The place of a setting's table among the tables.
pub(super) fn place(setting: &Setting) -> Option<usize> {
    let (table, _) = setting.table_and_name();
    TABLES.iter().position(|name| *name == table)
}

/// All settings of a role.
pub trait RoleConfig: Section {
    /// Whose they are.
    const ROLE: Role;

    /// The built-in ones.
    fn defaults() -> Self;

    /// What must hold between sections.
    ///
    /// # Errors
    /// What does not.
    fn check(&self) -> Result<(), SettingsError> {
        Ok(())
    }

    /// What the operator should know of them, a sentence each.
    fn notices(&self) -> Vec<String> {
        Vec::new()
    }
}

sections! {
    /// What a node on a chain has, whatever its role.
    pub struct NodeConfig {
        /// Which subnet.
        subnet: SubnetSection,
        /// Which chain.
        subtensor: SubtensorSection,
        /// How fast that chain is.
        blocks: BlockTimeSection,
        /// Which hotkey.
        wallet: WalletSection,
        /// Its address on the chain.
        published: PublishedAxonSection,
        /// How fresh the metagraph is kept.
        metagraph: MetagraphSection,
        /// The port of the pages.
        pages: PagesSection,
        /// Who may read them.
        telemetry: TelemetrySection,
        /// What outlives the process.
        state: StateSection,
        /// How much is logged.
        logging: LoggingSection,
    }
}

sections! {
    /// What asks and scores: of a validator, and of a local net, which has one.
    pub struct AskingConfig {
        /// How conversations are held.
        conversation: ConversationSection,
        /// How scores follow rewards.
        scoring: ScoringSection,
        /// When scores become weights.
        weights: WeightsSection,
        /// What miners may cost.
        dendrite: DendriteSection,
        /// How the model draws its words.
        sampling: SamplingSection,
        /// The language model.
        model: LanguageModelSection,
        /// What it computes with.
        compute: ComputeSection,
        /// Where models are.
        folder: ModelFolderSection,
        /// The sentence encoder.
        encoder: EncoderSection,
    }
}

sections! {
    /// All settings of `sn1 validator`.
    pub struct ValidatorConfig {
        /// Its port.
        axon: ValidatorAxonSection,
        /// What every node has.
        node: NodeConfig,
        /// What asks and scores.
        asking: AskingConfig,
    }
}

impl RoleConfig for ValidatorConfig {
    const ROLE: Role = Role::Validator;

    fn defaults() -> Self {
        Self::default()
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.node.published.check_port(self.axon.port)
    }

    fn notices(&self) -> Vec<String> {
        self.node.subtensor.notices()
    }
}

sections! {
    /// All settings of `sn1 miner`.
    pub struct MinerConfig {
        /// Where it listens.
        axon: MinerAxonSection,
        /// What every node has.
        node: NodeConfig,
        /// What answers.
        miner: MinerSection,
        /// The language model.
        model: LanguageModelSection,
        /// What it computes with.
        compute: ComputeSection,
        /// How the model draws its words.
        sampling: SamplingSection,
        /// Where models are.
        folder: ModelFolderSection,
        /// What it computes with.
        threads: AxonThreadsSection,
        /// How much callers get.
        limits: AxonLimits,
        /// Whom it serves.
        rules: AxonRules,
    }
}

impl RoleConfig for MinerConfig {
    const ROLE: Role = Role::Miner;

    fn defaults() -> Self {
        Self { sampling: SamplingSection { top_k: 50, ..Default::default() }, ..Self::default() }
    }

    fn notices(&self) -> Vec<String> {
        self.node.subtensor.notices()
    }
}

sections! {
    /// All settings of `sn1 localnet`.
    pub struct LocalnetConfig {
        /// Which subnet.
        subnet: SubnetSection,
        /// The local net.
        localnet: LocalnetSection,
        /// Its validator.
        asking: AskingConfig,
        /// Where its miners listen.
        axon: LocalnetAxonSection,
        /// What each axon computes with.
        threads: AxonThreadsSection,
        /// How much callers get.
        limits: AxonLimits,
        /// Whom they serve.
        rules: AxonRules,
        /// The port of the pages.
        pages: PagesSection,
        /// How much is logged.
        logging: LoggingSection,
    }
}

impl RoleConfig for LocalnetConfig {
    const ROLE: Role = Role::Localnet;

    /// Quick, and on a small model.
    fn defaults() -> Self {
        let mut config = Self::default();
        config.asking.conversation.timeout = Duration::from_secs(10);
        config.asking.conversation.num_concurrent_forwards = 2;
        config.asking.weights.epoch_length = 20;
        config.asking.sampling.max_tokens = 64;
        config
    }
}

sections! {
    /// All settings of `sn1 query`.
    pub struct QueryConfig {
        /// The subnet on the chain.
        subnet: SubnetSection,
        /// The language model whose tokens are counted.
        model: LanguageModelSection,
        /// Where models are.
        folder: ModelFolderSection,
        /// The port of the node on this machine.
        pages: PagesSection,
        /// How much is logged.
        logging: LoggingSection,
    }
}

impl RoleConfig for QueryConfig {
    const ROLE: Role = Role::Query;

    fn defaults() -> Self {
        Self::default()
    }
}
