"""Records are found whatever compresses their file, and no damage goes unnoticed."""

import gzip
import struct
import tracemalloc
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile.mutate import mutations
from tf2numpy import FormatError, MissingExtra, Tf2NumpyError
from tf2numpy._errors import ChecksumError
from tf2numpy.wire.crc32c import masked
from tf2numpy.wire.records import Block, blocks, compression_of, index, records

GOLDEN = Path(__file__).parents[1] / "golden/tfrecord"
KINDS = ["none", "gzip", "zlib", "snappy"]


def framed(*contents):
    parts = []
    for content in contents:
        length = struct.pack("<Q", len(content))
        parts += [length, struct.pack("<I", masked(length)), content, struct.pack("<I", masked(content))]
    return b"".join(parts)


def snappy(data, step=1 << 18):
    cramjam = pytest.importorskip("cramjam")
    frames = []
    for at in range(0, len(data), step):
        block = bytes(cramjam.snappy.compress_raw(data[at : at + step]))
        frames += [struct.pack(">I", len(block)), block]
    return b"".join(frames)


COMPRESS = {"none": bytes, "gzip": gzip.compress, "zlib": zlib.compress, "snappy": snappy}


def given_by(function, data, **options):
    array = np.frombuffer(data, np.uint8)
    return function(lambda start, stop: array[start:stop], len(data), **options)


def all_of(data, **options):
    return [bytes(content) for _, content in given_by(records, data, **options)]


def golden():
    with np.load(GOLDEN / "expected.npz") as stored:
        ends = np.cumsum(stored["lengths"])
        return [part.tobytes() for part in np.split(stored["data"], ends[:-1])]


@pytest.mark.parametrize("kind", KINDS[:3])
def test_what_tensorflow_wrote(kind):
    data = (GOLDEN / f"{kind}.tfrecord").read_bytes()
    assert given_by(compression_of, data) == kind
    assert all_of(data) == golden()


NONE = "its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)"
CONTENTS = st.lists(st.binary(max_size=60) | st.integers(0, 300).map(bytes), max_size=40)


@pytest.mark.parametrize("kind", KINDS)
@given(contents=CONTENTS, piece=st.integers(12, 400))
def test_any_records_in_pieces_of_any_size(kind, contents, piece):
    data = COMPRESS[kind](framed(*contents))
    with pytest.MonkeyPatch.context() as patch:
        for where in ("records.PIECE_BYTES", "compression.PIECE_BYTES", "compression._INPUT_BYTES"):
            patch.setattr(f"tf2numpy.wire.{where}", piece)
        assert all_of(data) == contents
        found = list(given_by(blocks, data))
        if kind == "none":
            starts = given_by(index, data)
            assert [data[a : b - 16] for a, b in pairwise(starts)] == contents
    assert [number for block in found for number in block.numbers] == list(range(len(contents)))


@given(
    pattern=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    repeats=st.integers(1, 60),
    other=st.integers(0, 240),
)
def test_records_of_repeating_lengths(pattern, repeats, other):
    lengths = pattern * repeats
    lengths[other % len(lengths)] = 31
    contents = [bytes([i % 256]) * n for i, n in enumerate(lengths)]
    starts = given_by(index, framed(*contents))
    assert (np.diff(starts) - 16).tolist() == lengths
    assert [bytes(d) for _, d in given_by(records, framed(*contents))] == contents


def test_offsets():
    assert [offset for offset, _ in given_by(records, framed(b"", b"abc", b""))] == [0, 16, 35]
    assert given_by(index, framed(b"", b"abc")).tolist() == [12, 28, 47]
    assert given_by(index, b"").tolist() == [12]
    assert all_of(b"") == []


def test_members_of_gzip():
    data = framed(b"a" * 100, b"b" * 50)
    assert all_of(gzip.compress(data[:70], mtime=0) + gzip.compress(b"") + gzip.compress(data[70:])) == [
        b"a" * 100,
        b"b" * 50,
    ]


