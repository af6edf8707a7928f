//! Flags of the settings: every key that a role reads is a flag, named and explained by its
//! declaration. Flags of the Python nodes and of earlier versions that nothing reads are accepted too,
//! with a notice that they have no effect.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sn1_actors::settings::{
    self, Given, GivenFlag, Loaded, Role, RoleConfig, Setting, SettingsError, Shape, Sources,
};

use super::ignored;

/// The flags of a role's settings.
#[derive(Debug, Clone)]
pub(crate) struct SettingFlags<C> {
    config: Option<PathBuf>,
    flags: Vec<GivenFlag>,
    notices: Vec<String>,
    role: PhantomData<C>,
}

impl<C: RoleConfig> SettingFlags<C> {
    /// Settings of all sources.
    pub(crate) fn load(&self) -> Result<Loaded<C>, SettingsError> {
        self.load_with(Sources::of_process())
    }

    fn load_with(&self, sources: Sources) -> Result<Loaded<C>, SettingsError> {
        let (file, flags) = (self.config.clone(), self.flags.clone());
        let mut loaded = settings::load::<C>(&Sources { file, flags, ..sources })?;
        loaded.notices.extend(self.notices.iter().cloned());
        Ok(loaded)
    }
}

impl<C: RoleConfig> Args for SettingFlags<C> {
    fn augment_args(command: Command) -> Command {
        let role = C::ROLE;
        let command = command.args(config(role)).args(role.settings().iter().map(flag));
        let retired = role.retired().iter().flat_map(names);
        let command = command.args(retired.map(without_effect));
        command.args(ignored::of(role).map(|(name, _)| without_effect(name)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<C: RoleConfig> FromArgMatches for SettingFlags<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let is_given = |name: &str| {
            matches.try_contains_id(name).is_ok_and(|known| known)
                && matches.value_source(name) == Some(ValueSource::CommandLine)
        };
        let mut flags: Vec<_> =
            C::ROLE.settings().iter().filter_map(|setting| given(setting, matches)).collect();
        for setting in C::ROLE.retired() {
            let used = names(setting).into_iter().filter(|name| is_given(name));
            flags.extend(used.map(|flag| GivenFlag {
                key: setting.key.clone(),
                flag: flag.to_owned(),
                given: Given::word(""),
            }));
        }
        let ignored = ignored::of(C::ROLE).filter(|(name, _)| is_given(name));
        Ok(Self {
            config: matches.try_get_one("config").ok().flatten().cloned(),
            flags,
            notices: ignored.map(|(name, why)| format!("--{name} has no effect: {why}")).collect(),
            role: PhantomData,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn config(role: Role) -> Option<Arg> {
    let file =
        format!("Settings file; `sn1 config init {}` prints one to start from", role.label());
    let config = Arg::new("config").long("config").value_name("FILE").help(file);
    let config = config.value_parser(clap::value_parser!(PathBuf)).overrides_with("config");
    (role != Role::Query).then_some(config)
}

/// All names of a setting's flag, its own first.
fn names(setting: &Setting) -> Vec<&str> {
    let key = (setting.flag != setting.key).then_some(&*setting.key);
    let others = setting.other_flags.iter().copied();
    std::iter::once(&*setting.flag).chain(key).chain(others).collect()
}

/// The flag of a setting. Switches may be followed by true or false. As with the Python nodes the
/// last of several counts: start scripts append to what they are given.
fn flag(setting: &'static Setting) -> Arg {
    let key = setting.key.as_str();
    let arg = Arg::new(key).long(setting.flag.as_str()).help(help(setting));
    let arg = arg.aliases(names(setting).into_iter().skip(1)).overrides_with(key);
    let arg = arg.value_name(setting.placeholder).action(ArgAction::Set);
    match setting.shape {
        Shape::Switch => arg.num_args(0..=1).default_missing_value("true"),
        Shape::Texts | Shape::Numbers => arg.num_args(1..),
        Shape::Number | Shape::Text => arg.allow_hyphen_values(false).allow_negative_numbers(true),
    }
}

/// What the flag does, and its default where that says something.
fn help(setting: &Setting) -> String {
    let help = setting.help();
    let help = help.strip_suffix('.').unwrap_or(&help);
    match setting.words.join(",") {
        empty if empty.is_empty() => help.to_owned(),
        default => format!("{help} [default: {default}]"),
    }
}

fn without_effect(name: &'static str) -> Arg {
    let any = Arg::new(name).long(name).hide(true).num_args(0..);
    any.default_missing_value("true").action(ArgAction::Append)
}

fn given(setting: &Setting, matches: &ArgMatches) -> Option<GivenFlag> {
    if matches.value_source(&setting.key) != Some(ValueSource::CommandLine) {
        return None;
    }
    let words: Vec<String> = matches.get_many::<String>(&setting.key)?.cloned().collect();
    Some(GivenFlag {
        key: setting.key.clone(),
        flag: setting.flag.clone(),
        given: Given::words(words, false),
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use sn1_actors::settings::{
        Device, LocalnetConfig, MinerConfig, QueryConfig, Tao, ValidatorConfig,
    };

    use super::*;

    #[derive(Debug, Parser)]
    struct Line<C: RoleConfig> {
        #[command(flatten)]
        flags: SettingFlags<C>,
    }

    fn read<C: RoleConfig>(line: &str) -> Result<Loaded<C>, String> {
        let words = std::iter::once("sn1").chain(line.split_whitespace());
        let line = Line::<C>::try_parse_from(words).map_err(|error| error.to_string())?;
        line.flags.load_with(Sources::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_setting_of_a_role_is_a_flag_with_its_help_and_nothing_else_is_shown() {
        fn check<C: RoleConfig>() {
            let command = Line::<C>::command();
            let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
            let mut shown: Vec<_> = shown.filter_map(Arg::get_long).collect();
            shown.retain(|name| !["config", "help"].contains(name));
            let expected: Vec<_> = C::ROLE.settings().iter().map(|it| &*it.flag).collect();
            assert_eq!(shown, expected, "{:?}", C::ROLE);
            for setting in C::ROLE.settings() {
                let arg = command.get_arguments().find(|arg| arg.get_id() == &*setting.key);
                let help = arg.and_then(Arg::get_help).map(ToString::to_string);
                let expected = setting.help();
                assert!(help.unwrap().starts_with(expected.trim_end_matches('.')), "{expected}");
            }
        }
        check::<ValidatorConfig>();
        check::<MinerConfig>();
        check::<LocalnetConfig>();
        check::<QueryConfig>();
    }

    #[test]
    fn command_lines_of_the_python_nodes_keep_working() {
        let line = "--netuid 1 --subtensor.network finney --neuron.device cuda --wallet.name W \
                    --wallet.hotkey H --logging.debug --axon.port 8091";
        let Loaded { config: validator, notices, .. } = read::<ValidatorConfig>(line).unwrap();
        assert_eq!((validator.node.subnet.netuid, validator.axon.port), (1, 8091));
        let wallet = &validator.node.wallet;
        assert_eq!((&*wallet.name, &*wallet.hotkey), ("W", "H"));
        assert!(validator.node.logging.debug);
        assert_eq!(validator.asking.compute.device, [Device::Cuda(0)]);
        assert!(notices.is_empty(), "{notices:?}");
        let line = "--netuid 61 --subtensor.network test --wallet.name my_test_wallet \
                    --wallet.hotkey my_test_hotkey --axon.port 8091";
        let miner = read::<MinerConfig>(line).unwrap().config;
        assert_eq!(miner.node.subnet.netuid, 61);
        assert_eq!(miner.node.subtensor.network.to_string(), "test");
    }

    #[test]
    fn lists_switches_and_other_names_are_understood() {
        let line = "--neuron.tasks math qa --neuron.task_p 0.5,0.5 --neuron.vpermit_tao_limit 10 \
                    --neuron.axon_off --neuron.log_full False --neuron.disable_set_weights True";
        let validator = read::<ValidatorConfig>(line).unwrap().config;
        let conversation = &validator.asking.conversation;
        assert_eq!((conversation.tasks.len(), conversation.task_p[0].get()), (2, 0.5));
        assert_eq!(conversation.vpermit_tao_limit, Tao::whole(10));
        assert!(validator.node.published.off && validator.asking.weights.disable_set_weights);
        assert!(!conversation.log_full);
        let line = "--miner echo --neuron.top_k 3 --blacklist.force_validator_permit \
                    --subtensor.chain_endpoint ws://a:1,ws://b:2 --blacklist.validator_min_stake 5";
        let miner = read::<MinerConfig>(line).unwrap().config;
        assert_eq!((&*miner.miner.miner, miner.sampling.top_k), ("echo", 3));
        assert!(miner.rules.require_permit);
        assert_eq!(miner.rules.min_stake, Tao::whole(5));
        assert_eq!(miner.node.subtensor.chain_endpoint.len(), 2);
        let line = "--neuron.miner phrase --miners 3 --localnet.tempo 9 --block-time 250ms";
        assert!(read::<LocalnetConfig>(line).is_err());
        let localnet = read::<LocalnetConfig>("--miners 3 --localnet.tempo 9 --block-time 250ms");
        let localnet = localnet.unwrap().config.localnet;
        assert_eq!((localnet.miners, localnet.tempo), (3, 9));
    }

    #[test]
    fn the_last_of_equal_flags_counts() {
        let line = "--axon.port 8091 --logging.debug --axon.port 8092 --logging.debug \
                    --axon.rules.allow a --axon.rules.allow 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
        let miner = read::<MinerConfig>(line).unwrap().config;
        assert_eq!((miner.axon.port.number(), miner.rules.allow.len()), (8092, 1));
        assert!(miner.node.logging.debug);
    }

    #[test]
    fn flags_without_an_effect_are_named() {
        let line = "--wandb.off --wandb.project_name mine --neuron.gpus 2 --no_background_thread \
                    --no_prompt --priority.max_workers 5 --priority.maxsize 10 --wandb.off";
        let notices = read::<ValidatorConfig>(line).unwrap().notices;
        assert_eq!(notices.len(), 7, "{notices:?}");
        assert!(notices.iter().any(|it| it.contains("--wandb.off") && it.contains("/metrics")));
        let line = "--neuron.epoch_length 100 --neuron.log_full --priority.maxsize 10";
        assert_eq!(read::<MinerConfig>(line).unwrap().notices.len(), 3);
        let line = "--axon.ip 0.0.0.0 --axon.limits.max_streams 3 --axon.rules.allow a b \
                    --blacklist.force_validator_permit";
        let notices = read::<ValidatorConfig>(line).unwrap().notices;
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains("`axon.ip`") && notices[0].contains("require_permit"));
    }

    #[test]
    fn bad_values_are_refused() {
        for line in ["--netuid one", "--axon.off perhaps", "--neuron.tasks dance", "--netuid -1"] {
            assert!(read::<ValidatorConfig>(line).is_err(), "{line}");
        }
    }
}
