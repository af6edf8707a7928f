//! Persistent state in SQLite: scores, the weight journal, the event history and the dev chain's
//! state.
//!
//! Each concern has one file, opened by one actor ([`Store`] for the validator, [`ChainStore`] for
//! the dev chain). A call that returns `Ok` has reached the disk: write-ahead log with full
//! synchronisation, one transaction per call. Readers may open the same file beside the writer.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chain::Uid;
use crate::wallet::AccountId;

mod journal;
mod schema;
mod turns;

pub use crate::chain::{
    CommitId, CommitIntent, CommitOutcome, CommitRecord, RevealOutcome, SealedIntent,
};
pub use turns::{MinerTally, Recorded, ResponseRecord, ScoreState, ScoredMiner, TurnRecord};

/// Why the state file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file exists, but it is damaged or is not a state file.
    #[error(
        "state file {path} is damaged or no state file ({reason}): move it away to start afresh, or restore a copy"
    )]
    Damaged {
        /// Path of the state file.
        path: PathBuf,
        /// What is wrong with the file, in words.
        reason: String,
    },
    /// The file was written by a newer version of the node.
    #[error(
        "state file {path} has schema version {found}, this node knows none newer than {}: use the node version that wrote it",
        schema::VERSION
    )]
    Version {
        /// Path of the state file.
        path: PathBuf,
        /// Schema version in the file.
        found: i64,
    },
    /// An SQLite operation failed.
    #[error(
        "state file {path} could not be used while {attempted}; check the disk and the folder's permissions"
    )]
    Io {
        /// Path of the state file.
        path: PathBuf,
        /// The operation that failed, in words.
        attempted: &'static str,
        /// The error that SQLite gave.
        #[source]
        source: rusqlite::Error,
    },
    /// Another writer has written since this store last read: an actor that was replaced while it
    /// was blocked must not overwrite its successor's state.
    #[error("state file {path} was written by somebody else since it was read; read it again")]
    Overtaken {
        /// Path of the state file.
        path: PathBuf,
    },
    /// The file holds a chain that another version made.
    #[error(
        "state file {path} holds a chain that this version cannot go on from ({reason}): move it away to start a new one"
    )]
    OtherChain {
        /// Path of the state file.
        path: PathBuf,
        /// What differs from the expected chain, in words.
        reason: String,
    },
    /// A row holds a value that this version cannot read.
    #[error("state file {path} holds a row that cannot be read while {attempted}: {reason}")]
    Row {
        /// Path of the state file.
        path: PathBuf,
        /// The operation that failed, in words.
        attempted: &'static str,
        /// What is wrong with the value, in words.
        reason: String,
    },
}

/// An open state file.
///
/// A store must read the scores or the chain's state before it writes them: each write checks that
/// nobody else wrote in between ([`StoreError::Overtaken`]).
pub struct Store {
    path: PathBuf,
    connection: Connection,
    /// The number of the write that this store last read or made; each write raises it by one.
    version: Cell<i64>,
}

