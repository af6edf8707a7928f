//! What is known of this machine's own clock.

use std::sync::Arc;

use parking_lot::Mutex;
use sn1::synapse::clock::{ClockEvidence, Slack};
use sn1::wallet::AccountId;

use super::NotReady;
use crate::clock::unix_ns;

/// How far our clock is off, by the chain's blocks and by verified callers. Clones share what they
/// learn.
#[derive(Debug, Clone, Default)]
pub struct OwnClock(Arc<Mutex<ClockEvidence>>);

impl OwnClock {
    /// By how much the window for nonces is widened now.
    pub(crate) fn slack(&self) -> Slack {
        self.0.lock().slack(unix_ns())
    }

    /// A block that was made at a time was first seen at another, both in Unix nanoseconds.
    pub(crate) fn block(&self, made_ns: u64, seen_ns: u64) {
        self.0.lock().block(made_ns, seen_ns);
    }

    /// A request of this hotkey with this nonce was verified.
    pub(crate) fn caller(&self, hotkey: AccountId, nonce_ns: u64) {
        self.0.lock().caller(hotkey, nonce_ns, unix_ns());
    }

    /// Seconds by which our clock is ahead of the others', negative when it is behind; 0 while
    /// nothing says that it is wrong.
    pub(crate) fn offset_s(&self) -> f64 {
        self.0.lock().offset_ns(unix_ns()).unwrap_or(0) as f64 / 1e9
    }

    /// For `/readyz`.
    ///
    /// # Errors
    /// [`NotReady::Clock`]
    pub fn check(&self) -> Result<(), NotReady> {
        let offset_s = self.offset_s();
        if offset_s == 0.0 { Ok(()) } else { Err(NotReady::Clock { offset_s }) }
    }
}
