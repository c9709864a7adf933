"""One component of a dataset's elements, over all of its files and in the order of the dataset. No array may enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..wire.records import Block
from ._reading import reading
from ._record_files import RecordFile, Streams, Take


class Elements:
    """The elements of a dataset.

    order: for each element, its place among all of them file by file, where that is another order than the dataset's.
    """

    def __init__(self, files: Sequence[RecordFile], streams: Streams) -> None:
        """The files must be counted: see `survey`."""
        self.order: NDArray[np.int64] | None = None
        self.lock = streams.lock
        self.ends = np.cumsum([0, *(file.count or 0 for file in files)], dtype=np.int64)
        self.nbytes = sum(file.nbytes for file in files)
        self._files = files

    def __len__(self) -> int:
        return int(self.ends[-1])

    def parts(self, component: int, start: int, stop: int) -> Iterator[tuple[NDArray[np.int64], Block, str]]:
        """Give the records of a component of some elements: their places from `start` on, a block, and its file.

        Raises: FormatError, naming the file; ChecksumError.
        """
        if self.order is None:
            first = max(0, int(np.searchsorted(self.ends, start, "right")) - 1)
            for file in range(first, len(self._files)):
                low, high = max(start, int(self.ends[file])), min(stop, int(self.ends[file + 1]))
                if low >= stop:
                    return
                if low < high:
                    numbers = np.arange(low, high) - self.ends[file]
                    yield from self._of_file(file, component, numbers, np.arange(low - start, high - start))
            return
        wanted = self.order[start:stop]
        which = np.searchsorted(self.ends, wanted, "right") - 1
        for file in np.unique(which).tolist():
            places = np.flatnonzero(which == file)
            places = places[np.argsort(wanted[places], kind="stable")]
            yield from self._of_file(file, component, wanted[places] - self.ends[file], places)

    def _of_file(
        self, file: int, component: int, numbers: NDArray[np.int64], places: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], Block, str]]:
        with reading(repr(self._files[file].name)):
            at = 0
            for found, block in self._files[file].parts(component, numbers):
                yield places[at : at + len(found)], block, self._files[file].name
                at += len(found)


def survey(files: Sequence[RecordFile], takes: Mapping[int, Take]) -> None:
    """Count the elements of every file, and hand over the records of some components, file by file.

    Raises: FormatError, naming the file; ChecksumError.
    """
    for file in files:
        if takes or file.count is None:
            with reading(repr(file.name)):
                file.survey(takes)
