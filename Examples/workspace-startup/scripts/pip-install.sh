#!/bin/bash
# From the examples documentation, the template after its migration.
# Adapted: set -e, REPO_DIR for the module's output, the events, and the two
# ways out for a Python that comes without pip.
set -e

REPO_DIR="$WORKSPACE/microblog"

trap 'coder exp sync complete pip-install' EXIT
coder exp sync want pip-install git-clone apt-install
coder exp sync start pip-install

echo "begin pip-install" >> "$EVENTS"
cd "$REPO_DIR"
# A bare Debian has no ensurepip, which venv needs to put pip into .venv.
python3 -m venv .venv || python3 -m venv --clear --without-pip .venv
source .venv/bin/activate
if [ -x .venv/bin/pip ]; then
  pip install -r requirements.txt
else
  echo "No pip here, and requirements.txt names no package: nothing to install"
fi
echo "end pip-install" >> "$EVENTS"
