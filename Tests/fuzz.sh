#!/usr/bin/env bash
# Feeds whatever reads the bytes of others with what libFuzzer makes up, under AddressSanitizer.
# Usage: Tests/fuzz.sh                   every target, 1,000,000 runs each; what is new is not kept
#        Tests/fuzz.sh TARGET [SECONDS]  one target, 600 seconds long by default; keeps what is new in a folder
# SEED=N takes another way than the default, 1. Tests/Fuzzing/README.md says what the targets promise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
usage() { sed -n '2,/^set /{/^set /d;s/^# //p;}' Tests/fuzz.sh; }
if [ "${1-}" = -h ] || [ "${1-}" = --help ]; then
  usage
  exit
fi
.ci/setup test

seed=${SEED-1}
scratch=.build/fuzzing
folder=$PWD/Tests/Fuzzing
findings=$PWD/$scratch/findings
temporary=$(mktemp -d)
started=()
finish() {
  for group in "${started[@]}"; do kill -- "-$group" 2>/dev/null || true; done
  rm -rf "$temporary"
}
trap finish EXIT

FUZZING=1 swift build -c release --product fuzz --scratch-path "$scratch" --sanitize=address \
  -Xswiftc -sanitize=fuzzer >"$temporary/build" 2>&1 || {
  cat "$temporary/build" >&2
  exit 1
}
fuzz=$PWD/$scratch/release/fuzz
mkdir -p "$findings"
declare -A longest=()
targets=()
while read -r name length; do
  targets+=("$name")
  longest[$name]=$length
done < <(env -u FUZZ_TARGET "$fuzz")

# Where memory was allocated is not remembered: that takes as long as all the rest, and an input that was
# found can be run again without this. What Swift hashes depends on no other seed than ours.
export ASAN_OPTIONS=detect_leaks=0:malloc_context_size=0:max_malloc_fill_size=0:quarantine_size_mb=8
export SWIFT_BACKTRACE=enable=no SWIFT_DETERMINISTIC_HASHING=1

# Runs a target; in the end there is one line about it. The arguments behind its name are libFuzzer's.
run() {
  local target=$1 log=$temporary/$1 status=0 input
  shift
  FUZZ_TARGET=$target "$fuzz" -seed="$seed" -max_len="${longest[$target]}" -timeout=10 \
    -detect_leaks=0 -dict="$folder/Dictionaries/$target.dict" \
    -artifact_prefix="$findings/$target-" "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -eq 0 ]; then
    sed -nE "s/^#([0-9]+)\s+DONE\s+cov: ([0-9]+) .*exec\/s: ([0-9]+) .*/$target: \1 runs, \3 a second, \2 edges/p" \
      "$log"
    return
  fi
  grep -aE 'Fatal error:|ERROR: |SUMMARY: ' "$log" >&2 || tail -n 20 "$log" >&2
  input=$(sed -nE 's/.*Test unit written to (.*)/\1/p' "$log")
  echo "$target: found $input" >&2
  [ -z "$input" ] || echo "again: FUZZ_TARGET=$target $fuzz $input" >&2
  return 1
}

if [ $# -gt 0 ]; then
  target=$1
  if [ -z "${longest[$target]-}" ]; then
    echo "there is no target $target; there are ${targets[*]}" >&2
    exit 64
  fi
  new=$PWD/$scratch/corpus/$target
  mkdir -p "$new"
  echo "seed $seed, new inputs in $new"
  run "$target" -max_total_time="${2-600}" "$new" "$folder/Corpus/$target"
  exit
fi

echo "seed $seed"
status=0
running=0
# Each in a process group of its own, so that nothing goes on when this is interrupted.
set -m
for target in "${targets[@]}"; do
  if [ "$running" -ge "$(nproc)" ]; then
    wait -n || status=1
    running=$((running - 1))
  fi
  # Given as a list and not as a folder: what is new stays in memory.
  inputs=$(printf '%s,' "$folder/Corpus/$target"/*)
  run "$target" -runs=1000000 -seed_inputs="${inputs%,}" &
  started+=($!)
  running=$((running + 1))
done
for ((; running > 0; running--)); do wait -n || status=1; done
exit "$status"
