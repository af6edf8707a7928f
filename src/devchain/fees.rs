//! The fees of calls: a constant for the work and an amount for each byte. Serving and weights are
//! free, as on the runtime (docs/spec/chain.md#fees).

use super::call::Call;

/// Rao for one unit of work.
const PER_UNIT: u64 = 100_000;
/// Rao for one byte.
const PER_BYTE: u64 = 100;

/// The fee in rao of a call that is `length` bytes long; 0 for free calls.
pub fn fee(call: &Call, length: u32) -> u64 {
    match units(call) {
        0 => 0,
        units => units * PER_UNIT + u64::from(length) * PER_BYTE,
    }
}

fn units(call: &Call) -> u64 {
    match call {
        Call::ServeAxon { .. }
        | Call::ServePrometheus { .. }
        | Call::SetWeights { .. }
        | Call::CommitHash { .. }
        | Call::RevealWeights { .. }
        | Call::CommitTimelocked { .. } => 0,
        Call::Transfer { .. }
        | Call::SetHyperparameter(_)
        | Call::SetTempo { .. }
        | Call::TriggerEpoch { .. }
        | Call::SubmitEncrypted { .. }
        | Call::Remark
        | Call::Unsupported { .. } => 1,
        Call::BurnedRegister { .. }
        | Call::RegisterLimit { .. }
        | Call::AddStake { .. }
        | Call::RemoveStake { .. }
        | Call::RemoveAllStake { .. } => 3,
    }
}
