from __future__ import annotations

import copy
import pickle
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
from tf2numpy._sparse import SparseArray, concat

NUMBERS = ["int8", "uint8", "int32", "int64", "uint64", "float16", "float32", "float64", "complex64"]
SCIPY_NUMBERS = ["bool", "int8", "uint16", "int64", "uint64", "float32", "float64", "complex64"]


def strings(*items: Any) -> np.ndarray:
    array = np.empty(len(items), object)
    array[:] = items
    return array


def at(*places: Any) -> np.ndarray:
    return np.array(places, np.int64).reshape(len(places), -1)


def from_dense(dense: np.ndarray, k: int) -> SparseArray:
    """Keep the slices that hold anything at all, in C order."""
    used = dense.astype(bool).reshape(*dense.shape[:k], -1).any(axis=-1)
    return SparseArray(np.argwhere(used).astype(np.int64), dense[used], dense.shape)


@st.composite
def sparse_arrays(draw: st.DrawFn, dtypes: list[str] = NUMBERS, ndim: tuple[int, int] = (1, 4)) -> SparseArray:
    """Up to 8 values in any order, places repeated too, k from 1 to the number of axes."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=ndim[0], max_size=ndim[1])))
    k = draw(st.integers(1, len(shape)))
    places = draw(st.lists(st.tuples(*(st.integers(0, n - 1) for n in shape[:k])), max_size=8))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    # Small whole numbers: their sums are exact whatever the order.
    numbers = draw(hnp.arrays("int8", (len(places), *shape[k:]), elements=st.integers(0, 9)))
    return SparseArray(np.array(places, np.int64).reshape(len(places), k), numbers.astype(dtype), shape)


def slow_dense(sparse: SparseArray) -> np.ndarray:
    dense = np.zeros(sparse.shape, sparse.dtype)
    for place, value in zip(sparse.indices.tolist(), sparse.values, strict=True):
        dense[tuple(place)] += value
    return dense


@pytest.fixture
def sample() -> SparseArray:
    return SparseArray(at((0, 1), (2, 0)), np.array([5, 6], np.int32), (3, 2))


@pytest.fixture
def slices() -> SparseArray:
    return SparseArray(at(2, 0, 2), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), None)


# ---------------------------------------------------------------- parts


def test_describes_itself(sample: SparseArray, slices: SparseArray) -> None:
    assert (sample.dtype, sample.ndim, sample.nnz, sample.nbytes) == (np.dtype(np.int32), 2, 2, 40)
    assert repr(sample) == "SparseArray(shape=(3, 2), dtype=int32, nnz=2, nbytes=40)"
    assert (slices.dtype, slices.ndim, slices.nnz, slices.nbytes) == (np.dtype(np.float64), 2, 3, 72)
    assert repr(slices) == "SparseArray(shape=None, dtype=float64, nnz=3, nbytes=72)"
    text = SparseArray(at((0, 0)), strings(b"x" * 10**6), (1, 1))
    assert repr(text) == "SparseArray(shape=(1, 1), dtype=string, nnz=1, nbytes=24)"


def test_holds_its_parts_as_given_and_frozen(sample: SparseArray) -> None:
    indices, values = at((0,)), np.ones(1)
    sparse = SparseArray(indices, values, (1,))
    assert sparse.indices is indices
    assert sparse.values is values
    with pytest.raises(AttributeError):
        sparse.shape = (2,)  # type: ignore[misc]
    for twin in (copy.deepcopy(sample), pickle.loads(pickle.dumps(sample))):
        np.testing.assert_array_equal(twin.to_dense(), sample.to_dense(), strict=True)
        assert twin != sample
    assert hash(sample) == hash(sample)


@pytest.mark.parametrize(("indices", "values", "name"), [([[0]], np.ones(1), "indices"), (at(0), [1], "values")])
def test_refuses_lists(indices: Any, values: Any, name: str) -> None:
    with fails(InvalidArgument, f"{name} is a list; give an ndarray"):
        SparseArray(indices, values, (1,))


@pytest.mark.parametrize(
    ("indices", "found"),
    [
        (np.zeros(1, np.int64), "shape (1,) and dtype int64"),
        (np.zeros((1, 1), np.int32), "shape (1, 1) and dtype int32"),
        (np.zeros((1, 1, 1), np.int64), "shape (1, 1, 1) and dtype int64"),
    ],
)
def test_refuses_indices(indices: np.ndarray, found: str) -> None:
    with fails(InvalidArgument, f"indices has {found}; give an int64 ndarray of shape (nnz, k), one row a value"):
        SparseArray(indices, np.ones(1), (1,))


@pytest.mark.parametrize("values", [np.array(1), np.ones(3)])
def test_refuses_values_of_another_length(values: np.ndarray) -> None:
    with fails(
        InvalidArgument,
        f"values has shape {values.shape} and indices has shape (2, 1); "
        "give one value, or slice of values, for each row of indices",
    ):
        SparseArray(at(0, 1), values, (4,))


@pytest.mark.parametrize("shape", [[2, 2], (2.0, 2), (2, -1), (None, 2), 4, (np.int64(2), 2)])
def test_refuses_shapes_that_are_none(shape: Any) -> None:
    with fails(InvalidArgument, f"shape is {shape!r}; give a tuple of ints, none negative, or None if unknown"):
        SparseArray(at((0, 0)), np.ones(1), shape)


@pytest.mark.parametrize(
    ("inner", "shape"), [((2,), (3,)), ((2,), (3, 4, 5)), ((2,), (3, 4, 2, 1)), ((2,), ()), ((), (3,))]
)
def test_refuses_a_shape_that_does_not_fit(inner: tuple[int, ...], shape: tuple[int, ...]) -> None:
    with fails(
        InvalidArgument,
        f"indices of shape (1, 2) and values of shape {(1, *inner)} do not fit shape={shape}; "
        "give indices of shape (nnz, k) and values of shape (nnz, *shape[k:])",
    ):
        SparseArray(at((0, 0)), np.ones((1, *inner)), shape)


@pytest.mark.parametrize(
    ("place", "shape"), [((1, 2), (2, 2)), ((2, 0), (2, 2)), ((-1, 0), (2, 2)), ((0, -1), None), ((0, 0), (0, 2))]
)
def test_refuses_places_outside(place: tuple[int, int], shape: Any) -> None:
    good = (0, 0) if shape != (0, 2) else place
    row = 1 if good != place else 0
    with fails(
        InvalidArgument,
        f"indices[{row}] is {place}, outside the shape {shape}; each index must be at least 0 and less than its axis",
    ):
        SparseArray(at(good, place), np.ones(2), shape)


def test_numpy_cannot_take_it_silently(sample: SparseArray) -> None:
    message = "NumPy has no sparse array; call to_dense() for a dense one, or use its parts"
    for take in (np.asarray, np.array, lambda x: np.array([x, x]), lambda x: np.add(x, 1)):
        with fails(UnsupportedKind, message):
            take(sample)


# ---------------------------------------------------------------- dense


@given(hnp.arrays(st.sampled_from([*NUMBERS, "bool"]), hnp.array_shapes(min_dims=0, max_dims=4)), st.data())
def test_dense_there_and_back(dense: np.ndarray, data: st.DataObject) -> None:
    sparse = from_dense(dense, data.draw(st.integers(0, dense.ndim)))
    found = sparse.to_dense()
    assert sparse.ndim == dense.ndim
    np.testing.assert_array_equal(found, dense, strict=True)
    assert found.flags.writeable
    assert not np.shares_memory(found, sparse.values)


@given(sparse_arrays())
def test_repeated_numbers_add_up(sparse: SparseArray) -> None:
    wanted = slow_dense(sparse)
    np.testing.assert_array_equal(sparse.to_dense(), wanted, strict=True)
    unknown = SparseArray(sparse.indices, sparse.values, None)
    assert unknown.ndim == sparse.ndim
    np.testing.assert_array_equal(unknown.to_dense(sparse.shape), wanted, strict=True)


def test_keeps_the_sign_of_zero_and_the_order_of_values() -> None:
    dense = SparseArray(at(3, 1), np.array([-0.0, 2.0]), (4,)).to_dense()
    assert np.signbit(dense).tolist() == [False, False, False, True]
    assert dense.tolist() == [0, 2, 0, 0]


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.int4])
def test_extended_dtypes_add_up(dtype: Any) -> None:
    dense = SparseArray(at(1, 1, 0), np.array([1, 2, -1]).astype(dtype), (3,)).to_dense()
    assert dense.dtype == np.dtype(dtype)
    assert dense.astype(int).tolist() == [-1, 3, 0]


def test_strings_and_bools_are_placed() -> None:
    text = SparseArray(at((1, 0), (0, 1)), strings(b"a\0", b""), (2, 2)).to_dense()
    assert text.tolist() == [[b"", b""], [b"a\0", b""]]
    assert SparseArray(at(1), strings("é"), (2,)).to_dense().tolist() == ["", "é"]
    assert SparseArray(at(1), np.array([True]), (2,)).to_dense().tolist() == [False, True]
    if hasattr(np.dtypes, "StringDType"):
        values = np.array(["é\0"], np.dtypes.StringDType())
        assert SparseArray(at(1), values, (2,)).to_dense().tolist() == ["", "é\0"]


@pytest.mark.parametrize(("values", "name"), [(strings(b"a", b"b", b"c"), "string"), (np.ones(3, bool), "bool")])
def test_repeats_that_have_no_sum_are_refused(values: np.ndarray, name: str) -> None:
    sparse = SparseArray(at((1, 1), (0, 1), (1, 1)), values, (2, 2))
    with fails(
        InvalidArgument,
        f"indices[2] repeats the place (1, 1), and values of {name} have no sum; keep one value for each place",
    ):
        sparse.to_dense()


def test_the_first_repeat_is_named() -> None:
    sparse = SparseArray(at(*range(50), 7, 3), strings(*(b"x" for _ in range(52))), (50,))
    with pytest.raises(InvalidArgument, match=r"^indices\[50\] repeats the place \(7,\)"):
        sparse.to_dense()


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_arrays_without_elements(shape: tuple[int, ...]) -> None:
    for k in range(1, len(shape) + 1):
        sparse = SparseArray(np.zeros((0, k), np.int64), np.zeros((0, *shape[k:])), shape)
        np.testing.assert_array_equal(sparse.to_dense(), np.zeros(shape), strict=True)
    trailing = SparseArray(at(0, 1, 1), np.zeros((3, 0)), (2, 0))
    assert trailing.to_dense().shape == (2, 0)


def test_shape_is_asked_for(slices: SparseArray) -> None:
    with fails(InvalidArgument, "the shape of this 2-D array is not known; give to_dense(shape=)"):
        slices.to_dense()
    np.testing.assert_array_equal(slices.to_dense((3, 2)), [[3, 4], [0, 0], [6, 8]])
    with fails(
        InvalidArgument,
        "indices[0] is (2,), outside the shape (2, 2); each index must be at least 0 and less than its axis",
    ):
        slices.to_dense((2, 2))


def test_another_shape_is_refused(sample: SparseArray) -> None:
    assert sample.to_dense((3, 2)).shape == (3, 2)
    with fails(InvalidArgument, "shape=(4, 2) was given and the array has shape (3, 2); leave shape out"):
        sample.to_dense((4, 2))


def test_dense_that_does_not_fit_is_refused_before_it_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_memory, "free_bytes", lambda: 1 << 30)
    with fails(
        HostMemoryError,
        "needs 7.3 TiB of host memory (8000000000000 bytes) and 1.0 GiB (1073741824 bytes) are free; the value is "
        "on the host. Dense, its shape is (1000000, 1000000); use its indices and values, or to_scipy()",
    ):
        SparseArray(at((0, 0)), np.ones(1), (10**6, 10**6)).to_dense()


# ---------------------------------------------------------------- joining


@given(sparse_arrays(), st.integers(0, 4))
def test_rows_join_to_the_whole(sparse: SparseArray, rows: int) -> None:
    assert sparse.shape is not None
    cut = min(rows, sparse.shape[0])
    first = sparse.indices[:, 0] < cut
    second = SparseArray(
        sparse.indices[~first] - np.eye(1, sparse.indices.shape[1], dtype=np.int64) * cut,
        sparse.values[~first],
        (sparse.shape[0] - cut, *sparse.shape[1:]),
    )
    parts = [SparseArray(sparse.indices[first], sparse.values[first], (cut, *sparse.shape[1:])), second]
    joined = concat(parts)
    assert joined.shape == sparse.shape
    assert joined.indices.dtype == np.int64
    np.testing.assert_array_equal(joined.to_dense(), sparse.to_dense(), strict=True)
    assert not np.shares_memory(joined.indices, parts[0].indices)


def test_join_refuses_nothing() -> None:
    with fails(InvalidArgument, "there is no SparseArray to concatenate; give at least one"):
        concat([])


@pytest.mark.parametrize("shape", [None, (), (3,)])
def test_join_needs_rows(shape: Any) -> None:
    sparse = SparseArray(np.zeros((1, 0), np.int64), np.ones((1, *(shape or ()))), shape)
    with fails(
        InvalidArgument,
        f"array 0 has shape {shape} and indices of shape (1, 0); "
        "only arrays whose axis 0 is known and indexed can be joined",
    ):
        concat([sparse])


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (SparseArray(at((0, 0)), np.ones(1), (1, 3)), "shape (1, 3), 2 axes indexed and dtype float64"),
        (SparseArray(at(0), np.ones((1, 2)), (1, 2)), "shape (1, 2), 1 axes indexed and dtype float64"),
        (SparseArray(at((0, 0)), strings(b""), (1, 2)), "shape (1, 2), 2 axes indexed and dtype string"),
    ],
)
def test_join_refuses_arrays_that_differ(other: SparseArray, found: str) -> None:
    with fails(
        InvalidArgument,
        f"array 1 has {found}, array 0 shape (5, 2), 2 and float64; "
        "only arrays that differ in axis 0 alone can be joined",
    ):
        concat([SparseArray(at((0, 0)), np.ones(1), (5, 2)), other])


# ---------------------------------------------------------------- TensorFlow as the reference


def test_dense_equals_tensorflow(tf: Any) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.sampled_from(["int32", "int64", "float32", "bool", "string"]), st.data())
    def check(dtype: str, data: st.DataObject) -> None:
        dense = data.draw(hnp.arrays("uint8" if dtype == "string" else dtype, hnp.array_shapes(max_dims=4)))
        if dtype == "string":
            dense = strings(*(b"\0" * n for n in dense.ravel().tolist())).reshape(dense.shape)
        sparse = from_dense(dense, dense.ndim)
        theirs = tf.sparse.SparseTensor(sparse.indices, tf.constant(sparse.values, dtype), sparse.shape)
        np.testing.assert_array_equal(sparse.to_dense(), tf.sparse.to_dense(theirs).numpy(), strict=True)

    check()


def test_slices_equal_tensorflow(tf: Any) -> None:
    @settings(deadline=None, max_examples=40)
    @given(sparse_arrays(["int32", "int64", "float32", "float64"]))
    def check(sparse: SparseArray) -> None:
        assert sparse.shape is not None
        places, values = sparse.indices[:, 0], sparse.values
        shape = (sparse.shape[0], *values.shape[1:])
        theirs = tf.convert_to_tensor(tf.IndexedSlices(tf.constant(values), tf.constant(places), tf.constant(shape)))
        found = SparseArray(places[:, None], values, None).to_dense(shape)
        np.testing.assert_array_equal(found, theirs.numpy(), strict=True)

    check()


def test_joining_equals_tensorflow(tf: Any) -> None:
    one = from_dense(np.arange(12).reshape(3, 4) % 5, 2)
    two = from_dense(np.arange(8).reshape(2, 4) % 3, 2)
    theirs = tf.sparse.concat(0, [tf.sparse.SparseTensor(x.indices, x.values, x.shape) for x in (one, two)])
    joined = concat([one, two])
    np.testing.assert_array_equal(joined.indices, theirs.indices.numpy())
    np.testing.assert_array_equal(joined.values, theirs.values.numpy())
    assert joined.shape == tuple(theirs.shape)


# ---------------------------------------------------------------- SciPy


def test_scipy_holds_the_same_array() -> None:
    @given(sparse_arrays(SCIPY_NUMBERS, ndim=(2, 2)))
    def check(sparse: SparseArray) -> None:
        if sparse.indices.shape[1] == 1:
            return
        theirs = sparse.to_scipy()
        assert type(theirs).__name__ == "coo_array"
        assert theirs.dtype == sparse.dtype
        assert np.shares_memory(theirs.data, sparse.values) or sparse.nnz == 0
        wanted = slow_dense(sparse)
        np.testing.assert_array_equal(theirs.toarray(), wanted, strict=True)
        if sparse.dtype != bool:
            np.testing.assert_array_equal(sparse.to_dense(), theirs.toarray(), strict=True)

    check()


def scipy_axes(scipy: Any) -> str:
    return "1 or 2" if tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 13) else "2"


def test_scipy_one_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy

    sparse = SparseArray(at(3, 1), np.array([1.5, 2.5]), (5,))
    if scipy_axes(scipy) == "1 or 2":
        np.testing.assert_array_equal(sparse.to_scipy().toarray(), sparse.to_dense(), strict=True)
    monkeypatch.setattr(scipy, "__version__", "1.12.0")
    with fails(
        FormatError,
        "scipy 1.12.0 holds arrays of 2 axes, all indexed; this one has shape (5,) and indices of shape (2, 1): "
        "use to_dense(), or the indices and values themselves",
    ):
        sparse.to_scipy()


@pytest.mark.parametrize(
    "sparse",
    [
        SparseArray(at((0, 0, 0)), np.ones(1), (1, 1, 1)),
        SparseArray(at(0), np.ones((1, 2)), (1, 2)),
        SparseArray(at((0, 0)), np.ones(1), None),
        SparseArray(at((0,) * 12), np.ones(1), (1,) * 12),
        SparseArray(np.zeros((1, 0), np.int64), np.ones(1), ()),
    ],
)
def test_scipy_lacks_other_shapes(sparse: SparseArray) -> None:
    import scipy

    with fails(
        FormatError,
        f"scipy {scipy.__version__} holds arrays of {scipy_axes(scipy)} axes, all indexed; "
        f"this one has shape {sparse.shape} and indices of shape {sparse.indices.shape}: "
        "use to_dense(), or the indices and values themselves",
    ):
        sparse.to_scipy()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones(1, np.float16), "float16; convert by to_numpy(x, dtype='float32') first"),
        (np.ones(1, ml_dtypes.bfloat16), "bfloat16; convert by to_numpy(x, dtype='float32') first"),
        (np.ones(1, ml_dtypes.float8_e5m2), "float8_e5m2; convert by to_numpy(x, dtype='float32') first"),
        (np.ones(1, ml_dtypes.uint4), "uint4; convert by to_numpy(x, dtype='int8') first"),
        (strings(b"a"), "string; use to_dense(), or the indices and values themselves"),
    ],
)
def test_scipy_lacks_dtypes(values: np.ndarray, message: str) -> None:
    with fails(FormatError, f"scipy.sparse has no {message}"):
        SparseArray(at((0, 0)), values, (1, 1)).to_scipy()


def test_scipy_is_asked_for(monkeypatch: pytest.MonkeyPatch, sample: SparseArray) -> None:
    import importlib

    def absent(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'scipy'", name="scipy")

    monkeypatch.setattr(importlib, "import_module", absent)
    with fails(MissingExtra, "to_scipy() needs scipy, which is not installed; pip install 'tf2numpy[scipy]'"):
        sample.to_scipy()
