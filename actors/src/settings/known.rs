//! Which keys a role knows, and what is said of one that it does not.

use super::declare::Setting;
use super::error::{Origin, SettingsError};
use super::role::Role;
use super::suggest::near;

/// The keys of a role.
pub(super) struct Known(pub(super) Role);

impl Known {
    /// Those that it reads.
    pub(super) fn settings(&self) -> &'static [Setting] {
        self.0.settings()
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.settings().iter().any(|setting| setting.key == key)
    }

    /// Whether it had a key that nothing read.
    pub(super) fn has_had(&self, key: &str) -> bool {
        self.0.retired().iter().any(|setting| setting.key == key)
    }

    fn nearest(&self, key: &str) -> Option<String> {
        near(key, self.settings().iter().map(|setting| &*setting.key)).map(str::to_owned)
    }

    pub(super) fn unknown(&self, key: String, origin: Origin) -> SettingsError {
        SettingsError::UnknownKey { nearest: self.nearest(&key), key, origin }
    }
}
