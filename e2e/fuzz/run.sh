#!/usr/bin/env bash
# Asks Pli everything that the specification's OpenAPI description allows, and much that it doesn't:
# fails if any answer is a server error.
# usage: run.sh [SECONDS]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$HOME/.cache/pli-target}
environment=$target/fuzz/venv
pli=${PLI:-$target/debug/pli}
seconds=${1:-600}

if [ ! -x "$pli" ]; then
  echo "fuzz: there is no $pli: run 'cargo build -p pli' first, or name the binary in PLI" >&2
  exit 2
fi

"$here/../interop/environment.sh" "$environment" "$here/requirements.txt"
export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$here/../interop"
exec "$environment/bin/python" "$here/fuzz.py" --pli "$pli" --seconds "$seconds" \
  --schemathesis "$environment/bin/schemathesis" \
  --description "$here/../../crates/xtask/spec/client-server.json"
