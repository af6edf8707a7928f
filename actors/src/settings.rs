//! Settings: whole, typed, and checked before anything is bound or started.
//!
//! Built-in defaults < a file named by `--config` < environment (`SN1_NEURON__TIMEOUT`) < flags
//! (`--neuron.timeout`). A key that is not known is an error that names its source and the nearest
//! known key; a value of the wrong kind names its key and where it came from.

mod node;

use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider};
use serde::{Deserialize, Serialize};
use sn1::validation::tasks::{MixError, TaskKind, TaskMix};

use crate::axon::{AxonLimits, AxonRules};

pub use node::{
    MetagraphSection, MinerNeuron, NodeAxonSection, NodeSettings, NodeTelemetry, Role,
    RoleSettings, Setting, StateSection, SubtensorSection, WalletSection,
};

/// The commented defaults that operators copy; also the built-in ones.
const LOCALNET_DEFAULTS: &str = include_str!("../../config/localnet.toml");
/// Variables that begin like a setting and are none.
const OTHER_VARIABLES: [&str; 7] =
    ["VECTORS", "MODELS", "GRAFANA", "PROMETHEUS_URL", "SDK_10", "SDK_7", "FAILPOINT"];

/// All settings of a local net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The subnet's number.
    pub netuid: u16,
    /// The validator.
    pub neuron: NeuronSettings,
    /// Where models are.
    pub models: ModelSettings,
    /// The miners' axons.
    pub axon: AxonSection,
    /// The pages.
    pub telemetry: TelemetrySettings,
    /// The local net.
    pub localnet: LocalnetSettings,
    /// Logs.
    pub logging: LoggingSettings,
}

/// The validator's settings; names and meanings are the reference's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each key is explained in config/localnet.toml, where operators read it"
)]
pub struct NeuronSettings {
    pub tasks: Vec<TaskKind>,
    pub task_p: Vec<f64>,
    pub timeout: f64,
    pub sample_size: usize,
    pub num_concurrent_forwards: usize,
    pub max_tokens: usize,
    pub epoch_length: u64,
    pub moving_average_alpha: f64,
    pub decay_alpha: f64,
    pub vpermit_tao_limit: f64,
    pub query_unique_coldkeys: bool,
    pub query_unique_ips: bool,
    pub forward_max_time: f64,
    pub disable_set_weights: bool,
    pub log_full: bool,
    pub model_id: String,
    pub threads: u16,
    pub device: String,
}

impl NeuronSettings {
    fn check(&self) -> Result<(), SettingsError> {
        let seconds = [
            ("neuron.timeout", self.timeout, 0.05, 600.0, "between 0.05 and 600 seconds"),
            (
                "neuron.forward_max_time",
                self.forward_max_time,
                1.0,
                3600.0,
                "between 1 and 3600 seconds",
            ),
            ("neuron.moving_average_alpha", self.moving_average_alpha, 0.0, 1.0, "between 0 and 1"),
            ("neuron.decay_alpha", self.decay_alpha, 0.0, 1.0, "between 0 and 1"),
            ("neuron.vpermit_tao_limit", self.vpermit_tao_limit, 0.0, 1e12, "a number of TAO"),
        ];
        for (key, value, least, most, rule) in seconds {
            in_range(key, value, least, most, rule)?;
        }
        in_range("neuron.sample_size", self.sample_size, 1, 65_535, "at least 1")?;
        let conversations = self.num_concurrent_forwards;
        in_range("neuron.num_concurrent_forwards", conversations, 1, 64, "between 1 and 64")?;
        in_range("neuron.max_tokens", self.max_tokens, 8, 4096, "between 8 and 4096")
    }
}

/// `cpu` and `cuda` are devices, also `cuda:1`; whether this build can use one is seen later.
fn check_device(device: &str) -> Result<(), SettingsError> {
    let is_device = device == "cpu" || device == "cuda" || device.starts_with("cuda:");
    let wrong = || SettingsError::OutOfRange {
        key: "neuron.device",
        value: format!("`{device}`"),
        rule: "cpu or cuda",
    };
    is_device.then_some(()).ok_or_else(wrong)
}

impl NeuronSettings {
    /// The tasks with their shares.
    ///
    /// # Errors
    /// [`SettingsError::Tasks`] when they do not fit together, or a task is not made by this
    /// version.
    pub fn task_mix(&self) -> Result<TaskMix, SettingsError> {
        Ok(TaskMix::new(&self.tasks, Some(&self.task_p))?)
    }
}

/// Where models are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Where hub ids are looked up.
    pub folder: PathBuf,
    /// The sentence encoder's folder, in there or by a path.
    pub encoder: String,
}

/// The miners' axons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AxonSection {
    /// The first miner's port; 0 lets the system choose.
    pub port: u16,
    /// Event loops of each axon.
    pub threads: usize,
    /// How much callers get.
    pub limits: AxonLimits,
    /// Whom an axon serves.
    pub rules: AxonRules,
}

