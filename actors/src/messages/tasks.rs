//! The task of a conversation.

use actix::Message;
use sn1::validation::tasks::PreparedTask;

/// Asks for the next task. Answered when one is ready, however long that takes: the asker sets the
/// deadline. `None` when the factory restarts meanwhile.
#[derive(Message, Clone)]
#[rtype(result = "Option<PreparedTask>")]
pub struct NextTask;
