//! The validator's loop: tasks are prepared ahead, conversations run in parallel, answers are
//! scored, and the scores are stored.
//!
//! [`TaskFactory`] prepares tasks, [`ConversationAgent`] holds one conversation and ends,
//! [`Dendrite`](crate::dendrite::Dendrite) asks the miners, [`Scoreboard`] alone owns the scores.

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