fn check_axon(limits: &AxonLimits, rules: &AxonRules) -> Result<(), SettingsError> {
    let counts = [
        ("axon.limits.max_connections", limits.max_connections),
        ("axon.limits.max_connections_per_address", limits.max_connections_per_address),
        ("axon.limits.max_streams_per_hotkey", limits.max_streams_per_hotkey),
        ("axon.limits.max_streams", limits.max_streams),
        ("axon.limits.max_nonce_pairs", limits.max_nonce_pairs),
    ];
    for (key, value) in counts {
        in_range(key, value, 1, 1 << 20, "between 1 and 1048576")?;
    }
    in_range("axon.limits.max_waiting", limits.max_waiting, 0, 1 << 20, "at most 1048576")?;
    let rule = "between 4096 bytes and 64 KiB";
    in_range("axon.limits.max_head_bytes", limits.max_head_bytes, 4096, 65_536, rule)?;
    let rule = "between 1 KiB and 1 GiB";
    in_range("axon.limits.max_body_bytes", limits.max_body_bytes, 1024, 1 << 30, rule)?;
    let rates = [
        ("axon.limits.address_requests_per_second", limits.address_requests_per_second),
        ("axon.limits.address_burst", limits.address_burst),
        ("axon.limits.hotkey_requests_per_second", limits.hotkey_requests_per_second),
        ("axon.limits.hotkey_burst", limits.hotkey_burst),
    ];
    for (key, value) in rates {
        in_range(key, value, 1.0, 1e9, "at least 1")?;
    }
    in_range("axon.rules.min_stake", rules.min_stake, 0.0, 1e12, "a number of TAO")
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: T,
    least: T,
    most: T,
    rule: &'static str,
) -> Result<(), SettingsError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SettingsError::OutOfRange { key, value: value.to_string(), rule })
}

/// The pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// On loopback; 0 lets the system choose.
    pub port: u16,
}

/// The local net.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalnetSettings {
    /// How many miners.
    pub miners: u16,
    /// Seconds between blocks.
    pub block_time: f64,
    /// Blocks between epochs.
    pub tempo: u16,
    /// Seconds until the node stops by itself; 0 for never.
    pub duration: f64,
    /// Seeds every draw.
    pub seed: u64,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggingSettings {
    /// More.
    pub debug: bool,
    /// Everything.
    pub trace: bool,
}

/// What is wrong with the settings. The node has not started anything yet.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nobody knows this key.
    #[error("unknown key `{key}` in {origin}; did you mean `{nearest}`?")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was set.
        origin: String,
        /// The known key most like it.
        nearest: String,
    },
    /// A value of the wrong kind, or a file that is no TOML.
    #[error("{origin}: {reason}")]
    Invalid {
        /// The file, the environment or the flags.
        origin: String,
        /// The key and what is wrong with it.
        reason: String,
    },
    /// A value outside its range.
    #[error("`{key}` is {value}, but it must be {rule}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// The rule.
        rule: &'static str,
    },
    /// Tasks and shares that do not fit together or cannot be made.
    #[error("`neuron.tasks` and `neuron.task_p` cannot be used: {0}")]
    Tasks(#[from] MixError),
}

impl From<figment::Error> for SettingsError {
    fn from(error: figment::Error) -> Self {
        let origin = error.metadata.as_ref().map_or_else(
            || "the settings".to_owned(),
            |metadata| match &metadata.source {
                Some(source) => source.to_string(),
                None => metadata.name.to_string(),
            },
        );
        let key = error.path.join(".");
        let kind = error.kind.to_string();
        let what = kind.lines().next().unwrap_or_default();
        let reason = if key.is_empty() { what.to_owned() } else { format!("`{key}`: {what}") };
        Self::Invalid { origin, reason }
    }
}

impl SettingsError {
    /// A syntax error does not know its file.
    fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Invalid { reason, .. } => {
                Self::Invalid { origin: path.display().to_string(), reason }
            }
            other => other,
        }
    }
}

