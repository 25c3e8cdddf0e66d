#!/usr/bin/env bash
# Installs a Debian package that the tests need, if it is missing.
set -euo pipefail

case "${1:?usage: need.sh chromium|postgres}" in
chromium)
  package=chromium
  command -v chromium >/dev/null && exit 0
  ;;
postgres)
  package=postgresql
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0
  ;;
*)
  echo "need.sh: unknown requirement '$1'" >&2
  exit 2
  ;;
esac

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "The tests need Debian's package '$package': install it as root, then try again." >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing Debian's package '$package'"
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$package" >/dev/null
