"""TFRecord framing: where each record of a file begins and ends. What a record holds may not enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/io/{record_writer.cc, record_reader.cc}. A record is its length, the
masked sum of those 8 bytes, its data, and the masked sum of the data. A file may be compressed as a whole, and nothing
in it says how. Records come in blocks, of as many as lie in one buffer: whoever reads many of them works on arrays of
offsets, with no call for each.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .._errors import ChecksumError, FormatError
from . import crc32c
from .compression import PIECE_BYTES, Read, snappy_block, unpacked
from .protobuf import Buffer

HEADER_BYTES, FOOTER_BYTES = 12, 4

# The bytes of a record that is not yet whole are held in memory; of a compressed file, at most so many.
_MOST_HELD_BYTES = 48 << 20
_MOST_HELD_RATIO = 10
_LENGTH = struct.Struct("<QI")
_MOST_KNOWN = 1 << 16
_LEAST_REPEATS = 8
_MOST_WAIT = 1024
_SNIFFED_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records in one buffer: the data of the i-th are data[starts[i]:stops[i]].

    numbers: which records of the file they are. offset: of data[0] in the file, or in what that unpacks to.
    """

    data: memoryview
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    numbers: NDArray[np.int64]
    offset: int

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, rows: slice | NDArray[np.int64] | NDArray[np.bool_]) -> Block:
        """Give some of the records, in the same buffer."""
        return Block(self.data, self.starts[rows], self.stops[rows], self.numbers[rows], self.offset)

    def __iter__(self) -> Iterator[memoryview]:
        for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True):
            yield self.data[start:stop]

    def check(self) -> None:
        """Compare the data of the records with their sums.

        Raises: ChecksumError naming the first record that differs.
        """
        stored = gathered(self.data, self.stops, FOOTER_BYTES).view("<u4")[:, 0]
        differ = np.flatnonzero(crc32c.masked_each(self.data, self.starts, self.stops) != stored)
        if differ.size:
            first = differ[0]
            raise ChecksumError(
                f"the record {self.numbers[first]} at offset {self.offset + self.starts[first] - HEADER_BYTES} is "
                "damaged: its data and the checksum after them do not fit; check=False reads it all the same"
            )


def block_of(records: Iterable[Buffer], numbers: NDArray[np.int64]) -> Block:
    """Put records together that lie apart."""
    parts = list(records)
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return Block(memoryview(b"".join(parts)), ends[:-1], ends[1:], numbers, 0)


def compression_of(read: Read, size: int) -> str | None:
    """Tell how a file of records is compressed: "none", "gzip", "zlib" or "snappy"; None for a file of no records."""
    if size == 0:
        return "none"
    head = bytes(read(0, min(size, HEADER_BYTES)))
    if _is_header(head):
        return "none"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    length = int.from_bytes(head[:4], "big")
    if len(head) < HEADER_BYTES or not 0 < length <= min(size - 4, _SNIFFED_BYTES):
        return None
    try:
        return "snappy" if _is_header(bytes(snappy_block(memoryview(read(4, 4 + length)))[:HEADER_BYTES])) else None
    except FormatError:
        return None


def records(read: Read, size: int, *, check: bool = True) -> Iterator[tuple[int, memoryview]]:
    """Give the offset and the data of each record of a file, however it is compressed; in bounded memory.

    The data are a view, valid for as long as it is alive. Offsets count in the file, or in what it unpacks to.
    Raises: FormatError for a file that is cut short or holds no records; ChecksumError; MissingExtra.
    """
    for block in blocks(read, size, check=check):
        if check:
            block.check()
        offsets = (block.offset + block.starts - HEADER_BYTES).tolist()
        yield from zip(offsets, block, strict=True)


def blocks(read: Read, size: int, *, check: bool = True, period: int = 1) -> Iterator[Block]:
    """Give the records of a file in blocks of about a megabyte, or of one record that is larger.

    check: compare the sums of the lengths; those of the data are for `Block.check`. period: records may have the same
    lengths again after so many, which makes finding them faster.
    Raises: as `records`, but for the data.
    """
    compression = compression_of(read, size)
    if compression is None:
        raise FormatError("its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)")
    if compression == "none":
        return _plain(read, size, _Scan(check, period))
    most = max(_MOST_HELD_BYTES, _MOST_HELD_RATIO * size)
    return _joined(unpacked(read, size, compression), _Scan(check, period), most)


def index(read: Read, size: int, *, check: bool = True, period: int = 1) -> NDArray[np.int64]:
    """Give where the data of each record of an uncompressed file begin, and at last where those after it would.

    Only the 12 bytes before each record are read; the data of record i end at index[i + 1] - 16.
    Raises: FormatError for a file that is cut short; ChecksumError for a length that is damaged.
    """
    scan, found = _Scan(check, period), [np.empty(0, np.int64)]
    at = 0
    while at < size:
        view = memoryview(read(at, min(at + PIECE_BYTES, size)))
        starts, end = scan(view, at, size - at)
        if not starts.size:
            raise scan.cut_short(scan.whole(view, at), size - at, at)
        found.append(starts + at)
        at += end
    return np.concatenate([*found, [size + HEADER_BYTES]])


