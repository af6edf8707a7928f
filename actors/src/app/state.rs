//! The state folder of a node: used by one process at a time, and only by the node that it was made
//! for.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sn1::store::{Store, StoreError};

use super::Failure;
use crate::app::machine::unwritable;
use crate::exit::Exit;

/// Held while a node uses the folder.
const LOCK_FILE: &str = "lock";

/// The facts that must stay the same from one run in a folder to the next.
pub(super) trait Facts: Serialize + DeserializeOwned + PartialEq {
    /// The name of the file in the folder that records them.
    const FILE: &'static str;

    /// The failure when that file records other facts.
    fn refusal(&self, file: &Path) -> Failure;
}

/// The facts of a node on a chain.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NodeFacts {
    pub(super) role: String,
    pub(super) netuid: u16,
    pub(super) hotkey: String,
    pub(super) genesis: String,
}

impl Facts for NodeFacts {
    const FILE: &'static str = "node.json";

    fn refusal(&self, file: &Path) -> Failure {
        let text = format!(
            "{} says that this state is of the {} {} on subnet {} of the chain {}, and this one is \
             not that: choose another folder with --state.folder, or move this one away",
            file.display(),
            self.role,
            self.hotkey,
            self.netuid,
            self.genesis
        );
        Failure::new(Exit::Damaged, text)
    }
}

/// The folder, which no other process uses for as long as this value lives.
#[derive(Debug)]
pub(super) struct StateFolder {
    path: PathBuf,
    _lock: File,
    is_kept: bool,
}

impl StateFolder {
    /// Makes the folder, or opens the one of an earlier run.
    pub(super) fn open<F: Facts>(path: PathBuf, facts: &F) -> Result<Self, Failure> {
        std::fs::create_dir_all(&path).map_err(|error| unwritable(&path, error))?;
        let lock = File::create(path.join(LOCK_FILE));
        let lock = lock.map_err(|error| unwritable(&path, error))?;
        if lock.try_lock().is_err() {
            return Err(unwritable(&path, "another node is using this state folder"));
        }
        keep_to(facts, &path.join(F::FILE))?;
        Ok(Self { path, _lock: lock, is_kept: true })
    }

    /// A folder that is removed when this value is dropped.
    pub(super) fn temporary<F: Facts>(path: PathBuf, facts: &F) -> Result<Self, Failure> {
        let mut state = Self::open(path, facts)?;
        state.is_kept = false;
        Ok(state)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Scores, journal and turns; opened once, so that a damaged one is found now.
    pub(super) fn validator_file(&self) -> Result<PathBuf, Failure> {
        let path = self.path().join("validator.sqlite");
        Store::open(&path).and_then(|store| store.load_scores()).map_err(damaged)?;
        Ok(path)
    }

    /// The event history; opened once, as above.
    pub(super) fn events_file(&self) -> Result<PathBuf, Failure> {
        let path = self.path().join("events.sqlite");
        Store::open(&path).map_err(damaged)?;
        Ok(path)
    }

    /// The dev chain of a local net.
    pub(super) fn chain_file(&self) -> PathBuf {
        self.path().join("chain.sqlite")
    }
}

impl Drop for StateFolder {
    fn drop(&mut self) {
        if !self.is_kept {
            // At worst it is left in the system's folder for temporary files.
            let _ = std::fs::remove_dir_all(self.path());
        }
    }
}

/// Writes down in a file what the folder is for, once; refuses what an earlier run was not for.
fn keep_to<F: Facts>(facts: &F, file: &Path) -> Result<(), Failure> {
    let Ok(text) = std::fs::read_to_string(file) else {
        let text = serde_json::to_string(facts).map_err(|error| unwritable(file, error))?;
        return std::fs::write(file, text).map_err(|error| unwritable(file, error));
    };
    match serde_json::from_str::<F>(&text) {
        Ok(found) if found == *facts => Ok(()),
        Ok(found) => Err(found.refusal(file)),
        Err(error) => {
            let text = format!(
                "{} cannot be read ({error}): move the state folder away to start afresh",
                file.display()
            );
            Err(Failure::new(Exit::Damaged, text))
        }
    }
}

/// A file of the state that cannot be read.
pub(super) fn damaged(error: StoreError) -> Failure {
    Failure::new(Exit::Damaged, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(genesis: &str) -> NodeFacts {
        let (role, hotkey) = ("miner".to_owned(), "5F".to_owned());
        NodeFacts { role, netuid: 1, hotkey, genesis: genesis.to_owned() }
    }

    #[test]
    fn a_folder_is_used_by_one_process_and_for_one_chain() {
        let folder = tempfile::tempdir().unwrap();
        let path = || folder.path().join("a/b");
        let open = StateFolder::open(path(), &facts("0x1")).unwrap();
        assert_eq!(open.path(), path());
        let error = StateFolder::open(path(), &facts("0x1")).unwrap_err();
        assert_eq!(error.exit(), Exit::CannotWrite);
        assert!(error.to_string().contains("another node"), "{error}");
        drop(open);
        let error = StateFolder::open(path(), &facts("0x2")).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("0x1"), "{error}");
        StateFolder::open(path(), &facts("0x1")).unwrap();
        std::fs::write(path().join(NodeFacts::FILE), "no facts").unwrap();
        let error = StateFolder::open(path(), &facts("0x1")).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("move the state folder away"), "{error}");
    }

    #[test]
    fn a_temporary_folder_is_gone_with_its_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let open = StateFolder::temporary(path.clone(), &facts("0x1")).unwrap();
        open.validator_file().unwrap();
        drop(open);
        assert!(!path.exists());
    }
}
