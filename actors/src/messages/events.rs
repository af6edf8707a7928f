//! What is kept of each turn, for those who read it later.

use std::sync::Arc;

use actix::Message;
use serde_json::Value;
use sn1::store::StoreError;

/// Appends an event. Answered when it is on disk; a repeated event is appended again.
#[derive(Message, Clone)]
#[rtype(result = "Result<(), Arc<StoreError>>")]
pub struct LogEvent {
    /// `step` for a scored turn, `error` for one that failed.
    pub kind: &'static str,
    /// The event as JSON.
    pub body: Value,
}
