#!/bin/sh
# Attacks an axon with default limits on loopback while an honest validator asks it ten times a second,
# and fails when the honest one is not served, a request is served twice or memory grows.
#
#   bench/abuse.sh [--seconds S] [--bad-signatures PER_SECOND] [--replays PER_SECOND] [--idle N] ...
#
# BENCH may name the program when it is built elsewhere; `$BENCH siege --help` lists all settings.
set -eu
cd "$(dirname "$0")/.."
# Attackers and axon hold thousands of connections.
ulimit -n "$(ulimit -Hn)"
if [ -z "${BENCH:-}" ]; then
    cargo build --quiet --release --no-default-features --package sn1-actors --example abuse
    BENCH=target/release/examples/abuse
fi
exec "$BENCH" siege "$@"
