//! The whole tree, as the main task of the process holds it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use super::fault::{InjectFault, TreeEvent};
use super::life::{Birth, ChildEvent};
use super::policy::ActorEnd;
use super::recipient::Recipient;
use super::running::{Running, start_resident};
use super::slot::Slot;
use super::spec::{ChildSpec, drain_limit};
use super::supervisor::Supervisor;
use crate::away::timeout;

/// How the whole tree ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootExit {
    /// It was told to stop, and has.
    Stopped,
    /// The root supervisor gave up, for this reason.
    GaveUp(String),
}

/// The running tree, held by the main task of the process.
pub struct Root {
    faults: Recipient<InjectFault>,
    running: Running,
    events: UnboundedReceiver<ChildEvent>,
    drain_within: Duration,
}

impl Root {
    /// Starts the tree. Must be called within an actix system.
    pub fn start(
        name: impl Into<Arc<str>>,
        children: Vec<ChildSpec>,
        watchers: UnboundedSender<TreeEvent>,
    ) -> Self {
        let slot = Slot::<Supervisor>::new(name);
        let (sender, events) = mpsc::unbounded_channel();
        let drain_within = drain_limit(&children);
        let name = Arc::clone(slot.name());
        let birth = Birth { name: Arc::clone(&name), child_idx: 0, generation: 0, events: sender };
        let factory = Arc::new(move || {
            Ok(Supervisor::new(Arc::clone(&name), children.clone(), watchers.clone()))
        });
        let running = start_resident(birth, &slot, &factory);
        Self { faults: slot.recipient(), running, events, drain_within }
    }

    /// The recipient that causes faults on purpose, anywhere in the tree.
    pub fn faults(&self) -> &Recipient<InjectFault> {
        &self.faults
    }

    /// Resolves when the tree ends without being stopped, which means that it gave up.
    pub async fn ended(&mut self) -> RootExit {
        match self.events.recv().await.map(|event| event.exit) {
            Some(ActorEnd::Failed(error)) => RootExit::GaveUp(error.to_string()),
            Some(ActorEnd::Panicked) => RootExit::GaveUp("the root supervisor panicked".into()),
            Some(ActorEnd::Finished | ActorEnd::Stalled) | None => RootExit::Stopped,
        }
    }

    /// Stops the children in reverse order of their start, each within its own limit.
    pub async fn stop(mut self) -> RootExit {
        self.running.stop();
        let limit = self.drain_within + Duration::from_secs(2);
        match timeout(limit, self.ended()).await {
            Ok(exit) => exit,
            Err(_) => RootExit::GaveUp("the tree did not stop in time".into()),
        }
    }
}
