"""The records of some files, decoded: in one go, block by block, or left to the one who asks. What columns become may
not enter.

Files are unpacked, compared and decoded side by side, each on a thread, and a file on two where processors are left:
one unpacks and compares blocks while those before are decoded. What comes of it is in the order of the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from .. import _memory
from .._errors import HostMemoryError
from .._host import cpus
from .._spans import too_large
from .._units import format_bytes
from ..wire.examples import Columns, Kind
from ..wire.records import Block
from ._example_joined import joined_columns
from ._record_decoding import Chosen, decode, decoder_of, kinds, of_another
from ._record_groups import Runs
from ._record_lanes import Maker, in_order
from ._record_shards import WORTH_A_THREAD_BYTES, Shard

# Streams wait for one another, and blocks of theirs are in memory meanwhile.
_MOST_STREAMS, _BLOCKS_AHEAD = 4, 2
_ROOM_TO_JOIN = 2  # columns of files, and all of them together

T = TypeVar("T")


class Decoded(NamedTuple):
    """The columns of one block of a file."""

    shard: int
    block: Block
    columns: Columns
    runs: Runs


class Reading:
    """Decodes the records of some files, all of one kind of message. shown: what they were opened from."""

    def __init__(self, shown: str, shards: Sequence[Shard], message: str) -> None:
        self._shown, self._shards, self._message = shown, shards, message

    def whole(self, chosen: Chosen) -> tuple[Columns, Runs]:
        """Decode everything, in one pass unless the files' columns do not fit together.

        Raises: HostMemoryError if it does not fit.
        """
        free = _memory.free_bytes()
        found = self._side_by_side(chosen, free // _ROOM_TO_JOIN) if self._several else None
        return self._one_by_one(chosen, free) if found is None else found

    def first(self, chosen: Chosen, count: int) -> tuple[Columns, Runs]:
        """Decode so many of the first records, or all there are, however many blocks they lie in.

        Raises: HostMemoryError if they do not fit.
        """
        free = _memory.free_bytes()
        decoder, runs = decoder_of(self._message, chosen, free), Runs()
        for shard, block in ((one, block) for one in self._shards for block in one.blocks()):
            some = block[: count - decoder.rows]
            if self.decode(decoder, shard, some, 0, runs) < len(some):
                raise HostMemoryError(
                    f"the first {count} records of {self._shown!r} take more than the {format_bytes(free)} of host "
                    f"memory that are free: {decoder.rows} were read; ask for fewer"
                )
            if decoder.rows >= count:
                break
        return decoder.take(), runs

    def by_block(self, chosen: Chosen) -> Iterator[Decoded]:
        """Decode everything, each block into columns of its own.

        Raises: FormatError for values of another kind than in an earlier file.
        """
        makers = [partial(self._blocks_of, chosen, number) for number in range(len(self._shards))]
        known: dict[tuple[bool, bytes], Kind] = {}
        for found in self._streamed(makers):
            here = kinds(found.columns)
            if any(known.setdefault(name, kind) != kind for name, kind in here.items()):
                self._refuse(found, known)
            yield found

    def blocks(self, number: int, record: int, offset: int) -> Iterator[tuple[int, Block]]:
        """Give the records from one of a file on, not decoded, each block with the number of its file.

        offset: where that record begins.
        """

        def maker(one: int, wanted: Callable[[], bool]) -> Iterator[tuple[int, Block]]:
            shard = self._shards[one]
            from_here = (offset, record) if one == number else (0, 0)
            return ((one, block) for block in shard.blocks(*from_here))

        yield from self._streamed([partial(maker, one) for one in range(number, len(self._shards))])

    def decode(self, decoder: Any, shard: Shard, block: Block, at: int, runs: Runs) -> int:
        """Decode the records of a block from one on; give where it ended, as `decode` of any records."""

        def explain(record: memoryview) -> str:
            return of_another(self._message, self._shards[: self._shards.index(shard)], record)

        return decode(decoder, shard, block, self._message, at, runs.begin(shard, block), explain)

    def too_large(self, chosen: Chosen, shard: Shard, block: Block, at: int, bound: int) -> Exception:
        """Say that a record alone takes more than a bound."""
        alone = decoder_of(self._message, chosen)
        self.decode(alone, shard, block[at : at + 1], 0, Runs())
        return too_large(f"the record {block.numbers[at]} of {shard.name!r}", alone.nbytes, bound)

    @property
    def _several(self) -> bool:
        return len(self._shards) > 1 and self._worth_threads

    @property
    def _worth_threads(self) -> bool:
        return cpus() > 1 and sum(shard.size for shard in self._shards) >= WORTH_A_THREAD_BYTES

    def _streamed(self, makers: Sequence[Maker[T]]) -> Iterator[T]:
        if self._worth_threads:
            yield from in_order(makers, min(cpus(), _MOST_STREAMS), _BLOCKS_AHEAD)
            return
        for make in makers:
            yield from make(lambda: True)

    def _refuse(self, found: Decoded, known: Mapping[tuple[bool, bytes], Kind]) -> None:
        """Decode a block once more, by the kinds that were known before: that says what is wrong with it, and where."""
        features, lists = ({name: kind for (one, name), kind in known.items() if one is both} for both in (False, True))
        decoder = decoder_of(self._message, Chosen(features, lists))
        self.decode(decoder, self._shards[found.shard], found.block, 0, Runs())

    def _side_by_side(self, chosen: Chosen, most_bytes: int) -> tuple[Columns, Runs] | None:
        """Decode every file into columns of its own, and join those; None where they take too much, or do not fit."""
        used = [0] * len(self._shards)

        def maker(number: int, wanted: Callable[[], bool]) -> Iterator[tuple[Columns, Runs] | None]:
            shard, decoder, runs = self._shards[number], decoder_of(self._message, chosen, most_bytes), Runs()
            for block in shard.ahead(len(self._shards)):
                if not wanted():
                    return
                end = self.decode(decoder, shard, block, 0, runs)
                used[number] = decoder.nbytes
                if end < len(block) or sum(used) > most_bytes:
                    yield None
                    return
            yield decoder.take(), runs

        parts, every = [], Runs()
        rows = 0
        for found in in_order([partial(maker, number) for number in range(len(used))], cpus(), 1):
            if found is None:
                return None
            columns, runs = found
            every.join(runs, rows)
            rows += columns.rows
            parts.append(columns)
        del found, columns
        joined = joined_columns(parts)
        return None if joined is None else (joined, every)

    def _one_by_one(self, chosen: Chosen, free: int) -> tuple[Columns, Runs]:
        decoder, runs = decoder_of(self._message, chosen, free), Runs()
        for shard in self._shards:
            for block in shard.ahead():
                at = 0
                while at < len(block):
                    at = self.decode(decoder, shard, block, at, runs)
                    if at < len(block):
                        raise HostMemoryError(
                            f"the records of {self._shown!r} take more than the {format_bytes(free)} of host memory "
                            f"that are free: {decoder.rows} were read; choose features with select=, or take them in "
                            "pieces with iter_chunks(x)"
                        )
        return decoder.take(), runs

    def _blocks_of(self, chosen: Chosen, number: int, wanted: Callable[[], bool]) -> Iterator[Decoded]:
        shard, decoder = self._shards[number], decoder_of(self._message, chosen)
        for block in shard.ahead(len(self._shards)):
            runs = Runs()
            self.decode(decoder, shard, block, 0, runs)
            yield Decoded(number, block, decoder.take(), runs)
