//! What every node has: how fresh the subnet is kept, the pages, the state folder, logs.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::declare::section;
use super::{FilePath, Role, SettingsError};
use crate::port::Port;

section! {
    /// How fresh the metagraph is kept, in blocks.
    pub struct MetagraphSection["metagraph"] {
        /// Blocks between two readings of the subnet.
        every_blocks: u64 = 5, range(1, 10_000);
        /// A reading that is older than so many blocks warns.
        stale_after: u32 = 15, range(1, 100_000);
        /// On a reading that is older than so many blocks nothing new is begun.
        too_old_after: u32 = 100, range(1, 100_000);
    }
    MetagraphSection::check
}

impl MetagraphSection {
    fn check(&self) -> Result<(), SettingsError> {
        let Self { every_blocks: _, stale_after, too_old_after } = self;
        if too_old_after >= stale_after {
            return Ok(());
        }
        Err(SettingsError::Together(format!(
            "`metagraph.too_old_after` is {too_old_after}, but it must be at least \
             `metagraph.stale_after`, which is {stale_after}"
        )))
    }
}

section! {
    /// The port of the pages.
    pub struct PagesSection["telemetry"] {
        /// The port of /metrics, /healthz, /readyz and /metagraph; 0 lets the system choose. The
        /// default is the next free port where this one is taken.
        port: Port = Port::built_in(9464);
    }
}

section! {
    /// Who may read the pages.
    pub struct TelemetrySection["telemetry"] {
        /// The address that the pages are on.
        ip: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
        /// Publish on the chain where the metrics are. Needs a telemetry.ip that others reach.
        publish: bool = false;
    }
    TelemetrySection::check
}

impl TelemetrySection {
    fn check(&self) -> Result<(), SettingsError> {
        if !self.publish || !self.ip.is_loopback() {
            return Ok(());
        }
        let text = "`telemetry.publish` is set, but the metrics are on a loopback address that \
                    nobody else can read: set --telemetry.ip too";
        Err(SettingsError::Together(text.to_owned()))
    }
}

section! {
    /// What outlives the process.
    pub struct StateSection["state"] {
        /// The folder of what outlives the process. Empty is ~/.sn1/ROLE/NETUID/HOTKEY.
        folder: Option<FilePath> = None;
    }
}

impl StateSection {
    /// The folder of a role on a subnet; `None` without a home folder.
    pub fn folder_of(&self, role: Role, netuid: u16, hotkey: &str) -> Option<PathBuf> {
        if let Some(folder) = &self.folder {
            return Some(folder.resolved());
        }
        let home = std::env::home_dir()?.join(".sn1");
        Some(home.join(role.label()).join(netuid.to_string()).join(hotkey))
    }
}

section! {
    /// How much is logged.
    pub struct LoggingSection["logging"] {
        /// Log more. Logs go to standard error; what happens goes to standard output.
        debug: bool = false;
        /// Log everything that can be logged.
        trace: bool = false;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn state_is_kept_apart_by_role_subnet_and_hotkey() {
        let state = StateSection::default();
        let folder = state.folder_of(Role::Miner, 61, "5F").unwrap();
        assert!(folder.ends_with(".sn1/miner/61/5F"), "{}", folder.display());
        let state = StateSection { folder: Some(FilePath::new("/var/lib/sn1")) };
        assert_eq!(state.folder_of(Role::Miner, 61, "5F").unwrap(), Path::new("/var/lib/sn1"));
    }
}
