//! The subscriptions of a connection: heads, the runtime's version, storage, transactions.
//!
//! A subscription derives its notifications from the news of a block. It owns no socket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sn1::chain::{Hash, Head};
use sn1::devchain::rpc::hex;
use sn1::devchain::rpc::methods::change_set;

use super::misbehaviour::WatchEnd;
use super::served::{News, Submitted};
use super::switchboard::{Counted, Switchboard};

/// Most subscriptions of one connection.
const MAX_SUBSCRIPTIONS: usize = 1024;

/// What a client can subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    Best,
    Finalized,
    Version,
    Storage,
    Extrinsic,
}

/// A topic with one pair of its method names.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) topic: Topic,
    pub(super) subscribe: &'static str,
    pub(super) unsubscribe: &'static str,
    notification: &'static str,
}

const fn kind(
    topic: Topic,
    subscribe: &'static str,
    unsubscribe: &'static str,
    notification: &'static str,
) -> Kind {
    Kind { topic, subscribe, unsubscribe, notification }
}

pub(super) const KINDS: [Kind; 9] = [
    kind(Topic::Best, "chain_subscribeNewHeads", "chain_unsubscribeNewHeads", "chain_newHead"),
    kind(Topic::Best, "chain_subscribeNewHead", "chain_unsubscribeNewHead", "chain_newHead"),
    kind(Topic::Best, "chain_subscribeAllHeads", "chain_unsubscribeAllHeads", "chain_allHead"),
    kind(
        Topic::Finalized,
        "chain_subscribeFinalizedHeads",
        "chain_unsubscribeFinalizedHeads",
        "chain_finalizedHead",
    ),
    kind(
        Topic::Finalized,
        "chain_subscribeFinalisedHeads",
        "chain_unsubscribeFinalisedHeads",
        "chain_finalizedHead",
    ),
    kind(
        Topic::Version,
        "state_subscribeRuntimeVersion",
        "state_unsubscribeRuntimeVersion",
        "state_runtimeVersion",
    ),
    kind(
        Topic::Version,
        "chain_subscribeRuntimeVersion",
        "chain_unsubscribeRuntimeVersion",
        "state_runtimeVersion",
    ),
    kind(Topic::Storage, "state_subscribeStorage", "state_unsubscribeStorage", "state_storage"),
    kind(
        Topic::Extrinsic,
        "author_submitAndWatchExtrinsic",
        "author_unwatchExtrinsic",
        "author_extrinsicUpdate",
    ),
];

/// A watched transaction.
#[derive(Debug)]
pub(super) struct Watch {
    hash: Hash,
    included: Option<Head>,
    /// The watch has ended; no further status is sent.
    has_ended: bool,
}

impl Watch {
    /// The watch, and the statuses to send at once.
    pub(super) fn begin(submitted: Submitted) -> (Self, Vec<Value>) {
        let Submitted { hash, watch_end } = submitted;
        let watch = Self { hash, included: None, has_ended: watch_end.is_some() };
        let end = watch_end.map(|end| match end {
            WatchEnd::Dropped => json!("dropped"),
            WatchEnd::Invalid => json!("invalid"),
            WatchEnd::Usurped => json!({ "usurped": hash }),
            WatchEnd::FinalityTimeout => json!({ "finalityTimeout": hash }),
        });
        (watch, [json!("ready")].into_iter().chain(end).collect())
    }

    fn on_news(&mut self, news: &News) -> Vec<Value> {
        let mut told = Vec::new();
        if self.has_ended {
            return told;
        }
        if self.included.is_none() && news.included.contains(&self.hash) {
            self.included = Some(news.best);
            let in_block = json!({ "inBlock": news.best.hash });
            told.push(in_block.clone());
            if news.retracted.contains(&self.hash) {
                told.extend([json!({ "retracted": news.best.hash }), in_block]);
            }
        }
        if news.dropped.contains(&self.hash) {
            told.push(json!("invalid"));
            self.has_ended = true;
        }
        let is_final =
            |head: &Head| news.finalized.iter().any(|(last, _)| head.number <= last.number);
        if let Some(head) = self.included.filter(is_final) {
            told.push(json!({ "finalized": head.hash }));
            self.has_ended = true;
        }
        told
    }
}

/// Watched storage keys, and the values that were sent last.
#[derive(Debug, Clone)]
pub(super) struct Followed {
    pub(super) keys: Arc<Vec<Vec<u8>>>,
    pub(super) values: Vec<Option<Vec<u8>>>,
}

