//! The validator's loop: tasks prepared ahead, conversations held side by side, answers scored,
//! scores kept.
//!
//! [`TaskFactory`] prepares, [`ConversationAgent`] holds one conversation and ends,
//! [`Dendrite`](crate::dendrite::Dendrite) asks the miners, [`Scoreboard`] is the only owner of scores.

mod agent;
mod given_up;
mod logged;
mod scoreboard;
mod settings;
mod task_factory;
mod turn;

pub use agent::ConversationAgent;
pub use scoreboard::{Scoreboard, ScoreboardSettings};
pub use settings::{AgentLinks, AgentSettings};
pub use task_factory::{TaskError, TaskFactory, TaskFactorySettings};
