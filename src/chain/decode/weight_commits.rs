//! Sealed commits as the chain keeps them until they are revealed: a list for each subnet and
//! epoch.
//!
//! Runtimes before `TimelockedWeightCommits` are refused by the name of what they have instead
//! (docs/spec/chain.md#refused-commits): they
//! open a commit in one block only, a block earlier than later ones, and drop it for good when the
//! beacon's pulse is late. Weights that are sealed for them would never count.

use subxt::dynamic;

use super::value::Value;
use super::{DecodeError, Item, Read, Runtime};
use crate::chain::{Netuid, StoredCommit};
use crate::wallet::{AccountId, blake2b_256};

const PALLET: &str = "SubtensorModule";
const ENTRY: &str = "TimelockedWeightCommits";
/// What runtimes before it have.
const REFUSED: [&str; 2] = ["CRV3WeightCommitsV2", "CRV3WeightCommits"];

/// Where a runtime keeps sealed commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightCommits(());

impl WeightCommits {
    /// The way of `runtime`.
    ///
    /// # Errors
    /// [`DecodeError::Missing`], which names the older way that it has instead.
    pub fn choose(runtime: &Runtime) -> Result<Self, DecodeError> {
        if runtime.has_storage(PALLET, ENTRY) {
            return Ok(Self(()));
        }
        let old = REFUSED.into_iter().find(|entry| runtime.has_storage(PALLET, entry));
        let instead = old.map_or_else(String::new, |entry| {
            format!(
                " (its {entry} opens a commit in one block only: sealed weights would never count)"
            )
        });
        Err(runtime.missing(Item::Storage(format!("{PALLET}.{ENTRY}{instead}"))))
    }

    /// What the storage keys of all epochs begin with. The subnet's number is that of its first
    /// mechanism.
    ///
    /// # Errors
    /// [`DecodeError::Arguments`]
    pub fn prefix(self, runtime: &Runtime, netuid: Netuid) -> Result<Vec<u8>, DecodeError> {
        runtime.storage_prefix(PALLET, ENTRY, vec![dynamic::Value::u128(netuid.0.into())])
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
        runtime.storage(PALLET, ENTRY, (netuid.0, epoch))
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
        let Some(value) = runtime.decode_storage(PALLET, ENTRY, stored)? else {
            return Ok(Vec::new());
        };
        let mut commits = Vec::new();
        for commit in value.list(ENTRY)? {
            let (who, commit) = self.commit(commit)?;
            if who == *hotkey {
                commits.push(commit);
            }
        }
        Ok(commits)
    }

    fn commit(self, commit: &Value<'_>) -> Result<(AccountId, StoredCommit), DecodeError> {
        let [who, block, Value::Bytes(sealed), round] = commit.list(ENTRY)? else {
            let (wanted, found) = ("a sealed commit", "another list");
            return Err(DecodeError::Shape { field: ENTRY.to_owned(), wanted, found });
        };
        let (block, round) = (block.number(ENTRY)?, round.number(ENTRY)?);
        Ok((who.account(ENTRY)?, StoredCommit { block, round, hash: blake2b_256(sealed) }))
    }
}
