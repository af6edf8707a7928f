//! Where the tests find their vectors: the repository's copy, or the folder that `SN1_VECTORS`
//! names, which has the same layout.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// The path of one vector file, such as `validation/vectors/rouge.jsonl`.
pub(crate) fn vector_path(relative: &str) -> PathBuf {
    let root = std::env::var_os("SN1_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")),
        PathBuf::from,
    );
    root.join(relative)
}

/// The text of one vector file; panics with its path when it cannot be read.
pub(crate) fn vector_text(relative: &str) -> String {
    let path = vector_path(relative);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read the vectors in {}: {error}", path.display()))
}

/// One whole JSON vector file.
pub(crate) fn vector_json<T: DeserializeOwned>(relative: &str) -> T {
    serde_json::from_str(&vector_text(relative))
        .unwrap_or_else(|error| panic!("cannot parse the vectors in {relative}: {error}"))
}

/// One vector a line; panics when the file holds none, so that no test passes on nothing.
pub(crate) fn vector_lines<T: DeserializeOwned>(relative: &str) -> Vec<T> {
    let lines: Vec<T> = vector_text(relative)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("cannot parse a vector of {relative}: {error}"))
        })
        .collect();
    assert!(!lines.is_empty(), "{relative} holds no vector");
    lines
}
