#!/bin/bash
# From the examples documentation, the template after its migration.
# Adapted: set -e, the events. sudo and apt-get are the stubs beside this folder.
set -e

trap 'coder exp sync complete apt-install' EXIT
coder exp sync start apt-install

echo "begin apt-install" >> "$EVENTS"
sudo apt-get update
sudo apt-get install --yes python-dev-is-python3
echo "end apt-install" >> "$EVENTS"
