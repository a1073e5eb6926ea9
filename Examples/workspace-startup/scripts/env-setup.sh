#!/bin/bash
# A unit that my-app depends on. How it starts and completes is from the usage
# documentation, the best practice "Complete units that start successfully".
set -e

UNIT_NAME="env-setup"

SYNC_STARTED=0
if coder exp sync start "$UNIT_NAME"; then
  SYNC_STARTED=1
fi

cleanup_sync() {
  if [ "$SYNC_STARTED" -eq 1 ]; then
    coder exp sync complete "$UNIT_NAME"
  fi
}
trap cleanup_sync EXIT

echo "begin env-setup" >> "$EVENTS"
sleep 0.2 # real work takes a moment; a script that does not wait then fails
printf 'DATABASE=%q\n' "$WORKSPACE/database.txt" > "$WORKSPACE/app.env"
echo "end env-setup" >> "$EVENTS"
