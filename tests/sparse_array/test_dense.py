"""A SparseArray made dense: every value at its place, repeats added up, as TensorFlow does it."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conformance.kind import fails
from tf2numpy import _memory
from tf2numpy._errors import HostMemoryError, InvalidArgument
from tf2numpy._sparse import SparseArray

from .samples import NUMBERS, at, from_dense, slow_dense, sparse_arrays, strings


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


def test_dense_equals_tensorflow(tf: Any) -> None:
    @settings(max_examples=60)
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
    @settings(max_examples=40)
    @given(sparse_arrays(["int32", "int64", "float32", "float64"]))
    def check(sparse: SparseArray) -> None:
        assert sparse.shape is not None
        places, values = sparse.indices[:, 0], sparse.values
        shape = (sparse.shape[0], *values.shape[1:])
        theirs = tf.convert_to_tensor(tf.IndexedSlices(tf.constant(values), tf.constant(places), tf.constant(shape)))
        found = SparseArray(places[:, None], values, None).to_dense(shape)
        np.testing.assert_array_equal(found, theirs.numpy(), strict=True)

    check()
