//! The `sn1` command: flags to settings, settings to a running node, its end to an exit code.

mod cli;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use cli::Command;
use metrics_exporter_prometheus::PrometheusHandle;
use sn1_actors::app::localnet::{self, LocalnetError};
use sn1_actors::app::{self, RoleError};
use sn1_actors::devnode::{self, DevNodeError};
use sn1_actors::query::{self, QueryError, Verdict};
use sn1_actors::settings::{MinerNeuron, NeuronSettings, NodeSettings, Settings};
use sn1_actors::telemetry;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = match cli::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match arguments.command {
        Command::Localnet(arguments) => match localnet(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(&error, error.exit_code()),
        },
        Command::Validator(arguments) => match validator(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(&error, error.exit_code()),
        },
        Command::Miner(arguments) => match miner(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(&error, error.exit_code()),
        },
        Command::Devchain(arguments) => match devchain(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(&error, error.exit_code()),
        },
        Command::Query(arguments) => match query(&arguments) {
            Ok(verdict) => ExitCode::from(verdict.exit_code()),
            Err(error) => failure(&error, error.exit_code()),
        },
        Command::Wallet(arguments) => match arguments.run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failure(&error, error.exit_code()),
        },
    }
}

fn failure(error: &dyn std::error::Error, code: u8) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(code)
}

/// Help and version go to standard output and are no error.
fn usage(error: &clap::Error) -> ExitCode {
    let is_error = error.use_stderr();
    // Nothing can be done about a closed standard error.
    let _ = error.print();
    if is_error { ExitCode::from(64) } else { ExitCode::SUCCESS }
}

fn localnet(arguments: &cli::LocalnetArguments) -> Result<(), LocalnetError> {
    let settings = Settings::load(arguments.config(), &arguments.flags())?;
    let options = arguments.options();
    init_logging(&settings);
    raise_open_files();
    let prepared = localnet::prepare(&settings, &options)?;
    let metrics = telemetry::install().map_err(|error| LocalnetError::Usage(error.to_string()))?;
    actix::System::new().block_on(localnet::run(settings, options, prepared, metrics))
}

fn validator(arguments: &cli::RoleArguments<NeuronSettings>) -> Result<(), RoleError> {
    let (settings, options) = (arguments.settings()?, arguments.options());
    let metrics = node_starts(&settings)?;
    actix::System::new().block_on(app::validator(settings, options, metrics))
}

fn miner(arguments: &cli::RoleArguments<MinerNeuron>) -> Result<(), RoleError> {
    let (settings, options) = (arguments.settings()?, arguments.options());
    let metrics = node_starts(&settings)?;
    actix::System::new().block_on(app::miner(settings, options, metrics))
}

fn node_starts<N>(settings: &NodeSettings<N>) -> Result<PrometheusHandle, RoleError> {
    // Beside the account: what went wrong, and when it was right again.
    log_from(settings.logging.debug, settings.logging.trace, "info");
    raise_open_files();
    telemetry::install().map_err(|error| RoleError::Usage(error.to_string()))
}

fn devchain(arguments: &cli::DevchainArguments) -> Result<(), DevNodeError> {
    let (debug, trace) = arguments.logging();
    log_from(debug, trace, "error");
    raise_open_files();
    let prepared = arguments.prepare()?;
    actix::System::new().block_on(devnode::run(prepared))
}

fn query(arguments: &cli::QueryArguments) -> Result<Verdict, QueryError> {
    let settings = Settings::load(None, &arguments.flags())?;
    let query = arguments.query(&settings)?;
    init_logging(&settings);
    raise_open_files();
    actix::System::new().block_on(query::run(query))
}

/// Where it fails, miners beyond the old limit cannot be asked.
fn raise_open_files() {
    if let Err(error) = app::raise_open_files() {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}

/// The account tells what matters, so by default only errors are logged.
fn init_logging(settings: &Settings) {
    log_from(settings.logging.debug, settings.logging.trace, "error");
}

/// Logs go to standard error. `otherwise` is the level where neither is asked for: actors that end
/// are then told of by the account alone. The HTTP server's own errors are streams that miners broke
/// off, which are counted.
fn log_from(debug: bool, trace: bool, otherwise: &str) {
    let (level, endings) = match (trace, debug) {
        (true, _) => ("trace", "trace"),
        (false, true) => ("debug", "debug"),
        (false, false) => (otherwise, "error"),
    };
    let filter = EnvFilter::new(format!(
        "warn,actix_http=off,sn1={level},sn1_actors={level},sn1_actors::supervision={endings}"
    ));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        // A fault that was asked for is told of by the account.
        if message.starts_with("injected fault") {
            tracing::debug!(message, location, "panic");
        } else {
            tracing::error!(message, location, "panic");
        }
    }));
}
