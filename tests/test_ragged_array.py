from __future__ import annotations

import copy
import pickle
from itertools import pairwise
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.kind import fails
from tf2numpy import _memory
from tf2numpy._errors import FormatError, HostMemoryError, InvalidArgument, MissingExtra, UnsupportedKind
from tf2numpy._ragged import RaggedArray, concat, from_dense

DTYPES = ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64", "complex64", "bool"]


def splits(*lengths: int, dtype: str = "int64") -> np.ndarray:
    return np.cumsum([0, *lengths], dtype=dtype)


def strings(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def plain(row: Any) -> list[Any]:
    return row.to_list() if isinstance(row, RaggedArray) else row.tolist()


def assert_same(found: RaggedArray, wanted: RaggedArray) -> None:
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found.flat_values, wanted.flat_values)
    for ours, theirs in zip(found.nested_row_splits, wanted.nested_row_splits, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@st.composite
def ragged_arrays(
    draw: st.DrawFn, text: bool = False, ranks: tuple[int, int] = (1, 3), uniform: Any = None
) -> RaggedArray:
    """Rows of lengths 0 to 4, of 1 to 3 ragged axes and 0 to 2 uniform ones."""
    rank = draw(st.integers(*ranks))
    splits_dtype = draw(st.sampled_from(["int32", "int64"]))
    levels, rows = [], draw(st.integers(0, 5))
    for _ in range(rank):
        lengths = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
        levels.append(splits(*lengths, dtype=splits_dtype))
        rows = sum(lengths)
    if uniform is None:
        uniform = draw(st.sampled_from([(), (2,), (1, 3), (0,)]))
    if text:
        total = rows * int(np.prod(uniform))
        items = draw(st.lists(st.binary(max_size=4), min_size=total, max_size=total))
        values: Any = strings(*items).reshape(rows, *uniform)
    else:
        values = draw(hnp.arrays(draw(st.sampled_from(DTYPES)), (rows, *uniform)))
    for level in reversed(levels):
        values = RaggedArray(values, level)
    return values


@pytest.fixture
def sample() -> RaggedArray:
    return RaggedArray(np.array([1, 2, 3, 4, 5, 6], np.int32), splits(2, 0, 3, 1))


@pytest.fixture
def nested() -> RaggedArray:
    return RaggedArray(RaggedArray(np.arange(6.0), splits(1, 0, 3, 2)), splits(2, 0, 2))


# ---------------------------------------------------------------- parts


def test_describes_itself(sample: RaggedArray, nested: RaggedArray) -> None:
    assert (sample.shape, sample.ndim, sample.dtype, len(sample)) == ((4, None), 2, np.dtype(np.int32), 4)
    assert (sample.nbytes, sample.ragged_rank) == (6 * 4 + 5 * 8, 1)
    assert (nested.shape, nested.ndim, nested.dtype) == ((3, None, None), 3, np.dtype(np.float64))
    assert (nested.nbytes, nested.ragged_rank) == (6 * 8 + 5 * 8 + 4 * 8, 2)
    assert nested.nested_row_splits == (nested.row_splits, nested.values.row_splits)
    assert nested.flat_values is nested.values.values
    uniform = RaggedArray(np.zeros((3, 2)), splits(1, 2))
    assert (uniform.shape, uniform.ndim) == ((2, None, 2), 3)
    np.testing.assert_array_equal(sample.row_lengths(), [2, 0, 3, 1])


def test_repr_is_short(sample: RaggedArray) -> None:
    assert repr(sample) == "RaggedArray(shape=(4, None), dtype=int32, nbytes=64)"
    huge = RaggedArray(np.broadcast_to(np.float32(1), (10**9,)), splits(10**9))
    assert repr(huge) == "RaggedArray(shape=(1, None), dtype=float32, nbytes=4000000016)"
    text = RaggedArray(strings(b"a" * 10**6), splits(1, dtype="int32"))
    assert repr(text) == "RaggedArray(shape=(1, None), dtype=string, nbytes=16)"


def test_holds_its_parts_as_given_and_frozen(sample: RaggedArray) -> None:
    values, row_splits = np.arange(3), splits(1, 2, dtype="int32")
    ragged = RaggedArray(values, row_splits)
    assert ragged.values is values
    assert ragged.row_splits is row_splits
    with pytest.raises(AttributeError):
        ragged.values = values  # type: ignore[misc]
    assert_same(pickle.loads(pickle.dumps(sample)), sample)
    assert_same(copy.deepcopy(sample), sample)
    assert sample == sample
    assert sample != copy.deepcopy(sample)
    assert hash(sample) == hash(sample)


@pytest.mark.parametrize(
    ("row_splits", "found"),
    [
        ([0, 3], "is a list"),
        (np.array([[0, 3]]), "has shape (1, 2) and dtype int64"),
        (np.array([0.0, 3.0]), "has shape (2,) and dtype float64"),
        (np.array([], np.int64), "has shape (0,) and dtype int64"),
        (np.array(3), "has shape () and dtype int64"),
        (np.array([1, 3]), "goes from 1 to 3"),
        (np.array([0, 2]), "goes from 0 to 2"),
        (np.array([0, 4]), "goes from 0 to 4"),
        (np.array([0]), "goes from 0 to 0"),
        (np.array([-1, 3]), "goes from -1 to 3"),
        (np.array([0, 1, 3, 2, 3]), "falls at row 2 from 3 to 2"),
        (np.array([0, 3, 2, 3], np.uint8), "falls at row 1 from 3 to 2"),
    ],
)
def test_refuses_row_splits(row_splits: Any, found: str) -> None:
    with fails(
        InvalidArgument,
        f"row_splits {found}; it must be a 1-D integer ndarray that rises from 0 to 3, the length of values: "
        "np.cumsum([0, *row_lengths]) makes one",
    ):
        RaggedArray(np.arange(3), row_splits)


@pytest.mark.parametrize(("values", "found"), [([1], "a list"), (np.array(1), "an array of shape ()")])
def test_refuses_values(values: Any, found: str) -> None:
    with fails(InvalidArgument, f"values is {found}; give an ndarray of one axis or more, or a RaggedArray"):
        RaggedArray(values, splits(1))


def test_numpy_cannot_take_it_silently(sample: RaggedArray) -> None:
    message = "NumPy has no ragged array; call to_padded() for a dense one, or to_object()"
    for take in (np.asarray, np.array, lambda x: np.array([x, x]), lambda x: np.add(x, 1)):
        with fails(UnsupportedKind, message):
            take(sample)


# ---------------------------------------------------------------- rows


def test_rows_are_views(sample: RaggedArray, nested: RaggedArray) -> None:
    assert np.shares_memory(sample[2], sample.values)
    np.testing.assert_array_equal(sample[2], [3, 4, 5])
    np.testing.assert_array_equal(sample[-1], [6])
    np.testing.assert_array_equal(sample[np.int8(0)], [1, 2])
    assert sample[1].shape == (0,)
    row = nested[-1]
    assert isinstance(row, RaggedArray)
    assert np.shares_memory(row.flat_values, nested.flat_values)
    assert row.to_list() == [[1.0, 2.0, 3.0], [4.0, 5.0]]
    assert np.shares_memory(sample[1:].flat_values, sample.values)


def test_slices_of_no_rows(sample: RaggedArray, nested: RaggedArray) -> None:
    for empty in (slice(3, 1), slice(9, None), slice(0, 0), slice(1, 3, -1)):
        assert sample[empty].shape == (0, None)
        assert nested[empty].shape == (0, None, None)
    assert sample[1 :: 2**63].to_list() == [[]]
    assert sample[:: -(2**63)].to_list() == [[6]]
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        sample[::0]


@pytest.mark.parametrize("row", [4, -5, 10**20])
def test_row_out_of_range(sample: RaggedArray, row: int) -> None:
    with fails(IndexError, f"row {row} is out of range for a RaggedArray of 4 rows"):
        sample[row]


@pytest.mark.parametrize("index", [(0, 1), 1.0, "a", None, [0]])
def test_other_indices_are_refused(sample: RaggedArray, index: Any) -> None:
    with pytest.raises(TypeError):
        sample[index]


@given(ragged_arrays(), st.data())
def test_rows_and_slices_are_those_of_lists(ragged: RaggedArray, data: st.DataObject) -> None:
    rows = ragged.to_list()
    np.testing.assert_equal([plain(row) for row in ragged], rows)
    np.testing.assert_equal([plain(ragged[i]) for i in range(-len(ragged), 0)], rows)
    index = data.draw(st.slices(len(ragged)))
    piece = ragged[index]
    assert isinstance(piece, RaggedArray)
    np.testing.assert_equal(piece.to_list(), rows[index])
    assert piece.shape[1:] == ragged.shape[1:]
    assert piece.dtype == ragged.dtype
    assert [s.dtype for s in piece.nested_row_splits] == [s.dtype for s in ragged.nested_row_splits]


def test_unsigned_row_splits() -> None:
    ragged = RaggedArray(np.arange(6), splits(1, 3, 2, dtype="uint64"))
    assert ragged[::-1].to_list() == [[4, 5], [1, 2, 3], [0]]
    assert ragged[1:].to_list() == [[1, 2, 3], [4, 5]]
    assert ragged.to_padded().tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 0]]
    assert ragged[::-1].row_splits.dtype == np.uint64


