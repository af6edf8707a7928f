//! Has both sides read from the same nodes, one after the other, and prints their times.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::Fallible;
use crate::child::Child;
use crate::measure::{Figures, Times};

/// The subnets, as [`crate::subnet::Kind`] names them, and where their answers come from.
const SUBNETS: [(&str, &str); 2] = [("devchain", "dev chain"), ("mainnet", "main network")];
/// The most milliseconds that a sync of 256 neurons may take.
const LIMIT_MS: f64 = 50.0;

/// Runs the comparison. An error when the two sides read different data.
pub(crate) fn run(rounds: usize, python: Option<&Path>) -> Fallible<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "ms of CPU time, {rounds} rounds (the SDK's syncs: a fifth), medians and in brackets the \
         worst; decode: from answer to object; sync: all of a read, questions and sockets too; limit \
         for 256 neurons: {LIMIT_MS} ms\n"
    )?;
    writeln!(
        out,
        "| {:<12} | {:>7} | {:<7} | {:>13} | {:>17} | {:>9} |",
        "subnet", "neurons", "what", "sn1", "SDK 10.5.0", "SDK : sn1"
    )?;
    writeln!(
        out,
        "|--------------|--------:|---------|--------------:|------------------:|----------:|"
    )?;
    for (kind, name) in SUBNETS {
        let mut node = Child::again(&["serve".to_owned(), kind.to_owned()])?;
        let url: String = node.hear()?;
        let ours = ours(&url, rounds)?;
        let theirs = python.map(|python| theirs(python, &url, rounds)).transpose()?;
        if let Some(theirs) = theirs.as_ref().filter(|theirs| theirs.seen != ours.seen) {
            return Err(format!("sn1 read {:?}, the SDK {:?}", ours.seen, theirs.seen).into());
        }
        let theirs = theirs.as_ref();
        let rows = [
            ("decode", &ours.decode_ms, theirs.map(|theirs| &theirs.decode_ms)),
            ("sync", &ours.sync_ms, theirs.map(|theirs| &theirs.sync_ms)),
        ];
        for (what, own, other) in rows {
            let ratio = other.map_or("-".to_owned(), |it| format!("{:.1}", it.median / own.median));
            let (own_told, other) = (told(own), other.map_or("-".to_owned(), told));
            let neurons = ours.seen.neurons;
            writeln!(
                out,
                "| {name:<12} | {neurons:>7} | {what:<7} | {own_told:>13} | {other:>17} | {ratio:>9} |"
            )?;
        }
        node.dismiss();
    }
    Ok(())
}

fn told(times: &Times) -> String {
    format!("{:.2} ({:.2})", times.median, times.worst)
}

fn ours(url: &str, rounds: usize) -> Fallible<Figures> {
    Child::again(&["measure".to_owned(), url.to_owned(), rounds.to_string()])?.hear()
}

fn theirs(python: &Path, url: &str, rounds: usize) -> Fallible<Figures> {
    let mut command = Command::new(python);
    command.args(["bench/sync_sdk.py", url, &rounds.to_string()]);
    Child::start(command)?.hear()
}
