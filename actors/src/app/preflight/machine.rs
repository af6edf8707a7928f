//! Checks of this machine: open files, faults on purpose, the port of the pages, the wallet, the
//! state folder.

use std::net::SocketAddr;

use super::ground::Ground;
use super::{Outcome, Verdict, found};
use crate::app::machine::bind;
use crate::app::open_files::raise_open_files;
use crate::app::state::{NodeFacts, StateFolder};
use crate::app::{Failure, RoleOptions};
use crate::chain::Failpoints;
use crate::wallet::NodeWallet;

/// Where the limit stays as it is, miners beyond it cannot be asked.
pub(in crate::app) fn open_files<G>(_: &mut G) -> Verdict {
    Ok(match raise_open_files() {
        Ok(_) => Outcome::pass(),
        Err(error) => Outcome::warning(format!(
            "the limit of open files could not be raised: {error}; raise it with `ulimit -n`, or \
             expect failures beyond some hundred connections"
        )),
    })
}

/// By the chain's name alone; the check `chain` looks again once it knows the chain.
pub(super) fn faults<N, R>(ground: &mut Ground<'_, N, R>) -> Verdict {
    refuse_faults(ground.node.subtensor.names_main_network(), ground.options)?;
    Ok(Outcome::pass())
}

/// Where real money is, nothing is broken on purpose.
pub(super) fn refuse_faults(is_main: bool, options: &RoleOptions) -> Result<Failpoints, Failure> {
    if is_main && !options.faults.is_empty() {
        let text = "--fault flags are refused on the main network: leave them out";
        return Err(Failure::usage(text));
    }
    Ok(Failpoints::from_environment(is_main)?)
}

pub(super) fn pages<N, R>(ground: &mut Ground<'_, N, R>) -> Verdict {
    let address = SocketAddr::new(ground.node.telemetry.ip, ground.node.pages.port);
    ground.pages = Some(bind(address, "the metrics", "telemetry.port")?);
    Ok(Outcome::pass())
}

pub(super) fn wallet<N, R>(ground: &mut Ground<'_, N, R>) -> Verdict {
    let wallet = &ground.node.wallet;
    let opened = NodeWallet::from(wallet).open()?;
    let address = opened.hotkey.account_id();
    let note = format!("hotkey {address} ({} of {})", wallet.hotkey, wallet.name);
    ground.hotkey = Some(opened.hotkey);
    Ok(Outcome { warnings: opened.notices, note: Some(note) })
}

pub(super) fn state<N, R>(ground: &mut Ground<'_, N, R>) -> Verdict {
    let (node, role) = (ground.node, ground.name);
    let own = found(&ground.hotkey, "wallet")?.account_id().to_string();
    let genesis = found(&ground.chain, "chain")?.genesis.clone();
    let folder = node.state.folder_of(role, node.subnet.netuid, &own);
    let folder = folder.ok_or_else(|| {
        Failure::usage("no home folder is set: give a folder with --state.folder")
    })?;
    let (role, netuid) = (role.label().to_owned(), node.subnet.netuid);
    let facts = NodeFacts { role, netuid, hotkey: own, genesis };
    let state = ground.state.insert(StateFolder::open(folder, &facts)?);
    Ok(Outcome::note(format!("state in {}", state.path().display())))
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
