#!/usr/bin/env bash
# Installs what is missing, builds the release and runs the example workspace startup on an agent of
# its own. Leaves nothing behind but the build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
.ci/setup test
Sources/coder/release.sh
Examples/workspace-startup/run.sh "$PWD/.build/release-static/coder"
