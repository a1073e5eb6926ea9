#!/usr/bin/env bash
# Prints how long `coder exp sync ping` takes, from start to exit, beside the floor: a static C program
# that exchanges the same bytes. Usage: Tests/Benchmarks/ping.sh [path-to-coder] [rounds]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
coder=${1:-$here/../../.build/release/coder}
rounds=${2:-500}
tmp=$(mktemp -d)
agent=
cleanup() {
  if [ -n "$agent" ]; then kill "$agent" && wait "$agent" || true; fi
  rm -rf "$tmp"
}
trap cleanup EXIT

cc -O2 -static -o "$tmp/ping-floor" "$here/ping-floor.c"
cc -O2 -o "$tmp/compare" "$here/compare.c"
mkfifo "$tmp/ready"
"$coder" agent --socket-path "$tmp/agent.sock" --log-level warn --ready-fd 3 3>"$tmp/ready" &
agent=$!
read -r <"$tmp/ready"
echo "A: coder exp sync ping    B: floor    $rounds rounds, alternately"
CODER_AGENT_SOCKET_PATH=$tmp/agent.sock \
  "$tmp/compare" "$rounds" "$coder" exp sync ping -- "$tmp/ping-floor" "$tmp/agent.sock"
