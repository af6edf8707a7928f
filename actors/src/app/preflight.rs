//! Preflight: everything that can be wrong before a run, as named checks in the order of what they
//! cost. A check is a value: a list of them can be shown, and one can be run alone, without the run
//! that it is for.
//!
//! Checks of one list share a ground, on which each leaves what it found or took (a key, a bound
//! port, a locked folder) for those after it, and in the end for the run.

mod chain;
mod checks;
mod ground;
mod machine;

use std::future::Future;
use std::pin::Pin;

use super::Failure;
use super::console::Console;
use crate::exit::Exits;

pub(super) use checks::node_checks;
pub(super) use ground::{Ground, Ready};
pub(super) use machine::open_files;

/// The result of a check that passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What the operator should know, a sentence each; the node runs nevertheless.
    pub warnings: Vec<String>,
    /// What was found, for the console.
    pub note: Option<String>,
}

impl Outcome {
    /// Passed, with nothing to report.
    pub(super) fn pass() -> Self {
        Self::default()
    }

    /// Passed, with a line for the console.
    pub(super) fn note(text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..Self::default() }
    }

    /// Passed, with one warning.
    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { warnings: vec![text.into()], note: None }
    }
}

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Something is wrong; the node cannot run.
    Failure(Failure),
    /// The check needs what another one finds, which was not run or did not pass.
    Needs(&'static str),
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl<E: Exits> From<E> for Obstacle {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

/// How a check ended.
pub type Verdict = Result<Outcome, Obstacle>;

/// A check that waits for answers from outside, such as from nodes of the chain.
pub(super) type Asking<'a> = Pin<Box<dyn Future<Output = Verdict> + 'a>>;

enum Run<G> {
    Now(fn(&mut G) -> Verdict),
    Asking(for<'a> fn(&'a mut G) -> Asking<'a>),
}

/// One thing that can be wrong.
pub struct Check<G> {
    name: &'static str,
    about: &'static str,
    run: Run<G>,
}

impl<G> Check<G> {
    /// A check of this machine.
    pub(super) fn now(name: &'static str, about: &'static str, run: fn(&mut G) -> Verdict) -> Self {
        Self { name, about, run: Run::Now(run) }
    }

    /// A check that asks other machines.
    pub(super) fn asking(
        name: &'static str,
        about: &'static str,
        run: for<'a> fn(&'a mut G) -> Asking<'a>,
    ) -> Self {
        Self { name, about, run: Run::Asking(run) }
    }

    /// The name of the check.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it checks, without a full stop.
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Runs only this check.
    pub async fn run(&self, ground: &mut G) -> Verdict {
        match self.run {
            Run::Now(run) => run(ground),
            Run::Asking(run) => run(ground).await,
        }
    }
}

/// The checks of one command, in the order of what they cost.
pub struct Preflight<G>(pub(super) Vec<Check<G>>);

impl<G> Preflight<G> {
    /// All checks, in order.
    pub fn checks(&self) -> &[Check<G>] {
        &self.0
    }

    /// Runs one check after those that it needs; `None` when there is none of this name.
    pub async fn only(&self, name: &str, ground: &mut G) -> Option<Verdict> {
        let check = self.0.iter().find(|check| check.name == name)?;
        loop {
            match check.run(ground).await {
                Err(Obstacle::Needs(other)) if other != name => {
                    match Box::pin(self.only(other, ground)).await {
                        Some(Ok(_)) => {}
                        _ => return Some(Err(Obstacle::Needs(other))),
                    }
                }
                verdict => return Some(verdict),
            }
        }
    }

    /// Runs all checks, and prints what they find.
    ///
    /// # Errors
    /// The failure of the first check that does not pass.
    pub(super) async fn pass(&self, ground: &mut G, console: &Console) -> Result<(), Failure> {
        for check in &self.0 {
            let Outcome { warnings, note } =
                check.run(ground).await.map_err(|obstacle| match obstacle {
                    Obstacle::Failure(failure) => failure,
                    Obstacle::Needs(other) => unchecked(other),
                })?;
            warnings.into_iter().chain(note).for_each(|line| console.say(line));
        }
        Ok(())
    }
}

/// What a check found, by reference; [`Obstacle::Needs`] when it was not run.
pub(super) fn found<'a, T>(left: &'a Option<T>, check: &'static str) -> Result<&'a T, Obstacle> {
    left.as_ref().ok_or(Obstacle::Needs(check))
}

/// The same by value, for the run.
pub(super) fn take<T>(left: Option<T>, check: &'static str) -> Result<T, Failure> {
    left.ok_or_else(|| unchecked(check))
}

fn unchecked(name: &str) -> Failure {
    Failure::usage(format!("the check `{name}` must be run and pass first"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[derive(Default)]
    struct Ground {
        key: Option<u8>,
        n_opened: usize,
        is_closed: bool,
    }

    fn open(ground: &mut Ground) -> Verdict {
        if ground.is_closed {
            return Err(Failure::new(Exit::Locked, "it is closed: open it").into());
        }
        ground.n_opened += 1;
        ground.key = Some(7);
        Ok(Outcome::warning("it was open"))
    }

    fn ask(ground: &mut Ground) -> Asking<'_> {
        Box::pin(async move { Ok(Outcome::note(found(&ground.key, "key")?.to_string())) })
    }

    fn preflight() -> Preflight<Ground> {
        Preflight(vec![Check::now("key", "a key", open), Check::asking("chain", "a chain", ask)])
    }

    #[actix::test]
    async fn a_check_alone_runs_what_it_builds_on_and_nothing_else() {
        let (preflight, mut ground) = (preflight(), Ground::default());
        assert_eq!(preflight.only("other", &mut ground).await, None);
        let verdict = preflight.only("chain", &mut ground).await;
        assert_eq!(verdict, Some(Ok(Outcome::note("7"))));
        assert_eq!(preflight.only("chain", &mut ground).await, verdict);
        assert_eq!(ground.n_opened, 1);
        let mut closed = Ground { is_closed: true, ..Ground::default() };
        let verdict = preflight.only("chain", &mut closed).await;
        assert_eq!(verdict, Some(Err(Obstacle::Needs("key"))));
    }

    #[actix::test]
    async fn the_first_failure_ends_it() {
        let (preflight, mut ground) = (preflight(), Ground::default());
        preflight.pass(&mut ground, &Console::quiet()).await.unwrap();
        let mut closed = Ground { is_closed: true, ..Ground::default() };
        let failure = preflight.pass(&mut closed, &Console::quiet()).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Locked);
        let late = Preflight(preflight.0.into_iter().skip(1).collect());
        let failure = late.pass(&mut Ground::default(), &Console::quiet()).await.unwrap_err();
        assert!(failure.to_string().contains("`key`"), "{failure}");
    }
}
