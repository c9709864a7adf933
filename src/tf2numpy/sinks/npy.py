"""One array as a .npy file. Only NumPy's own format may enter; see `_npy_file` for its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError
from .._protocols import State
from .._types import ArraySpec, Chunk
from ._file_sink import FileSink
from ._npy_file import NpyFile, check, nbytes
from ._output_file import OutputFile
from ._runs import map_array


class NpySink(FileSink):
    """A .npy file, which holds exactly one array, of any numeric dtype."""

    _specs: Mapping[str, ArraySpec]
    _array: NpyFile

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse several arrays, strings, and a dtype without a name.

        Raises: FormatError.
        """
        if len(specs) != 1:
            found = ", ".join(map(repr, specs)) or "none"
            raise FormatError(f"a .npy file holds exactly one array, found {found}; choose a .h5 path for several")
        ((name, spec),) = specs.items()
        check(name, spec)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create the file with its header, at its full size where that is known; or go on with it.

        Raises: FormatError for several arrays, for strings and for a dtype without a name; StorageFull.
        """
        self.check(specs)
        self._specs = dict(specs)
        (spec,) = specs.values()
        if state is None:
            self._workspace.require(nbytes(spec))
        self._workspace.open()
        file = self._opened(OutputFile(self._workspace, keep=state is not None))
        self._array = NpyFile(file, spec, rows=None if state is None else state["rows"])

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._array.write(chunk, self._specs)

    def state(self) -> State:
        """Say how many rows there are."""
        return {"rows": self._array.rows or 0}

    def sync(self) -> None:
        """Make what was written durable."""
        self._array.file.sync()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Accept everything: whatever `begin` takes can be mapped."""

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed array as a writable memory map of its logical dtype.

        Raises: InvalidArgument before `commit`.
        """
        path = self._committed()
        ((name, spec),) = self._specs.items()
        return {name: map_array(path, self._array.start, self._array.shape, spec.dtype)}

    def _finish(self) -> None:
        """Write the final number of rows into the header."""
        self._array.finish()
