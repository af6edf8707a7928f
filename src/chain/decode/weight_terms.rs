//! What a weight setting is planned from: storage by name, and the stake from the newest runtime
//! API that tells it, since only the runtime adds up what is delegated (docs/spec/chain.md#stake
//! and docs/spec/chain.md#weights-checks).

use super::columns::{Fields, column};
use super::snapshot::{self, Absent, STORED_SETTINGS, Stored, hyperparameters};
use super::value::Value;
use super::{DecodeError, Item, Read, Runtime, WeightCommits};
use crate::chain::commit_reveal::{
    BeaconError, BeaconParameters, EpochSchedule, EpochState, ModularEpochs,
};
use crate::chain::{Head, Hyperparameters, Netuid, RevealTerms, Uid, WeightTerms};
use crate::wallet::AccountId;

const PALLET: &str = "SubtensorModule";
const DRAND: &str = "Drand";
/// Of each subnet, besides its settings.
const SUBNET_ENTRIES: [&str; 10] = [
    "NetworksAdded",
    "SubnetworkN",
    "LastUpdate",
    "ValidatorPermit",
    "SubnetOwnerHotkey",
    "RevealPeriodEpochs",
    "BlocksSinceLastStep",
    "LastEpochBlock",
    "PendingEpochAt",
    "SubnetEpochIndex",
];
const GLOBAL_ENTRIES: [(&str, &str); 4] = [
    (PALLET, "StakeThreshold"),
    (PALLET, "CommitRevealWeightsVersion"),
    (DRAND, "BeaconConfig"),
    (DRAND, "LastStoredRound"),
];
const SUBNET_API: &str = "SubnetInfoRuntimeApi";
/// The index of `total_stake` in the selective APIs.
const TOTAL_STAKE: u16 = 69;
/// Seconds a block where the runtime does not tell: the main network's.
const USUAL_BLOCK_TIME: f64 = 12.0;
/// Of runtimes that do not tell which version of commits they take.
const FIRST_VERSION: u16 = 4;

/// The public beacon, for runtimes that do not store which beacon they use: key, genesis and period
/// of drand's quicknet.
const QUICKNET: (&str, u64, u64) = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106\
     4510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5e\
     ce45a",
    1_692_803_367,
    3,
);

/// The APIs that tell `total_stake`, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StakeApi {
    SelectiveMechagraph,
    SelectiveMetagraph,
    Metagraph,
    State,
}

impl StakeApi {
    const BEST_FIRST: [Self; 4] =
        [Self::SelectiveMechagraph, Self::SelectiveMetagraph, Self::State, Self::Metagraph];

    fn method(self) -> &'static str {
        match self {
            Self::SelectiveMechagraph => "get_selective_mechagraph",
            Self::SelectiveMetagraph => "get_selective_metagraph",
            Self::Metagraph => "get_metagraph",
            Self::State => "get_subnet_state",
        }
    }

    fn read(self, runtime: &Runtime, netuid: Netuid) -> Result<Read, DecodeError> {
        let (method, netuid) = (self.method(), netuid.0);
        match self {
            Self::SelectiveMechagraph => {
                runtime.call(SUBNET_API, method, (netuid, 0u8, vec![TOTAL_STAKE]))
            }
            Self::SelectiveMetagraph => {
                runtime.call(SUBNET_API, method, (netuid, vec![TOTAL_STAKE]))
            }
            Self::Metagraph | Self::State => runtime.call(SUBNET_API, method, (netuid,)),
        }
    }
}

/// How to read the terms from one runtime.
#[derive(Debug, Clone)]
pub struct WeightTermsPlan {
    stake: StakeApi,
    /// What the runtime has of the subnet's entries, and of the global ones.
    subnet: Vec<&'static str>,
    global: Vec<(&'static str, &'static str)>,
}

impl WeightTermsPlan {
    /// The best way that `runtime` offers.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] when no API of it tells the stake.
    pub fn choose(runtime: &Runtime) -> Result<Self, DecodeError> {
        let has = |api: &StakeApi| runtime.has_api(SUBNET_API, api.method());
        let missing = || {
            let names = StakeApi::BEST_FIRST.map(|api| format!("{SUBNET_API}.{}", api.method()));
            runtime.missing(Item::Api(names.join(", nor ")))
        };
        let stake = StakeApi::BEST_FIRST.into_iter().find(has).ok_or_else(missing)?;
        let settings = STORED_SETTINGS.map(|(_, entry)| entry);
        let mut subnet = [&SUBNET_ENTRIES[..], &settings].concat();
        subnet.retain(|entry| runtime.has_storage(PALLET, entry));
        let mut global = GLOBAL_ENTRIES.to_vec();
        global.retain(|(pallet, entry)| runtime.has_storage(pallet, entry));
        Ok(Self { stake, subnet, global })
    }

