#!/usr/bin/env bash
# Runs the documented startup scripts all at once, on an agent of their own, and
# checks that they worked in the order that they declare. See README.md.
#
# Everything below happens inside `coder agent -- run.sh --inside`, which is all
# the set-up that scripts need to find each other.
set -euo pipefail

usage() {
  cat << 'TEXT'
usage: run.sh [path-to-coder]

Without a path, coder is taken from PATH. Environment:
  SEED                   a number: start the scripts in the order of an earlier run
  CODER_AGENT_TRANSPORT  how the scripts reach the agent: unix, tcp, or
                         'exec:coder exp sync --transport unix dial-stdio'
  CODER_SYNC_WAIT        how the scripts wait: poll, poll:250ms, push
TEXT
}

fail() {
  echo "run.sh: $1" >&2
  exit "${2:-1}"
}

# One script per unit, of the unit's name: what it depends on, by its document.
declare -A depends_on=(
  [apt-install]=""
  [claude]="git"
  [claude-code]="git-clone"
  [database-migration]=""
  [env-setup]=""
  [git]=""
  [git-clone]=""
  [my-app]="git-clone env-setup database-migration"
  [my-setup]="git-clone"
  [pip-install]="git-clone apt-install"
)

# ---------------------------------------------------------------- arguments

inside=""
case "${1-}" in
  -h | --help)
    usage
    exit 0
    ;;
  --inside)
    inside=1
    shift
    ;;
esac
if [ $# -gt 1 ]; then
  usage >&2
  exit 64
fi

given=${1:-coder}
found=$(command -v -- "$given") || fail "no such program: $given" 64
# The scripts change their folder, and call coder by its name.
coder=$(cd -- "$(dirname -- "$found")" && pwd)/$(basename -- "$found")

for tool in git python3 setsid; do
  command -v "$tool" > /dev/null || fail "$tool is needed, and not on PATH"
done

seed=${SEED:-$RANDOM}
[[ $seed =~ ^[0-9]{1,9}$ ]] || fail "SEED is a number of at most nine digits, not: $seed" 64

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

# ----------------------------------------------------------------- the agent

if [ -z "$inside" ]; then
  # A way that has a client's side only is for the scripts; the agent then serves
  # what it serves by default.
  case ${CODER_AGENT_TRANSPORT-} in
    exec:*) export SCRIPT_TRANSPORT=$CODER_AGENT_TRANSPORT ;;
  esac
  unset NOTIFY_SOCKET
  SEED=$seed exec "$coder" agent -- "$here/run.sh" --inside "$coder"
fi
if [ -n "${SCRIPT_TRANSPORT-}" ]; then
  export CODER_AGENT_TRANSPORT=$SCRIPT_TRANSPORT
fi

# ------------------------------------------------- nothing may be left behind

tmp=""

cleanup() {
  local pid jobs
  trap '' INT TERM HUP # once begun, it goes on to the end
  # Scripts lead a process group each; the readers of their output ignore the
  # signal, and end when the last process of a script has. The agent ends last,
  # so that scripts with an EXIT trap still find it.
  jobs=$(jobs -rp)
  for pid in $jobs; do
    kill -TERM -- "-$pid" 2> /dev/null || kill -TERM "$pid" 2> /dev/null || true
  done
  for pid in $jobs; do
    wait "$pid" 2> /dev/null || true
  done
  [ -z "$tmp" ] || rm -rf -- "$tmp"
}

# Ends by the signal itself, so that a shell loop around this script ends too.
end_by() {
  cleanup
  trap - EXIT "$1"
  kill -s "$1" "$$"
}

trap cleanup EXIT
trap 'end_by INT' INT
trap 'end_by TERM' TERM
trap 'end_by HUP' HUP

tmp=$(mktemp -d "${TMPDIR:-/tmp}/workspace-startup.XXXXXX")
tmp=$(cd -- "$tmp" && pwd)
mkdir "$tmp/bin" "$tmp/upstream" "$tmp/workspace" "$tmp/output"
ln -s -- "$coder" "$tmp/bin/coder"

# ------------------------------------------------------ a world without network

export PATH="$tmp/bin:$here/stubs:$PATH"
export WORKSPACE="$tmp/workspace" EVENTS="$tmp/events"
: > "$EVENTS"

# Settings of a git hook, or of an agent, that may be around this run.
# shellcheck disable=SC2046  # a list of names
unset $(git rev-parse --local-env-vars)

# The URLs of the documents lead to local repositories, and nothing else can.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ALLOW_PROTOCOL=file
export GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0="url.$tmp/upstream/coder.insteadOf"
export GIT_CONFIG_VALUE_0="ssh://git@github.com/coder/coder"
export GIT_CONFIG_KEY_1="url.$tmp/upstream/microblog.insteadOf"
export GIT_CONFIG_VALUE_1="https://github.com/miguelgrinberg/microblog"
export GIT_AUTHOR_NAME="Example" GIT_AUTHOR_EMAIL="example@localhost"
export GIT_COMMITTER_NAME="Example" GIT_COMMITTER_EMAIL="example@localhost"

