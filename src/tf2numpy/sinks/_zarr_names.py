"""Which names of arrays can be folders inside one Zarr group, and which chunks there can be. No file may enter."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from .._codecs import LIMITS
from .._errors import InvalidArgument
from .._types import ArraySpec, Layout
from .._units import format_bytes
from ._group_names import check_paths

_MOST_PART_BYTES = 255
_MOST_PATH_BYTES = 4095
_KEY_BYTES = 21  # of a chunk's number along one axis, with its slash


def check_names(names: Iterable[str], folder: Path) -> None:
    """Refuse names that are no safe paths inside a folder, and names that are in each other's way.

    folder: where the output grows. Raises: FormatError naming the first such name and the reason.
    """
    room = _MOST_PATH_BYTES - len(os.fsencode(folder)) - 32 * _KEY_BYTES
    check_paths(names, "Zarr", "group", lambda name: _problem(name, room))


def check_chunks(specs: Mapping[str, ArraySpec], layout: Layout) -> None:
    """Refuse chunks that no array has the axes for, or that the compression cannot take.

    Raises: InvalidArgument saying what was found and what fits.
    """
    if layout.chunks is None:
        return
    fitting = {name: spec for name, spec in specs.items() if len(spec.shape) == len(layout.chunks)}
    if not fitting:
        found = ", ".join(f"{name!r} has {len(spec.shape)}" for name, spec in specs.items())
        raise InvalidArgument(
            f"chunks={layout.chunks} is for arrays of {len(layout.chunks)} axes, and {found}; "
            "give one size for each axis, or leave chunks out"
        )
    limit = LIMITS.get(layout.compression or "")
    for name, spec in fitting.items():
        nbytes = math.prod(layout.chunks) * spec.dtype.itemsize
        if limit is not None and not spec.dtype.hasobject and nbytes > limit:
            raise InvalidArgument(
                f"chunks={layout.chunks} of array {name!r} have {format_bytes(nbytes)} each, and "
                f"{layout.compression} takes at most {format_bytes(limit)}; choose smaller chunks"
            )


def _problem(name: str, room: int) -> str | None:
    parts = name.split("/")
    if any(part.startswith("__") for part in parts):
        return "has a part that begins with '__'"
    if "zarr.json" in parts:
        return "has 'zarr.json' as a part"
    longest = max(len(part.encode()) for part in parts)
    if longest > _MOST_PART_BYTES:
        return f"has a part of {longest} bytes, more than {_MOST_PART_BYTES}"
    if len(name.encode()) > room:
        return f"has {len(name.encode())} bytes, more than {room}"
    return None
