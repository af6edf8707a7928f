//! The place of a model: a file, a folder, or a hub id whose files are on this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// File extension of model files.
const EXTENSION: &str = "gguf";

/// A model, as a setting names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelSource {
    /// A file or folder on this machine.
    Local(PathBuf),
    /// `org/name` on a model hub.
    Hub {
        /// Name of the organisation.
        org: String,
        /// Name of the model.
        name: String,
    },
}

/// Why a model cannot be found.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The setting is empty.
    #[error("the model setting is empty; name a .gguf file, a folder or a hub id (org/name)")]
    Empty,
    /// There is no file or folder at the path.
    #[error("there is no model at {}; run `make models` or name another file", path.display())]
    Missing {
        /// Path of the expected file or folder.
        path: PathBuf,
    },
    /// The file has another extension.
    #[error("{} is not a .gguf file", path.display())]
    NotGguf {
        /// Path of the file.
        path: PathBuf,
    },
    /// The folder holds no model, or several.
    #[error("{} holds {n_files} .gguf files; exactly one is needed, or name the file", path.display())]
    Ambiguous {
        /// Path of the folder.
        path: PathBuf,
        /// Number of model files in it.
        n_files: usize,
    },
    /// The files of a hub model are not on this machine.
    #[error(
        "the hub model {id} is not on this machine: run `make models` if it is one of the \
         project's own, or place its files in {}", folder.display()
    )]
    NotFetched {
        /// Id of the model, `org/name`.
        id: String,
        /// Folder in which its files belong.
        folder: PathBuf,
    },
    /// The folder could not be listed.
    #[error("cannot read the folder {}", path.display())]
    Read {
        /// Path of the folder.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: std::io::Error,
    },
}

impl FromStr for ModelSource {
    type Err = SourceError;

    /// Two plain words with one slash between them are a hub id, unless that path exists. Anything
    /// else is a path.
    fn from_str(setting: &str) -> Result<Self, SourceError> {
        let setting = setting.trim();
        if setting.is_empty() {
            return Err(SourceError::Empty);
        }
        match hub_parts(setting) {
            Some((org, name)) if !Path::new(setting).exists() => {
                Ok(Self::Hub { org: org.to_owned(), name: name.to_owned() })
            }
            _ => Ok(Self::Local(PathBuf::from(setting))),
        }
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(formatter, "{}", path.display()),
            Self::Hub { org, name } => write!(formatter, "{org}/{name}"),
        }
    }
}

impl ModelSource {
    /// The file or folder on this machine that holds the model. A hub model is searched for in
    /// `models`, as `models/org/name` and as `models/name`.
    ///
    /// # Errors
    /// There is no model; the message says what to do.
    pub fn resolve(&self, models: &Path) -> Result<PathBuf, SourceError> {
        match self {
            Self::Local(path) if path.exists() => Ok(path.clone()),
            Self::Local(path) => Err(SourceError::Missing { path: path.clone() }),
            Self::Hub { org, name } => [models.join(org).join(name), models.join(name)]
                .into_iter()
                .find(|folder| folder.is_dir())
                .ok_or_else(|| SourceError::NotFetched {
                    id: self.to_string(),
                    folder: models.join(org).join(name),
                }),
        }
    }
}

/// The model file at `path`: the file itself, or the only `.gguf` file of a folder.
///
/// # Errors
/// No file, another kind of file, or a folder with none or several.
pub fn find_gguf(path: &Path) -> Result<PathBuf, SourceError> {
    if path.is_file() {
        return Some(path.to_owned())
            .filter(|path| is_gguf(path))
            .ok_or_else(|| SourceError::NotGguf { path: path.into() });
    }
    if !path.is_dir() {
        return Err(SourceError::Missing { path: path.into() });
    }
    let mut files = list(path).map_err(|source| SourceError::Read { path: path.into(), source })?;
    files.retain(|file| is_gguf(file));
    match (files.pop(), files.len()) {
        (Some(file), 0) => Ok(file),
        (last, n_more) => Err(SourceError::Ambiguous {
            path: path.into(),
            n_files: n_more + usize::from(last.is_some()),
        }),
    }
}

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION))
}

fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

fn hub_parts(setting: &str) -> Option<(&str, &str)> {
    let (org, name) = setting.split_once('/')?;
    let is_word = |word: &str| {
        word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
            && word.starts_with(|letter: char| letter.is_ascii_alphanumeric())
    };
    let is_file = Path::new(name).extension().is_some_and(|extension| extension == EXTENSION);
    (is_word(org) && is_word(name) && !is_file).then_some((org, name))
}

/// Paths of the models for tests.
#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// The folder of models: `SN1_MODELS`, or `models` in the checkout.
    pub(crate) fn models() -> PathBuf {
        std::env::var_os("SN1_MODELS").map_or_else(
            || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/models")),
            PathBuf::from,
        )
    }

    /// Path of the language model; panics with instructions if it is missing.
    pub(crate) fn model_path() -> PathBuf {
        find_gguf(&models().join("SmolLM2-135M-Instruct"))
            .unwrap_or_else(|error| panic!("run `make models`: {error}"))
    }

    /// The bytes of the language model's file.
    pub(crate) fn model_bytes() -> Vec<u8> {
        std::fs::read(model_path()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, files: &[&str]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sn1-source-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for file in files {
            std::fs::write(folder.join(file), b"").unwrap();
        }
        folder
    }

    #[test]
    fn settings_are_told_apart() {
        let hub = |org: &str, name: &str| ModelSource::Hub { org: org.into(), name: name.into() };
        let cases = [
            ("unsloth/SmolLM2-135M", hub("unsloth", "SmolLM2-135M")),
            (" org/name ", hub("org", "name")),
            ("models/x.gguf", ModelSource::Local("models/x.gguf".into())),
            ("./models/x", ModelSource::Local("./models/x".into())),
            ("/models/x", ModelSource::Local("/models/x".into())),
            ("a/b/c", ModelSource::Local("a/b/c".into())),
            ("model.gguf", ModelSource::Local("model.gguf".into())),
        ];
        for (setting, wanted) in cases {
            assert_eq!(setting.parse::<ModelSource>().unwrap(), wanted, "{setting}");
        }
        assert!(matches!(" ".parse::<ModelSource>(), Err(SourceError::Empty)));
    }

    #[test]
    fn a_hub_model_is_found_where_it_was_fetched_or_says_how() {
        let models = folder("hub", &[]);
        let source: ModelSource = "org/small".parse().unwrap();
        let message = source.resolve(&models).unwrap_err().to_string();
        assert!(message.contains("org/small") && message.contains("make models"), "{message}");
        std::fs::create_dir_all(models.join("small")).unwrap();
        assert_eq!(source.resolve(&models).unwrap(), models.join("small"));
        std::fs::create_dir_all(models.join("org/small")).unwrap();
        assert_eq!(source.resolve(&models).unwrap(), models.join("org/small"));
        std::fs::remove_dir_all(models).unwrap();
    }

    #[test]
    fn a_folder_must_hold_exactly_one_model() {
        let none = folder("none", &["config.json"]);
        let one = folder("one", &["config.json", "m.GGUF"]);
        let two = folder("two", &["a.gguf", "b.gguf"]);
        assert!(matches!(find_gguf(&none), Err(SourceError::Ambiguous { n_files: 0, .. })));
        assert_eq!(find_gguf(&one).unwrap(), one.join("m.GGUF"));
        assert!(matches!(find_gguf(&two), Err(SourceError::Ambiguous { n_files: 2, .. })));
        assert!(matches!(find_gguf(&one.join("config.json")), Err(SourceError::NotGguf { .. })));
        assert!(matches!(find_gguf(&one.join("x.gguf")), Err(SourceError::Missing { .. })));
        for folder in [none, one, two] {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
