//! The `sn1` command: flags to settings, settings to a run, its end to an exit code.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod cli;

use std::process::ExitCode;

use cli::{Command, logging};
use metrics_exporter_prometheus::PrometheusHandle;
use sn1_actors::app::{self, Failure, lasting, localnet};
use sn1_actors::exit::Exit;
use sn1_actors::settings::{LoggingSection, MinerConfig, ValidatorConfig};
use sn1_actors::{output, query, telemetry};

fn main() -> ExitCode {
    let arguments = match cli::parse(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let ended = match arguments.command {
        Command::Localnet(arguments) => run_localnet(&arguments),
        Command::Validator(arguments) => run_validator(&arguments),
        Command::Miner(arguments) => run_miner(&arguments),
        Command::Devchain(arguments) => run_devchain(&arguments),
        Command::Query(arguments) => run_query(&arguments),
        Command::Config(arguments) => arguments.run(),
        Command::Wallet(arguments) => arguments.run().map(|()| Exit::Done).map_err(Failure::from),
    };
    let exit = ended.unwrap_or_else(|failure| {
        let word = if failure.exit() == Exit::Done { "note" } else { "error" };
        output::stderr_line(format_args!("{word}: {failure}"));
        failure.exit()
    });
    ExitCode::from(exit.code())
}

/// Help and version go to standard output and are no error.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    // Nothing can be done about a closed standard error.
    let _ = error.print();
    ExitCode::from(exit.code())
}

fn run_localnet(arguments: &cli::LocalnetArguments) -> Result<Exit, Failure> {
    let loaded = arguments.load()?;
    loaded.notices.iter().for_each(output::note);
    let (settings, options) = (loaded.config, arguments.options());
    logging::init(&settings.logging, "error");
    let metrics = install_metrics()?;
    actix::System::new().block_on(lasting(localnet::localnet(settings, options, metrics)))
}

fn run_validator(arguments: &cli::RoleArguments<ValidatorConfig>) -> Result<Exit, Failure> {
    let loaded = arguments.load()?;
    let (settings, options) = (loaded.config, arguments.options(loaded.notices));
    let metrics = node_starts(&settings.node.logging)?;
    actix::System::new().block_on(lasting(app::validator(settings, options, metrics)))
}

fn run_miner(arguments: &cli::RoleArguments<MinerConfig>) -> Result<Exit, Failure> {
    let loaded = arguments.load()?;
    let kind = app::miner_kind(&loaded)?;
    let (settings, options) = (loaded.config, arguments.options(loaded.notices));
    let metrics = node_starts(&settings.node.logging)?;
    actix::System::new().block_on(lasting(app::miner(settings, kind, options, metrics)))
}

fn node_starts(logging: &LoggingSection) -> Result<PrometheusHandle, Failure> {
    // Beside the console: what went wrong, and when it was right again.
    logging::init(logging, "info");
    install_metrics()
}

fn install_metrics() -> Result<PrometheusHandle, Failure> {
    telemetry::install().map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}

fn run_devchain(arguments: &cli::DevchainArguments) -> Result<Exit, Failure> {
    logging::init(&arguments.logging(), "error");
    raise_open_files();
    let prepared = arguments.prepare()?;
    actix::System::new().block_on(lasting(app::devchain(prepared)))
}

fn run_query(arguments: &cli::QueryArguments) -> Result<Exit, Failure> {
    let loaded = arguments.load()?;
    let query = arguments.query(&loaded)?;
    logging::init(&loaded.config.logging, "error");
    raise_open_files();
    Ok(actix::System::new().block_on(query::run(query))?.exit())
}

/// Where it fails, miners beyond the old limit cannot be asked.
fn raise_open_files() {
    if let Err(error) = app::raise_open_files() {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
}
