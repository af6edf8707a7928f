//! What is sent, and which of the runtime's calls that becomes: the newest that it has.

use subxt::dynamic::{Value, tx};
use subxt::ext::scale_value::Composite;
use subxt::transactions::DynamicPayload;

use crate::chain::decode::{DecodeError, Item, Runtime};
use crate::chain::{AxonInfo, Netuid, PrometheusInfo, WeightSetting};
use crate::wallet::AccountId;

const PALLET: &str = "SubtensorModule";
/// The mechanism whose weights are set: every subnet has it.
const FIRST_MECHANISM: u128 = 0;

/// Arguments that say nothing new to a call which does not take them: there is only the first
/// mechanism, placeholders are 0, and one version of commits is all that the oldest runtimes know.
const MAY_BE_LEFT_OUT: [&str; 4] =
    ["mecid", "placeholder1", "placeholder2", "commit_reveal_version"];

/// What a node of ours sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call<'a> {
    /// Weights, plain or sealed, signed by the hotkey.
    Weights {
        /// The subnet.
        netuid: Netuid,
        /// What is set.
        setting: &'a WeightSetting,
    },
    /// Where the hotkey serves, signed by it.
    ServeAxon {
        /// The subnet.
        netuid: Netuid,
        /// The record; its block is the chain's to fill in.
        axon: &'a AxonInfo,
    },
    /// Where the hotkey's metrics are, signed by it.
    ServePrometheus {
        /// The subnet.
        netuid: Netuid,
        /// The record.
        prometheus: &'a PrometheusInfo,
    },
    /// A registration, paid and signed by the coldkey.
    BurnedRegister {
        /// The subnet.
        netuid: Netuid,
        /// Who is registered.
        hotkey: AccountId,
    },
    /// Stake of the coldkey on a hotkey, signed by the coldkey.
    AddStake {
        /// The subnet.
        netuid: Netuid,
        /// Who gets it.
        hotkey: AccountId,
        /// How much, in rao.
        amount: u64,
    },
}

type Arguments = Vec<(&'static str, Value)>;

/// A call by its names, which subxt lays out by the metadata.
pub(super) type Payload = DynamicPayload<Composite<()>>;

impl Call<'_> {
    /// The calls that do it, newest first.
    fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Weights { setting: WeightSetting::Plain { .. }, .. } => {
                &["set_mechanism_weights", "set_weights"]
            }
            Self::Weights { setting: WeightSetting::Sealed { .. }, .. } => {
                &["commit_timelocked_mechanism_weights", "commit_timelocked_weights"]
            }
            Self::ServeAxon { .. } => &["serve_axon"],
            Self::ServePrometheus { .. } => &["serve_prometheus"],
            Self::BurnedRegister { .. } => &["burned_register"],
            Self::AddStake { .. } => &["add_stake"],
        }
    }

    /// The calls that would do it, for errors.
    pub(super) fn label(&self) -> String {
        let names: Vec<_> = self.names().iter().map(|name| format!("{PALLET}.{name}")).collect();
        names.join(", nor ")
    }

    /// Pallet, call and arguments in SCALE.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] when the runtime has none of the calls; [`DecodeError::Arguments`]
    /// when it wants an argument that is not known, or lacks one that matters.
    pub fn encode(&self, runtime: &Runtime) -> Result<Vec<u8>, DecodeError> {
        let payload = self.payload(runtime)?;
        let encoded = runtime.client().transactions().call_data(&payload);
        encoded.map_err(|error| runtime.refused(Item::Call(self.label()), error.to_string()))
    }

    /// The newest of the calls that the runtime has, with the arguments that it takes.
    ///
    /// # Errors
    /// As those of [`Call::encode`].
    pub(super) fn payload(&self, runtime: &Runtime) -> Result<Payload, DecodeError> {
        let name = self.names().iter().find(|name| runtime.has_call(PALLET, name));
        let name = name.ok_or_else(|| runtime.missing(Item::Call(self.label())))?;
        let arguments = chosen(runtime, name, self.arguments())?;
        Ok(tx(PALLET, *name, Composite::named(arguments)))
    }

    fn arguments(&self) -> Arguments {
        let number = Value::u128;
        let list = |numbers: &mut dyn Iterator<Item = u16>| {
            Value::unnamed_composite(numbers.map(|value| number(value.into())))
        };
        match *self {
            Self::Weights { netuid, setting: WeightSetting::Plain { weights, version_key } } => {
                let entries = weights.entries();
                vec![
                    ("netuid", number(netuid.0.into())),
                    ("mecid", number(FIRST_MECHANISM)),
                    ("dests", list(&mut entries.iter().map(|(uid, _)| uid.0))),
                    ("weights", list(&mut entries.iter().map(|(_, weight)| *weight))),
                    ("version_key", number((*version_key).into())),
                ]
            }
            Self::Weights {
                netuid,
                setting: WeightSetting::Sealed { commit, reveal_round, version },
            } => vec![
                ("netuid", number(netuid.0.into())),
                ("mecid", number(FIRST_MECHANISM)),
                ("commit", Value::from_bytes(commit)),
                ("reveal_round", number((*reveal_round).into())),
                ("commit_reveal_version", number((*version).into())),
            ],
            Self::ServeAxon { netuid, axon } => vec![
                ("netuid", number(netuid.0.into())),
                ("version", number(axon.version.into())),
                ("ip", number(axon.ip)),
                ("port", number(axon.port.into())),
                ("ip_type", number(axon.ip_type.into())),
                ("protocol", number(axon.protocol.into())),
                ("placeholder1", number(axon.placeholder1.into())),
                ("placeholder2", number(axon.placeholder2.into())),
            ],
            Self::ServePrometheus { netuid, prometheus } => vec![
                ("netuid", number(netuid.0.into())),
                ("version", number(prometheus.version.into())),
                ("ip", number(prometheus.ip)),
                ("port", number(prometheus.port.into())),
                ("ip_type", number(prometheus.ip_type.into())),
            ],
            Self::BurnedRegister { netuid, hotkey } => {
                vec![("netuid", number(netuid.0.into())), ("hotkey", Value::from_bytes(hotkey.0))]
            }
            Self::AddStake { netuid, hotkey, amount } => vec![
                ("hotkey", Value::from_bytes(hotkey.0)),
                ("netuid", number(netuid.0.into())),
                ("amount_staked", number(amount.into())),
            ],
        }
    }
}

/// Those of `given` that the call takes. subxt would drop any other one without a word.
fn chosen(runtime: &Runtime, call: &str, given: Arguments) -> Result<Arguments, DecodeError> {
    let refused = |reason: String| runtime.refused(Item::Call(format!("{PALLET}.{call}")), reason);
    let taken = runtime.call_fields(PALLET, call)?;
    let is_lost = |name: &&str| !taken.contains(name) && !MAY_BE_LEFT_OUT.contains(name);
    if let Some(lost) = given.iter().map(|(name, _)| *name).find(is_lost) {
        return Err(refused(format!("it takes no `{lost}`")));
    }
    let is_given = |wanted: &&&str| given.iter().any(|(name, _)| name == *wanted);
    if let Some(unknown) = taken.iter().find(|wanted| !is_given(wanted)) {
        return Err(refused(format!("it wants `{unknown}`, which is not known")));
    }
    Ok(given.into_iter().filter(|(name, _)| taken.contains(name)).collect())
}
