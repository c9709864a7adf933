"""Named arrays as a folder with one .npy file for each. Only `arrays.json`, which tells their names, may enter.

The files' own bytes are those of `_npy_file`, and their paths those of `_file_names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from .._errors import FormatError, InvalidArgument
from .._protocols import State
from .._types import PLAIN, ArraySpec, Chunk, Layout
from .._workspace import Workspace
from ..layouts.arrays_json import MARKER, text
from ._file_names import file_names
from ._npy_file import check, nbytes
from ._npy_folder import NpyFolder
from ._output_file import OutputFile
from ._runs import map_array


class FolderSink:
    """A folder of .npy files; "a/b" is b.npy in the folder "a", and `arrays.json` says which file has which array."""

    def __init__(self, workspace: Workspace, layout: Layout = PLAIN) -> None:
        self._workspace = workspace
        self._specs: Mapping[str, ArraySpec] = {}
        self._files: Mapping[str, str] = {}
        self._folder: NpyFolder | None = None

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse strings, and a dtype without a name.

        Raises: FormatError.
        """
        for name, spec in specs.items():
            refuse_strings(name, spec)
            check(name, spec)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create every file with its header, at its full size where that is known; or go on with them.

        Raises: FormatError for strings and for a dtype without a name; StorageFull.
        """
        self.check(specs)
        self._specs = dict(specs)
        self._files = file_names(specs)
        if state is None:
            self._workspace.require(sum(map(nbytes, specs.values())))
        self._workspace.open()
        rows = None if state is None else state["rows"]
        self._folder = NpyFolder(self._workspace, self._workspace.output, self._specs, self._files, rows=rows)

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        assert self._folder is not None
        self._folder.write(chunk)

    def state(self) -> State:
        """Say how many rows there are of each array whose number is not known."""
        assert self._folder is not None
        return {"rows": self._folder.rows}

    def sync(self) -> None:
        """Make what was written durable."""
        assert self._folder is not None
        self._folder.sync()

    def commit(self) -> None:
        """Write the final numbers of rows and `arrays.json`, then publish the folder.

        Raises: OutputExists if the destination appeared meanwhile; StorageFull.
        """
        assert self._folder is not None
        path = self._workspace.output / MARKER
        path.unlink(missing_ok=True)  # of a commit that was interrupted
        marker = OutputFile(self._workspace, path)
        try:
            with marker.guard():
                marker.pwrite(text(self._files), 0)
            marker.sync()
        finally:
            marker.close()
        self._folder.finish()
        self._workspace.publish()

    def suspend(self) -> None:
        """Let go of the unfinished folder, to be gone on from."""
        self._close()
        self._workspace.release()

    def abort(self) -> None:
        """Remove the unfinished folder; a committed one stays."""
        self._close()
        self._workspace.discard()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Accept everything: whatever `begin` takes can be mapped."""

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays as writable memory maps of their logical dtypes.

        Raises: InvalidArgument before `commit`.
        """
        if not self._workspace.published or self._folder is None:
            raise InvalidArgument("nothing is committed yet, so nothing can be mapped; call commit() first")
        return {
            name: map_array(self._workspace.path / self._files[name], array.start, array.shape, array.spec.dtype)
            for name, array in self._folder.arrays.items()
        }

    def _close(self) -> None:
        if self._folder is not None:
            self._folder.close()


def refuse_strings(name: str, spec: ArraySpec) -> None:
    """Refuse what .npy files hold only as pickles, and name the formats that hold strings.

    Raises: FormatError naming the array.
    """
    if spec.dtype.hasobject or spec.dtype.kind == "T":
        raise FormatError(
            f"array {name!r} has dtype {spec.dtype}: .npy files, alone, in a folder or in a .npz file, hold strings "
            "and other Python objects only as pickles, which are unsafe to load; choose a .h5 or .zarr path for "
            "strings, and give numbers a dtype of numbers, np.asarray(x, 'float64')"
        )
