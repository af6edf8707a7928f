//! Scored turns and the moving averages that follow from them.

use rusqlite::Row;

use super::*;

/// One miner's moving average.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredMiner {
    /// The hotkey that the score belongs to; a slot that changes hands starts from 0.
    pub hotkey: AccountId,
    /// The moving average, 32 bits wide as in the mechanism.
    pub score: f32,
}

/// The state of the scoreboard that must survive a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreState {
    /// Conversations that have ended.
    pub steps: u64,
    /// Turns that were scored.
    pub turns: u64,
    /// The scores by uid, without gaps.
    pub miners: Vec<ScoredMiner>,
}

/// What one miner did in a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseRecord {
    /// The slot of the miner in the subnet.
    pub uid: Uid,
    /// The hotkey that held the slot during the turn.
    pub hotkey: AccountId,
    /// Status code of the answer; `None` if there was no status.
    pub status: Option<u16>,
    /// Total reward of the answer.
    pub reward: f32,
    /// Seconds until the answer was complete; 0 where no time counts.
    pub seconds: f64,
}

/// A scored turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRecord {
    /// Unique id of the turn; a second turn with the same id is not counted.
    pub id: String,
    /// Number of the conversation that the turn belongs to.
    pub step: u64,
    /// 0 for the first turn, 1 for the follow-up.
    pub turn: u32,
    /// Name of the task that was scored.
    pub task: String,
    /// Number of the newest block when the turn was scored.
    pub block: u64,
    /// Seconds from the first request to the scores.
    pub seconds: f64,
    /// Seconds of the turn beyond its slowest allowed part.
    pub overhead_seconds: f64,
    /// When the turn was recorded, in Unix seconds.
    pub recorded_unix: f64,
    /// One record for each miner that was asked.
    pub responses: Vec<ResponseRecord>,
}

/// Whether a turn was new to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The turn is new and is counted now.
    Now,
    /// The turn was counted before; nothing changed.
    Before,
}

/// What one hotkey did over all recorded turns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinerTally {
    /// The hotkey that the counts belong to.
    pub hotkey: AccountId,
    /// How often the hotkey was asked.
    pub requests: u64,
    /// Mean of the total rewards.
    pub mean_reward: f64,
    /// Number of answers by status code; `none` counts those without one.
    pub by_status: std::collections::BTreeMap<String, u64>,
}

impl Store {
    /// The scores as last committed; everything is empty in a new file.
    ///
    /// # Errors
    /// If the scores could not be read.
    pub fn load_scores(&self) -> Result<ScoreState, StoreError> {
        let attempted = "loading the scores";
        self.note_version(attempted)?;
        let miners = self
            .connection
            .prepare("SELECT hotkey, score FROM scores ORDER BY uid")
            .and_then(|mut query| query.query_map([], scored_miner)?.collect())
            .map_err(self.io(attempted))?;
        let counter = |name: &str| {
            self.connection
                .query_row("SELECT value FROM counters WHERE name = ?1", [name], |row| row.get(0))
                .optional()
                .map(|value: Option<u64>| value.unwrap_or(0))
                .map_err(self.io(attempted))
        };
        Ok(ScoreState { steps: counter("steps")?, turns: counter("turns")?, miners })
    }

    /// Commits a turn together with the scores after it. If the turn is already stored, nothing
    /// changes, so a caller that got no answer may try again.
    ///
    /// # Errors
    /// If the commit failed; then nothing of the turn is stored.
    pub fn record_turn(
        &mut self,
        turn: &TurnRecord,
        after: &ScoreState,
    ) -> Result<Recorded, StoreError> {
        self.fenced("recording a turn", |transaction| {
            if insert_turn(transaction, turn)? == 0 {
                return Ok((Recorded::Before, false));
            }
            for response in &turn.responses {
                insert_response(transaction, &turn.id, response)?;
            }
            write_scores(transaction, after)?;
            Ok((Recorded::Now, true))
        })
    }

    /// Commits the end of a conversation together with the scores after it, whose `steps` is one
    /// higher. If the conversation is already stored, nothing changes.
    ///
    /// # Errors
    /// If the commit failed; then nothing of the conversation is stored.
    pub fn record_pass(&mut self, id: &str, after: &ScoreState) -> Result<Recorded, StoreError> {
        self.fenced("recording a conversation", |transaction| {
            if transaction.execute("INSERT OR IGNORE INTO passes (id) VALUES (?1)", [id])? == 0 {
                return Ok((Recorded::Before, false));
            }
            write_scores(transaction, after)?;
            Ok((Recorded::Now, true))
        })
    }

