//! Preflight: everything that can be wrong before a run, as named checks in the order of what they
//! cost. Each gives what it found or took (a key, a bound port, a locked folder) to those after it,
//! and in the end to the run. The first that fails ends the command.

mod chain;
mod machine;
mod node;

use super::Failure;
use super::console::Console;

pub(super) use machine::{listener, open_files};
pub(super) use node::Ready;

/// The result of a check that passed.
pub(super) struct Passed<T> {
    /// What it found or took.
    found: T,
    /// What the operator should know, a sentence each; the node runs nevertheless.
    warnings: Vec<String>,
    /// What is said of it on the console.
    note: Option<String>,
}

impl<T> From<T> for Passed<T> {
    fn from(found: T) -> Self {
        Self { found, warnings: Vec::new(), note: None }
    }
}

impl<T> Passed<T> {
    pub(super) fn warned(found: T, warnings: impl IntoIterator<Item = String>) -> Self {
        Self { warnings: warnings.into_iter().collect(), ..found.into() }
    }

    fn noted(found: T, note: String) -> Self {
        Self { note: Some(note), ..found.into() }
    }
}

/// How a check ended.
pub(super) type Verdict<T> = Result<Passed<T>, Failure>;

/// Reports the checks of one command.
pub(super) struct Preflight<'a> {
    /// Prints what they find.
    pub(super) console: &'a Console,
}

impl Preflight<'_> {
    /// Reports how the check of this name ended; `about` says what it checks, without a full stop.
    pub(super) fn check<T>(
        &self,
        name: &'static str,
        about: &'static str,
        verdict: Verdict<T>,
    ) -> Result<T, Failure> {
        tracing::debug!(name, about, has_passed = verdict.is_ok(), "check");
        let Passed { found, warnings, note } = verdict?;
        warnings.into_iter().chain(note).for_each(|line| self.console.say(line));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_check_gives_what_it_found_or_the_failure_that_ends_the_command() {
        let preflight = Preflight { console: &Console::quiet() };
        let found = preflight.check("key", "a key", Ok(Passed::noted(7, "seven".to_owned())));
        assert_eq!(found, Ok(7));
        let closed: Verdict<()> = Err(Failure::new(Exit::Locked, "it is closed: open it"));
        assert_eq!(preflight.check("door", "a door", closed).unwrap_err().exit(), Exit::Locked);
    }
}
