#!/usr/bin/env bash
# Makes a virtual environment with what a file of requirements pins, unless it is there already.
# usage: environment.sh DIRECTORY REQUIREMENTS
set -euo pipefail

environment=${1:?usage: environment.sh DIRECTORY REQUIREMENTS}
requirements=${2:?usage: environment.sh DIRECTORY REQUIREMENTS}
# What is installed is remembered, so that only changed requirements are installed again.
cmp -s "$requirements" "$environment/installed.txt" && exit 0
rm -rf "$environment"
mkdir -p "$(dirname "$environment")"
python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: \
  --requirement "$requirements"
cp "$requirements" "$environment/installed.txt"
