//! The preflight of a local net, and what it leaves for the run.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sn1::llm::tokenizer::Tokenizer;
use sn1::store::StoreError;
use sn1::wallet::AccountId;

use super::Options;
use super::cast::{CastMiner, cast};
use super::genesis::chain_settings;
use super::keys::LocalnetKeys;
use crate::app::machine::{bind, unwritable};
use crate::app::preflight::{Check, Outcome, Preflight, Verdict, found, open_files, take};
use crate::app::state::{Facts, StateFolder};
use crate::app::{Failure, models};
use crate::clock::unix_ns;
use crate::devnode::{DevNodeError, PreparedDevNode};
use crate::exit::Exit;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::messages::inference::Capability;
use crate::settings::LocalnetConfig;

/// A miner that is about to be started.
#[derive(Debug)]
pub(super) struct PreparedMiner {
    /// The miner that will answer.
    pub(super) kind: &'static CastMiner,
    /// Its hotkey's address.
    pub(super) hotkey: AccountId,
    /// The listener of its axon, already bound.
    pub(super) listener: TcpListener,
}

/// All that a run needs, checked and bound.
pub(super) struct Prepared {
    /// The back ends that generate and embed.
    pub(super) backends: ChosenBackends,
    /// The paths of the models' files.
    pub(super) inference: InferenceSettings,
    /// The model's tokenizer.
    pub(super) tokenizer: Arc<Tokenizer>,
    /// The keys of all neurons.
    pub(super) keys: Arc<LocalnetKeys>,
    /// Miners with their listeners.
    pub(super) miners: Vec<PreparedMiner>,
    /// The listener of the pages.
    pub(super) pages: TcpListener,
    /// The opened chain and its bound port.
    pub(super) chain: PreparedDevNode,
    /// The folder of the state.
    pub(super) state: StateFolder,
}

/// What the checks share.
pub(super) struct LocalnetGround<'a> {
    settings: &'a LocalnetConfig,
    options: &'a Options,
    backends: ChosenBackends,
    models: Option<(InferenceSettings, Arc<Tokenizer>)>,
    keys: Option<Arc<LocalnetKeys>>,
    pages: Option<TcpListener>,
    miners: Option<Vec<PreparedMiner>>,
    state: Option<StateFolder>,
    chain: Option<PreparedDevNode>,
}

/// Everything that can be wrong with a local net.
pub(super) fn preflight<'a>() -> Preflight<LocalnetGround<'a>> {
    Preflight(vec![
        Check::now("open files", "the limit of open files", open_files),
        Check::now("tasks", "tasks that this build can make", check_tasks),
        Check::now("report", "the file of the report", check_report),
        Check::now("models", "the language model and the sentence encoder", find_models),
        Check::now("keys", "keys by the seed", derive_keys),
        Check::now("pages", "the port of metrics and health", bind_pages),
        Check::now("axons", "the ports of the miners", bind_axons),
        Check::now("state", "the state folder, for this net alone", open_state),
        Check::now("chain", "the chain's file and port", open_chain),
    ])
}

impl<'a> LocalnetGround<'a> {
    /// Nothing is checked yet.
    pub(super) fn new(settings: &'a LocalnetConfig, options: &'a Options) -> Self {
        let backends = ChosenBackends::default();
        let (models, keys, pages, miners, state, chain) = (None, None, None, None, None, None);
        Self { settings, options, backends, models, keys, pages, miners, state, chain }
    }

    /// What the checks left.
    ///
    /// # Errors
    /// A check that was not run.
    pub(super) fn prepared(self) -> Result<Prepared, Failure> {
        let (inference, tokenizer) = take(self.models, "models")?;
        Ok(Prepared {
            backends: self.backends,
            inference,
            tokenizer,
            keys: take(self.keys, "keys")?,
            miners: take(self.miners, "axons")?,
            pages: take(self.pages, "pages")?,
            chain: take(self.chain, "chain")?,
            state: take(self.state, "state")?,
        })
    }
}

fn check_tasks(on: &mut LocalnetGround<'_>) -> Verdict {
    let mut tasks = on.settings.asking.conversation.tasks.iter();
    let needs_model = tasks.any(|kind| kind.definition().needs_model());
    if on.backends.offer(Capability::Generate) || !needs_model {
        return Ok(Outcome::pass());
    }
    let text = "this build has no libtorch and so no language model: build with default features, \
                or run with --neuron.tasks math --neuron.task_p 1";
    Err(Failure::usage(text).into())
}

