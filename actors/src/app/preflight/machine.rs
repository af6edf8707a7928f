//! Checks of this machine: open files, faults on purpose, the port of the pages, the wallet, the
//! state folder.

use std::net::{IpAddr, TcpListener};

use sn1::wallet::Keypair;

use super::{Passed, Verdict};
use crate::app::machine::{bind, raise_open_files};
use crate::app::state::{NodeFacts, StateFolder};
use crate::app::{Failure, RoleOptions};
use crate::chain::Failpoints;
use crate::port::Port;
use crate::settings::{NodeConfig, Role, WalletSection};
use crate::wallet::NodeWallet;

/// Where the limit stays as it is, miners beyond it cannot be asked.
pub(in crate::app) fn open_files() -> Verdict<()> {
    let warning = raise_open_files().err().map(|error| {
        format!(
            "the limit of open files could not be raised: {error}; raise it with `ulimit -n`, or \
             expect failures beyond some hundred connections"
        )
    });
    Ok(Passed::warned((), warning))
}

/// By the chain's name alone; the check `chain` looks again once it knows the chain.
pub(super) fn faults(node: &NodeConfig, options: &RoleOptions) -> Verdict<()> {
    refuse_faults(node.subtensor.names_main_network(), options)?;
    Ok(().into())
}

/// Where real money is, nothing is broken on purpose.
pub(super) fn refuse_faults(is_main: bool, options: &RoleOptions) -> Result<Failpoints, Failure> {
    if is_main && !options.faults.is_empty() {
        let text = "--fault flags are refused on the main network: leave them out";
        return Err(Failure::usage(text));
    }
    Ok(Failpoints::from_environment(is_main)?)
}

/// A listener for `purpose`, with a warning when it is on another port; `flag` is what sets that.
pub(in crate::app) fn listener(
    ip: IpAddr,
    port: Port,
    purpose: &'static str,
    flag: &'static str,
) -> Verdict<TcpListener> {
    let (listener, moved) = bind(ip, port, purpose, flag)?;
    Ok(Passed::warned(listener, moved))
}

pub(super) fn pages(node: &NodeConfig) -> Verdict<TcpListener> {
    listener(node.telemetry.ip, node.pages.port, "the page of metrics", "telemetry.port")
}

pub(super) fn wallet(wallet: &WalletSection) -> Verdict<Keypair> {
    let opened = NodeWallet::from(wallet).open()?;
    let address = opened.hotkey.account_id();
    let note = format!("hotkey {address} ({} of {})", wallet.hotkey, wallet.name);
    Ok(Passed { found: opened.hotkey, warnings: opened.notices, note: Some(note) })
}

pub(super) fn state(
    role: Role,
    node: &NodeConfig,
    hotkey: &Keypair,
    genesis: &str,
) -> Verdict<StateFolder> {
    let (netuid, hotkey) = (node.subnet.netuid, hotkey.account_id().to_string());
    let folder = node.state.folder_of(role, netuid, &hotkey).ok_or_else(|| {
        Failure::usage("no home folder is set: give a folder with --state.folder")
    })?;
    let (role, genesis) = (role.label().to_owned(), genesis.to_owned());
    let state = StateFolder::open(folder, &NodeFacts { role, netuid, hotkey, genesis })?;
    let note = format!("state in {}", state.path().display());
    Ok(Passed::noted(state, note))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::app::faults::PlannedFault;
    use crate::exit::Exit;
    use crate::supervision::FaultKind;

    #[test]
    fn faults_are_for_other_chains_than_the_main_one() {
        let (actor, after, fault) = ("Scoreboard".to_owned(), Duration::ZERO, FaultKind::Panic);
        let faults = vec![PlannedFault { actor, after, fault }];
        let options = RoleOptions { faults, notices: Vec::new() };
        assert_eq!(refuse_faults(true, &options).unwrap_err().exit(), Exit::Usage);
        refuse_faults(false, &options).unwrap();
        refuse_faults(true, &RoleOptions::default()).unwrap();
    }
}
