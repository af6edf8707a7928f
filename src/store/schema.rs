//! The tables, and the steps that migrate a file of an earlier version. A file of a later version
//! is refused.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// The current schema version. Every change of the tables raises it and adds a step to [`STEPS`].
pub(super) const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS scores (
    uid INTEGER PRIMARY KEY, hotkey TEXT NOT NULL, score REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS passes (id TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS turns (
    id TEXT PRIMARY KEY, step INTEGER NOT NULL, turn INTEGER NOT NULL, task TEXT NOT NULL,
    block INTEGER NOT NULL, seconds REAL NOT NULL, overhead_seconds REAL NOT NULL,
    recorded_unix REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS responses (
    turn_id TEXT NOT NULL REFERENCES turns(id), uid INTEGER NOT NULL, hotkey TEXT NOT NULL,
    status INTEGER, reward REAL NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (turn_id, uid)) STRICT;
CREATE INDEX IF NOT EXISTS responses_by_hotkey ON responses (hotkey);
CREATE TABLE IF NOT EXISTS commits (
    id INTEGER PRIMARY KEY AUTOINCREMENT, planned_block INTEGER NOT NULL, uid INTEGER NOT NULL,
    weights TEXT NOT NULL, version_key INTEGER NOT NULL,
    outcome TEXT, block INTEGER, detail TEXT, last_update INTEGER, nonce INTEGER,
    last_block INTEGER, seal_hash TEXT, seal_round INTEGER, seal_version INTEGER,
    reveal_block INTEGER, reveal TEXT) STRICT;
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS chain_state (
    id INTEGER PRIMARY KEY CHECK (id = 0), block INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
";

/// `STEPS[i]` migrates a file from version `i + 1` to `i + 2`.
const STEPS: [&str; 1] = [
    // Sealed commits, and where a transaction can land. The columns stay empty in older entries.
    "ALTER TABLE commits ADD COLUMN last_update INTEGER;
     ALTER TABLE commits ADD COLUMN nonce INTEGER;
     ALTER TABLE commits ADD COLUMN last_block INTEGER;
     ALTER TABLE commits ADD COLUMN seal_hash TEXT;
     ALTER TABLE commits ADD COLUMN seal_round INTEGER;
     ALTER TABLE commits ADD COLUMN seal_version INTEGER;
     ALTER TABLE commits ADD COLUMN reveal_block INTEGER;
     ALTER TABLE commits ADD COLUMN reveal TEXT;",
];

/// What a file was when it was opened.
pub(super) enum Found {
    /// A new file or one of a known version; it has the current tables now.
    Usable,
    /// A file of this unknown schema version.
    Foreign(i64),
}

/// Creates the tables in a new file or migrates an older file, in one transaction, even if two
/// actors open it at once.
pub(super) fn bring_up(connection: &Connection) -> rusqlite::Result<Found> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let n_tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if n_tables > 0 {
        let Some(steps) = usize::try_from(found - 1).ok().and_then(|done| STEPS.get(done..)) else {
            return Ok(Found::Foreign(found));
        };
        for step in steps {
            transaction.execute_batch(step)?;
        }
    }
    transaction.execute_batch(TABLES)?;
    if found != VERSION {
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()?;
    Ok(Found::Usable)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::super::tests::temporary;
    use super::super::*;
    use super::VERSION;
    use crate::chain::{CommitOutcome, Mortality};

    /// A file as version 1 made it, with one entry of each kind.
    const VERSION_1: &str = "
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
    CREATE TABLE commits (
        id INTEGER PRIMARY KEY AUTOINCREMENT, planned_block INTEGER NOT NULL, uid INTEGER NOT NULL,
        weights TEXT NOT NULL, version_key INTEGER NOT NULL,
        outcome TEXT, block INTEGER, detail TEXT) STRICT;
    INSERT INTO commits (planned_block, uid, weights, version_key, outcome, block, detail) VALUES
        (30, 0, '[[1,65535]]', 7, 'landed', 31, '{\"outcome\":\"landed\",\"block\":31,\"transaction\":null}'),
        (51, 0, '[[1,65535]]', 7, 'refused', NULL, '{\"outcome\":\"refused\",\"reason\":\"Outdated\"}'),
        (52, 0, '[[1,65535],[2,9]]', 7, NULL, NULL, NULL);
    PRAGMA user_version = 1;";

    #[test]
    fn a_file_of_the_first_version_is_brought_up_to_date_with_its_entries() {
        let path = temporary("migrated");
        Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
        for _ in 0..2 {
            let store = Store::open(&path).unwrap();
            let commits = store.commits().unwrap();
            assert_eq!(commits[0].landed(), Some(31));
            let refused = CommitOutcome::Refused { reason: "Outdated".to_owned() };
            assert_eq!(commits[1].outcome, Some(refused));
            let open = store.open_commits().unwrap();
            assert_eq!(open, commits[2..]);
            let intent = &open[0].intent;
            assert_eq!((intent.last_update, intent.sealed), (51, None));
            assert_eq!(intent.mortality, Mortality { nonce: 0, last_block: 116 });
        }
        let mut store = Store::open(&path).unwrap();
        let id = store.open_commits().unwrap()[0].id;
        store.settle_commit(id, &CommitOutcome::Lost).unwrap();
        assert!(store.open_commits().unwrap().is_empty());
    }

    #[test]
    fn two_that_open_an_old_file_at_once_both_find_it_brought_up() {
        let path = temporary("together");
        Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
        let openers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || Store::open(&path).unwrap().commits().unwrap().len())
            })
            .collect();
        assert!(openers.into_iter().all(|opener| opener.join().unwrap() == 3));
    }

    #[test]
    fn a_file_of_another_version_is_refused_and_left_alone() {
        for version in [0, -1, VERSION + 1, 99] {
            let path = temporary("foreign");
            drop(Store::open(&path).unwrap());
            let connection = Connection::open(&path).unwrap();
            connection.pragma_update(None, "user_version", version).unwrap();
            let error = Store::open(&path).err().unwrap();
            assert!(matches!(error, StoreError::Version { found, .. } if found == version));
        }
    }
}
