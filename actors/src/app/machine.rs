//! What a node takes of its machine before anything starts: ports, and a folder of its own.

use std::fs::File;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failure;
use crate::exit::Exit;
use crate::port::Port;

/// Held while a node uses the folder.
const LOCK_FILE: &str = "lock";

/// A file or folder that cannot be written.
pub(crate) fn unwritable(path: &Path, reason: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::CannotWrite, format!("cannot write {}: {reason}", path.display()))
}

/// A listener for `purpose`, and what the operator should know when it is on another port than
/// that; `flag` is what sets the port.
pub(crate) fn bind(
    ip: IpAddr,
    port: Port,
    purpose: &'static str,
    flag: &'static str,
) -> Result<(TcpListener, Option<String>), Failure> {
    let wanted = SocketAddr::new(ip, port.number());
    let bound = port.listen(ip).and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| {
        let text = format!(
            "cannot listen on {wanted} for {purpose}: {error}; stop what uses it, or choose \
             another port with --{flag}"
        );
        Failure::new(Exit::Unavailable, text)
    })?;
    let is_moved = wanted.port() != 0 && address != wanted;
    let moved = is_moved.then(|| {
        format!(
            "port {} is taken: {purpose} is on port {} instead; choose one with --{flag}",
            wanted.port(),
            address.port()
        )
    });
    Ok((listener, moved))
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
        let here =
            |port| bind([127, 0, 0, 1].into(), port, "the page of metrics", "telemetry.port");
        let (taken, moved) = here(Port::asked_for(0)).unwrap();
        assert_eq!(moved, None);
        let number = taken.local_addr().unwrap().port();
        let (_, moved) = here(Port::built_in(number)).unwrap();
        let moved = moved.unwrap();
        assert!(moved.contains(&format!("port {number} is taken")), "{moved}");
        assert!(moved.ends_with("--telemetry.port"), "{moved}");
        let error = here(Port::asked_for(number)).unwrap_err();
        assert_eq!(error.exit(), Exit::Unavailable);
        assert!(error.to_string().contains("the page of metrics"), "{error}");
        assert!(error.to_string().ends_with("--telemetry.port"), "{error}");
    }
}
