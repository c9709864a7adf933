"""The verb that reads files: `open`. A lazy mapping of arrays over whatever reader knows the file.

What a format is like may not enter.
"""

from __future__ import annotations

import builtins
import difflib
import operator
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _registry
from ._dtypes import logical_name
from ._errors import FormatError, InvalidArgument
from ._lazy import as_written
from ._protocols import ArraySource, Reader, Stored
from ._types import Index, Request
from ._units import format_bytes

_HEAD_BYTES = 64
_SHOWN = 20


@as_written
def open(path: str | os.PathLike[str]) -> File:
    """Open a file that `save` wrote, or its format's own library did: a mapping of names to lazy arrays.

    path: a .npy, .npz, .h5, .zarr or .safetensors file or a folder of .npy files, recognised by content, not suffix.

    Nothing is read before it is asked for: `file["a"][10:20]` reads those rows, `np.asarray(file["a"])` all of them,
    and `to_numpy`, `save`, `iter_chunks` and `plan` take the file or one of its arrays. dtypes are the logical ones,
    bfloat16 and its kin included; strings are object arrays of bytes.

    Raises: FormatError for a file of no known format, or a damaged one; FileNotFoundError; MissingExtra.

    >>> import numpy as np, tempfile, tf2numpy as t2n
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = t2n.save(np.arange(6).reshape(3, 2), f"{folder}/a.npy")
    ...     with t2n.open(path) as file:
    ...         print(file["data"][1:])
    [[2 3]
     [4 5]]
    """
    return File(Path(path), stored_in(Path(path)))


def stored_in(path: Path) -> Stored:
    """Find the reader that knows a file or folder, and what it finds there.

    Raises: as `open`.
    """
    head = b""
    if not path.is_dir():
        with builtins.open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    for target in _registry.FORMATS:
        reader: Reader = _registry.load(target, "formats")
        stored = reader(path, head)
        if stored is not None:
            return stored
    known = ", ".join(target.partition(":")[0] for target in _registry.FORMATS)
    raise FormatError(f"{str(path)!r} is of no format that can be read; known are {known}")


class LazyArray:
    """One array in a file: its shape and dtype are known, its elements are read when asked for.

    Slicing (`a[10:20]`, `a[..., 0]`) reads what it needs; `np.asarray(a)` reads all.
    """

    def __init__(self, source: ArraySource) -> None:
        self.source = source

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of the axes."""
        return tuple(n or 0 for n in self.source.spec.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The logical dtype; `object` means bytes."""
        return self.source.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def nbytes(self) -> int:
        """Bytes of the array in memory (an `object` element counts as its pointer)."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without axes has no length")
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Read a part: integers, slices and `...`; a new array, or a read-only view of a mapped file."""
        index, rest = _region(key, self.shape)
        return self.source.read(index)[rest]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        wanted = None if dtype is None or np.dtype(dtype) == self.dtype else np.dtype(dtype)
        found: NDArray[Any] = self.source.fetch(Request(copy=copy, dtype=wanted))
        return found

    def __repr__(self) -> str:
        return f"LazyArray(shape={self.shape}, dtype={logical_name(self.dtype)}, nbytes={self.nbytes})"


class File(Mapping[str, LazyArray]):
    """The arrays in a file, by name; a context manager that closes it."""

    def __init__(self, path: Path, stored: Stored) -> None:
        self.path, self._stored = path, stored

    def __getitem__(self, name: str) -> LazyArray:
        if name not in self._stored.arrays:
            near = difflib.get_close_matches(str(name), self._stored.arrays, 3)
            hint = f"; near it are {', '.join(map(repr, near))}" if near else ""
            raise KeyError(f"{str(self.path)!r} has no array {name!r}{hint}")
        return LazyArray(self._stored.arrays[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored.arrays)

    def __len__(self) -> int:
        return len(self._stored.arrays)

    def __enter__(self) -> File:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; arrays that were read stay valid."""
        self._stored.close()

    def __repr__(self) -> str:
        lines = [f"{self._stored.kind} {str(self.path)!r}, {len(self)} arrays"]
        for name in list(self)[:_SHOWN]:
            array = self[name]
            lines.append(f"  {name}  {logical_name(array.dtype)}  {array.shape}  {format_bytes(array.nbytes)}")
        return "\n".join(lines + ["  ..."] * (len(self) > _SHOWN))


def _region(key: Any, shape: tuple[int, ...]) -> tuple[Index, tuple[Any, ...]]:
    """Give the smallest region that holds what a key of basic indexing asks for, and the key within it.

    Raises: InvalidArgument for other keys; IndexError for a place outside the array.
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    dots = [place for place, one in enumerate(keys) if one is Ellipsis]
    if len(dots) > 1 or len(keys) - len(dots) > len(shape):
        raise IndexError(f"too many indices for an array of shape {shape}: {key!r}")
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = [slice(None)] * (len(shape) - len(keys) + len(dots))
    index: list[slice] = []
    rest: list[slice | int] = []
    for one, size in zip(keys, shape, strict=True):
        if isinstance(one, slice):
            places = range(*one.indices(size))
            low, high = (min(places[0], places[-1]), max(places[0], places[-1]) + 1) if places else (0, 0)
            index.append(slice(low, high))
            start = places.start - low if places else 0
            stop = start + len(places) * places.step
            rest.append(slice(start, None if stop < 0 else stop, places.step) if places else slice(0, 0))
            continue
        try:
            place = operator.index(one)
        except TypeError:
            raise InvalidArgument(
                f"a lazy array takes integers, slices and ..., found {type(one).__name__}; read it first: a[...][key]"
            ) from None
        if not -size <= place < size:
            raise IndexError(f"{place} is out of bounds for an axis of size {size}")
        index.append(slice(place % size, place % size + 1))
        rest.append(0)
    return tuple(index), tuple(rest)
