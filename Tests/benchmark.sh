#!/usr/bin/env bash
# Builds the release and the benchmark program with its floors in C, and prints the table.
# Usage: Tests/benchmark.sh [--quick] [--json] [--only PART]… [--agent-socket PATH] [--cli COMMAND]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.ci/setup test >&2
Sources/coder/release.sh >&2
tools=.build/benchmarks
mkdir -p "$tools"
for source in load echo-floor crowd wake; do
  cc -O2 -Wall -o "$tools/$source" "Tests/Benchmarks/$source.c"
done
cc -O2 -Wall -static -o "$tools/ping-floor" Tests/Benchmarks/ping-floor.c
swiftc -O -parse-as-library -static-executable -o "$tools/empty" Tests/Benchmarks/empty.swift 2>/dev/null
strip "$tools/empty"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build -c release -Xswiftc -static-executable --product benchmarks >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
"$(swift build -c release --show-bin-path)/benchmarks" --tools "$tools" "$@"
