#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# colmap_pycolmap.sh TWINPATCH DATA_FOLDER: pycolmap makes a database (so its tables are those of the newest COLMAP),
# twinpatch fills it, pycolmap reads the matches, verifies them, and reconstructs. TWINPATCH_PYTHON names a python that
# has pycolmap (python3 -m venv V; V/bin/pip install pycolmap).
set -euo pipefail
python=${TWINPATCH_PYTHON:-python3}
"$python" -c 'import pycolmap' 2>/dev/null || { echo "skipped: $python has no pycolmap (set TWINPATCH_PYTHON)"; exit 0; }
[ -d "$2/strecha_fountain-P11" ] || { echo "skipped: no $2/strecha_fountain-P11"; exit 0; }
exec "$python" "$(dirname "$0")/colmap_pycolmap.py" "$1" "$2/strecha_fountain-P11"
