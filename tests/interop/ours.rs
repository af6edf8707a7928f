//! Our side: an axon whose miner does what the question says, and a dendrite.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sn1::chain::{AxonInfo, Uid};
use sn1::synapse::SDK_VERSION;
use sn1::synapse::body::Prompt;
use sn1::wallet::{AccountId, Keypair};
use sn1_actors::axon::{Answering, AxonSettings, ChunkSink, Miner, MinerError, StandaloneAxon};
use sn1_actors::dendrite::{Dendrite, DendriteLimits, DendriteSettings};
use sn1_actors::messages::miners::{Answer, AskMiners, Target};
use sn1_actors::supervision::{ChildSpec, Recipient, Root, RootExit, Slot};
use tokio::sync::mpsc;

use crate::sdk::{THEIR_CALLER, TheirAxon, account};

const SOON: Duration = Duration::from_secs(60);
const OUR_AXON: &str = "//interop//axon";
/// The key that our dendrite signs with.
pub(crate) const OUR_CALLER: &str = "//interop//dendrite";
/// Length of the huge answer in bytes.
pub(crate) const HUGE_BYTES: usize = 2 << 20;

/// A miner that does what the last message says, or else repeats it.
struct Puppet {
    ends: mpsc::UnboundedSender<String>,
}

/// Reports how an answer ended, even when it was dropped before its end.
struct End {
    behaviour: String,
    ends: mpsc::UnboundedSender<String>,
}

impl Drop for End {
    fn drop(&mut self) {
        // Fails only when the test is over.
        let _ = self.ends.send(std::mem::take(&mut self.behaviour));
    }
}

impl Miner for Puppet {
    fn answer(&self, prompt: Prompt, _: Duration, sink: ChunkSink) -> Answering {
        let behaviour = prompt.messages.last().cloned().unwrap_or_default();
        let end = End { behaviour: behaviour.clone(), ends: self.ends.clone() };
        Box::pin(async move {
            let _end = end;
            perform(&behaviour, &prompt, &sink).await
        })
    }
}

async fn perform(behaviour: &str, prompt: &Prompt, sink: &ChunkSink) -> Result<(), MinerError> {
    let bug = || Err(MinerError::Failed("on purpose".to_owned()));
    match behaviour {
        "!empty" => {}
        "!silent" => std::future::pending().await,
        "!slow" => {
            sink.send("first").await?;
            std::future::pending().await
        }
        "!fail" => return bug(),
        "!break" => {
            sink.send("first").await?;
            return bug();
        }
        "!panic" => {
            sink.send("first").await?;
            panic!("on purpose");
        }
        "!garbage" => sink.send_bytes(Bytes::from_static(b"\xff\xfe\x00\xc3\x28\x80\xf5")).await?,
        "!huge" => {
            let chunk = Bytes::from(vec![b'x'; 64 << 10]);
            for _ in 0..HUGE_BYTES / chunk.len() {
                sink.send_bytes(chunk.clone()).await?;
            }
        }
        "!everything" => {
            for (role, message) in prompt.roles.iter().zip(&prompt.messages) {
                sink.send(format!("{role}: {message}\n")).await?;
            }
        }
        said => {
            let words: Vec<&str> = said.split_inclusive(' ').collect();
            for chunk in words.chunks(12) {
                sink.send(chunk.concat()).await?;
            }
        }
    }
    Ok(())
}

/// Our axon, without a chain, for their usual caller.
pub(crate) struct OurAxon {
    axon: StandaloneAxon,
    ends: mpsc::UnboundedReceiver<String>,
}

impl OurAxon {
    /// Serves on a free loopback port, with the default limits and rules.
    pub(crate) fn start() -> Self {
        let (sender, ends) = mpsc::unbounded_channel();
        let settings = AxonSettings::new("Axon", Keypair::from_dev_path(OUR_AXON).unwrap());
        let callers = [(account(THEIR_CALLER), 1000.0)];
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let miner = Arc::new(Puppet { ends: sender });
        let axon = StandaloneAxon::start(listen, settings, &callers, miner).unwrap();
        Self { axon, ends }
    }

    /// The address that it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.axon.address()
    }

    /// The hotkey that it serves for.
    pub(crate) fn hotkey(&self) -> AccountId {
        account(OUR_AXON)
    }

    /// Waits for the end of an answer, whole or dropped; returns its question.
    pub(crate) fn ended(&mut self) -> String {
        let ends = &mut self.ends;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let ended = async { tokio::time::timeout(SOON, ends.recv()).await };
        runtime.block_on(ended).expect("no answer ended").unwrap()
    }
}

/// Our dendrite under a supervisor, for axons on loopback.
pub(crate) struct OurDendrite {
    root: Root,
    dendrite: Recipient<AskMiners>,
}

impl OurDendrite {
    /// Starts the dendrite; answers beyond `max_answer_bytes` are cut off.
    pub(crate) fn start(max_answer_bytes: usize) -> Self {
        let slot = Slot::new("Dendrite");
        let settings = DendriteSettings {
            hotkey: Keypair::from_dev_path(OUR_CALLER).unwrap(),
            external_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            allow_local_addresses: true,
            limits: DendriteLimits { max_answer_bytes, ..DendriteLimits::default() },
        };
        let child = ChildSpec::new(&slot, move || Dendrite::new(settings.clone()));
        let root = Root::start("Node", vec![child], mpsc::unbounded_channel().0);
        Self { root, dendrite: slot.recipient() }
    }

    /// Asks axons at once; returns the answers in the same order.
    pub(crate) async fn ask(
        &self,
        axons: &[TheirAxon],
        messages: &[&str],
        timeout: Duration,
    ) -> Vec<Answer> {
        let targets =
            (0..).zip(axons).map(|(uid, axon)| target(uid, axon.address(), axon.hotkey()));
        self.ask_targets(targets.collect(), messages, timeout).await
    }

    /// Asks targets at once; returns the answers by uid.
    pub(crate) async fn ask_targets(
        &self,
        targets: Vec<Target>,
        messages: &[&str],
        timeout: Duration,
    ) -> Vec<Answer> {
        let ask = AskMiners {
            targets,
            roles: ["user", "assistant"]
                .iter()
                .cycle()
                .take(messages.len())
                .map(ToString::to_string)
                .collect(),
            messages: messages.iter().map(ToString::to_string).collect(),
            timeout,
            progress: None,
        };
        let mut receiver = self.dendrite.ask_again(ask, SOON).await.unwrap();
        let mut answers = Vec::new();
        while let Some(answer) = receiver.recv().await {
            answers.push(answer);
        }
        answers.sort_by_key(|answer| answer.target.uid);
        answers
    }

    /// Stops the tree in order.
    pub(crate) async fn stop(self) {
        assert_eq!(self.root.stop().await, RootExit::Stopped);
    }
}

/// A target at this address.
pub(crate) fn target(uid: u16, address: SocketAddr, hotkey: AccountId) -> Target {
    Target { uid: Uid(uid), hotkey, axon: AxonInfo::for_address(address, SDK_VERSION) }
}
