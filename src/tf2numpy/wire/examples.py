"""tf.train.Example and SequenceExample messages, decoded block by block into columns. Where records lie may not enter.

Source: tensorflow/core/example/{example,feature}.proto, and protobuf's own rules: fields in any order, messages in
parts, numbers packed or not, and unknown fields are all read as protobuf reads them. Of entries of one name the last
counts; a feature that holds several kinds of values holds the last kind. A name may be any bytes, as for TensorFlow's
own decoders, and an entry may have unknown fields, which TensorFlow's refuse.

A value takes at most eight times its bytes in the record (a number below 128 is one byte there and an int64 here), and
up to twice that while columns grow; a column takes up to 1,000 bytes beside its values, and there are 65,536 at most.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError, HostMemoryError
from ._examples import Kernel, Memory, fill_strings, is_message

Kind: TypeAlias = Literal["bytes", "float", "int64"]
# Features by name; of a mapping, with the kind of their values, where it is known.
Names: TypeAlias = Iterable[bytes] | Mapping[bytes, Kind | None]

KINDS: tuple[Kind, ...] = ("bytes", "float", "int64")

_DTYPES: dict[Kind | None, Any] = {"bytes": np.uint8, "float": np.dtype("<f4"), "int64": np.int64, None: np.uint8}
_OTHER_KIND, _MANY_COLUMNS, _NO_MEMORY, _OVER_BOUND, _OUTSIDE = range(10, 15)
# The first of what can be wrong, in the order of _fields.pxd.
_WORDS = (
    "nothing is wrong",
    "a number is cut short",
    "a number has more than {allowed} bytes",
    "a field has the number {found}; 1 to {allowed} are allowed",
    "the field {allowed} has the wire type {found}; 0, 1, 2, 3 and 5 are known",
    "a field takes {found} bytes, and {allowed} are left",
    "the group {allowed} ends, which has not begun",
    "the group {found} has no end",
    "more than {allowed} groups lie in one another",
    "packed floats take {found} bytes, which is no multiple of {allowed}",
)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One feature of a number of records, in row order; missing rows take no place.

    kind: of its values; None where no row has any. rows: how many records there are. count: how many of them have it.
    present: which these are, int64[count] and rising; None if they are the first ones.
    values: all values, flat: float32, int64, or of strings the bytes, uint8. ends: of strings, where each ends in
    `values`, after a 0: int64[strings + 1]; else None.
    lengths: how many values each row that has it holds, int64[count], or one number where all hold as many.
    steps: None for a feature. For a feature list, how many features each row holds, as `lengths`, which then counts the
    values of each of these in turn; unset: which of these have no kind, rising, and so 0 values.

    Arrays are writable, and no one else's.
    """

    kind: Kind | None
    rows: int
    count: int
    present: NDArray[np.int64] | None
    values: NDArray[Any]
    ends: NDArray[np.int64] | None
    lengths: NDArray[np.int64] | int
    steps: NDArray[np.int64] | int | None
    unset: NDArray[np.int64]

    @property
    def fixed(self) -> int | None:
        """How many values each row holds, if all have it and hold as many: then values, or ends, are a dense array.

        For a feature list, how many each of its features holds, if all have a kind and hold as many.
        """
        complete = self.count == self.rows if self.steps is None else not self.unset.size
        return self.lengths if complete and isinstance(self.lengths, int) else None

    def missing(self) -> NDArray[np.bool_]:
        """Tell of each row whether it lacks the feature: bool[rows]."""
        found = np.ones(self.rows, np.bool_)
        found[slice(self.count) if self.present is None else self.present] = False
        return found

    def strings(self) -> NDArray[np.object_]:
        """Make the byte strings, flat: bytes objects of their own."""
        ends = np.zeros(1, np.int64) if self.ends is None else self.ends
        found = np.empty(len(ends) - 1, object)
        fill_strings(found, self.values, ends)
        return found

    def of_rows(self, each: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Spread `lengths`, or `steps`, of those that have it to all rows: int64[rows], 0 where it is missing."""
        found = np.zeros(self.rows, np.int64)
        found[slice(self.count) if self.present is None else self.present] = each
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What a number of records hold. rows: how many. features, lists: columns by name, in the order they were found."""

    rows: int
    features: dict[bytes, Column]
    lists: dict[bytes, Column]


class Decoder:
    """Decodes blocks of records, one after the other, into columns; other threads of Python run meanwhile.

    Each thread needs one of its own. A feature is a column from the record on in which it is first met; its kind is
    that of the first values, if it was not given.
    """

    def __init__(
        self,
        *,
        sequence: bool = False,
        select: Names | None = None,
        lists: Names | None = None,
        most_bytes: int | None = None,
    ) -> None:
        """sequence: the records are SequenceExamples; `select` is for their context, `lists` for their feature lists.

        select, lists: the wanted ones; others are not looked into. None: all there are, as they are found.
        most_bytes: how much memory the columns may take.
        Raises: ValueError for more than 65,536 wanted names, or a kind that is none.
        """
        key = os.urandom(16)
        self._kernel = Kernel(
            sequence,
            _numbered(select),
            _numbered(lists),
            most_bytes or 0,
            int.from_bytes(key[:8], "little"),
            int.from_bytes(key[8:], "little"),
        )
        self._message = "tf.train.SequenceExample" if sequence else "tf.train.Example"

    @property
    def rows(self) -> int:
        """How many records the columns hold."""
        return self._kernel.rows

    @property
    def nbytes(self) -> int:
        """How much memory the columns take, with the room in which they can grow."""
        return self._kernel.nbytes

    def decode(
        self,
        data: Any,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        numbers: NDArray[np.int64] | None = None,
    ) -> None:
        """Add the records data[starts[i]:stops[i]], as a `records.Block` has them.

        numbers: what errors call them; None: 0, 1, ...
        Raises: FormatError naming the record, the feature and the offset in the record, for what is no such message,
        for values of another kind than the column's, and for too many features; HostMemoryError at `most_bytes`;
        MemoryError. The records before that one are added then, as `rows` tells, and nothing of it: one may go on after
        it, or after a `take` with it.
        """
        starts, stops = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(stops, np.int64)
        before = self.rows
        fault = self._kernel.decode(_flat(data), starts, stops)
        if fault is not None:
            at = self.rows - before
            raise self._error(at if numbers is None else int(numbers[at]), *fault)

    def take(self) -> Columns:
        """Give the columns, without a copy, and go on with the same ones, empty: kinds stay.

        A column of an earlier take that no record had since is there with no rows that have it.
        """
        rows = self.rows
        found = Columns(rows, {}, {})
        for (
            name,
            in_list,
            number,
            count,
            values,
            ends,
            present,
            lengths,
            length,
            steps,
            step,
            unset,
        ) in self._kernel.take():
            kind = KINDS[number - 1] if number else None
            column = Column(
                kind,
                rows,
                count,
                _int64s(present) if present else None,
                np.frombuffer(memoryview(values), _DTYPES[kind]),
                (_int64s(ends) if ends else np.zeros(1, np.int64)) if kind == "bytes" else None,
                _int64s(lengths) if lengths else length,
                (_int64s(steps) if steps else step) if in_list else None,
                _int64s(unset),
            )
            (found.lists if in_list else found.features)[name] = column
        return found

    def _error(self, record: int, wrong: int, at: int, found: int, allowed: int, name: bytes | None) -> Exception:
        feature = "" if name is None else f"the feature {name.decode('utf-8', 'backslashreplace')!r}"
        if wrong == _OTHER_KIND:
            return FormatError(
                f"{feature} of the record {record} holds {KINDS[found - 1]} values (at its byte {at}), and its column "
                f"holds {KINDS[allowed - 1]} values"
            )
        if wrong == _MANY_COLUMNS:
            return FormatError(
                f"the record {record} and those before it have more than {allowed} different features; select the "
                "wanted ones"
            )
        if wrong == _NO_MEMORY:
            return MemoryError(f"there is no memory for a column of {found} bytes, which the record {record} needs")
        if wrong == _OVER_BOUND:
            return HostMemoryError(
                f"with the record {record} the columns would take {found} bytes, and {allowed} are allowed; take those "
                "before it first"
            )
        if wrong == _OUTSIDE:
            return ValueError(f"the record {record} is not within the {allowed} bytes of its block")
        within = f", in {feature}" if feature else ""
        what = _WORDS[wrong].format(found=found, allowed=allowed)
        return FormatError(f"the record {record} is no {self._message}: at its byte {at}{within}, {what}")


def is_example(record: Any) -> bool:
    """Tell whether bytes are an Example and nothing else: features by name, each with one list of values at most.

    Unknown fields are refused here. A record of no bytes is an Example without features. A SequenceExample without
    feature lists is an Example too, byte for byte: one that has any decides for a file, since `is_example` refuses it.
    """
    return is_message(_flat(record), False)


def is_sequence_example(record: Any) -> bool:
    """Tell whether bytes are a SequenceExample and nothing else; as each Example is, whose features are its context."""
    return is_message(_flat(record), True)


def _flat(data: Any) -> memoryview:
    view = memoryview(data)
    return view if (view.format, view.ndim) == ("B", 1) else view.cast("B")  # which nothing empty can be


def _numbered(names: Names | None) -> dict[bytes, int] | None:
    if names is None:
        return None
    kinds = names if isinstance(names, Mapping) else dict.fromkeys(names)
    for kind in kinds.values():
        if kind not in (None, *KINDS):
            raise ValueError(f"{kind!r} is not a kind of values; {KINDS} are")
    return {name: 0 if kind is None else 1 + KINDS.index(kind) for name, kind in kinds.items()}


def _int64s(memory: Memory) -> NDArray[np.int64]:
    return np.frombuffer(memoryview(memory), np.int64)
