"""Many TensorProtos at once are what each of them is alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.arrays import assert_same
from hostile.mutate import mutations
from tf2numpy import FormatError
from tf2numpy._dtypes import from_enum
from tf2numpy.wire import tensor_blocks
from tf2numpy.wire.records import Block
from tf2numpy.wire.tensor_fields import Head
from tf2numpy.wire.tensor_proto import decoded
from wire.test_protobuf import chunk, encoded
from wire.test_tensor_proto import integers, proto

FLOAT, INT32, STRING, INT64, BOOL, BFLOAT16, INT4 = 1, 3, 7, 9, 10, 14, 29


def block_of(*records, first=5):
    ends = np.cumsum([0, *map(len, records)]).astype(np.int64)
    return Block(memoryview(b"".join(records)), ends[:-1], ends[1:], np.arange(first, first + len(records)), 112)


def content(enum, shape, seed=0):
    nbytes = int(np.prod(shape)) * from_enum(enum).itemsize
    raw = np.random.default_rng(seed).integers(0, 256, nbytes, np.uint8)
    raw &= {BOOL: 1, INT4: 15}.get(enum, 255)
    return proto(enum, shape, chunk(4, raw.tobytes()) if nbytes else b"")


@pytest.mark.parametrize("enum", [FLOAT, INT64, BOOL, BFLOAT16, INT4])
@pytest.mark.parametrize("odd", [(), (0,), (2, 4), (6,)])
def test_rows_of_one_shape(enum, odd):
    records = [content(enum, (2, 3), seed) for seed in range(7)]
    for i in odd:  # the same, but not as the others are written: their fields are the other way round
        records[i] = records[i][12:] + records[i][:12] if enum == FLOAT else records[i] + encoded(3 << 3) + b"\0"
    target = np.zeros((7, 2, 3), from_enum(enum))
    tensor_blocks.fill(block_of(*records), Head(enum, (2, 3)), target)
    assert_same(target, np.stack([decoded(record) for record in records]))
    assert_same(tensor_blocks.flat(block_of(*records), enum), target.reshape(-1))
    dims = np.broadcast_to(np.array([2, 3]), (7, 2))
    assert tensor_blocks.shapes(block_of(*records))[0] == enum
    assert_same(np.array(tensor_blocks.shapes(block_of(*records))[1]), np.array(dims))


def test_rows_without_content():
    records = [proto(INT32, (), integers(7, [value])) for value in (1, -2, 3)] + [content(INT32, ())]
    target = np.zeros(4, np.int32)
    tensor_blocks.fill(block_of(*records), Head(INT32, ()), target)
    assert target.tolist()[:3] == [1, -2, 3]
    tensor_blocks.fill(block_of(*[content(INT32, (0, 2))] * 2), Head(INT32, (0, 2)), np.zeros((2, 0, 2), np.int32))
    tensor_blocks.fill(block_of(), Head(INT32, (2,)), np.zeros((0, 2), np.int32))


@given(sizes=st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), min_size=1, max_size=9))
def test_rows_of_any_shape(sizes):
    records = [content(FLOAT, shape, seed) for seed, shape in enumerate(sizes)]
    enum, dims = tensor_blocks.shapes(block_of(*records))
    assert (enum, dims.tolist()) == (FLOAT, sizes)
    wanted = np.concatenate([decoded(record).reshape(-1) for record in records])
    assert_same(tensor_blocks.flat(block_of(*records), FLOAT), wanted)


@given(texts=st.lists(st.binary(max_size=3) | st.integers(100, 300).map(bytes), min_size=1))
def test_lone_strings(texts):
    records = [proto(STRING, (), chunk(8, text)) for text in texts]
    packed = [proto(STRING, (), chunk(4, encoded(len(text)) + text)) for text in texts]
    assert tensor_blocks.strings(block_of(*records)) == texts
    assert tensor_blocks.strings(block_of(*packed)) == texts
    assert [one[()] for one in tensor_blocks.strings(block_of(*packed, *records))] == 2 * texts
    assert tensor_blocks.shapes(block_of(*records))[1].shape == (len(texts), 0)


@pytest.mark.parametrize("enum", [FLOAT, INT32, INT64, BOOL, BFLOAT16, INT4])
def test_what_follows_a_record_is_not_of_it(enum):
    records = [content(enum, (1,)), content(enum, (0,)), content(enum, (2,))]
    data = b"\x22\x2a\x3a\x52".join(records)  # the sums between them may look like anything
    starts = np.cumsum([0, *(len(record) + 4 for record in records[:-1])])
    block = Block(memoryview(data), starts, starts + list(map(len, records)), np.arange(3), 0)
    assert tensor_blocks.shapes(block)[1].tolist() == [[1], [0], [2]]
    assert_same(tensor_blocks.flat(block, enum), np.concatenate([decoded(record) for record in records]))


@pytest.mark.parametrize("enum", [FLOAT, INT32, INT64, BOOL, BFLOAT16, INT4])
def test_values_in_fields(enum):
    """As TensorFlow writes them within variants; also where the last value is to fill the rest."""
    number = {FLOAT: 5, INT64: 10, BOOL: 11, BFLOAT16: 13}.get(enum, 7)
    records = []
    for size in (3, 1, 0, 5):
        values = (
            chunk(5, np.arange(size, dtype="f4").tobytes())
            if enum == FLOAT
            else integers(number, [1, 0, 1, 1, 0][:size])
        )
        records.append(proto(enum, (size,), values if size else b""))
    for chosen in (records, records[:2], [*records, proto(enum, (4,), values)], [*records[:2], content(enum, (2,))]):
        wanted = np.concatenate([decoded(record) for record in chosen])
        assert_same(tensor_blocks.flat(block_of(*chosen), enum), wanted)
    filled = [records[0], proto(enum, (9,), values)]
    assert_same(tensor_blocks.flat(block_of(*filled), enum), np.concatenate([decoded(record) for record in filled]))


def test_strings_of_other_shapes():
    records = [proto(STRING, (), chunk(8, b"a")), proto(STRING, (2,), chunk(8, b"b") + chunk(8, b"c"))]
    one, two = tensor_blocks.strings(block_of(*records))
    assert (one[()], two.tolist()) == (b"a", [b"b", b"c"])
    assert tensor_blocks.strings(block_of(records[0], records[0] + chunk(8, b"d"))) == [b"a", b"a"]


ONE = content(FLOAT, (2,))


@pytest.mark.parametrize(
    ("read", "records", "message"),
    [
        (
            lambda block: tensor_blocks.fill(block, Head(FLOAT, (2,)), np.empty((3, 2), np.float32)),
            [ONE, ONE, content(FLOAT, (3,))],
            "the record 7 at offset 136: it is of float32 (3,), and float32 (2,) is recorded or came before",
        ),
        (
            lambda block: tensor_blocks.fill(block, Head(INT32, (2,)), np.empty((2, 2), np.int32)),
            [ONE, ONE],
            "the record 5 at offset 100: it is of float32 (2,), and int32 (2,) is recorded or came before",
        ),
        (
            lambda block: tensor_blocks.fill(block, Head(BOOL, (2,)), np.empty((2, 2), bool)),
            [proto(BOOL, (2,), chunk(4, b"\1\2"))] * 2,
            "its tensor_content has bytes other than 0 and 1, and its dtype is bool",
        ),
        (
            tensor_blocks.shapes,
            [ONE, content(FLOAT, (1, 2))],
            "the record 6 at offset 118: it is of float32 (1, 2), and float32 (2,) is recorded or came before",
        ),
        (
            lambda block: tensor_blocks.flat(block, INT32),
            [ONE],
            "the record 5 at offset 100: it is of float32 (2,), and int32 (2,) is recorded or came before",
        ),
        (
            tensor_blocks.strings,
            [ONE],
            "the record 5 at offset 100: it is of float32 (2,), and string (2,) is recorded or came before",
        ),
        (
            tensor_blocks.shapes,
            [ONE, proto(FLOAT, (1 << 40,), chunk(5, bytes(4)))],
            "the record 6 at offset 118: its 19 bytes declare an array of 4398046511104, far more than they hold",
        ),
        (
            tensor_blocks.shapes,
            [b"\x0b"],
            "the record 5 at offset 100: the field 1 at offset 0 has the wire type 3; 0, 1, 2 and 5 are known",
        ),
        (
            lambda block: tensor_blocks.flat(block, FLOAT),
            [proto(FLOAT, (2,), chunk(4, bytes(7)))],
            "the record 5 at offset 100: its tensor_content has 7 bytes, and the shape (2,) of float32 takes 8",
        ),
    ],
)
def test_what_does_not_go_together(read, records, message):
    with pytest.raises(FormatError) as caught:
        read(block_of(*records))
    assert str(caught.value) == message


def test_damaged_blocks():
    good = [content(FLOAT, (2, 3), seed) for seed in range(4)] + [proto(STRING, (), chunk(8, b"abc"))]
    done = 0
    for seed, record in enumerate(good):
        for damaged in mutations(record, 500, seed):
            block = block_of(good[0], damaged, record, damaged)
            for read in (
                tensor_blocks.shapes,
                tensor_blocks.strings,
                lambda block: tensor_blocks.flat(block, FLOAT),
                lambda block: tensor_blocks.fill(block, Head(FLOAT, (2, 3)), np.empty((4, 2, 3), np.float32)),
            ):
                try:
                    read(block)
                    done += 1
                except FormatError:
                    continue
    assert done > 100
