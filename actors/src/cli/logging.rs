//! Where logs go, and how much of them.

use std::io::IsTerminal;

use sn1_actors::output::LogWriter;
use sn1_actors::settings::LoggingSection;
use tracing_subscriber::EnvFilter;

/// Logs go to standard error. `otherwise` is the level where neither flag is given: actors that end
/// are then reported by the console alone. The HTTP server's own errors are streams that miners broke
/// off, which are counted.
pub(crate) fn init(settings: &LoggingSection, otherwise: &str) {
    let LoggingSection { debug, trace } = *settings;
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
        .with_writer(|| LogWriter)
        // It would tell of an error by a macro that panics when it cannot print.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        // The console reports a fault that was asked for.
        if message.starts_with("injected fault") {
            tracing::debug!(message, location, "panic");
        } else {
            tracing::error!(message, location, "panic");
        }
    }));
}
