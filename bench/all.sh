#!/bin/sh
# Every measure of BENCHMARKS.md. PYTHON names an interpreter with torch, transformers and gguf for
# the comparison of the model; without one that part is skipped and says so.
set -eu
cd "$(dirname "$0")/.."
cargo bench --quiet --bench rewards
python=${PYTHON:-python3}
if "$python" -c 'import torch, transformers, gguf' 2>/dev/null; then
    bench/inference.sh 1 3
else
    echo "skipped: $python has no torch, transformers and gguf; set PYTHON to compare the model"
fi
bench/node.sh
