#!/usr/bin/env bash
# Makes sure that what is named is there: installs Debian's package if it is missing, or says what to do.
set -euo pipefail

install_package() {
  local package=$1 as_root=()
  if ! command -v apt-get >/dev/null; then
    echo "Pli needs what Debian calls '$package': install it, then try again." >&2
    exit 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Pli needs Debian's package '$package': install it as root, then try again." >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing Debian's package '$package'"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -o DPkg::Lock::Timeout=300 -y -qq --no-install-recommends "$package" >/dev/null
}

node_major() {
  local version
  version=$(node --version) && version=${version#v} && echo "${version%%.*}"
}

if [ $# -eq 0 ]; then
  echo "usage: need.sh (rust|node|compiler|chromium|nginx|postgres|python)…" >&2
  exit 2
fi
for requirement in "$@"; do
  case "$requirement" in
  rust)
    if ! command -v cargo >/dev/null; then
      echo "Pli is built with Rust 1.95: install it from https://rustup.rs, then try again." >&2
      exit 1
    fi
    ;;
  node)
    if ! command -v npm >/dev/null || [ "$(node_major)" -lt 20 ]; then
      echo "The web app is built with Node 20 and its npm, or newer: install them from https://nodejs.org," \
        "then try again." >&2
      exit 1
    fi
    ;;
  compiler)
    command -v cc >/dev/null || install_package build-essential
    ;;
  chromium)
    command -v chromium >/dev/null || install_package chromium
    ;;
  python)
    python3 -c 'import ensurepip, venv' 2>/dev/null || install_package python3-venv
    ;;
  nginx)
    command -v nginx /usr/sbin/nginx >/dev/null || install_package nginx-light
    ;;
  postgres)
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install_package postgresql
    ;;
  *)
    echo "need.sh: unknown requirement '$requirement'" >&2
    exit 2
    ;;
  esac
done
