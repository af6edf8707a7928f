//! Everything that can be wrong is found here, before anything is started.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sn1::llm::tokenizer::Tokenizer;
use sn1::store::{Store, StoreError};
use sn1::wallet::{AccountId, Keypair};

use super::cast::{CastMiner, cast};
use super::{Options, setup};
use crate::app::Failure;
use crate::app::machine::{LockedFolder, bind, unwritable};
use crate::app::models;
use crate::clock::unix_ns;
use crate::devnode::{DevNodeError, PreparedDevNode};
use crate::exit::Exit;
use crate::inference::Capability;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::settings::Settings;

/// What a state folder was made for.
const FACTS_FILE: &str = "localnet.json";

/// A neuron's two keys.
#[derive(Debug, Clone)]
pub struct NeuronKeys {
    /// Pays and owns.
    pub coldkey: Keypair,
    /// Signs.
    pub hotkey: Keypair,
}

impl NeuronKeys {
    fn derive(seed: u64, role: &str) -> Result<Self, Failure> {
        let key = |kind: &str| {
            Keypair::from_dev_path(&key_path(seed, role, kind))
                .map_err(|error| Failure::usage(error.to_string()))
        };
        Ok(Self { coldkey: key("cold")?, hotkey: key("hot")? })
    }
}

fn key_path(seed: u64, role: &str, kind: &str) -> String {
    format!("//sn1//localnet//{seed}//{role}//{kind}")
}

/// The derivation path of the validator's hotkey, from the development phrase.
pub(super) fn validator_path(seed: u64) -> String {
    key_path(seed, "validator", "hot")
}

/// All keys of a local net, derived from its seed.
#[derive(Debug, Clone)]
pub struct LocalnetKeys {
    /// The validator's.
    pub validator: NeuronKeys,
    /// The miners', in order.
    pub miners: Vec<NeuronKeys>,
}

/// A miner that is about to be started.
#[derive(Debug)]
pub struct PreparedMiner {
    /// What it does.
    pub kind: &'static CastMiner,
    /// Its hotkey's address.
    pub hotkey: AccountId,
    /// Where it will serve; bound already.
    pub listener: TcpListener,
}

/// The state folder, locked for this process.
#[derive(Debug)]
pub struct StateFolder {
    folder: LockedFolder,
    is_kept: bool,
}

impl StateFolder {
    /// Scores, journal and turns.
    pub fn validator_file(&self) -> PathBuf {
        self.folder.path().join("validator.sqlite")
    }

    /// The event history.
    pub fn events_file(&self) -> PathBuf {
        self.folder.path().join("events.sqlite")
    }

    /// The dev chain.
    pub fn chain_file(&self) -> PathBuf {
        self.folder.path().join("chain.sqlite")
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        if !self.is_kept {
            // Left behind at worst; it is in the system's folder for such files.
            let _ = std::fs::remove_dir_all(self.folder.path());
        }
    }
}

/// All that a run needs, checked and bound.
pub struct Prepared {
    /// What answers and embeds.
    pub backends: ChosenBackends,
    /// The models' files.
    pub inference: InferenceSettings,
    /// The model's tokenizer.
    pub tokenizer: Arc<Tokenizer>,
    /// Keys.
    pub keys: Arc<LocalnetKeys>,
    /// Miners with their listeners.
    pub miners: Vec<PreparedMiner>,
    /// The listener of the pages.
    pub telemetry: TcpListener,
    /// The chain, open, and its port, bound.
    pub chain: PreparedDevNode,
    /// Where the state is.
    pub state: StateFolder,
}

/// Checks the machine against the settings, opens and binds.
///
/// # Errors
/// The first thing that is wrong, in one sentence; nothing is left started.
pub fn prepare(settings: &Settings, options: &Options) -> Result<Prepared, Failure> {
    let backends = ChosenBackends::default();
    let has_model = backends.offer(Capability::Generate);
    check_tasks(settings, has_model)?;
    check_report(options)?;
    let folder = &settings.models.folder;
    models::note_device(&settings.neuron.device);
    let (model, tokenizer) = models::find_model(&settings.neuron.model_id, folder)?;
    let encoder = Some(models::find_encoder(&settings.models.encoder, folder)?);
    let inference = InferenceSettings { model, encoder, n_threads: settings.neuron.threads };
    backends.check(&inference)?;
    let keys = derive_keys(settings)?;
    let telemetry = bind(loopback(settings.telemetry.port), "the metrics", "telemetry.port")?;
    let miners = prepare_miners(settings, &keys, has_model)?;
    let state = open_state(settings, options)?;
    let chain = open_chain(settings, &keys, &state)?;
    let keys = Arc::new(keys);
    Ok(Prepared { backends, inference, tokenizer, keys, miners, telemetry, chain, state })
}

