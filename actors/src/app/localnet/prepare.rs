//! The preflight of a local net, and what it leaves for the run.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sn1::store::StoreError;
use sn1::wallet::AccountId;

use super::Options;
use super::cast::cast;
use super::genesis::chain_settings;
use super::keys::LocalnetKeys;
use crate::app::Failure;
use crate::app::console::Console;
use crate::app::machine::{bind, unwritable};
use crate::app::models::AskingModels;
use crate::app::preflight::{Passed, Preflight, Verdict, listener, open_files};
use crate::app::state::{Facts, StateFolder};
use crate::clock::unix_ns;
use crate::devnode::{DevNodeError, PreparedDevNode};
use crate::exit::Exit;
use crate::inference::backends::ChosenBackends;
use crate::messages::inference::Capability;
use crate::miners::MinerDefinition;
use crate::port::Port;
use crate::settings::LocalnetConfig;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A miner that is about to be started.
#[derive(Debug)]
pub(super) struct PreparedMiner {
    pub(super) kind: &'static MinerDefinition,
    pub(super) hotkey: AccountId,
    pub(super) listener: TcpListener,
}

/// All that a run needs, checked and bound.
pub(super) struct Prepared {
    pub(super) models: AskingModels,
    pub(super) keys: Arc<LocalnetKeys>,
    pub(super) miners: Vec<PreparedMiner>,
    pub(super) pages: TcpListener,
    pub(super) chain: PreparedDevNode,
    pub(super) state: StateFolder,
}

/// Checks everything that can be wrong with a local net.
pub(super) fn prepare(settings: &LocalnetConfig, options: &Options) -> Result<Prepared, Failure> {
    let preflight = Preflight { console: &Console::new() };
    preflight.check("open files", "the limit of open files", open_files())?;
    preflight.check("tasks", "tasks that this build can make", check_tasks(settings))?;
    preflight.check("report", "the file of the report", check_report(options))?;
    let models = AskingModels::find(&settings.asking).map(Passed::from);
    let models =
        preflight.check("models", "the language model and the sentence encoder", models)?;
    let keys = LocalnetKeys::derive(settings).map(Arc::new).map(Passed::from);
    let keys = preflight.check("keys", "keys by the seed", keys)?;
    let pages = listener(LOOPBACK, settings.pages.port, "the page of metrics", "telemetry.port");
    let pages = preflight.check("pages", "the port of metrics and health", pages)?;
    let miners = bind_axons(settings, &models, &keys);
    let miners = preflight.check("axons", "the ports of the miners", miners)?;
    let state = open_state(settings, options);
    let state = preflight.check("state", "the state folder, for this net alone", state)?;
    let chain = open_chain(settings, &keys, &state);
    let chain = preflight.check("chain", "the chain's file and port", chain)?;
    Ok(Prepared { models, keys, miners, pages, chain, state })
}

fn check_tasks(settings: &LocalnetConfig) -> Verdict<()> {
    let mut tasks = settings.asking.conversation.tasks.iter();
    let needs_model = tasks.any(|kind| kind.definition().needs_model());
    if ChosenBackends::default().offer(Capability::Generate) || !needs_model {
        return Ok(().into());
    }
    let text = "this build has no libtorch and so no language model: build with default features, \
                or run with --neuron.tasks math --neuron.task_p 1";
    Err(Failure::usage(text))
}

fn check_report(options: &Options) -> Verdict<()> {
    if let Some(path) = &options.report {
        let opened = File::options().append(true).create(true).open(path);
        opened.map_err(|error| unwritable(path, error))?;
    }
    Ok(().into())
}

fn bind_axons(
    settings: &LocalnetConfig,
    models: &AskingModels,
    keys: &LocalnetKeys,
) -> Verdict<Vec<PreparedMiner>> {
    let (first, n_miners) = (settings.axon.port, settings.localnet.miners);
    if first != 0 && first.checked_add(n_miners - 1).is_none() {
        let text =
            format!("--axon.port {first} leaves no room for {n_miners} miners below port 65536");
        return Err(Failure::usage(text));
    }
    let ports = (0..n_miners).map(|i| if first == 0 { 0 } else { first + i });
    let kinds = cast(models.backends.offer(Capability::Generate));
    let miners = keys.miners.iter().zip(kinds).zip(ports).map(|((keys, kind), port)| {
        let port = Port::asked_for(port);
        let (listener, _) = bind(LOOPBACK, port, "a miner's axon", "axon.port")?;
        Ok(PreparedMiner { kind, hotkey: keys.hotkey.account_id(), listener })
    });
    miners.collect::<Result<Vec<_>, _>>().map(Passed::from)
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

fn open_state(settings: &LocalnetConfig, options: &Options) -> Verdict<StateFolder> {
    let facts = LocalnetFacts {
        seed: settings.localnet.seed,
        netuid: settings.subnet.netuid,
        miners: settings.localnet.miners,
        tempo: settings.localnet.tempo,
    };
    let state = match &options.keep {
        Some(path) => StateFolder::open(path.clone(), &facts)?,
        None => {
            let name = format!("sn1-localnet-{}-{}", std::process::id(), unix_ns());
            StateFolder::temporary(std::env::temp_dir().join(name), &facts)?
        }
    };
    state.validator_file()?;
    state.events_file()?;
    Ok(state.into())
}

/// Scores and journal belong to their chain: without it, the whole folder is useless.
fn open_chain(
    settings: &LocalnetConfig,
    keys: &LocalnetKeys,
    state: &StateFolder,
) -> Verdict<PreparedDevNode> {
    let opened = PreparedDevNode::open(chain_settings(settings, keys, state.chain_file()));
    opened.map(Passed::from).map_err(|error| match error {
        DevNodeError::State(StoreError::OtherChain { reason, .. }) => {
            let text = format!(
                "{} holds the chain of another version of this software ({reason}), which this one \
                 cannot go on from: move the state folder away to start afresh",
                state.path().display()
            );
            Failure::new(Exit::Damaged, text)
        }
        error => error.into(),
    })
}
