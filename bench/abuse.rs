//! An axon with default limits under attack from many loopback addresses, while an honest
//! validator asks ten times a second (see `bench/abuse.sh`).
//!
//! Axon, attackers and the honest validator run in processes of their own with the same priority,
//! so that the figures of each are its own.

use clap::{Parser, Subcommand};

#[path = "abuse/attack.rs"]
mod attack;
#[path = "abuse/axon.rs"]
mod axon;
#[path = "axon/callers.rs"]
mod callers;
#[path = "axon/child.rs"]
mod child;
#[path = "abuse/flood.rs"]
mod flood;
#[path = "abuse/honest.rs"]
mod honest;
#[path = "axon/http.rs"]
mod http;
#[path = "abuse/replay.rs"]
mod replay;
#[path = "abuse/siege.rs"]
mod siege;
#[path = "abuse/slow.rs"]
mod slow;
#[path = "abuse/tally.rs"]
mod tally;

/// The result of a bench, which any error ends.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Attacks an axon while an honest validator asks it")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Runs axon, attackers and the honest validator, and judges the outcome.
    Siege(siege::Plan),
    /// Serves until its input closes.
    Axon,
    /// Attacks a server for a while and prints what the attackers received.
    Attack(attack::Attack),
    /// Asks a server ten times a second and prints each outcome.
    Honest(honest::Honest),
}

fn main() -> Fallible<()> {
    match Arguments::parse().role {
        Role::Siege(plan) => siege::run(plan),
        Role::Axon => axon::serve(),
        Role::Attack(attack) => attack::run(attack),
        Role::Honest(honest) => honest::run(&honest),
    }
}
