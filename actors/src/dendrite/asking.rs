//! One round: asks all miners of a sample at once, over one stream each.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use metrics::{counter, gauge};
use sn1::synapse::outcome::Ending;
use sn1::telemetry;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::DendriteSettings;
use super::addresses::may_dial;
use super::arrived::Arrived;
use super::connection::{Connection, Fate, Rules, Scratch};
use super::deadlines::{Clock, Stage};
use super::lanes::Lane;
use super::pool::Pool;
use super::signing::{Addressee, Pending, Question, sign_all};
use crate::messages::miners::{Answer, AskMiners, Target};

/// What the streams of all rounds share.
pub(super) struct Shared {
    pub(super) settings: DendriteSettings,
    pub(super) pool: RefCell<Pool>,
    pub(super) scratch: Scratch,
}

impl Shared {
    /// State without open connections.
    pub(super) fn new(settings: DendriteSettings) -> Self {
        let pool = RefCell::new(Pool::new(settings.limits.max_idle_connections));
        Self { settings, pool, scratch: Scratch::default() }
    }
}

/// What the streams of one round share.
struct Round {
    shared: Rc<Shared>,
    question: Arc<Question>,
    clock: Clock,
}

/// Where a request goes, and the lane that it uses.
struct Route {
    addressee: Addressee,
    lane: Lane,
}

/// Asks every miner and passes on each answer when it is complete. Ends early when nobody listens
/// any more; dropping the future ends all its streams.
pub(super) async fn ask_all(shared: Rc<Shared>, ask: AskMiners, answers: mpsc::Sender<Answer>) {
    let AskMiners { targets, roles, messages, timeout, progress } = ask;
    let question = Question::new(&shared.settings, roles, messages, timeout);
    let clock = Clock::start(timeout, shared.settings.limits.deadlines);
    let round = Rc::new(Round { shared, question: Arc::new(question), clock });
    let mut counted = OpenStreams::new(targets.len());
    let mut streams = JoinSet::new();
    let routes: Vec<_> = targets.iter().map(|target| round.route(target)).collect();
    let addressees = routes.iter().flatten().map(|route| route.addressee.clone()).collect();
    let mut pending = sign_all(&round.question, addressees).into_iter();
    for (target, route) in targets.into_iter().zip(routes) {
        let arrived = Arrived::new(target, progress.clone());
        let request = route.and_then(|route| Some((route, pending.next()?)));
        streams.spawn_local(Rc::clone(&round).ask_one(target, request, arrived));
    }
    drop(progress);
    loop {
        tokio::select! {
            () = answers.closed() => break, // The asker has gone: so do the streams.
            ended = streams.join_next() => match ended {
                Some(Ok(answer)) => {
                    counted.one_ended();
                    let _ = answers.try_send(answer);
                }
                Some(Err(lost)) if lost.is_panic() => {
                    std::panic::resume_unwind(lost.into_panic());
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
    }
}

impl Round {
    fn route(&self, target: &Target) -> Option<Route> {
        let address = target.axon.socket_address()?;
        if !may_dial(address.ip(), self.shared.settings.allow_local_addresses) {
            counter!(telemetry::DENDRITE_REFUSED_ADDRESSES.name).increment(1);
            return None;
        }
        let lane = Lane::to(target.hotkey);
        let uuid = Arc::clone(lane.uuid());
        Some(Route { addressee: Addressee { axon: target.hotkey, address, uuid }, lane })
    }

    async fn ask_one(
        self: Rc<Self>,
        target: Target,
        request: Option<(Route, Pending)>,
        mut arrived: Arrived,
    ) -> Answer {
        let ending = match request {
            None => Ending::NotConnected,
            Some((Route { addressee, lane }, pending)) => {
                let ending = self.converse(&addressee, pending, &mut arrived).await;
                drop(lane);
                ending
            }
        };
        arrived.into_answer(target.axon.socket_address(), ending, self.clock.elapsed_s())
    }

    async fn converse(
        &self,
        addressee: &Addressee,
        pending: Pending,
        arrived: &mut Arrived,
    ) -> Ending {
        match self.attempt(addressee, pending, Connecting::AnyWay, arrived).await {
            Ok(Fate::Over(ending, _)) | Err(ending) => return ending,
            Ok(Fate::NeverTaken) => {}
        }
        // The nonce is used up, so the request is signed anew.
        counter!(telemetry::DENDRITE_RETRIES.name).increment(1);
        let Some(pending) = sign_all(&self.question, vec![addressee.clone()]).pop() else {
            return Ending::Disconnected;
        };
        match self.attempt(addressee, pending, Connecting::Anew, arrived).await {
            Ok(Fate::Over(ending, _)) | Err(ending) => ending,
            Ok(Fate::NeverTaken) => Ending::Disconnected,
        }
    }

    /// Delivers one request once.
    async fn attempt(
        &self,
        addressee: &Addressee,
        pending: Pending,
        connecting: Connecting,
        arrived: &mut Arrived,
    ) -> Result<Fate, Ending> {
        let address = addressee.address;
        let may_reuse = connecting == Connecting::AnyWay && self.shared.pool.borrow().has(address);
        let (connection, request) = if may_reuse {
            // The connection is checked last, so that the peer has little time left to close it.
            let request = self.clock.within(Stage::Total, pending.signed()).await??;
            (self.connect(address, connecting).await?, request)
        } else {
            let connection = self.connect(address, Connecting::Anew).await?;
            (connection, self.clock.within(Stage::Total, pending.signed()).await??)
        };
        let Shared { settings, scratch, .. } = &*self.shared;
        let rules = Rules { limits: &settings.limits, clock: &self.clock, scratch };
        let fate = connection.exchange(request, rules, arrived).await;
        Ok(match fate {
            Fate::Over(ending, Some(idle)) => {
                self.shared.pool.borrow_mut().keep(address, idle, Instant::now());
                ending.into()
            }
            other => other,
        })
    }

    async fn connect(
        &self,
        address: SocketAddr,
        connecting: Connecting,
    ) -> Result<Connection, Ending> {
        if connecting == Connecting::AnyWay {
            let idle = self.shared.pool.borrow_mut().take(address, Instant::now());
            if let Some(Ok(connection)) = idle.map(Connection::reuse) {
                counter!(telemetry::DENDRITE_CONNECTIONS.name, "kind" => "reused").increment(1);
                return Ok(connection);
            }
        }
        let opened = self.clock.within(Stage::Connect, Connection::open(address)).await??;
        counter!(telemetry::DENDRITE_CONNECTIONS.name, "kind" => "new").increment(1);
        Ok(opened)
    }
}

/// Which connections a request may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connecting {
    /// An idle one from the pool, or else a new one.
    AnyWay,
    /// Only a new one.
    Anew,
}

/// Counts open streams in a gauge, however they end.
struct OpenStreams(usize);

impl OpenStreams {
    fn new(n_streams: usize) -> Self {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).increment(n_streams as f64);
        Self(n_streams)
    }

    fn one_ended(&mut self) {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).decrement(1.0);
        self.0 = self.0.saturating_sub(1);
    }
}

impl Drop for OpenStreams {
    fn drop(&mut self) {
        gauge!(telemetry::DENDRITE_OPEN_STREAMS.name).decrement(self.0 as f64);
    }
}

#[cfg(test)]
mod tests;