# ---------------------------------------------------------------- lists and objects


def test_to_object_never_makes_two_axes() -> None:
    ragged = from_dense(np.arange(6).reshape(3, 2), 1)
    rows = ragged.to_object()
    assert rows.shape == (3,)
    assert rows.dtype == object
    assert [row.tolist() for row in rows] == [[0, 1], [2, 3], [4, 5]]
    assert all(np.shares_memory(row, ragged.values) for row in rows)
    assert ragged[:0].to_object().shape == (0,)
    assert RaggedArray(np.arange(1), splits(1)).to_object().shape == (1,)


def test_to_object_of_nested_ranks_gives_ragged_rows(nested: RaggedArray) -> None:
    rows = nested.to_object()
    assert rows.shape == (3,)
    assert all(isinstance(row, RaggedArray) for row in rows)
    assert [row.to_list() for row in rows] == nested.to_list()


@given(ragged_arrays(text=True))
def test_strings_keep_their_nuls(ragged: RaggedArray) -> None:
    assert_same(ragged[:], ragged)
    rows = ragged.to_object()
    assert [plain(row) for row in rows] == ragged.to_list()
    padded = ragged.to_padded()
    np.testing.assert_array_equal(padded, slow_padded(ragged, b""), strict=True)
    assert all(isinstance(item, bytes) for item in padded.ravel())


