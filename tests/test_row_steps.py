"""Pieces that have the same rows of all arrays: each array whole, in order, read once, within the bytes given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tf2numpy as t2n
from conformance.arrays import assert_same
from tables_of_rows import tables
from tf2numpy import _fetch
from tf2numpy._errors import FormatError, InvalidArgument
from tf2numpy._options import resolver_of
from tf2numpy._protocols import Group
from tf2numpy._row_steps import check_one_stream, row_steps
from tf2numpy._sources import HostArray
from tf2numpy._tables import columns_of
from tf2numpy._types import Request


class Watched(HostArray):
    """An array that notes what is read of it."""

    def __init__(self, array):
        super().__init__(array, kind="array", device="host")
        self.reads = []

    def read(self, index):
        self.reads.append((index[0].start, index[0].stop))
        return super().read(index)


def watched(arrays):
    return Group("group", [(name, Watched(array)) for name, array in arrays.items()], lambda built: built)


def flat(value):
    source = resolver_of(None)(value)
    return {name: np.asarray(leaf.fetch(Request())) for name, leaf in _fetch.leaves(source)}


@given(value=tables(), max_bytes=st.integers(200, 3000))
def test_the_pieces_are_the_arrays(value, max_bytes):
    source = resolver_of(None)(value)
    wanted = flat(value)
    try:
        steps = list(row_steps(source, max_bytes))
    except InvalidArgument as error:
        assert "alone needs" in str(error)  # noqa: PT017
        return
    columns = columns_of({name: leaf.spec for name, leaf in _fetch.leaves(source)})
    for name, array in wanted.items():
        parts = [chunk for step in steps for chunk in step.chunks if chunk.name == name]
        assert [part.index[0].start for part in parts] == [0, *(part.index[0].stop for part in parts[:-1])]
        assert_same(np.concatenate([part.value for part in parts], dtype=array.dtype), array)
    for step in steps:
        chunks = {chunk.name: chunk for chunk in step.chunks}
        ends = {chunks[c.arrays[0]].index[0].stop - bool(c.splits) for c in columns}
        assert len(ends) == 1
        first = 8 * sum(len(c.splits) for c in columns)  # where the first rows begin
        assert sum(c.value.nbytes for c in step.chunks if not c.value.dtype.hasobject) <= max_bytes + first


def test_rows_without_values_begin_once():
    empty = t2n.RaggedArray(t2n.RaggedArray(np.zeros(0), np.zeros(1, int)), np.zeros(101, int))
    steps = list(row_steps(resolver_of(None)({"t": empty}), 100))
    assert len(steps) > 5
    inner = [chunk.index[0] for step in steps for chunk in step.chunks if chunk.name == "t/values/row_splits"]
    assert inner == [slice(0, 1), *[slice(1, 1)] * (len(steps) - 1)]


def test_strings_behind_many_rows_without_any():
    splits = np.array([0] * 2000 + [1])
    ragged = t2n.RaggedArray(np.array([b"abc"], object), splits)
    steps = list(row_steps(resolver_of(None)({"t": ragged}), 1000))
    parts = [chunk for step in steps for chunk in step.chunks]
    assert len(steps) > 5
    assert np.concatenate([part.value for part in parts if part.name == "t/row_splits"]).tolist() == splits.tolist()
    assert [part.value.tolist() for part in parts if part.name == "t/values"][-1] == [b"abc"]


def test_every_array_is_read_once_and_on():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 5000)
    splits = np.concatenate([[0], np.cumsum(lengths)])
    inner = np.concatenate([[0], np.cumsum(rng.integers(0, 5, splits[-1]))])
    arrays = {
        "t/row_splits": splits,
        "t/values/row_splits": inner,
        "t/values/values": np.arange(inner[-1]),
        "x": np.arange(5000),
    }
    source = watched(arrays)
    steps = list(row_steps(source, 20_000))
    assert len(steps) > 10
    for name, leaf in _fetch.leaves(source):
        assert leaf.reads[0][0] == 0
        assert [start for start, _ in leaf.reads[1:]] == [stop for _, stop in leaf.reads[:-1]], name
        assert leaf.reads[-1][1] == len(arrays[name])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"t/row_splits": [1, 2], "t/values": [1, 2]},
            "'t/row_splits' begins with 1, and row_splits begin with 0",
        ),
        (
            {"t/row_splits": [0, 2, 1, 2], "t/values": [1, 2]},
            "'t/row_splits' falls at 1 from 2 to 1, and row_splits never fall",
        ),
        ({"t/row_splits": [0, 2, 3], "t/values": [1, 2]}, "'t/row_splits' goes up to 3, and 't/values' has 2 rows"),
        ({"t/row_splits": [0, 1, 1], "t/values": [1, 2]}, "'t/row_splits' goes up to 1, and 't/values' has 2 rows"),
        (
            {"t/row_splits": [0, 5], "t/values/row_splits": [0, 1], "t/values/values": [1]},
            "'t/values/row_splits' has 2 elements, and 6 are needed",
        ),
    ],
)
def test_splits_that_cut_no_rows(arrays, message):
    source = watched({name: np.array(array) for name, array in arrays.items()})
    with pytest.raises(FormatError) as caught:
        list(row_steps(source, 1000))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "value",
    [
        {"x": np.zeros((3, 100)), "y": np.zeros(3)},
        {"x": np.zeros(3), "t": t2n.RaggedArray(np.zeros(100), np.array([0, 100, 100, 100]))},
    ],
    ids=["dense", "ragged"],
)
def test_a_row_that_is_too_large(value):
    with pytest.raises(InvalidArgument) as caught:
        list(row_steps(resolver_of(None)(value), 800))
    assert str(caught.value) == (
        f"row 0 alone needs {'808 B' if 'y' in value else '816 B'} and max_bytes leaves 800 B for a piece; "
        "give a larger max_bytes"
    )


TEXTS = {
    "bytes": np.array([b"x" * 1000] * 50, object),
    "two a row": np.array([[b"x" * 500] * 2] * 50, object),
    "ragged": t2n.RaggedArray(np.array([b"x" * 500] * 100, object), np.arange(0, 101, 2)),
}
if hasattr(np.dtypes, "StringDType"):
    TEXTS["text"] = np.array(["x" * 1000] * 50, np.dtypes.StringDType())


@pytest.mark.parametrize("value", TEXTS.values(), ids=TEXTS)
def test_strings_in_memory_count_as_long_as_they_are(value):
    steps = list(row_steps(resolver_of(None)({"t": value}), 5000))
    values = [chunk for step in steps for chunk in step.chunks if chunk.value.dtype.hasobject]
    assert len(values) > 10
    assert all(sum(map(len, chunk.value.flat)) in range(3000, 5000) for chunk in values[:-1])
    assert sum(sum(map(len, chunk.value.flat)) for chunk in values) == 50_000


def test_two_streams_have_no_common_rows():
    rows = ({"x": np.zeros(2)} for _ in range(2))
    source = resolver_of(None)({"a": rows, "b": np.zeros(4)})
    with pytest.raises(FormatError) as caught:
        check_one_stream(source, "a .parquet file")
    assert str(caught.value) == (
        "a .parquet file is one table, and the rows of 'a' come one after the other, apart from those of 'b'; "
        "zip them first, or save them apart"
    )
