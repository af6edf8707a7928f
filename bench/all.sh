#!/bin/sh
# Every measure of BENCHMARKS.md but the abuse run (bench/abuse.sh). PYTHON names an interpreter with
# torch, transformers and gguf for the comparison of the model, SN1_SDK_10 a virtual environment with
# bittensor 10.5.0 for those of the axon and of reading a subnet; without one that part is skipped and
# says so.
set -eu
cd "$(dirname "$0")/.."
cargo bench --quiet --bench rewards
python=${PYTHON:-python3}
if "$python" -c 'import torch, transformers, gguf' 2>/dev/null; then
    bench/inference.sh 1 3
else
    echo "skipped: $python has no torch, transformers and gguf; set PYTHON to compare the model"
fi
bench/axon.sh
bench/fanout.sh
bench/sync.sh
bench/node.sh
