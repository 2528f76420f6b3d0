# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""The exceptions of the C++ library (twinpatch/core/error.hpp), each also a kind of Python's own where one fits."""

__name__ = "twinpatch"  # what tracebacks call them by


class Error(Exception):
    """Root of all. Its text is one line for a user: what is wrong, where, what was expected and what was found."""


class InvalidArgument(Error, ValueError):
    """An argument is invalid (index out of range, an array of another type, contradicting options)."""


class ShapeError(InvalidArgument):
    """Sizes do not match: a patch of another size than the network's, an array of another shape."""


class IoError(Error, OSError):
    """The operating system refused to open, read, write or rename a file."""


class FormatError(Error, ValueError):
    """A file violates its format, at the byte `offset`; -1 where the message itself names the place."""

    path: str = ""
    offset: int = -1


class DeviceError(Error, RuntimeError):
    """A compute device is missing, failed, or cannot do what was asked of it."""


class OutOfMemory(DeviceError, MemoryError):
    """Memory is exhausted, or its bound reached: a smaller batch may do."""


class NotFinite(Error, ArithmeticError):
    """A descriptor (of patch `index`) or a score (of `pair`) is infinite or not a number; -1 where that is unknown."""

    index: int = -1
    pair: tuple[int, int] = (-1, -1)


class Interrupted(Error):
    """The work was cancelled and ended at a clean point."""
