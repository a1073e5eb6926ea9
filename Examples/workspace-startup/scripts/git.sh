#!/bin/bash
# Script B of the description of the change that brought "coder exp sync".
# Adapted: the events. run.sh lets git take a local repository for the URL.

# Because the git script does not have any dependencies, we can simply inform the agent that we
# intend to start
coder exp sync start git

echo "begin git" >> "$EVENTS"
sleep 0.3 # a real clone takes a moment; a script that does not wait then fails
git clone ssh://git@github.com/coder/coder &&
  echo "end git" >> "$EVENTS"

# Once the repository have been cloned, we inform the agent that this script is complete, so that
# scripts that depend on it may begin their execution.
coder exp sync complete git
