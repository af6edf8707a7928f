//! The real chain: reads from subtensor nodes over JSON-RPC.
//!
//! [`Subtensor`] holds a list of nodes of one chain and talks to one of them at a time; when that
//! one fails, the next is tried at once, and whoever asked hears of it only when all have failed.
//! What a runtime offers is decided by the core from the metadata of the very block that is read
//! ([`sn1::chain::decode`]), so a runtime upgrade needs nothing here.
//!
//! A node is not trusted to be alive, quick or sane: every wait has a deadline, every message a
//! size, and a node of another chain is refused.

mod connection;
mod endpoint;
mod session;
mod socket;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use sn1::chain::decode::{DecodeError, Runtime, Snapshot, SnapshotPlan};
use sn1::chain::{Hash, Head, Netuid};
use tokio::sync::Mutex as AsyncMutex;

pub use endpoint::{Endpoint, Network};

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
    /// A node that says nothing for so long, not even to a ping, is given up. It is noticed at
    /// the next ping.
    pub silence: Duration,
}

impl Default for Deadlines {
    /// A half-open socket is noticed within 30 s.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            ping_every: Duration::from_secs(5),
            silence: Duration::from_secs(20),
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
}

/// Why one node gave no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No connection.
    #[error("no connection: {reason}")]
    Connect {
        /// Why.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer to {attempted} within {seconds} s")]
    Late {
        /// What was attempted.
        attempted: &'static str,
        /// The deadline.
        seconds: f64,
    },
    /// The connection ended first.
    #[error("the connection ended during {method}: {reason}")]
    Closed {
        /// What was asked.
        method: &'static str,
        /// Why.
        reason: String,
    },
    /// The node answered with an error.
    #[error("{method} was refused with code {code}: {message}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// The node's code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The answer is of another form.
    #[error("the answer to {method} makes no sense: {shown}")]
    Garbled {
        /// What was asked.
        method: &'static str,
        /// How the answer begins.
        shown: String,
    },
    /// A node of another chain than the first one that answered.
    #[error("it serves another chain: its genesis is {found}, not {wanted}")]
    OtherChain {
        /// The first node's genesis.
        wanted: Hash,
        /// This one's.
        found: Hash,
    },
    /// The answer cannot be used.
    #[error(transparent)]
    Unusable(#[from] DecodeError),
}

impl CallError {
    fn late(attempted: &'static str, within: Duration) -> Self {
        Self::Late { attempted, seconds: within.as_secs_f64() }
    }
}

/// A node that failed, and how.
#[derive(Debug, Clone)]
pub struct NodeFailure {
    /// Which node.
    pub endpoint: Endpoint,
    /// How.
    pub error: CallError,
}

/// Why the chain could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubtensorError {
    /// Every node failed.
    #[error(
        "no subtensor node answered while {attempted}: {}. Check this machine's network, or name \
         another node with --subtensor.chain_endpoint",
        listed(failures)
    )]
    Unreachable {
        /// What was attempted.
        attempted: &'static str,
        /// Each attempt, in order.
        failures: Vec<NodeFailure>,
    },
    /// The chain's runtime lacks something, or the subnet is not there: no node can help.
    #[error(transparent)]
    Chain(DecodeError),
}

fn listed(failures: &[NodeFailure]) -> String {
    let each =
        failures.iter().map(|NodeFailure { endpoint, error }| format!("{endpoint}: {error}"));
    each.collect::<Vec<_>>().join("; ")
}

/// A client of the chain. Clones share the connection, which ends with the last of them; nothing is
/// connected before the first question.
#[derive(Clone)]
pub struct Subtensor {
    shared: Arc<Shared>,
}

struct Shared {
    settings: SubtensorSettings,
    current: AsyncMutex<Current>,
    /// Of the first node that answered.
    genesis: OnceLock<Hash>,
    runtimes: Mutex<BTreeMap<u32, Arc<Runtime>>>,
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
        Self {
            shared: Arc::new(Shared {
                settings,
                current: AsyncMutex::default(),
                genesis: OnceLock::new(),
                runtimes: Mutex::default(),
            }),
        }
    }

    /// The newest block.
    ///
    /// # Errors
    /// [`SubtensorError::Unreachable`]
    pub async fn head(&self) -> Result<Head, SubtensorError> {
        self.ask("reading the newest block", |session| async move { session.head().await }).await
    }

    /// The subnet at the newest block: everything in it was read at that block's hash.
    ///
    /// # Errors
    /// [`SubtensorError`]
    pub async fn snapshot(&self, netuid: Netuid) -> Result<Snapshot, SubtensorError> {
        let take = |session: Arc<Session>| async move {
            let head = session.head().await?;
            let runtime = self.runtime(&session, head.hash).await?;
            let plan = SnapshotPlan::choose(&runtime)?;
            let reads = plan.reads(&runtime, netuid)?;
            let answers = session.read_all(&reads, head.hash).await?;
            Ok(plan.decode(&runtime, netuid, head, &answers)?)
        };
        self.ask("reading the metagraph", take).await
    }

    /// The runtime in force at a block, from memory where its version is known.
    async fn runtime(&self, session: &Session, at: Hash) -> Result<Arc<Runtime>, CallError> {
        let spec_version = session.spec_version(at).await?;
        if let Some(runtime) = self.shared.runtimes.lock().get(&spec_version) {
            return Ok(Arc::clone(runtime));
        }
        let runtime = Arc::new(session.runtime(spec_version, at).await?);
        let mut runtimes = self.shared.runtimes.lock();
        runtimes.insert(spec_version, Arc::clone(&runtime));
        while runtimes.len() > KEPT_RUNTIMES {
            runtimes.pop_first();
        }
        Ok(runtime)
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
                Ok(value) => return Ok(value),
                Err(CallError::Unusable(error)) if error.is_final() => {
                    return Err(SubtensorError::Chain(error));
                }
                Err(error) => {
                    failures.push(NodeFailure { endpoint: session.endpoint().clone(), error });
                    self.leave(&session).await;
                    // A connection that went bad while idle says nothing of its node: once, that
                    // is no attempt.
                    attempts += usize::from(!is_new && !had_old_session);
                    had_old_session |= !is_new;
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
        let SubtensorSettings { network: Network(endpoints), deadlines } = &self.shared.settings;
        let endpoint = &endpoints[current.index % endpoints.len()];
        match Session::open(endpoint, *deadlines).await.and_then(|session| self.same_chain(session))
        {
            Ok(session) => {
                let session = Arc::new(session);
                current.session = Some(Arc::clone(&session));
                Ok((session, true))
            }
            Err(error) => {
                current.index += 1;
                Err(NodeFailure { endpoint: endpoint.clone(), error })
            }
        }
    }

    fn same_chain(&self, session: Session) -> Result<Session, CallError> {
        let found = session.genesis();
        let wanted = *self.shared.genesis.get_or_init(|| found);
        if wanted == found { Ok(session) } else { Err(CallError::OtherChain { wanted, found }) }
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