/// Scores and journal are of their chain: without it, none of the folder is of use.
fn open_chain(
    settings: &Settings,
    keys: &LocalnetKeys,
    state: &StateFolder,
) -> Result<PreparedDevNode, Failure> {
    let opened = PreparedDevNode::open(setup::chain_settings(settings, keys, state.chain_file()));
    opened.map_err(|error| match error {
        DevNodeError::State(StoreError::OtherChain { reason, .. }) => Failure::new(
            Exit::Damaged,
            format!(
                "{} holds the chain of another version of this software ({reason}), which this one \
                 cannot go on from: move the state folder away to start afresh",
                state.folder.path().display()
            ),
        ),
        error => error.into(),
    })
}

fn check_tasks(settings: &Settings, has_model: bool) -> Result<(), Failure> {
    let needs_model = settings.neuron.tasks.iter().any(|kind| kind.definition().needs_model());
    if has_model || !needs_model {
        return Ok(());
    }
    let text = "this build has no libtorch and so no language model: build with default features, \
                or run with --neuron.tasks math --neuron.task_p 1";
    Err(Failure::usage(text.to_owned()))
}

fn check_report(options: &Options) -> Result<(), Failure> {
    let Some(path) = &options.report else { return Ok(()) };
    let opened = File::options().append(true).create(true).open(path);
    opened.map(drop).map_err(|error| unwritable(path, error))
}

fn derive_keys(settings: &Settings) -> Result<LocalnetKeys, Failure> {
    let seed = settings.localnet.seed;
    let miners =
        (0..settings.localnet.miners).map(|i| NeuronKeys::derive(seed, &format!("miner//{i}")));
    Ok(LocalnetKeys {
        validator: NeuronKeys::derive(seed, "validator")?,
        miners: miners.collect::<Result<_, _>>()?,
    })
}

/// What must stay the same from one run on a folder to the next.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderFacts {
    seed: u64,
    netuid: u16,
    miners: u16,
    tempo: u16,
}

fn open_state(settings: &Settings, options: &Options) -> Result<StateFolder, Failure> {
    let (path, is_kept) = match &options.keep {
        Some(path) => (path.clone(), true),
        None => {
            let name = format!("sn1-localnet-{}-{}", std::process::id(), unix_ns());
            (std::env::temp_dir().join(name), false)
        }
    };
    let state = StateFolder { folder: LockedFolder::open(path)?, is_kept };
    let facts = FolderFacts {
        seed: settings.localnet.seed,
        netuid: settings.netuid,
        miners: settings.localnet.miners,
        tempo: settings.localnet.tempo,
    };
    if let Some(found) = state.folder.differs(FACTS_FILE, &facts)? {
        return Err(Failure::usage(format!(
            "{} says that this state is of seed {}, subnet {}, {} miners and tempo {}: use the \
             same, or another folder",
            state.folder.path().join(FACTS_FILE).display(),
            found.seed,
            found.netuid,
            found.miners,
            found.tempo
        )));
    }
    let damaged = |error: StoreError| Failure::new(Exit::Damaged, error.to_string());
    Store::open(&state.validator_file()).and_then(|store| store.load_scores()).map_err(damaged)?;
    Store::open(&state.events_file()).map_err(damaged)?;
    Ok(state)
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn prepare_miners(
    settings: &Settings,
    keys: &LocalnetKeys,
    has_model: bool,
) -> Result<Vec<PreparedMiner>, Failure> {
    let first = settings.axon.port;
    let n_miners = settings.localnet.miners;
    if first != 0 && first.checked_add(n_miners - 1).is_none() {
        return Err(Failure::usage(format!(
            "--axon.port {first} leaves no room for {n_miners} miners below port 65536"
        )));
    }
    let ports = (0..n_miners).map(|i| if first == 0 { 0 } else { first + i });
    let slots = keys.miners.iter().zip(cast(has_model)).zip(ports);
    slots
        .map(|((keys, kind), port)| {
            let listener = bind(loopback(port), "a miner's axon", "axon.port")?;
            Ok(PreparedMiner { kind, hotkey: keys.hotkey.account_id(), listener })
        })
        .collect()
}