impl Settings {
    /// Merges all sources. `flags` holds what the command line says, by dotted key.
    ///
    /// # Errors
    /// See [`SettingsError`].
    pub fn load(
        file: Option<&Path>,
        flags: &[(&'static str, Value)],
    ) -> Result<Self, SettingsError> {
        let settings: Self = load_layers(LOCALNET_DEFAULTS, file, flags)?;
        settings.check()?;
        Ok(settings)
    }

    /// The tasks with their shares.
    ///
    /// # Errors
    /// When they do not fit together, or a task is not made by this version.
    pub fn task_mix(&self) -> Result<TaskMix, SettingsError> {
        self.neuron.task_mix()
    }

    fn check(&self) -> Result<(), SettingsError> {
        let (neuron, localnet) = (&self.neuron, &self.localnet);
        neuron.check()?;
        let block_time = localnet.block_time;
        in_range("localnet.block_time", block_time, 0.05, 60.0, "between 0.05 and 60 seconds")?;
        in_range("localnet.duration", localnet.duration, 0.0, 1e9, "0 or a number of seconds")?;
        in_range("localnet.miners", localnet.miners, 1, 64, "between 1 and 64")?;
        let rule = "between 2 and 10000 blocks";
        in_range("localnet.tempo", localnet.tempo, 2, 10_000, rule)?;
        in_range("axon.threads", self.axon.threads, 1, 64, "between 1 and 64")?;
        check_axon(&self.axon.limits, &self.axon.rules)?;
        check_device(&neuron.device)?;
        self.task_mix().map(drop)
    }

    /// Seconds as a duration; the ranges were checked.
    pub fn seconds(value: f64) -> Duration {
        Duration::try_from_secs_f64(value).unwrap_or_default()
    }
}

/// Merges the built-in defaults, a file, the environment and flags, each before the one before it.
fn load_layers<T: serde::de::DeserializeOwned>(
    defaults: &str,
    file: Option<&Path>,
    flags: &[(&'static str, Value)],
) -> Result<T, SettingsError> {
    let defaults = Toml::string(defaults);
    let mut known = Vec::new();
    flatten("", &dict_of(&defaults)?, &mut known);
    let mut merged = Figment::from(defaults);
    if let Some(path) = file {
        std::fs::read_to_string(path)
            .map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
        let provider = Toml::file_exact(path);
        let keys = dict_of(&provider).map_err(|error| error.in_file(path))?;
        check_keys(&keys, &known, &path.display().to_string())?;
        merged = merged.merge(provider);
    }
    let environment = Env::prefixed("SN1_").ignore(&OTHER_VARIABLES).split("__");
    check_keys(&dict_of(&environment)?, &known, "the environment (SN1_...)")?;
    merged = merged.merge(environment);
    for (key, value) in flags {
        merged = merged.merge(Serialized::default(key, value));
    }
    Ok(merged.extract()?)
}

fn dict_of(provider: &impl Provider) -> Result<Dict, SettingsError> {
    let mut profiles = provider.data()?;
    Ok(profiles.remove(&Profile::Default).unwrap_or_default())
}

fn flatten(prefix: &str, dict: &Dict, keys: &mut Vec<String>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Dict(_, below) => flatten(&key, below, keys),
            _ => keys.push(key),
        }
    }
}

fn check_keys(dict: &Dict, known: &[String], origin: &str) -> Result<(), SettingsError> {
    let mut keys = Vec::new();
    flatten("", dict, &mut keys);
    match keys.into_iter().find(|key| !known.contains(key)) {
        None => Ok(()),
        Some(key) => {
            let origin = origin.to_owned();
            let nearest = nearest(&key, known.iter().map(String::as_str)).to_owned();
            Err(SettingsError::UnknownKey { key, origin, nearest })
        }
    }
}

/// The candidate most like `word`.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> &'a str {
    let likeness = |candidate: &str| strsim::jaro_winkler(word, candidate);
    candidates.max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(Some(&path), &[])
    }

    #[test]
    fn the_shipped_file_is_the_default() {
        let settings = Settings::load(None, &[]).unwrap();
        assert_eq!(settings.localnet.miners, 7);
        assert_eq!(settings.neuron.num_concurrent_forwards, 2);
        assert_eq!(settings.axon.limits, AxonLimits::default());
        assert_eq!(settings.axon.rules, AxonRules::default());
    }

    #[test]
    fn a_file_beats_the_defaults_and_a_flag_beats_the_file() {
        let file = load("[neuron]\ntimeout = 3.5\n").unwrap();
        assert_eq!(file.neuron.timeout, 3.5);
        let flags = [("neuron.timeout", Value::from(2.0))];
        assert_eq!(Settings::load(None, &flags).unwrap().neuron.timeout, 2.0);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let error = load("[neuron]\nsample_sise = 3\n").unwrap_err().to_string();
        assert!(error.contains("`neuron.sample_sise`"), "{error}");
        assert!(error.contains("`neuron.sample_size`"), "{error}");
        assert!(error.contains("node.toml"), "{error}");
    }

    #[test]
    fn bad_values_name_their_key() {
        let table = [
            ("netuid = \"one\"", "netuid"),
            ("[neuron]\ntimeout = -1.0", "neuron.timeout"),
            ("[localnet]\nminers = 0", "localnet.miners"),
            ("[neuron]\ntasks = [\"qa\"]", "task_p"),
            ("[neuron]\ntasks = [\"date_qa\", \"qa\", \"math\"]", "neuron.tasks"),
            ("netuid = ", "TOML"),
            ("[axon.limits]\nmax_streams = 0", "axon.limits.max_streams"),
            ("[axon.rules]\nverify = \"slack\"", "verify"),
            ("[axon.rules]\ndeny = [\"5Not\"]", "deny"),
        ];
        for (text, part) in table {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(part) && error.lines().count() == 1, "{text}: {error}");
        }
    }
}