# ---------------------------------------------------------------- padding


def slow_padded(ragged: RaggedArray, fill: Any) -> np.ndarray:
    """Pad with one loop per row: nothing shared with the fast way but the definition."""
    rows = [row if isinstance(row, np.ndarray) else slow_padded(row, fill) for row in ragged]
    inner = ragged.flat_values.shape[1:]
    depth = ragged.ragged_rank
    widths = tuple(max((row.shape[axis] for row in rows), default=0) for axis in range(depth))
    dense = np.full((len(rows), *widths, *inner), fill, ragged.dtype)
    for number, row in enumerate(rows):
        dense[(number, *(slice(n) for n in row.shape[:depth]))] = row
    return dense


@given(ragged_arrays())
def test_to_padded_equals_the_slow_way(ragged: RaggedArray) -> None:
    for fill in (None, True):
        found = ragged.to_padded(fill)
        np.testing.assert_array_equal(found, slow_padded(ragged, fill or 0), strict=True)
        assert found.flags.writeable
        assert found.flags.c_contiguous
        assert not np.shares_memory(found, ragged.flat_values)


@given(hnp.arrays("int64", hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=4)), st.data())
def test_dense_there_and_back(dense: np.ndarray, data: st.DataObject) -> None:
    rank = data.draw(st.integers(1, dense.ndim - 1))
    ragged = from_dense(dense, rank)
    assert ragged.ragged_rank == rank
    assert ragged.shape == (len(dense), *(None,) * rank, *dense.shape[rank + 1 :])
    assert np.shares_memory(ragged.flat_values, dense)
    assert all(level.dtype == np.int64 for level in ragged.nested_row_splits)
    np.testing.assert_array_equal(ragged.to_padded(), dense)
    assert ragged.to_list() == dense.tolist()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 0, 3), (2, 3, 0)])
