//! The event history: each turn's question, answers and scores, on disk before they are
//! acknowledged.

use std::path::Path;
use std::sync::Arc;

use metrics::counter;
use sn1::store::{Store, StoreError};
use sn1::telemetry;

use crate::messages::events::LogEvent;
use crate::recording::prime;
use crate::supervision::{Context, Handles, Reply, Resident};

/// The actor that owns the history.
pub struct EventLog {
    store: Store,
}

impl EventLog {
    /// Opens the history in this state file.
    ///
    /// # Errors
    /// When the state file cannot be used.
    pub fn open(path: &Path) -> Result<Self, Arc<StoreError>> {
        Ok(Self { store: Store::open(path)? })
    }
}

impl Resident for EventLog {
    type Error = Arc<StoreError>;

    fn started(&mut self, _: &mut Context<'_, Self>) -> Result<(), Self::Error> {
        prime(&[telemetry::EVENTS_WRITTEN], &[]);
        Ok(())
    }
}

impl Handles<LogEvent> for EventLog {
    fn handle(
        &mut self,
        event: LogEvent,
        ctx: &mut Context<'_, Self>,
    ) -> Reply<Result<(), Arc<StoreError>>> {
        match self.store.append_event(event.kind, &event.body) {
            Ok(_) => {
                counter!(telemetry::EVENTS_WRITTEN.name).increment(1);
                Reply::Now(Ok(()))
            }
            Err(error) => {
                let error = Arc::new(error);
                ctx.fail(Arc::clone(&error));
                Reply::Now(Err(error))
            }
        }
    }
}
