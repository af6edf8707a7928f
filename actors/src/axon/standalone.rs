//! An axon without a chain, for a fixed list of callers: to develop a miner, to try it from another
//! machine, and to measure it.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use sn1::wallet::AccountId;
use tokio::sync::{mpsc, oneshot};

use super::miner::Miner;
use super::rules::Roster;
use super::server::AxonServer;
use super::settings::AxonSettings;
use super::state::AxonState;
use crate::supervision::{ChildSpec, Root, Slot};

/// A running axon, supervised on a thread of its own. Stops when dropped.
pub struct StandaloneAxon {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StandaloneAxon {
    /// Serves `miner` on `listen` to `callers`, each with its stake in TAO.
    ///
    /// # Errors
    /// When the address cannot be bound, or the thread cannot be started.
    pub fn start(
        listen: SocketAddr,
        settings: AxonSettings,
        callers: &[(AccountId, f64)],
        miner: Arc<dyn Miner>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let address = listener.local_addr()?;
        let callers: HashMap<AccountId, f64> = callers.iter().copied().collect();
        let roster = Roster::Fixed(Arc::new(callers));
        let state = AxonState::new(&settings, roster);
        let slot = Slot::new(settings.name.to_string());
        let child = ChildSpec::new(&slot, move || {
            let listener = listener.try_clone()?;
            let (state, miner) = (Arc::clone(&state), Arc::clone(&miner));
            Ok(AxonServer::new(settings.clone(), listener, state, miner))
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("axon".to_owned()).spawn(move || {
            actix::System::new().block_on(async move {
                let (watchers, _) = mpsc::unbounded_channel();
                let root = Root::start("Axon", vec![child], watchers);
                // Dropping the handle ends this wait too.
                let _ = stopped.await;
                root.stop().await;
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that it listens on, with the port that was bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for StandaloneAxon {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
