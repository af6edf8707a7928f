//! The weight journal: every intent is on disk before it is signed and every outcome once it is
//! known, so that a restart resumes a commit and never makes a second one.

use rusqlite::Row;

use super::*;
use crate::chain::{
    CommitId, CommitIntent, CommitOutcome, CommitRecord, Mortality, RevealOutcome, SealedIntent,
};

/// Blocks for which the transaction of a version 1 entry may have been valid: more than any node of
/// that version allowed.
const OLD_MORTALITY: u64 = 64;

const INSERT: &str = "INSERT INTO commits (planned_block, uid, weights, version_key, last_update, \
     nonce, last_block, seal_hash, seal_round, seal_version, reveal_block) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const SELECT: &str = "SELECT id, planned_block, uid, weights, version_key, detail, last_update, \
     nonce, last_block, seal_hash, seal_round, seal_version, reveal_block, reveal FROM commits";

impl Store {
    /// Records an intent before it is signed.
    ///
    /// # Errors
    /// If the intent could not be committed to disk; then nothing may be signed.
    pub fn plan_commit(&mut self, intent: &CommitIntent) -> Result<CommitId, StoreError> {
        let weights = self.encode("planning a weight commit", &intent.weights)?;
        let CommitIntent { planned_block, last_update, uid, version_key, mortality, .. } = intent;
        let sealed = intent.sealed.as_ref();
        self.transaction("planning a weight commit", |transaction| {
            transaction.execute(
                INSERT,
                params![
                    planned_block,
                    uid.0,
                    weights,
                    version_key,
                    last_update,
                    mortality.nonce,
                    mortality.last_block,
                    sealed.map(|sealed| hex::encode(sealed.hash)),
                    sealed.map(|sealed| sealed.round),
                    sealed.map(|sealed| sealed.version),
                    sealed.map(|sealed| sealed.reveal_block),
                ],
            )?;
            Ok(CommitId(transaction.last_insert_rowid()))
        })
    }

    /// Records the outcome of an intent.
    ///
    /// # Errors
    /// If the outcome could not be committed to disk; the intent then stays open and is checked
    /// again.
    pub fn settle_commit(
        &mut self,
        id: CommitId,
        outcome: &CommitOutcome,
    ) -> Result<(), StoreError> {
        let detail = self.encode("settling a weight commit", outcome)?;
        self.transaction("settling a weight commit", |transaction| {
            transaction.execute(
                "UPDATE commits SET outcome = ?2, block = ?3, detail = ?4 WHERE id = ?1",
                params![id.0, outcome.label(), outcome.block(), detail],
            )?;
            Ok(())
        })
    }

    /// Records the outcome of a sealed commit that landed.
    ///
    /// # Errors
    /// If the outcome could not be committed to disk; the commit is then checked again.
    pub fn settle_reveal(
        &mut self,
        id: CommitId,
        outcome: RevealOutcome,
    ) -> Result<(), StoreError> {
        self.transaction("settling a reveal", |transaction| {
            transaction.execute(
                "UPDATE commits SET reveal = ?2 WHERE id = ?1",
                params![id.0, outcome.label()],
            )?;
            Ok(())
        })
    }

    /// Every entry of the journal, oldest first.
    ///
    /// # Errors
    /// If the entries could not be read.
    pub fn commits(&self) -> Result<Vec<CommitRecord>, StoreError> {
        self.commits_where("1")
    }

    /// Entries without an outcome, oldest first.
    ///
    /// # Errors
    /// If the entries could not be read.
    pub fn open_commits(&self) -> Result<Vec<CommitRecord>, StoreError> {
        self.commits_where("outcome IS NULL")
    }

    fn commits_where(&self, condition: &'static str) -> Result<Vec<CommitRecord>, StoreError> {
        let rows: Vec<JournalRow> = self
            .connection
            .prepare(&format!("{SELECT} WHERE {condition} ORDER BY id"))
            .and_then(|mut query| query.query_map([], JournalRow::read)?.collect())
            .map_err(self.io(READING))?;
        rows.into_iter().map(|row| self.commit_record(row)).collect()
    }

    fn commit_record(&self, row: JournalRow) -> Result<CommitRecord, StoreError> {
        let planned_block = row.planned_block;
        let intent = CommitIntent {
            planned_block,
            // Version 1 counted an update in the planned block or later as its own.
            last_update: row.last_update.unwrap_or(planned_block.saturating_sub(1)),
            uid: Uid(row.uid),
            weights: self.decode(READING, &row.weights)?,
            version_key: row.version_key,
            sealed: row.sealed.map(|sealed| self.sealed_intent(sealed)).transpose()?,
            mortality: Mortality {
                nonce: row.nonce.unwrap_or(0),
                last_block: row.last_block.unwrap_or(planned_block.saturating_add(OLD_MORTALITY)),
            },
        };
        Ok(CommitRecord {
            id: CommitId(row.id),
            intent,
            outcome: row.detail.map(|detail| self.decode(READING, &detail)).transpose()?,
            reveal: row.reveal.map(|label| self.reveal_outcome(&label)).transpose()?,
        })
    }