    /// The questions, all to be asked at one block.
    ///
    /// # Errors
    /// [`DecodeError::Arguments`], [`DecodeError::Missing`].
    pub fn reads(
        &self,
        runtime: &Runtime,
        netuid: Netuid,
        hotkey: &AccountId,
    ) -> Result<Vec<Read>, DecodeError> {
        let mut reads = vec![
            self.stake.read(runtime, netuid)?,
            runtime.storage(PALLET, "Uids", (netuid.0, hotkey.0))?,
        ];
        for entry in &self.subnet {
            reads.push(runtime.storage(PALLET, entry, (netuid.0,))?);
        }
        for (pallet, entry) in &self.global {
            reads.push(runtime.storage(pallet, entry, ())?);
        }
        Ok(reads)
    }

    /// What the answers to [`Self::reads`] say, in the same order. `head` is the block that they
    /// are of. How many commits wait is not known yet ([`commits_of_next_epoch`]): 0.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that does not fit or lacks.
    pub fn decode(
        &self,
        runtime: &Runtime,
        netuid: Netuid,
        hotkey: &AccountId,
        head: Head,
        answers: &[Option<Vec<u8>>],
    ) -> Result<WeightTerms, DecodeError> {
        let stored = self.stored(runtime, answers)?;
        let terms = Terms { runtime, stored, netuid, head };
        if !terms.get("NetworksAdded")?.truth("SubtensorModule.NetworksAdded")? {
            return Err(DecodeError::NoSubnet(netuid));
        }
        let uid = runtime.decode_storage(PALLET, "Uids", answer(answers, 1))?;
        let uid = uid.as_ref().and_then(Value::some);
        let uid = uid.map(|uid| uid.number("SubtensorModule.Uids").map(Uid)).transpose()?;
        let hyperparameters = terms.hyperparameters()?;
        let of = |entry| uid.map(|uid| terms.of_uid(entry, uid)).transpose();
        let last_update = of("LastUpdate")?.map(|value| value.number("LastUpdate")).transpose()?;
        let permit = of("ValidatorPermit")?.map(|value| value.truth("ValidatorPermit"));
        let owner = terms.stored.get("SubnetOwnerHotkey").and_then(Value::some);
        let is_owner = owner.is_some_and(|owner| owner.account("") == Ok(*hotkey));
        let stake = uid.map(|uid| self.stake_of(runtime, netuid, uid, answers)).transpose()?;
        let is_sealed = hyperparameters.commit_reveal_enabled;
        let reveal = is_sealed.then(|| terms.reveal(hyperparameters.tempo)).transpose()?;
        Ok(WeightTerms {
            head,
            uid,
            has_permit: permit.transpose()?.unwrap_or(false),
            is_owner,
            stake: stake.unwrap_or(0),
            last_update: last_update.unwrap_or(0),
            n_neurons: terms.number("SubnetworkN")?,
            hyperparameters,
            reveal,
        })
    }

    fn stored<'m>(
        &self,
        runtime: &'m Runtime,
        answers: &[Option<Vec<u8>>],
    ) -> Result<Stored<'m>, DecodeError> {
        let subnet = self.subnet.iter().map(|entry| (PALLET, *entry));
        let entries = subnet.chain(self.global.iter().copied());
        let mut stored = Stored::new();
        for (i, (pallet, entry)) in (2..).zip(entries) {
            if let Some(value) = runtime.decode_storage(pallet, entry, answer(answers, i))? {
                stored.insert(entry, value);
            }
        }
        Ok(stored)
    }

    fn stake_of(
        &self,
        runtime: &Runtime,
        netuid: Netuid,
        uid: Uid,
        answers: &[Option<Vec<u8>>],
    ) -> Result<u64, DecodeError> {
        let method = self.stake.method();
        let bytes = answer(answers, 0).unwrap_or_default();
        let graph = runtime.decode_call(SUBNET_API, method, bytes, Some(&["total_stake"]))?;
        let graph = graph.some().ok_or(DecodeError::NoSubnet(netuid))?;
        let graph = Fields { runtime, answer: method, value: graph };
        let stakes = graph.column("total_stake", None, |value, name| value.number(name))?;
        let found = stakes.len();
        let uneven = || uneven(graph.name("total_stake"), uid, found);
        stakes.get(usize::from(uid.0)).copied().ok_or_else(uneven)
    }
}

/// The question for the commits of the epoch that the next block belongs to: the chain counts
/// those when it takes one more. `None` when the epoch cannot be told.
///
/// # Errors
/// [`DecodeError`]
pub fn commits_of_next_epoch(
    runtime: &Runtime,
    netuid: Netuid,
    schedule: &EpochSchedule,
) -> Result<Option<(WeightCommits, Read)>, DecodeError> {
    let next = schedule.head().saturating_add(1);
    let epoch = match schedule {
        EpochSchedule::Stateful(state) => Some(state.epoch_at(next)),
        EpochSchedule::Modular(epochs) => epochs.epoch_at(next),
    };
    let Some(epoch) = epoch else { return Ok(None) };
    let commits = WeightCommits::choose(runtime)?;
    Ok(Some((commits, commits.of_epoch(runtime, netuid, epoch)?)))
}

