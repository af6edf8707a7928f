//! `make install`: what it installs runs without the checkout, and goes again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn script(prefix: &Path, argument: &str) {
    let mut command = Command::new(checkout().join("scripts/install.sh"));
    let output = command.arg(argument).env("PREFIX", prefix).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// The command in an environment without variables, away from the checkout.
fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir("/");
    command
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn what_is_installed_runs_without_the_checkout_and_goes_again() {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("usr");
    script(&prefix, env!("CARGO_BIN_EXE_sn1"));
    let binary = prefix.join("bin/sn1");
    let version = format!("sn1 {}\n", env!("CARGO_PKG_VERSION"));
    let output = bare(&binary).arg("--version").output().unwrap();
    assert_eq!(said(&output), version);

    // As `ldd` does: the loader names what it would load.
    let output = bare(&binary).env("LD_TRACE_LOADED_OBJECTS", "1").output().unwrap();
    let libraries = String::from_utf8(output.stdout).unwrap();
    let found = libraries.lines().filter_map(|line| line.split("=> ").nth(1)?.split(' ').next());
    let ours = found.map(|path| Path::new(path).canonicalize().unwrap_or_else(|_| path.into()));
    let ours: Vec<_> = ours.filter(|path| path.starts_with(folder.path())).collect();
    assert_eq!(ours.is_empty(), cfg!(not(feature = "libtorch")), "{libraries}");
    without_the_checkout(&binary, &version);

    for role in ["miner", "validator"] {
        let unit = prefix.join(format!("lib/systemd/system/sn1-{role}.service"));
        let unit = std::fs::read_to_string(unit).unwrap();
        let settings = prefix.join(format!("share/sn1/{role}.toml"));
        let starts = format!("ExecStart={} {role} --config /etc/sn1/{role}.toml", binary.display());
        assert!(unit.lines().any(|line| line == starts), "{unit}");
        let checked = bare(&binary).args(["config", "check"]).arg(settings).output().unwrap();
        assert!(checked.status.success(), "{}", said(&checked));
    }
    script(&prefix, "--remove");
    assert_eq!(files(&prefix), Vec::<PathBuf>::new());
}

/// Hides the checkout, and the folder that libtorch was unpacked in, behind empty ones.
fn without_the_checkout(binary: &Path, version: &str) {
    let hide = "for folder in \"$1\" \"$2\"; do [ ! -d \"$folder\" ] || mount -t tmpfs none \"$folder\" || exit 8; done; \
                [ ! -e \"$1/Makefile\" ] || exit 9; exec \"$0\" --version";
    let checkout = checkout();
    let third_party = checkout.join("third_party").canonicalize().unwrap_or_default();
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", hide]).arg(binary);
    let output = command.args([&checkout, &third_party]).current_dir("/").output();
    match output {
        Ok(output)
            if output.status.code() == Some(8) || said(&output).contains("unshare failed") =>
        {
            println!("skipped: this system lets nobody hide a folder: {}", said(&output));
        }
        Ok(output) => assert_eq!(said(&output), version),
        Err(error) => println!("skipped: unshare: {error} (apt-get install util-linux)"),
    }
}
