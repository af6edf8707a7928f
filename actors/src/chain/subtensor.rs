//! The real chain: subtensor nodes over JSON-RPC, read, written to and followed.
//!
//! [`Subtensor`] holds a list of nodes of one chain and talks to one of them at a time; when that
//! one fails, the next is tried at once, and whoever asked hears of it only when all have failed.
//! What a runtime offers is decided by the core from the metadata of the very block that is read
//! ([`sn1::chain::decode`]), so a runtime upgrade needs nothing here.
//!
//! A node is not trusted to be alive, quick or sane: every wait has a deadline, every message a
//! size, and a node of another chain is refused.
//!
//! | module | does |
//! |---|---|
//! | `reads` | what the [`Chain`](sn1::chain::Chain) trait reads, each at one block |
//! | `submit` | signs, submits, and finds out what became of a transaction |
//! | `follow` | heads, final heads and runtime versions as they come |
//! | `chain_impl` | the [`Chain`](sn1::chain::Chain) trait, and errors in its words |
//! | `session`, `connection` | one node; one socket |

mod chain_impl;
mod connection;
mod error;
mod follow;
mod reads;
mod session;
mod socket;
mod submit;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use rand::Rng;
use sn1::chain::Hash;
use sn1::chain::decode::Runtime;
use subxt::rpcs::methods::legacy::RuntimeVersion;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::away::timeout;
pub use crate::settings::{Endpoint, Network};
pub use error::{CallError, NodeFailure, SubtensorError};
pub use follow::LinkEvent;
pub use socket::{Roots, RootsError};

use super::failpoints::Failpoints;
use session::Session;

/// Runtimes that are kept: the one in force, and the one before it for blocks around an upgrade.
const KEPT_RUNTIMES: usize = 2;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// To connect, encryption included.
    pub connect: Duration,
    /// For the answer to one request.
    pub call: Duration,
    /// Between two pings.
    pub ping_every: Duration,
    /// A request waits so long for a node that limits its callers.
    pub limited: Duration,
    /// A node that says nothing for so long, not even to a ping, is given up. It is noticed at
    /// the next ping.
    pub silence: Duration,
    /// A node that tells no new block for so long is left for another, if there is one: it has
    /// stopped importing, or has lost its peers.
    pub head_silence: Duration,
    /// Between two looks at the final blocks, for a transaction whose news have ended.
    pub look_every: Duration,
    /// News of a transaction are waited for so long before the final blocks are looked at as well.
    pub quiet_watch: Duration,
    /// A transaction is not followed any longer once no node has answered for so long.
    pub give_up: Duration,
    /// The longest pause between two attempts to connect, or to ask again.
    pub longest_pause: Duration,
}

impl Default for Deadlines {
    /// A half-open socket is noticed within 30 s; five blocks may be late, and finality three.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            limited: Duration::from_secs(120),
            ping_every: Duration::from_secs(5),
            silence: Duration::from_secs(20),
            head_silence: Duration::from_secs(60),
            look_every: Duration::from_secs(6),
            quiet_watch: Duration::from_secs(36),
            give_up: Duration::from_secs(300),
            longest_pause: Duration::from_secs(30),
        }
    }
}

/// Which nodes, and how patiently.
#[derive(Debug, Clone)]
pub struct SubtensorSettings {
    /// Nodes of one chain, the first choice first.
    pub network: Network,
    /// How long things may take.
    pub deadlines: Deadlines,
    /// Whom certificates must come from.
    pub roots: Roots,
}

impl Deadlines {
    /// A pause that doubles with each failure, half of it by chance: nodes that fail many clients at
    /// once are not asked by all of them at once.
    pub fn pause(&self, n_failures: u32) -> Duration {
        const FIRST: Duration = Duration::from_millis(250);
        let bound = FIRST.saturating_mul(1 << n_failures.min(16)).min(self.longest_pause);
        bound.mul_f64(rand::rng().random_range(0.5..1.0))
    }
}

/// A client of the chain. Clones share the connection, which ends with the last of them; nothing is
/// connected before the first question.
#[derive(Clone)]
pub struct Subtensor {
    shared: Arc<Shared>,
}

struct Shared {
    settings: SubtensorSettings,
    failpoints: Failpoints,
    current: AsyncMutex<Current>,
    /// Of the first node that answered.
    genesis: OnceLock<Hash>,
    runtimes: Mutex<BTreeMap<u32, Arc<Runtime>>>,
    /// Whether the last node that was asked has failed.
    is_away: AtomicBool,
    /// Rises when one answers again.
    returns: watch::Sender<u64>,
}

#[derive(Default)]
struct Current {
    /// Which node is tried next, or is connected.
    index: usize,
    session: Option<Arc<Session>>,
}

