//! The chain's side of a node: who follows it, who reads the subnet, who sets weights. All of them
//! share one client, whose connection is one socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use crate::chain::subtensor::Subtensor;
use crate::chain::{
    ChainLink, CommitterLinks, CommitterSettings, MetagraphSync, SyncSettings, WeightCommitter,
};
use crate::feeds::Feeds;
use crate::notice::Notice;
use crate::supervision::{ChildSpec, Slot};

/// Sent with weights: version 2.5.1 of the mechanism.
pub const VERSION_KEY: u64 = 20_501;

/// A client and the feeds that are kept from what it reads.
#[derive(Debug, Clone)]
pub struct ChainPart {
    /// The client. Nothing is connected before the actors start.
    pub client: Subtensor,
    /// Where what it reads is published.
    pub feeds: Feeds,
}

impl ChainPart {
    /// `ChainLink`: follows one of the client's nodes, and publishes heads and final heads.
    pub fn link(&self) -> ChildSpec {
        let Self { client, feeds } = self.clone();
        ChildSpec::new(&Slot::new("ChainLink"), move || {
            Ok(ChainLink::following(client.clone(), feeds.clone()))
        })
    }

    /// `MetagraphSync`: publishes snapshots of the subnet.
    pub fn sync(&self, settings: SyncSettings) -> ChildSpec {
        let Self { client, feeds } = self.clone();
        ChildSpec::new(&Slot::new("MetagraphSync"), move || {
            Ok(MetagraphSync::new(client.clone(), settings.clone(), feeds.clone()))
        })
    }

    /// `WeightCommitter`: turns the scores into weights on chain. In an ordered stop it has
    /// `drain_within` to follow what is signed to its block and to read it back.
    pub fn committer(
        &self,
        settings: CommitterSettings,
        notices: UnboundedSender<Notice>,
        drain_within: Duration,
    ) -> ChildSpec {
        let links = CommitterLinks {
            scores: self.feeds.scores(),
            heads: self.feeds.heads(),
            metagraph: self.feeds.metagraph(),
            age: self.feeds.age.clone(),
            hints: self.feeds.hints.clone(),
            link: self.feeds.link(),
            waits: self.feeds.waits.clone(),
            status: Arc::clone(&self.feeds.committer_status),
            notices,
        };
        let client = self.client.clone();
        ChildSpec::new(&Slot::new("WeightCommitter"), move || {
            WeightCommitter::open(client.clone(), settings.clone(), links.clone())
        })
        .drain_within(drain_within)
    }
}
