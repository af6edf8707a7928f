//! A whole subnet in one process: the dev chain, a validator, and miners on loopback ports, under
//! one supervision tree. Validator and miners reach the chain through its port, with the client of
//! the real one: nothing here is a special case.
//!
//! Everything that can be wrong with the machine or the settings is found by [`prepare`], before
//! anything is started. [`run`] then starts the tree, tells what happens, breaks what it is told to
//! break, and ends with a table and a report.

mod account;
mod prepare;
mod report;
mod setup;
mod tree;

use std::path::PathBuf;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::Netuid;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::app::Failure;
use crate::app::faults::{FaultPlan, PlannedFault, sleep_until};
use crate::app::signals::Signals;
use crate::chain::Failpoints;
use crate::settings::Settings;
use crate::supervision::{Root, RootExit};

pub use prepare::{Prepared, prepare};

/// What the command line says beyond settings.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the report goes.
    pub report: Option<PathBuf>,
    /// Where the state is kept; without it the state is thrown away at the end.
    pub keep: Option<PathBuf>,
    /// Faults, in any order.
    pub faults: Vec<PlannedFault>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its time was over.
    Duration,
    /// It was told to stop.
    Signal,
    /// The tree gave up.
    GaveUp,
}

/// Runs a prepared local net until its time is over, a signal comes, or the tree gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn run(
    settings: Settings,
    options: Options,
    prepared: Prepared,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    let started = Instant::now();
    let netuid = Netuid(settings.netuid);
    let (notices, mut inbox) = mpsc::unbounded_channel();
    let (watchers, mut tree_events) = mpsc::unbounded_channel();
    let failpoints =
        Failpoints::from_environment(false).map_err(|error| Failure::usage(error.to_string()))?;
    let listeners = tree::Listeners { metrics, notices, watchers: watchers.clone() };
    let (specs, handles) = tree::build(&settings, &prepared, &listeners, failpoints)?;
    let names = specs.iter().flat_map(crate::supervision::ChildSpec::names).collect::<Vec<_>>();
    let mut faults = FaultPlan::new(&options.faults, &names, started).map_err(Failure::usage)?;
    let mut account = account::Account::new(&prepared, started);
    account.opened(&settings, &prepared);
    account.follow(handles.metagraph.clone());
    let mut root = Root::start("Node", specs, watchers);
    let settling = setup::settle_in(handles.client.clone(), Arc::clone(&prepared.keys), netuid);
    tokio::pin!(settling);
    let mut is_settled = false;
    let ends_at =
        Some(Settings::seconds(settings.localnet.duration)).filter(|limit| !limit.is_zero());
    let mut snapshots = handles.metagraph.clone();
    let mut signals = Signals::new().map_err(|error| Failure::usage(error.to_string()))?;

    let (ending, reason) = loop {
        tokio::select! {
            () = &mut settling, if !is_settled => is_settled = true,
            Some(notice) = inbox.recv() => account.notice(notice),
            Some(event) = tree_events.recv() => account.tree_event(&event),
            Ok(()) = snapshots.changed() => {
                if let Some(known) = snapshots.borrow_and_update().as_ref() { account.subnet(known) }
            }
            () = sleep_until(faults.next()) => faults.inject(&root).await,
            () = sleep_until(ends_at.map(|limit| started + limit)) => break (Ending::Duration, None),
            () = signals.any() => break (Ending::Signal, None),
            exit = root.ended() => {
                let reason = match exit {
                    RootExit::GaveUp(reason) => reason,
                    RootExit::Stopped => "the tree stopped by itself".to_owned(),
                };
                break (Ending::GaveUp, Some(reason));
            }
        }
    };
    account.closing(ending);
    if ending != Ending::GaveUp {
        tokio::select! {
            exit = root.stop() => if let RootExit::GaveUp(reason) = exit {
                tracing::warn!(reason, "not everything stopped in time");
            },
            () = signals.any() => account.hurried(),
        }
    }
    while let Ok(notice) = inbox.try_recv() {
        account.notice(notice);
    }
    while let Ok(event) = tree_events.try_recv() {
        account.tree_event(&event);
    }
    let report = report::Report::gather(&prepared, &account, netuid, ending)?;
    account.table(&report);
    if let Some(path) = &options.report {
        report.write(path)?;
    }
    match reason {
        Some(reason) => Err(Failure::gave_up(&reason)),
        None => Ok(()),
    }
}
