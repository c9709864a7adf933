"""Writes tables and tensor bundles byte by byte, as their format allows, and as no TensorFlow would."""

from __future__ import annotations

import math
import struct

import numpy as np

from tf2numpy._dtypes import storage
from tf2numpy.wire import crc32c, slices

MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
ENUMS = {
    "float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "object": 7, "complex64": 8, "int64": 9,
    "bool": 10, "bfloat16": 14, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23,
    "float8_e5m2": 24, "float8_e4m3fn": 25, "float8_e4m3fnuz": 26, "float8_e4m3b11fnuz": 27, "float8_e5m2fnuz": 28,
    "int4": 29, "uint4": 30, "int2": 31, "uint2": 32,
}  # fmt: skip


def varint(value):
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field, value):
    """One varint field; zero is absent."""
    return varint(field << 3) + varint(value) if value else b""


def content(field, value):
    """One length-delimited field."""
    return varint(field << 3 | 2) + varint(len(value)) + value


def shape_proto(shape):
    return b"".join(content(2, number(1, n)) for n in shape)


def slice_proto(part):
    return b"".join(
        content(1, number(1, start) + (b"" if length == -1 else varint(2 << 3) + varint(length)))
        for start, length in part
    )


def block(rows, restart_every=16):
    """Give the contents of a block, keys sharing their beginnings but for every so many-th one."""
    out, restarts, last = bytearray(), [0], b""
    for place, (key, value) in enumerate(rows):
        shared = 0
        if place % restart_every:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        elif place:
            restarts.append(len(out))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return bytes(out) + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def on_disk(contents, *, snappy=False, kind=None):
    """Give a block with its trailer."""
    kind = int(snappy) if kind is None else kind
    if snappy:
        import cramjam

        contents = bytes(cramjam.snappy.compress_raw(contents))
    whole = contents + bytes([kind])
    return whole + struct.pack("<I", crc32c.masked(whole))


def table(rows, *, per_block=100, snappy=False):
    """Give a whole table of (key, value), in the order given."""
    out, index = bytearray(), []
    for start in range(0, len(rows), per_block):
        some = rows[start : start + per_block]
        stored = on_disk(block(some), snappy=snappy)
        index.append((some[-1][0], varint(len(out)) + varint(len(stored) - 5)))
        out += stored
    return with_index(bytes(out), index, snappy=snappy)


def with_index(blocks, index, *, snappy=False):
    """Put an index and a footer after blocks."""
    out = bytearray(blocks)
    meta = on_disk(block([]))
    places = varint(len(out)) + varint(len(meta) - 5)
    out += meta
    stored = on_disk(block(index, 1), snappy=snappy)
    places += varint(len(out)) + varint(len(stored) - 5)
    return bytes(out + stored) + places.ljust(40, b"\0") + MAGIC


def header(shards=1, big_endian=False, version=b"\x08\1"):
    return number(1, shards) + number(2, int(big_endian)) + content(3, version)


def entry(enum, shape, shard=0, offset=0, size=0, crc=0, parts=()):
    """Give a BundleEntryProto."""
    return (
        number(1, enum)
        + content(2, shape_proto(shape))
        + number(3, shard)
        + number(4, offset)
        + number(5, size)
        + (varint(6 << 3 | 5) + struct.pack("<I", crc) if crc else b"")
        + b"".join(content(7, slice_proto(part)) for part in parts)
    )


def payload(array, *, big_endian=False):
    """Give the bytes of a tensor and their masked checksum."""
    if not array.dtype.hasobject:
        bits = array.view(storage(array.dtype))
        raw = bits.astype(bits.dtype.newbyteorder(">" if big_endian else "<")).tobytes()
        return raw, crc32c.masked(raw)
    texts = list(array.flat)
    lengths = b"".join(struct.pack("<I" if len(text) < 1 << 32 else "<Q", len(text)) for text in texts)
    stored = struct.pack("<I", crc32c.masked(lengths))
    joined = b"".join(texts)
    return b"".join(varint(len(text)) for text in texts) + stored + joined, crc32c.masked(lengths + stored + joined)


def cut(array, parts):
    """Give the pieces of an array by the extents of its parts."""
    for part in parts:
        index = tuple(slice(None) if length == -1 else slice(start, start + length) for start, length in part)
        yield part, array[index]


class BundleFiles:
    """The files of a bundle, built tensor by tensor."""

    def __init__(self, *, shards=1, big_endian=False, gap=0):
        self.shards, self.big_endian, self.gap = shards, big_endian, gap
        self.data = [bytearray() for _ in range(shards)]
        self.rows = {b"": header(shards, big_endian)}

    def add(self, name, array, *, shard=0, key=None):
        """Store an array whole."""
        raw, crc = payload(array, big_endian=self.big_endian)
        data = self.data[shard]
        data += bytes(self.gap)
        key = name.encode() if key is None else key
        self.rows[key] = entry(ENUMS[array.dtype.name], array.shape, shard, len(data), len(raw), crc)
        data += raw
        return self

    def add_parts(self, name, array, parts):
        """Store an array in parts, which go to the shards in turn."""
        self.rows[name.encode()] = entry(ENUMS[array.dtype.name], array.shape, parts=parts)
        for place, (part, piece) in enumerate(cut(array, parts)):
            self.add(name, piece, shard=place % self.shards, key=slices.key(name.encode(), part))
        return self

    def index(self, **how):
        return table(sorted(self.rows.items()), **how)

    def write(self, folder, name="ck", **how):
        """Write the files; give their prefix."""
        (folder / f"{name}.index").write_bytes(self.index(**how))
        for shard, data in enumerate(self.data):
            (folder / f"{name}.data-{shard:05d}-of-{self.shards:05d}").write_bytes(data)
        return folder / name


def volume(shape):
    return math.prod(shape)


def strings(*texts):
    array = np.empty(len(texts), object)
    array[:] = texts
    return array
