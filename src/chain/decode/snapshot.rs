//! Which questions make a snapshot of a subnet, and what the answers say.
//!
//! Generations of the metagraph API, newest first: `get_selective_mechagraph`,
//! `get_selective_metagraph`, `get_metagraph`, and `get_neurons_lite` with `get_subnet_state` and
//! storage. The first that the runtime has is used. All reads of one plan belong to one block.

pub(super) mod hyperparameters;
mod neurons;

use std::collections::BTreeMap;

use super::columns::{Fields, column};
use super::value::Value;
use super::{DecodeError, Item, Read, Runtime};
use crate::chain::{Head, Metagraph, Netuid};

const SUBNET_API: &str = "SubnetInfoRuntimeApi";
const NEURON_API: &str = "NeuronInfoRuntimeApi";
const PALLET: &str = "SubtensorModule";
/// The mechanism whose incentives are read: every subnet has it.
const FIRST_MECHANISM: u8 = 0;

/// The fields of a metagraph that are read, and by which index the selective APIs know each
/// (docs/spec/chain.md#metagraph). The indexes are part of those APIs and only ever grow.
const FIELDS: [(&str, u16); 27] = [
    ("netuid", 0),
    ("tempo", 8),
    ("kappa", 23),
    ("min_allowed_weights", 24),
    ("max_weights_limit", 25),
    ("weights_version", 26),
    ("weights_rate_limit", 27),
    ("activity_cutoff", 28),
    ("max_validators", 29),
    ("max_uids", 31),
    ("burn", 32),
    ("immunity_period", 36),
    ("serving_rate_limit", 45),
    ("commit_reveal_weights_enabled", 46),
    ("bonds_moving_avg", 51),
    ("hotkeys", 52),
    ("coldkeys", 53),
    ("axons", 55),
    ("active", 56),
    ("validator_permit", 57),
    ("last_update", 59),
    ("emission", 60),
    ("dividends", 61),
    ("incentives", 62),
    ("consensus", 63),
    ("block_at_registration", 66),
    ("total_stake", 69),
];

/// What newer runtimes tell of each slot's collateral. The selective APIs know every field by its
/// place in what they answer, and these places are found by name.
const COLLATERAL: [&str; 3] = ["collateral_locked", "collateral_min", "collateral_earned"];

/// What is read of each row of `get_neurons_lite`.
const ROW_FIELDS: [&str; 12] = [
    "hotkey",
    "coldkey",
    "uid",
    "active",
    "axon_info",
    "emission",
    "incentive",
    "consensus",
    "validator_trust",
    "dividends",
    "last_update",
    "validator_permit",
];

/// What is read of `get_subnet_state`.
const STATE_FIELDS: [&str; 2] = ["block_at_registration", "total_stake"];

/// A subnet's settings by a metagraph's field names, and where storage keeps each.
pub(super) const STORED_SETTINGS: [(&str, &str); 14] = [
    ("tempo", "Tempo"),
    ("kappa", "Kappa"),
    ("min_allowed_weights", "MinAllowedWeights"),
    ("max_weights_limit", "MaxWeightsLimit"),
    ("weights_version", "WeightsVersionKey"),
    ("weights_rate_limit", "WeightsSetRateLimit"),
    ("activity_cutoff", "ActivityCutoff"),
    ("max_validators", "MaxAllowedValidators"),
    ("max_uids", "MaxAllowedUids"),
    ("burn", "Burn"),
    ("immunity_period", "ImmunityPeriod"),
    ("serving_rate_limit", "ServingRateLimit"),
    ("commit_reveal_weights_enabled", "CommitRevealWeightsEnabled"),
    ("bonds_moving_avg", "BondsMovingAverage"),
];

/// A subnet at one block, and what its runtime does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The subnet.
    pub metagraph: Metagraph,
    /// Fields that the runtime lacks and that this node can do without; they are 0 (the weight
    /// limit: none).
    pub absent: Vec<String>,
}

/// Which way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Generation {
    SelectiveMechagraph,
    SelectiveMetagraph,
    Metagraph,
    Neurons,
}

impl Generation {
    const NEWEST_FIRST: [Self; 4] =
        [Self::SelectiveMechagraph, Self::SelectiveMetagraph, Self::Metagraph, Self::Neurons];

