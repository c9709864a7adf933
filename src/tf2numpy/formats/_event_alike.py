"""Events that differ from earlier ones in time, step and one number alone, taken in without taking them apart.

Almost all events of a run are such: the same tag once in every step. What else an event can be may not enter.
"""

from __future__ import annotations

import struct
from array import array
from typing import NamedTuple

from ..wire.protobuf import varint

_WALL_TIME_KEY, _STEP_KEY, _SUMMARY_KEY = 0x09, 0x10, 0x2A
_AFTER_WALL_TIME = 9
_NUMBER_BYTES = 4
_MOST_STEP_BITS = 56
_MOST_KNOWN, _MOST_KNOWN_BYTES = 1 << 15, 1 << 10
_DOUBLE = struct.Struct("<d")

# Where times, steps and the bytes of numbers go.
Target = tuple["array[float]", "array[int]", bytearray]


class _Known(NamedTuple):
    suffix: bytes
    target: Target


class Alike:
    """Knows events by the bytes between their step and their number, and those after it."""

    def __init__(self) -> None:
        # bytes after the step -> bytes after the number -> bytes between the two
        self._known: dict[int, dict[int, dict[bytes, _Known]]] = {}
        self._count = 0

    def learn(self, data: bytes, at: int, target: Target) -> None:
        """Remember an event of a time, perhaps a step, and one summary; at: where its number lies."""
        if data[0] != _WALL_TIME_KEY or len(data) > _MOST_KNOWN_BYTES or self._count >= _MOST_KNOWN:
            return
        begin = _AFTER_WALL_TIME
        if data[begin] == _STEP_KEY:
            _, begin = varint(data, begin + 1)
        if data[begin] != _SUMMARY_KEY:
            return
        size, content = varint(data, begin + 1)
        if content + size != len(data):
            return
        suffix = data[at + _NUMBER_BYTES :]
        alike = self._known.setdefault(len(data) - begin, {}).setdefault(len(suffix), {})
        self._count += 1
        alike[data[begin:at]] = _Known(suffix, target)

    def take(self, data: bytes, start: int, stop: int) -> bool:
        """Take in an event, or say that it is like none that is known."""
        at = start + _AFTER_WALL_TIME
        if at >= stop or data[start] != _WALL_TIME_KEY:
            return False
        step = 0
        if data[at] == _STEP_KEY:
            bits, byte = 0, 0x80
            while byte >= 0x80:
                at += 1
                if at >= stop or bits > _MOST_STEP_BITS - 7:
                    return False
                byte = data[at]
                step |= (byte & 0x7F) << bits
                bits += 7
            at += 1
        for after, alike in self._known.get(stop - at, {}).items():
            number = stop - after - _NUMBER_BYTES
            found = alike.get(data[at:number])
            if found is not None and data[number + _NUMBER_BYTES : stop] == found.suffix:
                wall_times, steps, held = found.target
                wall_times.append(_DOUBLE.unpack_from(data, start + 1)[0])
                steps.append(step)
                held += data[number : number + _NUMBER_BYTES]
                return True
        return False
