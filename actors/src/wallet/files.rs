//! Reads key files up to a size limit; writes them completely or not at all, readable only by the
//! owner.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::WalletFault;

/// Most bytes that are read, far above the size of any key file.
const MAX_BYTES: u64 = 64 * 1024;
/// The permission bits of group and others.
const OTHERS: u32 = 0o077;

/// The content of a key file or password file.
pub(super) fn read(path: &Path) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    File::open(path)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first bytes of a file; `None` when it does not exist or this process may not read it.
pub(super) fn read_start(path: &Path, n_bytes: usize) -> std::io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error)
            if [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind()) =>
        {
            return Ok(None);
        }
        file => file?,
    };
    let mut start = Vec::new();
    file.take(n_bytes as u64).read_to_end(&mut start)?;
    Ok(Some(start))
}

/// Whether anyone but the owner may read or write the file.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & OTHERS != 0)
}

/// The path and the content of a key file to be written.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// Writes all files with mode 0600. Writes nothing when one of them exists and may not be replaced;
/// each file is complete on disk before it gets its name.
pub(super) fn write_all(files: &[KeyFile], may_replace: bool) -> Result<(), WalletFault> {
    if !may_replace {
        check_free(files.iter().map(|file| file.path.as_path()))?;
    }
    files.iter().try_for_each(|file| {
        write(file, may_replace).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => WalletFault::Exists(file.path.clone()),
            _ => WalletFault::Write { path: file.path.clone(), source: error },
        })
    })
}

/// Refuses the first of these paths that exists, even as a dead link.
pub(super) fn check_free<'a>(mut paths: impl Iterator<Item = &'a Path>) -> Result<(), WalletFault> {
    match paths.find(|path| path.symlink_metadata().is_ok()) {
        Some(path) => Err(WalletFault::Exists(path.to_owned())),
        None => Ok(()),
    }
}

fn write(file: &KeyFile, may_replace: bool) -> std::io::Result<()> {
    let folder = file.path.parent().ok_or(ErrorKind::InvalidInput)?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // A name that no list of wallets shows; it includes the process id, so that two never share it.
    let new = folder.join(format!(".sn1-{}-{}", std::process::id(), rand::random::<u64>()));
    let outcome = write_new(&new, &file.bytes).and_then(|()| match may_replace {
        true => std::fs::rename(&new, &file.path),
        // Unlike a rename, a hard link fails when the path exists.
        false => std::fs::hard_link(&new, &file.path),
    });
    if outcome.is_err() || !may_replace {
        // The file is empty or has its real name by now; if it stays, it does no harm.
        let _ = std::fs::remove_file(&new);
    }
    outcome?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, Exits};

    fn file(path: PathBuf, bytes: &[u8]) -> KeyFile {
        KeyFile { path, bytes: Zeroizing::new(bytes.to_vec()) }
    }

    #[test]
    fn files_are_the_owners_and_replaced_only_by_force() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("w/hotkeys/one"), folder.path().join("w/two"));
        write_all(&[file(one.clone(), b"1")], false).unwrap();
        assert!(!is_open_to_others(&one) && !is_open_to_others(one.parent().unwrap()));

        let error = write_all(&[file(two.clone(), b"2"), file(one.clone(), b"2")], false);
        assert_eq!(error.unwrap_err().exit(), Exit::CannotWrite);
        assert!(!two.exists(), "nothing is written when one is in the way");
        assert_eq!(std::fs::read(&one).unwrap(), b"1");

        write_all(&[file(two.clone(), b"2"), file(one.clone(), b"2")], true).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), b"2");
        let left: Vec<_> = std::fs::read_dir(one.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn a_dead_link_is_in_the_way_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("coldkey");
        std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
        assert!(matches!(write_all(&[file(path, b"1")], false), Err(WalletFault::Exists(_))));
    }
}