    /// The APIs that it takes.
    fn apis(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::SelectiveMechagraph => &[(SUBNET_API, "get_selective_mechagraph")],
            Self::SelectiveMetagraph => &[(SUBNET_API, "get_selective_metagraph")],
            Self::Metagraph => &[(SUBNET_API, "get_metagraph")],
            Self::Neurons => &[(NEURON_API, "get_neurons_lite"), (SUBNET_API, "get_subnet_state")],
        }
    }

    fn is_in(self, runtime: &Runtime) -> bool {
        self.apis().iter().all(|(api, method)| runtime.has_api(api, method))
    }

    fn calls(self, runtime: &Runtime, netuid: Netuid) -> Result<Vec<Read>, DecodeError> {
        let (api, method) = self.apis()[0];
        let answered = runtime.answer_fields(api, method)?;
        let of_name = |name: &&str| (0_u16..).zip(&answered).find(|(_, found)| *found == name);
        let more: Vec<_> = COLLATERAL.iter().filter_map(of_name).map(|(index, _)| index).collect();
        let indexes = || [&FIELDS.map(|(_, index)| index)[..], &more].concat();
        let call = |&(api, method): &(&str, &str)| match self {
            Self::SelectiveMechagraph => {
                runtime.call(api, method, (netuid.0, FIRST_MECHANISM, indexes()))
            }
            Self::SelectiveMetagraph => runtime.call(api, method, (netuid.0, indexes())),
            Self::Metagraph | Self::Neurons => runtime.call(api, method, (netuid.0,)),
        };
        self.apis().iter().map(call).collect()
    }

    fn storage(self) -> Vec<&'static str> {
        let mut entries = vec!["StakeThreshold", "ValidatorTrust"];
        if self == Self::Neurons {
            entries.extend(STORED_SETTINGS.map(|(_, entry)| entry));
        }
        entries
    }
}

/// How to take a snapshot from one runtime.
#[derive(Debug, Clone)]
pub struct SnapshotPlan {
    generation: Generation,
    /// The storage entries that are read too, after the APIs; only those that the runtime has.
    storage: Vec<&'static str>,
}

impl SnapshotPlan {
    /// The best way that `runtime` offers.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] when it has no metagraph API of any generation known here.
    pub fn choose(runtime: &Runtime) -> Result<Self, DecodeError> {
        let found = Generation::NEWEST_FIRST.into_iter().find(|found| found.is_in(runtime));
        let generation = found.ok_or_else(|| runtime.missing(Item::Api(all_names())))?;
        let mut storage = generation.storage();
        storage.retain(|entry| runtime.has_storage(PALLET, entry));
        Ok(Self { generation, storage })
    }

    /// The runtime APIs that it asks, for logs.
    pub fn apis(&self) -> Vec<String> {
        self.generation.apis().iter().map(|(api, method)| format!("{api}.{method}")).collect()
    }

    /// The questions, all to be asked at one block.
    ///
    /// # Errors
    /// [`DecodeError::Arguments`] when the runtime's APIs take others than any known here.
    pub fn reads(&self, runtime: &Runtime, netuid: Netuid) -> Result<Vec<Read>, DecodeError> {
        let mut reads = self.generation.calls(runtime, netuid)?;
        for &entry in &self.storage {
            reads.push(match entry {
                "StakeThreshold" => runtime.storage(PALLET, entry, ())?,
                _ => runtime.storage(PALLET, entry, (netuid.0,))?,
            });
        }
        Ok(reads)
    }

    /// What the answers to [`Self::reads`] say, in the same order: `None` for an empty storage
    /// entry. `head` is the block that they are of.
    ///
    /// # Errors
    /// [`DecodeError`] for anything that does not fit or lacks.
    pub fn decode(
        &self,
        runtime: &Runtime,
        netuid: Netuid,
        head: Head,
        answers: &[Option<Vec<u8>>],
    ) -> Result<Snapshot, DecodeError> {
        let stored = self.stored(runtime, answers)?;
        let mut absent = Absent::default();
        let (neurons, collateral, hyperparameters) = if self.generation == Generation::Neurons {
            let rows = self.call(runtime, answers, 0, &ROW_FIELDS)?;
            let state = self.call(runtime, answers, 1, &STATE_FIELDS)?;
            let state = state.some().ok_or(DecodeError::NoSubnet(netuid))?;
            let state = Fields { runtime, answer: "get_subnet_state", value: state };
            let settings = settings_record(&stored);
            let settings = Fields { runtime, answer: PALLET, value: &settings };
            let neurons = neurons::from_rows(&rows, state, &mut absent)?;
            (neurons, Vec::new(), hyperparameters::read(settings, &stored, &mut absent)?)
        } else {
            let wanted = [&FIELDS.map(|(name, _)| name)[..], &COLLATERAL].concat();
            let graph = self.call(runtime, answers, 0, &wanted)?;
            let graph = graph.some().ok_or(DecodeError::NoSubnet(netuid))?;
            let answer = self.generation.apis()[0].1;
            let graph = Fields { runtime, answer, value: graph };
            check_netuid(graph, netuid)?;
            let neurons = neurons::from_columns(graph, &stored, &mut absent)?;
            let collateral = neurons::collateral(graph, COLLATERAL, neurons.len())?;
            (neurons, collateral, hyperparameters::read(graph, &stored, &mut absent)?)
        };
        let metagraph = Metagraph { netuid, head, hyperparameters, neurons, collateral };
        Ok(Snapshot { metagraph, absent: absent.0 })
    }

