"""What the first records say of the columns, until a later one says otherwise. What columns become may not enter."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from .._errors import FormatError
from ..wire.examples import Columns
from ._example_facts import Survey
from ._record_decoding import RAW, RECORD, Chosen, decode, decoder_of, text
from ._record_groups import Runs
from ._record_reading import Reading
from ._record_shards import Shard

# As many records say what the others will be like, wherever they are looked for in vain for long.
_SAMPLED_FILES, _SAMPLED_RECORDS, _SAMPLED_BYTES = 16, 4096, 16 << 20


class Guess:
    """The layouts that follow from some records, compared with what the others add.

    What is ragged, missing or unset in some records is so in all of them together: layouts that all records agree with
    are those that a survey of all would have found.

    layouts: of the records that it began with. left_out: features without values, by name, in all records so far.
    """

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self.layouts, self.left_out = survey.layouts()

    def agrees(self, columns: Columns) -> bool:
        """Take in more records, perhaps for a second time, and tell whether the layouts are theirs too."""
        self._survey.add(columns)
        found, self.left_out = self._survey.layouts()
        return found == self.layouts


def sampled(reading: Reading, shards: Sequence[Shard], message: str, chosen: Chosen) -> Survey:
    """Look at the first records of some of the files."""
    survey, decoder = Survey(), decoder_of(message, chosen)
    some = shards[:: -(-len(shards) // _SAMPLED_FILES)] if shards else []
    for shard in some:
        rows = nbytes = 0
        for block in shard.blocks():
            reading.decode(decoder, shard, block, 0, Runs())
            survey.add(decoder.take())
            rows, nbytes = rows + len(block), nbytes + len(block.data)
            if rows * len(some) >= _SAMPLED_RECORDS or nbytes * len(some) >= _SAMPLED_BYTES:
                break
    return survey


def first_names(shards: Sequence[Shard], message: str) -> set[bytes]:
    """Give the names of the features of the first records that can be read; what is wrong with others is not said."""
    if message == RAW:
        return {RECORD}
    decoder = decoder_of(message, Chosen())
    for shard in shards:
        with suppress(FormatError):
            if (block := shard.first()) is not None:
                decode(decoder, shard.unreported(), block, message, 0, lambda *_: None, lambda _: "")
        columns = decoder.take()
        if columns.rows:
            return {*columns.features, *columns.lists}
    return set()


def first_shown(shards: Sequence[Shard], message: str) -> list[str]:
    """Give those names as messages show them."""
    return sorted(map(text, first_names(shards, message)))


def survey_of(columns: Columns) -> Survey:
    """Look at some records."""
    survey = Survey()
    survey.add(columns)
    return survey
