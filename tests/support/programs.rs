//! Programs of the system that some tests run beside the node.

use std::path::PathBuf;

/// The path of a program; `None`, with a message that names its package, when the test is skipped.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|it| it.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed (apt-get install {package})");
    }
    found
}
