//! Weights that stay sealed until their reveal epoch: what is committed, how it is sealed, and when
//! it opens (docs/spec/chain.md#commit-reveal).
//!
//! A committer plans the reveal ([`plan_reveal`]) from one [`EpochSchedule`] and the chain's
//! [`BeaconParameters`], then seals a [`WeightsPayload`] for that round ([`seal_weights`]). A chain
//! opens the same bytes with the round's signature ([`SealedMessage::open`]); the dev chain signs
//! rounds with a [`BeaconKeypair`] of its own. The older way, a hash now and the arguments later,
//! is [`RevealArguments::hash`].
//!
//! Time, block, beacon and randomness are arguments. Nothing here submits, and nothing here knows
//! the public beacon's constants: they are read from the chain.

mod beacon;
mod curve;
mod hash;
mod payload;
mod scale;
mod schedule;
mod timelock;

pub use beacon::{BeaconError, BeaconKey, BeaconKeypair, BeaconParameters, RoundSignature};
pub use hash::RevealArguments;
pub use payload::{PayloadError, WeightsPayload};
pub use scale::ScaleError;
pub use schedule::{
    EpochSchedule, EpochState, MAX_REVEAL_PERIOD_EPOCHS, ModularEpochs, RevealPlan, ScheduleError,
    plan_reveal,
};
pub use timelock::{
    MAX_COMMIT_BYTES, SealError, SealedError, SealedMessage, seal_message, seal_weights,
};

#[cfg(test)]
mod tests;