def test_dense_without_elements(shape: tuple[int, ...]) -> None:
    for rank in range(1, len(shape)):
        ragged = from_dense(np.zeros(shape), rank)
        assert len(ragged) == shape[0]
        assert ragged.to_list() == np.zeros(shape).tolist()


def test_zero_rows_keep_the_uniform_axes() -> None:
    empty = RaggedArray(np.zeros((0, 2), np.int16), splits())
    assert (empty.shape, empty.to_list(), empty.to_padded().shape) == ((0, None, 2), [], (0, 0, 2))
    assert list(empty) == []
    hollow = RaggedArray(np.zeros((0, 2), np.int16), splits(0, 0))
    assert (hollow.to_list(), hollow.to_padded().shape) == ([[], []], (2, 0, 2))


@pytest.mark.parametrize(
    ("dtype", "fill", "held"),
    [
        ("uint8", 255, 255),
        ("uint8", 7.0, 7),
        ("uint64", 2**64 - 1, 2**64 - 1),
        ("int64", -(2**63), -(2**63)),
        ("bool", 1, True),
        ("float32", 0.1, np.float32(0.1)),
        ("float32", np.inf, np.inf),
        ("float16", np.nan, np.nan),
        ("float64", np.float32(2), 2.0),
        ("complex64", 1j, 1j),
        (ml_dtypes.bfloat16, 0.1, ml_dtypes.bfloat16(0.1)),
        (ml_dtypes.float8_e5m2, -1.7, ml_dtypes.float8_e5m2(-1.7)),
        (ml_dtypes.int4, -8, ml_dtypes.int4(-8)),
        (object, b"a\0", b"a\0"),
        (object, "text", "text"),
    ],
)
def test_fills(dtype: Any, fill: Any, held: Any) -> None:
    ragged = RaggedArray(np.zeros(1, dtype), splits(1, 0))
    padded = ragged.to_padded(fill)
    assert padded.dtype == np.dtype(dtype)
    np.testing.assert_equal(padded[1, 0], held)


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int32", 1.5),
        ("int32", np.nan),
        ("int64", 2**63),
        ("int64", 10**30),
        ("bool", 2),
        ("bool", b""),
        ("float32", 1e300),
        ("float32", 1e-300),
        ("float32", 1j),
        ("float32", b"1"),
        ("float32", "nan"),
        ("float64", [1.0, 2.0]),
        (ml_dtypes.float8_e4m3fn, np.inf),
        (ml_dtypes.float8_e4m3fn, 1e9),
        (ml_dtypes.int4, 8),
        (object, 0),
        (object, [b""]),
    ],
)
def test_fills_that_the_dtype_cannot_hold(dtype: Any, fill: Any) -> None:
    name = "string" if dtype is object else np.dtype(dtype).name
    with fails(
        InvalidArgument,
        f"{name} cannot hold fill={fill!r}; give a value of that dtype, or None for its 0",
    ):
        RaggedArray(np.zeros(1, dtype), splits(1, 0)).to_padded(fill)


