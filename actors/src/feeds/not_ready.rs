//! Why a node is not ready, as `/readyz` says it.

use std::time::Duration;

use sn1::chain::StopReason;

/// What a node that is not ready waits for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotReady {
    /// The chain has produced no block since this node started.
    #[error("no block seen yet")]
    NoBlock,
    /// The newest block was first seen this long ago.
    #[error("no new block for {:.0} s", .0.as_secs_f64())]
    Silent(Duration),
    /// No node of the chain has answered for so long.
    #[error("no node of the chain has answered for {:.0} s ({reason})", .away.as_secs_f64())]
    Away {
        /// For how long.
        away: Duration,
        /// What the last one that was tried has said.
        reason: String,
    },
    /// The metagraph is this old, and while the chain is away there is none that is newer.
    #[error("read {:.0} s ago; none that is newer while the chain is away", .0.as_secs_f64())]
    NoNewer(Duration),
    /// Something is to happen first.
    #[error("{0}")]
    Waits(String),
    /// The metagraph has never been read.
    #[error("no metagraph yet")]
    NoMetagraph,
    /// The metagraph is this old, which is too old.
    #[error(
        "the metagraph is {:.0} s old, nothing new is begun: check the chain's endpoint",
        .0.as_secs_f64()
    )]
    TooOld(Duration),
    /// The subnet does not know this node's hotkey.
    #[error("our hotkey is not registered")]
    NotRegistered,
    /// No weights are set, for this reason.
    #[error(transparent)]
    NoWeights(#[from] StopReason),
    /// This machine's clock is so far ahead of the chain's and the callers', negative when behind.
    #[error(
        "this machine's clock is {:.1} s {} the chain's blocks and the callers: set it by NTP \
         (chrony, systemd-timesyncd){}",
        .offset_s.abs(),
        if *.offset_s < 0.0 { "behind" } else { "ahead of" },
        if *.offset_s < 0.0 { "" } else { ", or the chain's node lags" }
    )]
    Clock {
        /// Seconds.
        offset_s: f64,
    },
    /// The language model is not in memory yet.
    #[error("the language model is being loaded")]
    LoadingModel,
}
