//! Outgoing synapse streams: signs, sends to all miners of a sample at once, reads what each one
//! streams, and hands every answer on as soon as it is complete.
//!
//! | module | holds |
//! |---|---|
//! | `asking` | a round: who is asked where, retries |
//! | `connection`, `socket` | one request and reply over a connection; what became of it |
//! | `pool` | connections that wait for the next round |
//! | `lanes`, `signing` | nonces and uuids; signatures on threads of their own |
//! | `deadlines` | how long each part may take |
//! | `arrived` | what a miner has said so far |
//! | `addresses` | what may be dialled |
//!
//! One deadline holds for everything together; what a miner has sent by then is kept. No
//! redirects, no compression, no cookies, no proxies. Addresses that came from the chain are
//! dialled only if they are public, unless the settings allow local ones. A request is delivered
//! once: it is repeated, signed anew, only if its connection had served before and it is proven
//! that the peer never had the request.

mod addresses;
mod arrived;
mod asking;
mod connection;
mod deadlines;
mod lanes;
mod pool;
mod signing;
mod socket;

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use sn1::telemetry::{
    DENDRITE_CONNECTIONS, DENDRITE_DEADLINES, DENDRITE_REFUSED_ADDRESSES, DENDRITE_RETRIES, Metric,
};
use sn1::wallet::Keypair;
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use addresses::is_public;
use asking::{Shared, ask_all};
pub use deadlines::Deadlines;

use crate::messages::miners::{Answer, AskMiners};
use crate::recording::prime;
use crate::settings::DendriteSection;
use crate::supervision::{Context, Handles, Reply, Resident};

/// Idle connections that are too old are closed this often.
const PRUNE: Duration = Duration::from_secs(1);
/// What is shown from the start.
const RECORDED: [Metric; 4] =
    [DENDRITE_CONNECTIONS, DENDRITE_DEADLINES, DENDRITE_REFUSED_ADDRESSES, DENDRITE_RETRIES];
/// Honest heads have about a thousand bytes, and the SDK takes lines of eight thousand.
const MIN_HEAD_BYTES: usize = 8192;

/// How miners are asked.
#[derive(Debug, Clone)]
pub struct DendriteSettings {
    /// Signs the requests.
    pub hotkey: Keypair,
    /// Sent as our own address.
    pub external_ip: IpAddr,
    /// Whether loopback, private and other special addresses are dialled.
    pub allow_local_addresses: bool,
    /// What a miner may take of us.
    pub limits: DendriteLimits,
}

/// What one miner may take of a dendrite, however it behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DendriteLimits {
    /// Longest answer in bytes; a longer one is cut off as an error.
    pub max_answer_bytes: usize,
    /// Most chunks of an answer; one with more is cut off as an error.
    pub max_chunks: usize,
    /// Longest head of a reply in bytes, 8192 at least; also what is buffered of a stream at most.
    pub max_head_bytes: usize,
    /// Connections kept for the next round, all miners together.
    pub max_idle_connections: usize,
    /// How soon a silent miner is given up.
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

/// Why a dendrite cannot work with its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// The deadlines are no shares of the whole time.
    #[error("could not set the dendrite's deadlines: give shares in 0..=1")]
    Deadlines,
    /// Heads of honest replies would be cut off.
    #[error("could not limit heads: give at least {MIN_HEAD_BYTES} bytes")]
    Head,
}

/// The actor that asks miners.
pub struct Dendrite {
    shared: Rc<Shared>,
}

impl Dendrite {
    /// A dendrite without connections yet.
    ///
    /// # Errors
    /// When a limit makes no sense.
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
        // Room for every answer: the asker may be busy with something else.
        let (sender, answers) = mpsc::channel(ask.targets.len().max(1));
        let shared = Rc::clone(&self.shared);
        ctx.run(ask_all(shared, ask, sender), |_, (), _| {});
        Reply::Now(answers)
    }
}
