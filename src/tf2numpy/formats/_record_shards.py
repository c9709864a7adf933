"""The files of a table of records, read in blocks of records that are whole. What records hold may not enter.

What is passed over, of a damaged file or one that is still being written, is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from .._blobs import Blob, Trail, blob_of
from .._errors import ChecksumError, FormatError, InvalidArgument
from .._host import cpus
from .._protocols import Place
from ..wire import records
from ..wire.records import Block
from ._open_files import OpenFiles
from ._record_lanes import in_order

_BLOCKS_AHEAD = 4
WORTH_A_THREAD_BYTES = 4 << 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How files are read, as `open` says of check, on_corrupt, partial and index.

    left_out: what was passed over so far, by file and record, each with the reason. trail: of what was read of them.
    files: those of them that are open.
    """

    check: bool = True
    skip: bool = False
    partial: bool = False
    index: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    trail: Trail = field(default_factory=Trail)
    files: OpenFiles = field(default_factory=OpenFiles)


def wanted_of(check: bool, on_corrupt: str, partial: bool, index: bool) -> Wanted:
    """Put these options together.

    Raises: InvalidArgument for a value that one does not take, and for two that contradict each other.
    """
    if on_corrupt not in ("raise", "skip"):
        raise InvalidArgument(f"on_corrupt={on_corrupt!r} is not 'raise' or 'skip'")
    if index and (partial or on_corrupt == "skip"):
        other = "partial=True" if partial else "on_corrupt='skip'"
        raise InvalidArgument(
            f"index=True keeps where the records of a whole file lie, and {other} reads one that is not; leave one of "
            "them out"
        )
    return Wanted(check, on_corrupt == "skip", partial, index)


class Shard:
    """One file of records, uncompressed or not.

    told: how many records whatever lies beside the file says that it has, and the name of that, if anything does.
    """

    def __init__(self, path: Place, wanted: Wanted, told: tuple[int, str] | None = None) -> None:
        self.place, self.name, self.wanted, self.told = path, str(path), wanted, told
        self._blob: Blob | None = None
        self._size: int | None = None
        self._compression: str | None = ""

    def unreported(self) -> Shard:
        """Give the same file, of which nothing is reported: to look at more of its records than are wanted."""
        found = copy(self)
        found.wanted = replace(self.wanted, left_out={})
        return found

    @property
    def blob(self) -> Blob:
        """The bytes of the file."""
        if isinstance(self.place, Path):
            return self.wanted.files.blob(self.place)
        if self._blob is None:
            self._blob = blob_of(self.place)
        return self._blob

    @property
    def size(self) -> int:
        """The bytes that the file has."""
        if self._size is None:
            self._size = self.blob.size
        return self._size

    @property
    def compression(self) -> str | None:
        """How the file is compressed; None for a file of no records."""
        if self._compression == "":
            self._compression = records.compression_of(self.blob.read, self.size)
        return self._compression

    def first(self) -> Block | None:
        """Give the first block of records that are whole, whatever else is wrong; None if there are none.

        Raises: FormatError if what unpacks begins no record.
        """
        for block in records.blocks(self.blob.read, self.size, check=self.wanted.check, salvage=True):
            sound = block[np.delete(np.arange(len(block)), block.damaged())] if self.wanted.check else block
            if len(sound):
                return sound
        return None

    def blocks(self, start: int = 0, first: int = 0) -> Iterator[Block]:
        """Give the records from one on, their sums compared; those that do not fit are left out where that is wanted.

        first: the number of that record; start: where it begins in a file that is not compressed.
        Raises: FormatError naming the file, the record and its offset, or for a file of more or fewer records than are
        told of; ChecksumError.
        """
        if self.compression == "none":
            return self._sound(self._counted(self._blocks(self.size, start=start, first=first), first))
        found = self._sound(self._unpacked())
        return found if not first else _after(found, first)

    def ahead(self, side_by_side: int = 1) -> Iterator[Block]:
        """Give all records as `blocks` does, prepared by a thread while those before are decoded.

        It does what takes longest: it unpacks a compressed file, and no more, and compares the sums of another one.
        side_by_side: how many files are read at once; a thread gains nothing where each processor has one of them.
        """
        if cpus() <= side_by_side or self.size < WORTH_A_THREAD_BYTES:
            return self.blocks()
        return _on_a_thread(self.blocks()) if self.compression == "none" else self._sound(self._unpacked(_on_a_thread))

    def _counted(self, found: Iterator[Block], count: int = 0) -> Iterator[Block]:
        """Compare how many records there are with what is told of them. count: how many are before those."""
        for block in found:
            count += len(block)
            yield block
        if self.told is not None and self.told[0] != count:
            raise FormatError(f"it has {count} records, and {self.told[1]!r} tells of {self.told[0]}")

    def blocks_between(self, start: int, stop: int, first: int) -> Iterator[Block]:
        """Give the records between two offsets of an uncompressed file; first: the number of the first one."""
        return self._sound(self._blocks(stop, start=start, first=first))

    def _unpacked(self, ahead: Callable[[Iterator[Any]], Iterator[Any]] = iter) -> Iterator[Block]:
        salvage = self.wanted.skip or self.wanted.partial
        return self._counted(self._blocks(self.size, salvage=salvage, ahead=ahead))

    def _blocks(self, stop: int, **options: Any) -> Iterator[Block]:
        """Give the blocks before an offset; what is wrong with the first bytes is said with the first one."""
        yield from records.blocks(self._read, stop, check=self.wanted.check, **options)

    def _read(self, start: int, stop: int) -> Any:
        self.wanted.trail.passed(self.blob, stop - start)
        return self.blob.read(start, stop)

    def _sound(self, found: Iterator[Block]) -> Iterator[Block]:
        some = False
        while True:
            try:
                block = next(found, None)
                if block is None:
                    return
                block = self._checked(block)
            except FormatError as error:
                if self.wanted.skip or (self.wanted.partial and not isinstance(error, ChecksumError)):
                    self.wanted.left_out[self.name] = f"{error}; the records before it are given"
                    return
                raise type(error)(f"{self.name!r} cannot be read: {error}{_remedy(error, some)}") from error
            if len(block):
                some = True
                yield block

    def _checked(self, block: Block) -> Block:
        if not self.wanted.check:
            return block
        if not self.wanted.skip:
            block.check()
            return block
        bad = block.damaged()
        for one in bad:
            self.pass_over(block, one, "its data and the checksum after them do not fit")
        return block[np.delete(np.arange(len(block)), bad)] if bad else block

    def pass_over(self, block: Block, row: int, why: str) -> None:
        """Report a record that is left out."""
        where = f"at offset {offset_of(block, row)}"
        self.wanted.left_out[f"{self.name}, record {block.numbers[row]}"] = f"{where}: {why}"


def _on_a_thread(found: Iterator[T]) -> Iterator[T]:
    return in_order([lambda _: found], 1, _BLOCKS_AHEAD)


def _remedy(error: FormatError, some: bool) -> str:
    """Say how to get the records that are whole, if there are any; some: whether any came before the error."""
    if isinstance(error, ChecksumError):
        return "; on_corrupt='skip' gives the records that are whole"
    return "; partial=True gives the records that are whole" if some else ""


def offset_of(block: Block, row: int) -> int:
    """Say where a record of a block begins, in the file or in what that unpacks to."""
    return int(block.offset + block.starts[row] - records.HEADER_BYTES)


def _after(blocks: Iterator[Block], first: int) -> Iterator[Block]:
    for block in blocks:
        rest = block if block.numbers[0] >= first else block[block.numbers >= first]
        if len(rest):
            yield rest