@pytest.mark.parametrize("kind", ["gzip", "zlib"])
def test_without_isal(kind, monkeypatch):
    monkeypatch.setattr("tf2numpy.wire.compression.fastest_zlib", lambda: zlib)
    assert all_of(COMPRESS[kind](framed(b"a" * 10_000, b"b"))) == [b"a" * 10_000, b"b"]


def test_snappy_needs_cramjam(monkeypatch):
    data = snappy(framed(b"abc"))
    monkeypatch.setitem(__import__("sys").modules, "cramjam", None)
    with pytest.raises(MissingExtra) as caught:
        all_of(data)
    assert str(caught.value) == (
        "reading what Snappy compressed needs cramjam, which is not installed; pip install 'tf2numpy[compression]'"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_records_larger_than_a_piece(kind):
    contents = [b"a", b"b" * 3_000_000, b"", b"c" * 2_000_000]
    data = COMPRESS[kind](framed(*contents))
    assert all_of(data) == contents
    if kind == "none":
        assert [len(block) for block in given_by(blocks, data)] == [1, 1, 1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_bounded(kind):
    data = COMPRESS[kind](framed(*[bytes(50_000)] * 400))
    tracemalloc.start()
    assert sum(len(content) for _, content in given_by(records, data)) == 20_000_000
    assert tracemalloc.get_traced_memory()[1] < 6_000_000
    tracemalloc.stop()


def test_a_record_far_larger_than_its_file(monkeypatch):
    monkeypatch.setattr("tf2numpy.wire.records._MOST_HELD_BYTES", 50_000)
    monkeypatch.setattr("tf2numpy.wire.compression.PIECE_BYTES", 1000)
    with pytest.raises(FormatError) as caught:
        all_of(gzip.compress(framed(b"a", bytes(60_000))))
    assert str(caught.value) == (
        "the record 1 at offset 17 unpacks to 60016 bytes, and 50000 are held at most of a compressed file of this "
        "size; unpack the file first"
    )


TWO = framed(b"abc", b"defgh")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b"no records at all",
            "its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)",
        ),
        (b"short", "its first bytes begin no record, neither as they are nor unpacked (gzip, zlib, Snappy)"),
        (TWO[:-1], "the record 1 at offset 19 is cut short: it takes 21 bytes at least, and 20 are left"),
        (TWO[:25], "the record 1 at offset 19 is cut short: it takes 16 bytes at least, and 6 are left"),
        (
            gzip.compress(TWO[:-1], mtime=0),
            "the record 1 at offset 19 is cut short: it takes 21 bytes at least, and 20 are left",
        ),
        (
            gzip.compress(TWO[:25], mtime=0),
            "the record 1 at offset 19 is cut short: it takes 16 bytes at least, and 6 are left",
        ),
        (gzip.compress(TWO, mtime=0)[:-9], "the gzip stream is cut short at 61, where the file ends"),
        (zlib.compress(TWO) + b"x", "the zlib stream ends near offset 0, and the file goes on"),
    ],
)
def test_what_is_cut_short(data, message, monkeypatch):
    monkeypatch.setattr("tf2numpy.wire.compression.fastest_zlib", lambda: zlib)
    with pytest.raises(FormatError) as caught:
        all_of(data)
    assert str(caught.value) == message.replace("61", str(len(data)))


def test_an_index_of_what_is_cut_short():
    with pytest.raises(FormatError) as caught:
        given_by(index, TWO[:-1])
    assert str(caught.value) == "the record 1 at offset 19 is cut short: it takes 21 bytes at least, and 20 are left"


def test_snappy_that_is_damaged():
    data = snappy(TWO, 30)
    for damaged, message in (
        (data[:-1], "the Snappy block at offset 33 is cut short: it promises 12 bytes, and the file ends at 48"),
        (data[:34], "the Snappy block at offset 33 is cut short: it promises 0 bytes, and the file ends at 34"),
        (
            data[:37] + b"\xff\xff\x03" + data[40:],
            "at offset 33: the Snappy block claims 65535 bytes, and its 12 bytes cannot hold as many",
        ),
    ):
        with pytest.raises(FormatError) as caught:
            all_of(damaged)
        assert str(caught.value) == message


