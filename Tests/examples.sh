#!/usr/bin/env bash
# Builds and runs the examples with a coder that was built before. Usage: Tests/examples.sh [path-to-coder]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
coder=${1:-$(swift build --show-bin-path)/coder}
coder=$(cd "$(dirname "$coder")" && pwd)/$(basename "$coder")

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Prints the name of what passed, or all that was said by what did not.
passes() {
  local name=$1
  shift
  if ! "$@" >"$log" 2>&1; then
    cat "$log" >&2
    echo "$name: failed" >&2
    exit 1
  fi
  echo "$name: passed"
}

# The same scripts, over each way to the agent and with each way to wait: one variable each. All they
# need is `coder agent --`, and nothing is left of it.
temporary=$(mktemp -d)
nothing_left() {
  local files processes
  files=$(ls -A "$temporary")
  processes=$(pgrep -f -- "$temporary" || true)
  [ -z "$files$processes" ] || {
    echo "left behind: $files $processes" >&2
    return 1
  }
}
for transport in unix tcp 'exec:coder exp sync --transport unix dial-stdio'; do
  for wait in poll:100ms push; do
    passes "Examples/workspace-startup, ${transport%%:*}, $wait" \
      env CODER_AGENT_TRANSPORT="$transport" CODER_SYNC_WAIT="$wait" TMPDIR="$temporary" \
      Examples/workspace-startup/run.sh "$coder"
    nothing_left
  done
done
rmdir "$temporary"

passes Examples/production-ready Examples/production-ready/compare.sh "$coder"
passes Examples/custom-transport swift test --package-path Examples/custom-transport
passes Examples/test-your-scripts \
  env CODER_PROGRAM="$coder" swift test --package-path Examples/test-your-scripts

expect() {
  local expected=$1
  shift
  diff <(echo "$expected") <("$@")
}
swift build --package-path Examples/embed >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
embed=$(swift build --package-path Examples/embed --show-bin-path)
passes "Examples/embed, the graph alone" expect \
  $'disk\ndb\ncache\napp\napp completed, cache completed, db completed, disk completed' \
  "$embed/embed-units"
if ldd "$embed/embed-units" | grep -iE 'libevent|jansson|foundation'; then
  echo "embed-units links more than Swift itself" >&2
  exit 1
fi
passes "Examples/embed, with scripts" expect $'db\nmigration\napp' \
  env PATH="$(dirname "$coder"):$PATH" timeout 60 "$embed/embed"