export PIP_CONFIG_FILE=/dev/null PIP_NO_INDEX=1 PIP_NO_CACHE_DIR=1
export PIP_DISABLE_PIP_VERSION_CHECK=1

for name in coder microblog; do
  repo="$tmp/upstream/$name"
  git -c init.defaultBranch=main init --quiet "$repo"
  echo "# Nothing is to be installed: there is no network." > "$repo/requirements.txt"
  echo "application $name" > "$repo/app.txt"
  git -C "$repo" add .
  git -C "$repo" commit --quiet --message "First version of $name"
done

# ---------------------------------------------------------------- the scripts

# In the order of their names, and then shuffled: the same for the same seed.
mapfile -t units < <(printf '%s\n' "${!depends_on[@]}" | LC_ALL=C sort)
order=("${units[@]}")
RANDOM=$((10#$seed))
for ((i = ${#order[@]} - 1; i > 0; i--)); do
  j=$((RANDOM % (i + 1)))
  swapped=${order[i]}
  order[i]=${order[j]}
  order[j]=$swapped
done
echo "seed: $seed"
echo "starting: ${order[*]}"
echo

# A script that has ended says so here: its unit, its exit status.
mkfifo "$tmp/ended"
exec 4<> "$tmp/ended"

start_script() {
  local unit=$1 output="$tmp/output/$1" prefix
  printf -v prefix '%-18s |' "$unit"
  mkfifo "$output"
  (
    trap '' INT TERM HUP
    exec sed -u "s/^/$prefix /"
  ) < "$output" 4>&- &
  # Descriptor 3 keeps the output open also for a command that redirects its
  # own, so that the reader above sees the end of every process of the script.
  # shellcheck disable=SC2016  # the inner shell expands them
  (cd "$WORKSPACE" && exec setsid bash -c 'bash "$0" 4>&-; echo "$1 $?" >&4' \
    "$here/scripts/$unit.sh" "$unit") > "$output" 2>&1 3>&1 < /dev/null &
}

for unit in "${order[@]}"; do
  start_script "$unit"
done

problems=()
declare -A waiting=()
for unit in "${order[@]}"; do
  waiting[$unit]=1
done

# A start that waits in vain ends by itself after five minutes. Once a script
# has failed, the others are only given the time to show how far they come.
patience=330
while [ ${#waiting[@]} -gt 0 ]; do
  if ! read -r -t "$patience" unit status <&4; then
    problems+=("stopped, nothing happened for $patience s: ${!waiting[*]}")
    break
  fi
  unset "waiting[$unit]"
  if [ "$status" -ne 0 ]; then
    problems+=("$unit: the script exited with $status")
    patience=15
  fi
done

if [ ${#waiting[@]} -eq 0 ]; then
  for pid in $(jobs -p); do
    # All output is printed when its readers have ended.
    wait "$pid" || true
  done
fi

# ------------------------------------------------------------------ the checks

# The line of each event: what is earlier in the log came before.
declare -A at=()
line=0
while read -r event; do
  line=$((line + 1))
  [ -z "${at[$event]-}" ] || problems+=("$event: more than once")
  at[$event]=$line
done < "$EVENTS"

checked=0
for unit in "${units[@]}"; do
  begin=${at["begin $unit"]-}
  [ -n "$begin" ] || problems+=("$unit: its work did not begin")
  [ -n "${at["end $unit"]-}" ] || problems+=("$unit: its work did not end well")

  # What the agent was told is what the document says.
  wanted=$(tr ' ' '\n' <<< "${depends_on[$unit]}" | LC_ALL=C sort | tr '\n' ' ')
  if ! declared=$(coder exp sync status -c "depends on" "$unit" |
    sed '1,/^DEPENDS ON/d' | tr '\n' ' '); then
    problems+=("$unit: the agent does not tell its status")
  elif [ "${declared% }" != "${wanted% }" ]; then
    problems+=("$unit: declared to depend on [${declared% }], not [${wanted% }]")
  fi

  for dependency in ${depends_on[$unit]}; do
    end=${at["end $dependency"]-}
    if [ -n "$begin" ] && { [ -z "$end" ] || [ "$end" -gt "$begin" ]; }; then
      problems+=("$unit: began before $dependency ended")
    fi
    checked=$((checked + 1))
  done
done

listed=0
while read -r unit status _; do
  [ "$unit" != UNIT ] || continue
  listed=$((listed + 1))
  [ "$status" = completed ] || problems+=("$unit: is $status, not completed")
done < <(coder exp sync list)
[ "$listed" -eq ${#units[@]} ] ||
  problems+=("the agent lists $listed units, not ${#units[@]}")

echo
echo "events:"
cat -n "$EVENTS"
echo
coder exp sync list || problems+=("coder exp sync list exited with $?")
echo

if [ ${#problems[@]} -gt 0 ]; then
  printf 'problem: %s\n' "${problems[@]}" >&2
  fail "the order is not as declared, or a script failed (SEED=$seed)"
fi
echo "order: as declared (${#units[@]} units, $checked dependencies checked)"
