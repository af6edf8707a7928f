//! Settings of `sn1 validator` and `sn1 miner`. Each role's shipped file holds all its keys, their
//! defaults, and what they mean; the command line takes its flags from there.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use figment::providers::{Format, Toml};
use figment::value::Value;
use serde::{Deserialize, Serialize};
use sn1::chain::Freshness;

use super::{
    AxonLimits, AxonRules, LoggingSettings, ModelSettings, NeuronSettings, SettingsError,
    check_axon, check_device, dict_of, flatten, in_range, load_layers,
};
use crate::chain::subtensor::Network;
use crate::miners::MinerKind;

const VALIDATOR_DEFAULTS: &str = include_str!("../../../config/validator.toml");
const MINER_DEFAULTS: &str = include_str!("../../../config/miner.toml");

static VALIDATOR: LazyLock<Vec<Setting>> = LazyLock::new(|| settings_in(VALIDATOR_DEFAULTS));
static MINER: LazyLock<Vec<Setting>> = LazyLock::new(|| settings_in(MINER_DEFAULTS));

/// What a node does on a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Asks miners and sets weights.
    Validator,
    /// Answers validators.
    Miner,
}

impl Role {
    /// Its name, as in `sn1 miner`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Validator => "validator",
            Self::Miner => "miner",
        }
    }

    /// Every setting of the role, by key.
    pub fn settings(self) -> &'static [Setting] {
        match self {
            Self::Validator => &VALIDATOR,
            Self::Miner => &MINER,
        }
    }

    fn defaults(self) -> &'static str {
        match self {
            Self::Validator => VALIDATOR_DEFAULTS,
            Self::Miner => MINER_DEFAULTS,
        }
    }
}

/// A setting as operators meet it.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Its dotted key.
    pub key: String,
    /// Its built-in value, which tells its kind.
    pub default: Value,
    /// What the shipped file says of it.
    pub help: String,
}

/// The keys of a shipped file with the comments above them. Keys without a blank line between them
/// share a comment.
fn settings_in(text: &str) -> Vec<Setting> {
    // The shipped files are TOML, which tests see to.
    let dict = dict_of(&Toml::string(text)).unwrap_or_default();
    let mut keys = Vec::new();
    flatten("", &dict, &mut keys);
    let (mut section, mut comment, mut is_open) = (String::new(), String::new(), false);
    let mut helps = std::collections::HashMap::new();
    for line in text.lines() {
        if let Some(words) = line.strip_prefix('#') {
            if !std::mem::replace(&mut is_open, true) {
                comment.clear();
            }
            comment = format!("{comment} {}", words.trim()).trim().to_owned();
            continue;
        }
        is_open = false;
        match line.split_once('=') {
            Some((key, _)) => _ = helps.insert(format!("{section}{}", key.trim()), comment.clone()),
            None => comment.clear(),
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{name}.");
        }
    }
    let value = |key: &str| {
        let mut names = key.split('.');
        let first = dict.get(names.next()?)?.clone();
        names.try_fold(first, |value, name| value.into_dict()?.remove(name))
    };
    let setting = |key: String| {
        let help = helps.remove(&key).unwrap_or_default();
        Some(Setting { default: value(&key)?, key, help })
    };
    keys.into_iter().filter_map(setting).collect()
}

/// All settings of a role; `N` holds what is its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings<N> {
    /// The subnet's number.
    pub netuid: u16,
    /// The chain.
    pub subtensor: SubtensorSection,
    /// The wallet.
    pub wallet: WalletSection,
    /// The role's own settings.
    pub neuron: N,
    /// Where models are.
    pub models: ModelSettings,
    /// Where the node is reached.
    pub axon: NodeAxonSection,
    /// How fresh the metagraph is kept.
    pub metagraph: MetagraphSection,
    /// The pages.
    pub telemetry: NodeTelemetry,
    /// What outlives the process.
    pub state: StateSection,
    /// Logs.
    pub logging: LoggingSettings,
}

/// Which chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubtensorSection {
    /// `finney`, `test`, `archive`, `local`, or an endpoint.
    pub network: String,
    /// Nodes to use instead of the network's own, the first choice first.
    pub chain_endpoint: Vec<String>,
    /// Seconds between blocks.
    pub block_time: f64,
}

impl SubtensorSection {
    /// The nodes, in the order in which they are tried.
    ///
    /// # Errors
    /// A name or an endpoint that is none.
    pub fn nodes(&self) -> Result<Network, SettingsError> {
        let wrong = |key: &str| {
            let key = key.to_owned();
            move |reason| SettingsError::Invalid { origin: key, reason }
        };
        if self.chain_endpoint.is_empty() {
            return self.network.parse().map_err(wrong("subtensor.network"));
        }
        let nodes = self.chain_endpoint.iter().map(|url| url.parse());
        let nodes: Result<_, _> = nodes.collect();
        nodes.map(Network).map_err(wrong("subtensor.chain_endpoint"))
    }