impl Store {
    /// Opens the file, or creates it with empty tables.
    ///
    /// # Errors
    /// If the file is damaged, has another version, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| {
            StoreError::Io { path: path.to_owned(), attempted: "opening it", source }
        })?;
        let store = Self { path: path.to_owned(), connection, version: Cell::new(0) };
        store.prepare()?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        let io = self.io("preparing it");
        self.connection.busy_timeout(Duration::from_secs(5)).map_err(io)?;
        self.check_integrity()?;
        let io = self.io("preparing it");
        self.connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
            )
            .map_err(io)?;
        match schema::bring_up(&self.connection).map_err(self.io("making its tables"))? {
            schema::Found::Usable => Ok(()),
            schema::Found::Foreign(found) => {
                Err(StoreError::Version { path: self.path.clone(), found })
            }
        }
    }

    fn check_integrity(&self) -> Result<(), StoreError> {
        let verdict =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
        let reason = match verdict {
            Ok(verdict) if verdict == "ok" => return Ok(()),
            Ok(verdict) => verdict,
            Err(error) => error.to_string(),
        };
        Err(StoreError::Damaged { path: self.path.clone(), reason })
    }

    fn io(&self, attempted: &'static str) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |source| StoreError::Io { path, attempted, source }
    }

    /// Remembers the number of the newest write, before its state is read.
    fn note_version(&self, attempted: &'static str) -> Result<(), StoreError> {
        let version = self
            .connection
            .query_row("SELECT value FROM counters WHERE name = 'version'", [], |row| row.get(0))
            .optional()
            .map_err(self.io(attempted))?;
        self.version.set(version.unwrap_or(0));
        Ok(())
    }

    /// Runs a transaction and fails if another writer came first. `work` returns whether it wrote.
    fn fenced<T>(
        &mut self,
        attempted: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<(T, bool)>,
    ) -> Result<T, StoreError> {
        let expected = self.version.get();
        let done = self.transaction(attempted, |transaction| {
            if !raise_version(transaction, expected)? {
                return Ok(None);
            }
            let (value, has_written) = work(transaction)?;
            if !has_written {
                transaction
                    .execute("UPDATE counters SET value = ?1 WHERE name = 'version'", [expected])?;
            }
            Ok(Some((value, has_written)))
        })?;
        let overtaken = || StoreError::Overtaken { path: self.path.clone() };
        let (value, has_written) = done.ok_or_else(overtaken)?;
        self.version.set(expected + i64::from(has_written));
        Ok(value)
    }

    fn transaction<T>(
        &mut self,
        attempted: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let io = self.io(attempted);
        let attempt = || {
            let transaction = self.connection.transaction()?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        attempt().map_err(io)
    }

    fn decode<T: DeserializeOwned>(
        &self,
        attempted: &'static str,
        text: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| StoreError::Row {
            path: self.path.clone(),
            attempted,
            reason: error.to_string(),
        })
    }

    fn encode<T: Serialize>(
        &self,
        attempted: &'static str,
        value: &T,
    ) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|error| StoreError::Row {
            path: self.path.clone(),
            attempted,
            reason: error.to_string(),
        })
    }

    /// Appends one event to the history and returns its number.
    ///
    /// # Errors
    /// If the event could not be committed to disk.
    pub fn append_event(
        &mut self,
        kind: &str,
        body: &serde_json::Value,
    ) -> Result<i64, StoreError> {
        let body = body.to_string();
        self.transaction("appending an event", |transaction| {
            transaction
                .execute("INSERT INTO events (kind, body) VALUES (?1, ?2)", params![kind, body])?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// Number of events of this kind in the history.
    ///
    /// # Errors
    /// If the history could not be read.
    pub fn count_events(&self, kind: &str) -> Result<u64, StoreError> {
        self.connection
            .query_row("SELECT count(*) FROM events WHERE kind = ?1", [kind], |row| row.get(0))
            .map_err(self.io("counting events"))
    }
}

/// Counts this write if the newest write in the file is `expected`; returns whether it was.
fn raise_version(transaction: &Transaction<'_>, expected: i64) -> rusqlite::Result<bool> {
    transaction
        .execute("INSERT OR IGNORE INTO counters (name, value) VALUES ('version', 0)", [])?;
    let n_raised = transaction.execute(
        "UPDATE counters SET value = value + 1 WHERE name = 'version' AND value = ?1",
        [expected],
    )?;
    Ok(n_raised == 1)
}

/// The dev chain's state file: one row, replaced with every block.
pub struct ChainStore(Store);

impl ChainStore {
    /// Opens the file, or creates it without a state.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Store::open(path).map(Self)
    }

    /// The state at the newest block; `None` in a new file.
    ///
    /// # Errors
    /// If the state could not be read; [`StoreError::OtherChain`] if it does not parse as `T`.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, StoreError> {
        self.0.note_version("loading the chain")?;
        let state: Option<String> = self
            .0
            .connection
            .query_row("SELECT state FROM chain_state WHERE id = 0", [], |row| row.get(0))
            .optional()
            .map_err(self.0.io("loading the chain"))?;
        let other = |reason: String| StoreError::OtherChain { path: self.0.path.clone(), reason };
        state
            .map(|state| serde_json::from_str(&state).map_err(|error| other(error.to_string())))
            .transpose()
    }

    /// Replaces the state by the one at `block`.
    ///
    /// # Errors
    /// If the state could not be committed to disk; the file then still holds the old one.
    pub fn save<T: Serialize>(&mut self, block: u64, state: &T) -> Result<(), StoreError> {
        let state = self.0.encode("saving the chain", state)?;
        self.0.fenced("saving the chain", |transaction| {
            transaction.execute(
                "INSERT INTO chain_state (id, block, state) VALUES (0, ?1, ?2)
                 ON CONFLICT (id) DO UPDATE SET block = ?1, state = ?2",
                params![block, state],
            )?;
            Ok(((), true))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn temporary(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sn1-store-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join("state.sqlite")
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let path = temporary("damaged");
        std::fs::write(&path, b"this is no database, however long it may be read for").unwrap();
        let error = Store::open(&path).err().unwrap();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("state.sqlite"));
        assert!(std::fs::read(&path).unwrap().starts_with(b"this is no"));
    }

    #[test]
    fn a_file_of_another_version_is_refused() {
        let path = temporary("version");
        Store::open(&path).unwrap().connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Version { found: 99, .. })));
    }

    #[test]
    fn the_chain_state_is_replaced_and_read_back() {
        let path = temporary("chain");
        let mut store = ChainStore::open(&path).unwrap();
        assert_eq!(store.load::<Vec<u64>>().unwrap(), None);
        store.save(1, &vec![1_u64]).unwrap();
        store.save(2, &vec![1_u64, 2]).unwrap();
        drop(store);
        assert_eq!(ChainStore::open(&path).unwrap().load().unwrap(), Some(vec![1_u64, 2]));
    }

    #[test]
    fn a_writer_that_was_overtaken_is_told_so_and_changes_nothing() {
        let path = temporary("overtaken");
        let mut old = ChainStore::open(&path).unwrap();
        let mut new = ChainStore::open(&path).unwrap();
        assert_eq!(old.load::<u64>().unwrap(), None);
        assert_eq!(new.load::<u64>().unwrap(), None);
        new.save(1, &11_u64).unwrap();
        assert!(matches!(old.save(1, &12_u64), Err(StoreError::Overtaken { .. })));
        new.save(2, &13_u64).unwrap();
        assert_eq!(old.load().unwrap(), Some(13_u64));
        old.save(3, &14_u64).unwrap();
    }

    #[test]
    fn events_are_counted_by_kind() {
        let mut store = Store::open(&temporary("events")).unwrap();
        store.append_event("step", &serde_json::json!({"best": "yes"})).unwrap();
        store.append_event("error", &serde_json::json!({})).unwrap();
        assert_eq!(store.count_events("step").unwrap(), 1);
    }
}
