//! Follows which miner leads, and logs when another one does.
//!
//! It owns nothing that must survive: a new life reads the feed of scores again.

use std::convert::Infallible;

use sn1::chain::Uid;
use tokio_stream::wrappers::WatchStream;

use crate::feeds::{ScoreFeed, ScoresSnapshot};
use crate::messages::leader::GetLeader;
use crate::supervision::{Context, Handles, Reply, Resident};

/// The actor.
pub struct Leader {
    scores: ScoreFeed,
    leader: Option<Uid>,
}

impl Leader {
    /// Knows nobody until it runs.
    pub fn new(scores: ScoreFeed) -> Self {
        Self { scores, leader: None }
    }

    fn follow(&mut self, scores: &ScoresSnapshot) {
        let by_score = scores.values.iter().zip(0..).max_by(|(a, _), (b, _)| a.total_cmp(b));
        let leader = by_score.map(|(_, uid)| Uid(uid));
        if std::mem::replace(&mut self.leader, leader) != leader {
            tracing::info!(?leader, "another miner leads");
        }
    }
}

impl Resident for Leader {
    type Error = Infallible;

    fn started(&mut self, ctx: &mut Context<'_, Self>) -> Result<(), Infallible> {
        ctx.listen(WatchStream::new(self.scores.clone()), |this, scores, _| {
            if let Some(scores) = scores {
                this.follow(&scores);
            }
        });
        Ok(())
    }
}

impl Handles<GetLeader> for Leader {
    fn handle(&mut self, _: GetLeader, _: &mut Context<'_, Self>) -> Reply<Option<Uid>> {
        Reply::Now(self.leader)
    }
}