def test_decoded_text_is_padded_with_text() -> None:
    assert RaggedArray(strings("a", "b"), splits(2, 0)).to_padded().tolist() == [["a", "b"], ["", ""]]
    if not hasattr(np.dtypes, "StringDType"):
        return
    text = RaggedArray(np.array(["a\0", "é"], np.dtypes.StringDType()), splits(2, 1)[:2])
    assert text.to_padded().tolist() == [["a\0", "é"]]
    text = RaggedArray(text.values, splits(0, 2))
    assert text.to_padded().tolist() == [["", ""], ["a\0", "é"]]
    assert text.to_padded("-\0").tolist() == [["-\0", "-\0"], ["a\0", "é"]]
    with pytest.raises(InvalidArgument, match="cannot hold fill=b'-'"):
        text.to_padded(b"-")


def test_padding_that_does_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "free_bytes", lambda: 1 << 30)
    lengths = np.zeros(10**6, np.int64)
    lengths[0] = 10**6
    ragged = RaggedArray(np.zeros((10**6, 2), np.float64), splits(*lengths))
    # 16 bytes a padded row for two float64, one for the mask, and 8 for each row's length
    needed = 10**12 * 17 + 8 * 10**6
    with fails(
        HostMemoryError,
        f"needs 15.5 TiB of host memory ({needed} bytes) and 1.0 GiB (1073741824 bytes) are free; the value is on "
        "the host. Padded, its shape is (1000000, 1000000, 2); pad a slice of the rows at a time, or use to_object()",
    ):
        ragged.to_padded()


# ---------------------------------------------------------------- joining


@given(ragged_arrays(), st.lists(st.integers(0, 5), max_size=3))
def test_pieces_join_to_the_whole(ragged: RaggedArray, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ragged)]
    edges = [min(edge, len(ragged)) for edge in edges]
    joined = concat([ragged[start:stop] for start, stop in pairwise(edges)])
    assert_same(joined, ragged)
    assert not np.shares_memory(joined.flat_values, ragged.flat_values)


def test_join_takes_the_first_row_splits_dtype() -> None:
    small, large = (RaggedArray(np.arange(2), splits(2, dtype=dtype)) for dtype in ("int32", "int64"))
    assert concat([small, large]).row_splits.dtype == np.int32
    assert concat([large, small]).row_splits.dtype == np.int64


def test_join_refuses_nothing() -> None:
    with fails(InvalidArgument, "there is no RaggedArray to concatenate; give at least one"):
        concat([])


def test_join_refuses_an_overflow() -> None:
    # Elements of no bytes: 2**31 - 1 of them are the most that int32 counts.
    most = RaggedArray(np.zeros((2**31 - 1, 0)), np.array([0, 2**31 - 1], np.int32))
    assert len(concat([most])) == 1
    with fails(InvalidArgument, "row_splits of int32 cannot count 4294967294 values; give row_splits of int64"):
        concat([most, most])


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (RaggedArray(np.zeros((1, 2)), splits(1)), "(None, 2) and float64"),
        (RaggedArray(np.zeros(1, np.float32), splits(1)), "(None,) and float32"),
        (RaggedArray(strings(b""), splits(1)), "(None,) and string"),
        (RaggedArray(RaggedArray(np.zeros(1), splits(1)), splits(1)), "(None, None) and float64"),
    ],
)
def test_join_refuses_rows_that_differ(other: RaggedArray, found: str) -> None:
    first = RaggedArray(np.zeros(1), splits(1))
    with fails(
        InvalidArgument,
        f"array 1 has rows of shape {found}, array 0 rows of shape (None,) and float64; "
        "only arrays whose rows agree can be joined",
    ):
        concat([first, other])


@pytest.mark.parametrize("rank", [0, 2, -1])
def test_from_dense_needs_axes(rank: int) -> None:
    with fails(
        InvalidArgument,
        f"ragged_rank={rank} does not fit an array of shape (2, 3); "
        "it must be at least 1 and less than the number of axes",
    ):
        from_dense(np.zeros((2, 3)), rank)


# ---------------------------------------------------------------- TensorFlow as the reference


def as_tensorflow(tf: Any, ragged: RaggedArray) -> Any:
    return tf.RaggedTensor.from_nested_row_splits(ragged.flat_values, list(ragged.nested_row_splits))