def gathered(data: memoryview, starts: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """Copy so many bytes from each offset on: an array of [offsets, size]. They must lie within the data."""
    if not len(starts):
        return np.empty((0, size), np.uint8)
    found: NDArray[np.uint8] = sliding_window_view(np.frombuffer(data, np.uint8), size)[starts]
    return found


class _Scan:
    """Finds the records in one buffer after the other of a file."""

    def __init__(self, check: bool, period: int) -> None:
        self.done = 0  # records found so far
        self._check, self._period = check, period
        self._known: dict[int, int] = {}  # lengths and their sums, to compute each but once
        self._wait = 1

    def __call__(self, view: memoryview, offset: int, limit: int) -> tuple[NDArray[np.int64], int]:
        """Give where the data of each record in a buffer begin, and the end of the last of them.

        offset: of the buffer in the file. limit: how far records may go; perhaps beyond the buffer, in which at least
        their headers lie.
        """
        starts = array("q")
        unpack, known, check = _LENGTH.unpack_from, self._known, self._check
        at, look, last = 0, self._period, len(view) - HEADER_BYTES
        while at <= last:
            length, stored = unpack(view, at)
            if check and known.get(length) != stored:
                self._check_length(view, at, offset)
            end = at + HEADER_BYTES + length + FOOTER_BYTES
            if end > limit:
                break
            starts.append(at + HEADER_BYTES)
            at = end
            if len(starts) >= look:
                at = self._repeats(view, starts, at, min(len(view), limit))
                look = len(starts) + self._wait * self._period
        self.done += len(starts)
        return np.frombuffer(starts, np.int64), at

    def whole(self, view: memoryview, offset: int) -> int:
        """Give the bytes of the record that begins a buffer, with its header and footer; as many as it must have."""
        if len(view) < HEADER_BYTES:
            return HEADER_BYTES + FOOTER_BYTES
        self._check_length(view, 0, offset)
        length: int = _LENGTH.unpack_from(view)[0]
        return HEADER_BYTES + length + FOOTER_BYTES

    def cut_short(self, needed: int, left: int, offset: int) -> FormatError:
        """Say that the file ends within the next record."""
        return FormatError(
            f"the record {self.done} at offset {offset} is cut short: it takes {needed} bytes at least, and {left} are "
            "left"
        )

    def _check_length(self, view: memoryview, at: int, offset: int) -> None:
        """Compare the length in a header with its sum, and keep both: most lengths come again."""
        length, stored = _LENGTH.unpack_from(view, at)
        if self._check and crc32c.masked(view[at : at + 8]) != stored:
            raise ChecksumError(
                f"the length of a record at offset {offset + at} is damaged: {length} and the checksum after it do not "
                "fit, so the records from there on cannot be found"
            )
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[length] = stored

    def _repeats(self, view: memoryview, starts: array[int], at: int, end: int) -> int:
        """Add the records that have the same headers as the last ones, period by period; give the end of them."""
        first = starts[-self._period] - HEADER_BYTES
        step = at - first
        rows = (end - at) // step
        if rows < _LEAST_REPEATS:
            return at
        raw = np.frombuffer(view, np.uint8)
        table = raw[at : at + rows * step].reshape(rows, step)
        same = np.ones(rows, np.bool_)
        last = np.array(starts[-self._period :], np.int64)
        for start in last.tolist():
            header = slice(start - HEADER_BYTES - first, start - first)
            same &= (table[:, header] == raw[start - HEADER_BYTES : start]).all(1)
        count = rows if same.all() else int(same.argmin())
        self._wait = 1 if count >= _LEAST_REPEATS else min(2 * self._wait, _MOST_WAIT)
        starts.frombytes((last + step * np.arange(1, count + 1)[:, None]).tobytes())
        return at + count * step


def _plain(read: Read, size: int, scan: _Scan) -> Iterator[Block]:
    at = 0
    while at < size:
        view, first = memoryview(read(at, min(at + PIECE_BYTES, size))), scan.done
        starts, end = scan(view, at, len(view))
        if not starts.size:
            end = scan.whole(view, at)
            if end > size - at:
                raise scan.cut_short(end, size - at, at)
            view = memoryview(read(at, at + end))
            starts, end = scan(view, at, end)
        yield _block(view, starts, end, at, first)
        at += end


def _joined(pieces: Iterable[Buffer], scan: _Scan, most_bytes: int) -> Iterator[Block]:
    """Find the records in pieces that end anywhere."""
    held, at, needed = bytearray(), 0, HEADER_BYTES  # held: the beginning of a record, whose pieces are let go of
    for piece in pieces:
        if held or len(piece) < needed:
            held += piece
        if len(held or piece) < needed:
            continue
        view, first = memoryview(held or piece), scan.done
        starts, end = scan(view, at, len(view))
        if starts.size:
            yield _block(view, starts, end, at, first)
        held, at = bytearray(view[end:]), at + end
        needed = scan.whole(view[end:], at)
        if needed > most_bytes:
            raise FormatError(
                f"the record {scan.done} at offset {at} unpacks to {needed} bytes, and {most_bytes} are held at most "
                "of a compressed file of this size; unpack the file first"
            )
    if held:
        raise scan.cut_short(needed, len(held), at)


def _block(view: memoryview, starts: NDArray[np.int64], end: int, offset: int, first: int) -> Block:
    stops = np.append(starts[1:] - HEADER_BYTES - FOOTER_BYTES, end - FOOTER_BYTES)
    return Block(view, starts, stops, np.arange(first, first + len(starts)), offset)


def _is_header(head: bytes) -> bool:
    return len(head) == HEADER_BYTES and crc32c.masked(head[:8]) == int.from_bytes(head[8:], "little")
