#!/bin/sh
# Start-up and memory of the whole node: a local net of two minutes, from its own report.
set -eu
cd "$(dirname "$0")/.."
cargo build --quiet --release
report=$(mktemp)
trap 'rm -f "$report"' EXIT
target/release/sn1 localnet --telemetry.port 0 --duration "${1:-120s}" --seed 7 --report "$report" >/dev/null
python3 - "$report" <<'PYTHON'
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
print(f"first scored turn after {report['first_scored_turn_seconds']:.1f} s")
print(f"first weights on chain after {report['first_weights_seconds']:.1f} s")
print(f"turns {report['turns']}, overhead p50 {report['overhead_seconds']['p50'] * 1e3:.0f} ms,"
      f" p95 {report['overhead_seconds']['p95'] * 1e3:.0f} ms")
print(f"peak memory {report['peak_memory_bytes'] >> 20} MiB")
PYTHON
