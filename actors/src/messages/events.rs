//! The record of each turn, for later analysis.

use std::sync::Arc;

use actix::Message;
use serde_json::Value;
use sn1::store::StoreError;

/// Appends an event. Answered once it is on disk; an event that is sent again is appended again.
#[derive(Message, Clone)]
#[rtype(result = "Result<(), Arc<StoreError>>")]
pub struct LogEvent {
    /// `step` for a scored turn, `error` for one that failed.
    pub kind: &'static str,
    /// The event as JSON.
    pub body: Value,
}
