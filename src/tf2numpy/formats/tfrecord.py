"""TFRecord files as tables: a column for each feature of their tf.train.Examples. Other records may not enter.

One file, the files that a pattern fits, or a folder of them. Records that are neither Examples nor SequenceExamples
make one column of bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial as given
from typing import Any

from .._errors import FormatError, InvalidArgument
from .._places import is_pattern
from .._protocols import ArraySource, Place, Stored
from .._schema import IMAGE, Declared, declared
from .._selection import no_feature
from ._example_images import check_apart, first_channels
from ._left_out import LeftOut
from ._record_decoding import EXAMPLE, RAW, message_of
from ._record_index import check_indexable
from ._record_names import inside, named_by
from ._record_rows import Rows
from ._record_shards import Shard, Wanted, wanted_of
from ._record_sources import sources_of
from ._record_table import Table
from ._small_files import json_of
from ._tfds_features import NOTHING_TOLD, Features, features_of, is_features

_SUFFIX = ".tfrecord"
_LOOKED_AT = 64


def tfrecord(
    path: Place,
    head: bytes,
    *,
    check: bool = True,
    on_corrupt: str = "raise",
    partial: bool = False,
    schema: Mapping[str, Any] | Place | None = None,
    images: bool = False,
    index: bool = False,
) -> Stored | None:
    """Open TFRecord files as arrays along their records.

    check, on_corrupt, partial, schema, images, index: as `open` takes them; schema may be the place of a features.json.
    Raises: FormatError naming the file, for one among several that has no records, or others; ChecksumError.
    """
    shards = _shards(path, wanted_of(check, on_corrupt, partial, index))
    if shards is None:
        return None
    for shard in shards if index else ():
        check_indexable(shard)
    found, told = _schema_of(schema, images)
    message = _message(shards)
    if found is not None and message == RAW:
        raise InvalidArgument(
            f"schema= declares features, and the records of {str(path)!r} are bytes; leave schema out"
        )
    return of_table(table_of(str(path), shards, message, found), told)


def _schema_of(schema: Any, images: bool) -> tuple[dict[str, Declared] | None, Features]:
    """Read a schema, be it of a features.json, which tells more."""
    if isinstance(schema, Mapping) and is_features(schema):
        features = features_of(schema, "schema=", images=images)
    elif hasattr(schema, "is_file"):
        features = features_of(json_of(schema), repr(str(schema)), images=images)
    elif images:
        raise InvalidArgument(
            "images=True decodes the images that a features.json tells of; declare others with "
            "schema={'name': t2n.Image(...)}"
        )
    else:
        return None if schema is None else declared(schema), NOTHING_TOLD
    return declared(features.schema), features


def _shards(path: Place, reading: Wanted) -> list[Shard] | None:
    if path.is_file():
        return _recognised([path], reading)
    if path.is_dir():
        return _recognised(inside(path), reading)
    if not is_pattern(path) or not (files := named_by(path)):
        return None
    shards = [Shard(file, reading) for file in files]
    found = [_has_records(one) for one in shards]
    if False in found and any(found):
        raise FormatError(
            f"{shards[found.index(False)].name!r}, which {str(path)!r} fits, is no TFRecord file; give a pattern that "
            "fits only such files"
        )
    return None if False in found else shards


def _recognised(files: Sequence[Place], reading: Wanted) -> list[Shard] | None:
    """Give the shards if all are TFRecords; an empty file by itself may be anything, unless it is called so."""
    shards = [Shard(file, reading) for file in files]
    found = [_has_records(one) for one in shards]
    sure = any(found) or any(_SUFFIX in file.name for file in files)
    return shards if sure and False not in found else None


def _has_records(shard: Shard) -> bool | None:
    """Tell whether a file has records; None of one that is empty, as one of several may be."""
    if shard.compression not in ("gzip", "zlib"):
        return shard.compression is not None if shard.size else None
    try:
        return True if shard.first() is not None else None
    except FormatError:
        return False


def _message(shards: Sequence[Shard]) -> str:
    """Tell what the records of some files are, by the first ones of each.

    Raises: FormatError for files of different messages, naming two.
    """
    message, first = EXAMPLE, ""
    for shard in shards:
        try:
            block = shard.first()
        except FormatError:
            continue  # to be told, or passed over, when it is read
        if block is None:
            continue
        found = message_of(block)
        if first and found != message and RAW in (found, message):
            raise FormatError(f"{first!r} has records of {message}, and {shard.name!r} of {found}; open them apart")
        message = found if not first or found != EXAMPLE else message
        first = first or shard.name
    return message


def table_of(shown: str, shards: Sequence[Shard], message: str, schema: Mapping[str, Declared] | None) -> Table:
    """Make a table of files whose records are all of one kind of message.

    Raises: InvalidArgument for what cannot be one table.
    """
    if schema is not None:
        schema = _with_channels(shown, shards, message, schema)
        check_apart(schema)
    return Table(shown, shards, message, None, schema)


def _with_channels(
    shown: str, shards: Sequence[Shard], message: str, schema: Mapping[str, Declared]
) -> dict[str, Declared]:
    """Let images of which it is not declared have as many channels as the first one."""
    found = dict(schema)
    for name, one in schema.items():
        if one.form != IMAGE or one.shape[2] is not None:
            continue
        columns, layouts, where = Table(shown, shards, message, [name], {name: one}).first(_LOOKED_AT)
        channels = first_channels(layouts[0].column(columns), one, where)
        if channels is None:
            raise InvalidArgument(
                f"schema: the feature {name!r} is declared as an Image of any number of channels, and none of the "
                f"first {columns.rows} records of {shown!r} has one; declare how many"
            )
        found[name] = one._replace(shape=(*one.shape[:2], channels))
    return found


def of_table(table: Table, told: Features = NOTHING_TOLD) -> Stored:
    """Give a table as what `open` gives; told: what else is known of the features."""
    kind = f"TFRecords of {table.message}"
    return Stored(
        kind,
        _Arrays(table, kind),
        table.close,
        left_out=LeftOut(lambda: table.left_out | dict(told.left_out) | table.passed_over),
        rows=Rows(table, kind),
        narrow=given(_narrowed, table, told),
        notes=told.notes,
    )


def _narrowed(table: Table, told: Features, select: Sequence[str]) -> Stored:
    """Leave only some features.

    Raises: InvalidArgument for a pattern that fits none of them.
    """
    for pattern in select:
        if not table.has(pattern):
            known = sorted(name.decode("utf-8", "backslashreplace") for name in table.features())
            raise no_feature(pattern, known, table.shown)
    return of_table(table.narrowed(select), told.narrowed(select))


class _Arrays(Mapping[str, ArraySource]):
    """The arrays by name. Which there are is found out when that is first asked."""

    def __init__(self, table: Table, kind: str) -> None:
        self._table, self._kind = table, kind
        self._known: dict[str, ArraySource] | None = None

    @property
    def _found(self) -> dict[str, ArraySource]:
        if self._known is None:
            self._known = {}
            for layout in self._table.layouts:
                self._known |= sources_of(self._table, layout, self._kind)
        return self._known

    def __getitem__(self, name: str) -> ArraySource:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)
