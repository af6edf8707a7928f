#!/bin/sh
# CPU time from a node's answers to a subnet that can be read: ours beside the Python SDK's
# (bittensor 10.5.0), both from the same nodes, the same bytes and in one run.
#
#   bench/sync.sh [--rounds N]
#
# SN1_SDK_10 names a virtual environment with bittensor 10.5.0 (default: third_party/sdk-10.5.0);
# without one the SDK is left out. BENCH may name the program when it is built elsewhere.
set -eu
cd "$(dirname "$0")/.."
python=${SN1_SDK_10:-third_party/sdk-10.5.0}/bin/python
if [ -z "${BENCH:-}" ]; then
    cargo build --quiet --release --no-default-features --package sn1-actors --example sync
    BENCH=target/release/examples/sync
fi
if [ -x "$python" ]; then
    exec "$BENCH" compare --python "$python" "$@"
fi
echo "skipped: the Python SDK, because there is no $python; set SN1_SDK_10 to compare with it"
exec "$BENCH" compare "$@"
