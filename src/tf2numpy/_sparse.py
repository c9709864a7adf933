"""`SparseArray`: values with their places, as plain arrays. Nothing of TensorFlow may enter this file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from ._dtypes import is_extended, logical_name
from ._errors import FormatError, InvalidArgument, UnsupportedKind
from ._host import allocate
from ._memory import require as require_memory
from ._registry import require as require_library


@dataclass(frozen=True, slots=True, eq=False)
class SparseArray:
    """Values at given places of an array that is empty elsewhere: `values[i]` stands at `indices[i]`.

    indices: int64 ndarray (nnz, k), places along the first k axes. values: ndarray (nnz, *shape[k:]).
    shape: the whole array's; None where not even TensorFlow knows it (tf.IndexedSlices).
    A tf.SparseTensor has k == len(shape), one value a place; tf.IndexedSlices has k == 1, one slice a place.
    Numbers at a place that is named twice add up. Copies: none; the arrays are held as given.
    Raises: InvalidArgument for parts that do not fit together.

    >>> sparse = SparseArray(np.array([[0, 1], [1, 0]]), np.array([5, 6]), (2, 3))
    >>> sparse
    SparseArray(shape=(2, 3), dtype=int64, nnz=2, nbytes=48)
    >>> sparse.to_dense()
    array([[0, 5, 0],
           [6, 0, 0]])
    """

    indices: NDArray[np.int64]
    values: NDArray[Any]
    shape: tuple[int, ...] | None

    def __post_init__(self) -> None:
        indices: Any = self.indices
        values: Any = self.values
        for name, part in (("indices", indices), ("values", values)):
            if not isinstance(part, np.ndarray):
                raise InvalidArgument(f"{name} is a {type(part).__name__}; give an ndarray")
        if indices.dtype != np.int64 or indices.ndim != 2:
            raise InvalidArgument(
                f"indices has shape {indices.shape} and dtype {logical_name(indices.dtype)}; "
                "give an int64 ndarray of shape (nnz, k), one row a value"
            )
        if values.ndim == 0 or len(values) != len(indices):
            raise InvalidArgument(
                f"values has shape {values.shape} and indices has shape {indices.shape}; "
                "give one value, or slice of values, for each row of indices"
            )
        if self.shape is not None:
            self._check_shape(self.shape)
        self._check_bounds()

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the values."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """The number of axes of the whole array."""
        return int(self.indices.shape[1]) + self.values.ndim - 1

    @property
    def nnz(self) -> int:
        """The number of values (of slices, where k < ndim) that are held, explicit zeros included."""
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Bytes of indices and values (an element of an object array counts as its pointer)."""
        return self.indices.nbytes + self.values.nbytes

    def __repr__(self) -> str:
        dtype = logical_name(self.dtype)
        return f"SparseArray(shape={self.shape}, dtype={dtype}, nnz={self.nnz}, nbytes={self.nbytes})"

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        # Without this NumPy would make a 0-d object array, silently.
        raise UnsupportedKind("NumPy has no sparse array; call to_dense() for a dense one, or use its parts")

    def to_dense(self, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
        """Give the whole array: 0, False or b"" where no value stands, sums where several do.

        shape: the whole array's, needed where `self.shape` is None, else equal to it.
        Copies: always a new, writable array.
        Raises: HostMemoryError, before allocating, if it does not fit; InvalidArgument for a shape that is
        missing or does not fit, and for a repeated place of strings or bools, which have no sum.

        >>> SparseArray(np.array([[2], [2]]), np.array([[1, 1], [0, 5]]), None).to_dense((3, 2))
        array([[0, 0],
               [0, 0],
               [1, 6]])
        """
        if self.shape is None and shape is not None:
            return SparseArray(self.indices, self.values, shape).to_dense()
        if self.shape is None:
            raise InvalidArgument(f"the shape of this {self.ndim}-D array is not known; give to_dense(shape=)")
        if shape is not None and shape != self.shape:
            raise InvalidArgument(f"shape={shape} was given and the array has shape {self.shape}; leave shape out")
        cells = self.shape[: self.indices.shape[1]]
        require_memory(
            math.prod(self.shape) * self.values.itemsize,
            device="the host",
            remedy=f"Dense, its shape is {self.shape}; use its indices and values, or to_scipy()",
        )
        places = _flat(self.indices, cells)
        repeated = _first_repeat(places)
        if repeated is not None and not (self.dtype.kind in "iufc" or is_extended(self.dtype)):
            raise InvalidArgument(
                f"indices[{repeated}] repeats the place {_place(self.indices[repeated])}, and values of "
                f"{logical_name(self.dtype)} have no sum; keep one value for each place"
            )
        dense = allocate(self.shape, self.dtype)
        dense[...] = missing_value(self.values)
        # The number of cells is spelled out: NumPy cannot infer an axis (-1) beside an axis of 0.
        flat = dense.reshape(math.prod(cells), *self.shape[len(cells) :])
        if repeated is None:
            flat[places] = self.values
        else:
            np.add.at(flat, places, self.values)
        return dense

    def to_scipy(self) -> Any:
        """Give a scipy.sparse.coo_array of a 2-D array, or 1-D from SciPy 1.13 on; needs the extra `scipy`.

        Copies: the values are shared; SciPy narrows the indices to int32 where the shape allows.
        Raises: MissingExtra without SciPy; FormatError for the shapes and dtypes that SciPy cannot hold.
        """
        sparse = require_library("scipy.sparse", "to_scipy()")
        scipy = require_library("scipy", "to_scipy()")
        has_1d = tuple(map(int, scipy.__version__.split(".")[:2])) >= (1, 13)
        if self.shape is None or self.ndim not in (2 - has_1d, 2) or self.ndim != self.indices.shape[1]:
            raise FormatError(
                f"scipy {scipy.__version__} holds arrays of {'1 or 2' if has_1d else '2'} axes, all indexed; "
                f"this one has shape {self.shape} and indices of shape {self.indices.shape}: "
                "use to_dense(), or the indices and values themselves"
            )
        if self.dtype.kind not in "biufc" or self.dtype == np.float16 or is_extended(self.dtype):
            remedy = "use to_dense(), or the indices and values themselves"
            if self.dtype.kind not in "OSTU":
                wide = "int8" if "int" in self.dtype.name else "float32"
                remedy = f"convert by to_numpy(x, dtype={wide!r}) first"
            raise FormatError(f"scipy.sparse has no {logical_name(self.dtype)}; {remedy}")
        return sparse.coo_array((self.values, tuple(self.indices.T)), shape=self.shape)

    def _check_shape(self, shape: Any) -> None:
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise InvalidArgument(f"shape is {shape!r}; give a tuple of ints, none negative, or None if unknown")
        axes = self.indices.shape[1]
        if axes > len(shape) or self.values.shape[1:] != shape[axes:]:
            raise InvalidArgument(
                f"indices of shape {self.indices.shape} and values of shape {self.values.shape} do not fit "
                f"shape={shape}; give indices of shape (nnz, k) and values of shape (nnz, *shape[k:])"
            )

    def _check_bounds(self) -> None:
        outside = self.indices < 0
        if self.shape is not None:
            outside |= self.indices >= np.array(self.shape[: self.indices.shape[1]], np.int64)
        rows = outside.any(axis=1)
        if rows.any():
            row = int(rows.argmax())
            raise InvalidArgument(
                f"indices[{row}] is {_place(self.indices[row])}, outside the shape {self.shape}; "
                "each index must be at least 0 and less than its axis"
            )


def concat(arrays: Sequence[SparseArray]) -> SparseArray:
    """Put the rows of several arrays one after the other, along axis 0.

    Shapes: equal but for axis 0, all known; equal dtypes and k. Copies: always new arrays.
    Raises: InvalidArgument if there is no array, or if they do not agree.

    >>> one = SparseArray(np.array([[0, 1]]), np.array([5]), (1, 2))
    >>> concat([one, one]).to_dense()
    array([[0, 5],
           [0, 5]])
    """
    if not arrays:
        raise InvalidArgument("there is no SparseArray to concatenate; give at least one")
    first = arrays[0]
    for number, array in enumerate(arrays):
        if not array.shape or array.indices.shape[1] == 0:
            raise InvalidArgument(
                f"array {number} has shape {array.shape} and indices of shape {array.indices.shape}; "
                "only arrays whose axis 0 is known and indexed can be joined"
            )
        if _row_kind(array) != _row_kind(first):
            raise InvalidArgument(
                f"array {number} has shape {array.shape}, {array.indices.shape[1]} axes indexed and dtype "
                f"{logical_name(array.dtype)}, array 0 shape {first.shape}, {first.indices.shape[1]} and "
                f"{logical_name(first.dtype)}; only arrays that differ in axis 0 alone can be joined"
            )
    shapes = [cast("tuple[int, ...]", array.shape) for array in arrays]
    rows = np.array([shape[0] for shape in shapes], np.int64)
    indices = np.concatenate([array.indices for array in arrays])
    indices[:, 0] += np.repeat(np.cumsum(rows) - rows, [array.nnz for array in arrays])
    values = np.concatenate([array.values for array in arrays])
    return SparseArray(indices, values, (int(rows.sum()), *shapes[0][1:]))


def missing_value(values: NDArray[Any]) -> Any:
    """Give what stands where no value does: 0, False, "", or b"" in an object array.

    Text decoded on NumPy 1 is an object array too; its first element tells, and "" is its missing value.
    """
    if values.dtype.kind == "O":
        return "" if values.size and isinstance(values.flat[0], str) else b""
    return np.zeros((), values.dtype).item()


def _row_kind(array: SparseArray) -> tuple[Any, ...]:
    return (cast("tuple[int, ...]", array.shape)[1:], array.indices.shape[1], array.dtype)


def _place(index: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(index.tolist())


def _flat(indices: NDArray[np.int64], cells: tuple[int, ...]) -> NDArray[np.int64]:
    """Number the places in C order; np.ravel_multi_index would refuse a shape without axes."""
    flat = np.zeros(len(indices), np.int64)
    for axis, size in enumerate(cells):
        flat = flat * size + indices[:, axis]
    return flat


def _first_repeat(places: NDArray[np.int64]) -> int | None:
    """Give the position of the first place that stood before; None if all differ."""
    if np.all(places[1:] > places[:-1]):  # TensorFlow's own order: no need to sort
        return None
    order = np.argsort(places, kind="stable")
    repeats = order[1:][places[order[1:]] == places[order[:-1]]]
    return int(repeats.min()) if len(repeats) else None
