//! `sn1 miner`: one axon, and what keeps its address on chain.

use std::net::TcpListener;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use sn1::llm::model_file::ModelFile;
use sn1::llm::request::GenerateSettings;
use sn1::llm::schedule::EngineSettings;

use super::console::Console;
use super::preflight::{Passed, Preflight, Ready, Verdict, listener, open_files};
use super::{Failure, RoleOptions};
use crate::app::models;
use crate::app::parts::{Inference, MinerSettings};
use crate::app::tree::NodeParts;
use crate::axon::{Miner, Publishing, check, published_as};
use crate::exit::Exit;
use crate::inference::backends::{ChosenBackends, InferenceSettings};
use crate::messages::inference::Capability;
use crate::miners::{self, Build, MinerKind, MinerOptions, UnknownMiner};
use crate::settings::{Loaded, MinerAxonSection, MinerConfig, MinerSection, Role, SettingsError};

/// What answers, and the actors that it needs.
struct Responder {
    miner: Arc<dyn Miner>,
    inference: Option<Inference>,
}

/// Checks everything, then serves until a signal comes or the tree gives up.
///
/// # Errors
/// See [`Failure`].
pub async fn miner(
    settings: MinerConfig,
    kind: MinerKind,
    options: RoleOptions,
    metrics: PrometheusHandle,
) -> Result<(), Failure> {
    let console = Console::with_notices(&options.notices);
    let preflight = Preflight { console: &console };
    let responder = responder(&settings, kind);
    let Responder { miner, inference } =
        preflight.check("miner", "what answers, and its language model", responder)?;
    let axon = preflight.check("axon", "the port of the axon", bind_axon(&settings))?;
    preflight.check("open files", "the limit of open files", open_files())?;
    let ready = preflight.node(Role::Miner, &settings.node, &options).await?;
    let reachable = check_reachable(&settings, &ready, &axon);
    preflight.check("reachable", "an address that others can dial", reachable)?;
    ready
        .run(&options, console, |ready, console| {
            let miner = settings_of_axon(&settings, ready, miner, axon, console)?;
            let parts = ready.parts(&settings.node, metrics)?;
            Ok(NodeParts { inference, miners: vec![miner], ..parts })
        })
        .await
}

fn bind_axon(settings: &MinerConfig) -> Verdict<TcpListener> {
    let MinerAxonSection { port, ip, trusted_proxies: _ } = settings.axon;
    // A router sends the published port to the one that it was told.
    let port = if settings.node.published.external_port == 0 { port } else { port.firm() };
    listener(ip, port, "the axon", "axon.port")
}

/// Makes the chosen miner, with a language model where it needs one.
fn responder(settings: &MinerConfig, kind: MinerKind) -> Verdict<Responder> {
    let options = options_of(settings);
    Ok(match kind.build() {
        Build::Alone(build) => Responder { miner: build(options), inference: None },
        Build::WithModel(build) => {
            let inference = inference(settings)?;
            let miner = build(options, inference.pool.clone());
            Responder { miner, inference: Some(inference) }
        }
    }
    .into())
}

/// The chosen miner.
///
/// # Errors
/// A name that no miner has.
pub fn kind(loaded: &Loaded<MinerConfig>) -> Result<MinerKind, SettingsError> {
    let name = &loaded.config.miner.miner;
    let rule = || format!("one of {}", miners::names().join(", "));
    name.parse().map_err(|_: UnknownMiner| loaded.wrong("neuron.miner", name, rule()))
}

fn options_of(settings: &MinerConfig) -> MinerOptions {
    let MinerSection { miner: _, system_prompt, phrase, streaming_batch_size } = &settings.miner;
    MinerOptions {
        system_prompt: system_prompt.clone(),
        phrase: phrase.clone(),
        sampling: GenerateSettings { seed: rand::random(), ..settings.sampling.generation() },
        tokens_per_chunk: *streaming_batch_size,
    }
}

fn inference(settings: &MinerConfig) -> Result<Inference, Failure> {
    let backends = ChosenBackends::default();
    if !backends.offer(Capability::Generate) {
        let text = "this build has no libtorch and so no language model: choose --miner echo or \
                    --miner phrase, or build with default features";
        return Err(Failure::new(Exit::Unavailable, text.to_owned()));
    }
    models::note_devices(&settings.compute.device);
    let folder = settings.folder.folder.resolved();
    let (model, file) = models::find_model(&settings.model.model_id.resolved(), &folder)?;
    check_system_prompt(&settings.miner.system_prompt, &file)?;
    let n_threads = settings.compute.threads;
    let settings = InferenceSettings { model, encoder: None, n_threads };
    Ok(Inference::new(&backends, &settings))
}

/// Every request begins with the system message: it must leave room for a question.
fn check_system_prompt(system_prompt: &str, file: &ModelFile) -> Result<(), Failure> {
    let n_tokens = file.tokenizer.count_tokens(system_prompt);
    let context = file.config.context.min(EngineSettings::default().arena_tokens);
    if n_tokens <= context / 2 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`neuron.system_prompt` has {n_tokens} tokens, more than half of the {context} that the model \
         takes: shorten it"
    )))
}

/// A miner that nobody can reach earns nothing, and does not notice.
fn check_reachable(settings: &MinerConfig, ready: &Ready, axon: &TcpListener) -> Verdict<()> {
    if settings.node.published.off {
        return Ok(().into());
    }
    if ready.is_reachable() {
        return check_address(settings, ready, axon);
    }
    let text = format!(
        "this machine speaks to the chain from {}, which other machines cannot dial: set \
         --axon.external_ip, and --axon.external_port where the router has another one",
        ready.external.ip()
    );
    Err(Failure::usage(text))
}

fn check_address(settings: &MinerConfig, ready: &Ready, axon: &TcpListener) -> Verdict<()> {
    let listens = axon.local_addr().map_err(Failure::unshared)?;
    let told = settings.node.published.external_port;
    let found = check(Publishing {
        external: ready.external,
        port: if told == 0 { listens.port() } else { told },
        listens,
        is_local: ready.is_local,
    });
    match found.fault {
        Some(fault) => Err(Failure::usage(fault)),
        None => Ok(Passed::warned((), found.warnings)),
    }
}

fn settings_of_axon(
    settings: &MinerConfig,
    ready: &Ready,
    miner: Arc<dyn Miner>,
    listener: TcpListener,
    console: &Console,
) -> Result<MinerSettings, Failure> {
    let bound = listener.local_addr().map_err(Failure::unshared)?;
    let record = (!settings.node.published.off).then(|| ready.record(&settings.node, bound.port()));
    let published = record
        .as_ref()
        .map_or_else(|| "not published".to_owned(), |record| published_as(record, &ready.known));
    console.say(format_args!("axon on {bound}, {published}"));
    Ok(MinerSettings {
        number: None,
        hotkey: ready.hotkey.clone(),
        listener,
        record,
        n_threads: settings.threads.threads,
        limits: settings.limits.clone(),
        rules: settings.rules.clone(),
        trusted_proxies: settings.axon.trusted_proxies.clone(),
        miner,
    })
}
