"""`RaggedArray`: rows of different lengths as plain arrays. Nothing of TensorFlow may enter this file."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NoReturn, cast, overload

import numpy as np
from numpy.typing import NDArray

from ._dtypes import is_extended, logical_name
from ._errors import FormatError, InvalidArgument, UnsupportedKind
from ._host import allocate
from ._memory import require as require_memory
from ._registry import require as require_library
from ._sparse import missing_value


@dataclass(frozen=True, slots=True, eq=False)
class RaggedArray:
    """Rows of different lengths: row i is `values[row_splits[i]:row_splits[i + 1]]`.

    values: ndarray (total, *uniform) with all rows end to end, or a RaggedArray where the rows are ragged
    themselves. row_splits: integer ndarray (rows + 1,), from 0 up to total, never decreasing.
    Copies: none; the arrays are held as given, and rows and plain slices are views of them.
    Raises: InvalidArgument for parts that do not fit together.

    >>> ragged = RaggedArray(np.array([1, 2, 3]), np.array([0, 2, 2, 3]))
    >>> ragged
    RaggedArray(shape=(3, None), dtype=int64, nbytes=56)
    >>> ragged.to_list()
    [[1, 2], [], [3]]
    """

    values: NDArray[Any] | RaggedArray
    row_splits: NDArray[Any]

    def __post_init__(self) -> None:
        values: Any = self.values
        if not isinstance(values, (np.ndarray, RaggedArray)) or values.ndim == 0:
            found = "an array of shape ()" if isinstance(values, np.ndarray) else f"a {type(values).__name__}"
            raise InvalidArgument(f"values is {found}; give an ndarray of one axis or more, or a RaggedArray")
        if problem := _splits_problem(self.row_splits, len(values)):
            raise InvalidArgument(
                f"row_splits {problem}; it must be a 1-D integer ndarray that rises from 0 to {len(values)}, "
                "the length of values: np.cumsum([0, *row_lengths]) makes one"
            )

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Sizes of the axes, None for each ragged one."""
        return (len(self), None, *self.values.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the innermost values."""
        return self.flat_values.dtype

    @property
    def ndim(self) -> int:
        """The number of axes, ragged and uniform."""
        return self.values.ndim + 1

    @property
    def nbytes(self) -> int:
        """Bytes of all the arrays together (an element of an object array counts as its pointer)."""
        return self.values.nbytes + self.row_splits.nbytes

    @property
    def ragged_rank(self) -> int:
        """The number of ragged axes."""
        return len(self.nested_row_splits)

    @property
    def flat_values(self) -> NDArray[Any]:
        """The innermost values, all rows end to end: shape (total, *uniform), the array itself."""
        return self.values.flat_values if isinstance(self.values, RaggedArray) else self.values

    @property
    def nested_row_splits(self) -> tuple[NDArray[Any], ...]:
        """The row_splits of each ragged axis, outermost first."""
        inner = self.values.nested_row_splits if isinstance(self.values, RaggedArray) else ()
        return (self.row_splits, *inner)

    def row_lengths(self) -> NDArray[Any]:
        """Give the length of each row: shape (rows,), dtype of row_splits, a new array."""
        return np.diff(self.row_splits)

    def __len__(self) -> int:
        return len(self.row_splits) - 1

    def __iter__(self) -> Iterator[NDArray[Any] | RaggedArray]:
        return (self.values[start:stop] for start, stop in pairwise(self.row_splits))

    @overload
    def __getitem__(self, index: int) -> NDArray[Any] | RaggedArray: ...
    @overload
    def __getitem__(self, index: slice) -> RaggedArray: ...
    def __getitem__(self, index: int | slice) -> NDArray[Any] | RaggedArray:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return self._take(np.arange(len(self), dtype=np.int64)[index])
            splits = self.row_splits[start : max(start, stop) + 1]
            return RaggedArray(self.values[splits[0] : splits[-1]], splits - splits[0])
        row = operator.index(index)
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} is out of range for a RaggedArray of {len(self)} rows")
        row %= len(self)
        return self.values[self.row_splits[row] : self.row_splits[row + 1]]

    def __repr__(self) -> str:
        # No values: one row alone may be larger than a screen, or than memory once it is text.
        return f"RaggedArray(shape={self.shape}, dtype={logical_name(self.dtype)}, nbytes={self.nbytes})"

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        # Without this NumPy would make an object array, silently.
        raise UnsupportedKind("NumPy has no ragged array; call to_padded() for a dense one, or to_object()")

    def to_padded(self, fill: Any = None) -> NDArray[Any]:
        """Give a dense array, every ragged axis padded at its end to its longest row.

        Shape: (rows, longest, ..., *uniform). fill: what stands in the padding; None means the dtype's 0,
        and b"" (among text, "") in an object array. A float is rounded to the dtype; nothing else may change.
        Copies: always a new, writable array.
        Raises: HostMemoryError, before allocating, if it does not fit; InvalidArgument for an unfit fill.

        >>> RaggedArray(np.array([1, 2, 3]), np.array([0, 2, 3])).to_padded(fill=-1)
        array([[ 1,  2],
               [ 3, -1]])
        """
        flat, nested = self.flat_values, self.nested_row_splits
        padding = missing_value(flat) if fill is None else _checked_fill(fill, flat.dtype)
        rows = (len(self), *(int(np.diff(splits).max(initial=0)) for splits in nested))
        shape = rows + flat.shape[1:]
        # Beside the result: one byte a padded row for the mask, and the innermost rows' lengths.
        scratch_bytes = math.prod(rows) + math.prod(rows[:-1]) * nested[-1].itemsize
        remedy = f"Padded, its shape is {shape}; pad a slice of the rows at a time, or use to_object()"
        require_memory(math.prod(shape) * flat.itemsize + scratch_bytes, device="the host", remedy=remedy)
        # The mask's cells, in C order, are the flat rows: one mask serves any number of ragged axes.
        mask = np.ones(len(self), np.bool_)
        for splits, width in zip(nested, rows[1:], strict=True):
            lengths = np.zeros(mask.shape, splits.dtype)
            lengths[mask] = np.diff(splits)
            mask = np.arange(width) < lengths[..., None]
        dense = allocate(shape, flat.dtype)
        dense[...] = padding
        # A mask of every axis: for one of the leading axes NumPy would make int64 indices.
        mask = mask.reshape(mask.shape + (1,) * (flat.ndim - 1))
        dense[np.broadcast_to(mask, shape)] = flat.reshape(-1)
        return dense

    def to_list(self) -> list[Any]:
        """Give nested Python lists, strings as `bytes`, as TensorFlow's RaggedTensor.to_list() does."""
        rows: list[Any] = self.flat_values.tolist()
        for splits in reversed(self.nested_row_splits):
            rows = [rows[start:stop] for start, stop in pairwise(splits.tolist())]
        return rows

    def to_object(self) -> NDArray[Any]:
        """Give an object array of shape (rows,) whose elements are the rows, rows of equal length too.

        Copies: none but of pointers; an element is a view, or a RaggedArray of views where rows are ragged.

        >>> RaggedArray(np.array([1, 2, 3]), np.array([0, 2, 3])).to_object()
        array([array([1, 2]), array([3])], dtype=object)
        """
        rows = allocate((len(self),), np.dtype(object))
        # One by one: NumPy makes equal rows two axes when it is given them together.
        for index, row in enumerate(self):
            rows[index] = row
        return rows

    def to_awkward(self) -> Any:
        """Give an awkward.Array; needs the extra `awkward`.

        Copies: none of numbers; strings go to bytestrings, text to strings; row_splits to int64.
        Raises: MissingExtra without awkward; FormatError for dtypes awkward has not, such as bfloat16.
        """
        ak = require_library("awkward", "to_awkward()")
        flat = self.flat_values
        if is_extended(flat.dtype):
            wide = "int8" if "int" in flat.dtype.name else "float32"
            raise FormatError(f"awkward has no {flat.dtype}; convert by to_numpy(x, dtype={wide!r}) first")
        content = _awkward_strings(ak, flat) if flat.dtype.kind in "OSTU" else ak.contents.NumpyArray(flat)
        for splits in reversed(self.nested_row_splits):
            offsets = ak.index.Index64(splits.astype(np.int64, copy=False))
            content = ak.contents.ListOffsetArray(offsets, content)
        return ak.Array(content)

    def _take(self, rows: NDArray[np.int64]) -> RaggedArray:
        """Gather rows by number, each at most once, into new arrays."""
        lengths = self.row_lengths()[rows].astype(np.int64)
        splits = _splits_of(lengths, self.row_splits.dtype)
        shifts = self.row_splits[rows].astype(np.int64) - splits[:-1].astype(np.int64)
        taken = np.arange(splits[-1], dtype=np.int64) + np.repeat(shifts, lengths)
        values = self.values
        return RaggedArray(values._take(taken) if isinstance(values, RaggedArray) else values[taken], splits)


def concat(arrays: Sequence[RaggedArray]) -> RaggedArray:
    """Put the rows of several arrays one after the other.

    Shapes: equal dtypes, ragged ranks, uniform axes. Copies: always; row_splits keep the first one's dtype.
    Raises: InvalidArgument if there is no array, if they do not agree, or if row_splits would overflow.
    """
    if not arrays:
        raise InvalidArgument("there is no RaggedArray to concatenate; give at least one")
    rows = [(a.shape[1:], a.dtype) for a in arrays]
    for number, (shape, dtype) in enumerate(rows):
        if (shape, dtype) != rows[0]:
            raise InvalidArgument(
                f"array {number} has rows of shape {shape} and {logical_name(dtype)}, array 0 rows of shape "
                f"{rows[0][0]} and {logical_name(rows[0][1])}; only arrays whose rows agree can be joined"
            )
    values: Any = np.concatenate([a.flat_values for a in arrays])
    for splits in zip(*(reversed(a.nested_row_splits) for a in arrays), strict=True):
        lengths = np.concatenate([np.diff(level) for level in splits])
        values = RaggedArray(values, _splits_of(lengths, splits[0].dtype))
    return cast(RaggedArray, values)


def from_dense(array: NDArray[Any], ragged_rank: int) -> RaggedArray:
    """Give a dense array as a RaggedArray whose axes 1 to ragged_rank are ragged, though of equal rows.

    Copies: the values are a view, unless the array's strides allow none; row_splits are new, int64.
    Raises: InvalidArgument if the array has too few axes.
    """
    if not 1 <= ragged_rank < array.ndim:
        raise InvalidArgument(
            f"ragged_rank={ragged_rank} does not fit an array of shape {array.shape}; "
            "it must be at least 1 and less than the number of axes"
        )
    shape = array.shape
    values: Any = array.reshape(math.prod(shape[: ragged_rank + 1]), *shape[ragged_rank + 1 :])
    for axis in range(ragged_rank, 0, -1):
        splits = np.arange(math.prod(shape[:axis]) + 1, dtype=np.int64) * shape[axis]
        values = RaggedArray(values, splits)
    return cast(RaggedArray, values)


def _checked_fill(fill: Any, dtype: np.dtype[Any]) -> Any:
    """Give fill in the dtype; raise InvalidArgument if more than a float's rounding would change it."""
    text = isinstance(fill, (bytes, str))
    try:
        # NumPy's own guess of a text's dtype would drop the NULs at its end.
        given = np.asarray(fill, dtype if text else None)
        wanted = fill if text else given.item()
        fits = text if dtype.kind == "O" else dtype.kind == "c" or not isinstance(wanted, complex)
        if fits:
            with np.errstate(all="ignore"):
                given = given.astype(dtype)
            found = given.item()
            # Rounding to the coarsest float (one bit of fraction) moves a value by a quarter at most.
            inexact = isinstance(found, (float, complex))
            fits = found == wanted or (inexact and bool(np.isclose(found, wanted, 0.25, 0, equal_nan=True)))
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise InvalidArgument(
            f"{logical_name(dtype)} cannot hold fill={fill!r}; give a value of that dtype, or None for its 0"
        )
    return given


def _splits_of(lengths: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if (total := int(lengths.sum())) > np.iinfo(dtype).max:
        raise InvalidArgument(f"row_splits of {dtype} cannot count {total} values; give row_splits of int64")
    splits = np.zeros(len(lengths) + 1, dtype)
    splits[1:] = np.cumsum(lengths)
    return splits


def _splits_problem(splits: Any, total: int) -> str:
    """Say what is wrong with row_splits; nothing if they cut `total` values into rows."""
    if not isinstance(splits, np.ndarray):
        return f"is a {type(splits).__name__}"
    if splits.ndim != 1 or splits.dtype.kind not in "iu" or len(splits) == 0:
        return f"has shape {splits.shape} and dtype {logical_name(splits.dtype)}"
    falls = splits[1:] < splits[:-1]
    if falls.any():
        row = int(falls.argmax())
        return f"falls at row {row} from {splits[row]} to {splits[row + 1]}"
    return f"goes from {splits[0]} to {splits[-1]}" if (splits[0], splits[-1]) != (0, total) else ""


def _awkward_strings(ak: Any, flat: NDArray[Any]) -> Any:
    """Copy strings into awkward's layout, one RegularArray for each uniform axis."""
    items = flat.reshape(-1).tolist()
    # Of no strings awkward would make a layout of unknown type: one more goes in, and is cut off again.
    content = ak.from_iter([missing_value(flat), *items], highlevel=False)[1:]
    for axis in range(flat.ndim - 1, 0, -1):
        content = ak.contents.RegularArray(content, flat.shape[axis], math.prod(flat.shape[:axis]))
    return content
