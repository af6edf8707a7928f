//! What storage holds at a block: values by pallet and entry, as trees. What is not here is not
//! stored, and clients take the metadata's default.

use super::key::Key;
use super::runtime::Entry;
use super::tree::Tree;
use super::view::View;

mod subnets;
mod system;

pub(super) use system::author;

/// The value of an entry under `keys`, which were read by the entry's key types.
pub(super) fn value(view: View<'_>, entry: Entry<'_>, keys: &[Key]) -> Option<Tree> {
    match entry.pallet {
        "SubtensorModule" => subnets::value(view, &entry.meta.name, keys),
        pallet => system::value(view, pallet, &entry.meta.name, keys),
    }
}