impl Followed {
    /// Records the values at a block; returns those that differ from the ones sent last.
    fn change(&mut self, block: Hash, values: Vec<Option<Vec<u8>>>) -> Option<Value> {
        let is_other = |at: &usize| self.values.get(*at) != values.get(*at);
        let changed: Vec<_> = (0..values.len().min(self.keys.len())).filter(is_other).collect();
        let keys = changed.iter().map(|at| &self.keys[*at]);
        let told = change_set(block, keys, changed.iter().map(|at| &values[*at]));
        self.values = values;
        (!changed.is_empty()).then_some(told)
    }
}

/// How far a subscription has come.
#[derive(Debug)]
pub(super) enum Progress {
    /// The number of the head that was sent last.
    Heads(u64),
    Version,
    Storage(Followed),
    Extrinsic(Watch),
}

#[derive(Debug)]
struct Subscription {
    kind: &'static Kind,
    progress: Progress,
    _counted: Counted,
}

/// A notification: its name, the subscription's id, and the content.
pub(super) type Told = (&'static str, String, Value);

/// All subscriptions of one connection.
#[derive(Debug, Default)]
pub(super) struct Subscriptions(BTreeMap<String, Subscription>);

impl Subscriptions {
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_SUBSCRIPTIONS
    }

    /// Adds a subscription and returns its id.
    pub(super) fn add(
        &mut self,
        kind: &'static Kind,
        progress: Progress,
        switchboard: &Switchboard,
    ) -> String {
        let id = next_id();
        let _counted = switchboard.count_subscription();
        self.0.insert(id.clone(), Subscription { kind, progress, _counted });
        id
    }

    /// Ends a subscription; `false` when there is none of this topic and id.
    pub(super) fn remove(&mut self, topic: Topic, id: &str) -> bool {
        let is_known = self.0.get(id).is_some_and(|known| known.kind.topic == topic);
        is_known && self.0.remove(id).is_some()
    }

    /// The notifications about a block, except those about storage.
    pub(super) fn on_news(&mut self, news: &News) -> Vec<Told> {
        let mut all = Vec::new();
        for (id, subscription) in &mut self.0 {
            let told = subscription.on_news(news);
            let name = subscription.kind.notification;
            all.extend(told.into_iter().map(|told| (name, id.clone(), told)));
        }
        self.0.retain(|_, subscription| !subscription.has_ended());
        all
    }

    /// The watched keys of each storage subscription.
    pub(super) fn followed(&self) -> Vec<(String, Arc<Vec<Vec<u8>>>)> {
        let of = |(id, subscription): (&String, &Subscription)| match &subscription.progress {
            Progress::Storage(followed) => Some((id.clone(), Arc::clone(&followed.keys))),
            _ => None,
        };
        self.0.iter().filter_map(of).collect()
    }

    /// The notifications about new values of storage.
    pub(super) fn on_values(
        &mut self,
        id: &str,
        block: Hash,
        values: Vec<Option<Vec<u8>>>,
    ) -> Option<Told> {
        let Subscription { kind, progress: Progress::Storage(followed), .. } =
            self.0.get_mut(id)?
        else {
            return None;
        };
        let told = followed.change(block, values)?;
        Some((kind.notification, id.to_owned(), told))
    }
}

impl Kind {
    pub(super) fn tell(&self, id: &str, told: Value) -> Told {
        (self.notification, id.to_owned(), told)
    }
}

impl Subscription {
    fn on_news(&mut self, news: &News) -> Vec<Value> {
        match (&mut self.progress, self.kind.topic) {
            (Progress::Heads(last), Topic::Best) if news.best.number > *last => {
                *last = news.best.number;
                vec![news.header.clone()]
            }
            (Progress::Heads(last), Topic::Finalized) => {
                let since = *last;
                let new = news.finalized.iter().filter(|(head, _)| head.number > since);
                let told: Vec<_> = new.map(|(_, header)| header.clone()).collect();
                let newest = news.finalized.iter().map(|(head, _)| head.number).max();
                *last = newest.unwrap_or(since).max(since);
                told
            }
            (Progress::Version, _) => news.version.iter().cloned().collect(),
            (Progress::Extrinsic(watch), _) => watch.on_news(news),
            _ => Vec::new(),
        }
    }

    fn has_ended(&self) -> bool {
        matches!(&self.progress, Progress::Extrinsic(watch) if watch.has_ended)
    }
}

