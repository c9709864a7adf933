"""Snapshots tell of themselves, and the records of their first versions are read as those of today."""

import gzip
import struct

import numpy as np
import pytest

from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError
from tf2numpy.wire.snapshot import Metadata, metadata, old_blocks
from tf2numpy.wire.tensor_proto import decoded
from wire.test_protobuf import chunk, encoded
from wire.test_records import snappy
from wire.test_tensor_proto import proto, shape_proto

FLOAT, STRING = 1, 7
ENUMS = [FLOAT, STRING]


def framed(*records):
    return b"".join(struct.pack("<Q", len(record)) + record for record in records)


def tensors(i):
    numbers = np.full((2,), i, "f4")
    return [proto(FLOAT, (2,), chunk(4, numbers.tobytes())), proto(STRING, (), chunk(8, b"x" * i))]


def element(i):
    return b"".join(chunk(1, tensor) for tensor in tensors(i))


def in_two_records(i):
    """Write an element as version 1 with Snappy has it: the sizes, then all components in one block."""
    cramjam = pytest.importorskip("cramjam")
    numbers, text = np.full((2,), i, "f4").tobytes(), tensors(i)[1]
    sizes = b"".join(
        chunk(1, chunk(2, shape) + encoded(3 << 3) + encoded(len(part)))
        for shape, part in ((shape_proto((2,)), numbers), (b"", text))
    )
    return [sizes, bytes(cramjam.snappy.compress_raw(numbers + text))]


def read(data, version, enums=ENUMS):
    array = np.frombuffer(data, np.uint8)
    found = []
    for block in old_blocks(lambda start, stop: array[start:stop], len(data), version, enums):
        assert block.numbers.tolist() == list(range(len(found), len(found) + len(block)))
        found += [decoded(record).tolist() for record in block]
    return found


WANTED = [value for i in range(5) for value in ([i, i], b"x" * i)]
ELEMENTS = framed(*map(element, range(5)))


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_old_records(version, compress):
    assert read(compress(ELEMENTS), version) == WANTED
    assert read(b"", version) == []


def test_old_records_in_snappy(monkeypatch):
    assert read(snappy(ELEMENTS, 50), 0) == WANTED
    data = framed(*(record for i in range(5) for record in in_two_records(i)))
    assert read(data, 1) == WANTED
    monkeypatch.setattr("tf2numpy.wire.snapshot._BLOCK_BYTES", 30)
    monkeypatch.setattr("tf2numpy.wire.compression.PIECE_BYTES", 7)
    assert read(data, 1) == WANTED


def test_metadata():
    data = chunk(2, b"17") + encoded(4 << 3) + b"\2" + chunk(5, b"\1\7") + encoded(1000 << 3) + b"\1"
    assert metadata(data) == Metadata("17", 2, [1, 7], -1, True)
    assert metadata(encoded(6 << 3) + b"\0") == Metadata("", 0, [], 0, False)


ONE_RECORD = framed(element(1))


@pytest.mark.parametrize(
    ("data", "version", "message"),
    [
        (ONE_RECORD[:-1], 1, "its last record is cut short: it takes 37 bytes at least, and 36 are left"),
        (ONE_RECORD + b"abc", 0, "its last record is cut short: it takes 8 bytes at least, and 3 are left"),
        (framed(chunk(1, tensors(1)[0])), 1, "an element has 1 components, and 2 are recorded"),
        (framed(in_two_records(1)[0]), 1, "its last element has no data"),
        (framed(in_two_records(1)[0], b"\4\x0cabcd"), 1, "a component takes 8 bytes, and 4 are left"),
    ],
)
def test_what_is_damaged(data, version, message):
    with pytest.raises(FormatError) as caught:
        read(data, version)
    assert str(caught.value) == message


def test_a_record_far_larger_than_its_file(monkeypatch):
    monkeypatch.setattr("tf2numpy.wire.snapshot._MOST_HELD_BYTES", 100)
    with pytest.raises(FormatError) as caught:
        read(struct.pack("<Q", 1 << 40) + bytes(100), 1)
    assert str(caught.value) == "a record of 1099511627776 bytes is too large for a file of 108"


def test_damaged_records():
    done = 0
    for seed, (data, version) in enumerate([(ELEMENTS, 0), (snappy(ELEMENTS, 50), 0), (framed(*in_two_records(2)), 1)]):
        for damaged in mutations(data, 800, seed):
            try:
                read(damaged, version)
                done += 1
            except Tf2NumpyError:
                continue
    assert done > 20