    /// Whether a turn with this id is stored.
    ///
    /// # Errors
    /// If the turns could not be read.
    pub fn has_turn(&self, id: &str) -> Result<bool, StoreError> {
        self.connection
            .query_row("SELECT 1 FROM turns WHERE id = ?1", [id], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
            .map_err(self.io("looking for a turn"))
    }

    /// Commits scores that changed without a turn (a slot changed hands, a conversation ended).
    ///
    /// # Errors
    /// If the scores could not be committed to disk.
    pub fn save_scores(&mut self, state: &ScoreState) -> Result<(), StoreError> {
        self.fenced("saving the scores", |transaction| {
            write_scores(transaction, state)?;
            Ok(((), true))
        })
    }

    /// Requests, statuses and mean rewards by hotkey.
    ///
    /// # Errors
    /// If the turns could not be read.
    pub fn miner_tallies(&self) -> Result<Vec<MinerTally>, StoreError> {
        let rows: Vec<(AccountId, Option<u16>, u64, f64)> = self
            .connection
            .prepare(
                "SELECT hotkey, status, count(*), sum(reward) FROM responses
                 GROUP BY hotkey, status ORDER BY hotkey",
            )
            .and_then(|mut query| {
                let read =
                    |row: &Row<'_>| Ok((hotkey(row, 0)?, row.get(1)?, row.get(2)?, row.get(3)?));
                query.query_map([], read)?.collect()
            })
            .map_err(self.io("counting answers"))?;
        Ok(tally(&rows))
    }

    /// The overhead of every turn in seconds, in ascending order.
    ///
    /// # Errors
    /// If the turns could not be read.
    pub fn overheads(&self) -> Result<Vec<f64>, StoreError> {
        self.connection
            .prepare("SELECT overhead_seconds FROM turns ORDER BY overhead_seconds")
            .and_then(|mut query| query.query_map([], |row| row.get(0))?.collect())
            .map_err(self.io("reading the turns"))
    }
}

fn tally(rows: &[(AccountId, Option<u16>, u64, f64)]) -> Vec<MinerTally> {
    let mut tallies: Vec<MinerTally> = Vec::new();
    for (hotkey, status, n, reward) in rows {
        if tallies.last().is_none_or(|last| last.hotkey != *hotkey) {
            let by_status = Default::default();
            tallies.push(MinerTally { hotkey: *hotkey, requests: 0, mean_reward: 0.0, by_status });
        }
        let Some(tally) = tallies.last_mut() else { continue };
        let total = tally.mean_reward * tally.requests as f64 + reward;
        tally.requests += n;
        tally.mean_reward = total / tally.requests as f64;
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        tally.by_status.insert(status, *n);
    }
    tallies
}

fn hotkey(row: &Row<'_>, column: usize) -> rusqlite::Result<AccountId> {
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

fn scored_miner(row: &Row<'_>) -> rusqlite::Result<ScoredMiner> {
    // The column is 64 bits wide and holds a 32-bit score exactly.
    Ok(ScoredMiner { hotkey: hotkey(row, 0)?, score: row.get::<_, f64>(1)? as f32 })
}

fn insert_turn(transaction: &Transaction<'_>, turn: &TurnRecord) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT OR IGNORE INTO turns (id, step, turn, task, block, seconds, overhead_seconds, recorded_unix)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            turn.id, turn.step, turn.turn, turn.task, turn.block, turn.seconds,
            turn.overhead_seconds, turn.recorded_unix
        ],
    )
}

fn insert_response(
    transaction: &Transaction<'_>,
    turn_id: &str,
    response: &ResponseRecord,
) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO responses (turn_id, uid, hotkey, status, reward, seconds)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            turn_id,
            response.uid.0,
            response.hotkey.to_ss58(),
            response.status,
            f64::from(response.reward),
            response.seconds
        ],
    )
}

