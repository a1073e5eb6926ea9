#!/usr/bin/env bash
# Builds the release: one static executable without symbols, .build/release-static/coder.
# Usage: Sources/coder/release.sh                   build
#        Sources/coder/release.sh install PREFIX    build, and install it with its manual and completions
set -euo pipefail

usage() {
  echo "usage: Sources/coder/release.sh [install PREFIX]" >&2
  exit 64
}
case "${1-build}" in
  build) [ $# -le 1 ] || usage ;;
  install) [ $# -eq 2 ] && [ -n "$2" ] || usage ;;
  *) usage ;;
esac
prefix=
if [ "${1-}" = install ]; then
  # Before the build and the change of folder: a relative prefix is the caller's, and one that
  # cannot be written is better known now.
  mkdir -p "$2"
  prefix=$(cd "$2" && pwd)
  [ -w "$prefix" ] || {
    echo "$prefix cannot be written: build first, then install with the rights that it takes" >&2
    exit 73
  }
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

.ci/setup
echo "building the release" >&2
# The linker warns of getaddrinfo and dlopen, which nothing here calls; only errors are of interest.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build -c release -Xswiftc -static-executable --product coder >"$log" 2>&1 || {
  cat "$log" >&2
  exit 1
}
out=.build/release-static
mkdir -p "$out"
strip -o "$out/coder.new" "$(swift build -c release --show-bin-path)/coder"
mv "$out/coder.new" "$out/coder"
echo "$out/coder: $(stat -c %s "$out/coder") bytes"

if [ -n "$prefix" ]; then
  install -D -m 755 "$out/coder" "$prefix/bin/coder"
  for pair in bash:bash-completion/completions/coder zsh:zsh/site-functions/_coder \
    fish:fish/vendor_completions.d/coder.fish; do
    file=$prefix/share/${pair#*:}
    "$out/coder" completion "${pair%%:*}" | install -D -m 644 /dev/stdin "$file"
  done
  "$out/coder" help --man | install -D -m 644 /dev/stdin "$prefix/share/man/man1/coder.1"
  echo "installed into $prefix: bin/coder, and its manual and completions for bash, zsh and fish below share"
fi
