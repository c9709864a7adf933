"""Several arrays side by side in one file, at offsets that a format chose. No file format may enter.

Arrays of known shape are filled in place, and so is the last array of the file if its rows are not counted yet.
The rows of any others wait in side files until it is known where they begin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._types import ArraySpec, Chunk
from .._workspace import Workspace
from ._growing import Growing
from ._output_file import OutputFile
from ._runs import fit, pwrite_region


class Packed:
    """The output of a workspace while its arrays are filled.

    rows: how many have come, of each array whose number is not known.
    """

    def __init__(
        self,
        workspace: Workspace,
        specs: Mapping[str, ArraySpec],
        starts: Mapping[str, int],
        nbytes: int,
        *,
        dtypes: Mapping[str, np.dtype[Any]] | None = None,
        rows: Mapping[str, int] | None = None,
    ) -> None:
        """Create the file; or go on with it, after so many rows of each array whose number is not known.

        starts: offsets of the arrays that are filled in place. nbytes: where the last of them ends, without the rows
        that are not counted. dtypes: those of the bytes in the file.
        """
        self.specs, self.starts = specs, dict(starts)
        self._dtypes = dtypes or {name: spec.dtype for name, spec in specs.items()}
        growing = [name for name, spec in specs.items() if None in spec.shape]
        self.rows = {name: rows[name] if rows else 0 for name in growing}
        self.file = OutputFile(workspace, keep=rows is not None)
        self._staged: dict[str, Growing] = {}
        try:
            if rows is None:
                self.file.resize(nbytes)
            for number, name in enumerate(growing):
                if name not in starts:
                    kept = None if rows is None else rows[name]
                    self._staged[name] = Growing(workspace, f"rows-{number}", specs[name], rows=kept)
        except BaseException:
            self.close()
            raise

    def shape(self, name: str) -> tuple[int, ...]:
        """Give an array's shape, with the rows that have come so far."""
        return tuple(self.rows[name] if n is None else n for n in self.specs[name].shape)

    def nbytes(self, name: str) -> int:
        """Give an array's bytes, with the rows that have come so far."""
        spec = self.specs[name]
        return self.rows[name] * spec.row_nbytes if name in self.rows else spec.nbytes or 0

    def write(self, chunk: Chunk) -> None:
        """Fill one rectangular region; with an unknown number of rows, the next rows.

        Raises: InvalidArgument for a chunk that does not fit; StorageFull.
        """
        index = fit(chunk, self.specs, self.rows.get(chunk.name))
        value = chunk.value.astype(self._dtypes[chunk.name], copy=False)
        if chunk.name in self._staged:
            self._staged[chunk.name].write(index, value)
        else:
            pwrite_region(self.file, self.starts[chunk.name], self.specs[chunk.name].shape, index, value)
        if chunk.name in self.rows:
            self.rows[chunk.name] = index[0].stop

    def place(self, name: str, start: int) -> None:
        """Let an array begin at this offset: one that waited in a side file is copied there."""
        if name in self._staged:
            self._staged[name].append_to(self.file, start)
        self.starts[name] = start

    def sync(self) -> None:
        """Make what was written durable."""
        self.file.sync()
        for staged in self._staged.values():
            staged.sync()

    def close(self) -> None:
        """Close every file; a second time does nothing."""
        self.file.close()
        for staged in self._staged.values():
            staged.close()


def in_place(specs: Mapping[str, ArraySpec], order: list[str]) -> list[str]:
    """Choose, of arrays in the order of the file, those that are filled in place: up to the first that grows."""
    growing = [None in specs[name].shape for name in order]
    return order[: growing.index(True) + 1] if any(growing) else order
