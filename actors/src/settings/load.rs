//! Reads a role's settings: defaults, then the SDKs' variables, then a file, then our variables, then
//! flags. Each overrides those before it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::declare::{Spec, Visitor};
use super::environment::{self, Meant};
use super::error::{Origin, SettingsError};
use super::file;
use super::official;
use super::role::{Role, RoleConfig};
use super::value::{Given, Value};

/// Where settings are read from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A settings file.
    pub file: Option<PathBuf>,
    /// Environment variables, of which those that begin with `SN1_` or `BT_` are looked at.
    pub variables: Vec<(String, String)>,
    /// Flags by the keys of their settings.
    pub flags: Vec<GivenFlag>,
}

/// A flag that was given for a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenFlag {
    /// The setting's key.
    pub key: String,
    /// The flag's name, without its dashes.
    pub flag: String,
    /// What followed it.
    pub given: Given,
}

impl Sources {
    /// This process's environment, and nothing else yet.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os().map(|(name, value)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        Self { variables: variables.collect(), ..Self::default() }
    }
}

/// Settings, and where they come from.
#[derive(Debug, Clone)]
pub struct Loaded<C> {
    /// The settings.
    pub config: C,
    /// What the operator should know, a sentence each.
    pub notices: Vec<String>,
    given: BTreeMap<String, (Given, Origin)>,
}

impl<C> Loaded<C> {
    /// The error of a value that its type takes, and whoever reads it does not.
    pub fn wrong(&self, key: &str, value: &str, rule: String) -> SettingsError {
        let (key, value, origin) = (key.to_owned(), value.to_owned(), self.origin(key));
        SettingsError::Value { key, value, origin, rule }
    }

    /// Where the value of a setting comes from.
    pub fn origin(&self, key: &str) -> Origin {
        self.given.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }
}

/// Reads all settings of a role.
///
/// # Errors
/// See [`SettingsError`].
pub fn load<C: RoleConfig>(sources: &Sources) -> Result<Loaded<C>, SettingsError> {
    let role = C::ROLE;
    let mut reading = Reading::default();
    let (settings, mut strangers) = official::read(&sources.variables, role);
    for (variable, key, text) in settings {
        let origin = Origin::Variable(variable.to_owned());
        reading.take(role, key.to_owned(), Given::word(text), origin)?;
    }
    if let Some(path) = &sources.file {
        reading.file(path, role)?;
    }
    for (variable, text) in sources.variables.iter().filter(|(_, text)| !text.is_empty()) {
        match environment::meant(variable, text, role)? {
            Meant::Setting(key) => {
                let origin = Origin::Variable(variable.clone());
                reading.take(role, key, Given::word(text), origin)?;
            }
            Meant::Notice(notice) => strangers.push(notice),
            Meant::Nothing => {}
        }
    }
    for GivenFlag { key, flag, given } in &sources.flags {
        reading.take(role, key.clone(), given.clone(), Origin::Flag(flag.clone()))?;
    }
    reading.settle_chain();
    let config = C::defaults().visited(&mut reading)?;
    config.check()?;
    let mut notices = reading.notices(role);
    notices.extend(strangers);
    notices.extend(config.notices());
    Ok(Loaded { config, notices, given: reading.given })
}

#[derive(Default)]
struct Reading {
    given: BTreeMap<String, (Given, Origin)>,
    /// Keys that have no effect, by where they were set.
    retired: Vec<(Origin, Vec<String>)>,
}

impl Reading {
    fn file(&mut self, path: &Path, role: Role) -> Result<(), SettingsError> {
        let mut given = file::read(path)?.into_iter();
        given.try_for_each(|(key, given)| self.take(role, key, given, Origin::File(path.into())))
    }

    /// Takes what was given for a key, in place of what was taken before.
    fn take(
        &mut self,
        role: Role,
        key: String,
        given: Given,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        if role.has(&key) {
            self.given.insert(key, (given, origin));
            return Ok(());
        }
        if role.has_had(&key) {
            match self.retired.last_mut() {
                Some((last, keys)) if last.is_like(&origin) => keys.push(key),
                _ => self.retired.push((origin, vec![key])),
            }
            return Ok(());
        }
        Err(role.unknown(key, origin))
    }

    /// Drops an endpoint that only an SDK's variable gives, if a network was asked for.
    fn settle_chain(&mut self) {
        const ENDPOINT: &str = "subtensor.chain_endpoint";
        let of = |key| self.given.get(key).map(|(_, origin): &(Given, Origin)| origin);
        if let (Some(endpoint), Some(network)) = (of(ENDPOINT), of("subtensor.network"))
            && official::gives_way(endpoint, network)
        {
            self.given.remove(ENDPOINT);
        }
    }

    /// One notice for each place with keys that have no effect.
    fn notices(&self, role: Role) -> Vec<String> {
        let notice = |(origin, keys): &(Origin, Vec<String>)| {
            let keys: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            let (keys, role) = (keys.join(", "), role.label());
            format!("{} no effect on `sn1 {role}`: {keys}", origin.plural_has())
        };
        self.retired.iter().map(notice).collect()
    }
}

impl Visitor for Reading {
    fn visit<T: Value + 'static>(&mut self, spec: Spec<T>, value: &T) -> Result<T, SettingsError> {
        let Some((given, origin)) = self.given.get(&spec.setting.key) else {
            return Ok(value.clone());
        };
        let wrong = |rule: String| SettingsError::Value {
            key: spec.setting.key.clone(),
            value: given.to_string(),
            origin: origin.clone(),
            rule,
        };
        let read = T::read(given).map_err(wrong)?;
        match spec.broken_rule(&read) {
            None => Ok(read),
            Some(rule) => Err(wrong(rule.to_owned())),
        }
    }
}
