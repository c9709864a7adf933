"""TFRecord framing: where each record of a file begins and ends. What a record holds may not enter.

Source: tensorflow/third_party/xla/xla/tsl/lib/io/{record_writer.cc, record_reader.cc}. A record is its length, the
masked sum of those 8 bytes, its data, and the masked sum of the data. A file may be compressed as a whole, and nothing
in it says how. Records come in blocks, of as many as lie in one buffer: whoever reads many of them works on arrays of
offsets, with no call for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .._errors import ChecksumError, FormatError
from . import _framing, crc32c
from .compression import PIECE_BYTES, Read, snappy_block, unpacked
from .protobuf import Buffer

HEADER_BYTES, FOOTER_BYTES = 12, 4

# The bytes of a record that is not yet whole are held in memory; of a compressed file, at most so many.
_MOST_HELD_BYTES = 48 << 20
_MOST_HELD_RATIO = 10
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

    def damaged(self) -> list[int]:
        """Tell which of the records do not fit their sums, by place in the block; the others can still be read."""
        return _framing.damaged(
            self.data, np.ascontiguousarray(self.starts, np.int64), np.ascontiguousarray(self.stops, np.int64)
        )

    def check(self) -> None:
        """Compare the data of the records with their sums.

        Raises: ChecksumError naming the first record that differs.
        """
        if found := self.damaged():
            first = found[0]
            raise ChecksumError(
                f"the record {self.numbers[first]} at offset {self.offset + self.starts[first] - HEADER_BYTES} is "
                "damaged: its data and the checksum after them do not fit; check=False reads it all the same"
            )


def block_of(records: Iterable[Buffer], numbers: NDArray[np.int64]) -> Block:
    """Put records together that lie apart."""
    parts = list(records)
    ends = np.cumsum([0, *map(len, parts)], dtype=np.int64)
    return Block(memoryview(b"".join(parts)), ends[:-1], ends[1:], numbers, 0)


def begins_record(data: Buffer) -> bool:
    """Tell whether bytes begin with the length of a record and the sum that belongs to it."""
    head = bytes(data[:HEADER_BYTES])
    return len(head) == HEADER_BYTES and crc32c.masked(head[:8]) == int.from_bytes(head[8:], "little")


def compression_of(read: Read, size: int) -> str | None:
    """Tell how a file of records is compressed: "none", "gzip", "zlib" or "snappy"; None for a file of no records."""
    if size == 0:
        return "none"
    head = bytes(read(0, min(size, HEADER_BYTES)))
    if begins_record(head):
        return "none"
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:1] == b"\x78" and int.from_bytes(head[:2], "big") % 31 == 0:
        return "zlib"
    length = int.from_bytes(head[:4], "big")
    if len(head) < HEADER_BYTES or not 0 < length <= min(size - 4, _SNIFFED_BYTES):
        return None
    try:
        return "snappy" if begins_record(snappy_block(memoryview(read(4, 4 + length)))) else None
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


def blocks(
    read: Read,
    size: int,
    *,
    check: bool = True,
    salvage: bool = False,
    start: int = 0,
    first: int = 0,
    ahead: Callable[[Iterator[Buffer]], Iterator[Buffer]] = iter,
) -> Iterator[Block]:
    """Give the records of a file in blocks of about a megabyte, or of one record that is larger.

    check: compare the sums of the lengths; those of the data are for `Block.check`. start: where the record of the
    number `first` begins, in a file that is not compressed. salvage: as `unpacked` takes it. ahead: what the pieces
    that a compressed file unpacks to go through; it may have them made on another thread.
    Raises: as `records`, but for the data.
    """
    compression = compression_of(read, size)
    if compression is None:
        raise FormatError("its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)")
    if compression == "none":
        return _plain(read, size, _Scan(check, first), start)
    most = max(_MOST_HELD_BYTES, _MOST_HELD_RATIO * size)
    return _joined(ahead(unpacked(read, size, compression, salvage=salvage)), _Scan(check), most)


def index(read: Read, size: int, *, check: bool = True) -> NDArray[np.int64]:
    """Give where the data of each record of an uncompressed file begin, and at last where those after it would.

    Only the 12 bytes before each record are read; the data of record i end at index[i + 1] - 16.
    Raises: FormatError for a file that is cut short; ChecksumError for a length that is damaged.
    """
    scan, found = _Scan(check), [np.empty(0, np.int64)]
    at = 0
    while at < size:
        view = memoryview(read(at, min(at + PIECE_BYTES, size)))
        starts, end = scan(view, size - at)
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

    def __init__(self, check: bool, done: int = 0) -> None:
        self.done = done  # records found so far
        self._check = check

    def __call__(self, view: memoryview, limit: int) -> tuple[NDArray[np.int64], int]:
        """Give where the data of each whole record in a buffer begin, and the end of the last of them.

        limit: how far records may go; perhaps beyond the buffer, in which at least their headers lie. A length that is
        damaged ends them.
        """
        found, end = _framing.scan(view, limit, self._check)
        starts = np.frombuffer(found, np.int64)
        self.done += len(starts)
        return starts, end

    def whole(self, view: memoryview, offset: int) -> int:
        """Give the bytes of the record that begins a buffer, with its header and footer; as many as it must have.

        offset: of the buffer in the file.
        Raises: ChecksumError if its length is damaged.
        """
        if len(view) < HEADER_BYTES:
            return HEADER_BYTES + FOOTER_BYTES
        length = int.from_bytes(view[:8], "little")
        if self._check and not begins_record(view):
            raise ChecksumError(
                f"the length of a record at offset {offset} is damaged: {length} and the checksum after it do not "
                "fit, so the records from there on cannot be found"
            )
        return HEADER_BYTES + length + FOOTER_BYTES

    def bounded(self, held: bytearray, offset: int, most_bytes: int) -> int:
        """Give as `whole` the bytes of a record whose header is held.

        Raises: FormatError for more than may be held; as `whole`.
        """
        needed = self.whole(memoryview(held)[:HEADER_BYTES], offset)
        if needed > most_bytes:
            raise FormatError(
                f"the record {self.done} at offset {offset} unpacks to {needed} bytes, and {most_bytes} are held at "
                "most of a compressed file of this size; unpack the file first"
            )
        return needed

    def cut_short(self, needed: int, left: int, offset: int) -> FormatError:
        """Say that the file ends within the next record."""
        return FormatError(
            f"the record {self.done} at offset {offset} is cut short: it takes {needed} bytes at least, and {left} are "
            "left"
        )


def _plain(read: Read, size: int, scan: _Scan, at: int) -> Iterator[Block]:
    while at < size:
        view, first = memoryview(read(at, min(at + PIECE_BYTES, size))), scan.done
        starts, end = scan(view, len(view))
        if not starts.size:
            end = scan.whole(view, at)
            if end > size - at:
                raise scan.cut_short(end, size - at, at)
            view = memoryview(read(at, at + end))
            starts, end = scan(view, end)
        yield _block(view, starts, end, at, first)
        at += end


def _joined(pieces: Iterable[Buffer], scan: _Scan, most_bytes: int) -> Iterator[Block]:
    """Find the records in pieces that end anywhere; none is copied but one that goes on in the next piece."""
    held, at, needed = bytearray(), 0, HEADER_BYTES  # held: the beginning of a record, whose pieces are let go of
    for piece in pieces:
        rest = memoryview(piece)
        while held and rest:
            taken = rest[: needed - len(held)]
            held += taken
            rest = rest[len(taken) :]
            if len(held) < needed:
                continue
            if needed == HEADER_BYTES:
                needed = scan.bounded(held, at, most_bytes)
                continue
            first = scan.done
            starts, end = scan(memoryview(held), needed)
            yield _block(memoryview(held), starts, end, at, first)
            held, at = bytearray(), at + end
        first = scan.done
        starts, end = scan(rest, len(rest))
        if starts.size:
            yield _block(rest, starts, end, at, first)
        at += end
        if end < len(rest):
            held = bytearray(rest[end:])
            needed = HEADER_BYTES if len(held) < HEADER_BYTES else scan.bounded(held, at, most_bytes)
    if held:
        raise scan.cut_short(scan.whole(memoryview(held), at), len(held), at)


def _block(view: memoryview, starts: NDArray[np.int64], end: int, offset: int, first: int) -> Block:
    stops = np.append(starts[1:] - HEADER_BYTES - FOOTER_BYTES, end - FOOTER_BYTES)
    return Block(view, starts, stops, np.arange(first, first + len(starts)), offset)
