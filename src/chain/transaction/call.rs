//! What is sent, and which of the runtime's calls that becomes: the newest that it has.

use super::argument::Argument;
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

type Named = Vec<(&'static str, Argument)>;

impl Call<'_> {
    /// The calls that do it, newest first.
    fn names(&self) -> &'static [&'static str] {
        match self {
            Self::Weights { setting: WeightSetting::Plain { .. }, .. } => {
                &["set_mechanism_weights", "set_weights"]
            }
            Self::Weights { setting: WeightSetting::Sealed { .. }, .. } => &[
                "commit_timelocked_mechanism_weights",
                "commit_timelocked_weights",
                "commit_crv3_weights",
            ],
            Self::ServeAxon { .. } => &["serve_axon"],
            Self::ServePrometheus { .. } => &["serve_prometheus"],
            Self::BurnedRegister { .. } => &["burned_register"],
            Self::AddStake { .. } => &["add_stake"],
        }
    }

    /// Pallet, call and arguments in SCALE.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] when the runtime has none of the calls; [`DecodeError::Arguments`]
    /// when it wants an argument that is not known, or lacks one that matters.
    pub fn encode(&self, runtime: &Runtime) -> Result<Vec<u8>, DecodeError> {
        let missing = || {
            let names: Vec<_> =
                self.names().iter().map(|name| format!("{PALLET}.{name}")).collect();
            runtime.missing(Item::Call(names.join(", nor ")))
        };
        let name = self.names().iter().find(|name| runtime.has_call(PALLET, name));
        encode(runtime, name.ok_or_else(missing)?, &self.arguments())
    }

    fn arguments(&self) -> Named {
        let number = |number: u128| Argument::Uint(number);
        match *self {
            Self::Weights { netuid, setting: WeightSetting::Plain { weights, version_key } } => {
                let entries = weights.entries();
                vec![
                    ("netuid", number(netuid.0.into())),
                    ("mecid", number(FIRST_MECHANISM)),
                    ("dests", Argument::numbers(entries.iter().map(|(uid, _)| uid.0))),
                    ("weights", Argument::numbers(entries.iter().map(|(_, weight)| *weight))),
                    ("version_key", number((*version_key).into())),
                ]
            }
            Self::Weights {
                netuid,
                setting: WeightSetting::Sealed { commit, reveal_round, version },
            } => vec![
                ("netuid", number(netuid.0.into())),
                ("mecid", number(FIRST_MECHANISM)),
                ("commit", Argument::Bytes(commit.clone())),
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
            Self::BurnedRegister { netuid, hotkey } => vec![
                ("netuid", number(netuid.0.into())),
                ("hotkey", Argument::Bytes(hotkey.0.to_vec())),
            ],
            Self::AddStake { netuid, hotkey, amount } => vec![
                ("hotkey", Argument::Bytes(hotkey.0.to_vec())),
                ("netuid", number(netuid.0.into())),
                ("amount_staked", number(amount.into())),
            ],
        }
    }
}

/// Each argument goes where the metadata names it.
fn encode(runtime: &Runtime, name: &str, arguments: &Named) -> Result<Vec<u8>, DecodeError> {
    let item = || Item::Call(format!("{PALLET}.{name}"));
    let refused = |reason: String| runtime.refused(item(), reason);
    let (pallet, call) = runtime.call_variant(PALLET, name)?;
    let is_taken = |wanted: &str| call.fields.iter().any(|f| f.name.as_deref() == Some(wanted));
    let lost =
        arguments.iter().find(|(name, _)| !is_taken(name) && !MAY_BE_LEFT_OUT.contains(name));
    if let Some((lost, _)) = lost {
        return Err(refused(format!("it takes no `{lost}`")));
    }
    let mut bytes = vec![pallet, call.index];
    for field in &call.fields {
        let wanted = field.name.as_deref().unwrap_or_default();
        let argument = arguments.iter().find(|(name, _)| *name == wanted);
        let (_, argument) =
            argument.ok_or_else(|| refused(format!("it wants `{wanted}`, which is not known")))?;
        let encoded = argument.encode(field.ty.id, runtime.metadata().types(), &mut bytes);
        encoded.map_err(|reason| refused(format!("`{wanted}`: {reason}")))?;
    }
    Ok(bytes)
}
