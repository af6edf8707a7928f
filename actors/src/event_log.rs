//! The event history: what each turn asked, got and gave, committed before it is acknowledged.

use std::path::Path;

use actix::Message;
use metrics::counter;
use serde_json::Value;
use sn1::store::Store;
use sn1::telemetry;

use crate::supervision::{Context, Handles, Reply, Resident};

/// The actor that owns the history.
pub struct EventLog {
    store: Store,
}

impl EventLog {
    /// Opens the history.
    ///
    /// # Errors
    /// A state file that cannot be used, in words.
    pub fn open(path: &Path) -> Result<Self, String> {
        Store::open(path).map(|store| Self { store }).map_err(|error| error.to_string())
    }
}

impl Resident for EventLog {}

/// Appends an event. Answered when it is on disk; a repeated event is appended again.
#[derive(Message, Clone)]
#[rtype(result = "Result<(), String>")]
pub struct LogEvent {
    /// `step` for a scored turn, `error` for one that failed.
    pub kind: &'static str,
    /// The event as JSON.
    pub body: Value,
}

impl Handles<LogEvent> for EventLog {
    fn handle(
        &mut self,
        event: LogEvent,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<Result<(), String>> {
        match self.store.append_event(event.kind, &event.body) {
            Ok(_) => {
                counter!(telemetry::EVENTS_WRITTEN.name).increment(1);
                Reply::Now(Ok(()))
            }
            Err(error) => {
                ctx.fail(error.to_string());
                Reply::Now(Err(error.to_string()))
            }
        }
    }
}