    /// Whether the names alone say that this is the main network.
    pub fn names_main_network(&self) -> bool {
        self.chain_endpoint.is_empty() && ["finney", "archive"].contains(&self.network.as_str())
    }
}

/// Which hotkey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is explained in the shipped file")]
pub struct WalletSection {
    pub name: String,
    pub hotkey: String,
    pub path: PathBuf,
    pub password_file: String,
    pub allow_unencrypted_coldkey: bool,
}

/// Where a node is reached, and how much callers get.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is explained in the shipped file")]
pub struct NodeAxonSection {
    pub port: u16,
    pub ip: String,
    pub external_ip: String,
    pub external_port: u16,
    pub off: bool,
    pub threads: usize,
    pub limits: AxonLimits,
    pub rules: AxonRules,
}

impl NodeAxonSection {
    /// The address that it listens on.
    ///
    /// # Errors
    /// What is no address.
    pub fn listen_ip(&self) -> Result<IpAddr, SettingsError> {
        parse_ip("axon.ip", &self.ip)
    }

    /// The address that others reach it by; `None` to find it out.
    ///
    /// # Errors
    /// What is no address.
    pub fn published_ip(&self) -> Result<Option<IpAddr>, SettingsError> {
        let ip = &self.external_ip;
        (!ip.is_empty()).then(|| parse_ip("axon.external_ip", ip)).transpose()
    }
}

/// An address, in brackets or not: the SDK writes `[::]`.
fn parse_ip(key: &'static str, text: &str) -> Result<IpAddr, SettingsError> {
    text.trim_matches(['[', ']']).parse().map_err(|_| SettingsError::OutOfRange {
        key,
        value: format!("`{text}`"),
        rule: "an IP address",
    })
}

/// How fresh the metagraph is kept, in blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetagraphSection {
    /// Between two syncs.
    pub every_blocks: u64,
    /// Older than this it is stale.
    pub stale_after: u32,
    /// Older than this nothing new is begun.
    pub too_old_after: u32,
}

/// The pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is explained in the shipped file")]
pub struct NodeTelemetry {
    pub port: u16,
    pub ip: String,
    pub publish: bool,
}

impl NodeTelemetry {
    /// The address that the pages are on.
    ///
    /// # Errors
    /// What is no address.
    pub fn listen_ip(&self) -> Result<IpAddr, SettingsError> {
        parse_ip("telemetry.ip", &self.ip)
    }
}

/// What outlives the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateSection {
    /// The folder; empty for the one of this role, subnet and hotkey.
    pub folder: String,
}

impl StateSection {
    /// The folder of a role on a subnet; `None` without a home folder.
    pub fn folder_of(&self, role: Role, netuid: u16, hotkey: &str) -> Option<PathBuf> {
        if !self.folder.is_empty() {
            let folder = Path::new(&self.folder);
            return match folder.strip_prefix("~") {
                Err(_) => Some(folder.to_owned()),
                Ok(below) => Some(std::env::home_dir()?.join(below)),
            };
        }
        let home = std::env::home_dir()?.join(".sn1");
        Some(home.join(role.label()).join(netuid.to_string()).join(hotkey))
    }
}

/// A miner's own settings; names and meanings are the reference's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each key is explained in config/miner.toml")]
pub struct MinerNeuron {
    pub miner: MinerKind,
    pub model_id: String,
    pub device: String,
    pub threads: u16,
    pub max_tokens: usize,
    pub temperature: f64,
    pub top_k: usize,
    pub top_p: f64,
    pub system_prompt: String,
    pub phrase: String,
    pub streaming_batch_size: usize,
}

/// What the two roles' own settings have in common.
pub trait RoleSettings: serde::de::DeserializeOwned {
    /// Whose settings they are.
    const ROLE: Role;

    /// Whether every value is in its range.
    ///
    /// # Errors
    /// The first one that is not.
    fn check(&self) -> Result<(), SettingsError>;
}

impl RoleSettings for NeuronSettings {
    const ROLE: Role = Role::Validator;

    fn check(&self) -> Result<(), SettingsError> {
        Self::check(self)?;
        check_device(&self.device)?;
        self.task_mix().map(drop)
    }
}

impl RoleSettings for MinerNeuron {
    const ROLE: Role = Role::Miner;

    fn check(&self) -> Result<(), SettingsError> {
        check_device(&self.device)?;
        in_range("neuron.max_tokens", self.max_tokens, 8, 4096, "between 8 and 4096")?;
        in_range("neuron.temperature", self.temperature, 0.0, 10.0, "between 0 and 10")?;
        in_range("neuron.top_p", self.top_p, 0.0, 1.0, "between 0 and 1")?;
        let batch = self.streaming_batch_size;
        in_range("neuron.streaming_batch_size", batch, 1, 4096, "between 1 and 4096 tokens")
    }
}