@pytest.mark.parametrize("kind", KINDS)
def test_sums(kind):
    damaged = bytearray(TWO)
    damaged[33] ^= 1
    data = COMPRESS[kind](bytes(damaged))
    with pytest.raises(ChecksumError) as caught:
        all_of(data)
    assert str(caught.value) == (
        "the record 1 at offset 19 is damaged: its data and the checksum after them do not fit; check=False reads it "
        "all the same"
    )
    assert all_of(data, check=False) == [b"abc", b"deggh"]
    damaged[27] ^= 1
    with pytest.raises(ChecksumError) as caught:
        all_of(COMPRESS[kind](bytes(damaged)))
    assert str(caught.value) == (
        "the length of a record at offset 19 is damaged: 5 and the checksum after it do not fit, so the records from "
        "there on cannot be found"
    )
    assert all_of(COMPRESS[kind](bytes(damaged)), check=False) == [b"abc", b"deggh"]


def test_sums_of_some_records():
    damaged = bytearray(framed(b"abc", b"defgh", b"ij"))
    damaged[33] ^= 1
    (block,) = given_by(blocks, bytes(damaged))
    block[np.array([0, 2])].check()
    block[::2].check()
    with pytest.raises(ChecksumError, match=r"^the record 1 at offset 19 "):
        block[1:].check()


def test_records_around_damaged_ones():
    contents = [bytes([65 + at]) * at for at in range(12)]
    damaged = bytearray(framed(*contents))
    offsets = given_by(index, bytes(damaged)).tolist()
    damaged[offsets[3]] ^= 1
    damaged[offsets[8] - 1 - 12] ^= 0x80  # the sum after the record 7
    (block,) = given_by(blocks, bytes(damaged))
    assert block.damaged() == [3, 7]
    assert block[4:].damaged() == [3]
    assert block[np.array([0, 1, 2, 4])].damaged() == []
    assert block[:0].damaged() == []
    good = np.delete(np.arange(12), block.damaged())
    assert [bytes(content) for content in block[good]] == [contents[at] for at in good]
    damaged[offsets[5] - 12] ^= 1  # a length: what follows cannot be found, what came before it is given
    found = given_by(blocks, bytes(damaged))
    assert len(next(found)) == 5
    with pytest.raises(ChecksumError, match=r"^the length of a record at offset 90 is damaged: "):
        next(found)


def test_a_block_that_does_not_fit():
    (block,) = given_by(blocks, framed(b"abc"))
    for starts, stops, message in (
        ([-1], [3], "the record 0 is -1 to 3 of 19 bytes, and its sum must follow"),
        ([12, 13], [15, 12], "the record 1 is 13 to 12 of 19 bytes, and its sum must follow"),
        ([12], [16], "the record 0 is 12 to 16 of 19 bytes, and its sum must follow"),
        ([12, 12], [15], "2 records begin, and 1 end"),
    ):
        with pytest.raises(ValueError) as caught:
            Block(block.data, np.array(starts), np.array(stops), block.numbers, 0).damaged()
        assert str(caught.value) == message


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files(kind):
    data = COMPRESS[kind](framed(*golden()))
    done = 0
    for damaged in mutations(data, 800):
        for check in (True, False):
            try:
                all_of(damaged, check=check)
                done += 1
            except Tf2NumpyError:
                continue
    assert done > 0 or kind in ("gzip", "zlib")  # whose own sums find every one


@settings(max_examples=20)
@given(contents=CONTENTS, compression=st.sampled_from(["", "GZIP", "ZLIB"]))
def test_what_tensorflow_writes(tf, tmp_path_factory, contents, compression):
    path = tmp_path_factory.mktemp("records") / "a"
    with tf.io.TFRecordWriter(str(path), compression) as writer:
        for content in contents:
            writer.write(content)
    assert all_of(path.read_bytes()) == contents
