# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Where seeds are written, and numbers and texts as bytes."""
import pathlib
import struct

ROOT = pathlib.Path(__file__).parent / "corpus"


def seed(target, name, content):
    if isinstance(content, str):
        content = content.encode()
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def le(layout, *values):
    return struct.pack("<" + layout, *values)


def text(value):
    return le("i", len(value)) + value.encode()
