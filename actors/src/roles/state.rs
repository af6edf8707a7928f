//! The state folder of a node: one process, one role, one hotkey, one chain.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sn1::store::{Store, StoreError};

use super::RoleError;

/// What a state folder was made for.
const FACTS_FILE: &str = "node.json";
/// Held while a node uses the folder.
const LOCK_FILE: &str = "lock";

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
pub(super) struct StateFolder {
    path: PathBuf,
    _lock: File,
}

impl StateFolder {
    /// Makes the folder, or opens the one of an earlier run.
    pub(super) fn open(path: PathBuf, facts: &FolderFacts) -> Result<Self, RoleError> {
        let unwritable = |reason: String| RoleError::Write { path: path.clone(), reason };
        std::fs::create_dir_all(&path).map_err(|error| unwritable(error.to_string()))?;
        let lock = File::create(path.join(LOCK_FILE));
        let lock = lock.map_err(|error| unwritable(error.to_string()))?;
        if lock.try_lock().is_err() {
            return Err(unwritable("another node is using this state folder".to_owned()));
        }
        check_facts(&path.join(FACTS_FILE), facts)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Scores, journal and turns; opened once, so that a damaged one is found now.
    pub(super) fn validator_file(&self) -> Result<PathBuf, RoleError> {
        let path = self.path.join("validator.sqlite");
        Store::open(&path).and_then(|store| store.load_scores()).map_err(damaged)?;
        Ok(path)
    }

    /// The event history; opened once, as above.
    pub(super) fn events_file(&self) -> Result<PathBuf, RoleError> {
        let path = self.path.join("events.sqlite");
        Store::open(&path).map_err(damaged)?;
        Ok(path)
    }
}

fn damaged(error: StoreError) -> RoleError {
    RoleError::Damaged(error.to_string())
}

fn check_facts(path: &Path, facts: &FolderFacts) -> Result<(), RoleError> {
    let shown = path.display();
    let Ok(text) = std::fs::read_to_string(path) else {
        let text = serde_json::to_string(facts).unwrap_or_default();
        return std::fs::write(path, text).map_err(|error| RoleError::Write {
            path: path.to_owned(),
            reason: error.to_string(),
        });
    };
    let found: FolderFacts = serde_json::from_str(&text).map_err(|error| {
        RoleError::Damaged(format!(
            "{shown} cannot be read ({error}): move the state folder away to start afresh"
        ))
    })?;
    if found == *facts {
        return Ok(());
    }
    Err(RoleError::Damaged(format!(
        "{shown} says that this state is of the {} {} on subnet {} of the chain {}, and this one is \
         not that: choose another folder with --state.folder, or move this one away",
        found.role, found.hotkey, found.netuid, found.genesis
    )))
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
        assert_eq!(StateFolder::open(path(), &facts("0x1")).unwrap_err().exit_code(), 73);
        drop(open);
        let error = StateFolder::open(path(), &facts("0x2")).unwrap_err();
        assert_eq!(error.exit_code(), 65);
        assert!(error.to_string().contains("0x1"), "{error}");
        StateFolder::open(path(), &facts("0x1")).unwrap();
    }
}