fn write_scores(transaction: &Transaction<'_>, state: &ScoreState) -> rusqlite::Result<()> {
    for (name, value) in [("steps", state.steps), ("turns", state.turns)] {
        transaction.execute(
            "INSERT INTO counters (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = ?2",
            params![name, value],
        )?;
    }
    transaction.execute("DELETE FROM scores WHERE uid >= ?1", [state.miners.len()])?;
    let mut write = transaction.prepare_cached(
        "INSERT INTO scores (uid, hotkey, score) VALUES (?1, ?2, ?3)
         ON CONFLICT (uid) DO UPDATE SET hotkey = ?2, score = ?3",
    )?;
    for (uid, miner) in state.miners.iter().enumerate() {
        write.execute(params![uid, miner.hotkey.to_ss58(), f64::from(miner.score)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::temporary;
    use super::*;

    fn turn(id: &str, status: Option<u16>, reward: f32) -> TurnRecord {
        let hotkey = AccountId([7; 32]);
        let response = ResponseRecord { uid: Uid(3), hotkey, status, reward, seconds: 1.5 };
        TurnRecord {
            id: id.to_owned(),
            step: 1,
            turn: 0,
            task: "qa".to_owned(),
            block: 10,
            seconds: 8.25,
            overhead_seconds: 0.125,
            recorded_unix: 1.0,
            responses: vec![response],
        }
    }

    fn scores(score: f32) -> ScoreState {
        let miners = vec![ScoredMiner { hotkey: AccountId([7; 32]), score }];
        ScoreState { steps: 1, turns: 1, miners }
    }

    #[test]
    fn scores_come_back_bit_for_bit() {
        let path = temporary("scores");
        let state = scores(0.1_f32 + 0.2_f32 / 3.0);
        Store::open(&path).unwrap().record_turn(&turn("a", Some(200), 0.5), &state).unwrap();
        assert_eq!(Store::open(&path).unwrap().load_scores().unwrap(), state);
    }

    #[test]
    fn a_turn_counts_once_however_often_it_is_sent() {
        let mut store = Store::open(&temporary("twice")).unwrap();
        assert_eq!(
            store.record_turn(&turn("a", Some(200), 0.5), &scores(0.5)).unwrap(),
            Recorded::Now
        );
        let again = store.record_turn(&turn("a", Some(200), 0.5), &scores(0.9)).unwrap();
        assert_eq!(again, Recorded::Before);
        assert_eq!(store.load_scores().unwrap(), scores(0.5));
        assert!(store.has_turn("a").unwrap() && !store.has_turn("b").unwrap());
    }

    #[test]
    fn a_conversation_counts_once_and_an_overtaken_writer_counts_nothing() {
        let path = temporary("passes");
        let mut store = Store::open(&path).unwrap();
        let mut late = Store::open(&path).unwrap();
        assert_eq!(store.record_pass("p", &scores(0.5)).unwrap(), Recorded::Now);
        assert_eq!(store.record_pass("p", &scores(0.9)).unwrap(), Recorded::Before);
        let overtaken = late.record_turn(&turn("a", Some(200), 0.5), &scores(0.9));
        assert!(matches!(overtaken, Err(StoreError::Overtaken { .. })));
        assert_eq!(store.load_scores().unwrap(), scores(0.5));
    }

    #[test]
    fn a_smaller_subnet_forgets_the_slots_that_went() {
        let mut store = Store::open(&temporary("shrink")).unwrap();
        let mut state = scores(0.5);
        state.miners.push(ScoredMiner { hotkey: AccountId([8; 32]), score: 0.25 });
        store.save_scores(&state).unwrap();
        store.save_scores(&scores(0.5)).unwrap();
        assert_eq!(store.load_scores().unwrap().miners.len(), 1);
    }

    #[test]
    fn tallies_join_the_statuses_of_a_hotkey() {
        let mut store = Store::open(&temporary("tally")).unwrap();
        for (id, status, reward) in [("a", Some(200), 0.5), ("b", Some(408), 0.0), ("c", None, 0.1)]
        {
            store.record_turn(&turn(id, status, reward), &scores(0.5)).unwrap();
        }
        let tallies = store.miner_tallies().unwrap();
        assert_eq!(tallies.len(), 1);
        assert_eq!(tallies[0].requests, 3);
        assert!((tallies[0].mean_reward - 0.2).abs() < 1e-6);
        assert_eq!(tallies[0].by_status.len(), 3);
        assert_eq!(store.overheads().unwrap(), [0.125; 3]);
    }
}
