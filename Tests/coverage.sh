#!/usr/bin/env bash
# Prints which part of the lines of SyncUnits, SyncWire and SyncRPC the tests in one process run, and which lines they
# do not. Fails below 90 %.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.ci/setup test >&2

scratch=.build/coverage
tools=$(dirname "$(readlink -f "$(command -v swift)")")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
options=(--scratch-path "$scratch" --enable-code-coverage)
# Not those that start processes, which write down coverage of their own.
swift build --build-tests "${options[@]}" >"$log" 2>&1 &&
  swift test --skip-build "${options[@]}" --parallel \
    --filter '^(SyncUnits|SyncWire|SyncRPC|SyncAgent|Simulation|Plugin|Corpus)Tests\.' >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}

folder=$(swift build "${options[@]}" --show-bin-path)
arguments=(-instr-profile "$folder/codecov/default.profdata" "$folder/swift-unit-syncPackageTests.xctest")
for module in SyncUnits SyncWire SyncRPC; do
  "$tools/llvm-cov" export -format=lcov "${arguments[@]}" "Sources/$module" \
    | awk -v module="$module" '
        /^SF:/ { file = substr($0, 4); sub(".*/Sources/", "Sources/", file) }
        /^DA:/ {
          split(substr($0, 4), part, ",")
          lines++
          if (part[2] == 0) missed[file] = missed[file] " " part[1]; else covered++
        }
        END {
          printf "%s: %.1f %% of %d lines\n", module, 100 * covered / lines, lines
          for (file in missed) print "  not covered: " file ":" missed[file] | "sort"
          close("sort")
          exit covered < 0.9 * lines
        }'
done
