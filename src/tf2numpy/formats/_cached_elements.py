"""The elements that `Dataset.cache` keeps in a tensor bundle, as records of TensorProtos. What they mean may not enter.

Source: tensorflow/core/kernels/data/cache_dataset_ops.cc. Keys are the number of the element, 7 wide, and that of the
component, as wide as the largest; so the sorted table has them in order.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from .._blobs import Blob
from .._errors import ChecksumError, FormatError
from .._protocols import Place
from ..wire import bundle, bundle_strings, crc32c
from ..wire.bundle import Entry, Header
from ..wire.cache_keys import place_of
from ..wire.records import Block, block_of
from ..wire.structure import DENSE, OTHER, Leaf
from ..wire.table import Read, Table
from ..wire.tensor_writing import beginning, content, shape_proto, variant_values
from ._bundle import index_of, open_shards
from ._reading import reading
from ._record_files import Take

_STRING, _VARIANT = 7, 21
_CRC_BYTES = 4
_BLOCK_BYTES, _BLOCK_ROWS = 4 << 20, 1 << 14


class Cached:
    """One cache. leaves: its components, which have no names."""

    def __init__(self, prefix: Place, table: Table, *, check: bool) -> None:
        """Raises: FormatError for keys that are no elements in a row, and for missing data; ChecksumError."""
        self.name = str(index_of(prefix))
        self._check = check
        self._kinds: dict[tuple[int, tuple[int, ...]], int] = {}
        self._kind, self._shard, self._crc = array("i"), array("i"), array("I")
        self._offset, self._size = array("q"), array("q")
        rows = iter(table)
        header = bundle.header(next(rows)[1])
        if header.big_endian:
            raise FormatError("it was written on a big-endian machine, and only TensorFlow on such a one can read it")
        self.components = self._take(rows)
        self.count: int | None = len(self._kind) // max(self.components, 1)
        self._shards = self._open(prefix, header)
        self.nbytes = sum(blob.size for blob in self._shards.values())
        heads = list(self._kinds)
        self.leaves = [self._leaf(component, heads) for component in range(self.components)]
        self._heads = [(enum, beginning(enum, shape_proto(shape)), math.prod(shape)) for enum, shape in heads]

    def parts(self, component: int, numbers: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], Block]]:
        """Put the records of some elements together, a few megabytes at a time."""
        records: list[bytes] = []
        begun, nbytes = 0, 0
        for at, number in enumerate(numbers.tolist(), start=1):
            records.append(self._record(number * self.components + component, number))
            nbytes += len(records[-1])
            if at == len(numbers) or nbytes >= _BLOCK_BYTES or len(records) >= _BLOCK_ROWS:
                rows = numbers[begun:at]
                yield rows, block_of(records, rows * self.components + component)
                records, begun, nbytes = [], at, 0

    def survey(self, takes: Mapping[int, Take]) -> None:
        """Hand over all elements; their checksums are for when they are read."""
        check, self._check = self._check, False
        try:
            for component, take in takes.items():
                for _, block in self.parts(component, np.arange(self.count or 0)):
                    take(block)
        finally:
            self._check = check

    def _take(self, rows: Iterator[tuple[bytes, memoryview]]) -> int:
        """Take in all entries; give the number of components."""
        components = 0
        for at, (key, value) in enumerate(rows):
            found = place_of(key)
            if found is None:
                raise FormatError(f"the key {key[:100]!r} is no element of a cache")
            element, component = found
            components = at + 1 if element == 0 else components
            if (element, component) != ((0, at) if element == 0 else divmod(at, max(components, 1))):
                raise FormatError(f"the component {component} of element {element} is out of order; some are missing")
            with reading("the entry ", repr(key)):
                self._add(bundle.entry(value))
        if components and len(self._kind) % components:
            raise FormatError(f"it has {len(self._kind)} entries, and an element takes {components}")
        return components

    def _add(self, entry: Entry) -> None:
        if entry.slices or entry.crc > 0xFFFFFFFF:
            raise FormatError("it is in parts, which no element of a cache is")
        self._kind.append(self._kinds.setdefault((entry.enum, entry.shape), len(self._kinds)))
        self._shard.append(entry.shard)
        self._offset.append(entry.offset)
        self._size.append(entry.size)
        self._crc.append(entry.crc)

    def _leaf(self, component: int, heads: list[tuple[int, tuple[int, ...]]]) -> Leaf:
        """Describe a component: with its shape, if all elements have the same one."""
        kinds = np.frombuffer(self._kind, np.int32)[component :: self.components]
        enum, shape = heads[kinds[0]]
        if enum == _VARIANT or (kinds != kinds[0]).any():
            return Leaf("", OTHER, enum, None)
        return Leaf("", DENSE, enum, shape)

    def _open(self, prefix: Place, header: Header) -> dict[int, Blob]:
        ends: dict[int, int] = {}
        for shard, offset, size in zip(self._shard, self._offset, self._size, strict=True):
            if size:
                ends[shard] = max(ends.get(shard, 0), offset + size)
        return open_shards(prefix, header, ends)

    def _record(self, at: int, element: int) -> bytes:
        """Make a TensorProto of an entry.

        Raises: FormatError for strings or variants that do not add up; ChecksumError.
        """
        enum, head, elements = self._heads[self._kind[at]]
        size, offset = self._size[at], self._offset[at]
        if not size:
            return head
        blob, crc = self._shards[self._shard[at]], self._crc[at]
        raw = blob.read(offset, offset + size).data
        with reading(f"the element {element}, at offset {offset} of ", repr(blob.name)):
            if enum == _VARIANT:
                found = bundle_strings.variants(_within(raw), size, elements, crc if self._check else None)
                return head + variant_values(found)
            if enum == _STRING:
                return head + content(self._strings(raw, elements, crc))
            self._compare(crc32c.masked(raw), crc)
            return head + content(raw)

    def _strings(self, raw: memoryview, elements: int, crc: int) -> bytes:
        """Give strings as a TensorProto has them: without the checksum after their lengths."""
        table = bundle_strings.StringTable(_within(raw), len(raw), elements, check=self._check)
        if self._check:
            self._compare(crc32c.mask(crc32c.extend(table.crc, raw[table.start :])), crc)
        return bytes(raw[: table.start - _CRC_BYTES]) + bytes(raw[table.start :])

    def _compare(self, found: int, stored: int) -> None:
        if self._check and found != stored:
            raise ChecksumError(
                f"it has the checksum {found:08x}, and {stored:08x} is recorded; check=False reads it all the same"
            )


def _within(raw: memoryview) -> Read:
    return lambda start, stop: raw[start:stop]
