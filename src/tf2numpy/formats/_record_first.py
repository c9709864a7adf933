"""The first records of some files, however many blocks they lie in. What becomes of their columns may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .. import _memory
from .._errors import HostMemoryError
from .._units import format_bytes
from ..wire.examples import Columns
from ._record_decoding import Chosen, decode, decoder_of, of_another
from ._record_groups import Runs
from ._record_shards import Shard


def first_of(shown: str, shards: Sequence[Shard], message: str, chosen: Chosen, count: int) -> tuple[Columns, Runs]:
    """Decode so many records, or all there are; and say which they are.

    Raises: HostMemoryError if they do not fit.
    """
    free = _memory.free_bytes()
    decoder, runs = decoder_of(message, chosen, free), Runs()
    for number, shard in enumerate(shards):
        for block in shard.blocks():
            some, before = block[: count - decoder.rows], shards[:number]
            explain = partial(of_another, message, before)
            if decode(decoder, shard, some, message, 0, runs.begin(shard, block), explain) < len(some):
                raise HostMemoryError(
                    f"the first {count} records of {shown!r} take more than the {format_bytes(free)} of host memory "
                    f"that are free: {decoder.rows} were read; ask for fewer"
                )
            if decoder.rows >= count:
                return decoder.take(), runs
    return decoder.take(), runs
