//! State folders of version 0.1.0, as archives in `tests/data/state`: this version opens them and
//! continues from their chain, scores, steps, events and journal. An archive is never remade to
//! please a test: it contains what operators have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "the tests of the chain itself use more of it")]
#[path = "devchain/process.rs"]
mod process;

#[expect(dead_code, reason = "the tests of the roles use more of it")]
#[path = "roles/node.rs"]
mod node;

use std::path::{Path, PathBuf};
use std::process::Command;

use node::{Home, Node};
use process::DevChain;
use sn1::chain::CommitRecord;
use sn1::devchain::node::DevNode;
use sn1::store::{ChainStore, ScoreState, Store};

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Unpacks the archive of a run.
fn unpack(name: &str, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let archive = checkout().join("tests/data/state").join(name);
    let status = Command::new("tar").arg("xzf").arg(archive).arg("-C").arg(folder).status();
    assert!(status.unwrap().success());
}

/// The content of a state folder.
#[derive(Debug)]
struct Kept {
    block: u64,
    scores: ScoreState,
    n_events: u64,
    journal: Vec<CommitRecord>,
}

impl Kept {
    fn read(folder: &Path) -> Self {
        let store = Store::open(&folder.join("validator.sqlite")).unwrap();
        let events = Store::open(&folder.join("events.sqlite")).unwrap();
        let chain = ChainStore::open(&folder.join("chain.sqlite")).unwrap();
        Self {
            block: chain.load::<DevNode>().unwrap().unwrap().best().number,
            scores: store.load_scores().unwrap(),
            n_events: events.count_events("step").unwrap(),
            journal: store.commits().unwrap(),
        }
    }

    /// Nothing was lost, and a weight setting was added.
    fn goes_on_from(&self, before: &Self) {
        assert!(self.block > before.block, "{self:?} after {before:?}");
        assert!(self.scores.turns > before.scores.turns, "{self:?} after {before:?}");
        assert!(self.scores.steps > before.scores.steps, "{self:?} after {before:?}");
        assert!(self.n_events > before.n_events, "{self:?} after {before:?}");
        let hotkeys = |kept: &Self| -> Vec<_> {
            kept.scores.miners.iter().map(|miner| miner.hotkey).collect()
        };
        assert_eq!(hotkeys(self), hotkeys(before));
        let (old, new) = self.journal.split_at(before.journal.len());
        assert_eq!(old, before.journal);
        let landed = new.iter().filter_map(CommitRecord::landed).collect::<Vec<_>>();
        assert!(landed.iter().any(|block| *block > before.block), "{landed:?}");
    }
}

#[test]
fn a_local_net_goes_on_from_the_state_of_version_0_1_0() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("state");
    unpack("localnet.tar.gz", &folder);
    let before = Kept::read(&folder);
    assert!(before.scores.steps > 0 && before.n_events > 0 && !before.journal.is_empty());
    let flags = ["--block-time", "100ms", "--neuron.timeout", "1", "--seed", "7", "--miners", "4"];
    let tasks = ["--neuron.tasks", "math", "--neuron.task_p", "1", "--neuron.epoch_length", "8"];
    let mut command = process::sn1(&["localnet", "--telemetry.port", "0"]);
    command.args(flags).args(tasks).env("SN1_LOCALNET__TEMPO", "10");
    let report = home.path().join("report.json");
    command.current_dir(checkout()).arg("--keep").arg(&folder).arg("--report").arg(&report);
    let mut node = Node::start(&mut command);
    node.line_with("step ");
    node.line_with("weights on chain");
    assert_eq!(node.terminate(), Some(0));
    let after = Kept::read(&folder);
    after.goes_on_from(&before);
    let report = std::fs::read_to_string(report).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let this_run = report["turns_this_run"].as_u64().unwrap();
    assert_eq!(after.scores.turns, before.scores.turns + this_run, "{report}");
}

/// Starts the chain and the validator of a folder again.
fn validator(home: &Home, folder: &Path, chain: &DevChain) -> Command {
    let mut command = home.node("validator", chain.url());
    command.args(["--neuron.tasks", "math", "--neuron.task_p", "1", "--neuron.timeout", "1"]);
    command.args(["--neuron.epoch_length", "8", "--state.folder"]).arg(folder);
    command.arg("--models.folder").arg(checkout().join("models"));
    command
}

/// Its miner is gone for good, so the weights that it sets come from the old scores.
#[test]
fn a_validator_goes_on_from_the_state_of_version_0_1_0() {
    let home = Home::of("//Validator");
    let folder: PathBuf = home.path().join("state");
    unpack("validator.tar.gz", &folder);
    let before = Kept::read(&folder);
    assert!(before.scores.miners.iter().any(|miner| miner.score > 0.0), "{before:?}");
    let state = folder.join("chain.sqlite");
    let quick = ["--block-time", "100ms", "--tempo", "10", "--state-file"];
    let chain = DevChain::start(&[&quick[..], &[state.to_str().unwrap()]].concat());
    let mut node = Node::start(&mut validator(&home, &folder, &chain));
    node.line_with("step ");
    node.line_with("weights of");
    assert_eq!(node.terminate(), Some(0));
    drop(chain);
    Kept::read(&folder).goes_on_from(&before);
}