def test_lists_and_padding_equal_tensorflow(tf: Any) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.one_of(ragged_arrays(), ragged_arrays(text=True)))
    def check(ragged: RaggedArray) -> None:
        theirs = as_tensorflow(tf, ragged)
        np.testing.assert_equal(ragged.to_list(), theirs.to_list())
        np.testing.assert_array_equal(ragged.to_padded(), theirs.to_tensor().numpy(), strict=True)
        fill = b"\0x\0" if ragged.dtype == object else True
        wanted = theirs.to_tensor(tf.constant(fill) if ragged.dtype == object else tf.cast(fill, theirs.dtype))
        np.testing.assert_array_equal(ragged.to_padded(fill), wanted.numpy(), strict=True)
        assert ragged.shape == tuple(theirs.shape)
        assert ragged.ragged_rank == theirs.ragged_rank

    check()


def test_joining_equals_tensorflow(tf: Any) -> None:
    @settings(deadline=None, max_examples=20)
    @given(ragged_arrays(ranks=(2, 2), uniform=(2,)))
    def check(ragged: RaggedArray) -> None:
        theirs = tf.concat([as_tensorflow(tf, ragged), as_tensorflow(tf, ragged[::-1])], axis=0)
        np.testing.assert_equal(concat([ragged, ragged[::-1]]).to_list(), theirs.to_list())

    check()


# ---------------------------------------------------------------- awkward


def test_awkward_holds_the_same_rows() -> None:
    @settings(deadline=None)
    @given(st.one_of(ragged_arrays(), ragged_arrays(text=True)))
    def check(ragged: RaggedArray) -> None:
        theirs = ragged.to_awkward()
        assert len(theirs) == len(ragged)
        np.testing.assert_equal(theirs.to_list(), ragged.to_list())
        assert theirs.ndim == ragged.ndim

    check()


def test_awkward_types_and_shares_numbers(nested: RaggedArray) -> None:
    import awkward as ak

    assert str(nested.to_awkward().type) == "3 * var * var * float64"
    assert np.shares_memory(ak.to_numpy(ak.flatten(nested.to_awkward(), axis=None)), nested.flat_values)
    uniform = RaggedArray(np.zeros((3, 2), np.int16), splits(1, 2, dtype="int32"))
    assert str(uniform.to_awkward().type) == "2 * var * 2 * int16"
    uniform.flat_values[0, 0] = 7
    assert uniform.to_awkward()[0, 0, 0] == 7
    assert str(RaggedArray(strings(), splits(0)).to_awkward().type) == "1 * var * bytes"
    assert str(RaggedArray(strings("é", "b"), splits(2)).to_awkward().type) == "1 * var * string"
    cube = RaggedArray(strings(b"a", b"b\0", b"", b"d").reshape(1, 2, 2), splits(1, 0))
    assert str(cube.to_awkward().type) == "2 * var * 2 * 2 * bytes"
    assert cube.to_awkward().to_list() == cube.to_list()
    if hasattr(np.dtypes, "StringDType"):
        text = RaggedArray(np.array(["é"], np.dtypes.StringDType()), splits(0, 1))
        assert text.to_awkward().to_list() == [[], ["é"]]


@pytest.mark.parametrize(("name", "wide"), [("bfloat16", "float32"), ("float8_e5m2", "float32"), ("int4", "int8")])
def test_awkward_lacks_extended_dtypes(name: str, wide: str) -> None:
    with fails(FormatError, f"awkward has no {name}; convert by to_numpy(x, dtype='{wide}') first"):
        RaggedArray(np.zeros(1, getattr(ml_dtypes, name)), splits(1)).to_awkward()


def test_awkward_is_asked_for(monkeypatch: pytest.MonkeyPatch, sample: RaggedArray) -> None:
    import importlib

    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with fails(
        MissingExtra,
        "to_awkward() needs awkward, which is not installed; pip install 'tf2numpy[awkward]'",
    ):
        sample.to_awkward()
