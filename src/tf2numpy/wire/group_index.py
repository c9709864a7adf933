"""Our own index of a file of records: where groups of them lie, and what each column holds there. Files may not enter.

Eight bytes that say what it is, the length of a JSON object (u64), that object, arrays of int64, and the masked CRC-32C
of all that; little-endian. Anyone may have written it: what it says is bounded by the sizes of the groups before it is
believed, and whoever reads a group compares what is found there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from . import crc32c
from .examples import KINDS, Kind
from .records import FOOTER_BYTES, HEADER_BYTES

_BEGINS = b"t2nidx\x00\x01"
_INT64 = np.dtype("<i8")
_LEAST_RECORD_BYTES = HEADER_BYTES + FOOTER_BYTES
_BOUNDS = ("lengths", "steps")


@dataclass
class ColumnFacts:
    """What is known of one column. bounds: the least and the most values of a row (or step), and steps of a row.

    steps, values: how many each group has.
    """

    name: bytes
    in_list: bool
    kind: Kind | None
    present: int
    unset: bool
    lengths: tuple[int, int] | None
    steps: tuple[int, int] | None
    of_groups: tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass
class GroupIndex:
    """What is known of a file. told: what says whether it is still the same file; whoever keeps the index knows how.

    starts: where each group begins, and at last where the file ends. records: how many each has.
    """

    told: dict[str, Any]
    starts: NDArray[np.int64]
    records: NDArray[np.int64]
    columns: list[ColumnFacts] = field(default_factory=list)


def encoded(index: GroupIndex) -> bytes:
    """Write an index."""
    columns = [
        {
            "name": one.name.hex(),
            "list": one.in_list,
            "kind": one.kind,
            "present": one.present,
            "unset": one.unset,
            "lengths": one.lengths,
            "steps": one.steps,
        }
        for one in index.columns
    ]
    head = json.dumps({"told": index.told, "groups": len(index.records), "columns": columns}).encode()
    arrays = [index.starts, index.records, *(array for one in index.columns for array in one.of_groups)]
    body = b"".join(np.asarray(array, _INT64).tobytes() for array in arrays)
    content = _BEGINS + len(head).to_bytes(8, "little") + head + body
    return content + crc32c.masked(content).to_bytes(4, "little")


def decoded(data: bytes) -> GroupIndex:
    """Read an index.

    Raises: FormatError for one that is damaged, or says what no file can hold.
    """
    if not data.startswith(_BEGINS) or len(data) < len(_BEGINS) + 12:
        raise FormatError("it is no index of records")
    if crc32c.masked(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise FormatError("its bytes and the checksum after them do not fit")
    start = len(_BEGINS) + 8
    stop = start + int.from_bytes(data[len(_BEGINS) : start], "little")
    try:
        return _read(json.loads(data[start:stop]), data[stop:-4])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise FormatError(f"it says what no index does: {error!r}") from error


def _read(head: Any, body: bytes) -> GroupIndex:
    groups, columns = int(head["groups"]), list(head["columns"])
    counts = [groups + 1, groups, *([groups] * (2 * len(columns)))]
    if groups < 0 or len(body) != sum(counts) * _INT64.itemsize:
        raise ValueError(f"{len(body)} bytes for {groups} groups of {len(columns)} columns")
    flat = np.frombuffer(body, _INT64).astype(np.int64)
    starts, records, *rest = np.split(flat, np.cumsum(counts)[:-1])
    rising = starts[0] == 0 and (starts[1:] > starts[:-1]).all()  # else what lies between them may overflow
    sizes = np.diff(starts)
    if not rising or (records <= 0).any() or (records > sizes // _LEAST_RECORD_BYTES).any():
        raise ValueError("groups that do not follow one another, or have no room for their records")
    if any((one < 0).any() or (one > sizes).any() for one in rest):
        raise ValueError("more values than bytes")
    found = [_column(one, (rest[2 * n], rest[2 * n + 1]), int(records.sum())) for n, one in enumerate(columns)]
    if len({(one.name, one.in_list) for one in found}) < len(found):
        raise ValueError("a column twice")
    return GroupIndex(dict(head["told"]), starts, records, found)


def _column(about: Any, of_groups: tuple[NDArray[np.int64], NDArray[np.int64]], rows: int) -> ColumnFacts:
    kind, present = about["kind"], int(about["present"])
    if kind not in (None, *KINDS) or not 0 <= present <= rows:
        raise ValueError(f"a column of {kind!r} that {present} of {rows} records have")
    lengths, steps = (_bounds(about[key]) for key in _BOUNDS)
    name, in_list = bytes.fromhex(about["name"]), bool(about["list"])
    totals = [int(one.sum()) for one in of_groups]
    if kind is None and totals[1]:
        raise ValueError(f"{totals[1]} values of no kind")
    _consistent(in_list, present, lengths, steps, totals)
    return ColumnFacts(name, in_list, kind, present, bool(about["unset"]), lengths, steps, of_groups)


def _bounds(found: Any) -> tuple[int, int] | None:
    if found is None:
        return None
    least, most = (int(one) for one in found)
    if not 0 <= least <= most:
        raise ValueError(f"the bounds {found}")
    return least, most


def _consistent(
    in_list: bool, present: int, lengths: tuple[int, int] | None, steps: tuple[int, int] | None, totals: list[int]
) -> None:
    """Refuse bounds that the values do not fit: shapes follow from them."""
    rows = totals[0] if in_list else present
    for bounds, number, total in ((steps, present, totals[0]), (lengths, rows, totals[1])):
        if bounds is not None and not (number and bounds[0] * number <= total <= bounds[1] * number):
            raise ValueError(f"{total} values in {number} rows of {bounds[0]} to {bounds[1]}")
