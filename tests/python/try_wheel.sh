#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Installs a wheel into an empty environment, away from the source and the build, and runs the program and the tests there.
# usage: try_wheel.sh WHEEL [PYTHON]     (PYTHON: an interpreter that the wheel is for)
set -euo pipefail
wheel=$(realpath "$1") python=${2:-python3}
tests=$(cd "$(dirname "$0")" && pwd)
pictures=/usr/share/doc/opencv-doc/examples/data
unset PYTHONPATH TWINPATCH_MODELS
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

start=$(date +%s.%N)
"$python" -m venv environment
environment/bin/pip install --quiet --disable-pip-version-check "$wheel"
environment/bin/twinpatch match $pictures/graf1.png $pictures/graf3.png -o matches.txt
awk -v start="$start" -v end="$(date +%s.%N)" \
  'END { printf "%d matches, %.1f s after nothing was there\n", NR, end - start; exit NR < 500 }' matches.txt

environment/bin/pip install --quiet --disable-pip-version-check pytest nbclient ipykernel
environment/bin/python -m pytest -q -p no:cacheprovider "$tests"
