#!/usr/bin/env bash
# Prints how long a blocked `coder exp sync start --wait push` takes to end after the last dependency was
# completed, beside a wake-up through a pipe, and what 1,000 push waiters cost an idle agent.
# Usage: Tests/Benchmarks/push.sh [path-to-coder] [rounds]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coder=${1:-$here/../../.build/release-static/coder}
rounds=${2:-100}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cc -O2 -o "$tmp/push" "$here/push.c"
ulimit -n "$(ulimit -Hn)"
# The agent is the parent of what it runs.
"$coder" agent --socket-path "$tmp/agent.sock" -- \
  sh -c 'exec "$1" "$2" "$3" "$PPID" "$4"' sh "$tmp/push" "$rounds" "$tmp/agent.sock" "$coder"
