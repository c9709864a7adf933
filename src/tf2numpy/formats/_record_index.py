"""The index that is kept beside a file of records, so that it need not be read again. How it is written may not enter.

It is a hidden file, .NAME.t2n-index, which neither a pattern nor a folder takes for records. One that is of another
file than there is, or damaged, is made anew. It is believed as far as it can be: groups are read, and their checksums
compared, as always, and what they hold must be what the index says.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .._errors import FormatError, InvalidArgument
from ..wire import crc32c
from ..wire.examples import Columns
from ..wire.group_index import GroupIndex, decoded, encoded
from ..wire.records import HEADER_BYTES
from ._example_facts import Facts, Survey
from ._example_parts import STEPS, VALUES, Layout, Where
from ._example_schema import DeclaredLayout
from ._record_decoding import Chosen, decode, decoder_of
from ._record_groups import Groups, Runs
from ._record_shards import Shard

_SUFFIX = ".t2n-index"
_MOST_BYTES = 1 << 30
_SAMPLED_HEADERS, _SAMPLED_BYTES = 64, 4096
_READ_AND_WRITE = 0o666
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Known(NamedTuple):
    """What indexes say: of all columns, where groups lie, and how many entries these have of declared columns."""

    survey: Survey
    groups: Groups
    counts: dict[str, dict[str, array[int]]]


def known(
    shards: Sequence[Shard], message: str, declared: Sequence[DeclaredLayout], chosen: Callable[[], Chosen]
) -> Known | None:
    """Give what is known of the wanted columns by indexes; None if that does not say all of it.

    Raises: as `indexed`.
    """
    found = indexed(shards, message)
    if found is None:
        return None
    survey, groups = found
    counts = {}
    for layout in declared:
        if layout.known:
            continue
        counted = layout.counted(survey)
        if counted is None:
            return None
        counts[layout.name] = {name: array("q", each.tolist()) for name, each in counted.items()}
    survey.keep(*chosen())
    return Known(survey, groups, counts)


def indexed(shards: Sequence[Shard], message: str) -> tuple[Survey, Groups] | None:
    """Give what all records of some files hold, and where, by the indexes beside them, which are made where they lack.

    None where files disagree on what a feature is: whoever reads them says so.
    Raises: InvalidArgument where an index cannot be written; as `Shard.blocks`.
    """
    survey, groups = Survey(), Groups(shards)
    for number, shard in enumerate(shards):
        index = _of(shard, message) if shard.size else None
        count = 0 if index is None else int(index.records.sum())
        if shard.told is not None and shard.told[0] != count:
            raise FormatError(
                f"{shard.name!r} cannot be read: it has {count} records, and {shard.told[1]!r} tells of {shard.told[0]}"
            )
        if index is None:
            continue
        if not survey.join(index):
            return None
        groups.join(number, index)
    return survey, groups


def index_path(name: str) -> Path:
    """Say where the index of a file lies."""
    return Path(name).with_name(f".{Path(name).name}{_SUFFIX}")


def check_indexable(shard: Shard) -> None:
    """Refuse a file that can have no index.

    Raises: InvalidArgument saying why, and what to do.
    """
    why = ""
    if not isinstance(shard.place, Path):
        why = "lies in a store, where nothing is written; copy it to a disk first"
    elif shard.compression not in ("none", None):
        why = f"is compressed ({shard.compression}), and such files can only be read from their beginning on; unpack it"
    if why:
        raise InvalidArgument(f"index=True keeps where the records of a file lie, and {shard.name!r} {why}")


def check_group(
    shard: Shard, layout: Layout | DeclaredLayout, columns: Columns, expected: Mapping[str, int], where: Where
) -> None:
    """Compare a group that was read with what the index says of it.

    Raises: FormatError for an index that does not fit its file, though nothing showed that before.
    """
    column = layout.column(columns)
    if isinstance(layout, DeclaredLayout) and layout.known:
        fits = columns.rows == expected[""]
    elif isinstance(layout, DeclaredLayout):
        fits = layout.sizes(column, columns.rows, where) == expected
    else:
        facts = Facts()
        if column is not None:
            facts.add(column, 0)
        counts = [columns.rows, *(int(facts.counts(along, 1)[0]) for along in (STEPS, VALUES))]
        fits = all(counts[part.along] == expected[part.name] for part in layout.parts)
        fits = fits and facts.fits(layout, columns.rows)
    if not fits:
        raise FormatError(
            f"{shard.name!r} holds other records than its index {str(index_path(shard.name))!r} says; delete the index"
        )


def _of(shard: Shard, message: str) -> GroupIndex:
    """Give the index of a file that has records: the one beside it, or a new one."""
    index = _kept(shard, message)
    if index is None:
        index = _made(shard, message)
        _keep(shard, index)
    return index


def _kept(shard: Shard, message: str) -> GroupIndex | None:
    """Read the index of a file; None if there is none that fits."""
    path = index_path(shard.name)
    try:
        if not path.is_file():  # a pipe, say, which would be waited for
            return None
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
        index = decoded(data)
    except (OSError, FormatError):
        return None
    fits = int(index.starts[-1]) == shard.size and index.told == _told(shard, message, index, _modified_ns(shard))
    return index if fits else None


def _made(shard: Shard, message: str) -> GroupIndex:
    """Read all of a file."""
    survey, decoder = Survey(), decoder_of(message, Chosen())
    starts, records, modified_ns = [0], [], _modified_ns(shard)
    for block in shard.ahead():
        decode(decoder, shard, block, message, 0, Runs().begin(shard, block), lambda _: "")
        survey.add(decoder.take())
        starts.append(Groups.end_of(block))
        records.append(len(block))
    index = GroupIndex({}, np.array(starts), np.array(records, np.int64), survey.facts())
    index.told = _told(shard, message, index, modified_ns)
    return index


def _told(shard: Shard, message: str, index: GroupIndex, modified_ns: int) -> dict[str, object]:
    """Say what tells whether a file is still the one of an index: its size, its time, some of its bytes."""
    size, starts = shard.size, index.starts[:-1]
    some = starts[:: max(1, len(starts) // _SAMPLED_HEADERS)].tolist()
    parts = [(0, min(size, _SAMPLED_BYTES)), (max(0, size - _SAMPLED_BYTES), size)]
    parts += [(start, min(start + HEADER_BYTES, size)) for start in some]
    seen = b"".join(bytes(shard.blob.read(start, stop)) for start, stop in parts)
    return {"message": message, "size": size, "modified_ns": modified_ns, "sum": crc32c.masked(seen)}


def _modified_ns(shard: Shard) -> int:
    return os.stat(shard.name).st_mtime_ns


def _keep(shard: Shard, index: GroupIndex) -> None:
    """Write an index whole or not at all, whoever else writes it now.

    Raises: InvalidArgument where one may not write; OSError.
    """
    path = index_path(shard.name)
    try:
        with _beside(path) as (file, name):
            with os.fdopen(file, "wb") as stream:
                stream.write(encoded(index))
            with contextlib.suppress(OSError):  # of a file system without permissions
                os.chmod(name, os.stat(shard.name).st_mode & _READ_AND_WRITE)  # for all who may read the records
            os.replace(name, path)
    except OSError as error:
        if error.errno not in _READ_ONLY:
            raise
        raise InvalidArgument(
            f"index=True keeps {str(path)!r}, and it cannot be written: {error.strerror}; leave index out, or copy the "
            "records to a folder in which you may write"
        ) from error


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[tuple[int, str]]:
    file, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        yield file, name
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
