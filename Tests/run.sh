#!/usr/bin/env bash
# Installs what is missing and runs all tests.
# Usage: Tests/run.sh                  the whole suite, twice, and the examples
#        Tests/run.sh thread|address   the whole suite under a sanitizer
#        Tests/run.sh all              all of these
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.ci/setup test

# Passing tests are many; what is printed is what failed, and the closing line of the runner.
run() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then grep -avE '^(◇|✔)' "$log" >&2 || true; fi
  grep -aE '^.? ?Test run with' "$log" || {
    # The runner itself has died; its last words may stand behind those of a test.
    [ "$status" -eq 0 ] || tail -n 5 "$log" >&2
  }
  rm -f "$log"
  return "$status"
}

suite() {
  run swift build --build-tests
  # Twice, because a test that passes once may have been lucky.
  run swift test --skip-build --parallel
  run swift test --skip-build --parallel
  Tests/examples.sh
}

sanitized() {
  echo "under the $1 sanitizer:"
  run swift build --build-tests --sanitize="$1" --scratch-path ".build/$1"
  # libevent and the runtime keep what lives as long as the process: leaks are looked for elsewhere.
  ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=suppressions=$PWD/Tests/thread-sanitizer.suppressions \
    run swift test --skip-build --sanitize="$1" --scratch-path ".build/$1" --parallel
}

case "${1-}" in
  "") suite ;;
  thread | address) sanitized "$1" ;;
  all)
    suite
    sanitized thread
    sanitized address
    ;;
  *)
    echo "usage: Tests/run.sh [thread|address|all]" >&2
    exit 64
    ;;
esac
