#!/bin/bash
# A unit that my-app depends on. How it starts is from the usage documentation,
# the best practice "Handle missing CLI gracefully".
set -e

UNIT_NAME="database-migration"

if command -v coder > /dev/null 2>&1; then
  coder exp sync start "$UNIT_NAME"
else
  echo "Coder CLI not available, continuing without coordination"
fi

echo "begin database-migration" >> "$EVENTS"
sleep 0.4 # real work takes a moment; a script that does not wait then fails
echo "schema version 2" > "$WORKSPACE/database.txt"
echo "end database-migration" >> "$EVENTS"

if command -v coder > /dev/null 2>&1; then
  coder exp sync complete "$UNIT_NAME"
fi
