#!/bin/sh
# Starts the database, and says so only when it answers.
set -e
coder exp sync start database
echo "database: up" >>"$EVENTS"
coder exp sync complete database
