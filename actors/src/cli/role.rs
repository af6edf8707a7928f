//! Flags of `sn1 validator` and `sn1 miner`.

use clap::Args;
use sn1_actors::app::RoleOptions;
use sn1_actors::settings::{Loaded, RoleConfig, SettingsError};

use super::faults::FaultArguments;
use super::flags::SettingFlags;

/// The flags of a role.
#[derive(Debug, Clone, Args)]
pub(crate) struct RoleArguments<C: RoleConfig> {
    #[command(flatten)]
    settings: SettingFlags<C>,
    #[command(flatten)]
    faults: FaultArguments,
    #[arg(long, hide = true)]
    mock: bool,
}

impl<C: RoleConfig> RoleArguments<C> {
    /// Settings of all sources.
    pub(crate) fn load(&self) -> Result<Loaded<C>, SettingsError> {
        if self.mock {
            let text =
                "--mock is not for a node: `sn1 localnet` runs a whole subnet on this machine";
            return Err(SettingsError::Together(text.to_owned()));
        }
        self.settings.load()
    }

    /// What the command line says beyond them.
    pub(crate) fn options(&self, notices: Vec<String>) -> RoleOptions {
        RoleOptions { faults: self.faults.planned(), notices }
    }
}
