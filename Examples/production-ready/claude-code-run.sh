#!/bin/bash
exec coder exp sync run claude-code --after git-clone -- \
  sh -c 'echo "Repository cloned, starting Claude Code"; cd "${REPO_DIR:-/workspace/repo}" && claude'
