//! What a subtensor runtime says, read by the names in the metadata that it serves.
//!
//! A runtime upgrade comes about every week (docs/spec/chain.md#upgrades): pallets move, fields are
//! added, types get wrappers. So nothing here knows a struct by its bytes. [`Runtime`] holds one
//! spec version's metadata and finds runtime APIs, storage and calls by name; [`Value`] is an
//! answer as a tree with names; [`SnapshotPlan`] chooses the newest metagraph API that a runtime
//! has and turns its answers into a [`Metagraph`](super::Metagraph). What a runtime lacks is
//! [`DecodeError::Missing`], which names it.
//!
//! No socket and no clock: bytes come in, requests and values go out.

mod columns;
mod config;
mod events;
mod metadata;
mod records;
mod runtime;
mod snapshot;
#[cfg(test)]
mod tests;
mod types;
mod value;
mod weight_commits;
mod weight_terms;

use std::fmt;

use scale_info::PortableRegistry;

use super::Netuid;

pub(in crate::chain) use config::{KnownExtensions, SubtensorConfig};
pub use metadata::metadata_of_answer;
pub use runtime::{Read, Runtime};
pub use snapshot::{Snapshot, SnapshotPlan};
pub use value::Value;
pub use weight_commits::WeightCommits;
pub use weight_terms::{WeightTermsPlan, commits_of_next_epoch};

/// Something that a runtime may have or lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A runtime API, or several of which one would do, such as `Api.method`.
    Api(String),
    /// A storage entry, as `Pallet.Entry`.
    Storage(String),
    /// A call, as `Pallet.call`.
    Call(String),
    /// A field of an answer, as `answer.field`.
    Field(String),
    /// A constant, as `Pallet.Name`.
    Constant(String),
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api(name) => write!(f, "runtime API {name}"),
            Self::Storage(name) => write!(f, "storage {name}"),
            Self::Call(name) => write!(f, "call {name}"),
            Self::Field(name) => write!(f, "field {name}"),
            Self::Constant(name) => write!(f, "constant {name}"),
        }
    }
}

/// Why a runtime's data could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are no metadata, or of a version that is not known.
    #[error("the metadata of runtime {spec_version} cannot be read: {reason}")]
    Metadata {
        /// Which runtime.
        spec_version: u32,
        /// Why.
        reason: String,
    },
    /// The runtime is older or newer than this, or another chain's.
    #[error(
        "runtime {spec_version} has no {item}: look for a newer version of this node, or name an \
         endpoint of the chain that is meant"
    )]
    Missing {
        /// Which runtime.
        spec_version: u32,
        /// What it lacks.
        item: Item,
    },
    /// The runtime has it, but takes other arguments.
    #[error("{item} of runtime {spec_version} takes other arguments: {reason}")]
    Arguments {
        /// Which runtime.
        spec_version: u32,
        /// What.
        item: Item,
        /// In which way.
        reason: String,
    },
    /// The bytes are not what the metadata says.
    #[error("the answer of {item} does not fit the metadata of runtime {spec_version}: {reason}")]
    Answer {
        /// Which runtime.
        spec_version: u32,
        /// Whose answer.
        item: Item,
        /// In which way.
        reason: String,
    },
    /// A value has another shape than its name lets expect.
    #[error("{field} is not {wanted} but {found}")]
    Shape {
        /// The field.
        field: String,
        /// What was expected.
        wanted: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The per-uid lists of one answer differ in length.
    #[error("the list {field} has {found} entries for {wanted} neurons")]
    Uneven {
        /// The list.
        field: String,
        /// Neurons.
        wanted: usize,
        /// Entries.
        found: usize,
    },
    /// The subnet is not there.
    #[error("subnet {0} does not exist on this chain")]
    NoSubnet(Netuid),
}

impl DecodeError {
    /// Whether every node of the chain would say the same, so that asking another one is in vain.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Arguments { .. } | Self::NoSubnet(_))
    }
}

/// Reads the whole of `bytes` as the type `type_id`, for the dev chain's side of the wire.
pub(crate) fn decode_value<'m>(
    bytes: &[u8],
    type_id: u32,
    types: &'m PortableRegistry,
) -> Result<Value<'m>, String> {
    value::decode(bytes, type_id, types, None)
}

/// Reads the type `type_id` from the front of `bytes` and moves past it.
pub(crate) fn decode_next<'m>(
    bytes: &mut &[u8],
    type_id: u32,
    types: &'m PortableRegistry,
) -> Result<Value<'m>, String> {
    value::decode_next(bytes, type_id, types, None)
}
