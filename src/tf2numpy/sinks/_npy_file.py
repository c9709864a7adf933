"""One array as the bytes of a .npy file, filled in place by region. Names of files and arrays may not enter.

A dtype that .npy cannot name (bfloat16, float8, int4 and their kin) becomes a structure of one field, named
like the dtype: `np.load(path)["bfloat16"].view(ml_dtypes.bfloat16)` is the array again.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._dtypes import structure
from .._errors import FormatError
from .._types import ArraySpec, Chunk
from ..layouts.refusals import refuse_nameless, refuse_text
from ._output_file import OutputFile
from ._runs import fit, pwrite_region


def check(name: str, spec: ArraySpec) -> None:
    """Refuse what .npy files cannot hold, or hold only as pickles.

    Raises: FormatError for strings and other objects, and for a dtype without a name.
    """
    refuse_text(name, spec.dtype, "T")
    if spec.dtype.hasobject:
        raise FormatError(
            f"array {name!r} has dtype {spec.dtype}: .npy files, alone, in a folder or in a .npz file, hold strings "
            "and other Python objects only as pickles, which are unsafe to load; choose a .h5 or .zarr path for "
            "strings, and give numbers a dtype of numbers, np.asarray(x, 'float64')"
        )
    refuse_nameless(name, spec.dtype)


def nbytes(spec: ArraySpec) -> int:
    """Give the size of the whole file, as far as the rows are known."""
    return len(file_header(_known(spec, 0), spec.dtype)) + (spec.nbytes or 0)


class NpyFile:
    """A .npy file being filled.

    rows: how many have come, where their number is not known in advance; None where it is.
    start: byte offset of the first element.
    """

    def __init__(self, file: OutputFile, spec: ArraySpec, *, rows: int | None = None) -> None:
        """Write the header into an empty file and give the file its size; or go on after so many rows.

        rows: those that are in the file already; None for an empty file.
        """
        self.file, self.spec = file, spec
        self.rows = (rows or 0) if None in spec.shape else None
        header = file_header(self.shape, spec.dtype)
        self.start = len(header)
        if rows is None:
            file.resize(nbytes(spec))
            with file.guard():
                file.pwrite(header, 0)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, with the rows that have come so far."""
        return _known(self.spec, self.rows or 0)

    def write(self, chunk: Chunk, specs: Mapping[str, ArraySpec]) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        index = fit(chunk, specs, self.rows)
        pwrite_region(self.file, self.start, self.spec.shape, index, chunk.value)
        if self.rows is not None:
            self.rows = index[0].stop

    def finish(self) -> None:
        """Write the final number of rows into the header; make the file durable and close it."""
        if self.rows is not None:
            with self.file.guard():
                self.file.pwrite(file_header(self.shape, self.spec.dtype), 0)
            self.file.resize(self.start + self.rows * self.spec.row_nbytes)
        self.file.sync()
        self.file.close()


def _known(spec: ArraySpec, rows: int) -> tuple[int, ...]:
    return tuple(rows if n is None else int(n) for n in spec.shape)


def file_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    # NumPy pads the header so that it keeps its length while axis 0 grows.
    header, descr = io.BytesIO(), np.lib.format.dtype_to_descr(structure(dtype))
    np.lib.format.write_array_header_1_0(header, {"descr": descr, "fortran_order": False, "shape": shape})
    return header.getvalue()
