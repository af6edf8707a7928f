//! Tests of the tree by every kind of fault, with exact counts. They wait for a state with a
//! deadline, never for a guessed number of seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix::Message;
use strum::IntoEnumIterator;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::*;

const SOON: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
#[error("broken")]
struct Broken;

/// Counts its own lives, and fails on request.
struct Probe {
    life: u32,
}

impl Resident for Probe {
    type Error = Broken;

    const MAILBOX: usize = 4;
}

#[derive(Message, Clone)]
#[rtype(result = "u32")]
struct WhichLife;

impl Handles<WhichLife> for Probe {
    fn handle(&mut self, _: WhichLife, _: &mut Context<'_, Self>) -> Reply<u32> {
        Reply::Now(self.life)
    }
}

#[derive(Message, Clone)]
#[rtype(result = "()")]
struct Hang;

impl Handles<Hang> for Probe {
    fn handle(&mut self, _: Hang, _: &mut Context<'_, Self>) -> Reply<()> {
        Reply::later(std::future::pending())
    }
}

#[test]
fn kinds_of_faults_are_those_of_the_metric() {
    let kinds: Vec<&str> = FaultKind::iter().map(FaultKind::label).collect();
    assert_eq!(sn1::telemetry::ACTOR_RESTARTS.values("kind"), kinds);
}

struct Tree {
    root: Root,
    probe: Slot<Probe>,
    lives: Arc<AtomicU32>,
    events: UnboundedReceiver<TreeEvent>,
}

/// A root above a supervisor above one probe; lives that are `broken` fail at once.
fn tree(
    adjust: impl Fn(ChildSpec) -> ChildSpec,
    broken: impl Fn(u32) -> bool + Send + Sync + 'static,
) -> Tree {
    let (watchers, events) = unbounded_channel();
    let slot = Slot::<Probe>::new("Probe");
    let lives = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&lives);
    let spec = ChildSpec::new(&slot, move || {
        let life = counter.fetch_add(1, Ordering::SeqCst) + 1;
        if broken(life) { Err(Broken) } else { Ok(Probe { life }) }
    });
    let spec = adjust(spec.backoff(Duration::from_millis(1), Duration::from_millis(5)));
    let middle = ChildSpec::supervisor("Middle", vec![spec], watchers.clone())
        .intensity(1, Duration::from_secs(60))
        .backoff(Duration::from_millis(1), Duration::from_millis(5));
    let root = Root::start("Root", vec![middle], watchers);
    Tree { root, probe: slot, lives, events }
}

impl Tree {
    async fn life(&self) -> u32 {
        self.probe.recipient().ask_again(WhichLife, SOON).await.expect("the probe comes back")
    }

    async fn inject(&self, fault: FaultKind) {
        let message = InjectFault { actor: "Probe".into(), fault };
        assert_eq!(self.root.faults().ask_again(message, SOON).await, Ok(true));
    }

    async fn next_fault(&mut self) -> TreeEvent {
        tokio::time::timeout(SOON, self.events.recv()).await.expect("in time").expect("a watcher")
    }
}

