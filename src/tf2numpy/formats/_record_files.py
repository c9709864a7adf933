"""Files of records, of which each element of a dataset takes the same number: read by component. What the records hold
may not enter.

An uncompressed file is read in any order, by an index of 8 bytes a record. A compressed one is unpacked from its
beginning on, once for each component, as far as it is read; a step back begins anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob, Trail
from .._errors import FormatError
from ..wire.records import FOOTER_BYTES, HEADER_BYTES, Block, index
from ._reading import reading

_SPAN_BYTES = 16 << 20
_LEAST_STREAMS = 16

# What is done with the records of one component, block by block, in the order of the file.
Take = Callable[[Block], None]


class RecordFile(Protocol):
    """One file. name: for messages. nbytes: its size. count: its elements, None until it was surveyed."""

    name: str
    nbytes: int
    count: int | None

    def parts(self, component: int, numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Block]]:
        """Give the records of one component of some elements, rising; each block with the elements it has them of."""

    def survey(self, takes: Mapping[int, Take]) -> None:
        """Count the elements, and hand over all records of some components."""


class Indexed:
    """An uncompressed file of TFRecords."""

    def __init__(self, blob: Blob, components: int, *, check: bool) -> None:
        """Raises: FormatError, ChecksumError for a file that is cut short or damaged."""
        self.name, self.nbytes = blob.name, blob.size
        self._blob, self._components, self._check = blob, components, check
        self._trail = Trail()
        with reading(repr(blob.name)):
            self._starts = index(self._read, blob.size, check=check)
            self.count: int | None = _whole(len(self._starts) - 1, components)

    def parts(self, component: int, numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Block]]:
        """Read no more than lies between the first and the last record of a part."""
        records = numbers * self._components + component
        starts, stops = self._starts[records], self._starts[records + 1] - HEADER_BYTES - FOOTER_BYTES
        at = 0
        while at < len(numbers):
            end = max(at + 1, int(np.searchsorted(stops, starts[at] + _SPAN_BYTES)))
            low, high, rows = int(starts[at]), int(stops[end - 1]) + FOOTER_BYTES, slice(at, end)
            view = self._read(low, high).data
            block = Block(view, starts[rows] - low, stops[rows] - low, records[rows], low)
            if self._check:
                block.check()
            yield numbers[rows], block
            at = end

    def _read(self, start: int, stop: int) -> NDArray[np.uint8]:
        """View a range, and let go of those before it now and then."""
        self._trail.passed(self._blob, stop - start)
        return self._blob.read(start, stop)

    def survey(self, takes: Mapping[int, Take]) -> None:
        """Hand over all records; their checksums are for when they are read."""
        numbers = np.arange(self.count or 0)
        check, self._check = self._check, False
        try:
            for component, take in takes.items():
                for _, block in self.parts(component, numbers):
                    take(block)
        finally:
            self._check = check


class Streamed:
    """A file that can only be read forward.

    opened: gives its blocks from the beginning, with all components. checked: whether they have checksums to compare.
    streams: those of all files of a dataset that are held open, so that they stay few.
    """

    def __init__(
        self,
        name: str,
        nbytes: int,
        opened: Callable[[], Iterator[Block]],
        components: int,
        streams: Streams,
        *,
        check: bool,
        count: int | None = None,
    ) -> None:
        self.name, self.nbytes, self.count = name, nbytes, count
        self._opened, self._components, self._check, self._streams = opened, components, check, streams

    def parts(self, component: int, numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Block]]:
        """Unpack the file from where this component was last read, or from the beginning."""
        wanted = numbers * self._components + component
        stream = self._streams.take((self.name, component))
        if stream is None or (stream.block is not None and wanted[0] < stream.block.numbers[0]):
            stream = Stream(self._opened(), None)
        blocks, block = stream
        at = 0
        while at < len(wanted):
            if block is None or not len(block) or wanted[at] > block.numbers[-1]:
                block = next(blocks, None)
                if block is None:
                    raise FormatError(f"its records end before record {wanted[at]}, counted from 0; it was cut short")
                continue
            end = int(np.searchsorted(wanted, block.numbers[-1], "right"))
            found = block[wanted[at:end] - block.numbers[0]]
            if self._check:
                found.check()
            yield numbers[at:end], found
            at = end
        if self.count is None or numbers[-1] < self.count - 1:
            self._streams.keep((self.name, component), Stream(blocks, block))

    def survey(self, takes: Mapping[int, Take]) -> None:
        """Unpack the file once."""
        count = 0
        for block in self._opened():
            count += len(block)
            for component, take in takes.items():
                take(block[block.numbers % self._components == component])
        self.count = _whole(count, self._components)


class Stream(NamedTuple):
    """The blocks that are still to come, and the last that came."""

    blocks: Iterator[Block]
    block: Block | None


class Streams:
    """The streams of a dataset that are held open: one for each file of a component, or some more."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a stream has one place
        self.most = _LEAST_STREAMS
        self._open: OrderedDict[tuple[str, int], Stream] = OrderedDict()

    def take(self, key: tuple[str, int]) -> Stream | None:
        """Give a stream to whoever reads it now."""
        return self._open.pop(key, None)

    def keep(self, key: tuple[str, int], stream: Stream) -> None:
        """Hold a stream, and let go of the ones that were not used for longest."""
        self._open[key] = stream
        while len(self._open) > self.most:
            self._open.popitem(last=False)

    def close(self) -> None:
        """Let go of all."""
        with self.lock:
            self._open.clear()


def _whole(records: int, components: int) -> int:
    if records % components:
        raise FormatError(f"it has {records} records, and an element takes {components}: its last element is not whole")
    return records // components
