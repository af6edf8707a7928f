//! Flags of `sn1 validator` and `sn1 miner`.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sn1_actors::app::RoleOptions;
use sn1_actors::settings::{RoleConfig, SettingsError};

use super::faults::FaultArguments;
use super::flags::SettingFlags;

/// The flags of a role.
#[derive(Debug, Clone)]
pub(crate) struct RoleArguments<C> {
    settings: SettingFlags<C>,
    faults: FaultArguments,
}

impl<C: RoleConfig> RoleArguments<C> {
    /// Settings of all sources, and what the command line says beyond them.
    pub(crate) fn load(&self) -> Result<(C, RoleOptions), SettingsError> {
        let loaded = self.settings.load()?;
        let options = RoleOptions { faults: self.faults.planned(), notices: loaded.notices };
        Ok((loaded.config, options))
    }
}

impl<C: RoleConfig> Args for RoleArguments<C> {
    fn augment_args(command: Command) -> Command {
        let mock = Arg::new("mock").long("mock").hide(true).action(ArgAction::SetTrue);
        FaultArguments::augment_args(SettingFlags::<C>::augment_args(command).arg(mock))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<C: RoleConfig> FromArgMatches for RoleArguments<C> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        if matches.get_flag("mock") {
            let text = "--mock is not for a node: `sn1 localnet` runs a whole subnet on this \
                        machine\n";
            return Err(clap::Error::raw(clap::error::ErrorKind::ValueValidation, text));
        }
        Ok(Self {
            settings: SettingFlags::from_arg_matches(matches)?,
            faults: FaultArguments::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
