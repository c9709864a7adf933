"""Blocks of records into columns, whatever the records are. Where a file lies, and what arrays become, may not enter.

A record is a tf.train.Example, a SequenceExample, or bytes that nothing is known of: then there is one column of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import numpy as np

from .._errors import FormatError, HostMemoryError
from ..wire.examples import Column, Columns, Decoder, Kind, is_example, is_sequence_example
from ..wire.records import Block
from ._record_shards import Shard, offset_of

EXAMPLE, SEQUENCE, RAW = "tf.train.Example", "tf.train.SequenceExample", "bytes"
RECORD = b"record"  # the column of records that are bytes
_LOOKED_AT = 64
_RECORD_BYTES = 16  # beside its bytes, in columns


class Chosen(NamedTuple):
    """Which features are decoded, by name, perhaps with the kind that they must be of; None: all."""

    features: Mapping[bytes, Kind | None] | None = None
    lists: Mapping[bytes, Kind | None] | None = None


def message_of(block: Block) -> str:
    """Tell what the records of a file are, by those in its first block.

    The first one that is not empty says whether they are messages; one of the first that has feature lists, that they
    are SequenceExamples.
    """
    some = [record for record in list(block[:_LOOKED_AT]) if len(record)]
    if not some or not is_sequence_example(some[0]):
        return EXAMPLE if some and is_example(some[0]) else RAW
    if not is_example(some[0]):
        return SEQUENCE
    other = next((record for record in some if not is_example(record)), None)
    return SEQUENCE if other is not None and is_sequence_example(other) else EXAMPLE


def decoder_of(message: str, chosen: Chosen, most_bytes: int | None = None) -> Any:
    """Give what decodes records: a `Decoder`, or what is one for records that are bytes."""
    if message == RAW:
        return RawDecoder(most_bytes)
    return Decoder(sequence=message == SEQUENCE, select=chosen.features, lists=chosen.lists, most_bytes=most_bytes)


class RawDecoder:
    """Takes records as they are, into one column, as a `Decoder` takes messages."""

    def __init__(self, most_bytes: int | None) -> None:
        self.rows = self.nbytes = 0
        self._most_bytes = most_bytes
        self._parts: list[bytes] = []

    def decode(self, data: Any, starts: Any, stops: Any, numbers: Any = None) -> None:
        """Add the records data[starts[i]:stops[i]].

        Raises: HostMemoryError; those before it are added then.
        """
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            nbytes = self.nbytes + stop - start + _RECORD_BYTES
            if self._most_bytes is not None and nbytes > self._most_bytes:
                raise HostMemoryError(f"the records would take {nbytes} bytes, and {self._most_bytes} are allowed")
            self._parts.append(bytes(data[start:stop]))
            self.rows, self.nbytes = self.rows + 1, nbytes

    def take(self) -> Columns:
        """Give the column, and begin it anew."""
        rows, parts = self.rows, self._parts
        ends = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        values = np.frombuffer(b"".join(parts), np.uint8)
        self.rows, self.nbytes, self._parts = 0, 0, []
        column = Column("bytes", rows, rows, None, values, ends, 1, None, np.empty(0, np.int64))
        return Columns(rows, {RECORD: column}, {})


def decode(
    decoder: Any,
    shard: Shard,
    block: Block,
    message: str,
    at: int,
    begin: Callable[[int, int], None],
    explain: Callable[[memoryview], str],
) -> int:
    """Decode the records of a block from one on; give where it ended: before the one that `most_bytes` has no room for.

    begin: is told from which row on the records are those of the block from one on.
    explain: says more in an error of a record that is such a message, but not as those before it.

    Raises: FormatError naming the file, the record and its offset, for what is no such message, unless such are passed
    over, and for values of another kind than before.
    """
    is_message = is_example if message == EXAMPLE else is_sequence_example
    while at < len(block):
        before: int = decoder.rows
        begin(before, at)
        try:
            decoder.decode(block.data, block.starts[at:], block.stops[at:], block.numbers[at:])
        except HostMemoryError:
            more: int = decoder.rows - before
            return at + more
        except FormatError as error:
            at += decoder.rows - before
            record = block.data[block.starts[at] : block.stops[at]]
            if not shard.wanted.skip or is_message(record):
                where = f"{shard.name!r} cannot be read at offset {offset_of(block, at)}"
                why = explain(record) if is_message(record) else ""
                raise type(error)(f"{where}: {error}{why}") from error
            shard.pass_over(block, at, f"it is no {message}")
            at += 1
        else:
            return len(block)
    return at


def text(name: bytes) -> str:
    """Give the name of a feature, which may be any bytes, as text."""
    return name.decode("utf-8", "backslashreplace")


def fits(pattern: str, name: bytes) -> bool:
    """Tell whether a name or pattern fits that of a feature."""
    return text(name) == pattern or fnmatchcase(text(name), pattern)


def wanted(select: Sequence[str] | None, name: str) -> bool:
    """Tell whether one of some names or patterns fits a feature; None: all fit."""
    return select is None or any(fits(pattern, name.encode("utf-8", "surrogatepass")) for pattern in select)


def kinds(columns: Columns) -> dict[tuple[bool, bytes], Kind]:
    """Say of what kind the values are, by feature list or feature, and name."""
    both = ((False, columns.features), (True, columns.lists))
    return {(in_list, name): one.kind for in_list, found in both for name, one in found.items() if one.kind}


def of_another(message: str, shards: Sequence[Shard], record: memoryview) -> str:
    """Name the first of some files whose values are of another kind than those of a record; "" if there is none."""
    alone = decoder_of(message, Chosen())
    alone.decode(record, np.zeros(1, np.int64), np.array([len(record)]))
    here = kinds(alone.take())
    for shard in shards:
        for block in shard.blocks():
            alone = decoder_of(message, Chosen())
            decode(alone, shard, block, message, 0, lambda *_: None, lambda _: "")
            there = kinds(alone.take())
            if any(here[name] != there[name] for name in here.keys() & there.keys()):
                return f"; {shard.name!r} has those"
    return ""
