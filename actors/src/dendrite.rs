//! Outgoing synapse streams: signs requests, sends them to all miners of a sample at once, reads
//! what each one streams, and passes on every answer as soon as it is complete.
//!
//! | module | holds |
//! |---|---|
//! | `asking` | a round: which miner is asked at which address, retries |
//! | `connection`, `socket` | one request and its reply over a connection, and its result |
//! | `reading` | what each read adds to a reply, and what a fault in it means |
//! | `pool` | connections kept for the next round |
//! | `lanes`, `signing` | nonces and uuids; signatures on threads of their own |
//! | `deadlines` | how long each part of an exchange may take |
//! | `arrived` | what a miner has sent so far |
//! | `addresses` | which addresses may be dialled |
//!
//! One deadline holds for the whole exchange; what a miner has sent by then is kept. Redirects,
//! cookies and proxies are not supported. Addresses from the chain are dialled only if
//! they are public, unless the settings allow local ones. A request is delivered once: it is signed
//! anew and repeated only if its connection had served before and the peer provably never received
//! it.

mod addresses;
mod arrived;
mod asking;
mod connection;
mod deadlines;
mod lanes;
mod pool;
mod reading;
mod signing;
mod socket;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use sn1::telemetry::{
    DENDRITE_CONNECTIONS, DENDRITE_DEADLINES, DENDRITE_REFUSED_ADDRESSES, DENDRITE_RESPONSES,
    DENDRITE_RETRIES, Metric,
};
use sn1::wallet::Keypair;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use addresses::is_public;
use arrived::status_labels;
use asking::{Shared, ask_all};
pub use deadlines::Deadlines;

use crate::messages::miners::{Answer, AskMiners};
use crate::recording::prime;
use crate::settings::DendriteSection;
use crate::supervision::{Context, Handles, Reply, Resident};

/// How often idle connections that are too old are closed.
const PRUNE: Duration = Duration::from_secs(1);
/// Metrics that are exported from the start.
const RECORDED: [Metric; 4] =
    [DENDRITE_CONNECTIONS, DENDRITE_DEADLINES, DENDRITE_REFUSED_ADDRESSES, DENDRITE_RETRIES];
/// The least allowed limit: honest heads have about a thousand bytes, and the SDK accepts lines of
/// 8192.
const MIN_HEAD_BYTES: usize = 8192;

/// The settings of a dendrite.
#[derive(Debug, Clone)]
pub struct DendriteSettings {
    /// The validator's hotkey, which signs the requests.
    pub hotkey: Keypair,
    /// The IP address that requests state as our own.
    pub external_ip: IpAddr,
    /// Whether loopback, private and other special addresses may be dialled.
    pub allow_local_addresses: bool,
    /// What one miner may use of this node's memory, connections and time.
    pub limits: DendriteLimits,
}

/// The limits that hold for a miner, however it behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DendriteLimits {
    /// Longest answer in bytes; a longer one ends as an error.
    pub max_answer_bytes: usize,
    /// Most chunks of an answer; an answer with more ends as an error.
    pub max_chunks: usize,
    /// Longest head of a reply in bytes, at least 8192; also the most that is buffered of a stream.
    pub max_head_bytes: usize,
    /// Connections kept for the next round, over all miners.
    pub max_idle_connections: usize,
    /// When a silent miner is given up, as shares of the timeout.
    pub deadlines: Deadlines,
}

impl Default for DendriteLimits {
    fn default() -> Self {
        (&DendriteSection::default()).into()
    }
}

impl From<&DendriteSection> for DendriteLimits {
    fn from(section: &DendriteSection) -> Self {
        let DendriteSection {
            max_answer_bytes,
            max_chunks,
            max_head_bytes,
            max_idle_connections,
            connect_share,
            head_share,
            idle_share,
        } = *section;
        let deadlines = Deadlines {
            connect: connect_share.get(),
            head: head_share.get(),
            idle: idle_share.get(),
        };
        Self { max_answer_bytes, max_chunks, max_head_bytes, max_idle_connections, deadlines }
    }
}

/// Why a dendrite refuses its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A deadline is not a share in 0..=1.
    #[error("the dendrite's deadlines must be shares in 0..=1")]
    Deadlines,
    /// The limit of a head would cut off honest replies.
    #[error("the limit of a reply's head must be at least {MIN_HEAD_BYTES} bytes")]
    Head,
}

/// The actor that asks miners.
pub struct Dendrite {
    shared: Rc<Shared>,
}

impl Dendrite {
    /// A dendrite without open connections.
    ///
    /// # Errors
    /// When a limit is out of range.
    pub fn new(settings: DendriteSettings) -> Result<Self, LimitsError> {
        if !settings.limits.deadlines.are_shares() {
            return Err(LimitsError::Deadlines);
        }
        if settings.limits.max_head_bytes < MIN_HEAD_BYTES {
            return Err(LimitsError::Head);
        }
        Ok(Self { shared: Rc::new(Shared::new(settings)) })
    }
}

impl Resident for Dendrite {
    type Error = LimitsError;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&RECORDED, &[]);
        status_labels().for_each(|label| prime(&[DENDRITE_RESPONSES], &[("status", &label)]));
        ctx.every(PRUNE, |this, _| this.shared.pool.borrow_mut().prune(Instant::now()));
        Ok(())
    }
}

impl Handles<AskMiners> for Dendrite {
    fn handle(
        &mut self,
        ask: AskMiners,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<mpsc::Receiver<Answer>> {
        // Room for every answer: the asker may be busy when they arrive.
        let (sender, answers) = mpsc::channel(ask.targets.len().max(1));
        let shared = Rc::clone(&self.shared);
        ctx.run(ask_all(shared, ask, sender), |_, (), _| {});
        Reply::Now(answers)
    }
}
