//! The values in storage at a block by pallet and entry, as trees. Entries that are missing here
//! are not stored, and clients use the metadata's default.

use super::key::Key;
use super::runtime::Entry;
use super::tree::Tree;
use super::view::View;

mod subnets;
mod system;

pub(super) use system::author;

/// The value of an entry under `keys`, which were decoded with the entry's key types.
pub(super) fn value(view: View<'_>, entry: Entry<'_>, keys: &[Key]) -> Option<Tree> {
    match entry.pallet {
        "SubtensorModule" => subnets::value(view, &entry.meta.name, keys),
        pallet => system::value(view, pallet, &entry.meta.name, keys),
    }
}
