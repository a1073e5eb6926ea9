#!/bin/bash
# From the examples documentation, the template after its migration: what the
# git-clone module does, and its post_clone_script.
# Adapted: the clone itself, which is inside the module there, and the events.
# run.sh lets git take a local repository for the URL.
set -e

echo "begin git-clone" >> "$EVENTS"
sleep 0.3 # a real clone takes a moment; a script that does not wait then fails
git clone https://github.com/miguelgrinberg/microblog/ "$WORKSPACE/microblog"
echo "end git-clone" >> "$EVENTS"

# post_clone_script
coder exp sync start git-clone && coder exp sync complete git-clone
