//! Paths, and names of models that may be paths.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::settings::value::scalar;

/// A file or folder. It is kept as it was written, for people to recognize; [`FilePath::resolved`]
/// is what is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(String);

impl FilePath {
    /// A path as somebody wrote it.
    pub fn new(written: impl Into<String>) -> Self {
        Self(written.into())
    }

    /// The path, with the home folder in place of a leading `~`. Without a home folder it stays.
    pub fn resolved(&self) -> PathBuf {
        resolved(Path::new(&self.0))
    }
}

/// The path with the home folder in place of a leading `~`.
fn resolved(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path.to_owned(),
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

scalar!(FilePath, Text, "PATH", |text: &str| match text {
    "" => Err("a path".to_owned()),
    text => Ok(Self::new(text)),
});

/// What names a model: a file, a folder that holds one, or a hub id such as
/// `HuggingFaceTB/SmolLM2-135M-Instruct`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName(String);

impl ModelName {
    /// A name as somebody wrote it.
    pub fn new(written: impl Into<String>) -> Self {
        Self(written.into())
    }

    /// The name, with the home folder in place of a leading `~`.
    pub fn resolved(&self) -> String {
        resolved(Path::new(&self.0)).display().to_string()
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

scalar!(ModelName, Text, "MODEL", |text: &str| match text {
    "" => Err("a model".to_owned()),
    text => Ok(Self::new(text)),
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_folder_stands_behind_a_tilde() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(FilePath::new("~/a.toml").resolved(), home.join("a.toml"));
        assert_eq!(FilePath::new("~").resolved(), home);
        assert_eq!(FilePath::new("~bob/a").resolved(), Path::new("~bob/a"));
        assert_eq!(FilePath::new("~/a.toml").to_string(), "~/a.toml");
        assert_eq!(ModelName::new("a/b").resolved(), "a/b");
        assert_eq!(
            ModelName::new("~/m.gguf").resolved(),
            home.join("m.gguf").display().to_string()
        );
    }
}
