"""A SparseArray handed to SciPy is the same array, or is refused where SciPy has none."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given

from conformance.kind import fails
from tf2numpy._errors import FormatError, MissingExtra
from tf2numpy._sparse import SparseArray

from .samples import at, slow_dense, sparse_arrays, strings

SCIPY_NUMBERS = ["bool", "int8", "uint16", "int64", "uint64", "float32", "float64", "complex64"]


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
