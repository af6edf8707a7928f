//! The names of spec 486 (docs/spec/chain.md#newer) over the recorded metadata: miners' collateral,
//! subnets without consensus, and the state of the epoch as since spec 423. Indexes are the
//! runtime's own; no registration locks collateral on this chain.

use frame_metadata::v14::StorageHasher;
use frame_metadata::v15::RuntimeMetadataV15;
use parity_scale_codec::Encode;
use scale_info::TypeDefPrimitive;

use super::editor::Editor;
use super::stateful::add_epoch_state;

/// The columns of the metagraph that tell each neuron's collateral, in order.
pub(super) const COLUMNS: [&str; 3] = ["collateral_locked", "collateral_min", "collateral_earned"];
/// Per subnet: the share of a registration's price that becomes collateral, in 65,535ths.
pub(super) const LOCK_SHARE: &str = "CollateralLockShare";
/// Errors of the newer runtimes, by the names that clients read.
const ERRORS: [&str; 9] = [
    "InvalidRevealRound",
    "NullConsensusRequiresU32Weights",
    "NullConsensusRequiresPowRegistration",
    "NullConsensusRequiresSingleMechanism",
    "KeepStakeBlockedByCollateral",
    "StakeUnavailable",
    "InsufficientTaoBalance",
    "ColdkeySwapAnnounced",
    "ColdkeySwapDisputed",
];
/// One with 64 fractional bits.
const ONE: u128 = 1 << 64;

/// Turns the recorded metadata into that of spec 486.
///
/// # Errors
/// A sentence if the recorded metadata lacks what is to be changed.
pub(super) fn change(metadata: &mut RuntimeMetadataV15) -> Result<(), String> {
    add_epoch_state(metadata)?;
    let mut editor = Editor { metadata };
    let (netuid, bool) =
        (editor.primitive(TypeDefPrimitive::U16)?, editor.primitive(TypeDefPrimitive::Bool)?);
    let (fraction, amount) = (editor.named("FixedU128")?, editor.primitive(TypeDefPrimitive::U64)?);
    let amount = editor.compact(amount);
    let column = editor.sequence(amount);
    let chosen = editor.option(column);
    for name in COLUMNS {
        editor.field("Metagraph", name, column)?;
        editor.field("SelectiveMetagraph", name, chosen)?;
    }
    let entries = [
        (LOCK_SHARE, netuid, 0_u16.encode()),
        ("CollateralDrainRatio", fraction, ONE.encode()),
        ("BurnIncreaseMult", fraction, ONE.encode()),
        ("BurnHalfLife", netuid, 0_u16.encode()),
        ("NullConsensus", bool, false.encode()),
    ];
    for (name, value, default) in entries {
        editor.store(name, &[(StorageHasher::Identity, netuid)], value, Some(default))?;
    }
    editor.errors(&ERRORS)
}
