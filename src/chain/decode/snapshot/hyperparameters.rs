//! A subnet's settings, from a metagraph's fields or from storage under the same names.

use super::super::DecodeError;
use super::super::columns::Fields;
use super::{Absent, PALLET, Stored};
use crate::chain::Hyperparameters;

/// Settings that decide about weights and serving must be there; the others may be absent.
pub(in crate::chain::decode) fn read(
    fields: Fields<'_>,
    stored: &Stored<'_>,
    absent: &mut Absent,
) -> Result<Hyperparameters, DecodeError> {
    let threshold = format!("{PALLET}.StakeThreshold");
    let stake_threshold = absent.number_of(stored.get("StakeThreshold"), &threshold, 0)?;
    let cutoff = absent.number(fields, "activity_cutoff", 0u64)?;
    Ok(Hyperparameters {
        tempo: fields.number("tempo")?,
        weights_rate_limit: fields.number("weights_rate_limit")?,
        weights_version_key: fields.number("weights_version")?,
        min_allowed_weights: fields.number("min_allowed_weights")?,
        max_weight_limit: absent.number(fields, "max_weights_limit", u16::MAX)?,
        immunity_period: absent.number(fields, "immunity_period", 0)?,
        activity_cutoff: u16::try_from(cutoff).unwrap_or(u16::MAX),
        kappa: absent.number(fields, "kappa", 0)?,
        bonds_moving_average: absent.number(fields, "bonds_moving_avg", 0)?,
        max_validators: absent.number(fields, "max_validators", 0)?,
        max_uids: absent.number(fields, "max_uids", 0)?,
        serving_rate_limit: fields.number("serving_rate_limit")?,
        stake_threshold,
        commit_reveal_enabled: fields.truth("commit_reveal_weights_enabled")?,
        burn: absent.number(fields, "burn", 0)?,
    })
}
