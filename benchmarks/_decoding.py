"""Records of a file to columns in memory, on one thread: what is measured, in any process. TensorFlow may not enter."""

from __future__ import annotations

from pathlib import Path

from tf2numpy._blobs import blob_of
from tf2numpy.wire.examples import Columns, Decoder
from tf2numpy.wire.records import blocks


def columns_of(path: Path) -> Columns:
    """Decode a file of Examples, with checksums."""
    blob, decoder = blob_of(path), Decoder()
    for block in blocks(blob.read, blob.size):
        block.check()
        decoder.decode(block.data, block.starts, block.stops, block.numbers)
    return decoder.take()
