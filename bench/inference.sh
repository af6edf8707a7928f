#!/bin/sh
# Runs bench/inference.rs and bench/transformers_reference.py in turn, so that both see the same
# machine, and prints the best of each with their ratio.
#
#   bench/inference.sh [THREADS] [ROUNDS]
#
# PYTHON names an interpreter with torch, transformers and gguf (default: python3). BENCH may name the
# benchmark's program when it is built elsewhere.
set -eu
cd "$(dirname "$0")/.."
threads=${1:-1}
rounds=${2:-3}
python=${PYTHON:-python3}
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
export OMP_WAIT_POLICY=passive

if [ -z "${BENCH:-}" ]; then
    cargo bench --bench inference --no-run
fi
round=1
while [ "$round" -le "$rounds" ]; do
    if [ -n "${BENCH:-}" ]; then
        "$BENCH" "$threads" >>"$lines"
    else
        cargo bench --quiet --bench inference -- "$threads" >>"$lines"
    fi
    "$python" bench/transformers_reference.py "$threads" >>"$lines" 2>/dev/null
    round=$((round + 1))
done

"$python" - "$lines" "$threads" "$rounds" <<'PYTHON'
import json
import sys

path, threads, rounds = sys.argv[1:]
best = {}
for line in open(path, encoding="utf-8"):
    row = json.loads(line)
    key = (row["measure"], row["unit"])
    better = min if row["unit"] == "s" else max
    seen = best.setdefault(key, {})
    name = row["implementation"]
    seen[name] = better(seen.get(name, row["value"]), row["value"])
print(f"threads: {threads}, best of {rounds} rounds\n")
print(f"| {'measure':<10} | {'unit':<8} | {'sn1':>8} | {'transformers f32':>16} | {'speed ratio':>11} |")
print(f"|{'-' * 12}|{'-' * 10}|{'-' * 9}:|{'-' * 17}:|{'-' * 12}:|")
for (measure, unit), values in best.items():
    ours, theirs = values["sn1"], values["transformers"]
    ratio = theirs / ours if unit == "s" else ours / theirs
    print(f"| {measure:<10} | {unit:<8} | {ours:>8.1f} | {theirs:>16.1f} | {ratio:>11.2f} |")
PYTHON
