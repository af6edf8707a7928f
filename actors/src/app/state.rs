//! The state folder of a node: used by one process at a time, and only by the node that it was made
//! for.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sn1::store::{Store, StoreError};

use super::Failure;
use crate::app::machine::LockedFolder;
use crate::exit::Exit;

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

/// The folder, locked for this process.
#[derive(Debug)]
pub(super) struct StateFolder {
    folder: LockedFolder,
    is_kept: bool,
}

impl StateFolder {
    /// Makes the folder, or opens the one of an earlier run.
    pub(super) fn open<F: Facts>(path: PathBuf, facts: &F) -> Result<Self, Failure> {
        let folder = LockedFolder::open(path)?;
        match folder.differs(F::FILE, facts)? {
            None => Ok(Self { folder, is_kept: true }),
            Some(found) => Err(found.refusal(&folder.path().join(F::FILE))),
        }
    }

    /// A folder that is removed when this value is dropped.
    pub(super) fn temporary<F: Facts>(path: PathBuf, facts: &F) -> Result<Self, Failure> {
        let mut state = Self::open(path, facts)?;
        state.is_kept = false;
        Ok(state)
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
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
        drop(open);
        let error = StateFolder::open(path(), &facts("0x2")).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("0x1"), "{error}");
        StateFolder::open(path(), &facts("0x1")).unwrap();
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
