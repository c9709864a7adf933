"""One array as a .npy file. Only NumPy's own format may enter; see `_npy_file` for its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError, InvalidArgument
from .._protocols import State
from .._types import PLAIN, ArraySpec, Chunk, Layout
from .._workspace import Workspace
from ._npy_file import NpyFile, check, nbytes
from ._output_file import OutputFile
from ._runs import map_array


class NpySink:
    """A .npy file, which holds exactly one array, of any numeric dtype."""

    def __init__(self, workspace: Workspace, layout: Layout = PLAIN) -> None:
        self._workspace = workspace
        self._specs: Mapping[str, ArraySpec] = {}
        self._file: OutputFile | None = None
        self._array: NpyFile | None = None

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
        self._file = OutputFile(self._workspace, keep=state is not None)
        self._array = NpyFile(self._file, spec, rows=None if state is None else state["rows"])

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        assert self._array is not None
        self._array.write(chunk, self._specs)

    def state(self) -> State:
        """Say how many rows there are."""
        assert self._array is not None
        return {"rows": self._array.rows or 0}

    def sync(self) -> None:
        """Make what was written durable."""
        assert self._file is not None
        self._file.sync()

    def commit(self) -> None:
        """Write the final number of rows into the header, then publish the file.

        Raises: OutputExists if the destination appeared meanwhile; StorageFull.
        """
        assert self._array is not None
        self._array.finish()
        self._workspace.publish()

    def suspend(self) -> None:
        """Let go of the unfinished file, to be gone on from."""
        self._close()
        self._workspace.release()

    def abort(self) -> None:
        """Remove the unfinished file; a committed one stays."""
        self._close()
        self._workspace.discard()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Accept everything: whatever `begin` takes can be mapped."""

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed array as a writable memory map of its logical dtype.

        Raises: InvalidArgument before `commit`.
        """
        if not self._workspace.published or self._array is None:
            raise InvalidArgument("nothing is committed yet, so nothing can be mapped; call commit() first")
        ((name, spec),) = self._specs.items()
        return {name: map_array(self._workspace.path, self._array.start, self._array.shape, spec.dtype)}

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
