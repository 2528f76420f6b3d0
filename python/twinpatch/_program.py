# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Runs the program that comes with the package, and listens to what it says."""

import json
import logging
import os
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from ._errors import Error, Interrupted, InvalidArgument
from ._typing import Progress

PROGRAM = Path(__file__).parent / "bin" / "twinpatch"
USAGE, PARTIAL, INTERRUPTED = 2, 3, 130  # exit codes

Option: TypeAlias = None | bool | float | str | os.PathLike[str] | Sequence[str]

_log = logging.getLogger("twinpatch")


def arguments_of(options: Mapping[str, Option]) -> list[str]:
    """max_error=4 becomes --max-error=4; True a flag; None and False nothing; a list an option with several values."""
    arguments = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            arguments.append(option)
        elif isinstance(value, (str, os.PathLike, int, float)):
            arguments.append(f"{option}={os.fspath(value) if isinstance(value, os.PathLike) else value}")
        else:
            arguments += [option, *value]
    return arguments


def _listen(lines: Iterable[str], progress: Progress | None) -> str:
    """Hands on what the program says; returns the last error."""
    error = ""
    for line in lines:
        try:
            said: dict[str, Any] = json.loads(line)
        except json.JSONDecodeError:
            said = {"level": "error", "message": line.strip()}
        if "event" in said:
            if progress is not None:
                progress(said["stage"], said["done"], said["total"], said["unit"])
        elif said["level"] == "error":
            error = said["message"]
        elif said["level"] == "warning":
            warnings.warn(said["message"], stacklevel=4)
        else:
            _log.info("%s", said["message"])
    return error


def _raise(code: int, error: str) -> None:
    if code == USAGE:
        raise InvalidArgument(error)
    if code == INTERRUPTED:
        raise Interrupted(error)
    raise Error(error or f"the program ended with {code}")


def run(
    command: Sequence[str],
    arguments: Sequence[str | os.PathLike[str]],
    options: Mapping[str, Option],
    progress: Progress | None,
) -> dict[str, Any]:
    """The object that the command prints with --json. Ctrl-C ends it at its next clean point."""
    line: list[str | os.PathLike[str]] = [PROGRAM, *command, *arguments_of(options), "--json", "--progress=json", "--log-format=json"]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        # In a session of its own, so that Ctrl-C reaches it once, by us: a second one would end it at once.
        process = subprocess.Popen(
            [*line, "--", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        assert process.stderr is not None
        with process, process.stderr as lines:
            try:
                error = _listen(lines, progress)
                code = process.wait()
            except BaseException:
                process.send_signal(signal.SIGINT)
                for _ in lines:  # until it has ended
                    pass
                process.wait()
                raise
        if code not in (0, PARTIAL):
            _raise(code, error)
        printed.seek(0)
        result: dict[str, Any] = json.load(printed)
        return result