    fn sealed_intent(&self, row: SealedRow) -> Result<SealedIntent, StoreError> {
        let SealedRow { hash: text, round, version, reveal_block } = row;
        let mut hash = [0; 32];
        hex::decode_to_slice(&text, &mut hash).map_err(|error| self.bad_row(&error))?;
        Ok(SealedIntent { hash, round, version, reveal_block })
    }

    fn reveal_outcome(&self, label: &str) -> Result<RevealOutcome, StoreError> {
        label.parse().map_err(|_| self.bad_row(&format_args!("no reveal ends as `{label}`")))
    }

    fn bad_row(&self, reason: &dyn std::fmt::Display) -> StoreError {
        StoreError::Row { path: self.path.clone(), attempted: READING, reason: reason.to_string() }
    }
}

const READING: &str = "reading the weight journal";

struct JournalRow {
    id: i64,
    planned_block: u64,
    uid: u16,
    weights: String,
    version_key: u64,
    detail: Option<String>,
    last_update: Option<u64>,
    nonce: Option<u32>,
    last_block: Option<u64>,
    sealed: Option<SealedRow>,
    reveal: Option<String>,
}

struct SealedRow {
    hash: String,
    round: u64,
    version: u16,
    reveal_block: u64,
}

impl JournalRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let sealed = match row.get::<_, Option<String>>(9)? {
            None => None,
            Some(hash) => Some(SealedRow {
                hash,
                round: row.get(10)?,
                version: row.get(11)?,
                reveal_block: row.get(12)?,
            }),
        };
        Ok(Self {
            id: row.get(0)?,
            planned_block: row.get(1)?,
            uid: row.get(2)?,
            weights: row.get(3)?,
            version_key: row.get(4)?,
            detail: row.get(5)?,
            last_update: row.get(6)?,
            nonce: row.get(7)?,
            last_block: row.get(8)?,
            sealed,
            reveal: row.get(13)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::temporary;
    use super::*;
    use crate::chain::{Hash, WeightVector};

    fn intent(sealed: Option<SealedIntent>) -> CommitIntent {
        CommitIntent {
            planned_block: 40,
            last_update: 17,
            uid: Uid(0),
            weights: WeightVector::new(vec![(Uid(1), 65_535), (Uid(4), 9)]).unwrap(),
            version_key: 20_501,
            sealed,
            mortality: Mortality { nonce: 3, last_block: 48 },
        }
    }

    const SEALED: SealedIntent =
        SealedIntent { hash: [0xab; 32], round: 9_000_000, version: 4, reveal_block: 361 };

    #[test]
    fn an_intent_stays_open_until_it_is_settled_and_survives_reopening() {
        for (name, sealed) in [("journal", None), ("sealed", Some(SEALED))] {
            let path = temporary(name);
            let intent = intent(sealed);
            let id = Store::open(&path).unwrap().plan_commit(&intent).unwrap();

            let mut store = Store::open(&path).unwrap();
            let open = store.open_commits().unwrap();
            assert_eq!(open, [CommitRecord { id, intent, outcome: None, reveal: None }]);

            let landed = CommitOutcome::Landed { block: 41, transaction: Some(Hash([3; 32])) };
            store.settle_commit(id, &landed).unwrap();
            assert!(store.open_commits().unwrap().is_empty());
            let record = &store.commits().unwrap()[0];
            assert_eq!((record.outcome.as_ref(), record.reveal), (Some(&landed), None));
            assert_eq!(record.awaits_reveal(), sealed.is_some());
        }
    }

    #[test]
    fn a_reveal_is_written_beside_the_outcome() {
        let path = temporary("reveal");
        let mut store = Store::open(&path).unwrap();
        for &outcome in <RevealOutcome as strum::VariantArray>::VARIANTS {
            let id = store.plan_commit(&intent(Some(SEALED))).unwrap();
            let landed = CommitOutcome::Landed { block: 41, transaction: None };
            store.settle_commit(id, &landed).unwrap();
            store.settle_reveal(id, outcome).unwrap();
            let record = store.commits().unwrap().pop().unwrap();
            assert_eq!((record.reveal, record.awaits_reveal()), (Some(outcome), false));
        }
    }
}