fn answer(answers: &[Option<Vec<u8>>], i: usize) -> Option<&[u8]> {
    answers.get(i).and_then(Option::as_deref)
}

fn uneven(field: String, uid: Uid, found: usize) -> DecodeError {
    DecodeError::Uneven { field, wanted: usize::from(uid.0) + 1, found }
}

/// The answers, by entry.
struct Terms<'m> {
    runtime: &'m Runtime,
    stored: Stored<'m>,
    netuid: Netuid,
    head: Head,
}

impl Terms<'_> {
    fn get(&self, entry: &str) -> Result<&Value<'_>, DecodeError> {
        let missing = || self.runtime.missing(Item::Storage(format!("{PALLET}.{entry}")));
        self.stored.get(entry).ok_or_else(missing)
    }

    fn number<T: TryFrom<u128>>(&self, entry: &str) -> Result<T, DecodeError> {
        self.get(entry)?.number(&format!("{PALLET}.{entry}"))
    }

    /// The value of one slot in a list with an entry for each.
    fn of_uid(&self, entry: &str, uid: Uid) -> Result<&Value<'_>, DecodeError> {
        let list = self.get(entry)?.list(entry)?;
        list.get(usize::from(uid.0)).ok_or_else(|| uneven(entry.to_owned(), uid, list.len()))
    }

    fn hyperparameters(&self) -> Result<Hyperparameters, DecodeError> {
        let settings = snapshot::settings_record(&self.stored);
        let fields = Fields { runtime: self.runtime, answer: PALLET, value: &settings };
        hyperparameters::read(fields, &self.stored, &mut Absent::default())
    }

    fn reveal(&self, tempo: u16) -> Result<RevealTerms, DecodeError> {
        WeightCommits::choose(self.runtime)?;
        let version = match self.stored.get("CommitRevealWeightsVersion") {
            Some(version) => version.number("CommitRevealWeightsVersion")?,
            None => FIRST_VERSION,
        };
        let round = self.stored.get("LastStoredRound").map(|round| round.number("LastStoredRound"));
        Ok(RevealTerms {
            version,
            period_epochs: self.number("RevealPeriodEpochs")?,
            schedule: self.schedule(tempo)?,
            beacon: self.beacon()?,
            last_stored_round: round.transpose()?.unwrap_or(0),
            block_time: self.block_time()?,
            n_unrevealed: 0,
        })
    }

    fn schedule(&self, tempo: u16) -> Result<EpochSchedule, DecodeError> {
        let head = self.head.number;
        if !self.runtime.has_storage(PALLET, "SubnetEpochIndex") {
            return Ok(EpochSchedule::Modular(ModularEpochs { netuid: self.netuid, tempo, head }));
        }
        Ok(EpochSchedule::Stateful(EpochState {
            last_epoch_block: self.number("LastEpochBlock")?,
            pending_epoch_at: self.number("PendingEpochAt")?,
            subnet_epoch_index: self.number("SubnetEpochIndex")?,
            tempo,
            blocks_since_last_step: self.number("BlocksSinceLastStep")?,
            head,
        }))
    }

    fn beacon(&self) -> Result<BeaconParameters, DecodeError> {
        let unfit = |error: BeaconError| {
            self.runtime.unfit(Item::Storage("Drand.BeaconConfig".to_owned()), error.to_string())
        };
        let Some(config) = self.stored.get("BeaconConfig") else {
            let (key, genesis, period) = QUICKNET;
            let key = hex::decode(key).unwrap_or_default();
            return BeaconParameters::new(&key, genesis, period).map_err(unfit);
        };
        let config = Fields { runtime: self.runtime, answer: "Drand.BeaconConfig", value: config };
        let byte = |value: &Value<'_>, name: &str| value.number::<u8>(name);
        let key = match config.get("public_key")? {
            Value::Bytes(key) => key.clone(),
            other => column(other, "Drand.BeaconConfig.public_key", None, byte)?,
        };
        let (genesis, period) = (config.number("genesis_time")?, config.number("period")?);
        BeaconParameters::new(&key, genesis, period).map_err(unfit)
    }

    /// Seconds a block: a slot's length, as block production counts.
    fn block_time(&self) -> Result<f64, DecodeError> {
        let Some(slot) = self.runtime.constant("Aura", "SlotDuration")? else {
            return Ok(USUAL_BLOCK_TIME);
        };
        let milliseconds: u64 = slot.number("Aura.SlotDuration")?;
        Ok(milliseconds as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests;
