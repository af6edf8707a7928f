//! Test helpers: the vectors, in the repository's copy or in the folder that `SN1_VECTORS` names,
//! which has the same layout; and the processor time of a test, which does not depend on other
//! load.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The path of one vector file, such as `validation/vectors/rouge.jsonl`.
pub(crate) fn vector_path(relative: &str) -> PathBuf {
    let root = std::env::var_os("SN1_VECTORS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data")),
        PathBuf::from,
    );
    root.join(relative)
}

/// The text of one vector file; panics with its path if it cannot be read.
pub(crate) fn vector_text(relative: &str) -> String {
    let path = vector_path(relative);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read the vectors in {}: {error}", path.display()))
}

/// The content of one JSON vector file.
pub(crate) fn vector_json<T: DeserializeOwned>(relative: &str) -> T {
    serde_json::from_str(&vector_text(relative))
        .unwrap_or_else(|error| panic!("cannot parse the vectors in {relative}: {error}"))
}

/// The vectors of a file with one per line; panics if there is none, so that no test passes on
/// nothing.
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

/// A recorded case: the input, and the output that the reference gave.
#[derive(Debug, Deserialize)]
pub(crate) struct Case<I, O> {
    pub(crate) id: String,
    pub(crate) input: I,
    output: O,
    want: Option<O>,
}

impl<I, O> Case<I, O> {
    /// The output that we should give: `want` if the file has it, otherwise the reference's output.
    pub(crate) fn expected(&self) -> &O {
        self.want.as_ref().unwrap_or(&self.output)
    }

    /// The id, the input, and the output that we should give.
    pub(crate) fn into_parts(self) -> (String, I, O) {
        (self.id, self.input, self.want.unwrap_or(self.output))
    }
}

/// The recorded cases of one file of the mechanism, such as `rouge`.
pub(crate) fn cases<I: DeserializeOwned, O: DeserializeOwned>(file: &str) -> Vec<Case<I, O>> {
    vector_lines(&format!("validation/vectors/{file}.jsonl"))
}

/// The names of the modules in a folder of `src/validation`, except `parts`: first those in
/// `registered`, in its order, then the others by name.
pub(crate) fn registry_files(folder: &str, registered: &[&str], parts: &[&str]) -> Vec<String> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/validation")).join(folder);
    let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let modules = files.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let names = modules.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<String> =
        names.filter(|name| name != "tests" && !parts.contains(&name.as_str())).collect();
    names.sort();
    names.sort_by_key(|name| registered.iter().position(|one| one == name).unwrap_or(usize::MAX));
    names
}

/// The processor time that this thread has used, which does not depend on the machine's load.
pub(crate) fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_else(|error| panic!("the clock is broken: {error}"))
}
