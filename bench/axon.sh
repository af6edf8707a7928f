#!/bin/sh
# Verified streaming requests per second: our axon beside the Python one (bittensor 10.5.0) and beside
# the floor, all in one run and under the same load.
#
#   bench/axon.sh [--rounds N] [--seconds S] [--connections N]
#
# SN1_SDK_10 names a virtual environment with bittensor 10.5.0 (default: third_party/sdk-10.5.0);
# without one the Python axon is left out. BENCH may name the program when it is built elsewhere.
set -eu
cd "$(dirname "$0")/.."
python=${SN1_SDK_10:-third_party/sdk-10.5.0}/bin/python
if [ -z "${BENCH:-}" ]; then
    cargo build --quiet --release --no-default-features --package sn1-actors --example axon
    BENCH=target/release/examples/axon
fi
if [ -x "$python" ]; then
    exec "$BENCH" compare --python "$python" "$@"
fi
echo "skipped: the Python axon, because there is no $python; set SN1_SDK_10 to compare with it"
exec "$BENCH" compare "$@"
