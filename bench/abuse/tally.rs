//! What attackers sent and what they received.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::http::Reply;

/// The counts of one attack.
#[derive(Default, Clone, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Requests that were begun, or connections when none was sent.
    pub(crate) attempts: u64,
    /// Bytes of bodies and headers that the server took.
    pub(crate) bytes: u64,
    /// How the attempts ended: the status, or the state of the connection.
    pub(crate) ends: BTreeMap<String, u64>,
    /// The longest time that one attempt held a connection, in seconds.
    pub(crate) longest_s: f64,
}

/// The counts of all attacks. Attackers share one thread.
#[derive(Default)]
pub(crate) struct Tally(RefCell<BTreeMap<&'static str, Counts>>);

impl Tally {
    /// Counts an attempt that has just begun.
    pub(crate) fn attempt(&self, attack: &'static str) {
        self.0.borrow_mut().entry(attack).or_default().attempts += 1;
    }

    /// Counts bytes that the server took.
    pub(crate) fn bytes(&self, attack: &'static str, n_bytes: u64) {
        self.0.borrow_mut().entry(attack).or_default().bytes += n_bytes;
    }

    /// Counts the end of an attempt.
    pub(crate) fn end(&self, attack: &'static str, began: Instant, how: impl Into<String>) {
        let mut all = self.0.borrow_mut();
        let counts = all.entry(attack).or_default();
        *counts.ends.entry(how.into()).or_default() += 1;
        counts.longest_s = counts.longest_s.max(began.elapsed().as_secs_f64());
    }

    /// All counts by attack.
    pub(crate) fn into_counts(self) -> BTreeMap<&'static str, Counts> {
        self.0.into_inner()
    }
}

/// How an attempt ended, as a word.
pub(crate) fn how(outcome: &io::Result<Reply>) -> String {
    match outcome {
        Ok(reply) => reply.status.to_string(),
        Err(error) => trouble(error).to_owned(),
    }
}

/// How a connection ended, as a word.
pub(crate) fn trouble(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "closed",
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "reset",
        io::ErrorKind::ConnectionRefused => "refused",
        io::ErrorKind::TimedOut => "no answer",
        io::ErrorKind::InvalidData => "malformed reply",
        _ => "other",
    }
}
