//! Signals: those that stop a process, and those that others send out of habit.

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use crate::spawn::spawn_named;

/// A terminal that closes or a service manager that reloads; tools that rotate logs; a log file that
/// reaches its limit. Each would end the process, and none of them is an order to stop.
const HABITUAL: [(Number, &str); 4] = [
    (Number::HUP, "SIGHUP"),
    (Number::USR1, "SIGUSR1"),
    (Number::USR2, "SIGUSR2"),
    (Number::XFSZ, "SIGXFSZ"),
];

/// Has the habitual signals cost a line in the log and nothing else, for the rest of the process.
pub(crate) fn outlive_habitual() -> std::io::Result<()> {
    for (number, name) in HABITUAL {
        let mut signals = signal(SignalKind::from_raw(number.as_raw()))?;
        spawn_named("habitual_signals", async move {
            while signals.recv().await.is_some() {
                info!(signal = name, "signal ignored: SIGINT and SIGTERM stop this process");
            }
        });
    }
    Ok(())
}

/// Ctrl-C, and the signal with which service managers stop a process. While this value lives, neither
/// ends the process.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal of either kind.
    pub(crate) async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
