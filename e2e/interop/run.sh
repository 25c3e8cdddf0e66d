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

"$here/environment.sh" "$environment" "$here/requirements.txt"

cd "$here"
export PYTHONDONTWRITEBYTECODE=1
"$environment/bin/python" -m unittest discover --quiet --start-directory tests --top-level-directory .
exec "$environment/bin/python" -m interop --pli "$pli" "$@"
