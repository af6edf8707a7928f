//! CPU time from a node's answers to a published snapshot of the subnet, beside what the official
//! Python SDK takes for the same bytes (see `bench/sync.sh`).

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[path = "sync/answers.rs"]
mod answers;
#[path = "axon/child.rs"]
#[expect(dead_code, reason = "nobody here asks for a child's process id")]
mod child;
#[path = "sync/compare.rs"]
mod compare;
#[path = "sync/measure.rs"]
mod measure;
#[path = "sync/subnet.rs"]
mod subnet;

/// The result of a bench, which any error ends.
type Fallible<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Parser)]
#[command(about = "Compares what it takes to read a subnet")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Starts the nodes, has both sides read from each, and prints the comparison.
    Compare {
        /// Measured reads of each kind and side.
        #[arg(long, default_value_t = 50)]
        rounds: usize,
        /// A Python with bittensor 10.5.0; without one the SDK is left out.
        #[arg(long)]
        python: Option<PathBuf>,
    },
    /// Serves as a node until its input closes.
    Serve {
        /// The subnet that it serves.
        subnet: subnet::Kind,
    },
    /// Reads from a node and prints the times.
    Measure {
        /// The URL of the node.
        url: String,
        /// Measured reads of each kind.
        rounds: usize,
    },
}

fn main() -> Fallible<()> {
    match Arguments::parse().role {
        Role::Compare { rounds, python } => compare::run(rounds, python.as_deref()),
        Role::Serve { subnet } => answers::serve(subnet),
        Role::Measure { url, rounds } => measure::run(&url, rounds),
    }
}
