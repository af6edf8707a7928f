//! Our dendrite against our axon over real sockets: good, slow, failing, garbage and panicking
//! miners, strangers, callers that go away, and an axon that dies meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::synapse::body::Prompt;
use sn1::wallet::Keypair;
use sn1_actors::app::localnet::{FailingMiner, GarbageMiner, SlowMiner};
use sn1_actors::axon::{Answering, AxonServer, AxonSettings, AxonState, ChunkSink, Miner, Roster};
use sn1_actors::dendrite::{Dendrite, DendriteLimits, DendriteSettings};
use sn1_actors::messages::miners::{Answer, AskMiners, Target};
use sn1_actors::miners::{EchoMiner, PhraseMiner};
use sn1_actors::supervision::{ChildSpec, FaultKind, InjectFault, Recipient, Root, RootExit, Slot};
use tokio::sync::mpsc;

const SOON: Duration = Duration::from_secs(60);
/// The timeout of each question; quick miners answer within it on any machine.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Panics on every question.
struct PanickingMiner;

impl Miner for PanickingMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        Box::pin(async move {
            sink.send("just before").await?;
            panic!("a bug in a miner");
        })
    }
}

/// Streams without end, and reports when it is dropped.
struct EndlessMiner(mpsc::UnboundedSender<&'static str>);

struct TellDrop(mpsc::UnboundedSender<&'static str>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

impl Miner for EndlessMiner {
    fn answer(&self, _: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let (guard, started) = (TellDrop(self.0.clone()), self.0.clone());
        Box::pin(async move {
            let _guard = guard;
            let _ = started.send("started");
            loop {
                sink.send("more ").await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    }
}

struct Subnet {
    root: Root,
    dendrite: Recipient<AskMiners>,
    targets: Vec<Target>,
}

fn key(role: &str) -> Keypair {
    Keypair::from_dev_path(&format!("//wire-test//{role}")).unwrap()
}

/// The key that the dendrite signs with.
enum CallerIs {
    Registered,
    Stranger,
}

fn subnet(miners: Vec<Arc<dyn Miner>>, caller: CallerIs) -> Subnet {
    let validator = key("validator");
    let known = match caller {
        CallerIs::Registered => validator.account_id(),
        CallerIs::Stranger => key("somebody else").account_id(),
    };
    let roster = Roster::Fixed(Arc::new([(known, 1.0)].into()));
    let mut children = Vec::new();
    let mut targets = Vec::new();
    for (uid, miner) in (1..).zip(miners) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let external = listener.local_addr().unwrap();
        let hotkey = key(&format!("miner{uid}"));
        let axon = AxonInfo::for_address(external, SDK_VERSION);
        targets.push(Target { uid: Uid(uid), hotkey: hotkey.account_id(), axon });
        let slot = Slot::new(format!("AxonServer-{uid}"));
        let settings = AxonSettings::new(slot.name(), hotkey);
        let state = AxonState::new(&settings, roster.clone());
        children.push(ChildSpec::new(&slot, move || {
            let listener = listener.try_clone()?;
            let (state, miner) = (Arc::clone(&state), Arc::clone(&miner));
            Ok(AxonServer::new(settings.clone(), listener, state, miner))
        }));
    }
    let slot = Slot::new("Dendrite");
    let settings = DendriteSettings {
        hotkey: validator,
        external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        allow_local_addresses: true,
        limits: DendriteLimits { max_answer_bytes: 64 * 1024, ..DendriteLimits::default() },
    };
    children.push(ChildSpec::new(&slot, move || Dendrite::new(settings.clone())));
    let (watchers, _) = mpsc::unbounded_channel();
    Subnet { root: Root::start("Node", children, watchers), dendrite: slot.recipient(), targets }
}

impl Subnet {
    async fn open(&self) -> mpsc::Receiver<Answer> {
        let ask = AskMiners {
            targets: self.targets.clone(),
            roles: vec!["user".to_owned()],
            messages: vec!["Why is the sky \"blue\"? — naïve 🐝".to_owned()],
            timeout: TIMEOUT,
            progress: None,
        };
        self.dendrite.ask_again(ask, SOON).await.unwrap()
    }

    /// The uid, status and text of each answer.
    async fn ask(&self) -> Vec<(u16, Option<u16>, String)> {
        let mut receiver = self.open().await;
        let mut answers = Vec::new();
        while let Some(answer) = receiver.recv().await {
            let outcome = answer.outcome;
            answers.push((answer.target.uid.0, outcome.status_code, outcome.completion));
        }
        answers.sort();
        answers
    }

    async fn stop(self) {
        assert_eq!(self.root.stop().await, RootExit::Stopped);
    }
}

#[actix::test]
async fn every_kind_of_miner_has_its_own_outcome_and_none_disturbs_another() {
    let miners: Vec<Arc<dyn Miner>> = vec![
        Arc::new(EchoMiner),
        Arc::new(PhraseMiner { phrase: "Pardon?".to_owned() }),
        Arc::new(SlowMiner),
        Arc::new(FailingMiner),
        Arc::new(GarbageMiner),
        Arc::new(PanickingMiner),
        Arc::new(EchoMiner),
    ];
    let subnet = subnet(miners, CallerIs::Registered);
    let question = "Why is the sky \"blue\"? — naïve 🐝";
    let answers = subnet.ask().await;
    let statuses: Vec<_> =
        answers.iter().map(|(uid, status, _)| (*uid, status.unwrap_or(0))).collect();
    assert_eq!(statuses, [(1, 200), (2, 200), (3, 408), (4, 400), (5, 422), (6, 400), (7, 200)]);
    assert_eq!(answers[0].2, question);
    assert_eq!(answers[1].2, "Pardon?");
    assert_eq!(answers[2].2, "");
    assert_eq!(answers[6].2, question);
    // The axons of the miners that failed answer the next question.
    let again: Vec<_> =
        subnet.ask().await.into_iter().map(|(_, status, _)| status.unwrap_or(0)).collect();
    assert_eq!(again, [200, 200, 408, 400, 422, 400, 200]);
    subnet.stop().await;
}

#[actix::test]
async fn a_hotkey_that_is_not_registered_is_refused_and_its_error_page_is_no_answer() {
    let subnet = subnet(vec![Arc::new(EchoMiner)], CallerIs::Stranger);
    assert_eq!(subnet.ask().await, [(1, Some(403), String::new())]);
    subnet.stop().await;
}

#[actix::test]
async fn a_caller_who_goes_away_stops_the_miner() {
    let (sender, mut said) = mpsc::unbounded_channel();
    let subnet = subnet(vec![Arc::new(EndlessMiner(sender))], CallerIs::Registered);
    let receiver = subnet.open().await;
    assert_eq!(said.recv().await, Some("started"));
    drop(receiver);
    let stopped = tokio::time::timeout(TIMEOUT / 2, said.recv()).await;
    assert_eq!(stopped, Ok(Some("dropped")), "long before the deadline");
    subnet.stop().await;
}

#[actix::test]
async fn a_miner_without_end_is_cut_off_at_the_deadline_and_what_came_is_kept() {
    let (sender, mut said) = mpsc::unbounded_channel();
    let subnet = subnet(vec![Arc::new(EndlessMiner(sender))], CallerIs::Registered);
    let answers = subnet.ask().await;
    assert_eq!(answers[0].1, Some(408));
    assert!(answers[0].2.starts_with("more more "));
    assert_eq!(said.recv().await, Some("started"));
    assert_eq!(tokio::time::timeout(SOON, said.recv()).await, Ok(Some("dropped")));
    subnet.stop().await;
}

#[actix::test]
async fn an_axon_that_panicked_serves_again_on_the_same_port() {
    let subnet = subnet(vec![Arc::new(EchoMiner)], CallerIs::Registered);
    assert_eq!(subnet.ask().await[0].1, Some(200));
    let message = InjectFault { actor: "AxonServer-1".into(), fault: FaultKind::Panic };
    assert_eq!(subnet.root.faults().ask_again(message, SOON).await, Ok(true));
    let give_up = tokio::time::Instant::now() + SOON;
    // A request at the moment of death may break off; the next ones are served.
    while subnet.ask().await[0].1 != Some(200) {
        assert!(tokio::time::Instant::now() < give_up);
    }
    assert_eq!(subnet.ask().await[0].1, Some(200));
    subnet.stop().await;
}

#[actix::test]
async fn nothing_listens_is_a_status_not_an_error() {
    let mut subnet = subnet(vec![Arc::new(EchoMiner)], CallerIs::Registered);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    subnet.targets[0].axon = AxonInfo::for_address(closed, SDK_VERSION);
    assert_eq!(subnet.ask().await, [(1, Some(503), String::new())]);
    subnet.stop().await;
}