    fn call<'m>(
        &self,
        runtime: &'m Runtime,
        answers: &[Option<Vec<u8>>],
        i: usize,
        wanted: &[&str],
    ) -> Result<Value<'m>, DecodeError> {
        let (api, method) = self.generation.apis()[i];
        let answer = answers.get(i).and_then(Option::as_deref).unwrap_or_default();
        runtime.decode_call(api, method, answer, Some(wanted))
    }

    fn stored<'m>(
        &self,
        runtime: &'m Runtime,
        answers: &[Option<Vec<u8>>],
    ) -> Result<Stored<'m>, DecodeError> {
        let answers = answers.iter().skip(self.generation.apis().len());
        let mut stored = Stored::new();
        for (&entry, answer) in self.storage.iter().zip(answers) {
            if let Some(value) = runtime.decode_storage(PALLET, entry, answer.as_deref())? {
                stored.insert(entry, value);
            }
        }
        Ok(stored)
    }
}

/// Storage values by entry.
pub(super) type Stored<'m> = BTreeMap<&'static str, Value<'m>>;

/// The stored settings under the names that a metagraph gives them.
pub(super) fn settings_record(stored: &Stored<'_>) -> Value<'static> {
    let plain = |value: &Value<'_>| match value {
        Value::Uint(number) => Some(Value::Uint(*number)),
        Value::Bool(value) => Some(Value::Bool(*value)),
        _ => None,
    };
    let field = |(name, entry): (&'static str, &str)| Some((name, plain(stored.get(entry)?)?));
    Value::Record(STORED_SETTINGS.into_iter().filter_map(field).collect())
}

fn check_netuid(graph: Fields<'_>, netuid: Netuid) -> Result<(), DecodeError> {
    if graph.number::<u16>("netuid")? == netuid.0 {
        return Ok(());
    }
    let (wanted, found) = ("the subnet that was asked for", "another subnet");
    Err(DecodeError::Shape { field: graph.name("netuid"), wanted, found })
}

fn all_names() -> String {
    let names = |generation: Generation| {
        let names = generation.apis().iter().map(|(api, method)| format!("{api}.{method}"));
        names.collect::<Vec<_>>().join(" with ")
    };
    Generation::NEWEST_FIRST.map(names).join(", nor ")
}

/// What a runtime lacks and a node can do without.
#[derive(Debug, Default)]
pub(super) struct Absent(Vec<String>);

impl Absent {
    /// The field's number, or `default` when the runtime has none; that is noted.
    fn number<T: TryFrom<u128>>(
        &mut self,
        fields: Fields<'_>,
        field: &str,
        default: T,
    ) -> Result<T, DecodeError> {
        self.number_of(fields.find(field), &fields.name(field), default)
    }

    fn number_of<T: TryFrom<u128>>(
        &mut self,
        value: Option<&Value<'_>>,
        name: &str,
        default: T,
    ) -> Result<T, DecodeError> {
        match value {
            Some(value) => value.number(name),
            None => {
                self.0.push(name.to_owned());
                Ok(default)
            }
        }
    }

    /// One number a neuron, 0 for all when the runtime has none or tells nothing.
    fn numbers<T: TryFrom<u128> + Default + Clone>(
        &mut self,
        value: Option<&Value<'_>>,
        name: &str,
        n: usize,
    ) -> Result<Vec<T>, DecodeError> {
        let is_empty = |value: &&Value<'_>| matches!(value, Value::List(list) if list.is_empty());
        match value.filter(|value| n == 0 || !is_empty(value)) {
            Some(value) => column(value, name, Some(n), |value, name| value.number(name)),
            None => {
                self.0.push(name.to_owned());
                Ok(vec![T::default(); n])
            }
        }
    }
}

#[cfg(test)]
mod tests;
