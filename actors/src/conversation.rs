//! The validator's loop: tasks prepared ahead, conversations held side by side, answers scored,
//! scores kept.
//!
//! [`TaskFactory`] prepares, [`ConversationAgent`] holds one conversation and ends,
//! [`Dendrite`](crate::dendrite::Dendrite) asks the miners, [`Scoreboard`] is the only owner of scores.

mod agent;
mod given_up;
mod logged;
mod scoreboard;
mod task_factory;
mod turn;

pub use agent::{AgentLinks, AgentSettings, ConversationAgent};
pub use scoreboard::{FinishPass, GetScores, RecordTurn, Scoreboard, ScoreboardSettings};
pub use task_factory::{NextTask, TaskError, TaskFactory, TaskFactorySettings};
