"""What an HDF5 file holds: finding it, walking its groups. What becomes of a dataset is `_hdf5_dataset`'s matter.

Nothing in a file may lead to another one: who reads a file that others made has not asked for what else lies on the
disk. Links inside the file only repeat what is there, so they are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from .._errors import FormatError, Tf2NumpyError
from .._protocols import ArraySource, Stored
from .._registry import require
from ._hdf5_dataset import source
from ._hdf5_opened import Opened

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_FIRST_BLOCK_BYTES = 512  # HDF5 begins at byte 0, or at this one, or at twice, four times ... of it
# What h5py raises for what it finds in a damaged file.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError)


def hdf5(path: Path, head: bytes) -> Stored | None:
    """Open an HDF5 file; its arrays are called by their paths, "group/name".

    Raises: FormatError for a damaged file, and for one that leads to other files; MissingExtra without h5py.
    """
    if not head or not (head.startswith(_SIGNATURE) or _behind_user_block(path)):
        return None
    h5py = require("h5py", "reading HDF5")
    shown = repr(str(path))
    try:
        file = h5py.File(path, "r")
    except _DAMAGE as error:
        raise FormatError(f"{shown} is an HDF5 file that cannot be opened: {error}") from error
    try:
        opened = Opened(h5py, file, path)
        arrays = dict(_arrays(opened))
    except BaseException as error:
        file.close()
        if isinstance(error, Tf2NumpyError) or not isinstance(error, _DAMAGE):
            raise
        raise FormatError(f"{shown} is a damaged HDF5 file: {error}") from error
    return Stored("HDF5 file", arrays, file.close)


def _behind_user_block(path: Path) -> bool:
    with open(path, "rb") as file:
        return any(_found_at(file, offset) for offset in _offsets(os.fstat(file.fileno()).st_size))


def _offsets(size: int) -> Iterator[int]:
    offset = _FIRST_BLOCK_BYTES
    while offset < size:
        yield offset
        offset *= 2


def _found_at(file: BinaryIO, offset: int) -> bool:
    file.seek(offset)
    return file.read(len(_SIGNATURE)) == _SIGNATURE


def _arrays(opened: Opened) -> Iterator[tuple[str, ArraySource]]:
    """Give every dataset by its path. A group that has several names is looked at once: such names can go in circles.

    Raises: FormatError for a link to another file.
    """
    h5py, waiting, seen = opened.h5py, [("", opened.file.id)], set()
    while waiting:
        prefix, group = waiting.pop()
        address = h5py.h5o.get_info(group).addr
        if address in seen:
            continue
        seen.add(address)
        inner = []
        for name, member in _members(opened, prefix, group):
            if isinstance(member, h5py.h5g.GroupID):
                inner.append((f"{name}/", member))
            elif isinstance(member, h5py.h5d.DatasetID):  # else a named type, which holds nothing
                yield name, source(opened, name, member)
        waiting += reversed(inner)


def _members(opened: Opened, prefix: str, group: Any) -> Iterator[tuple[str, Any]]:
    h5l, h5o = opened.h5py.h5l, opened.h5py.h5o
    for link in list(group):
        name = prefix + link.decode(errors="surrogateescape")
        kind = group.links.get_info(link).type
        if kind == h5l.TYPE_HARD:
            yield name, h5o.open(group, link)
        elif kind != h5l.TYPE_SOFT:
            file, inside = (os.fsdecode(part) for part in group.links.get_val(link))
            raise opened.refused(name, f"is a link to {inside!r} in the file {file!r}")
