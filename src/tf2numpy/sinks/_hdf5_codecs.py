"""How chunks are compressed, as HDF5's filters undo it, and the threads that do it. No datasets may enter.

Shuffling puts the first bytes of all elements first, then all the second ones: numbers shrink further by it, and
faster. Each chunk is compressed here, since HDF5 compresses in one thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._codecs import LIMITS, encoder
from .._errors import FormatError
from .._host import c_order
from .._registry import fastest_zlib, require
from ._hdf5_journal import Journal
from ._pool import Pool
from ._runs import bytes_of

_LEVEL = 1  # of gzip and zstd; see `_codecs` for why, and for blosc's
_ZSTD_FILTER = 32015
_BLOSC_FILTER = 32001
_BLOSC_SETTINGS = (0, 0, 0, 0, 5, 1, 1)  # four that HDF5 fills in; the level, shuffled, lz4

_SHIFTED = (2, 4)  # bytes of elements whose bytes are told apart fastest by shifting
_LIMIT_BYTES = 1 << 32  # HDF5 counts a chunk's bytes in 32 bits
_MOST_THREADS = 4


class Codec(NamedTuple):
    """One compression.

    filters: put what undoes it into the settings of a dataset whose elements have so many bytes.
    encode: compress the elements of one chunk. limit: a chunk has fewer bytes.
    """

    filters: Callable[[Any, int], None]
    encode: Callable[[NDArray[Any]], bytes | memoryview]
    limit: int = _LIMIT_BYTES


def codec(h5py: Any, compression: str | None) -> Codec:
    """Give a compression by its name; None leaves the bytes as they are.

    Raises: MissingExtra without the libraries it takes; FormatError if those are there and have no such filter.
    """
    if compression is None:
        return Codec(lambda settings, itemsize: None, bytes_of)
    if compression == "gzip":
        zlib = fastest_zlib()
        return Codec(_gzip_filters, lambda array: zlib.compress(_shuffled(array), _LEVEL))
    number, filters, prepared = {
        "zstd": (_ZSTD_FILTER, _zstd_filters, _shuffled),
        "blosc": (_BLOSC_FILTER, _blosc_filters, c_order),
    }[compression]
    purpose = f"{compression} compression in HDF5"
    plugin, encode = require("hdf5plugin", purpose), encoder(compression, purpose)
    if not h5py.h5z.filter_avail(number):
        raise FormatError(
            f"hdf5plugin {plugin.version} gives this HDF5 ({h5py.version.hdf5_version}) no filter for {compression}; "
            "reinstall hdf5plugin, or choose compression='gzip'"
        )
    return Codec(filters, lambda array: encode(prepared(array)), LIMITS.get(compression, _LIMIT_BYTES))


class Encoder:
    """Threads that compress chunks, each put into the journal in the order in which it came here."""

    def __init__(self, codec: Codec, journal: Journal) -> None:
        self.codec = codec
        self._journal = journal
        self._pool = Pool(_MOST_THREADS)

    @property
    def threads(self) -> int:
        """How many chunks are compressed at once."""
        return self._pool.threads

    def put(self, array: int, chunk: int, count: int, elements: NDArray[Any], *, borrows: bool = False) -> None:
        """Take one chunk, which nobody changes any more; the numbers are those of its record in the journal.

        borrows: the caller wants the memory of `elements` back, by `give_back`.
        """
        job, deliver = partial(self.codec.encode, elements), partial(self._journal.append, array, chunk, count)
        self._pool.submit(job, deliver, nbytes=elements.nbytes, borrows=borrows)

    def give_back(self) -> None:
        """Wait until no chunk is read from borrowed memory."""
        self._pool.give_back()

    def drain(self) -> None:
        """Wait until every chunk is in the journal."""
        self._pool.drain()

    def close(self) -> None:
        """Drop what waits, and end the threads; a second time does nothing."""
        self._pool.close()


def _gzip_filters(settings: Any, itemsize: int) -> None:
    if itemsize > 1:
        settings.set_shuffle()
    settings.set_deflate(_LEVEL)


def _zstd_filters(settings: Any, itemsize: int) -> None:
    if itemsize > 1:
        settings.set_shuffle()
    settings.set_filter(_ZSTD_FILTER, values=(_LEVEL,))


def _blosc_filters(settings: Any, itemsize: int) -> None:
    settings.set_filter(_BLOSC_FILTER, values=_BLOSC_SETTINGS)


def _shuffled(array: NDArray[Any]) -> NDArray[np.uint8]:
    data = np.frombuffer(bytes_of(array), np.uint8)
    if array.itemsize not in _SHIFTED:
        return np.ascontiguousarray(data.reshape(-1, array.itemsize).T)
    units = data.view(f"<u{array.itemsize}")
    planes = np.empty((array.itemsize, units.size), np.uint8)
    for place, plane in enumerate(planes):
        np.right_shift(units, 8 * place, out=plane, casting="unsafe")
    return planes
