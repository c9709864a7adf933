"""A .npz file as Python's `zipfile` and NumPy's reader of headers give it. Nothing of ours may parse it.

`np.load` would unpack a member whole. Here it is unpacked as far as it is asked for: pieces in C order cost one pass.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from .._dtypes import from_structure
from .._types import Index
from .._witness import Show, Shown
from ._npy import MOST_HEADER_BYTES

_STEP_BYTES = 128 << 10


@contextmanager
def npz(path: Path) -> Iterator[Show]:
    """Show each member as the array that it holds; the one before it is closed."""
    with zipfile.ZipFile(path) as archive, ExitStack() as opened:

        def show(name: str) -> Shown:
            opened.close()
            return _shown(opened.enter_context(archive.open(f"{name}.npy")))

        yield show


def _shown(stream: IO[bytes]) -> Shown:
    if npy_format.read_magic(stream) != (1, 0):
        raise ValueError("its header is of another version than 1.0")
    shape, fortran, dtype = npy_format.read_array_header_1_0(stream, max_header_size=MOST_HEADER_BYTES)
    if fortran:
        raise ValueError("its header says that it lies in Fortran order")
    start, stored = stream.tell(), np.dtype(dtype)

    def read(index: Index) -> NDArray[Any]:
        found = np.empty([s.stop - s.start for s in index], stored)
        _fill(stream, start, found, index, shape)
        return found.view(from_structure(stored))

    return Shown(shape, from_structure(stored), read)


def _fill(stream: IO[bytes], offset: int, target: NDArray[Any], index: Index, shape: tuple[int, ...]) -> None:
    """Fill a region, a slice for every axis, of the array of this shape that begins at the offset."""
    step = math.prod(shape[1:]) * target.itemsize
    if target.shape[1:] != shape[1:]:
        for place, number in enumerate(range(index[0].start, index[0].stop)):
            _fill(stream, offset + number * step, target[place], index[1:], shape[1:])
        return
    stream.seek(offset + (index[0].start * step if index else 0))
    content = target.reshape(-1).view(np.uint8).data
    for done in range(0, content.nbytes, _STEP_BYTES):
        part = stream.read(min(_STEP_BYTES, content.nbytes - done))
        content[done : done + len(part)] = part
        if len(part) < min(_STEP_BYTES, content.nbytes - done):
            raise EOFError(f"it ends after {stream.tell()} bytes")
