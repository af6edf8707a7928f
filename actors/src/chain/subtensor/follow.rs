//! The chain as it goes on: new heads, final heads and runtime versions, from one node at a time,
//! without an end.
//!
//! The connection is the client's own, so that questions and news share it. Whoever loses it first
//! brings on the next node for both. Nothing runs by itself here: who stops polling the stream
//! leaves nothing behind.

use std::sync::{Arc, Weak};

use futures_util::Stream;
use futures_util::stream::unfold;
use sn1::chain::Head;
use subxt::rpcs::Error as RpcError;
use subxt::rpcs::client::RpcSubscription;
use subxt::rpcs::methods::legacy::RuntimeVersion;
use tokio::time::{Duration, Interval, MissedTickBehavior, interval};

use super::session::{Header, Session};
use super::{CallError, Endpoint, NodeFailure, Subtensor};
use crate::away::Moment;

/// What happens to the connection, and what the chain says on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEvent {
    /// A node is followed from now on.
    Connected {
        /// Which one.
        endpoint: Endpoint,
        /// Its place in the list of nodes.
        index: usize,
    },
    /// The newest block.
    Best(Head),
    /// The newest final block.
    Finalized(Head),
    /// The runtime in force, at first and after each upgrade.
    Runtime {
        /// Its spec version.
        spec_version: u32,
    },
    /// The only node tells no new block, so that there is none to leave it for.
    Silent {
        /// For how long.
        silent: Duration,
    },
    /// A node failed; the next one is tried after a pause, the only one again.
    Lost {
        /// Which one.
        endpoint: Endpoint,
        /// Why.
        reason: String,
        /// The pause.
        pause: Duration,
        /// Whether this node was followed; else it could not be reached.
        was_followed: bool,
    },
}

impl Subtensor {
    /// Follows the chain. The stream never ends, and does nothing while it is not polled.
    pub fn follow(&self) -> impl Stream<Item = LinkEvent> + Send + 'static {
        let follower = Follower { client: self.clone(), feeds: None, pause: None, n_failures: 0 };
        unfold(follower, |mut follower| async move {
            let event = follower.next().await;
            Some((event, follower))
        })
    }
}

struct Follower {
    client: Subtensor,
    feeds: Option<Feeds>,
    /// To be waited before the next attempt.
    pause: Option<Duration>,
    n_failures: u32,
}

/// The subscriptions with one node, as far as it has them: it is asked for heads that it does not
/// tell. The session is the client's: it may leave it at any time.
struct Feeds {
    session: Weak<Session>,
    endpoint: Endpoint,
    best: Option<RpcSubscription<Header>>,
    finalized: Option<RpcSubscription<Header>>,
    versions: Option<RpcSubscription<RuntimeVersion>>,
    looks: Interval,
    /// Of two kinds of heads that are asked for, the next one.
    is_final_next: bool,
    last_head: Moment,
    last_best: Option<Head>,
}

enum News {
    Best(Header),
    Finalized(Header),
    Version(RuntimeVersion),
    /// What is told makes no sense.
    Garbled(RpcError),
    Ended,
    Silent(Duration),
    /// It is time to ask for heads.
    Look,
}

impl Follower {
    async fn next(&mut self) -> LinkEvent {
        let Some(feeds) = &mut self.feeds else { return self.connect().await };
        let head_silence = self.client.shared.settings.deadlines.head_silence;
        let event = match feeds.news(head_silence).await {
            News::Best(header) => feeds.head(&header).await.map(LinkEvent::Best),
            News::Finalized(header) => feeds.head(&header).await.map(LinkEvent::Finalized),
            News::Look => feeds.look().await,
            News::Version(version) => Ok(LinkEvent::Runtime { spec_version: version.spec_version }),
            News::Garbled(error) => Err(CallError::of("a subscription", error).to_string()),
            News::Silent(silent) if self.client.n_nodes() == 1 => Ok(LinkEvent::Silent { silent }),
            News::Silent(silent) => Err(format!("no new block for {} s", silent.as_secs())),
            News::Ended => Err("the connection ended".to_owned()),
        };
        if let Ok(LinkEvent::Best(head)) = event {
            if feeds.last_best.replace(head) != Some(head) {
                feeds.last_head = Moment::now();
            }
            self.n_failures = 0;
        }
        match event {
            Ok(event) => event,
            Err(reason) => self.lose(reason).await,
        }
    }