#[actix::test]
async fn panic_error_and_stall_are_told_apart_and_each_is_followed_by_one_restart() {
    let mut tree = tree(|spec| spec.stall_after(Duration::from_secs(4)), |_| false);
    let faults = [FaultKind::Panic, FaultKind::Error, FaultKind::Stall];
    let mut ledger = RestartLedger::default();
    for (n_before, fault) in (1..).zip(faults) {
        assert_eq!(tree.life().await, n_before);
        tree.inject(fault).await;
        let event = tree.next_fault().await;
        assert_eq!(event.fault, fault);
        ledger.count(&event);
    }
    assert_eq!(tree.life().await, 4);
    let counts = ledger.by_actor().get("Probe").copied();
    assert_eq!(counts, Some(FaultCounts { panic: 1, error: 1, stall: 1 }));
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn an_asker_learns_of_a_death_and_is_never_left_hanging() {
    let tree = tree(|spec| spec.backoff(SOON, SOON), |_| false);
    tree.life().await;
    let probe = tree.probe.recipient();
    let asked = probe.ask(Hang, SOON);
    let killed = tree.inject(FaultKind::Panic);
    let (answer, ()) = tokio::join!(asked, killed);
    assert_eq!(answer, Err(AskError::Lost("Probe".into())));
    // Until the restart, which is seconds away, every send is refused at once.
    while tree.probe.recipient::<WhichLife>().is_up() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        tree.probe.recipient().ask(WhichLife, SOON).await,
        Err(AskError::Down("Probe".into()))
    );
    assert_eq!(tree.probe.recipient().tell(WhichLife), Err(AskError::Down("Probe".into())));
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn a_question_without_an_answer_ends_at_its_deadline() {
    let tree = tree(|spec| spec, |_| false);
    tree.life().await;
    let deadline = Duration::from_millis(30);
    assert_eq!(
        tree.probe.recipient().ask(Hang, deadline).await,
        Err(AskError::Deadline("Probe".into(), deadline))
    );
    assert_eq!(tree.life().await, 1);
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn a_full_mailbox_is_a_typed_refusal() {
    let tree = tree(|spec| spec.stall_after(SOON), |_| false);
    tree.life().await;
    tree.inject(FaultKind::Stall).await;
    let mut refused = None;
    for _ in 0..1_000 {
        if let Err(error) = tree.probe.recipient().tell(WhichLife) {
            refused = Some(error);
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(refused, Some(AskError::Full("Probe".into())));
}

#[actix::test]
async fn too_many_faults_climb_to_the_root() {
    let tree = tree(|spec| spec.intensity(2, SOON), |_| true);
    let Tree { mut root, lives, mut events, .. } = tree;
    let exit = tokio::time::timeout(SOON, root.ended()).await.expect("in time");
    assert!(matches!(exit, RootExit::GaveUp(_)), "{exit:?}");
    // Two restarts in each of the two lives that `Middle` may have.
    assert_eq!(lives.load(Ordering::SeqCst), 6);
    let mut middle = 0;
    while let Ok(event) = events.try_recv() {
        middle += u32::from(&*event.actor == "Middle");
    }
    assert_eq!(middle, 2);
}

/// Twelve faults in a row are more than the eight that others may have.
#[actix::test]
async fn who_only_tells_ends_nobody_else_however_often_it_fails() {
    let mut tree = tree(ChildSpec::only_tells, |life| life <= 12);
    for _ in 1..=12 {
        let event = tree.next_fault().await;
        assert_eq!((&*event.actor, event.fault), ("Probe", FaultKind::Error));
        assert!(event.restart_after.is_some());
    }
    assert_eq!(tree.life().await, 13);
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn recipients_survive_the_restart_of_a_whole_subtree() {
    let mut tree = tree(|spec| spec, |_| false);
    assert_eq!(tree.life().await, 1);
    let message = InjectFault { actor: "Middle".into(), fault: FaultKind::Panic };
    assert_eq!(tree.root.faults().ask_again(message, SOON).await, Ok(true));
    assert_eq!(&*tree.next_fault().await.actor, "Middle");
    while tree.life().await != 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn faults_for_unknown_actors_are_not_found() {
    let tree = tree(|spec| spec, |_| false);
    tree.life().await;
    let message = InjectFault { actor: "Nobody".into(), fault: FaultKind::Panic };
    assert_eq!(tree.root.faults().ask_again(message, SOON).await, Ok(false));
    assert_eq!(tree.root.stop().await, RootExit::Stopped);
}

#[actix::test]
async fn a_lasting_fault_ends_the_tree_with_the_settings_of_production() {
    // Short delays keep the test short; counts and windows are those of `ChildSpec`.
    let (watchers, mut events) = unbounded_channel();
    let slot = Slot::<Probe>::new("Probe");
    let spec = ChildSpec::new(&slot, || Err(Broken))
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let middle = ChildSpec::supervisor("Middle", vec![spec], watchers.clone())
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let mut root = Root::start("Root", vec![middle], watchers);
    let exit = tokio::time::timeout(SOON, root.ended()).await.expect("in time");
    assert!(matches!(exit, RootExit::GaveUp(_)), "{exit:?}");
    let mut n_faults = 0;
    while let Ok(event) = events.try_recv() {
        n_faults += u32::from(&*event.actor == "Probe");
    }
    assert_eq!(n_faults, 3 * 9, "nine in each of the three lives of the supervisor");
}

/// Reports that it is dropped, after a while.
struct SlowToEnd(tokio::sync::mpsc::UnboundedSender<&'static str>);

impl Resident for SlowToEnd {
    type Error = Broken;

    fn started(&mut self, _: &mut Context<'_, Self>) -> Result<(), Broken> {
        let _ = self.0.send("started");
        Ok(())
    }
}

impl Drop for SlowToEnd {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(100));
        let _ = self.0.send("ended");
    }
}

#[actix::test]
async fn a_new_life_begins_only_after_the_old_one_has_let_go() {
    let (sender, mut said) = unbounded_channel();
    let (watchers, _events) = unbounded_channel();
    let slot = Slot::<SlowToEnd>::new("SlowToEnd");
    let spec = ChildSpec::new(&slot, move || Ok(SlowToEnd(sender.clone())));
    let middle = ChildSpec::supervisor("Middle", vec![spec], watchers.clone())
        .backoff(Duration::from_millis(1), Duration::from_millis(2));
    let root = Root::start("Root", vec![middle], watchers);
    assert_eq!(said.recv().await, Some("started"));
    let message = InjectFault { actor: "Middle".into(), fault: FaultKind::Panic };
    assert_eq!(root.faults().ask_again(message, SOON).await, Ok(true));
    assert_eq!(said.recv().await, Some("ended"));
    assert_eq!(said.recv().await, Some("started"));
    assert_eq!(root.stop().await, RootExit::Stopped);
    assert_eq!(said.recv().await, Some("ended"));
}
