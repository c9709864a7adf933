"""Event messages, of which TensorBoard's logs are made, taken apart. What becomes of their values may not enter.

Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto, tensorflow/core/lib/histogram.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._errors import FormatError
from .protobuf import BYTES, FIXED32, FIXED64, VARINT, Message, field_at, signed

# What a value can be: the number of its field.
SIMPLE, IMAGE, HISTOGRAM, AUDIO, TENSOR = 2, 4, 5, 6, 8

# Fields of an event that hold no summary -> their names.
OTHERS = {
    4: "graph_def",
    6: "log_message",
    7: "session_log",
    8: "tagged_run_metadata",
    9: "meta_graph_def",
}
# number of a field of a histogram -> its name, in the order in which it is written. The last two are repeated.
HISTOGRAM_FIELDS = {1: "min", 2: "max", 3: "num", 4: "sum", 5: "sum_squares"}
HISTOGRAM_LISTS = {6: "bucket_limit", 7: "bucket"}
# Of images and sounds: the field of the encoded bytes, and those of their numbers with their names.
ENCODED = 4
ENCODED_FIELDS = {
    IMAGE: {1: "height", 2: "width", 3: "colorspace"},
    AUDIO: {1: "sample_rate", 2: "num_channels", 3: "length_frames"},
}
SAMPLE_RATE = 1  # is a float; all others are integers

_MOST_PARTS = 1 << 16  # of one event: each takes hundreds of times the memory that it needs in a file
_WALL_TIME, _STEP, _VERSION, _SUMMARY = 1, 2, 3, 5
_VALUE = 1
_TAG, _METADATA = 1, 9
_KINDS = frozenset((SIMPLE, IMAGE, HISTOGRAM, AUDIO, TENSOR))
_WIRE = {SIMPLE: FIXED32} | dict.fromkeys((IMAGE, HISTOGRAM, AUDIO, TENSOR, _TAG, _METADATA), BYTES)
_EVENT_WIRE = {_WALL_TIME: FIXED64, _STEP: VARINT} | dict.fromkeys((_VERSION, _SUMMARY, *OTHERS), BYTES)
_DOUBLE = struct.Struct("<d")
# What comes before the four bytes of a float32 scalar in the ways a TensorProto can hold one.
_FLOAT_SCALARS = frozenset((b"\x08\x01\x12\x00\x22\x04", b"\x08\x01\x12\x00\x2a\x04", b"\x08\x01\x12\x00\x2d"))


class Value(NamedTuple):
    """One value of a summary.

    kind: the number of its field, 0 where there is none. content: what that field holds, of SIMPLE its four bytes;
    start: where it begins in the event. metadata: a SummaryMetadata, empty where there is none.
    """

    tag: str
    kind: int
    content: memoryview
    start: int
    metadata: memoryview


class Event(NamedTuple):
    """One event. wall_time: in seconds since 1970. version: of the file; in its first event only.

    others: number and bytes of each field that holds no summary.
    """

    wall_time: float
    step: int
    version: str
    values: list[Value]
    others: list[tuple[int, int]]


def event(data: memoryview) -> Event:
    """Read one event.

    Raises: FormatError, naming the offset, for what is none.
    """
    wall_time, step, version = 0.0, 0, ""
    values: list[Value] = []
    others: list[tuple[int, int]] = []
    at, end = 0, len(data)
    while at < end:
        number, kind, value, at = field_at(data, at)
        if kind != _EVENT_WIRE.get(number, kind):
            raise FormatError(f"the field {number} of an event has the wire type {kind}, which it never has")
        if number == _WALL_TIME:
            (wall_time,) = _DOUBLE.unpack_from(data, at - 8)
        elif number == _STEP:
            step = signed(value)
        elif number == _SUMMARY:
            _add_values(value, at - len(value), values)
        elif number == _VERSION:
            version = str(value, "utf-8", "replace")
        elif number in OTHERS:
            others.append((number, len(value)))
            _bound(len(others))
    return Event(wall_time, step, version, values, others)


def plugin(metadata: memoryview) -> tuple[str, int]:
    """Give the name of the plugin that a value is for, "" where none is named, and the bytes of what only it knows."""
    data = Message(metadata).message(1)
    return data.text(1), len(data.content(2))


def scalar_place(value: Value) -> int | None:
    """Say where in the content the four bytes of a float32 scalar lie; None if it is none, or in no usual form."""
    if value.kind == SIMPLE:
        return 0
    content = value.content
    usual = value.kind == TENSOR and len(content) in (9, 10) and bytes(content[:-4]) in _FLOAT_SCALARS
    return len(content) - 4 if usual else None


def histogram(data: memoryview) -> tuple[list[float], list[NDArray[np.float64]]]:
    """Give the numbers in a HistogramProto, in the order of HISTOGRAM_FIELDS, and its lists, of HISTOGRAM_LISTS.

    Raises: FormatError for what is none.
    """
    found = Message(data)
    bits = np.array([found.fixed64(number) for number in HISTOGRAM_FIELDS], np.uint64)
    return bits.view(np.float64).tolist(), [found.fixed(number, np.float64) for number in HISTOGRAM_LISTS]


def _add_values(summary: memoryview, base: int, values: list[Value]) -> None:
    at, end = 0, len(summary)
    while at < end:
        number, kind, value, at = field_at(summary, at)
        if number == _VALUE:
            if kind != BYTES:
                raise FormatError(f"the value of a summary has the wire type {kind}, which it never has")
            values.append(_value(value, base + at - len(value)))
            _bound(len(values))


def _bound(parts: int) -> None:
    if parts > _MOST_PARTS:
        raise FormatError(f"the event has more than {_MOST_PARTS} values, which none that is written has")


def _value(data: memoryview, base: int) -> Value:
    tag, found, content, start, metadata = b"", 0, data[:0], base, data[:0]
    at, end = 0, len(data)
    while at < end:
        number, kind, value, at = field_at(data, at)
        if kind != _WIRE.get(number, kind):
            raise FormatError(f"the field {number} of a value has the wire type {kind}, which it never has")
        if number == _TAG:
            tag = value
        elif number in _KINDS:  # of several, the last
            found, content = number, data[at - 4 : at] if number == SIMPLE else value
            start = base + at - len(content)
        elif number == _METADATA:
            metadata = value
    return Value(str(tag, "utf-8", "surrogateescape"), found, content, start, metadata)
