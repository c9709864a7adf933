"""All of a file's arrays, read through: which of them can be? Only reading, piece by piece, may enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ._errors import HostMemoryError, MissingExtra, Tf2NumpyError
from ._pieces import pieces
from ._protocols import ArraySource, Stored

# The options of `open` by which a file leaves nothing out.
EVERYTHING = {"slots": True, "constants": True}


class Read(NamedTuple):
    """What reading an array came to. nbytes: how many were read, of strings their own. error: why no more could be."""

    name: str
    nbytes: int
    error: Tf2NumpyError | None


def read_through(stored: Stored) -> Iterator[Read]:
    """Read every array once, in bounded memory: its format's checksums are compared, if it was opened so.

    Raises: HostMemoryError and MissingExtra, for what is not to be had here.
    """
    for name, source in stored.arrays.items():
        yield _read(name, source)


def _read(name: str, source: ArraySource) -> Read:
    nbytes = 0
    try:
        for index in pieces(source):
            found = source.read(index)
            nbytes += sum(map(len, found.flat)) if found.dtype.hasobject else found.nbytes
    except (HostMemoryError, MissingExtra):  # which say nothing of the file
        raise
    except Tf2NumpyError as error:
        return Read(name, nbytes, error)
    return Read(name, nbytes, None)
