"""What becomes of arrays in Arrow's memory: nothing is copied that lies there as Arrow has it."""

import numpy as np
import pytest

import tf2numpy as t2n
from conformance.arrays import logical, sample
from formats.example_files import row, written
from tf2numpy._tables import columns_of
from tf2numpy._types import ArraySpec
from tf2numpy.sinks._arrow_columns import ArrowColumn

pa = pytest.importorskip("pyarrow")


def column_of(arrays, *, lists_missing=False):
    """Give arrays of one column as Arrow's array, in pieces as they are given."""
    pieces = {name: one if isinstance(one, list) else [one] for name, one in arrays.items()}
    specs = {name: ArraySpec((None, *some[0].shape[1:]), some[0].dtype) for name, some in pieces.items()}
    (column,) = columns_of(specs)
    made = ArrowColumn(pa, column, specs, lists_missing=lists_missing)
    for name, some in pieces.items():
        start = 0
        for piece in some:
            made.put(name, piece, (slice(start, start + len(piece)),))
            start += len(piece)
    return made.take(made.ready())


def addresses(array):
    array = getattr(array, "storage", array)
    return {buffer.address for buffer in array.buffers() if buffer is not None}


@pytest.mark.parametrize("lists_missing", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 2, 3), (2, 1, 2, 2)], ids=str)
@pytest.mark.parametrize("dtype", ["f4", "i8", "u1", "f2", "c8", "bfloat16", "float8_e5m2", "int4", "M8[ns]", "S5"])
def test_numbers_stay_where_they_are(dtype, shape, lists_missing):
    array = sample((7, *shape), logical(dtype))
    found = column_of({"x": array}, lists_missing=lists_missing)
    assert len(found) == 7
    assert array.ctypes.data in addresses(found)


def test_ragged_values_and_their_bounds_stay_where_they_are():
    values, splits = np.arange(5.0), np.array([0, 2, 2, 5])
    found = column_of({"t/row_splits": splits, "t/values": values})
    assert {values.ctypes.data, splits.ctypes.data} <= addresses(found)
    assert found.to_pylist() == [[0, 1], [], [2, 3, 4]]


def test_what_lies_otherwise_is_copied():
    for array in (np.arange(6.0)[::2], np.arange(3, dtype=">i4"), np.arange(12).reshape(3, 4).T):
        found = column_of({"x": array})
        assert array.ctypes.data not in addresses(found)
        if array.ndim == 1:
            assert found.to_pylist() == array.tolist()
        else:
            assert found.to_numpy_ndarray().tolist() == array.tolist()


def test_pieces_are_joined_only_where_a_group_needs_them():
    first, second = np.arange(4.0), np.arange(4.0, 6)
    assert column_of({"x": [first, second]}).to_pylist() == [0, 1, 2, 3, 4, 5]
    splits = [np.array([0, 2, 3]), np.array([5])]
    assert column_of({"t/row_splits": splits, "t/values": [first, second]}).to_pylist() == [[0, 1], [2], [3, 4]]


def test_columns_of_records_go_into_arrow_without_a_copy(tmp_path, monkeypatch):
    """What the decoder filled is the memory of the Arrow arrays, up to the writing."""
    path = written(tmp_path / "x.tfrecord", *(row(v=[float(i), 2.0], r=[i] * (1 + i % 3)) for i in range(50)))
    given, taken = [], []
    put, take = ArrowColumn.put, ArrowColumn.take
    monkeypatch.setattr(ArrowColumn, "put", lambda self, *args: given.append(args[1]) or put(self, *args))
    monkeypatch.setattr(ArrowColumn, "take", lambda self, rows: taken.append(take(self, rows)) or taken[-1])
    with t2n.open(path) as file:
        t2n.save(file, tmp_path / "x.arrow")
    where = set().union(*map(addresses, taken))
    assert len(given) == 3
    assert all(array.ctypes.data in where for array in given)
