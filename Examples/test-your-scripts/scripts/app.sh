#!/bin/sh
# Starts the application when the database is up.
set -e
coder exp sync want app database
coder exp sync start app --timeout "${APP_TIMEOUT:-5m}"
echo "app: up" >>"$EVENTS"
coder exp sync complete app
