//! Maps a call's names and fields to a call of the dev chain.

use crate::chain::decode::{DecodeError, Value};
use crate::chain::{AxonInfo, Hash, Netuid, Uid};
use crate::devchain::{Call, HyperparameterChange, HyperparameterValue};
use crate::wallet::AccountId;

/// A decoded call, and whether it came through the sudo pallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) call: Call,
    pub(super) is_sudo: bool,
}

/// Decodes a `RuntimeCall`. `spendable` is the signer's balance in rao, for calls that move all of
/// it.
///
/// # Errors
/// The fields of a known call have another shape: the metadata has changed.
pub(super) fn request(call: &Value<'_>, spendable: u64) -> Result<Request, DecodeError> {
    let Some((pallet, name, fields)) = names(call) else {
        return Ok(Request { call: unsupported("Unknown", "unknown"), is_sudo: false });
    };
    if (pallet, name) == ("Sudo", "sudo")
        && let Some(inner) = fields.field("call")
    {
        let Request { call, .. } = request(inner, spendable)?;
        return Ok(Request { call, is_sudo: true });
    }
    Ok(Request { call: plain(pallet, name, fields, spendable)?, is_sudo: false })
}

/// Name of the pallet, name of the call, and the call's fields.
fn names<'a, 'm>(call: &'a Value<'m>) -> Option<(&'m str, &'m str, &'a Value<'m>)> {
    let Value::Case(pallet, inner) = call else { return None };
    let Value::Case(name, fields) = inner.as_ref() else { return None };
    Some((pallet, name, fields))
}

fn unsupported(pallet: &str, call: &str) -> Call {
    Call::Unsupported { pallet: pallet.to_owned(), call: call.to_owned() }
}

fn plain(
    pallet: &str,
    name: &str,
    fields: &Value<'_>,
    spendable: u64,
) -> Result<Call, DecodeError> {
    let known = match pallet {
        "SubtensorModule" => subnet_call(name, Fields(fields))?,
        "Balances" => transfer(name, Fields(fields), spendable)?,
        "AdminUtils" => setting(name, Fields(fields))?.map(Call::SetHyperparameter),
        "System" if name.starts_with("remark") => Some(Call::Remark),
        "MevShield" if name == "submit_encrypted" => {
            Some(Call::SubmitEncrypted { ciphertext: Fields(fields).bytes("ciphertext")? })
        }
        _ => None,
    };
    Ok(known.unwrap_or_else(|| unsupported(pallet, name)))
}

/// Access to a call's fields by name.
#[derive(Clone, Copy)]
struct Fields<'a>(&'a Value<'a>);

impl<'a> Fields<'a> {
    fn get(self, name: &str) -> Result<&'a Value<'a>, DecodeError> {
        let missing = || DecodeError::Shape {
            field: name.to_owned(),
            wanted: "a field of the call",
            found: "nothing",
        };
        self.0.field(name).ok_or_else(missing)
    }

    fn number<T: TryFrom<u128>>(self, name: &str) -> Result<T, DecodeError> {
        self.get(name)?.number(name)
    }

    fn truth(self, name: &str) -> Result<bool, DecodeError> {
        self.get(name)?.truth(name)
    }

    fn account(self, name: &str) -> Result<AccountId, DecodeError> {
        match self.get(name)? {
            Value::Case("Id", account) => account.account(name),
            account => account.account(name),
        }
    }

    fn netuid(self) -> Result<Netuid, DecodeError> {
        self.number("netuid").map(Netuid)
    }

    /// The mechanism that the call names, or 0 if it has no such field.
    fn mecid(self) -> Result<u8, DecodeError> {
        self.0.field("mecid").map_or(Ok(0), |mecid| mecid.number("mecid"))
    }

    fn bytes(self, name: &str) -> Result<Vec<u8>, DecodeError> {
        match self.get(name)? {
            Value::Bytes(bytes) => Ok(bytes.clone()),
            _ => Err(DecodeError::Shape {
                field: name.to_owned(),
                wanted: "bytes",
                found: "something else",
            }),
        }
    }

    fn numbers(self, name: &str) -> Result<Vec<u16>, DecodeError> {
        self.get(name)?.list(name)?.iter().map(|value| value.number(name)).collect()
    }
}

