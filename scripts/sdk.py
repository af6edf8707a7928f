#!/usr/bin/env python3
"""Installs the Python SDKs and the CLI that tests speak with, each in a virtual environment.

    sdk.py install 10.5.0 FOLDER
    sdk.py install cli-9.23.2 FOLDER
    sdk.py report FOLDER...

The versions of everything are those that tests/interop/bittensor-*.txt name. Only tests run the SDK:
where it cannot be installed this says so in one line and is no error, and those tests are skipped.
A folder appears whole or not at all, so an interrupted run can be repeated. `report` says which
versions the tests find, as FOLDER or where SN1_SDK_10, SN1_SDK_7 and SN1_BTCLI point.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

# To download and on disk.
SIZES = {"10.5.0": "45 MB to download, 160 MB on disk", "7.4.0": "55 MB to download, 190 MB on disk",
         "cli-9.23.2": "40 MB to download, 135 MB on disk"}
REQUIREMENTS = Path(__file__).resolve().parent.parent / "tests/interop"


class CannotInstall(Exception):
    """Says why."""


def say(text):
    print(text, flush=True)


def run(command, **environment):
    """Runs a command; on a terminal each package is named as it comes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env={**os.environ, **environment})
    last = ""
    for line in filter(None, map(str.strip, process.stdout)):
        if line.startswith("Collecting ") and sys.stdout.isatty():
            say(f"  {line.split()[1]} ...")
        if not line.startswith("WARNING"):
            last = line
    if process.wait() != 0:
        raise CannotInstall(last.replace("ERROR: ", "") or f"{Path(command[0]).name} failed")


def build(version, folder, home):
    """Makes the environment with the pip that is here; ensurepip, which some systems lack, is not needed."""
    packages = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    run([sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--no-compile",
         "--progress-bar=off", "--retries=1", "--timeout=20", f"--target={packages}",
         f"--requirement={REQUIREMENTS / f'bittensor-{version}.txt'}"])
    module = "bittensor_cli" if version.startswith("cli-") else "bittensor"
    run([str(folder / "bin/python"), "-c", f"import {module}"], HOME=str(home))


def install(version, target):
    wanted, done = (REQUIREMENTS / f"bittensor-{version}.txt").read_text(), target / ".done"
    if done.exists() and done.read_text() == wanted:
        done.touch()  # Only the date of the list has changed.
        return
    say(f"installing for tests: bittensor {version} ({SIZES[version]}, once)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sdk-", dir=target.parent) as scratch:
        fresh, old = Path(scratch) / "fresh", Path(scratch) / "old"
        try:
            build(version, fresh, Path(scratch))
        except CannotInstall as reason:
            say(f"skipped: bittensor {version} cannot be installed here: {reason}")
            return
        (fresh / ".done").write_text(wanted)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
    say(f"installed {target}")


def report(folders):
    for folder in folders:
        version = folder.name.replace("sdk-", "")
        major = version.split(".")[0]
        own = os.environ.get("SN1_BTCLI" if major.startswith("cli-") else f"SN1_SDK_{major}")
        if ((Path(own) if own else folder) / "bin/python").exists():
            say(f"interop: bittensor {version} is here for the tests")
        else:
            say(f"interop: skipped: bittensor {version} is not installed (make sdk)")


def main():
    action, *rest = sys.argv[1:] or [None]
    if action == "install" and len(rest) == 2 and rest[0] in SIZES:
        install(rest[0], Path(rest[1]))
    elif action == "report" and rest:
        report([Path(folder) for folder in rest])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
