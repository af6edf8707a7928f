//! Flags of `sn1 validator` and `sn1 miner`. Every key of a role's settings is a flag of the same
//! name; what operators have beyond that in the command lines of the Python nodes is taken too, and
//! a flag without a meaning here is told of.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use figment::value::{Num, Value};
use sn1_actors::app::RoleOptions;
use sn1_actors::settings::{NodeSettings, RoleSettings, Setting, SettingsError};

use super::faults::FaultArguments;

/// Other names that a setting's flag has.
const ALIASES: [(&str, &[&str]); 4] = [
    ("neuron.miner", &["neuron.miner"]),
    ("axon.off", &["axon_off", "neuron.axon_off"]),
    ("axon.rules.require_permit", &["blacklist.force_validator_permit"]),
    ("wallet.password_file", &["password-file"]),
];

/// Flags of the Python nodes that do nothing here, and why.
const WITHOUT_MEANING: [(&str, &str); 28] = [
    ("neuron.gpus", CPU),
    ("neuron.llm_max_allowed_memory_in_gb", CPU),
    ("neuron.load_in_8bit", "the model file says how it is quantized"),
    ("neuron.load_in_4bit", "the model file says how it is quantized"),
    ("neuron.should_force_model_loading", "the model is always loaded"),
    ("neuron.stop_on_forward_exception", "a fault ends one answer, never the node"),
    ("neuron.name", STATE),
    ("neuron.events_retention_size", "step events are kept in the state folder"),
    ("neuron.dont_save_events", "step events are kept in the state folder"),
    ("no_background_thread", "actors do the work"),
    ("blacklist.allow_non_registered", "name hotkeys in axon.rules.allow instead"),
    ("wandb.off", WANDB),
    ("wandb.on", WANDB),
    ("wandb.offline", WANDB),
    ("wandb.notes", WANDB),
    ("wandb.entity", WANDB),
    ("wandb.project_name", WANDB),
    ("logging.info", "say --logging.debug for more"),
    ("logging.record_log", "logs go to standard error"),
    ("logging.logging_dir", STATE),
    ("logging.enable_third_party_loggers", "logs go to standard error"),
    ("axon.max_workers", "see axon.threads and axon.limits"),
    ("subtensor._mock", "use `sn1 devchain`"),
    ("strict", "an unknown flag is always an error"),
    ("no_prompting", "nothing is asked but a password"),
    ("no_version_checking", "no version is looked up"),
    ("wallet.coldkey", "a node never opens a coldkey"),
    ("subtensor.retry_forever", "lost nodes are always tried again"),
];
const CPU: &str = "this version computes its models on the CPU";
const WANDB: &str = "metrics are on the page /metrics";
const STATE: &str = "say --state.folder";

/// The flags of a role.
#[derive(Debug, Clone)]
pub(crate) struct RoleArguments<N> {
    config: Option<PathBuf>,
    flags: Vec<(&'static str, Value)>,
    options: RoleOptions,
    role: PhantomData<N>,
}

impl<N: RoleSettings> RoleArguments<N> {
    /// Settings of all sources.
    pub(crate) fn settings(&self) -> Result<NodeSettings<N>, SettingsError> {
        NodeSettings::load(self.config.as_deref().map(Path::new), &self.flags)
    }

    pub(crate) fn options(&self) -> RoleOptions {
        self.options.clone()
    }
}

impl<N: RoleSettings> Args for RoleArguments<N> {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config").long("config").value_name("FILE");
        let help = format!(
            "Settings file; its keys are those of config/{}.toml, and flags here",
            N::ROLE.label()
        );
        let config = config.help(help).value_parser(clap::value_parser!(PathBuf));
        let command = command.arg(config).args(N::ROLE.settings().iter().map(flag));
        let is_setting = |name: &str| {
            let mut others = ALIASES.iter().flat_map(|(_, aliases)| aliases.iter());
            N::ROLE.settings().iter().any(|it| it.key == name) || others.any(|it| *it == name)
        };
        let unused = WITHOUT_MEANING.iter().filter(|(name, _)| !is_setting(name));
        let command = command.args(unused.map(|(name, _)| without_meaning(name)));
        let mock = Arg::new("mock").long("mock").hide(true).action(ArgAction::SetTrue);
        FaultArguments::augment_args(command.arg(mock))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<N: RoleSettings> FromArgMatches for RoleArguments<N> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        if matches.get_flag("mock") {
            let text = "--mock is no role of a node: `sn1 localnet` runs a whole subnet on this \
                        machine\n";
            return Err(clap::Error::raw(clap::error::ErrorKind::ValueValidation, text));
        }
        let settings = N::ROLE.settings().iter();
        let flags = settings.filter_map(|it| Some((it.key.as_str(), value_of(it, matches)?)));
        let unused = WITHOUT_MEANING.iter().filter(|(name, _)| {
            matches.try_contains_id(name).is_ok_and(|known| known)
                && matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
        });
        let notices = unused.map(|(name, why)| format!("--{name} does nothing here: {why}"));
        Ok(Self {
            config: matches.get_one("config").cloned(),
            flags: flags.collect(),
            options: RoleOptions {
                faults: FaultArguments::from_arg_matches(matches)?.planned(),
                notices: notices.collect(),
            },
            role: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The flag of a setting. Switches may be followed by true or false.
fn flag(setting: &'static Setting) -> Arg {
    let key = setting.key.as_str();
    let long = if key == "neuron.miner" { "miner" } else { key };
    let others = ALIASES.iter().find(|(name, _)| *name == key).map_or(&[][..], |(_, all)| *all);
    let arg = Arg::new(key).long(long).aliases(others.iter().copied()).help(setting.help.as_str());
    match &setting.default {
        Value::Bool(..) => arg
            .value_name("BOOL")
            .num_args(0..=1)
            .default_missing_value("true")
            .value_parser(parse_switch),
        Value::Num(_, Num::F64(_) | Num::F32(_)) => {
            arg.value_name("NUMBER").value_parser(parse_number)
        }
        Value::Num(..) => arg.value_name("N").value_parser(parse_integer),
        Value::Array(_, elements) => {
            let arg = arg.value_name("LIST").num_args(1..).value_delimiter(',');
            match elements.first() {
                Some(Value::Num(..)) => arg.value_parser(parse_number),
                _ => arg.value_parser(parse_text),
            }
        }
        _ => arg.value_name("VALUE").value_parser(parse_text),
    }
}

fn without_meaning(name: &'static str) -> Arg {
    let any = Arg::new(name).long(name).hide(true).num_args(0..=1).default_missing_value("true");
    any.action(ArgAction::Append)
}

fn value_of(setting: &Setting, matches: &ArgMatches) -> Option<Value> {
    let mut values = matches.get_many::<Value>(&setting.key)?.cloned();
    match &setting.default {
        Value::Array(..) => Some(Value::from(values.collect::<Vec<_>>())),
        _ => values.next_back(),
    }
}

fn parse_switch(text: &str) -> Result<Value, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Value::from(true)),
        "false" | "0" => Ok(Value::from(false)),
        _ => Err("say true or false, or nothing".to_owned()),
    }
}

fn parse_integer(text: &str) -> Result<Value, String> {
    text.parse::<i64>().map(Value::from).map_err(|_| "it is no whole number".to_owned())
}

fn parse_number(text: &str) -> Result<Value, String> {
    text.parse::<f64>().map(Value::from).map_err(|_| "it is no number".to_owned())
}

fn parse_text(text: &str) -> Result<Value, String> {
    Ok(Value::from(text))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use sn1_actors::settings::{MinerNeuron, NeuronSettings};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line<N: RoleSettings + Clone + Send + Sync + 'static> {
        #[command(flatten)]
        arguments: RoleArguments<N>,
    }

