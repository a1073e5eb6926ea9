#!/bin/bash
# From the usage documentation, the script with multiple dependencies.
# Adapted: the work uses what the three other units made, the events.
UNIT_NAME="my-app"
DEPENDENCIES="git-clone,env-setup,database-migration"

# Declare all dependencies
if [ -n "$DEPENDENCIES" ]; then
  IFS=',' read -ra DEPS <<< "$DEPENDENCIES"
  for dep in "${DEPS[@]}"; do
    dep=$(echo "$dep" | xargs)  # Trim whitespace
    if [ -n "$dep" ]; then
      coder exp sync want "$UNIT_NAME" "$dep"
    fi
  done
fi

# Wait for all dependencies
coder exp sync start "$UNIT_NAME"

# Your work here
echo "begin my-app" >> "$EVENTS"
echo "All dependencies satisfied, starting application"
cd "$WORKSPACE/microblog" &&
  source "$WORKSPACE/app.env" &&
  cat app.txt "$DATABASE" &&
  echo "end my-app" >> "$EVENTS"

# Signal completion
coder exp sync complete "$UNIT_NAME"
