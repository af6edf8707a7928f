//! `sn1 devchain`: the embedded chain as a node of its own. The first line on standard output is
//! where it listens; nothing else is said there.

use super::Failure;
use super::console::Console;
use super::run::{Course, channels, run};
use crate::devnode::PreparedDevNode;

/// Runs the node until a signal comes or its tree gives up.
///
/// # Errors
/// The tree gave up.
pub async fn devchain(prepared: PreparedDevNode) -> Result<(), Failure> {
    // The port is bound: who connects now is served as soon as the chain is up.
    let greeting = Some(prepared.url());
    let course = Course { greeting, ..Course::new("DevNode", prepared.children()) };
    run(course, channels(), &mut Console::quiet()).await?.verdict()
}
