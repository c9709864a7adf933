"""Byte strings in HDF5, each a sequence of uint8: HDF5's own strings end at the first NUL. No numbers may enter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._host import c_order
from .._spans import runs
from .._types import Index
from ..layouts.refusals import refuse_objects
from ._hdf5_arrays import Array
from ._hdf5_file import ShieldedFile

# A batch of strings ends after so many elements, or when it holds so many bytes.
_BATCH_ELEMENTS = 2048
_BATCH_BYTES = 4 << 20


class Strings(Array):
    """An array of `bytes`. They wait in the journal until HDF5 can write all of them: it keeps their places in memory.

    A piece of the journal is a run of elements: their lengths, then their bytes.
    """

    def write(self, index: Index, value: NDArray[Any]) -> None:
        """Append a batch of elements at a time to the journal.

        Raises: FormatError for an element that is not bytes, naming its type and place.
        """
        refuse_objects(self.name, index, value)
        flat, position = c_order(value).reshape(-1), 0
        for first, count in runs(self.spec.shape, index, 1):
            for batch in _batches(flat[position : position + count]):
                lengths = np.fromiter(map(len, batch), "<i8", len(batch))
                self.journal.append(self.number, first, len(batch), lengths.data, b"".join(batch))
                first, position = first + len(batch), position + len(batch)

    def build(self, h5: Any, shape: tuple[int, ...], file: ShieldedFile) -> None:
        """Write the elements through HDF5, a batch at a time."""
        dataset, memory = self.create(h5, shape), self.h5py.vlen_dtype(np.uint8)
        for places, batch in self._staged():
            elements = np.empty(len(batch), memory)
            for i, element in enumerate(batch):  # all at once, those of one length would become a matrix
                elements[i] = element
            space = dataset.get_space()
            if shape:
                space.select_elements(np.stack(np.unravel_index(places, shape), axis=-1).astype(np.uint64))
            target = self.h5py.h5s.create_simple((len(batch),))
            dataset.write(target, space, elements, self.h5py.h5t.py_create(memory))
            file.check()

    def _staged(self) -> Iterator[tuple[NDArray[np.int64], list[NDArray[np.uint8]]]]:
        """Give batches of the elements in the journal, and their places in C order."""
        places: list[NDArray[np.int64]] = []
        batch: list[NDArray[np.uint8]] = []
        held_bytes = 0
        for first, count, offset, nbytes in self.journal.pieces(self.number):
            data = self.journal.read(offset, nbytes)
            places.append(np.arange(first, first + count))
            batch += _split(data, count)
            held_bytes += nbytes
            if len(batch) >= _BATCH_ELEMENTS or held_bytes >= _BATCH_BYTES:
                yield np.concatenate(places), batch
                places, batch, held_bytes = [], [], 0
        if batch:
            yield np.concatenate(places), batch


def _batches(elements: NDArray[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(elements), _BATCH_ELEMENTS):
        batch: list[Any] = []
        nbytes = 0
        for element in elements[start : start + _BATCH_ELEMENTS].tolist():
            batch.append(element)
            nbytes += len(element)
            if nbytes >= _BATCH_BYTES:
                yield batch
                nbytes, batch = 0, []
        if batch:
            yield batch


def _split(data: bytes, count: int) -> list[NDArray[np.uint8]]:
    lengths = np.frombuffer(data, "<i8", count)
    content = np.frombuffer(data, np.uint8, offset=lengths.nbytes)
    ends = np.cumsum(lengths).tolist()
    return [content[start:end] for start, end in zip([0, *ends], ends, strict=False)]
