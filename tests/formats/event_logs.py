"""Event logs made by hand, record by record."""

import struct
from pathlib import Path

import numpy as np

from tf2numpy.wire import crc32c

GOLDEN = Path(__file__).parent.parent / "golden" / "events"


def varint(value):
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def record(data):
    length = struct.pack("<Q", len(data))
    return b"".join((length, struct.pack("<I", crc32c.masked(length)), data, struct.pack("<I", crc32c.masked(data))))


def event(step, *values, wall_time=1.5, more=b""):
    summary = b"".join(field(1, value) for value in values)
    return b"\x09" + struct.pack("<d", wall_time) + b"\x10" + varint(step) + field(5, summary) + more


def scalar(tag, value):
    return field(1, tag) + b"\x15" + struct.pack("<f", value)


def tensor(tag, dtype, shape, content, more=b""):
    sizes = b"".join(field(2, b"\x08" + varint(size)) for size in shape)
    return field(1, tag) + field(8, b"\x08" + varint(dtype) + field(2, sizes) + field(4, content)) + more


COLUMNS = ("step", "wall_time", "value")
FIRST = record(b"\x09" + struct.pack("<d", 1.0) + field(3, b"brain.Event:2"))


def read(file):
    return {name: np.asarray(file[name]) for name in file}