fn check_report(on: &mut LocalnetGround<'_>) -> Verdict {
    if let Some(path) = &on.options.report {
        let opened = File::options().append(true).create(true).open(path);
        opened.map_err(|error| unwritable(path, error))?;
    }
    Ok(Outcome::pass())
}

fn find_models(on: &mut LocalnetGround<'_>) -> Verdict {
    let asking = &on.settings.asking;
    let folder = asking.folder.folder.resolved();
    models::note_devices(&asking.compute.device);
    let (model, tokenizer) = models::find_model(&asking.model.model_id.resolved(), &folder)?;
    let encoder = Some(models::find_encoder(&asking.encoder.encoder.resolved(), &folder)?);
    let inference = InferenceSettings { model, encoder, n_threads: asking.compute.threads };
    on.backends.check(&inference).map_err(Failure::from)?;
    on.models = Some((inference, tokenizer));
    Ok(Outcome::pass())
}

fn derive_keys(on: &mut LocalnetGround<'_>) -> Verdict {
    on.keys = Some(Arc::new(LocalnetKeys::derive(on.settings)?));
    Ok(Outcome::pass())
}

fn bind_pages(on: &mut LocalnetGround<'_>) -> Verdict {
    let address = loopback(on.settings.pages.port);
    on.pages = Some(bind(address, "the metrics", "telemetry.port")?);
    Ok(Outcome::pass())
}

fn bind_axons(on: &mut LocalnetGround<'_>) -> Verdict {
    let (first, n_miners) = (on.settings.axon.port, on.settings.localnet.miners);
    if first != 0 && first.checked_add(n_miners - 1).is_none() {
        let text =
            format!("--axon.port {first} leaves no room for {n_miners} miners below port 65536");
        return Err(Failure::usage(text).into());
    }
    let ports = (0..n_miners).map(|i| if first == 0 { 0 } else { first + i });
    let kinds = cast(on.backends.offer(Capability::Generate));
    let slots = found(&on.keys, "keys")?.miners.iter().zip(kinds).zip(ports);
    let miners = slots.map(|((keys, kind), port)| {
        let listener = bind(loopback(port), "a miner's axon", "axon.port")?;
        Ok(PreparedMiner { kind, hotkey: keys.hotkey.account_id(), listener })
    });
    let miners = miners.collect::<Result<_, Failure>>()?;
    on.miners = Some(miners);
    Ok(Outcome::pass())
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// What must stay the same from one run on a folder to the next.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LocalnetFacts {
    seed: u64,
    netuid: u16,
    miners: u16,
    tempo: u16,
}

impl Facts for LocalnetFacts {
    const FILE: &'static str = "localnet.json";

    fn refusal(&self, file: &Path) -> Failure {
        Failure::usage(format!(
            "{} says that this state is of seed {}, subnet {}, {} miners and tempo {}: use the \
             same, or another folder",
            file.display(),
            self.seed,
            self.netuid,
            self.miners,
            self.tempo
        ))
    }
}

fn open_state(on: &mut LocalnetGround<'_>) -> Verdict {
    let facts = LocalnetFacts {
        seed: on.settings.localnet.seed,
        netuid: on.settings.subnet.netuid,
        miners: on.settings.localnet.miners,
        tempo: on.settings.localnet.tempo,
    };
    let state = match &on.options.keep {
        Some(path) => StateFolder::open(path.clone(), &facts)?,
        None => {
            let name = format!("sn1-localnet-{}-{}", std::process::id(), unix_ns());
            StateFolder::temporary(std::env::temp_dir().join(name), &facts)?
        }
    };
    state.validator_file()?;
    state.events_file()?;
    on.state = Some(state);
    Ok(Outcome::pass())
}

/// Scores and journal are of their chain: without it, none of the folder is of use.
fn open_chain(on: &mut LocalnetGround<'_>) -> Verdict {
    let (keys, state) = (found(&on.keys, "keys")?, found(&on.state, "state")?);
    let opened = PreparedDevNode::open(chain_settings(on.settings, keys, state.chain_file()));
    let opened = opened.map_err(|error| match error {
        DevNodeError::State(StoreError::OtherChain { reason, .. }) => {
            let text = format!(
                "{} holds the chain of another version of this software ({reason}), which this one \
                 cannot go on from: move the state folder away to start afresh",
                state.path().display()
            );
            Failure::new(Exit::Damaged, text)
        }
        error => error.into(),
    })?;
    on.chain = Some(opened);
    Ok(Outcome::pass())
}
