"""Arrays in memory, filled like a file. Nothing but NumPy and the host's memory may enter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import HostMemoryError, InvalidArgument
from .._host import allocate, region
from .._memory import free_bytes, require
from .._types import ArraySpec, Chunk
from .._units import format_bytes
from ._runs import fit

# Arrays of unknown length share this much room from the start, which takes no memory until it is filled. Arrays
# this large are mapped by malloc, so that growing one moves pages, not bytes: the peak is the result and one step.
_ROOM_BYTES = 64 << 20
_STEP_BYTES = 16 << 20
_REMEDY = "Go through it a piece at a time with iter_chunks, or write it to a file with save"


class MemorySink:
    """Arrays in memory. A known number of rows is taken as a hint: fewer are trimmed to, more make room."""

    def __init__(self) -> None:
        self._specs: Mapping[str, ArraySpec] = {}
        self._arrays: dict[str, NDArray[Any]] = {}
        self._rows: dict[str, int] = {}
        self._committed = False

    def begin(self, specs: Mapping[str, ArraySpec]) -> None:
        """Allocate every array whose rows are known, and some room for the others.

        Raises: HostMemoryError, before anything is allocated, if they do not fit together.
        """
        require(sum(spec.nbytes or 0 for spec in specs.values()), device="its way to the host", remedy=_REMEDY)
        growing = [spec for spec in specs.values() if None in spec.shape]
        room_bytes = _ROOM_BYTES // len(growing) if growing and free_bytes() > 2 * _ROOM_BYTES else 0
        self._specs = dict(specs)
        for name, spec in specs.items():
            room = 0 if spec.dtype.hasobject else room_bytes // max(spec.row_nbytes, 1)
            self._arrays[name] = allocate(tuple(room if n is None else n for n in spec.shape), spec.dtype)
        self._rows = dict.fromkeys(specs, 0)

    def write(self, chunk: Chunk) -> None:
        """Fill one region; rows of an unknown number come in order, as for any sink.

        Raises: InvalidArgument for a chunk that does not fit its array; HostMemoryError if memory runs out.
        """
        spec = self._specs.get(chunk.name)
        unknown = spec is not None and None in spec.shape
        index = fit(chunk, self._specs, self._rows[chunk.name] if unknown else None, growing=True)
        if index:
            self._rows[chunk.name] = max(self._rows[chunk.name], index[0].stop)
            self._make_room(chunk.name, index[0].stop)
        np.copyto(region(self._arrays[chunk.name], index), chunk.value)

    def commit(self) -> None:
        """Trim every array to the rows that came."""
        for name, array in self._arrays.items():
            if array.ndim and len(array) > self._rows[name]:
                _resize(array, self._rows[name])
        self._committed = True

    def abort(self) -> None:
        """Drop the arrays, unless they are committed."""
        if not self._committed:
            self._arrays = {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays, by name; they belong to the caller.

        Raises: InvalidArgument before `commit`.
        """
        if not self._committed:
            raise InvalidArgument("nothing is committed yet, so there are no arrays; call commit() first")
        return dict(self._arrays)

    def _make_room(self, name: str, rows: int) -> None:
        array = self._arrays[name]
        missing = rows - len(array)
        if missing <= 0:
            return
        row_bytes = max(self._specs[name].row_nbytes, 1)
        step = max(missing, min(array.nbytes, _STEP_BYTES) // row_bytes)
        require(step * row_bytes, device="its way into " + (f"array {name!r}" if name else "an array"), remedy=_REMEDY)
        _resize(array, len(array) + step)


def _resize(array: NDArray[Any], rows: int) -> None:
    """Change the number of rows in place; nothing but the sink holds the array, so no view can dangle."""
    shape = (rows, *array.shape[1:])
    try:
        array.resize(shape, refcheck=False)
    except MemoryError as error:
        needed = int(np.prod(shape, dtype=object)) * array.itemsize
        raise HostMemoryError(f"could not grow an array to {format_bytes(needed)}, shape {shape}. {_REMEDY}") from error