    async fn connect(&mut self) -> LinkEvent {
        if let Some(pause) = self.pause.take() {
            self.client.rest(pause).await;
        }
        let session = match self.client.session().await {
            Ok((session, _)) => session,
            Err(failure) => return self.failed(failure),
        };
        let look_every = self.client.shared.settings.deadlines.look_every;
        match Feeds::open(&session, look_every).await {
            Ok(feeds) => {
                self.client.reached();
                let endpoint = feeds.endpoint.clone();
                let index = self.client.index_of(&endpoint);
                self.feeds = Some(feeds);
                LinkEvent::Connected { endpoint, index }
            }
            Err(error) => {
                self.client.leave_for(&session, &error).await;
                self.failed(NodeFailure { endpoint: session.endpoint().clone(), error })
            }
        }
    }

    /// Leaves the node, if the client has not done so already.
    async fn lose(&mut self, reason: String) -> LinkEvent {
        let feeds = self.feeds.take();
        let endpoint = feeds.as_ref().map(|feeds| feeds.endpoint.clone());
        if let Some(session) = feeds.and_then(|feeds| feeds.session.upgrade()) {
            self.client.leave(&session).await;
        }
        let endpoint = endpoint.unwrap_or_else(|| self.client.first_node());
        LinkEvent::Lost { endpoint, reason, pause: self.back_off(), was_followed: true }
    }

    fn failed(&mut self, failure: NodeFailure) -> LinkEvent {
        let NodeFailure { endpoint, error } = failure;
        let (reason, pause) = (error.to_string(), self.back_off());
        LinkEvent::Lost { endpoint, reason, pause, was_followed: false }
    }

    fn back_off(&mut self) -> Duration {
        let pause = self.client.shared.settings.deadlines.pause(self.n_failures);
        self.n_failures = self.n_failures.saturating_add(1);
        self.pause = Some(pause);
        pause
    }
}

impl Feeds {
    async fn open(session: &Arc<Session>, look_every: Duration) -> Result<Self, CallError> {
        let mut looks = interval(look_every / 2);
        // A node that made us wait is not asked more often for that.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            session: Arc::downgrade(session),
            endpoint: session.endpoint().clone(),
            best: offered(session.new_heads().await)?,
            finalized: offered(session.finalized_heads().await)?,
            versions: offered(session.runtime_versions().await)?,
            looks,
            is_final_next: false,
            last_head: Moment::now(),
            last_best: None,
        })
    }

    async fn news(&mut self, head_silence: Duration) -> News {
        let tells_heads = self.best.is_some() && self.finalized.is_some();
        tokio::select! {
            header = next(&mut self.best) => told(header, News::Best),
            header = next(&mut self.finalized) => told(header, News::Finalized),
            version = next(&mut self.versions) => told(version, News::Version),
            _ = self.looks.tick(), if !tells_heads => News::Look,
            () = self.last_head.passes(head_silence) => {
                // Told once for each such time.
                self.last_head = Moment::now();
                News::Silent(head_silence)
            }
        }
    }

    /// Asks for one of the heads that the node does not tell by itself.
    async fn look(&mut self) -> Result<LinkEvent, String> {
        let session = self.session.upgrade().ok_or("the connection ended")?;
        self.is_final_next = !self.is_final_next && self.finalized.is_none();
        let looked = match self.is_final_next || self.best.is_some() {
            true => session.finalized().await.map(LinkEvent::Finalized),
            false => session.head().await.map(LinkEvent::Best),
        };
        looked.map_err(|error| error.to_string())
    }

    /// A header tells no hash: the node does, by the number.
    async fn head(&mut self, header: &Header) -> Result<Head, String> {
        let session = self.session.upgrade().ok_or("the connection ended")?;
        let number = header.number();
        let hash = session.hash_of(number).await.map_err(|error| error.to_string())?;
        let hash = hash.ok_or_else(|| format!("it has told block {number}, and has none"))?;
        Ok(Head { number, hash })
    }
}

/// What a node offers of it: a method that it lacks is done without.
fn offered<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Err(error) if error.is_unknown_method() => Ok(None),
        answer => answer.map(Some),
    }
}

/// The next of what is subscribed to; without a subscription, never.
async fn next<T: serde::de::DeserializeOwned>(
    feed: &mut Option<RpcSubscription<T>>,
) -> Option<Result<T, RpcError>> {
    match feed {
        Some(feed) => feed.next().await,
        None => std::future::pending().await,
    }
}

fn told<T>(news: Option<Result<T, RpcError>>, of: fn(T) -> News) -> News {
    news.map_or(News::Ended, |news| news.map_or_else(News::Garbled, of))
}
