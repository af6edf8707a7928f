//! Sealed commits as the chain keeps them until they are revealed: a list for each subnet and
//! epoch. Generations, newest first: `TimelockedWeightCommits`, `CRV3WeightCommitsV2`, and
//! `CRV3WeightCommits`, which tells no block.

use subxt::dynamic;

use super::value::Value;
use super::{DecodeError, Item, Read, Runtime};
use crate::chain::{Netuid, StoredCommit};
use crate::wallet::{AccountId, blake2b_256};

const PALLET: &str = "SubtensorModule";
const NEWEST_FIRST: [&str; 3] =
    ["TimelockedWeightCommits", "CRV3WeightCommitsV2", "CRV3WeightCommits"];

/// Where a runtime keeps sealed commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightCommits(&'static str);

impl WeightCommits {
    /// The newest way that `runtime` knows.
    ///
    /// # Errors
    /// [`DecodeError::Missing`]
    pub fn choose(runtime: &Runtime) -> Result<Self, DecodeError> {
        let found = NEWEST_FIRST.into_iter().find(|entry| runtime.has_storage(PALLET, entry));
        let missing = || {
            let names = NEWEST_FIRST.map(|entry| format!("{PALLET}.{entry}"));
            runtime.missing(Item::Storage(names.join(", nor ")))
        };
        found.map(Self).ok_or_else(missing)
    }

    /// What the storage keys of all epochs begin with. The subnet's number is that of its first
    /// mechanism.
    ///
    /// # Errors
    /// [`DecodeError::Arguments`]
    pub fn prefix(self, runtime: &Runtime, netuid: Netuid) -> Result<Vec<u8>, DecodeError> {
        runtime.storage_prefix(PALLET, self.0, vec![dynamic::Value::u128(netuid.0.into())])
    }

    /// The question for one epoch's commits.
    ///
    /// # Errors
    /// [`DecodeError::Arguments`]
    pub fn of_epoch(
        self,
        runtime: &Runtime,
        netuid: Netuid,
        epoch: u64,
    ) -> Result<Read, DecodeError> {
        runtime.storage(PALLET, self.0, (netuid.0, epoch))
    }

    /// The commits of `hotkey` in one epoch's list.
    ///
    /// # Errors
    /// [`DecodeError`]
    pub fn decode(
        self,
        runtime: &Runtime,
        hotkey: &AccountId,
        stored: Option<&[u8]>,
    ) -> Result<Vec<StoredCommit>, DecodeError> {
        let Some(value) = runtime.decode_storage(PALLET, self.0, stored)? else {
            return Ok(Vec::new());
        };
        let mut commits = Vec::new();
        for commit in value.list(self.0)? {
            let (who, commit) = self.commit(commit)?;
            if who == *hotkey {
                commits.push(commit);
            }
        }
        Ok(commits)
    }

    fn commit(self, commit: &Value<'_>) -> Result<(AccountId, StoredCommit), DecodeError> {
        let (who, block, sealed, round) = match commit.list(self.0)? {
            [who, block, Value::Bytes(sealed), round] => {
                (who, block.number(self.0)?, sealed, round)
            }
            [who, Value::Bytes(sealed), round] => (who, 0, sealed, round),
            _ => {
                let (wanted, found) = ("a sealed commit", "another list");
                return Err(DecodeError::Shape { field: self.0.to_owned(), wanted, found });
            }
        };
        let round = round.number(self.0)?;
        Ok((who.account(self.0)?, StoredCommit { block, round, hash: blake2b_256(sealed) }))
    }
}
