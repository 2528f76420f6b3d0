# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The command `twinpatch`. Beside the package, not in it: the program needs nothing of Python, and starts at once."""

import os
import sys
from pathlib import Path


def main() -> None:
    program = Path(__file__).parent / "twinpatch" / "bin" / "twinpatch"
    os.execv(program, ["twinpatch", *sys.argv[1:]])