    fn read<N: RoleSettings + Clone + Send + Sync + 'static>(
        line: &str,
    ) -> Result<(NodeSettings<N>, Vec<String>), String> {
        let words = std::iter::once("sn1").chain(line.split_whitespace());
        let line = Line::<N>::try_parse_from(words).map_err(|error| error.to_string())?;
        let settings = line.arguments.settings().map_err(|error| error.to_string())?;
        Ok((settings, line.arguments.options().notices))
    }

    #[test]
    fn command_lines_of_the_python_nodes_keep_working() {
        let line = "--netuid 1 --subtensor.network finney --neuron.device cuda --wallet.name W \
                    --wallet.hotkey H --logging.debug --axon.port 8091";
        let (validator, notices) = read::<NeuronSettings>(line).unwrap();
        assert_eq!((validator.netuid, validator.axon.port), (1, 8091));
        assert_eq!((&*validator.wallet.name, &*validator.wallet.hotkey), ("W", "H"));
        assert!(validator.logging.debug && validator.neuron.device == "cuda");
        assert!(notices.is_empty(), "{notices:?}");
        let line = "--netuid 61 --subtensor.network test --wallet.name my_test_wallet \
                    --wallet.hotkey my_test_hotkey --axon.port 8091";
        let (miner, _) = read::<MinerNeuron>(line).unwrap();
        assert_eq!((miner.netuid, &*miner.subtensor.network), (61, "test"));
    }

    #[test]
    fn lists_switches_and_other_names_are_understood() {
        let line = "--neuron.tasks math qa --neuron.task_p 0.5,0.5 --neuron.vpermit_tao_limit 10 \
                    --neuron.axon_off --neuron.log_full False --neuron.disable_set_weights True";
        let (validator, _) = read::<NeuronSettings>(line).unwrap();
        assert_eq!((validator.neuron.tasks.len(), validator.neuron.task_p[0]), (2, 0.5));
        assert_eq!(validator.neuron.vpermit_tao_limit, 10.0);
        assert!(validator.axon.off && validator.neuron.disable_set_weights);
        assert!(!validator.neuron.log_full);
        let line = "--miner echo --neuron.top_k 3 --blacklist.force_validator_permit \
                    --subtensor.chain_endpoint ws://a:1,ws://b:2";
        let (miner, _) = read::<MinerNeuron>(line).unwrap();
        assert_eq!((miner.neuron.miner.name(), miner.neuron.top_k), ("echo", 3));
        assert!(miner.axon.rules.require_permit);
        assert_eq!(miner.subtensor.chain_endpoint, ["ws://a:1", "ws://b:2"]);
    }

    #[test]
    fn flags_without_a_meaning_are_told_of() {
        let line = "--wandb.off --wandb.project_name mine --neuron.gpus 2 --no_background_thread";
        let (_, notices) = read::<NeuronSettings>(line).unwrap();
        assert_eq!(notices.len(), 4, "{notices:?}");
        assert!(notices.iter().any(|it| it.contains("--wandb.off") && it.contains("/metrics")));
    }

    #[test]
    fn what_is_unknown_names_the_nearest() {
        for line in ["--neuron.sampel_size 3", "--neuron.sample_siz 3"] {
            let error = read::<NeuronSettings>(line).unwrap_err();
            assert!(error.contains("--neuron.sample_size"), "{error}");
        }
        for line in ["--netuid one", "--axon.off perhaps", "--mock", "--neuron.tasks dance"] {
            assert!(read::<NeuronSettings>(line).is_err(), "{line}");
        }
    }
}
