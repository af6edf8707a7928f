//! Who leads.

use actix::Message;
use sn1::chain::Uid;

/// Asks which miner has the highest score. Answered from memory; `None` before the first scores.
#[derive(Message, Clone)]
#[rtype(result = "Option<Uid>")]
pub struct GetLeader;