impl fmt::Debug for Subtensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subtensor").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl Subtensor {
    /// A client that is not connected yet.
    pub fn new(settings: SubtensorSettings) -> Self {
        Self::with_failpoints(settings, Failpoints::default())
    }

    /// The same, which ends the process where these say so: see [`Failpoint::AfterSign`].
    ///
    /// [`Failpoint::AfterSign`]: crate::chain::Failpoint::AfterSign
    pub fn with_failpoints(settings: SubtensorSettings, failpoints: Failpoints) -> Self {
        Self {
            shared: Arc::new(Shared {
                settings,
                failpoints,
                current: AsyncMutex::default(),
                genesis: OnceLock::new(),
                runtimes: Mutex::default(),
                is_away: AtomicBool::new(false),
                returns: watch::Sender::default(),
            }),
        }
    }

    /// The hash of the chain's first block, once a node has answered: it tells chains apart.
    pub fn genesis(&self) -> Option<Hash> {
        self.shared.genesis.get().copied()
    }

    /// The node that is connected now.
    pub async fn answering(&self) -> Option<Endpoint> {
        let current = self.shared.current.lock().await;
        current.session.as_ref().map(|session| session.endpoint().clone())
    }

    /// The runtime in force at a block, from memory where its version is known, with the versions
    /// that the node tells.
    async fn runtime(
        &self,
        session: &Session,
        at: Hash,
    ) -> Result<(Arc<Runtime>, RuntimeVersion), CallError> {
        let version = session.version(at).await?;
        if let Some(runtime) = self.shared.runtimes.lock().get(&version.spec_version) {
            return Ok((Arc::clone(runtime), version));
        }
        let runtime = Arc::new(session.runtime(version.spec_version, at).await?);
        let mut runtimes = self.shared.runtimes.lock();
        runtimes.insert(version.spec_version, Arc::clone(&runtime));
        while runtimes.len() > KEPT_RUNTIMES {
            runtimes.pop_first();
        }
        Ok((runtime, version))
    }

    /// Reads every runtime again when it is needed next: one of them made a bad signature.
    fn forget_runtimes(&self) {
        self.shared.runtimes.lock().clear();
    }

    fn n_nodes(&self) -> usize {
        self.shared.settings.network.0.len()
    }

    /// What is done after `endpoint` has failed, in words.
    pub fn others(&self, endpoint: &Endpoint) -> &'static str {
        let mut nodes = self.shared.settings.network.0.iter();
        if nodes.any(|node| node != endpoint) { "trying the next" } else { "trying it again" }
    }

    fn first_node(&self) -> Endpoint {
        self.shared.settings.network.0[0].clone()
    }

    /// A node has answered: whoever rests from failures need not rest any longer.
    fn reached(&self) {
        if self.shared.is_away.swap(false, Ordering::Relaxed) {
            self.shared.returns.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// Rests for so long after a failure, or until somebody else is answered.
    async fn rest(&self, pause: Duration) {
        let mut returns = self.shared.returns.subscribe();
        // Only the time matters, or that it was cut short.
        let _ = timeout(pause, returns.changed()).await;
    }

    /// The place of a node in the list.
    fn index_of(&self, endpoint: &Endpoint) -> usize {
        let mut nodes = self.shared.settings.network.0.iter();
        nodes.position(|node| node == endpoint).unwrap_or_default()
    }

    /// Does `operation` with the node in use, and with each other one until one succeeds.
    async fn ask<T, F>(
        &self,
        attempted: &'static str,
        operation: impl Fn(Arc<Session>) -> F,
    ) -> Result<T, SubtensorError>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut failures = Vec::new();
        let mut attempts = self.shared.settings.network.0.len();
        let mut had_old_session = false;
        while attempts > 0 {
            attempts -= 1;
            let (session, is_new) = match self.session().await {
                Ok(found) => found,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
            };
            match operation(Arc::clone(&session)).await {
                Ok(value) => {
                    self.reached();
                    return Ok(value);
                }
                Err(CallError::Unusable(error)) if error.is_final() => {
                    return Err(SubtensorError::Chain(error));
                }
                Err(CallError::Unsignable(error)) => return Err(error.into()),
                Err(error) => {
                    self.leave_for(&session, &error).await;
                    // A connection that went bad while idle says nothing of its node: once, that
                    // is no attempt. A node that limits us or lacks a method has answered.
                    let has_answered = error.is_limit() || error.is_unknown_method();
                    attempts += usize::from(!is_new && !had_old_session && !has_answered);
                    had_old_session |= !is_new;
                    failures.push(NodeFailure { endpoint: session.endpoint().clone(), error });
                }
            }
        }
        Err(SubtensorError::Unreachable { attempted, failures })
    }

    /// The session in use, or a new one (then true) with the node whose turn it is.
    async fn session(&self) -> Result<(Arc<Session>, bool), NodeFailure> {
        let mut current = self.shared.current.lock().await;
        if let Some(session) = current.session.as_ref().filter(|session| !session.is_closed()) {
            return Ok((Arc::clone(session), false));
        }
        current.session = None;
        let SubtensorSettings { network: Network(endpoints), deadlines, roots } =
            &self.shared.settings;
        let endpoint = &endpoints[current.index % endpoints.len()];
        let opened = Session::open(endpoint, *deadlines, roots).await;
        match opened.and_then(|session| self.same_chain(session)) {
            Ok(session) => {
                let session = Arc::new(session);
                current.session = Some(Arc::clone(&session));
                Ok((session, true))
            }
            Err(error) => {
                current.index += 1;
                self.shared.is_away.store(true, Ordering::Relaxed);
                Err(NodeFailure { endpoint: endpoint.clone(), error })
            }
        }
    }

    fn same_chain(&self, session: Session) -> Result<Session, CallError> {
        let found = session.genesis();
        let wanted = *self.shared.genesis.get_or_init(|| found);
        if wanted == found { Ok(session) } else { Err(CallError::OtherChain { wanted, found }) }
    }

    /// Leaves a node that failed like this. The only node stays when it limits its callers or lacks
    /// a method: a new connection would be no better.
    async fn leave_for(&self, session: &Arc<Session>, error: &CallError) {
        let is_kept = error.is_limit() || error.is_unknown_method();
        if !is_kept || self.n_nodes() > 1 {
            self.leave(session).await;
        }
    }

    /// Takes the next node from now on, unless somebody else did so already.
    async fn leave(&self, session: &Arc<Session>) {
        let mut current = self.shared.current.lock().await;
        if current.session.as_ref().is_some_and(|held| Arc::ptr_eq(held, session)) {
            current.session = None;
            current.index += 1;
        }
    }
}
