//! Programs of the system that some tests run beside the node.

use std::path::PathBuf;

/// Where a program is, or `None` after saying that its test is skipped, and which package has it.
pub(crate) fn program(name: &str, package: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|it| it.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed (apt-get install {package})");
    }
    found
}
