//! The pages of a node, and what `/readyz` waits for.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::chain::StopReason;
use sn1::chain::weight_cycle::CommitterStatus;
use sn1::wallet::AccountId;

use crate::feeds::{Feeds, LinkState, NotReady};
use crate::supervision::{ChildSpec, Slot};
use crate::telemetry::{Condition, Pages, SubnetFeeds, Telemetry};

/// The conditions of readiness, by name and in order.
#[derive(Clone, Default)]
pub struct Conditions(Vec<(&'static str, Condition)>);

impl Conditions {
    /// The conditions of every node: new blocks of the chain, a metagraph that is not too old, and
    /// a clock that others agree with.
    pub fn of_chain(feeds: &Feeds) -> Self {
        let (heads, age, link) = (feeds.heads(), feeds.age.clone(), feeds.link());
        let clock = feeds.clock.clone();
        let silent_after = feeds.silent_after();
        let chain = move || match (&*link.borrow(), *heads.borrow()) {
            (LinkState::Away { since, reason }, _) => {
                Err(NotReady::Away { away: since.elapsed(), reason: reason.clone() })
            }
            (_, Some(seen)) if seen.at.elapsed() < silent_after => Ok(()),
            (_, Some(seen)) => Err(NotReady::Silent(seen.at.elapsed())),
            (_, None) => Err(NotReady::NoBlock),
        };
        let link = feeds.link();
        let metagraph = move || match age.check() {
            Ok(()) if link.borrow().is_away() => Err(NotReady::NoNewer(age.age())),
            checked => checked,
        };
        Self::default()
            .and("chain", Arc::new(chain))
            .and("metagraph", Arc::new(metagraph))
            .and("clock", Arc::new(move || clock.check()))
    }

    /// Adds the condition that the chain has registered this hotkey.
    pub fn and_registration(self, feeds: &Feeds, own: AccountId) -> Self {
        let metagraph = feeds.metagraph();
        let registered = move || match metagraph.borrow().as_ref() {
            Some(known) if known.neuron_of(&own).is_some() => Ok(()),
            Some(_) => Err(NotReady::NotRegistered),
            None => Err(NotReady::NoMetagraph),
        };
        self.and("registration", Arc::new(registered))
    }

    /// Adds the condition that nothing keeps weights from being set. It also holds when weights are
    /// switched off.
    pub fn and_weights(self, feeds: &Feeds) -> Self {
        let (status, link, waits) = (feeds.committer_status(), feeds.link(), feeds.waits.clone());
        let weights = move || match &*status.borrow() {
            CommitterStatus::Stopped(StopReason::Disabled) => Ok(()),
            CommitterStatus::Stopped(reason) => Err(NotReady::NoWeights(reason.clone())),
            CommitterStatus::Starting | CommitterStatus::Ready if link.borrow().is_away() => {
                let open = waits.of("weights");
                Err(NotReady::Waits(open.unwrap_or_else(|| "none while the chain is away".into())))
            }
            CommitterStatus::Starting | CommitterStatus::Ready => Ok(()),
        };
        self.and("weights", Arc::new(weights))
    }

    /// Adds the condition that the chain shows the address of the axon whose publisher has this
    /// name.
    pub fn and_address(self, feeds: &Feeds, publisher: Arc<str>) -> Self {
        let waits = feeds.waits.clone();
        let address =
            move || waits.of(&publisher).map_or(Ok(()), |what| Err(NotReady::Waits(what)));
        self.and("address", Arc::new(address))
    }

    /// Adds a condition, such as [`super::Inference::ready`] as `model`.
    pub fn and(mut self, name: &'static str, condition: Condition) -> Self {
        self.0.push((name, condition));
        self
    }
}

/// `Telemetry`: the pages on this listener. On a local net `development_key` names a key that may
/// ask its miners.
///
/// # Errors
/// When the listener cannot be shared with the actor's later lives.
pub fn telemetry(
    metrics: PrometheusHandle,
    listener: &TcpListener,
    conditions: Conditions,
    feeds: &Feeds,
    development_key: Option<Arc<str>>,
) -> io::Result<ChildSpec> {
    let listener = listener.try_clone()?;
    let subnet =
        SubnetFeeds { metagraph: feeds.metagraph(), heads: feeds.heads(), development_key };
    let pages = Pages { metrics, conditions: conditions.0, subnet };
    let spec = ChildSpec::new(&Slot::new("Telemetry"), move || {
        let listener = listener.try_clone()?;
        Ok(Telemetry::new(pages.clone(), listener))
    });
    Ok(spec.only_tells())
}
