#!/usr/bin/env bash
# Starts Pli with a bot of mautrix registered, an application service, and has a person talk to it: once
# with a bot that signs in, once with one that creates its device (MSC4190).
# usage: run-bot-on-pli.sh
# PLI names the program; without it, the debug build.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pli=${PLI:-${CARGO_TARGET_DIR:-$HOME/.cache/pli-target}/debug/pli}
if [ ! -x "$pli" ]; then
  echo "run-bot-on-pli.sh: $pli is not there: run cargo build --bin pli, or say where it is in PLI" >&2
  exit 2
fi

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

folder=$(mktemp --directory)
server=
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" || true
  fi
  server=
}
trap 'stop; rm -rf "$folder"' EXIT

fail() { # WHAT
  echo "run-bot-on-pli.sh: $1; the end of Pli's log:" >&2
  tail --lines 40 "$folder/log" >&2
  exit 1
}

converse() { # SIGNS_IN_ITSELF OPTION…
  local manages_devices=$1 port bot_port
  shift
  port=$(free_port)
  bot_port=$(free_port)
  rm -rf "$folder/data"
  cat > "$folder/echo.json" <<JSON
{
  "id": "echo",
  "url": "http://127.0.0.1:$bot_port",
  "as_token": "the-token-of-the-bot",
  "hs_token": "the-token-of-the-server",
  "sender_localpart": "echo",
  "rate_limited": false,
  "receive_ephemeral": true,
  "org.matrix.msc3202": true,
  "io.element.msc4190": $manages_devices,
  "namespaces": { "users": [{ "regex": "@echo_.*", "exclusive": true }], "aliases": [], "rooms": [] }
}
JSON
  cat > "$folder/pli.toml" <<TOML
server_name = "interop.test"
public_url = "http://127.0.0.1:$port"
data_dir = "$folder/data"
listen.client = "127.0.0.1:$port"
listen.admin = "127.0.0.1:0"
registration.mode = "open"
rate_limits.enabled = false
passwords.argon2_memory = "64 KiB"
appservices.registrations = ["$folder/*.json"]
TOML
  : > "$folder/log"
  "$pli" serve --config "$folder/pli.toml" > "$folder/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    if grep --quiet "Pli is ready" "$folder/log"; then
      break
    fi
    kill -0 "$server" 2>/dev/null || fail "Pli ended while it started"
    sleep 0.1
  done
  grep --quiet "Pli is ready" "$folder/log" || fail "Pli was not ready within 30 s"
  "$here/run-bot.sh" "http://127.0.0.1:$port" "$folder/echo.json" "$@" ||
    fail "the person and the bot (options: ${*:-none}) could not talk"
  stop
}

converse false
converse true --msc4190
