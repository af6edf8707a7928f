//! Verified streaming requests per second: this project's axon beside the Python one and beside a
//! floor, which only streams and checks one signature (see `bench/axon.sh`).

use clap::{Parser, Subcommand};

#[path = "axon/callers.rs"]
mod callers;
#[path = "axon/child.rs"]
mod child;
#[path = "axon/compare.rs"]
mod compare;
#[path = "axon/http.rs"]
mod http;
#[path = "axon/load.rs"]
mod load;
#[path = "axon/servers.rs"]
mod servers;

/// The result of a bench, which any error ends.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Compares axons under the same load")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Starts all servers, loads them in turn and prints the comparison.
    Compare(compare::Plan),
    /// Serves until its input closes.
    Serve {
        /// The kind of server.
        kind: servers::Kind,
        /// The number of its event loops.
        threads: usize,
    },
    /// Loads one server for a while and prints the measurements.
    Load(load::Slice),
}

fn main() -> Fallible<()> {
    match Arguments::parse().role {
        Role::Compare(plan) => compare::run(&plan),
        Role::Serve { kind, threads } => servers::serve(kind, threads),
        Role::Load(slice) => load::run(&slice),
    }
}
