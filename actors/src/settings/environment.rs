//! Settings in the environment: `SN1_NEURON__TIMEOUT` is `neuron.timeout`.
//!
//! An orchestrator puts variables of its own into a process, among them such that begin like ours: a
//! service called `sn1` gives each pod of a Kubernetes cluster `SN1_PORT=tcp://10.0.0.1:8091`. So a
//! name without two underscores is a setting only if it is one of the few that stand in no table.

use super::declare::Setting;
use super::error::{Origin, SettingsError};
use super::role::{ALL_ROLES, Role};

const PREFIX: &str = "SN1_";
/// Variables of tests and tools, which begin like a setting and are not one.
const TOOLS: [&str; 6] = ["VECTORS", "MODELS", "GRAFANA", "PROMETHEUS_URL", "FAILPOINT", "UPDATE"];
/// How the names of more such variables begin.
const TOOL_PREFIXES: [&str; 2] = ["SDK_", "CHAOS_"];

/// The settings among these variables: variable, key and text. An empty one is not set.
///
/// # Errors
/// A variable that is meant as a setting and is not one.
pub(super) fn settings(
    variables: &[(String, String)],
    role: Role,
) -> Result<Vec<(String, String, String)>, SettingsError> {
    let mut found = Vec::new();
    for (variable, text) in variables {
        let Some(key) = key_of(variable) else { continue };
        let is_meant = variable.contains("__") || role.has(&key);
        if !is_meant || text.is_empty() || is_elsewhere(&key, role) {
            continue;
        }
        if !role.has(&key) && !role.has_had(&key) {
            return Err(role.unknown(key, Origin::Variable(variable.clone())));
        }
        found.push((variable.clone(), key, text.clone()));
    }
    Ok(found)
}

/// What is said of variables that begin like a setting and are not one.
///
/// # Errors
/// One that is written with one underscore where a setting has two.
pub(super) fn strangers(
    variables: &[(String, String)],
    role: Role,
) -> Result<Vec<String>, SettingsError> {
    let mut notices = Vec::new();
    for (variable, text) in variables {
        let Some(key) = key_of(variable) else { continue };
        if is_elsewhere(&key, role) && !text.is_empty() {
            notices.push(format!("{variable} has no effect: it is a setting of another command"));
        }
        if variable.contains("__") || role.has(&key) || is_tool(variable) || is_link(variable, text)
        {
            continue;
        }
        let is_meant = |setting: &&Setting| setting.key.replace('.', "_") == key;
        if let Some(setting) = role.settings().iter().find(is_meant) {
            return Err(SettingsError::UnknownKey {
                key,
                origin: Origin::Variable(variable.clone()),
                nearest: Some(setting.variable()),
            });
        }
        notices.push(format!("{variable} has no effect: there is no such setting"));
    }
    Ok(notices)
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
