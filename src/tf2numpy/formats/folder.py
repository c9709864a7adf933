"""The arrays of a folder of .npy files that was written here.

Which file has which array stands in its `arrays.json`. No path that leaves the folder is followed.
"""

from __future__ import annotations

import os
from pathlib import Path

from .._blobs import blob_of
from .._errors import FormatError, StoreError
from .._protocols import ArraySource, Place, Stored
from ..layouts import arrays_json
from . import _npy_header
from ._ranges import array_at

_KIND = "folder of .npy files"
_MOST_JSON_BYTES = 1 << 28


def folder(path: Place, head: bytes) -> Stored | None:
    """Open a folder of .npy files by its `arrays.json`.

    Raises: FormatError for damaged files, and for a list of files that lead out of the folder.
    """
    marker = path / arrays_json.MARKER
    if head or not path.is_dir() or not marker.is_file():
        return None
    listed = blob_of(marker)
    if listed.size > _MOST_JSON_BYTES:
        raise FormatError(f"{str(marker)!r} has {listed.size} bytes; {_MOST_JSON_BYTES} are the most that is read")
    try:
        files = arrays_json.parse(listed.read(0, listed.size).tobytes())
    except ValueError as error:
        raise FormatError(f"{str(marker)!r} does not tell the arrays of its folder: {error}") from error
    if files is None:
        return None
    arrays = {name: _source(path, name, file) for name, file in files.items()}
    return Stored(_KIND, arrays, lambda: None)


def _source(path: Place, name: str, file: str) -> ArraySource:
    full = path / file
    where = f"{str(full)!r}, the array {name!r},"
    if isinstance(full, Path) and _leads_out(path, full):
        raise FormatError(f"{where} is a link out of its folder, which is not followed; copy the file to where it is")
    if not full.is_file():
        raise FormatError(f"{where} is missing; restore it, or remove its line from {arrays_json.MARKER}")
    try:
        blob = blob_of(full)
        header = _npy_header.parse(blob.read(0, min(_npy_header.MOST_BYTES, blob.size)).tobytes(), blob.size)
        return array_at(blob, header.start, header.shape, header.dtype, kind=_KIND, fortran=header.fortran)
    except StoreError:
        raise
    except (FormatError, OSError) as error:
        raise FormatError(f"{where} cannot be read: {error}") from error


def _leads_out(root: Place, path: Path) -> bool:
    real = os.path.realpath(str(root))
    return os.path.commonpath([real, os.path.realpath(path)]) != real
