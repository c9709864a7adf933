"""The arrays of a folder of .npy files that was written here, as views of the memory-mapped files.

Which file has which array stands in its `arrays.json`. No path that leaves the folder is followed.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .._errors import FormatError
from .._host import read_only
from .._protocols import ArraySource, Stored
from .._sources import HostArray
from ..layouts import arrays_json
from . import _npy_header
from ._flat import view

_KIND = "folder of .npy files"
_MOST_JSON_BYTES = 1 << 28


def folder(path: Path, head: bytes) -> Stored | None:
    """Open a folder of .npy files by its `arrays.json`.

    Raises: FormatError for damaged files, and for a list of files that lead out of the folder.
    """
    marker = path / arrays_json.MARKER
    if head or not path.is_dir() or not marker.is_file():
        return None
    if marker.stat().st_size > _MOST_JSON_BYTES:
        raise FormatError(
            f"{str(marker)!r} has {marker.stat().st_size} bytes; {_MOST_JSON_BYTES} are the most that is read"
        )
    try:
        files = arrays_json.parse(marker.read_bytes())
    except ValueError as error:
        raise FormatError(f"{str(marker)!r} does not tell the arrays of its folder: {error}") from error
    if files is None:
        return None
    root = os.path.realpath(path)
    arrays = {name: _source(path, root, name, file) for name, file in files.items()}
    return Stored(_KIND, arrays, lambda: None)


def _source(path: Path, root: str, name: str, file: str) -> ArraySource:
    full = path / file
    where = f"{str(full)!r}, the array {name!r},"
    if os.path.commonpath([root, os.path.realpath(full)]) != root:
        raise FormatError(f"{where} is a link out of its folder, which is not followed; copy the file to where it is")
    if not full.is_file():
        raise FormatError(f"{where} is missing; restore it, or remove its line from {arrays_json.MARKER}")
    try:
        with full.open("rb") as stream:
            header = _npy_header.parse(stream.read(_npy_header.MOST_BYTES), os.fstat(stream.fileno()).st_size)
            data = np.asarray(np.memmap(stream, np.uint8, "r"))
        array = view(data[header.start :], header)
    except (FormatError, OSError) as error:
        raise FormatError(f"{where} cannot be read: {error}") from error
    return HostArray(read_only(array), kind=_KIND, device=f"file {full}")
