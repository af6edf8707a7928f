//! Scored turns go in, scores come out.

use std::sync::Arc;

use actix::Message;
use sn1::store::{StoreError, TurnRecord};
use sn1::validation::scoring::ScoreError;

use crate::feeds::ScoresSnapshot;

/// Why a turn or a conversation was not recorded; nothing has changed. The scoreboard ends with the
/// same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RecordError {
    /// The state file could not be read or written.
    #[error(transparent)]
    Store(Arc<StoreError>),
    /// The turn does not fit the scores.
    #[error(transparent)]
    Scores(#[from] ScoreError),
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Asks for the scores; `None` before the first metagraph.
#[derive(Message, Clone)]
#[rtype(result = "Option<Arc<ScoresSnapshot>>")]
pub struct GetScores;

/// Records a scored turn. Answered with the scores that follow, once both are on disk. May be sent
/// again: a turn counts once.
#[derive(Message, Clone)]
#[rtype(result = "Result<Arc<ScoresSnapshot>, RecordError>")]
pub struct RecordTurn(pub Arc<TurnRecord>);

/// Counts a conversation under an id of its own. Answered with the number of conversations held,
/// once that is on disk. May be sent again: a conversation counts once.
#[derive(Message, Clone)]
#[rtype(result = "Result<u64, RecordError>")]
pub struct FinishPass(pub Arc<str>);