/// Never the same twice in a process, so that a client that mixes up its connections notices.
fn next_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    hex(&(LAST.fetch_add(1, Ordering::Relaxed) + 1).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: u64) -> Head {
        Head { number, hash: Hash([number as u8; 32]) }
    }

    fn news(number: u64, finalized: &[u64]) -> News {
        News {
            best: head(number),
            header: json!(number),
            included: Vec::new(),
            retracted: Vec::new(),
            dropped: Vec::new(),
            finalized: finalized.iter().map(|number| (head(*number), json!(number))).collect(),
            version: None,
        }
    }

    fn followed(topic: Topic, progress: Progress) -> Subscriptions {
        let mut subscriptions = Subscriptions::default();
        let kind = KINDS.iter().find(|kind| kind.topic == topic).unwrap();
        subscriptions.add(kind, progress, &Switchboard::new());
        subscriptions
    }

    fn told(subscriptions: &mut Subscriptions, news: &News) -> Vec<Value> {
        subscriptions.on_news(news).into_iter().map(|(_, _, told)| told).collect()
    }

    #[test]
    fn heads_are_told_once_and_in_the_order_of_the_news() {
        let mut best = followed(Topic::Best, Progress::Heads(5));
        assert_eq!(told(&mut best, &news(5, &[])), Vec::<Value>::new());
        assert_eq!(told(&mut best, &news(6, &[])), [json!(6)]);
        let mut last = followed(Topic::Finalized, Progress::Heads(2));
        assert_eq!(told(&mut last, &news(9, &[2, 3, 4])), [json!(3), json!(4)]);
        assert_eq!(told(&mut last, &news(9, &[7, 6, 5])), [json!(7), json!(6), json!(5)]);
        assert_eq!(told(&mut last, &news(9, &[])), Vec::<Value>::new());
    }

    #[test]
    fn a_watch_tells_block_and_finality_and_ends() {
        let submitted = Submitted { hash: Hash([9; 32]), watch_end: None };
        let (watch, first) = Watch::begin(submitted);
        assert_eq!(first, [json!("ready")]);
        let mut watched = followed(Topic::Extrinsic, Progress::Extrinsic(watch));
        let included = News {
            included: vec![submitted.hash],
            retracted: vec![submitted.hash],
            ..news(4, &[2, 3])
        };
        let in_block = json!({ "inBlock": head(4).hash });
        let retracted = json!({ "retracted": head(4).hash });
        assert_eq!(told(&mut watched, &included), [in_block.clone(), retracted, in_block]);
        assert_eq!(told(&mut watched, &news(5, &[])), Vec::<Value>::new());
        assert_eq!(told(&mut watched, &news(9, &[5])), [json!({ "finalized": head(4).hash })]);
        assert!(watched.0.is_empty());
    }

    #[test]
    fn a_watch_ends_when_its_transaction_leaves_the_pool_or_is_told_to() {
        let hash = Hash([9; 32]);
        let (watch, _) = Watch::begin(Submitted { hash, watch_end: None });
        let mut watched = followed(Topic::Extrinsic, Progress::Extrinsic(watch));
        let gone = News { dropped: vec![hash], ..news(4, &[]) };
        assert_eq!(told(&mut watched, &gone), [json!("invalid")]);
        assert!(watched.0.is_empty());
        let submitted = Submitted { hash, watch_end: Some(WatchEnd::Usurped) };
        let (watch, first) = Watch::begin(submitted);
        assert_eq!(first, [json!("ready"), json!({ "usurped": hash })]);
        assert!(watch.has_ended);
    }

    #[test]
    fn storage_is_told_when_it_is_another() {
        let keys = Arc::new(vec![vec![1], vec![2]]);
        let values = vec![Some(vec![1]), None];
        let mut follow =
            followed(Topic::Storage, Progress::Storage(Followed { keys, values: values.clone() }));
        let (id, _) = follow.followed().remove(0);
        let block = Hash([3; 32]);
        assert_eq!(follow.on_values(&id, block, values), None);
        let (name, _, told) =
            follow.on_values(&id, block, vec![Some(vec![1]), Some(vec![7])]).unwrap();
        assert_eq!(name, "state_storage");
        assert_eq!(told, json!({ "block": block, "changes": [["0x02", "0x07"]] }));
    }

    #[test]
    fn only_the_right_name_ends_a_subscription() {
        let mut best = followed(Topic::Best, Progress::Heads(0));
        let id = best.0.keys().next().unwrap().clone();
        assert!(!best.remove(Topic::Storage, &id));
        assert!(best.remove(Topic::Best, &id));
        assert!(!best.remove(Topic::Best, &id));
    }
}
