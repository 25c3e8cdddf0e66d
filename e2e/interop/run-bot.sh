#!/usr/bin/env bash
# Has a person talk to a bot of mautrix, an application service, through a running homeserver where
# everybody may sign up.
# usage: run-bot.sh URL REGISTRATION [--domain NAME] [--user NAME] [--msc4190]
# REGISTRATION is the application service's file that the homeserver was started with, as JSON. Its
# `url` has a free port: the bot listens there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment=${CARGO_TARGET_DIR:-$HOME/.cache/pli-target}/interop/bot
"$here/environment.sh" "$environment" "$here/bot/requirements.txt"

# What mautrix remembers of rooms goes into the current folder.
memory=$(mktemp --directory)
trap 'rm -rf "$memory"' EXIT
registration=$(realpath "${2:?usage: run-bot.sh URL REGISTRATION [OPTION…]}")
cd "$memory"
"$environment/bin/python" "$here/bot/bot.py" "$1" "$registration" "${@:3}"
