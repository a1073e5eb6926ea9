#!/usr/bin/env bash
# Builds the release and the trials, and runs them in the numbers of the CI.
# Usage: Tests/trials.sh                                 all of them
#        Tests/trials.sh histories [COUNT [FIRST-SEED]]  one of them, in any number:
#        Tests/trials.sh interleavings [DEPTH]
#        Tests/trials.sh simulations [COUNT [FIRST-SEED]]
#        Tests/trials.sh races [COUNT]
#        Tests/trials.sh soak [SECONDS [SEED]]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.ci/setup test >&2

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for product in coder trials; do
  swift build -c release -Xswiftc -static-executable --product "$product" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
  }
done
trials=$(swift build -c release --show-bin-path)/trials
# The same seed does the same in every process.
export SWIFT_DETERMINISTIC_HASHING=1

if [ $# -gt 0 ]; then
  "$trials" "$@"
else
  "$trials" histories
  "$trials" interleavings
  "$trials" simulations
  "$trials" races
  "$trials" soak
fi
