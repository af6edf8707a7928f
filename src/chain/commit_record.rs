//! What is known of one weight setting, from its plan to its reveal: the entries of the weight
//! journal, which [`Store`](crate::store::Store) keeps.

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use super::{Hash, Mortality, Uid, WeightVector};

/// The number of a planned weight setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub i64);

/// A weight setting that is about to be signed: enough to recognise it on the chain after any
/// crash, and to know when it can land no more.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitIntent {
    /// Newest block when it was planned.
    pub planned_block: u64,
    /// Our last update as the chain told it then: it moves when this lands.
    pub last_update: u64,
    /// Our slot.
    pub uid: Uid,
    /// What will be set.
    pub weights: WeightVector,
    /// Sent with it.
    pub version_key: u64,
    /// How it was sealed; `None` for plain weights.
    pub sealed: Option<SealedIntent>,
    /// Where its transaction can land.
    pub mortality: Mortality,
}

/// How a sealed commit is recognised, and when it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedIntent {
    /// BLAKE2b-256 of the commit's bytes.
    pub hash: [u8; 32],
    /// The beacon round that opens it.
    pub round: u64,
    /// Version of sealed commits.
    pub version: u16,
    /// First block of the epoch in which the chain is to open it, as planned.
    pub reveal_block: u64,
}

/// What became of a weight setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "snake_case")]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CommitOutcome {
    /// In a final block, and read back from the chain.
    Landed {
        /// The block.
        block: u64,
        /// The transaction, when this process saw it.
        transaction: Option<Hash>,
    },
    /// In a final block, yet the chain holds something else: another process signs with this
    /// hotkey, or the slot was lost in the same moment.
    Replaced {
        /// The block that carried it.
        block: u64,
    },
    /// The chain said no; nothing changed on chain.
    Refused {
        /// The runtime's name of the reason.
        reason: String,
    },
    /// The chain shows that it never landed, and it can land no more.
    Lost,
}

impl CommitOutcome {
    /// A stable label for metrics and reports.
    pub fn label(&self) -> &'static str {
        self.into()
    }

    /// The block that carried the setting.
    pub fn block(&self) -> Option<u64> {
        match self {
            Self::Landed { block, .. } | Self::Replaced { block } => Some(*block),
            Self::Refused { .. } | Self::Lost => None,
        }
    }
}

/// What became of a sealed commit that landed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
    VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RevealOutcome {
    /// The chain opened it: the stored weights are ours.
    Revealed,
    /// A newer setting of ours took its place before it could be seen.
    Superseded,
    /// The chain dropped it: the stored weights are others.
    NotRevealed,
}

impl RevealOutcome {
    /// A stable label for metrics and for the journal.
    pub fn label(self) -> &'static str {
        self.into()
    }
}

/// A journal entry.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitRecord {
    /// Its number.
    pub id: CommitId,
    /// What was planned.
    pub intent: CommitIntent,
    /// What became of it; `None` while that is unknown.
    pub outcome: Option<CommitOutcome>,
    /// What became of the sealed commit; `None` while that is unknown, and for plain weights.
    pub reveal: Option<RevealOutcome>,
}

impl CommitRecord {
    /// The block it landed in.
    pub fn landed(&self) -> Option<u64> {
        match self.outcome {
            Some(CommitOutcome::Landed { block, .. }) => Some(block),
            _ => None,
        }
    }

    /// Whether it is sealed on the chain, as far as is known.
    pub fn awaits_reveal(&self) -> bool {
        self.landed().is_some() && self.intent.sealed.is_some() && self.reveal.is_none()
    }
}
