#!/bin/bash
# From the usage documentation, the script with a single dependency.
# Adapted: the work uses the clone, the events.
UNIT_NAME="my-setup"

# Declare dependency on git-clone
coder exp sync want "$UNIT_NAME" "git-clone"

# Wait for dependencies and mark as started
coder exp sync start "$UNIT_NAME"

# Do your work here
echo "begin my-setup" >> "$EVENTS"
echo "Running after git-clone completes"
git -C "$WORKSPACE/microblog" log --oneline &&
  echo "end my-setup" >> "$EVENTS"

# Signal completion
coder exp sync complete "$UNIT_NAME"