fn subnet_call(name: &str, fields: Fields<'_>) -> Result<Option<Call>, DecodeError> {
    Ok(Some(match name {
        "burned_register" => {
            Call::BurnedRegister { netuid: fields.netuid()?, hotkey: fields.account("hotkey")? }
        }
        "register_limit" => Call::RegisterLimit {
            netuid: fields.netuid()?,
            hotkey: fields.account("hotkey")?,
            limit: fields.number("limit_price")?,
        },
        "serve_axon" | "serve_axon_tls" => {
            Call::ServeAxon { netuid: fields.netuid()?, axon: axon(fields)? }
        }
        "serve_prometheus" => Call::ServePrometheus {
            netuid: fields.netuid()?,
            version: fields.number("version")?,
            ip: fields.number("ip")?,
            port: fields.number("port")?,
            ip_type: fields.number("ip_type")?,
        },
        "set_weights" | "set_mechanism_weights" => Call::SetWeights {
            netuid: fields.netuid()?,
            mecid: fields.mecid()?,
            uids: fields.numbers("dests")?.into_iter().map(Uid).collect(),
            values: fields.numbers("weights")?,
            version_key: fields.number("version_key")?,
        },
        "commit_timelocked_weights" | "commit_timelocked_mechanism_weights" => {
            Call::CommitTimelocked {
                netuid: fields.netuid()?,
                mecid: fields.mecid()?,
                commit: fields.bytes("commit")?,
                reveal_round: fields.number("reveal_round")?,
                version: fields.number("commit_reveal_version")?,
            }
        }
        "commit_weights" | "commit_mechanism_weights" => Call::CommitHash {
            netuid: fields.netuid()?,
            mecid: fields.mecid()?,
            hash: Hash(fields.account("commit_hash")?.0),
        },
        "reveal_weights" | "reveal_mechanism_weights" => Call::RevealWeights {
            netuid: fields.netuid()?,
            mecid: fields.mecid()?,
            uids: fields.numbers("uids")?.into_iter().map(Uid).collect(),
            values: fields.numbers("values")?,
            salt: fields.numbers("salt")?,
            version_key: fields.number("version_key")?,
        },
        "set_tempo" => Call::SetTempo { netuid: fields.netuid()?, tempo: fields.number("tempo")? },
        "add_stake" | "add_stake_limit" => Call::AddStake {
            hotkey: fields.account("hotkey")?,
            netuid: fields.netuid()?,
            amount: fields.number("amount_staked")?,
        },
        "remove_stake" | "remove_stake_limit" => Call::RemoveStake {
            hotkey: fields.account("hotkey")?,
            netuid: fields.netuid()?,
            amount: fields.number("amount_unstaked")?,
        },
        "trigger_epoch" => Call::TriggerEpoch { netuid: fields.netuid()? },
        "remove_stake_full_limit" => Call::RemoveAllStake {
            hotkey: fields.account("hotkey")?,
            netuid: Some(fields.netuid()?),
        },
        "unstake_all" | "unstake_all_alpha" => {
            Call::RemoveAllStake { hotkey: fields.account("hotkey")?, netuid: None }
        }
        _ => return Ok(None),
    }))
}

fn axon(fields: Fields<'_>) -> Result<AxonInfo, DecodeError> {
    Ok(AxonInfo {
        block: 0,
        version: fields.number("version")?,
        ip: fields.number("ip")?,
        port: fields.number("port")?,
        ip_type: fields.number("ip_type")?,
        protocol: fields.number("protocol")?,
        placeholder1: fields.number("placeholder1")?,
        placeholder2: fields.number("placeholder2")?,
    })
}

fn transfer(name: &str, fields: Fields<'_>, spendable: u64) -> Result<Option<Call>, DecodeError> {
    let (amount, keep_alive) = match name {
        "transfer_keep_alive" => (fields.number("value")?, true),
        "transfer_allow_death" => (fields.number("value")?, false),
        "transfer_all" => (spendable, fields.truth("keep_alive")?),
        _ => return Ok(None),
    };
    Ok(Some(Call::Transfer { to: fields.account("dest")?, amount, keep_alive }))
}

fn setting(name: &str, fields: Fields<'_>) -> Result<Option<HyperparameterChange>, DecodeError> {
    use HyperparameterValue as Setting;
    let Some(what) = name.strip_prefix("sudo_set_") else { return Ok(None) };
    let value = match what {
        "tempo" => Setting::Tempo(fields.number(what)?),
        "weights_set_rate_limit" => Setting::WeightsSetRateLimit(fields.number(what)?),
        "weights_version_key" => Setting::WeightsVersionKey(fields.number(what)?),
        "min_allowed_weights" => Setting::MinAllowedWeights(fields.number(what)?),
        "immunity_period" => Setting::ImmunityPeriod(fields.number(what)?),
        "activity_cutoff" => Setting::ActivityCutoff(fields.number(what)?),
        "kappa" => Setting::Kappa(fields.number(what)?),
        "bonds_moving_average" => Setting::BondsMovingAverage(fields.number(what)?),
        "max_allowed_validators" => Setting::MaxAllowedValidators(fields.number(what)?),
        "max_allowed_uids" => Setting::MaxAllowedUids(fields.number(what)?),
        "serving_rate_limit" => Setting::ServingRateLimit(fields.number(what)?),
        "stake_threshold" => Setting::StakeThreshold(fields.number("min_stake")?),
        "commit_reveal_weights_enabled" => {
            Setting::CommitRevealWeightsEnabled(fields.truth("enabled")?)
        }
        "commit_reveal_weights_interval" => Setting::RevealPeriodEpochs(fields.number("interval")?),
        "commit_reveal_version" => Setting::CommitRevealWeightsVersion(fields.number("version")?),
        "min_burn" => Setting::MinBurn(fields.number(what)?),
        "max_burn" => Setting::MaxBurn(fields.number(what)?),
        "adjustment_interval" => Setting::AdjustmentInterval(fields.number(what)?),
        _ => return Ok(None),
    };
    // Calls for settings of the whole chain name no subnet.
    let netuid = fields.0.field("netuid").map_or(Ok(0), |netuid| netuid.number("netuid"))?;
    Ok(Some(HyperparameterChange { netuid: Netuid(netuid), value }))
}
