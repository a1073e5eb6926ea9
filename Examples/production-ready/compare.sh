#!/usr/bin/env bash
# Runs the production-ready script and its form with `run`, once with a command
# that succeeds and once with one that fails, and checks what others hear of it.
# Usage: compare.sh [path-to-coder]
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

if [ "${1-}" != --inside ]; then
  found=$(command -v -- "${1:-coder}") || {
    echo "compare.sh: no such program: ${1:-coder}" >&2
    exit 64
  }
  coder=$(cd -- "$(dirname -- "$found")" && pwd)/$(basename -- "$found")
  tmp=$(mktemp -d)
  trap 'rm -rf -- "$tmp"' EXIT
  mkdir "$tmp/bin" "$tmp/repo"
  ln -s -- "$coder" "$tmp/bin/coder"
  printf '#!/bin/sh\necho "claude works in $PWD"\nexit "$CLAUDE_STATUS"\n' > "$tmp/bin/claude"
  chmod +x "$tmp/bin/claude"
  export PATH="$tmp/bin:$PATH" REPO_DIR="$tmp/repo"
  # An agent of its own for each, so that they do not hear of each other.
  for script in claude-code.sh claude-code-run.sh; do
    for CLAUDE_STATUS in 0 3; do
      export CLAUDE_STATUS
      coder agent -- "$here/compare.sh" --inside "$script"
    done
  done | tee "$tmp/result"
  diff "$here/expected.txt" "$tmp/result"
  exit
fi

script=$2
coder exp sync want review claude-code > /dev/null
# Somebody who waits for the unit, from the beginning.
(
  status=0
  coder exp sync start review --wait push > /dev/null 2> "$REPO_DIR/review" || status=$?
  echo "review: exit status $status $(cat "$REPO_DIR/review")" > "$REPO_DIR/review"
) &
(
  coder exp sync start git-clone > /dev/null
  coder exp sync complete git-clone > /dev/null
) &
status=0
output=$(bash "$here/$script" 2>&1) || status=$?
wait
echo "$script, claude exits $CLAUDE_STATUS: exit status $status"
grep -c "claude works in $REPO_DIR" <<< "$output" | sed 's/^/  times that claude worked: /'
coder exp sync status claude-code | sed -n 's/^Status: /  claude-code is /p'
sed 's/^/  /' "$REPO_DIR/review"
