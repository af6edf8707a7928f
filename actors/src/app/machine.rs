//! What a node takes of its machine before anything starts: ports, and a folder of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::exit::Exit;

/// Held while a node uses the folder.
const LOCK_FILE: &str = "lock";

/// A file or folder that cannot be written.
pub(crate) fn unwritable(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::CannotWrite, format!("cannot write {}: {reason}", path.display()))
}

/// A listener for `purpose`; `flag` is what sets its port.
pub(crate) fn bind(
    address: SocketAddr,
    purpose: &'static str,
    flag: &'static str,
) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| {
        let text = format!(
            "cannot listen on {address} for {purpose}: {error}; stop what uses it, or choose \
             another port with --{flag}"
        );
        Failure::new(Exit::Unavailable, text)
    })
}

/// A folder that no other process uses for as long as this value lives.
#[derive(Debug)]
pub(crate) struct LockedFolder {
    path: PathBuf,
    _lock: File,
}

impl LockedFolder {
    /// Makes the folder, or opens the one of an earlier run.
    pub(crate) fn open(path: PathBuf) -> Result<Self, Failure> {
        std::fs::create_dir_all(&path).map_err(|error| unwritable(&path, error))?;
        let lock = File::create(path.join(LOCK_FILE));
        let lock = lock.map_err(|error| unwritable(&path, error))?;
        if lock.try_lock().is_err() {
            let reason = "another node is using this state folder";
            return Err(unwritable(&path, reason));
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down in `file` what the folder is for, once. What it says from an earlier run, if
    /// that is something else.
    pub(crate) fn differs<F>(&self, file: &str, facts: &F) -> Result<Option<F>, Failure>
    where
        F: Serialize + DeserializeOwned + PartialEq,
    {
        let path = self.path.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let text = serde_json::to_string(facts).map_err(|error| unwritable(&path, error))?;
            std::fs::write(&path, text).map_err(|error| unwritable(&path, error))?;
            return Ok(None);
        };
        match serde_json::from_str::<F>(&text) {
            Ok(found) => Ok(Some(found).filter(|found| found != facts)),
            Err(error) => {
                let text = format!(
                    "{} cannot be read ({error}): move the state folder away to start afresh",
                    path.display()
                );
                Err(Failure::new(Exit::Damaged, text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_used_by_one_process_and_keeps_to_what_it_is_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        let open = LockedFolder::open(path.clone()).unwrap();
        assert_eq!(open.path(), path);
        let error = LockedFolder::open(path.clone()).unwrap_err();
        assert_eq!(error.exit(), Exit::CannotWrite);
        assert!(error.to_string().contains("another node"), "{error}");
        assert_eq!(open.differs("facts.json", &7).unwrap(), None);
        drop(open);
        let open = LockedFolder::open(path.clone()).unwrap();
        assert_eq!(open.differs("facts.json", &7).unwrap(), None);
        assert_eq!(open.differs("facts.json", &8).unwrap(), Some(7));
        std::fs::write(path.join("facts.json"), "no number").unwrap();
        let error = open.differs("facts.json", &7).unwrap_err();
        assert_eq!(error.exit(), Exit::Damaged);
        assert!(error.to_string().contains("move the state folder away"), "{error}");
    }

    #[test]
    fn a_taken_port_names_the_flag_that_chooses_another() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let taken = bind(address, "the metrics", "telemetry.port").unwrap();
        let error = bind(taken.local_addr().unwrap(), "the metrics", "telemetry.port").unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(error.to_string().contains("the metrics"), "{error}");
        assert!(error.to_string().ends_with("--telemetry.port"), "{error}");
    }
}
