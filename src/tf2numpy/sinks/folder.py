"""Named arrays as a folder with one .npy file for each. Only `arrays.json`, which tells their names, may enter.

The files' own bytes are those of `_npy_file`, and their paths those of `_file_names`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from numpy.typing import NDArray

from .._protocols import State
from .._types import ArraySpec, Chunk
from ..layouts.arrays_json import MARKER, text
from ._file_names import file_names
from ._file_sink import FileSink
from ._npy_file import check, nbytes
from ._npy_folder import NpyFolder
from ._output_file import OutputFile
from ._runs import map_array


class FolderSink(FileSink):
    """A folder of .npy files; "a/b" is b.npy in the folder "a", and `arrays.json` says which file has which array."""

    _files: Mapping[str, str]
    _folder: NpyFolder

    def check(self, specs: Mapping[str, ArraySpec]) -> None:
        """Refuse strings, and a dtype without a name.

        Raises: FormatError.
        """
        for name, spec in specs.items():
            check(name, spec)

    def begin(self, specs: Mapping[str, ArraySpec], state: State | None = None) -> None:
        """Create every file with its header, at its full size where that is known; or go on with them.

        Raises: FormatError for strings and for a dtype without a name; StorageFull.
        """
        self.check(specs)
        self._files = file_names(specs)
        if state is None:
            self._workspace.require(sum(map(nbytes, specs.values())))
        self._workspace.open()
        rows = None if state is None else state["rows"]
        folder = NpyFolder(self._workspace, self._workspace.output, dict(specs), self._files, rows=rows)
        self._folder = self._opened(folder)

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        self._folder.write(chunk)

    def state(self) -> State:
        """Say how many rows there are of each array whose number is not known."""
        return {"rows": self._folder.rows}

    def sync(self) -> None:
        """Make what was written durable."""
        self._folder.sync()

    def check_mappable(self, specs: Mapping[str, ArraySpec]) -> None:
        """Accept everything: whatever `begin` takes can be mapped."""

    def mapped(self) -> dict[str, NDArray[Any]]:
        """Give the committed arrays as writable memory maps of their logical dtypes.

        Raises: InvalidArgument before `commit`.
        """
        path = self._committed()
        return {
            name: map_array(path / self._files[name], array.start, array.shape, array.spec.dtype)
            for name, array in self._folder.arrays.items()
        }

    def _finish(self) -> None:
        """Write the final numbers of rows and `arrays.json`."""
        path = self._workspace.output / MARKER
        path.unlink(missing_ok=True)  # of a commit that was interrupted
        with closing(OutputFile(self._workspace, path)) as marker:
            with marker.guard():
                marker.pwrite(text(self._files), 0)
            marker.sync()
        self._folder.finish()
