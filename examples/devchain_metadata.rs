//! Makes the dev chain's metadata from recorded metadata (V15) by removing its documentation:
//! `cargo run --no-default-features --example devchain_metadata -- RECORDED WRITTEN`.

use std::process::ExitCode;

use sn1::devchain::node::metadata_without_docs;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [recorded, written] = arguments.as_slice() else {
        eprintln!("usage: devchain_metadata RECORDED WRITTEN");
        return ExitCode::from(64);
    };
    match convert(recorded, written) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("devchain_metadata: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn convert(recorded: &str, written: &str) -> Result<(), String> {
    let bytes = std::fs::read(recorded).map_err(|error| format!("reading {recorded}: {error}"))?;
    let stripped = metadata_without_docs(&bytes)?;
    std::fs::write(written, stripped).map_err(|error| format!("writing {written}: {error}"))
}
