//! Roles: which settings each command reads, and its defaults.

use std::sync::LazyLock;
use std::time::Duration;

use super::axon::{
    AxonLimits, AxonRules, AxonThreadsSection, LocalnetAxonSection, MinerAxonSection,
    PublishedAxonSection, ValidatorAxonSection,
};
use super::conversation::{ConversationSection, ScoringSection, WeightsSection};
use super::declare::{Section, Setting, sections};
use super::dendrite::DendriteSection;
use super::error::{Origin, SettingsError};
use super::localnet::LocalnetSection;
use super::miner::MinerSection;
use super::model::{
    ComputeSection, EncoderSection, LanguageModelSection, ModelFolderSection, SamplingSection,
};
use super::node::{LoggingSection, MetagraphSection, PagesSection, StateSection, TelemetrySection};
use super::subtensor::{BlockTimeSection, SubnetSection, SubtensorSection, TrustSection};
use super::suggest::near;
use super::wallet::WalletSection;

/// A command with settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, clap::ValueEnum)]
#[strum(serialize_all = "lowercase")]
pub enum Role {
    /// Asks miners and sets weights.
    Validator,
    /// Answers validators.
    Miner,
    /// A whole subnet on this machine.
    Localnet,
    /// Asks miners once; takes no settings file.
    #[value(skip)]
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
        self.into()
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

impl Role {
    /// Whether it reads a key.
    pub(super) fn has(self, key: &str) -> bool {
        self.settings().iter().any(|setting| setting.key == key)
    }

    /// Whether it had a key that nothing read.
    pub(super) fn has_had(self, key: &str) -> bool {
        self.retired().iter().any(|setting| setting.key == key)
    }

    /// The error for a key that it does not know.
    pub(super) fn unknown(self, key: String, origin: Origin) -> SettingsError {
        let nearest = near(&key, self.settings().iter().map(|setting| &*setting.key));
        SettingsError::UnknownKey { nearest: nearest.map(str::to_owned), key, origin }
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
pub trait RoleConfig: Section + Default + Clone + Send + Sync + 'static {
    /// The role that they belong to.
    const ROLE: Role;

    /// The defaults of this role.
    fn defaults() -> Self {
        Self::default()
    }

    /// Checks what must hold between sections.
    ///
    /// # Errors
    /// [`SettingsError::Together`]
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
        subnet: SubnetSection,
        subtensor: SubtensorSection,
        trust: TrustSection,
        blocks: BlockTimeSection,
        wallet: WalletSection,
        published: PublishedAxonSection,
        metagraph: MetagraphSection,
        pages: PagesSection,
        telemetry: TelemetrySection,
        state: StateSection,
        logging: LoggingSection,
    }
}

sections! {
    /// What asks and scores: of a validator, and of a local net, which has one.
    pub struct AskingConfig {
        conversation: ConversationSection,
        scoring: ScoringSection,
        weights: WeightsSection,
        dendrite: DendriteSection,
        sampling: SamplingSection,
        model: LanguageModelSection,
        compute: ComputeSection,
        folder: ModelFolderSection,
        encoder: EncoderSection,
    }
}

sections! {
    /// All settings of `sn1 validator`.
    pub struct ValidatorConfig {
        axon: ValidatorAxonSection,
        node: NodeConfig,
        asking: AskingConfig,
    }
}

impl RoleConfig for ValidatorConfig {
    const ROLE: Role = Role::Validator;

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
        axon: MinerAxonSection,
        node: NodeConfig,
        miner: MinerSection,
        model: LanguageModelSection,
        compute: ComputeSection,
        sampling: SamplingSection,
        folder: ModelFolderSection,
        threads: AxonThreadsSection,
        limits: AxonLimits,
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
        subnet: SubnetSection,
        localnet: LocalnetSection,
        asking: AskingConfig,
        axon: LocalnetAxonSection,
        threads: AxonThreadsSection,
        limits: AxonLimits,
        rules: AxonRules,
        pages: PagesSection,
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
        subnet: SubnetSection,
        model: LanguageModelSection,
        folder: ModelFolderSection,
        pages: PagesSection,
        logging: LoggingSection,
    }
}

impl RoleConfig for QueryConfig {
    const ROLE: Role = Role::Query;
}
