//! The checks of a node on a chain, in the order of what they cost.

use super::ground::Ground;
use super::{Check, chain, machine};

/// The checks that a node has whatever its role.
pub(in crate::app) fn node_checks<'a, N, R>() -> Vec<Check<Ground<'a, N, R>>> {
    vec![
        Check::now("faults", "nothing is broken on purpose on the main network", machine::faults),
        Check::now("pages", "the port of metrics and health", machine::pages),
        Check::now("wallet", "the hotkey, and that no coldkey lies open", machine::wallet),
        Check::asking("chain", "a node of the chain that knows the subnet", chain::reach),
        Check::now("registration", "the hotkey's place on the subnet", chain::registration),
        Check::asking("address", "where others reach this machine", chain::address),
        Check::now("state", "the state folder, for this node alone", machine::state),
    ]
}
