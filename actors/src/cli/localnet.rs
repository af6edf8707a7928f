//! Flags of `sn1 localnet`, with the dotted names that operators have in their scripts.

use std::path::{Path, PathBuf};

use clap::Args;
use figment::value::Value;
use sn1_actors::app::localnet::Options;

use super::faults::FaultArguments;
use super::time::parse_seconds;

/// Flags of `sn1 localnet`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocalnetArguments {
    /// Settings file; its keys are those of config/localnet.toml
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How many miners
    #[arg(long, value_name = "N")]
    miners: Option<u16>,
    /// Time between blocks, such as 1s or 250ms
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    block_time: Option<f64>,
    /// Stop by itself after this time, such as 180s or 3m
    #[arg(long, value_name = "TIME", value_parser = parse_seconds)]
    duration: Option<f64>,
    /// Seeds every draw
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write a JSON report at the end
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the state in this folder, and go on from what is there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    faults: FaultArguments,
    /// The subnet's number
    #[arg(long, value_name = "N")]
    netuid: Option<u16>,
    /// The language model: a GGUF file, a folder that holds one, or a hub id
    #[arg(long = "neuron.model_id", value_name = "MODEL")]
    model_id: Option<String>,
    /// Tasks, separated by commas
    #[arg(long = "neuron.tasks", value_name = "TASKS", value_delimiter = ',', num_args = 1..)]
    tasks: Option<Vec<String>>,
    /// Shares of the tasks, separated by commas
    #[arg(long = "neuron.task_p", value_name = "SHARES", value_delimiter = ',', num_args = 1..)]
    task_p: Option<Vec<f64>>,
    /// Seconds for each miner
    #[arg(long = "neuron.timeout", value_name = "SECONDS")]
    timeout: Option<f64>,
    /// Miners asked in a turn
    #[arg(long = "neuron.sample_size", value_name = "N")]
    sample_size: Option<usize>,
    /// Conversations held at once
    #[arg(long = "neuron.num_concurrent_forwards", value_name = "N")]
    num_concurrent_forwards: Option<usize>,
    /// Longest text of the model, in tokens
    #[arg(long = "neuron.max_tokens", value_name = "N")]
    max_tokens: Option<usize>,
    /// Blocks between two weight settings
    #[arg(long = "neuron.epoch_length", value_name = "BLOCKS")]
    epoch_length: Option<u64>,
    /// Never set weights
    #[arg(long = "neuron.disable_set_weights")]
    disable_set_weights: bool,
    /// Threads of the model
    #[arg(long = "neuron.threads", value_name = "N")]
    threads: Option<u16>,
    /// Where models are
    #[arg(long = "models.folder", value_name = "DIR")]
    models_folder: Option<PathBuf>,
    /// The first miner's port; 0 lets the system choose
    #[arg(long = "axon.port", value_name = "PORT")]
    axon_port: Option<u16>,
    /// Port of the metrics; 0 lets the system choose
    #[arg(long = "telemetry.port", value_name = "PORT")]
    telemetry_port: Option<u16>,
    /// Log more
    #[arg(long = "logging.debug")]
    debug: bool,
    /// Log everything
    #[arg(long = "logging.trace")]
    trace: bool,
}

impl LocalnetArguments {
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// What the flags say, by settings key.
    pub(crate) fn flags(&self) -> Vec<(&'static str, Value)> {
        let path = |path: &PathBuf| Value::from(path.display().to_string());
        let on = |flag: bool| flag.then(|| Value::from(true));
        let flags = [
            ("netuid", self.netuid.map(Value::from)),
            ("neuron.model_id", self.model_id.clone().map(Value::from)),
            ("neuron.tasks", self.tasks.clone().map(Value::from)),
            ("neuron.task_p", self.task_p.clone().map(Value::from)),
            ("neuron.timeout", self.timeout.map(Value::from)),
            ("neuron.sample_size", self.sample_size.map(Value::from)),
            ("neuron.num_concurrent_forwards", self.num_concurrent_forwards.map(Value::from)),
            ("neuron.max_tokens", self.max_tokens.map(Value::from)),
            ("neuron.epoch_length", self.epoch_length.map(Value::from)),
            ("neuron.disable_set_weights", on(self.disable_set_weights)),
            ("neuron.threads", self.threads.map(Value::from)),
            ("models.folder", self.models_folder.as_ref().map(path)),
            ("axon.port", self.axon_port.map(Value::from)),
            ("telemetry.port", self.telemetry_port.map(Value::from)),
            ("localnet.miners", self.miners.map(Value::from)),
            ("localnet.block_time", self.block_time.map(Value::from)),
            ("localnet.duration", self.duration.map(Value::from)),
            ("localnet.seed", self.seed.map(Value::from)),
            ("logging.debug", on(self.debug)),
            ("logging.trace", on(self.trace)),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            report: self.report.clone(),
            keep: self.keep.clone(),
            faults: self.faults.planned(),
        }
    }
}
