//! Flags that break actors on purpose.

use std::time::Duration;

use clap::Args;
use sn1_actors::app::PlannedFault;
use sn1_actors::settings::parse_duration;
use sn1_actors::supervision::FaultKind;

/// A fault for one actor at one time.
#[derive(Debug, Clone)]
struct FaultAt {
    actor: String,
    after: Duration,
}

fn parse_fault(text: &str) -> Result<FaultAt, String> {
    let wrong = || format!("`{text}` is not of the form NAME@SECONDS, such as Scoreboard@30");
    let (actor, seconds) = text.split_once('@').ok_or_else(wrong)?;
    let after = parse_duration(seconds).map_err(|_| wrong())?;
    if actor.is_empty() {
        return Err(wrong());
    }
    Ok(FaultAt { actor: actor.to_owned(), after })
}

/// The flags `--fault.*`.
#[derive(Debug, Clone, Args)]
pub(crate) struct FaultArguments {
    /// Panic an actor at a time (repeatable)
    #[arg(long = "fault.panic", value_name = "NAME@SECONDS", value_parser = parse_fault)]
    fault_panic: Vec<FaultAt>,
    /// Let an actor fail at a time (repeatable)
    #[arg(long = "fault.error", value_name = "NAME@SECONDS", value_parser = parse_fault)]
    fault_error: Vec<FaultAt>,
    /// Block an actor's thread at a time (repeatable)
    #[arg(long = "fault.stall", value_name = "NAME@SECONDS", value_parser = parse_fault)]
    fault_stall: Vec<FaultAt>,
}

impl FaultArguments {
    pub(crate) fn planned(&self) -> Vec<PlannedFault> {
        let planned = |faults: &[FaultAt], fault: FaultKind| {
            let plan =
                |at: &FaultAt| PlannedFault { actor: at.actor.clone(), after: at.after, fault };
            faults.iter().map(plan).collect::<Vec<_>>()
        };
        let faults = [
            planned(&self.fault_panic, FaultKind::Panic),
            planned(&self.fault_error, FaultKind::Error),
            planned(&self.fault_stall, FaultKind::Stall),
        ];
        faults.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_an_actor_and_a_time() {
        assert_eq!(parse_fault("Scoreboard@30").unwrap().after, Duration::from_secs(30));
        for text in ["Scoreboard", "@30", "Scoreboard@", "Scoreboard@-1"] {
            assert!(parse_fault(text).is_err(), "{text}");
        }
    }
}
