//! Settings in the environment: `SN1_NEURON__TIMEOUT` is `neuron.timeout`.
//!
//! An orchestrator puts variables of its own into a process, among them such that begin like ours: a
//! service called `sn1` gives each pod of a Kubernetes cluster `SN1_PORT=tcp://10.0.0.1:8091`. So a
//! name without two underscores is a setting only if it is one of the few that stand in no table.

use super::declare::Setting;
use super::error::{Origin, SettingsError};
use super::role::{ALL_ROLES, Role};

const PREFIX: &str = "SN1_";
/// Variables of tests and tools, which begin like a setting and are none.
const TOOLS: [&str; 6] = ["VECTORS", "MODELS", "GRAFANA", "PROMETHEUS_URL", "FAILPOINT", "UPDATE"];
/// How the names of more such variables begin.
const TOOL_PREFIXES: [&str; 2] = ["SDK_", "CHAOS_"];

/// What a variable is taken for.
pub(super) enum Meant {
    /// The setting of this key, whether or not there is one.
    Setting(String),
    /// No setting, of which the operator is told this.
    Notice(String),
    /// Somebody else's variable.
    Nothing,
}

/// What a variable that is not empty is meant as.
///
/// # Errors
/// A setting that is written with one underscore instead of two.
pub(super) fn meant(variable: &str, text: &str, role: Role) -> Result<Meant, SettingsError> {
    let Some(key) = key_of(variable) else { return Ok(Meant::Nothing) };
    let no_effect = |why| Ok(Meant::Notice(format!("{variable} has no effect: {why}")));
    if is_elsewhere(&key, role) {
        return no_effect("it is a setting of another command");
    }
    if variable.contains("__") || role.has(&key) {
        return Ok(Meant::Setting(key));
    }
    if is_tool(variable) || is_link(variable, text) {
        return Ok(Meant::Nothing);
    }
    let is_meant = |setting: &&Setting| setting.key.replace('.', "_") == key;
    let Some(setting) = role.settings().iter().find(is_meant) else {
        return no_effect("there is no such setting");
    };
    let (origin, nearest) = (Origin::Variable(variable.to_owned()), Some(setting.variable()));
    Err(SettingsError::UnknownKey { key, origin, nearest })
}

fn key_of(variable: &str) -> Option<String> {
    variable.strip_prefix(PREFIX).map(|rest| rest.to_lowercase().replace("__", "."))
}

fn is_tool(variable: &str) -> bool {
    let Some(rest) = variable.strip_prefix(PREFIX) else { return false };
    TOOLS.contains(&rest) || TOOL_PREFIXES.iter().any(|prefix| rest.starts_with(prefix))
}

/// Whether another role has this setting: one environment may serve several commands.
fn is_elsewhere(key: &str, role: Role) -> bool {
    !role.has(key) && !role.has_had(key) && ALL_ROLES.into_iter().any(|other| other.has(key))
}

/// Whether Kubernetes has put it there for a service whose name begins with `sn1`.
fn is_link(variable: &str, text: &str) -> bool {
    let is_address = text.starts_with("tcp://") || text.starts_with("udp://");
    let is_part = |mark| variable.contains(mark);
    is_address
        || is_part("_SERVICE_HOST")
        || is_part("_SERVICE_PORT")
        || (is_part("_PORT_") && (is_part("_TCP") || is_part("_UDP")))
}
