"""What `open` gives: a lazy mapping of the arrays in a file. How files are recognised and read may not enter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._dtypes import logical_name
from ._indexing import region_of
from ._protocols import ArraySource, Place, Stored, StoredRows
from ._selection import close_to
from ._types import Request
from ._units import format_bytes

_SHOWN = 20


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
        index, rest = region_of(key, self.shape)
        found = self.source.read(index)
        return (found if found.flags.aligned else found.copy())[rest]  # where files begin arrays anywhere

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        wanted = None if dtype is None or np.dtype(dtype) == self.dtype else np.dtype(dtype)
        found: NDArray[Any] = self.source.fetch(Request(copy=copy, dtype=wanted))
        return found

    def __repr__(self) -> str:
        return f"LazyArray(shape={self.shape}, dtype={logical_name(self.dtype)}, nbytes={self.nbytes})"


class File(Mapping[str, LazyArray]):
    """The arrays in a file, by name; a context manager that closes it."""

    def __init__(self, path: Place, stored: Stored) -> None:
        self.path, self._stored = path, stored

    @property
    def kind(self) -> str:
        """What the file is."""
        return self._stored.kind

    @property
    def aliases(self) -> Mapping[str, Sequence[str]]:
        """The other names of each array that has some, by the name it goes by here."""
        return self._stored.aliases

    @property
    def left_out(self) -> Mapping[str, str]:
        """What the file has and no array can be, by name, each with the reason."""
        return self._stored.left_out

    @property
    def notes(self) -> Mapping[str, str]:
        """What is given otherwise than the file describes it, by name, each with how."""
        return self._stored.notes

    @property
    def labels(self) -> Mapping[str, Sequence[str]]:
        """What the classes are called that the numbers of an array stand for, from 0 on, where the file says so."""
        return self._stored.labels

    @property
    def chosen(self) -> str:
        """Which of a folder's checkpoints was opened; "" where nothing was to be chosen."""
        return self._stored.chosen

    @property
    def rows(self) -> StoredRows | None:
        """All the arrays as rows, for the verbs, where it is faster to read them together; else None."""
        return self._stored.rows

    def __getitem__(self, name: str) -> LazyArray:
        if name not in self._stored.arrays:
            others = [first for first, rest in self._stored.aliases.items() if name in rest]
            if len(others) != 1 or others[0] not in self._stored.arrays:
                hint = f"; {', '.join(map(repr, others))} are called so" if others else close_to(str(name), self)
                raise KeyError(f"{str(self.path)!r} has no array {name!r}{hint}")
            name = others[0]
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
        lines += ["  ..."] * (len(self) > _SHOWN)
        lines += [f"  left out: {name}  {why}" for name, why in list(self.left_out.items())[:_SHOWN]]
        return "\n".join(lines + ["  left out: ..."] * (len(self.left_out) > _SHOWN))
