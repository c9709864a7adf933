"""One array as a .npy file, filled in place by region. Only NumPy's own format may enter.

A dtype that .npy cannot name (bfloat16, float8, int4 and their kin) becomes a structure of one field, named
like the dtype: `np.load(path)["bfloat16"].view(ml_dtypes.bfloat16)` is the array again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._dtypes import is_extended, logical_name, storage
from .._errors import FormatError, InvalidArgument
from .._types import ArraySpec, Chunk
from ._atomic import AtomicFile
from ._runs import fit, map_array, pwrite_region, refuse_nameless, refuse_text


class NpySink:
    """A .npy file, which holds exactly one array, of any numeric dtype."""

    _name: str
    _spec: ArraySpec

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        """Look at the destination; nothing is created yet.

        Raises: OutputExists; InvalidArgument for a path that cannot be a file.
        """
        self._file = AtomicFile(path, overwrite=overwrite)
        self._specs: Mapping[str, ArraySpec] = {}
        self._start = 0  # byte offset of the first element
        self._rows: int | None = None  # how many have come, where their number is not known in advance

    def begin(self, specs: Mapping[str, ArraySpec]) -> None:
        """Create the hidden file with its header, at its full size where that is known.

        Raises: FormatError for several arrays, for strings and other objects, and for a dtype without a name;
        StorageFull.
        """
        if len(specs) != 1:
            found = ", ".join(map(repr, specs)) or "none"
            raise FormatError(f"a .npy file holds exactly one array, found {found}; choose a .h5 path for several")
        self._specs = dict(specs)
        ((self._name, self._spec),) = specs.items()
        refuse_text(self._name, self._spec.dtype, "T")
        if self._spec.dtype.hasobject:
            raise FormatError(
                f"array {self._name!r} has dtype {self._spec.dtype}: a .npy file holds strings and other Python "
                "objects only as pickles, which are unsafe to load; choose a .h5 path for strings, and give numbers "
                "a dtype of numbers, np.asarray(x, 'float64')"
            )
        refuse_nameless(self._name, self._spec.dtype)
        self._rows = 0 if None in self._spec.shape else None
        header = self._header()
        self._start = len(header)
        nbytes = self._start + (self._spec.nbytes or 0)
        self._file.create(nbytes)
        try:
            self._file.resize(nbytes)
            with self._file.guard():
                self._file.pwrite(header, 0)
        except BaseException:
            self._file.discard()
            raise

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        index = fit(chunk, self._specs, self._rows)
        pwrite_region(self._file, self._start, self._spec.shape, index, chunk.value)
        if self._rows is not None:
            self._rows = index[0].stop

    def commit(self) -> None:
        """Write the final number of rows into the header, then publish the file.

        Raises: OutputExists if the destination appeared meanwhile; StorageFull.
        """
        if self._rows is not None:
            with self._file.guard():
                self._file.pwrite(self._header(), 0)
        self._file.publish()

    def abort(self) -> None:
        """Remove the unfinished file; a committed one stays."""
        self._file.discard()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Accept everything: whatever `begin` takes can be mapped."""

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed array as a writable memory map of its logical dtype.

        Raises: InvalidArgument before `commit`.
        """
        if not self._file.published:
            raise InvalidArgument("nothing is committed yet, so nothing can be mapped; call commit() first")
        return {self._name: map_array(self._file.path, self._start, self._shape(), self._spec.dtype)}

    def _shape(self) -> tuple[int, ...]:
        return tuple((self._rows or 0) if n is None else int(n) for n in self._spec.shape)

    def _header(self) -> bytes:
        # NumPy pads the header so that it keeps its length while axis 0 grows.
        dtype = self._spec.dtype
        bits = np.dtype([(logical_name(dtype), storage(dtype))]) if is_extended(dtype) else dtype
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            header,
            {"descr": np.lib.format.dtype_to_descr(bits), "fortran_order": False, "shape": self._shape()},
        )
        return header.getvalue()
