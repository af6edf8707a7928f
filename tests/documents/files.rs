//! The files of the repository that the checks read, without built or downloaded ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that do not belong to the repository: built, downloaded, or the fuzzer's own.
const FOREIGN: [&str; 6] = ["target", "third_party", "models", ".git", "corpus", "artifacts"];
/// Types of files that may name a page or a rule.
const READ: [&str; 8] = ["rs", "toml", "md", "py", "sh", "yml", "service", "json"];
/// The folder of recorded data, which is large and names no page.
const RECORDED: &str = "tests/data/";

/// A folder with everything below it.
pub(crate) struct Tree<'a>(&'a Path);

impl<'a> Tree<'a> {
    pub(crate) fn of(root: &'a Path) -> Self {
        Self(root)
    }

    /// The texts by path from the root, with `/` between folders.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let mut found = Vec::new();
        walk(self.0, &mut found);
        let named = found.into_iter().map(|path| (self.name(&path), path));
        let wanted = named.filter(|(name, _)| is_read(name));
        wanted.map(|(name, path)| (name, text_of(&path))).collect()
    }

    fn name(&self, path: &Path) -> String {
        let inside = path.strip_prefix(self.0).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }
}

fn is_read(name: &str) -> bool {
    let extension = name.rsplit('.').next().unwrap_or_default();
    READ.contains(&extension) && (extension == "md" || !name.starts_with(RECORDED))
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}

/// All files below a folder. Links are not followed.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot list {}: {error}", folder.display()));
    for entry in entries.filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        let foreign = FOREIGN.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && !foreign {
            walk(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}
