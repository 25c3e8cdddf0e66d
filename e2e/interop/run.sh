#!/usr/bin/env bash
# Asks Pli and Synapse the same questions and compares what they answer.
# usage: run.sh [--only SCENARIO…] [--list] [--save DIRECTORY]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$HOME/.cache/pli-target}
environment=$target/interop/venv
pli=${PLI:-$target/debug/pli}

if [ ! -x "$pli" ]; then
  echo "interop: there is no $pli: run 'cargo build -p pli' first, or name the binary in PLI" >&2
  exit 2
fi

# What is installed is remembered, so that only changed requirements are installed again.
if ! cmp -s "$here/requirements.txt" "$environment/installed.txt"; then
  rm -rf "$environment"
  mkdir -p "$(dirname "$environment")"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
    --requirement "$here/requirements.txt"
  cp "$here/requirements.txt" "$environment/installed.txt"
fi

cd "$here"
export PYTHONDONTWRITEBYTECODE=1
"$environment/bin/python" -m unittest discover --quiet --start-directory tests --top-level-directory .
exec "$environment/bin/python" -m interop --pli "$pli" "$@"
