//! Flags of the Python nodes that have no effect here, and why.

use sn1_actors::settings::{Role, Setting};

/// By name, without dashes. Where a role has a setting of that name, the setting counts.
const IGNORED: [(&str, &str); 32] = [
    ("neuron.gpus", CPU),
    ("neuron.llm_max_allowed_memory_in_gb", CPU),
    ("neuron.load_in_8bit", "the model file says how it is quantized"),
    ("neuron.load_in_4bit", "the model file says how it is quantized"),
    ("neuron.should_force_model_loading", "the model is always loaded"),
    ("neuron.stop_on_forward_exception", "a fault ends one answer, never the node"),
    ("neuron.name", STATE),
    ("neuron.events_retention_size", "step events are kept in the state folder"),
    ("neuron.dont_save_events", "step events are kept in the state folder"),
    ("neuron.epoch_length", "only validators set weights"),
    ("neuron.log_full", "only validators keep step events"),
    ("no_background_thread", "actors do the work"),
    ("blacklist.allow_non_registered", "name hotkeys in axon.rules.allow instead"),
    ("wandb.off", WANDB),
    ("wandb.on", WANDB),
    ("wandb.offline", WANDB),
    ("wandb.notes", WANDB),
    ("wandb.entity", WANDB),
    ("wandb.project_name", WANDB),
    ("logging.info", "--logging.debug logs more"),
    ("logging.record_log", "logs go to standard error"),
    ("logging.logging_dir", STATE),
    ("logging.enable_third_party_loggers", "logs go to standard error"),
    ("axon.max_workers", "see axon.threads and axon.limits of a miner"),
    ("priority.max_workers", "see axon.limits.max_streams of a miner"),
    ("priority.maxsize", "see axon.limits.max_waiting of a miner"),
    ("subtensor._mock", "use `sn1 devchain`"),
    ("strict", "an unknown flag is always an error"),
    ("no_prompt", "nothing is asked but a password"),
    ("no_prompting", "nothing is asked but a password"),
    ("no_version_checking", "no version is looked up"),
    ("wallet.coldkey", "a node never opens a coldkey"),
];
const CPU: &str = "this version computes its models on the CPU";
const WANDB: &str = "metrics are on the page /metrics";
const STATE: &str = "the folder is set by --state.folder";

/// Those that a role takes: what a Python node of that kind has, and what is not a setting here.
pub(super) fn of(role: Role) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_node = matches!(role, Role::Validator | Role::Miner);
    let is_setting = move |name: &str| {
        let is_named = |setting: &Setting| {
            setting.key == name || setting.flag == name || setting.other_flags.contains(&name)
        };
        role.settings().iter().any(is_named) || role.retired().iter().any(is_named)
    };
    IGNORED.into_iter().filter(move |(name, _)| is_node && !is_setting(name))
}