impl<N: RoleSettings> NodeSettings<N> {
    /// Merges all sources. `flags` holds what the command line says, by dotted key.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn load(
        file: Option<&Path>,
        flags: &[(&'static str, Value)],
    ) -> Result<Self, SettingsError> {
        let settings: Self = load_layers(N::ROLE.defaults(), file, flags)?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        self.subtensor.nodes()?;
        self.axon.listen_ip()?;
        self.axon.published_ip()?;
        self.telemetry.listen_ip()?;
        let block_time = self.subtensor.block_time;
        in_range("subtensor.block_time", block_time, 0.05, 600.0, "between 0.05 and 600 seconds")?;
        let MetagraphSection { every_blocks, stale_after, too_old_after } = self.metagraph;
        in_range("metagraph.every_blocks", every_blocks, 1, 10_000, "between 1 and 10000")?;
        in_range("metagraph.stale_after", stale_after, 1, 100_000, "between 1 and 100000")?;
        let rule = "between metagraph.stale_after and 100000";
        in_range("metagraph.too_old_after", too_old_after, stale_after, 100_000, rule)?;
        in_range("axon.threads", self.axon.threads, 1, 64, "between 1 and 64")?;
        check_axon(&self.axon.limits, &self.axon.rules)?;
        self.neuron.check()
    }

    /// Between two blocks.
    pub fn block_time(&self) -> Duration {
        super::Settings::seconds(self.subtensor.block_time)
    }

    /// From which age on the metagraph is stale and too old.
    pub fn freshness(&self) -> Freshness {
        let MetagraphSection { stale_after, too_old_after, .. } = self.metagraph;
        Freshness { block_time: self.block_time(), stale_after, too_old_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_are_the_defaults_and_explain_every_key() {
        let validator = NodeSettings::<NeuronSettings>::load(None, &[]).unwrap();
        assert_eq!((validator.neuron.sample_size, validator.neuron.timeout), (100, 15.0));
        assert_eq!(validator.axon.limits, AxonLimits::default());
        let miner = NodeSettings::<MinerNeuron>::load(None, &[]).unwrap();
        assert_eq!((miner.neuron.miner.name(), miner.axon.port), ("model", 8091));
        assert_eq!(miner.axon.rules, AxonRules::default());
        assert!(miner.subtensor.names_main_network());
        for role in [Role::Validator, Role::Miner] {
            assert!(role.settings().len() > 40, "{role:?}");
            for setting in role.settings() {
                assert!(!setting.help.is_empty(), "{role:?} {}", setting.key);
            }
        }
    }

    #[test]
    fn endpoints_go_before_the_network() {
        let nodes = |key, value| {
            let flags = [(key, value)];
            let settings = NodeSettings::<MinerNeuron>::load(None, &flags)?;
            let Network(nodes) = settings.subtensor.nodes()?;
            Ok::<_, SettingsError>(nodes.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let two = vec!["ws://127.0.0.1:1", "ws://127.0.0.1:2"];
        let listed = Value::from(two.clone());
        assert_eq!(nodes("subtensor.chain_endpoint", listed).unwrap(), two);
        assert_eq!(nodes("subtensor.network", "ws://a:1".into()).unwrap(), ["ws://a:1"]);
        for (key, value) in [
            ("subtensor.network", Value::from("mainnet")),
            ("subtensor.chain_endpoint", Value::from(vec!["finney"])),
        ] {
            assert!(nodes(key, value).unwrap_err().to_string().starts_with(key));
        }
    }

    #[test]
    fn bad_values_name_their_key() {
        let table = [
            ("axon.ip", Value::from("nowhere")),
            ("axon.external_ip", "1.2.3".into()),
            ("telemetry.ip", "x".into()),
            ("metagraph.too_old_after", Value::from(3)),
            ("neuron.top_p", Value::from(1.5)),
            ("neuron.device", "gpu".into()),
        ];
        for (key, value) in table {
            let error = NodeSettings::<MinerNeuron>::load(None, &[(key, value)]).unwrap_err();
            assert!(error.to_string().contains(key), "{error}");
        }
    }

    #[test]
    fn state_is_kept_apart_by_role_subnet_and_hotkey() {
        let state = StateSection { folder: String::new() };
        let folder = state.folder_of(Role::Miner, 61, "5F").unwrap();
        assert!(folder.ends_with(".sn1/miner/61/5F"), "{}", folder.display());
        let state = StateSection { folder: "/var/lib/sn1".to_owned() };
        assert_eq!(state.folder_of(Role::Miner, 61, "5F").unwrap(), Path::new("/var/lib/sn1"));
    }
}
