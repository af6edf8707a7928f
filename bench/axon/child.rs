//! Child processes: each part of a bench has a process of its own, so that none slows another down.
//!
//! A child prints its results as lines of JSON, and ends when its input is closed.

use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use crate::Fallible;

/// A running child. Killed when dropped.
pub(crate) struct Child {
    process: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts this program again in another role.
    pub(crate) fn again(arguments: &[String]) -> Fallible<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Self::start(command)
    }

    /// Starts a command with its input and output connected.
    pub(crate) fn start(mut command: Command) -> Fallible<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("a child without output")?;
        Ok(Self { process, lines: BufReader::new(output).lines() })
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The next line of its output.
    pub(crate) fn hear<T: DeserializeOwned>(&mut self) -> Fallible<T> {
        let line = self.lines.next().ok_or("a child ended before it had said all")??;
        Ok(serde_json::from_str(&line)?)
    }

    /// Closes its input, which ends it.
    pub(crate) fn dismiss(&mut self) {
        drop(self.process.stdin.take());
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns when the parent has closed this process's input.
pub(crate) fn wait_for_dismissal() -> std::io::Result<()> {
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).map(drop)
}

/// The value at a share of a sorted list; 0 for an empty one.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
}
