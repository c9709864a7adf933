"""Damaged Examples are decoded as the plain decoder decodes them, or refused as it refuses them, in bounded memory."""

import random
import time

import numpy as np
import pytest

from hostile.mutate import TIMES, mutations
from tf2numpy import FormatError
from tf2numpy._errors import HostMemoryError
from tf2numpy.wire.examples import Decoder, is_example, is_sequence_example
from wire.example_messages import entry, example, feature, sequence_example
from wire.reference_examples import Reference, Refused, is_message
from wire.test_examples_reference import decoded, rows_of
from wire.test_protobuf import chunk

SECONDS = 60
# A number below 128 is one byte in a record and eight in a column; a column takes the rest, whatever is in it.
MOST_RATIO, COLUMN_BYTES = 8, 1000


def good_records():
    rng = random.Random(0)
    numbers = [rng.getrandbits(rng.choice((3, 7, 14, 30, 64))) for _ in range(40)]
    features = {
        b"image/encoded": feature("bytes", [rng.randbytes(30)]),
        b"label": feature("int64", [3, -1]),
        b"ids": feature("int64", numbers),
        b"box": feature("float", [0.5, 1, 2]),
        b"": feature("bytes", [b"", b"x", b"\0\0"]),
    }
    steps = [feature("float", [1, 2]), b"", feature("float", [])]
    unpacked = {b"ids": feature("int64", numbers, packed=False), b"box": feature("float", [0.5], packed=False)}
    group = b"\x2b\x33\x08\x01\x34\x2c"
    twice = chunk(1, entry(b"label", feature("float", [1])) + entry(b"label", feature("int64", [7])) + group)
    lists = {b"steps": steps, b"ids": [feature("int64", numbers)] * 2, b"none": []}
    return [
        example(features),
        example(unpacked) + group,
        twice + chunk(9, b"unknown"),
        sequence_example({b"label": feature("int64", [5])}, lists),
        sequence_example(features, {}) + sequence_example({}, lists),
    ]


RECORDS = good_records()


@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize("at", range(len(RECORDS)))
def test_damaged_records(at, sequence):
    good = RECORDS[at]
    decoder, plain = Decoder(sequence=sequence), Reference(sequence)
    decoded(decoder, [good])
    plain.add(good)
    refused = 0
    for number, content in enumerate(mutations(good, 500, seed=at)):
        if number % 100 == 0:  # so that kinds seldom clash with those of a damaged record
            assert rows_of(decoder.take()) == plain.rows
            decoder, plain = Decoder(sequence=sequence), Reference(sequence)
        try:
            plain.add(content)
            expected = []
        except Refused:
            expected = [0]
        assert decoded(decoder, [content]) == expected
        refused += len(expected)
        assert (is_example(content), is_sequence_example(content)) == (
            is_message(content, False),
            is_message(content, True),
        )
    assert 50 * TIMES < refused < 490 * TIMES


@pytest.mark.parametrize("select", [None, {b"ids": "int64", b"steps": None}])
@pytest.mark.parametrize("sequence", [False, True])
def test_many_damaged_records(sequence, select):
    """Faster than with the plain decoder, and so many more."""
    begun, done, refused, contents = time.monotonic(), 0, 0, []
    decoder = Decoder(sequence=sequence, select=select)
    for seed, good in enumerate(RECORDS):
        for content in mutations(good, 1000, seed):
            contents.append(content)
            if len(contents) == 250:
                assert time.monotonic() - begun < SECONDS * TIMES, f"{done} records took too long"
                refused += len(decoded(decoder, contents))
                held = MOST_RATIO * sum(map(len, contents)) * 2
                assert decoder.nbytes <= held + COLUMN_BYTES * (len(decoder.take().features) + 100)
                done += len(contents)
                contents = []
                if done % 1000 == 0:
                    decoder = Decoder(sequence=sequence, select=select)
    assert done == 5000 * TIMES
    assert done // 10 < refused < done


@pytest.mark.parametrize(
    "content",
    [
        example({b"x": chunk(3, chunk(1, bytes(1_000_000)))}),
        example({b"x": chunk(3, b"\x08\x01" * 500_000)}),
        example({b"x": chunk(2, chunk(1, bytes(1_000_000)))}),
        example({b"x": chunk(1, b"\x0a\0" * 500_000)}),
        example({b"x": chunk(3, b"") * 500_000}),
        sequence_example({}, {b"x": [b""] * 500_000}),
        sequence_example({}, {b"x": [chunk(3, b"")] * 250_000}),
        example({b"x": feature("int64", range(100))}) * 5000,
        chunk(1, entry(b"x", feature("int64", range(100))) * 5000),
        sequence_example({}, {b"x": [b"", feature("int64", [1])]}) * 50_000,
    ],
    ids=range(10),
)
def test_memory_is_a_multiple_of_the_record(content):
    decoder, begun = Decoder(sequence=True), time.monotonic()
    assert decoded(decoder, [content]) == []
    assert decoder.nbytes <= 2 * MOST_RATIO * len(content) + COLUMN_BYTES
    columns = decoder.take()
    (column,) = [*columns.features.values(), *columns.lists.values()]
    arrays = (column.values, column.ends, column.lengths, column.steps, column.unset)
    assert sum(array.nbytes for array in arrays if isinstance(array, np.ndarray)) <= MOST_RATIO * len(content) + 8
    assert time.monotonic() - begun < SECONDS


def test_many_features_and_many_rows():
    """Neither time nor memory grows with rows times columns."""
    many = example({b"%d" % number: feature("int64", [number]) for number in range(65_536)})
    begun, decoder = time.monotonic(), Decoder()
    assert decoded(decoder, [many] + [example({})] * 100_000 + [many]) == []
    assert decoder.nbytes < 65_536 * COLUMN_BYTES
    assert time.monotonic() - begun < SECONDS
    columns = decoder.take()
    assert columns.features[b"65535"].values.tolist() == [65_535] * 2
    assert columns.features[b"65535"].present.tolist() == [0, 100_001]


def test_too_many_features_again_and_again():
    content = example({b"%d" % number: b"" for number in range(65_537)})
    begun, decoder = time.monotonic(), Decoder()
    for _ in range(20):
        assert decoded(decoder, [content]) == [0]
        assert decoder.nbytes < 65_536 * COLUMN_BYTES
    assert decoder.take().features == {}
    assert time.monotonic() - begun < SECONDS


def test_many_lists_of_other_lengths_in_one_record():
    """What is taken back of a record is not moved for each of its entries."""
    one, two = (chunk(1, feature("int64", [1] * count)) for count in (1, 2))
    begun, decoder = time.monotonic(), Decoder(sequence=True)
    assert decoded(decoder, [chunk(2, entry(b"x", one * 1_000_000))]) == []
    assert decoded(decoder, [chunk(2, (entry(b"x", two) + entry(b"x", one)) * 20_000)]) == []
    column = decoder.take().lists[b"x"]
    assert (column.lengths, column.steps.tolist()) == (1, [1_000_000, 1])
    assert time.monotonic() - begun < SECONDS


def test_a_bound_holds_for_any_record():
    for good in RECORDS:
        decoder = Decoder(sequence=True, most_bytes=3000)
        for content in mutations(good, 50):
            try:
                decoder.decode(content, np.array([0]), np.array([len(content)]))
            except HostMemoryError:
                assert decoder.nbytes <= 3000
                decoder.take()
            except FormatError:
                continue
