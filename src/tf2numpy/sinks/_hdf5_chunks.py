"""Arrays that HDF5 keeps in chunks, compressed or not. Neither the codecs nor the shapes of chunks may enter.

A piece of the journal is one compressed chunk. What is held of a chunk that is not whole yet is a list of regions of
it, and their elements.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import storage
from .._errors import FormatError
from .._types import ArraySpec, Index
from .._units import format_bytes
from ._hdf5_arrays import Array, Described
from ._hdf5_codecs import Encoder
from ._hdf5_file import ShieldedFile
from ._hdf5_grid import Grid
from ._hdf5_held import Held
from ._hdf5_journal import Journal
from ._runs import bytes_of
from ._writeback import WRITEBACK_BYTES, begin_writeback

_MOST_REGIONS = 1024  # of a chunk, that are told apart


@dataclass(slots=True)
class _Partial:
    """A chunk of which some elements are missing yet; gained: the regions that are not held yet."""

    elements: NDArray[Any]
    count: int = 0
    gained: list[Index] = field(default_factory=list)

    def put(self, index: Index, value: NDArray[Any]) -> None:
        """Take the elements of one region."""
        self.elements[index] = value
        self.count += value.size
        if len(self.gained) < _MOST_REGIONS:
            self.gained.append(index)
        else:
            self.gained = [tuple(slice(0, n) for n in self.elements.shape)]

    def pack(self, *, whole: bool) -> list[bytes | memoryview]:
        """Give the regions that are not held yet, and their elements; all of them if that is no more."""
        shape = self.elements.shape
        if whole or len(self.gained) * len(shape) * 16 > self.elements.nbytes:
            self.gained = [tuple(slice(0, n) for n in shape)]
        regions, self.gained = self.gained, []
        bounds = [(s.start, s.stop) for region in regions for s in region]
        return [np.array([len(regions), *np.ravel(bounds)], "<i8").data, *(bytes_of(self.elements[r]) for r in regions)]

    def unpack(self, data: bytes) -> None:
        """Put back what `pack` gave."""
        rank, done = self.elements.ndim, 8
        regions = np.frombuffer(data, "<i8", int(np.frombuffer(data, "<i8", 1)[0]) * rank * 2, done)
        done += regions.nbytes
        for bounds in regions.reshape(-1, rank, 2).tolist():
            target = self.elements[tuple(slice(*b) for b in bounds)]
            target[...] = np.frombuffer(data, target.dtype, target.size, done).reshape(target.shape)
            done += target.nbytes


class Chunked(Array):
    """An array cut into chunks. Each is compressed as soon as it is whole, and waits in the journal."""

    def __init__(
        self,
        what: Described,
        journal: Journal,
        held: Held,
        encoder: Encoder,
        chunk: tuple[int, ...],
    ) -> None:
        """Go on with what the journal has and what is held.

        chunk: the shape of a chunk.
        """
        super().__init__(what, journal)
        self._dtype = storage(self.spec.dtype)
        self._grid = Grid(self.spec.shape, chunk)
        self._encoder, self._held = encoder, held
        self._partial: dict[int, _Partial] = {}
        self._take_up()

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Have each whole chunk compressed, most of them from the memory of `value`; copy the rest into theirs."""
        value = value.view(self._dtype)
        # The last chunks are copied: they keep the threads busy while the next region is fetched.
        borrowed = self._grid.touched(index) - self._encoder.threads
        for number, piece in enumerate(self._grid.pieces(index)):
            elements = value[piece.outside]
            if elements.shape == self._grid.chunk:
                self._partial.pop(piece.chunk, None)
                borrows = number < borrowed
                elements = elements if borrows else elements.copy()
                self._encoder.put(self.number, piece.chunk, elements.size, elements, borrows=borrows)
                continue
            partial = self._partial.pop(piece.chunk, None) or self._empty()
            partial.put(piece.inside, elements)
            if partial.count >= self._grid.elements(piece.chunk):
                self._encoder.put(self.number, piece.chunk, partial.count, partial.elements)
            else:
                self._partial[piece.chunk] = partial
        self._encoder.give_back()

    @property
    def held_bytes(self) -> int:
        """Bytes of the chunks that are not whole yet."""
        return sum(partial.elements.nbytes for partial in self._partial.values())

    def hold(self, *, whole: bool) -> None:
        """Have held what the chunks that are not whole yet have gained; whole: or all of them."""
        for chunk, partial in self._partial.items():
            if whole or partial.gained:
                self._held.put(self.number, chunk, partial.count, *partial.pack(whole=whole))

    def build(self, h5: Any, shape: tuple[int, ...], file: ShieldedFile) -> None:
        """Create the dataset, and hand HDF5 each chunk as it is."""
        settings = self.settings()
        settings.set_chunk(self._grid.chunk)
        self._encoder.codec.filters(settings, self._dtype.itemsize)
        grows = None in self.spec.shape  # then a chunk may be longer than the axis
        dataset = self.create(h5, shape, settings, (self.h5py.h5s.UNLIMITED, *shape[1:]) if grows else ())
        for chunk, partial in sorted(self._partial.items()):
            self._encoder.put(self.number, chunk, partial.count, partial.elements)
        self._partial.clear()
        self._encoder.drain()
        waiting = 0
        for chunk, _, offset, nbytes in self.journal.pieces(self.number):
            dataset.write_direct_chunk(self._grid.start(chunk), self.journal.read(offset, nbytes))
            file.check()
            waiting += nbytes
            if waiting >= WRITEBACK_BYTES:
                waiting = 0
                begin_writeback(file.file.fd)

    def _empty(self) -> _Partial:
        return _Partial(np.zeros(self._grid.chunk, self._dtype))

    def _take_up(self) -> None:
        """Find the chunks that were not whole when the state was taken."""
        for chunk, count, data in self._held.pieces(self.number):
            partial = self._partial.setdefault(chunk, self._empty())
            partial.unpack(data)
            partial.count = count
        for chunk, _, _, _ in self.journal.pieces(self.number):
            self._partial.pop(chunk, None)


def check_chunk(name: str, spec: ArraySpec, chunk: tuple[int, ...], limit: int) -> None:
    """Refuse chunks that HDF5, or the compression, does not take.

    Raises: FormatError naming the array, what was found and what is allowed.
    """
    nbytes = int(np.prod(chunk, dtype=object)) * spec.dtype.itemsize
    if nbytes >= limit:
        raise FormatError(
            f"array {name!r}: a chunk of shape {chunk} is {format_bytes(nbytes)} ({nbytes} bytes), and here it must "
            f"be less than {format_bytes(limit)}; choose smaller chunks"
        )
