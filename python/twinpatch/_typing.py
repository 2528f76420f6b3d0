# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
"""Types of the arguments."""

from typing import Any, Protocol, TypeAlias


class _SupportsDLPack(Protocol):
    def __dlpack__(self) -> object: ...


class _SupportsArrayInterface(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...


Array: TypeAlias = _SupportsDLPack | _SupportsArrayInterface
"""An array in C order: NumPy's, a tensor of PyTorch, ...; on the host, or on the CUDA device of the engine."""


class Progress(Protocol):
    """Called with the name of a stage, how many units are done, how many there are (None: unknown), and their name."""

    def __call__(self, stage: str, done: int, total: int | None, unit: str, /) -> object: ...
