//! The weight journal: every intent is on disk before it is signed, every outcome after it is
//! known, so a restart resumes a commit and never makes a second one.

use rusqlite::Row;

use super::*;

/// The number of a planned weight setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommitId(pub i64);

/// A weight setting that is about to be signed.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitIntent {
    /// Newest block when it was planned.
    pub planned_block: u64,
    /// Our slot.
    pub uid: Uid,
    /// What will be set.
    pub weights: WeightVector,
    /// Sent with it.
    pub version_key: u64,
}

/// What became of a weight setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum CommitOutcome {
    /// In a block, and read back from the chain.
    Landed {
        /// The block.
        block: u64,
        /// The transaction, when this process saw it.
        transaction: Option<Hash>,
    },
    /// The chain said no; nothing changed on chain.
    Refused {
        /// The runtime's name of the reason.
        reason: String,
    },
    /// The chain shows that it never landed.
    Lost,
}

impl CommitOutcome {
    /// A stable label for metrics and reports.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Landed { .. } => "landed",
            Self::Refused { .. } => "refused",
            Self::Lost => "lost",
        }
    }
}

/// A journal entry.
#[derive(Debug, Clone, PartialEq)]
pub struct CommitRecord {
    /// Its number.
    pub id: CommitId,
    /// What was planned.
    pub intent: CommitIntent,
    /// What became of it; `None` while that is unknown.
    pub outcome: Option<CommitOutcome>,
}

impl Store {
    /// Writes an intent down, before it is signed.
    ///
    /// # Errors
    /// When it could not be committed; then nothing may be signed.
    pub fn plan_commit(&mut self, intent: &CommitIntent) -> Result<CommitId, StoreError> {
        let weights = self.encode("planning a weight commit", &intent.weights)?;
        self.transaction("planning a weight commit", |transaction| {
            transaction.execute(
                "INSERT INTO commits (planned_block, uid, weights, version_key) VALUES (?1, ?2, ?3, ?4)",
                params![intent.planned_block, intent.uid.0, weights, intent.version_key],
            )?;
            Ok(CommitId(transaction.last_insert_rowid()))
        })
    }

    /// Writes down what became of an intent.
    ///
    /// # Errors
    /// When it could not be committed; the intent then stays open and is looked into again.
    pub fn settle_commit(
        &mut self,
        id: CommitId,
        outcome: &CommitOutcome,
    ) -> Result<(), StoreError> {
        let detail = self.encode("settling a weight commit", outcome)?;
        let block = match outcome {
            CommitOutcome::Landed { block, .. } => Some(*block),
            CommitOutcome::Refused { .. } | CommitOutcome::Lost => None,
        };
        self.transaction("settling a weight commit", |transaction| {
            transaction.execute(
                "UPDATE commits SET outcome = ?2, block = ?3, detail = ?4 WHERE id = ?1",
                params![id.0, outcome.label(), block, detail],
            )?;
            Ok(())
        })
    }

    /// The whole journal, oldest first.
    ///
    /// # Errors
    /// When it could not be read.
    pub fn commits(&self) -> Result<Vec<CommitRecord>, StoreError> {
        self.commits_where("1")
    }

    /// Intents whose fate is unknown, oldest first.
    ///
    /// # Errors
    /// When they could not be read.
    pub fn open_commits(&self) -> Result<Vec<CommitRecord>, StoreError> {
        self.commits_where("outcome IS NULL")
    }

    fn commits_where(&self, condition: &'static str) -> Result<Vec<CommitRecord>, StoreError> {
        let attempted = "reading the weight journal";
        let query = format!(
            "SELECT id, planned_block, uid, weights, version_key, detail FROM commits
             WHERE {condition} ORDER BY id"
        );
        let rows: Vec<JournalRow> = self
            .connection
            .prepare(&query)
            .and_then(|mut query| query.query_map([], JournalRow::read)?.collect())
            .map_err(self.io(attempted))?;
        rows.into_iter().map(|row| self.commit_record(row)).collect()
    }

    fn commit_record(&self, row: JournalRow) -> Result<CommitRecord, StoreError> {
        let attempted = "reading the weight journal";
        Ok(CommitRecord {
            id: CommitId(row.id),
            intent: CommitIntent {
                planned_block: row.planned_block,
                uid: Uid(row.uid),
                weights: self.decode(attempted, &row.weights)?,
                version_key: row.version_key,
            },
            outcome: row.detail.map(|detail| self.decode(attempted, &detail)).transpose()?,
        })
    }
}

struct JournalRow {
    id: i64,
    planned_block: u64,
    uid: u16,
    weights: String,
    version_key: u64,
    detail: Option<String>,
}

impl JournalRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            planned_block: row.get(1)?,
            uid: row.get(2)?,
            weights: row.get(3)?,
            version_key: row.get(4)?,
            detail: row.get(5)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::temporary;
    use super::*;

    #[test]
    fn an_intent_stays_open_until_it_is_settled_and_survives_reopening() {
        let path = temporary("journal");
        let weights = WeightVector::new(vec![(Uid(1), 65_535), (Uid(4), 9)]).unwrap();
        let intent = CommitIntent { planned_block: 40, uid: Uid(0), weights, version_key: 20_501 };
        let id = Store::open(&path).unwrap().plan_commit(&intent).unwrap();

        let mut store = Store::open(&path).unwrap();
        let open = store.open_commits().unwrap();
        assert_eq!(open, [CommitRecord { id, intent, outcome: None }]);

        let landed = CommitOutcome::Landed { block: 41, transaction: Some(Hash([3; 32])) };
        store.settle_commit(id, &landed).unwrap();
        assert!(store.open_commits().unwrap().is_empty());
        assert_eq!(store.commits().unwrap()[0].outcome, Some(landed));
    }
}
