//! The actor of `docs/add-an-actor.md`, compiled as the page shows it: `crate` means the same here as
//! in the package that the page adds it to.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "they are public where the page puts them")]

use std::sync::Arc;
use std::time::Duration;

use sn1::chain::Uid;
use sn1_actors::feeds::ScoresSnapshot;
use sn1_actors::supervision::{ChildSpec, FaultKind, InjectFault, Root, Slot};
use sn1_actors::{feeds, supervision};
use tokio::sync::{mpsc, watch};

use conversation::leader::Leader;
use messages::leader::GetLeader;

#[path = "toys/conversation.rs"]
mod conversation;
#[path = "toys/messages.rs"]
mod messages;

const SOON: Duration = Duration::from_secs(20);

fn scores(values: &[f32]) -> Option<Arc<ScoresSnapshot>> {
    Some(Arc::new(ScoresSnapshot { values: values.to_vec(), ..ScoresSnapshot::default() }))
}

/// Asks until the answer is this one.
async fn until(slot: &Slot<Leader>, leader: Option<Uid>) {
    let asked = async { while slot.recipient().ask_again(GetLeader, SOON).await != Ok(leader) {} };
    tokio::time::timeout(SOON, asked).await.unwrap();
}

#[actix::test]
async fn the_actor_of_the_page_answers_and_forgets_nothing_in_a_fault() {
    let (publish, feed) = watch::channel(scores(&[0.1, 0.3, 0.2]));
    let slot = Slot::new("Leader");
    let spec = ChildSpec::new(&slot, move || Ok(Leader::new(feed.clone())));
    let (watchers, mut events) = mpsc::unbounded_channel();
    let root = Root::start("Node", vec![spec], watchers);
    until(&slot, Some(Uid(1))).await;
    publish.send_replace(scores(&[0.4, 0.3, 0.2]));
    until(&slot, Some(Uid(0))).await;
    let panic = InjectFault { actor: "Leader".into(), fault: FaultKind::Panic };
    assert_eq!(root.faults().ask_again(panic, SOON).await, Ok(true));
    tokio::time::timeout(SOON, events.recv()).await.unwrap().unwrap();
    until(&slot, Some(Uid(0))).await;
    root.stop().await;
}
