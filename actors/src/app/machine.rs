//! What a node takes of its machine before anything starts: ports, and a folder of its own.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Held while a node uses the folder.
const LOCK_FILE: &str = "lock";

/// Why the machine does not give it.
#[derive(Debug, thiserror::Error)]
pub enum MachineFault {
    /// A port that cannot be had.
    #[error(
        "cannot listen on {address} for {purpose}: {source}; stop what uses it, or choose another port with --{flag}"
    )]
    Port {
        /// Where.
        address: SocketAddr,
        /// What for.
        purpose: &'static str,
        /// The flag that sets the port.
        flag: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A folder that does not tell what it was made for.
    #[error("{path} cannot be read ({reason}): move the state folder away to start afresh")]
    Damaged {
        /// The file that should tell.
        path: PathBuf,
        /// Why it does not.
        reason: String,
    },
}

impl MachineFault {
    /// A file or folder that cannot be written.
    pub(crate) fn unwritable(path: &Path, reason: impl ToString) -> Self {
        Self::Write { path: path.to_owned(), reason: reason.to_string() }
    }

    /// The process's exit code (after sysexits.h), as the README documents it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged { .. } => 65,
            Self::Port { .. } => 69,
            Self::Write { .. } => 73,
        }
    }
}

/// A listener for `purpose`; `flag` is what sets its port.
pub(crate) fn bind(
    address: SocketAddr,
    purpose: &'static str,
    flag: &'static str,
) -> Result<TcpListener, MachineFault> {
    TcpListener::bind(address).map_err(|source| MachineFault::Port {
        address,
        purpose,
        flag,
        source,
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
    pub(crate) fn open(path: PathBuf) -> Result<Self, MachineFault> {
        let unwritable = |error: std::io::Error| MachineFault::unwritable(&path, error);
        std::fs::create_dir_all(&path).map_err(unwritable)?;
        let lock = File::create(path.join(LOCK_FILE)).map_err(unwritable)?;
        if lock.try_lock().is_err() {
            let reason = "another node is using this state folder";
            return Err(MachineFault::unwritable(&path, reason));
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down in `file` what the folder is for, once. What it says from an earlier run, if
    /// that is something else.
    pub(crate) fn differs<F>(&self, file: &str, facts: &F) -> Result<Option<F>, MachineFault>
    where
        F: Serialize + DeserializeOwned + PartialEq,
    {
        let path = self.path.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            let text = serde_json::to_string(facts)
                .map_err(|error| MachineFault::unwritable(&path, error))?;
            std::fs::write(&path, text).map_err(|error| MachineFault::unwritable(&path, error))?;
            return Ok(None);
        };
        match serde_json::from_str::<F>(&text) {
            Ok(found) => Ok(Some(found).filter(|found| found != facts)),
            Err(error) => Err(MachineFault::Damaged { path, reason: error.to_string() }),
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
        assert_eq!(error.exit_code(), 73);
        assert!(error.to_string().contains("another node"), "{error}");
        assert_eq!(open.differs("facts.json", &7).unwrap(), None);
        drop(open);
        let open = LockedFolder::open(path.clone()).unwrap();
        assert_eq!(open.differs("facts.json", &7).unwrap(), None);
        assert_eq!(open.differs("facts.json", &8).unwrap(), Some(7));
        std::fs::write(path.join("facts.json"), "no number").unwrap();
        let error = open.differs("facts.json", &7).unwrap_err();
        assert_eq!(error.exit_code(), 65);
        assert!(error.to_string().contains("move the state folder away"), "{error}");
    }

    #[test]
    fn a_taken_port_names_the_flag_that_chooses_another() {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let taken = bind(address, "the metrics", "telemetry.port").unwrap();
        let error = bind(taken.local_addr().unwrap(), "the metrics", "telemetry.port").unwrap_err();
        assert_eq!(error.exit_code(), 69);
        assert!(error.to_string().contains("the metrics"), "{error}");
        assert!(error.to_string().ends_with("--telemetry.port"), "{error}");
    }
}
