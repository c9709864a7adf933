"""Tensors of strings and of variants as a tensor bundle keeps them: lengths, checksums, bytes. No file may enter.

Source: tensorflow/core/util/tensor_bundle/tensor_bundle.cc (ReadStringTensor, ReadVariantTensor). Of strings the
lengths come first, as varints; then their checksum; then the bytes of all of them. The checksum takes each length as 4
bytes, or 8 where it needs them, and not as it is written. Of variants each has its length, its bytes and a checksum.
"""

from __future__ import annotations

from array import array

import numpy as np
from numpy.typing import NDArray

from .._errors import ChecksumError, FormatError
from . import crc32c
from .protobuf import varint, varints
from .table import Read

MARKED_EVERY = 1 << 13  # elements
_BLOCK_BYTES = 1 << 16
_CRC_BYTES = 4


class StringTable:
    """Where the strings of one tensor lie. Of the lengths only every so many-th place is kept.

    start: offset of the first string's bytes. crc: the sum over the lengths and their checksum, which that over the
    bytes of the strings goes on from.
    """

    def __init__(self, read: Read, size: int, count: int, *, check: bool) -> None:
        """Read the lengths once. read: gives bytes of the tensor's, of which there are `size`. check: as for `open`.

        Raises: FormatError for lengths that do not fit; ChecksumError.
        """
        if count > size or (size and size < count + _CRC_BYTES):
            raise FormatError(f"it has {size} bytes, which cannot be {count} strings")
        self._read = read
        self._places = array("q", [0])  # of the length of every MARKED_EVERY-th string
        self._starts = array("q", [0])  # of its bytes, from the first string's on
        self.crc, self.start = 0, 0
        if size:
            self._scan(size, count, check)

    def lengths(self, first: int, stop: int) -> NDArray[np.int64]:
        """Give the lengths in bytes of the strings from first to stop."""
        if first >= stop:
            return np.empty(0, np.int64)
        begin, end = first // MARKED_EVERY, -(-stop // MARKED_EVERY)
        found = varints(self._read(self._places[begin], self._places[end])).astype(np.int64)
        return found[first - begin * MARKED_EVERY : stop - begin * MARKED_EVERY]

    def begin(self, number: int) -> int:
        """Give the offset of the bytes of a string, counted from those of the first one."""
        mark = number // MARKED_EVERY
        return self._starts[mark] + int(self.lengths(mark * MARKED_EVERY, number).sum())

    def _scan(self, size: int, count: int, check: bool) -> None:
        at = done = total = 0
        while done < count:
            wanted = min(MARKED_EVERY, count - done)
            end = _end_of_varints(self._read, at, size, wanted)
            lengths = varints(self._read(at, end))
            if lengths.max() > size or total + int(lengths.sum()) > size:
                raise FormatError(f"the string {done + int(lengths.argmax())} is longer than its {size} bytes")
            if check:
                self.crc = crc32c.extend(self.crc, _fixed_width(lengths))
            at, done, total = end, done + wanted, total + int(lengths.sum())
            self._places.append(at)
            self._starts.append(total)
        self.start = at + _CRC_BYTES
        if self.start + total != size:
            raise FormatError(f"its {count} strings have {total} bytes, and {size - self.start} follow their lengths")
        stored = bytes(self._read(at, self.start))
        if check and stored != crc32c.mask(self.crc).to_bytes(_CRC_BYTES, "little"):
            raise ChecksumError(
                f"the lengths of its strings have the checksum {crc32c.mask(self.crc):08x}, and "
                f"{int.from_bytes(stored, 'little'):08x} is recorded"
            )
        self.crc = crc32c.extend(self.crc, stored)


def variants(read: Read, size: int, count: int, crc: int | None) -> list[memoryview]:
    """Give the messages, VariantTensorDataProto, of a tensor of variants. crc: the entry's; None checks nothing.

    Raises: FormatError for lengths that do not fit; ChecksumError.
    """
    found: list[memoryview] = []
    running = at = 0
    for number in range(count):
        head = memoryview(read(at, min(at + 10, size)))
        length, head_bytes = varint(head, 0)
        at += head_bytes
        if length + _CRC_BYTES > size - at:
            raise FormatError(f"the variant {number} has {length} bytes, and {size - at} follow")
        content = memoryview(read(at, at + length + _CRC_BYTES))
        at += len(content)
        found.append(content[:length])
        if crc is not None:
            running = crc32c.extend(crc32c.extend(running, length.to_bytes(8, "little")), content[:length])
            if crc32c.mask(running) != int.from_bytes(content[length:], "little"):
                raise ChecksumError(f"the variant {number} has not the checksum that is recorded")
            running = crc32c.extend(running, content[length:])
    if at != size or (crc is not None and crc32c.mask(running) != crc):
        raise FormatError(f"its {count} variants end after {at} bytes of {size}, or their checksum is another")
    return found


def _end_of_varints(read: Read, at: int, size: int, count: int) -> int:
    """Find where that many varints end."""
    while at < size:
        block = np.frombuffer(read(at, min(at + _BLOCK_BYTES, size)), np.uint8)
        ends = np.flatnonzero(block < 0x80)
        if len(ends) >= count:
            return at + int(ends[count - 1]) + 1
        count -= len(ends)
        at += len(block)
    raise FormatError(f"the lengths of its strings are cut short at {size}")


def _fixed_width(lengths: NDArray[np.uint64]) -> bytes:
    """Write lengths as their checksum takes them: in 4 bytes, or in 8 where they need them."""
    if int(lengths.max()) <= 0xFFFFFFFF:
        return lengths.astype("<u4").tobytes()
    return b"".join(int(n).to_bytes(4 if n <= 0xFFFFFFFF else 8, "little") for n in lengths)
