//! The state folder of a node: one process, one role, one hotkey, one chain.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sn1::store::{Store, StoreError};

use super::Failure;
use crate::app::machine::LockedFolder;
use crate::exit::Exit;

/// What a state folder was made for.
const FACTS_FILE: &str = "node.json";

/// What must stay the same from one run on a folder to the next.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderFacts {
    pub(super) role: String,
    pub(super) netuid: u16,
    pub(super) hotkey: String,
    pub(super) genesis: String,
}

/// The folder, locked for this process.
#[derive(Debug)]
pub(super) struct StateFolder(LockedFolder);

impl StateFolder {
    /// Makes the folder, or opens the one of an earlier run.
    pub(super) fn open(path: PathBuf, facts: &FolderFacts) -> Result<Self, Failure> {
        let folder = LockedFolder::open(path)?;
        match folder.differs(FACTS_FILE, facts)? {
            None => Ok(Self(folder)),
            Some(found) => Err(Failure::new(
                Exit::Damaged,
                format!(
                    "{} says that this state is of the {} {} on subnet {} of the chain {}, and this \
                 one is not that: choose another folder with --state.folder, or move this one away",
                    folder.path().join(FACTS_FILE).display(),
                    found.role,
                    found.hotkey,
                    found.netuid,
                    found.genesis
                ),
            )),
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
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
}

fn damaged(error: StoreError) -> Failure {
    Failure::new(Exit::Damaged, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(genesis: &str) -> FolderFacts {
        let (role, hotkey) = ("miner".to_owned(), "5F".to_owned());
        FolderFacts { role, netuid: 1, hotkey, genesis: genesis.to_owned() }
    }

    #[test]
    fn a_folder_is_used_by_one_process_and_for_one_chain() {
        let folder = tempfile::tempdir().unwrap();
        let path = || folder.path().join("a/b");
        let open = StateFolder::open(path(), &facts("0x1")).unwrap();
        assert_eq!(open.path(), path());
        assert_eq!(StateFolder::open(path(), &facts("0x1")).unwrap_err().exit(), Exit::CannotWrite);
        drop(open);
        let error = StateFolder::open(path(), &facts("0x2")).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("0x1"), "{error}");
        StateFolder::open(path(), &facts("0x1")).unwrap();
    }
}
