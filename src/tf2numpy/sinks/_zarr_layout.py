"""How arrays are cut into chunks and files where the caller leaves it open. Pure arithmetic: no file may enter.

A chunk is what a reader reads, or decodes, as one; a file is what a file system and a copying program handle as one.

- Chunks are whole rows, of about 16 MiB uncompressed and 4 MiB compressed. 16 MiB keep a disk busy, and a reader of
  ours, or a memory map, takes single rows out of them; of a compressed chunk all must be decoded to get at one row,
  and 4 MiB are some ten milliseconds of that, and what dask and xarray read well. A row that is larger is cut along
  its further axes, so that the chunk stays one range of the array in C order: pieces that come in order fill one chunk
  after the other. The chunks of an axis are as equal as can be, since the last one is padded.
- Beyond so many chunks that the files alone would be a burden, a file (a shard) holds many chunks, at least 256 MiB of
  them before compression, and up to 1 GiB of an array of a terabyte. Compressed arrays of unknown length are sharded
  from the start. Uncompressed arrays are not sharded unless they have thousands of chunks: a plain file is easier to
  use, and arrays of unknown length keep it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..layouts.zarr_grid import Grid

RAW_CHUNK_BYTES = 16 << 20
ENCODED_CHUNK_BYTES = 4 << 20
MOST_TEXT_ELEMENTS = 1 << 16
_MOST_RAW_FILES = 4096
_MOST_ENCODED_FILES = 256
_LEAST_SHARD_BYTES = 256 << 20
_MOST_SHARD_BYTES = 1 << 30
_MOST_SHARDS = 1024
_MOST_IN_SHARD = 1 << 14  # the index of a shard is read whole before any of its chunks

Shape = Sequence[int | None]


def grid_of(shape: Shape, itemsize: int, *, chunk: tuple[int, ...] | None, encoded: bool) -> Grid:
    """Choose the grid of an array.

    chunk: what the caller wants. encoded: chunks are compressed, or their elements differ in size.
    """
    target = ENCODED_CHUNK_BYTES if encoded else RAW_CHUNK_BYTES
    chunk = chunk or chunk_of(shape, max(1, target // itemsize))
    counts = [None if n is None else -(-n // size) for n, size in zip(shape, chunk, strict=True)]
    files = None if None in counts else math.prod(n or 0 for n in counts)
    if not chunk or (files is None and not encoded):
        return Grid(chunk)
    if files is not None and files <= (_MOST_ENCODED_FILES if encoded else _MOST_RAW_FILES):
        return Grid(chunk)
    nbytes = math.prod(chunk) * itemsize
    wanted = min(max(_LEAST_SHARD_BYTES, (files or 0) * nbytes // _MOST_SHARDS), _MOST_SHARD_BYTES)
    return Grid(chunk, chunk_of(counts, min(max(1, wanted // nbytes), _MOST_IN_SHARD)))


def chunk_of(shape: Shape, most: int) -> tuple[int, ...]:
    """Give the sizes of a box of at most so many elements that is one range in C order.

    >>> chunk_of((100, 10), 250), chunk_of((100, 10), 6), chunk_of((None, 10), 250)
    ((25, 10), (1, 5), (25, 10))
    """
    sizes: list[int] = []
    for n in reversed(shape):
        size = most if n is None else max(n, 1)
        if size > most:
            size = -(-size // -(-size // most))
        sizes.append(size)
        most = most // size if n is not None and size == max(n, 1) else 1
    return tuple(reversed(sizes))
