#!/bin/bash
# Script A of the description of the change that brought "coder exp sync".
# Adapted: claude is the stub beside this folder and wants the clone as its
# working folder, the events.

# Inform the agent that the claude script wants the git script.
# That is, the git script must have completed before the claude script can begin its execution
coder exp sync want claude git

# Inform the agent that we would now like to begin execution of claude.
# This command will block until the git script (and any other defined dependencies)
# have completed
coder exp sync start claude

# Now we run claude code and any other commands we need
echo "begin claude" >> "$EVENTS"
cd "$WORKSPACE/coder" &&
  claude &&
  echo "end claude" >> "$EVENTS"

# Once our script has completed, we inform the agent, so that any scripts that depend on this one
# may begin their execution
coder exp sync complete claude
