//! A whole subnet in one process: the dev chain, a validator, and miners on loopback ports, under
//! one supervision tree. Validator and miners reach the chain through its port, with the client of
//! the real one: nothing here is a special case.
//!
//! Everything that can be wrong with the machine or the settings is found before anything is
//! started. [`localnet`] then runs the tree, breaks what it is told to break, and ends with a table
//! and a report.

mod broken_miners;
mod cast;
mod genesis;
mod keys;
mod parts;
mod prepare;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::Netuid;

use crate::app::Failure;
use crate::app::console::{Console, SubnetLayout};
use crate::app::faults::PlannedFault;
use crate::app::parts::ChainPart;
use crate::app::run::{Course, channels, run};
use crate::app::tree;
use crate::chain::Failpoints;
use crate::settings::LocalnetConfig;

pub use broken_miners::{FailingMiner, GarbageMiner, SlowMiner};
use prepare::{Prepared, prepare};
use report::Report;

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

/// Checks everything, then runs a local net until its time is over, a signal comes, or the tree
/// gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn localnet(
    settings: LocalnetConfig,
    options: Options,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    let prepared = prepare(&settings, &options)?;
    let mut console = Console::new();
    let netuid = Netuid(settings.subnet.netuid);
    let channels = channels();
    let failpoints = Failpoints::from_environment(false)?;
    let parts = parts::parts(&settings, &prepared, metrics, failpoints)?;
    let ChainPart { client, feeds } = parts.chain.clone();
    let specs = tree::build(parts, &channels.0)?;
    console.show(layout(&prepared));
    let duration = settings.localnet.duration;
    let course = Course {
        faults: &options.faults,
        subnet: Some(feeds.metagraph()),
        greeting: Some(greeting(&settings, &prepared)),
        duration: (!duration.is_zero()).then_some(duration),
        duty: Box::pin(genesis::settle_in(client, Arc::clone(&prepared.keys), netuid)),
        ..Course::new("Node", specs)
    };
    let ending = run(course, channels, &mut console).await?;
    let seconds = console.seconds();
    let report = Report::gather(&prepared, netuid, &console.tally, (&ending).into(), seconds)?;
    console.table(&report);
    if let Some(path) = &options.report {
        report.write(path)?;
    }
    ending.verdict()
}

fn layout(prepared: &Prepared) -> SubnetLayout {
    let kinds = prepared.miners.iter().map(|miner| (miner.hotkey, miner.kind.name));
    SubnetLayout::new(kinds.collect())
}

fn greeting(settings: &LocalnetConfig, prepared: &Prepared) -> String {
    let pages = prepared.pages.local_addr();
    let pages = pages.map_or_else(|_| "-".to_owned(), |address| address.to_string());
    format!(
        "subnet {} with {} miners; chain on {}; metrics on http://{pages}/metrics; Ctrl-C stops",
        settings.subnet.netuid,
        settings.localnet.miners,
        prepared.chain.url()
    )
}
