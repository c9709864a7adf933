"""Damaged bytes given to each decoder by itself, so that no format around it refuses them first.

Those that have a suite of their own (records, structures, variants, blocks of tensors, graphs) are in `tests/wire`.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tables
from hostile.limits import limited
from hostile.mutate import mutations
from tf2numpy import FormatError, Tf2NumpyError, _codecs, _journal
from tf2numpy.layouts import json_objects, zarr_grid, zarr_text
from tf2numpy.wire import (
    bundle,
    bundle_strings,
    compression,
    crc32c,
    events,
    hdf5_header,
    one_field,
    protobuf,
    records,
    saved_slices,
    slices,
    snapshot,
    text_proto,
    variable_names,
)
from tf2numpy.wire.table import Table

GOLDEN = Path(__file__).parents[1] / "golden"
COUNT, AT_LENGTH = 200, 1000
TEXT = bytes(range(97, 123)) * 20
ROWS = [(f"key{number:03}".encode(), bytes([number]) * number) for number in range(40)]
RECORDS = [b"", b"abc", bytes(300), b"z" * 20]


def framed(*contents: bytes) -> bytes:
    parts = []
    for content in contents:
        length = len(content).to_bytes(8, "little")
        parts += [length, crc32c.masked(length).to_bytes(4, "little"), content]
        parts.append(crc32c.masked(content).to_bytes(4, "little"))
    return b"".join(parts)


def range_of(data: bytes) -> Callable[[int, int], bytes]:
    def read(start: int, stop: int) -> bytes:
        if not 0 <= start <= stop <= len(data):
            raise FormatError(f"bytes {start} to {stop} of {len(data)}")
        return data[start:stop]

    return read


def read_fields(data: bytes) -> None:
    message = protobuf.Message(data)
    for number in range(1, 9):
        for read in (
            *(message.integer, message.fixed32, message.fixed64, message.text, message.texts, message.message),
            *(message.messages, message.integers, lambda n: message.fixed(n, "f4"), lambda n: message.fixed(n, "i8")),
            *(lambda n: list(one_field.contents(data, n)), lambda n: one_field.integer(data, n)),
        ):
            with suppress(FormatError):
                read(number)


def read_varints(data: bytes) -> None:
    """Together they are what they are one by one."""
    together, at, alone = protobuf.varints(data).tolist(), 0, []
    while at < len(data):
        value, at = protobuf.varint(data, at)
        alone.append(value)
    assert together == alone


def read_table(data: bytes, check: bool) -> None:
    table = Table(range_of(data), len(data), check=check)
    found = [(key, bytes(value)) for key, value in table]
    assert not check or set(found) <= set(ROWS)
    for key, value in ROWS[::7]:
        one = table.get(key)
        assert not check or one is None or bytes(one) == value


def read_entry(data: bytes) -> None:
    """The short way, if it leads anywhere, leads where the long one does."""
    with suppress(FormatError):
        short = bundle._short_way(data)
        assert short is None or short == bundle._long_way(data)
    bundle.is_header(data)
    for read in (bundle.entry, bundle.header):
        with suppress(FormatError):
            read(data)


def read_strings(data: bytes) -> None:
    texts = tables.strings(b"a", b"", b"b" * 200, b"c")
    good, crc = tables.payload(texts)
    found = bundle_strings.StringTable(range_of(data), len(data), 4, check=True)
    assert found.begin(4) == int(found.lengths(0, 4).sum()) <= len(data)
    assert data == good or crc32c.mask(crc32c.extend(found.crc, data[found.start :])) != crc


def read_variants(data: bytes) -> None:
    for crc in (None, 5):
        with suppress(FormatError):
            bundle_strings.variants(range_of(data), len(data), 3, crc)


def read_parts(data: bytes) -> None:
    part = slices.extents(protobuf.Message(data))
    slices.key(b"x", part)
    found = slices.bounds(part, (5,) * len(part))
    slices.check_cover([found], (5,) * len(part))
    if all(start < stop for start, stop in found):
        with pytest.raises(FormatError):
            slices.check_cover([found, found], (5,) * len(part))


def read_saved(data: bytes) -> None:
    with suppress(FormatError):
        saved_slices.saved_tensors(data)
    for enum in (1, 7, 9):
        with suppress(FormatError):
            assert saved_slices.saved_part(data, enum, (2, 2)).shape == (2, 2)


def read_state(data: bytes) -> None:
    for values in text_proto.text_fields(data).values():
        variable_names.optimizer_keys([str(value, "utf-8", "replace") for value in values])


def read_snappy(data: bytes) -> None:
    assert len(compression.snappy_block(data)) <= 22 * len(data) + 64


def unpack(kind: str, good: bytes) -> Callable[[bytes], None]:
    """Both have sums that are compared; a stream that comes twice is two."""

    def read(data: bytes) -> None:
        found = b"".join(map(bytes, compression.unpacked(range_of(data), len(data), kind)))
        assert found == good * (len(found) // len(good))

    return read


def read_records(data: bytes) -> None:
    assert {bytes(record) for _, record in records.records(range_of(data), len(data))} <= set(RECORDS)
    with suppress(Tf2NumpyError):
        list(records.records(range_of(data), len(data), check=False))
    assert len(records.index(range_of(data), len(data))) <= len(data) + 1


def read_event(data: bytes) -> None:
    for value in events.event(memoryview(data)).values:
        for read in (events.plugin, events.histogram):
            with suppress(FormatError):
                read(value.metadata if read is events.plugin else value.content)
        events.scalar_place(value)


def read_hdf5(data: bytes) -> None:
    for address in (96, 800):
        with suppress(FormatError):
            hdf5_header.texts(range_of(data), address, b"layer_names")
    for at in range(0, len(data), 8):
        if data.startswith(b"GCOL", at):
            with suppress(FormatError):
                hdf5_header.check_heap(range_of(data), at)


def read_texts(data: bytes) -> None:
    found = zarr_text.split(data, 4)
    assert zarr_text.lengths(data, 4).tolist() == [len(one) for one in found]


def read_index(data: bytes) -> None:
    """As many bytes are read as an index has, with a checksum or without."""
    for checksum, nbytes in ((True, len(data) // 16 * 16 + 4), (False, len(data) // 16 * 16)):
        with suppress(ValueError):
            assert zarr_grid.unpack_index(data.ljust(nbytes)[:nbytes], checksum=checksum).shape[1] == 2


def decode(codec: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        assert len(_codecs.decoder(codec, "a test")(data, 1000)) <= 1000

    return read


def encoded(codec: str) -> bytes:
    return _codecs.encoder(codec, "a test")(np.arange(250, dtype="f4"))


def read_journal(data: bytes) -> None:
    class Journal:
        def read_bytes(self) -> bytes:
            return data

    assert all(isinstance(entry, dict) for entry in _journal.read(Journal()))  # type: ignore[arg-type]


class Case(NamedTuple):
    """One decoder. good: what it reads, or what makes it. raises: the errors it may answer with. needs: a library."""

    name: str
    read: Callable[[bytes], Any]
    good: bytes | Callable[[], bytes]
    raises: type[Exception] = FormatError
    needs: str = ""


def of_golden(name: str, start: int = 0, stop: int | None = None) -> Callable[[], bytes]:
    return lambda: (GOLDEN / name).read_bytes()[start:stop]


def largest_event() -> bytes:
    data = (GOLDEN / "events/v1/events.out.tfevents.0.host").read_bytes()
    return max((bytes(record) for _, record in records.records(range_of(data), len(data))), key=len)


def snappy_of(data: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        import cramjam

        return bytes(cramjam.snappy.compress_raw(data))

    return make


ENTRY = tables.entry(1, (3, 1000, 4), 2, 70_000, 48_000, 0x1234567)
PARTS = tables.entry(9, (5, 5), parts=[((0, 2), (0, -1)), ((2, 3), (0, 5))])
PART = tables.content(1, b"x") + tables.content(3, b"\x2a\x10" + bytes(16))
STATE = b"""model_checkpoint_path: "a/b\\"ck-2" # the latest
all_model_checkpoint_paths: 'ck-\\061' "ck" , all_model_checkpoint_timestamps: 1.5e9
"""
CASES = [
    Case("fields", read_fields, ENTRY + PARTS),
    Case("varints", read_varints, b"".join(map(tables.varint, (0, 1, 127, 128, 1 << 20, (1 << 64) - 1, 5) * 3))),
    Case("table", lambda data: read_table(data, check=False), tables.table(ROWS, per_block=9)),
    Case("table_summed", lambda data: read_table(data, check=True), tables.table(ROWS, per_block=9)),
    Case(
        "table_snappy",
        lambda data: read_table(data, check=False),
        lambda: tables.table(ROWS, per_block=20, snappy=True),
        needs="cramjam",
    ),
    Case("entry", read_entry, ENTRY),
    Case("entry_parts", read_entry, PARTS),
    Case("bundle_header", read_entry, tables.header(3)),
    Case("strings", read_strings, tables.payload(tables.strings(b"a", b"", b"b" * 200, b"c"))[0]),
    Case("variants", read_variants, b"".join(bytes([n]) + b"x" * n + b"1234" for n in (0, 3, 9))),
    Case("parts", read_parts, tables.slice_proto([(0, -1), (0, 5), (0, 5)])),
    Case(
        "saved_tensors",
        read_saved,
        tables.content(1, tables.content(1, tables.content(1, b"x") + tables.content(2, tables.shape_proto((2, 2))))),
    ),
    Case("saved_part", read_saved, tables.content(2, PART)),
    Case("text_proto", read_state, STATE),
    Case("snappy", read_snappy, snappy_of(TEXT), needs="cramjam"),
    Case("gzip", unpack("gzip", TEXT), gzip.compress(TEXT)),
    Case("zlib", unpack("zlib", TEXT), zlib.compress(TEXT)),
    Case("records", read_records, framed(*RECORDS)),
    Case("snapshot_metadata", snapshot.metadata, of_golden("tf_data/save/plain_none/snapshot.metadata")),
    Case("event", read_event, largest_event),
    Case("hdf5_header", read_hdf5, of_golden("keras/legacy_weights.h5", 0, 12_000)),
    Case("zarr_text", read_texts, zarr_text.join([b"a", b"", b"b" * 40, b"c"], 4), ValueError),
    Case("zarr_index", read_index, zarr_grid.pack_index(np.arange(8, dtype=np.uint64).reshape(4, 2)), ValueError),
    Case("json", json_objects.parse_object, b'{"a": [1, -2.5e3, "\\u00e9", null], "b": {"c": true}}', ValueError),
    Case("codec_gzip", decode("gzip"), lambda: encoded("gzip"), ValueError),
    Case("codec_zstd", decode("zstd"), lambda: encoded("zstd"), ValueError, needs="zstandard"),
    Case("codec_blosc", decode("blosc"), lambda: encoded("blosc"), ValueError, needs="numcodecs"),
    Case("journal", read_journal, b'{"format": ".npy", "n": [1]}\n{"regions": 3, "crc": 77}\n'),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_damage(case):
    if case.needs:
        pytest.importorskip(case.needs, reason=f"{case.needs} is not installed in this environment")
    good, done = case.good if isinstance(case.good, bytes) else case.good(), 0
    case.read(good)
    for number, damaged in enumerate(mutations(good, COUNT, at_length=AT_LENGTH)):
        with limited(len(damaged), f"copy {number}"), suppress(case.raises):
            case.read(damaged)
            done += 1
    assert done or case.name in ("gzip", "zlib")
