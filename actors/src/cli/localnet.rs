//! Flags of `sn1 localnet`.

use std::path::PathBuf;

use clap::Args;
use sn1_actors::app::localnet::Options;
use sn1_actors::settings::{Loaded, LocalnetConfig, SettingsError};

use super::faults::FaultArguments;
use super::flags::SettingFlags;

/// Flags of `sn1 localnet`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LocalnetArguments {
    #[command(flatten)]
    settings: SettingFlags<LocalnetConfig>,
    /// Write a JSON report at the end
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Keep the state in this folder, and go on from what is there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    faults: FaultArguments,
}

impl LocalnetArguments {
    pub(crate) fn load(&self) -> Result<Loaded<LocalnetConfig>, SettingsError> {
        self.settings.load()
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            report: self.report.clone(),
            keep: self.keep.clone(),
            faults: self.faults.planned(),
        }
    }
}
