#!/usr/bin/env bash
# What the dendrite adds to its slowest miner, for 256 and 1,024 miners on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo run --release --quiet --package sn1-actors --no-default-features --example fanout
